package api

import (
	"context"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/view"
)

func (s *service) messages() {
	shows(s, operation{access.MessagesView, "/messages", "listMessages", "Who was told what, the newest first"}, s.listMessages)
}

func (s *service) listMessages(ctx context.Context, q *struct {
	Window
	State     string `query:"state" enum:"waiting,sent,failed"`
	Recipient string `query:"recipient" maxLength:"300" doc:"Such as Person:E100 or webhook chat."`
},
) (Page[view.Message], error) {
	before, err := placeIn[int64](q.After)
	if err != nil {
		return Page[view.Message]{}, err
	}
	page, err := s.ask.Messages(ctx, view.MessageFilter{State: q.State, Recipient: q.Recipient, Before: before, Limit: view.Rows(q.Limit)})
	return pageOf(page.Messages, some(page.Before)), err
}

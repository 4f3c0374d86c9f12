package api

import (
	"context"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/view"
)

func (s *service) messages() {
	shows(s, operation{access.MessagesView, "/messages", "listMessages", "Who was told what, as a rule the newest first"}, s.listMessages)
}

func (s *service) listMessages(ctx context.Context, q *struct {
	Window
	State     string `query:"state" enum:"waiting,sent,failed"`
	Recipient string `query:"recipient" maxLength:"300" doc:"Such as Person:E100 or webhook chat."`

	Sort sorted[numberedColumns] `query:"sort"`
},
) (Page[view.Message], error) {
	before, _, err := rowIn[int64](q.After, string(q.Sort))
	if err != nil {
		return Page[view.Message]{}, err
	}
	page, err := s.ask.Messages(ctx, view.MessageFilter{State: q.State, Recipient: q.Recipient, Oldest: q.Sort == "number", Before: before, Limit: view.Rows(q.Limit)})
	return pageOf(page.Messages, rowOf(page.Before, "", string(q.Sort))), err
}

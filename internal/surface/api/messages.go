package api

import (
	"context"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

func (s *service) messages() {
	shows(s, operation{access.MessagesView, "/messages", "listMessages", "Who was told what, as a rule the newest first"}, s.listMessages)
	acts(s, operation{access.JobsRun, "/messages/retries", "retryMessages", "Make every message due that waits or was given up"}, s.retryMessages)
	shows(s, operation{access.OwnMessages, "/messages/delivery", "showDelivery", "How whoever asks is told"}, s.showDelivery)
	acts(s, operation{access.OwnMessages, "/messages/delivery", "chooseDelivery", "Choose how one is told"}, s.chooseDelivery)
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

// Retried is how many messages are due now.
type Retried struct {
	Messages int64 `json:"messages"`
}

func (s *service) retryMessages(ctx context.Context, q *struct{ Body Reason }) (Retried, error) {
	n, err := s.Messages.Retry(ctx, reach.Actor(ctx, s.Local), q.Body.Why)
	return Retried{n}, err
}

// Delivery is how somebody is told.
type Delivery struct {
	Recipient string            `json:"recipient" doc:"What messages call whoever asks."`
	Chosen    messages.Delivery `json:"chosen" doc:"What he chose; what is left open is as usual."`
	Usual     messages.Delivery `json:"usual"`
}

func (s *service) delivery(ctx context.Context) (d Delivery, err error) {
	if d.Recipient, err = notify.Own(ctx, s.Messages, routes.Who(ctx), s.Local.As); err != nil {
		return d, err
	}
	if d.Recipient == "" {
		return d, &fault.Error{Kind: fault.Refused, Msg: "nobody is known here who could choose", Do: "sign in"}
	}
	d.Chosen, d.Usual, err = s.Messages.Delivery(ctx, d.Recipient)
	return d, err
}

func (s *service) showDelivery(ctx context.Context, _ *struct{}) (Delivery, error) {
	return s.delivery(ctx)
}

// ChosenDelivery is how somebody wants to be told.
type ChosenDelivery struct {
	How  string `json:"how,omitempty" enum:"at-once,digest,none" doc:"None of them: as the configuration says."`
	Hour string `json:"hour,omitempty" maxLength:"5" doc:"When a digest comes: 08:00."`
	Zone string `json:"zone,omitempty" maxLength:"100" doc:"The time zone of that hour, such as Europe/Berlin."`
}

func (s *service) chooseDelivery(ctx context.Context, q *struct{ Body ChosenDelivery }) (Delivery, error) {
	d, err := s.delivery(ctx)
	if err != nil {
		return d, err
	}
	chosen := messages.Delivery{How: messages.How(q.Body.How), At: q.Body.Hour, Zone: q.Body.Zone}
	if err := s.Messages.Choose(ctx, reach.Actor(ctx, s.Local), d.Recipient, chosen); err != nil {
		return d, err
	}
	return s.delivery(ctx)
}

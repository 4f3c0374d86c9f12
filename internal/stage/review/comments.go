package review

import (
	"context"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
)

// model is what says which decisions need a reason; an empty one asks for none.
func (d *Desk) model(ctx context.Context) (*roles.Model, error) {
	if d.Model == nil {
		return &roles.Model{}, nil
	}
	return d.Model(ctx)
}

// reasoned refuses a decision without the reason that it needs.
func reasoned(on orders.Event, c roles.Comments, why string) error {
	needs := map[orders.Event]bool{orders.Approve: c.Approve, orders.Decline: c.Decline, orders.Keep: c.Keep, orders.Correct: c.Correct}[on]
	if !needs || strings.TrimSpace(why) != "" {
		return nil
	}
	return &fault.Error{
		Kind: fault.Refused, Op: string(on), Msg: "this decision needs a reason", Do: "say it with --why; comments in the configuration asks for it",
	}
}

// verdictOf is the decision of a request in the words of an order.
func verdictOf(approve bool) orders.Event {
	if approve {
		return orders.Approve
	}
	return orders.Decline
}

package view_test

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

func TestEveryOpenOrderSaysWhoseTurnItIs(t *testing.T) {
	in := func(s orders.State, more view.Order) view.Order {
		more.State = view.StateOf(orders.Place{State: s})
		return more
	}
	for want, o := range map[string]view.Order{
		"a review":              in(orders.AwaitingApproval, view.Order{Waits: "a review"}),
		"a threshold":           in(orders.Pending, view.Order{Waits: "a threshold"}),
		"the next run":          in(orders.Pending, view.Order{}),
		"the agent":             in(orders.Transmitted, view.Order{}),
		"a technician":          in(orders.Transmitted, view.Order{Manual: true}),
		"Ada, who took it":      in(orders.Transmitted, view.Order{Manual: true, TakenBy: "Ada"}),
		"the application owner": in(orders.Errored, view.Order{}),
		"synchronization":       in(orders.Executed, view.Order{Waits: "a gate that it passed"}),
		"":                      in(orders.Verified, view.Order{Closed: time.Unix(1, 0)}),
	} {
		if got := o.WaitsFor(); got != want {
			t.Errorf("%s: it waits for %q, not %q", o.State.Name, got, want)
		}
	}
}

package act

import (
	"context"
	"fmt"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// OnOrders is one verb on some orders, each at the version that the person saw.
type OnOrders struct {
	Verb    Verb
	Orders  []view.Order
	Items   []int // of a single order; none: all that it can apply to
	Version int   // that a single order must have; 0: the one in Orders
	Until   time.Time
	Why     string
	Stated  bool // the person states that the failed attempt did not happen
	// ForReview leaves what comes of it to another reviewer.
	ForReview bool
}

// Orders is what came of an act on orders.
type Orders struct {
	Decided []orders.OrderID `json:"decided"`
	Refused []Refused        `json:"refused,omitempty"`
}

// Do carries the act out on each order by itself.
func (x OnOrders) Do(ctx context.Context, d Desk) (Orders, error) {
	answer := Orders{Decided: []orders.OrderID{}}
	for _, o := range x.Orders {
		switch {
		case !o.Closed.IsZero() && x.Verb != Revoke:
			answer.Refused = append(answer.Refused, Refused{Order: o.ID, Why: "the order is closed: " + o.Outcome})
			continue
		case x.Version != 0 && x.Version != o.Version:
			answer.Refused = append(answer.Refused, Refused{Order: o.ID, Why: fmt.Sprintf("it changed since you looked: you saw version %d, it is at %d now", x.Version, o.Version)})
			continue
		}
		out, err := x.one(ctx, d, o)
		if err != nil {
			return answer, err
		}
		for range out.Decided {
			answer.Decided = append(answer.Decided, o.ID)
		}
		for _, r := range out.Refused {
			answer.Refused = append(answer.Refused, Refused{Order: o.ID, Why: r.Why})
		}
	}
	return answer, nil
}

func (x OnOrders) one(ctx context.Context, d Desk, o view.Order) (review.Outcome, error) {
	on := []orders.AssignedID{o.Assigned}
	switch x.Verb {
	case Take:
		return d.Take(ctx, on)
	case Confirm:
		return d.Confirm(ctx, on, x.Items, x.Why)
	case Fail:
		return d.Fail(ctx, on, x.Items, x.Why)
	}
	version := o.Version
	if x.Verb == Revoke {
		version = 0 // another order may be open on the account by now
	}
	return d.Decide(ctx, review.Decision{
		On: orders.Event(x.Verb), Assigned: on, Items: x.Items, Version: version, Until: x.Until, Why: x.Why,
		MayReview: !x.ForReview, Stated: x.Stated,
	})
}

// OnItems is what a person says about each item of one order, made together or
// not at all.
type OnItems struct {
	Order   view.Order
	Version int // of the order that the person saw
	Say     map[int]Verb
	Until   time.Time
	Why     string
	Stated  bool
}

// Do makes the decisions. Declining the account declines its items, so what is
// said of those besides it does not count.
func (x OnItems) Do(ctx context.Context, d Desk) (Orders, error) {
	answer := Orders{Decided: []orders.OrderID{}}
	if !x.Order.Closed.IsZero() {
		answer.Refused = append(answer.Refused, Refused{Order: x.Order.ID, Why: "the order is closed: " + x.Order.Outcome})
		return answer, nil
	}
	list := x.decisions()
	if len(list) == 0 {
		return answer, &fault.Error{Kind: fault.Invalid, Op: "decide", Msg: "nothing is decided yet", Do: "Choose approve, decline or postpone for at least one line."}
	}
	out, err := d.DecideItems(ctx, x.Order.Assigned, list)
	for range out.Decided {
		answer.Decided = append(answer.Decided, x.Order.ID)
	}
	for _, r := range out.Refused {
		answer.Refused = append(answer.Refused, Refused{Order: x.Order.ID, Why: r.Why})
	}
	return answer, err
}

func (x OnItems) decisions() []review.Decision {
	var list []review.Decision
	for _, verb := range []Verb{Decline, Postpone, Retry, Approve} {
		one := review.Decision{On: orders.Event(verb), Version: x.Version, Until: x.Until, Why: x.Why, MayReview: true, Stated: x.Stated}
		for _, it := range x.Order.Items {
			if x.Say[it.Item] != verb {
				continue
			}
			one.Items = append(one.Items, it.Item)
			if verb == Decline && it.Property == "" {
				one.Items = []int{it.Item}
				return []review.Decision{one}
			}
		}
		if len(one.Items) > 0 {
			list = append(list, one)
		}
	}
	return list
}

// OfKind lets everything of a kind through the threshold that parked it or, with
// Rules, what these raised.
type OfKind struct {
	Type  roles.ResourceTypeID
	Kind  orders.Kind
	Rules string // a review.Cause; "": whatever raised it
	Why   string
}

// Do releases them. of names the orders of the assigned resources, for the answer.
func (x OfKind) Do(ctx context.Context, d Desk, of func(context.Context) (map[orders.AssignedID]orders.OrderID, error)) (Orders, error) {
	answer := Orders{Decided: []orders.OrderID{}}
	var out review.Outcome
	var err error
	if x.Rules != "" {
		out, err = d.ReleaseCaused(ctx, x.Type, x.Kind, x.Rules, x.Why)
	} else {
		out, err = d.ReleaseAll(ctx, x.Type, x.Kind, x.Why)
	}
	if err != nil {
		return answer, err
	}
	opened, err := of(ctx)
	if err != nil {
		return answer, err
	}
	for _, id := range out.Decided {
		answer.Decided = append(answer.Decided, opened[id])
	}
	for _, r := range out.Refused {
		answer.Refused = append(answer.Refused, Refused{Order: opened[r.Assigned], Why: r.Why})
	}
	return answer, nil
}

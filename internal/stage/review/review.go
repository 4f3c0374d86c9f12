// Package review is the fifth stage: what people decide. They approve, decline
// and postpone orders, take and confirm what they carry out by hand, retry what
// failed, release what a threshold parked, and settle what was found.
//
// Each decision is one transaction on one assigned resource, with its journal
// entry; a crash leaves it made or not made.
package review

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// Store is what reviewing needs from the store.
type Store interface {
	stage.Counters
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	Update(ctx context.Context, act journal.Act, ids []orders.AssignedID, move func(*orders.AssignedResource) error, also ...stage.Extra) error
	AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error)
	RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error)
	Requests(ctx context.Context, f stage.RequestFilter) ([]requests.Request, error)
	Decisions(ctx context.Context, kind stage.DecisionKind) ([]stage.Decision, error)
	Parks(ctx context.Context) ([]stage.Park, error)
	OpenOf(ctx context.Context, at stage.ParkKey, after orders.OrderID, limit int) ([]orders.AssignedID, orders.OrderID, error)
	Unpark(ctx context.Context, act journal.Act, list []stage.ParkKey) error
}

// A Desk is where a person decides.
type Desk struct {
	Store Store
	Clock func() time.Time
	Actor journal.Actor
	// Model says which decisions need a reason; nil where a rule decides, which
	// gives its own.
	Model func(context.Context) (*roles.Model, error)
}

// A Decision is what a person says about some assigned resources.
type Decision struct {
	On       orders.Event
	Assigned []orders.AssignedID
	Items    []int // of a single assigned resource; none: all that it can apply to
	Version  int   // of the order that the person saw; 0: as it is now
	Until    time.Time
	Why      string
	// MayReview: the person may review the resource types.
	MayReview bool
	Stated    bool
	// Former is what rolling back brings back, by item.
	Former map[int]orders.Holding
}

// A Refusal says why a decision could not be made on one assigned resource.
type Refusal struct {
	Assigned orders.AssignedID `json:"assigned"`
	Why      string            `json:"why"`
}

// An Outcome says on what a decision was made.
type Outcome struct {
	Decided []orders.AssignedID `json:"decided"`
	Refused []Refusal           `json:"refused,omitempty"`
}

// Decide makes the decision on each assigned resource by itself: what cannot be
// decided on one stops no other.
func (d *Desk) Decide(ctx context.Context, x Decision) (Outcome, error) {
	model, err := d.model(ctx)
	if err != nil {
		return Outcome{}, err
	}
	return d.each(ctx, x.Assigned, string(x.On), x.Why, 1, d.deciding(ctx, model, x))
}

// DecideItems makes several decisions on the items of one assigned resource in
// one transaction: all of them, or none. The version is that of the first.
func (d *Desk) DecideItems(ctx context.Context, id orders.AssignedID, list []Decision) (Outcome, error) {
	model, err := d.model(ctx)
	if err != nil || len(list) == 0 {
		return Outcome{}, err
	}
	acts := make([]deciding, len(list))
	for i, x := range list {
		if i > 0 {
			x.Version = 0 // what was decided before it moved the order on
		}
		acts[i] = d.deciding(ctx, model, x)
	}
	return d.each(ctx, []orders.AssignedID{id}, "review", list[0].Why, len(list), func(a *orders.AssignedResource, o orders.Occasion, also *stage.Extra) error {
		for _, act := range acts {
			if err := act(a, o, also); err != nil {
				return err
			}
		}
		return nil
	})
}

// deciding makes a decision on one assigned resource, and notes what is to be
// stored beside it.
type deciding func(*orders.AssignedResource, orders.Occasion, *stage.Extra) error

func (d *Desk) deciding(ctx context.Context, model *roles.Model, x Decision) deciding {
	linked := map[orders.AssignedID]map[int]stage.RoleMove{} // found out once, before the act's transaction
	apart := map[orders.AssignedID]bool{}                    // likewise
	return func(a *orders.AssignedResource, o orders.Occasion, also *stage.Extra) error {
		if err := reasoned(x.On, model.ResourceTypes[a.Type].Comments, x.Why); err != nil {
			return err
		}
		if !apart[a.ID] {
			if err := d.apart(ctx, x.On, a, model); err != nil {
				return err
			}
			apart[a.ID] = true
		}
		parked, err := d.parked(ctx, x.On, a)
		if err != nil {
			return err
		}
		roles, known := linked[a.ID]
		if !known {
			if roles, err = d.linkedRoles(ctx, x, a); err != nil {
				return err
			}
			linked[a.ID] = roles
		}
		if x.On == orders.Decline && a.Order != nil && a.Order.Kind == orders.Association && a.Doubtful() {
			also.Decide = append(also.Decide, stage.Decision{
				Kind: stage.AssociationDenied, Type: a.Type, Owner: a.Owner, Target: a.Target, Why: x.Why,
			})
		}
		err = a.Decide(o, orders.Choice{
			On: x.On, Items: x.Items, Version: x.Version, Until: x.Until, MayReview: x.MayReview, Stated: x.Stated, Parked: parked, Former: x.Former,
		})
		if err == nil {
			settleLinked(a, x, o, roles, also)
		}
		if err == nil && x.On == orders.Release && !waiting(a) && stage.HeldByThreshold(a.Order) {
			a.Order.Waits = "" // what else it may wait for is found when it is to go out
		}
		return err
	}
}

// parked reports whether a threshold holds the order; only releasing asks.
func (d *Desk) parked(ctx context.Context, on orders.Event, a *orders.AssignedResource) (bool, error) {
	if on != orders.Release || a.Order == nil {
		return false, nil
	}
	parks, err := d.Store.Parks(ctx)
	for _, p := range parks {
		if p.Type == a.Type && p.Kind == a.Order.Kind {
			return true, err
		}
	}
	return false, err
}

// AssignOwner says whose account it is that was found: no rule has to match for
// it any more, and none that matches otherwise takes it away.
func (d *Desk) AssignOwner(ctx context.Context, id orders.AssignedID, owner resources.Ref, why string) (Outcome, error) {
	return d.each(ctx, []orders.AssignedID{id}, "assign owner", why, 1, func(a *orders.AssignedResource, _ orders.Occasion, also *stage.Extra) error {
		if a.Target == "" || !a.Found() {
			return fault.New(fault.Refused, "assign", "it has an owner already: %s", a.Owner)
		}
		if a.Owner.Type != owner.Type {
			return fault.New(fault.Invalid, "assign", "an account of type %s is owned by a %s, not a %s", a.Type, a.Owner.Type, owner.Type)
		}
		settled := stage.Decision{Kind: stage.AssociationConfirmed, Type: a.Type, Owner: owner, Target: a.Target, Why: why}
		also.Decide = append(also.Decide, settled)
		settled.Kind = stage.AssociationDenied
		also.Revoke = append(also.Revoke, settled)
		return nil
	})
}

// Take notes who works on an order that people carry out.
func (d *Desk) Take(ctx context.Context, ids []orders.AssignedID) (Outcome, error) {
	return d.each(ctx, ids, "take", "", 1, func(a *orders.AssignedResource, o orders.Occasion, _ *stage.Extra) error {
		return a.Taken(o, o.Actor)
	})
}

// Confirm says that the person carried the orders out; Fail that it could not
// be done, and why. items choose some of a single order; none means all.
func (d *Desk) Confirm(ctx context.Context, ids []orders.AssignedID, items []int, why string) (Outcome, error) {
	return d.report(ctx, ids, items, "confirm", why, orders.ItemReport{Effect: orders.EffectDone})
}

// Fail reports an error: certainly not done.
func (d *Desk) Fail(ctx context.Context, ids []orders.AssignedID, items []int, why string) (Outcome, error) {
	if why == "" {
		return Outcome{}, &fault.Error{Kind: fault.Invalid, Op: "fail", Msg: "an error needs a reason", Do: "say why it could not be done"}
	}
	return d.report(ctx, ids, items, "fail", why, orders.ItemReport{Effect: orders.EffectNone, Err: why, Permanent: true})
}

func (d *Desk) report(ctx context.Context, ids []orders.AssignedID, items []int, name, why string, what orders.ItemReport) (Outcome, error) {
	return d.each(ctx, ids, name, why, 1, func(a *orders.AssignedResource, o orders.Occasion, _ *stage.Extra) error {
		if a.Order == nil || !a.Handling.Manual {
			return fault.New(fault.Refused, name, "only what people carry out is reported by people")
		}
		if a.Order.TakenBy != "" && a.Order.TakenBy != o.Actor {
			return fault.New(fault.Conflict, name, "%s took the order", a.Order.TakenBy)
		}
		r := orders.Report{Order: a.Order.ID, Fence: a.Order.Fence, Person: o.Actor, Items: map[int]orders.ItemReport{}}
		for _, it := range a.Carried() {
			if (it.Place.State == orders.Transmitted || it.Place.Mark == orders.Unknown) && (len(items) == 0 || contains(items, it.ID)) {
				r.Items[it.ID] = what
			}
		}
		if len(r.Items) == 0 {
			if by, at := confirmed(a); by != "" && what.Effect == orders.EffectDone {
				return fault.New(fault.Conflict, name, "already confirmed by %s at %s", by, at.Format(time.RFC3339))
			}
			return fault.New(fault.Refused, name, "nothing of the order is with people now")
		}
		return a.Report(o, r)
	})
}

// confirmed says who confirmed what the order carried, and when.
func confirmed(a *orders.AssignedResource) (by string, at time.Time) {
	for _, it := range a.Carried() {
		if it.By != "" {
			return it.By, it.DoneAt.Time()
		}
	}
	return "", time.Time{}
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// numbersPerAct is for the trial and for the transaction, which may run twice.
const numbersPerAct = 8

// each applies an act of so many decisions to every assigned resource in a
// transaction of its own.
func (d *Desk) each(ctx context.Context, ids []orders.AssignedID, name, why string, decisions int, do deciding) (Outcome, error) {
	var out Outcome
	numbers := stage.Numbers(ctx, d.Store, stage.OrderCounter)
	for _, id := range ids {
		numbers.Prepare(numbersPerAct * decisions)
		o := orders.Occasion{
			Now: d.Clock(), Actor: d.Actor.String(), Why: why,
			NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) },
		}
		list, err := d.Store.Assigned(ctx, stage.AssignedFilter{IDs: []orders.AssignedID{id}})
		if err != nil {
			return out, err
		}
		if len(list) == 0 {
			out.Refused = append(out.Refused, Refusal{id, "it is not there any more"})
			continue
		}
		// Tried on a copy first: what it asks to be stored beside it is part of the act.
		var also stage.Extra
		if err := do(list[0], o, &also); err != nil {
			if !Refusable(err) {
				return out, err
			}
			out.Refused = append(out.Refused, Refusal{id, err.Error()})
			continue
		}
		act := journal.Act{Actor: d.Actor, Name: name, Subject: subject(list[0]), Why: why, At: o.Now}
		err = d.Store.Update(ctx, act, []orders.AssignedID{id}, func(a *orders.AssignedResource) error {
			var ignored stage.Extra
			return do(a, o, &ignored)
		}, also)
		switch {
		case err == nil:
			out.Decided = append(out.Decided, id)
		case Refusable(err):
			out.Refused = append(out.Refused, Refusal{id, err.Error()})
		default:
			return out, err
		}
	}
	return out, numbers.Err()
}

// Refusable reports whether an error is about the one resource, not the store.
func Refusable(err error) bool {
	var refusal *orders.Refusal
	if errors.As(err, &refusal) {
		return true
	}
	switch fault.KindOf(err) {
	case fault.Refused, fault.Conflict, fault.NotFound, fault.Denied, fault.Invalid:
		return true
	}
	return false
}

func subject(a *orders.AssignedResource) string {
	owner := a.Owner.String()
	if a.Order == nil {
		return fmt.Sprintf("%s of %s", a.Type, owner)
	}
	return fmt.Sprintf("order %d, %s of %s", a.Order.ID, a.Type, owner)
}

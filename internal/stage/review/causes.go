package review

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// A Cause is the rules that raised orders which a threshold parked.
type Cause struct {
	Rules string // as the configuration names them, or the roles; of several, all of them
	Count int    // of the orders that they raised together
}

// unruled is the cause of what no rule gives any more.
const unruled = "no rule gives it any more"

// causeOf names the rules that raised an order: those of the account itself where
// it comes or goes, else those of what changes in it. An order has one cause, so
// that releasing one releases nothing of another.
func causeOf(a *orders.AssignedResource) string {
	var names []string
	for _, it := range a.Carried() {
		if a.Order.Kind == orders.Update || it.Property == "" {
			names = append(names, cmp.Or(it.Because(), unruled))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// causesWithin is how many orders one page of causes looks at: their documents are
// read for it. What is released is looked for in all of them, as many at a time.
const causesWithin = 1_000

// parkedKind refuses what no threshold parks.
func (d *Desk) parkedKind(ctx context.Context, at stage.ParkKey) error {
	parks, err := d.Store.Parks(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(parks, func(p stage.Park) bool { return p.Type == at.Type && p.Kind == at.Kind }) {
		return fault.New(fault.NotFound, "release", "no threshold parks %ss of %s", at.Kind, at.Type)
	}
	return nil
}

// held are the accounts whose orders a threshold parks, among some orders after one.
// last is the last order that was looked at, 0 where there are no more.
func (d *Desk) held(ctx context.Context, at stage.ParkKey, after orders.OrderID) (list []*orders.AssignedResource, last orders.OrderID, err error) {
	ids, last, err := d.Store.OpenOf(ctx, at, after, causesWithin)
	if err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	list, err = d.Store.Assigned(ctx, stage.AssignedFilter{IDs: ids})
	// What closed meanwhile is no order any more.
	list = slices.DeleteFunc(list, func(a *orders.AssignedResource) bool {
		return a.Order == nil || a.Order.Kind != at.Kind || !waiting(a)
	})
	if len(ids) < causesWithin {
		last = 0
	}
	return list, last, err
}

// eachHeld calls do for every account whose order a threshold parks, some at a time.
func (d *Desk) eachHeld(ctx context.Context, at stage.ParkKey, do func(*orders.AssignedResource)) error {
	if err := d.parkedKind(ctx, at); err != nil {
		return err
	}
	for after := orders.OrderID(0); ; {
		list, last, err := d.held(ctx, at, after)
		for _, a := range list {
			do(a)
		}
		if err != nil || last == 0 {
			return err
		}
		after = last
	}
}

// Causes groups what a threshold parks by the rules that raised it, the most first,
// among some orders after one. last is where the next of them begin, 0 at the end.
func (d *Desk) Causes(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, after orders.OrderID) (causes []Cause, last orders.OrderID, err error) {
	at := stage.ParkKey{Type: t, Kind: k}
	if err := d.parkedKind(ctx, at); err != nil {
		return nil, 0, err
	}
	list, last, err := d.held(ctx, at, after)
	counts := map[string]int{}
	for _, a := range list {
		counts[causeOf(a)]++
	}
	for rules, n := range counts {
		causes = append(causes, Cause{rules, n})
	}
	slices.SortFunc(causes, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rules, b.Rules)) })
	return causes, last, err
}

// CountHeld counts what a threshold parks or, with rules, what these raised of it.
func (d *Desk) CountHeld(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules string) (n int, err error) {
	err = d.eachHeld(ctx, stage.ParkKey{Type: t, Kind: k}, func(a *orders.AssignedResource) {
		if rules == "" || causeOf(a) == rules {
			n++
		}
	})
	return n, err
}

// NotRaised says that nothing is parked that some rules raised.
func NotRaised(rules string) error {
	return &fault.Error{Kind: fault.NotFound, Op: "release", Msg: "nothing is parked that is of " + rules, Do: "Look at the rules again: somebody released it, or a run raised it anew."}
}

// ReleaseCaused lets through what these rules raised of what a threshold parks, and
// nothing else of it.
func (d *Desk) ReleaseCaused(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules, why string) (Outcome, error) {
	var ids []orders.AssignedID
	err := d.eachHeld(ctx, stage.ParkKey{Type: t, Kind: k}, func(a *orders.AssignedResource) {
		if causeOf(a) == rules {
			ids = append(ids, a.ID)
		}
	})
	if err != nil {
		return Outcome{}, err
	}
	if len(ids) == 0 {
		return Outcome{}, NotRaised(rules)
	}
	return d.Decide(ctx, Decision{On: orders.Release, Assigned: ids, Why: why})
}

// ReleaseAll lets through everything of a kind that a threshold parked, this
// time: the threshold itself stays.
func (d *Desk) ReleaseAll(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, why string) (Outcome, error) {
	at := stage.ParkKey{Type: t, Kind: k}
	var ids []orders.AssignedID
	err := d.eachHeld(ctx, at, func(a *orders.AssignedResource) { ids = append(ids, a.ID) })
	if err != nil {
		return Outcome{}, err
	}
	out, err := d.Decide(ctx, Decision{On: orders.Release, Assigned: ids, Why: why})
	if err != nil {
		return out, err
	}
	act := journal.Act{Actor: d.Actor, Name: "release", Subject: string(k) + "s of " + string(t), Why: why, At: d.Clock()}
	return out, d.Store.Unpark(ctx, act, []stage.ParkKey{at})
}

// waiting reports whether something of the order stands before a threshold.
func waiting(a *orders.AssignedResource) bool {
	for _, it := range a.Carried() {
		if it.Place.State == orders.Pending && it.Place.Mark != orders.Released {
			return true
		}
	}
	return false
}

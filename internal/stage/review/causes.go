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

// held are the accounts whose orders a threshold parks.
func (d *Desk) held(ctx context.Context, t roles.ResourceTypeID, k orders.Kind) ([]*orders.AssignedResource, error) {
	parks, err := d.Store.Parks(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(parks, func(p stage.Park) bool { return p.Type == t && p.Kind == k }) {
		return nil, fault.New(fault.NotFound, "release", "no threshold parks %ss of %s", k, t)
	}
	list, err := d.Store.Assigned(ctx, stage.AssignedFilter{Types: []roles.ResourceTypeID{t}, OpenOnly: true})
	return slices.DeleteFunc(list, func(a *orders.AssignedResource) bool { return a.Order.Kind != k || !waiting(a) }), err
}

// Causes groups what a threshold parks by the rules that raised it, the most first.
func (d *Desk) Causes(ctx context.Context, t roles.ResourceTypeID, k orders.Kind) ([]Cause, error) {
	list, err := d.held(ctx, t, k)
	counts := map[string]int{}
	for _, a := range list {
		counts[causeOf(a)]++
	}
	var causes []Cause
	for rules, n := range counts {
		causes = append(causes, Cause{rules, n})
	}
	slices.SortFunc(causes, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rules, b.Rules)) })
	return causes, err
}

// NotRaised says that nothing is parked that some rules raised.
func NotRaised(rules string) error {
	return &fault.Error{Kind: fault.NotFound, Op: "release", Msg: "nothing is parked that is of " + rules, Do: "Look at the rules again: somebody released it, or a run raised it anew."}
}

// ReleaseCaused lets through what these rules raised of what a threshold parks, and
// nothing else of it.
func (d *Desk) ReleaseCaused(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules, why string) (Outcome, error) {
	list, err := d.held(ctx, t, k)
	if err != nil {
		return Outcome{}, err
	}
	var ids []orders.AssignedID
	for _, a := range list {
		if causeOf(a) == rules {
			ids = append(ids, a.ID)
		}
	}
	if len(ids) == 0 {
		return Outcome{}, NotRaised(rules)
	}
	return d.Decide(ctx, Decision{On: orders.Release, Assigned: ids, Why: why})
}

// ReleaseAll lets through everything of a kind that a threshold parked, this
// time: the threshold itself stays.
func (d *Desk) ReleaseAll(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, why string) (Outcome, error) {
	list, err := d.held(ctx, t, k)
	if err != nil {
		return Outcome{}, err
	}
	ids := make([]orders.AssignedID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	out, err := d.Decide(ctx, Decision{On: orders.Release, Assigned: ids, Why: why})
	if err != nil {
		return out, err
	}
	act := journal.Act{Actor: d.Actor, Name: "release", Subject: string(k) + "s of " + string(t), Why: why, At: d.Clock()}
	return out, d.Store.Unpark(ctx, act, []stage.ParkKey{{Type: t, Kind: k}})
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

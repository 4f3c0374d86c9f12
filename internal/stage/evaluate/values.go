package evaluate

import (
	"cmp"
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// candidate is a scalar rule line that holds for the owner.
type candidate struct {
	rule *scalarRule
	granted
}

// rank orders the modes of periods: where they overlap, the first decides.
var rank = map[roles.Mode]int{roles.Default: 0, "": 0, roles.Around: 1, roles.Before: 2, roles.After: 3}

// scalar adds what the rules of one property give on the day, and stretches the
// account's span so that it holds their periods.
func (w *writer) scalar(items []assignments.ExpectedItem, s *scalarRules) []assignments.ExpectedItem {
	// What one line gives to everybody lasts as long as the account.
	if s.plain {
		r := &s.rules[0]
		if w.Touched != nil {
			w.Touched[r.rule.Object] = true
		}
		items = append(items, assignments.ExpectedItem{Origin: r.origin, Period: w.base})
		w.compute(&items[len(items)-1], s, r)
		return items
	}
	var today, plain []candidate
	moved := false
	for i := range s.rules {
		r := &s.rules[i]
		g, ok, err := w.ask(w.standing, r.rule)
		if err != nil {
			return append(items, assignments.ExpectedItem{Origin: &assignments.Origin{
				Property: s.property.Name, Workflow: assignments.Calculated, Compare: r.Compare, Failed: message(r.rule.Object, err),
			}})
		}
		if !ok || r.rule.Deny {
			continue
		}
		g.period = w.periodOf(g)
		if r.rule.Role == "" {
			w.span = stretch(w.span, g.period)
			plain = append(plain, candidate{r, g})
			moved = moved || rank[r.rule.Period.Mode] > 0
		}
		if g.period.Covers(w.day) {
			today = append(today, candidate{r, g})
		}
	}
	if len(today) == 0 && !moved {
		// Where other values keep an account before or after the owner's own period,
		// it has its name and whatever else no line gives a period of its own.
		today = plain
	}
	if len(today) == 0 {
		if s.byRole {
			items = append(items, assignments.ExpectedItem{Origin: s.lost})
		}
		return items
	}
	slices.SortStableFunc(today, stronger)
	won := &today[0]
	items = append(items, assignments.ExpectedItem{
		Origin: origin(won.rule.origin, won.reasons), Period: w.lasting(won.period), Review: won.workflow.Found(),
	})
	w.compute(&items[len(items)-1], s, won.rule)
	return items
}

// stronger orders candidates: a role's value beats a plain one, what somebody
// gave what was found, then the period's mode decides, then the order of lines.
func stronger(a, b candidate) int {
	return cmp.Or(
		first(a.rule.rule.Role != "", b.rule.rule.Role != ""), first(b.workflow.Found(), a.workflow.Found()),
		cmp.Compare(rank[a.rule.rule.Period.Mode], rank[b.rule.rule.Period.Mode]),
	)
}

// first puts what holds of a alone before b, and the other way round.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// compute gives the value of the line that won.
func (w *writer) compute(x *assignments.ExpectedItem, s *scalarRules, r *scalarRule) {
	var v value.Value
	var err error
	switch {
	case r.gives != nil:
		v, err = r.gives.Eval(w.bindings)
	case r.Allocate != nil:
		subject := Subject{string(w.t.ID), w.standing.owner.Key, s.property.Name}
		allocated, ok := w.Allocations[subject]
		if !ok {
			w.result.Allocate = append(w.result.Allocate, Request{
				Subject: subject, Rule: *r.Allocate, Owner: w.standing.owner, Start: w.base.From,
				Entity: w.t.Target, Property: s.property.Name, Current: w.current(s.property.Name), Object: r.rule.Object,
			})
			waiting := parked(x.Origin, "waits for its allocation")
			waiting.Reasons = nil
			x.Wanted, x.Origin = true, waiting
			return
		}
		v = allocated
		x.Origin = noted(x.Origin, "allocated once, kept for life")
	case r.Constant:
		v = r.Value
	default:
		_, err = w.program(r.ScalarRule.Expression) // says that there is none
	}
	if err == nil && !s.isLink && v.Type() != s.kind {
		v, err = value.Normalize(s.kind, "", v.Text())
	}
	switch {
	case err != nil:
		x.Origin = failed(x.Origin, message(r.rule.Object, err))
	case s.isLink:
		w.singleLink(x, s.property, v)
	default:
		x.Wanted, x.Value = !v.IsNull(), v
	}
}

// failed is the origin of an item of which nobody knows what it should be.
func failed(from *assignments.Origin, message string) *assignments.Origin {
	own := *from
	own.Failed, own.Reasons = message, nil
	return &own
}

// parked is the origin of an item that waits for something.
func parked(from *assignments.Origin, what string) *assignments.Origin {
	own := *from
	own.Parked = what
	return &own
}

// noted is the origin of an item with something to be said beside its rule.
func noted(from *assignments.Origin, note string) *assignments.Origin {
	own, reason := *from, from.Reasons[0]
	reason.Note = note
	own.Reasons = because(reason)
	return &own
}

// singleLink keeps a computed link as the far resource's key.
func (w *writer) singleLink(x *assignments.ExpectedItem, p schema.Property, v value.Value) {
	if v.IsNull() {
		return
	}
	far, ok := w.byName(p.Link, v)
	x.Wanted, x.Value = true, v
	if !ok {
		x.Origin = parked(x.Origin, "there is no "+string(p.Link)+" "+v.Text()+" yet")
		return
	}
	x.Value = value.OfString(string(far))
}

// byName finds a resource by its key or any identifier.
func (w *writer) byName(t schema.EntityType, v value.Value) (resources.Key, bool) {
	entity, ok := w.Model.Entity(t)
	if !ok {
		return "", false
	}
	for _, p := range append([]schema.PropertyName{entity.Key}, entity.Identify...) {
		if r, ok := w.World.Find(t, p, v); ok {
			return r.Key, true
		}
	}
	return "", false
}

// current is what the account holds now, null when it is not there.
func (w *writer) current(p schema.PropertyName) value.Value {
	if w.target == nil {
		return value.Null
	}
	return w.target.Value(p)
}

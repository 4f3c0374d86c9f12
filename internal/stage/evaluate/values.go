package evaluate

import (
	"slices"
	"sort"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// candidate is a scalar rule line that holds for the owner.
type candidate struct {
	rule roles.ScalarRule
	granted
}

// rank orders the modes of periods: where they overlap, the first decides.
var rank = map[roles.Mode]int{roles.Default: 0, "": 0, roles.Around: 1, roles.Before: 2, roles.After: 3}

// scalars computes the values that scalar rules give on the day, and stretches
// the account's span so that it holds their periods.
func (w *writer) scalars() []assignments.ExpectedItem {
	var items []assignments.ExpectedItem
	rules := map[schema.PropertyName][]roles.ScalarRule{}
	var names []schema.PropertyName
	for _, r := range w.resourceType.Values {
		if _, known := rules[r.Property]; !known {
			names = append(names, r.Property)
		}
		rules[r.Property] = append(rules[r.Property], r)
	}
	sort.Slice(names, func(i, j int) bool { return names[i] < names[j] })
	for _, name := range names {
		if x, ok := w.scalar(name, rules[name]); ok {
			items = append(items, x)
		}
	}
	return items
}

func (w *writer) scalar(name schema.PropertyName, rules []roles.ScalarRule) (assignments.ExpectedItem, bool) {
	x := assignments.ExpectedItem{Property: name, Workflow: assignments.Calculated}
	var today, plain []candidate
	byRole, moved := false, false
	for _, r := range rules {
		byRole = byRole || r.Role != ""
		x.Compare = r.Compare
		g, ok, err := w.holds(w.standing, r.Line)
		if err != nil {
			x.Failed = message(r.Object, err)
			return x, true
		}
		if !ok || r.Deny {
			continue
		}
		g.period = w.periodOf(g)
		if r.Role == "" {
			w.span = stretch(w.span, g.period)
			plain = append(plain, candidate{r, g})
			moved = moved || rank[r.Period.Mode] > 0
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
		x.Reasons = []assignments.Reason{{Note: "no role gives it any more"}}
		return x, byRole
	}
	// A role's value beats a plain one, then the period's mode decides, then the order of lines.
	sort.SliceStable(today, func(i, j int) bool {
		a, b := today[i], today[j]
		if (a.rule.Role != "") != (b.rule.Role != "") {
			return a.rule.Role != ""
		}
		if a.workflow.Found() != b.workflow.Found() {
			return b.workflow.Found()
		}
		return rank[a.rule.Period.Mode] < rank[b.rule.Period.Mode]
	})
	return w.compute(x, today[0])
}

// compute gives the value of the line that won.
func (w *writer) compute(x assignments.ExpectedItem, c candidate) (assignments.ExpectedItem, bool) {
	r := c.rule
	x.Once, x.Compare, x.Period, x.Review = r.Once, r.Compare, c.period, c.workflow.Found()
	reason := c.reason
	v := r.Value
	switch {
	case r.Allocate != nil:
		subject := Subject{string(w.resourceType.ID), w.standing.owner.Key, r.Property}
		allocated, ok := w.Allocations[subject]
		if !ok {
			w.result.Allocate = append(w.result.Allocate, Request{
				Subject: subject, Rule: *r.Allocate, Owner: w.standing.owner, Start: w.base.From,
				Entity: w.resourceType.Target, Property: r.Property, Current: w.current(r.Property), Object: r.Object,
			})
			x.Wanted, x.Parked = true, "waits for its allocation"
			return x, true
		}
		v = allocated
		reason.Note = "allocated once, kept for life"
	case !r.Constant:
		var err error
		if v, err = w.eval(r.Expression, w.bindings); err != nil {
			x.Failed = message(r.Object, err)
			return x, true
		}
		reason.Inputs = append(slices.Clone(reason.Inputs), w.inputs(r.Expression, w.bindings)...)
	}
	p := w.property(r.Property)
	if p.IsLink() {
		return w.singleLink(x, p, v, reason)
	}
	typed, err := value.Normalize(p.Type, "", v.Text())
	if err != nil {
		x.Failed = message(r.Object, err)
		return x, true
	}
	x.Wanted, x.Value, x.Reasons = !typed.IsNull(), typed, []assignments.Reason{reason}
	return x, true
}

// singleLink keeps a computed link as the far resource's key.
func (w *writer) singleLink(x assignments.ExpectedItem, p schema.Property, v value.Value, reason assignments.Reason) (assignments.ExpectedItem, bool) {
	x.Reasons = []assignments.Reason{reason}
	if v.IsNull() {
		return x, true
	}
	far, ok := w.byName(p.Link, v)
	x.Wanted, x.Value = true, v
	if !ok {
		x.Parked = "there is no " + string(p.Link) + " " + v.Text() + " yet"
		return x, true
	}
	x.Value = value.OfString(string(far))
	return x, true
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

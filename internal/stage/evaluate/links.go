package evaluate

import (
	"cmp"
	"slices"
	"sort"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// linkAt names an item among the links of one account.
type linkAt struct {
	property schema.PropertyName
	to       resources.Key
}

// links adds what navigation and query rules give on the day, and names the links
// that are there and that no rule gives.
func (w *writer) links(items []assignments.ExpectedItem) []assignments.ExpectedItem {
	list := items[len(items):] // in the room behind the values, as long as there is some
	var denied []linkAt
	for i := range w.t.links {
		x, given := w.navigation(&w.t.links[i])
		if !given {
			continue
		}
		if w.t.links[i].rule.Deny {
			denied = append(denied, linkAt{x.Property, x.Link})
			continue
		}
		if known := itemAt(list, linkAt{x.Property, x.Link}); known != nil {
			w.join(known, x)
			continue
		}
		list = append(list, x)
	}
	list = w.found(list)
	for _, at := range denied {
		list = slices.DeleteFunc(list, func(x assignments.ExpectedItem) bool { return x.Property == at.property && x.Link == at.to })
	}
	list = w.unexplained(list)
	slices.SortFunc(list, func(a, b assignments.ExpectedItem) int {
		return cmp.Or(compareText(a.Property, b.Property), compareText(a.Link, b.Link))
	})
	return append(items, list...)
}

// join adds to an item what another line gives of the same.
func (w *writer) join(known *assignments.ExpectedItem, x assignments.ExpectedItem) {
	both := *known.Origin
	if known.Workflow.Found() || known.Review {
		// What a found role gives as well, anything else gives firmly.
		both.Workflow, known.Review, known.Value = x.Workflow, x.Review, x.Value
	}
	both.Reasons = append(slices.Clip(both.Reasons), x.Reasons...)
	known.Origin, known.Period = &both, w.lasting(stretch(known.Lasting(), x.Lasting()))
}

// itemAt finds one link in a list, nil when it is not there.
func itemAt(list []assignments.ExpectedItem, at linkAt) *assignments.ExpectedItem {
	for i := range list {
		if list[i].Property == at.property && list[i].Link == at.to {
			return &list[i]
		}
	}
	return nil
}

// unexplained adds the links that are there and that nothing gives.
func (w *writer) unexplained(list []assignments.ExpectedItem) []assignments.ExpectedItem {
	if w.target == nil {
		return list
	}
	for _, property := range w.t.managed {
		var reasons []assignments.Reason // of all of them
		for _, to := range w.target.Links[property] {
			if itemAt(list, linkAt{property, to}) == nil {
				if reasons == nil {
					reasons = because(assignments.Reason{Note: "no rule gives it"})
				}
				list = append(list, assignments.ExpectedItem{Origin: &assignments.Origin{
					Property: property, Link: to, Workflow: w.foundAs(w.t.ID), Reasons: reasons,
				}})
			}
		}
	}
	return list
}

// navigation computes the link of one rule line; false when it gives none today.
func (w *writer) navigation(r *linkRule) (x assignments.ExpectedItem, given bool) {
	g, ok, err := w.ask(w.standing, r.rule)
	if err == nil && !ok {
		return x, false
	}
	x.Origin, x.Wanted = r.origin, true
	if !r.property.Many {
		x.Value = value.OfString(string(r.far))
	}
	if err != nil {
		x.Origin = &assignments.Origin{
			Property: r.property.Name, Link: r.origin.Link, Workflow: assignments.Calculated, Failed: message(r.rule.Object, err),
		}
		return x, true
	}
	x.Period = w.lasting(w.periodOf(g))
	if r.rule.Role == "" && !r.rule.Deny {
		w.span = stretch(w.span, *x.Period)
	}
	if !w.today(x.Period) {
		return x, false
	}
	x.Origin = origin(r.origin, g.reasons)
	switch {
	case !g.workflow.Found():
	case w.target != nil && w.target.HasLink(r.property.Name, r.far):
		found := *x.Origin
		found.Workflow = g.workflow
		x.Origin = &found
	default:
		x.Review = true // nobody has said yet that the role may stay
	}
	return x, true
}

// linked finds the far end of a navigation rule. What is not there yet is named
// by what was asked for, so that the item can wait for it.
func (e *evaluation) linked(p schema.Property, to map[schema.PropertyName]value.Value) (resources.Key, bool) {
	for _, name := range sortedProperties(to) {
		if r, ok := e.World.Find(p.Link, name, to[name]); ok {
			return r.Key, true
		}
	}
	return resources.Key("?" + describe(to)), false
}

func sortedProperties(m map[schema.PropertyName]value.Value) []schema.PropertyName {
	names := make([]schema.PropertyName, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return names[i] < names[j] })
	return names
}

func describe(to map[schema.PropertyName]value.Value) string {
	text := ""
	for i, name := range sortedProperties(to) {
		if i > 0 {
			text += ", "
		}
		text += string(name) + " = " + to[name].Text()
	}
	return text
}

// found adds the links that query rules find: per property the first match by
// falling confidence. A single link of which nothing matches is taken away.
func (w *writer) found(list []assignments.ExpectedItem) []assignments.ExpectedItem {
	if len(w.t.Find) == 0 {
		return list
	}
	rules := slices.Clone(w.t.Find)
	slices.SortStableFunc(rules, func(a, b roles.QueryRule) int { return cmp.Compare(b.Confidence, a.Confidence) })
	settled, asked := map[schema.PropertyName]bool{}, []schema.PropertyName(nil)
	for _, r := range rules {
		if settled[r.Property] {
			continue
		}
		if !slices.Contains(asked, r.Property) {
			asked = append(asked, r.Property)
		}
		g, ok, err := w.holds(w.standing, r.Line)
		x := assignments.ExpectedItem{Origin: &assignments.Origin{Property: r.Property, Workflow: assignments.Calculated, Reasons: g.reasons}}
		if err == nil && ok && g.period.Covers(w.day) {
			err = w.query(r, &x)
		}
		if err != nil {
			x.Failed = message(r.Object, err)
		}
		if x.Wanted || x.Failed != "" {
			settled[r.Property] = true
			list = put(list, x)
		}
	}
	for _, p := range asked {
		if !settled[p] && !w.t.entity.Properties[p].Many {
			list = put(list, assignments.ExpectedItem{Origin: &assignments.Origin{Property: p, Reasons: because(assignments.Reason{Note: "nothing matches"})}})
		}
	}
	return list
}

// put adds an item, in place of another about the same.
func put(list []assignments.ExpectedItem, x assignments.ExpectedItem) []assignments.ExpectedItem {
	if known := itemAt(list, linkAt{x.Property, x.Link}); known != nil {
		*known = x
		return list
	}
	return append(list, x)
}

// query finds the far resource whose target expression gives the source's value.
func (w *writer) query(r roles.QueryRule, x *assignments.ExpectedItem) error {
	wanted, err := w.eval(r.Source, w.bindings)
	if err != nil || wanted.IsNull() {
		return err
	}
	p := w.t.entity.Properties[r.Property]
	index := w.queries[r.Object]
	far, ok := index.keys[wanted.Text()]
	if index.err != nil || !ok {
		return index.err
	}
	x.Wanted = true
	if r.Confidence < certain {
		x.Doubt = r.Confidence
	}
	if p.Many {
		x.Link = far
	} else {
		x.Value = value.OfString(string(far))
	}
	return nil
}

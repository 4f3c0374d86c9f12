package evaluate

import (
	"fmt"
	"sort"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// links computes what navigation and query rules give on the day, and names the
// links that are there and that no rule gives.
func (w *writer) links() []assignments.ExpectedItem {
	type name struct {
		p  schema.PropertyName
		to resources.Key
	}
	items := map[name]*assignments.ExpectedItem{}
	denied := map[name]bool{}
	managed := map[schema.PropertyName]bool{}
	for _, r := range w.resourceType.Links {
		managed[r.Property] = true
		x, held := w.navigation(r)
		if !held {
			continue
		}
		at := name{x.Property, x.Link}
		switch known := items[at]; {
		case r.Deny:
			denied[at] = true
		case known == nil:
			items[at] = &x
		default:
			if known.Workflow.Found() || known.Review {
				// What a found role gives as well, anything else gives firmly.
				known.Workflow, known.Review, known.Value = x.Workflow, x.Review, x.Value
			}
			known.Reasons = append(known.Reasons, x.Reasons...)
			known.Period = stretch(known.Period, x.Period)
		}
	}
	for property, x := range w.found() {
		managed[property] = true
		if x != nil {
			items[name{x.Property, x.Link}] = x
		}
	}
	for at := range denied {
		delete(items, at)
	}
	for property := range managed {
		if w.target == nil || !w.property(property).Many {
			continue
		}
		for _, to := range w.target.Links[property] {
			at := name{property, to}
			if items[at] == nil {
				items[at] = &assignments.ExpectedItem{
					Property: property, Link: to, Workflow: w.foundAs(w.resourceType.ID), Reasons: []assignments.Reason{{Note: "no rule gives it"}},
				}
			}
		}
	}
	list := make([]assignments.ExpectedItem, 0, len(items))
	for _, x := range items {
		list = append(list, *x)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Property != list[j].Property {
			return list[i].Property < list[j].Property
		}
		return list[i].Link < list[j].Link
	})
	return list
}

// navigation computes the link of one rule line; false when it gives none today.
func (w *writer) navigation(r roles.NavigationRule) (assignments.ExpectedItem, bool) {
	x := assignments.ExpectedItem{Property: r.Property, Wanted: true, Workflow: assignments.Calculated}
	g, ok, err := w.holds(w.standing, r.Line)
	p := w.property(r.Property)
	far, there := w.linked(p, r.To)
	if p.Many {
		x.Link = far
	} else {
		x.Value = value.OfString(string(far))
	}
	if err != nil {
		x.Failed = message(r.Object, err)
		return x, true
	}
	if !ok {
		return x, false
	}
	x.Period = w.periodOf(g)
	if r.Role == "" && !r.Deny {
		w.span = stretch(w.span, x.Period)
	}
	if !x.Period.Covers(w.day) {
		return x, false
	}
	if !there {
		x.Parked = fmt.Sprintf("there is no %s with %s", p.Link, describe(r.To))
	}
	x.Reasons = []assignments.Reason{g.reason}
	switch {
	case !g.workflow.Found():
	case w.target != nil && w.target.HasLink(r.Property, far):
		x.Workflow = g.workflow
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

// found computes the links that query rules find: per property the first match
// by falling confidence; nil when none matches.
func (w *writer) found() map[schema.PropertyName]*assignments.ExpectedItem {
	if len(w.resourceType.Find) == 0 {
		return nil
	}
	rules := append([]roles.QueryRule(nil), w.resourceType.Find...)
	sort.SliceStable(rules, func(i, j int) bool { return rules[i].Confidence > rules[j].Confidence })
	items := map[schema.PropertyName]*assignments.ExpectedItem{}
	for _, r := range rules {
		if items[r.Property] != nil {
			continue
		}
		items[r.Property] = nil
		g, ok, err := w.holds(w.standing, r.Line)
		x := assignments.ExpectedItem{Property: r.Property, Workflow: assignments.Calculated, Reasons: []assignments.Reason{g.reason}}
		if err == nil && ok && g.period.Covers(w.day) {
			err = w.query(r, &x)
		}
		if err != nil {
			x.Failed = message(r.Object, err)
		}
		if x.Wanted || x.Failed != "" {
			items[r.Property] = &x
		}
	}
	for p, x := range items {
		if x == nil && !w.property(p).Many {
			// Nothing matches: a single link is taken away.
			items[p] = &assignments.ExpectedItem{Property: p, Reasons: []assignments.Reason{{Note: "nothing matches"}}}
		}
	}
	return items
}

// query finds the far resource whose target expression gives the source's value.
func (w *writer) query(r roles.QueryRule, x *assignments.ExpectedItem) error {
	wanted, err := w.eval(r.Source, w.bindings)
	if err != nil || wanted.IsNull() {
		return err
	}
	p := w.property(r.Property)
	index, err := w.queryIndex(r, p.Link)
	if err != nil {
		return err
	}
	far, ok := index[wanted.Text()]
	if !ok {
		return nil
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

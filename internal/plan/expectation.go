package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
)

func (w *testWorld) miss(at schema.Position, format string, args ...any) {
	w.missed = append(w.missed, Missed{at, fmt.Sprintf(format, args...)})
}

// compare holds what one person has against what the test expects.
func (w *testWorld) compare(x declare.PolicyExpectation) {
	has := map[string]bool{}
	for _, a := range w.expected.Roles {
		if a.Owner.Key == x.Person && a.Workflow.Expected() {
			has[string(a.Role)] = true
		}
	}
	for _, role := range x.Roles {
		if !has[role] {
			w.miss(x.Position, "%s does not have the role %s; the roles are %s", x.Person, role, listed(slices.Sorted(maps.Keys(has))))
		}
	}
	for _, role := range x.NoRoles {
		if has[role] {
			w.miss(x.Position, "%s has the role %s", x.Person, role)
		}
	}
	for _, t := range x.NoAccounts {
		if a := w.account(x.Person, t); a != nil {
			w.miss(x.Position, "%s has the account %s, because of %s", x.Person, t, rules(a.Reasons))
		}
	}
	for t, values := range x.Accounts {
		a := w.account(x.Person, t)
		if a == nil {
			w.miss(x.Position, "%s does not have the account %s", x.Person, t)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if got := w.holds(a, schema.PropertyName(name)); !sameTexts(got, values[name]) {
				w.miss(x.Position, "%s of the %s of %s is %s, not %s", name, t, x.Person, listed(spelled(got)), listed(values[name]))
			}
		}
	}
}

// account is what the person should have of a resource type, nil without one.
func (w *testWorld) account(person resources.Key, resourceType string) *assignments.ExpectedResource {
	for i := range w.expected.Resources {
		if a := &w.expected.Resources[i]; a.Owner.Key == person && string(a.Type) == resourceType && a.Wanted {
			return a
		}
	}
	return nil
}

// holds lists what an account should hold of a property: a value, or the linked
// resources, each by every name that it bears.
func (w *testWorld) holds(a *assignments.ExpectedResource, p schema.PropertyName) [][]string {
	t := w.configuration.Model.ResourceTypes[a.Type]
	entity, _ := w.configuration.Model.Entity(t.Target)
	property := entity.Properties[p]
	var list [][]string
	for _, it := range a.Items {
		switch {
		case it.Property != p || !it.Wanted:
		case it.Failed != "":
			list = append(list, []string{"an error: " + it.Failed})
		case it.Link != "":
			list = append(list, w.names(property.Link, it.Link))
		case property.IsLink():
			list = append(list, w.names(property.Link, resources.Key(it.Value.Text())))
		default:
			list = append(list, []string{it.Value.Text()})
		}
	}
	return list
}

// names are all by which a resource may be called: its identifiers and its key.
func (w *testWorld) names(t schema.EntityType, key resources.Key) []string {
	r, ok := w.expected.World.Record(t, key)
	if !ok {
		return []string{string(key)}
	}
	entity, _ := w.configuration.Model.Entity(t)
	var names []string
	for _, p := range append([]schema.PropertyName{entity.Key}, entity.Identify...) {
		if v := r.Value(p); !v.IsNull() {
			names = append(names, v.Text())
		}
	}
	return append(names, string(key))
}

// sameTexts reports whether each thing that is there is told, and nothing else.
func sameTexts(got [][]string, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for _, names := range got {
		if !slices.ContainsFunc(want, func(text string) bool { return slices.Contains(names, text) }) {
			return false
		}
	}
	return true
}

func spelled(list [][]string) []string {
	texts := make([]string, len(list))
	for i, names := range list {
		texts[i] = names[0]
	}
	slices.Sort(texts)
	return texts
}

func listed(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

func rules(reasons []assignments.Reason) string {
	names := make([]string, len(reasons))
	for i, r := range reasons {
		names[i] = r.Rule
	}
	return listed(names)
}

// compareOrders holds the orders that follow against those that are told.
func (w *testWorld) compareOrders() {
	var open []*orders.AssignedResource
	for _, a := range w.assigned {
		if a.Order != nil && a.Order.Closed.IsZero() {
			open = append(open, a)
		}
	}
	for _, want := range w.test.Orders {
		i := slices.IndexFunc(open, func(a *orders.AssignedResource) bool {
			return string(a.Order.Kind) == want.Kind && string(a.Type) == want.Type && string(a.Owner.Key) == want.Owner
		})
		if i < 0 {
			w.miss(want.Position, "no %s of the %s of %s follows", want.Kind, want.Type, want.Owner)
			continue
		}
		w.compareOrder(open[i], want)
		open = slices.Delete(open, i, i+1)
	}
	for _, a := range open {
		w.miss(w.test.Position, "an order follows that is not told: %s of the %s of %s (%s), with %s",
			a.Order.Kind, a.Type, a.Owner.Key, a.Consolidated(), carried(a))
	}
}

func (w *testWorld) compareOrder(a *orders.AssignedResource, want declare.PolicyOrder) {
	if state := a.Consolidated().String(); want.State != "" && state != want.State {
		w.miss(want.Position, "the %s of the %s of %s stands in %s, not %s", want.Kind, want.Type, want.Owner, state, want.State)
	}
	entity, _ := w.configuration.Model.Entity(w.configuration.Model.ResourceTypes[a.Type].Target)
	for _, side := range []struct {
		what   string
		values map[string][]string
		of     func(*orders.Item) orders.Holding
		other  func(*orders.Item) orders.Holding
	}{
		{"set", want.Sets, func(it *orders.Item) orders.Holding { return it.Want }, func(it *orders.Item) orders.Holding { return it.Is }},
		{"take away", want.Takes, func(it *orders.Item) orders.Holding { return it.Is }, func(it *orders.Item) orders.Holding { return it.Want }},
	} {
		for _, name := range slices.Sorted(maps.Keys(side.values)) {
			var got []string
			for _, it := range a.Carried() {
				if string(it.Property) == name && side.of(it).There && !it.Same(side.of(it), side.other(it)) {
					got = append(got, w.textsOf(entity, it, side.of(it))...)
				}
			}
			for _, text := range side.values[name] {
				if !slices.Contains(got, text) {
					w.miss(want.Position, "the %s of the %s of %s does not %s %s %s; it carries %s",
						want.Kind, want.Type, want.Owner, side.what, name, text, carried(a))
				}
			}
		}
	}
}

// textsOf are the names under which a test may speak of what an item holds.
func (w *testWorld) textsOf(entity schema.Entity, it *orders.Item, h orders.Holding) []string {
	property := entity.Properties[it.Property]
	switch {
	case it.Link != "":
		return w.names(property.Link, it.Link)
	case property.IsLink():
		return w.names(property.Link, resources.Key(h.Value.Text()))
	}
	return []string{h.Value.Text()}
}

// carried writes what an order changes.
func carried(a *orders.AssignedResource) string {
	var parts []string
	for _, it := range a.Carried() {
		parts = append(parts, fmt.Sprintf("%s: %s to %s", it.Name(), it.Is, it.Want))
	}
	return strings.Join(parts, "; ")
}

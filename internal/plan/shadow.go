package plan

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// An Agreement says how far a resource type in shadow mode agrees with its
// system: what the rules want, against what the present tool keeps there.
type Agreement struct {
	Type roles.ResourceTypeID `json:"type"`
	// Since is when the type began to be shadowed, Read when the reading began that
	// the accounts were compared with.
	Since    time.Time `json:"since,omitzero"`
	Read     time.Time `json:"read,omitzero"`
	Expected int       `json:"expected"` // accounts that rules give
	There    int       `json:"there"`    // accounts that the system holds
	Agree    int       `json:"agree"`    // expected, there, and every value as the rules want it
	Differ   int       `json:"differ"`
	Missing  int       `json:"missing"` // expected and not there
	Surplus  int       `json:"surplus"` // there and given by no rule
	// Percent of all these accounts agree, rounded down; 0 when there are none:
	// nothing to compare proves nothing.
	Percent float64 `json:"percent"`
	// Values are the properties that differ, the most frequent first.
	Values []Difference `json:"values"`
	// Examples are accounts that are missing or surplus.
	Examples []Example `json:"examples,omitempty"`
	// Oldest is since when the oldest difference stands. Settled counts the orders
	// that ended because the present tool did what they wanted, since the beginning.
	Oldest  time.Time `json:"oldest,omitzero"`
	Settled int       `json:"settled"`
}

// A Difference counts the accounts that differ in a property.
type Difference struct {
	Property string    `json:"property"`
	Accounts int       `json:"accounts"`
	Examples []Example `json:"examples"`
}

// An Example is one account that does not agree.
type Example struct {
	Owner    resources.Ref `json:"owner"`
	Target   resources.Key `json:"target,omitempty"`
	What     string        `json:"what"`
	Expected string        `json:"expected"`
	Current  string        `json:"current"`
	Since    time.Time     `json:"since,omitzero"` // of the order that nobody sends
}

// examplesMax is what a person looks at before the rule is mended.
const examplesMax = 5

// ShadowStore is what comparing reads from the store.
type ShadowStore interface {
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	LastReadings(ctx context.Context) ([]stage.LastReading, error)
}

// Shadow compares the resource types that are in shadow mode with their systems.
// since says when each began to be shadowed. Nothing is changed by comparing.
func Shadow(ctx context.Context, store ShadowStore, q view.Questions, m *roles.Model, only []roles.ResourceTypeID, since map[roles.ResourceTypeID]time.Time) ([]Agreement, error) {
	readings, err := store.LastReadings(ctx)
	if err != nil {
		return nil, err
	}
	read := map[schema.EntityType]time.Time{}
	for _, r := range readings {
		read[r.Entity] = r.Committed.Began
	}
	list := []Agreement{}
	for _, id := range slices.Sorted(maps.Keys(m.ResourceTypes)) {
		t := m.ResourceTypes[id]
		if !t.Provisioning.Shadow || len(only) > 0 && !slices.Contains(only, id) {
			continue
		}
		held, err := store.Assigned(ctx, stage.AssignedFilter{Types: []roles.ResourceTypeID{id}})
		if err != nil {
			return nil, err
		}
		x := agreement(held)
		x.Type, x.Since, x.Read = id, since[id], read[t.Target]
		if x.Settled, err = settled(ctx, q, id, x.Since); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// agreement compares accounts as they were last read with what the rules want.
func agreement(list []*orders.AssignedResource) Agreement {
	x := Agreement{Values: []Difference{}}
	by := map[string]*Difference{}
	for _, a := range list {
		if len(a.Items) == 0 {
			continue
		}
		self := &a.Items[0]
		expected, there := self.Policy.Wanted && !a.Found(), self.Is.There
		x.Expected += one(expected)
		x.There += one(there)
		switch {
		case expected && there:
			if differing := differs(a, by); differing {
				x.Differ++
				x.since(a)
			} else {
				x.Agree++
			}
		case expected:
			x.Missing++
			x.since(a)
			x.example(a, "missing")
		case there:
			x.Surplus++
			x.since(a)
			x.example(a, "surplus")
		}
	}
	if all := x.Agree + x.Differ + x.Missing + x.Surplus; all > 0 {
		x.Percent = math.Floor(float64(x.Agree)*10_000/float64(all)) / 100
	}
	for _, d := range by {
		x.Values = append(x.Values, *d)
	}
	slices.SortFunc(x.Values, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.Property, b.Property))
	})
	return x
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (x *Agreement) since(a *orders.AssignedResource) {
	if o := opened(a); o != nil && (x.Oldest.IsZero() || o.Created.Before(x.Oldest)) {
		x.Oldest = o.Created
	}
}

func (x *Agreement) example(a *orders.AssignedResource, what string) {
	n := 0
	for _, e := range x.Examples {
		n += one(e.What == what)
	}
	if n < examplesMax {
		x.Examples = append(x.Examples, exampleOf(a, &a.Items[0], what))
	}
}

func exampleOf(a *orders.AssignedResource, it *orders.Item, what string) Example {
	e := Example{Owner: a.Owner, Target: a.Target, What: what, Expected: it.Policy.Holding.String(), Current: it.Is.String()}
	if it.Policy.Failed != "" {
		e.Expected = "not known: " + it.Policy.Failed
	}
	if what == "surplus" {
		e.Expected = orders.Nothing.String()
	}
	if o := opened(a); o != nil {
		e.Since = o.Created
	}
	return e
}

// differs notes the values in which an account is not as the rules want it. What
// is written once is not compared; a value that cannot be computed does not agree.
func differs(a *orders.AssignedResource, by map[string]*Difference) bool {
	counted := map[string]bool{}
	for i := range a.Items {
		it := &a.Items[i]
		if it.Property == "" || it.Policy.Once || it.Policy.Failed == "" && it.Same(it.Is, it.Policy.Holding) {
			continue
		}
		name := string(it.Property)
		d := by[name]
		if d == nil {
			d = &Difference{Property: name, Examples: []Example{}}
			by[name] = d
		}
		if !counted[name] { // many links of one account are one account
			d.Accounts++
			counted[name] = true
		}
		if len(d.Examples) < examplesMax {
			d.Examples = append(d.Examples, exampleOf(a, it, it.Name()))
		}
	}
	return len(counted) > 0
}

// settled counts the orders of a type that ended since, because a reading showed
// what they wanted: nobody but the present tool can have written it.
func settled(ctx context.Context, q view.Questions, t roles.ResourceTypeID, since time.Time) (n int, err error) {
	f := view.OrderFilter{Types: []string{string(t)}, Closed: true, Limit: view.MaxLimit}
	for {
		page, err := q.Orders(ctx, f)
		if err != nil {
			return 0, err
		}
		for _, o := range page.Orders {
			n += one(!o.Closed.IsZero() && !o.Closed.Before(since) && o.Outcome == "verified")
		}
		if f.After = page.After; f.After == 0 {
			return n, nil
		}
	}
}

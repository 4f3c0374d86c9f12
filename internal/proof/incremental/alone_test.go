package incremental

import (
	"fmt"
	"slices"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// aloneOneIn is before every which step one owner is evaluated alone as well.
const aloneOneIn = 4

// alone evaluates one owner alone, in the state that stands before everybody is
// evaluated, and compares that with what evaluating everybody finds of that owner.
// Where others wait for values the two may differ: who is evaluated alone comes first.
func (w *world) alone() {
	entity := schema.EntityType("Person")
	if w.aside.IntN(8) == 0 {
		entity = "Department"
	}
	keys := populationOf(entity).keys()
	owner := resources.Ref{Type: entity, Key: keys[w.aside.IntN(len(keys))]}
	k, err := evaluate.Load(w.ctx, w.db, w.deployed.Model)
	w.must("load what is known", err)
	all := evaluate.Expect(w.deployed.Model, w.deployed.Programs, k, w.day)
	r := w.runnerThatHolds(held[w.aside.IntN(len(held))])
	r.Overlooks = w.overlooksAlone
	known, x, err := r.Alone(w.ctx, w.day, owner)
	w.must("evaluate one owner alone", err)
	if slices.ContainsFunc(all.Made, func(d stage.Decision) bool { return d.Owner != owner }) {
		return
	}
	w.tally.alone++
	of := all.Of(owner)
	if d := differences(w.expected(k.Of(owner, of), of), w.expected(known, x)); d != "" {
		w.fail("evaluating %s alone (held: %d) finds something else than evaluating everybody:\n%s", owner, r.Held, d)
	}
}

// expected pictures what is expected of one owner.
func (w *world) expected(known *evaluate.Known, x evaluate.Expectation) picture {
	p, numbered := picture{}, map[orders.AssignedID]bool{}
	for _, a := range known.Roles {
		p.put(fmt.Sprintf("had %s (%s)", a.Role, a.Parameters), a)
	}
	for _, a := range x.Roles {
		p.role(a)
	}
	for _, d := range x.Ended {
		p.put(fmt.Sprintf("ended %s (%s)", d.Role, d.Parameters), d)
	}
	for _, d := range x.Made {
		p.allocation(d)
	}
	p.findings(x.Findings)
	for _, a := range known.Assigned {
		numbered[a.ID] = true
	}
	next := orders.AssignedID(1) << 40
	for _, a := range evaluate.Adopt(w.deployed.Model, known, x, func() orders.AssignedID { next++; return next }) {
		if !numbered[a.ID] {
			known.Assigned = append(known.Assigned, a)
		}
	}
	for _, a := range known.Assigned {
		p.account(a, numbered)
	}
	return p
}

package incremental

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// A picture is what an evaluation leaves, each thing by its name.
type picture map[string]string

func (p picture) put(name string, x any) {
	text, err := json.Marshal(x)
	if err != nil {
		panic(err) // what the store keeps can be written
	}
	for _, taken := p[name]; taken; _, taken = p[name] {
		name += "'"
	}
	p[name] = string(text)
}

func (p picture) role(a assignments.AssignedRole) {
	a.Since = a.Since.UTC()
	p.put(fmt.Sprintf("the role %s of %s (%s)", a.Role, a.Owner, a.Parameters), a)
}

// account pictures an assigned resource. New ones are numbered in another order.
func (p picture) account(a *orders.AssignedResource, known map[orders.AssignedID]bool) {
	x := *a
	x.Version = 0
	name := fmt.Sprintf("%s %d of %s", a.Type, a.ID, a.Owner)
	if !known[a.ID] {
		x.ID = 0
		name = fmt.Sprintf("new %s of %s, %q", a.Type, a.Owner, a.Target)
	}
	p.put(name, x)
}

func (p picture) decision(d assignments.RoleDecision) {
	p.put(fmt.Sprintf("what was decided on %s of %s (%s)", d.Role, d.Owner, d.Parameters), d)
}

func (p picture) allocation(d stage.Decision) {
	p.put(fmt.Sprintf("what was allocated to %s for %s.%s", d.Owner, d.Type, d.Property), d.Value.Text())
}

func (p picture) findings(list []fault.Finding) {
	for _, f := range list {
		p["finding "+f.Object+": "+f.What] = ""
	}
}

// differences lists what one picture shows and the other does not.
func differences(full, incremental picture) string {
	names := maps.Clone(full)
	maps.Copy(names, incremental)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, inFull := full[name]
		b, inIncremental := incremental[name]
		if a != b || inFull != inIncremental {
			from := alike(a, b)
			lines = append(lines, fmt.Sprintf("%s:\n  full        %s\n  incremental %s", name, said(a, from, inFull), said(b, from, inIncremental)))
		}
	}
	return strings.Join(lines, "\n")
}

// shownAround is how much of a difference is shown before and behind its beginning.
const shownAround = 150

// alike is how far two texts are the same.
func alike(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func said(text string, from int, there bool) string {
	if !there {
		return "-"
	}
	return text[max(0, from-shownAround):min(len(text), from+shownAround)]
}

// inFull evaluates everybody in memory and pictures what that leaves. known are
// the assigned resources that are numbered already; nil: all that are there.
func (w *world) inFull(known map[orders.AssignedID]bool) (picture, map[orders.AssignedID]bool) {
	model := w.deployed.Model
	k, err := evaluate.Load(w.ctx, w.db, model)
	w.must("load what is known", err)
	if known == nil {
		known = map[orders.AssignedID]bool{}
		for _, a := range k.Assigned {
			known[a.ID] = true
		}
	}
	p := picture{}
	since := map[stage.AssignedRoleKey]assignments.AssignedRole{}
	for _, a := range k.Roles {
		since[stage.RoleKeyOf(a)] = a
	}
	x := evaluate.Expect(model, w.deployed.Programs, k, w.day)
	for _, a := range x.Roles {
		old := since[stage.RoleKeyOf(a)]
		if a.Since = old.Since; a.Workflow != old.Workflow {
			a.Since = w.now
		}
		p.role(a)
	}
	next := orders.AssignedID(1) << 40
	changed := evaluate.Adopt(model, k, x, func() orders.AssignedID { next++; return next })
	for _, a := range changed {
		if a.ID > 1<<40 {
			k.Assigned = append(k.Assigned, a)
		}
	}
	for _, a := range k.Assigned {
		if !a.Closed {
			p.account(a, known)
		}
	}
	for _, d := range k.Decided {
		if !slices.ContainsFunc(x.Ended, func(e assignments.RoleDecision) bool {
			return e.Owner == d.Owner && e.Role == d.Role && e.Parameters == d.Parameters
		}) {
			p.decision(d)
		}
	}
	allocated, err := w.db.Decisions(w.ctx, stage.Allocation)
	w.must("load what is allocated", err)
	for _, d := range append(allocated, x.Made...) {
		p.allocation(d)
	}
	p.findings(x.Findings)
	return p, known
}

// stored pictures what is in the store.
func (w *world) stored(known map[orders.AssignedID]bool) picture {
	p := picture{}
	rows, err := w.db.AssignedRoles(w.ctx, nil)
	w.must("load roles", err)
	for _, a := range rows {
		p.role(a)
	}
	for _, a := range w.assigned() {
		p.account(a, known)
	}
	decided, err := w.db.RoleDecisions(w.ctx, nil)
	w.must("load decisions", err)
	for _, d := range decided {
		p.decision(d)
	}
	allocated, err := w.db.Decisions(w.ctx, stage.Allocation)
	w.must("load what is allocated", err)
	for _, d := range allocated {
		p.allocation(d)
	}
	return p
}

// held is how many resources of a type a run may hold, as servers and tests do.
var held = []int{1, 2, 1000}

func (w *world) runner() evaluate.Runner { return w.runnerThatHolds(pick(w, held)) }

func (w *world) runnerThatHolds(most int) evaluate.Runner {
	r := evaluate.Runner{
		Store: w.db, Model: w.deployed.Model, Programs: w.deployed.Programs, Configuration: w.deployed.Hash, Held: most,
		Clock: w.clock, Actor: w.act("").Actor, Overlooks: w.overlooks,
	}
	if w.server {
		r.Warm = &w.warm
	}
	return r
}

// evaluate evaluates the same state in full in memory and in the store, and
// compares what both leave.
func (w *world) evaluate() {
	if w.overlooks == nil && w.aside.IntN(aloneOneIn) == 0 {
		w.alone()
	}
	full, known := w.inFull(nil)
	r := w.runner()
	s, err := r.Run(w.ctx, w.day)
	w.must("evaluate", err)
	w.count(s)
	after := w.stored(known)
	after.findings(s.Findings)
	if d := differences(full, after); d != "" {
		w.fail("evaluating everybody leaves another state (everybody: %t, held: %d):\n%s", s.Everybody, r.Held, d)
	}
	if w.oneIn(4) {
		w.rests()
	}
}

func (w *world) count(s evaluate.Summary) {
	if s.Everybody {
		return
	}
	w.tally.incremental++
	w.tally.changed += s.Changed
	owners := w.owners()
	w.tally.owners += owners
	w.tally.left += owners - s.Owners
	if s.Owners == 0 {
		w.tally.idle++
	}
}

// owners counts those who are there.
func (w *world) owners() (n int) {
	_, departments := w.deployed.Model.ResourceTypes["C"]
	for ref := range w.there {
		if ref.Type == "Person" || departments && ref.Type == "Department" {
			n++
		}
	}
	return n
}

// runsToRest is in how many runs everything comes to rest when nothing changes:
// what is shown once goes in the next, and a match may settle another.
const runsToRest = 4

// rests evaluates until nothing is marked, and checks that evaluating everybody
// once more changes nothing then.
func (w *world) rests() {
	for range runsToRest {
		todo, err := w.db.ToEvaluate(w.ctx)
		w.must("find what is to be evaluated", err)
		if len(todo.Marks)+len(todo.Stale) == 0 {
			break
		}
		r := w.runner()
		_, err = r.Run(w.ctx, w.day)
		w.must("evaluate again", err)
	}
	known := map[orders.AssignedID]bool{}
	for _, a := range w.assigned() {
		known[a.ID] = true
	}
	again, _ := w.inFull(known)
	for name := range again {
		if strings.HasPrefix(name, "finding ") {
			delete(again, name) // they are said in every run
		}
	}
	if d := differences(again, w.stored(known)); d != "" {
		w.fail("evaluating everybody right afterwards changes something:\n%s", d)
	}
}

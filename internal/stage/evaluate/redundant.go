package evaluate

import (
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
)

// A Redundancy is an approved role that rules give as well, for some time.
type Redundancy struct {
	Decision assignments.RoleDecision
	Overlap  assignments.Period   // in which rules give it too
	Left     []assignments.Period // of what was approved, before and after: none where rules give all of it
	Reasons  []assignments.Reason // of the rules
}

// Applied is the decision as it is once the rules' word stands in the overlap;
// false when nothing is left of it.
func (r Redundancy) Applied() (assignments.RoleDecision, bool) {
	d := r.Decision
	switch len(r.Left) {
	case 0:
		return d, false
	case 1:
		d.Period, d.Yields = r.Left[0], assignments.Period{}
	default:
		d.Yields = r.Overlap
	}
	return d, true
}

// Redundant lists approved roles that rules give as well. Each is judged as if
// those before it in the list were given up already, so that all may be: two
// roles that give each other do not both go.
func Redundant(model *roles.Model, programs expression.Programs, k *Known, day time.Time) []Redundancy {
	x := Expect(model, programs, k, day) // allocates what expressions may read
	in := InputOf(model, programs, k, day)
	in.World = x.World
	e := &evaluation{Input: in, programs: programs, result: &Result{}}
	e.prepare()
	var list []Redundancy
	for _, d := range k.Decided {
		role, declared := model.Roles[d.Role]
		owner, there := in.World.Record(d.Owner.Type, d.Owner.Key)
		if d.Workflow != assignments.Approved || d.Yields != (assignments.Period{}) || d.Period.Over(day) || !declared || !there {
			continue // what yields already was split before
		}
		c := e.standingOf(owner)
		if c.failed != "" || c.excluded {
			continue
		}
		if found, ok := e.redundant(c, &role, d); ok {
			list = append(list, found)
			e.giveUp(found)
		}
	}
	return list
}

// redundant works out whether rules give a role without the decision on it.
func (e *evaluation) redundant(c *standing, role *roles.Role, d assignments.RoleDecision) (Redundancy, bool) {
	all := e.Decided[d.Owner]
	e.Decided[d.Owner] = slices.DeleteFunc(slices.Clone(all), func(x assignments.RoleDecision) bool {
		return x.Role == d.Role && x.Parameters == d.Parameters
	})
	defer func() { e.Decided[d.Owner] = all }()
	c.accounts = map[roles.ResourceTypeID][]match{} // nothing is deduced: what was found gives no role away
	e.assignRoles(c)
	grants, err := e.granting(c, role)
	if err != nil {
		return Redundancy{}, false
	}
	grants = slices.DeleteFunc(grants, func(g granted) bool {
		return g.workflow.Found() || g.parameters != d.Parameters || g.period == never
	})
	own := within(d.Period, c.period)
	for _, g := range grants {
		if overlap, some := own.Meet(g.period); some && !overlap.Over(e.Day) {
			return Redundancy{d, overlap, leftOf(d.Period, own, overlap), reasonsOf(grants)}, true
		}
	}
	return Redundancy{}, false
}

// leftOf is what an approval says beyond an overlap. Where only the owner's own
// period ends it, it goes on being as open as it was approved.
func leftOf(approved, own, overlap assignments.Period) []assignments.Period {
	left := own.Without(overlap)
	for i := range left {
		if left[i].From.Equal(own.From) {
			left[i].From = approved.From
		}
		if left[i].To.Equal(own.To) {
			left[i].To = approved.To
		}
	}
	return left
}

// giveUp lets the rules' word stand for what comes later in the list.
func (e *evaluation) giveUp(r Redundancy) {
	list := slices.Clone(e.Decided[r.Decision.Owner])
	i := slices.IndexFunc(list, func(x assignments.RoleDecision) bool {
		return x.Role == r.Decision.Role && x.Parameters == r.Decision.Parameters
	})
	if rest, left := r.Applied(); left {
		list[i] = rest
	} else {
		list = slices.Delete(list, i, i+1)
	}
	e.Decided[r.Decision.Owner] = list
}

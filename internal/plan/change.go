package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// A RoleChange counts who would gain and lose a role.
type RoleChange struct {
	Role   roles.RoleID `json:"role"`
	Gained int          `json:"gained"`
	Lost   int          `json:"lost"`
}

// PersonRoles are the roles that one owner would gain and lose, each with its
// parameters.
type PersonRoles struct {
	Owner resources.Ref `json:"owner"`
	Name  string        `json:"ownerName,omitempty"`
	Gains []string      `json:"gains,omitempty"`
	Loses []string      `json:"loses,omitempty"`
}

// roleChanges compare who has which role now with who would have it.
type roleChanges struct {
	counts map[roles.RoleID]*RoleChange
	people map[resources.Ref]*PersonRoles
}

func newRoleChanges() roleChanges {
	return roleChanges{counts: map[roles.RoleID]*RoleChange{}, people: map[resources.Ref]*PersonRoles{}}
}

// add compares the roles of some owners.
func (c *roleChanges) add(x evaluate.Part) {
	before := map[stage.AssignedRoleKey]bool{}
	for _, a := range x.Roles {
		if a.Workflow.Expected() {
			before[stage.RoleKeyOf(a)] = true
		}
	}
	note := func(at stage.AssignedRoleKey) (*RoleChange, *PersonRoles) {
		if c.counts[at.Role] == nil {
			c.counts[at.Role] = &RoleChange{Role: at.Role}
		}
		if c.people[at.Owner] == nil {
			c.people[at.Owner] = &PersonRoles{Owner: at.Owner, Name: displayOf(x.World, at.Owner)}
		}
		return c.counts[at.Role], c.people[at.Owner]
	}
	for _, a := range x.Result.Roles {
		at := stage.RoleKeyOf(a)
		if !a.Workflow.Expected() {
			continue
		}
		if before[at] {
			delete(before, at)
			continue
		}
		n, person := note(at)
		n.Gained++
		person.Gains = append(person.Gains, roleName(a.Role, a.Parameters))
	}
	for at := range before {
		n, person := note(at)
		n.Lost++
		person.Loses = append(person.Loses, roleName(at.Role, at.Parameters))
	}
}

// into writes them into a plan.
func (c *roleChanges) into(p *Plan) {
	for _, n := range c.counts {
		p.Roles = append(p.Roles, *n)
	}
	slices.SortFunc(p.Roles, func(a, b RoleChange) int { return cmp.Compare(a.Role, b.Role) })
	for _, person := range c.people {
		slices.Sort(person.Gains)
		slices.Sort(person.Loses)
		p.People = append(p.People, *person)
	}
	slices.SortFunc(p.People, func(a, b PersonRoles) int { return cmp.Compare(a.Owner.String(), b.Owner.String()) })
}

func roleName(role roles.RoleID, with assignments.Parameters) string {
	if with == "" {
		return string(role)
	}
	return string(role) + " (" + string(with) + ")"
}

func displayOf(w *evaluate.World, ref resources.Ref) string {
	if r, ok := w.Record(ref.Type, ref.Key); ok {
		return r.Display
	}
	return ""
}

// By lists what happens between today and the day of a plan for the future.
type By struct {
	Today   string  `json:"today"`
	Joins   []Event `json:"joins,omitempty"`   // owners whose first day falls in between
	Leaves  []Event `json:"leaves,omitempty"`  // owners whose last day does
	Expires []Event `json:"expires,omitempty"` // roles and accounts of owners who stay
}

// An Event is one of these.
type Event struct {
	Owner resources.Ref `json:"owner"`
	Name  string        `json:"ownerName,omitempty"`
	What  string        `json:"what,omitempty"` // "role X", "account T"
	On    string        `json:"on"`             // the first day; or the last one
}

// endings are what is to end for some owners, as it stands before the plan is
// evaluated.
func endings(x evaluate.Part, today, day time.Time) (list []Event) {
	note := func(owner resources.Ref, what string, p assignments.Period) {
		if endsWithin(p, today, day) {
			list = append(list, Event{Owner: owner, What: what, On: p.To.Format(time.DateOnly)})
		}
	}
	for _, a := range x.Roles {
		if a.Workflow.Expected() {
			note(a.Owner, "role "+roleName(a.Role, a.Parameters), a.Period)
		}
	}
	for _, a := range x.Stored {
		if len(a.Items) > 0 && a.Items[0].Policy.Wanted {
			note(a.Owner, "account "+string(a.Type), a.Period)
		}
	}
	return list
}

func endsWithin(p assignments.Period, today, day time.Time) bool {
	return !p.To.IsZero() && !p.To.Before(today) && p.To.Before(day)
}

// add tells what happens to some owners until the plan's day.
func (by *By) add(p Proposal, x evaluate.Part, where *evaluate.Whereabouts, ends []Event) {
	leaves := map[resources.Ref]bool{}
	for _, ref := range x.Owners {
		r, there := x.World.Record(ref.Type, ref.Key)
		if !there {
			continue
		}
		w := where.Of(r)
		if w.Nowhere {
			continue
		}
		if from := w.Period.From; from.After(p.Today) && !from.After(p.Day) {
			by.Joins = append(by.Joins, Event{Owner: r.Ref, Name: r.Display, On: from.Format(time.DateOnly)})
		}
		if endsWithin(w.Period, p.Today, p.Day) {
			leaves[r.Ref] = true
			by.Leaves = append(by.Leaves, Event{Owner: r.Ref, Name: r.Display, On: w.Period.To.Format(time.DateOnly)})
		}
	}
	for _, e := range ends {
		if !leaves[e.Owner] {
			e.Name = displayOf(x.World, e.Owner)
			by.Expires = append(by.Expires, e)
		}
	}
}

func (by *By) sort() {
	for _, list := range [][]Event{by.Joins, by.Leaves, by.Expires} {
		slices.SortFunc(list, func(a, b Event) int {
			return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.Owner.String(), b.Owner.String()), cmp.Compare(a.What, b.What))
		})
	}
}

// A Supposition is a decision that a plan supposes and nobody made.
type Supposition struct {
	Owner resources.Ref `json:"owner"`
	Role  string        `json:"role"`
	Does  string        `json:"does"` // given, denied, taken
}

// String writes it for people.
func (s Supposition) String() string {
	return fmt.Sprintf("%s is %s the role %s", s.Owner, s.Does, s.Role)
}

var supposed = map[assignments.Workflow]string{
	assignments.Approved: "given", assignments.WorkflowDeclined: "denied", assignments.Cancellation: "to lose",
}

// suppose lays the decisions over those that were made: the same owner, role and
// parameters are decided once.
func suppose(made, proposed []assignments.RoleDecision) []assignments.RoleDecision {
	type key struct {
		owner resources.Ref
		role  roles.RoleID
		with  assignments.Parameters
	}
	over := map[key]bool{}
	for _, d := range proposed {
		over[key{d.Owner, d.Role, d.Parameters}] = true
	}
	all := slices.DeleteFunc(slices.Clone(made), func(d assignments.RoleDecision) bool { return over[key{d.Owner, d.Role, d.Parameters}] })
	return append(all, proposed...)
}

// unavailing finds decisions to take a role away that a rule goes on giving.
func unavailing(proposed []assignments.RoleDecision, has []assignments.AssignedRole) (list []fault.Finding) {
	for _, d := range proposed {
		for _, a := range has {
			if d.Workflow != assignments.Cancellation || a.Owner != d.Owner || a.Role != d.Role || a.Parameters != d.Parameters || !a.Workflow.Expected() {
				continue
			}
			what := fmt.Sprintf("%s keeps the role %s", d.Owner, roleName(d.Role, d.Parameters))
			if len(a.Reasons) > 0 && a.Reasons[0].Rule != "" {
				what += ": " + a.Reasons[0].Rule + " gives it"
			}
			list = append(list, fault.Finding{Object: "roles." + string(d.Role), What: what, Do: "deny it with --deny, or change the rule"})
		}
	}
	return list
}

// opened is the order of an assigned resource that is open, nil where none is.
func opened(a *orders.AssignedResource) *orders.Order {
	if a.Order == nil || !a.Order.Closed.IsZero() {
		return nil
	}
	return a.Order
}

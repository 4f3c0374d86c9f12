package plan

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/generate"
)

// A Person is what evaluating one owner anew would change, and the orders that
// would come of it.
type Person struct {
	Owner    resources.Ref   `json:"owner"`
	Name     string          `json:"name,omitempty"`
	Day      string          `json:"day"`
	Roles    []RoleMove      `json:"roles"`
	Orders   []Order         `json:"orders"`
	Findings []fault.Finding `json:"findings,omitempty"`
	Saved    bool            `json:"saved"` // what is expected is stored; orders are not
}

// A RoleMove is a role that somebody would get, lose, or have otherwise.
type RoleMove struct {
	Role       string `json:"role"`
	Parameters string `json:"parameters,omitempty"`
	Before     string `json:"before"`
	After      string `json:"after"`
	Why        string `json:"why,omitempty"`
}

// MakePerson works out what evaluating one owner with the deployed configuration
// would change. It is the run, of which everything about others is left out.
func MakePerson(ctx context.Context, r *evaluate.Runner, owner resources.Ref, day, now time.Time) (*Person, error) {
	known, x, err := r.Alone(ctx, day, owner)
	if err != nil {
		return nil, err
	}
	out := &Person{Owner: owner, Day: day.Format(time.DateOnly), Findings: x.Findings, Roles: roleMoves(known.Roles, x.Roles), Orders: []Order{}}
	if person, there := x.World.Record(owner.Type, owner.Key); there {
		out.Name = person.Display
	}
	before := openOrders(known.Assigned)
	judged, err := generate.Judge(adopted(r.Model, known, x), orders.Occasion{Now: now, Actor: "plan", NewOrder: func() orders.OrderID { return -1 }})
	if err != nil {
		return nil, err
	}
	for _, a := range judged.Moved {
		if opened(a) != nil && before[a.ID] != versionOf(a) {
			out.Orders = append(out.Orders, describe(a, r.Model, x.World))
		}
	}
	sort.Slice(out.Orders, func(i, j int) bool { return out.Orders[i].Type < out.Orders[j].Type })
	return out, x.World.Failed()
}

func roleMoves(before, after []assignments.AssignedRole) []RoleMove {
	list := []RoleMove{}
	stored := map[stage.AssignedRoleKey]assignments.AssignedRole{}
	for _, a := range before {
		stored[stage.RoleKeyOf(a)] = a
	}
	for _, a := range after {
		old, had := stored[stage.RoleKeyOf(a)]
		delete(stored, stage.RoleKeyOf(a))
		if had && evaluate.SameRole(old, a) {
			continue
		}
		list = append(list, RoleMove{string(a.Role), string(a.Parameters), roleText(old, had), roleText(a, true), firstReason(a.Reasons)})
	}
	for _, a := range stored {
		list = append(list, RoleMove{string(a.Role), string(a.Parameters), roleText(a, true), roleText(a, false), "nothing gives it"})
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Role+" "+list[i].Parameters < list[j].Role+" "+list[j].Parameters
	})
	return list
}

// roleText says how somebody has a role.
func roleText(a assignments.AssignedRole, has bool) string {
	if !has {
		return "-"
	}
	text := fmt.Sprintf("%d %s", int(a.Workflow), a.Workflow)
	if !a.Period.From.IsZero() {
		text += " from " + a.Period.From.Format(time.DateOnly)
	}
	if !a.Period.To.IsZero() {
		text += " to " + a.Period.To.Format(time.DateOnly)
	}
	return text
}

// firstReason is the first of the reasons: the whole proof is explain's.
func firstReason(list []assignments.Reason) string {
	if len(list) == 0 {
		return ""
	}
	return strings.TrimSpace(list[0].Rule + " " + list[0].Note)
}

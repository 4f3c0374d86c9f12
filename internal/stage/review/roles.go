package review

import (
	"context"
	"fmt"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// A RoleChoice is what a person says about a role that was found: keep or
// decline, or revoke what was said before.
type RoleChoice struct {
	On    orders.Event
	Owner resources.Ref
	Role  roles.RoleID
	With  assignments.Parameters
	Why   string
	// MayReview: the person may review the resource types, so that removals need
	// no second look.
	MayReview bool
}

// roleAct is one decision on a role with all that follows from it.
type roleAct struct {
	RoleChoice
	keys map[roleAt]bool // the role, and those that it gives and that were found with it
	as   assignments.Workflow
	also stage.Extra
}

type roleAt struct {
	role roles.RoleID
	with assignments.Parameters
}

func (x *roleAct) had(role roles.RoleID, with assignments.Parameters) bool {
	return x.keys[roleAt{role, with}]
}

// DecideRole settles a role that was found, and with it, in the same transaction,
// what only this role explains: kept, its links are expected from now on;
// declined, they are removed, as the resource type asks. It returns how many
// accounts that concerns.
func (d *Desk) DecideRole(ctx context.Context, c RoleChoice) (accounts int, err error) {
	model, err := d.model(ctx)
	if err != nil {
		return 0, err
	}
	if err := reasoned(c.On, model.Roles[c.Role].Comments, c.Why); err != nil {
		return 0, err
	}
	x := &roleAct{RoleChoice: c, keys: map[roleAt]bool{{c.Role, c.With}: true}}
	rows, err := d.Store.AssignedRoles(ctx, &c.Owner)
	if err != nil {
		return 0, err
	}
	now := d.Clock()
	if c.On == orders.Revoke {
		err = d.takeBack(ctx, x, rows)
	} else {
		err = x.decide(rows, d.Actor.String(), orders.Occasion{Now: now})
	}
	if err != nil {
		return 0, err
	}
	list, err := d.Store.Assigned(ctx, stage.AssignedFilter{Owners: []resources.Ref{c.Owner}})
	if err != nil {
		return 0, err
	}
	var ids []orders.AssignedID
	for _, a := range list {
		if a.Reopenable(x.had) {
			ids = append(ids, a.ID)
		}
	}
	numbers := stage.Numbers(ctx, d.Store, stage.OrderCounter)
	numbers.Prepare(numbersPerAct * (1 + len(ids)))
	defer numbers.Free()
	o := orders.Occasion{
		Now: now, Actor: d.Actor.String(), Why: because(fmt.Sprintf("the role %s was %s", c.Role, said[c.On]), c.Why),
		NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) },
	}
	act := journal.Act{Actor: d.Actor, Name: string(c.On) + " role", Subject: subjectOfRole(c), Why: c.Why, At: now}
	err = d.Store.Update(ctx, act, ids, func(a *orders.AssignedResource) error {
		switch c.On {
		case orders.Keep:
			return a.AcceptRole(o, x.had)
		case orders.Decline:
			return a.RefuseRole(o, x.had, c.MayReview)
		}
		return a.ReopenRole(o, x.had, x.as)
	}, x.also)
	if err == nil {
		err = numbers.Err()
	}
	return len(ids), err
}

// said is how a decision on a role is told.
var said = map[orders.Event]string{orders.Keep: "kept", orders.Decline: "declined", orders.Revoke: "opened again"}

func subjectOfRole(c RoleChoice) string {
	text := fmt.Sprintf("%s of %s", c.Role, c.Owner)
	if c.With != "" {
		text += " with " + string(c.With)
	}
	return text
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// decide keeps or declines: the decision on the role, and how it and what came
// with it are shown until they are evaluated next.
func (x *roleAct) decide(rows []assignments.AssignedRole, by string, o orders.Occasion) error {
	i := slices.IndexFunc(rows, func(a assignments.AssignedRole) bool { return a.Role == x.Role && a.Parameters == x.With })
	if i < 0 || !rows[i].Workflow.Found() {
		return &fault.Error{
			Kind: fault.Refused, Op: string(x.On), Msg: fmt.Sprintf("%s has no role %s that was found and waits for a decision", x.Owner, x.Role),
			Do: "`provisor reconcile roles` lists those that do",
		}
	}
	x.settle(rows[i], by, o)
	for grown := true; grown; { // parts of it, and parts of those
		grown = false
		for _, part := range rows {
			if !part.Workflow.Found() || x.keys[roleAt{part.Role, part.Parameters}] || !x.gives(part) {
				continue
			}
			grown, x.keys[roleAt{part.Role, part.Parameters}] = true, true
			if x.On == orders.Decline {
				x.settle(part, by, o)
				continue
			}
			move := stage.RoleMove{From: part.Workflow, To: part}
			move.To.Workflow = assignments.Calculated
			x.also.MoveRoles = append(x.also.MoveRoles, move)
		}
	}
	return nil
}

// gives reports whether a role came by roles that are decided, and by no other.
func (x *roleAct) gives(part assignments.AssignedRole) bool {
	given := false
	for _, r := range part.Reasons {
		switch {
		case r.Role == "":
		case !x.had(r.Role, r.With):
			return false
		default:
			given = true
		}
	}
	return given
}

func (x *roleAct) settle(row assignments.AssignedRole, by string, o orders.Occasion) {
	move, decision := settled(x.On, row, by, x.Why)
	decision.At = o.Now
	x.also.MoveRoles, x.also.DecideRoles = append(x.also.MoveRoles, move), append(x.also.DecideRoles, decision)
}

// settled is what keeping or declining makes of a found role.
func settled(on orders.Event, row assignments.AssignedRole, by, why string) (stage.RoleMove, assignments.RoleDecision) {
	decision := assignments.RoleDecision{
		Owner: row.Owner, Role: row.Role, Parameters: row.Parameters, Workflow: assignments.Approved, Found: row.Workflow, By: by, Why: why,
	}
	note := because("found, and kept by "+by, why)
	if on == orders.Decline {
		decision.Workflow, note = assignments.Cancellation, because("found, and declined by "+by, why)
	}
	move := stage.RoleMove{From: row.Workflow, To: row}
	move.To.Workflow, move.To.Reasons = decision.Workflow, []assignments.Reason{{Note: note}}
	return move, decision
}

// takeBack opens the question again: the role is what it was found as.
func (d *Desk) takeBack(ctx context.Context, x *roleAct, rows []assignments.AssignedRole) error {
	decisions, err := d.Store.RoleDecisions(ctx, &x.Owner)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(decisions, func(r assignments.RoleDecision) bool {
		return r.Role == x.Role && r.Parameters == x.With && r.Found != 0
	})
	if i < 0 {
		return fault.New(fault.Refused, string(x.On), "nobody kept or declined the role %s of %s because it was found", x.Role, x.Owner)
	}
	first := decisions[i]
	x.as = first.Found
	for _, r := range decisions {
		together := r.Found != 0 && r.Workflow == first.Workflow && r.At.Equal(first.At) // parts of a composite role
		if r.Role == x.Role && r.Parameters == x.With || together {
			x.keys[roleAt{r.Role, r.Parameters}] = true
			x.also.RevokeRoles = append(x.also.RevokeRoles, stage.AssignedRoleKey{Owner: r.Owner, Role: r.Role, Parameters: r.Parameters})
		}
	}
	for _, row := range rows {
		at := roleAt{row.Role, row.Parameters}
		if !x.keys[at] && first.Workflow == assignments.Approved && x.gives(row) {
			x.keys[at] = true
		}
		if x.keys[at] && !row.Workflow.Found() {
			move := stage.RoleMove{From: row.Workflow, To: row}
			move.To.Workflow = x.as
			x.also.MoveRoles = append(x.also.MoveRoles, move)
		}
	}
	return nil
}

// linkedRoles finds the roles that a decision on single links settles as well:
// those that were found, and alone explain a link that is decided.
func (d *Desk) linkedRoles(ctx context.Context, x Decision, a *orders.AssignedResource) (map[int]stage.RoleMove, error) {
	if x.On != orders.Keep && x.On != orders.Decline {
		return nil, nil
	}
	var rows []assignments.AssignedRole
	linked := map[int]stage.RoleMove{}
	for _, id := range x.Items {
		role, with, ok := a.FoundRole(id)
		if !ok {
			continue
		}
		if rows == nil {
			var err error
			if rows, err = d.Store.AssignedRoles(ctx, &a.Owner); err != nil {
				return nil, err
			}
		}
		for _, row := range rows {
			if row.Role == role && row.Parameters == with && row.Workflow.Found() {
				linked[id] = stage.RoleMove{From: row.Workflow, To: row}
			}
		}
	}
	return linked, nil
}

// settleLinked makes the decision on the roles part of the act on their links.
func settleLinked(a *orders.AssignedResource, x Decision, o orders.Occasion, linked map[int]stage.RoleMove, also *stage.Extra) {
	told := map[roleAt]bool{}
	for _, id := range x.Items {
		m, ok := linked[id]
		if !ok {
			continue
		}
		at := roleAt{m.To.Role, m.To.Parameters}
		if it := a.Item(id); it != nil && it.Decision.Refused {
			it.Decision.Role, it.Decision.With = at.role, at.with
		}
		if told[at] {
			continue
		}
		told[at] = true
		m.To.Workflow = m.From
		move, decision := settled(x.On, m.To, o.Actor, because("with the link "+a.Item(id).Name(), x.Why))
		decision.At = o.Now
		also.MoveRoles, also.DecideRoles = append(also.MoveRoles, move), append(also.DecideRoles, decision)
	}
}

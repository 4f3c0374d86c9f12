package reach

import (
	"context"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// Actor is who acts: whoever signed in or, where nobody does, whoever runs the
// loopback server.
func Actor(ctx context.Context, local journal.Actor) journal.Actor {
	who := routes.Who(ctx)
	if who.Account == "" {
		return local
	}
	return journal.Actor{Process: local.Process, As: who.Name()}
}

// Desk decides on what ask reaches, and on nothing else, whatever numbers somebody
// sends.
func Desk(desk act.Desk, ask Questions) act.Desk { return reached{desk, ask} }

// RequestDesk decides requests that ask shows, and asks for people whom it shows.
func RequestDesk(desk act.RequestDesk, ask Questions) act.RequestDesk {
	return reachedRequests{desk, ask}
}

// reached is a desk at which what somebody's profiles do not reach is not there.
type reached struct {
	act.Desk
	ask Questions
}

// All refuses what is about accounts of which some are not reached.
func All(ctx context.Context, ask Questions, ids []orders.AssignedID) error {
	return reached{nil, ask}.only(ctx, ids)
}

// only refuses a decision on accounts that are not reached.
func (d reached) only(ctx context.Context, ids []orders.AssignedID) error {
	known, err := d.ask.Reached(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return fault.New(fault.NotFound, "decide", "one of them is not there any more")
		}
	}
	return nil
}

func (d reached) Decide(ctx context.Context, x review.Decision) (review.Outcome, error) {
	if err := d.only(ctx, x.Assigned); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.Decide(ctx, x)
}

func (d reached) DecideItems(ctx context.Context, id orders.AssignedID, list []review.Decision) (review.Outcome, error) {
	if err := d.only(ctx, []orders.AssignedID{id}); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.DecideItems(ctx, id, list)
}

func (d reached) DecideRole(ctx context.Context, x review.RoleChoice) (int, error) {
	if x.On == orders.Revoke { // what was decided is not in question any more
		return d.revokeRole(ctx, x)
	}
	page, err := d.ask.FoundRoles(ctx, view.FoundRoleFilter{Owner: &x.Owner, Roles: []string{string(x.Role)}, Parts: true})
	if err == nil && len(page.Roles) == 0 {
		err = fault.New(fault.NotFound, "decide", "%s does not have %s as a role that was found", x.Owner, x.Role)
	}
	if err != nil {
		return 0, err
	}
	return d.Desk.DecideRole(ctx, x)
}

// revokeRole takes a decision back on a role that the person is shown with.
func (d reached) revokeRole(ctx context.Context, x review.RoleChoice) (int, error) {
	p, err := d.ask.Person(ctx, x.Owner)
	if err == nil && !slices.ContainsFunc(p.Roles, func(r view.Role) bool { return r.Role == string(x.Role) }) {
		err = fault.New(fault.NotFound, "decide", "%s does not have %s as a role that was decided on", x.Owner, x.Role)
	}
	if err != nil {
		return 0, err
	}
	return d.Desk.DecideRole(ctx, x)
}

func (d reached) AssignOwner(ctx context.Context, id orders.AssignedID, owner resources.Ref, why string) (review.Outcome, error) {
	if err := d.only(ctx, []orders.AssignedID{id}); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.AssignOwner(ctx, id, owner, why)
}

func (d reached) Take(ctx context.Context, ids []orders.AssignedID) (review.Outcome, error) {
	if err := d.only(ctx, ids); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.Take(ctx, ids)
}

func (d reached) Confirm(ctx context.Context, ids []orders.AssignedID, items []int, why string) (review.Outcome, error) {
	if err := d.only(ctx, ids); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.Confirm(ctx, ids, items, why)
}

func (d reached) Fail(ctx context.Context, ids []orders.AssignedID, items []int, why string) (review.Outcome, error) {
	if err := d.only(ctx, ids); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.Fail(ctx, ids, items, why)
}

// whole refuses what is about all accounts of a type to who does not reach them all.
func whole(ctx context.Context, t roles.ResourceTypeID) error {
	if !routes.Rows(ctx, access.OrdersRelease).Holds(access.Subject{Kind: access.Account, Type: t}) {
		return &fault.Error{Kind: fault.Denied, Op: "release", Msg: "your profiles do not reach all of " + string(t), Do: "Release orders one by one, or ask whoever answers for all of them."}
	}
	return nil
}

func (d reached) Causes(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, after orders.OrderID) ([]review.Cause, orders.OrderID, error) {
	if err := whole(ctx, t); err != nil {
		return nil, 0, err
	}
	return d.Desk.Causes(ctx, t, k, after)
}

func (d reached) CountHeld(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules string) (int, error) {
	if err := whole(ctx, t); err != nil {
		return 0, err
	}
	return d.Desk.CountHeld(ctx, t, k, rules)
}

func (d reached) ReleaseCaused(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules, why string) (review.Outcome, error) {
	if err := whole(ctx, t); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.ReleaseCaused(ctx, t, k, rules, why)
}

func (d reached) ReleaseAll(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, why string) (review.Outcome, error) {
	if err := whole(ctx, t); err != nil {
		return review.Outcome{}, err
	}
	return d.Desk.ReleaseAll(ctx, t, k, why)
}

// reachedRequests is a desk at which other people's requests are not there.
type reachedRequests struct {
	act.RequestDesk
	ask Questions
}

func (d reachedRequests) Ask(ctx context.Context, x review.Asked) (requests.Request, error) {
	if _, err := d.ask.Person(ctx, x.Owner); err != nil {
		return requests.Request{}, err
	}
	return d.RequestDesk.Ask(ctx, x)
}

func (d reachedRequests) Supply(ctx context.Context, id requests.RequestID, given map[roles.DimensionID]string) (requests.Request, error) {
	if _, err := d.ask.Request(ctx, id); err != nil {
		return requests.Request{}, err
	}
	return d.RequestDesk.Supply(ctx, id, given)
}

func (d reachedRequests) Decide(ctx context.Context, id requests.RequestID, approve bool, why string) (requests.Request, error) {
	if _, err := d.ask.Request(ctx, id); err != nil {
		return requests.Request{}, err
	}
	return d.RequestDesk.Decide(ctx, id, approve, why)
}

func (d reachedRequests) Withdraw(ctx context.Context, id requests.RequestID, why string) (requests.Request, error) {
	if _, err := d.ask.Request(ctx, id); err != nil {
		return requests.Request{}, err
	}
	return d.RequestDesk.Withdraw(ctx, id, why)
}

func (d reachedRequests) Validate(ctx context.Context, owner resources.Ref, role roles.RoleID, given map[roles.DimensionID]string, approve bool, why string) (assignments.AssignedRole, error) {
	if _, err := d.ask.Person(ctx, owner); err != nil {
		return assignments.AssignedRole{}, err
	}
	return d.RequestDesk.Validate(ctx, owner, role, given, approve, why)
}

package reach

import (
	"context"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// nobodys answers that nothing is reached but account 1.
type nobodys struct{ Questions }

func (nobodys) Reached(_ context.Context, ids []orders.AssignedID) (known []orders.AssignedID, err error) {
	for _, id := range ids {
		if id == 1 {
			known = append(known, id)
		}
	}
	return known, nil
}

func (nobodys) FoundRoles(context.Context, view.FoundRoleFilter) (view.FoundRolePage, error) {
	return view.FoundRolePage{}, nil
}

func (nobodys) Person(context.Context, resources.Ref) (view.Person, error) {
	return view.Person{}, fault.New(fault.NotFound, "show person", "nobody is known")
}

func (nobodys) Request(context.Context, requests.RequestID) (view.Request, error) {
	return view.Request{}, fault.New(fault.NotFound, "show request", "there is none")
}

// oneStarted is a desk at which one workflow about E1 waits; it starts and decides
// nothing.
type oneStarted struct{ act.WorkflowDesk }

func (oneStarted) Show(context.Context, workflows.StartedID) (review.Waiting, error) {
	return review.Waiting{Started: workflows.Started{ID: 1, By: "E9", Subject: resources.Ref{Type: "Person", Key: "E1"}}}, nil
}

// The desks behind are nil: whatever passes the check would panic.
func TestADeskDecidesOnNothingThatIsNotReached(t *testing.T) {
	d, q := reached{nil, nobodys{}}, reachedRequests{nil, nobodys{}}
	w := WorkflowDesk(oneStarted{}, nobodys{}, journal.Actor{As: "E2"}, func(context.Context) (*roles.Model, error) {
		return &roles.Model{Workflows: map[roles.WorkflowID]roles.Workflow{"title": {ID: "title", Entity: "Person"}}}, nil
	})
	ctx, both := t.Context(), []orders.AssignedID{1, 2}
	second := func(_ any, err error) error { return err }
	third := func(_, _ any, err error) error { return err }
	for name, err := range map[string]error{
		"decide":       second(d.Decide(ctx, review.Decision{Assigned: both})),
		"decide items": second(d.DecideItems(ctx, 2, nil)),
		"decide role":  second(d.DecideRole(ctx, review.RoleChoice{})),
		"assign owner": second(d.AssignOwner(ctx, 2, resources.Ref{}, "")),
		"take":         second(d.Take(ctx, both)),
		"confirm":      second(d.Confirm(ctx, both, nil, "")),
		"fail":         second(d.Fail(ctx, both, nil, "")),
		"causes":       third(d.Causes(ctx, "CrmUser", orders.Addition, 0)),
		"count held":   second(d.CountHeld(ctx, "CrmUser", orders.Addition, "")),
		"by rule":      second(d.ReleaseCaused(ctx, "CrmUser", orders.Addition, "", "")),
		"release all":  second(d.ReleaseAll(ctx, "CrmUser", orders.Addition, "")),
		"ask":          second(q.Ask(ctx, review.Asked{})),
		"supply":       second(q.Supply(ctx, 1, nil)),
		"rule":         second(q.Decide(ctx, 1, true, "")),
		"withdraw":     second(q.Withdraw(ctx, 1, "")),
		"revoke role":  second(d.DecideRole(ctx, review.RoleChoice{On: orders.Revoke})),
		"start":        second(w.Start(ctx, review.Filled{Workflow: "title", Subject: "E1"})),
		"blank":        second(w.Blank(ctx, "title", "E1")),
		"show started": second(w.Show(ctx, 1)),
		"rule started": second(w.Decide(ctx, 1, workflows.Approve, 0, "")),
		"validate":     second(q.Validate(ctx, resources.Ref{}, "", nil, true, "")),
	} {
		if kind := fault.KindOf(err); kind != fault.NotFound && kind != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := w.Offered(ctx, resources.Ref{Type: "Person", Key: "E1"}); err != nil || len(list) > 0 {
		t.Errorf("forms are offered about somebody who is not reached: %v, %v", list, err)
	}
	var _ act.Desk = d
	var _ act.RequestDesk = q
}

// Package act is what people do: one value for each act, with what its person saw
// and says, and the one place in which it is carried out. The command line and
// the pages hand in the same values, so that a decision means the same wherever
// it is made.
//
// It promises that what is refused on one order, question, role or request stops
// no other, and that each refusal says why; only what keeps the store from
// answering is an error. Nothing is kept here: the desks' transactions are made,
// or not, each by itself.
package act

import (
	"context"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
)

// Most bounds one act in bulk: a person who decides on more did not look.
const Most = 10_000

// A Desk is where a person decides.
type Desk interface {
	Decide(context.Context, review.Decision) (review.Outcome, error)
	DecideItems(ctx context.Context, id orders.AssignedID, list []review.Decision) (review.Outcome, error)
	DecideRole(context.Context, review.RoleChoice) (accounts int, err error)
	AssignOwner(ctx context.Context, id orders.AssignedID, owner resources.Ref, why string) (review.Outcome, error)
	Take(context.Context, []orders.AssignedID) (review.Outcome, error)
	Confirm(ctx context.Context, ids []orders.AssignedID, items []int, why string) (review.Outcome, error)
	Fail(ctx context.Context, ids []orders.AssignedID, items []int, why string) (review.Outcome, error)
	// Causes groups what a threshold parks by the rules that raised it, among some
	// orders after one.
	Causes(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, after orders.OrderID) (causes []review.Cause, last orders.OrderID, err error)
	// CountHeld counts what a threshold parks or, with rules, what these raised of it.
	CountHeld(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules string) (int, error)
	ReleaseCaused(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, rules, why string) (review.Outcome, error)
	ReleaseAll(ctx context.Context, t roles.ResourceTypeID, k orders.Kind, why string) (review.Outcome, error)
}

// A RequestDesk is where people ask for roles and decide what others asked for.
type RequestDesk interface {
	Ask(context.Context, review.Asked) (requests.Request, error)
	Supply(ctx context.Context, id requests.RequestID, given map[roles.DimensionID]string) (requests.Request, error)
	Decide(ctx context.Context, id requests.RequestID, approve bool, why string) (requests.Request, error)
	Withdraw(ctx context.Context, id requests.RequestID, why string) (requests.Request, error)
	Validate(ctx context.Context, owner resources.Ref, role roles.RoleID, given map[roles.DimensionID]string, approve bool, why string) (assignments.AssignedRole, error)
}

// A WorkflowDesk is where people change identity data and decide what others started.
type WorkflowDesk interface {
	// Offered lists the forms that whoever acts may start about a resource; without a
	// key, those that create one of the type, or of any where no type is named.
	Offered(context.Context, resources.Ref) ([]roles.Workflow, error)
	// Blank is a form before it is filled in.
	Blank(ctx context.Context, id roles.WorkflowID, subject resources.Key) (review.Blank, error)
	Start(context.Context, review.Filled) (workflows.Started, error)
	Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (workflows.Started, error)
	Show(context.Context, workflows.StartedID) (review.Waiting, error)
	List(context.Context, stage.WorkflowFilter) ([]review.Waiting, error)
	Tasks(context.Context) ([]review.Waiting, error)
}

// Desks hands out where people act, to whoever acts.
type Desks interface {
	Desk(who journal.Actor) Desk
	RequestDesk(ctx context.Context, who journal.Actor) (RequestDesk, error)
	WorkflowDesk(ctx context.Context, who journal.Actor) (WorkflowDesk, error)
	JobDesk(who journal.Actor) JobDesk
	AccessDesk(who journal.Actor) AccessDesk
	PlanDesk(who journal.Actor) PlanDesk
}

// A Verb is one thing that people do to orders.
type Verb string

// The verbs are the events of the transition table that a person raises, and
// what a technician says.
const (
	Approve  = Verb(orders.Approve)
	Decline  = Verb(orders.Decline)
	Postpone = Verb(orders.Postpone)
	Retry    = Verb(orders.Retry)
	Release  = Verb(orders.Release)
	Revoke   = Verb(orders.Revoke)
	Take     = Verb("take")
	Confirm  = Verb("confirm")
	Fail     = Verb("fail")
)

// Refused says why an act could not be done on one thing.
type Refused struct {
	Order    orders.OrderID    `json:"order,omitempty"`
	Assigned orders.AssignedID `json:"assigned,omitempty"`
	Why      string            `json:"why"`
}

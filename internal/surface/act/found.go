package act

import (
	"context"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// OnQuestions answers questions about what was found, in one way.
type OnQuestions struct {
	On        orders.Event // correct, keep, decline, revoke
	Questions []view.Question
	Items     []int // of a single account; none: the values in question, or the account
	Why       string
	ForReview bool
}

// Questions is what came of it.
type Questions struct {
	Decided []orders.AssignedID `json:"decided"`
	Refused []Refused           `json:"refused,omitempty"`
}

// Do answers each question by itself.
func (x OnQuestions) Do(ctx context.Context, d Desk) (Questions, error) {
	answer := Questions{Decided: []orders.AssignedID{}}
	for _, q := range x.Questions {
		items := x.Items
		if len(items) == 0 && !q.Unauthorized && x.On != orders.Revoke {
			items = InQuestion(q.Account)
		}
		out, err := d.Decide(ctx, review.Decision{
			On: x.On, Assigned: []orders.AssignedID{q.Account.ID}, Items: items, Why: x.Why, MayReview: !x.ForReview,
		})
		if err != nil {
			return answer, err
		}
		answer.add(out)
	}
	return answer, nil
}

func (q *Questions) add(out review.Outcome) {
	q.Decided = append(q.Decided, out.Decided...)
	for _, r := range out.Refused {
		q.Refused = append(q.Refused, Refused{Assigned: r.Assigned, Why: r.Why})
	}
}

// OnQuestion is what a person says about each value of one account that is in
// question, made together or not at all.
type OnQuestion struct {
	Account   orders.AssignedID
	Say       map[int]orders.Event // by item
	Until     time.Time
	Why       string
	ForReview bool
}

// Do says it.
func (x OnQuestion) Do(ctx context.Context, d Desk) (Questions, error) {
	answer := Questions{Decided: []orders.AssignedID{}}
	byEvent := map[orders.Event][]int{}
	for item, on := range x.Say {
		byEvent[on] = append(byEvent[on], item)
	}
	var list []review.Decision
	for _, on := range []orders.Event{orders.Decline, orders.Correct, orders.Keep, orders.Postpone} {
		if items := byEvent[on]; len(items) > 0 {
			slices.Sort(items)
			list = append(list, review.Decision{On: on, Items: items, Until: x.Until, Why: x.Why, MayReview: !x.ForReview})
		}
	}
	if len(list) == 0 {
		return answer, &fault.Error{Kind: fault.Invalid, Op: "decide", Msg: "nothing is decided yet", Do: "Choose for at least one line."}
	}
	out, err := d.DecideItems(ctx, x.Account, list)
	answer.add(out)
	return answer, err
}

// InQuestion are the values of an account that are in question; none means the
// account as a whole.
func InQuestion(a view.Account) []int {
	var ids []int
	for _, it := range a.Items {
		if it.State.Mark == string(orders.Found) {
			ids = append(ids, it.ID)
		}
	}
	return ids
}

// ToOwner says whose account it is that was found.
type ToOwner struct {
	Account orders.AssignedID
	Owner   view.Owner
	Why     string
}

// Do says it.
func (x ToOwner) Do(ctx context.Context, d Desk) (Questions, error) {
	answer := Questions{Decided: []orders.AssignedID{}}
	out, err := d.AssignOwner(ctx, x.Account, refOf(x.Owner), x.Why)
	answer.add(out)
	return answer, err
}

func refOf(o view.Owner) resources.Ref {
	return resources.Ref{Type: schema.EntityType(o.Type), Key: resources.Key(o.Key)}
}

// OnRoles decides on roles that were found, in one way.
type OnRoles struct {
	On        orders.Event // keep, decline, revoke
	Roles     []view.FoundRole
	Why       string
	ForReview bool
}

// Roles is what came of it.
type Roles struct {
	Decided []view.FoundRole `json:"decided"`
	Refused []RoleRefused    `json:"refused,omitempty"`
}

// RoleRefused says why one role could not be decided.
type RoleRefused struct {
	Owner string `json:"owner"`
	Role  string `json:"role"`
	Why   string `json:"why"`
}

// Do decides on each role by itself.
func (x OnRoles) Do(ctx context.Context, d Desk) (Roles, error) {
	answer := Roles{Decided: []view.FoundRole{}}
	for _, r := range x.Roles {
		_, err := d.DecideRole(ctx, review.RoleChoice{
			On: x.On, Why: x.Why, MayReview: !x.ForReview,
			Owner: refOf(r.Owner), Role: roles.RoleID(r.Role), With: assignments.Parameters(r.Parameters),
		})
		switch {
		case err == nil:
			answer.Decided = append(answer.Decided, r)
		case review.Refusable(err):
			answer.Refused = append(answer.Refused, RoleRefused{r.Owner.Key, r.Role, err.Error()})
		default:
			return answer, err
		}
	}
	return answer, nil
}

// OnRequests approves the present step of requests, or declines them.
type OnRequests struct {
	Requests []requests.RequestID
	Approve  bool
	Why      string
}

// Requests is what came of it.
type Requests struct {
	Decided []requests.Request
	Refused []RequestRefused
}

// RequestRefused says why one request could not be decided.
type RequestRefused struct {
	Request requests.RequestID
	Why     error
}

// Do decides on each request by itself.
func (x OnRequests) Do(ctx context.Context, d RequestDesk) (Requests, error) {
	var answer Requests
	for _, id := range x.Requests {
		r, err := d.Decide(ctx, id, x.Approve, x.Why)
		switch {
		case err == nil:
			answer.Decided = append(answer.Decided, r)
		case review.Refusable(err):
			answer.Refused = append(answer.Refused, RequestRefused{id, err})
		default:
			return answer, err
		}
	}
	return answer, nil
}

// OnWorkflows approves the present step of started workflows, or declines them,
// each at the version that the person saw.
type OnWorkflows struct {
	Started []SeenWorkflow
	Approve bool
	Why     string
}

// SeenWorkflow is a started workflow as somebody saw it.
type SeenWorkflow struct {
	ID      workflows.StartedID
	Version int
}

// Workflows is what came of it.
type Workflows struct {
	Decided []workflows.Started
	Refused []WorkflowRefused
}

// WorkflowRefused says why one started workflow could not be decided.
type WorkflowRefused struct {
	Started workflows.StartedID
	Why     error
}

// Do decides on each by itself.
func (x OnWorkflows) Do(ctx context.Context, d WorkflowDesk) (Workflows, error) {
	var answer Workflows
	on := workflows.Approve
	if !x.Approve {
		on = workflows.Decline
	}
	for _, seen := range x.Started {
		s, err := d.Decide(ctx, seen.ID, on, seen.Version, x.Why)
		switch {
		case err == nil:
			answer.Decided = append(answer.Decided, s)
		case review.Refusable(err):
			answer.Refused = append(answer.Refused, WorkflowRefused{seen.ID, err})
		default:
			return answer, err
		}
	}
	return answer, nil
}

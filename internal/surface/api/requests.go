package api

import (
	"context"
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

func (s *service) requests() {
	shows(s, operation{access.RequestsView, "/requests", "listRequests", "Requests, as a rule the oldest first"}, s.listRequests)
	shows(s, operation{access.RequestsView, "/requests/{id}", "showRequest", "One request, with what was said of it and for whom it waits"}, s.request)
	acts(s, operation{access.AccessRequest, "/requests", "makeRequest", "Ask for a role for somebody, for its end, or that no rule gives it"}, s.makeRequest)
	acts(s, operation{access.RequestsDecide, "/requests/{id}/decisions", "decideRequest", "Approve the present step of a request, or decline it"}, s.decideRequest)
	acts(s, operation{access.AccessRequest, "/requests/{id}/withdrawal", "withdrawRequest", "Take back what one asked for"}, s.withdrawRequest)
	acts(s, operation{access.AccessRequest, "/requests/{id}/parameters", "supplyParameters", "Give the parameters that a request lacks"}, s.supplyParameters)
	acts(s, operation{access.RequestsDecide, "/validations", "validateRole", "Settle a role that a rule gives only with a validation"}, s.validateRole)
}

func (s *service) listRequests(ctx context.Context, q *struct {
	Window
	Entity string `query:"entity" doc:"With person: the entity type of whom it is for."`
	Person string `query:"person" doc:"The key of whom it is for."`
	Waits  string `query:"waits" doc:"Those alone that this person may decide now, by key."`
	Mine   bool   `query:"mine" doc:"Those alone that the reader may decide now."`
	Stuck  bool   `query:"stuck" doc:"Those alone that nobody may decide."`
	Closed bool   `query:"closed" doc:"Those too that are settled."`

	Sort sorted[requestColumns] `query:"sort"`
},
) (Page[view.Request], error) {
	f := view.RequestFilter{WaitsFor: q.Waits, Stuck: q.Stuck, Closed: q.Closed, Sort: q.Sort.sort(), Limit: view.Rows(q.Limit)}
	var err error
	if f.After, f.AfterBy, err = rowIn[requests.RequestID](q.After, q.Sort.text()); err != nil {
		return Page[view.Request]{}, err
	}
	if q.Person != "" {
		f.Owner = &resources.Ref{Type: schema.EntityType(q.Entity), Key: resources.Key(q.Person)}
	}
	if q.Mine {
		if f.WaitsFor = reach.Actor(ctx, s.Local).As; f.WaitsFor == "" {
			return pageOf[view.Request, int](nil, nil), nil // nothing waits for nobody
		}
	}
	page, err := s.ask.Requests(ctx, f)
	return pageOf(page.Requests, rowOf(page.After, page.AfterBy, q.Sort.text())), err
}

func (s *service) request(ctx context.Context, q *Numbered) (view.Request, error) {
	return s.ask.Request(ctx, requests.RequestID(q.ID))
}

// Asked is what somebody asks for.
type Asked struct {
	Entity     string            `json:"entity" minLength:"1"`
	Person     string            `json:"person" minLength:"1" doc:"The key of whom it is for."`
	Role       string            `json:"role" minLength:"1"`
	Action     string            `json:"action" enum:"add,remove,deny,extend"`
	Parameters map[string]string `json:"parameters,omitempty" doc:"Values of the dimensions that the role takes."`
	From       string            `json:"from,omitempty" format:"date" doc:"The first day."`
	Until      string            `json:"until,omitempty" format:"date" doc:"The last day."`
	Why        string            `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) requestDesk(ctx context.Context) (act.RequestDesk, error) {
	desk, err := s.Desks.RequestDesk(ctx, reach.Actor(ctx, s.Local))
	return reach.RequestDesk(desk, s.ask), err
}

func (s *service) makeRequest(ctx context.Context, q *struct{ Body Asked }) (view.Request, error) {
	x := review.Asked{
		Owner: resources.Ref{Type: schema.EntityType(q.Body.Entity), Key: resources.Key(q.Body.Person)},
		Role:  roles.RoleID(q.Body.Role), Action: requests.Action(q.Body.Action), Why: q.Body.Why, Parameters: parametersIn(q.Body.Parameters),
	}
	from, err := dayIn(q.Body.From)
	if err != nil {
		return view.Request{}, err
	}
	until, err := dayIn(q.Body.Until)
	if err != nil {
		return view.Request{}, err
	}
	x.Period = assignments.Period{From: from, To: until}
	desk, err := s.requestDesk(ctx)
	if err != nil {
		return view.Request{}, err
	}
	made, err := desk.Ask(ctx, x)
	return view.RequestOf(made, nil), err
}

// Verdict is what somebody says about a request.
type Verdict struct {
	Do      string `json:"do" enum:"approve,decline"`
	Version int    `json:"version" minimum:"0" doc:"Of the request as it was seen."`
	Why     string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) decideRequest(ctx context.Context, q *struct {
	Numbered
	Body Verdict
},
) (view.Request, error) {
	id := requests.RequestID(q.ID)
	seen, err := s.ask.Request(ctx, id)
	if err != nil {
		return view.Request{}, err
	}
	if seen.Version != q.Body.Version {
		return view.Request{}, &fault.Error{
			Kind: fault.Conflict, Msg: fmt.Sprintf("request %d changed since you looked: you saw version %d, it is at %d now", id, q.Body.Version, seen.Version), Do: "look at it again",
		}
	}
	desk, err := s.requestDesk(ctx)
	if err != nil {
		return view.Request{}, err
	}
	answer, err := act.OnRequests{Requests: []requests.RequestID{id}, Approve: q.Body.Do == "approve", Why: q.Body.Why}.Do(ctx, desk)
	switch {
	case err != nil:
		return view.Request{}, err
	case len(answer.Refused) > 0:
		return view.Request{}, answer.Refused[0].Why
	}
	return view.RequestOf(answer.Decided[0], nil), nil
}

func (s *service) withdrawRequest(ctx context.Context, q *struct {
	Numbered
	Body Reason
},
) (view.Request, error) {
	desk, err := s.requestDesk(ctx)
	if err != nil {
		return view.Request{}, err
	}
	back, err := desk.Withdraw(ctx, requests.RequestID(q.ID), q.Body.Why)
	return view.RequestOf(back, nil), err
}

// Supplied are parameters that a request lacked.
type Supplied struct {
	Parameters map[string]string `json:"parameters" minProperties:"1" doc:"Values of the dimensions, by key or identifier."`
}

func parametersIn(texts map[string]string) map[roles.DimensionID]string {
	given := map[roles.DimensionID]string{}
	for name, text := range texts {
		given[roles.DimensionID(name)] = text
	}
	return given
}

func (s *service) supplyParameters(ctx context.Context, q *struct {
	Numbered
	Body Supplied
},
) (view.Request, error) {
	desk, err := s.requestDesk(ctx)
	if err != nil {
		return view.Request{}, err
	}
	r, err := desk.Supply(ctx, requests.RequestID(q.ID), parametersIn(q.Body.Parameters))
	return view.RequestOf(r, nil), err
}

// Validation settles a role that waits without a request.
type Validation struct {
	Entity     string            `json:"entity" minLength:"1"`
	Person     string            `json:"person" minLength:"1"`
	Role       string            `json:"role" minLength:"1"`
	Parameters map[string]string `json:"parameters,omitempty" doc:"Which one is meant, where there are several."`
	Do         string            `json:"do" enum:"approve,decline"`
	Why        string            `json:"why,omitempty" maxLength:"4000"`
}

// Validated is a role that was settled.
type Validated struct {
	Role       string        `json:"role"`
	Parameters string        `json:"parameters,omitempty"`
	Was        view.Workflow `json:"was"`
}

func (s *service) validateRole(ctx context.Context, q *struct{ Body Validation }) (Validated, error) {
	desk, err := s.requestDesk(ctx)
	if err != nil {
		return Validated{}, err
	}
	owner := Named{q.Body.Entity, q.Body.Person}.ref()
	settled, err := desk.Validate(ctx, owner, roles.RoleID(q.Body.Role), parametersIn(q.Body.Parameters), q.Body.Do == "approve", q.Body.Why)
	return Validated{string(settled.Role), string(settled.Parameters), view.WorkflowOf(settled.Workflow)}, err
}

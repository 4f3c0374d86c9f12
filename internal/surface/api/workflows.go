package api

import (
	"context"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

func (s *service) workflows() {
	shows(s, operation{access.IdentityChange, "/workflows", "listWorkflows", "The forms that create, change and end people"}, s.listForms)
	acts(s, operation{access.IdentityChange, "/workflows/{id}/starts", "startWorkflow", "Fill in a form"}, s.startWorkflow)
	shows(s, operation{access.IdentityChange, "/started-workflows", "listStartedWorkflows", "What was started through forms, the newest first"}, s.listStarted)
	shows(s, operation{access.IdentityChange, "/started-workflows/{id}", "showStartedWorkflow", "One started workflow, with what was said of it and for whom it waits"}, s.started)
	acts(s, operation{access.IdentityChange, "/started-workflows/{id}/decisions", "decideWorkflow", "Approve the present step, decline, or take back what one started"}, s.decideWorkflow)
}

func (s *service) workflowDesk(ctx context.Context) (act.WorkflowDesk, error) {
	who := reach.Actor(ctx, s.Local)
	desk, err := s.Desks.WorkflowDesk(ctx, who)
	if err != nil {
		return nil, err
	}
	return reach.WorkflowDesk(desk, s.ask, who, s.Model), nil
}

func (s *service) listForms(ctx context.Context, q *struct{ Window }) (Page[view.Form], error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return Page[view.Form]{}, err
	}
	return part(view.FormsOf(m), q.Window)
}

// Filled is a form as somebody filled it in.
type Filled struct {
	Person  string            `json:"person,omitempty" doc:"The key of whom it is about; none for a form that creates somebody."`
	Set     map[string]string `json:"set,omitempty" doc:"Properties and what they are to hold; an empty text clears. A link takes a key or an identifier."`
	Restore []string          `json:"restore,omitempty" maxItems:"200" doc:"Properties whose edits are taken back."`
	From    string            `json:"from,omitempty" format:"date" doc:"The first day."`
	Until   string            `json:"until,omitempty" format:"date" doc:"The last day."`
	Why     string            `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) startWorkflow(ctx context.Context, q *struct {
	Lettered
	Body Filled
},
) (view.Started, error) {
	x := review.Filled{Workflow: roles.WorkflowID(q.ID), Subject: resources.Key(q.Body.Person), Set: map[schema.PropertyName]string{}, Why: q.Body.Why}
	for name, text := range q.Body.Set {
		x.Set[schema.PropertyName(name)] = text
	}
	for _, name := range q.Body.Restore {
		x.Restore = append(x.Restore, schema.PropertyName(name))
	}
	var err error
	if x.From, err = dayIn(q.Body.From); err != nil {
		return view.Started{}, err
	}
	if x.To, err = dayIn(q.Body.Until); err != nil {
		return view.Started{}, err
	}
	desk, err := s.workflowDesk(ctx)
	if err != nil {
		return view.Started{}, err
	}
	made, err := desk.Start(ctx, x)
	if err != nil {
		return view.Started{}, err
	}
	return shownStarted(ctx, desk, made.ID)
}

func shownStarted(ctx context.Context, desk act.WorkflowDesk, id workflows.StartedID) (view.Started, error) {
	x, err := desk.Show(ctx, id)
	if err != nil {
		return view.Started{}, err
	}
	return view.StartedOf(&x.Started, x.Seats), nil
}

// startedMost is how many started workflows are looked through for one list.
const startedMost = 10_000

func (s *service) listStarted(ctx context.Context, q *struct {
	Window
	Mine   bool `query:"mine" doc:"Those alone that the reader may decide now."`
	Closed bool `query:"closed" doc:"Those too that are settled."`
},
) (Page[view.Started], error) {
	desk, err := s.workflowDesk(ctx)
	if fault.KindOf(err) == fault.NotFound { // nothing is deployed
		return pageOf[view.Started, int](nil, nil), nil
	}
	if err != nil {
		return Page[view.Started]{}, err
	}
	var list []review.Waiting
	if q.Mine {
		list, err = desk.Tasks(ctx)
	} else {
		list, err = desk.List(ctx, stage.WorkflowFilter{Open: !q.Closed, Limit: startedMost})
	}
	if err != nil {
		return Page[view.Started]{}, err
	}
	all := make([]view.Started, len(list))
	for i := range list {
		all[i] = view.StartedOf(&list[i].Started, list[i].Seats)
	}
	return part(all, q.Window)
}

func (s *service) started(ctx context.Context, q *Numbered) (view.Started, error) {
	desk, err := s.workflowDesk(ctx)
	if err != nil {
		return view.Started{}, err
	}
	return shownStarted(ctx, desk, workflows.StartedID(q.ID))
}

// WorkflowVerdict is what somebody says about a started workflow.
type WorkflowVerdict struct {
	Do      string `json:"do" enum:"approve,decline,withdraw"`
	Version int    `json:"version" minimum:"0" doc:"Of the workflow as it was seen; 0: as it stands."`
	Why     string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) decideWorkflow(ctx context.Context, q *struct {
	Numbered
	Body WorkflowVerdict
},
) (view.Started, error) {
	desk, err := s.workflowDesk(ctx)
	if err != nil {
		return view.Started{}, err
	}
	id, on := workflows.StartedID(q.ID), workflows.Event(q.Body.Do)
	if !slices.Contains([]workflows.Event{workflows.Approve, workflows.Decline, workflows.Withdraw}, on) {
		return view.Started{}, &fault.Error{Kind: fault.Invalid, Msg: "nobody can " + q.Body.Do + " it", Do: "use approve, decline or withdraw"}
	}
	if _, err := desk.Decide(ctx, id, on, q.Body.Version, q.Body.Why); err != nil {
		return view.Started{}, err
	}
	return shownStarted(ctx, desk, id)
}

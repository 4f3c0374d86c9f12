package api

import (
	"context"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

func (s *service) jobs() {
	shows(s, operation{access.JobsView, "/jobs", "listRuns", "What servers do and did: runs of jobs, as a rule the newest first"}, s.listRuns)
	shows(s, operation{access.JobsView, "/jobs/{id}", "showRun", "One run with its steps and its log"}, s.run)
	shows(s, operation{access.JobsView, "/schedules", "listSchedules", "When servers begin which jobs"}, s.schedules)
	acts(s, operation{access.JobsRun, "/jobs", "startRun", "Begin a run of a job; one of the same that is open already goes on"}, s.startRun)
	acts(s, operation{access.ConnectorsOperate, "/connectors/{id}/jobs", "startConnectorRun", "Begin a run of a job about one connector"}, s.startConnectorRun)
	acts(s, operation{access.JobsRun, "/jobs/{id}/abort", "abortRun", "Let a run end"}, s.abortRun)
	acts(s, operation{access.JobsRun, "/jobs/{id}/resume", "resumeRun", "Let a run go on that failed or was aborted"}, s.resumeRun)
	acts(s, operation{access.ConnectorsOperate, "/people/{entity}/{key}/recompute", "recomputePerson", "Evaluate one person anew, make the orders that come of it, and say what changed"}, s.recompute)
}

func (s *service) listRuns(ctx context.Context, q *struct {
	Window
	Job       string   `query:"job" enum:"round,synchronize,verify,evaluate,generate,fulfil,check,schema"`
	Connector string   `query:"connector"`
	State     []string `query:"state" enum:"waiting,running,done,failed,aborted" doc:"Those alone that stand in one of these states."`

	Sort sorted[numberedColumns] `query:"sort"`
},
) (Page[runs.Run], error) {
	f := view.RunFilter{Job: runs.Job(q.Job), Connector: q.Connector, Oldest: q.Sort == "number", Limit: view.Rows(q.Limit)}
	for _, state := range q.State {
		f.States = append(f.States, runs.State(state))
	}
	var err error
	if f.Before, _, err = rowIn[runs.RunID](q.After, string(q.Sort)); err != nil {
		return Page[runs.Run]{}, err
	}
	page, err := s.ask.Runs(ctx, f)
	return pageOf(page.Runs, rowOf(page.Before, "", string(q.Sort))), err
}

func (s *service) run(ctx context.Context, q *Numbered) (runs.Run, error) {
	return s.ask.Run(ctx, runs.RunID(q.ID))
}

func (s *service) schedules(ctx context.Context, _ *struct{}) (Page[view.Scheduled], error) {
	declared, err := s.Schedules(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return Page[view.Scheduled]{}, err
	}
	next, err := s.ask.Scheduled(ctx)
	return pageOf[view.Scheduled, int](view.SchedulesOf(declared, next), nil), err
}

// ToRun is a job that is to be done.
type ToRun struct {
	Job       string `json:"job" enum:"round,synchronize,verify,evaluate,generate,fulfil,check,schema"`
	Connector string `json:"connector,omitempty" doc:"The one that it is about; check and schema need one."`
	Why       string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) jobDesk(ctx context.Context) act.JobDesk {
	return s.Desks.JobDesk(reach.Actor(ctx, s.Local))
}

func (s *service) startRun(ctx context.Context, q *struct{ Body ToRun }) (act.Started, error) {
	return act.ToStart{Job: runs.Job(q.Body.Job), Of: schema.ConnectorID(q.Body.Connector), Why: q.Body.Why}.Do(ctx, s.jobDesk(ctx))
}

func (s *service) startConnectorRun(ctx context.Context, q *struct {
	ID   string `path:"id"`
	Body struct {
		Job string `json:"job" enum:"synchronize,evaluate,generate,fulfil,check,schema" doc:"Evaluate and generate are about everybody."`
		Why string `json:"why,omitempty" maxLength:"4000"`
	}
},
) (act.Started, error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return act.Started{}, err
	}
	if _, declared := m.Connectors[schema.ConnectorID(q.ID)]; !declared {
		return act.Started{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no connector " + q.ID, Do: "/connectors lists those that are declared"}
	}
	x := act.ToStart{Job: runs.Job(q.Body.Job), Why: q.Body.Why}
	if d, _ := runs.Describe(x.Job); d.Of {
		x.Of = schema.ConnectorID(q.ID)
	}
	return x.Do(ctx, s.jobDesk(ctx))
}

// Reasoned is why somebody does something.
type Reasoned struct {
	Numbered
	Body struct {
		Why string `json:"why,omitempty" maxLength:"4000"`
	}
}

func (s *service) abortRun(ctx context.Context, q *Reasoned) (runs.Run, error) {
	return s.jobDesk(ctx).Abort(ctx, runs.RunID(q.ID), q.Body.Why)
}

func (s *service) resumeRun(ctx context.Context, q *Reasoned) (runs.Run, error) {
	return s.jobDesk(ctx).Resume(ctx, runs.RunID(q.ID), q.Body.Why)
}

func (s *service) recompute(ctx context.Context, q *Named) (*plan.Person, error) {
	// It tells what somebody has: it is for those who may see that of him.
	if _, err := s.ask.Person(routes.As(ctx, routes.Who(ctx), access.AccessView), q.ref()); err != nil {
		return nil, err
	}
	return s.Recompute(ctx, reach.Actor(ctx, s.Local), q.ref())
}

package loop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
)

// JobDesk is where people begin runs of jobs and end them; a server does the rest.
func (e *Engine) JobDesk() act.JobDesk { return jobDesk{e} }

type jobDesk struct{ engine *Engine }

func (d desks) JobDesk(who journal.Actor) act.JobDesk { return d.as(who).JobDesk() }

func (d jobDesk) act(name string, subject any, why string) *journal.Act {
	return &journal.Act{Actor: d.engine.Actor, Name: name, Subject: fmt.Sprint(subject), Why: why, At: d.engine.Clock()}
}

// Start begins a run.
func (d jobDesk) Start(ctx context.Context, job runs.Job, of schema.ConnectorID, why string) (runs.Run, bool, error) {
	x, known := runs.Describe(job)
	if !known {
		return runs.Run{}, false, &fault.Error{Kind: fault.Invalid, Op: "run job", Msg: fmt.Sprintf("there is no job %q", job), Do: "the jobs are " + runs.Names()}
	}
	model, err := d.engine.Model(ctx)
	if err != nil {
		return runs.Run{}, false, err
	}
	connectors := strings.Join(texts(slices.Sorted(maps.Keys(model.Connectors))), ", ")
	_, declared := model.Connectors[of]
	var told *fault.Error
	switch {
	case of == "" && x.Always:
		told = &fault.Error{Msg: string(job) + " is about one connector", Do: "name one of " + connectors}
	case of != "" && !x.Of:
		told = &fault.Error{Msg: string(job) + " is not about one connector", Do: "leave the connector out"}
	case of != "" && !declared:
		told = &fault.Error{Msg: fmt.Sprintf("there is no connector %q", of), Do: "declared are " + connectors}
	}
	if told != nil {
		told.Kind, told.Op = fault.Invalid, "run job"
		return runs.Run{}, false, told
	}
	subject := string(job)
	if of != "" {
		subject += " of " + string(of)
	}
	return d.engine.StartRun(ctx, d.act("run job", subject, why), runs.Run{
		Job: job, Connector: of, At: d.engine.Clock(), Content: runs.Content{By: d.engine.Actor.String()},
	})
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// Abort ends a run: one that waits at once, one that runs as soon as its server
// hears of it.
func (d jobDesk) Abort(ctx context.Context, id runs.RunID, why string) (runs.Run, error) {
	now := d.engine.Clock()
	return d.engine.ChangeRun(ctx, d.act("abort run", id, why), id, now, func(x *runs.Run) error {
		return x.ToAbort(now, d.engine.Actor.String())
	})
}

// Resume goes on with a run that failed or was aborted.
func (d jobDesk) Resume(ctx context.Context, id runs.RunID, why string) (runs.Run, error) {
	run, err := d.engine.DB.Run(ctx, id)
	if err != nil {
		return run, err
	}
	now := d.engine.Clock()
	run, err = d.engine.ChangeRun(ctx, d.act("resume run", id, why), id, now, func(x *runs.Run) error {
		return x.ToResume(now, d.engine.Actor.String())
	})
	if fault.KindOf(err) == fault.Conflict {
		return run, &fault.Error{Kind: fault.Conflict, Op: "resume run", Msg: "another run of the same is under way", Do: "look at that one; or abort it first"}
	}
	return run, err
}

// Schedules are those of the deployed configuration.
func (e *Engine) Schedules(ctx context.Context) ([]runs.Schedule, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return c.Schedules, nil
}

// RecomputeAs is Recompute by somebody.
func (e *Engine) RecomputeAs(ctx context.Context, who journal.Actor, owner resources.Ref) (*plan.Person, error) {
	return desks{e}.as(who).Recompute(ctx, owner)
}

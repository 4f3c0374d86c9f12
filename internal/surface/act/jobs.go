package act

import (
	"context"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
)

// A JobDesk is where people begin runs of jobs and end them.
type JobDesk interface {
	// Start begins a run; began is false where one of the same is open already.
	Start(ctx context.Context, job runs.Job, of schema.ConnectorID, why string) (run runs.Run, began bool, err error)
	Abort(ctx context.Context, id runs.RunID, why string) (runs.Run, error)
	// Resume goes on with a run that failed or was aborted.
	Resume(ctx context.Context, id runs.RunID, why string) (runs.Run, error)
}

// ToStart begins a run.
type ToStart struct {
	Job runs.Job
	Of  schema.ConnectorID
	Why string
}

// Started is the run that goes on, and whether it began with the act.
type Started struct {
	Run   runs.Run `json:"run"`
	Began bool     `json:"began"`
}

// Do begins it.
func (x ToStart) Do(ctx context.Context, d JobDesk) (Started, error) {
	run, began, err := d.Start(ctx, x.Job, x.Of, x.Why)
	return Started{run, began}, err
}

package statement

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// Runs lists runs of jobs, for those whom no filter narrows: a run is about the
// whole installation.
func (v *Views) Runs(ctx context.Context, f view.RunFilter) (page view.RunPage, err error) {
	if err := v.whole("list runs"); err != nil {
		return page, err
	}
	limit := view.Rows(f.Limit)
	page.Runs, err = v.db.Runs(ctx, stage.RunFilter{
		Job: f.Job, Connector: schema.ConnectorID(f.Connector), States: f.States, Open: f.Open, Oldest: f.Oldest, Before: f.Before, Limit: limit + 1,
	})
	if len(page.Runs) > limit {
		page.Runs = page.Runs[:limit]
		page.Before = page.Runs[limit-1].ID
	}
	return page, err
}

// Run shows one run.
func (v *Views) Run(ctx context.Context, id runs.RunID) (runs.Run, error) {
	if err := v.whole("find run"); err != nil {
		return runs.Run{}, err
	}
	return v.db.Run(ctx, id)
}

// Scheduled says when the schedules begin their next runs.
func (v *Views) Scheduled(ctx context.Context) (map[string]time.Time, error) {
	if err := v.whole("list schedules"); err != nil {
		return nil, err
	}
	return v.db.Scheduled(ctx)
}

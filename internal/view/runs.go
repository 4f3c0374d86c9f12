package view

import (
	"time"

	"provisor.dev/provisor/internal/domain/runs"
)

// RunFilter chooses runs of jobs, as a rule the newest first.
type RunFilter struct {
	Job       runs.Job
	Connector string
	States    []runs.State
	Open      bool
	Oldest    bool       // the oldest first
	Before    runs.RunID // the cursor: the last run of the page before
	Limit     int
}

// RunPage is one page of runs. Before is the next page's cursor, 0 at the end.
type RunPage struct {
	Runs   []runs.Run `json:"runs"`
	Before runs.RunID `json:"before,omitempty"`
}

// A Scheduled is a schedule with its next time; zero: while its job runs, or
// while no server is there.
type Scheduled struct {
	runs.Schedule
	Next time.Time `json:"next,omitzero"`
}

// SchedulesOf are the declared schedules with their next times, and those that
// servers have of their own.
func SchedulesOf(declared []runs.Schedule, next map[string]time.Time) []Scheduled {
	list := make([]Scheduled, 0, len(declared)+1)
	for _, x := range declared {
		list = append(list, Scheduled{x, next[x.ID]})
	}
	if at, own := next[runs.OwnRounds]; own {
		list = append(list, Scheduled{runs.Schedule{ID: runs.OwnRounds, Job: runs.Round}, at})
	}
	return list
}

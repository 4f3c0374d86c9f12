// Package jobs carries out work that is due: rows that an act left in the store,
// and what a schedule puts there. The server runs it.
//
// It promises at least once: a row is taken under a lease and removed after the
// job succeeded, so every job must bear being done again. One that fails is due
// again later, and later still each time. A crash leaves the row; when its lease
// is over, the next worker takes it, here or on another server.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage"
)

// Store keeps what is due.
type Store interface {
	AddDue(ctx context.Context, list []stage.Due) error
	TakeDue(ctx context.Context, holder string, now, until time.Time, limit int) ([]stage.Due, error)
	DoneDue(ctx context.Context, holder string, list []stage.Due) error
}

// A Job does one kind of work for a subject.
type Job func(ctx context.Context, subject string) error

// A Schedule makes work due at a fixed distance from its last end.
type Schedule struct {
	What    string
	Subject string
	Every   time.Duration
}

// A Worker takes due work, one piece after another.
type Worker struct {
	Store     Store
	Holder    string // whose leases these are: one name per process
	Jobs      map[string]Job
	Schedules []Schedule
	Clock     func() time.Time
	Wait      func(ctx context.Context, d time.Duration)
	Log       *slog.Logger
	// Ended is told of every job; may be nil.
	Ended    func(what string, took time.Duration, err error)
	failures map[stage.Due]int // in a row, by work without its time
}

const (
	// leaseMinutes is how long work is nobody else's. A job that takes longer
	// may begin a second time elsewhere; its own locks keep the two apart.
	leaseMinutes = 30
	// lookSeconds is between two looks when nothing is due.
	lookSeconds = 1
	// againFirstSeconds and againMaxMinutes bound the distance after failures.
	againFirstSeconds = 5
	againMaxMinutes   = 15
)

// Run works until the context ends. It ends between two jobs; a job that runs
// is told by its own context.
func (w *Worker) Run(ctx context.Context) error {
	w.failures = map[stage.Due]int{}
	for _, s := range w.Schedules {
		if err := w.Store.AddDue(ctx, []stage.Due{{What: s.What, Subject: s.Subject, NotBefore: w.Clock()}}); err != nil {
			return fmt.Errorf("schedule %s: %w", s.What, err)
		}
	}
	for ctx.Err() == nil {
		worked, err := w.once(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.Error("look for due work", "error", err)
		}
		if !worked {
			w.Wait(ctx, lookSeconds*time.Second)
		}
	}
	return nil
}

// once takes one piece of work and does it.
func (w *Worker) once(ctx context.Context) (worked bool, err error) {
	now := w.Clock()
	list, err := w.Store.TakeDue(ctx, w.Holder, now, now.Add(leaseMinutes*time.Minute), 1)
	if err != nil || len(list) == 0 {
		return false, err
	}
	due := list[0]
	err = w.do(ctx, due)
	took := w.Clock().Sub(now)
	if w.Ended != nil {
		w.Ended(due.What, took, err)
	}
	// What follows is stored although the server is asked to end: else the work
	// would wait for its lease.
	return true, w.after(context.WithoutCancel(ctx), due, err, err != nil && ctx.Err() != nil)
}

func (w *Worker) do(ctx context.Context, due stage.Due) error {
	job, ok := w.Jobs[due.What]
	if !ok {
		return fault.New(fault.NotFound, due.What, "this program knows no such job; a newer one left it")
	}
	return job(ctx, due.Subject)
}

// after removes the work and makes it due again where it failed, was ended with
// the server, or is scheduled.
func (w *Worker) after(ctx context.Context, due stage.Due, failed error, ended bool) error {
	if err := w.Store.DoneDue(ctx, w.Holder, []stage.Due{due}); err != nil {
		return err
	}
	key := stage.Due{What: due.What, Subject: due.Subject}
	next, again := w.every(due), true
	switch {
	case ended: // the next server begins it at once
		next = 0
	case failed != nil:
		w.failures[key]++
		pause := againFirstSeconds * time.Second << min(w.failures[key]-1, 16)
		next = min(pause, againMaxMinutes*time.Minute)
		w.Log.Error("a job failed", "job", due.What, "subject", due.Subject, "again in", next.String(), "error", failed)
	default:
		delete(w.failures, key)
		again = next > 0
	}
	if !again {
		return nil
	}
	return w.Store.AddDue(ctx, []stage.Due{{What: due.What, Subject: due.Subject, NotBefore: w.Clock().Add(next)}})
}

func (w *Worker) every(due stage.Due) time.Duration {
	for _, s := range w.Schedules {
		if s.What == due.What && s.Subject == due.Subject {
			return s.Every
		}
	}
	return 0
}

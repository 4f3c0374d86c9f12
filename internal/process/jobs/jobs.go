// Package jobs does what is due: it begins the runs that schedules and people ask
// for, hands their attempts to River, and works them. The server runs it.
//
// It promises at least once. The store writes what is due in the transaction of
// the act; here it becomes a job of River under a unique key, and only then the
// row goes. An attempt that was handed over begins a single time, since it takes
// its run from waiting to running; so whatever River does again does nothing. Runs
// about the same connector take turns, on one server and on many, by a lock that
// dies with its process.
//
// A crash leaves a run that says running while nobody holds its lock: any server
// sees that within seconds, and takes the run up again as its next attempt. What
// River keeps stands in tables of its own, and can be lost: open runs are made due
// anew. Nobody else imports River.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/stage"
)

// Store keeps what is due, and the runs.
type Store interface {
	AddDue(ctx context.Context, list []stage.Due) error
	TakeDue(ctx context.Context, holder string, now, until time.Time, limit int) ([]stage.Due, error)
	DoneDue(ctx context.Context, holder string, list []stage.Due) error
	StartRun(ctx context.Context, act *journal.Act, x runs.Run) (run runs.Run, began bool, err error)
	ChangeRun(ctx context.Context, act *journal.Act, id runs.RunID, now time.Time, change func(*runs.Run) error) (runs.Run, error)
	Runs(ctx context.Context, f stage.RunFilter) ([]runs.Run, error)
	Run(ctx context.Context, id runs.RunID) (runs.Run, error)
	Scheduled(ctx context.Context) (map[string]time.Time, error)
	Exclusive(ctx context.Context, name string) (release func() error, ok bool, err error)
}

// Options are what a server's jobs are made of.
type Options struct {
	Store  Store
	Place  Place  // where River keeps its own
	Server string // one name per process
	// Work does one attempt of a run and tells how far it is.
	Work func(ctx context.Context, run runs.Run, tell *Teller) error
	// Schedules are those of the present configuration, and the server's own.
	Schedules func(context.Context) ([]runs.Schedule, error)
	Clock     func() time.Time
	Log       *slog.Logger
	// Ended is told of every attempt; may be nil.
	Ended func(job runs.Job, took time.Duration, err error)
}

// Limits, each with its reason.
const (
	// lookMilliseconds is between two looks for what is due: as long as a person
	// waits without wondering.
	lookMilliseconds = 1000
	// keepSeconds is between two looks for runs whose server is gone.
	keepSeconds = 5
	// remindSeconds is when open runs and schedules are made due anew, in case what
	// River kept is lost.
	remindSeconds = 60
	// leaseSeconds is how long due work is nobody else's: handing it over takes a
	// moment.
	leaseSeconds = 60
	// dueMost bounds what one look hands over.
	dueMost = 100
	// tellSeconds is between two notes of how far a run is, and how soon it hears
	// that it was aborted.
	tellSeconds = 1
	// stopSeconds is what attempts get to end once they were told to.
	stopSeconds = 60
)

// server is one process at its jobs.
type server struct {
	Options
	river   river
	lock    sync.Mutex
	at      map[runs.RunID]bool // that this process works at
	seen    []runs.Schedule     // as of the last reminder
	closing context.Context
}

// Run works until the context ends, and tells attempts that run to end with it.
func Run(ctx context.Context, o Options) (err error) {
	s := &server{Options: o, at: map[runs.RunID]bool{}, closing: ctx}
	s.river, err = s.openRiver(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.river.close()) }()
	if err := s.river.start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	s.serve(ctx)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopSeconds*time.Second)
	defer cancel()
	return s.river.stop(stop)
}

// serve hands over, keeps and reminds until the context ends.
func (s *server) serve(ctx context.Context) {
	look := time.NewTicker(lookMilliseconds * time.Millisecond)
	defer look.Stop()
	keep := time.NewTicker(keepSeconds * time.Second)
	defer keep.Stop()
	remind := time.NewTicker(remindSeconds * time.Second)
	defer remind.Stop()
	s.try(ctx, "take interrupted runs up", s.keep)
	s.try(ctx, "remind of open runs", s.remind)
	s.try(ctx, "remind of schedules", func(ctx context.Context) error { return s.remindSchedules(ctx, true) })
	s.try(ctx, "hand over what is due", s.handOver)
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			s.try(ctx, "hand over what is due", s.handOver)
		case <-keep.C:
			s.try(ctx, "take interrupted runs up", s.keep)
			s.try(ctx, "remind of schedules", func(ctx context.Context) error { return s.remindSchedules(ctx, false) })
		case <-remind.C:
			s.try(ctx, "remind of open runs", s.remind)
		}
	}
}

func (s *server) try(ctx context.Context, what string, do func(context.Context) error) {
	if err := do(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error(what, "error", err)
	}
}

// handOver makes jobs of River of what is due, and begins what schedules say.
func (s *server) handOver(ctx context.Context) error {
	now := s.Clock()
	list, err := s.Store.TakeDue(ctx, s.Server, now, now.Add(leaseSeconds*time.Second), dueMost)
	if err != nil {
		return err
	}
	var errs []error
	for _, due := range list {
		errs = append(errs, s.hand(ctx, due))
	}
	return errors.Join(errs...)
}

func (s *server) hand(ctx context.Context, due stage.Due) error {
	switch due.What {
	case stage.DueSchedule:
		return s.onTime(ctx, due)
	case stage.DueRun:
		id, attempt, ok := stage.ParseRunSubject(due.Subject)
		if !ok {
			break
		}
		run, err := s.Store.Run(ctx, id)
		if err != nil {
			return err
		}
		if err := s.river.insert(ctx, runArgs{Run: int64(id), Attempt: attempt}, queueOf(run.Job)); err != nil {
			return err
		}
		return s.Store.DoneDue(ctx, s.Server, []stage.Due{due})
	}
	s.Log.Warn("this program does not know what is due; a newer one left it", "what", due.What, "subject", due.Subject)
	return nil // its lease ends, and whoever knows it takes it
}

// keep takes runs up again whose server is gone: their lock is free.
func (s *server) keep(ctx context.Context) error {
	open, err := s.Store.Runs(ctx, stage.RunFilter{States: []runs.State{runs.Running}})
	if err != nil {
		return err
	}
	var errs []error
	for _, run := range open {
		if s.works(run.ID) {
			continue
		}
		release, free, err := s.Store.Exclusive(ctx, lockOf(run))
		if err != nil || !free {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, s.interrupted(ctx, run), release())
	}
	return errors.Join(errs...)
}

// errGone is why an attempt of a server that died ended.
var errGone = errors.New("its server is gone")

func (s *server) interrupted(ctx context.Context, seen runs.Run) error {
	_, err := s.Store.ChangeRun(ctx, nil, seen.ID, s.Clock(), func(x *runs.Run) error {
		if x.State != runs.Running || x.Attempt != seen.Attempt {
			return errSettled
		}
		*x = x.Next(runs.Ending{At: s.Clock(), Err: errGone, Gone: true})
		return nil
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	s.Log.Warn("a run was interrupted and is taken up again", "run", seen.ID, "job", seen.Job, "server", seen.Server, "error", err)
	return err
}

// remind makes waiting runs due anew: where River knows them, nothing comes of it.
func (s *server) remind(ctx context.Context) error {
	open, err := s.Store.Runs(ctx, stage.RunFilter{States: []runs.State{runs.Waiting}})
	if err != nil || len(open) == 0 {
		return err
	}
	var list []stage.Due
	for _, run := range open {
		list = append(list, stage.Due{What: stage.DueRun, Subject: stage.RunSubject(run.ID, run.Attempt), NotBefore: run.NotBefore})
	}
	return s.Store.AddDue(ctx, list)
}

func (s *server) works(id runs.RunID) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.at[id]
}

func (s *server) note(id runs.RunID, works bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if works {
		s.at[id] = true
	} else {
		delete(s.at, id)
	}
}

// lockOf names the lock of a run: one at a time per connector.
func lockOf(run runs.Run) string {
	if run.Connector != "" {
		return "run of " + string(run.Connector)
	}
	return "run " + string(run.Job)
}

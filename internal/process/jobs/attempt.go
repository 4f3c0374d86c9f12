package jobs

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/runs"
)

var (
	// errSettled says that an attempt is over already, by whomever.
	errSettled = errors.New("the attempt is over")
	// errAborted is why an attempt ends that somebody aborted.
	errAborted = errors.New("somebody aborted it")
	// errStopped is why an attempt ends whose server goes down.
	errStopped = errors.New("its server went down")
)

// attempt does one attempt of a run from its begin to its end; busy: another run
// about the same connector works, and nothing was begun.
func (s *server) attempt(ctx context.Context, id runs.RunID, number int) (busy bool, err error) {
	run, err := s.Store.Run(ctx, id)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return false, nil // swept, or the store was put back
		}
		return false, err
	}
	if run.State != runs.Waiting || run.Attempt != number {
		return false, nil
	}
	release, free, err := s.Store.Exclusive(ctx, lockOf(run))
	if err != nil || !free {
		return !free && err == nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	s.note(id, true)
	defer s.note(id, false)
	began := s.Clock()
	run, err = s.Store.ChangeRun(ctx, nil, id, began, func(x *runs.Run) error {
		if x.State != runs.Waiting || x.Attempt != number {
			return errSettled
		}
		x.State, x.Server, x.NotBefore = runs.Running, s.Server, time.Time{}
		if x.Began.IsZero() {
			x.Began = began
		}
		x.Say(began, "attempt "+strconv.Itoa(number)+" begins on "+s.Server)
		return nil
	})
	if errors.Is(err, errSettled) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	tell := &Teller{content: run.Clone().Content, clock: s.Clock}
	ending := s.work(ctx, run, tell)
	if s.Ended != nil {
		s.Ended(run.Job, s.Clock().Sub(began), ending.Err)
	}
	return false, s.settle(context.WithoutCancel(ctx), run, tell, ending)
}

// work does the work and writes meanwhile how far it is.
func (s *server) work(ctx context.Context, run runs.Run, tell *Teller) runs.Ending {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		ticker := time.NewTicker(tellSeconds * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-s.closing.Done():
				cancel(errStopped)
				return
			case <-ticker.C:
				if err := s.tell(ctx, run, tell); err != nil && ctx.Err() == nil {
					if errors.Is(err, errAborted) || errors.Is(err, errSettled) {
						cancel(err)
						continue
					}
					s.Log.Warn("how far a run is cannot be noted", "run", run.ID, "error", err)
				}
			}
		}
	})
	err := s.Work(ctx, run, tell)
	close(done)
	telling.Wait()
	ending := runs.Ending{At: s.Clock(), Err: err}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		ending.Err, ending.Gone = cause, !errors.Is(cause, errAborted)
		if errors.Is(cause, context.Canceled) {
			ending.Err = errStopped
		}
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Refused:
		ending.Lasting = true
	case fault.Conflict:
		ending.Busy = true
	}
	return ending
}

// tell writes how far the attempt is, and hears whether it is to go on.
func (s *server) tell(ctx context.Context, run runs.Run, tell *Teller) error {
	if !tell.changed() {
		now, err := s.Store.Run(ctx, run.ID)
		switch {
		case err != nil:
			return err
		case now.State != runs.Running || now.Attempt != run.Attempt:
			return errSettled
		case now.Abort:
			return errAborted
		}
		return nil
	}
	now, err := s.Store.ChangeRun(ctx, nil, run.ID, s.Clock(), func(x *runs.Run) error {
		if x.State != runs.Running || x.Attempt != run.Attempt {
			return errSettled
		}
		tell.into(x)
		return nil
	})
	if err == nil && now.Abort {
		err = errAborted
	}
	return err
}

// settle writes how the attempt ended, and makes due what follows.
func (s *server) settle(ctx context.Context, run runs.Run, tell *Teller, e runs.Ending) error {
	x, err := s.Store.ChangeRun(ctx, nil, run.ID, e.At, func(x *runs.Run) error {
		if x.State != runs.Running || x.Attempt != run.Attempt {
			return errSettled
		}
		tell.into(x)
		*x = x.Next(e)
		return nil
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.Err != nil && !e.Gone && !e.Busy {
		s.Log.Error("a job failed", "job", x.Job, "connector", x.Connector, "run", x.ID, "state", x.State, "error", e.Err)
	}
	if x.State.Open() {
		return nil
	}
	return s.afterRound(ctx, x)
}

// A Teller is told how far an attempt is. Its methods may be called from several
// goroutines.
type Teller struct {
	lock    sync.Mutex
	content runs.Content
	fresh   bool
	clock   func() time.Time
}

// Begin notes that a step begins; what an earlier attempt said of it goes.
func (t *Teller) Begin(name string) { t.BeginOf(name, 0) }

// BeginOf is Begin of a step that is known to have so many parts.
func (t *Teller) BeginOf(name string, total int) {
	t.change(func(c *runs.Content, now time.Time) {
		step := runs.Step{Name: name, Began: now, Total: total}
		if old := c.Step(name); old != nil {
			*old = step
			return
		}
		c.Steps = append(c.Steps, step)
	})
}

// Reached notes how many parts of a step are done.
func (t *Teller) Reached(name string, done, total int) {
	t.change(func(c *runs.Content, _ time.Time) {
		if step := c.Step(name); step != nil {
			step.Done, step.Total = done, max(total, step.Total)
		}
	})
}

// End notes that a step ended, with what it counted and says.
func (t *Teller) End(name string, end runs.Step) {
	t.change(func(c *runs.Content, now time.Time) {
		step := c.Step(name)
		if step == nil {
			return
		}
		step.Ended, step.Wrong, step.Says, step.Counts, step.Objects = now, end.Wrong, end.Says, end.Counts, end.Objects
		if step.Total > 0 && end.Wrong == "" {
			step.Done = step.Total
		}
	})
}

// Say adds a line to the log.
func (t *Teller) Say(text string) {
	t.change(func(c *runs.Content, now time.Time) { c.Say(now, text) })
}

// Holds reports whether an earlier attempt did a step, not so long ago that it has
// to be done anew.
func (t *Teller) Holds(name string) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.content.Holds(name, t.clock())
}

func (t *Teller) change(do func(*runs.Content, time.Time)) {
	t.lock.Lock()
	defer t.lock.Unlock()
	do(&t.content, t.clock())
	t.fresh = true
}

func (t *Teller) changed() bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	fresh := t.fresh
	t.fresh = false
	return fresh
}

// into copies what was told into a run.
func (t *Teller) into(x *runs.Run) {
	t.lock.Lock()
	defer t.lock.Unlock()
	x.Steps, x.Log, x.Left = append([]runs.Step(nil), t.content.Steps...), append([]runs.Line(nil), t.content.Log...), t.content.Left
}

package jobs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"provisor.dev/provisor/internal/process/jobs"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// shop is a store, a clock that waiting moves, and a note of what was done when.
type shop struct {
	*statement.DB
	now  time.Time
	done map[string][]time.Duration
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "p.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &shop{DB: db, now: start, done: map[string][]time.Duration{}}
}

// work runs a worker until the clock has moved by d.
func (s *shop) work(t *testing.T, holder string, d time.Duration, schedules []jobs.Schedule, list map[string]jobs.Job) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	until := s.now.Add(d)
	w := jobs.Worker{
		Store: s.DB, Holder: holder, Schedules: schedules, Jobs: map[string]jobs.Job{},
		Clock: func() time.Time { return s.now },
		Wait: func(_ context.Context, d time.Duration) {
			if s.now = s.now.Add(d); !s.now.Before(until) {
				stop()
			}
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for what, job := range list {
		w.Jobs[what] = func(ctx context.Context, subject string) error {
			s.done[what+subject] = append(s.done[what+subject], s.now.Sub(start).Round(time.Minute))
			return job(ctx, subject)
		}
	}
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func fine(context.Context, string) error { return nil }

func want(t *testing.T, what string, got []time.Duration, at ...time.Duration) {
	t.Helper()
	if len(got) != len(at) {
		t.Fatalf("%s: done at %v, want %v", what, got, at)
	}
	for i := range at {
		if got[i] != at[i] {
			t.Errorf("%s: done at %v, want %v", what, got, at)
		}
	}
}

func TestScheduledWorkBeginsAtOnceAndComesBack(t *testing.T) {
	s := newShop(t)
	s.work(t, "a", 40*time.Minute, []jobs.Schedule{{What: "round", Every: 15 * time.Minute}}, map[string]jobs.Job{"round": fine})
	want(t, "round", s.done["round"], 0, 15*time.Minute, 30*time.Minute)
}

func TestWorkOfAnActIsDoneOnceForItsSubject(t *testing.T) {
	s := newShop(t)
	for range 3 {
		if err := s.AddDue(t.Context(), []stage.Due{{What: "mail", Subject: " E1", NotBefore: start.Add(10 * time.Minute)}}); err != nil {
			t.Fatal(err)
		}
	}
	s.work(t, "a", time.Hour, nil, map[string]jobs.Job{"mail": fine})
	want(t, "mail", s.done["mail E1"], 10*time.Minute)
}

func TestAFailingJobComesBackEverLater(t *testing.T) {
	s := newShop(t)
	if err := s.AddDue(t.Context(), []stage.Due{{What: "mail", NotBefore: start}}); err != nil {
		t.Fatal(err)
	}
	var at []time.Time
	s.work(t, "a", 2*time.Hour, nil, map[string]jobs.Job{"mail": func(context.Context, string) error {
		if at = append(at, s.now); len(at) < 12 {
			return errors.New("no connection")
		}
		return nil
	}})
	if len(at) != 12 {
		t.Fatalf("tried %d times, want 12: eleven failures and the success", len(at))
	}
	for i := 2; i < len(at); i++ {
		before, now := at[i-1].Sub(at[i-2]), at[i].Sub(at[i-1])
		if now < before || now > 16*time.Minute {
			t.Errorf("try %d came %v after the last, the one before %v", i, now, before)
		}
	}
}

func TestWorkOfADeadHolderIsTakenAfterItsLease(t *testing.T) {
	s := newShop(t)
	if err := s.AddDue(t.Context(), []stage.Due{{What: "mail", NotBefore: start}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeDue(t.Context(), "dead", start, start.Add(20*time.Minute), 1); err != nil {
		t.Fatal(err)
	}
	s.work(t, "b", time.Hour, nil, map[string]jobs.Job{"mail": fine})
	want(t, "mail", s.done["mail"], 20*time.Minute)
}

func TestWorkThatEndedWithItsServerIsDueAtOnce(t *testing.T) {
	s := newShop(t)
	if err := s.AddDue(t.Context(), []stage.Due{{What: "mail", NotBefore: start}}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := jobs.Worker{
		Store: s.DB, Holder: "a", Clock: func() time.Time { return s.now }, Wait: func(context.Context, time.Duration) {},
		Log:  slog.New(slog.NewTextHandler(io.Discard, nil)),
		Jobs: map[string]jobs.Job{"mail": func(ctx context.Context, _ string) error { stop(); return ctx.Err() }},
	}
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	list, err := s.TakeDue(t.Context(), "b", start, start.Add(time.Minute), 1)
	if err != nil || len(list) != 1 {
		t.Errorf("the next server finds %v, %v; want the mail", list, err)
	}
}

package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/process/jobs"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/store/postgres"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
)

// TestMain is a server that works until it is killed, where the environment
// says so.
func TestMain(m *testing.M) {
	file, database := os.Getenv("PROVISOR_JOBS_FILE"), os.Getenv("PROVISOR_JOBS_DATABASE")
	if file == "" && database == "" {
		os.Exit(m.Run())
	}
	open := func() (*statement.DB, error) {
		if database != "" {
			return postgres.Open(context.Background(), database, postgres.Options{})
		}
		return sqlite.Open(context.Background(), strings.TrimSuffix(file, ".jobs.db")+".db", sqlite.Options{})
	}
	db, err := open()
	if err == nil {
		err = jobs.Run(context.Background(), jobs.Options{
			Store: db, Place: jobs.Place{File: file, Database: database}, Server: "killed", Clock: time.Now,
			Schedules: func(context.Context) ([]runs.Schedule, error) { return nil, nil },
			Work: func(_ context.Context, _ runs.Run, tell *jobs.Teller) error {
				tell.Begin("synchronize")
				tell.End("synchronize", runs.Step{})
				tell.Begin("evaluate")
				time.Sleep(time.Hour)
				return nil
			},
			Log: slog.New(slog.DiscardHandler),
		})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// shop is a store with the place of River's own, to which servers come and go.
type shop struct {
	*statement.DB
	place     jobs.Place
	again     func(t *testing.T) *statement.DB // opens the store as another process does
	lock      sync.Mutex
	done      []string
	schedules []runs.Schedule
}

var databases atomic.Int64

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(*testing.T, *shop)) {
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		open := func(t *testing.T) *statement.DB {
			db, err := sqlite.Open(t.Context(), filepath.Join(dir, "p.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		test(t, &shop{DB: open(t), again: open, place: jobs.Place{File: filepath.Join(dir, "p.jobs.db")}})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		name := fmt.Sprintf("jobs_%d", databases.Add(1))
		server := postgresql.ForTest(t)
		if err := server.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		open := func(t *testing.T) *statement.DB {
			db, err := postgres.Open(t.Context(), server.DSN(name), postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		test(t, &shop{DB: open(t), again: open, place: jobs.Place{Database: server.DSN(name)}})
	})
}

// work is what a server does of a run.
type work func(ctx context.Context, run runs.Run, tell *jobs.Teller) error

// serve lets a server work until it is stopped; stop waits for it.
func (s *shop) serve(t *testing.T, name string, db *statement.DB, do work) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- jobs.Run(ctx, jobs.Options{
			Store: db, Place: s.place, Server: name, Clock: func() time.Time { return time.Now().UTC() },
			Schedules: func(context.Context) ([]runs.Schedule, error) {
				s.lock.Lock()
				defer s.lock.Unlock()
				return s.schedules, nil
			},
			Work: func(ctx context.Context, run runs.Run, tell *jobs.Teller) error {
				s.lock.Lock()
				s.done = append(s.done, fmt.Sprintf("%s %s%s #%d", name, run.Job, run.Connector, run.Attempt))
				s.lock.Unlock()
				return do(ctx, run, tell)
			},
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server %s: %v", name, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (s *shop) start(t *testing.T, job runs.Job) runs.RunID {
	t.Helper()
	run, _, err := s.StartRun(t.Context(), nil, runs.Run{Job: job, At: time.Now(), Content: runs.Content{By: "ada"}})
	if err != nil {
		t.Fatal(err)
	}
	return run.ID
}

// patience is how long anything here may take: a machine under load is slow.
const patience = 60 * time.Second

// until waits for a run to be as holds says.
func (s *shop) until(t *testing.T, id runs.RunID, what string, holds func(runs.Run) bool) runs.Run {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		run, err := s.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if holds(run) {
			return run
		}
		if time.Now().After(deadline) {
			t.Fatalf("run %d is not %s: %+v", id, what, run)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func is(state runs.State) func(runs.Run) bool {
	return func(r runs.Run) bool { return r.State == state }
}

func (s *shop) all() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string(nil), s.done...)
}

func TestWhatPeopleAskForIsDoneOnceAndToldMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		goOn := make(chan struct{})
		s.serve(t, "a", s.DB, func(_ context.Context, _ runs.Run, tell *jobs.Teller) error {
			tell.BeginOf("evaluate", 10)
			tell.Reached("evaluate", 4, 10)
			tell.Say("four of ten")
			<-goOn
			tell.End("evaluate", runs.Step{Counts: []runs.Count{{Name: "people", N: 10}}})
			return nil
		})
		id := s.start(t, runs.Evaluate)
		seen := s.until(t, id, "told of", func(r runs.Run) bool { return len(r.Steps) == 1 })
		if seen.State != runs.Running || seen.Steps[0].Done != 4 || seen.Steps[0].Total != 10 {
			t.Errorf("while it runs: %+v", seen)
		}
		close(goOn)
		ended := s.until(t, id, "done", is(runs.Done))
		if ended.Steps[0].Done != 10 || len(ended.Steps[0].Counts) != 1 || ended.Ended.IsZero() || ended.Log[1].Text != "four of ten" {
			t.Errorf("at the end: %+v", ended)
		}
		// It is made due again, as after a crash between handing over and removing.
		if err := s.AddDue(t.Context(), []stage.Due{{What: stage.DueRun, Subject: stage.RunSubject(id, 1)}}); err != nil {
			t.Fatal(err)
		}
		other := s.start(t, runs.Evaluate)
		s.until(t, other, "done", is(runs.Done))
		if got := s.all(); len(got) != 2 {
			t.Errorf("done: %v", got)
		}
	})
}

func TestAFailingRunIsTriedAgainAndEndsAtLast(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.serve(t, "a", s.DB, func(_ context.Context, run runs.Run, _ *jobs.Teller) error {
			switch {
			case run.Job == runs.Generate:
				return fault.New(fault.Invalid, "generate", "a rule is wrong")
			case run.Attempt == 1:
				return errors.New("no connection")
			}
			return nil
		})
		id, lasting := s.start(t, runs.Evaluate), s.start(t, runs.Generate)
		run := s.until(t, id, "done", is(runs.Done))
		if run.Attempt != 2 || run.Failures != 1 || run.Wrong != "" {
			t.Errorf("%+v", run)
		}
		run = s.until(t, lasting, "failed", is(runs.Failed))
		if run.Attempt != 1 || run.Wrong == "" {
			t.Errorf("what trying again cannot help is tried again: %+v", run)
		}
	})
}

func TestAnAbortedRunEndsWhereverItIs(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.serve(t, "a", s.DB, func(ctx context.Context, _ runs.Run, _ *jobs.Teller) error {
			<-ctx.Done()
			return ctx.Err()
		})
		id := s.start(t, runs.Evaluate)
		s.until(t, id, "running", is(runs.Running))
		if _, err := s.ChangeRun(t.Context(), nil, id, time.Now(), func(x *runs.Run) error { x.Abort = true; return nil }); err != nil {
			t.Fatal(err)
		}
		s.until(t, id, "aborted", is(runs.Aborted))
	})
}

func TestARunGoesOnWhenItsServerGoesDown(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		stop := s.serve(t, "a", s.DB, func(ctx context.Context, _ runs.Run, tell *jobs.Teller) error {
			tell.Begin("synchronize")
			tell.End("synchronize", runs.Step{})
			tell.Begin("evaluate")
			<-ctx.Done()
			return ctx.Err()
		})
		id := s.start(t, runs.Round)
		s.until(t, id, "running", is(runs.Running))
		stop()
		if run := s.until(t, id, "waiting", is(runs.Waiting)); run.Attempt != 2 || run.Failures != 0 {
			t.Errorf("after its server went down: %+v", run)
		}
		var held, evaluated bool
		s.serve(t, "b", s.DB, func(_ context.Context, _ runs.Run, tell *jobs.Teller) error {
			held, evaluated = tell.Holds("synchronize"), tell.Holds("evaluate")
			return nil
		})
		s.until(t, id, "done", is(runs.Done))
		if !held || evaluated {
			t.Errorf("of the attempt before hold: synchronize %v, evaluate %v", held, evaluated)
		}
	})
}

func TestRunsAboutOneConnectorTakeTurns(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		var at, most atomic.Int64
		do := func(_ context.Context, run runs.Run, _ *jobs.Teller) error {
			most.Store(max(most.Load(), at.Add(1)))
			time.Sleep(time.Second)
			at.Add(-1)
			return nil
		}
		s.serve(t, "a", s.DB, do)
		s.serve(t, "b", s.again(t), do)
		var ids []runs.RunID
		for _, job := range []runs.Job{runs.Synchronize, runs.Fulfil, runs.Check} {
			run, _, err := s.StartRun(t.Context(), nil, runs.Run{Job: job, Connector: "crm", At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, run.ID)
		}
		for _, id := range ids {
			s.until(t, id, "done", is(runs.Done))
		}
		if most.Load() != 1 {
			t.Errorf("%d at once", most.Load())
		}
	})
}

func TestASchedulesRunsBeginInTheirTimeAndTheServersOwnAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.schedules = []runs.Schedule{{ID: runs.OwnRounds, Job: runs.Round, Every: time.Second}}
		passed := time.Now().UTC().Truncate(time.Minute).Add(-time.Minute)
		nightly := runs.Schedule{ID: "nightly", Job: runs.Verify, Cron: fmt.Sprintf("%d %d * * *", passed.Minute(), passed.Hour()), Zone: "UTC"}
		stale := runs.Schedule{ID: "stale", Job: runs.Generate, Cron: "0 0 1 1 *", Zone: "Europe/Berlin"}
		s.schedules = append(s.schedules, nightly, stale)
		err := s.AddDue(t.Context(), []stage.Due{
			{What: stage.DueSchedule, Subject: "nightly", NotBefore: passed}, // missed while no server was there
			{What: stage.DueSchedule, Subject: "stale", NotBefore: passed},   // of an earlier configuration
			{What: stage.DueSchedule, Subject: "gone", NotBefore: passed},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.serve(t, "a", s.DB, func(context.Context, runs.Run, *jobs.Teller) error { return nil })
		deadline := time.Now().Add(patience)
		count := map[string]int{}
		for count["a round #1"] < 3 || count["a verify #1"] < 1 {
			clear(count)
			for _, x := range s.all() {
				count[x]++
			}
			if time.Now().After(deadline) {
				t.Fatalf("done: %v", count)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if count["a verify #1"] != 1 || count["a generate #1"] != 0 {
			t.Errorf("done: %v", count)
		}
		next, err := s.Scheduled(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wants, err := jobs.Next(stale, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, there := next["gone"]; there || !next["nightly"].Equal(passed.AddDate(0, 0, 1)) || !next["stale"].Equal(wants) || next["stale"].Hour() != 23 {
			t.Errorf("next: %v, want the stale one at %v", next, wants)
		}
	})
}

func TestAKilledServersRunIsTakenUpByTheNext(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		killed := exec.Command(os.Args[0], "-test.run=^$")
		killed.Env = append(os.Environ(), "PROVISOR_JOBS_FILE="+s.place.File, "PROVISOR_JOBS_DATABASE="+s.place.Database)
		killed.Stderr = os.Stderr
		if s.place.Database != "" {
			killed.Env[len(killed.Env)-2] = "PROVISOR_JOBS_FILE="
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = killed.Process.Kill() }) // where the test fails before
		id := s.start(t, runs.Round)
		seen := s.until(t, id, "evaluating", func(r runs.Run) bool { return r.Step("evaluate") != nil })
		// A server that is there beside it leaves the run alone while the other lives.
		var held atomic.Bool
		s.serve(t, "b", s.DB, func(_ context.Context, _ runs.Run, tell *jobs.Teller) error {
			held.Store(tell.Holds("synchronize"))
			return nil
		})
		time.Sleep(7 * time.Second) // longer than between two looks
		if run := s.until(t, id, "there", func(runs.Run) bool { return true }); run.State != runs.Running || run.Attempt != seen.Attempt {
			t.Fatalf("the run of a living server is taken away: %+v", run)
		}
		if err := killed.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = killed.Wait() // it was killed
		died := time.Now()
		run := s.until(t, id, "done", is(runs.Done))
		t.Logf("taken up and done %v after the kill", time.Since(died).Round(100*time.Millisecond))
		if run.Attempt != 2 || run.Server != "b" || !held.Load() {
			t.Errorf("%+v", run)
		}
	})
}

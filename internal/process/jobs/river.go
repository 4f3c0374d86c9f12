package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	riverqueue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"provisor.dev/provisor/internal/domain/runs"
)

// A Place is where River keeps its own: a file beside the embedded store, or
// tables of its own in the database that servers share.
type Place struct {
	File     string // of SQLite
	Database string // an address of PostgreSQL; before File
}

// The queues: reading and judging take turns anyway, so that a second one would
// only wait.
const (
	pathQueue       = "path"
	connectionQueue = "connection"
	pathAtOnce      = 1
	connectionsOnce = 4
)

func queueOf(j runs.Job) string {
	switch j {
	case runs.Fulfil, runs.Check, runs.Survey:
		return connectionQueue
	}
	return pathQueue
}

// Limits of River's own.
const (
	// attemptDays ends an attempt that never does; River's rescue, which knows only
	// when an attempt began, comes after that. Ours does not wait for either.
	attemptDays = 7
	// keptHours is how long River keeps what it did: our runs tell more.
	keptHours = 1
	// riverConnections of PostgreSQL serve its own queries: one listens.
	riverConnections = 4
	// busyMilliseconds is how long River waits for another server's write.
	busyMilliseconds = 20_000
	// pollSeconds is between two looks of River for what was handed over, in its file
	// where nobody tells it.
	pollSeconds = 1
	// turnSeconds is between two tries when another run about the connector works.
	turnSeconds = 2
)

// runArgs is a job of River: one attempt of a run.
type runArgs struct {
	Run     int64 `json:"run" river:"unique"`
	Attempt int   `json:"attempt" river:"unique"`
}

// Kind is what River calls it.
func (runArgs) Kind() string { return "provisor.run" }

// unique are the states in which River knows an attempt already. What it finished
// is not among them: the run itself knows better.
var unique = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// river is what is needed of its client, whatever the database.
type river struct {
	start, stop func(context.Context) error
	insert      func(ctx context.Context, args runArgs, queue string) error
	close       func() error
}

// openRiver opens River's tables and brings them to its present schema.
func (s *server) openRiver(ctx context.Context) (river, error) {
	if s.Place.Database != "" {
		config, err := pgxpool.ParseConfig(s.Place.Database)
		if err != nil {
			return river{}, errors.New("open the job engine: the address of the database cannot be read") // it may hold a password
		}
		config.MaxConns = riverConnections
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return river{}, fmt.Errorf("open the job engine: %w", err)
		}
		return clientOf(ctx, s, riverpgxv5.New(pool), false, func() error { pool.Close(); return nil })
	}
	// Nobody else reads it, like the store beside it.
	if file, err := os.OpenFile(s.Place.File, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err == nil {
		_ = file.Close() // nothing was written
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyMilliseconds), "journal_mode(WAL)", "synchronous(NORMAL)", "temp_store(MEMORY)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.Place.File}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return river{}, fmt.Errorf("open the job engine: %w", err)
	}
	db.SetMaxOpenConns(1) // as River asks for it: its writes then wait here, not in the file
	return clientOf(ctx, s, riversqlite.New(db), true, db.Close)
}

// clientOf makes the client over one of River's drivers. One that polls does not ask
// its database ten times a second whether another process put something in: one
// server serves a file, and hears from itself.
func clientOf[TTx any](ctx context.Context, s *server, driver riverdriver.Driver[TTx], polls bool, shut func() error) (river, error) {
	failed := func(err error) (river, error) {
		return river{}, errors.Join(fmt.Errorf("open the job engine: %w", err), shut())
	}
	log := slog.New(quiet{s.Log.Handler()})
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return failed(err)
	}
	if err := s.alone(ctx, func() error {
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	}); err != nil {
		return failed(err)
	}
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, &worker{server: s})
	client, err := riverqueue.NewClient(driver, &riverqueue.Config{
		ID: s.Server, Logger: log, Workers: workers,
		Queues:                      map[string]riverqueue.QueueConfig{pathQueue: {MaxWorkers: pathAtOnce}, connectionQueue: {MaxWorkers: connectionsOnce}},
		FetchPollInterval:           pollSeconds * time.Second,
		PollOnly:                    polls,
		JobTimeout:                  attemptDays * 24 * time.Hour,
		RescueStuckJobsAfter:        attemptDays*24*time.Hour + time.Hour,
		CompletedJobRetentionPeriod: keptHours * time.Hour,
		CancelledJobRetentionPeriod: keptHours * time.Hour,
	})
	if err != nil {
		return failed(err)
	}
	return river{
		start: client.Start, stop: client.StopAndCancel, close: shut,
		insert: func(ctx context.Context, args runArgs, queue string) error {
			_, err := client.Insert(ctx, args, &riverqueue.InsertOpts{Queue: queue, UniqueOpts: riverqueue.UniqueOpts{ByArgs: true, ByState: unique}})
			return err
		},
	}, nil
}

// alone lets one server at a time bring River's tables to their schema.
func (s *server) alone(ctx context.Context, do func() error) error {
	for {
		release, ok, err := s.Store.Exclusive(ctx, "river")
		if err != nil {
			return err
		}
		if ok {
			return errors.Join(do(), release())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookMilliseconds * time.Millisecond):
		}
	}
}

// worker works attempts.
type worker struct {
	riverqueue.WorkerDefaults[runArgs]
	server *server
}

// Work does one. What comes of it stands in the run; River hears of a failure only
// where the store does not answer, and tries again.
func (w *worker) Work(ctx context.Context, job *riverqueue.Job[runArgs]) error {
	busy, err := w.server.attempt(ctx, runs.RunID(job.Args.Run), job.Args.Attempt)
	if busy {
		return riverqueue.JobSnooze(turnSeconds * time.Second)
	}
	return err
}

// quiet lets River's warnings and errors through: its talk is for its own people.
type quiet struct{ slog.Handler }

// Enabled reports whether a line is loud enough.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps quiet.
func (q quiet) WithAttrs(list []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(list)} }

// WithGroup keeps quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

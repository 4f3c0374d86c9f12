// Package loop runs the path: it opens the store and the managed systems that a
// folder declares and hands them to the stages, one at a time or the whole way
// round. The command line, the demonstration and the server call it. What a
// crash leaves behind is what each stage says it leaves.
package loop

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/store/postgres"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
)

// The files of a folder.
const (
	StoreFile    = "provisor.db"
	ConfigFolder = "config"
)

// Options open a folder.
type Options struct {
	Dir      string // holds provisor.db and config/
	Store    string // a PostgreSQL address; "": provisor.db in Dir
	KeyFile  string // the key of the stored secrets; "": provisor.key in Dir
	Packages []connector.Package
	As       string    // the person who acts; "": the operating system's user
	Day      time.Time // that the rules are judged on; zero: today
	Today    time.Time // of a demonstration; zero: the clock's
	// MustExist: a folder without a store is an error, not a new one.
	MustExist bool
}

// An Engine is an open folder: its store, its deployed configuration and the
// systems that this declares.
type Engine struct {
	*statement.DB
	Dir      string
	Packages []connector.Package
	Actor    journal.Actor
	Clock    func() time.Time
	Sleep    func(ctx context.Context, d time.Duration)
	Jitter   func() float64
	Progress Progress
	Held     int // resources of one type that an evaluation holds as a whole; 0: as many as fit easily
	keyFile  string
	// Address is that of the PostgreSQL database; "": the store is a file in Dir.
	Address     string
	day, today  time.Time
	deployments *deployments
}

// Progress is told how far long work has come; its functions may be nil.
type Progress struct {
	Read func(entity schema.EntityType, objects int)
	// of is how many there are in all, 0 where that is not known.
	Carried   func(connection string, orders, of int)
	Compared  func(accounts, of int) // with what was read
	Evaluated func(owners, of int)
	Judged    func(accounts, of int)
	// Begins is told of each stage; false leaves it out, since what it did lately
	// still holds.
	Begins func(stage string) bool
	// Ended is told what a stage did.
	Ended func(stage string, summary any, err error)
}

// The stages, as Progress names them.
const (
	Synchronizing = "synchronize"
	Verifying     = "verify"
	Evaluating    = "evaluate"
	Generating    = "generate"
	Fulfilling    = "fulfil"
)

// told does a stage and tells of it.
func told[T any](e *Engine, stage string, do func() (T, error)) (done T, err error) {
	if e.Progress.Begins != nil && !e.Progress.Begins(stage) {
		return done, nil
	}
	done, err = do()
	if e.Progress.Ended != nil {
		e.Progress.Ended(stage, done, err)
	}
	return done, err
}

// Following returns the engine telling somebody else how far it is. Both share
// store and systems.
func (e *Engine) Following(p Progress) *Engine {
	other := *e
	other.Progress = p
	return &other
}

// Open opens the folder.
func Open(ctx context.Context, o Options) (*Engine, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	var db *statement.DB
	if o.Store != "" {
		db, err = postgres.Open(ctx, o.Store, postgres.Options{})
	} else {
		path := filepath.Join(dir, StoreFile)
		if _, missing := os.Stat(path); o.MustExist && missing != nil {
			return nil, &fault.Error{
				Kind: fault.NotFound, Op: "open " + dir, Msg: "there is no " + StoreFile + " here",
				Do: "name the folder with --dir, or begin one with `provisor init` or `provisor demo`",
			}
		}
		db, err = sqlite.Open(ctx, path, sqlite.Options{})
	}
	if err != nil {
		return nil, err
	}
	e := Over(db, dir, o.Packages)
	e.Actor, e.day = journal.Actor{Process: processName(), As: o.As}, o.Day
	e.Address = o.Store
	e.keyFile, e.today = cmp.Or(o.KeyFile, e.keyFile), o.Today
	return e, nil
}

// Over returns an engine over a store that is open already, in real time. A
// simulation hands in a clock of its own.
func Over(db *statement.DB, dir string, packages []connector.Package) *Engine {
	packages = withStore(db, packages)
	e := &Engine{
		DB: db, Dir: dir, Packages: packages, Actor: journal.Actor{Process: processName()},
		Clock: func() time.Time { return time.Now().UTC() }, Sleep: sleep, Jitter: rand.Float64,
		keyFile: filepath.Join(dir, KeyFile),
	}
	e.deployments = &deployments{store: db, systems: e.systems, packages: packages}
	return e
}

// processName is who the operating system says is acting.
func processName() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Close gives up systems and store.
func (e *Engine) Close() error {
	e.deployments.Close()
	return e.DB.Close()
}

// Day is the day that the rules are judged on.
func (e *Engine) Day() time.Time {
	if e.day.IsZero() {
		return e.Clock().Truncate(schema.Day)
	}
	return e.day
}

// Moment is what the time in a workflow state is measured by: the clock or,
// where a day was named, the beginning of that day.
func (e *Engine) Moment() time.Time {
	if e.day.IsZero() {
		return e.Clock()
	}
	return e.day
}

// Today is the present day, whatever day the rules are judged on: a later one
// lies in the future.
func (e *Engine) Today() time.Time {
	if e.today.IsZero() {
		return e.Clock().Truncate(schema.Day)
	}
	return e.today
}

// SetDay fixes the day that the rules are judged on.
func (e *Engine) SetDay(day time.Time) { e.day = day }

// As returns the engine with another person acting. Both share store and systems.
func (e *Engine) As(person string) *Engine {
	other := *e
	other.Actor.As = person
	return &other
}

// Plan shows what deploying the configuration would cause and, as far as it is
// asked, what the source files as they are now or decisions would. Planned for a
// day after today, it says what happens until then.
func (e *Engine) Plan(ctx context.Context, c *declare.Configuration, o plan.Options) (*plan.Plan, []synchronize.Outcome, error) {
	p := plan.Proposal{Proposed: c, Decisions: o.Decisions, Day: e.Day(), Today: e.Today(), Now: e.Clock()}
	if deployed, err := e.Deployed(ctx); err == nil {
		p.Deployed = deployed
	} else if fault.KindOf(err) != fault.NotFound {
		return nil, nil, err
	}
	var outcomes []synchronize.Outcome
	if len(o.Sources) > 0 {
		s := e.systems(c.Model)
		defer s.Close()
		reader := synchronize.Runner{Store: e.DB, Systems: s, Model: c.Model, Programs: c.Programs, Clock: e.Clock, Actor: e.Actor}
		var err error
		if p.Resources, outcomes, err = reader.Preview(ctx, o.Sources); err != nil {
			return nil, nil, err
		}
	}
	made, err := plan.Make(ctx, e.DB, p)
	return made, outcomes, err
}

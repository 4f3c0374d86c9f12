// Package loop runs the path: it opens the store and the managed systems that a
// folder declares and hands them to the stages, one at a time or the whole way
// round. The command line, the demonstration and the server call it. What a
// crash leaves behind is what each stage says it leaves.
package loop

import (
	"context"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
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
	Packages []connector.Package
	As       string    // the person who acts; "": the operating system's user
	Day      time.Time // that the rules are judged on; zero: today
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
	day      time.Time
	deployed *declare.Configuration
	systems  *systems
}

// Progress is told how far long work has come; its functions may be nil.
type Progress struct {
	Read    func(entity schema.EntityType, objects int)
	Carried func(connection string, orders int)
}

// Open opens the folder.
func Open(ctx context.Context, o Options) (*Engine, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		Dir: dir, Packages: o.Packages, Actor: journal.Actor{Process: processName(), As: o.As},
		Clock: func() time.Time { return time.Now().UTC() }, Sleep: sleep, Jitter: rand.Float64, day: o.Day,
	}
	if o.Store != "" {
		e.DB, err = postgres.Open(ctx, o.Store, postgres.Options{})
	} else {
		path := filepath.Join(dir, StoreFile)
		if _, missing := os.Stat(path); o.MustExist && missing != nil {
			return nil, &fault.Error{
				Kind: fault.NotFound, Op: "open " + dir, Msg: "there is no " + StoreFile + " here",
				Do: "name the folder with --dir, or begin one with `provisor init` or `provisor demo`",
			}
		}
		e.DB, err = sqlite.Open(ctx, path, sqlite.Options{})
	}
	if err != nil {
		return nil, err
	}
	return e, nil
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
	if e.systems != nil {
		e.systems.Close()
	}
	return e.DB.Close()
}

// Day is the day that the rules are judged on.
func (e *Engine) Day() time.Time {
	if e.day.IsZero() {
		return e.Clock().Truncate(schema.Day)
	}
	return e.day
}

// SetDay fixes the day that the rules are judged on.
func (e *Engine) SetDay(day time.Time) { e.day = day }

// As returns the engine with another person acting. Both share store and systems.
func (e *Engine) As(person string) *Engine {
	other := *e
	other.Actor.As = person
	return &other
}

// Deployed is the configuration that the stages use.
func (e *Engine) Deployed(ctx context.Context) (*declare.Configuration, error) {
	if e.deployed != nil {
		return e.deployed, nil
	}
	d, err := e.DB.Deployed(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return nil, &fault.Error{
			Kind: fault.NotFound, Op: "load the configuration", Msg: "no configuration is deployed yet",
			Do: "check config/ with `provisor validate` and deploy it with `provisor apply`",
		}
	}
	if err != nil {
		return nil, err
	}
	c, err := declare.Load(d.Files, e.Packages)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "load the deployed configuration (this program reads it differently than the one that deployed it)", err)
	}
	e.use(c)
	return c, nil
}

func (e *Engine) use(c *declare.Configuration) {
	if e.systems != nil {
		e.systems.Close()
	}
	e.deployed, e.systems = c, newSystems(c.Model, e.Packages, e.Dir)
}

// Files reads and checks the configuration in the folder.
func (e *Engine) Files() (*declare.Configuration, error) {
	files, err := declare.ReadDir(filepath.Join(e.Dir, ConfigFolder))
	if err != nil {
		return nil, err
	}
	return declare.Load(files, e.Packages)
}

// Deploy makes a checked configuration the one that the stages use. The one
// before is kept.
func (e *Engine) Deploy(ctx context.Context, c *declare.Configuration, why string) error {
	act := journal.Act{Actor: e.Actor, Name: "deploy", Subject: short(c.Hash), Why: why, At: e.Clock()}
	if err := e.DB.Deploy(ctx, act, stage.Deployment{Hash: c.Hash, Files: c.Files}); err != nil {
		return err
	}
	e.use(c)
	return nil
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// Differs says in one line that the files in the folder are not what is
// deployed, "" when they are the same or there are none.
func (e *Engine) Differs(ctx context.Context) string {
	c, err := e.Deployed(ctx)
	if err != nil {
		return ""
	}
	files, err := declare.ReadDir(filepath.Join(e.Dir, ConfigFolder))
	if err != nil {
		return ""
	}
	if changed := declare.ChangedFiles(c.Files, files); len(changed) > 0 {
		return "the files in config/ differ from what is deployed (" + strings.Join(changed, ", ") + "): see `provisor plan`"
	}
	return ""
}

// Plan shows what deploying the configuration in the folder would cause and,
// with sources, what the source files as they are now would.
func (e *Engine) Plan(ctx context.Context, c *declare.Configuration, sources []schema.ConnectorID) (*plan.Plan, []synchronize.Outcome, error) {
	p := plan.Proposal{Proposed: c, Day: e.Day(), Now: e.Clock()}
	if deployed, err := e.Deployed(ctx); err == nil {
		p.Deployed = deployed
	} else if fault.KindOf(err) != fault.NotFound {
		return nil, nil, err
	}
	var outcomes []synchronize.Outcome
	if len(sources) > 0 {
		s := newSystems(c.Model, e.Packages, e.Dir)
		defer s.Close()
		reader := synchronize.Runner{Store: e.DB, Systems: s, Model: c.Model, Programs: c.Programs, Clock: e.Clock, Actor: e.Actor}
		var err error
		if p.Resources, outcomes, err = reader.Preview(ctx, sources); err != nil {
			return nil, nil, err
		}
	}
	made, err := plan.Make(ctx, e.DB, p)
	return made, outcomes, err
}

// Synchronize reads managed systems into resources.
func (e *Engine) Synchronize(ctx context.Context, o synchronize.Options) ([]synchronize.Outcome, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	r := synchronize.Runner{
		Store: e.DB, Systems: e.systems, Model: c.Model, Programs: c.Programs, Clock: e.Clock, Actor: e.Actor, Progress: e.Progress.Read,
	}
	return r.Run(ctx, o)
}

// Verify compares what was read with what was ordered.
func (e *Engine) Verify(ctx context.Context) (verify.Summary, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return verify.Summary{}, err
	}
	r := verify.Runner{Store: e.DB, Model: c.Model, Clock: e.Clock, Actor: e.Actor}
	return r.Run(ctx)
}

// Evaluate works out who should have what.
func (e *Engine) Evaluate(ctx context.Context) (evaluate.Summary, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return evaluate.Summary{}, err
	}
	r := evaluate.Runner{Store: e.DB, Model: c.Model, Programs: c.Programs, Clock: e.Clock, Actor: e.Actor}
	return r.Run(ctx, e.Day())
}

// Generate turns differences into orders; with block, every one is reviewed.
func (e *Engine) Generate(ctx context.Context, block bool) (generate.Summary, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return generate.Summary{}, err
	}
	r := generate.Runner{Store: e.DB, Model: c.Model, Clock: e.Clock, Actor: e.Actor}
	return r.Run(ctx, generate.Options{Day: e.Day(), Block: block})
}

// Fulfil carries out what may go out.
func (e *Engine) Fulfil(ctx context.Context, connectors []schema.ConnectorID) (fulfil.Summary, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return fulfil.Summary{}, err
	}
	r := fulfil.Runner{
		Store: e.DB, Systems: e.systems, Model: c.Model, Programs: c.Programs, Clock: e.Clock, Wait: e.Sleep, Jitter: e.Jitter,
		Actor: e.Actor, Progress: e.Progress.Carried,
	}
	return r.Run(ctx, fulfil.Options{Day: e.Day(), Connectors: connectors})
}

// Desk is where a person decides.
func (e *Engine) Desk() *review.Desk {
	return &review.Desk{Store: e.DB, Clock: e.Clock, Actor: e.Actor}
}

// Round is what one way round the path did.
type Round struct {
	Day         string                `json:"day"`
	Synchronize []synchronize.Outcome `json:"synchronize"`
	Verify      verify.Summary        `json:"verify"`
	Evaluate    evaluate.Summary      `json:"evaluate"`
	Generate    generate.Summary      `json:"generate"`
	Fulfil      fulfil.Summary        `json:"fulfil"`
}

// Run goes the whole way round once: synchronize, verify, evaluate, generate,
// fulfil. What a reading shows of the round's own writes is verified by reading
// back at once, or in the next round.
func (e *Engine) Run(ctx context.Context, block bool) (Round, error) {
	r := Round{Day: e.Day().Format(time.DateOnly)}
	var err error
	if r.Synchronize, err = e.Synchronize(ctx, synchronize.Options{}); err != nil {
		return r, err
	}
	if r.Verify, err = e.Verify(ctx); err != nil {
		return r, err
	}
	if r.Evaluate, err = e.Evaluate(ctx); err != nil {
		return r, err
	}
	if r.Generate, err = e.Generate(ctx, block); err != nil {
		return r, err
	}
	r.Fulfil, err = e.Fulfil(ctx, nil)
	return r, err
}

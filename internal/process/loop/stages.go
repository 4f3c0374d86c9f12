package loop

import (
	"context"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
)

const (
	// theLoop is the lock of whoever reads and judges: a server's round and a
	// person's command take turns, on one machine and on many.
	theLoop = "loop"
	// turnMax is how long to wait for the other's turn: longer than a small
	// company's round, shorter than a person's patience.
	turnMax = time.Minute
	// turnPause is between two looks whether it is our turn.
	turnPause = 200 * time.Millisecond
)

// alone does work on what is deployed while nobody else reads or judges.
func alone[T any](ctx context.Context, e *Engine, work func(context.Context, *deployment) (T, error)) (T, error) {
	var none T
	release, err := e.turn(ctx)
	if err != nil {
		return none, err
	}
	defer func() { _ = release() }() // a lock dies with its process
	d, giveBack, err := e.deployments.borrow(ctx)
	if err != nil {
		return none, err
	}
	defer giveBack()
	return work(ctx, d)
}

// turn waits until nobody else goes round.
func (e *Engine) turn(ctx context.Context) (release func() error, err error) {
	for range turnMax / turnPause {
		release, ok, err := e.Exclusive(ctx, theLoop)
		if ok || err != nil {
			return release, err
		}
		e.Sleep(ctx, turnPause)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, &fault.Error{
		Kind: fault.Conflict, Op: "go round", Msg: "another process has been reading or judging on this store for the last " + turnMax.String(),
		Do: "wait until it is through (`provisor state` and `provisor journal list` show it moving), and try again",
	}
}

// Synchronize reads managed systems into resources.
func (e *Engine) Synchronize(ctx context.Context, o synchronize.Options) ([]synchronize.Outcome, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) ([]synchronize.Outcome, error) {
		return e.synchronize(ctx, d, o)
	})
}

func (e *Engine) synchronize(ctx context.Context, d *deployment, o synchronize.Options) ([]synchronize.Outcome, error) {
	r := synchronize.Runner{
		Store: e.DB, Systems: d.systems, Model: d.Model, Programs: d.Programs, Clock: e.Clock, Actor: e.Actor, Progress: e.Progress.Read,
	}
	return told(e, Synchronizing, func() ([]synchronize.Outcome, error) { return r.Run(ctx, o) })
}

// Verify compares what was read with what was ordered.
func (e *Engine) Verify(ctx context.Context) (verify.Summary, error) { return alone(ctx, e, e.verify) }

func (e *Engine) verify(ctx context.Context, d *deployment) (verify.Summary, error) {
	r := verify.Runner{Store: e.DB, Model: d.Model, Clock: e.Clock, Actor: e.Actor}
	return told(e, Verifying, func() (verify.Summary, error) { return r.Run(ctx) })
}

// Evaluate takes requests on and works out who should have what.
func (e *Engine) Evaluate(ctx context.Context) (evaluate.Summary, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (evaluate.Summary, error) {
		if _, err := e.requestDesk(d.Configuration).Process(ctx); err != nil {
			return evaluate.Summary{}, err
		}
		return e.evaluate(ctx, d)
	})
}

// EvaluateAll is Evaluate of everybody, whatever changed.
func (e *Engine) EvaluateAll(ctx context.Context) (evaluate.Summary, error) {
	if err := e.DB.EvaluateEverybody(ctx); err != nil {
		return evaluate.Summary{}, err
	}
	return e.Evaluate(ctx)
}

func (e *Engine) evaluate(ctx context.Context, d *deployment) (evaluate.Summary, error) {
	r := e.evaluator(d)
	return told(e, Evaluating, func() (evaluate.Summary, error) { return r.Run(ctx, e.Day()) })
}

func (e *Engine) evaluator(d *deployment) *evaluate.Runner {
	return &evaluate.Runner{
		Store: e.DB, Model: d.Model, Programs: d.Programs, Configuration: d.Hash, Held: e.Held, Warm: &d.warm,
		Clock: e.Clock, Moment: e.Moment, Actor: e.Actor,
	}
}

// EvaluatePerson shows what evaluating one owner anew would change and, with save,
// stores what is expected of that owner.
func (e *Engine) EvaluatePerson(ctx context.Context, owner resources.Ref, save bool) (*plan.Person, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (*plan.Person, error) {
		r := e.evaluator(d)
		p, err := plan.MakePerson(ctx, r, owner, e.Day(), e.Clock())
		if err != nil || !save {
			return p, err
		}
		_, err = r.RunOwner(ctx, e.Day(), owner)
		p.Saved = err == nil
		return p, err
	})
}

// Recompute evaluates one owner anew, stores what is expected, makes the orders
// that come of it, and says what changed.
func (e *Engine) Recompute(ctx context.Context, owner resources.Ref) (*plan.Person, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (*plan.Person, error) {
		r := e.evaluator(d)
		p, err := plan.MakePerson(ctx, r, owner, e.Day(), e.Clock())
		if err != nil {
			return nil, err
		}
		if _, err := r.RunOwner(ctx, e.Day(), owner); err != nil {
			return nil, err
		}
		p.Saved = true
		g := generate.Runner{Store: e.DB, Model: d.Model, Clock: e.Clock, Actor: e.Actor}
		_, err = g.Run(ctx, generate.Options{Day: e.Day(), Owner: &owner})
		return p, err
	})
}

// Generate turns differences into orders; with block, every one is reviewed.
func (e *Engine) Generate(ctx context.Context, block bool) (generate.Summary, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (generate.Summary, error) { return e.generate(ctx, d, block) })
}

func (e *Engine) generate(ctx context.Context, d *deployment, block bool) (generate.Summary, error) {
	r := generate.Runner{Store: e.DB, Model: d.Model, Clock: e.Clock, Actor: e.Actor, Configuration: d.Hash}
	return told(e, Generating, func() (generate.Summary, error) {
		return r.Run(ctx, generate.Options{Day: e.Day(), Block: block})
	})
}

// Fulfil carries out what may go out. It shares no lock with reading and
// judging: each connection is drained by one process at a time.
func (e *Engine) Fulfil(ctx context.Context, connectors []schema.ConnectorID) (fulfil.Summary, error) {
	d, giveBack, err := e.deployments.borrow(ctx)
	if err != nil {
		return fulfil.Summary{}, err
	}
	defer giveBack()
	r := fulfil.Runner{
		Store: e.DB, Systems: d.systems, Model: d.Model, Programs: d.Programs, Clock: e.Clock, Wait: e.Sleep, Jitter: e.Jitter,
		Actor: e.Actor, Progress: e.Progress.Carried,
	}
	return told(e, Fulfilling, func() (fulfil.Summary, error) {
		return r.Run(ctx, fulfil.Options{Day: e.Day(), Connectors: connectors})
	})
}

// Desk is where a person decides.
func (e *Engine) Desk() *review.Desk {
	return &review.Desk{Store: e.DB, Clock: e.Clock, Actor: e.Actor, Model: e.Model}
}

// Model is the role model of the deployed configuration.
func (e *Engine) Model(ctx context.Context) (*roles.Model, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return c.Model, nil
}

// Round is what one way round the path did.
type Round struct {
	Day         string                `json:"day"`
	Synchronize []synchronize.Outcome `json:"synchronize"`
	Verify      verify.Summary        `json:"verify"`
	Requests    review.Processed      `json:"requests"`
	Evaluate    evaluate.Summary      `json:"evaluate"`
	Generate    generate.Summary      `json:"generate"`
	Fulfil      fulfil.Summary        `json:"fulfil"`
}

// Run goes the whole way round once: synchronize, verify, evaluate, generate,
// fulfil. What a reading shows of the round's own writes is verified by reading
// back at once, or in the next round.
func (e *Engine) Run(ctx context.Context, block bool) (Round, error) {
	r, err := alone(ctx, e, func(ctx context.Context, d *deployment) (Round, error) { return e.judge(ctx, d, block) })
	if err != nil {
		return r, err
	}
	r.Fulfil, err = e.Fulfil(ctx, nil)
	return r, err
}

// judge is the round as far as its orders.
func (e *Engine) judge(ctx context.Context, d *deployment, block bool) (Round, error) {
	r := Round{Day: e.Day().Format(time.DateOnly)}
	var err error
	if r.Synchronize, err = e.synchronize(ctx, d, synchronize.Options{}); err != nil {
		return r, err
	}
	if r.Verify, err = e.verify(ctx, d); err != nil {
		return r, err
	}
	if r.Requests, err = e.requestDesk(d.Configuration).Process(ctx); err != nil {
		return r, err
	}
	if r.Evaluate, err = e.evaluate(ctx, d); err != nil {
		return r, err
	}
	r.Generate, err = e.generate(ctx, d, block)
	return r, err
}

package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/jobs"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
)

// findingsTold bounds what a run's log says of one stage: the pages of readings
// and orders tell the rest.
const findingsTold = 50

// work does one attempt of a run.
func (s *server) work(ctx context.Context, run runs.Run, tell *jobs.Teller) error {
	e := s.engine.Following(s.progress(ctx, run, tell))
	var only []schema.ConnectorID
	if run.Connector != "" {
		only = []schema.ConnectorID{run.Connector}
	}
	var err error
	switch run.Job {
	case runs.Round:
		return s.round(ctx, e, tell)
	case runs.Synchronize:
		if _, err = e.Synchronize(ctx, synchronize.Options{Connectors: only}); err == nil {
			_, err = e.Verify(ctx)
		}
	case runs.Verify:
		_, err = e.Verify(ctx)
	case runs.Evaluate:
		_, err = e.Evaluate(ctx)
	case runs.Generate:
		_, err = e.Generate(ctx, false)
	case runs.Fulfil:
		_, err = e.Fulfil(ctx, only)
	case runs.Check, runs.Survey:
		return s.ask(ctx, e, run, tell)
	default:
		return fault.New(fault.NotFound, string(run.Job), "this program knows no such job; a newer one left it")
	}
	return err
}

// round goes once round the path.
func (s *server) round(ctx context.Context, e *loop.Engine, tell *jobs.Teller) error {
	_, err := e.Run(ctx, false)
	switch fault.KindOf(err) {
	case fault.NotFound:
		tell.Say("nothing to do yet: " + err.Error())
		err = nil
	case fault.Conflict:
		return err // it waits for its turn, and has not failed
	}
	s.rounds.note(s.engine.Clock(), err)
	return err
}

// progress tells a run, and the metrics, how far the stages are.
func (s *server) progress(ctx context.Context, run runs.Run, tell *jobs.Teller) loop.Progress {
	var lock sync.Mutex
	read, carried, toCarry := map[string]int{}, map[string]int{}, map[string]int{}
	known := s.lastCounts(ctx)
	// reached takes what is done of a step in parts; of is how much all of it is.
	reached := func(step string, done map[string]int, name string, n int, of func() int) {
		lock.Lock()
		defer lock.Unlock()
		done[name] = n
		tell.Reached(step, summed(done), max(of(), summed(done)))
	}
	return loop.Progress{
		Begins: func(stage string) bool {
			if run.Job == runs.Round && run.Attempt > 1 && tell.Holds(stage) {
				tell.Say(stage + " was done by an earlier attempt, and holds")
				return false
			}
			total := 0
			if stage == loop.Synchronizing {
				total = known.of(run.Connector)
			}
			tell.BeginOf(stage, total)
			return true
		},
		Read: func(entity schema.EntityType, n int) {
			reached(loop.Synchronizing, read, string(entity), n, func() int { return known.of(run.Connector) })
		},
		Carried: func(connection string, n, of int) {
			reached(loop.Fulfilling, carried, connection, n, func() int {
				toCarry[connection] = max(of, n)
				return summed(toCarry)
			})
		},
		Compared: func(n, of int) { tell.Reached(loop.Verifying, n, max(n, of)) },
		Evaluated: func(n, of int) {
			if of == 0 { // more than are held in memory: as many as there were
				of = known.owners
			}
			tell.Reached(loop.Evaluating, n, max(n, of))
		},
		Judged: func(n, of int) { tell.Reached(loop.Generating, n, max(n, of)) },
		Ended: func(stage string, summary any, err error) {
			s.metrics.stage(summary)
			end := runs.Step{Counts: countsOf(summary)}
			if err != nil {
				end.Wrong = err.Error()
			}
			for i, text := range saidOf(summary) {
				if i == findingsTold {
					tell.Say("and more, which the pages of connectors and orders show")
					break
				}
				tell.Say(text)
			}
			tell.End(stage, end)
		},
	}
}

func summed(of map[string]int) (sum int) {
	for _, n := range of {
		sum += n
	}
	return sum
}

// expected is how many resources the last readings showed, by entity type.
type expected struct {
	counts map[schema.EntityType]int
	owners int // of which may own accounts
	model  func(schema.EntityType) schema.ConnectorID
}

// lastCounts is from what a bar of progress takes its length. Where it is not
// known, the bar has none.
func (s *server) lastCounts(ctx context.Context) expected {
	x := expected{counts: map[schema.EntityType]int{}, model: func(schema.EntityType) schema.ConnectorID { return "" }}
	model, err := s.engine.Model(ctx)
	if err != nil {
		return x
	}
	last, err := s.engine.LastReadings(ctx)
	if err != nil {
		return x
	}
	for _, l := range last {
		x.counts[l.Entity] = l.Committed.Counts.Read
	}
	for _, t := range model.Owners() {
		x.owners += x.counts[t]
	}
	x.model = func(t schema.EntityType) schema.ConnectorID {
		entity, _ := model.Entity(t)
		return entity.Connector
	}
	return x
}

func (x expected) of(c schema.ConnectorID) (sum int) {
	for t, n := range x.counts {
		if c == "" || x.model(t) == c {
			sum += n
		}
	}
	return sum
}

// countsOf are the numbers of a stage's summary that people want to know.
func countsOf(summary any) (list []runs.Count) {
	add := func(name string, n int) {
		if n > 0 {
			list = append(list, runs.Count{Name: name, N: n})
		}
	}
	switch x := summary.(type) {
	case []synchronize.Outcome:
		var sum resources.Counts
		for _, o := range x {
			c := o.Reading.Counts
			sum.Read, sum.Added, sum.Changed, sum.Removed = sum.Read+c.Read, sum.Added+c.Added, sum.Changed+c.Changed, sum.Removed+c.Removed
			sum.SetAside += c.SetAside
		}
		add("read", sum.Read)
		add("added", sum.Added)
		add("changed", sum.Changed)
		add("removed", sum.Removed)
		add("set aside", sum.SetAside)
	case verify.Summary:
		add("compared", x.Compared)
		add("verified", x.Verified)
		add("drifted", x.Drifted)
		add("expired", x.Expired)
	case evaluate.Summary:
		add("evaluated", x.Owners)
		add("changed", x.Changed)
		add("allocated", x.Allocated)
		add("findings", len(x.Findings))
	case generate.Summary:
		add("judged", x.Judged)
		add("orders", x.Orders)
		add("parked", len(x.Parked))
	case fulfil.Summary:
		var sum fulfil.Drained
		for _, c := range x.Connections {
			sum.Collected, sum.Executed, sum.Verified = sum.Collected+c.Collected, sum.Executed+c.Executed, sum.Verified+c.Verified
			sum.Refused, sum.Unknown = sum.Refused+c.Refused, sum.Unknown+c.Unknown
		}
		add("orders", sum.Collected)
		add("executed", sum.Executed)
		add("verified", sum.Verified)
		add("refused", sum.Refused)
		add("unknown", sum.Unknown)
	}
	return list
}

// saidOf is what a stage has to say in words.
func saidOf(summary any) (list []string) {
	switch x := summary.(type) {
	case []synchronize.Outcome:
		for _, o := range x {
			text := fmt.Sprintf("%s: %s", o.Reading.Entity, o.Reading.State)
			if o.Reading.Why != "" {
				text += ": " + o.Reading.Why
			}
			list = append(list, text)
			for _, f := range o.Findings {
				list = append(list, fmt.Sprintf("%s: %s", o.Reading.Entity, f.String()))
			}
		}
	case evaluate.Summary:
		for _, f := range x.Findings {
			list = append(list, f.String())
		}
	case generate.Summary:
		for _, p := range x.Parked {
			list = append(list, fmt.Sprintf("parked: every %s of %s: %s", p.Kind, p.Type, p.Why))
		}
	case fulfil.Summary:
		for _, c := range x.Connections {
			switch {
			case c.Down != "":
				list = append(list, c.Connection+": "+c.Down)
			case c.Busy:
				list = append(list, c.Connection+": another process drains it")
			}
		}
	}
	return list
}

// ask opens the connections of a connector and asks what they are and hold. What
// one refuses stops no other; any that refuses makes the run fail.
func (s *server) ask(ctx context.Context, e *loop.Engine, run runs.Run, tell *jobs.Teller) error {
	model, err := e.Model(ctx)
	if err != nil {
		return err
	}
	c, ok := model.Connectors[run.Connector]
	if !ok {
		return fault.New(fault.NotFound, string(run.Job), "there is no connector %s", run.Connector)
	}
	before, err := s.lastSurvey(ctx, run)
	if err != nil {
		return err
	}
	var wrong []string
	for _, id := range slices.Sorted(maps.Keys(c.Connections)) {
		connection := c.Connections[id]
		tell.BeginOf(string(id), 1)
		if connection.Manual || connection.Repository {
			tell.End(string(id), runs.Step{Says: map[bool]string{true: "carried out by people", false: "in Provisor itself"}[connection.Manual]})
			continue
		}
		d, err := e.Describe(ctx, run.Connector, id)
		if err != nil {
			tell.End(string(id), runs.Step{Wrong: err.Error()})
			wrong = append(wrong, string(id)+": "+err.Error())
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		end := runs.Step{Says: saysItIs(d)}
		if run.Job == runs.Survey {
			end.Objects = objectsOf(d)
			end.Counts = []runs.Count{{Name: "objects", N: len(d.Objects)}}
			said := append(missingIn(c, id, d), changedSince(before, string(id), end.Objects)...)
			for _, text := range said[:min(len(said), findingsTold)] {
				tell.Say(string(id) + ": " + text)
			}
		}
		tell.End(string(id), end)
	}
	if len(wrong) > 0 {
		// Whoever asked is there and looks: he asks again when it is mended.
		return fault.New(fault.Refused, string(run.Job), "%s", strings.Join(wrong, "; "))
	}
	return nil
}

// lastSurvey is what the survey before showed.
func (s *server) lastSurvey(ctx context.Context, run runs.Run) (runs.Run, error) {
	list, err := s.engine.Runs(ctx, stage.RunFilter{Job: runs.Survey, Connector: run.Connector, States: []runs.State{runs.Done}, Limit: 1})
	if err != nil || len(list) == 0 {
		return runs.Run{}, err
	}
	return list[0], nil
}

// Package fulfil is the sixth stage: it collects orders whose gates are open,
// carries them out through their connections, reads its own writes back, and
// records what is known.
//
// Collecting is stored before anything is sent, and what came of it after. A
// crash in between leaves transmitted orders; whoever drains the connection
// next looks them up in the system before anything is sent again.
package fulfil

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
)

// Store is what fulfilling needs from the store.
type Store interface {
	stage.Counters
	stage.GateStore
	Exclusive(ctx context.Context, name string) (release func() error, ok bool, err error)
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	Collectable(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID, now orders.Instant, limit int) ([]orders.AssignedID, error)
	Transmitted(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) ([]orders.AssignedID, error)
	ToReadBack(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) ([]orders.AssignedID, error)
	Update(ctx context.Context, act journal.Act, ids []orders.AssignedID, move func(*orders.AssignedResource) error, also ...stage.Extra) error
}

// A Runner drains connections.
type Runner struct {
	Store    Store
	Systems  stage.Systems
	Model    *roles.Model
	Programs expression.Programs
	Clock    func() time.Time
	Wait     func(ctx context.Context, d time.Duration) // until a look-up makes sense
	Jitter   func() float64                             // in [0, 1)
	Actor    journal.Actor
	// Progress is told how many orders were carried out so far; may be nil.
	Progress func(connection string, carried int)
}

// Options choose what is drained.
type Options struct {
	Day        time.Time
	Connectors []schema.ConnectorID // all when empty
}

// A Summary says what a run did, by connection.
type Summary struct {
	Connections []Drained `json:"connections"`
}

// Drained is what came of one connection.
type Drained struct {
	Connection string `json:"connection"` // connector/connection
	Manual     bool   `json:"manual,omitempty"`
	Collected  int    `json:"collected"`
	Executed   int    `json:"executed"` // items done
	Verified   int    `json:"verified"` // items read back at once
	Refused    int    `json:"refused"`  // items certainly not done
	Unknown    int    `json:"unknown"`  // items to be looked up
	Settled    int    `json:"settled"`  // orders whose unknown outcome was looked up
	Down       string `json:"down,omitempty"`
	Busy       bool   `json:"busy,omitempty"` // another process drains it
}

// Limits of draining, each with its reason.
const (
	concurrencyDefault = 4       // what most systems bear without being asked
	collectedAtOnce    = 64      // a transaction of some milliseconds, and work for every worker
	reportedAtOnce     = 64      // likewise
	gatedAtOnce        = 100_000 // orders looked at for one that may go out, when all seem to stand before gates
	lease              = 5 * time.Minute
	waitMax            = 10 * time.Second // for a look-up to make sense; longer is for the next run
	retryFirst         = 2 * time.Second
	retryMax           = time.Hour
	turnsMax           = 10 // of sending and looking up: attempts are fewer
)

// Run drains every connection of the model once: until nothing of it can be
// collected any more.
func (r *Runner) Run(ctx context.Context, o Options) (Summary, error) {
	connections := r.connections(o.Connectors)
	drained := make([]Drained, len(connections))
	errs := make([]error, len(connections))
	var wait sync.WaitGroup
	for i, c := range connections {
		wait.Go(func() {
			d := drain{Runner: r, connector: c.connector, connection: c.connection, day: o.Day}
			d.out.Connection = string(c.connector) + "/" + string(c.connection.ID)
			errs[i] = d.run(ctx)
			drained[i] = d.out
		})
	}
	wait.Wait()
	return Summary{Connections: drained}, errors.Join(errs...)
}

type place struct {
	connector  schema.ConnectorID
	connection schema.Connection
}

// connections lists those through which any resource type is provisioned.
func (r *Runner) connections(chosen []schema.ConnectorID) []place {
	wanted := map[schema.ConnectorID]bool{}
	for _, id := range chosen {
		wanted[id] = true
	}
	seen := map[string]place{}
	for _, t := range r.Model.ResourceTypes {
		c, connection := r.Model.Connection(t)
		if connection.ID == "" || len(chosen) > 0 && !wanted[c.ID] {
			continue
		}
		seen[string(c.ID)+"/"+string(connection.ID)] = place{c.ID, connection}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	list := make([]place, len(names))
	for i, name := range names {
		list[i] = seen[name]
	}
	return list
}

// drain empties one connection.
type drain struct {
	*Runner
	connector  schema.ConnectorID
	connection schema.Connection
	day        time.Time
	out        Drained
	numbers    *stage.Numbering
	names      *nameCache
	about      connector.Description
}

func (d *drain) run(ctx context.Context) error {
	d.out.Manual = d.connection.Manual
	release, ok, err := d.Store.Exclusive(ctx, "fulfil "+d.out.Connection)
	if err != nil {
		return err
	}
	if !ok {
		d.out.Busy = true
		return nil
	}
	defer func() { _ = release() }() // the lock dies with the process at the latest
	d.numbers = stage.Numbers(ctx, d.Store, stage.OrderCounter)
	d.names = newNameCache(d.Runner)
	if d.connection.Manual {
		if err := d.settleUnknown(ctx); err != nil {
			return err
		}
		return d.handOut(ctx)
	}
	if err := d.takeOver(ctx); err != nil {
		return err
	}
	if err := d.settleUnknown(ctx); err != nil {
		return err
	}
	// What is looked up and did not happen can be sent again at once, so sending
	// and looking up take turns until there is nothing to look up.
	for range turnsMax {
		if err := d.pump(ctx); err != nil {
			return err
		}
		before := d.out.Settled
		if err := d.settleUnknown(ctx); err != nil || d.out.Settled == before {
			return err
		}
	}
	return nil
}

// numbersPerOrder is for an order that opens when an outcome settles, in a
// transaction that may run twice.
const numbersPerOrder = 2

func (d *drain) occasion(why string) orders.Occasion {
	return orders.Occasion{
		Now: d.Clock(), Actor: d.Actor.String(), Why: why,
		NewOrder: func() orders.OrderID { return orders.OrderID(d.numbers.Next()) },
	}
}

func (d *drain) act(name string) journal.Act {
	return journal.Act{Actor: d.Actor, Name: name, Subject: d.out.Connection, At: d.Clock()}
}

// takeOver turns what a dead agent left transmitted into orders to be looked
// up: this process holds the connection alone.
func (d *drain) takeOver(ctx context.Context) error {
	ids, err := d.Store.Transmitted(ctx, d.connector, d.connection.ID)
	if err != nil || len(ids) == 0 {
		return err
	}
	d.numbers.Prepare(len(ids) * numbersPerOrder)
	o := d.occasion("the agent that held it is gone")
	return d.Store.Update(ctx, d.act("take over"), ids, func(a *orders.AssignedResource) error {
		return a.Abandoned(o, orders.Lose)
	})
}

// collect hands the next orders out: stored before anything is sent. The store
// names those last that were seen before a gate, so a few suffice while others
// are left; only then every one is looked at again.
func (d *drain) collect(ctx context.Context, limit int) ([]*orders.AssignedResource, error) {
	for _, most := range []int{2 * limit, gatedAtOnce} {
		for {
			open, newly, err := d.sift(ctx, limit, most)
			if err != nil {
				return nil, err
			}
			if len(open) > 0 {
				return d.collectThese(ctx, open)
			}
			if newly == 0 {
				break
			}
		}
	}
	return nil, nil
}

// sift looks at some orders that could go out: it returns those whose gates are
// open and how many were newly found before a gate, which is noted on them.
func (d *drain) sift(ctx context.Context, limit, most int) (open []orders.AssignedID, newly int, err error) {
	ids, err := d.Store.Collectable(ctx, d.connector, d.connection.ID, orders.At(d.Clock()), most)
	if err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	list, err := d.Store.Assigned(ctx, stage.AssignedFilter{IDs: ids})
	if err != nil {
		return nil, 0, err
	}
	g, err := stage.OpenGates(ctx, d.Store, d.Model, list, d.day, d.Clock())
	if err != nil {
		return nil, 0, err
	}
	var gated []orders.AssignedID
	waits := map[orders.AssignedID]string{}
	for _, a := range list {
		w := g.Waits(a)
		switch {
		case w == "" && len(a.Ready(g.Now)) > 0 && len(open) < limit:
			open = append(open, a.ID)
		case w != "" && a.Order.Waits != w:
			waits[a.ID] = w
			gated = append(gated, a.ID)
		}
	}
	if len(gated) == 0 {
		return open, 0, nil
	}
	err = d.Store.Update(ctx, d.act("gate"), gated, func(a *orders.AssignedResource) error {
		if a.Order != nil {
			a.Order.Waits = waits[a.ID]
		}
		return nil
	})
	return open, len(gated), err
}

func (d *drain) collectThese(ctx context.Context, ids []orders.AssignedID) ([]*orders.AssignedResource, error) {
	d.numbers.Prepare(len(ids) * numbersPerOrder)
	o := d.occasion("")
	agent, held := d.Actor.Process, lease
	if d.connection.Manual {
		agent, held = "technicians", 0
	}
	collected := make([]*orders.AssignedResource, 0, len(ids))
	err := d.Store.Update(ctx, d.act("collect"), ids, func(a *orders.AssignedResource) error {
		if err := a.Collect(o, agent, held); fault.KindOf(err) == fault.Conflict {
			return nil // it moved since it was looked at
		} else if err != nil {
			return err
		}
		collected = append(collected, a)
		return nil
	})
	d.out.Collected += len(collected)
	return collected, err
}

// handOut puts the orders of a manual connection on the technicians' queue.
func (d *drain) handOut(ctx context.Context) error {
	for {
		collected, err := d.collect(ctx, collectedAtOnce)
		if err != nil || len(collected) == 0 {
			return err
		}
	}
}

// pump keeps the workers busy: collected orders go to them, what they know is
// reported in batches.
func (d *drain) pump(ctx context.Context) error {
	workers := d.connection.Limits.Concurrency
	if workers <= 0 {
		workers = concurrencyDefault
	}
	system, err := d.Systems.System(ctx, d.connector, d.connection.ID)
	if err != nil {
		d.out.Down = err.Error()
		return nil
	}
	pace := newPace(d.Runner, d.connection.Limits.PerSecond)
	if d.about, err = system.Describe(ctx); err != nil {
		d.out.Down = err.Error()
		return nil
	}
	if workers == 1 {
		return d.oneByOne(ctx, system, pace)
	}
	work := make(chan *orders.AssignedResource, collectedAtOnce)
	done := make(chan carried, collectedAtOnce)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for a := range work {
				pace.next(ctx)
				done <- d.carry(ctx, system, a)
			}
		})
	}
	err = d.feed(ctx, work, done)
	close(work)
	wait.Wait()
	return err
}

// oneByOne carries out and reports one order after the other: on a connection
// that bears no more nothing can overlap, and what happens has one order.
func (d *drain) oneByOne(ctx context.Context, system connector.System, pace *pace) error {
	for d.out.Down == "" && ctx.Err() == nil {
		collected, err := d.collect(ctx, collectedAtOnce)
		if err != nil || len(collected) == 0 {
			return err
		}
		for _, a := range collected {
			pace.next(ctx)
			// The report is stored although the run was told to stop.
			if err := d.report(context.WithoutCancel(ctx), []carried{d.carry(ctx, system, a)}); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// feed collects and reports until nothing is left. It never stops while an
// order is with a worker: what is known has to be recorded.
func (d *drain) feed(ctx context.Context, work chan<- *orders.AssignedResource, done <-chan carried) error {
	inFlight, exhausted := 0, false
	for {
		if !exhausted && inFlight < collectedAtOnce && d.out.Down == "" && ctx.Err() == nil {
			collected, err := d.collect(ctx, collectedAtOnce)
			if err != nil {
				return errors.Join(err, d.finish(ctx, inFlight, done))
			}
			exhausted = len(collected) == 0
			for _, a := range collected {
				work <- a
			}
			inFlight += len(collected)
		}
		if inFlight == 0 {
			return ctx.Err()
		}
		batch := d.gather(done, inFlight)
		inFlight -= len(batch)
		// The report is stored although the run was told to stop.
		if err := d.report(context.WithoutCancel(ctx), batch); err != nil {
			return errors.Join(err, d.finish(ctx, inFlight, done))
		}
		exhausted = exhausted && len(batch) == 0
	}
}

// gather waits for one result and takes those that are there.
func (d *drain) gather(done <-chan carried, inFlight int) []carried {
	batch := []carried{<-done}
	for len(batch) < min(inFlight, reportedAtOnce) {
		select {
		case c := <-done:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// finish reports what the workers still hold after a failure.
func (d *drain) finish(ctx context.Context, inFlight int, done <-chan carried) error {
	var errs []error
	for ; inFlight > 0; inFlight-- {
		errs = append(errs, d.report(context.WithoutCancel(ctx), []carried{<-done}))
	}
	return errors.Join(errs...)
}

// report stores what is known about carried orders, each with what was read back.
func (d *drain) report(ctx context.Context, batch []carried) error {
	byID := make(map[orders.AssignedID]carried, len(batch))
	ids := make([]orders.AssignedID, len(batch))
	var also stage.Extra
	for i, c := range batch {
		byID[c.id], ids[i] = c, c.id
		d.tally(c)
		if c.readBack != nil && c.readBack.resource != nil {
			also.Put = append(also.Put, c.stored)
		} else if c.readBack != nil && c.target.Key != "" {
			also.Remove = append(also.Remove, c.target)
		}
	}
	d.numbers.Prepare(len(ids) * numbersPerOrder)
	o := d.occasion("")
	verified := map[orders.AssignedID]int{} // kept by resource: the transaction may run twice
	err := d.Store.Update(ctx, d.act("report"), ids, func(a *orders.AssignedResource) error {
		c := byID[a.ID]
		if err := a.Report(o, c.report); err != nil {
			if fault.KindOf(err) == fault.Conflict {
				return nil // a newer attempt has begun: this one is history
			}
			return err
		}
		if c.readBack == nil {
			return nil
		}
		if err := a.Observe(o, c.readBack.of(a)); err != nil {
			return err
		}
		verified[a.ID] = 0
		for id := range c.report.Items {
			if it := a.Item(id); it != nil && it.Place.State == orders.Verified {
				verified[a.ID]++
			}
		}
		return nil
	}, also)
	for _, n := range verified {
		d.out.Verified += n
	}
	if err == nil {
		err = d.numbers.Err()
	}
	if d.Progress != nil {
		d.Progress(d.out.Connection, d.out.Collected)
	}
	return err
}

func (d *drain) tally(c carried) {
	for _, item := range c.report.Items {
		switch item.Effect {
		case orders.EffectDone:
			d.out.Executed++
		case orders.EffectNone:
			d.out.Refused++
		default:
			d.out.Unknown++
		}
	}
	if c.report.Down {
		d.out.Down = c.reason
	}
}

// backoff is how long to wait before attempt n+1: doubling, bounded, spread.
func (r *Runner) backoff(asked time.Duration) func(attempts int) time.Duration {
	return func(attempts int) time.Duration {
		wait := retryFirst
		for i := 1; i < attempts && wait < retryMax; i++ {
			wait *= 2
		}
		wait = min(wait, retryMax)
		spread := time.Duration(float64(wait) * (0.8 + 0.4*r.Jitter()))
		return max(spread, asked)
	}
}

// again is how long to wait after an attempt that was looked up and did not
// happen. The system refused nothing, so the first time there is no reason to.
func (r *Runner) again(attempts int) time.Duration {
	if attempts <= 1 {
		return 0
	}
	return r.backoff(0)(attempts - 1)
}

// pace keeps a connection's changes per second under its limit.
type pace struct {
	runner *Runner
	every  time.Duration
	lock   sync.Mutex
	free   time.Time
}

func newPace(r *Runner, perSecond int) *pace {
	p := &pace{runner: r}
	if perSecond > 0 {
		p.every = time.Second / time.Duration(perSecond)
	}
	return p
}

// next waits for the caller's turn.
func (p *pace) next(ctx context.Context) {
	if p.every == 0 {
		return
	}
	p.lock.Lock()
	now := p.runner.Clock()
	if p.free.Before(now) {
		p.free = now
	}
	turn := p.free
	p.free = p.free.Add(p.every)
	p.lock.Unlock()
	if d := turn.Sub(now); d > 0 {
		p.runner.Wait(ctx, d)
	}
}

// A nameCache resolves links of objects that were read back, by entity type,
// loaded when first needed.
type nameCache struct {
	*Runner
	lock   sync.Mutex
	index  stage.NameIndex
	loaded map[schema.EntityType]bool
	held   map[schema.EntityType]map[resources.Key]*resources.Resource
}

func newNameCache(r *Runner) *nameCache {
	return &nameCache{Runner: r, index: stage.NameIndex{}, loaded: map[schema.EntityType]bool{}, held: map[schema.EntityType]map[resources.Key]*resources.Resource{}}
}

// of prepares the names that the links of an entity type may use.
func (n *nameCache) of(ctx context.Context, e schema.Entity) error {
	n.lock.Lock()
	defer n.lock.Unlock()
	for _, p := range e.Properties {
		if !p.IsLink() || p.Inverse != "" || n.loaded[p.Link] {
			continue
		}
		far, ok := n.Model.Entity(p.Link)
		if !ok {
			continue
		}
		list, err := n.Store.Resources(ctx, p.Link)
		if err != nil {
			return fmt.Errorf("names of %s: %w", p.Link, err)
		}
		for i := range list {
			n.index.Add(far, list[i].Key, list[i].Value)
		}
		n.loaded[p.Link] = true
	}
	return nil
}

// Named finds a resource; what was created in this run is added as it is read back.
func (n *nameCache) Named(t schema.EntityType, text string) (resources.Key, bool) {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.index.Named(t, text)
}

func (n *nameCache) add(e schema.Entity, r resources.Resource) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.loaded[e.Type] {
		n.index.Add(e, r.Key, r.Value)
	}
}

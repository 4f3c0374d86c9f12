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
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	Exclusive(ctx context.Context, name string) (release func() error, ok bool, err error)
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	Collectable(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID, now orders.Instant, limit int) ([]orders.AssignedID, error)
	ToCollect(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID, now orders.Instant) (int, error)
	Transmitted(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) ([]orders.AssignedID, error)
	ToReadBack(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) ([]orders.AssignedID, error)
	ReleasedOwners(ctx context.Context, at stage.ParkKey) (int, error)
	stage.Saver
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
	// Progress is told how many orders were carried out so far, and how many could go
	// out when that began; may be nil.
	Progress func(connection string, carried, of int)
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
	concurrencyDefault = 4                      // what most systems bear without being asked
	collectedAtOnce    = 64                     // a transaction of some milliseconds, and work for every worker
	reportedAtOnce     = 64                     // likewise
	aheadMost          = 128                    // handed out and not reported: one batch is carried out while another is stored
	reportWithin       = 250 * time.Millisecond // a result waits no longer for others to be stored with
	gatedAtOnce        = 100_000                // orders looked at for one that may go out, when all seem to stand before gates
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
	waves      *waves
	of         int // orders that could go out when it began; 0: nobody is told
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
	d.waves = newWaves(d)
	if d.Progress != nil {
		if d.of, err = d.Store.ToCollect(ctx, d.connector, d.connection.ID, orders.At(d.Clock())); err != nil {
			return err
		}
		d.tell()
	}
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
	defer d.numbers.Free()
	o := d.occasion("the agent that held it is gone")
	return d.Store.Update(ctx, d.act("take over"), ids, func(a *orders.AssignedResource) error {
		return a.Abandoned(o, orders.Lose)
	})
}

// collect hands the next orders out: stored before anything is sent. The store
// names those last that were seen before a gate, so a few suffice while others
// are left. Only when gated is true is every one looked at again: what is under
// way may open gates, so that is worth while when nothing is.
func (d *drain) collect(ctx context.Context, gated bool) ([]*orders.AssignedResource, error) {
	looks := []int{collectedAtOnce}
	if gated {
		looks = append(looks, gatedAtOnce)
	}
	for _, most := range looks {
		for {
			open, newly, err := d.sift(ctx, most)
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
func (d *drain) sift(ctx context.Context, most int) (open []*orders.AssignedResource, newly int, err error) {
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
	var gated []*orders.AssignedResource
	waits := map[orders.AssignedID]string{}
	for _, a := range list {
		w := g.Waits(a)
		ready := a.Ready(g.Now)
		goes := w == "" && len(ready) > 0 && len(open) < collectedAtOnce
		if goes {
			if w, err = d.waves.wait(ctx, a, ready); err != nil {
				return nil, 0, err
			}
		}
		switch {
		case goes && w == "":
			open = append(open, a)
		case w != "" && a.Order.Waits != w:
			waits[a.ID] = w
			gated = append(gated, a)
		}
	}
	err = d.save(ctx, "gate", gated, func(a *orders.AssignedResource) error {
		if a.Order != nil {
			a.Order.Waits = waits[a.ID]
		}
		return nil
	})
	return open, len(gated), err
}

func (d *drain) collectThese(ctx context.Context, list []*orders.AssignedResource) ([]*orders.AssignedResource, error) {
	o := d.occasion("")
	agent, held := d.Actor.Process, lease
	if d.connection.Manual {
		agent, held = "technicians", 0
	}
	byID := map[orders.AssignedID]*orders.AssignedResource{} // a resource may be moved twice
	err := d.save(ctx, "collect", list, func(a *orders.AssignedResource) error {
		delete(byID, a.ID)
		err := a.Collect(o, agent, held)
		switch {
		case err == nil:
			byID[a.ID] = a
		case fault.KindOf(err) == fault.Conflict:
			return nil // it moved since it was looked at
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var collected []*orders.AssignedResource
	for _, a := range list {
		if a := byID[a.ID]; a != nil {
			collected = append(collected, a)
			continue
		}
		d.waves.forget(a.ID)
	}
	d.out.Collected += len(collected)
	return collected, nil
}

// save moves resources as they are in memory and stores them; the store moves
// them again where somebody wrote one of them meanwhile.
func (d *drain) save(ctx context.Context, act string, list []*orders.AssignedResource, move func(*orders.AssignedResource) error, also ...stage.Extra) error {
	if len(list) == 0 {
		return nil
	}
	for _, a := range list {
		if err := move(a); err != nil {
			return err
		}
	}
	_, err := stage.SaveMoved(ctx, d.Store, d.numbers, d.act(act), list, move, also...)
	return err
}

// handOut puts the orders of a manual connection on the technicians' queue.
func (d *drain) handOut(ctx context.Context) error {
	for {
		collected, err := d.collect(ctx, true)
		if err != nil || len(collected) == 0 {
			return err
		}
		d.tell()
	}
}

// tell says how far it is.
func (d *drain) tell() {
	if d.Progress != nil {
		d.Progress(d.out.Connection, d.out.Collected, d.of)
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

package fulfil

import (
	"context"
	"errors"
	"sync"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage"
)

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
	work := make(chan *orders.AssignedResource, aheadMost)
	done := make(chan carried, aheadMost)
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
		collected, err := d.collect(ctx, true)
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
	inFlight := 0
	for {
		for inFlight+collectedAtOnce <= aheadMost && d.out.Down == "" && ctx.Err() == nil {
			collected, err := d.collect(ctx, inFlight == 0)
			if err != nil {
				return errors.Join(err, d.finish(ctx, inFlight, done))
			}
			if len(collected) == 0 {
				break
			}
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
	}
}

// gather waits for results that are worth a transaction: as many as one stores,
// all that are under way, or those that came in time.
func (d *drain) gather(done <-chan carried, inFlight int) []carried {
	batch := []carried{<-done}
	late := time.NewTimer(reportWithin)
	defer late.Stop()
	for len(batch) < min(inFlight, reportedAtOnce) {
		select {
		case c := <-done:
			batch = append(batch, c)
		case <-late.C:
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
	list := make([]*orders.AssignedResource, len(batch))
	var also stage.Extra
	for i, c := range batch {
		byID[c.assigned.ID], list[i] = c, c.assigned
		d.tally(c)
		if c.readBack != nil && c.readBack.resource != nil {
			also.Put = append(also.Put, c.stored)
		} else if c.readBack != nil && c.target.Key != "" {
			also.Remove = append(also.Remove, c.target)
		}
	}
	o := d.occasion("")
	verified := map[orders.AssignedID]int{} // by resource: one may be moved twice
	surprises := map[orders.AssignedID]string{}
	err := d.save(ctx, "report", list, func(a *orders.AssignedResource) error {
		c := byID[a.ID]
		delete(verified, a.ID)
		surprises[a.ID] = "a newer attempt has begun"
		if err := a.Report(o, c.report); err != nil {
			if fault.KindOf(err) == fault.Conflict {
				return nil // a newer attempt has begun: this one is history
			}
			return err
		}
		surprises[a.ID] = surprising(a, c.report)
		if c.readBack == nil {
			return nil
		}
		if err := a.Observe(o, c.readBack.of(a)); err != nil {
			return err
		}
		surprises[a.ID] = surprising(a, c.report)
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
	d.tell()
	if err != nil {
		return err
	}
	for _, c := range batch {
		if err := d.waves.end(ctx, c, surprises[c.assigned.ID]); err != nil {
			return err
		}
	}
	return nil
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

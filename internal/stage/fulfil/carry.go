package fulfil

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// carried is what came of one order.
type carried struct {
	assigned *orders.AssignedResource // as it was collected
	report   orders.Report
	reason   string
	target   resources.Ref
	stored   resources.Resource // as it was read back
	readBack *readBack          // nil: nothing was read back
}

// readBack is one look at the resource after it was written.
type readBack struct {
	began    time.Time
	resource *resources.Resource // nil: it is not there
	asked    map[itemName]bool   // links that the other side stores and that were asked about
	inverse  map[schema.PropertyName]bool
}

type itemName struct {
	property schema.PropertyName
	link     resources.Key
}

// of is the observation for the assigned resource as it stands: of links that
// the other side stores only those asked about were seen, the others stay.
func (b *readBack) of(a *orders.AssignedResource) orders.Observation {
	obs := orders.Observation{Began: b.began, Resource: b.resource, LookUp: true}
	if b.resource == nil || len(b.inverse) == 0 {
		return obs
	}
	shown := *b.resource
	shown.Links = map[schema.PropertyName][]resources.Key{}
	for p, keys := range b.resource.Links {
		shown.Links[p] = slices.Clone(keys)
	}
	for i := range a.Items {
		it := &a.Items[i]
		if b.inverse[it.Property] && !b.asked[itemName{it.Property, it.Link}] && it.Is.There {
			shown.Links[it.Property] = append(shown.Links[it.Property], it.Link)
		}
	}
	for p := range b.inverse {
		slices.Sort(shown.Links[p])
	}
	obs.Resource = &shown
	return obs
}

// carry carries one collected order out and says what is known about it. It
// sends at most once.
func (d *drain) carry(ctx context.Context, system connector.System, a *orders.AssignedResource) carried {
	c := carried{assigned: a, report: orders.Report{Order: a.Order.ID, Fence: a.Order.Fence, Items: map[int]orders.ItemReport{}}}
	t := d.Model.ResourceTypes[a.Type]
	b, err := d.builder(ctx, t, a)
	if err != nil {
		return c.refused(b, fault.KindOf(err) != fault.Unavailable, err)
	}
	c.target = resources.Ref{Type: t.Target, Key: a.Target}
	change, settled := d.before(ctx, system, b)
	c.report.Wait = d.backoff(0)
	if settled != nil {
		c.take(*settled, b)
	} else {
		outcome := connector.Outcome{Key: change.Key}
		if len(change.Items) > 0 {
			outcome = system.Apply(ctx, change)
		}
		c.report.At = d.Clock()
		for id, done := range b.already {
			if outcome.Items == nil {
				outcome.Items = map[int]connector.ItemOutcome{}
			}
			outcome.Items[id] = done
		}
		c.take(outcome, b)
		c.report.Wait = d.backoff(outcome.RetryAfter)
	}
	if t.Provisioning.VerifyImmediately && d.about.Can.FreshLookup && c.anyDone() {
		d.look(context.WithoutCancel(ctx), system, b, &c)
	}
	return c
}

// take translates what the package said.
func (c *carried) take(out connector.Outcome, b *builder) {
	c.report.Key, c.report.Down = resources.Key(out.Key), out.Down
	if out.Key == "" && b.change.Kind == connector.Create {
		c.report.Key = resources.Key(b.keyValue())
	}
	for id, item := range out.Items {
		c.report.Items[id] = orders.ItemReport{Effect: effects[item.Effect], Err: item.Err, Permanent: item.Permanent}
		if out.Down && c.reason == "" {
			c.reason = item.Err
		}
	}
	// Where the account was not created, nothing of it was written either.
	if c.target.Key == "" {
		c.target.Key = c.report.Key
	}
}

var effects = map[connector.Effect]orders.Effect{
	connector.Unknown: orders.EffectUnknown, connector.Done: orders.EffectDone, connector.None: orders.EffectNone,
}

// refused reports every item as certainly not done.
func (c carried) refused(b *builder, permanent bool, err error) carried {
	for _, it := range b.items {
		c.report.Items[it.ID] = orders.ItemReport{Effect: orders.EffectNone, Err: err.Error(), Permanent: permanent}
	}
	return c
}

func (c *carried) anyDone() bool {
	for _, item := range c.report.Items {
		if item.Effect == orders.EffectDone {
			return true
		}
	}
	return false
}

// before reads the object as it is now, where the system allows it: what is
// already right is not written, what is not there cannot be changed.
func (d *drain) before(ctx context.Context, system connector.System, b *builder) (connector.Change, *connector.Outcome) {
	if !d.about.Can.Lookup {
		return b.change, nil
	}
	req, ok := b.lookup(nil)
	if !ok {
		return b.change, nil
	}
	object, err := system.Lookup(ctx, req)
	absent := fault.KindOf(err) == fault.NotFound
	var settled connector.Outcome
	switch {
	case err != nil && !absent:
		settled = connector.All(b.change, connector.ItemOutcome{Effect: connector.None, Err: err.Error()})
		settled.Down = fault.KindOf(err) == fault.Unavailable
	case b.change.Kind == connector.Create && !absent:
		settled = connector.All(b.change, connector.ItemOutcome{
			Effect: connector.None, Permanent: true,
			Err: fmt.Sprintf("%s %s exists already; correlate it with its owner, or give the new one another name", b.change.Shape.Entity, object.Key),
		})
		settled.Key = ""
		// Its key is somebody else's: it must not become ours.
	case b.change.Kind == connector.Delete && absent:
		settled = connector.All(b.change, connector.ItemOutcome{Effect: connector.Done})
	case b.change.Kind == connector.Update && absent:
		settled = connector.All(b.change, connector.ItemOutcome{
			Effect: connector.None, Permanent: true, Err: "the account is not there any more; synchronize, then decide",
		})
	default:
		b.change.Current = object
		b.skipDone(object)
		return b.change, nil
	}
	return b.change, &settled
}

// look reads the resource back after it was written.
func (d *drain) look(ctx context.Context, system connector.System, b *builder, c *carried) {
	key := c.report.Key
	req, ok := b.lookup(&key)
	if !ok {
		return
	}
	back := &readBack{began: d.Clock(), asked: b.asked(), inverse: b.inverse()}
	object, err := system.Lookup(ctx, req)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		if b.change.Kind == connector.Delete {
			c.readBack = back
		}
		return
	case err != nil:
		return // the next synchronization will show it
	}
	r := d.resource(b.entity, object, b.asked())
	back.resource = &r
	c.readBack, c.stored = back, withoutInverse(b.entity, r)
	d.names.add(b.entity, r)
}

// resource turns a looked-up object into a resource; links that the other side
// stores come as the keys that were asked about.
func (d *drain) resource(e schema.Entity, object connector.Object, asked map[itemName]bool) resources.Resource {
	r := stage.ResourceOf(e, object, d.names, d.Programs)
	for name := range asked {
		if slices.Contains(object.Links[string(name.property)], string(name.link)) {
			if r.Links == nil {
				r.Links = map[schema.PropertyName][]resources.Key{}
			}
			r.Links[name.property] = append(r.Links[name.property], name.link)
		}
	}
	for p := range r.Links {
		slices.Sort(r.Links[p])
	}
	return r
}

func withoutInverse(e schema.Entity, r resources.Resource) resources.Resource {
	links := map[schema.PropertyName][]resources.Key{}
	for p, keys := range r.Links {
		if e.Properties[p].Inverse == "" {
			links[p] = keys
		}
	}
	r.Links = links
	return r
}

// settleUnknown looks up what nobody knows the outcome of. Nothing is sent here.
func (d *drain) settleUnknown(ctx context.Context) error {
	deadline := d.Clock().Add(waitMax)
	for {
		ids, err := d.Store.ToReadBack(ctx, d.connector, d.connection.ID)
		if err != nil || len(ids) == 0 {
			return err
		}
		list, err := d.Store.Assigned(ctx, stage.AssignedFilter{IDs: ids})
		if err != nil {
			return err
		}
		settled := 0
		var next orders.Instant
		for _, a := range list {
			if due := dueAt(a); due > orders.At(d.Clock()) {
				if next == 0 || due < next {
					next = due
				}
				continue
			}
			system, err := d.reader(ctx, a)
			if err != nil {
				d.out.Down = err.Error()
				return nil
			}
			ok, err := d.settle(ctx, system, a)
			if err != nil {
				return err
			}
			if ok {
				settled++
			}
		}
		d.out.Settled += settled
		switch {
		case settled > 0:
		case next == 0 || next.Time().After(deadline) || ctx.Err() != nil:
			return ctx.Err()
		default:
			d.Wait(ctx, next.Time().Sub(d.Clock()))
		}
	}
}

// reader is the system that shows the resource: what people carry out is read
// through the connection that synchronizes it.
func (d *drain) reader(ctx context.Context, a *orders.AssignedResource) (connector.System, error) {
	if e, ok := d.Model.Entity(a.Handling.Target); ok && d.connection.Manual {
		return d.Systems.System(ctx, e.Connector, e.Connection)
	}
	return d.Systems.System(ctx, d.connector, d.connection.ID)
}

// dueAt is when looking the resource up begins to make sense.
func dueAt(a *orders.AssignedResource) orders.Instant {
	var due orders.Instant
	for _, it := range a.Carried() {
		if it.Place.Mark == orders.ReadBack {
			due = max(due, it.NotBefore)
		}
	}
	return due
}

// settle looks one resource up; false when nothing could be learnt.
func (d *drain) settle(ctx context.Context, system connector.System, a *orders.AssignedResource) (bool, error) {
	t := d.Model.ResourceTypes[a.Type]
	b, err := d.builder(ctx, t, a)
	if err != nil {
		return false, nil //nolint:nilerr // it stays to be looked up; the next run tries again
	}
	look := orders.Look{Began: d.Clock(), Wait: d.again, Deadline: d.expired(a)}
	var also stage.Extra
	back := &readBack{began: look.Began, asked: b.asked(), inverse: b.inverse()}
	req, ok := b.lookup(nil)
	switch {
	case !ok && gone(a):
		// A reading begun after the attempt showed that the account is not there.
	case !ok:
		look.Failed, look.Deadline = "nothing names the resource, so it cannot be looked up", true
	default:
		object, err := system.Lookup(ctx, req)
		switch {
		case err == nil:
			r := d.resource(b.entity, object, b.asked())
			back.resource = &r
			also.Put = append(also.Put, withoutInverse(b.entity, r))
		case fault.KindOf(err) != fault.NotFound:
			look.Failed = err.Error()
		}
	}
	d.numbers.Prepare(numbersPerOrder)
	defer d.numbers.Free()
	o := d.occasion("")
	err = d.Store.Update(ctx, d.act("look up"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
		look.Resource = back.of(a).Resource
		return a.LookedUp(o, look)
	}, also)
	return look.Failed == "", err
}

// gone reports whether a reading begun after the last attempt showed no account.
func gone(a *orders.AssignedResource) bool {
	self := &a.Items[0]
	for _, it := range a.Carried() {
		if it.Place.Mark == orders.ReadBack && (it.Property == "" || it.SentAt >= self.ReadAt) {
			return false
		}
	}
	return !self.Is.There
}

// expired reports whether waiting for a look-up has lasted longer than the
// resource type's validity.
func (d *drain) expired(a *orders.AssignedResource) bool {
	if a.Handling.Validity <= 0 {
		return false
	}
	for _, it := range a.Carried() {
		if it.Place.Mark == orders.ReadBack && d.Clock().Sub(it.SentAt.Time()) > a.Handling.Validity {
			return true
		}
	}
	return false
}

// reference is a link's far end as a package wants it: every name it bears.
func (d *drain) reference(ctx context.Context, t schema.EntityType, key resources.Key) (connector.Reference, error) {
	far, err := d.far(ctx, t, key)
	if err != nil {
		return connector.Reference{}, err
	}
	e, _ := d.Model.Entity(t)
	ref := connector.Reference{Entity: string(t), Key: string(key), Values: map[string]value.Value{}}
	for _, p := range append([]schema.PropertyName{e.Key}, e.Identify...) {
		if v := far.Value(p); !v.IsNull() {
			ref.Values[string(p)] = v
		}
	}
	return ref, nil
}

package sim

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/synchronize"
)

// automatic are the systems that Provisor writes itself.
var automatic = []string{"alpha", "beta"}

// check holds every invariant after a step, or a part of one.
func (w *world) check() {
	changes := w.read()
	entries := w.entriesNow()
	parks := w.parksNow()
	if len(changes) > 0 && entries == w.book.entries {
		w.fail("%d assigned resources changed and the journal has no entry", len(changes))
	}
	for _, c := range changes {
		w.explained(c)
		w.verifiedAsRead(c)
		w.approved(c)
		w.heldByThresholds(c, parks)
		w.decided(c)
		w.hasSomebody(c.is)
	}
	w.effectsWereAllowed()
	w.nothingLostUnseen()
	if len(changes) > 0 {
		w.everyOrderGoesOn()
	}
	w.book.entries, w.book.parks = entries, parks
}

// The journal explains every difference between two snapshots: an item stands
// where its last step led, and a step leads on from where the last one ended.
func (w *world) explained(c change) {
	for i := range c.is.Items {
		it := &c.is.Items[i]
		at, before := orders.Place{State: orders.None}, 0
		if c.was != nil {
			if old := c.was.Item(it.ID); old != nil {
				at, before = old.Place, old.Steps
			}
		}
		steps := c.steps[it.ID]
		if it.Steps-before != len(steps) {
			w.fail("%s of %s %s counts %d steps more, and %d are recorded", it.Name(), c.is.Type, c.is.Owner.Key, it.Steps-before, len(steps))
		}
		if before == 0 && at.State == orders.None && it.Place.AtRest() && len(steps) == 0 {
			continue // found in order: not worth a step
		}
		for n, s := range steps {
			if s.From != at && (n > 0 || before > 0 || !s.From.AtRest()) {
				w.fail("%s of %s %s stood at %s, and the next step leads on from %s", it.Name(), c.is.Type, c.is.Owner.Key, at, s.From)
			}
			at = s.To
		}
		if it.Place != at && (before > 0 || len(steps) > 0 || !it.Place.AtRest()) {
			w.fail("%s of %s %s stands at %s, and its steps lead to %s", it.Name(), c.is.Type, c.is.Owner.Key, it.Place, at)
		}
	}
}

// Verified only after a reading that began after the execution and shows the
// value or, where nothing can be read, on a named person's word.
func (w *world) verifiedAsRead(c change) {
	a := c.is
	for id, steps := range c.steps {
		s := steps[len(steps)-1]
		it := a.Item(id)
		if it == nil || s.To.State != orders.Verified || s.From.State == orders.Verified {
			continue
		}
		switch s.Event {
		case orders.Done:
			if a.Handling.Readable || it.By == "" || it.By != s.Actor {
				w.fail("%s of %s %s is Verified on the word of %q, recorded as %q", it.Name(), a.Type, a.Owner.Key, s.Actor, it.By)
			}
			continue
		case orders.Verify:
		case orders.Expect:
			if s.To.Mark == orders.Frozen || s.From.State == orders.Error {
				continue // an exception that people made, or where it stood before
			}
		default:
			continue // a person's decision on what stands
		}
		if a.Target == "" || systemOf(a.Handling.Target) == "" {
			continue
		}
		if s.From.State == orders.Executed {
			w.readAfterTheEffect(a, it, s)
		}
		shown := w.truly(a, it, it.ReadAt.Time(), w.now)
		if !slices.ContainsFunc(shown, func(h orders.Holding) bool { return it.Same(h, it.Want) }) {
			w.fail("%s of %s %s is Verified at %s by %s from %s (%s); from the reading at %s to now the system held %v; account %+v",
				it.Name(), a.Type, a.Owner.Key, it.Want, s.Event, s.From, s.Why, it.ReadAt.Time(), shown, a.Items[0])
		}
	}
}

// readAfterTheEffect holds: the reading that verified began after the item's
// last effect, as the system itself remembers it.
func (w *world) readAfterTheEffect(a *orders.AssignedResource, it *orders.Item, s orders.Step) {
	for _, name := range automatic {
		for _, f := range w.systems[name].Effects() {
			if w.book.ordered[f.Order] == a.ID && f.Item.ID == it.ID && f.At.Before(s.At) && !f.At.Before(it.ReadAt.Time()) {
				w.fail("%s of %s %s is Verified by a reading begun at %s, before its effect at %s", it.Name(), a.Type, a.Owner.Key, it.ReadAt.Time(), f.At)
			}
		}
	}
}

// No write without the approval that the resource type asks for: evaluation
// alone never makes an item ready to go out.
func (w *world) approved(c change) {
	if c.was == nil || !c.was.Handling.Review || !c.is.Handling.Review {
		return
	}
	for id, steps := range c.steps {
		for _, s := range steps {
			byRules := s.Event == orders.Expect || s.Event == orders.Revoke
			if it := c.is.Item(id); it != nil && it.Decision.Approved {
				continue // it went with the account that a person put right
			}
			if s.To.State == orders.Pending && byRules && s.From.State != orders.Error {
				w.fail("item %d of %s %s went from %s to %s by %q, and nobody approved it", id, c.is.Type, c.is.Owner.Key, s.From, s.To, s.Event)
			}
		}
	}
}

// None of a kind that a threshold parked goes out unreleased.
func (w *world) heldByThresholds(c change, parks map[stage.ParkKey]bool) {
	for id, steps := range c.steps {
		for _, s := range steps {
			if s.Event != orders.Collect || s.From.Mark == orders.Released || len(parks) == 0 {
				continue
			}
			if at := (stage.ParkKey{Type: c.is.Type, Kind: w.kindOf(s.Order)}); w.book.parks[at] && parks[at] {
				w.fail("item %d of order %d went out, and a threshold parks every %s of %s", id, s.Order, at.Kind, at.Type)
			}
		}
	}
}

// kindOf reads what an order, open or closed, does.
func (w *world) kindOf(id orders.OrderID) (kind orders.Kind) {
	detail, err := w.engine.Views().Order(context.Background(), id)
	if err != nil {
		w.fail("order %d: %v", id, err)
	}
	return orders.Kind(detail.Kind)
}

// No order stands in a state that nobody will move it out of.
func (w *world) hasSomebody(a *orders.AssignedResource) {
	carried := a.Carried()
	if a.Order != nil && len(carried) == 0 && a.Order.LeaseUntil == 0 {
		w.fail("order %d of %s %s carries nothing", a.Order.ID, a.Type, a.Owner.Key)
	}
	for _, it := range carried {
		if it.Place.State.Open() && it.Place.State.Owner() == "" {
			w.fail("%s of %s stands at %s, and nobody moves it on", it.Name(), a.Owner.Key, it.Place)
		}
	}
	for i := range a.Items {
		it := &a.Items[i]
		onceAtRest := it.Place.State == orders.Executed && it.Policy.Once
		if a.Order == nil && it.Place.State.Open() && it.Place.Mark != orders.Found && !onceAtRest {
			w.fail("%s of %s %s stands at %s without an order", it.Name(), a.Type, a.Owner.Key, it.Place)
		}
	}
}

// everyOrderGoesOn holds: what may go out is found by whoever drains the
// connection, what may not names what it waits for, and what waits for a report
// or a reading has a deadline.
func (w *world) everyOrderGoesOn() {
	ctx := context.Background()
	c, err := w.engine.Deployed(ctx)
	if err != nil {
		w.fail("deployed: %v", err)
	}
	var open []*orders.AssignedResource
	for _, a := range w.book.sorted() {
		if a.Order != nil {
			open = append(open, a)
		}
	}
	g, err := stage.OpenGates(ctx, w.engine.DB, c.Model, open, w.day, w.now)
	if err != nil {
		w.fail("gates: %v", err)
	}
	deadlines := map[orders.AssignedID]bool{}
	w.query(`SELECT assigned_resource FROM provisioning_order WHERE closed_at = 0 AND expires_at > 0`, func(r *sql.Rows) error {
		var id orders.AssignedID
		err := r.Scan(&id)
		deadlines[id] = true
		return err
	})
	for _, a := range open {
		at := connection{a.Handling.Connector, a.Handling.Connection}
		wrong := ""
		switch states := statesOf(a); {
		case len(a.Ready(w.now)) > 0 && g.Waits(a) == "" && !w.collectable(at, a.ID):
			wrong = "could go out, and nobody will collect it"
		case w.judged && states[orders.Pending] && len(states) == 1 && len(a.Ready(w.now.Add(365*24*time.Hour))) == 0 && g.Waits(a) == "" && !deadlines[a.ID]: // what a reading verified early is locked until its lease ends
			wrong = "is pending, not ready, and waits for nothing"
		case (states[orders.Transmitted] && !w.readingBack(a) || states[orders.Executed]) && !deadlines[a.ID]:
			wrong = "waits for a report or a reading without a deadline"
		}
		if wrong != "" {
			w.stands(string(a.Owner.Key))
			w.fail("order %d of %s %s %s", a.Order.ID, a.Type, a.Owner.Key, wrong)
		}
	}
}

type connection struct {
	connector schema.ConnectorID
	id        schema.ConnectionID
}

// collectable reports whether draining the connection would look at the order.
func (w *world) collectable(at connection, id orders.AssignedID) bool {
	ids, err := w.engine.Collectable(context.Background(), at.connector, at.id, orders.At(w.now), 1000)
	if err != nil {
		w.fail("collectable: %v", err)
	}
	return slices.Contains(ids, id)
}

// statesOf are the states in which the items of the open order stand.
func statesOf(a *orders.AssignedResource) map[orders.State]bool {
	states := map[orders.State]bool{}
	for _, it := range a.Carried() {
		if it.Place.State.Open() && !(it.Place.State == orders.Executed && it.Policy.Once) {
			states[it.Place.State] = true
		}
	}
	return states
}

// readingBack: what is looked up is moved on by whoever drains the connection.
func (w *world) readingBack(a *orders.AssignedResource) bool {
	return !slices.ContainsFunc(a.Carried(), func(it *orders.Item) bool {
		return it.Place.State == orders.Transmitted && it.Place.Mark != orders.ReadBack
	})
}

// No removal follows from an incomplete reading, ever: by what the engine says,
// and by what the systems truly held.
func (w *world) noRemovalFromAnIncompleteReading(out []synchronize.Outcome) {
	for _, o := range out {
		if r := o.Reading; r.State == resources.Committed && !r.Complete && r.Counts.Removed > 0 {
			w.fail("an incomplete reading of %s removed %d", r.Entity, r.Counts.Removed)
		}
	}
}

// nothingLostUnseen holds: what the store stopped believing in was truly away
// at some moment since the step began.
func (w *world) nothingLostUnseen() {
	held := w.heldNow()
	for ref := range w.book.held {
		system := w.systems[systemOf(ref.Type)]
		if held[ref] || system == nil {
			continue
		}
		if !slices.Contains(system.Between(string(ref.Type), string(ref.Key), w.began, w.now), nil) {
			w.fail("%s was dropped, and the system held it all the time", ref)
		}
	}
	w.book.held = held
}

// effectsWereAllowed checks each new effect against the path of its item:
// nothing is written that was not collected or that somebody declined, and
// nothing is done twice but after an attempt known not to have happened.
func (w *world) effectsWereAllowed() {
	for _, name := range automatic {
		effects := w.systems[name].Effects()
		fresh := effects[w.book.effects[name]:]
		w.book.effects[name] = len(effects)
		for _, f := range fresh {
			if f.Order == "" {
				continue
			}
			w.effectWasAllowed(name, f, effects)
		}
	}
}

func (w *world) effectWasAllowed(name string, f fakesystem.Effect, all []fakesystem.Effect) {
	id, known := w.book.ordered[f.Order]
	if !known {
		w.fail("%s: an effect of order %s, which nobody knows", name, f.Order)
	}
	a := w.book.accounts[id]
	sent, failed, sentAt, events := 0, 0, time.Time{}, []orders.Event{}
	for _, s := range w.book.paths[id][f.Item.ID] {
		if s.Order.String() != f.Order && s.Event != orders.Retry {
			continue
		}
		events = append(events, s.Event)
		switch s.Event {
		case orders.Collect:
			sent++
			if !s.At.After(f.At) {
				sentAt = s.At
			}
		case orders.Contradict, orders.Refuse, orders.Retry:
			failed++
		}
	}
	times := 0
	for _, other := range all {
		if other.Order == f.Order && other.Item.ID == f.Item.ID && other.Changed {
			times++
		}
	}
	switch h := holdingOf(f); {
	case sentAt.IsZero():
		w.fail("%s: an effect of order %s, item %d, that was never collected: %v", name, f.Order, f.Item.ID, events)
	case times > 1+failed:
		w.fail("%s: order %s, item %d was done %d times: %v", name, f.Order, f.Item.ID, times, events)
	case w.refused.at(a, f, h, sentAt):
		w.fail("%s: order %s, item %d wrote %s, which was declined: %v", name, f.Order, f.Item.ID, h, events)
	}
	if a.Order != nil && a.Order.ID.String() == f.Order && w.oneIn(10) {
		w.remember(a, func(it *orders.Item) bool { return it.ID == f.Item.ID })
	}
}

// holdingOf is what an effect left behind.
func holdingOf(f fakesystem.Effect) orders.Holding {
	switch f.Item.Op {
	case connector.OpSet:
		return orders.HoldingOf(f.Item.Value)
	case connector.OpAdd:
		return orders.Present
	case connector.OpObject:
		if f.Kind == connector.Create {
			return orders.Present
		}
	}
	return orders.Nothing
}

// refusals are the values that people declined, as the world remembers them.
type refusals map[string][]refusal

type refusal struct {
	value orders.Holding
	since time.Time
}

func refusedKey(a *orders.AssignedResource, it *orders.Item) string {
	return strconv.FormatInt(int64(a.ID), 10) + "/" + string(it.Property) + "/" + string(it.Link)
}

// decided remembers what people declined, and what they took back.
func (w *world) decided(c change) {
	if c.was == nil {
		return
	}
	for id, steps := range c.steps {
		was := c.was.Item(id)
		for _, s := range steps {
			if was == nil {
				continue
			}
			key := refusedKey(c.is, was)
			switch s.Event {
			case orders.Decline:
				paired := c.was.Doubtful() || s.From.Mark == orders.Found || s.From.State == orders.Verified
				if !paired && (s.To.Mark == orders.Declined || s.To.Mark == orders.Frozen) {
					w.refused[key] = append(w.refused[key], refusal{was.Want, s.At})
				}
			case orders.Revoke:
				delete(w.refused, key)
			case orders.Approve:
				w.refused.pardon(key, was, was.Want)
			case orders.Keep:
				w.refused.pardon(key, was, was.Is)
			}
		}
	}
}

func (r refusals) pardon(key string, it *orders.Item, h orders.Holding) {
	r[key] = slices.DeleteFunc(r[key], func(x refusal) bool { return it.Same(x.value, h) })
}

// at reports whether the effect wrote what had been declined when it was sent.
func (r refusals) at(a *orders.AssignedResource, f fakesystem.Effect, h orders.Holding, sent time.Time) bool {
	it := a.Item(f.Item.ID)
	if it == nil {
		return false // renewed since: its number is history
	}
	return slices.ContainsFunc(r[refusedKey(a, it)], func(x refusal) bool { return it.Same(x.value, h) && x.since.Before(sent) })
}

// Whom a change does not concern was rightly left alone: evaluating everybody
// right afterwards changes nothing, but for what is shown of a role's end once.
func (w *world) evaluatedInFull(ctx context.Context) {
	c, err := w.engine.Deployed(ctx)
	if err != nil {
		w.fail("the deployed configuration: %v", err)
	}
	k, err := evaluate.Load(ctx, w.engine, c.Model)
	if err != nil {
		w.fail("what is known: %v", err)
	}
	x := evaluate.Expect(c.Model, c.Programs, k, w.engine.Day())
	stored := map[stage.AssignedRoleKey]assignments.AssignedRole{}
	for _, a := range k.Roles {
		stored[stage.RoleKeyOf(a)] = a
	}
	for _, a := range x.Roles {
		if old, ok := stored[stage.RoleKeyOf(a)]; !ok || !evaluate.SameRole(old, a) {
			w.fail("evaluating everybody gives %s the role %s otherwise than evaluating whom a change concerns: %+v, not %+v", a.Owner, a.Role, a, old)
		}
		delete(stored, stage.RoleKeyOf(a))
	}
	for _, a := range stored {
		if a.Workflow != assignments.Cancellation && a.Workflow != assignments.WorkflowInactive {
			w.fail("evaluating everybody takes the role %s from %s; evaluating whom a change concerns did not", a.Role, a.Owner)
		}
	}
	before := map[orders.AssignedID]string{}
	for _, a := range k.Assigned {
		before[a.ID] = fmt.Sprintf("%+v", *a)
	}
	next := orders.AssignedID(1) << 40
	for _, a := range evaluate.Adopt(c.Model, k, x, func() orders.AssignedID { next++; return next }) {
		w.fail("evaluating everybody changes %s of %s, which evaluating whom a change concerns did not:\n%+v\nbefore\n%s", a.Type, a.Owner, *a, before[a.ID])
	}
}

// Which gates were looked at was enough: after a run each open order says what it
// waits for now, and the store counts what there is. The clock goes on while a run
// works: what comes due meanwhile may be told as it was when the run began.
func (w *world) gatesAreAsTheyStand(ctx context.Context, began time.Time) {
	c, err := w.engine.Deployed(ctx)
	if err != nil {
		w.fail("the deployed configuration: %v", err)
	}
	open, err := w.engine.Assigned(ctx, stage.AssignedFilter{OpenOnly: true})
	if err != nil {
		w.fail("the open orders: %v", err)
	}
	var gates []*stage.Gates
	for _, at := range []time.Time{began, w.engine.Clock()} {
		g, err := stage.OpenGates(ctx, w.engine.DB, c.Model, open, w.engine.Day(), at)
		if err != nil {
			w.fail("the gates: %v", err)
		}
		gates = append(gates, g)
	}
	type counted struct{ open, unsent int }
	count := map[stage.ParkKey]counted{}
	for _, a := range open {
		if now := gates[1].Waits(a); now != a.Order.Waits && gates[0].Waits(a) != a.Order.Waits {
			w.fail("the order of %s of %s says that it waits for %q; it waits for %q", a.Type, a.Owner, a.Order.Waits, now)
		}
		at := stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}
		n := count[at]
		n.open++
		if a.Unsent() {
			n.unsent++
		}
		count[at] = n
	}
	list, err := w.engine.OpenOrders(ctx)
	if err != nil {
		w.fail("the counts of open orders: %v", err)
	}
	stored := map[stage.ParkKey]counted{}
	for _, x := range list {
		n := stored[x.ParkKey]
		stored[x.ParkKey] = counted{n.open + x.Count, n.unsent + x.Unsent}
	}
	if !maps.Equal(count, stored) {
		w.fail("there are %v open orders; the store counts %v", count, stored)
	}
}

package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/value"
)

// catcher keeps what a check says instead of ending the test.
type catcher struct {
	testing.TB
	said string
}

func (c *catcher) Fatalf(format string, args ...any) {
	c.said = fmt.Sprintf(format, args...)
	panic(c)
}

func (c *catcher) Helper() {}

// caught runs a check and returns what it said, "" when it held.
func caught(w *world, check func()) (said string) {
	c := &catcher{TB: w.t}
	w.t = c
	defer func() {
		if p := recover(); p != nil && p != any(c) {
			panic(p)
		}
		w.t = c.TB
		said, _, _ = strings.Cut(c.said, "\n")
	}()
	check()
	return ""
}

// must runs a check of a planted fault, which has to say this.
func must(t *testing.T, w *world, says string, check func()) {
	t.Helper()
	if said := caught(w, check); !strings.Contains(said, says) {
		t.Errorf("it says %q, not %q", said, says)
	}
}

// quietWorld is a world without faults in which everything was settled.
func quietWorld(t *testing.T) *world {
	w := newWorld(t, 5)
	w.settleEverything()
	w.check()
	return w
}

// busyWorld went round a few times: much waits for people.
func busyWorld(t *testing.T) *world {
	w := newWorld(t, 5)
	for range 3 {
		if _, err := w.round(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.check()
	}
	return w
}

// someone returns an assigned resource of a type that is as asked.
func someone(w *world, kind string, as func(*orders.AssignedResource) bool) *orders.AssignedResource {
	for _, a := range w.book.sorted() {
		if string(a.Type) == kind && as(a) {
			return a
		}
	}
	w.fail("nobody has such an account of %s", kind)
	return nil
}

func there(a *orders.AssignedResource) bool { return a.Target != "" }

// nameOrder returns the last order that wrote the account's name.
func nameOrder(w *world, a *orders.AssignedResource) (order string) {
	for _, f := range w.systems["alpha"].Effects() {
		if f.Key == string(a.Target) && f.Item.Property.Name == "name" {
			order = f.Order
		}
	}
	return order
}

// again sends one more effect under the name of an order.
func again(w *world, system, entity, key, order string, item int, text string) {
	shape := connector.Shape{Entity: entity, Key: "login", Properties: []connector.Property{{Name: "name", Column: "name", Type: value.String}}}
	w.systems[system].Apply(context.Background(), connector.Change{
		Order: order, Shape: shape, Kind: connector.Update, Key: key,
		Items: []connector.Item{{ID: item, Op: connector.OpSet, Property: shape.Properties[0], Value: value.OfString(text)}},
	})
}

// forged is a change in which an item took one step more; edit changes the item.
func forged(a *orders.AssignedResource, it *orders.Item, s orders.Step, edit func(*orders.Item)) change {
	is := *a
	is.Items = append([]orders.Item{}, a.Items...)
	edit(is.Item(it.ID))
	s.Item = it.ID
	return change{was: a, is: &is, steps: map[int][]orders.Step{it.ID: {s}}}
}

func unchanged(*orders.Item) {}

func (w *world) exec(text string, args ...any) {
	if _, err := w.engine.SQL().Exec(text, args...); err != nil {
		w.fail("%s: %v", text, err)
	}
}

var (
	executed = orders.Place{State: orders.Executed}
	verified = orders.Place{State: orders.Verified}
	pending  = orders.Place{State: orders.Pending}
)

func TestPlantedASecondEffectOfOneAttemptIsCaught(t *testing.T) {
	w := quietWorld(t)
	a := someone(w, "A", there)
	again(w, "alpha", "AUser", string(a.Target), nameOrder(w, a), a.Find("name", "").ID, "resent")
	must(t, w, "was done 2 times", w.effectsWereAllowed)
}

func TestPlantedAWriteThatNobodyCollectedIsCaught(t *testing.T) {
	w := busyWorld(t)
	b := someone(w, "B", func(a *orders.AssignedResource) bool {
		return a.Order != nil && a.Items[0].Place.State == orders.AwaitingApproval
	})
	key := string(b.Owner.Key)
	w.systems["beta"].Set("BUser", connector.Object{Key: key, Values: map[string]value.Value{"login": value.OfString(key)}})
	again(w, "beta", "BUser", key, b.Order.ID.String(), 0, "unasked")
	must(t, w, "never collected", w.effectsWereAllowed)
}

func TestPlantedAnItemThatNobodyApprovedIsCaught(t *testing.T) {
	w := quietWorld(t)
	b := someone(w, "B", there)
	step := orders.Step{From: verified, Event: orders.Expect, To: pending}
	must(t, w, "nobody approved it", func() { w.approved(forged(b, b.Find("name", ""), step, unchanged)) })
}

func TestPlantedADeclinedValueThatIsWrittenIsCaught(t *testing.T) {
	w := quietWorld(t)
	a := someone(w, "A", there)
	it := a.Find("name", "")
	no := orders.Step{From: orders.Place{State: orders.AwaitingApproval}, Event: orders.Decline, To: orders.Place{State: orders.Verified, Mark: orders.Frozen}, At: w.began.Add(-1000 * time.Hour)}
	w.decided(forged(a, it, no, unchanged))
	w.book.effects["alpha"] = 0
	must(t, w, "which was declined", w.effectsWereAllowed)
}

func TestPlantedAVerifiedValueThatNoReadingShowedIsCaught(t *testing.T) {
	w := quietWorld(t)
	a := someone(w, "A", there)
	it := a.Find("name", "")
	w.now = w.now.Add(time.Hour)
	w.systems["alpha"].SetValue("AUser", string(a.Target), "name", value.OfString("another"))
	w.now = w.now.Add(time.Hour)
	step := orders.Step{From: executed, Event: orders.Verify, To: verified, At: w.now}
	must(t, w, "to now the system held", func() {
		w.verifiedAsRead(forged(a, it, step, func(it *orders.Item) { it.ReadAt = orders.At(w.now) }))
	})
	must(t, w, "before its effect", func() {
		w.verifiedAsRead(forged(a, it, step, func(it *orders.Item) { it.ReadAt = 1 }))
	})
}

func TestPlantedAConfirmationThatNobodyGaveIsCaught(t *testing.T) {
	w := quietWorld(t)
	d := someone(w, "D", func(a *orders.AssignedResource) bool { return a.Items[0].Place == verified })
	step := orders.Step{From: orders.Place{State: orders.Transmitted}, Event: orders.Done, To: verified, Actor: "agent"}
	must(t, w, `is Verified on the word of "agent"`, func() { w.verifiedAsRead(forged(d, &d.Items[0], step, unchanged)) })
	a := someone(w, "A", there)
	must(t, w, "is Verified on the word of", func() { w.verifiedAsRead(forged(a, &a.Items[0], step, unchanged)) })
}

// moveUnseen moves items of a resource type in the store, with neither a step nor
// an entry in the journal. It writes the form of earlier releases, which is read.
func (w *world) moveUnseen(kind roles.ResourceTypeID, from, to orders.Place) {
	list, err := w.engine.Assigned(context.Background(), stage.AssignedFilter{Types: []roles.ResourceTypeID{kind}})
	if err != nil {
		w.fail("%v", err)
	}
	for _, a := range list {
		for i := range a.Items {
			if a.Items[i].Place == from {
				a.Items[i].Place = to
			}
		}
		text, err := json.Marshal(map[string]any{"handling": a.Handling, "arguments": a.Arguments, "items": a.Items})
		if err != nil {
			w.fail("%v", err)
		}
		w.exec(`UPDATE assigned_resource SET version = version + 1, document = ? WHERE id = ?`, string(text), a.ID)
	}
}

func TestPlantedAMoveThatNoStepExplainsIsCaught(t *testing.T) {
	w := quietWorld(t)
	w.moveUnseen("A", verified, orders.Place{State: orders.Inactive})
	must(t, w, "the journal has no entry", w.check)
	must(t, w, "its steps lead to Verified", func() {
		for _, a := range w.book.sorted() {
			delete(w.book.accounts, a.ID)
			delete(w.book.paths, a.ID)
		}
		for _, c := range w.read() {
			w.explained(c)
		}
	})
	a := someone(w, "B", there)
	step := orders.Step{From: executed, Event: orders.Verify, To: verified}
	must(t, w, "the next step leads on from", func() {
		w.explained(forged(a, a.Find("name", ""), step, func(it *orders.Item) { it.Steps++ }))
	})
}

func TestPlantedAnOrderThatNobodyMovesOnIsCaught(t *testing.T) {
	w := busyWorld(t)
	must(t, w, "without a deadline", func() {
		w.exec(`UPDATE provisioning_order SET expires_at = 0 WHERE closed_at = 0 AND transmitted > 0`)
		w.everyOrderGoesOn()
	})
	w = newWorld(t, 5)
	if _, err := w.engine.Synchronize(context.Background(), synchronize.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := w.compute(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.check()
	must(t, w, "nobody will collect it", func() {
		w.exec(`UPDATE provisioning_order SET ready = 0`)
		w.everyOrderGoesOn()
	})
	a := someone(w, "A", func(a *orders.AssignedResource) bool { return a.Order != nil })
	orphan := *a
	orphan.Order = nil
	must(t, w, "without an order", func() { w.hasSomebody(&orphan) })
	empty := *a
	empty.Items = nil
	must(t, w, "carries nothing", func() { w.hasSomebody(&empty) })
}

func TestPlantedALeakThroughAThresholdIsCaught(t *testing.T) {
	w := busyWorld(t)
	a := someone(w, "C", func(a *orders.AssignedResource) bool { return a.Order != nil })
	parks := map[stage.ParkKey]bool{{Type: a.Type, Kind: a.Order.Kind}: true}
	w.book.parks = parks
	step := orders.Step{From: pending, Event: orders.Collect, To: orders.Place{State: orders.Transmitted}, Order: a.Order.ID}
	must(t, w, "a threshold parks every", func() { w.heldByThresholds(forged(a, &a.Items[0], step, unchanged), parks) })
}

func TestPlantedARemovalFromAnIncompleteReadingIsCaught(t *testing.T) {
	w := quietWorld(t)
	reading := resources.Reading{State: resources.Committed, Counts: resources.Counts{Removed: 1}}
	must(t, w, "an incomplete reading", func() { w.noRemovalFromAnIncompleteReading([]synchronize.Outcome{{Reading: reading}}) })
	w.exec(`DELETE FROM resource WHERE entity = 'AUser'`)
	must(t, w, "was dropped, and the system held it all the time", w.check)
}

func TestPlantedAPlanThatIsNotWhatHappensIsCaught(t *testing.T) {
	w := quietWorld(t)
	ctx := context.Background()
	c := w.load(w.other)
	made, _, err := w.engine.Plan(ctx, c, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.hire("P77")
	if _, err := w.engine.Synchronize(ctx, synchronize.Options{}); err != nil {
		t.Fatal(err)
	}
	must(t, w, "the plan was", func() { _ = w.executes(ctx, c, made) })
}

func TestPlantedAGateThatNobodyLookedAtIsCaught(t *testing.T) {
	w := busyWorld(t)
	must(t, w, "says that it waits for \"the moon\"", func() {
		w.exec(`UPDATE provisioning_order SET waits = 'the moon' WHERE closed_at = 0`)
		w.gatesAreAsTheyStand(context.Background(), w.now)
	})
}

func TestPlantedUnrestIsCaught(t *testing.T) {
	w := quietWorld(t)
	w.hire("P77")
	w.systems["beta"].SetPlan(func(string, int) fakesystem.Fault { return fakesystem.Fault{What: fakesystem.Transient} })
	must(t, w, "it does not become quiet", w.settleEverything)
}

func TestPlantedASystemThatIsNotAsTheRulesSayIsCaught(t *testing.T) {
	w := quietWorld(t)
	a := someone(w, "A", there)
	w.systems["alpha"].SetValue("AUser", string(a.Target), "name", value.OfString("another"))
	must(t, w, `calls`, w.endsAsTheRulesSay)
	w.systems["alpha"].Delete("AUser", string(a.Target))
	must(t, w, "holds no account", w.endsAsTheRulesSay)
}

func TestASeedIsTheSameWorldEveryTime(t *testing.T) {
	var traces [2]string
	for i := range traces {
		w := newWorld(t, 20)
		for range 60 {
			w.step()
		}
		traces[i] = strings.Join(w.trace, "\n")
		for _, name := range fakes {
			traces[i] += fmt.Sprint(w.systems[name].Effects())
		}
	}
	if traces[0] != traces[1] {
		t.Error("two worlds of one seed went different ways")
	}
}

// A world once let a late agent deny, in the name of an order that had taken the
// item over, what the order before it had carried out.
func TestALateAgentSpeaksOfItsOwnOrderOnly(t *testing.T) {
	w := newWorld(t, 5)
	a := &orders.AssignedResource{ID: 1, Order: &orders.Order{ID: 7, Fence: 1}, Items: []orders.Item{{Order: 7}}}
	for order, reports := range map[orders.OrderID]int{6: 0, 7: 1} {
		w.reports = nil
		w.book.paths[a.ID] = map[int][]orders.Step{0: {{Event: orders.Collect, Order: order}, {Event: orders.Retry, Order: 7}}}
		if w.remember(a, func(*orders.Item) bool { return true }); len(w.reports) != reports {
			t.Errorf("%d reports in the name of order 7 of what went out with order %d", len(w.reports), order)
		}
	}
}

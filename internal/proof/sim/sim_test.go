package sim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
)

// live runs the world for some steps, then heals it and checks where it ends.
func (w *world) live(steps int) {
	for range steps {
		w.step()
		w.check()
	}
	w.heal()
	w.settleEverything()
	w.endsAsTheRulesSay()
	if err := w.engine.DB.Close(); err != nil {
		w.fail("close: %v", err)
	}
}

// check holds every invariant that can be seen after a step.
func (w *world) check() {
	if w.steps%5 == 0 {
		w.everyOrderHasSomebody(w.all())
	}
	w.effectsWereAllowed()
	if w.steps%50 == 0 {
		if _, err := w.engine.VerifyJournal(context.Background()); err != nil {
			w.fail("the journal: %v", err)
		}
	}
}

// No removal follows from an incomplete reading, ever.
func (w *world) noRemovalFromAnIncompleteReading(out []synchronize.Outcome) {
	for _, o := range out {
		if r := o.Reading; r.State == resources.Committed && !r.Complete && r.Counts.Removed > 0 {
			w.fail("an incomplete reading of %s removed %d", r.Entity, r.Counts.Removed)
		}
	}
}

// No order stands in a state that nobody will move it out of.
func (w *world) everyOrderHasSomebody(list []*orders.AssignedResource) {
	for _, a := range list {
		carried := a.Carried()
		if a.Order != nil && len(carried) == 0 {
			w.fail("order %d of %s %s carries nothing", a.Order.ID, a.Type, a.Owner.Key)
		}
		for _, it := range carried {
			if it.Place.State.Open() && it.Place.State.Owner() == "" {
				w.fail("%s of %s stands at %s, and nobody moves it on", it.Name(), a.Owner.Key, it.Place)
			}
		}
		for i := range a.Items {
			if it := &a.Items[i]; a.Order == nil && it.Place.State.Open() && it.Place.Mark != orders.Found && !(it.Place.State == orders.Executed && it.Policy.Once) {
				w.fail("%s of %s %s stands at %s without an order", it.Name(), a.Type, a.Owner.Key, it.Place)
			}
		}
	}
}

// effectsWereAllowed checks each new effect against the path of its item: what
// is reviewed was approved by a person, what was declined is not written, and
// nothing is done twice but after an attempt known not to have happened.
func (w *world) effectsWereAllowed() {
	for _, name := range []string{"alpha", "beta"} {
		effects := w.systems[name].Effects()
		if len(effects) == w.seen[name] {
			continue
		}
		fresh := w.seen[name]
		w.seen[name] = len(effects)
		times := map[string]int{}
		for _, f := range effects {
			if f.Order == "" || !f.Changed {
				continue
			}
			times[f.Order+"/"+strconv.Itoa(f.Item.ID)]++
		}
		for i, f := range effects {
			if f.Order == "" || i < fresh {
				continue
			}
			path, place := w.pathOf(f.Order, f.Item.ID)
			sent, decided := 0, orders.Event("")
			failed := 0
			for _, s := range path {
				switch orders.Event(s) {
				case orders.Collect:
					sent++
				case orders.Approve, orders.Decline, orders.Correct, orders.Revoke, orders.Retry:
					decided = orders.Event(s)
				case orders.Contradict, orders.Refuse:
					failed++
				}
			}
			switch {
			case sent == 0:
				w.fail("%s: an effect of order %s, item %d, that was never collected: %v", name, f.Order, f.Item.ID, path)
			case name == "beta" && decided == "":
				w.fail("%s: order %s, item %d was written and nobody approved it (%s): %v", name, f.Order, f.Item.ID, place, path)
			case times[f.Order+"/"+strconv.Itoa(f.Item.ID)] > 1+failed:
				w.fail("%s: order %s, item %d was done %d times: %v", name, f.Order, f.Item.ID, times[f.Order+"/"+strconv.Itoa(f.Item.ID)], path)
			}
		}
	}
}

// pathOf returns the events of an item's whole life, and where it stands.
func (w *world) pathOf(order string, item int) (events []string, place string) {
	id, err := strconv.ParseInt(order, 10, 64)
	if err != nil {
		w.fail("an effect names the order %q", order)
	}
	detail, err := w.engine.Views().Order(context.Background(), orders.OrderID(id))
	if err != nil {
		w.fail("order %s: %v", order, err)
	}
	path, err := w.engine.Views().Path(context.Background(), detail.Assigned)
	if err != nil {
		w.fail("path of order %s: %v", order, err)
	}
	for _, s := range path {
		if s.Item == item {
			events = append(events, s.Event)
			place = s.To.Name
		}
	}
	return events, place
}

// settleEverything lets people answer all that waits, takes their refusals back,
// and goes round until a round raises and writes nothing.
func (w *world) settleEverything() {
	ctx := context.Background()
	quiet := 0
	for n := range roundsMost {
		w.now = w.now.Add(3 * time.Hour) // past every retry
		if n == 3 {
			w.now = w.now.Add(16 * 24 * time.Hour) // past what was confirmed and never done
		}
		w.answer()
		before := w.writes()
		r, err := w.round(ctx)
		if err != nil {
			w.fail("round: %v", err)
		}
		if w.parked(r.Synchronize) {
			if _, err := w.engine.Synchronize(ctx, synchronize.Options{Release: true}); err != nil {
				w.fail("release: %v", err)
			}
			continue
		}
		if r.Generate.Orders == 0 && r.Verify.Verified+r.Verify.Drifted == 0 && w.writes() == before && !w.waits() {
			if quiet++; quiet == 2 {
				return
			}
			continue
		}
		quiet = 0
	}
	for _, a := range w.all() {
		if a.Order != nil {
			w.note("order %d of %s %s waits for %q", a.Order.ID, a.Type, a.Owner.Key, a.Order.Waits)
			w.stands(string(a.Owner.Key))
		}
		for i := range a.Items {
			if it := &a.Items[i]; it.Place.State.Open() && !it.Policy.Once {
				w.note("%s %s %s: %s want %s is %s: %s", a.Type, a.Owner.Key, it.Name(), it.Place, it.Want, it.Is, it.Message)
			}
		}
	}
	w.fail("it does not become quiet after %d rounds", roundsMost)
}

func (w *world) parked(out []synchronize.Outcome) bool {
	return slices.ContainsFunc(out, func(o synchronize.Outcome) bool { return o.Reading.State == resources.Parked })
}

func (w *world) writes() (n int) {
	for _, s := range w.systems {
		n += len(s.Effects())
	}
	return n
}

// waits reports whether anything still waits for somebody.
func (w *world) waits() bool {
	return slices.ContainsFunc(w.all(), func(a *orders.AssignedResource) bool { return a.Order != nil || a.Counters() != orders.Counters{} })
}

// answer decides everything in favour of the rules.
func (w *world) answer() {
	ctx, desk := context.Background(), w.engine.As("reviewer").Desk()
	for _, a := range w.all() {
		w.carryOut(a)
		ids := []orders.AssignedID{a.ID}
		if a.Handling.Manual && a.Order != nil {
			by := desk
			if a.Order.TakenBy != "" {
				by = w.engine.As(a.Order.TakenBy).Desk()
			}
			if _, err := by.Confirm(ctx, ids, nil, ""); err != nil {
				w.fail("confirm: %v", err)
			}
		}
		for _, on := range []orders.Event{orders.Revoke, orders.Approve, orders.Correct, orders.Retry, orders.Release} {
			if !slices.ContainsFunc(a.Items, func(it orders.Item) bool { return slices.Contains(orders.Allowed(it.Place), on) }) {
				continue
			}
			x := review.Decision{On: on, Assigned: ids, Why: "settle", MayReview: true, Stated: true}
			if _, err := desk.Decide(ctx, x); err != nil {
				w.fail("%s: %v", on, err)
			}
		}
	}
}

// endsAsTheRulesSay compares the systems with the rules, worked out here anew.
func (w *world) endsAsTheRulesSay() {
	present := map[string]connector.Object{}
	for _, p := range w.systems["hr"].Objects("Person") {
		last := p.Values["last"]
		if last.IsNull() || !last.Time().Before(w.day) {
			present[p.Key] = p
		}
	}
	for _, c := range []struct{ system, entity, login string }{{"alpha", "AUser", "login"}, {"beta", "BUser", "login"}, {"gamma", "Badge", "id"}} {
		held := map[string]connector.Object{}
		for _, o := range w.systems[c.system].Objects(c.entity) {
			held[o.Values[c.login].Text()] = o
		}
		for id, p := range present {
			o, there := held[id]
			delete(held, id)
			want := p.Values["name"].Text()
			if c.system == "alpha" && w.shout {
				want = strings.ToUpper(want)
			}
			switch {
			case !there:
				w.stands(id)
				w.fail("%s holds no account of %s", c.system, id)
			case o.Values["name"].Text() != want && !w.kept(c.entity, o.Key):
				w.fail("%s calls %s %q, not %q", c.system, id, o.Values["name"], want)
			}
		}
		for id, o := range held {
			if c.system == "gamma" {
				continue // what a technician did and never confirmed is nobody's to know
			}
			w.history(c.system, o.Key)
			w.fail("%s holds an account of %s, who is not here", c.system, id)
		}
	}
	w.groupsAsTheRulesSay(present)
}

// history notes every effect on an object, for the trace of a failure.
func (w *world) history(system, key string) {
	for _, f := range w.systems[system].Effects() {
		if f.Key != key {
			continue
		}
		path := []string{}
		if f.Order != "" {
			path, _ = w.pathOf(f.Order, f.Item.ID)
		}
		w.note("%s %s: order %s, item %d %s %s %s: %v", f.Kind, key, f.Order, f.Item.ID, f.Item.Op, f.Item.Property.Name, f.Item.Value, path)
	}
}

// stands notes how everything of a person stands, for the trace of a failure.
func (w *world) stands(id string) {
	for _, a := range w.all() {
		if string(a.Owner.Key) != id {
			continue
		}
		for i := range a.Items {
			it := &a.Items[i]
			w.note("%s %s: %s at %s, want %s, is %s, policy %s, workflow %s", a.Type, a.Target, it.Name(), it.Place, it.Want, it.Is, it.Policy.Holding, it.Workflow)
		}
	}
}

// kept reports whether a person made the name found an exception: that stands.
func (w *world) kept(entity, key string) bool {
	for _, a := range w.all() {
		if string(a.Handling.Target) != entity || string(a.Target) != key {
			continue
		}
		if it := a.Find("name", ""); it != nil && it.Decision.Exception != nil {
			return true
		}
	}
	return false
}

func (w *world) groupsAsTheRulesSay(present map[string]connector.Object) {
	login := map[string]string{}
	for _, o := range w.systems["alpha"].Objects("AUser") {
		login[o.Key] = o.Values["login"].Text()
	}
	for _, g := range w.systems["alpha"].Objects("AGroup") {
		members := map[string]bool{}
		for _, m := range g.Links["members"] {
			members[login[m]] = true
		}
		for id, p := range present {
			if want := g.Key != "Z" && p.Links["department"][0] == g.Key; want != members[id] {
				w.fail("%s in group %s: %t, the rules say %t", id, g.Key, members[id], want)
			}
		}
	}
}

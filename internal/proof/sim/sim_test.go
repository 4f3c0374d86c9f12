package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/view"
)

// live runs the world for some steps, then heals it and checks where it ends.
func (w *world) live(steps int) {
	for range steps {
		w.step()
	}
	w.heal()
	for i := range w.other {
		w.other[i] = w.other[i] && i < variantsKept
	}
	w.deploy()
	w.check()
	w.settleEverything()
	w.endsAsTheRulesSay()
	if _, err := w.engine.VerifyJournal(context.Background()); err != nil {
		w.fail("the journal: %v", err)
	}
	if err := w.engine.DB.Close(); err != nil {
		w.fail("close: %v", err)
	}
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
		w.began = w.now
		w.answer()
		before := w.writes()
		r, err := w.round(ctx)
		if err != nil {
			w.fail("round: %v", err)
		}
		w.check()
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
	for _, a := range w.book.sorted() {
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
	return slices.ContainsFunc(w.book.sorted(), func(a *orders.AssignedResource) bool { return a.Order != nil || a.Counters() != orders.Counters{} })
}

// answer decides everything in favour of the rules.
func (w *world) answer() {
	ctx, desk := context.Background(), w.engine.As("reviewer").Desk()
	w.answerRoles(ctx, desk)
	for _, a := range w.book.sorted() {
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
			out, err := desk.Decide(ctx, x)
			if on == orders.Correct && err == nil && len(out.Refused) > 0 {
				w.note("correct %s of %s: %s", a.Type, a.Owner.Key, out.Refused[0].Why)
				x.On = orders.Keep // nothing can put it right
				_, err = desk.Decide(ctx, x)
			}
			if err != nil {
				w.fail("%s: %v", on, err)
			}
		}
	}
}

// answerRoles refuses every role that was found, those that somebody kept too.
func (w *world) answerRoles(ctx context.Context, desk *review.Desk) {
	decided, err := w.engine.RoleDecisions(ctx, nil)
	if err != nil {
		w.fail("decisions on roles: %v", err)
	}
	for _, d := range decided {
		if d.Found == 0 || d.Workflow != assignments.Approved {
			continue
		}
		w.note("revoke role %s of %s", d.Role, d.Owner.Key)
		if _, err := desk.DecideRole(ctx, review.RoleChoice{On: orders.Revoke, Owner: d.Owner, Role: d.Role, Why: "settle", MayReview: true}); err != nil {
			w.fail("revoke role: %v", err)
		}
	}
	found, err := w.engine.Views().FoundRoles(ctx, view.FoundRoleFilter{})
	if err != nil {
		w.fail("found roles: %v", err)
	}
	for _, x := range found.Roles {
		owner := resources.Ref{Type: schema.EntityType(x.Owner.Type), Key: resources.Key(x.Owner.Key)}
		w.note("decline role %s of %s", x.Role, x.Owner.Key)
		if _, err := desk.DecideRole(ctx, review.RoleChoice{On: orders.Decline, Owner: owner, Role: roles.RoleID(x.Role), Why: "settle", MayReview: true}); err != nil {
			w.fail("decline role: %v", err)
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
		if c.system == "beta" && w.other[withoutBeta] {
			continue // nobody's to say
		}
		held := map[string]connector.Object{}
		for _, o := range w.systems[c.system].Objects(c.entity) {
			held[o.Values[c.login].Text()] = o
		}
		for id, p := range present {
			o, there := held[id]
			delete(held, id)
			want := p.Values["name"].Text()
			if c.system == "alpha" && w.other[shouting] {
				want = strings.ToUpper(want)
			}
			switch {
			case !there:
				w.stands(id)
				w.fail("%s holds no account of %s", c.system, id)
			case o.Values["name"].Text() != want && !w.kept(c.entity, o.Key, "name"):
				w.fail("%s calls %s %q, not %q", c.system, id, o.Values["name"], want)
			}
		}
		for id, o := range held {
			if c.system == "gamma" {
				continue // what a technician did and never confirmed is nobody's to know
			}
			if w.kept(c.entity, o.Key, "") || w.foreign[c.entity+":"+id] {
				continue
			}
			w.history(c.system, o.Key)
			w.stands(id)
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
		var path []orders.Event
		for _, s := range w.book.paths[w.book.ordered[f.Order]][f.Item.ID] {
			path = append(path, s.Event)
		}
		w.note("%s %s: order %s, item %d %s %s %s: %v", f.Kind, key, f.Order, f.Item.ID, f.Item.Op, f.Item.Property.Name, f.Item.Value, path)
	}
}

// stands notes how everything of a person stands, for the trace of a failure.
func (w *world) stands(id string) {
	for _, a := range w.book.sorted() {
		if string(a.Owner.Key) != id {
			continue
		}
		for i := range a.Items {
			it := &a.Items[i]
			var path []string
			for _, s := range w.book.paths[a.ID][it.ID] {
				path = append(path, fmt.Sprintf("%s(%d)", s.Event, s.Order))
			}
			w.note("%s %s: %s at %s, want %s, is %s, policy %s, ours %v, workflow %s, %s: %v", a.Type, a.Target, it.Name(), it.Place, it.Want, it.Is,
				it.Policy.Holding, it.Ours, it.Workflow, it.Message, path)
		}
	}
}

// kept reports whether a person made what was found an exception: that stands.
func (w *world) kept(entity, key string, p schema.PropertyName) bool {
	for _, a := range w.book.sorted() {
		if string(a.Handling.Target) != entity || string(a.Target) != key {
			continue
		}
		if it := a.Find(p, ""); it != nil && it.Decision.Exception != nil {
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
				w.stands(id)
				w.fail("%s in group %s: %t, the rules say %t", id, g.Key, members[id], want)
			}
		}
	}
}

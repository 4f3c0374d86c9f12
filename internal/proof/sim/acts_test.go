package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// step does one thing that the seed chooses.
func (w *world) step() {
	w.steps++
	w.began = w.now
	w.misbehave()
	switch n := w.chance.IntN(22); {
	case n < 4:
		w.personnel()
	case n < 5:
		w.day = w.day.AddDate(0, 0, 1)
		w.now = w.now.Add(24 * time.Hour)
		w.engine.SetDay(w.day)
		w.note("a day passes")
	case n < 12:
		w.path()
	case n < 17:
		w.decide()
	case n < 19:
		w.elsewhere()
	case n < 20:
		w.run("late report", w.late)
	case n < 21 && w.oneIn(2):
		w.run("plan", w.plan)
	case w.oneIn(2):
		w.redeploy()
	case w.oneIn(2) && w.comesDue():
	default:
		w.now = w.now.Add(time.Duration(w.chance.IntN(48)) * time.Hour)
		w.note("the clock jumps")
	}
	w.crash = 0
}

// restsAfter is in how many runs of generate what was refused for a while comes to
// rest: one judges it, one more what that noted on it, and the last finds nothing.
const restsAfter = 3

// comesDue judges until nothing moves, lets the next attempt of some order come due,
// and judges once more: nothing but the time says that it waits no more. False where
// no order waits for its next attempt.
func (w *world) comesDue() bool {
	var due orders.Instant
	for _, a := range w.book.sorted() {
		if a.Order == nil {
			continue
		}
		for _, it := range a.Carried() {
			if it.Place.State == orders.Pending && it.NotBefore > orders.At(w.now) && (due == 0 || it.NotBefore < due) {
				due = it.NotBefore
			}
		}
	}
	if due == 0 {
		return false
	}
	generate := func(ctx context.Context) error { return w.generate(ctx, false) }
	for range restsAfter {
		w.run("generate", generate)
	}
	w.now = due.Time()
	w.note("the next attempt of an order is due")
	w.run("generate", generate)
	return true
}

// redeploy deploys the configuration with one variant more or fewer.
func (w *world) redeploy() {
	i := w.chance.IntN(len(variants))
	w.other[i] = !w.other[i]
	w.run("deploy", func(ctx context.Context) error {
		w.note("%s: %t", variants[i].about, w.other[i])
		err := w.engine.Deploy(ctx, w.load(w.other), "sim")
		if err != nil {
			w.other[i] = !w.other[i]
		}
		return err
	})
}

// personnel joins, moves, renames, ends or forgets somebody.
func (w *world) personnel() {
	hr := w.systems["hr"]
	people := hr.Objects("Person")
	if len(people) < 5 || len(people) < 10 && w.oneIn(3) {
		id := fmt.Sprintf("P%02d", w.chance.IntN(30))
		w.hire(id)
		w.note("hired %s", id)
		return
	}
	p := people[w.chance.IntN(len(people))]
	switch w.chance.IntN(5) {
	case 0:
		p.Links = map[string][]string{"department": {w.any(departments)}}
		w.note("%s moves to %s", p.Key, p.Links["department"][0])
	case 1:
		p.Values["name"] = value.OfString(fmt.Sprintf("Name %s %d", p.Key, w.chance.IntN(50)))
		w.note("%s is renamed %s", p.Key, p.Values["name"])
	case 2:
		p.Values["last"] = value.OfDate(w.day.AddDate(0, 0, w.chance.IntN(4)-2))
		w.note("%s ends on %s", p.Key, p.Values["last"])
	case 3:
		delete(p.Values, "last")
		w.note("%s stays", p.Key)
	default:
		hr.Delete("Person", p.Key)
		w.note("%s is gone from the files", p.Key)
		return
	}
	hr.Set("Person", p)
}

// path runs one stage, or the whole way round.
func (w *world) path() {
	e := w.engine
	switch w.chance.IntN(7) {
	case 0:
		w.run("synchronize", func(ctx context.Context) error {
			out, err := e.Synchronize(ctx, synchronize.Options{})
			w.noRemovalFromAnIncompleteReading(out)
			return err
		})
	case 1:
		w.run("verify", func(ctx context.Context) error { _, err := e.Verify(ctx); return err })
	case 2:
		w.run("evaluate", w.evaluate)
	case 3:
		block := w.oneIn(6)
		w.run(fmt.Sprintf("generate, blocking %t", block), func(ctx context.Context) error { return w.generate(ctx, block) })
	case 4, 5:
		w.run("fulfil", w.fulfil)
	default:
		w.run("round", func(ctx context.Context) error { _, err := w.round(ctx); return err })
	}
}

// compute evaluates and generates.
func (w *world) compute(ctx context.Context) error {
	if err := w.evaluate(ctx); err != nil {
		return err
	}
	return w.generate(ctx, false)
}

func (w *world) evaluate(ctx context.Context) error {
	w.judged = false
	if _, err := w.engine.Evaluate(ctx); err != nil {
		return err
	}
	w.evaluatedInFull(ctx)
	return nil
}

func (w *world) generate(ctx context.Context, block bool) error {
	began := w.now
	_, err := w.engine.Generate(ctx, block)
	if w.judged = err == nil; w.judged {
		w.gatesAreAsTheyStand(ctx, began)
	}
	return err
}

// fulfil drains one connection after the other: two at once would make what
// happens depend on more than the seed.
func (w *world) fulfil(ctx context.Context) error {
	for _, name := range append(fakes[:len(fakes):len(fakes)], "delta") {
		if _, err := w.engine.Fulfil(ctx, []schema.ConnectorID{schema.ConnectorID(name)}); err != nil {
			return err
		}
	}
	return nil
}

// round goes the whole way round, as the engine's Run does.
func (w *world) round(ctx context.Context) (r loop.Round, err error) {
	if r.Synchronize, err = w.engine.Synchronize(ctx, synchronize.Options{}); err != nil {
		return r, err
	}
	w.noRemovalFromAnIncompleteReading(r.Synchronize)
	w.check()
	if r.Verify, err = w.engine.Verify(ctx); err != nil {
		return r, err
	}
	w.check()
	began := w.now
	w.judged = false
	if r.Evaluate, err = w.engine.Evaluate(ctx); err != nil {
		return r, err
	}
	w.evaluatedInFull(ctx)
	if r.Generate, err = w.engine.Generate(ctx, false); err != nil {
		return r, err
	}
	w.judged = true
	w.gatesAreAsTheyStand(ctx, began)
	w.check()
	return r, w.fulfil(ctx)
}

// decide lets a person decide something about somebody's account.
func (w *world) decide() {
	list := w.book.sorted()
	if len(list) == 0 {
		return
	}
	if w.oneIn(4) {
		w.run("decide on a role", w.decideRole)
		return
	}
	a := list[w.chance.IntN(len(list))]
	desk := w.engine.As("person").Desk()
	ids := []orders.AssignedID{a.ID}
	events := []orders.Event{
		orders.Approve, orders.Approve, orders.Approve, orders.Decline, orders.Postpone, orders.Revoke, orders.Retry,
		orders.Correct, orders.Keep, orders.Release, orders.RollBack,
	}
	if w.oneIn(3) {
		w.run("technician", func(ctx context.Context) error { return w.technician(ctx, desk, a) })
		return
	}
	x := review.Decision{
		On: events[w.chance.IntN(len(events))], Assigned: ids, Why: "because", MayReview: w.oneIn(2), Stated: true, Until: w.now.Add(time.Hour),
	}
	if w.oneIn(3) && len(a.Items) > 0 {
		x.Items = []int{a.Items[w.chance.IntN(len(a.Items))].ID}
	}
	if x.On == orders.RollBack {
		x.Former = map[int]orders.Holding{}
		for i := range a.Items { // what was there before an account's values were written
			if it := &a.Items[i]; it.Property != "" {
				x.Former[it.ID] = it.Before
			}
		}
	}
	if x.On == orders.Keep && len(a.Items) > 0 && !a.Items[0].Is.There {
		return // an account that a person wants to be gone is no end the rules know
	}
	w.run("decide", func(ctx context.Context) error {
		out, err := desk.Decide(ctx, x)
		w.note("%s %s of %s, items %v: %d refused", x.On, a.Type, a.Owner.Key, x.Items, len(out.Refused))
		return err
	})
}

// technician takes, carries out, confirms or refuses an order of the desk.
func (w *world) technician(ctx context.Context, desk *review.Desk, a *orders.AssignedResource) (err error) {
	ids := []orders.AssignedID{a.ID}
	switch w.chance.IntN(4) {
	case 0:
		_, err = desk.Take(ctx, ids)
	case 1:
		_, err = desk.Fail(ctx, ids, nil, "no blanks")
	default:
		if a.Handling.Manual && w.oneIn(4) {
			w.note("%s: confirmed without being done", a.Owner.Key)
		} else {
			w.carryOut(a)
		}
		_, err = desk.Confirm(ctx, ids, nil, "")
		w.note("confirmed %s of %s", a.Type, a.Owner.Key)
	}
	return err
}

// carryOut does by hand what an order of the desk asks for.
func (w *world) carryOut(a *orders.AssignedResource) {
	if !a.Handling.Manual || a.Order == nil || a.Type != "C" {
		return
	}
	gamma := w.systems["gamma"]
	key := string(a.Owner.Key)
	for _, it := range a.Carried() {
		switch {
		case it.Place.State != orders.Transmitted && it.Place.Mark != orders.Unknown:
		case it.Property == "" && !it.Want.There:
			gamma.Delete("Badge", key)
		case it.Property == "":
			gamma.Set("Badge", connector.Object{Key: key, Values: map[string]value.Value{"id": value.OfString(key)}})
		case it.Property == "name":
			gamma.SetValue("Badge", key, "name", it.Want.Value)
		}
	}
}

// elsewhere edits a system behind Provisor's back.
func (w *world) elsewhere() {
	name, entity := "alpha", "AUser"
	if w.oneIn(2) {
		name, entity = "beta", "BUser"
	}
	objects := w.systems[name].Objects(entity)
	if len(objects) == 0 || w.oneIn(5) {
		w.byHand(name, entity, objects)
		return
	}
	o := objects[w.chance.IntN(len(objects))]
	if name == "alpha" && w.oneIn(4) {
		w.regroup(o)
		return
	}
	if w.oneIn(4) {
		w.systems[name].Delete(entity, o.Key)
		w.note("somebody deletes %s %s", entity, o.Key)
		return
	}
	w.systems[name].SetValue(entity, o.Key, "name", value.OfString("edited"))
	w.note("somebody renames %s %s", entity, o.Key)
}

// regroup puts an account into a group, or takes it out.
func (w *world) regroup(o connector.Object) {
	groups := w.systems["alpha"].Objects("AGroup")
	if len(groups) == 0 {
		return
	}
	g := groups[w.chance.IntN(len(groups))]
	if i := slices.Index(g.Links["members"], o.Key); i >= 0 {
		g.Links["members"] = slices.Delete(slices.Clone(g.Links["members"]), i, i+1)
	} else {
		g.Links["members"] = append(slices.Clone(g.Links["members"]), o.Key)
	}
	w.systems["alpha"].Set("AGroup", g)
	w.note("somebody puts AUser %s into or out of group %s", o.Key, g.Key)
}

// decideRole lets a person decide about a role that was found or decided.
func (w *world) decideRole(ctx context.Context) error {
	c := review.RoleChoice{On: []orders.Event{orders.Keep, orders.Decline, orders.Revoke}[w.chance.IntN(3)], MayReview: w.oneIn(2), Why: "because"}
	if c.On == orders.Revoke {
		decided, err := w.engine.RoleDecisions(ctx, nil)
		if err != nil || len(decided) == 0 {
			return err
		}
		d := decided[w.chance.IntN(len(decided))]
		c.Owner, c.Role = d.Owner, d.Role
	} else {
		found, err := w.engine.Views().FoundRoles(ctx, view.FoundRoleFilter{})
		if err != nil || len(found.Roles) == 0 {
			return err
		}
		x := found.Roles[w.chance.IntN(len(found.Roles))]
		c.Owner, c.Role = resources.Ref{Type: schema.EntityType(x.Owner.Type), Key: resources.Key(x.Owner.Key)}, roles.RoleID(x.Role)
	}
	n, err := w.engine.As("person").Desk().DecideRole(ctx, c)
	w.note("%s role %s of %s: %d accounts, %v", c.On, c.Role, c.Owner.Key, n, err)
	if err != nil && !review.Refusable(err) {
		return err
	}
	return nil
}

// byHand is somebody creating an account that may be anybody's.
func (w *world) byHand(name, entity string, objects []connector.Object) {
	login := fmt.Sprintf("P%02d", w.chance.IntN(30))
	if slices.ContainsFunc(objects, func(o connector.Object) bool { return o.Values["login"].Text() == login }) {
		return
	}
	o := connector.Object{Values: map[string]value.Value{"login": value.OfString(login), "name": value.OfString("by hand")}}
	if name == "beta" {
		o.Key = login
	}
	w.foreign[entity+":"+login] = true
	w.note("somebody creates %s %s, login %s", entity, w.systems[name].Set(entity, o), login)
}

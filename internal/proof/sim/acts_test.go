package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/value"
)

// step does one thing that the seed chooses.
func (w *world) step() {
	w.steps++
	w.misbehave()
	switch n := w.chance.IntN(20); {
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
	default:
		if w.oneIn(4) {
			w.shout = !w.shout
			w.deploy()
			w.note("deployed: names in capitals %t", w.shout)
		} else {
			w.now = w.now.Add(time.Duration(w.chance.IntN(48)) * time.Hour)
			w.note("the clock jumps")
		}
	}
}

// misbehave plans the systems' faults for this step, and the process's death.
func (w *world) misbehave() {
	kinds := []fakesystem.Misbehaviour{
		fakesystem.LostAfter, fakesystem.LostBefore, fakesystem.Transient, fakesystem.Permanent, fakesystem.Partial,
		fakesystem.Down, fakesystem.HalfPage, fakesystem.CutShort,
	}
	if w.oneIn(8) {
		w.crash = 1 + w.chance.IntN(12)
	}
	var lock sync.Mutex
	for _, name := range fakes {
		s := w.systems[name]
		bad := w.oneIn(3)
		kind, every := kinds[w.chance.IntN(len(kinds))], 1+w.chance.IntN(4)
		if bad {
			w.note("%s: %s at every %d. call", name, kind, every)
		}
		s.SetPlan(func(_ string, n int) fakesystem.Fault {
			lock.Lock()
			defer lock.Unlock()
			if w.crash > 0 {
				if w.crash--; w.crash == 0 {
					w.crash = -1
					_ = w.engine.DB.Close() // from here on nothing can be recorded
				}
			}
			if bad && n%every == 0 {
				return fakesystem.Fault{What: kind, Items: 4} // an account with its names is created whole or not at all
			}
			return fakesystem.Fault{}
		})
	}
}

// heal makes every system behave and the process live.
func (w *world) heal() {
	w.crash = 0
	for _, s := range w.systems {
		s.SetPlan(nil)
	}
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
		w.run("evaluate", func(ctx context.Context) error { _, err := e.Evaluate(ctx); return err })
	case 3:
		block := w.oneIn(6)
		w.run(fmt.Sprintf("generate, blocking %t", block), func(ctx context.Context) error { _, err := e.Generate(ctx, block); return err })
	case 4, 5:
		w.run("fulfil", w.fulfil)
	default:
		w.run("round", func(ctx context.Context) error { _, err := w.round(ctx); return err })
	}
}

// fulfil drains one connection after the other: two at once would make what
// happens depend on more than the seed.
func (w *world) fulfil(ctx context.Context) error {
	for _, name := range fakes {
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
	if r.Verify, err = w.engine.Verify(ctx); err != nil {
		return r, err
	}
	if r.Evaluate, err = w.engine.Evaluate(ctx); err != nil {
		return r, err
	}
	if r.Generate, err = w.engine.Generate(ctx, false); err != nil {
		return r, err
	}
	return r, w.fulfil(ctx)
}

// all returns the assigned resources as they stand.
func (w *world) all() []*orders.AssignedResource {
	list, err := w.engine.Assigned(context.Background(), stage.AssignedFilter{})
	if err != nil {
		w.fail("load: %v", err)
	}
	return list
}

// decide lets a person decide something about somebody's account.
func (w *world) decide() {
	list := w.all()
	if len(list) == 0 {
		return
	}
	a := list[w.chance.IntN(len(list))]
	desk := w.engine.As("person").Desk()
	ids := []orders.AssignedID{a.ID}
	events := []orders.Event{
		orders.Approve, orders.Approve, orders.Approve, orders.Decline, orders.Postpone, orders.Revoke, orders.Retry,
		orders.Correct, orders.Keep, orders.Release,
	}
	var err error
	switch w.chance.IntN(3) {
	case 0:
		err = w.technician(desk, a)
	default:
		x := review.Decision{
			On: events[w.chance.IntN(len(events))], Assigned: ids, Why: "because", MayReview: w.oneIn(2), Stated: true, Until: w.now.Add(time.Hour),
		}
		if w.oneIn(3) && len(a.Items) > 0 {
			x.Items = []int{a.Items[w.chance.IntN(len(a.Items))].ID}
		}
		if x.On == orders.Keep && len(a.Items) > 0 && !a.Items[0].Is.There {
			return // an account that a person wants to be gone is no end the rules know
		}
		var out review.Outcome
		out, err = desk.Decide(context.Background(), x)
		w.note("%s %s of %s, items %v: %d refused", x.On, a.Type, a.Owner.Key, x.Items, len(out.Refused))
	}
	if err != nil {
		w.fail("decide: %v", err)
	}
}

// technician takes, carries out, confirms or refuses an order of the desk.
func (w *world) technician(desk *review.Desk, a *orders.AssignedResource) error {
	ctx, ids := context.Background(), []orders.AssignedID{a.ID}
	var err error
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
	if !a.Handling.Manual || a.Order == nil {
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
	if len(objects) == 0 {
		return
	}
	o := objects[w.chance.IntN(len(objects))]
	w.edited[entity+":"+o.Key] = true
	if w.oneIn(4) {
		w.systems[name].Delete(entity, o.Key)
		w.note("somebody deletes %s %s", entity, o.Key)
		return
	}
	w.systems[name].SetValue(entity, o.Key, "name", value.OfString("edited"))
	w.note("somebody renames %s %s", entity, o.Key)
}

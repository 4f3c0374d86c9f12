package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
)

// misbehaviours are what a system may do wrong, apart from being slow.
var misbehaviours = []fakesystem.Misbehaviour{
	fakesystem.LostAfter, fakesystem.LostBefore, fakesystem.Transient, fakesystem.Permanent, fakesystem.Partial,
	fakesystem.Down, fakesystem.HalfPage, fakesystem.CutShort,
}

// waits are how slow a system may be: a moment, longer than a look-up waits, and
// longer than an agent's lease.
var waits = []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute}

// crashCallsMost is within how many system calls and acts a death falls: a
// round has about as many.
const crashCallsMost = 40

// misbehave plans the systems' faults for this step, and the process's death.
func (w *world) misbehave() {
	if w.oneIn(6) {
		w.crash = 1 + w.chance.IntN(crashCallsMost)
	}
	var plans []string
	for _, name := range fakes {
		bad, slow := w.oneIn(3), w.oneIn(6)
		f := fakesystem.Fault{What: misbehaviours[w.chance.IntN(len(misbehaviours))], Items: 4} // an account with its names is created whole or not at all
		every, wait := 1+w.chance.IntN(4), waits[w.chance.IntN(len(waits))]
		if bad {
			plans = append(plans, fmt.Sprintf("%s/%d %s", name, every, f.What))
		}
		if slow {
			plans = append(plans, fmt.Sprintf("%s/%d takes %s", name, every, wait))
		}
		w.systems[name].SetPlan(func(_ string, n int) fakesystem.Fault {
			if w.dead {
				return fakesystem.Fault{What: fakesystem.Down}
			}
			if w.dies() {
				if w.oneIn(2) {
					return fakesystem.Fault{What: fakesystem.LostBefore} // it died before it sent anything
				}
				return fakesystem.Fault{}
			}
			var out fakesystem.Fault
			if n%every == 0 {
				if bad {
					out = f
				}
				if slow {
					out.Wait = wait
				}
			}
			return out
		})
	}
	if len(plans) > 0 {
		w.note("[%s]", strings.Join(plans, ", "))
	}
}

// dies counts down to the death of the process.
func (w *world) dies() bool {
	if w.crash == 0 {
		return false
	}
	w.crash--
	if w.crash == 0 {
		w.dead = true
		w.note("killed")
	}
	return w.dead
}

// beforeAct is called before each transaction: a dead process begins none.
func (w *world) beforeAct() error {
	if w.dead || w.dies() {
		return errDead
	}
	return nil
}

// heal makes every system behave and the process live.
func (w *world) heal() {
	w.crash = 0
	for _, s := range w.systems {
		s.SetPlan(nil)
	}
}

// run runs a part of the path. Where the process died in it, a new one starts.
// What stands afterwards is checked either way.
func (w *world) run(name string, do func(context.Context) error) {
	err := do(context.Background())
	switch {
	case w.within:
		// Whoever reads or judges holds the loop's lock: nobody else does then.
		if err != nil && !w.dead && fault.KindOf(err) != fault.Conflict {
			w.fail("%s: %v", name, err)
		}
		return
	case w.dead:
		w.note("%s: killed", name)
		if err := w.engine.DB.Close(); err != nil {
			w.fail("close: %v", err)
		}
		w.start()
		w.check()
		w.missed()
		return
	case err != nil:
		w.fail("%s: %v", name, err)
	}
	w.note("%s", name)
	w.check()
}

// sleep is a slow system. Meanwhile the world goes on: people decide, somebody
// edits, another part of the path runs beside this one.
func (w *world) sleep(_ context.Context, d time.Duration) error {
	w.now = w.now.Add(d)
	if w.within || w.dead || !w.oneIn(2) {
		return nil
	}
	w.within = true
	defer func() { w.within = false }()
	w.note("meanwhile, after %s:", d)
	switch w.chance.IntN(6) {
	case 0:
		w.personnel()
	case 1:
		w.elsewhere()
	case 2:
		w.run("verify", func(ctx context.Context) error { _, err := w.engine.Verify(ctx); return err })
	case 3:
		w.run("evaluate and generate", w.compute)
	default:
		w.decide()
	}
	return nil
}

// A lateReport is what an agent knows about an attempt and has not said, or
// says a second time.
type lateReport struct {
	assigned orders.AssignedID
	report   orders.Report
}

// reportsKept bounds the late reports that are still on their way.
const reportsKept = 20

// missed remembers what the dead process would have reported: its report is
// only late.
func (w *world) missed() {
	for _, a := range w.book.sorted() {
		if a.Order == nil || a.Handling.Manual || !a.Order.Closed.IsZero() {
			continue
		}
		w.remember(a, func(it *orders.Item) bool { return it.Place.State == orders.Transmitted })
	}
}

// remember keeps the true report about the items of an attempt. An agent names the
// order that it was handed: of items which another order took over since, nobody
// can say anything in that one's name.
func (w *world) remember(a *orders.AssignedResource, of func(*orders.Item) bool) {
	r := orders.Report{Order: a.Order.ID, Fence: a.Order.Fence, Items: map[int]orders.ItemReport{}}
	done := w.effectsOf(a)
	for _, it := range a.Carried() {
		if !of(it) || w.handedOutWith(a, it) != a.Order.ID {
			continue
		}
		said := orders.ItemReport{Effect: orders.EffectNone, Err: "not sent: the agent died"}
		if f, ok := done[it.ID]; ok && !f.At.Before(it.SentAt.Time()) {
			said = orders.ItemReport{Effect: orders.EffectDone}
			r.At, r.Key = f.At, resources.Key(f.Key)
		}
		r.Items[it.ID] = said
	}
	if len(r.Items) > 0 {
		w.reports = append(w.reports, lateReport{a.ID, r})
		w.reports = w.reports[max(0, len(w.reports)-reportsKept):]
	}
}

// handedOutWith returns the order with which an item last went out.
func (w *world) handedOutWith(a *orders.AssignedResource, it *orders.Item) orders.OrderID {
	for _, s := range slices.Backward(w.book.paths[a.ID][it.ID]) {
		if s.Event == orders.Collect {
			return s.Order
		}
	}
	return 0
}

// effectsOf returns the last effect of each item of the resource's order.
func (w *world) effectsOf(a *orders.AssignedResource) map[int]fakesystem.Effect {
	last := map[int]fakesystem.Effect{}
	for _, name := range automatic {
		for _, f := range w.systems[name].Effects() {
			if f.Order == a.Order.ID.String() {
				last[f.Item.ID] = f
			}
		}
	}
	return last
}

// late delivers a report that was lost, or one that was delivered before.
func (w *world) late(ctx context.Context) error {
	if len(w.reports) == 0 {
		return nil
	}
	at := w.chance.IntN(len(w.reports))
	l := w.reports[at]
	if w.oneIn(2) {
		w.reports = append(w.reports[:at:at], w.reports[at+1:]...)
	}
	numbers := stage.Numbers(ctx, w.engine.DB, stage.OrderCounter)
	numbers.Prepare(4)
	o := orders.Occasion{Now: w.engine.Clock(), Actor: "late agent", NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) }}
	act := journal.Act{Actor: journal.Actor{Process: "late agent"}, Name: "report", At: o.Now}
	said := "taken"
	err := w.engine.Update(ctx, act, []orders.AssignedID{l.assigned}, func(a *orders.AssignedResource) error {
		err := a.Report(o, l.report)
		if fault.KindOf(err) == fault.Conflict {
			said = "refused"
			return nil
		}
		return err
	})
	w.note("a late report of order %d, fence %d: %s", l.report.Order, l.report.Fence, said)
	if err != nil && strings.Contains(err.Error(), "no assigned resource") {
		return nil
	}
	return err
}

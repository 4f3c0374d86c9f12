package orders

import (
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
)

// Ready returns the items that could be collected now. A value of an account
// that is not there yet goes with the account or not at all.
func (a *AssignedResource) Ready(now time.Time) []*Item {
	if !a.open() || a.underWay() {
		return nil // orders of one resource go strictly one after the other
	}
	self := &a.Items[0]
	accountGoes := a.exists() && !a.Doubtful() || self.Place.State == Pending && self.NotBefore <= At(now) && self.Want.There
	var ready []*Item
	for _, it := range a.Carried() {
		if it.Place.State != Pending || it.NotBefore > At(now) || it.Policy.Parked != "" {
			continue
		}
		if it.Property != "" && (!accountGoes || a.stranded(it)) {
			continue
		}
		ready = append(ready, it)
	}
	return ready
}

// Collect hands every ready item to an agent under a lease or, with no lease,
// to the technicians' queue. The caller has found every gate open.
func (a *AssignedResource) Collect(o Occasion, agent string, lease time.Duration) error {
	items := a.Ready(o.Now)
	if len(items) == 0 {
		return fault.New(fault.Conflict, "collect", "nothing of order %d is ready any more", a.orderID())
	}
	a.Order.Kind = a.kind()
	a.Order.Fence++
	a.Order.Agent, a.Order.TakenBy, a.Order.Waits, a.Order.LeaseUntil = agent, "", "", 0
	if lease > 0 {
		a.Order.LeaseUntil = At(o.Now.Add(lease))
	}
	for _, it := range items {
		if err := a.take(it, Collect, Facts{GatesOpen: true}, o); err != nil {
			return err
		}
		it.Before = it.Is
		it.Attempts++
		it.SentAt, it.DoneAt, it.Message, it.By = At(o.Now), 0, "", ""
		it.Ours = append(it.Ours, Sent{Holding: it.Want, At: At(o.Now)})
	}
	return nil
}

func (a *AssignedResource) orderID() OrderID {
	if a.Order == nil {
		return 0
	}
	return a.Order.ID
}

// forget drops the value last sent: it certainly did not happen.
func (it *Item) forget() {
	if len(it.Ours) > 0 {
		it.Ours = it.Ours[:len(it.Ours)-1]
	}
}

// Effect is what is known about an item after it was sent. The zero Effect is
// unknown, so that what nobody names is looked up and never sent twice.
type Effect uint8

// The three effects.
const (
	EffectUnknown Effect = iota
	EffectDone
	EffectNone // it certainly did not happen
)

// An ItemReport is what is known about one item after it was sent.
type ItemReport struct {
	Effect    Effect
	Err       string // the system's own words
	Permanent bool   // with EffectNone: asking again is pointless
}

// A Report is what an agent or a technician says about a collected order.
type Report struct {
	Order  OrderID // 0: the open one
	Fence  int
	At     time.Time     // when the system answered; zero: now
	Key    resources.Key // of the resource, where the system assigned it
	Items  map[int]ItemReport
	Down   bool                             // the connection does not work: no attempt is counted
	Wait   func(attempts int) time.Duration // until the next attempt
	Person string                           // the technician, where a person reports
}

// Report records what is known about each transmitted item. An item that the
// report does not name is unknown. A report of an older attempt is refused.
func (a *AssignedResource) Report(o Occasion, r Report) error {
	if a.Order == nil || r.Fence != a.Order.Fence || r.Order != 0 && r.Order != a.Order.ID {
		return fault.New(fault.Conflict, "report", "a newer attempt has begun since this one was handed out")
	}
	if r.Key != "" && a.Target == "" {
		a.Target, a.Confidence = r.Key, 100
	}
	return a.whole(func() error {
		a.Order.LeaseUntil = 0
		for _, it := range a.Carried() {
			outcome, named := r.Items[it.ID]
			switch {
			case !named && r.Person != "":
				continue // a technician speaks of the items he names
			case it.Place.State == Transmitted, it.Place == atUnknown && outcome.Effect == EffectDone:
				if err := a.reportItem(it, outcome, r, o); err != nil {
					return err
				}
			}
		}
		return a.settle(o)
	})
}

func (a *AssignedResource) reportItem(it *Item, outcome ItemReport, r Report, o Occasion) error {
	f := a.facts(it, o)
	f.NewestFence, f.Named = true, r.Person != ""
	o.Why = outcome.Err
	switch outcome.Effect {
	case EffectDone:
		if err := a.take(it, Done, f, o); err != nil {
			return err
		}
		a.executed(it, o, r)
	case EffectNone:
		f.Transient = !outcome.Permanent && r.Person == ""
		if r.Down {
			it.Attempts--
			f.Transient, f.AttemptsLeft = true, true
		}
		if err := a.take(it, Refuse, f, o); err != nil {
			return err
		}
		it.forget()
		it.Message = outcome.Err
		if r.Wait != nil {
			it.NotBefore = At(o.Now.Add(r.Wait(it.Attempts)))
		}
	default:
		if it.Place == atReadBack {
			return nil
		}
		if o.Why == "" {
			o.Why = "no answer: whether it happened is not known"
		}
		if err := a.take(it, Lose, f, o); err != nil {
			return err
		}
		it.Message = o.Why
		it.NotBefore = At(o.Now.Add(max(a.Handling.Settle, lossSettles)))
	}
	return nil
}

// lossSettles is how long a request of an agent that died may still be on its
// way before a look-up says anything about it.
const lossSettles = time.Second

// executed notes that a value of ours is in the system, as far as is known.
func (a *AssignedResource) executed(it *Item, o Occasion, r Report) {
	it.DoneAt, it.Message, it.By = At(o.Now), "", r.Person
	if !r.At.IsZero() {
		it.DoneAt = At(r.At)
	}
	if n := len(it.Ours); n > 0 {
		it.Ours[n-1].Done = it.DoneAt
	}
	if it.Place.AtRest() && it.Place != atExecuted {
		it.Ours, it.Is = nil, it.Want
		it.rested(o)
		it.Message = fmt.Sprintf("confirmed by %s, not read", r.Person)
	}
}

// Abandoned turns an attempt whose agent died or went silent into one that is
// to be looked up. Nothing is sent again before that. The fence stays: until the
// next collection a late report still is the truth about this attempt.
func (a *AssignedResource) Abandoned(o Occasion, on Event) error {
	if !a.open() {
		return nil
	}
	return a.whole(func() error {
		over := a.Order.LeaseUntil <= At(o.Now)
		a.Order.LeaseUntil = 0
		for _, it := range a.Carried() {
			if it.Place != atTransmitted {
				continue
			}
			f := a.facts(it, o)
			f.LeaseOver = over
			if err := a.take(it, on, f, o); err != nil {
				return err
			}
			it.Message = o.Why
			it.NotBefore = At(o.Now.Add(a.Handling.Settle))
		}
		return a.settle(o)
	})
}

// A Look is one look-up of the resource in its system.
type Look struct {
	Began    time.Time
	Resource *resources.Resource // nil: the system says that it is not there
	Failed   string              // the look-up itself failed: nothing is known
	Deadline bool                // waiting longer makes no sense
	Wait     func(attempts int) time.Duration
}

// LookedUp settles items whose outcome is unknown by what the system shows now.
func (a *AssignedResource) LookedUp(o Occasion, look Look) error {
	return a.whole(func() error {
		if look.Resource != nil && a.Target == "" {
			a.Target, a.Confidence = look.Resource.Key, 100
		}
		for _, it := range a.Carried() {
			if it.Place != atReadBack || it.NotBefore > At(look.Began) {
				continue
			}
			if err := a.lookedUp(it, look, o); err != nil {
				return err
			}
		}
		if look.Failed == "" {
			return a.Observe(o, Observation{Began: look.Began, Resource: look.Resource, LookUp: true})
		}
		return a.settle(o)
	})
}

func (a *AssignedResource) lookedUp(it *Item, look Look, o Occasion) error {
	f := a.facts(it, o)
	f.Settled = true
	f.Shows = look.Failed == "" && it.Same(it.shownBy(look.Resource), it.Want)
	f.NoUse = look.Failed != "" && look.Deadline
	switch {
	case look.Failed != "":
		o.Why, it.Message = look.Failed, look.Failed
		if !look.Deadline {
			return nil
		}
		return a.take(it, Expire, f, o)
	case f.Shows:
		o.Why = "looked up: it happened"
		if err := a.take(it, Confirm, f, o); err != nil {
			return err
		}
		// It happened some time after it was sent and before we looked.
		it.DoneAt, it.NotBefore, it.Message = At(look.Began)-1, 0, ""
		if n := len(it.Ours); n > 0 {
			it.Ours[n-1].Done = it.DoneAt
		}
		return nil
	}
	o.Why = "looked up: it did not happen"
	if err := a.take(it, Contradict, f, o); err != nil {
		return err
	}
	it.forget()
	it.Message, it.NotBefore = o.Why, 0
	if look.Wait != nil {
		it.NotBefore = At(o.Now.Add(look.Wait(it.Attempts)))
	}
	return nil
}

// Expire moves on what nobody confirmed, and no reading showed, in time. A lease
// that ends on what a reading verified already only unlocks the resource.
func (a *AssignedResource) Expire(o Occasion) error {
	if a.locked() && a.Order.LeaseUntil <= At(o.Now) && !slices.ContainsFunc(a.Items, func(it Item) bool { return it.Place == atTransmitted }) {
		a.Order.LeaseUntil = 0
	}
	validity := a.Handling.Validity
	for i := range a.Items {
		it := &a.Items[i]
		since := it.SentAt
		switch {
		case validity <= 0:
			continue
		case it.Place == atExecuted && !it.Policy.Once:
			since = it.DoneAt
		case it.Place != atTransmitted || !a.Handling.Manual:
			continue
		}
		if o.Now.Sub(since.Time()) <= validity {
			continue
		}
		f := a.facts(it, o)
		f.ValidityOver = true
		o.Why = fmt.Sprintf("nothing confirmed it within %s", validity)
		if err := a.take(it, Expire, f, o); err != nil {
			return err
		}
		it.Message = o.Why
	}
	return a.settle(o)
}

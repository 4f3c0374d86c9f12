package orders

import (
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
)

// An Occasion is when, by whom and why something is done.
type Occasion struct {
	Now   time.Time
	Actor string
	Why   string
	// NewOrder hands out a number for an order that has to be opened.
	NewOrder func() OrderID
	// Block: the run was started with blocking, so that everything is reviewed.
	Block bool
}

// take moves one item on, or refuses and leaves it as it was.
func (a *AssignedResource) take(it *Item, on Event, f Facts, o Occasion) error {
	to, row, err := Next(it.Place, on, it.Former, f)
	if err != nil {
		return err
	}
	a.touched = true
	if it.Steps == 0 && it.Place == atNone && to.AtRest() {
		it.Place = to // found in order: not worth a step
		return nil
	}
	if !a.open() || it.Order != a.Order.ID {
		it.Order = 0 // of an order that is history
	}
	it.Steps++
	a.steps = append(a.steps, Step{
		Assigned: a.ID, Item: it.ID, Step: it.Steps, From: it.Place, Event: on, To: to,
		At: o.Now, Actor: o.Actor, Why: o.Why, Order: it.Order, row: row,
	})
	it.Place = to
	return nil
}

// judgingPassesMax bounds how often judging goes over the items of a resource:
// one life ends, the next begins, its values settle, and nothing is left to move.
const judgingPassesMax = 5

// Judge brings the resource to what evaluation computed: it moves every item
// whose policy moved, and opens, amends, supersedes or closes the order that
// carries them. While an item is transmitted nothing is judged: the resource
// remembers it and is judged in the act that settles the outcome.
func (a *AssignedResource) Judge(o Occasion) error {
	a.Waiting = false
	if len(a.Items) == 0 {
		return nil
	}
	if err := a.giveUp(o); err != nil {
		return err
	}
	if a.underWay() {
		a.assemble(o, false, false) // what a person decided meanwhile joins the order
		if !a.differs(o) {
			return nil
		}
		if a.Waiting = !a.recallable(); a.Waiting {
			return a.markUnwanted(o)
		}
		if err := a.recall(o); err != nil {
			return err
		}
	}
	executed := a.executedPart()
	moved := false
	// Until nothing moves: an item that settles may free or hold its neighbours, and
	// an account that is to be created again begins their life anew.
	for again, passes := true, 0; again && passes < judgingPassesMax; passes++ {
		again = false
		a.beginAnew()
		for i := range a.Items {
			it := &a.Items[i]
			from := it.Place
			did, err := a.judgeItem(it, o)
			if err != nil {
				return err
			}
			again = again || did
			moved = moved || did && (from.carried() || it.Place.carried())
		}
	}
	// What evaluation wants of an item whose outcome is unknown is kept beside it.
	a.Waiting = slices.ContainsFunc(a.Items, func(it Item) bool { return it.Place == atUnknown && a.overtaken(&it) })
	a.assemble(o, moved, executed)
	return nil
}

// giveUp ends the looking up of what is no longer declared: nobody drains its
// connection for it, and nothing follows from what would be found.
func (a *AssignedResource) giveUp(o Occasion) error {
	if !a.Items[0].Policy.Released {
		return nil
	}
	o.Why = "its resource type is no longer declared"
	for i := range a.Items {
		if it := &a.Items[i]; it.Place == atReadBack {
			f := a.facts(it, o)
			f.NoUse = true
			if err := a.take(it, Expire, f, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// overtaken reports whether evaluation wants anything but what was sent.
func (a *AssignedResource) overtaken(it *Item) bool {
	return it.Policy.Released || it.Policy.Failed != "" || !it.Same(it.Expected(), it.Want) || it.becameDeclined() ||
		a.stranded(it) && it.Want.There
}

// differs reports whether evaluation would move anything if nothing were under way.
func (a *AssignedResource) differs(o Occasion) bool {
	for i := range a.Items {
		it := &a.Items[i]
		switch {
		case it.Place.State == Transmitted:
			if a.overtaken(it) {
				return true
			}
		case it.Policy.Failed != "" && !it.Policy.Released:
			if it.Place != atError {
				return true
			}
		case it.Place == atError:
			return true
		default:
			if _, _, ok := a.judgement(it, o); ok {
				return true
			}
		}
	}
	return false
}

// recallable reports whether what is under way is an instruction to a
// technician that nobody took and whose outcome nobody has to look up.
func (a *AssignedResource) recallable() bool {
	return a.Handling.Manual && a.Order.TakenBy == "" && !a.locked() &&
		!slices.ContainsFunc(a.Items, func(it Item) bool { return it.Place == atReadBack })
}

// recall takes back an instruction that nobody has taken up.
func (a *AssignedResource) recall(o Occasion) error {
	o.Why = "what is wanted changed before anybody took it"
	for i := range a.Items {
		it := &a.Items[i]
		if it.Place != atTransmitted {
			continue
		}
		it.forget()
		it.Attempts-- // it was never tried
		if err := a.take(it, Recall, a.facts(it, o), o); err != nil {
			return err
		}
		if it.Place == atInactive {
			it.lapsed("no longer wanted", o)
		}
	}
	return nil
}

// markUnwanted tells the technician who took an instruction that it changed.
func (a *AssignedResource) markUnwanted(o Occasion) error {
	for i := range a.Items {
		it := &a.Items[i]
		if !a.Handling.Manual || a.Order.TakenBy == "" || it.Place != atTransmitted || it.Message == noLongerWanted || !a.overtaken(it) {
			continue
		}
		o.Why = noLongerWanted
		if err := a.take(it, Recall, a.facts(it, o), o); err != nil {
			return err
		}
		it.Message = noLongerWanted
	}
	return nil
}

const noLongerWanted = "no longer wanted as it was handed out"

// judgement says which event evaluation raises for an item, with the facts, and
// whether the table has a move for it. A judgement that moves nothing is silence.
func (a *AssignedResource) judgement(it *Item, o Occasion) (Event, Facts, bool) {
	f := a.facts(it, o)
	on := a.eventFor(it, f)
	if on == "" {
		return on, f, false
	}
	to, row, err := Next(it.Place, on, it.Former, f)
	return on, f, err == nil && (to != it.Place || row.Stay || f.Changed)
}

// judgeItem moves one item to what evaluation computed, if that asks for a move.
func (a *AssignedResource) judgeItem(it *Item, o Occasion) (bool, error) {
	if it.Policy.Failed != "" && !it.Policy.Released {
		return a.failItem(it, o)
	}
	mended := false
	if it.Place == atError && !it.Policy.Released {
		o.Why = "the rule works again"
		if err := a.take(it, Expect, a.facts(it, o), o); err != nil {
			return false, err
		}
		it.Former, it.Message, mended = nil, "", true
	}
	on, f, moves := a.judgement(it, o)
	if !moves {
		return mended, nil
	}
	o.Why = a.why(it, on, f)
	from := it.Place
	if err := a.take(it, on, f, o); err != nil {
		return mended, err
	}
	it.settleJudged(from, on, f, o)
	return true, nil
}

// failItem records that the item's rule threw.
func (a *AssignedResource) failItem(it *Item, o Occasion) (bool, error) {
	if it.Place == atError || it.Place.State == Transmitted {
		it.Message = it.Policy.Failed
		return false, nil
	}
	former := it.Place
	o.Why = it.Policy.Failed
	if err := a.take(it, Fail, Facts{}, o); err != nil {
		return false, err
	}
	it.Former, it.Message = &former, it.Policy.Failed
	return true, nil
}

// eventFor says which event evaluation raises for an item, "" for none.
func (a *AssignedResource) eventFor(it *Item, f Facts) Event {
	if it.Policy.Released {
		if it.Place == atUndeclared || it.Place.State == Transmitted {
			return ""
		}
		return Lapse
	}
	switch it.Place {
	case atNone:
		if !f.Wanted && !f.Held && !f.DeclinedBefore {
			return Lapse
		}
		return Expect
	case atPending, atReleased, atAwaiting, atErrored, atFound:
		switch {
		case !f.Wanted && !f.Held && !f.DeclinedBefore:
			return Lapse
		case f.DeclinedBefore, f.Discarded, !f.Wanted && !f.Removal, f.Equal && !f.Unseen, f.Changed, f.Once && f.Met && it.Place != atFound:
			return Expect
		case it.Place == atAwaiting && !f.Review:
			return Expect
		case it.Place.State == Pending && (f.Blocked && !f.ApprovedNow || f.OtherTrouble):
			return Hold
		}
	case atVerified, atExecuted:
		if f.Changed && !f.DeclinedBefore && !it.Policy.Once && (f.Wanted || f.Held) {
			return Expect
		}
	case atInactive:
		frozen := f.RestFrozen && f.Exists && it.policy().There // its account came back: people can revoke it again
		if f.Wanted || (f.DeclinedBefore && f.Adds || frozen) && !a.stranded(it) {
			return Expect
		}
	case atUndeclared:
		if f.Wanted || f.Held || f.DeclinedBefore && f.Adds && !a.stranded(it) {
			return Expect
		}
	case atDeclined:
		if f.Wanted && !f.DeclinedBefore {
			return Expect
		}
	}
	return ""
}

// why tells people what moved the item.
func (a *AssignedResource) why(it *Item, on Event, f Facts) string {
	switch {
	case on == Hold && f.Blocked:
		return "a review is asked for"
	case on == Hold:
		return "another value of the same account needs attention first"
	case it.Policy.Released:
		return "its resource type is no longer declared"
	case a.stranded(it):
		return "there is no account for it"
	case !f.Wanted:
		return "no longer wanted"
	}
	return it.Because()
}

// settleJudged keeps the three values in step with where the item went.
func (it *Item) settleJudged(from Place, on Event, f Facts, o Occasion) {
	it.NotBefore = 0
	if it.Place == atAwaiting && o.Block {
		it.Decision.Blocked = true
	}
	switch {
	case on == Hold:
		return
	case it.Place == atDeclined:
		it.lapsed("declined before", o)
		return
	case it.Place == atFrozen && f.DeclinedBefore:
		it.except(it.without(it.policy()), true)
		it.rested(o)
		return
	case it.Place.State == Inactive && (on == Lapse || !f.Wanted):
		it.lapsed(o.Why, o)
		return
	case from == it.Place && (from == atVerified || from == atExecuted):
		return // it rests on the value from before the declined one
	}
	if f.Changed || from == atNone || !from.carried() {
		it.Decision.Approved, it.Decision.Retried, it.Decision.Released = false, false, false
		it.Attempts, it.Message = 0, ""
	}
	if !from.carried() && it.Place.carried() {
		it.Before = it.Is
	}
	switch {
	case it.Place == atFound:
		it.question(f.Protected)
	case from == atFound:
		it.answer()
	}
	if it.Place != atFound && !it.excepted() && it.Decision.Exception != nil {
		it.Decision.Exception = nil
		it.answer()
	}
	it.Want = it.Expected()
	if it.Place.AtRest() {
		it.rested(o)
	}
	if it.Place.State == Inactive {
		it.Message = "left to people"
	}
}

// lapsed keeps what a useless item still has to say.
func (it *Item) lapsed(why string, o Occasion) {
	if it.Workflow == assignments.NonConforming || it.Workflow == assignments.Questioned {
		it.answer()
	}
	it.Want, it.Message, it.Former = Nothing, why, nil
	it.rested(o)
}

// rested ends what people decided for the order only.
func (it *Item) rested(o Occasion) {
	it.SettledAt, it.Attempts = At(o.Now), 0
	d := &it.Decision
	d.Approved, d.Retried, d.Correct, d.Blocked, d.Released, d.Postponed = false, false, false, false, false, 0
}

package orders

import (
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// An Observation is what a reading or a look-up shows of one resource.
type Observation struct {
	Began    time.Time
	Resource *resources.Resource // nil: it is not there, as a complete reading or a look-up says
	// Far says when the reading began that shows a link stored on the other
	// side; a property that is not named is shown by Began.
	Far map[schema.PropertyName]time.Time
	// Skip names properties of which this observation shows nothing.
	Skip map[schema.PropertyName]bool
	// LookUp: only this one resource was read; its absence proves nothing but
	// the effect of the order that was to delete it.
	LookUp bool
}

// Observe compares every item with what was read: it verifies, raises
// questions, and ends the order when nothing is under way any more. A reading
// begun before the execution proves nothing.
func (a *AssignedResource) Observe(o Occasion, obs Observation) error {
	if len(a.Items) == 0 {
		return nil
	}
	if a.Target == "" && obs.Resource != nil {
		a.Target, a.Confidence = obs.Resource.Key, 100
	}
	leaving := !a.Items[0].Expected().There
	if obs.LookUp && obs.Resource == nil && !a.deleting() {
		return a.settle(o)
	}
	gone := obs.Resource == nil
	for i := range a.Items {
		it := &a.Items[i]
		if obs.Skip[it.Property] && it.Property != "" {
			continue
		}
		if gone && it.Property != "" && !it.Place.carried() {
			// The account is gone: one question for the account, none for its values.
			continue
		}
		began := obs.Began
		// Of an account that is not there nobody can read from the other side who it was.
		if far, ok := obs.Far[it.Property]; ok && !gone {
			began = far
		}
		if gone && leaving && it.Place == atExecuted && it.Want.There && At(began) > it.DoneAt {
			it.Want = Nothing // it went with its account, as it was to
		}
		if err := a.observeItem(it, it.shownBy(obs.Resource), At(began), o); err != nil {
			return err
		}
	}
	return a.settle(o)
}

// deleting reports whether the open order is to delete the resource, or an
// earlier one did while it was wanted again.
func (a *AssignedResource) deleting() bool {
	self := &a.Items[0]
	return self.takenAway() || !self.Want.There && (self.Place.State == Transmitted || self.Place == atExecuted || self.Place == atUnknown)
}

// observeItem takes one item on by what a reading begun at an instant shows.
func (a *AssignedResource) observeItem(it *Item, shown Holding, began Instant, o Occasion) error {
	if began < it.ReadAt {
		return nil // we know better
	}
	foreign := !it.Same(shown, it.Before) && !it.ours(shown)
	it.see(shown, began, a.Handling.Validity)
	f := a.facts(it, o)
	f.Foreign = foreign
	on := it.observed(shown, began, &f)
	if on == "" || on == Drift && a.stranded(it) {
		return nil
	}
	if _, _, err := Next(it.Place, on, it.Former, f); err != nil {
		return nil //nolint:nilerr // no row: this observation says nothing about an item that stands here
	}
	o.Why = "read as " + shown.String()
	from := it.Place
	if err := a.take(it, on, f, o); err != nil {
		return err
	}
	it.settleObserved(on, from, o)
	return nil
}

// ours reports whether a value is one that we sent and nobody has seen yet.
func (it *Item) ours(h Holding) bool {
	for _, sent := range it.Ours {
		if it.Same(sent.Holding, h) {
			return true
		}
	}
	return false
}

// see keeps what was read, and forgets values of ours that a later reading
// shows or shows overwritten, and those that no reading showed in time: what was
// carried out so long ago and cannot be seen did not last, and what nobody looks
// up any more did not happen.
func (it *Item) see(shown Holding, began Instant, validity time.Duration) {
	before := it.Before
	if began > it.ReadAt {
		it.Is, it.ReadAt = shown, began
		if !it.Place.carried() || it.Place.State == Pending || it.Place.State == AwaitingApproval {
			it.Before = shown
		}
	}
	executed := func(sent Sent) bool { return sent.Done != 0 && began > sent.Done }
	last := -1 // of ours that is shown: it overwrote what we had carried out before it
	for i, sent := range it.Ours {
		if executed(sent) && it.Same(shown, sent.Holding) {
			last = i
		}
	}
	kept := it.Ours[:0]
	for i, sent := range it.Ours {
		over := sent.Done != 0 || it.Place.State != Transmitted
		late := over && validity > 0 && began > max(sent.At, sent.Done)+Instant(validity)
		if seen := i <= last || !it.Same(shown, before); executed(sent) && seen || late {
			continue
		}
		kept = append(kept, sent)
	}
	it.Ours = kept
	if len(it.Ours) == 0 {
		it.Ours = nil
	}
}

// observed says which event a reading raises for the item, "" for none.
func (it *Item) observed(shown Holding, began Instant, f *Facts) Event {
	switch it.Place {
	case atExecuted:
		f.Fresh, f.Shows = began > it.DoneAt, it.Same(shown, it.Want)
		if f.Shows {
			return Verify
		}
		return Drift
	case atTransmitted, atReadBack:
		f.Fresh, f.Shows = began > it.SentAt, it.Same(shown, it.Want)
		f.Moved = !it.Same(it.Before, it.Want)
		return Verify
	case atPending, atReleased, atAwaiting, atErrored, atUnknown:
		f.Fresh, f.Shows = began > it.SentAt, it.Same(shown, it.Want)
		f.Unseen = it.othersUnseen()
		return Verify
	case atVerified, atFrozen:
		expected := it.restingOn()
		f.Fresh, f.Shows = began > it.SettledAt, it.Same(shown, expected)
		if !f.Shows {
			return Drift
		}
	case atInactive, atDeclined:
		expected := Nothing
		if it.Place == atInactive {
			expected = it.policy()
		}
		f.Fresh, f.Shows = began > it.SettledAt, it.Same(shown, expected)
		switch {
		case !f.Shows && !expected.There:
			return Drift
		case f.Shows && expected.There:
			return Verify
		}
	case atFound:
		expected := it.Expected()
		f.Wanted, f.DeclinedBefore = expected.There, f.RestDeclined
		f.Fresh, f.Shows = began > it.SettledAt, it.Same(shown, expected)
		if f.Shows {
			return Verify
		}
	}
	return ""
}

// othersUnseen reports whether a value of ours other than the one proposed may
// be in the system unread.
func (it *Item) othersUnseen() bool {
	for _, sent := range it.Ours {
		if !it.Same(sent.Holding, it.Want) {
			return true
		}
	}
	return false
}

// restingOn is what a verified item should go on showing.
func (it *Item) restingOn() Holding {
	if it.Decision.Exception != nil {
		return *it.Decision.Exception
	}
	return it.Want
}

// settleObserved keeps the item's own times and decisions in step.
func (it *Item) settleObserved(on Event, from Place, o Occasion) {
	it.SettledAt = At(o.Now)
	it.NotBefore = 0
	if on == Drift {
		it.Message = "found as " + it.Is.String() + ", expected " + it.restingOn().String()
		it.question(true)
		return
	}
	it.rested(o)
	if from.State == Transmitted || from == atUnknown {
		it.DoneAt = it.SettledAt // it happened, although nobody reported it
	}
	it.Message, it.Ours, it.By = "", nil, "" // the reading speaks now
	if from == atFound || it.excepted() {
		it.answer()
	}
	if it.Place.State != Verified {
		it.Want = Nothing
		return
	}
	if from == atFound || from.State == Inactive {
		it.Want = it.Is
	}
	if !it.excepted() {
		it.Decision.Exception = nil
	}
}

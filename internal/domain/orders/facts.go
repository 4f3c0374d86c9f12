package orders

import (
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
)

// facts gathers what the guards ask about an item.
func (a *AssignedResource) facts(it *Item, o Occasion) Facts {
	h, d := a.Handling, it.Decision
	expected := it.Expected()
	f := Facts{
		Wanted: expected.There, Held: it.Held(), Unseen: it.Unseen(),
		Equal: it.Same(it.Is, expected) && !a.Doubtful(), Changed: !it.Same(expected, it.Want),
		DeclinedBefore: it.becameDeclined(),
		Adds:           it.adds(it.policy()), Removal: !it.Want.There && it.Place.carried(),
		Once: it.Policy.Once, Exists: a.exists(), Met: a.exists() && a.Items[0].met(),
		NoAdd: !h.Add && it.Property == "" && !it.Is.There && !d.Correct, NoRemove: (!h.Remove && it.Property == "" || a.found(it)) && !d.Correct,
		Protected:  d.Exception != nil && !h.DiscardManual,
		Discarded:  it.Place == atFound && it.Workflow == assignments.Questioned && h.DiscardManual,
		BothMoved:  it.bothMoved(expected),
		Undeclared: it.Policy.Released, Association: a.Doubtful(),
		RestDeclined: !expected.There && it.declined(it.policy()),
		RestFrozen:   d.Exception != nil && d.Frozen,
		OutcomeKnown: it.Place == atErrored, Readable: h.Readable, Manual: h.Manual,
		Unexplained: it.unexplained(), Excepted: d.Exception != nil,
		ApprovedNow: d.Approved, RetriedNow: d.Retried,
		Blocked:      a.reviewOf(it, o),
		OtherTrouble: a.troubled(it, o), LetThrough: d.Released,
		AttemptsLeft: it.Attempts < max(1, h.Attempts),
		Taken:        a.Order != nil && a.Order.TakenBy != "",
	}
	if a.stranded(it) {
		f.Wanted, f.Held = false, false
	}
	// A decision holds for the value that was decided on, and no other.
	approved := d.Approved && !f.Changed
	f.Review = f.Blocked && !approved ||
		f.OtherTrouble && expected.There && !approved && (!d.Retried || f.Changed)
	return f
}

// adds reports whether a value is put where nothing else is: declining it
// leaves nothing to go on expecting.
func (i *Item) adds(h Holding) bool {
	return h.There && !i.without(h).There
}

// becameDeclined reports whether what the rules want now was declined. A
// removal that is under way is what a declined value asks for.
func (i *Item) becameDeclined() bool {
	wanted := i.policy()
	removing := i.Place.carried() && !i.Want.There && wanted.There
	return !i.overAndGone() && !i.excepted() && !removing && i.declined(wanted)
}

// bothMoved reports whether the system moved since the item came to rest, and
// the rules did too.
func (i *Item) bothMoved(expected Holding) bool {
	moved := !i.Same(i.Is, i.Want) && !i.Same(i.Is, expected) && !i.Same(expected, i.Want)
	switch i.Place {
	case atVerified:
		return moved && !i.Unseen() && i.ReadAt > i.SettledAt
	case atExecuted:
		return moved && i.ReadAt > i.DoneAt && !i.Same(i.Is, i.Before) && !i.ours(i.Is)
	}
	return false
}

// met reports whether nothing of ours can have created what is there: it was
// never sent, or the system refused it.
func (i *Item) met() bool { return i.DoneAt == 0 && !i.Unseen() }

// Made reports whether something of ours may have created the account.
func (a *AssignedResource) Made() bool { return len(a.Items) > 0 && !a.Items[0].met() }

// ungiven reports whether no rule gives the item or ever did: it was found.
func (i *Item) ungiven() bool { return i.Policy.Workflow.Found() }

// unexplained reports whether the item is in the system although no rule gives
// it: found as such and not kept, or left over where removals are for people.
func (i *Item) unexplained() bool {
	if i.Place == atFound {
		return i.ungiven() || !i.Policy.Wanted
	}
	return i.Workflow.Found()
}

// exists reports whether the account is in the system.
func (a *AssignedResource) exists() bool { return len(a.Items) > 0 && a.Items[0].Is.There }

// stranded reports whether a value has no account to stand on: the account is
// to go, and its values go with it, or it is not there and not on its way.
func (a *AssignedResource) stranded(it *Item) bool {
	self := &a.Items[0]
	switch {
	case it.Property == "" || self.Place == atError || self.Place == atNone:
		return false
	case self.Held():
		return !self.Expected().There
	}
	return !self.Place.carried() || !self.Want.There
}

// found reports whether the item was met in the system and no rule ever gave it.
func (a *AssignedResource) found(it *Item) bool {
	return !it.Policy.Wanted && !it.Decision.Refused && it.ungiven()
}

// Doubtful reports whether the account was matched with a confidence that a
// person has to confirm. Of an account that no rule gives the question is
// another one: whether it may stay.
func (a *AssignedResource) Doubtful() bool { return a.Proposed() && !a.Found() }

// Proposed reports whether nobody has confirmed yet that the account is the owner's.
func (a *AssignedResource) Proposed() bool {
	return a.Target != "" && a.Confidence > 0 && a.Confidence < 100
}

// reviewOf reports whether the item needs a review for a reason of its own.
func (a *AssignedResource) reviewOf(it *Item, o Occasion) bool {
	switch {
	case a.Handling.Review, o.Block, it.Decision.Blocked, a.Doubtful():
		return true
	case it.Policy.Doubt > 0 && it.Policy.Doubt < 100 && it.policy().There, it.Policy.Review && it.policy().There:
		return true
	}
	// The removal of an account is reviewed where the resource type says so: that
	// somebody once declined to give it is no reason to ask before taking it away.
	return len(it.Decision.Declined) > 0 && (it.Property != "" || it.Expected().There)
}

// troubled reports whether another item of the resource is errored, or awaits
// approval for a reason of its own.
func (a *AssignedResource) troubled(it *Item, o Occasion) bool {
	for i := range a.Items {
		other := &a.Items[i]
		if other.ID == it.ID {
			continue
		}
		switch other.Place {
		case atErrored, atUnknown:
			return true
		case atAwaiting:
			if a.reviewOf(other, o) {
				return true
			}
		}
	}
	return false
}

// Unsent reports whether the order carries something that would go out for the
// first time now, if no threshold held it.
func (a *AssignedResource) Unsent() bool {
	return a.open() && slices.ContainsFunc(a.Carried(), func(it *Item) bool {
		return it.Place.State == Pending && it.Place.Mark != Released && it.Attempts == 0
	})
}

// Settled reports whether the ownership is out of the question: rules that match
// otherwise from now on do not touch it. What is merely proposed, or was found,
// is matched anew each time until a person has decided something about it.
func (a *AssignedResource) Settled() bool {
	if !a.Found() && !a.Proposed() {
		return true
	}
	self := &a.Items[0]
	if a.Found() {
		return !self.Workflow.Found() || self.Decision.Refused || self.Decision.Exception != nil
	}
	return self.Decision.By != ""
}

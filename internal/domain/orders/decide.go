package orders

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
)

// A Choice is what a person decides about an assigned resource.
type Choice struct {
	On      Event
	Items   []int // none: every item to which it can apply
	Version int   // of the order that the person saw; 0: as it is now
	Until   time.Time
	// MayReview: the person may review the resource type, so that correcting
	// and refusing need no second look.
	MayReview bool
	Stated    bool // the person states that the errored attempt did not happen
	Parked    bool // a threshold holds the order
	// Former is what rolling back brings back, by item: what was read before writing.
	Former map[int]Holding
}

// Decide applies a person's decision to the chosen items, all of them or none.
// Declining the account declines what was to be written on it.
func (a *AssignedResource) Decide(o Occasion, c Choice) error {
	if a.Order != nil && c.Version != 0 && c.Version != a.Order.Version {
		return fault.New(fault.Conflict, string(c.On), "order %d changed since you looked: you saw version %d, it is at %d now",
			a.Order.ID, c.Version, a.Order.Version)
	}
	return a.whole(func() error {
		executed, before := a.executedPart(), a.underOrder()
		if err := a.decideItems(c, o); err != nil {
			return err
		}
		for id := range a.underOrder() {
			joins := !before[id] || c.On == RollBack // what was carried out once goes on in another order
			if joins && a.open() && !a.underWay() {
				a.assemble(o, true, executed)
				break
			}
		}
		switch {
		case c.On == Postpone || c.On == Release:
			return nil
		case c.On == Decline && a.Target == "" && a.Items[0].Place == atInactive:
			// The denied pair is for evaluation: it proposes the next match or an addition.
			a.assemble(o, true, false)
			return nil
		}
		return a.Judge(o)
	})
}

func (a *AssignedResource) decideItems(c Choice, o Occasion) error {
	var refusal error
	before := map[int]int{}
	for i := range a.Items {
		before[a.Items[i].ID] = a.Items[i].Steps
	}
	taken := 0
	for _, id := range a.chosen(c) {
		it := a.Item(id)
		if _, was := before[id]; was && it == nil {
			continue // it began anew with its account
		}
		if it == nil {
			return fault.New(fault.NotFound, string(c.On), "there is no item %d", id)
		}
		if it.Steps == before[id] { // else it was decided together with its account
			if err := a.decideItem(it, c, o); err != nil {
				if len(c.Items) > 0 {
					return fmt.Errorf("item %d, %s: %w", id, it.Name(), decidedBefore(it, c, err))
				}
				refusal = cmp.Or(refusal, err)
				continue
			}
		}
		taken++
	}
	switch {
	case taken > 0:
		return nil
	case refusal != nil:
		return refusal
	}
	for i := range a.Items {
		if by := a.Items[i].Decision.By; by != "" && a.open() && a.Items[i].Order == a.Order.ID {
			return fault.New(fault.Conflict, string(c.On), "already decided by %s: nothing here can be the subject of %q any more", by, c.On)
		}
	}
	return fault.New(fault.Refused, string(c.On), "no item here can be the subject of %q", c.On)
}

// decidedBefore says who was faster, where a decision comes too late.
func decidedBefore(it *Item, c Choice, err error) error {
	if it.Decision.By == "" || slices.Contains(Allowed(it.Place), c.On) {
		return err
	}
	return &fault.Error{Kind: fault.Conflict, Op: string(c.On), Msg: "already decided by " + it.Decision.By, Err: err}
}

// chosen lists the items that a choice names or, with none named, those to
// which it can apply; questions are left out of decisions on orders.
func (a *AssignedResource) chosen(c Choice) []int {
	if len(c.Items) > 0 {
		return c.Items
	}
	var ids []int
	for i := range a.Items {
		it := &a.Items[i]
		if (it.Place == atFound || it.Place == atVerified) && (c.On == Decline || c.On == Postpone) && a.open() {
			continue
		}
		if (c.On == Keep || c.On == Decline) && it.byFoundRole() {
			continue // the question is the role's
		}
		if slices.Contains(Allowed(it.Place), c.On) {
			ids = append(ids, it.ID)
		}
	}
	return ids
}

func (a *AssignedResource) decideItem(it *Item, c Choice, o Occasion) error {
	f := a.facts(it, o)
	f.MayReview, f.Stated, f.Parked = c.MayReview, c.Stated, c.Parked
	f.Adds = it.adds(it.Want)
	f.Equal = it.Same(it.Is, it.Want)
	if c.On == Decline {
		f.Association = f.Association && it.Property == "" // the pair is denied by the account alone
	}
	from := it.Place
	switch c.On {
	case Revoke:
		// The decision goes first: the rules then speak as if nothing had been said.
		saved := it.Decision
		it.Decision = Decision{}
		f = a.facts(it, o)
		f.Excepted = saved.Exception != nil
		if err := a.take(it, Revoke, f, o); err != nil {
			it.Decision = saved
			return err
		}
		it.settleRevoked(o)
		if it.Property == "" && from == atVerified && it.Place.carried() && !it.Is.There {
			return a.createAnew(it, o) // that it is gone was kept
		}
		return nil
	case Correct:
		return a.correct(it, f, o)
	case RollBack:
		return a.rollBack(it, c.Former, f, o)
	}
	if err := a.take(it, c.On, f, o); err != nil {
		return err
	}
	it.Decision.By = o.Actor
	if it.Property == "" && (c.On == Keep || c.On == Approve) {
		a.confirmOwner()
	}
	switch c.On {
	case Approve:
		it.approved(o)
	case Decline:
		a.declinedBy(it, from, f, o)
	case Keep:
		it.except(it.Is, false)
		it.pardon(it.Is)
		it.rested(o)
		it.Message = "kept by " + o.Actor
	case Postpone:
		it.Decision.Postponed = At(c.Until)
	case Release:
		it.Decision.Released = true
	case Retry:
		it.Decision.Retried, it.Attempts, it.NotBefore, it.Message = true, 0, 0, ""
		if from == atUnknown && it.Place.State == Pending {
			it.forget()
		}
	}
	return nil
}

// LetThrough reports whether a person let something of the open order through a
// threshold that was not collected yet.
func (a *AssignedResource) LetThrough() bool {
	return slices.ContainsFunc(a.Carried(), func(it *Item) bool { return it.Decision.Released && it.Place.State != Transmitted })
}

// TakeReleaseBack makes what was released and not collected yet stand before its
// threshold again: something that was released with it did not go as ordered.
func (a *AssignedResource) TakeReleaseBack(o Occasion) error {
	return a.whole(func() error {
		for _, it := range a.Carried() {
			if it.Place.State == Transmitted {
				continue
			}
			it.Decision.Released = false
			if it.Place != atReleased {
				continue
			}
			if err := a.take(it, Hold, Facts{Surprise: true}, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// approved lets the value out, and takes a former refusal of this value back.
func (it *Item) approved(o Occasion) {
	it.Decision.Approved, it.Decision.Blocked, it.Decision.Postponed = true, false, 0
	it.pardon(it.Want)
	if it.Place == atVerified {
		it.rested(o)
	}
}

// confirmOwner notes that a person said whose account it is.
func (a *AssignedResource) confirmOwner() {
	if a.Target != "" {
		a.Confidence = 100
	}
}

// declinedBy remembers the refusal: the value is not proposed again.
func (a *AssignedResource) declinedBy(it *Item, from Place, f Facts, o Occasion) {
	it.rested(o)
	it.Message = "declined by " + o.Actor
	if from == atUnknown {
		it.forget() // the person states that it did not happen
	}
	switch {
	case f.Unexplained && (from == atFound || from == atVerified):
		it.Decision.Refused, it.Workflow, it.Want = true, assignments.Cancellation, Nothing
		it.Decision.Correct = true // the refusal is the confirmation that the gates ask for
		it.Decision.Approved = it.Place == atPending
		it.Before = it.Is
	case f.Association && it.Property == "":
		it.Decision.Declined = append(it.Decision.Declined, pairing(a.Target))
		it.Want, a.Target, a.Confidence = Nothing, "", 0
		a.reread(nil, it.ReadAt)
		for i := range a.Items {
			if a.Items[i].Place == atExecuted { // written once, for an account that is somebody else's
				a.renew(&a.Items[i])
			}
		}
	case it.Place == atFrozen:
		it.Decision.Declined = append(it.Decision.Declined, it.Want)
		it.except(it.without(it.Want), true)
		it.pardon(it.Want)
	default:
		it.Decision.Declined = append(it.Decision.Declined, it.Want)
		it.unexcept()
		it.Want = Nothing
	}
	if it.Property == "" && !a.exists() {
		a.declineValues(f.Association, o)
	}
}

// declineValues lets what was to be written on a declined account go with it.
func (a *AssignedResource) declineValues(association bool, o Occasion) {
	for i := range a.Items {
		it := &a.Items[i]
		if it.Property == "" || it.Place != atAwaiting {
			continue
		}
		f := a.facts(it, o)
		f.Adds, f.Association = true, association
		if err := a.take(it, Decline, f, o); err == nil {
			if !association {
				it.Decision.Declined = append(it.Decision.Declined, it.Want)
			}
			it.Decision.By, it.Message, it.Want = o.Actor, "declined with the account", Nothing
		}
	}
}

// settleRevoked gives the item the value that the rules want again.
func (it *Item) settleRevoked(o Occasion) {
	if it.answer(); it.Place == atFound {
		it.question(false)
	}
	it.Want, it.Message, it.SettledAt = it.policy(), "", At(o.Now)
	it.Before = it.Is
}

// correct writes the expected value over what was found, or its removal.
func (a *AssignedResource) correct(it *Item, f Facts, o Occasion) error {
	expected := it.Expected()
	if it.Property == "" && expected.There && !it.Is.There && !it.Policy.Wanted {
		return &fault.Error{
			Kind: fault.Refused, Op: string(Correct), Msg: "the account is gone, and no rule says what it would hold",
			Do: "keep it as it is, or give its owner the resource type",
		}
	}
	if err := a.take(it, Correct, f, o); err != nil {
		return err
	}
	if it.Property == "" {
		a.confirmOwner()
	}
	it.rested(o)
	it.Decision.Correct, it.Decision.Approved, it.Decision.By = true, it.Place == atPending, o.Actor
	if !it.excepted() {
		it.Decision.Exception = nil
	}
	it.Workflow = assignments.Calculated
	it.Want, it.Before, it.Message = expected, it.Is, ""
	if !expected.There && !it.Policy.Wanted {
		it.Decision.Refused = true
	}
	if it.Property == "" && expected.There && !it.Is.There {
		return a.createAnew(it, o)
	}
	return nil
}

// createAnew makes every value of an account that was found gone part of the
// order that creates it again, and of its review. What was written once was
// written for the life of the account that is gone: it begins as from None.
func (a *AssignedResource) createAnew(self *Item, o Occasion) error {
	a.Target = ""
	reviewed := self.Place == atAwaiting
	var errs []error
	for i := range a.Items {
		it := &a.Items[i]
		it.Is, it.Before = Nothing, Nothing
		if it.Property == "" || it.Policy.Released || it.Place.carried() && it.Place != atExecuted {
			continue
		}
		expected := it.Expected()
		if !expected.There {
			continue
		}
		a.renew(it)
		it.Want = expected
		f := a.facts(it, o)
		f.DeclinedBefore, f.RestFrozen, f.Equal, f.Exists, f.Review = false, false, false, false, reviewed
		errs = append(errs, a.take(it, Expect, f, o))
		it.Decision.Correct, it.Decision.Approved, it.Decision.By = true, !reviewed, o.Actor
	}
	return errors.Join(errs...)
}

// beginAnew ends the life of an account that is gone, because it lapsed or because
// we deleted it, and is wanted again: the order that creates it carries every
// value, those written once for the former life, too.
func (a *AssignedResource) beginAnew() {
	self := &a.Items[0]
	if self.Is.There || !self.policy().There {
		return
	}
	if self.Unseen() && !self.takenAway() {
		return // what we created may be there
	}
	creating := self.Place.State == Pending || self.Place == atAwaiting || self.Place == atErrored
	over := self.Place == atInactive && a.Target != "" && !a.open() || self.Place == atVerified && !self.Want.There && !self.excepted()
	if over || creating {
		a.Target, a.Confidence = "", 0
	}
	for i := range a.Items {
		it := &a.Items[i]
		left := it.Place == atExecuted || it.Place.State == Verified && it.restingOn().There
		switch {
		case it.Property == "" || !over && !(creating && left):
		case left, it.Place.State == Verified, it.Place == atFound:
			a.renew(it)
			fallthrough
		default:
			it.Is, it.Before = Nothing, Nothing
		}
	}
}

// renew begins the life of an item anew, as from None. What people decided stays.
func (a *AssignedResource) renew(it *Item) {
	*it = Item{
		ID: a.nextItem(), Property: it.Property, Link: it.Link, Policy: it.Policy, Workflow: it.Workflow,
		ReadAt: it.ReadAt, Decision: it.Decision,
	}
}

// Taken notes the technician who works on the order.
func (a *AssignedResource) Taken(o Occasion, person string) error {
	switch {
	case a.Order == nil || !a.Handling.Manual || !a.underWay():
		return fault.New(fault.Refused, "take", "the order is not on the manual queue")
	case a.Order.TakenBy != "" && a.Order.TakenBy != person:
		return fault.New(fault.Conflict, "take", "%s took the order already", a.Order.TakenBy)
	}
	a.Order.TakenBy = person
	return nil
}

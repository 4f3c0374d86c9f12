package orders

import "slices"

// open reports whether an order is under way.
func (a *AssignedResource) open() bool { return a.Order != nil && a.Order.Closed.IsZero() }

// carried reports whether an order carries an item that stands here.
func (p Place) carried() bool { return p.State.Open() && p != atFound }

// carriedNow reports whether an order has to carry the item: not where a
// write-once value rests.
func (it *Item) carriedNow() bool {
	return it.Place.carried() && !(it.Place == atExecuted && it.Policy.Once)
}

// locked reports whether an agent may still be writing, although readings have
// verified what it was given: it has not reported, and its lease is not over.
func (a *AssignedResource) locked() bool { return a.open() && a.Order.LeaseUntil != 0 }

// underWay reports whether an agent or a technician holds an item.
func (a *AssignedResource) underWay() bool {
	return a.locked() || slices.ContainsFunc(a.Items, func(it Item) bool { return it.Place.State == Transmitted })
}

// kind says what an order would do to the resource as it stands.
func (a *AssignedResource) kind() Kind {
	self := &a.Items[0]
	switch {
	case self.Place == atError && a.open():
		return a.Order.Kind
	case self.Place.carried() && !self.Want.There && self.Place != atError:
		return Deletion
	case a.Doubtful():
		return Association
	case self.Place.carried() && self.Want.There && (!self.Is.There || self.takenAway()), a.Target == "":
		return Addition
	}
	return Update
}

// executedPart reports whether the open order has carried out an item already,
// although a reading may have found it moved since.
func (a *AssignedResource) executedPart() bool {
	return a.open() && slices.ContainsFunc(a.Items, func(it Item) bool {
		return it.Order == a.Order.ID && it.SentAt != 0 &&
			(it.Place == atExecuted && !it.Policy.Once || it.Place.State == Verified || it.Place == atFound)
	})
}

// underOrder lists the items that an order has to carry.
func (a *AssignedResource) underOrder() map[int]bool {
	ids := map[int]bool{}
	for i := range a.Items {
		if a.Items[i].carriedNow() {
			ids[a.Items[i].ID] = true
		}
	}
	return ids
}

// assemble opens, amends, supersedes or closes the order that carries the open
// items. An order of which something was executed is never amended: what moved
// since travels in a new one, which takes the unfinished items over.
func (a *AssignedResource) assemble(o Occasion, moved, executed bool) {
	switch {
	case !slices.ContainsFunc(a.Items, func(it Item) bool { return it.carriedNow() }):
		a.closeOrder(o)
		return
	case a.Order == nil:
		a.Order = &Order{ID: o.NewOrder(), Kind: a.kind(), Version: 1, Created: o.Now}
	case !a.open():
		// The fence goes on rising: a report of the closed order is a late one.
		a.Order = &Order{ID: o.NewOrder(), Kind: a.kind(), Version: 1, Created: o.Now, Fence: a.Order.Fence}
	case moved && (executed || (a.kind() == Deletion) != (a.Order.Kind == Deletion)):
		old := a.Order
		a.Order = &Order{ID: o.NewOrder(), Kind: a.kind(), Version: 1, Created: o.Now, Supersedes: old.ID, Fence: old.Fence}
	case moved:
		a.Order.Version++
		a.Order.Kind = a.kind()
	}
	for i := range a.Items {
		if it := &a.Items[i]; it.carriedNow() {
			it.Order = a.Order.ID
		}
	}
	for i := range a.steps {
		if it := a.Item(a.steps[i].Item); a.steps[i].Order == 0 && it != nil && it.Order == a.Order.ID {
			a.steps[i].Order = a.Order.ID
		}
	}
}

// closeOrder ends the order when nothing of it is under way any more.
func (a *AssignedResource) closeOrder(o Occasion) {
	if !a.open() || a.locked() {
		return
	}
	a.Order.Closed = o.Now
	a.Order.Waits = ""
	a.Order.Outcome = "inactive"
	for _, it := range a.Carried() {
		if it.Place.State == Verified || it.Place.State == Executed {
			a.Order.Outcome = "verified"
		}
	}
	if a.Order.Kind == Deletion && a.Items[0].Place == atVerified && !a.Items[0].Want.There {
		a.Closed = true
	}
}

// settle ends the order, or judges again what had to wait for the outcome: what
// evaluation wants by now, a block switched on meanwhile, a neighbour's trouble.
func (a *AssignedResource) settle(o Occasion) error {
	if len(a.Items) == 0 {
		return nil
	}
	if err := a.giveUp(o); err != nil {
		return err
	}
	if (a.Waiting || a.open()) && !a.underWay() {
		return a.Judge(o)
	}
	a.assemble(o, false, false)
	return nil
}

// whole does an act entirely or not at all: a refusal in the middle leaves the
// resource as it was.
func (a *AssignedResource) whole(act func() error) error {
	saved := *a
	saved.Items = slices.Clone(a.Items)
	for i := range saved.Items {
		it := &saved.Items[i]
		it.Ours, it.Decision.Declined = slices.Clone(it.Ours), slices.Clone(it.Decision.Declined)
	}
	if a.Order != nil {
		order := *a.Order
		saved.Order = &order
	}
	err := act()
	if err != nil {
		*a = saved
	}
	return err
}

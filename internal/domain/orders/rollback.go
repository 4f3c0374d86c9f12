package orders

import "provisor.dev/provisor/fault"

// rollBack makes what was there before an executed change an exception, and
// writes it: the rules do not write over it until the exception is revoked.
// Whoever calls has seen that nobody moved the value since.
func (a *AssignedResource) rollBack(it *Item, former map[int]Holding, f Facts, o Occasion) error {
	before, known := former[it.ID]
	switch {
	case !known:
		return fault.New(fault.Invalid, string(RollBack), "nobody says what was there before")
	case it.Policy.Released:
		return fault.New(fault.Refused, string(RollBack), "its resource type is no longer declared")
	case it.Property != "" && !a.exists():
		return fault.New(fault.Refused, string(RollBack), "the account is not there")
	case it.Property == "" && before.There:
		return fault.New(fault.Refused, string(RollBack), "an account that was deleted is not brought back: it would be another one")
	case it.Same(before, it.Is) && !it.Unseen():
		return fault.New(fault.Refused, string(RollBack), "it is as it was before: %s", before)
	}
	if err := a.take(it, RollBack, f, o); err != nil {
		return err
	}
	it.rested(o)
	it.except(before, true)
	it.pardon(before)
	it.Before, it.NotBefore, it.Message = it.Is, 0, "rolled back by "+o.Actor
	it.Decision.Correct, it.Decision.Approved, it.Decision.By = true, it.Place == atPending, o.Actor
	return nil
}

// unexcept drops an exception that a person declines before it was written: what
// the rules want counts again, as far as that was not declined too.
func (it *Item) unexcept() {
	if e := it.Decision.Exception; e != nil && it.Same(*e, it.Want) {
		it.Decision.Exception, it.Decision.Against, it.Decision.Frozen = nil, Nothing, false
	}
}

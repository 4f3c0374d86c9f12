package orders

import (
	"reflect"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
)

// New begins the life of an assigned resource that evaluation expects.
func New(id AssignedID, e assignments.ExpectedResource) *AssignedResource {
	return &AssignedResource{ID: id, Type: e.Type, Owner: e.Owner}
}

// Adopt takes over what evaluation computed: the policy of every item, new
// items, and the target where one was found. current is the resource as last
// read (nil: not there) and readAt when that reading began. It reports whether
// anything is different from before; judging is another step.
func (a *AssignedResource) Adopt(e assignments.ExpectedResource, h Handling, current *resources.Resource, readAt Instant) bool {
	before := a.outline()
	if a.denied(e.Target) || a.creating() && e.Confidence < 100 {
		e.Target, current = "", nil
	}
	switch {
	case a.Target == "" && e.Target != "":
		a.Target, a.Confidence = e.Target, e.Confidence
		a.reread(current, readAt)
		for i := range a.Items {
			a.Items[i].Decision.Approved = false // it was given to another change
		}
	case a.Target == e.Target && a.Target != "":
		// What a person confirmed stays confirmed.
		a.Confidence = max(a.Confidence, e.Confidence)
	}
	a.Handling, a.Period, a.Arguments = h, e.Period, e.Arguments
	if len(a.Arguments) == 0 {
		a.Arguments = nil
	}
	changed := len(a.Items) == 0 || !reflect.DeepEqual(before, a.outline())

	// What is expected of an unauthorized account is what was found.
	self := assignments.ExpectedItem{
		Origin: &assignments.Origin{Workflow: e.Workflow, Reasons: e.Reasons, Failed: e.Failed},
		Wanted: e.Wanted || e.Found, Review: e.Review, Period: &e.Period,
	}
	changed = a.adoptItem(self, e, current, readAt) || changed
	seen := map[itemName]bool{{}: true}
	for _, x := range e.Items {
		seen[nameOf(x)] = true
		changed = a.adoptItem(x, e, current, readAt) || changed
	}
	for i := range a.Items {
		it := &a.Items[i]
		if seen[itemName{string(it.Property), it.Link}] {
			continue
		}
		changed = a.abandon(it, e) || changed
	}
	return changed
}

// denied reports whether a person said that this account is somebody else's.
func (a *AssignedResource) denied(target resources.Key) bool {
	return target != "" && len(a.Items) > 0 && a.Items[0].declined(pairing(target))
}

// creating reports whether an account of ours may be on its way: a doubtful
// match has to wait until it is known.
func (a *AssignedResource) creating() bool {
	if a.Target != "" || len(a.Items) == 0 || !a.Items[0].Want.There {
		return false
	}
	self := a.Items[0].Place
	return self.State == Transmitted || self == atExecuted || self == atUnknown
}

// pairing is how the refusal of a match is kept among the declined values.
func pairing(target resources.Key) Holding { return Holding{There: true, Value: linkValue(target)} }

type itemName struct {
	property string
	link     resources.Key
}

func nameOf(x assignments.ExpectedItem) itemName { return itemName{string(x.Property), x.Link} }

// outline is what a change of which has to be stored although no item moved.
func (a *AssignedResource) outline() AssignedResource {
	return AssignedResource{
		Target: a.Target, Confidence: a.Confidence, Handling: a.Handling,
		Period: a.Period, Arguments: a.Arguments,
	}
}

// adoptItem takes over one item's policy.
func (a *AssignedResource) adoptItem(x assignments.ExpectedItem, e assignments.ExpectedResource, current *resources.Resource, readAt Instant) bool {
	policy := Policy{
		Wanted: x.Wanted, Holding: holdingOf(x), Once: x.Once, Compare: x.Compare, Failed: x.Failed,
		Parked: x.Parked, Doubt: x.Doubt, Review: x.Review, Reasons: x.Reasons, Period: x.Lasting(),
	}
	if len(policy.Reasons) == 0 {
		policy.Reasons = nil
	}
	it := a.Find(x.Property, x.Link)
	isNew := it == nil
	if isNew {
		id := 0
		if x.Property != "" {
			id = a.nextItem()
		}
		a.Items = append(a.Items, Item{ID: id, Property: x.Property, Link: x.Link, ReadAt: readAt})
		it = &a.Items[len(a.Items)-1]
		it.Is = it.shownBy(current)
		it.Before = it.Is
	}
	if policy.Workflow = it.Policy.Workflow; isNew || x.Wanted || e.Found {
		// What rules gave once is never found: it is removed when they cease to.
		if now := workflowOf(x, e); !now.Found() || !it.ungiven() {
			policy.Workflow = now // what was there before we began stays so
		}
	}
	if isNew {
		it.Workflow = policy.Workflow
	}
	if x.Failed != "" {
		// The value is not known: what was wanted before goes on being so.
		policy.Holding, policy.Wanted = it.Policy.Holding, it.Policy.Wanted
	}
	if !isNew && reflect.DeepEqual(it.Policy, policy) {
		return false
	}
	it.Policy = policy
	if x.Wanted && !e.Found {
		it.Decision.Refused = false
	}
	if x.Wanted && !it.asks() && !it.Decision.Refused && it.Workflow != assignments.Approved {
		it.Workflow = policy.Workflow
	}
	return true
}

// workflowOf says where evaluation takes an item from.
func workflowOf(x assignments.ExpectedItem, e assignments.ExpectedResource) assignments.Workflow {
	switch {
	case x.Workflow != 0:
		return x.Workflow
	case !x.Wanted && !e.Found:
		return assignments.NonConforming
	}
	return e.Workflow
}

func holdingOf(x assignments.ExpectedItem) Holding {
	if !x.Wanted {
		return Nothing
	}
	if x.Property == "" || x.Link != "" {
		return Present
	}
	return HoldingOf(x.Value)
}

// abandon says that no rule names an item any more. With the account itself
// unwanted or undeclared, its values go with it and are no question of their own.
func (a *AssignedResource) abandon(it *Item, e assignments.ExpectedResource) bool {
	policy := Policy{Compare: it.Policy.Compare, Once: it.Policy.Once, Workflow: it.Policy.Workflow}
	switch {
	case e.Failed != "":
		return false
	case !e.Wanted && it.Is.There:
		policy.Wanted, policy.Holding = true, it.Is
	case e.Wanted && it.Link == "":
		// A value that no rule names is left alone: omitted is not cleared.
		policy.Released = true
	}
	if reflect.DeepEqual(it.Policy, policy) {
		return false
	}
	it.Policy = policy
	return true
}

// Undeclare releases the resource: its type or connector is no longer declared.
// Nothing is removed, and what happens to it is no question any more.
func (a *AssignedResource) Undeclare() bool {
	changed := false
	for i := range a.Items {
		changed = changed || !a.Items[i].Policy.Released
		a.Items[i].Policy.Released = true
	}
	return changed
}

// reread takes what a reading shows for every item that is not on its way.
func (a *AssignedResource) reread(current *resources.Resource, readAt Instant) {
	for i := range a.Items {
		if it := &a.Items[i]; it.Place.State != Transmitted {
			it.Is, it.ReadAt = it.shownBy(current), readAt
			it.Before = it.Is
		}
	}
}

// shownBy returns what a resource holds of the item; nil is an absent resource.
func (it *Item) shownBy(r *resources.Resource) Holding {
	switch {
	case r == nil:
		return Nothing
	case it.Property == "":
		return Present
	case it.Link != "":
		return Holding{There: r.HasLink(it.Property, it.Link)}
	}
	if links := r.Links[it.Property]; len(links) > 0 {
		return HoldingOf(linkValue(links[0]))
	}
	return HoldingOf(r.Value(it.Property))
}

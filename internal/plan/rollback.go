package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// A RollBack says what of some orders can be taken back, and what cannot.
type RollBack struct {
	Orders []orders.OrderID `json:"orders"`
	Cannot []Kept           `json:"cannot,omitempty"`
	// Restore is what applying decides.
	Restore []Restoration `json:"-"`
}

// Kept is a value that stays as it is.
type Kept struct {
	Order  orders.OrderID       `json:"order"`
	Type   roles.ResourceTypeID `json:"type"`
	Owner  resources.Ref        `json:"owner"`
	Name   string               `json:"ownerName,omitempty"`
	Item   string               `json:"item"`
	Before string               `json:"before"`
	Why    string               `json:"why"`
	// Values are what is known of an account that was deleted.
	Values map[string]string `json:"values,omitempty"`
}

// A Restoration is what is to hold in one account again, by item.
type Restoration struct {
	Assigned orders.AssignedID
	Items    []int
	Former   map[int]orders.Holding
}

// A BackProposal names the orders to roll back.
type BackProposal struct {
	Deployed *declare.Configuration
	Orders   []view.OrderDetail
	Day      time.Time
	Now      time.Time
}

// span is what some orders did to one item: from what was there before the first
// to what the last one wrote.
type span struct {
	last         orders.OrderID
	item         int
	name         string
	before, made string
	deleted      bool // the account itself
}

// Back works out the orders that bring back what some orders changed, from what
// was read before they wrote. It changes nothing.
func Back(ctx context.Context, store Store, p BackProposal) (*Plan, error) {
	model := p.Deployed.Model
	known, err := evaluate.Load(ctx, store, model)
	if err != nil {
		return nil, err
	}
	accounts, err := accountsOf(ctx, store, known, p.Orders)
	if err != nil {
		return nil, err
	}
	world := evaluate.NewWorld(model, known.Resources, known.Allocations)
	out := &Plan{Day: p.Day.Format(time.DateOnly), Kinds: map[orders.Kind]int{}, RollBack: &RollBack{}}
	reach, came, pace := newReaching(p.Deployed, p.Day), rolesBefore(known.Assigned), pacing{model: model, by: map[[2]string]*Pace{}}
	where := evaluate.NewWhereabouts(model, p.Deployed.Programs, world)
	occasion := orders.Occasion{Now: p.Now, Actor: "plan", NewOrder: func() orders.OrderID { return -1 }}
	did := spansOf(p.Orders, out.RollBack)
	for _, id := range slices.Sorted(maps.Keys(did)) {
		a := accounts[id]
		if a == nil {
			continue // an order without its account does not exist in a sound store
		}
		if out.RollBack.account(model, world, a, did[id], occasion) {
			out.tell(a, model, world)
			reach.add(a, world, came, where)
			pace.add(a)
		}
	}
	out.Paces, out.Seconds = pace.paces()
	out.sort()
	pending, _ := generate.Pending(known.Assigned)
	held := map[roles.ResourceTypeID]int{}
	countHeld(held, known.Assigned)
	out.Parks = out.tripped(model, pending, held)
	stands := reach.stands(p.Deployed)
	for _, t := range model.Owners() {
		world.Each(t, func(owner *resources.Resource) { stands(world, owner) })
	}
	reach.holders(evaluate.Part{Roles: known.Roles})
	out.Reach = reach.sum()
	slices.SortStableFunc(out.RollBack.Cannot, func(a, b Kept) int { return cmp.Compare(a.Order, b.Order) })
	out.Name = rollingBack + out.hash(fmt.Sprint(p.Deployed.Hash, out.RollBack.Orders))
	return out, nil
}

// accountsOf finds the accounts of the orders, those that are history too.
func accountsOf(ctx context.Context, store Store, known *evaluate.Known, list []view.OrderDetail) (map[orders.AssignedID]*orders.AssignedResource, error) {
	wanted := map[orders.AssignedID]bool{}
	for _, o := range list {
		wanted[o.Assigned] = true
	}
	found := map[orders.AssignedID]*orders.AssignedResource{}
	for _, a := range known.Assigned {
		if wanted[a.ID] {
			found[a.ID] = a
			delete(wanted, a.ID)
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	closed, err := store.Assigned(ctx, stage.AssignedFilter{IDs: slices.Sorted(maps.Keys(wanted)), Closed: true})
	for _, a := range closed {
		found[a.ID] = a
	}
	return found, err
}

// spansOf joins what the orders did, item by item, in the order in which they did it.
func spansOf(list []view.OrderDetail, into *RollBack) map[orders.AssignedID][]span {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b view.OrderDetail) int { return cmp.Compare(a.ID, b.ID) })
	list = slices.CompactFunc(list, func(a, b view.OrderDetail) bool { return a.ID == b.ID })
	did := map[orders.AssignedID][]span{}
	for _, o := range list {
		into.Orders = append(into.Orders, o.ID)
		done := executed(o.Path)
		for _, it := range o.Items {
			if !done[it.Item] || it.Before == it.Proposed {
				continue // nothing was written
			}
			spans := did[o.Assigned]
			i := slices.IndexFunc(spans, func(s span) bool { return s.item == it.Item })
			if i < 0 {
				name := orders.Item{Property: schema.PropertyName(it.Property), Link: resources.Key(it.Link)}.Name()
				spans = append(spans, span{item: it.Item, name: name, before: it.Before})
				i = len(spans) - 1
			}
			spans[i].last, spans[i].made = o.ID, it.Proposed
			spans[i].deleted = it.Property == "" && it.Proposed == orders.Nothing.String()
			did[o.Assigned] = spans
		}
	}
	return did
}

// executed lists the items that reached the system under an order.
func executed(path []view.Step) map[int]bool {
	done := map[int]bool{}
	for _, step := range path {
		from, to, on := orders.Numbered(step.From.Number), orders.Numbered(step.To.Number), orders.Event(step.Event)
		if to == orders.Executed || to == orders.Verified && (on == orders.Done || on == orders.Verify && from == orders.Transmitted) {
			done[step.Item] = true
		}
	}
	return done
}

// account rolls one account back in memory, as far as it can be, and reports
// whether an order follows.
func (r *RollBack) account(m *roles.Model, w *evaluate.World, a *orders.AssignedResource, did []span, o orders.Occasion) bool {
	keep := func(s span, why string) {
		r.Cannot = append(r.Cannot, Kept{
			Order: s.last, Type: a.Type, Owner: a.Owner, Name: displayOf(w, a.Owner), Item: s.name, Before: s.before, Why: why,
		})
	}
	entity, _ := m.Entity(a.Handling.Target)
	// A created account goes with everything in it; of a deleted one nothing is left.
	for _, s := range did {
		if s.deleted && s.before != s.made {
			keep(s, "the account was deleted: it can only be created anew, by giving it to its owner again")
			r.Cannot[len(r.Cannot)-1].Values = valuesOf(a)
			return false
		}
	}
	if i := slices.IndexFunc(did, func(s span) bool { return s.item == 0 }); i >= 0 {
		did = did[i : i+1]
	}
	did = slices.DeleteFunc(did, func(s span) bool { return s.before == s.made }) // back again already
	back := Restoration{Assigned: a.ID, Former: map[int]orders.Holding{}}
	var chosen []span
	for _, s := range did {
		former, err := restorable(a, entity, s)
		if err != nil {
			keep(s, err.Error())
			continue
		}
		back.Items, back.Former[s.item] = append(back.Items, s.item), former
		chosen = append(chosen, s)
	}
	if len(back.Items) == 0 {
		return false
	}
	if err := a.Decide(o, orders.Choice{On: orders.RollBack, Items: back.Items, Former: back.Former}); err != nil {
		for _, s := range chosen {
			keep(s, err.Error())
		}
		return false
	}
	r.Restore = append(r.Restore, back)
	return opened(a) != nil
}

// restorable returns what was there before, or says why it cannot be brought back.
func restorable(a *orders.AssignedResource, entity schema.Entity, s span) (orders.Holding, error) {
	it := a.Item(s.item)
	if it == nil || a.Closed {
		return orders.Nothing, errors.New("the account is not there any more")
	}
	now := it.Is
	if it.Unseen() {
		now = it.Want
	}
	switch {
	case it.Policy.Once:
		return orders.Nothing, errors.New("it is written once, for the life of the account")
	case it.Place.State != orders.Executed && it.Place.State != orders.Verified:
		return orders.Nothing, fmt.Errorf("something is under way or asked about it: %s", it.Place)
	case !sameText(now, s.made):
		return orders.Nothing, fmt.Errorf("it moved since: it holds %s, and the order wrote %s", now, s.made)
	case strings.HasSuffix(s.before, cutMark):
		return orders.Nothing, errors.New("the former value is too long to be kept with the order")
	}
	return holdingOf(entity.Properties[it.Property], it, s.before)
}

// cutMark ends a value that the list of an order's items shows cut.
const cutMark = "…"

// sameText compares a holding with what the list of an order's items shows of it.
func sameText(h orders.Holding, shown string) bool {
	cut, was := strings.CutSuffix(shown, cutMark)
	return h.String() == shown || was && strings.HasPrefix(h.String(), cut)
}

// holdingOf reads a holding as the list of an order's items shows it.
func holdingOf(p schema.Property, it *orders.Item, shown string) (orders.Holding, error) {
	switch {
	case shown == orders.Nothing.String():
		return orders.Nothing, nil
	case it.Property == "" || it.Link != "":
		return orders.Present, nil
	case p.IsLink():
		return orders.HoldingOf(value.OfString(shown)), nil
	}
	v, err := value.Normalize(p.Type, "", shown)
	return orders.HoldingOf(v), err
}

// valuesOf lists what is known of an account that is gone.
func valuesOf(a *orders.AssignedResource) map[string]string {
	values := map[string]string{}
	for i := range a.Items {
		if it := &a.Items[i]; it.Property != "" && it.Is.There {
			values[it.Name()] = it.Is.String()
		}
	}
	return values
}

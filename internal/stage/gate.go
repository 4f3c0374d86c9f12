package stage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// Gates knows what an order may have to wait for. The gates stand in the order
// of the design: switched on, add and remove allowed, the system known, period
// begun, dependencies verified, approved, under the threshold.
type Gates struct {
	Model     *roles.Model
	Parks     map[ParkKey]Park
	Summaries map[resources.Ref][]Summary          // of the same owners
	Owners    map[resources.Ref]resources.Resource // of whom a property has to be filled
	Read      map[schema.EntityType]bool           // what was read completely at least once
	Day       time.Time                            // that the rules are judged on
	Now       time.Time
}

// ThresholdFloor is the size below which percentages say little, and below which
// what a person released is no mass change: what a resource type held before a
// run counts as at least this much.
const ThresholdFloor = 20

// GateStore is what the gates need from the store.
type GateStore interface {
	Parks(ctx context.Context) ([]Park, error)
	LastReadings(ctx context.Context) ([]LastReading, error)
	Summaries(ctx context.Context, owners []resources.Ref) (map[resources.Ref][]Summary, error)
	Owners(ctx context.Context, owners []resources.Ref) (map[resources.Ref]resources.Resource, error)
}

// OpenGates loads what decides whether the orders of a list may go out.
func OpenGates(ctx context.Context, store GateStore, m *roles.Model, list []*orders.AssignedResource, day, now time.Time) (*Gates, error) {
	g := &Gates{Model: m, Parks: map[ParkKey]Park{}, Read: map[schema.EntityType]bool{}, Day: day, Now: now}
	parks, err := store.Parks(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range parks {
		g.Parks[ParkKey{p.Type, p.Kind}] = p
	}
	readings, err := store.LastReadings(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range readings {
		g.Read[r.Entity] = r.Complete.ID != 0
	}
	dependent := map[roles.ResourceTypeID]bool{}
	for id, t := range m.ResourceTypes {
		for _, other := range t.Provisioning.DependsOn {
			dependent[id], dependent[other] = true, true
		}
	}
	var owners, toFill []resources.Ref
	for _, a := range list {
		if dependent[a.Type] {
			owners = append(owners, a.Owner)
		}
		if m.ResourceTypes[a.Type].Provisioning.OwnerProperty != "" && begins(a) {
			toFill = append(toFill, a.Owner)
		}
	}
	if g.Summaries, err = store.Summaries(ctx, owners); err != nil {
		return nil, err
	}
	g.Owners, err = store.Owners(ctx, toFill)
	return g, err
}

// begins tells whether the open order gives somebody an account.
func begins(a *orders.AssignedResource) bool {
	return a.Order != nil && (a.Order.Kind == orders.Addition || a.Order.Kind == orders.Association)
}

// Waits says what the order of an assigned resource waits for before it may be
// collected, "" when every gate is open.
func (g *Gates) Waits(a *orders.AssignedResource) string {
	if a.Order == nil {
		return ""
	}
	t, ok := g.Model.ResourceTypes[a.Type]
	if !ok {
		return "its resource type is not declared"
	}
	for _, gate := range []func(roles.ResourceType, *orders.AssignedResource) string{
		g.switchedOn, g.systemKnown, g.periodBegun, g.dependencies, g.ready, g.threshold,
	} {
		if waits := gate(t, a); waits != "" {
			return waits
		}
	}
	return ""
}

func (g *Gates) switchedOn(t roles.ResourceType, _ *orders.AssignedResource) string {
	switch {
	case !t.Provisioning.Enabled:
		return "provisioning is switched off for " + string(t.ID) + " (provisioning.enabled)"
	case t.Provisioning.Shadow:
		return "shadow mode: orders of " + string(t.ID) + " are compared, never sent"
	}
	return ""
}

// systemKnown holds creations until the system was read completely once: people
// may have accounts there already, and would get a second one.
func (g *Gates) systemKnown(t roles.ResourceType, a *orders.AssignedResource) string {
	if a.Order.Kind != orders.Addition || g.Read[t.Target] {
		return ""
	}
	e, _ := g.Model.Entity(t.Target)
	if g.Model.Connectors[e.Connector].Connections[e.Connection].Unsynchronized {
		return ""
	}
	return fmt.Sprintf("the first complete reading of %s, which shows who has an account already", t.Target)
}

func (g *Gates) periodBegun(t roles.ResourceType, a *orders.AssignedResource) string {
	if a.Order.Kind != orders.Addition || a.Period.From.IsZero() || !a.Period.Begins(g.Day.Add(t.Provisioning.LeadTime)) {
		return ""
	}
	return "its period begins on " + a.Period.From.Format(time.DateOnly)
}

// dependencies makes additions wait for what they depend on, and removals for
// what depends on them.
func (g *Gates) dependencies(t roles.ResourceType, a *orders.AssignedResource) string {
	switch a.Order.Kind {
	case orders.Addition, orders.Association:
		for _, id := range t.Provisioning.DependsOn {
			if s, ok := g.of(a.Owner, id); !ok || !s.Present || s.State != orders.Verified {
				return fmt.Sprintf("the owner's %s is not verified yet", id)
			}
		}
		if p := t.Provisioning.OwnerProperty; p != "" {
			if owner, known := g.Owners[a.Owner]; !known || owner.Value(p).IsNull() {
				return fmt.Sprintf("the owner's %s is empty", p)
			}
		}
	case orders.Deletion:
		for _, other := range g.Model.ResourceTypes {
			for _, id := range other.Provisioning.DependsOn {
				if id != t.ID {
					continue
				}
				if s, ok := g.of(a.Owner, other.ID); ok && s.Present && s.State.Open() {
					return fmt.Sprintf("the owner's %s depends on it and is being removed first", other.ID)
				}
			}
		}
	}
	return ""
}

func (g *Gates) of(owner resources.Ref, id roles.ResourceTypeID) (Summary, bool) {
	for _, s := range g.Summaries[owner] {
		if s.Type == id && !s.Closed {
			return s, true
		}
	}
	return Summary{}, false
}

// ready says what keeps an order whose items may all not go out now.
func (g *Gates) ready(t roles.ResourceType, a *orders.AssignedResource) string {
	if ready := a.Ready(g.Now); len(ready) > 0 {
		return g.unnamed(t, a, ready)
	}
	waits := ""
	for _, it := range a.Carried() {
		switch {
		case it.Place.State == orders.Transmitted, it.Place.State == orders.Executed && !it.Policy.Once:
			return "" // it is under way: the state says so
		case it.Place.State == orders.AwaitingApproval:
			waits = "a review"
		case it.Place.State == orders.Pending && it.Policy.Parked != "" && waits == "":
			waits = it.Policy.Parked
		case it.Place.State == orders.Pending && it.NotBefore > orders.At(g.Now) && waits == "":
			waits = "the next attempt at " + it.NotBefore.Time().Format(time.RFC3339)
		case it.Place.State == orders.Errored && waits == "":
			waits = "somebody to retry or decline what failed"
		case it.Place.State == orders.Error && waits == "":
			waits = "a mended rule"
		}
	}
	return waits
}

// unnamed holds the creation of an account whose names do not go with it: if the
// reply were lost, nobody could look it up. That of an account which we deleted
// waits for whoever reads that it is gone: until then it bears the former key.
func (g *Gates) unnamed(t roles.ResourceType, a *orders.AssignedResource, ready []*orders.Item) string {
	switch self := ready[0]; {
	case self.Property != "" || !self.Want.There:
		return ""
	case a.Target != "" && self.Stands():
		return "" // what is there can be looked up
	case self.Is.There:
		return "a reading that shows that the former account is gone"
	}
	e, _ := g.Model.Entity(t.Target)
	names := append([]schema.PropertyName{e.Key}, e.Identify...)
	expected := false
	for i := range a.Items {
		expected = expected || slices.Contains(names, a.Items[i].Property)
	}
	for _, it := range ready {
		if slices.Contains(names, it.Property) {
			return ""
		}
	}
	if !expected {
		return "" // no rule names it; the system does, or nobody can
	}
	return "the values that name the account"
}

// waitsForThreshold is how what a threshold holds begins to say what it waits for.
const waitsForThreshold = "a threshold: "

// HeldByThreshold reports whether an order was found to wait for a threshold.
func HeldByThreshold(o *orders.Order) bool { return strings.HasPrefix(o.Waits, waitsForThreshold) }

// threshold holds what nobody released of a kind that a threshold parked.
func (g *Gates) threshold(t roles.ResourceType, a *orders.AssignedResource) string {
	park, parked := g.Parks[ParkKey{t.ID, a.Order.Kind}]
	if !parked {
		return ""
	}
	for _, it := range a.Ready(g.Now) {
		if it.Place.Mark != orders.Released {
			return waitsForThreshold + park.Why
		}
	}
	return ""
}

// HandlingOf says how a resource type treats its orders. removable is false
// where the owner is gone and orphans are not removed by themselves.
func HandlingOf(m *roles.Model, t roles.ResourceType, removable bool) orders.Handling {
	c, connection := m.Connection(t)
	p := t.Provisioning
	return orders.Handling{
		Connector: c.ID, Connection: p.Connection, Target: t.Target,
		Manual: connection.Manual, Readable: !connection.Unsynchronized,
		Review: p.Review, Add: p.Add, Remove: p.Remove && removable, DiscardManual: p.DiscardManual,
		Attempts: p.Attempts, Validity: p.TransmittedValidity, Settle: p.Settle,
	}
}

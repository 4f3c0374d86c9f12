// Package plan shows what a change would cause before anything is stored: a run
// of evaluate and generate on the proposed configuration or data, thrown away.
//
// The plan and the run call the same pure functions, so they agree by
// construction; what a plan reads from the store it changes only in memory.
package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/generate"
)

// Store is what planning reads from the store. It has nothing that writes.
type Store interface {
	evaluate.Reader
}

// A Proposal is what would change.
type Proposal struct {
	Deployed *declare.Configuration // nil: nothing is deployed yet
	Proposed *declare.Configuration
	// Resources stand in place of what the store holds of their entity types.
	Resources map[schema.EntityType][]resources.Resource
	Day       time.Time
	Now       time.Time
}

// A Plan is what a proposal would cause. Its name is the hash of the proposal
// and of the orders, so that applying can tell whether they are still the same.
type Plan struct {
	Name          string               `json:"name"`
	Day           string               `json:"day"`
	Configuration []declare.Difference `json:"configuration,omitempty"`
	Orders        []Order              `json:"orders"`
	Kinds         map[orders.Kind]int  `json:"kinds,omitempty"`
	Parks         []stage.Park         `json:"parks,omitempty"` // thresholds that would trip
	Released      []Released           `json:"released,omitempty"`
	Findings      []fault.Finding      `json:"findings,omitempty"`
	Allocations   int                  `json:"allocations,omitempty"` // provisional: values would be found when it runs
}

// An Order is one that would be opened or changed.
type Order struct {
	Kind  orders.Kind          `json:"kind"`
	Type  roles.ResourceTypeID `json:"type"`
	Owner resources.Ref        `json:"owner"`
	Name  string               `json:"ownerName,omitempty"`
	State string               `json:"state"`
	Items []Item               `json:"items"`
}

// An Item is one value that would change.
type Item struct {
	Property string `json:"property,omitempty"` // "": the account itself
	Link     string `json:"link,omitempty"`
	LinkName string `json:"linkName,omitempty"` // what people call it
	State    string `json:"state"`
	Before   string `json:"before"`
	After    string `json:"after"`
	Why      string `json:"why"`
}

// Released is an account whose resource type or connector would no longer be
// declared: nothing is removed, and Provisor lets go of it.
type Released struct {
	Type  roles.ResourceTypeID `json:"type"`
	Owner resources.Ref        `json:"owner"`
}

// Make works out what a proposal would cause.
func Make(ctx context.Context, store Store, p Proposal) (*Plan, error) {
	model := p.Proposed.Model
	known, err := evaluate.Load(ctx, store, model)
	if err != nil {
		return nil, err
	}
	for t, list := range p.Resources {
		known.Resources[t] = list
	}
	x := evaluate.Expect(model, p.Proposed.Programs, known, p.Day)
	r, err := judge(model, known, x, p.Now)
	if err != nil {
		return nil, err
	}
	out := &Plan{Day: p.Day.Format(time.DateOnly), Kinds: map[orders.Kind]int{}, Findings: x.Findings, Allocations: len(x.Made)}
	if p.Deployed != nil {
		out.Configuration = declare.Compare(p.Deployed, p.Proposed)
	}
	touched := map[stage.ParkKey]bool{}
	for _, a := range r.moved {
		if len(a.Items) > 0 && a.Items[0].Policy.Released {
			out.Released = append(out.Released, Released{a.Type, a.Owner})
		}
		if !r.raised(a) {
			continue
		}
		o := describe(a, model, x.World)
		out.Orders = append(out.Orders, o)
		out.Kinds[o.Kind]++
		touched[stage.ParkKey{Type: a.Type, Kind: o.Kind}] = true
	}
	pending, _ := generate.Pending(r.all)
	for _, park := range generate.Brake(model, pending, r.held) {
		if touched[stage.ParkKey{Type: park.Type, Kind: park.Kind}] {
			out.Parks = append(out.Parks, park)
		}
	}
	out.sort()
	out.Name = out.hash(p.Proposed.Hash)
	return out, nil
}

// rehearsal is a run of evaluate and generate in memory.
type rehearsal struct {
	all, moved []*orders.AssignedResource
	before     map[orders.AssignedID]version
	held       map[roles.ResourceTypeID]int // before anything is written
}

// judge adopts what is expected and judges it, as a run does, and stores nothing.
func judge(model *roles.Model, known *evaluate.Known, x evaluate.Expectation, now time.Time) (rehearsal, error) {
	r := rehearsal{before: openOrders(known.Assigned), all: known.Assigned}
	next := orders.AssignedID(1) << 40 // numbers of what does not exist yet
	for _, a := range evaluate.Adopt(model, known, x, func() orders.AssignedID { next++; return next }) {
		if a.ID > 1<<40 {
			r.all = append(r.all, a)
		}
	}
	r.held = heldBy(r.all)
	judged, err := generate.Judge(r.all, orders.Occasion{Now: now, Actor: "plan", NewOrder: func() orders.OrderID { return -1 }})
	r.moved = judged.Moved
	return r, err
}

// raised reports whether the run would open an order or change it.
func (r rehearsal) raised(a *orders.AssignedResource) bool {
	return a.Order != nil && a.Order.Closed.IsZero() && r.before[a.ID] != versionOf(a)
}

// heldBy counts what each resource type holds, as the run does once it has
// evaluated: what was found to belong to somebody counts.
func heldBy(list []*orders.AssignedResource) map[roles.ResourceTypeID]int {
	held := map[roles.ResourceTypeID]int{}
	for _, a := range list {
		if !a.Closed && len(a.Items) > 0 && a.Items[0].Is.There {
			held[a.Type]++
		}
	}
	return held
}

type version struct {
	order   orders.OrderID
	version int
}

func versionOf(a *orders.AssignedResource) version { return version{a.Order.ID, a.Order.Version} }

func openOrders(list []*orders.AssignedResource) map[orders.AssignedID]version {
	open := map[orders.AssignedID]version{}
	for _, a := range list {
		if a.Order != nil {
			open[a.ID] = versionOf(a)
		}
	}
	return open
}

// describe writes an order for people: each value with what it replaces and why.
func describe(a *orders.AssignedResource, m *roles.Model, w *evaluate.World) Order {
	o := Order{Kind: a.Order.Kind, Type: a.Type, Owner: a.Owner, State: a.Consolidated().String()}
	if owner, ok := w.Record(a.Owner.Type, a.Owner.Key); ok {
		o.Name = owner.Display
	}
	entity, _ := m.Entity(m.ResourceTypes[a.Type].Target)
	for _, it := range a.Carried() {
		item := Item{
			Property: string(it.Property), Link: string(it.Link), State: it.Place.String(),
			Before: it.Is.String(), After: it.Want.String(), Why: it.Because(),
		}
		if p := entity.Properties[it.Property]; p.IsLink() && it.Link != "" {
			item.LinkName = nameOf(w, p.Link, item.Link)
		} else if p.IsLink() {
			item.Before, item.After = called(w, p.Link, item.Before), called(w, p.Link, item.After)
		}
		o.Items = append(o.Items, item)
	}
	return o
}

// nameOf is what people call a resource, "" when that is its key or nothing is known.
func nameOf(w *evaluate.World, t schema.EntityType, key string) string {
	if r, ok := w.Record(t, resources.Key(key)); ok && r.Display != key {
		return r.Display
	}
	return ""
}

// called puts the name before a key.
func called(w *evaluate.World, t schema.EntityType, key string) string {
	if name := nameOf(w, t, key); name != "" {
		return name + " (" + key + ")"
	}
	return key
}

func (p *Plan) sort() {
	sort.Slice(p.Orders, func(i, j int) bool {
		a, b := p.Orders[i], p.Orders[j]
		switch {
		case a.Kind != b.Kind:
			return a.Kind < b.Kind
		case a.Type != b.Type:
			return a.Type < b.Type
		}
		return a.Owner.String() < b.Owner.String()
	})
	sort.Slice(p.Released, func(i, j int) bool { return p.Released[i].Owner.String() < p.Released[j].Owner.String() })
}

// hash names the plan by its proposal and its orders, and nothing else: that
// unrelated things move does not make it another plan.
func (p *Plan) hash(proposal string) string {
	content, _ := json.Marshal(struct { // strings, numbers and slices of them marshal
		Proposal, Day string
		Orders        []Order
		Parks         []stage.Park
		Released      []Released
	}{proposal, p.Day, p.Orders, p.Parks, p.Released})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

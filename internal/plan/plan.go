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
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
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
	// Decisions stand beside those that were made, in place of those about the
	// same owner, role and parameters.
	Decisions []assignments.RoleDecision
	Day       time.Time
	Today     time.Time // when it is before Day, the plan looks ahead
	Now       time.Time
}

// Options say what a plan is to suppose.
type Options struct {
	Sources   []schema.ConnectorID // read as they are now
	Decisions []assignments.RoleDecision
}

// A Plan is what a proposal would cause. Its name is the hash of the proposal
// and of the orders, so that applying can tell whether they are still the same.
type Plan struct {
	Name          string               `json:"name"`
	Day           string               `json:"day"`
	Ahead         *By                  `json:"ahead,omitempty"` // the day lies in the future
	Decisions     []Supposition        `json:"decisions,omitempty"`
	Configuration []declare.Difference `json:"configuration,omitempty"`
	Orders        []Order              `json:"orders"`
	Kinds         map[orders.Kind]int  `json:"kinds,omitempty"`
	Roles         []RoleChange         `json:"roles,omitempty"`
	People        []PersonRoles        `json:"people,omitempty"`
	Reach         *Reach               `json:"reach,omitempty"`
	Paces         []Pace               `json:"paces,omitempty"`
	Seconds       float64              `json:"seconds,omitempty"` // of the slowest connection
	Parks         []stage.Park         `json:"parks,omitempty"`   // thresholds that would trip
	Released      []Released           `json:"released,omitempty"`
	RollBack      *RollBack            `json:"rollBack,omitempty"`
	Findings      []fault.Finding      `json:"findings,omitempty"`
	Allocations   int                  `json:"allocations,omitempty"` // provisional: values would be found when it runs
}

// The beginnings of names: what only supposes something is applied by nobody, and
// a roll-back is applied otherwise than a configuration.
const (
	supposing   = "if-"
	rollingBack = "back-"
)

// IsSupposition reports whether a plan of this name supposes decisions or another
// day, so that applying it would not make it so.
func IsSupposition(name string) bool { return strings.HasPrefix(name, supposing) }

// IsRollBack reports whether a plan of this name rolls orders back.
func IsRollBack(name string) bool { return strings.HasPrefix(name, rollingBack) }

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
	known.Decided = suppose(known.Decided, p.Decisions)
	before, came := openOrders(known.Assigned), rolesBefore(known.Assigned)
	var ends []Event
	if p.looksAhead() {
		ends = endings(known, p.Today, p.Day)
	}
	x := evaluate.Expect(model, p.Proposed.Programs, known, p.Day)
	all := adopted(model, known, x)
	occasion := orders.Occasion{Now: p.Now, Actor: "plan", NewOrder: func() orders.OrderID { return -1 }}
	judged, err := generate.Judge(all, occasion)
	if err != nil {
		return nil, err
	}
	out := &Plan{
		Day: p.Day.Format(time.DateOnly), Kinds: map[orders.Kind]int{}, Allocations: len(x.Made),
		Findings: append(x.Findings, unavailing(p.Decisions, x.Roles)...),
	}
	for _, d := range p.Decisions {
		out.Decisions = append(out.Decisions, Supposition{d.Owner, roleName(d.Role, d.Parameters), supposed[d.Workflow]})
	}
	if p.Deployed != nil {
		out.Configuration = declare.Compare(p.Deployed, p.Proposed)
	}
	where := evaluate.NewWhereabouts(model, p.Proposed.Programs, x.World)
	if p.looksAhead() {
		out.Ahead = ahead(p, model, x.World, where, ends)
	}
	var raised []*orders.AssignedResource
	for _, a := range judged.Moved {
		if len(a.Items) > 0 && a.Items[0].Policy.Released {
			out.Released = append(out.Released, Released{a.Type, a.Owner})
		}
		if opened(a) != nil && before[a.ID] != versionOf(a) {
			raised = append(raised, a)
		}
	}
	out.roleChanges(known.Roles, x.Roles, x.World)
	reach := newReaching(p.Proposed, x.World, p.Day, came)
	out.tell(raised, reach, where)
	out.Parks = out.tripped(model, all)
	out.Reach = reach.reach(where, known.Roles, x.Roles)
	out.Name = out.hash(p.Proposed.Hash)
	if p.looksAhead() || len(p.Decisions) > 0 {
		out.Name = supposing + out.Name
	}
	return out, nil
}

func (p Proposal) looksAhead() bool { return !p.Today.IsZero() && p.Today.Before(p.Day) }

// adopted brings the assigned resources to what is expected, in memory.
func adopted(model *roles.Model, known *evaluate.Known, x evaluate.Expectation) []*orders.AssignedResource {
	next := orders.AssignedID(1) << 40 // numbers of what does not exist yet
	changed := evaluate.Adopt(model, known, x, func() orders.AssignedID { next++; return next })
	all := known.Assigned
	for _, a := range changed {
		if a.ID > 1<<40 {
			all = append(all, a)
		}
	}
	return all
}

// tell describes the orders, and counts whom they touch and how long they take.
func (p *Plan) tell(raised []*orders.AssignedResource, reach *reaching, where *evaluate.Whereabouts) {
	model := reach.configuration.Model
	pace := pacing{model: model, by: map[[2]string]*Pace{}}
	for _, a := range raised {
		o := describe(a, model, reach.world)
		p.Orders = append(p.Orders, o)
		p.Kinds[o.Kind]++
		reach.add(a, where)
		pace.add(a)
	}
	p.Paces, p.Seconds = pace.paces()
	p.sort()
}

// tripped are the thresholds that the run would trip with orders of the plan.
func (p *Plan) tripped(model *roles.Model, all []*orders.AssignedResource) (parks []stage.Park) {
	touched := map[stage.ParkKey]bool{}
	for _, o := range p.Orders {
		touched[stage.ParkKey{Type: o.Type, Kind: o.Kind}] = true
	}
	pending, _ := generate.Pending(all)
	for _, park := range generate.Brake(model, pending, heldBy(all)) {
		if touched[stage.ParkKey{Type: park.Type, Kind: park.Kind}] {
			parks = append(parks, park)
		}
	}
	return parks
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
			Before: it.Is.String(), After: it.Want.String(), Why: because(it),
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

// because says why an item changes: the rules, or an exception from them.
func because(it *orders.Item) string {
	if it.Decision.Exception != nil && it.Decision.Frozen {
		return "an exception; the rules want " + it.Policy.Holding.String()
	}
	return it.Because()
}

func (p *Plan) sort() {
	sort.SliceStable(p.Orders, func(i, j int) bool {
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
		Decisions     []Supposition
	}{proposal, p.Day, p.Orders, p.Parks, p.Released, p.Decisions})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

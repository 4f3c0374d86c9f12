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
	"slices"
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
	evaluate.PartReader
	EachAssigned(ctx context.Context, f stage.AssignedFilter, do func(*orders.AssignedResource) error) error
	Held(ctx context.Context) (map[roles.ResourceTypeID]int, error)
	RoleHolders(ctx context.Context, list []roles.RoleID) (map[roles.RoleID]int, error)
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

// Make works out what a proposal would cause, some owners after the other. Where
// nothing but rules of roles differs from what is evaluated, only those are looked
// at of whom such a rule says something else.
func Make(ctx context.Context, store Store, p Proposal) (*Plan, error) {
	m := newMaking(p)
	if p.Deployed != nil {
		m.plan.Configuration = declare.Compare(p.Deployed, p.Proposed)
	}
	answer, err := evaluate.Parts(ctx, store, m.question(), m.part)
	if err == nil && answer.Some {
		err = m.others(ctx, store)
	}
	if err != nil {
		return nil, err
	}
	out := m.plan
	out.Allocations, out.Findings = answer.Allocated, append(answer.Findings, m.unavailing...)
	for _, d := range p.Decisions {
		out.Decisions = append(out.Decisions, Supposition{d.Owner, roleName(d.Role, d.Parameters), supposed[d.Workflow]})
	}
	if p.looksAhead() {
		m.ahead.sort()
		out.Ahead = m.ahead
	}
	m.roles.into(out)
	out.Paces, out.Seconds = m.pace.paces()
	out.sort()
	out.Parks = out.tripped(p.Proposed.Model, m.pending, m.held)
	out.Reach = m.reach.sum()
	out.Name = out.hash(p.Proposed.Hash)
	if p.looksAhead() || len(p.Decisions) > 0 {
		out.Name = supposing + out.Name
	}
	return out, nil
}

// question is the proposal as evaluation understands it.
func (m *making) question() evaluate.Question {
	q := evaluate.Question{
		Model: m.Proposed.Model, Programs: m.Proposed.Programs, Day: m.Day, Resources: m.Resources,
		Suppose:  func(made []assignments.RoleDecision) []assignments.RoleDecision { return suppose(made, m.Decisions) },
		Everyone: m.reach.stands(m.Proposed),
	}
	for _, d := range m.Decisions {
		q.Supposed = append(q.Supposed, d.Owner)
	}
	if differ, rulesOnly := roleRules(m.plan.Configuration); m.Deployed != nil && rulesOnly && !m.looksAhead() {
		q.Before = &evaluate.Before{Configuration: m.Deployed.Hash, Model: m.Deployed.Model, Programs: m.Deployed.Programs, Roles: differ}
	}
	return q
}

// roleRules lists the roles of which rules differ; false where anything else does.
func roleRules(list []declare.Difference) (differ []roles.RoleID, only bool) {
	for _, d := range list {
		parts := strings.SplitN(d.Object, ".", 3)
		if len(parts) < 3 || parts[0] != "roles" || !strings.HasPrefix(parts[2], "assign[") {
			return nil, false
		}
		if id := roles.RoleID(parts[1]); !slices.Contains(differ, id) {
			differ = append(differ, id)
		}
	}
	return differ, true
}

// making is a plan on its way: what was counted of the owners so far.
type making struct {
	Proposal
	plan       *Plan
	roles      roleChanges
	reach      *reaching
	pace       pacing
	ahead      *By
	unavailing []fault.Finding
	pending    map[stage.ParkKey]int
	was, held  map[roles.ResourceTypeID]int // what the owners looked at hold, before and after
	next       orders.AssignedID            // numbers of what does not exist yet
	seen       map[resources.Ref]bool
}

// unborn is from where on the numbers of what does not exist yet are.
const unborn = orders.AssignedID(1) << 40

func newMaking(p Proposal) *making {
	return &making{
		Proposal: p, plan: &Plan{Day: p.Day.Format(time.DateOnly), Kinds: map[orders.Kind]int{}}, roles: newRoleChanges(),
		reach: newReaching(p.Proposed, p.Day), pace: pacing{model: p.Proposed.Model, by: map[[2]string]*Pace{}},
		ahead:   &By{Today: p.Today.Format(time.DateOnly)},
		pending: map[stage.ParkKey]int{}, was: map[roles.ResourceTypeID]int{}, held: map[roles.ResourceTypeID]int{}, next: unborn,
		seen: map[resources.Ref]bool{},
	}
}

// part takes some owners into the plan.
func (m *making) part(x evaluate.Part) error {
	model := m.Proposed.Model
	for _, ref := range x.Owners {
		m.seen[ref] = true
	}
	countHeld(m.was, x.Stored)
	before, came := openOrders(x.Stored), rolesBefore(x.Stored)
	var ends []Event
	if m.looksAhead() {
		ends = endings(x, m.Today, m.Day)
	}
	all := m.adopted(&x)
	judged, err := generate.Judge(all, orders.Occasion{Now: m.Now, Actor: "plan", NewOrder: func() orders.OrderID { return -1 }})
	if err != nil {
		return err
	}
	where := evaluate.NewWhereabouts(model, m.Proposed.Programs, x.World)
	if m.looksAhead() {
		m.ahead.add(m.Proposal, x, where, ends)
	}
	m.reach.holders(x)
	for _, a := range judged.Moved {
		if len(a.Items) > 0 && a.Items[0].Policy.Released {
			m.plan.Released = append(m.plan.Released, Released{a.Type, a.Owner})
		}
		if opened(a) != nil && before[a.ID] != versionOf(a) {
			m.plan.tell(a, model, x.World)
			m.reach.add(a, x.World, came, where)
			m.pace.add(a)
		}
	}
	m.roles.add(x)
	m.unavailing = append(m.unavailing, unavailing(m.Decisions, x.Result.Roles)...)
	pending, _ := generate.Pending(all)
	for at, n := range pending {
		m.pending[at] += n
	}
	countHeld(m.held, all)
	return nil
}

// others adds what stays as it is of all who were not looked at.
func (m *making) others(ctx context.Context, store Store) error {
	held, err := store.Held(ctx)
	if err != nil {
		return err
	}
	for t, n := range held {
		m.held[t] += n - m.was[t]
	}
	err = store.EachAssigned(ctx, stage.AssignedFilter{OpenOnly: true}, func(a *orders.AssignedResource) error {
		if !m.seen[a.Owner] {
			pending, _ := generate.Pending([]*orders.AssignedResource{a})
			for at, n := range pending {
				m.pending[at] += n
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	holders, err := store.RoleHolders(ctx, m.reach.roles())
	for role, n := range holders {
		m.reach.all[placed{value: string(role)}] = n + m.reach.gained[role]
	}
	return err
}

// adopted brings the assigned resources of a part to what is expected, in memory.
func (m *making) adopted(x *evaluate.Part) []*orders.AssignedResource {
	changed := x.Adopt(m.Proposed.Model, func() orders.AssignedID { m.next++; return m.next })
	all := x.Stored
	for _, a := range changed {
		if a.ID > unborn {
			all = append(all, a)
		}
	}
	return all
}

func (p Proposal) looksAhead() bool { return !p.Today.IsZero() && p.Today.Before(p.Day) }

// adopted brings the assigned resources to what is expected, in memory.
func adopted(model *roles.Model, known *evaluate.Known, x evaluate.Expectation) []*orders.AssignedResource {
	next := unborn
	changed := evaluate.Adopt(model, known, x, func() orders.AssignedID { next++; return next })
	all := known.Assigned
	for _, a := range changed {
		if a.ID > unborn {
			all = append(all, a)
		}
	}
	return all
}

// tell describes an order.
func (p *Plan) tell(a *orders.AssignedResource, model *roles.Model, w *evaluate.World) {
	o := describe(a, model, w)
	p.Orders = append(p.Orders, o)
	p.Kinds[o.Kind]++
}

// tripped are the thresholds that the run would trip with orders of the plan.
func (p *Plan) tripped(model *roles.Model, pending map[stage.ParkKey]int, held map[roles.ResourceTypeID]int) (parks []stage.Park) {
	touched := map[stage.ParkKey]bool{}
	for _, o := range p.Orders {
		touched[stage.ParkKey{Type: o.Type, Kind: o.Kind}] = true
	}
	for _, park := range generate.Brake(model, pending, held) {
		if touched[stage.ParkKey{Type: park.Type, Kind: park.Kind}] {
			parks = append(parks, park)
		}
	}
	return parks
}

// countHeld counts what each resource type holds, as the run does once it has
// evaluated: what was found to belong to somebody counts.
func countHeld(held map[roles.ResourceTypeID]int, list []*orders.AssignedResource) {
	for _, a := range list {
		if !a.Closed && len(a.Items) > 0 && a.Items[0].Is.There {
			held[a.Type]++
		}
	}
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

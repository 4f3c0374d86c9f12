// Package evaluate is the third stage: from the role model and the resources it
// works out who should have what, each with its reasons.
//
// Evaluate is a pure function of the model, the resources, the decisions and
// the day; it cannot reach a system, so a plan that calls it has no side
// effects. The runner (run.go) loads what it needs, allocates unique values,
// and stores what is expected. A crash leaves the expectations of the last run;
// the next one computes them anew.
package evaluate

import (
	"fmt"
	"sort"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// An Input is everything that evaluation depends on.
type Input struct {
	Model       *roles.Model
	Programs    expression.Programs
	World       *World
	Allocations Allocations
	// Assigned are the resources assigned so far: owners keep their targets.
	Assigned []Assigned
	// Owned stands in place of Assigned where each owner comes with its own: it
	// calls a function for all that is assigned.
	Owned func(func(stage.Ownership))
	// Denied are pairs of owner and target that a person refused; Confirmed those
	// that a person settled.
	Denied    map[Pair]bool
	Confirmed []Pair
	// Decided is what people settled about roles; Prior is which roles the owners
	// had when they were last evaluated.
	Decided map[resources.Ref][]assignments.RoleDecision
	Prior   map[resources.Ref][]assignments.AssignedRole
	// Touched collects the rule lines that held for anybody, when it is not nil.
	Touched map[string]bool
	// Live are resource types of which a person said that what appears from now
	// on was not there before.
	Live map[roles.ResourceTypeID]bool
	// Matched: whose is whose was settled by the last run, and stays so.
	Matched bool
	// Only evaluates this one owner; nil: everybody.
	Only *resources.Ref
	Day  time.Time
}

// Assigned is one resource assigned so far.
type Assigned struct {
	Type   roles.ResourceTypeID
	Owner  resources.Ref
	Target resources.Key
	// Confidence of the match with the target, 100 once it is confirmed.
	Confidence int
	Found      bool // nothing gave it when it was last evaluated
	// Settled: the ownership is out of the question (orders.AssignedResource.Settled).
	Settled bool
	Made    bool          // something of ours may have created it
	Items   []orders.Item // as they stand, for what was found of them
}

// assignedOf is an assigned resource as evaluation sees it.
func assignedOf(a *orders.AssignedResource) Assigned {
	return Assigned{
		Type: a.Type, Owner: a.Owner, Target: a.Target, Confidence: a.Confidence, Found: a.Found(), Settled: a.Settled(), Made: a.Made(), Items: a.Items,
	}
}

// A Pair is a possible ownership.
type Pair struct {
	Type   roles.ResourceTypeID
	Owner  resources.Ref
	Target resources.Key
}

// A Result is what should be.
type Result struct {
	Roles     []assignments.AssignedRole
	Resources []assignments.ExpectedResource
	// Ended was approved for owners whose own time is over: who comes back asks anew.
	Ended []assignments.RoleDecision
	// Allocate are values that have to be allocated before the result is whole.
	Allocate []Request
	Findings []fault.Finding
	again    []resources.Ref // of whom something is found: it is said in every run
	held     []resources.Ref // targets of resource types that match an owner of whom nothing is known now
}

// evaluation is one run: the input with what is derived from it once.
type evaluation struct {
	Input
	programs   map[schema.Expression]*expression.Program
	types      []roles.ResourceTypeID
	roleIDs    []roles.RoleID
	numbered   []*roles.Role // in the order of roleIDs
	ancestry   map[roles.DimensionID]map[resources.Key][]resources.Key
	matches    map[roles.ResourceTypeID]*matcher
	owned      map[pairKey][]Assigned        // by type and owner
	live       map[roles.ResourceTypeID]bool // of which something was assigned before
	owners     map[resources.Ref]bool        // who had something when last evaluated
	hops       hops                          // that expressions follow
	queries    map[string]queryIndex         // by the name of the line
	rules      map[string]*rule              // by the name of the line
	byType     map[roles.ResourceTypeID]*typeRules
	assign     map[roles.RoleID][]*rule
	backward   backward
	triggers   triggers
	singles    []int // the numbers of single roles in roleIDs
	composites []int
	sealed     bool // everything that owners share is there: it is only read from now on
	room       room
	result     *Result
}

// A room is what evaluating one owner takes for a while. The next owner takes it
// again: anew for each it would be most of what an evaluation allocates.
type room struct {
	grants []granted
	roles  map[roles.RoleID][]granted
	may    []bool
	// reasons are those of rules that hold at a place.
	reasons map[reasonAt][]assignments.Reason
	// sections are those of contexts, by the entity type of the owners.
	sections map[schema.EntityType][]roles.Section
	row      *expression.Row // what was read of the owner
}

// empty makes room for the roles of the next owner, and for what grants them.
func (r *room) empty() map[roles.RoleID][]granted {
	r.grants = r.grants[:0]
	if r.roles == nil {
		r.roles = map[roles.RoleID][]granted{}
	}
	clear(r.roles)
	return r.roles
}

type pairKey struct {
	Type  roles.ResourceTypeID
	Owner resources.Ref
}

// Evaluate works out who should have what on a day.
func Evaluate(in Input) Result {
	var all Result
	Stream(in, func(r Result) {
		all.Roles = append(all.Roles, r.Roles...)
		all.Resources = append(all.Resources, r.Resources...)
		all.Ended = append(all.Ended, r.Ended...)
		all.Allocate = append(all.Allocate, r.Allocate...)
		all.Findings = append(all.Findings, r.Findings...)
	})
	return all
}

// prepare derives what every owner needs.
func (e *evaluation) prepare() {
	e.types = sortedTypes(e.Model)
	for id := range e.Model.Roles {
		e.roleIDs = append(e.roleIDs, id)
	}
	sort.Slice(e.roleIDs, func(i, j int) bool { return e.roleIDs[i] < e.roleIDs[j] })
	e.owned = make(map[pairKey][]Assigned, len(e.Assigned))
	e.owners = make(map[resources.Ref]bool, len(e.Assigned))
	for _, a := range e.Assigned {
		e.owned[pairKey{a.Type, a.Owner}] = append(e.owned[pairKey{a.Type, a.Owner}], a)
		e.owners[a.Owner] = true
	}
	e.ancestry = map[roles.DimensionID]map[resources.Key][]resources.Key{}
	e.matches = map[roles.ResourceTypeID]*matcher{}
	e.queries = map[string]queryIndex{}
	e.hops = hopsOf(e.Model, e.programs)
	e.compileRules()
	e.readMatches()
	e.triggers = e.readTriggers()
	for n, id := range e.roleIDs {
		if e.Model.Roles[id].Composite {
			e.composites = append(e.composites, n)
		} else {
			e.singles = append(e.singles, n)
		}
	}
	e.backward = e.readBackward()
	for _, id := range e.types {
		for _, r := range e.Model.ResourceTypes[id].Find {
			if p := e.byType[id].entity.Properties[r.Property]; p.IsLink() {
				e.indexQuery(r, p.Link)
			}
		}
	}
	e.sealed = true
}

// readMatches makes the matchers: what is settled, and the keys of the rest.
func (e *evaluation) readMatches() {
	e.live = map[roles.ResourceTypeID]bool{}
	for _, id := range e.types {
		e.matches[id] = newMatcher(e, e.Model.ResourceTypes[id])
	}
	if e.Matched {
		return
	}
	e.eachOwned(func(o stage.Ownership) {
		e.live[o.Type] = true
		if m := e.matches[o.Type]; m != nil && o.Settled && o.Target != "" {
			m.settle(o.Owner, o.Target)
		}
	})
	for _, id := range e.types {
		e.matches[id].read(e)
	}
}

// eachOwned calls do for all that is assigned.
func (in *Input) eachOwned(do func(stage.Ownership)) {
	if in.Owned != nil {
		in.Owned(do)
		return
	}
	for _, a := range in.Assigned {
		do(stage.Ownership{Type: a.Type, Owner: a.Owner, Target: a.Target, Settled: a.Settled})
	}
}

func sortedTypes(m *roles.Model) []roles.ResourceTypeID {
	ids := make([]roles.ResourceTypeID, 0, len(m.ResourceTypes))
	for id := range m.ResourceTypes {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// sources lists the entity types that own anything, in order.
func (e *evaluation) sources() []schema.EntityType {
	seen := map[schema.EntityType]bool{}
	var all []schema.EntityType
	for _, id := range e.types {
		if t := e.Model.ResourceTypes[id].Source; !seen[t] {
			seen[t] = true
			all = append(all, t)
		}
	}
	for _, id := range e.roleIDs {
		if t := e.Model.Roles[id].Entity; t != "" && !seen[t] {
			seen[t] = true
			all = append(all, t)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}

// owner evaluates one owner: its context, its roles, its accounts.
func (e *evaluation) owner(r *resources.Resource, accounts map[roles.ResourceTypeID][]match) {
	c := e.standingOf(r)
	if c.failed != "" {
		e.failed(r, c.failed)
		return
	}
	c.accounts = accounts
	e.assignRoles(c)
	for _, id := range e.types {
		if t := e.byType[id]; t.Source == r.Type {
			e.accounts(c, t)
		}
	}
}

// failed says of everything an owner has that nothing is known about it now.
func (e *evaluation) failed(r *resources.Resource, message string) {
	e.result.Findings = append(e.result.Findings, fault.Finding{Object: r.String(), What: message, Do: "mend the rule or the value that it read"})
	for _, id := range e.types {
		for _, a := range e.owned[pairKey{id, r.Ref}] {
			e.result.Resources = append(e.result.Resources, assignments.ExpectedResource{
				Type: id, Owner: r.Ref, Target: a.Target, Confidence: a.Confidence, Failed: message,
			})
		}
	}
}

// ownerless says of what was assigned to an owner who is gone, or to nobody,
// that no rule gives it, and finds accounts that never had an owner.
func (e *evaluation) ownerless() {
	e.ownersGone()
	for _, id := range e.types {
		e.matches[id].orphans(e, e.matches[id].loose)
	}
}

// ownersGone says of what was assigned to an owner who is gone that no rule gives it.
func (e *evaluation) ownersGone() {
	for _, a := range e.Assigned {
		if _, declared := e.Model.ResourceTypes[a.Type]; !declared {
			continue // the runner releases what is no longer declared
		}
		if isOrphan(a.Owner) {
			continue // found again below, unless somebody owns it now
		}
		if _, there := e.World.Record(a.Owner.Type, a.Owner.Key); there {
			continue
		}
		e.result.Resources = append(e.result.Resources, assignments.ExpectedResource{
			Type: a.Type, Owner: a.Owner, Target: a.Target, Confidence: a.Confidence,
			Found: a.Found, Workflow: e.workflowOf(a),
			Reasons: []assignments.Reason{{Note: "its owner is gone"}},
		})
	}
}

func (e *evaluation) workflowOf(a Assigned) assignments.Workflow {
	if a.Found {
		return e.foundAs(a.Type)
	}
	return assignments.Calculated
}

// foundAs says where something comes from that no rule gives: it was there
// before Provisor was, until somebody says that all of that was seen; unsaid, as
// long as Provisor writes nothing of the type or never looked at it before. What
// it was first stays with it.
func (e *evaluation) foundAs(t roles.ResourceTypeID) assignments.Workflow {
	if p := e.Model.ResourceTypes[t].Provisioning; e.Live[t] || e.live[t] && p.Enabled && !p.Shadow {
		return assignments.NonConforming
	}
	return assignments.PreExisting
}

// program finds a compiled expression. Every expression of a deployed model
// has one; a missing one is said, never guessed.
func (e *evaluation) program(x schema.Expression) (*expression.Program, error) {
	p, ok := e.programs[x]
	if !ok {
		return nil, fault.New(fault.Internal, "evaluate", "the expression %q at %s:%d was not compiled", x.Text, x.Position.File, x.Position.Line)
	}
	return p, nil
}

// eval computes a value.
func (e *evaluation) eval(x schema.Expression, b expression.Bindings) (value.Value, error) {
	p, err := e.program(x)
	if err != nil {
		return value.Null, err
	}
	return p.Eval(b)
}

// message is what an exception looks like to the integrator.
func message(object string, err error) string { return fmt.Sprintf("%s: %v", object, err) }

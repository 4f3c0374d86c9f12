package evaluate

import (
	"context"
	"errors"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
)

// Reader is what an evaluation reads from the store.
type Reader interface {
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	LastReadings(ctx context.Context) ([]stage.LastReading, error)
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	Decisions(ctx context.Context, kind stage.DecisionKind) ([]stage.Decision, error)
	AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error)
	RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error)
}

// A PartReader reads what an evaluation needs that goes through the owners some at
// a time.
type PartReader interface {
	Reader
	shelves
	EachOwnership(ctx context.Context, do func(stage.Ownership)) error
	EachRoleOwner(ctx context.Context, do func(resources.Ref)) error
	AssignedRolesOf(ctx context.Context, owners []resources.Ref) ([]assignments.AssignedRole, error)
	OwnedBy(ctx context.Context, owners []resources.Ref) ([]stage.Ownership, error)
	ToEvaluate(ctx context.Context) (stage.ToEvaluate, error)
}

// Store is what a run needs from the store.
type Store interface {
	PartReader
	stage.Counters
	Evaluated(ctx context.Context, x stage.ToEvaluate) error
	FoldReadings(ctx context.Context) error
	OwnersOf(ctx context.Context, t roles.ResourceTypeID, entity schema.EntityType, targets []resources.Key) ([]stage.Ownership, error)
	AllocatedTo(ctx context.Context, owner resources.Ref) ([]stage.Decision, error)
	Former(ctx context.Context, entity schema.EntityType, keys []resources.Key) ([]stage.Former, error)
	Decide(ctx context.Context, act journal.Act, list []stage.Decision) error
	DecideRoles(ctx context.Context, act journal.Act, list []assignments.RoleDecision, revoke []stage.AssignedRoleKey) error
	SaveAssignedRoles(ctx context.Context, act journal.Act, put []assignments.AssignedRole, remove []stage.AssignedRoleKey) error
	Save(ctx context.Context, act journal.Act, list []*orders.AssignedResource, also ...stage.Extra) error
}

// Known is everything that an evaluation needs from the store, loaded once.
type Known struct {
	Resources   map[schema.EntityType][]resources.Resource
	ReadAt      map[schema.EntityType]time.Time
	Assigned    []*orders.AssignedResource
	Roles       []assignments.AssignedRole
	Decided     []assignments.RoleDecision
	Allocations Allocations
	Denied      map[Pair]bool
	Confirmed   []Pair
	Live        map[roles.ResourceTypeID]bool
	Touched     map[string]bool // collects rule lines that held; nil: nobody asks
}

// Load reads what evaluation may see.
func Load(ctx context.Context, store Reader, model *roles.Model) (*Known, error) {
	k, err := loadDecided(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, c := range model.Connectors {
		for t := range c.Entities {
			list, err := store.Resources(ctx, t)
			if err != nil {
				return nil, err
			}
			k.Resources[t] = list
		}
	}
	if k.Assigned, err = store.Assigned(ctx, stage.AssignedFilter{}); err != nil {
		return nil, err
	}
	k.Roles, err = store.AssignedRoles(ctx, nil)
	return k, err
}

// loadDecided reads what people and allocations settled, and when was read what.
func loadDecided(ctx context.Context, store Reader) (*Known, error) {
	k := &Known{
		Resources:   map[schema.EntityType][]resources.Resource{},
		Allocations: Allocations{}, Live: map[roles.ResourceTypeID]bool{},
	}
	var err error
	if k.ReadAt, err = readAt(ctx, store); err != nil {
		return nil, err
	}
	if k.Decided, err = store.RoleDecisions(ctx, nil); err != nil {
		return nil, err
	}
	associations, err := loadAssociations(ctx, store)
	if err != nil {
		return nil, err
	}
	k.Denied, k.Confirmed = associations.Denied, associations.Confirmed
	allocations, err := store.Decisions(ctx, stage.Allocation)
	for _, d := range allocations {
		k.Allocations[Subject{string(d.Type), d.Owner.Key, d.Property}] = d.Value
	}
	if err != nil {
		return nil, err
	}
	live, err := store.Decisions(ctx, stage.WentLive)
	for _, d := range live {
		k.Live[d.Type] = true
	}
	return k, err
}

// loadAssociations reads what people said of whose accounts are.
func loadAssociations(ctx context.Context, store Reader) (*Known, error) {
	k := &Known{Denied: map[Pair]bool{}}
	denied, err := store.Decisions(ctx, stage.AssociationDenied)
	if err != nil {
		return nil, err
	}
	for _, d := range denied {
		k.Denied[Pair{d.Type, d.Owner, d.Target}] = true
	}
	confirmed, err := store.Decisions(ctx, stage.AssociationConfirmed)
	for _, d := range confirmed {
		k.Confirmed = append(k.Confirmed, Pair{d.Type, d.Owner, d.Target})
	}
	return k, err
}

// Expectation is what an evaluation found: what should be, and the values that
// it allocated on the way.
type Expectation struct {
	Result
	World *World
	Made  []stage.Decision
}

// Expect evaluates what is known, allocating values where some are missing. It
// changes nothing: a run stores the expectation, a plan shows it.
func Expect(model *roles.Model, programs expression.Programs, k *Known, day time.Time) Expectation {
	in := InputOf(model, programs, k, day)
	in.World = NewWorld(model, k.Resources, k.Allocations)
	var x Expectation
	if made, findings := Allocate(in, OwnRequests(in)); len(made) > 0 || len(findings) > 0 {
		x.keep(&in, made, findings)
		in.World.allocate(made)
	}
	said := x.Findings
	x.Result = Evaluate(in)
	if len(x.Allocate) > 0 {
		made, findings := Allocate(in, x.Allocate)
		x.keep(&in, made, nil)
		said = append(said, findings...)
		x.Result = Evaluate(in)
	}
	x.Findings = append(said, x.Findings...)
	x.World = in.World
	return x
}

// InputOf is what is known in the words of an evaluation, but for the world.
func InputOf(model *roles.Model, programs expression.Programs, k *Known, day time.Time) Input {
	in := Input{
		Model: model, Programs: programs, Allocations: k.Allocations, Denied: k.Denied, Confirmed: k.Confirmed, Live: k.Live, Day: day, Touched: k.Touched,
		Decided: OfOwner(k.Decided, func(d assignments.RoleDecision) resources.Ref { return d.Owner }),
		Prior:   OfOwner(k.Roles, func(a assignments.AssignedRole) resources.Ref { return a.Owner }),
	}
	for _, a := range k.Assigned {
		in.Assigned = append(in.Assigned, assignedOf(a))
	}
	return in
}

// keep makes allocated values known to what follows, and decisions to be stored.
func (x *Expectation) keep(in *Input, made Allocations, findings []fault.Finding) {
	all := make(Allocations, len(in.Allocations)+len(made))
	for subject, v := range in.Allocations {
		all[subject] = v
	}
	for subject, v := range made {
		all[subject] = v
		owner := resources.Ref{Type: schema.EntityType(subject.Of), Key: subject.Owner}
		if t, ok := in.Model.ResourceTypes[roles.ResourceTypeID(subject.Of)]; ok {
			owner.Type = t.Source
		}
		x.Made = append(x.Made, stage.Decision{
			Kind: stage.Allocation, Type: roles.ResourceTypeID(subject.Of), Owner: owner, Property: subject.Property, Value: v,
		})
	}
	in.Allocations = all
	x.Findings = append(x.Findings, findings...)
}

// Adopt brings the assigned resources to what is expected: policies, targets and
// new ones. It returns those that are different from what is stored. newID
// hands out numbers for new ones.
func Adopt(model *roles.Model, k *Known, x Expectation, newID func() orders.AssignedID) []*orders.AssignedResource {
	stored := register(k.Assigned)
	var changed []*orders.AssignedResource
	for _, e := range x.Resources {
		t := model.ResourceTypes[e.Type]
		a := stored.take(e)
		if a == nil {
			a = orders.New(newID(), e)
		}
		_, ownerThere := x.World.Record(e.Owner.Type, e.Owner.Key)
		handling := stage.HandlingOf(model, t, ownerThere || t.Provisioning.RemoveOrphans)
		target := e.Target
		if target == "" {
			target = a.Target
		}
		current, _ := x.World.Record(t.Target, target)
		if a.Adopt(e, handling, current, orders.At(k.ReadAt[t.Target])) {
			changed = append(changed, a)
		}
	}
	for _, list := range stored {
		for _, a := range list {
			if gone(model, a, x.World) {
				changed = append(changed, a)
			}
		}
	}
	return changed
}

// registered finds assigned resources by type and owner.
type registered map[pairKey][]*orders.AssignedResource

func register(list []*orders.AssignedResource) registered {
	r := make(registered, len(list))
	for _, a := range list {
		at := pairKey{a.Type, a.Owner}
		r[at] = append(r[at], a)
	}
	return r
}

// take removes and returns the one that an expectation is about: the one with
// its target or, where there is none, the one that has no target yet. What was
// merely matched before is none that is to be created.
func (r registered) take(e assignments.ExpectedResource) *orders.AssignedResource {
	at := pairKey{e.Type, e.Owner}
	list := r[at]
	i := slices.IndexFunc(list, func(a *orders.AssignedResource) bool { return a.Target == e.Target })
	if i < 0 {
		i = slices.IndexFunc(list, func(a *orders.AssignedResource) bool { return a.Target == "" || e.Target == "" && a.Settled() })
	}
	if i < 0 {
		return nil
	}
	a := list[i]
	r[at] = slices.Delete(slices.Clone(list), i, i+1)
	return a
}

// added counts the numbers that Adopt will ask for.
func added(k *Known, x Expectation) (n int) {
	stored := register(k.Assigned)
	for _, e := range x.Resources {
		if stored.take(e) == nil {
			n++
		}
	}
	return n
}

// gone settles what the evaluation no longer names: what is undeclared is
// released, and so is an account that was proposed to an owner and is no longer;
// a found account that is no longer there, or now is somebody else's, closes.
func gone(model *roles.Model, a *orders.AssignedResource, w *World) bool {
	t, declared := model.ResourceTypes[a.Type]
	if !declared || a.Doubtful() && a.Order != nil {
		return a.Undeclare()
	}
	_, there := w.Record(t.Target, a.Target)
	if a.Order != nil || a.Closed || there && !a.Unauthorized() && !a.Proposed() && !isOrphan(a.Owner) {
		return false
	}
	a.Closed = true
	return true
}

// A Runner evaluates and stores.
type Runner struct {
	Store    Store
	Model    *roles.Model
	Programs expression.Programs
	Clock    func() time.Time
	// Moment is what the time in a workflow state is measured by; the clock when nil.
	Moment func() time.Time
	Actor  journal.Actor
	// Configuration names the deployed one: when it is the same as before, only
	// what changed since is evaluated. "": everybody always is.
	Configuration string
	// Held is how many resources an entity type may have to be held in memory as a
	// whole; 0: as many as fit easily.
	Held int
	// Warm keeps what the next run of this process can use; nil: nothing is kept.
	Warm *Warm
	// Overlooks is what a proof plants: a dependency of which it reports true is
	// missing when a change is followed to whom it concerns. nil: none is.
	Overlooks func(Dependency) bool
}

// A Summary says what a run did.
type Summary struct {
	Everybody bool            `json:"everybody"` // not only whom a change may concern
	Owners    int             `json:"owners"`    // evaluated
	Roles     int             `json:"roles"`     // assigned roles
	Resources int             `json:"resources"` // expected resources
	Changed   int             `json:"changed"`   // of which are different from before
	Allocated int             `json:"allocated"`
	Findings  []fault.Finding `json:"findings,omitempty"`
}

// savedAtOnce is how many assigned resources one transaction writes: people's
// acts wait behind it for a tenth of a second. What is evaluated has no steps to
// write; with those, a quarter of it takes as long.
const savedAtOnce = 2000

// rolesAtOnce is how many assigned roles one transaction writes, for the same reason.
const rolesAtOnce = 5000

// save stores what is expected beside what is known.
func (r *Runner) save(ctx context.Context, day time.Time, k *Known, x Expectation) (Summary, error) {
	act := journal.Act{Actor: r.Actor, Name: "evaluate", Subject: day.Format(time.DateOnly), At: r.Clock()}
	if len(x.Made) > 0 {
		allocate := act
		allocate.Name = "allocate"
		if err := r.Store.Decide(ctx, allocate, x.Made); err != nil {
			return Summary{}, err
		}
	}
	if err := r.saveRoles(ctx, act, k.Roles, x.Roles); err != nil {
		return Summary{}, err
	}
	if err := r.end(ctx, act, x.Ended); err != nil {
		return Summary{}, err
	}
	ids := stage.Numbers(ctx, r.Store, stage.AssignedCounter)
	ids.Prepare(added(k, x)) // exactly, so that the numbers of accounts follow each other
	changed := Adopt(r.Model, k, x, func() orders.AssignedID { return orders.AssignedID(ids.Next()) })
	if err := errors.Join(ids.Err(), x.World.Failed()); err != nil {
		return Summary{}, err
	}
	for start := 0; start < len(changed); start += savedAtOnce {
		if err := r.Store.Save(ctx, act, changed[start:min(start+savedAtOnce, len(changed))]); err != nil {
			return Summary{}, err
		}
	}
	return Summary{
		Roles: len(x.Roles), Resources: len(x.Resources), Changed: len(changed), Allocated: len(x.Made), Findings: x.Findings,
	}, nil
}

// end takes approvals back whose owners' own time is over: somebody who comes
// back later must not find what was approved for another time here.
func (r *Runner) end(ctx context.Context, act journal.Act, ended []assignments.RoleDecision) error {
	if len(ended) == 0 {
		return nil
	}
	keys := make([]stage.AssignedRoleKey, len(ended))
	for i, d := range ended {
		keys[i] = stage.AssignedRoleKey{Owner: d.Owner, Role: d.Role, Parameters: d.Parameters}
	}
	act.Name = "end approved roles"
	return r.Store.DecideRoles(ctx, act, nil, keys)
}

// saveRoles stores the differences of who has which role.
func (r *Runner) saveRoles(ctx context.Context, act journal.Act, stored, expected []assignments.AssignedRole) error {
	put, remove := r.roleChanges(act.At, stored, expected)
	return r.writeRoles(ctx, act, put, remove)
}

// roleChanges compares who has which role with who should.
func (r *Runner) roleChanges(at time.Time, stored, expected []assignments.AssignedRole) (put []assignments.AssignedRole, remove []stage.AssignedRoleKey) {
	before := make(map[stage.AssignedRoleKey]assignments.AssignedRole, len(stored))
	for _, role := range stored {
		before[stage.RoleKeyOf(role)] = role
	}
	moment := at
	if r.Moment != nil {
		moment = r.Moment()
	}
	for _, role := range expected {
		at := stage.RoleKeyOf(role)
		old, ok := before[at]
		if role.Since = old.Since; old.Workflow != role.Workflow || role.Since.IsZero() {
			role.Since = moment
		}
		if !ok || !SameRole(old, role) {
			put = append(put, role)
		}
		delete(before, at)
	}
	for at := range before {
		remove = append(remove, at)
	}
	return put, remove
}

// writeRoles stores them in pieces: what one leaves undone when it fails is found
// again by the next run.
func (r *Runner) writeRoles(ctx context.Context, act journal.Act, put []assignments.AssignedRole, remove []stage.AssignedRoleKey) error {
	for len(put)+len(remove) > 0 {
		p := min(len(put), rolesAtOnce)
		n := min(len(remove), rolesAtOnce-p)
		if err := r.Store.SaveAssignedRoles(ctx, act, put[:p], remove[:n]); err != nil {
			return err
		}
		put, remove = put[p:], remove[n:]
	}
	return nil
}

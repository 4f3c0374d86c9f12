package evaluate

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
)

// A Part is some owners: what is stored of them and what should be. The world
// holds what they need and finds the rest.
type Part struct {
	Owners []resources.Ref
	Stored []*orders.AssignedResource
	Roles  []assignments.AssignedRole // that they have
	World  *World
	ReadAt map[schema.EntityType]time.Time
	Result
}

// Adopt brings what is stored of the part to what is expected, in memory.
func (p *Part) Adopt(model *roles.Model, newID func() orders.AssignedID) []*orders.AssignedResource {
	return Adopt(model, &Known{Assigned: p.Stored, ReadAt: p.ReadAt}, Expectation{Result: p.Result, World: p.World}, newID)
}

// A Question is what an evaluation supposes that stores nothing.
type Question struct {
	Model    *roles.Model
	Programs expression.Programs
	Day      time.Time
	// Resources stand in place of what the store holds of their entity types.
	Resources map[schema.EntityType][]resources.Resource
	// Suppose lays decisions over those that were made, about these owners.
	Suppose  func(made []assignments.RoleDecision) []assignments.RoleDecision
	Supposed []resources.Ref
	// Before is what is deployed, when nothing but rules of some roles differs from it.
	Before *Before
	// Everyone is called for every owner, in a world that holds where it stands.
	Everyone func(*World, *resources.Resource)
}

// Before is a deployed configuration.
type Before struct {
	Configuration string // its name
	Model         *roles.Model
	Programs      expression.Programs
	Roles         []roles.RoleID // of which rules differ
}

// An Answer is what Parts found beside its parts.
type Answer struct {
	Some      bool // only those were evaluated of whom something may be different
	Allocated int  // values that a run would allocate
	Findings  []fault.Finding
}

// Parts evaluates, some owners at a time, hands over what it finds, and stores
// nothing: everybody or, when all is evaluated and only rules of roles differ,
// those of whom such a rule says something else.
func Parts(ctx context.Context, store PartReader, o Question, take func(Part) error) (Answer, error) {
	known, err := loadDecided(ctx, store)
	if err != nil {
		return Answer{}, err
	}
	if o.Suppose != nil {
		known.Decided = o.Suppose(known.Decided)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	q := &round{
		Runner: &Runner{Model: o.Model, Programs: o.Programs}, from: store, take: take, ctx: ctx, stop: stop, known: known,
		seen: map[resources.Ref]bool{},
	}
	if q.matched, err = o.evaluated(ctx, store); err != nil {
		return Answer{}, err
	}
	held := heldAtMost
	if len(o.Resources) > 0 {
		held = math.MaxInt - 1 // links between what is proposed and what is stored are known from both sides
	}
	if err := q.prepare(o.Day, held, o.Resources); err != nil {
		return Answer{}, err
	}
	var who concern
	if q.matched {
		if who = q.concern(o); who == nil {
			q.matched = false
		}
	}
	owners, err := q.everyone(o, who)
	if err == nil && q.matched {
		q.matched, err = q.settled(owners)
	}
	if err != nil {
		return Answer{}, err
	}
	if q.matched {
		q.only = &affected{round: q, owners: owners}
	} else if q.e.Matched {
		if err := q.prepare(o.Day, held, o.Resources); err != nil {
			return Answer{}, err
		}
	}
	err = q.run()
	return Answer{q.matched, q.summary.Allocated, q.summary.Findings}, err
}

// evaluated reports whether everything is evaluated and judged as it was deployed,
// so that only what the question supposes can be different.
func (o *Question) evaluated(ctx context.Context, store PartReader) (bool, error) {
	if o.Before == nil || len(o.Resources) > 0 {
		return false, nil
	}
	unjudged, err := store.Assigned(ctx, stage.AssignedFilter{Unjudged: true, Limit: 1})
	if err != nil || len(unjudged) > 0 {
		return false, err
	}
	todo, err := store.ToEvaluate(ctx)
	same := o.Before.Configuration + " " + o.Day.Format(time.DateOnly) + " "
	return len(todo.Marks)+len(todo.Stale) == 0 && strings.HasPrefix(todo.Basis, same), err
}

// A concern tells whether a rule that differs says something else of an owner.
type concern func(w *World, r *resources.Resource) bool

// concern compares the rules; nil: any owner may be concerned.
func (q *round) concern(o Question) concern {
	var conditions [][2]*expression.Program
	for _, id := range o.Before.Roles {
		was, is := o.Before.Model.Roles[id].Assign, o.Model.Roles[id].Assign
		if len(was) != len(is) {
			return nil
		}
		for i := range was {
			if was[i].Line.Mark == is[i].Line.Mark {
				continue
			}
			// Where nothing but its condition differs, a rule says the same of
			// whomever both conditions hold or neither does.
			old, now := was[i].Line, is[i].Line
			old.When, old.Position, old.Object, old.Mark = now.When, now.Position, now.Object, now.Mark
			if was[i].Line.When.IsZero() || now.When.IsZero() || !reflect.DeepEqual(old, now) {
				return nil
			}
			pair := [2]*expression.Program{o.Before.Programs[was[i].Line.When], o.Programs[now.When]}
			if pair[0] == nil || pair[1] == nil {
				return nil
			}
			conditions = append(conditions, pair)
		}
	}
	return func(w *World, r *resources.Resource) bool {
		b := expression.Bindings{Source: r, Records: w}
		return slices.ContainsFunc(conditions, func(pair [2]*expression.Program) bool {
			was, failedBefore := pair[0].EvalTruth(b)
			is, failedNow := pair[1].EvalTruth(b)
			return failedBefore != nil || failedNow != nil || was != is
		})
	}
}

// everyone walks through all owners and finds those who are concerned.
func (q *round) everyone(o Question, who concern) (map[resources.Ref]bool, error) {
	owners := map[resources.Ref]bool{}
	for _, ref := range o.Supposed {
		owners[ref] = true
	}
	if o.Everyone == nil && (who == nil || len(o.Before.Roles) == 0) {
		return owners, nil
	}
	for _, t := range q.e.sources() {
		q.e.World.eachIn(t, q.e.hops, func(w *World, r *resources.Resource) {
			if o.Everyone != nil {
				o.Everyone(w, r)
			}
			if who != nil && who(w, r) {
				owners[r.Ref] = true
			}
		})
	}
	return owners, q.e.World.failed
}

// settled reports whether nobody doubts what the owners have: what is merely
// proposed is matched anew with everybody.
func (q *round) settled(owners map[resources.Ref]bool) (bool, error) {
	for piece := range slices.Chunk(slices.Collect(maps.Keys(owners)), ownersRead) {
		list, err := q.from.OwnedBy(q.ctx, piece)
		if err != nil || slices.ContainsFunc(list, func(o stage.Ownership) bool { return !o.Settled }) {
			return false, err
		}
	}
	return true, nil
}

package evaluate

import (
	"context"
	"math"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
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
	// Suppose lays decisions over those that were made.
	Suppose func(made []assignments.RoleDecision) []assignments.RoleDecision
}

// Parts evaluates everybody, some owners at a time, hands over what it finds, and
// stores nothing. It says how many values a run would allocate.
func Parts(ctx context.Context, store PartReader, o Question, take func(Part) error) (allocated int, findings []fault.Finding, err error) {
	known, err := loadDecided(ctx, store)
	if err != nil {
		return 0, nil, err
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
	held := heldAtMost
	if len(o.Resources) > 0 {
		held = math.MaxInt - 1 // links between what is proposed and what is stored are known from both sides
	}
	if err := q.prepare(o.Day, held, o.Resources); err != nil {
		return 0, nil, err
	}
	err = q.run()
	return q.summary.Allocated, q.summary.Findings, err
}

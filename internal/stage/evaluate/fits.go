package evaluate

import (
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
)

// StandingOf says in which days an owner can have anything, and where it stands:
// the same reading of the context as an evaluation's. The world need hold no more
// than what the context's expressions reach.
func StandingOf(model *roles.Model, programs expression.Programs, world *World, owner resources.Ref, day time.Time) (requests.Standing, error) {
	r, ok := world.Record(owner.Type, owner.Key)
	if !ok {
		return requests.Standing{}, fault.New(fault.NotFound, "read the context", "%s is not there", owner)
	}
	e := &evaluation{Input: Input{Model: model, Programs: programs, World: world, Day: day}, programs: programs, result: &Result{}}
	c := e.standingOf(r)
	if c.failed != "" {
		return requests.Standing{}, fault.New(fault.Unavailable, "read the context", "of %s nothing is known: %s", owner, c.failed)
	}
	s := requests.Standing{Period: c.period, Excluded: c.excluded || len(c.places) == 0, Places: map[roles.DimensionID][]resources.Key{}}
	for _, p := range c.places {
		for id, at := range p.at {
			s.Places[id] = append(s.Places[id], at.Key)
		}
	}
	return s, nil
}

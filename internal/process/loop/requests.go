package loop

import (
	"context"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/review"
)

const (
	// hopsMax and neighboursMax bound what is loaded to read one owner's context:
	// paths of a context are a link or two, and nobody stands in hundreds of places.
	hopsMax       = 4
	neighboursMax = 500
)

// RequestDesk is where people ask for roles and decide what others asked for.
func (e *Engine) RequestDesk(ctx context.Context) (*review.RequestDesk, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return e.requestDesk(c), nil
}

func (e *Engine) requestDesk(c *declare.Configuration) *review.RequestDesk {
	return &review.RequestDesk{
		Store: e.DB, Model: c.Model, Clock: e.Clock, Moment: e.Moment, Actor: e.Actor,
		Named: func(ctx context.Context, t schema.EntityType, text string) ([]resources.Key, error) {
			found, err := e.Views().Resolve(ctx, string(t), text)
			keys := make([]resources.Key, len(found))
			for i, o := range found {
				keys[i] = resources.Key(o.Key)
			}
			return keys, err
		},
		Found: func(ctx context.Context, as journal.Actor, c review.RoleChoice) error {
			_, err := (&review.Desk{Store: e.DB, Clock: e.Clock, Actor: as}).DecideRole(ctx, c)
			return err
		},
		Standing: func(ctx context.Context, owner resources.Ref) (requests.Standing, error) {
			near, err := e.neighbours(ctx, c.Model, owner)
			if err != nil {
				return requests.Standing{}, err
			}
			decided, err := e.AllocatedTo(ctx, owner)
			if err != nil {
				return requests.Standing{}, err
			}
			allocated := evaluate.Allocations{}
			for _, x := range decided {
				allocated[evaluate.Subject{Of: string(x.Type), Owner: x.Owner.Key, Property: x.Property}] = x.Value
			}
			return evaluate.StandingOf(c.Model, c.Programs, evaluate.NewWorld(c.Model, near, allocated), owner, e.Day())
		},
	}
}

// neighbours loads an owner with what its links lead to, a few hops far, and
// with what leads to it: as much as a context can read.
func (e *Engine) neighbours(ctx context.Context, m *roles.Model, owner resources.Ref) (map[schema.EntityType][]resources.Resource, error) {
	near := map[schema.EntityType][]resources.Resource{}
	seen := map[resources.Ref]bool{owner: true}
	ring, count := []resources.Ref{owner}, 0
	for hop := 0; hop <= hopsMax && len(ring) > 0; hop++ {
		var next []resources.Ref
		for _, ref := range ring {
			r, there, err := e.Resource(ctx, ref)
			if err != nil {
				return nil, err
			}
			if count++; !there || count > neighboursMax {
				continue
			}
			near[ref.Type] = append(near[ref.Type], r)
			linked, err := e.linked(ctx, m, r, hop == 0)
			if err != nil {
				return nil, err
			}
			for _, far := range linked {
				if !seen[far] {
					seen[far] = true
					next = append(next, far)
				}
			}
		}
		ring = next
	}
	return near, nil
}

// linked lists what a resource's links lead to; those that the other side stores
// only where they are asked for.
func (e *Engine) linked(ctx context.Context, m *roles.Model, r resources.Resource, inverses bool) ([]resources.Ref, error) {
	entity, _ := m.Entity(r.Type)
	var list []resources.Ref
	for _, name := range entity.Names() {
		p := entity.Properties[name]
		if !p.IsLink() {
			continue
		}
		for _, key := range r.Links[name] {
			list = append(list, resources.Ref{Type: p.Link, Key: key})
		}
		if !inverses || p.Inverse == "" {
			continue
		}
		keys, err := e.LinkedFrom(ctx, p.Link, p.Inverse, r.Key)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			list = append(list, resources.Ref{Type: p.Link, Key: key})
		}
	}
	return list, nil
}

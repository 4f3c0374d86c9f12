package evaluate

import (
	"context"
	"slices"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// heldAtMost is how many resources of an entity type are held in memory as a
// whole: some twenty megabytes.
const heldAtMost = 10_000

// shelves is where the store keeps resources.
type shelves interface {
	IsLarge(ctx context.Context, t schema.EntityType, than int) (bool, error)
	ResourcesOf(ctx context.Context, t schema.EntityType, keys []resources.Key) ([]resources.Resource, error)
	ResourcesAfter(ctx context.Context, t schema.EntityType, after resources.Key, limit int) ([]resources.Resource, error)
	LinksTo(ctx context.Context, t schema.EntityType, property schema.PropertyName, targets []resources.Key) (map[resources.Key][]resources.Key, error)
}

// A shelf finds resources in the store.
type shelf struct {
	ctx   context.Context
	store shelves
	model *roles.Model
}

func (s shelf) Of(t schema.EntityType, keys []resources.Key) ([]resources.Resource, error) {
	list, err := s.store.ResourcesOf(s.ctx, t, keys)
	if err != nil {
		return nil, err
	}
	return list, s.inverses(t, list, nil)
}

func (s shelf) After(t schema.EntityType, key resources.Key, limit int) ([]resources.Resource, error) {
	list, err := s.store.ResourcesAfter(s.ctx, t, key, limit)
	if err != nil {
		return nil, err
	}
	return list, s.inverses(t, list, nil)
}

// inverses gives resources of one type the links that the other side stores, but
// for those sides that are known otherwise.
func (s shelf) inverses(t schema.EntityType, list []resources.Resource, known func(schema.EntityType) bool) error {
	entity, _ := s.model.Entity(t)
	for _, name := range entity.Names() {
		p := entity.Properties[name]
		if far, stored := inverseOf(s.model, p); !stored || known != nil && known(far) || len(list) == 0 {
			continue
		}
		keys := make([]resources.Key, len(list))
		for i := range list {
			keys[i] = list[i].Key
		}
		links, err := s.store.LinksTo(s.ctx, p.Link, p.Inverse, keys)
		if err != nil {
			return err
		}
		for i := range list {
			if from := links[list[i].Key]; len(from) > 0 {
				r := &list[i]
				if r.Links == nil {
					r.Links = map[schema.PropertyName][]resources.Key{}
				}
				r.Links[name] = append(r.Links[name], from...)
			}
		}
	}
	return nil
}

// inverseOf is the entity type that stores a link which this side only shows;
// false where this side stores it.
func inverseOf(m *roles.Model, p schema.Property) (schema.EntityType, bool) {
	if !p.IsLink() || p.Inverse == "" {
		return "", false
	}
	far, ok := m.Entity(p.Link)
	if !ok || far.Properties[p.Inverse].Inverse != "" && far.Properties[p.Inverse].Column == "" {
		return "", false
	}
	return p.Link, true
}

// A worldReader reads resources, all of a type or some.
type worldReader interface {
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	shelves
}

// An OwnerReader reads what is near one owner.
type OwnerReader interface {
	worldReader
	AllocatedTo(ctx context.Context, owner resources.Ref) ([]stage.Decision, error)
	// Bearers returns who bears an identifier or name that is written like this,
	// in whatever case.
	Bearers(ctx context.Context, t schema.EntityType, text string) ([]resources.Key, error)
}

// WorldNear returns the world as one owner's questions need it: entity types with
// more than held resources are never read as a whole, but resource by resource as
// links, keys and names lead to them. It is used by one goroutine at a time, and
// Failed says whether the store answered all of it.
func WorldNear(ctx context.Context, from OwnerReader, model *roles.Model, held int) (*World, error) {
	w, err := loadWorld(ctx, from, model, held, Allocations{}, nil)
	if err != nil {
		return nil, err
	}
	w.source = owners{w.source.(shelf), from, w.allocates}
	for t, properties := range w.allocates {
		for _, key := range w.order[t] {
			if err := fillAllocated(ctx, from, w.resources[t][key], properties); err != nil {
				return nil, err
			}
		}
	}
	w.find = func(t schema.EntityType, text string) ([]resources.Key, error) { return from.Bearers(ctx, t, text) }
	return w.layer(), nil
}

// owners finds resources with the values that were allocated to them.
type owners struct {
	shelf
	from      OwnerReader
	allocates map[schema.EntityType][]schema.PropertyName
}

func (s owners) Of(t schema.EntityType, keys []resources.Key) ([]resources.Resource, error) {
	list, err := s.shelf.Of(t, keys)
	for i := range list {
		if err == nil {
			err = fillAllocated(s.ctx, s.from, &list[i], s.allocates[t])
		}
	}
	return list, err
}

func fillAllocated(ctx context.Context, from OwnerReader, r *resources.Resource, properties []schema.PropertyName) error {
	if len(properties) == 0 {
		return nil
	}
	list, err := from.AllocatedTo(ctx, r.Ref)
	for _, d := range list {
		if slices.Contains(properties, d.Property) {
			setValue(r, d.Property, d.Value)
		}
	}
	return err
}

// loadWorld holds entity types with few resources as a whole, and finds the
// others in the store. Dimensions are always held: their hierarchies are walked.
// Resources that stand in place of those in the store are held as a whole too.
func loadWorld(ctx context.Context, from worldReader, model *roles.Model, held int, allocated Allocations, instead map[schema.EntityType][]resources.Resource) (*World, error) {
	s := shelf{ctx, from, model}
	var walked []schema.EntityType
	for _, d := range model.Dimensions {
		walked = append(walked, d.Entity)
	}
	all := map[schema.EntityType][]resources.Resource{}
	large := map[schema.EntityType]bool{}
	for _, c := range model.Connectors {
		for t := range c.Entities {
			if list, proposed := instead[t]; proposed {
				all[t] = list
				continue
			}
			is, err := from.IsLarge(ctx, t, held)
			if err != nil {
				return nil, err
			}
			if large[t] = is && !slices.Contains(walked, t); large[t] {
				continue
			}
			if all[t], err = from.Resources(ctx, t); err != nil {
				return nil, err
			}
		}
	}
	for t, list := range all {
		if err := s.inverses(t, list, func(far schema.EntityType) bool { return !large[far] }); err != nil {
			return nil, err
		}
	}
	w := NewWorld(model, all, allocated)
	w.source = s
	return w, nil
}

package synchronize

import (
	"context"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// layers are names of which the first that knows a text decides.
type layers []stage.Names

// Named returns the resource that a text names.
func (l layers) Named(t schema.EntityType, text string) (resources.Key, bool) {
	for _, names := range l {
		if key, ok := names.Named(t, text); ok {
			return key, true
		}
	}
	return "", false
}

// missing is what is known of an entity type and not in its reading, which is complete.
type missing struct {
	of    *fetched
	list  []*resources.Resource
	names stage.NameIndex
	stays bool // the reading is going to be parked: nothing of it is gone
}

// names knows the resources of every entity type that links lead to: those just
// read, and those known from before that are not proven gone. What was set aside
// is not, nor is anything of a reading that is going to be parked: a person whose
// site has a damaged row, or is lost with half of the sites, stays at that site.
func (r *Runner) names(ctx context.Context, all []*fetched, release bool) (stage.Names, error) {
	index := stage.NameIndex{}
	byType := map[schema.EntityType]*fetched{}
	for _, f := range all {
		byType[f.entity.Type] = f
		for _, object := range f.objects {
			index.Add(f.entity, resources.Key(object.Key), func(p schema.PropertyName) value.Value { return object.Values[string(p)] })
		}
	}
	var lost []*missing
	done := map[schema.EntityType]bool{}
	for _, f := range all {
		for _, p := range f.entity.Properties {
			if !p.IsLink() || done[p.Link] {
				continue
			}
			done[p.Link] = true
			m, err := r.addKnown(ctx, index, p.Link, byType[p.Link])
			if err != nil {
				return nil, err
			}
			if m != nil {
				lost = append(lost, m)
			}
		}
	}
	if release {
		return index, nil // everything that is missing goes
	}
	for _, m := range lost {
		if err := r.keepNamed(ctx, index, all, m); err != nil {
			return nil, err
		}
	}
	return r.unproven(ctx, index, lost)
}

// addKnown adds what the store holds of an entity type; what was just read stays.
// What a complete reading does not hold is returned instead, nil when there is nothing.
func (r *Runner) addKnown(ctx context.Context, index stage.NameIndex, t schema.EntityType, f *fetched) (*missing, error) {
	entity, ok := r.Model.Entity(t)
	if !ok {
		return nil, nil
	}
	if f == nil {
		f = &fetched{entity: entity}
	}
	known, err := r.known(ctx, f)
	if err != nil {
		return nil, err
	}
	complete := f.failed == nil && f.reading.Complete
	aside := map[resources.Key]bool{}
	for _, key := range f.setAside {
		aside[key] = true
	}
	m := &missing{of: f, names: stage.NameIndex{}}
	for i := range known {
		switch key := known[i].Key; {
		case !complete || aside[key]:
			index.Add(entity, key, known[i].Value)
		case !index.Holds(t, key):
			m.names.Add(entity, key, known[i].Value)
			m.list = append(m.list, &known[i])
		}
	}
	if len(m.list) == 0 {
		return nil, nil
	}
	return m, nil
}

// keepNamed takes out of what is missing the reference data that rows still
// name: a department cannot be gone while people are in it. Of accounts and their
// owners absence means what it says.
func (r *Runner) keepNamed(ctx context.Context, index stage.NameIndex, all []*fetched, m *missing) error {
	e := m.of.entity
	if !r.reference(e.Type) {
		return nil
	}
	named := map[resources.Key]bool{}
	if err := r.namedHere(ctx, e.Type, named); err != nil {
		return err
	}
	for _, f := range all {
		for _, p := range f.entity.Properties {
			if p.Link != e.Type || p.Inverse != "" {
				continue
			}
			if p.Editable {
				if _, err := r.known(ctx, f); err != nil { // loads the edits
					return err
				}
			}
			for _, edited := range f.edits {
				for _, key := range edited[p.Name].Links {
					named[key] = true
				}
			}
			for _, object := range f.objects {
				for _, text := range object.Links[string(p.Name)] {
					if key, ok := m.names.Named(e.Type, text); ok {
						named[key] = true
					}
				}
			}
			if f.failed == nil && f.reading.Complete {
				continue
			}
			known, err := r.known(ctx, f)
			if err != nil {
				return err
			}
			for i := range known {
				for _, key := range known[i].Links[p.Name] {
					named[key] = true
				}
			}
		}
	}
	m.names = stage.NameIndex{}
	for _, lost := range m.list {
		if !named[lost.Key] {
			m.names.Add(e, lost.Key, lost.Value)
			continue
		}
		index.Add(e, lost.Key, lost.Value)
		m.of.kept = append(m.of.kept, lost.Key)
	}
	return nil
}

// namedHere adds what resources that live in Provisor alone name: no reading
// holds them, and they are in their departments all the same.
func (r *Runner) namedHere(ctx context.Context, t schema.EntityType, named map[resources.Key]bool) error {
	for _, c := range r.Model.Connectors {
		for _, e := range c.Entities {
			if !r.Model.Kept(e.Type) {
				continue
			}
			for _, p := range e.Properties {
				if p.Link != t || p.Inverse != "" {
					continue
				}
				list, err := r.Store.Resources(ctx, e.Type)
				if err != nil {
					return err
				}
				for i := range list {
					for _, key := range list[i].Links[p.Name] {
						named[key] = true
					}
				}
			}
		}
	}
	return nil
}

// reference reports whether an entity type is there for others to refer to: it
// owns no accounts and is none.
func (r *Runner) reference(t schema.EntityType) bool {
	for _, rt := range r.Model.ResourceTypes {
		if rt.Source == t || rt.Target == t {
			return false
		}
	}
	return true
}

// managed reports whether resources of an entity type are what Provisor writes.
func (r *Runner) managed(t schema.EntityType) bool {
	for _, rt := range r.Model.ResourceTypes {
		if rt.Target == t {
			return true
		}
	}
	return false
}

// unproven adds what is missing from readings that are going to be parked. Which
// those are depends on the links, and so on what is missing: a reading that is
// parked although nothing else were gone is so for certain; others follow as
// long as what really goes makes them trip.
func (r *Runner) unproven(ctx context.Context, index stage.NameIndex, lost []*missing) (stage.Names, error) {
	names := layers{index}
	for _, m := range lost {
		names = append(names, m.names)
	}
	for tripped := len(lost) > 0; tripped; {
		tripped = false
		next := layers{index}
		for _, m := range lost {
			if !m.stays {
				known, err := r.known(ctx, m.of)
				if err != nil {
					return nil, err
				}
				why, err := r.brake(ctx, m.of.entity, r.compare(m.of, known, names), names)
				if err != nil {
					return nil, err
				}
				m.stays = why != ""
				tripped = tripped || m.stays
			}
			if m.stays {
				next = append(next, m.names)
			}
		}
		tripped = tripped || len(next) < len(names)
		names = next
	}
	return names, nil
}

// known returns what the store holds of an entity type.
func (r *Runner) known(ctx context.Context, f *fetched) ([]resources.Resource, error) {
	if f.loaded {
		return f.known, nil
	}
	known, err := r.Store.Resources(ctx, f.entity.Type)
	if err != nil {
		return nil, err
	}
	if f.edits, err = r.edits(ctx, f.entity); err != nil {
		return nil, err
	}
	f.known, f.loaded = known, true
	return known, nil
}

// edits returns what people wrote beside the source, of the properties that may
// still be edited.
func (r *Runner) edits(ctx context.Context, e schema.Entity) (resources.Edits, error) {
	if len(e.Editable()) == 0 {
		return nil, nil
	}
	all, err := r.Store.Edits(ctx, e.Type)
	for _, edited := range all {
		for p := range edited {
			if !e.Properties[p].Editable {
				delete(edited, p)
			}
		}
	}
	return all, err
}

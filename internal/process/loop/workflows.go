package loop

import (
	"context"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/repository"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

// WorkflowDesk is where people change identity data and decide what others
// started.
func (e *Engine) WorkflowDesk(ctx context.Context) (*review.WorkflowDesk, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return &review.WorkflowDesk{
		Store: e.DB, Model: c.Model, Programs: c.Programs, Day: e.Day(), Clock: e.Clock, Actor: e.Actor,
		Named: func(ctx context.Context, t schema.EntityType, text string) ([]resources.Key, error) {
			found, err := e.Views().Resolve(ctx, string(t), text)
			keys := make([]resources.Key, len(found))
			for i, o := range found {
				keys[i] = resources.Key(o.Key)
			}
			return keys, err
		},
		Allocate: func(ctx context.Context, r *resources.Resource, p schema.Property) (value.Value, error) {
			return evaluate.AllocateKey(ctx, e.DB, c.Model, c.Programs, r, p)
		},
	}, nil
}

// withStore hands the store to the package that reads it.
func withStore(db *statement.DB, packages []connector.Package) []connector.Package {
	list := make([]connector.Package, len(packages))
	for i, p := range packages {
		if list[i] = p; p.Name == repository.Name {
			list[i] = repository.Package(shelf{db})
		}
	}
	return list
}

// shelf is the store as the package repository reads it.
type shelf struct{ db *statement.DB }

// Objects returns a page of what the store holds of an entity type.
func (s shelf) Objects(ctx context.Context, entity, after string, limit int) (list []connector.Object, err error) {
	all, err := s.db.Resources(ctx, schema.EntityType(entity))
	for _, r := range all {
		if string(r.Key) > after && len(list) < limit {
			list = append(list, objectOf(r))
		}
	}
	return list, err
}

// Object returns one resource of the store.
func (s shelf) Object(ctx context.Context, entity, key string) (connector.Object, bool, error) {
	r, ok, err := s.db.Resource(ctx, resources.Ref{Type: schema.EntityType(entity), Key: resources.Key(key)})
	return objectOf(r), ok, err
}

func objectOf(r resources.Resource) connector.Object {
	o := connector.Object{Key: string(r.Key), Values: map[string]value.Value{}, Links: map[string][]string{}}
	for name, v := range r.Values {
		o.Values[string(name)] = v
	}
	for name, keys := range r.Links {
		for _, key := range keys {
			o.Links[string(name)] = append(o.Links[string(name)], string(key))
		}
	}
	return o
}

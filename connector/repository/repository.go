// Package repository is the connection of entity types that live in Provisor
// alone: people without a personnel system, departments that nobody else keeps.
// People create and change them through workflows.
//
// It promises that nothing is read from outside: a reading shows what the store
// holds, complete by construction, and the engine never asks for one. Nothing is
// written through it: a change without its form, its approval and its journal
// entry would be one that nobody answers for. Whoever runs connections hands in
// the store; without one only configurations can be checked. It keeps no state,
// so a crash leaves nothing behind.
package repository

import (
	"context"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// Name is the word of the configuration.
const Name = "repository"

// A Store holds the resources that live in Provisor.
type Store interface {
	// Objects returns the objects of an entity type whose keys come after one, in
	// the order of their keys, at most limit of them.
	Objects(ctx context.Context, entity, after string, limit int) ([]connector.Object, error)
	// Object returns one object; ok is false when it is not there.
	Object(ctx context.Context, entity, key string) (object connector.Object, ok bool, err error)
}

// Package returns the connector package repository over a store; nil where none
// is open.
func Package(store Store) connector.Package {
	return connector.Package{
		Name:       Name,
		About:      "Keeps resources in Provisor alone; people change them through workflows.",
		Class:      connector.ReadOnly,
		Repository: true,
		Open: func(context.Context, connector.Settings) (connector.System, error) {
			if store == nil {
				return nil, fault.New(fault.Unavailable, "open repository", "no store is open")
			}
			return system{store}, nil
		},
	}
}

type system struct{ store Store }

// Describe says what can be asked.
func (system) Describe(context.Context) (connector.Description, error) {
	return connector.Description{Product: "Provisor", Can: connector.Abilities{Read: true, Lookup: true, FreshLookup: true}}, nil
}

// Read returns what the store holds, page by page.
func (s system) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	limit := max(req.Limit, 1)
	list, err := s.store.Objects(ctx, req.Shape.Entity, req.Cursor, limit+1)
	if err != nil {
		return connector.ReadPage{}, err
	}
	if len(list) <= limit {
		return connector.ReadPage{Objects: list, Complete: true}, nil
	}
	return connector.ReadPage{Objects: list[:limit], Cursor: list[limit-1].Key}, nil
}

// Lookup finds an object by its key: nobody creates through the connection, so
// nobody looks for what has no key yet.
func (s system) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	object, ok, err := s.store.Object(ctx, req.Shape.Entity, req.Key)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "look up "+req.Shape.Entity, "nothing has the key %q", req.Key)
	}
	return object, err
}

// Apply refuses every item.
func (system) Apply(_ context.Context, change connector.Change) connector.Outcome {
	return connector.All(change, connector.ItemOutcome{
		Effect: connector.None, Permanent: true,
		Err: "identity data is changed by workflows: start one with `provisor workflow start`",
	})
}

// Close has nothing to give up.
func (system) Close() error { return nil }

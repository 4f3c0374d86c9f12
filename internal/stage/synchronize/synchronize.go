// Package synchronize is the second stage: it reads the managed systems and
// keeps what they hold as resources.
//
// Every entity type is read whole (collect), compared with what is known,
// braked where too much would change, and committed. Absence is proven only by
// a complete reading: an incomplete one adds and changes, and removes nothing.
// A crash leaves a reading that runs; the next one takes its place.
package synchronize

import (
	"context"
	"fmt"
	"sort"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
)

// Store is what synchronizing needs from the store.
type Store interface {
	BeginReading(ctx context.Context, r resources.Reading) (resources.ReadingID, error)
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	CommitReading(ctx context.Context, act journal.Act, r resources.Reading, changes stage.Changes) error
	Edits(ctx context.Context, t schema.EntityType) (resources.Edits, error)
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	EndReading(ctx context.Context, act journal.Act, r resources.Reading, findings []fault.Finding) error
}

// A Runner reads systems.
type Runner struct {
	Store    Store
	Systems  stage.Systems
	Model    *roles.Model
	Programs expression.Programs
	Clock    func() time.Time
	Actor    journal.Actor
	Progress func(entity schema.EntityType, read int) // may be nil
}

// Options choose what is read.
type Options struct {
	Connectors []schema.ConnectorID // all when empty
	Release    bool                 // commit although a threshold trips
}

// An Outcome is what became of the reading of one entity type.
type Outcome struct {
	Reading  resources.Reading
	Findings []fault.Finding
}

const (
	pageRows = 1000
	// findingsMax keeps a broken file from filling the store; the rest is counted.
	findingsMax = 200
)

// fetched is one entity type as its system showed it.
type fetched struct {
	entity   schema.Entity
	reading  resources.Reading
	objects  []connector.Object
	setAside []resources.Key
	findings []fault.Finding
	failed   error
	known    []resources.Resource // what the store holds, once it is loaded
	loaded   bool
	edits    resources.Edits // what people wrote beside the source, loaded with known
	kept     []resources.Key // missing from it, and still named by others
}

// Run reads the chosen connectors. What one system refuses stops no other; the
// outcomes say what became of each reading.
func (r *Runner) Run(ctx context.Context, o Options) ([]Outcome, error) {
	var all []*fetched
	for _, e := range r.entities(o.Connectors) {
		f, err := r.fetch(ctx, e)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	names, err := r.names(ctx, all, o.Release)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, 0, len(all))
	for _, f := range all {
		out, err := r.commit(ctx, f, names, o.Release)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, out)
	}
	return outcomes, nil
}

// entities lists what can be read of the chosen connectors, in order.
func (r *Runner) entities(chosen []schema.ConnectorID) []schema.Entity {
	wanted := map[schema.ConnectorID]bool{}
	for _, id := range chosen {
		wanted[id] = true
	}
	var list []schema.Entity
	for id, c := range r.Model.Connectors {
		if len(chosen) > 0 && !wanted[id] {
			continue
		}
		for _, e := range c.Entities {
			if connection, ok := c.Connections[e.Connection]; ok && !connection.Unsynchronized && !connection.Manual && !connection.Repository {
				list = append(list, e)
			}
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Connector != list[j].Connector {
			return list[i].Connector < list[j].Connector
		}
		return list[i].Type < list[j].Type
	})
	return list
}

// fetch reads every page of one entity type. Only a store that fails is an error.
func (r *Runner) fetch(ctx context.Context, e schema.Entity) (*fetched, error) {
	f := &fetched{entity: e, reading: resources.Reading{
		Connector: e.Connector, Entity: e.Type, Began: r.Clock(), State: resources.Running,
	}}
	id, err := r.Store.BeginReading(ctx, f.reading)
	if err != nil {
		return nil, err
	}
	f.reading.ID = id
	r.read(ctx, f)
	return f, nil
}

// read takes every page; what fails is kept with what was fetched.
func (r *Runner) read(ctx context.Context, f *fetched) {
	e := f.entity
	system, err := r.Systems.System(ctx, e.Connector, e.Connection)
	if err != nil {
		f.failed = err
		return
	}
	shape := stage.ShapeOf(r.Model, e)
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, err := system.Read(ctx, connector.ReadRequest{Shape: shape, Cursor: cursor, Limit: pageRows})
		if err != nil {
			f.failed = err
			return
		}
		f.take(page, seen)
		f.reading.Complete = page.Complete
		if r.Progress != nil {
			r.Progress(e.Type, len(f.objects))
		}
		if page.Complete || page.Cursor == "" {
			return
		}
		if page.Cursor == cursor {
			f.failed = fault.New(fault.Invalid, "read", "the system returns the same page again")
			return
		}
		cursor = page.Cursor
	}
}

// take adds a page; a row without a key and a second row with the same key are set aside.
func (f *fetched) take(page connector.ReadPage, seen map[string]bool) {
	for _, key := range page.SetAside {
		f.setAside = append(f.setAside, resources.Key(key))
	}
	f.findings = append(f.findings, page.Findings...)
	for _, object := range page.Objects {
		switch {
		case object.Key == "":
			f.findings = append(f.findings, fault.Finding{Object: string(f.entity.Type), What: "an object without a key was set aside"})
		case seen[object.Key]:
			f.setAside = append(f.setAside, resources.Key(object.Key))
			f.findings = append(f.findings, fault.Finding{
				Object: string(f.entity.Type), What: fmt.Sprintf("the key %s was read twice; the second object was set aside", object.Key),
				Do: "choose a key that is unique in the system",
			})
		default:
			seen[object.Key] = true
			f.objects = append(f.objects, object)
		}
	}
	if len(f.findings) > findingsMax {
		f.findings = f.findings[:findingsMax]
	}
}

// commit compares a reading with what is known and keeps it, unless it failed
// or a threshold trips: then everything stays as it was.
func (r *Runner) commit(ctx context.Context, f *fetched, names stage.Names, release bool) (Outcome, error) {
	act := journal.Act{
		Actor: r.Actor, Name: "synchronize", At: r.Clock(),
		Subject: string(f.entity.Connector) + " " + string(f.entity.Type),
	}
	if f.failed != nil {
		f.reading.State, f.reading.Why, f.reading.Ended = resources.Failed, f.failed.Error(), r.Clock()
		act.Name, act.Why = "synchronization failed", f.reading.Why
		return f.outcome(), r.Store.EndReading(ctx, act, f.reading, f.findings)
	}
	known, err := r.known(ctx, f)
	if err != nil {
		return Outcome{}, err
	}
	f.known, f.loaded = nil, false // a large one is not held until all are committed
	d := r.compare(f, known, names)
	f.findings = append(f.findings, d.findings...)
	f.reading.Counts, f.reading.Ended, f.reading.Findings = d.counts, r.Clock(), len(f.findings)
	act.Detail = d.counts
	tripped, err := r.brake(ctx, f.entity, d, names)
	if err != nil {
		return Outcome{}, err
	}
	if tripped != "" && !release {
		f.reading.State, f.reading.Why = resources.Parked, tripped
		act.Name, act.Why = "synchronization parked", tripped
		return f.outcome(), r.Store.EndReading(ctx, act, f.reading, f.findings)
	}
	f.reading.State = resources.Committed
	identify := append([]schema.PropertyName{f.entity.Key}, f.entity.Identify...)
	err = r.Store.CommitReading(ctx, act, f.reading, stage.Changes{
		Put: d.put, Remove: d.remove, SetAside: f.setAside, Findings: f.findings, Identify: identify,
		Editable: f.entity.Editable(),
	})
	return f.outcome(), err
}

func (f *fetched) outcome() Outcome { return Outcome{Reading: f.reading, Findings: f.findings} }

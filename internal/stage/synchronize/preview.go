package synchronize

import (
	"context"
	"sort"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// Preview reads the chosen connectors and says what the resources of their
// entity types would be, without storing anything. What fails or would be
// parked stays as it is known.
func (r *Runner) Preview(ctx context.Context, connectors []schema.ConnectorID) (map[schema.EntityType][]resources.Resource, []Outcome, error) {
	var all []*fetched
	for _, e := range r.entities(connectors) {
		f := &fetched{entity: e, reading: resources.Reading{
			Connector: e.Connector, Entity: e.Type, Began: r.Clock(), State: resources.Running,
		}}
		r.read(ctx, f)
		all = append(all, f)
	}
	names, err := r.names(ctx, all, false)
	if err != nil {
		return nil, nil, err
	}
	proposed := map[schema.EntityType][]resources.Resource{}
	var outcomes []Outcome
	for _, f := range all {
		if f.failed != nil {
			f.reading.State, f.reading.Why = resources.Failed, f.failed.Error()
			outcomes = append(outcomes, f.outcome())
			continue
		}
		known, err := r.known(ctx, f)
		if err != nil {
			return nil, nil, err
		}
		d := r.compare(f, known, names)
		f.findings = append(f.findings, d.findings...)
		f.reading.Counts, f.reading.State = d.counts, resources.Committed
		tripped, err := r.brake(ctx, f.entity, d, names)
		if err != nil {
			return nil, nil, err
		}
		if tripped != "" {
			f.reading.State, f.reading.Why = resources.Parked, tripped
		} else {
			proposed[f.entity.Type] = merge(known, d)
		}
		outcomes = append(outcomes, f.outcome())
	}
	return proposed, outcomes, nil
}

// merge applies a difference to what is known.
func merge(known []resources.Resource, d difference) []resources.Resource {
	byKey := make(map[resources.Key]resources.Resource, len(known)+len(d.put))
	for _, r := range known {
		byKey[r.Key] = r
	}
	for _, r := range d.put {
		byKey[r.Key] = r
	}
	for _, key := range d.remove {
		delete(byKey, key)
	}
	list := make([]resources.Resource, 0, len(byKey))
	for _, r := range byKey {
		list = append(list, r)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Key < list[j].Key })
	return list
}

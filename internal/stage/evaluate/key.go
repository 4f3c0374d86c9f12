package evaluate

import (
	"context"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// KeyReader is what allocating a key reads from the store.
type KeyReader interface {
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	Decisions(ctx context.Context, kind stage.DecisionKind) ([]stage.Decision, error)
}

// AllocateKey finds the key of a resource that is to be created inside Provisor,
// as values are allocated in a run: against the keys in use, those of resources
// that are gone, and the accounts that hold one. It reads the resources of the
// entity type and whatever its links lead to, however far, and stores nothing.
func AllocateKey(ctx context.Context, store KeyReader, model *roles.Model, programs expression.Programs, r *resources.Resource, p schema.Property) (value.Value, error) {
	in := Input{Model: model, Programs: programs, Allocations: Allocations{}}
	all := map[schema.EntityType][]resources.Resource{}
	near := []schema.EntityType{r.Type}
	for _, f := range feeds(in, r.Type, p.Name) {
		near = append(near, f.entity)
	}
	for len(near) > 0 {
		t := near[0]
		near = near[1:]
		if _, done := all[t]; done {
			continue
		}
		list, err := store.Resources(ctx, t)
		if err != nil {
			return value.Null, err
		}
		all[t] = list
		entity, _ := model.Entity(t)
		for _, link := range entity.Properties {
			if link.IsLink() {
				near = append(near, link.Link)
			}
		}
	}
	decided, err := store.Decisions(ctx, stage.Allocation)
	if err != nil {
		return value.Null, err
	}
	for _, d := range decided {
		in.Allocations[Subject{string(d.Type), d.Owner.Key, d.Property}] = d.Value
	}
	for _, known := range all[r.Type] {
		in.Allocations[Subject{string(r.Type), known.Key, p.Name}] = value.OfString(string(known.Key))
	}
	in.World = NewWorld(model, all, in.Allocations)
	subject := Subject{string(r.Type), r.Key, p.Name}
	made, findings := Allocate(in, []Request{{
		Subject: subject, Rule: *p.Allocate, Owner: r, Entity: r.Type, Property: p.Name, Object: string(r.Type) + "." + string(p.Name), Own: true,
	}})
	if len(findings) > 0 {
		return value.Null, fault.Findings(findings)
	}
	v := made[subject]
	if p.Type == value.String {
		v = value.OfString(v.Text()) // a sequence counts in numbers
	}
	return v, nil
}

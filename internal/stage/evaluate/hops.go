package evaluate

import (
	"slices"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// hopsOf collects the links that the expressions of a model follow, and those to
// the records that tell where an owner stands.
func hopsOf(model *roles.Model, programs expression.Programs) hops {
	h := hops{links: map[schema.EntityType][]schema.PropertyName{}}
	add := func(t schema.EntityType, p schema.PropertyName) {
		if entity, _ := model.Entity(t); entity.Properties[p].IsLink() && !slices.Contains(h.links[t], p) {
			h.links[t] = append(h.links[t], p)
		}
	}
	for _, program := range programs {
		for _, path := range program.Reads() {
			h.most = max(h.most, len(path.Steps))
			for _, step := range path.Steps {
				add(step.Entity, step.Property)
			}
		}
	}
	for t, context := range model.Contexts {
		if context.Records != "" {
			add(t, context.Records)
		}
	}
	h.most++ // the records come before what is read of them
	for t := range h.links {
		slices.Sort(h.links[t])
	}
	return h
}

package evaluate

import (
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// readsMax keeps a proof short: nobody reads a longer one, and the expression
// stands beside it.
const readsMax = 8

// Reads lists the values that an expression reads of an owner and, where it is
// there, an account, as they are known now: what a proof shows. No run keeps
// them, because every value of every account would carry them.
func (w *Whereabouts) Reads(p *expression.Program, owner, account *resources.Resource) []assignments.Input {
	var list []assignments.Input
	for _, path := range p.Reads() {
		if len(list) == readsMax {
			break
		}
		from := owner
		switch path.Root {
		case expression.RootTarget:
			from = account
		case expression.RootAnywhere:
			continue
		}
		if v, ok := w.e.World.follow(w.e.Model, path, from); ok {
			list = append(list, assignments.Input{Path: path.String(), Value: v})
		}
	}
	return list
}

// follow reads the value at the end of a path; only scalars are values.
func (w *World) follow(m *roles.Model, path expression.Path, r *resources.Resource) (value.Value, bool) {
	for i, step := range path.Steps {
		if r == nil {
			return value.Null, false
		}
		entity, ok := m.Entity(r.Type)
		if !ok {
			return value.Null, false
		}
		p := entity.Properties[step.Property]
		if !p.IsLink() {
			return r.Value(step.Property), i == len(path.Steps)-1
		}
		links := r.Links[step.Property]
		if p.Many || len(links) == 0 {
			return value.Null, false
		}
		r, _ = w.Record(p.Link, links[0])
	}
	return value.Null, false
}

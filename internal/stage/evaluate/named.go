package evaluate

import (
	"slices"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// byName finds whose values name a resource by an identifier that it has now, or
// had before, and the links that query rules find.
func (s *affected) byName(changed map[schema.EntityType][]*change) error {
	if s.overlooked(Dependency{Kind: Name}) {
		return nil
	}
	for _, id := range s.e.types {
		t := s.e.byType[id]
		for i := range t.scalars {
			p := t.scalars[i].property
			if !p.IsLink() || len(changed[p.Link]) == 0 {
				continue
			}
			far, _ := s.Model.Entity(p.Link)
			texts := map[string]bool{}
			for _, c := range changed[p.Link] {
				if c.appeared() {
					texts[value.Key(value.IgnoreCase, value.OfString(string(c.ref.Key)))] = true
				}
				for _, name := range append([]schema.PropertyName{far.Key}, far.Identify...) {
					if c.differs(name) {
						c.each(func(r *resources.Resource) { texts[value.Key(value.IgnoreCase, r.Value(name))] = true })
					}
				}
			}
			for _, r := range t.scalars[i].rules {
				if err := s.whoGives(t.Source, r.gives, len(texts) > 0, func(v value.Value) bool { return texts[value.Key(value.IgnoreCase, v)] }); err != nil || s.all {
					return err
				}
			}
		}
		for _, r := range t.Find {
			p := t.entity.Properties[r.Property]
			texts, program := map[string]bool{}, s.e.programs[r.Target]
			if overLinks(s.Model, program) { // what it gave before, nobody knows any more
				for _, path := range program.Reads() {
					_, reads, err := s.beginning(path, changed)
					if err != nil {
						return err
					}
					s.all = s.all || len(reads) > 0
				}
				continue
			}
			for _, c := range changed[p.Link] {
				c.each(func(far *resources.Resource) {
					v, err := program.Eval(expression.Bindings{Target: far, Records: s.e.World})
					s.all = s.all || err != nil
					texts[v.Text()] = true
				})
			}
			if err := s.whoGives(t.Source, s.e.programs[r.Source], len(texts) > 0, func(v value.Value) bool { return texts[v.Text()] }); err != nil || s.all {
				return err
			}
		}
	}
	return nil
}

// overLinks reports whether an expression reads what other resources hold.
func overLinks(m *roles.Model, program *expression.Program) bool {
	return slices.ContainsFunc(program.Reads(), func(p expression.Path) bool {
		entity, _ := m.Entity(p.Steps[0].Entity)
		_, inverse := inverseOf(m, entity.Properties[p.Steps[0].Property])
		return len(p.Steps) > 1 || inverse || p.Root == expression.RootAnywhere
	})
}

// whoGives finds the owners of whom an expression gives one of some values. Of
// one that is not computed of the owner alone, that may be everybody.
func (s *affected) whoGives(source schema.EntityType, program *expression.Program, any bool, wanted func(value.Value) bool) error {
	if !any {
		return nil
	}
	if program == nil || slices.ContainsFunc(program.Reads(), func(p expression.Path) bool { return p.Root == expression.RootTarget }) {
		s.all = true
		return nil
	}
	texts, err := s.texts(source, program)
	for text, keys := range texts {
		if wanted(value.OfString(text)) {
			s.start(expression.RootSource, source, keys)
		}
	}
	return err
}

// texts computes an expression of all owners of a type, once.
func (s *affected) texts(source schema.EntityType, program *expression.Program) (map[string][]resources.Key, error) {
	at := textsOf{source, program}
	if known, ok := s.byText[at]; ok {
		return known, nil
	}
	texts := map[string][]resources.Key{}
	s.e.World.eachIn(source, s.e.hops, func(w *World, r *resources.Resource) {
		if v, err := program.Eval(expression.Bindings{Source: r, Records: w}); err == nil && !v.IsNull() {
			texts[v.Text()] = append(texts[v.Text()], r.Key)
		}
	})
	s.byText[at] = texts
	return texts, s.e.World.failed
}

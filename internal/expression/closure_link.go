package expression

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// resource compiles what leads to a resource: roots, hops over links, look-ups.
func (c *compiler) resource(x ast.Expr) of[*resources.Resource] {
	switch x.Kind() {
	case ast.IdentKind:
		switch name := x.AsIdent(); {
		case name == c.variable:
			return func(f frame) (*resources.Resource, state) { return f.member, here }
		case c.isRoot(name) && name == string(RootSource):
			return rootSource
		case c.isRoot(name):
			return func(f frame) (*resources.Resource, state) {
				if f.target == nil {
					return nil, nowhere
				}
				return f.target, here
			}
		}
		return c.hop(x)
	case ast.SelectKind:
		return c.hop(x)
	case ast.CallKind:
		if name, is := strings.CutPrefix(x.AsCall().FunctionName(), lookupPrefix); is {
			return c.lookup(schema.EntityType(name), x.AsCall().Args())
		}
	}
	compiled, _ := shared(c, x, c.resource, nil, nil)
	return compiled
}

// hop follows a link to one; a missing or dangling one leads nowhere.
func (c *compiler) hop(x ast.Expr) of[*resources.Resource] {
	if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() {
		return nil
	}
	owner, p := c.property(x)
	if owner == nil || !p.IsLink() || p.Many {
		return nil
	}
	return func(f frame) (*resources.Resource, state) {
		r, st := owner(f)
		switch st {
		case failed:
			return nil, failed
		case here:
			if keys := r.Links[p.Name]; len(keys) > 0 && f.records != nil {
				if found, ok := f.records.Record(p.Link, keys[0]); ok && found != nil {
					return found, here
				}
			}
		}
		return nil, nowhere
	}
}

func (c *compiler) lookup(t schema.EntityType, args []ast.Expr) of[*resources.Resource] {
	entity, ok := c.e.entities[t]
	if !ok || len(args) != 3 {
		return nil
	}
	p := entity.Properties[schema.PropertyName(literal(args[1]))]
	// A text goes to look-up even when it is empty, so its state is what counts.
	var isThere of[bool]
	switch c.kind(args[2]) {
	case types.StringKind:
		text := c.text(args[2])
		if text != nil {
			isThere = func(f frame) (bool, state) { _, st := text(f); return st == here, st }
		}
	default:
		return nil
	}
	wanted := c.value(args[2], p.Type)
	if wanted == nil || isThere == nil {
		return nil
	}
	return func(f frame) (*resources.Resource, state) {
		v, st := wanted(f)
		switch {
		case st == failed:
			return nil, failed
		case f.records == nil:
			return nil, nowhere
		case st != here:
			if given, _ := isThere(f); !given {
				return nil, nowhere
			}
		}
		if found, ok := f.records.Find(t, p.Name, v); ok && found != nil {
			return found, here
		}
		return nil, nowhere
	}
}

// members is a link to many: whose, which.
type members struct {
	owner of[*resources.Resource]
	p     schema.Property
}

func (c *compiler) members(x ast.Expr) (members, bool) {
	if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() {
		return members{}, false
	}
	owner, p := c.property(x)
	return members{owner, p}, owner != nil && p.Many
}

// each calls do for every member that is there, until it says stop.
func (m members) each(f frame, do func(*resources.Resource) bool) state {
	r, st := m.owner(f)
	switch {
	case st == failed:
		return failed
	case st != here || f.records == nil:
		return here // a path over nothing is an empty list
	}
	for _, key := range r.Links[m.p.Name] {
		if found, ok := f.records.Record(m.p.Link, key); ok && found != nil && !do(found) {
			break
		}
	}
	return here
}

func (m members) count(f frame) (int64, state) {
	n := int64(0)
	st := m.each(f, func(*resources.Resource) bool { n++; return true })
	return n, st
}

// quantified compiles exists, all and exists_one over a link to many. One inside
// another is left to the interpreter.
func (c *compiler) quantified(x ast.Expr) of[bool] {
	fold := x.AsComprehension()
	macro, ok := c.tree.SourceInfo().MacroCalls()[x.ID()]
	if !ok || macro.Kind() != ast.CallKind || c.variable != "" || fold.HasIterVar2() {
		return nil
	}
	m, ok := c.members(fold.IterRange())
	if !ok || fold.LoopStep().Kind() != ast.CallKind {
		return nil
	}
	inner := *c
	inner.variable = fold.IterVar()
	step := fold.LoopStep().AsCall().Args()
	switch macro.AsCall().FunctionName() {
	case "exists":
		return m.any(inner.truth(step[1]), true)
	case "all":
		return m.any(inner.truth(step[1]), false)
	case "exists_one", "existsOne":
		return m.one(inner.truth(step[0]))
	}
	return nil
}

// any is exists when it looks for true, all when it looks for false: the answer
// that decides absorbs the exceptions of the others.
func (m members) any(test of[bool], decides bool) of[bool] {
	if test == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		out, known := !decides, here
		st := m.each(f, func(r *resources.Resource) bool {
			f.member = r
			yes, st := test(f)
			switch {
			case st != here:
				known = failed
			case yes == decides:
				out, known = decides, here
				return false
			}
			return true
		})
		if st != here {
			return false, st
		}
		return out, known
	}
}

func (m members) one(test of[bool]) of[bool] {
	if test == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		n, known := 0, here
		st := m.each(f, func(r *resources.Resource) bool {
			f.member = r
			yes, st := test(f)
			if st != here {
				known = failed
				return false
			}
			if yes {
				n++
			}
			return true
		})
		if st != here {
			return false, st
		}
		return n == 1, known
	}
}

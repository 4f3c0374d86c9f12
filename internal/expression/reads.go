package expression

import (
	"slices"
	"sort"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/schema"
)

// Root says where a path begins.
type Root string

// The roots. A path from RootAnywhere begins at any resource of its first
// step's entity type: what lookup finds, or a resource that was computed.
const (
	RootOwn      Root = ""
	RootSource   Root = "source"
	RootTarget   Root = "target"
	RootAnywhere Root = "anywhere"
)

// A Step reads one property of an entity type.
type Step struct {
	Entity   schema.EntityType
	Property schema.PropertyName
}

// A Path is a property that an expression reads, over the links that lead to it.
type Path struct {
	Root  Root
	Steps []Step
}

// String writes the path as its author did: source.department.code.
func (p Path) String() string {
	var parts []string
	switch p.Root {
	case RootSource, RootTarget:
		parts = append(parts, string(p.Root))
	case RootAnywhere:
		if len(p.Steps) > 0 {
			parts = append(parts, string(p.Steps[0].Entity))
		}
	}
	for _, step := range p.Steps {
		parts = append(parts, string(step.Property))
	}
	return strings.Join(parts, ".")
}

func (p Path) then(s Step) Path {
	return Path{p.Root, append(slices.Clone(p.Steps), s)}
}

// reads derives every path from the checked tree. Each hop on the way is a path
// of its own: who reads source.department.code reads source.department too.
func (e *Environment) reads(scope Scope, tree *ast.AST) []Path {
	r := &reader{e: e, scope: scope, tree: tree, variables: map[string][]Path{}, found: map[string]Path{}}
	r.paths(tree.Expr())
	out := make([]Path, 0, len(r.found))
	for _, path := range r.found {
		out = append(out, path)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out
}

// pathsOf returns what an expression may denote, without knowing types.
func (e *Environment) pathsOf(scope Scope, x ast.Expr) []Path {
	r := &reader{e: e, scope: scope, variables: map[string][]Path{}, found: map[string]Path{}}
	return r.paths(x)
}

type reader struct {
	e         *Environment
	scope     Scope
	tree      *ast.AST // nil: types are not known
	variables map[string][]Path
	found     map[string]Path
}

func (r *reader) note(p Path) {
	if len(p.Steps) > 0 {
		r.found[string(p.Root)+" "+p.String()] = p
	}
}

// entity returns the entity type of the resource (or of the resources in the
// list) at the end of a path.
func (r *reader) entity(p Path) schema.EntityType {
	if len(p.Steps) == 0 {
		switch p.Root {
		case RootSource:
			return r.scope.source
		case RootTarget:
			return r.scope.target
		}
		return r.scope.own
	}
	last := p.Steps[len(p.Steps)-1]
	return r.e.entities[last.Entity].Properties[last.Property].Link
}

// paths visits an expression, notes what it reads and returns the paths that it
// may denote; none when it denotes a computed value.
func (r *reader) paths(x ast.Expr) []Path {
	switch x.Kind() {
	case ast.IdentKind:
		return r.ident(x.AsIdent())
	case ast.SelectKind:
		return r.selected(x)
	case ast.CallKind:
		return r.call(x.AsCall())
	case ast.ListKind:
		var all []Path
		for _, element := range x.AsList().Elements() {
			all = append(all, r.paths(element)...)
		}
		return all
	case ast.MapKind:
		for _, entry := range x.AsMap().Entries() {
			r.paths(entry.AsMapEntry().Key())
			r.paths(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		return r.comprehension(x.AsComprehension())
	}
	return nil
}

func (r *reader) ident(name string) []Path {
	if paths, ok := r.variables[name]; ok {
		return paths
	}
	if r.scope.own != "" {
		if _, ok := r.e.entities[r.scope.own].Properties[schema.PropertyName(name)]; !ok {
			return nil
		}
		path := Path{RootOwn, []Step{{r.scope.own, schema.PropertyName(name)}}}
		r.note(path)
		return []Path{path}
	}
	if name == string(RootSource) || name == string(RootTarget) {
		return []Path{{Root: Root(name)}}
	}
	return nil
}

func (r *reader) selected(x ast.Expr) []Path {
	operand, name := x.AsSelect().Operand(), schema.PropertyName(x.AsSelect().FieldName())
	var out []Path
	for _, path := range r.paths(operand) {
		entity := r.entity(path)
		if _, ok := r.e.entities[entity].Properties[name]; ok {
			out = append(out, path.then(Step{entity, name}))
		}
	}
	if len(out) == 0 && r.tree != nil {
		if t := r.tree.GetType(operand.ID()); t.Kind() == types.StructKind {
			out = append(out, Path{RootAnywhere, []Step{{schema.EntityType(t.TypeName()), name}}})
		}
	}
	for _, path := range out {
		r.note(path)
	}
	return out
}

func (r *reader) call(call ast.CallExpr) []Path {
	var all [][]Path
	if call.IsMemberFunction() {
		r.paths(call.Target())
	}
	for _, arg := range call.Args() {
		all = append(all, r.paths(arg))
	}
	switch name := call.FunctionName(); {
	case name == operators.Conditional && len(all) == 3:
		return append(all[1], all[2]...)
	case name == operators.Index && len(all) == 2:
		return all[0]
	case (name == "coalesce" || name == maybeName || name == operators.Add) && len(all) > 0:
		return slices.Concat(all...)
	case strings.HasPrefix(name, lookupPrefix) && len(call.Args()) == 3:
		entity := schema.EntityType(strings.TrimPrefix(name, lookupPrefix))
		r.note(Path{RootAnywhere, []Step{{entity, schema.PropertyName(literal(call.Args()[1]))}}})
	}
	return nil
}

// comprehension follows exists, all, filter and map: the variable stands for
// the members of the range, and a filtered list still holds them.
func (r *reader) comprehension(c ast.ComprehensionExpr) []Path {
	members := r.paths(c.IterRange())
	before := map[string][]Path{}
	for _, name := range []string{c.IterVar(), c.AccuVar()} {
		before[name] = r.variables[name]
	}
	r.variables[c.IterVar()] = members
	r.variables[c.AccuVar()] = r.paths(c.AccuInit())
	r.paths(c.LoopCondition())
	given := r.paths(c.LoopStep())
	r.variables[c.AccuVar()] = given
	out := r.paths(c.Result())
	for name, paths := range before {
		if paths == nil {
			delete(r.variables, name)
		} else {
			r.variables[name] = paths
		}
	}
	return out
}

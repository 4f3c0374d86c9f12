package expression

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/schema"
)

// An Outcome is what a condition comes to, with the difference that EvalTruth
// drops: null is false for a whole condition and an exception inside one.
type Outcome uint8

// The outcomes. Null stands for everything that is no truth value.
const (
	Failed Outcome = iota
	False
	True
	Null
)

// Outcome computes a condition. What a failure says, EvalTruth says.
func (p *Program) Outcome(b Bindings) Outcome {
	if p.truth != nil {
		switch yes, st := p.truth(p.framed(b)); {
		case st == here && yes:
			return True
		case st == here:
			return False
		case st != failed:
			return Null
		}
	}
	return p.interpretOutcome(b)
}

func (p *Program) interpretOutcome(b Bindings) Outcome {
	out, err := p.interpret(&b)
	switch {
	case err != nil:
		return Failed
	case out == types.True:
		return True
	case out == types.False:
		return False
	}
	return Null
}

// Part returns a condition inside the program's tree as a program of its own.
func (p *Program) Part(x ast.Expr) *Program {
	tree := ast.NewCheckedAST(ast.NewAST(x, p.tree.SourceInfo()), p.tree.TypeMap(), p.tree.ReferenceMap())
	part := &Program{
		environment: p.environment, scope: p.scope, want: Truth, expression: p.expression,
		env: p.env, tree: tree, plan: &plan{},
	}
	part.closures()
	return part
}

// Path names the property to which an expression of names and hops leads;
// false for every other expression.
func (p *Program) Path(x ast.Expr) (Path, bool) {
	var operand ast.Expr
	name := schema.PropertyName("")
	switch x.Kind() {
	case ast.IdentKind:
		if p.scope.own == "" {
			root := Root(x.AsIdent())
			return Path{Root: root}, root == RootSource && p.scope.source != "" || root == RootTarget && p.scope.target != ""
		}
		step := Step{p.scope.own, schema.PropertyName(x.AsIdent())}
		_, ok := p.Property(step)
		return Path{RootOwn, []Step{step}}, ok
	case ast.SelectKind:
		operand, name = x.AsSelect().Operand(), schema.PropertyName(x.AsSelect().FieldName())
	default:
		return Path{}, false
	}
	path, ok := p.Path(operand)
	if !ok {
		return Path{}, false
	}
	step := Step{p.scope.source, name}
	if path.Root == RootTarget {
		step.Entity = p.scope.target
	}
	if n := len(path.Steps); n > 0 {
		last, _ := p.Property(path.Steps[n-1])
		if !last.IsLink() || last.Many {
			return Path{}, false
		}
		step.Entity = last.Link
	}
	_, ok = p.Property(step)
	return path.then(step), ok
}

// Property returns what a step reads.
func (p *Program) Property(s Step) (schema.Property, bool) {
	property, ok := p.environment.entities[s.Entity].Properties[s.Property]
	return property, ok
}

// Source is the entity type of the scope's source, "" when it names none.
func (p *Program) Source() schema.EntityType { return p.scope.source }

// prepare plans the interpreter's run when it is first needed: a part runs as
// closures, and most never need it.
func (p *Program) prepare() (cel.Program, error) {
	p.plan.once.Do(func() {
		if p.plan.run == nil {
			p.plan.run, p.plan.err = p.env.PlanProgram(p.tree, cel.EvalOptions(cel.OptOptimize))
		}
	})
	return p.plan.run, p.plan.err
}

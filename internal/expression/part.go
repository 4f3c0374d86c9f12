package expression

import (
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

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
			p.plan.run, p.plan.err = planned(p.env, p.tree)
		}
	})
	return p.plan.run, p.plan.err
}

// planned is how the interpreter runs a tree.
func planned(env *cel.Env, tree *ast.AST) (cel.Program, error) {
	return env.PlanProgram(tree, cel.EvalOptions(cel.OptOptimize), cel.OptimizeRegex(patterns), cel.CustomDecoratorV2(instants))
}

// CEL gives one and the same error to all programs where a pattern that is written
// out is asked of null, and where an instant lies outside the years that there are. It
// writes into it where that was first: others would say that place for theirs. What
// follows does the same with an error for each.

// patterns compiles patterns that are written out, once.
var patterns = &interpreter.RegexOptimization{
	Function: "matches", OverloadID: overloads.MatchesString, RegexIndex: 1,
	Factory: func(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return nil, err
		}
		return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
			s, ok := args[0].(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(args[0])
			}
			return types.Bool(compiled.MatchString(string(s)))
		}), nil
	},
}

// instants reads and makes instants.
func instants(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || call.Function() != overloads.TypeConvertTimestamp {
		return i, nil
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
		if isNull(args[0]) {
			return types.NewErr("no such overload")
		}
		out := args[0].ConvertToType(types.TimestampType)
		if err, failed := out.(*types.Err); failed {
			return types.NewErr("%s", err.String())
		}
		return out
	}), nil
}

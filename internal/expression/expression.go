// Package expression is the language in which the configuration computes values
// and states conditions: CEL, typed at load against the entity types.
//
// It promises that a compiled program cannot have an effect, cannot run away
// (its cost was estimated and limited at load), gives the same answer for the
// same resources for ever (no clock, no chance), and names every property that
// it reads, hops over links included. Programs are safe for concurrent use.
//
// declare compiles, evaluate and synchronize run. Nothing is kept, so a crash
// leaves nothing behind.
package expression

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Limits of one expression.
const (
	// expressionBytes is more than a person reads, less than the parser minds.
	expressionBytes = 10_000
	// nestingLevels keeps the parser's recursion far from the stack's end.
	nestingLevels = 60
	// costUnits lets an expression look at every member of a large group once,
	// and stops it from looking at every pair.
	costUnits = 5_000_000
	// assumedTextBytes and assumedLinks size what is not known at load.
	assumedTextBytes = 1_024
	assumedLinks     = 10_000
	// replacedBytes is the longest text that replace makes: more than any
	// property holds.
	replacedBytes = 64 << 10
	// paddedLetters is the longest text that pad makes.
	paddedLetters = 1_024
)

// A Scope says which resources an expression may name.
type Scope struct{ own, source, target schema.EntityType }

// Own gives the properties of one resource as top-level names.
func Own(e schema.EntityType) Scope { return Scope{own: e} }

// Source gives the owner as "source".
func Source(e schema.EntityType) Scope { return Scope{source: e} }

// Target gives the account as "target".
func Target(e schema.EntityType) Scope { return Scope{target: e} }

// SourceTarget gives both.
func SourceTarget(source, target schema.EntityType) Scope {
	return Scope{source: source, target: target}
}

// A Result says what an expression must give.
type Result struct {
	kind   resultKind
	scalar value.Type
	entity schema.EntityType
}

type resultKind uint8

const (
	anything resultKind = iota
	truth
	scalar
	link
)

// The results that need no further word. Any is what a correlation key gives:
// any scalar.
var (
	Any   = Result{kind: anything}
	Truth = Result{kind: truth, scalar: value.Bool}
	Text  = Scalar(value.String)
)

// Scalar wants a value that fits a property of the type.
func Scalar(t value.Type) Result { return Result{kind: scalar, scalar: t} }

// LinkTo wants a resource of the entity type.
func LinkTo(e schema.EntityType) Result { return Result{kind: link, entity: e} }

// An Environment knows the entity types. It is safe for concurrent use.
type Environment struct {
	entities map[schema.EntityType]schema.Entity
	numbers  map[schema.PropertyName]int // of properties, whatever entity has them
	base     *cel.Env

	mu     sync.Mutex
	scopes map[Scope]*cel.Env
}

// New builds the environment of a configuration's entity types. An error means
// that two properties or entities cannot stand beside each other, which declare
// reports before it calls.
func New(entities []schema.Entity) (*Environment, error) {
	e := &Environment{
		entities: make(map[schema.EntityType]schema.Entity, len(entities)),
		numbers:  map[schema.PropertyName]int{},
		scopes:   map[Scope]*cel.Env{},
	}
	for _, entity := range entities {
		e.entities[entity.Type] = entity
		for _, p := range entity.Properties {
			if _, known := e.numbers[p.Name]; !known {
				e.numbers[p.Name] = len(e.numbers)
			}
		}
	}
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "build expressions", err)
	}
	options := append(functions(e.entities),
		cel.CustomTypeProvider(&provider{Registry: registry, entities: e.entities}),
		cel.CustomTypeAdapter(adapter{}),
		cel.EnableIdentifierEscapeSyntax(),
		cel.EnableMacroCallTracking(),
		cel.ParserRecursionLimit(nestingLevels),
		cel.ParserExpressionSizeLimit(expressionBytes),
		cel.Variable(recordsName, cel.DynType),
		cel.Macros(cel.GlobalMacro("lookup", 3, e.expandLookup)),
	)
	if e.base, err = cel.NewEnv(options...); err != nil {
		return nil, fault.Wrap(fault.Internal, "build expressions", err)
	}
	return e, nil
}

// scoped returns the environment with the scope's variables declared.
func (e *Environment) scoped(s Scope) (*cel.Env, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if env, ok := e.scopes[s]; ok {
		return env, nil
	}
	var options []cel.EnvOption
	for name, t := range map[string]schema.EntityType{"source": s.source, "target": s.target} {
		if t != "" {
			options = append(options, cel.Variable(name, cel.ObjectType(string(t))))
		}
	}
	if s.own != "" {
		own := e.entities[s.own]
		for _, name := range own.Names() {
			options = append(options, cel.Variable(string(name), propertyType(own.Properties[name])))
		}
	}
	env, err := e.base.Extend(options...)
	if err != nil {
		return nil, err
	}
	e.scopes[s] = env
	return env, nil
}

// Compile checks an expression and makes it ready to run. Findings say
// everything that is wrong, with the place inside the file; then there is no program.
func (e *Environment) Compile(scope Scope, want Result, x schema.Expression) (*Program, []fault.Finding) {
	for _, t := range []schema.EntityType{scope.own, scope.source, scope.target, want.entity} {
		if _, ok := e.entities[t]; t != "" && !ok {
			return nil, one(at(x, 1, 0), fmt.Sprintf("the entity type %s is not declared", t), "")
		}
	}
	env, err := e.scoped(scope)
	if err != nil {
		return nil, one(at(x, 1, 0), err.Error(), "")
	}
	parsed, issues := env.Parse(x.Text)
	if issues.Err() != nil {
		return nil, e.explain(scope, nil, issues, x)
	}
	tolerateNull(parsed.NativeRep())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, e.explain(scope, parsed.NativeRep(), issues, x)
	}
	if what, do := want.refuses(checked.OutputType()); what != "" {
		return nil, one(at(x, 1, 0), what, do)
	}
	cost, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, one(at(x, 1, 0), "the cost cannot be estimated: "+err.Error(), "")
	}
	if cost.Max > costUnits {
		return nil, one(at(x, 1, 0), fmt.Sprintf("the expression may cost %d steps; the limit is %d", cost.Max, costUnits),
			"do not nest exists, all, filter or map over links to many")
	}
	return e.plan(env, scope, want, x, checked)
}

func (e *Environment) plan(env *cel.Env, scope Scope, want Result, x schema.Expression, checked *cel.Ast) (*Program, []fault.Finding) {
	reads := e.reads(scope, checked.NativeRep())
	equateEmpty(checked.NativeRep())
	run, err := planned(env, checked.NativeRep())
	if err != nil {
		return nil, one(at(x, 1, 0), "the expression cannot be prepared: "+err.Error(), "")
	}
	p := &Program{
		own: scope.own != "", environment: e, scope: scope, want: want, expression: x,
		env: env, plan: &plan{run: run}, tree: checked.NativeRep(), reads: reads,
	}
	p.closures()
	return p, nil
}

// Tree returns the checked syntax tree, for lowering conditions to set algebra.
// Nobody changes it. In it "@empty" and "@filled" stand for comparisons with
// nothing, "@maybe" for what may also be null.
func (p *Program) Tree() *ast.AST { return p.tree }

func one(where schema.Position, what, do string) []fault.Finding {
	return []fault.Finding{{File: where.File, Line: where.Line, Column: where.Column, What: what, Do: do}}
}

// at turns a place inside the text (line from 1, column from 0) into a place in the file.
func at(x schema.Expression, line, column int) schema.Position {
	p := x.Position
	if p.Line == 0 {
		return p
	}
	p.Line += max(line, 1) - 1
	p.Column += max(column, 0)
	return p
}

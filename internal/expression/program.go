package expression

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A Program is a checked expression. It is safe for concurrent use.
type Program struct {
	// The closures, as far as the tree could be compiled as a whole. What every
	// evaluation looks at stands together: there are many programs, and each is
	// far from the processor when its turn comes.
	value    of[value.Value]
	truth    of[bool]
	resource of[*resources.Resource]
	own      bool // the scope names the properties of one resource

	environment *Environment
	scope       Scope
	want        Result
	expression  schema.Expression
	env         *cel.Env
	plan        *plan
	tree        *ast.AST
	reads       []Path
}

// A plan is how the interpreter runs a program.
type plan struct {
	once sync.Once
	run  cel.Program
	err  error
}

// Programs are the compiled expressions of a configuration, each under its text
// and place.
type Programs map[schema.Expression]*Program

// Bindings give the resources that the scope names; a nil one is null.
type Bindings struct {
	Own, Source, Target *resources.Resource
	Records             Records // for links and lookup; nil when there are none
	Row                 *Row    // remembers what is read of Source; nil: nothing is remembered
}

// Expression returns the text and its place.
func (p *Program) Expression() schema.Expression { return p.expression }

// Reads returns the properties that the program may read, hops included.
func (p *Program) Reads() []Path { return p.reads }

// Eval computes the value. An error is one finding at the place that failed.
func (p *Program) Eval(b Bindings) (value.Value, error) {
	if p.value != nil {
		if v, st := p.value(p.framed(b)); st != failed {
			return v, nil
		}
	}
	return p.interpretValue(b)
}

// EvalTruth computes a condition; null is false.
func (p *Program) EvalTruth(b Bindings) (bool, error) {
	if p.truth != nil {
		if yes, st := p.truth(p.framed(b)); st != failed {
			return yes && st == here, nil
		}
	}
	return p.interpretTruth(b)
}

// EvalRef computes the resource to which a path leads; false when to none.
func (p *Program) EvalRef(b Bindings) (resources.Ref, bool, error) {
	if p.resource != nil {
		switch r, st := p.resource(p.framed(b)); st {
		case here:
			return r.Ref, true, nil
		case null, nowhere:
			return resources.Ref{}, false, nil
		}
	}
	return p.interpretRef(b)
}

// Interpreted returns the same program without its closures: what it gives is
// what the closures must give, and how long it takes is what they are measured by.
func (p *Program) Interpreted() *Program {
	plain := *p
	plain.value, plain.truth, plain.resource = nil, nil, nil
	return &plain
}

// IsCompiled reports whether the program runs as closures; otherwise the
// interpreter runs it.
func (p *Program) IsCompiled() bool { return p.value != nil || p.truth != nil || p.resource != nil }

// framed gives the closures what they look at, by value. The interpreter takes
// a pointer, for which the caller's copy would have to live on the heap.
func (p *Program) framed(b Bindings) frame {
	if p.own {
		return frame{source: b.Own, target: b.Target, records: b.Records}
	}
	return frame{source: b.Source, target: b.Target, records: b.Records, row: b.Row.over(b.Source, p.environment)}
}

func (p *Program) interpretValue(b Bindings) (value.Value, error) {
	out, err := p.evaluate(&b)
	if err != nil {
		return value.Null, err
	}
	v, err := toValue(p.want.scalar, out)
	if err != nil {
		return value.Null, p.failure(at(p.expression, 1, 0), err.Error(), "")
	}
	return v, nil
}

func (p *Program) interpretTruth(b Bindings) (bool, error) {
	out, err := p.evaluate(&b)
	return out == types.True, err
}

func (p *Program) interpretRef(b Bindings) (resources.Ref, bool, error) {
	out, err := p.evaluate(&b)
	if err != nil {
		return resources.Ref{}, false, err
	}
	r, ok := out.(*record)
	if !ok {
		return resources.Ref{}, false, nil
	}
	return r.resource.Ref, true, nil
}

func (p *Program) evaluate(b *Bindings) (ref.Val, error) {
	out, err := p.interpret(b)
	if err != nil {
		return nil, p.diagnose(b, err)
	}
	return out, nil
}

func (p *Program) interpret(b *Bindings) (ref.Val, error) {
	run, err := p.prepare()
	if err != nil {
		return nil, err
	}
	out, _, err := run.Eval(&activation{p, b})
	return out, err
}

// An activation answers the names of the scope.
type activation struct {
	program *Program
	*Bindings
}

// ResolveName is called by CEL for each name that is read.
func (a *activation) ResolveName(name string) (any, bool) {
	scope := a.program.scope
	switch {
	case name == recordsName:
		return finder{a.Records}, true
	case scope.own != "":
		property, ok := a.program.environment.entities[scope.own].Properties[schema.PropertyName(name)]
		if !ok {
			return nil, false
		}
		if a.Own == nil {
			return missing(property), true
		}
		return (&record{a.Own, a.Records}).property(property), true
	case name == "source" && scope.source != "":
		return root(a.Source, a.Records), true
	case name == "target" && scope.target != "":
		return root(a.Target, a.Records), true
	}
	return nil, false
}

// Parent is nil: there is nothing behind the scope.
func (a *activation) Parent() cel.Activation { return nil }

func root(r *resources.Resource, records Records) ref.Val {
	if r == nil {
		return nothing{}
	}
	return &record{r, records}
}

// finder carries the records to lookup.
type finder struct{ records Records }

func (f finder) Type() ref.Type                            { return types.DynType }
func (f finder) Value() any                                { return f.records }
func (f finder) Equal(ref.Val) ref.Val                     { return types.False }
func (f finder) ConvertToType(ref.Type) ref.Val            { return f }
func (f finder) ConvertToNative(reflect.Type) (any, error) { return f.records, nil }

// toValue turns a result into a stored value of the type; of its own type when "".
func toValue(want value.Type, v ref.Val) (value.Value, error) {
	if isNull(v) {
		return value.Null, nil
	}
	switch v := v.(type) {
	case types.String:
		if want == "" {
			want = value.String
		}
		return value.Normalize(want, "", string(v))
	case types.Int:
		if want == value.Float {
			return value.OfFloat(float64(v)), nil
		}
		return value.OfInt(int64(v)), nil
	case types.Double:
		return value.OfFloat(float64(v)), nil
	case types.Bool:
		return value.OfBool(bool(v)), nil
	case types.Timestamp:
		if want == value.Date || want == "" && v.Time.Equal(v.Time.Truncate(schema.Day)) {
			return value.OfDate(v.Time), nil
		}
		return value.OfTime(v.Time), nil
	case *record:
		return value.OfString(string(v.resource.Key)), nil
	}
	return value.Null, fmt.Errorf("a %s is not a value", v.Type().TypeName())
}

func (p *Program) failure(where schema.Position, what, do string) error {
	return fault.Findings(one(where, what, do))
}

// diagnose says where an evaluation failed and which property was null.
func (p *Program) diagnose(b *Bindings, err error) error {
	where := at(p.expression, 1, 0)
	var failed *types.Err
	if !errors.As(err, &failed) {
		return p.failure(where, err.Error(), "")
	}
	node := find(p.tree.Expr(), failed.NodeID())
	if node == nil {
		node = p.tree.Expr()
	} else {
		location := p.tree.SourceInfo().GetStartLocation(node.ID())
		where = at(p.expression, location.Line(), location.Column())
	}
	if nulls := p.nulls(b, node); len(nulls) > 0 {
		what := strings.Join(nulls, " and ") + plural(len(nulls), " is", " are") + " null"
		if node.Kind() == ast.CallKind {
			what += " in " + spelled(node.AsCall().FunctionName())
		}
		return p.failure(where, what, "say what should happen then: coalesce(x, 'otherwise') or x == null ? ... : ...")
	}
	what := failed.Error()
	if node.Kind() == ast.CallKind && strings.Contains(what, "no such overload") {
		what = "null or a value of the wrong type in " + spelled(node.AsCall().FunctionName())
	}
	return p.failure(where, what, "")
}

// nulls names the paths directly under a node that lead to null.
func (p *Program) nulls(b *Bindings, node ast.Expr) []string {
	var operands []ast.Expr
	if node.Kind() == ast.CallKind {
		operands = append(operands, node.AsCall().Args()...)
		if node.AsCall().IsMemberFunction() {
			operands = append(operands, node.AsCall().Target())
		}
	}
	var names []string
	for _, operand := range operands {
		for _, path := range p.environment.pathsOf(p.scope, operand) {
			if v, ok := p.follow(b, path); ok && isNull(v) {
				names = append(names, path.String())
			}
		}
	}
	return names
}

// follow walks a path from the bindings.
func (p *Program) follow(b *Bindings, path Path) (ref.Val, bool) {
	var v ref.Val
	switch path.Root {
	case RootOwn:
		v = root(b.Own, b.Records)
	case RootSource:
		v = root(b.Source, b.Records)
	case RootTarget:
		v = root(b.Target, b.Records)
	default:
		return nil, false
	}
	for _, step := range path.Steps {
		property := p.environment.entities[step.Entity].Properties[step.Property]
		switch at := v.(type) {
		case *record:
			v = at.property(property)
		case nothing:
			v = missing(property)
		default:
			return nil, false
		}
	}
	return v, true
}

func find(x ast.Expr, id int64) ast.Expr {
	var found ast.Expr
	ast.PreOrderVisit(x, ast.NewExprVisitor(func(x ast.Expr) {
		if x.ID() == id && id != 0 && found == nil {
			found = x
		}
	}))
	return found
}

// spelled writes an operator as its author did.
func spelled(function string) string {
	if trimmed := strings.Trim(function, "_"); trimmed != "" {
		return trimmed
	}
	return function
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

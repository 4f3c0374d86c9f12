package expression

import (
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// state says what an evaluation came to. The zero state is the safe one: nothing
// is known, the interpreter decides.
type state uint8

const (
	// failed stands for an exception, and for every case that the closures leave
	// to the interpreter. Both are the same here: the interpreter runs and gives
	// the value or the message. That a term whose outcome is not known is absorbed
	// by a false beside it in && is right for both.
	failed  state = iota
	here          // there is a value
	null          // null
	nowhere       // null, as what a missing link leads to; as CEL compares them, it does not equal a null that was written
)

// A frame is what an evaluation looks at. It is passed by value, in registers:
// closures are called through pointers, so that a pointer to it would put each
// one on the heap.
type frame struct {
	source, target *resources.Resource // source is also the resource whose own properties are named
	member         *resources.Resource // the variable of exists and its like
	records        Records
	row            *Row // of source; nil: none
}

// of computes a T.
type of[T any] func(frame) (T, state)

// compiler turns a checked tree into closures, nil where it does not know how.
type compiler struct {
	e        *Environment
	scope    Scope
	tree     *ast.AST
	variable string // of the comprehension around; "" outside
}

// closures fills the program's closures as far as its tree can be compiled as a whole.
func (p *Program) closures() {
	c := &compiler{e: p.environment, scope: p.scope, tree: p.tree}
	x := p.tree.Expr()
	switch c.kind(x) {
	case types.BoolKind:
		p.truth = c.truth(x)
	case types.StructKind:
		p.resource = c.resource(x)
	}
	if p.want.kind != link {
		p.value = c.value(x, p.want.scalar)
	}
}

// kind is the static type of an expression; what may be null has the type of
// what it is otherwise. CEL calls a choice whose first branch is null null.
func (c *compiler) kind(x ast.Expr) types.Kind {
	kind := c.tree.GetType(x.ID()).Kind()
	if kind == types.NullTypeKind && x.Kind() == ast.CallKind && x.AsCall().FunctionName() == operators.Conditional {
		if kind = c.kind(x.AsCall().Args()[1]); kind == types.NullTypeKind {
			kind = c.kind(x.AsCall().Args()[2])
		}
	}
	return kind
}

// value computes a value of the wanted type, of its own type when "", as toValue
// makes it of the interpreter's.
func (c *compiler) value(x ast.Expr, want value.Type) of[value.Value] {
	switch c.kind(x) {
	case types.StringKind:
		return c.texted(x, want)
	case types.IntKind:
		if want == value.Float {
			return converted(c.whole(x), func(n int64) (value.Value, state) { return value.OfFloat(float64(n)), here })
		}
		return converted(c.whole(x), func(n int64) (value.Value, state) { return value.OfInt(n), here })
	case types.DoubleKind:
		return converted(c.real(x), func(n float64) (value.Value, state) { return value.OfFloat(n), here })
	case types.BoolKind:
		return converted(c.truth(x), func(b bool) (value.Value, state) { return value.OfBool(b), here })
	case types.TimestampKind:
		return c.dated(x, want)
	case types.NullTypeKind:
		if isNullLiteral(x) {
			return func(frame) (value.Value, state) { return value.Null, null }
		}
	}
	return nil
}

// textValue reads a text as a value of another type.
func textValue(want value.Type) func(string) (value.Value, state) {
	return func(s string) (value.Value, state) {
		v, err := value.Normalize(want, "", s)
		if err != nil {
			return value.Null, failed
		}
		return v, here
	}
}

// texted makes a value of a text. One that is copied goes as it stands.
func (c *compiler) texted(x ast.Expr, want value.Type) of[value.Value] {
	text := c.text(x)
	if text == nil || want != "" && want != value.String {
		return converted(text, textValue(want))
	}
	spell := func(f frame) (value.Value, state) {
		s, st := text(f)
		switch {
		case st != here:
			return value.Null, st
		case s == "":
			return value.Null, null
		}
		return value.OfString(s), here
	}
	owner, p := c.property(x)
	if owner == nil || !c.atSource(x) {
		return spell
	}
	n := c.e.numbers[p.Name]
	return func(f frame) (value.Value, state) {
		if f.source != nil {
			if v := f.scalar(n, p.Name); v.Type() == value.String && v.Text() != "" {
				return v, here
			}
		}
		return spell(f)
	}
}

// dated copies a day as it stands: reading and spelling it again would give the same.
func (c *compiler) dated(x ast.Expr, want value.Type) of[value.Value] {
	spell := converted(c.instant(x), func(t time.Time) (value.Value, state) {
		if want == value.Date || want == "" && t.Equal(t.Truncate(schema.Day)) {
			return value.OfDate(t), here
		}
		return value.OfTime(t), here
	})
	owner, p := c.property(x)
	if spell == nil || owner == nil || want == value.Time {
		return spell
	}
	return func(f frame) (value.Value, state) {
		r, st := owner(f)
		if st == here {
			if v := r.Values[p.Name]; v.Type() == value.Date {
				if _, ok := dayOf(v.Text()); ok {
					return v, here
				}
			}
		}
		return spell(f)
	}
}

func converted[T any](from of[T], convert func(T) (value.Value, state)) of[value.Value] {
	if from == nil {
		return nil
	}
	return func(f frame) (value.Value, state) {
		x, st := from(f)
		if st != here {
			return value.Null, st
		}
		return convert(x)
	}
}

// shared compiles what is spelt alike for every type: null, choices, coalesce,
// and scalar properties. The second result is false for anything else.
func shared[T any](c *compiler, x ast.Expr, compile func(ast.Expr) of[T], read func(value.Value) (T, state), blank func(T) bool) (of[T], bool) {
	switch x.Kind() {
	case ast.LiteralKind:
		if isNullLiteral(x) {
			return constant(*new(T), null), true
		}
	case ast.IdentKind, ast.SelectKind:
		if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() {
			return nil, false
		}
		owner, p := c.property(x)
		if owner == nil || read == nil || p.IsLink() {
			return nil, read != nil
		}
		return scalarOf(c, x, owner, p.Name, read), true
	case ast.CallKind:
		args := x.AsCall().Args()
		switch x.AsCall().FunctionName() {
		case operators.Conditional:
			return choice(c.truth(args[0]), compile(args[1]), compile(args[2])), true
		case "coalesce":
			return first(compile(args[0]), compile(args[1]), blank), true
		case maybeName:
			return compile(args[0]), true
		}
	}
	return nil, false
}

func isNullLiteral(x ast.Expr) bool {
	return x.Kind() == ast.LiteralKind && x.AsLiteral() == types.NullValue
}

func constant[T any](x T, st state) of[T] { return func(frame) (T, state) { return x, st } }

// folded computes a call of nothing but literals once.
func folded[T any](x ast.Expr, compiled of[T]) of[T] {
	if compiled == nil || x.Kind() != ast.CallKind || !isConstant(x) {
		return compiled
	}
	return constant(compiled(frame{}))
}

// isConstant reports whether an expression reads nothing.
func isConstant(x ast.Expr) bool {
	reads := false
	ast.PreOrderVisit(x, ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.IdentKind, ast.ComprehensionKind:
			reads = true
		}
	}))
	return !reads
}

func choice[T any](when of[bool], yes, no of[T]) of[T] {
	if when == nil || yes == nil || no == nil {
		return nil
	}
	return func(f frame) (T, state) {
		decided, st := when(f)
		switch {
		case st != here: // a choice refuses null
			return *new(T), failed
		case decided:
			return yes(f)
		}
		return no(f)
	}
}

func first[T any](a, b of[T], blank func(T) bool) of[T] {
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (T, state) {
		x, st := a(f)
		if st == failed {
			return x, st
		}
		// The second is an argument like any other: an exception in it counts.
		y, other := b(f)
		if other == failed || st != here || blank != nil && blank(x) {
			return y, other
		}
		return x, st
	}
}

// scalarOf reads a scalar property. What most expressions read, a property of
// the root itself, has a closure of its own.
func scalarOf[T any](c *compiler, x ast.Expr, owner of[*resources.Resource], name schema.PropertyName, read func(value.Value) (T, state)) of[T] {
	if c.atSource(x) {
		n := c.e.numbers[name]
		return func(f frame) (T, state) {
			if f.source == nil {
				return *new(T), null
			}
			return read(f.scalar(n, name))
		}
	}
	return func(f frame) (T, state) {
		r, st := owner(f)
		switch st {
		case here:
			return read(r.Values[name])
		case failed:
			return *new(T), failed
		}
		return *new(T), null
	}
}

// atSource reports whether a property is read from the source or own resource.
func (c *compiler) atSource(x ast.Expr) bool {
	if x.Kind() == ast.IdentKind {
		return x.AsIdent() != c.variable
	}
	operand := x.AsSelect().Operand()
	return operand.Kind() == ast.IdentKind && operand.AsIdent() == string(RootSource) && c.isRoot(operand.AsIdent())
}

// isRoot reports whether a name stands for the source or the target.
func (c *compiler) isRoot(name string) bool {
	return name != c.variable && c.scope.own == "" &&
		(name == string(RootSource) && c.scope.source != "" || name == string(RootTarget) && c.scope.target != "")
}

// property resolves a name or a selection to the resource that bears the
// property; nil when it is something else.
func (c *compiler) property(x ast.Expr) (of[*resources.Resource], schema.Property) {
	switch x.Kind() {
	case ast.IdentKind:
		if x.AsIdent() == c.variable || c.scope.own == "" {
			return nil, schema.Property{}
		}
		p, ok := c.e.entities[c.scope.own].Properties[schema.PropertyName(x.AsIdent())]
		if !ok {
			return nil, schema.Property{}
		}
		return rootSource, p
	case ast.SelectKind:
		operand := x.AsSelect().Operand()
		if c.kind(operand) != types.StructKind {
			return nil, schema.Property{}
		}
		entity := schema.EntityType(c.tree.GetType(operand.ID()).TypeName())
		p, ok := c.e.entities[entity].Properties[schema.PropertyName(x.AsSelect().FieldName())]
		if !ok {
			return nil, schema.Property{}
		}
		return c.resource(operand), p
	}
	return nil, schema.Property{}
}

func rootSource(f frame) (*resources.Resource, state) {
	if f.source == nil {
		return nil, nowhere
	}
	return f.source, here
}

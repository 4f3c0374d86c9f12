package expression

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/value"
)

// truth compiles conditions.
func (c *compiler) truth(x ast.Expr) of[bool] { return folded(x, c.truthOf(x)) }

func (c *compiler) truthOf(x ast.Expr) of[bool] {
	if k := c.kind(x); k != types.BoolKind && k != types.NullTypeKind {
		return nil
	}
	if compiled, ok := shared(c, x, c.truth, readTruth, nil); ok {
		return compiled
	}
	switch x.Kind() {
	case ast.LiteralKind:
		if b, ok := x.AsLiteral().(types.Bool); ok {
			return constant(bool(b), here)
		}
	case ast.SelectKind:
		return c.has(x)
	case ast.ComprehensionKind:
		return c.quantified(x)
	case ast.CallKind:
		return c.truthCall(x.AsCall())
	}
	return nil
}

func readTruth(v value.Value) (bool, state) {
	switch v.Type() {
	case value.Bool:
		return v.Bool(), here
	case "":
		return false, null
	}
	return false, failed
}

func (c *compiler) truthCall(call ast.CallExpr) of[bool] {
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.LogicalAnd:
		return decided(c.truth(args[0]), c.truth(args[1]), false)
	case operators.LogicalOr:
		return decided(c.truth(args[0]), c.truth(args[1]), true)
	case operators.LogicalNot:
		return strict(c.truth(args[0]), func(b bool) bool { return !b })
	case emptyName:
		return c.empty(args[0], true)
	case filledName:
		return c.empty(args[0], false)
	case operators.Equals:
		return c.equal(args[0], args[1], true)
	case operators.NotEquals:
		return c.equal(args[0], args[1], false)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return c.compared(args[0], args[1], name)
	case operators.In:
		return c.in(args[0], args[1])
	case "startsWith", "endsWith", "contains", "matches":
		if call.IsMemberFunction() {
			return c.textTest(name, call.Target(), args[0])
		}
		return c.textTest(name, args[0], args[1])
	}
	return nil
}

// decided is || when true decides and && when false does: the deciding answer
// absorbs an exception on the other side, on whichever side it stands.
func decided(a, b of[bool], decides bool) of[bool] {
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		x, st := a(f)
		if st == here && x == decides {
			return decides, here
		}
		y, other := b(f)
		if other == here && y == decides {
			return decides, here
		}
		if st != here || other != here { // both refuse null
			return false, failed
		}
		return !decides, here
	}
}

// empty compares with nothing: null and empty text alike.
func (c *compiler) empty(x ast.Expr, whenEmpty bool) of[bool] {
	switch c.kind(x) {
	case types.StringKind:
		text := c.text(x)
		if text == nil {
			return nil
		}
		return func(f frame) (bool, state) {
			s, st := text(f)
			if st == failed {
				return false, failed
			}
			return (st != here || s == "") == whenEmpty, here
		}
	case types.IntKind:
		return absent(c.whole(x), whenEmpty)
	case types.DoubleKind:
		return absent(c.real(x), whenEmpty)
	case types.BoolKind:
		return absent(c.truth(x), whenEmpty)
	case types.TimestampKind:
		return absent(c.instant(x), whenEmpty)
	case types.StructKind:
		return absent(c.resource(x), whenEmpty)
	case types.NullTypeKind:
		if isNullLiteral(x) {
			return constant(whenEmpty, here)
		}
	}
	return nil
}

func absent[T any](a of[T], whenAbsent bool) of[bool] {
	if a == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		_, st := a(f)
		if st == failed {
			return false, failed
		}
		return (st != here) == whenAbsent, here
	}
}

// has compiles has(x.y): y is there and not null; a link to many always is.
func (c *compiler) has(x ast.Expr) of[bool] {
	if x.Kind() != ast.SelectKind || !x.AsSelect().IsTestOnly() {
		return nil
	}
	owner, p := c.property(x)
	if owner == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		r, st := owner(f)
		switch {
		case st == failed:
			return false, failed
		case p.Many:
			return true, here
		case st != here:
			return false, here
		case !p.IsLink():
			v := r.Values[p.Name]
			return !v.IsNull() && v.Text() != "", here
		}
		keys := r.Links[p.Name]
		if len(keys) == 0 || f.records == nil {
			return false, here
		}
		found, ok := f.records.Record(p.Link, keys[0])
		return ok && found != nil, here
	}
}

func (c *compiler) equal(a, b ast.Expr, when bool) of[bool] {
	if c.kind(a) != c.kind(b) {
		return nil
	}
	switch c.kind(a) {
	case types.StringKind:
		if s := literal(b); s != "" {
			return equalsText(c.text(a), s, when)
		}
		return same(c.text(a), c.text(b), func(x, y string) bool { return x == y }, when)
	case types.IntKind:
		return same(c.whole(a), c.whole(b), func(x, y int64) bool { return x == y }, when)
	case types.DoubleKind:
		return same(c.real(a), c.real(b), func(x, y float64) bool { return x == y }, when)
	case types.BoolKind:
		return same(c.truth(a), c.truth(b), func(x, y bool) bool { return x == y }, when)
	case types.TimestampKind:
		return same(c.instant(a), c.instant(b), time.Time.Equal, when)
	case types.StructKind:
		return same(c.resource(a), c.resource(b), func(x, y *resources.Resource) bool { return x.Ref == y.Ref }, when)
	}
	return nil
}

func equalsText(a of[string], s string, when bool) of[bool] {
	if a == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		x, st := a(f)
		if st == failed {
			return false, failed
		}
		return (st == here && x == s) == when, here
	}
}

// same compares without refusing null: null equals null.
func same[T any](a, b of[T], equal func(x, y T) bool, when bool) of[bool] {
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		x, st := a(f)
		if st == failed {
			return false, failed
		}
		y, other := b(f)
		switch {
		case other == failed:
			return false, failed
		case st == here && other == here:
			return equal(x, y) == when, here
		}
		return (st == other) == when, here
	}
}

// unordered is what a comparison with a number that is none gives.
const unordered = 2

func (c *compiler) compared(a, b ast.Expr, operator string) of[bool] {
	if c.kind(a) != c.kind(b) {
		return nil
	}
	switch c.kind(a) {
	case types.StringKind:
		return ordered(c.text(a), c.text(b), strings.Compare, operator)
	case types.IntKind:
		return ordered(c.whole(a), c.whole(b), cmp.Compare[int64], operator)
	case types.DoubleKind:
		return ordered(c.real(a), c.real(b), func(x, y float64) int {
			if x != x || y != y {
				return unordered
			}
			return cmp.Compare(x, y)
		}, operator)
	case types.TimestampKind:
		return ordered(c.instant(a), c.instant(b), time.Time.Compare, operator)
	}
	return nil
}

func ordered[T any](a, b of[T], compare func(x, y T) int, operator string) of[bool] {
	holds := [4]bool{ // for less, equal, greater, unordered
		operator == operators.Less || operator == operators.LessEquals,
		operator == operators.LessEquals || operator == operators.GreaterEquals,
		operator == operators.Greater || operator == operators.GreaterEquals,
	}
	return computed(a, b, func(x, y T) (bool, bool) { return holds[compare(x, y)+1], true })
}

// in looks for a value in a list that is written out.
func (c *compiler) in(x, list ast.Expr) of[bool] {
	if list.Kind() != ast.ListKind || list.AsList().Size() == 0 || len(list.AsList().OptionalIndices()) > 0 {
		return nil
	}
	elements := list.AsList().Elements()
	switch c.kind(x) {
	case types.StringKind:
		return within(c.text(x), every(elements, c.text), func(x, y string) bool { return x == y })
	case types.IntKind:
		return within(c.whole(x), every(elements, c.whole), func(x, y int64) bool { return x == y })
	case types.TimestampKind:
		return within(c.instant(x), every(elements, c.instant), time.Time.Equal)
	}
	return nil
}

func every[T any](elements []ast.Expr, compile func(ast.Expr) of[T]) []of[T] {
	all := make([]of[T], len(elements))
	for i, element := range elements {
		if all[i] = compile(element); all[i] == nil {
			return nil
		}
	}
	return all
}

// within evaluates every member, found or not: an exception in one counts.
func within[T any](a of[T], members []of[T], equal func(x, y T) bool) of[bool] {
	if a == nil || members == nil {
		return nil
	}
	return func(f frame) (bool, state) {
		x, st := a(f)
		if st == failed {
			return false, failed
		}
		found := false
		for _, member := range members {
			y, other := member(f)
			switch {
			case other == failed:
				return false, failed
			case st == here && other == here:
				found = found || equal(x, y)
			default:
				found = found || st != here && other != here
			}
		}
		return found, here
	}
}

func (c *compiler) textTest(name string, s, with ast.Expr) of[bool] {
	text, other := c.text(s), c.text(with)
	if text == nil || other == nil {
		return nil
	}
	test := map[string]func(s, with string) bool{
		"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains,
	}[name]
	if name == "matches" {
		// Only a pattern that is written out: it is compiled once.
		pattern, err := regexp.Compile(literal(with))
		if err != nil || with.Kind() != ast.LiteralKind {
			return nil
		}
		test = func(s, _ string) bool { return pattern.MatchString(s) }
	}
	return computed(text, other, func(s, with string) (bool, bool) { return test(s, with), true })
}

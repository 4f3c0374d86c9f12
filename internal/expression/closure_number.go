package expression

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// whole compiles what gives a whole number.
func (c *compiler) whole(x ast.Expr) of[int64] { return folded(x, c.wholeOf(x)) }

func (c *compiler) wholeOf(x ast.Expr) of[int64] {
	if k := c.kind(x); k != types.IntKind && k != types.NullTypeKind {
		return nil
	}
	if compiled, ok := shared(c, x, c.whole, readWhole, nil); ok {
		return compiled
	}
	switch x.Kind() {
	case ast.LiteralKind:
		if n, ok := x.AsLiteral().(types.Int); ok {
			return constant(int64(n), here)
		}
	case ast.CallKind:
		return c.wholeCall(x.AsCall())
	}
	return nil
}

func readWhole(v value.Value) (int64, state) {
	switch v.Type() {
	case value.Int:
		return v.Int(), here
	case "":
		return 0, null
	}
	return 0, failed
}

func (c *compiler) wholeCall(call ast.CallExpr) of[int64] {
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		return computed(c.whole(args[0]), c.whole(args[1]), wholeOperators[name])
	case operators.Negate:
		return computed(constant(int64(0), here), c.whole(args[0]), wholeOperators[operators.Subtract])
	case "year", "month", "day":
		part := dateParts[name]
		return mapped(c.instant(args[0]), func(t time.Time) (int64, state) { return int64(part(t.UTC())), here })
	case "daysBetween":
		return c.daysBetween(args)
	case "size":
		return c.size(call)
	case "int":
		switch c.kind(args[0]) {
		case types.IntKind:
			return given(c.whole(args[0]))
		case types.StringKind:
			return mapped(given(c.text(args[0])), func(s string) (int64, state) {
				n, err := strconv.ParseInt(s, 10, 64)
				if err != nil {
					return 0, failed
				}
				return n, here
			})
		}
	}
	return nil
}

// wholeOperators report overflow and division by zero as failure.
var wholeOperators = map[string]func(a, b int64) (int64, bool){
	operators.Add: func(a, b int64) (int64, bool) {
		n := a + b
		return n, (n > a) == (b > 0)
	},
	operators.Subtract: func(a, b int64) (int64, bool) {
		n := a - b
		return n, (n < a) == (b > 0)
	},
	operators.Multiply: func(a, b int64) (int64, bool) {
		if a == 0 || b == 0 {
			return 0, true
		}
		n := a * b
		return n, n/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	},
	operators.Divide: func(a, b int64) (int64, bool) {
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a / b, true
	},
	operators.Modulo: func(a, b int64) (int64, bool) {
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a % b, true
	},
}

// computed is an operator of two arguments that refuses null.
func computed[T, U any](a, b of[T], body func(a, b T) (U, bool)) of[U] {
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (U, state) {
		x, st := a(f)
		if st != here {
			return *new(U), failed
		}
		y, st := b(f)
		if st != here {
			return *new(U), failed
		}
		out, ok := body(x, y)
		if !ok {
			return out, failed
		}
		return out, here
	}
}

// given refuses null.
func given[T any](a of[T]) of[T] { return strict(a, func(x T) T { return x }) }

func (c *compiler) daysBetween(args []ast.Expr) of[int64] {
	a, b := c.instant(args[0]), c.instant(args[1])
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (int64, state) {
		from, st := a(f)
		to, other := b(f)
		switch {
		case st == failed || other == failed:
			return 0, failed
		case st != here || other != here:
			return 0, null
		}
		return daysFrom(from, to), here
	}
}

// size counts the letters of a text or the members of a link to many.
func (c *compiler) size(call ast.CallExpr) of[int64] {
	x := call.Target()
	if !call.IsMemberFunction() {
		x = call.Args()[0]
	}
	switch c.kind(x) {
	case types.StringKind:
		return strict(c.text(x), func(s string) int64 { return int64(utf8.RuneCountInString(s)) })
	case types.ListKind:
		if m, ok := c.members(x); ok {
			return m.count
		}
	}
	return nil
}

// real compiles what gives a number with a fraction.
func (c *compiler) real(x ast.Expr) of[float64] { return folded(x, c.realOf(x)) }

func (c *compiler) realOf(x ast.Expr) of[float64] {
	if k := c.kind(x); k != types.DoubleKind && k != types.NullTypeKind {
		return nil
	}
	if compiled, ok := shared(c, x, c.real, readReal, nil); ok {
		return compiled
	}
	switch x.Kind() {
	case ast.LiteralKind:
		if n, ok := x.AsLiteral().(types.Double); ok {
			return constant(float64(n), here)
		}
	case ast.CallKind:
		args := x.AsCall().Args()
		switch x.AsCall().FunctionName() {
		case operators.Add:
			return computed(c.real(args[0]), c.real(args[1]), func(a, b float64) (float64, bool) { return a + b, true })
		case operators.Subtract:
			return computed(c.real(args[0]), c.real(args[1]), func(a, b float64) (float64, bool) { return a - b, true })
		case operators.Multiply:
			return computed(c.real(args[0]), c.real(args[1]), func(a, b float64) (float64, bool) { return a * b, true })
		case operators.Divide:
			return computed(c.real(args[0]), c.real(args[1]), func(a, b float64) (float64, bool) { return a / b, true })
		case "double":
			if c.kind(args[0]) == types.IntKind {
				return strict(c.whole(args[0]), func(n int64) float64 { return float64(n) })
			}
		}
	}
	return nil
}

func readReal(v value.Value) (float64, state) {
	switch v.Type() {
	case value.Float:
		return v.Float(), here
	case "":
		return 0, null
	}
	return 0, failed
}

// instant compiles what gives a date or an instant.
func (c *compiler) instant(x ast.Expr) of[time.Time] { return folded(x, c.instantOf(x)) }

func (c *compiler) instantOf(x ast.Expr) of[time.Time] {
	if k := c.kind(x); k != types.TimestampKind && k != types.NullTypeKind {
		return nil
	}
	if compiled, ok := shared(c, x, c.instant, readInstant, nil); ok || x.Kind() != ast.CallKind {
		return compiled
	}
	args := x.AsCall().Args()
	switch x.AsCall().FunctionName() {
	case "date":
		return mapped(c.text(args[0]), func(s string) (time.Time, state) {
			v, err := value.Normalize(value.Date, "", s)
			switch {
			case err != nil:
				return time.Time{}, failed
			case v.IsNull():
				return time.Time{}, null
			}
			return v.Time(), here
		})
	case "addDays":
		return c.shifted(args, addDays)
	case "addMonths":
		return c.shifted(args, addMonths)
	}
	return nil
}

func (c *compiler) shifted(args []ast.Expr, body func(time.Time, int) time.Time) of[time.Time] {
	d, n := c.instant(args[0]), c.whole(args[1])
	if d == nil || n == nil {
		return nil
	}
	return func(f frame) (time.Time, state) {
		t, st := d(f)
		by, given := n(f)
		switch {
		case st == failed || given != here:
			return t, failed
		case st != here:
			return t, null
		}
		moved, err := shiftTime(t.UTC(), int(by), body)
		if err != nil {
			return t, failed
		}
		return moved, here
	}
}

func readInstant(v value.Value) (time.Time, state) {
	switch v.Type() {
	case value.Date:
		if t, ok := dayOf(v.Text()); ok {
			return t, here
		}
		return v.Time(), here
	case value.Time:
		return v.Time(), here
	case "":
		return time.Time{}, null
	}
	return time.Time{}, failed
}

// dayOf reads a day as it is stored; false for every other spelling, to which
// the library gives an answer. It is read for each person, and the library's
// parser takes ten times as long.
func dayOf(s string) (time.Time, bool) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	var n [3]int
	for i, at := range [3][2]int{{0, 4}, {5, 7}, {8, 10}} {
		for _, digit := range []byte(s[at[0]:at[1]]) {
			if digit < '0' || digit > '9' {
				return time.Time{}, false
			}
			n[i] = n[i]*10 + int(digit-'0')
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	return t, n[1] >= 1 && n[1] <= 12 && t.Day() == n[2] && t.Month() == time.Month(n[1])
}

func daysFrom(from, to time.Time) int64 {
	return int64(to.UTC().Truncate(schema.Day).Sub(from.UTC().Truncate(schema.Day)) / schema.Day)
}

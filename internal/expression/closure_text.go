package expression

import (
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/value"
)

// text compiles what gives a text.
func (c *compiler) text(x ast.Expr) of[string] { return folded(x, c.textOf(x)) }

func (c *compiler) textOf(x ast.Expr) of[string] {
	if k := c.kind(x); k != types.StringKind && k != types.NullTypeKind {
		return nil
	}
	if compiled, ok := shared(c, x, c.text, readText, func(s string) bool { return s == "" }); ok {
		return compiled
	}
	switch x.Kind() {
	case ast.LiteralKind:
		if s, ok := x.AsLiteral().(types.String); ok {
			return constant(string(s), here)
		}
	case ast.CallKind:
		if x.AsCall().FunctionName() == operators.Add {
			return joined(c.parts(x, nil))
		}
		if !x.AsCall().IsMemberFunction() {
			return c.textCall(x.AsCall())
		}
	}
	return nil
}

func readText(v value.Value) (string, state) {
	switch v.Type() {
	case value.String, value.DN, value.Binary:
		if v.Text() == "" {
			return "", null
		}
		return v.Text(), here
	case "":
		return "", null
	}
	return "", failed // stored under another type than it is declared with now
}

// parts flattens a chain of +, so that a text is built once.
func (c *compiler) parts(x ast.Expr, before []of[string]) []of[string] {
	if x.Kind() == ast.CallKind && x.AsCall().FunctionName() == operators.Add && !isConstant(x) {
		return c.parts(x.AsCall().Args()[1], c.parts(x.AsCall().Args()[0], before))
	}
	if x.Kind() == ast.CallKind && x.AsCall().FunctionName() == operators.Add {
		return append(before, folded(x, added(c.text(x.AsCall().Args()[0]), c.text(x.AsCall().Args()[1]))))
	}
	return append(before, c.text(x))
}

// partsMax is how many parts are joined at once; longer chains nest.
const partsMax = 8

func joined(parts []of[string]) of[string] {
	for _, part := range parts {
		if part == nil {
			return nil
		}
	}
	switch {
	case len(parts) == 1:
		return parts[0]
	case len(parts) == 2:
		return added(parts[0], parts[1])
	case len(parts) > partsMax:
		return joined(append([]of[string]{joined(parts[:partsMax])}, parts[partsMax:]...))
	}
	return func(f frame) (string, state) {
		var texts [partsMax]string // those that there are not add nothing
		for i, part := range parts {
			s, st := part(f)
			if st != here { // + refuses null
				return "", failed
			}
			texts[i] = s
		}
		return texts[0] + texts[1] + texts[2] + texts[3] + texts[4] + texts[5] + texts[6] + texts[7], here
	}
}

func added(a, b of[string]) of[string] {
	if a == nil || b == nil {
		return nil
	}
	return func(f frame) (string, state) {
		x, st := a(f)
		if st != here {
			return "", failed
		}
		y, st := b(f)
		if st != here {
			return "", failed
		}
		return x + y, here
	}
}

// textCall compiles our own functions that give a text, and string(x).
func (c *compiler) textCall(call ast.CallExpr) of[string] {
	args := call.Args()
	name := call.FunctionName()
	if body, ok := textFunctions[name]; ok {
		return mapped(c.text(args[0]), func(s string) (string, state) { return filled(body(s)) })
	}
	switch name {
	case "left", "right":
		return c.cut(args, cuts[name])
	case "pad":
		return c.padded(args)
	case "replace":
		return c.replaced(args)
	case "format":
		return c.formatted(args)
	case "string":
		return c.spelt(args[0])
	}
	return nil
}

// filled is null for an empty text.
func filled(s string) (string, state) {
	if s == "" {
		return "", null
	}
	return s, here
}

// mapped is a function of one argument; null gives null.
func mapped[T, U any](a of[T], body func(T) (U, state)) of[U] {
	if a == nil {
		return nil
	}
	return func(f frame) (U, state) {
		x, st := a(f)
		if st != here {
			return *new(U), nulled(st)
		}
		return body(x)
	}
}

// nulled is what a function of null gives: null, whatever null it was.
func nulled(st state) state {
	if st == failed {
		return failed
	}
	return null
}

func (c *compiler) cut(args []ast.Expr, body func(string, int) string) of[string] {
	s, n := c.text(args[0]), c.whole(args[1])
	if s == nil || n == nil {
		return nil
	}
	return func(f frame) (string, state) {
		x, st := s(f)
		length, given := n(f)
		switch {
		case st == failed || given != here:
			return "", failed
		case st != here:
			return "", null
		case length < 0:
			return "", failed
		}
		return filled(body(x, int(length)))
	}
}

func (c *compiler) padded(args []ast.Expr) of[string] {
	s, n, with := c.text(args[0]), c.whole(args[1]), c.text(args[2])
	if s == nil || n == nil || with == nil {
		return nil
	}
	return func(f frame) (string, state) {
		x, st := s(f)
		length, a := n(f)
		letter, b := with(f)
		switch {
		case st == failed || a != here || b != here:
			return "", failed
		case st != here:
			return "", null
		}
		out, err := padText(x, int(length), letter)
		if err != nil {
			return "", failed
		}
		return filled(out)
	}
}

func (c *compiler) replaced(args []ast.Expr) of[string] {
	s, old, with := c.text(args[0]), c.text(args[1]), c.text(args[2])
	if s == nil || old == nil || with == nil {
		return nil
	}
	return func(f frame) (string, state) {
		x, st := s(f)
		y, a := old(f)
		z, b := with(f)
		switch {
		case st == failed || a != here || b != here:
			return "", failed
		case st != here:
			return "", null
		}
		out, err := replaceText(x, y, z)
		if err != nil {
			return "", failed
		}
		return filled(out)
	}
}

func (c *compiler) formatted(args []ast.Expr) of[string] {
	d, pattern := c.instant(args[0]), c.text(args[1])
	if d == nil || pattern == nil {
		return nil
	}
	layout := ""
	if known := value.Format(literal(args[1])); known != "" && known.Check(value.Time) == nil {
		layout = known.Layout()
	}
	return func(f frame) (string, state) {
		t, st := d(f)
		p, given := pattern(f)
		switch {
		case st == failed || given != here:
			return "", failed
		case st != here:
			return "", null
		}
		if layout != "" {
			if utc := t.UTC(); utc.Year() >= 1 && utc.Year() <= 9999 {
				return filled(utc.Format(layout))
			}
		}
		out, err := formatTime(t, p)
		if err != nil {
			return "", failed
		}
		return filled(out)
	}
}

// spelt compiles string(x), which refuses null.
func (c *compiler) spelt(x ast.Expr) of[string] {
	switch c.kind(x) {
	case types.StringKind:
		return given(c.text(x))
	case types.IntKind:
		return strict(c.whole(x), func(n int64) string { return strconv.FormatInt(n, 10) })
	case types.DoubleKind:
		return strict(c.real(x), func(n float64) string { return fmt.Sprintf("%g", n) })
	case types.BoolKind:
		return strict(c.truth(x), strconv.FormatBool)
	case types.TimestampKind:
		return strict(c.instant(x), func(t time.Time) string { return t.Format(time.RFC3339Nano) })
	}
	return nil
}

// strict is a function of one argument that refuses null.
func strict[T, U any](a of[T], body func(T) U) of[U] {
	if a == nil {
		return nil
	}
	return func(f frame) (U, state) {
		x, st := a(f)
		if st != here {
			return *new(U), failed
		}
		return body(x), here
	}
}

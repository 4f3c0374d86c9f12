package lower

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// The names that package expression gives to comparisons with nothing.
const (
	emptyName  = "@empty"
	filledName = "@filled"
)

// reading finds what a test reads of its row: the longest paths of names, each
// once. What lies behind a link to many or a look-up does not depend on the row
// other than through the path that leads there.
type reading struct {
	program  *expression.Program
	shadowed map[string]int // names that stand for members of a list
	paths    []expression.Path
	whole    bool
}

func (r *reading) visit(x ast.Expr) {
	switch x.Kind() {
	case ast.IdentKind, ast.SelectKind:
		r.named(x)
	case ast.CallKind:
		if x.AsCall().IsMemberFunction() {
			r.visit(x.AsCall().Target())
		}
		for _, arg := range x.AsCall().Args() {
			r.visit(arg)
		}
	case ast.ListKind:
		for _, element := range x.AsList().Elements() {
			r.visit(element)
		}
	case ast.ComprehensionKind:
		fold := x.AsComprehension()
		r.visit(fold.IterRange())
		r.visit(fold.AccuInit())
		names := []string{fold.IterVar(), fold.AccuVar(), fold.IterVar2()}
		for _, name := range names {
			r.shadowed[name]++
		}
		r.visit(fold.LoopCondition())
		r.visit(fold.LoopStep())
		r.visit(fold.Result())
		for _, name := range names {
			r.shadowed[name]--
		}
	case ast.LiteralKind:
	default: // maps and records: rare enough to look at the whole row
		r.whole = true
	}
}

// named notes a path, or goes on below what is none.
func (r *reading) named(x ast.Expr) {
	if !r.isShadowed(x) {
		if path, ok := r.program.Path(x); ok {
			if len(path.Steps) == 0 {
				r.whole = true
				return
			}
			for _, known := range r.paths {
				if known.String() == path.String() {
					return
				}
			}
			r.paths = append(r.paths, path)
			return
		}
	}
	if x.Kind() == ast.SelectKind {
		r.visit(x.AsSelect().Operand())
	}
}

// isShadowed reports whether a chain of names begins at the member of a list.
func (r *reading) isShadowed(x ast.Expr) bool {
	for x.Kind() == ast.SelectKind {
		x = x.AsSelect().Operand()
	}
	return x.Kind() == ast.IdentKind && r.shadowed[x.AsIdent()] > 0
}

// recognise finds the tests that need no evaluation at all: a path compared with
// nothing or with texts that are written out. Their answer is looked up.
func (t *test) recognise(p *expression.Program, x ast.Expr) {
	if x.Kind() != ast.CallKind || t.whole || len(t.paths) != 1 {
		return
	}
	step := t.paths[0].Steps[len(t.paths[0].Steps)-1]
	property, _ := p.Property(step)
	args := x.AsCall().Args()
	if len(args) == 0 || property.Many || !t.isPath(p, args[0]) {
		return
	}
	switch x.AsCall().FunctionName() {
	case emptyName, filledName:
		t.direct, t.empty, t.negated = true, true, x.AsCall().FunctionName() == filledName
	case operators.Equals, operators.NotEquals:
		if texts, ok := spellings(args[1]); ok {
			t.direct, t.exactly, t.negated = true, texts, x.AsCall().FunctionName() == operators.NotEquals
		}
	case operators.In:
		if args[1].Kind() != ast.ListKind || args[1].AsList().Size() == 0 {
			return
		}
		var all []value.Value
		withNull := false
		for _, element := range args[1].AsList().Elements() {
			if element.Kind() == ast.LiteralKind && element.AsLiteral() == types.NullValue {
				withNull = true
				continue
			}
			texts, ok := spellings(element)
			if !ok {
				return
			}
			for _, v := range texts {
				if !contains(all, v) {
					all = append(all, v)
				}
			}
		}
		t.direct, t.exactly, t.empty = true, all, withNull
	}
}

func contains(all []value.Value, v value.Value) bool {
	for _, other := range all {
		if other == v {
			return true
		}
	}
	return false
}

func (t *test) isPath(p *expression.Program, x ast.Expr) bool {
	if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() {
		return false
	}
	_, ok := p.Path(x)
	return ok
}

// spellings are the stored values that read as a text that is written out.
func spellings(x ast.Expr) ([]value.Value, bool) {
	if x.Kind() != ast.LiteralKind {
		return nil, false
	}
	s, ok := x.AsLiteral().(types.String)
	if !ok || s == "" {
		return nil, false
	}
	text := value.OfString(string(s))
	all := []value.Value{text}
	for _, kind := range []value.Type{value.DN, value.Binary} {
		if v, ok := as(kind, string(s)); ok {
			all = append(all, v)
		}
	}
	return all, true
}

// as gives the stored value of a type with exactly this text, if there is one.
func as(kind value.Type, text string) (value.Value, bool) {
	v, err := value.Normalize(kind, "", text)
	return v, err == nil && v.Text() == text
}

// spelled writes a tree so that two that ask the same read the same.
func spelled(x ast.Expr) string {
	var b strings.Builder
	write(&b, x)
	return b.String()
}

func write(b *strings.Builder, x ast.Expr) {
	all := func(open string, list ...ast.Expr) {
		b.WriteString(open)
		for _, part := range list {
			write(b, part)
			b.WriteByte(',')
		}
		b.WriteByte(')')
	}
	switch x.Kind() {
	case ast.IdentKind:
		fmt.Fprintf(b, "%q", x.AsIdent())
	case ast.LiteralKind:
		fmt.Fprintf(b, "%T:%q", x.AsLiteral(), fmt.Sprint(x.AsLiteral().Value()))
	case ast.SelectKind:
		all(fmt.Sprintf("select %q %t(", x.AsSelect().FieldName(), x.AsSelect().IsTestOnly()), x.AsSelect().Operand())
	case ast.CallKind:
		call := x.AsCall()
		list := call.Args()
		if call.IsMemberFunction() {
			list = append([]ast.Expr{call.Target()}, list...)
		}
		all(fmt.Sprintf("call %q(", call.FunctionName()), list...)
	case ast.ListKind:
		all("list(", x.AsList().Elements()...)
	case ast.ComprehensionKind:
		f := x.AsComprehension()
		all(fmt.Sprintf("fold %q %q %q(", f.IterVar(), f.IterVar2(), f.AccuVar()), f.IterRange(), f.AccuInit(), f.LoopCondition(), f.LoopStep(), f.Result())
	default: // nothing is known to ask the same
		fmt.Fprintf(b, "%p", x)
	}
}

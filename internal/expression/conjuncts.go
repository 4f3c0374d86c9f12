package expression

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"provisor.dev/provisor/internal/domain/schema"
)

// Conjuncts returns the conditions that a condition joins by && at its top: each
// a program with the author's own words, to say which of them does not hold. A
// condition that joins nothing is returned alone.
func (p *Program) Conjuncts() []*Program {
	whole := []*Program{p}
	parts, joints := conjoined(p.tree.Expr())
	if len(parts) < 2 {
		return whole
	}
	texts, ok := p.between(joints)
	if !ok || len(texts) != len(parts) {
		return whole
	}
	env, err := p.environment.scoped(p.scope)
	if err != nil {
		return whole
	}
	list := make([]*Program, len(parts))
	for i, part := range parts {
		tree := ast.NewCheckedAST(ast.NewAST(part, p.tree.SourceInfo()), p.tree.TypeMap(), p.tree.ReferenceMap())
		run, err := planned(env, tree)
		if err != nil {
			return whole
		}
		x := schema.Expression{Text: texts[i], Position: p.expression.Position}
		x.Position.Column += i // each has a place of its own; nobody reads it
		list[i] = &Program{
			environment: p.environment, scope: p.scope, want: p.want, expression: x,
			env: env, plan: &plan{run: run}, tree: tree, reads: p.environment.reads(p.scope, tree),
		}
	}
	return list
}

// conjoined lists the operands of && from the left to the right, and the nodes
// that join them.
func conjoined(x ast.Expr) (parts []ast.Expr, joints []int64) {
	if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.LogicalAnd {
		return []ast.Expr{x}, nil
	}
	for _, arg := range x.AsCall().Args() {
		below, at := conjoined(arg)
		parts, joints = append(parts, below...), append(joints, at...)
	}
	return parts, append(joints, x.ID())
}

// between cuts the text at the operators of the joining nodes.
func (p *Program) between(joints []int64) ([]string, bool) {
	text := []rune(p.expression.Text)
	var cuts []int
	for _, id := range joints {
		at, ok := p.tree.SourceInfo().GetOffsetRange(id)
		if !ok || at.Start < 0 || int(at.Start)+2 > len(text) || string(text[at.Start:at.Start+2]) != "&&" {
			return nil, false
		}
		cuts = append(cuts, int(at.Start))
	}
	slices.Sort(cuts)
	var list []string
	from := 0
	for _, cut := range append(cuts, len(text)) {
		list = append(list, unwrapped(string(text[from:cut])))
		from = min(cut+2, len(text))
	}
	return list, true
}

// unwrapped drops the brackets that a cut left without their other half.
func unwrapped(text string) string {
	text = strings.TrimSpace(text)
	for open := strings.Count(text, "(") - strings.Count(text, ")"); open != 0; {
		switch {
		case open > 0 && strings.HasPrefix(text, "("):
			text, open = strings.TrimSpace(text[1:]), open-1
		case open < 0 && strings.HasSuffix(text, ")"):
			text, open = strings.TrimSpace(text[:len(text)-1]), open+1
		default:
			return text
		}
	}
	return text
}

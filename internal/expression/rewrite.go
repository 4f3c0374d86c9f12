package expression

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// tolerateNull lets one branch of a choice be null: cond ? 'a' : null. CEL has
// no type for "text or null" that a literal would take by itself, so the other
// branch is wrapped. It works on the tree before it is checked.
func tolerateNull(tree *ast.AST) {
	fresh := ast.MaxID(tree)
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.Conditional {
			return
		}
		args := x.AsCall().Args()
		yes, no := args[1], args[2]
		if !mayBeNull(yes) && !mayBeNull(no) {
			return
		}
		wrap := func(branch ast.Expr) ast.Expr {
			if mayBeNull(branch) {
				return branch
			}
			fresh++
			return factory.NewCall(fresh, maybeName, branch)
		}
		x.SetKindCase(factory.NewCall(x.ID(), operators.Conditional, args[0], wrap(yes), wrap(no)))
	}))
}

// mayBeNull recognises null itself and a choice that was found to give it.
func mayBeNull(x ast.Expr) bool {
	switch x.Kind() {
	case ast.LiteralKind:
		return x.AsLiteral() == types.NullValue
	case ast.CallKind:
		if x.AsCall().FunctionName() == operators.Conditional {
			args := x.AsCall().Args()
			return mayBeNull(args[1]) || mayBeNull(args[2])
		}
	}
	return false
}

// equateEmpty makes comparisons with ” and with null the same question, because
// no system tells the two apart reliably: x == ” is true for null, and a
// computed empty text equals null. It works on the checked tree, so that the
// author's own words were type-checked.
func equateEmpty(tree *ast.AST) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind {
			return
		}
		call := x.AsCall()
		switch call.FunctionName() {
		case operators.Equals, operators.NotEquals:
			other := call.Args()[0]
			if isEmptyLiteral(other) {
				other = call.Args()[1]
			} else if !isEmptyLiteral(call.Args()[1]) {
				return
			}
			name := emptyName
			if call.FunctionName() == operators.NotEquals {
				name = filledName
			}
			x.SetKindCase(factory.NewCall(x.ID(), name, other))
			tree.SetReference(x.ID(), ast.NewFunctionReference(name+"_any"))
		case operators.In:
			nullMembers(factory, call.Args()[1])
		}
	}))
}

func isEmptyLiteral(x ast.Expr) bool {
	return x.Kind() == ast.LiteralKind && (x.AsLiteral() == types.NullValue || x.AsLiteral() == types.String(""))
}

// nullMembers makes x in [”] find null.
func nullMembers(factory ast.ExprFactory, list ast.Expr) {
	if list.Kind() != ast.ListKind {
		return
	}
	for _, member := range list.AsList().Elements() {
		if isEmptyLiteral(member) {
			member.SetKindCase(factory.NewLiteral(member.ID(), types.NullValue))
		}
	}
}

package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression/spelling"
	"provisor.dev/provisor/value"
)

// functionNames are suggested for misspelt calls.
var functionNames = []string{
	"fold", "lower", "upper", "trim", "rdn", "left", "right", "pad", "replace", "date", "format", "addDays",
	"addMonths", "daysBetween", "year", "month", "day", "coalesce", "lookup", "has", "size", "string", "int",
	"double", "startsWith", "endsWith", "contains", "matches", "exists", "all", "filter", "map",
}

// explain turns what CEL says into findings in the words of the configuration.
// The tree is nil when it could not be parsed.
func (e *Environment) explain(scope Scope, tree *ast.AST, issues *cel.Issues, x schema.Expression) []fault.Finding {
	var findings []fault.Finding
	for _, problem := range issues.Errors() {
		column := problem.Location.Column()
		if undefined.MatchString(problem.Message) {
			column++ // CEL points at the dot, an author looks for the name
		}
		where := at(x, problem.Location.Line(), column)
		what, do := e.words(scope, tree, problem)
		if strings.HasPrefix(what, "Syntax error") && len(findings) > 0 {
			continue // the parser's later complaints follow from the first
		}
		findings = append(findings, one(where, what, do)...)
	}
	if len(findings) == 0 {
		findings = one(at(x, 1, 0), issues.Err().Error(), "")
	}
	return findings
}

var (
	undeclared  = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	undefined   = regexp.MustCompile(`^undefined field '([^']+)'`)
	noOverload  = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'$`)
	wrapperType = regexp.MustCompile(`wrapper\((\w+)\)`)
)

func (e *Environment) words(scope Scope, tree *ast.AST, problem *common.Error) (what, do string) {
	if m := undeclared.FindStringSubmatch(problem.Message); m != nil {
		name := m[1]
		if call := callAt(tree, problem.ExprID); call {
			return "there is no function " + name, spelling.Suggest(name, functionNames)
		}
		return "there is nothing called " + name + " here", e.otherName(scope, name)
	}
	if m := undefined.FindStringSubmatch(problem.Message); m != nil {
		entity := e.operand(scope, tree, problem.ExprID)
		if entity == "" {
			return "there is no property " + m[1], ""
		}
		return fmt.Sprintf("%s has no property %s", entity, m[1]),
			spelling.Suggest(m[1], propertyNames(e.entities[entity]))
	}
	if m := noOverload.FindStringSubmatch(problem.Message); m != nil {
		types := wrapperType.ReplaceAllString(m[2], "$1")
		types = strings.NewReplacer("google.protobuf.Timestamp", "date", "timestamp", "date").Replace(types)
		what = fmt.Sprintf("%s does not go with %s", spelled(m[1]), types)
		switch {
		case m[1] == "_+_" && strings.Contains(types, "string") && (strings.Contains(types, "int") || strings.Contains(types, "double")):
			do = "turn the number into text with string(...)"
		case m[1] == "_+_" && strings.Contains(types, "date"):
			do = "write addDays(d, n), or format(d, 'yyyy-MM-dd') for text"
		case m[1] == "_==_" || m[1] == "_!=_":
			do = "compare values of one type; date('2026-01-31') makes a date, string(...) a text"
		}
		return what, do
	}
	return strings.TrimSpace(problem.Message), ""
}

// otherName suggests what the author may name in the scope.
func (e *Environment) otherName(scope Scope, name string) string {
	if scope.own != "" {
		own := e.entities[scope.own]
		if near := spelling.Suggest(name, propertyNames(own)); near != "" {
			return near
		}
		if name == "source" || name == "target" {
			return "here the properties of " + string(scope.own) + " are named directly, such as " + string(own.Key)
		}
		return "name a property of " + string(scope.own)
	}
	var roots []string
	for root, t := range map[string]schema.EntityType{"source": scope.source, "target": scope.target} {
		if t == "" {
			continue
		}
		roots = append(roots, root)
		if _, ok := e.entities[t].Properties[schema.PropertyName(name)]; ok {
			return "write " + root + "." + name
		}
	}
	slices.Sort(roots)
	return "begin with " + strings.Join(roots, ". or ") + "."
}

// operand finds the entity type whose property a select expression names.
func (e *Environment) operand(scope Scope, tree *ast.AST, id int64) schema.EntityType {
	if tree == nil {
		return ""
	}
	node := find(tree.Expr(), id)
	if node == nil || node.Kind() != ast.SelectKind {
		return ""
	}
	r := &reader{e: e, scope: scope, variables: map[string][]Path{}, found: map[string]Path{}}
	for _, path := range r.paths(node.AsSelect().Operand()) {
		if entity := r.entity(path); entity != "" {
			return entity
		}
	}
	return ""
}

func callAt(tree *ast.AST, id int64) bool {
	if tree == nil {
		return false
	}
	node := find(tree.Expr(), id)
	return node != nil && node.Kind() == ast.CallKind
}

// refuses says why a type does not suit what is wanted; "" when it does.
func (want Result) refuses(t *cel.Type) (what, do string) {
	kind := t.Kind()
	if kind == types.DynKind {
		return "", ""
	}
	if kind == types.NullTypeKind {
		if want.kind == truth {
			return "null is not a condition", ""
		}
		return "", ""
	}
	switch want.kind {
	case truth:
		if kind != types.BoolKind {
			return "a condition must be true or false, this is a " + typeWord(t), "compare it with something"
		}
	case link:
		if kind != types.StructKind || t.TypeName() != string(want.entity) {
			return fmt.Sprintf("this must lead to a %s, it is a %s", want.entity, typeWord(t)),
				"name a path of links that ends at a " + string(want.entity)
		}
	case anything:
		switch kind {
		case types.ListKind, types.MapKind, types.DurationKind, types.TypeKind:
			return "this gives a " + typeWord(t) + ", not a value", ""
		case types.StructKind:
			return "this gives a whole " + t.TypeName() + ", not a value", "name one of its properties"
		}
	case scalar:
		return want.refusesScalar(t)
	}
	return "", ""
}

func (want Result) refusesScalar(t *cel.Type) (what, do string) {
	kind := t.Kind()
	fits := false
	switch want.scalar {
	case value.Int:
		fits = kind == types.IntKind
	case value.Float:
		fits = kind == types.IntKind || kind == types.DoubleKind
	case value.Bool:
		fits = kind == types.BoolKind
	case value.Date, value.Time:
		fits = kind == types.TimestampKind
	default:
		fits = kind == types.StringKind
	}
	if fits {
		return "", ""
	}
	switch {
	case kind == types.StructKind:
		do = "name one of its properties"
	case want.scalar == value.String && kind == types.TimestampKind:
		do = "write format(d, 'yyyy-MM-dd')"
	case want.scalar == value.String:
		do = "turn it into text with string(...)"
	case want.scalar == value.Int && kind == types.StringKind:
		do = "turn it into a number with int(...)"
	case (want.scalar == value.Date || want.scalar == value.Time) && kind == types.StringKind:
		do = "turn it into a date with date(...)"
	}
	return fmt.Sprintf("this must give a %s, it gives a %s", want.scalar, typeWord(t)), do
}

func typeWord(t *cel.Type) string {
	switch t.Kind() {
	case types.TimestampKind:
		return "date"
	case types.ListKind:
		return "list"
	case types.StructKind:
		return t.TypeName()
	}
	return wrapperType.ReplaceAllString(t.String(), "$1")
}

package expression

import (
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Names that no author can write: "@" is not a letter of the language.
const (
	recordsName  = "@records"
	emptyName    = "@empty"
	filledName   = "@filled"
	maybeName    = "@maybe"
	lookupPrefix = "@lookup_"
)

var (
	text  = cel.NullableType(cel.StringType)
	whole = cel.NullableType(cel.IntType)
	day   = cel.NullableType(cel.TimestampType)
)

// functions are our own, on top of CEL's. Each gives null when its first
// argument is null, and null instead of an empty text.
func functions(entities map[schema.EntityType]schema.Entity) []cel.EnvOption {
	options := []cel.EnvOption{
		function("pad", []*cel.Type{text, cel.IntType, cel.StringType}, text, func(args []ref.Val) ref.Val {
			return textOr(padText(letters(args[0]), int(args[1].(types.Int)), letters(args[2])))
		}),
		function("replace", []*cel.Type{text, cel.StringType, cel.StringType}, text, func(args []ref.Val) ref.Val {
			return textOr(replaceText(letters(args[0]), letters(args[1]), letters(args[2])))
		}),
		function("date", []*cel.Type{text}, day, func(args []ref.Val) ref.Val {
			v, err := value.Normalize(value.Date, "", letters(args[0]))
			if err != nil {
				return types.NewErr("%s", err.Error())
			}
			return fromValue(v)
		}),
		function("format", []*cel.Type{day, cel.StringType}, text, func(args []ref.Val) ref.Val {
			return textOr(formatTime(instant(args[0]), letters(args[1])))
		}),
		shift("addDays", addDays), shift("addMonths", addMonths),
		function("daysBetween", []*cel.Type{day, day}, whole, func(args []ref.Val) ref.Val {
			if isNull(args[1]) {
				return types.NullValue
			}
			return types.Int(daysFrom(instant(args[0]), instant(args[1])))
		}),
		coalesce(entities),
		presence(emptyName, true), presence(filledName, false),
		maybe(entities),
	}
	for name, body := range textFunctions {
		options = append(options, textFunction(name, body))
	}
	for name, body := range cuts {
		options = append(options, cut(name, body))
	}
	for name, body := range dateParts {
		options = append(options, part(name, body))
	}
	for _, entity := range entities {
		options = append(options, lookup(entity))
	}
	return options
}

// function declares a function whose first argument may be null.
func function(name string, args []*cel.Type, result *cel.Type, body func([]ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_of", args, result, cel.FunctionBinding(func(args ...ref.Val) ref.Val {
		if isNull(args[0]) {
			return types.NullValue
		}
		return body(args)
	})))
}

func textFunction(name string, body func(string) string) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_of", []*cel.Type{text}, text, cel.UnaryBinding(func(arg ref.Val) ref.Val {
		if isNull(arg) {
			return types.NullValue
		}
		return asText(body(letters(arg)))
	})))
}

// cut declares left and right: letters, not bytes; a short text stays whole.
func cut(name string, body func(string, int) string) cel.EnvOption {
	return function(name, []*cel.Type{text, cel.IntType}, text, func(args []ref.Val) ref.Val {
		n := int(args[1].(types.Int))
		if n < 0 {
			return types.NewErr("%s: %d is not a number of letters", name, n)
		}
		return asText(body(letters(args[0]), n))
	})
}

func part(name string, body func(time.Time) int) cel.EnvOption {
	return function(name, []*cel.Type{day}, whole, func(args []ref.Val) ref.Val {
		return types.Int(body(instant(args[0])))
	})
}

func shift(name string, body func(time.Time, int) time.Time) cel.EnvOption {
	return function(name, []*cel.Type{day, cel.IntType}, day, func(args []ref.Val) ref.Val {
		moved, err := shiftTime(instant(args[0]), int(args[1].(types.Int)), body)
		if err != nil {
			return types.NewErr("%s", err.Error())
		}
		return types.Timestamp{Time: moved}
	})
}

// coalesce gives the first of its two arguments that is not null.
func coalesce(entities map[schema.EntityType]schema.Entity) cel.EnvOption {
	return overloaded("coalesce", 2, entities, cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
		if isNull(a) || a == types.String("") {
			return b
		}
		return a
	}))
}

// maybe turns a type into one that may be null. It is put in where an author
// gives null in one branch of a choice.
func maybe(entities map[schema.EntityType]schema.Entity) cel.EnvOption {
	return overloaded(maybeName, 1, entities, cel.SingletonUnaryBinding(func(a ref.Val) ref.Val { return a }))
}

// overloaded declares a function whose arguments and result have one type, any
// that may be null. The guards of types at run time are off: they refuse null
// where a resource is declared.
func overloaded(name string, arguments int, entities map[schema.EntityType]schema.Entity, body cel.FunctionOpt) cel.EnvOption {
	options := []cel.FunctionOpt{body, decls.DisableTypeGuards(true)}
	for _, t := range nullable(entities) {
		options = append(options, cel.Overload(name+"_"+t.TypeName(), slices.Repeat([]*cel.Type{t}, arguments), t))
	}
	return cel.Function(name, options...)
}

func nullable(entities map[schema.EntityType]schema.Entity) []*cel.Type {
	all := []*cel.Type{text, whole, cel.NullableType(cel.DoubleType), cel.NullableType(cel.BoolType), day}
	for name := range entities {
		all = append(all, cel.ObjectType(string(name)))
	}
	return all
}

// presence declares the comparison with nothing, which is null and empty text alike.
func presence(name string, whenEmpty bool) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_any", []*cel.Type{cel.DynType}, cel.BoolType,
		cel.UnaryBinding(func(a ref.Val) ref.Val {
			return types.Bool((isNull(a) || a == types.String("")) == whenEmpty)
		})))
}

// lookup declares the look-up in one entity type, to which the macro expands.
func lookup(entity schema.Entity) cel.EnvOption {
	name := lookupPrefix + string(entity.Type)
	return cel.Function(name, cel.Overload(name+"_of",
		[]*cel.Type{cel.DynType, cel.StringType, cel.DynType}, cel.ObjectType(string(entity.Type)),
		cel.FunctionBinding(func(args ...ref.Val) ref.Val {
			finder, ok := args[0].Value().(Records)
			property := entity.Properties[schema.PropertyName(letters(args[1]))]
			if !ok || finder == nil || isNull(args[2]) {
				return nothing{}
			}
			v, err := toValue(property.Type, args[2])
			if err != nil {
				return types.NewErr("lookup: %s", err.Error())
			}
			if found, ok := finder.Find(entity.Type, property.Name, v); ok && found != nil {
				return &record{found, finder}
			}
			return nothing{}
		})))
}

// expandLookup turns lookup('Person', 'email', x) into the typed look-up.
func (e *Environment) expandLookup(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	entity, ok := e.entities[schema.EntityType(literal(args[0]))]
	if !ok {
		return nil, f.NewError(args[0].ID(), "lookup needs an entity type in quotes, such as 'Person'; "+
			quoted(literal(args[0]))+" is not one")
	}
	name := schema.PropertyName(literal(args[1]))
	if !identifies(entity, name) {
		return nil, f.NewError(args[1].ID(), "lookup needs the key or an identifier of "+string(entity.Type)+
			" in quotes; "+quoted(string(name))+" is neither")
	}
	return f.NewCall(lookupPrefix+string(entity.Type), f.NewIdent(recordsName), args[1], args[2]), nil
}

func quoted(s string) string {
	if s == "" {
		return "what is given"
	}
	return "'" + s + "'"
}

func identifies(e schema.Entity, name schema.PropertyName) bool {
	if name == "" || e.Key == name {
		return name != ""
	}
	for _, other := range e.Identify {
		if other == name {
			return true
		}
	}
	return false
}

// literal returns the text of a string literal, "" for anything else.
func literal(x ast.Expr) string {
	if x.Kind() != ast.LiteralKind {
		return ""
	}
	s, _ := x.AsLiteral().(types.String)
	return string(s)
}

func letters(v ref.Val) string { s, _ := v.(types.String); return string(s) }

func instant(v ref.Val) time.Time { t, _ := v.(types.Timestamp); return t.Time.UTC() }

// textOr gives the text, or the exception.
func textOr(s string, err error) ref.Val {
	if err != nil {
		return types.NewErr("%s", err.Error())
	}
	return asText(s)
}

func asText(s string) ref.Val {
	if s == "" {
		return types.NullValue
	}
	return types.String(s)
}

// sizes estimates what is not known at load.
type sizes struct{}

func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	switch node.Type().Kind() {
	case types.ListKind:
		return &cost.SizeEstimate{Max: assumedLinks}
	case types.StringKind:
		return &cost.SizeEstimate{Max: assumedTextBytes}
	}
	return &cost.SizeEstimate{Min: 1, Max: 1}
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

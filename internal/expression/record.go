package expression

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Records finds the resources to which expressions hop.
type Records interface {
	// Record returns the resource with the key.
	Record(t schema.EntityType, key resources.Key) (*resources.Resource, bool)
	// Find returns the resource whose key property or identifier has the value.
	Find(t schema.EntityType, p schema.PropertyName, v value.Value) (*resources.Resource, bool)
}

// A record is a resource as CEL sees it; links are followed when they are read.
type record struct {
	resource *resources.Resource
	records  Records
}

func (r *record) Type() ref.Type { return types.NewObjectType(string(r.resource.Type)) }
func (r *record) Value() any     { return r }
func (r *record) Equal(other ref.Val) ref.Val {
	o, ok := other.(*record)
	return types.Bool(ok && o.resource.Ref == r.resource.Ref)
}
func (r *record) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a resource cannot become a %s", t)
}
func (r *record) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a resource cannot become a %s", t.TypeName())
}

// nothing is what a link to one leads to when it is empty. It equals null, and
// every property of it is null, so that a path over a missing link gives null.
type nothing struct{}

func (nothing) Type() ref.Type { return types.NullType }
func (nothing) Value() any     { return nothing{} }
func (nothing) Equal(other ref.Val) ref.Val {
	return types.Bool(other.Type() == types.NullType)
}
func (nothing) ConvertToNative(t reflect.Type) (any, error) {
	return types.NullValue.ConvertToNative(t)
}
func (nothing) ConvertToType(t ref.Type) ref.Val { return types.NullValue.ConvertToType(t) }

// isNull knows both spellings of null.
func isNull(v ref.Val) bool {
	switch v.(type) {
	case types.Null, nothing:
		return true
	}
	return false
}

// property reads one property of a record or of nothing.
func (r *record) property(p schema.Property) ref.Val {
	if !p.IsLink() {
		return fromValue(r.resource.Values[p.Name])
	}
	keys := r.resource.Links[p.Name]
	if p.Many {
		members := make([]ref.Val, 0, len(keys))
		for _, key := range keys {
			if found := r.hop(p.Link, key); found != nil {
				members = append(members, found)
			}
		}
		return types.NewRefValList(types.DefaultTypeAdapter, members)
	}
	if len(keys) > 0 {
		if found := r.hop(p.Link, keys[0]); found != nil {
			return found
		}
	}
	return nothing{}
}

func (r *record) hop(t schema.EntityType, key resources.Key) ref.Val {
	if r.records == nil {
		return nil
	}
	found, ok := r.records.Record(t, key)
	if !ok || found == nil {
		return nil
	}
	return &record{found, r.records}
}

// missing is what a property of nothing gives.
func missing(p schema.Property) ref.Val {
	switch {
	case p.Many:
		return types.NewRefValList(types.DefaultTypeAdapter, nil)
	case p.IsLink():
		return nothing{}
	}
	return types.NullValue
}

// fromValue turns a stored value into CEL's.
func fromValue(v value.Value) ref.Val {
	switch v.Type() {
	case "":
		return types.NullValue
	case value.Int:
		return types.Int(v.Int())
	case value.Float:
		return types.Double(v.Float())
	case value.Bool:
		return types.Bool(v.Bool())
	case value.Date, value.Time:
		return types.Timestamp{Time: v.Time()}
	}
	if v.Text() == "" {
		return types.NullValue // empty text is null everywhere
	}
	return types.String(v.Text())
}

// propertyType is the type under which expressions see a property.
func propertyType(p schema.Property) *cel.Type {
	switch {
	case p.Many:
		return cel.ListType(cel.ObjectType(string(p.Link)))
	case p.IsLink():
		return cel.ObjectType(string(p.Link)) // objects may be null
	}
	switch p.Type {
	case value.Int:
		return cel.NullableType(cel.IntType)
	case value.Float:
		return cel.NullableType(cel.DoubleType)
	case value.Bool:
		return cel.NullableType(cel.BoolType)
	case value.Date, value.Time:
		return day
	}
	return cel.NullableType(cel.StringType)
}

// adapter passes values through that are CEL's already.
type adapter struct{}

func (adapter) NativeToValue(v any) ref.Val {
	if rv, ok := v.(ref.Val); ok {
		return rv
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// provider tells CEL the entity types as record types.
type provider struct {
	*types.Registry
	entities map[schema.EntityType]schema.Entity
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.entities[schema.EntityType(name)]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	entity, ok := p.entities[schema.EntityType(name)]
	if !ok {
		return p.Registry.FindStructFieldNames(name)
	}
	return propertyNames(entity), true
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	entity, ok := p.entities[schema.EntityType(name)]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	property, ok := entity.Properties[schema.PropertyName(field)]
	if !ok {
		return nil, false
	}
	read := func(of any) ref.Val {
		if r, ok := of.(*record); ok {
			return r.property(property)
		}
		return missing(property)
	}
	return &types.FieldType{
		Type:    propertyType(property),
		GetFrom: func(of any) (any, error) { return read(of), nil },
		IsSet:   func(of any) bool { return !isNull(read(of)) },
	}, true
}

func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := p.entities[schema.EntityType(name)]; ok {
		return types.NewErr("resources cannot be made in an expression")
	}
	return p.Registry.NewValue(name, fields)
}

func propertyNames(e schema.Entity) []string {
	names := make([]string, 0, len(e.Properties))
	for _, name := range e.Names() {
		names = append(names, string(name))
	}
	return names
}

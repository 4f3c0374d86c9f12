package expression

import (
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A Row remembers the scalars that were read of one resource. Hundreds of
// expressions read the same few dozen properties of an owner, and looking one up
// by its name takes longer than most of what is done with it. Another resource
// makes it begin anew; one that changes needs another row. The zero Row is empty.
// It is not safe for concurrent use.
type Row struct {
	of          *resources.Resource
	environment *Environment
	values      []value.Value // by the number that the environment gives the property
	read        []bool
}

// over makes the row one of a resource.
func (r *Row) over(of *resources.Resource, e *Environment) *Row {
	switch {
	case r == nil || r.of == of && r.environment == e:
	case r.environment == e:
		r.of = of
		clear(r.read)
	default:
		*r = Row{of: of, environment: e, values: make([]value.Value, len(e.numbers)), read: make([]bool, len(e.numbers))}
	}
	return r
}

// scalar reads a scalar of the source, which is there.
func (f frame) scalar(n int, name schema.PropertyName) value.Value {
	if f.row == nil {
		return f.source.Values[name]
	}
	return f.row.scalar(n, name)
}

func (r *Row) scalar(n int, name schema.PropertyName) value.Value {
	if !r.read[n] {
		r.values[n], r.read[n] = r.of.Values[name], true
	}
	return r.values[n]
}

package resources

import (
	"maps"
	"slices"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Given is what one property of a resource holds: a scalar, or links.
type Given struct {
	Value    value.Value `json:"v,omitzero"`
	Links    []Key       `json:"l,omitempty"`
	Dangling []string    `json:"d,omitempty"` // links of a source that lead to nothing known
}

// Empty reports whether it is nothing at all.
func (g Given) Empty() bool { return g.Value.IsNull() && len(g.Links) == 0 && len(g.Dangling) == 0 }

// Same reports whether two properties hold the same.
func (g Given) Same(o Given) bool {
	return g.Value == o.Value && slices.Equal(g.Links, o.Links) && slices.Equal(g.Dangling, o.Dangling)
}

// String writes the scalar or the keys of the links.
func (g Given) String() string {
	if len(g.Links) == 0 {
		return g.Value.Text()
	}
	text := string(g.Links[0])
	for _, key := range g.Links[1:] {
		text += ", " + string(key)
	}
	return text
}

// Given returns what a property holds.
func (r *Resource) Given(p schema.PropertyName) Given {
	return Given{Value: r.Values[p], Links: r.Links[p], Dangling: r.Dangling[p]}
}

// Set gives a property of the resource what it is to hold.
func (r *Resource) Set(p schema.PropertyName, g Given) {
	set(&r.Values, p, g.Value, g.Value.IsNull())
	set(&r.Links, p, g.Links, len(g.Links) == 0)
	set(&r.Dangling, p, g.Dangling, len(g.Dangling) == 0)
}

func set[V any](m *map[schema.PropertyName]V, p schema.PropertyName, v V, nothing bool) {
	switch {
	case nothing:
		delete(*m, p)
	case *m == nil:
		*m = map[schema.PropertyName]V{p: v}
	default:
		(*m)[p] = v
	}
}

// Edit puts what a person wrote before what the source gives, which is kept.
func (r *Resource) Edit(p schema.PropertyName, g Given) {
	if _, edited := r.Edited[p]; !edited {
		set(&r.Edited, p, r.Given(p), false)
	}
	r.Set(p, g)
}

// Restore takes an edit back: the property holds what the source gives.
func (r *Resource) Restore(p schema.PropertyName) {
	source, edited := r.Edited[p]
	if !edited {
		return
	}
	r.Set(p, source)
	if delete(r.Edited, p); len(r.Edited) == 0 {
		r.Edited = nil // so that it is spelt as if it had never been edited
	}
}

// Clone returns a copy whose properties can be changed without changing the
// resource's.
func (r *Resource) Clone() Resource {
	c := *r
	c.Values, c.Links, c.Dangling, c.Edited = maps.Clone(r.Values), maps.Clone(r.Links), maps.Clone(r.Dangling), maps.Clone(r.Edited)
	return c
}

// Source returns the resource as its source gives it, without edits.
func (r *Resource) Source() *Resource {
	if len(r.Edited) == 0 {
		return r
	}
	c := r.Clone()
	for p := range r.Edited {
		c.Restore(p)
	}
	return &c
}

// Edits are what people wrote, by resource and property.
type Edits map[Key]map[schema.PropertyName]Given

// Apply brings a resource to its edits: those that are no longer there are taken
// back, the others are put before what the source gives.
func (e Edits) Apply(r *Resource) {
	wanted := e[r.Key]
	for p := range maps.Clone(r.Edited) {
		if _, kept := wanted[p]; !kept {
			r.Restore(p)
		}
	}
	for p, g := range wanted {
		r.Edit(p, g)
	}
}

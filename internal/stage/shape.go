package stage

import (
	"context"
	"maps"
	"slices"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// Systems opens managed systems. A system far away looks like one nearby.
type Systems interface {
	System(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) (connector.System, error)
}

// ShapeOf describes an entity type to a connector package.
func ShapeOf(m *roles.Model, e schema.Entity) connector.Shape {
	shape := connector.Shape{
		Entity: string(e.Type), From: e.From, Create: e.Create, Key: string(e.Key),
		Properties: make([]connector.Property, 0, len(e.Properties)),
	}
	for _, id := range e.Identify {
		shape.Identify = append(shape.Identify, string(id))
	}
	for _, name := range e.Names() {
		p := e.Properties[name]
		if p.Allocate != nil || p.Ours() {
			continue // computed or written in Provisor: the system knows nothing of it
		}
		shape.Properties = append(shape.Properties, propertyOf(m, p))
	}
	return shape
}

func propertyOf(m *roles.Model, p schema.Property) connector.Property {
	out := connector.Property{
		Name: string(p.Name), Column: p.Column, Type: p.Type, Format: p.Format, Link: string(p.Link), Many: p.Many,
		From: p.From, System: p.System, Inverse: string(p.Inverse),
	}
	if out.Column == "" {
		out.Column = string(p.Name)
	}
	if p.Inverse != "" {
		far, _ := m.Entity(p.Link)
		out.FarFrom = map[string]string{}
		maps.Copy(out.FarFrom, far.From)
		maps.Copy(out.FarFrom, far.Properties[p.Inverse].From)
		if out.Far = far.Properties[p.Inverse].Column; out.Far == "" {
			out.Far = string(p.Inverse)
		}
	}
	return out
}

// Names finds resources by what a system calls them.
type Names interface {
	// Named returns the key of the resource that a key or identifying value names.
	Named(t schema.EntityType, text string) (resources.Key, bool)
}

// ResourceOf turns an object that a package read into a resource: its links lead
// to keys where the far end is known, and dangle where it is not.
func ResourceOf(e schema.Entity, object connector.Object, names Names, programs expression.Programs) resources.Resource {
	r := plainResource(e, object, names)
	r.Display = DisplayOf(e, &r, programs)
	return r
}

// DisplayOf is the name that people read; where its expression fails, the key.
func DisplayOf(e schema.Entity, r *resources.Resource, programs expression.Programs) string {
	if p, ok := programs[e.Display]; ok && !e.Display.IsZero() {
		if v, err := p.Eval(expression.Bindings{Own: r}); err == nil && v.Text() != "" {
			return v.Text()
		}
	}
	return string(r.Key)
}

func plainResource(e schema.Entity, object connector.Object, names Names) resources.Resource {
	r := resources.Resource{
		Ref:    resources.Ref{Type: e.Type, Key: resources.Key(object.Key)},
		Values: make(map[schema.PropertyName]value.Value, len(object.Values)),
	}
	for name, v := range object.Values {
		if p, ok := e.Properties[schema.PropertyName(name)]; ok && !p.IsLink() && !v.IsNull() {
			r.Values[p.Name] = v
		}
	}
	for name, texts := range object.Links {
		p, ok := e.Properties[schema.PropertyName(name)]
		if !ok || !p.IsLink() || p.Inverse != "" {
			continue
		}
		for _, text := range texts {
			if text == "" {
				continue
			}
			if key, ok := names.Named(p.Link, text); ok {
				if r.Links == nil {
					r.Links = map[schema.PropertyName][]resources.Key{}
				}
				r.Links[p.Name] = append(r.Links[p.Name], key)
				continue
			}
			if r.Dangling == nil {
				r.Dangling = map[schema.PropertyName][]string{}
			}
			r.Dangling[p.Name] = append(r.Dangling[p.Name], text)
		}
		slices.Sort(r.Links[p.Name])
		if links := r.Links[p.Name]; links != nil {
			r.Links[p.Name] = slices.Compact(links)
		}
		slices.Sort(r.Dangling[p.Name])
	}
	return r
}

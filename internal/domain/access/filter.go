package access

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// A Filter says which rows somebody may see or touch: those that any of its
// clauses lets through. The zero Filter lets none through.
type Filter struct {
	Clauses []Clause `json:"clauses"`
}

// A Clause lets a row through that fits all of its parts: without a part, every row.
type Clause []Part

// A Part is one scope, worked out for one person and one configuration.
type Part struct {
	// Entities are those of whom it is about; nil: any.
	Entities []schema.EntityType `json:"entities,omitempty"`
	// What: rows about these resource types and roles only.
	What  bool                   `json:"what,omitempty"`
	Types []roles.ResourceTypeID `json:"types,omitempty"`
	Roles []roles.RoleID         `json:"roles,omitempty"`
	// Whom: rows of these people, and of those whom a path leads to, only.
	Whom   bool            `json:"whom,omitempty"`
	People []resources.Ref `json:"people,omitempty"`
	Paths  []Path          `json:"paths,omitempty"`
}

// A Path lets through whose links lead to one of the keys.
type Path struct {
	Hops []Hop           `json:"hops"`
	Keys []resources.Key `json:"keys"`
}

// A Hop is a link of an entity type.
type Hop struct {
	Entity   schema.EntityType   `json:"entity"`
	Property schema.PropertyName `json:"property"`
}

// Name tells paths apart by their links.
func (p Path) Name() string {
	parts := make([]string, len(p.Hops))
	for i, h := range p.Hops {
		parts[i] = string(h.Entity) + "." + string(h.Property)
	}
	return strings.Join(parts, " ")
}

// Everything lets every row through.
func Everything() Filter { return Filter{Clauses: []Clause{{}}} }

// Nothing reports whether no row can pass.
func (f Filter) Nothing() bool { return len(f.Clauses) == 0 }

// All reports whether every row passes.
func (f Filter) All() bool { return slices.ContainsFunc(f.Clauses, Clause.all) }

// And lets through what both let through.
func (f Filter) And(g Filter) Filter {
	var both Filter
	for _, a := range f.Clauses {
		for _, b := range g.Clauses {
			both.Clauses = append(both.Clauses, append(slices.Clone(a), b...))
		}
	}
	return both
}

// Or lets through what either lets through.
func (f Filter) Or(g Filter) Filter {
	return Filter{Clauses: append(slices.Clone(f.Clauses), g.Clauses...)}
}

func (c Clause) all() bool { return !slices.ContainsFunc(c, func(p Part) bool { return !p.all() }) }

func (p Part) all() bool { return p.Entities == nil && !p.What && !p.Whom }

// Key tells filters apart: equal keys let the same rows through.
func (f Filter) Key() string {
	text, _ := json.Marshal(f) // texts and flags cannot fail
	return string(text)
}

// Paths lists the paths that must be followed to decide on one subject.
func (f Filter) Paths() []Path {
	var all []Path
	for _, c := range f.Clauses {
		for _, p := range c {
			for _, path := range p.Paths {
				if !slices.ContainsFunc(all, func(x Path) bool { return x.Name() == path.Name() }) {
					all = append(all, path)
				}
			}
		}
	}
	return all
}

// Kind says what a subject is.
type Kind int

const (
	Person  Kind = iota // somebody, whatever he has
	Account             // an account of somebody: an order, an assigned resource
	OfRole              // somebody's having or asking for a role
)

// A Subject is what somebody wants to see or touch.
type Subject struct {
	Kind  Kind
	Owner resources.Ref
	Type  roles.ResourceTypeID // of an account
	Role  roles.RoleID
	Facts Facts
}

// Facts are what is known of the owner.
type Facts struct {
	Types   []roles.ResourceTypeID     // of the accounts that he has or should have
	Roles   []roles.RoleID             // that he has or asks for
	Reached map[string][]resources.Key // where each path leads, by its name
}

// Holds reports whether the subject passes.
func (f Filter) Holds(s Subject) bool {
	return slices.ContainsFunc(f.Clauses, func(c Clause) bool {
		return !slices.ContainsFunc(c, func(p Part) bool { return !p.holds(s) })
	})
}

func (p Part) holds(s Subject) bool {
	if p.Entities != nil && !slices.Contains(p.Entities, s.Owner.Type) {
		return false
	}
	return (!p.What || p.about(s)) && (!p.Whom || p.of(s))
}

func (p Part) about(s Subject) bool {
	switch s.Kind {
	case Account:
		return slices.Contains(p.Types, s.Type)
	case OfRole:
		return slices.Contains(p.Roles, s.Role)
	}
	return slices.ContainsFunc(s.Facts.Types, func(t roles.ResourceTypeID) bool { return slices.Contains(p.Types, t) }) ||
		slices.ContainsFunc(s.Facts.Roles, func(r roles.RoleID) bool { return slices.Contains(p.Roles, r) })
}

func (p Part) of(s Subject) bool {
	if slices.Contains(p.People, s.Owner) {
		return true
	}
	return slices.ContainsFunc(p.Paths, func(path Path) bool {
		return path.Hops[0].Entity == s.Owner.Type &&
			slices.ContainsFunc(s.Facts.Reached[path.Name()], func(k resources.Key) bool { return slices.Contains(path.Keys, k) })
	})
}

// A World is what scopes are worked out in: the deployed model, and who asks.
type World struct {
	Model  *roles.Model // nil: nothing is deployed, and what a scope names of it is unknown
	Person resources.Ref
	// Below lists a place and those below it; nil: the place alone.
	Below func(dimension roles.DimensionID, place resources.Key) []resources.Key
}

// linkPath is a context's expression that follows links and does nothing else.
var linkPath = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// managerLink is the property that leads to whoever somebody works for.
const managerLink schema.PropertyName = "manager"

// part works a scope out; none where it narrows nothing.
func (w World) part(s Scope) []Part {
	if s.IsZero() {
		return nil
	}
	p := Part{Entities: s.EntityTypes, What: s.what(), Whom: s.whom()}
	if s.Self && w.Person.Key != "" {
		p.People = append(p.People, w.Person)
	}
	p.Types, p.Roles = slices.Clone(s.ResourceTypes), slices.Clone(s.Roles)
	if w.Model == nil {
		return []Part{p}
	}
	w.categories(s, &p)
	if s.Team && w.Person.Key != "" {
		p.Paths = append(p.Paths, w.team()...)
	}
	for dimension, places := range s.Places {
		p.Paths = append(p.Paths, w.places(dimension, places)...)
	}
	return []Part{p}
}

// categories adds the roles and resource types that are filed in categories, or
// in those below them.
func (w World) categories(s Scope, p *Part) {
	in := func(id roles.CategoryID) bool {
		return slices.ContainsFunc(w.Model.Above(id), func(c roles.Category) bool { return slices.Contains(s.Categories, c.ID) })
	}
	for id, r := range w.Model.Roles {
		if in(r.Category) {
			p.Roles = append(p.Roles, id)
		}
	}
	for id, t := range w.Model.ResourceTypes {
		if in(t.Category) {
			p.Types = append(p.Types, id)
		}
	}
	slices.Sort(p.Roles)
	slices.Sort(p.Types)
	p.Roles, p.Types = slices.Compact(p.Roles), slices.Compact(p.Types)
}

// team are the paths by which people lead to whom they work for.
func (w World) team() []Path {
	var all []Path
	for _, t := range w.Model.Owners() {
		e, ok := w.Model.Entity(t)
		if p, there := e.Properties[managerLink]; ok && there && p.Link == w.Person.Type {
			all = append(all, Path{Hops: []Hop{{t, managerLink}}, Keys: []resources.Key{w.Person.Key}})
		}
	}
	return all
}

// places are the paths by which people lead to where they stand. A context whose
// dimension is no plain path of links, or is read from records, gives none: who
// stands where could then not be asked of a list.
func (w World) places(dimension roles.DimensionID, in []resources.Key) []Path {
	var keys []resources.Key
	for _, key := range in {
		if w.Below == nil {
			keys = append(keys, key)
			continue
		}
		keys = append(keys, w.Below(dimension, key)...)
	}
	var all []Path
	for _, t := range w.Model.Owners() {
		context, ok := w.Model.Contexts[t]
		if !ok || context.Records != "" {
			continue
		}
		if hops := w.hops(t, context.Dimensions[dimension].Text); hops != nil {
			all = append(all, Path{Hops: hops, Keys: keys})
		}
	}
	return all
}

// Standing returns the first dimension, as the configuration writes them, in which
// it can be asked of a list where owners of a type stand, with the links that lead
// there; none where there is no such dimension.
func Standing(m *roles.Model, t schema.EntityType) (roles.DimensionID, []Hop) {
	c := m.Contexts[t]
	if c.Records != "" {
		return "", nil
	}
	list := slices.SortedFunc(maps.Keys(c.Dimensions), func(a, b roles.DimensionID) int {
		x, y := c.Dimensions[a].Position, c.Dimensions[b].Position
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), cmp.Compare(a, b))
	})
	for _, d := range list {
		if hops := (World{Model: m}).hops(t, c.Dimensions[d].Text); hops != nil {
			return d, hops
		}
	}
	return "", nil
}

// hops follows a path of stored links; nil for anything else.
func (w World) hops(from schema.EntityType, path string) []Hop {
	if !linkPath.MatchString(path) {
		return nil
	}
	var hops []Hop
	for name := range strings.SplitSeq(path, ".") {
		e, ok := w.Model.Entity(from)
		p, there := e.Properties[schema.PropertyName(name)]
		if !ok || !there || !p.IsLink() || p.Inverse != "" {
			return nil
		}
		hops = append(hops, Hop{from, p.Name})
		from = p.Link
	}
	return hops
}

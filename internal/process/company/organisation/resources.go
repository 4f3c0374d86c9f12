package organisation

import (
	"iter"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// The entity types of the personnel files.
const (
	PersonType     = "Person"
	DepartmentType = "Department"
	SiteType       = "Site"
)

// Resources yields the resources of an entity type as a reading would show them:
// of the personnel files, of a system's groups or, where the systems are
// provisioned, of its accounts. Of any other type there are none.
func (g *Organisation) Resources(t schema.EntityType) iter.Seq[resources.Resource] {
	switch t {
	case PersonType:
		return func(yield func(resources.Resource) bool) {
			for p := range g.People() {
				if !yield(g.person(p)) {
					return
				}
			}
		}
	case DepartmentType:
		return g.departments
	case SiteType:
		return g.places
	}
	for i, s := range g.systems {
		switch t {
		case schema.EntityType(s.Account):
			return func(yield func(resources.Resource) bool) { g.accounts(i, yield) }
		case schema.EntityType(s.Group):
			return func(yield func(resources.Resource) bool) { g.groups(i, yield) }
		}
	}
	return func(func(resources.Resource) bool) {}
}

// EntityTypes are those of which Resources yields some, systems after people.
func (g *Organisation) EntityTypes() []schema.EntityType {
	types := []schema.EntityType{SiteType, DepartmentType, PersonType}
	for _, s := range g.systems {
		types = append(types, schema.EntityType(s.Group), schema.EntityType(s.Account))
	}
	return types
}

type (
	values = map[schema.PropertyName]value.Value
	links  = map[schema.PropertyName][]resources.Key
)

func (g *Organisation) person(p *Person) resources.Resource {
	r := resources.Resource{
		Ref: resources.Ref{Type: PersonType, Key: resources.Key(p.ID)}, Display: p.FirstName + " " + p.LastName,
		Values: values{
			"employeeId": value.OfString(p.ID), "firstName": value.OfString(p.FirstName), "lastName": value.OfString(p.LastName),
			"email": value.OfString(p.Email), "login": value.OfString(p.Login), "startDate": value.OfDate(p.HiredOn),
			"title": value.OfString(p.Title), "grade": value.OfInt(int64(p.Grade)), "employment": value.OfString(p.Employment()),
		},
		Links: links{"department": {resources.Key(p.Dept)}, "site": {resources.Key(p.Site)}},
	}
	if !p.LeftOn.IsZero() {
		r.Values["endDate"] = value.OfDate(p.LeftOn)
	}
	if !p.MovedOn.IsZero() {
		r.Values["movedOn"] = value.OfDate(p.MovedOn)
		r.Links["previousDepartment"] = []resources.Key{resources.Key(p.Previous)}
	}
	if p.Manager != "" {
		r.Links["manager"] = []resources.Key{resources.Key(p.Manager)}
	}
	return r
}

func (g *Organisation) departments(yield func(resources.Resource) bool) {
	for _, d := range g.tree {
		r := resources.Resource{
			Ref: resources.Ref{Type: DepartmentType, Key: resources.Key(d.Code)}, Display: d.Name,
			Values: values{"code": value.OfString(d.Code), "name": value.OfString(d.Name), "costCenter": value.OfString(d.CostCenter)},
			Links:  links{},
		}
		if d.Parent != "" {
			r.Links["parent"] = []resources.Key{resources.Key(d.Parent)}
		}
		if !yield(r) {
			return
		}
	}
}

func (g *Organisation) places(yield func(resources.Resource) bool) {
	for _, s := range g.sites {
		r := resources.Resource{
			Ref: resources.Ref{Type: SiteType, Key: resources.Key(s.Code)}, Display: s.City,
			Values: values{
				"code": value.OfString(s.Code), "city": value.OfString(s.City), "country": value.OfString(s.Country),
				"language": value.OfString(s.Language), "timeZone": value.OfString(s.TimeZone), "address": value.OfString(s.Address),
			},
		}
		if !yield(r) {
			return
		}
	}
}

func (g *Organisation) groups(system int, yield func(resources.Resource) bool) {
	for _, role := range g.catalog.roles {
		if role.System != system {
			continue
		}
		r := resources.Resource{
			Ref: resources.Ref{Type: schema.EntityType(g.systems[system].Group), Key: resources.Key(role.ID)}, Display: role.Name,
			Values: values{"code": value.OfString(role.ID), "name": value.OfString(role.Name)},
		}
		if !yield(r) {
			return
		}
	}
}

func (g *Organisation) accounts(system int, yield func(resources.Resource) bool) {
	g.each(system, func(a *account) bool { return yield(a.resource(&g.systems[system])) })
}

// each hands over the accounts of a system, in the order of the people.
func (g *Organisation) each(system int, do func(*account) bool) {
	if !g.options.Provisioned {
		return
	}
	var roles []int
	var a account
	for p := range g.People() {
		roles = g.RolesOf(p, roles[:0])
		if g.account(p, system, roles, &a) && !do(&a) {
			return
		}
	}
}

func sortedKeys(list []string) []resources.Key {
	keys := make([]resources.Key, len(list))
	for i, s := range list {
		keys[i] = resources.Key(s)
	}
	slices.SortFunc(keys, func(a, b resources.Key) int { return strings.Compare(string(a), string(b)) })
	return keys
}

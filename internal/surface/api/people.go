package api

import (
	"context"
	"maps"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

func (s *service) people() {
	shows(s, operation{access.DirectoryView, "/people", "listEntityTypes", "The entity types of people"}, s.entities)
	shows(s, operation{access.DirectoryView, "/people/{entity}", "listPeople", "People of an entity type, as a rule by what they are called"}, s.listPeople)
	shows(s, operation{access.DirectoryView, "/people/{entity}/{key}", "showPerson", "One person, with the roles and accounts that the reader may see"}, s.person)
	shows(s, operation{access.AccessView, "/people/{entity}/{key}/why", "explainPerson", "The proof of what somebody has, and why not what not"}, s.why)
	shows(s, operation{access.AccessView, "/people/{entity}/{key}/timeline", "showTimeline", "What changes for somebody after today and up to a day, as far as is known"}, s.timeline)
	shows(s, operation{access.AccessRequest, "/people/{entity}/{key}/catalog", "listRequestable", "The roles that can be asked for about somebody: who would decide, and what peers have"}, s.catalog)
}

func (s *service) entities(ctx context.Context, _ *struct{}) (Page[string], error) {
	list, err := s.Entities(ctx)
	return pageOf[string, int](list, nil), err
}

func (s *service) listPeople(ctx context.Context, q *struct {
	Window
	Entity string `path:"entity"`
	Text   string `query:"q" maxLength:"200" doc:"Beginnings of words of the name, or of identifiers."`

	Sort sorted[peopleColumns] `query:"sort"`
},
) (Page[view.Owner], error) {
	after, err := spotIn[view.PeopleCursor](q.After, q.Sort.text())
	if err != nil {
		return Page[view.Owner]{}, err
	}
	page, err := s.ask.People(ctx, view.PeopleFilter{Entity: q.Entity, Text: q.Text, Sort: q.Sort.sort(), After: after, Limit: view.Rows(q.Limit)})
	return pageOf(page.People, spotOf(page.After, q.Sort.text())), err
}

// Named is the address of somebody.
type Named struct {
	Entity string `path:"entity"`
	Key    string `path:"key"`
}

func (n Named) ref() resources.Ref {
	return resources.Ref{Type: schema.EntityType(n.Entity), Key: resources.Key(n.Key)}
}

func (s *service) person(ctx context.Context, q *Named) (view.Person, error) {
	return s.ask.Person(ctx, q.ref())
}

func (s *service) why(ctx context.Context, q *struct {
	Named
	Account  string `query:"account" doc:"A resource type: this account alone, and why it is not there."`
	Property string `query:"property" doc:"With account: this value of it."`
	Value    string `query:"value" doc:"With property: this link, by key or identifier."`
	Role     string `query:"role" doc:"This role alone, and why it is not there."`
},
) (explain.Proof, error) {
	p, err := s.ask.Person(ctx, q.ref())
	if err != nil {
		return explain.Proof{}, err
	}
	m, err := s.deployed(ctx)
	if err != nil {
		return explain.Proof{}, err
	}
	return reach.Explain(ctx, s.ask, m, s.Explain, p, explain.Query{Account: q.Account, Property: q.Property, Value: q.Value, Role: q.Role})
}

func (s *service) timeline(ctx context.Context, q *struct {
	Named
	Until string `query:"until" required:"true" format:"date" doc:"The last day to look at."`
},
) (explain.Timeline, error) {
	until, err := dayIn(q.Until)
	if err != nil {
		return explain.Timeline{}, err
	}
	p, err := s.ask.Person(ctx, q.ref())
	if err != nil {
		return explain.Timeline{}, err
	}
	m, err := s.deployed(ctx)
	if err != nil {
		return explain.Timeline{}, err
	}
	done, err := s.alone(ctx)
	if err != nil {
		return explain.Timeline{}, err
	}
	defer done()
	return reach.Timeline(ctx, s.ask, m, s.Timeline, p, until)
}

// RequestableRole is a role that can be asked for about somebody.
type RequestableRole struct {
	CatalogRole
	Has       bool           `json:"has,omitempty" doc:"In some way, as far as the reader sees what he has."`
	PeersHave int            `json:"peersHave" doc:"How many of the peers have it."`
	Peers     Count          `json:"peers" doc:"Those with the same value of the first dimension, as far as the reader sees what they have."`
	Steps     []ApprovalStep `json:"steps" nullable:"false" doc:"Who would decide; none: it is given at once."`
}

// ApprovalStep is who may decide one step.
type ApprovalStep struct {
	Step int    `json:"step"`
	Who  []Seat `json:"who" nullable:"false"`
}

// Seat is somebody who may decide.
type Seat struct {
	Person string `json:"person"`
	As     string `json:"as"`
}

func (s *service) catalog(ctx context.Context, q *struct {
	Named
	Window
	Text string `query:"q" maxLength:"200" doc:"Words of the name, the identifier or what it is about."`
},
) (Page[RequestableRole], error) {
	p, err := s.ask.Person(ctx, q.ref())
	if err != nil {
		return Page[RequestableRole]{}, err
	}
	m, err := s.deployed(ctx)
	if err != nil {
		return Page[RequestableRole]{}, err
	}
	var all []roles.Role
	for _, id := range slices.Sorted(maps.Keys(m.Roles)) {
		if r := m.Roles[id]; reach.Requestable(r, q.Entity) && holdsAll(r.Name+" "+string(id)+" "+r.About, q.Text) {
			all = append(all, r)
		}
	}
	window, err := part(all, q.Window)
	page := Page[RequestableRole]{Items: []RequestableRole{}, Next: window.Next}
	if err != nil {
		return page, err
	}
	ids := make([]string, len(window.Items))
	for i, r := range window.Items {
		ids[i] = string(r.ID)
	}
	_, peers, err := reach.PeersOf(ctx, s.ask, m, p, ids, s.Clock())
	for _, r := range window.Items {
		x := RequestableRole{CatalogRole: catalogRole(r), PeersHave: peers.Roles[string(r.ID)], Peers: Count{Count: peers.Count, More: peers.More}, Steps: []ApprovalStep{}}
		x.Has = slices.ContainsFunc(p.Roles, func(had view.Role) bool { return had.Role == string(r.ID) })
		for _, step := range reach.Approvers(m, r, p) {
			a := ApprovalStep{Step: step.Step, Who: []Seat{}}
			for _, seat := range step.Who {
				a.Who = append(a.Who, Seat(seat))
			}
			x.Steps = append(x.Steps, a)
		}
		page.Items = append(page.Items, x)
	}
	return page, err
}

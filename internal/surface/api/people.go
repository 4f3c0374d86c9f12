package api

import (
	"context"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
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

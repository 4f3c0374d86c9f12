package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/view"
)

// forms lists the forms that whoever asks may start: those that create, and those
// that change or end what one chooses first.
func (s *site) forms(r *http.Request) (page, error) {
	creating, err := s.offers(r, resources.Ref{})
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	var changing []formOffer
	for _, w := range m.Workflows {
		if w.Action != roles.CreateResource && workflows.MightStart(m, w, s.actor(r).String()) {
			changing = append(changing, formOffer{w.Name, string(w.Action) + " " + string(w.Entity), string(formAddress(w.ID, ""))})
		}
	}
	slices.SortFunc(changing, func(a, b formOffer) int { return strings.Compare(a.Name+a.Address, b.Name+b.Address) })
	return page{Title: "Forms", Section: "requests", Body: formsPage(creating, changing)}, nil
}

// subjectsOnPage bounds the list: each is asked whether the form may be about it.
const subjectsOnPage = 25

// subjectList is what a form may be about, to choose from.
type subjectList struct {
	Workflow roles.Workflow
	Filter   filter
	Found    []view.Owner
	Paged    bool
	Next     string
}

// subjects lists those of a form's entity type about whom whoever asks may start it.
func (s *site) subjects(r *http.Request, m *roles.Model, w roles.Workflow) (page, error) {
	l := subjectList{Workflow: w, Filter: filter{
		Address: string(formAddress(w.ID, "")), Label: "Whom it is about", Searches: string(w.Entity), Hint: "Beginnings of names, or an identifier",
	}}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	q := r.URL.Query()
	l.Paged = q.Has("after")
	desk, err := s.workflowDesk(r)
	if err != nil {
		return page{}, err
	}
	found, err := s.Questions.People(r.Context(), view.PeopleFilter{
		Entity: string(w.Entity), Text: l.Filter.Text, Limit: subjectsOnPage, After: view.PeopleCursor{Display: q.Get("name"), Word: q.Get("word"), Key: q.Get("after")},
	})
	if err != nil {
		return page{}, err
	}
	// Where a form is for anybody, or names who may start it, it is for whoever is asked about.
	always := workflows.MayStart(m, w, &resources.Resource{Ref: resources.Ref{Type: w.Entity}}, s.actor(r).String())
	for _, o := range found.People {
		offered := always
		if !offered {
			list, err := desk.Offered(r.Context(), resources.Ref{Type: schema.EntityType(o.Type), Key: resources.Key(o.Key)})
			if err != nil {
				return page{}, err
			}
			offered = slices.ContainsFunc(list, func(x roles.Workflow) bool { return x.ID == w.ID })
		}
		if offered {
			l.Found = append(l.Found, o)
		}
	}
	if after := found.After; after != nil {
		l.Next = l.Filter.next("name", after.Display, "word", after.Word, "after", after.Key)
	}
	return page{Title: w.Name, Section: "requests", Body: subjectsPage(l)}, nil
}

func keyOf(o view.Owner) resources.Key { return resources.Key(o.Key) }

// formedBy reports whether some form is about an entity type.
func (s *site) formedBy(ctx context.Context, entity string) bool {
	m, err := s.model(ctx)
	if err != nil {
		return false
	}
	for _, w := range m.Workflows {
		if string(w.Entity) == entity {
			return true
		}
	}
	return false
}

package web

import (
	"net/http"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/routes"
)

// recompute evaluates somebody anew, makes the orders that come of it, and shows
// what changed. It can be done again at will: the second time nothing changes.
func (s *site) recompute(r *http.Request) (outcome, error) {
	ref := resources.Ref{Type: schema.EntityType(r.PathValue("entity")), Key: resources.Key(r.PathValue("key"))}
	// It tells what somebody has: it is for those who may see that of him.
	seen := routes.As(r.Context(), routes.Who(r.Context()), access.AccessView)
	p, err := s.Questions.Person(seen, ref)
	if err != nil {
		return outcome{}, err
	}
	changed, err := s.Recompute(r.Context(), s.actor(r), ref)
	if err != nil {
		return outcome{}, err
	}
	return outcome{Page: &page{Title: named(p.Owner), Section: "directory", Body: recomputedPage(p, *changed)}}, nil
}

// recomputedSaid is in a line what changed.
func recomputedSaid(x plan.Person) string {
	if len(x.Roles) == 0 && len(x.Orders) == 0 {
		return "nothing changed."
	}
	return count(len(x.Roles), "role") + " and " + count(len(x.Orders), "order") + " changed."
}

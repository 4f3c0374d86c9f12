package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// foundList is the roles that were found and that nothing gives.
type foundList struct {
	Filter filter
	Page   view.FoundRolePage
	Paged  bool
	Next   string
	Here   string
	Kept   kept
	Model  *roles.Model
}

// The ways in which a role was found.
const (
	foundBefore = "pre-existing"
	foundSince  = "non-conforming"
)

// foundRoles lists the roles that were found and wait for a decision.
func (s *site) foundRoles(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	f := filter{Address: "/reconciliation/roles", Label: "Roles found", Picks: []pick{categoryPick(m), {
		Name: "as", Label: "Found", Options: []option{{foundBefore, "before go-live"}, {foundSince, "since go-live"}},
	}}, Sort: sortedBy(view.Sort{}, view.FoundRoleColumns)}
	if err := f.read(r); err != nil {
		return page{}, err
	}
	asked := view.FoundRoleFilter{
		PreExisting: f.chosen("as") == foundBefore, NonConforming: f.chosen("as") == foundSince, Limit: rowsOnPage,
	}
	if c := f.chosen("category"); c != "" {
		asked.Roles = rolesUnder(m, roles.CategoryID(c))
	}
	list := foundList{Filter: f, Here: r.URL.RequestURI(), Kept: keptOf(r), Model: m}
	if after := r.URL.Query().Get("after"); after != "" {
		at, err := foundIn(after)
		if err != nil {
			return page{}, err
		}
		list.Paged = true
		asked.After = view.FoundRoleCursor{By: r.URL.Query().Get("by"), Type: at.Owner.Type, Key: at.Owner.Key, Role: at.Role, Parameters: at.Parameters}
	}
	if only := r.URL.Query().Get("only"); only != "" { // as a message leads here
		f, err := foundIn(only)
		if err != nil {
			return page{}, err
		}
		owner := refOf(f.Owner)
		asked.Owner, asked.Roles, asked.Parts, list.Paged = &owner, []string{f.Role}, true, true
	}
	o := &list.Filter.Sort
	list.Page, err = inOrder(o, func() (view.FoundRolePage, error) {
		if asked.Sort = o.Now; o.Refused != "" {
			asked.After, list.Paged = view.FoundRoleCursor{}, false
		}
		return s.Questions.FoundRoles(r.Context(), asked)
	})
	if err != nil {
		return page{}, err
	}
	if c := list.Page.After; c != nil {
		list.Next = list.Filter.next("by", c.By, "after", foundRow(view.FoundRole{Owner: view.Owner{Type: c.Type, Key: c.Key}, Role: c.Role, Parameters: c.Parameters}))
	}
	return page{Title: "Role reconciliation", Section: "reconciliation", Body: foundRolesPage(list), Sheet: s.foundSheet(r, asked)}, nil
}

// categoryPick offers the categories of the catalog.
func categoryPick(m *roles.Model) pick {
	p := pick{Name: "category", Label: "Category"}
	for id := range m.Categories {
		p.Options = append(p.Options, option{string(id), categoryName(m, id)})
	}
	slices.SortFunc(p.Options, func(a, b option) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// categoryName names a category with those above it: "Finance / Ledger".
func categoryName(m *roles.Model, id roles.CategoryID) string {
	above := m.Above(id)
	names := make([]string, len(above))
	for i, c := range above {
		names[len(above)-1-i] = nameOr(c.Name, string(c.ID))
	}
	return strings.Join(names, " / ")
}

// rolesUnder are the roles of a category and of those below it; never nil.
func rolesUnder(m *roles.Model, category roles.CategoryID) []string {
	list := []string{}
	for id, role := range m.Roles {
		if slices.ContainsFunc(m.Above(role.Category), func(c roles.Category) bool { return c.ID == category }) {
			list = append(list, string(id))
		}
	}
	slices.Sort(list)
	return list
}

// foundRow is a found role as a row's value.
func foundRow(f view.FoundRole) string {
	return url.Values{"t": {f.Owner.Type}, "k": {f.Owner.Key}, "r": {f.Role}, "p": {f.Parameters}}.Encode()
}

// foundIn reads it.
func foundIn(text string) (view.FoundRole, error) {
	q, err := url.ParseQuery(text)
	if err != nil || q.Get("t") == "" || q.Get("k") == "" || q.Get("r") == "" {
		return view.FoundRole{}, unreadable("a role that was found", text, "Open the page again and choose anew.")
	}
	return view.FoundRole{Owner: view.Owner{Type: q.Get("t"), Key: q.Get("k")}, Role: q.Get("r"), Parameters: q.Get("p")}, nil
}

// settleRoles keeps or declines the roles that were chosen.
func (s *site) settleRoles(r *http.Request) (outcome, error) {
	on := orders.Event(r.PostForm.Get("do"))
	if on != orders.Keep && on != orders.Decline {
		return outcome{}, unreadable("what to do", string(on), "Use a button of the page.")
	}
	rows := chosen(r)
	if len(rows) == 0 {
		return outcome{}, nothingChosen()
	}
	x := act.OnRoles{On: on, Why: r.PostForm.Get("why"), ForReview: r.PostForm.Get("review") == "1"}
	var lines []string
	for _, row := range rows {
		f, err := foundIn(row)
		if err != nil {
			return outcome{}, err
		}
		x.Roles = append(x.Roles, f)
		lines = append(lines, f.Role+" of "+f.Owner.Key)
	}
	if on == orders.Decline && !sure(r) {
		what := "Remove " + count(len(x.Roles), "role")
		return asking(what+", with what only they explain?", what, lines), nil
	}
	answer, err := x.Do(r.Context(), s.desk(r))
	out := outcome{Said: happened(len(answer.Decided), "role", settledPasts[on])}
	for _, refused := range answer.Refused {
		out.Refused = append(out.Refused, fmt.Sprintf("%s of %s: %s.", refused.Role, refused.Owner, strings.TrimSuffix(refused.Why, ".")))
	}
	return out, err
}

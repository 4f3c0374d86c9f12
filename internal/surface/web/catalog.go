package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

// catalog is what somebody may be asked to have, beside what he has.
type catalog struct {
	view.Person
	Filter filter
	Roles  []offered
	Paged  bool
	Next   string
	Model  *roles.Model
	Place  string // the dimension at whose values peers stand; "": nobody has any
	Peers  view.Peers
}

// peersHave says how many of the peers have a role.
func (c catalog) peersHave(id roles.RoleID) string {
	of := strconv.Itoa(c.Peers.Count)
	if c.Peers.More {
		of = "the first " + of
	}
	return strconv.Itoa(c.Peers.Roles[string(id)]) + " of " + of
}

// offered is a role of the catalog.
type offered struct {
	roles.Role
	Had *view.Role // how the person has it, if so
}

// catalogFor lists the roles that can be asked for, by category and name.
func (s *site) catalogFor(r *http.Request) (page, error) {
	p, m, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	c := catalog{Person: p, Model: m, Filter: filter{
		Address: string(personAddress(p.Owner)) + "/request", Label: "Catalog", Searches: "Role", Hint: "Name, or what it is about",
		Picks: []pick{categoryPick(m)},
	}}
	if err := c.Filter.read(r); err != nil {
		return page{}, err
	}
	all := requestableRoles(m, schema.EntityType(p.Type), c.Filter.Text, roles.CategoryID(c.Filter.chosen("category")))
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		from = 1 + slices.IndexFunc(all, func(x roles.Role) bool { return string(x.ID) == after })
		c.Paged = true
	}
	for _, role := range all[from:min(len(all), from+rowsOnPage)] {
		o := offered{Role: role}
		for i := range p.Roles {
			if p.Roles[i].Role == string(role.ID) {
				o.Had = &p.Roles[i]
			}
		}
		c.Roles = append(c.Roles, o)
	}
	if err := s.peers(r, &c); err != nil {
		return page{}, err
	}
	if len(all) > from+rowsOnPage {
		c.Next = c.Filter.next("after", string(c.Roles[len(c.Roles)-1].ID))
	}
	return page{Title: "Request access for " + named(p.Owner), Section: "directory", Body: catalogPage(c), Sheet: rolesSheet(m, all)}, nil
}

// peers counts which roles of the page those have who stand where the person does.
func (s *site) peers(r *http.Request, c *catalog) error {
	ids := make([]string, len(c.Roles))
	for i, o := range c.Roles {
		ids[i] = string(o.ID)
	}
	at, peers, err := reach.PeersOf(r.Context(), s.Questions, c.Model, c.Person, ids, s.Clock())
	c.Place, c.Peers = string(at), peers
	return err
}

// personIn is the person that an address names, with the model.
func (s *site) personIn(r *http.Request) (view.Person, *roles.Model, error) {
	ref := resources.Ref{Type: schema.EntityType(r.PathValue("entity")), Key: resources.Key(r.PathValue("key"))}
	p, err := s.Questions.Person(r.Context(), ref)
	if err != nil {
		return p, nil, err
	}
	m, err := s.model(r.Context())
	return p, m, err
}

// requestableRoles are the roles of an entity type that people may ask for, by
// category and name, cut down by a text and a category.
func requestableRoles(m *roles.Model, entity schema.EntityType, text string, category roles.CategoryID) []roles.Role {
	var list []roles.Role
	under := map[roles.RoleID]bool{}
	if category != "" {
		for _, id := range rolesUnder(m, category) {
			under[roles.RoleID(id)] = true
		}
	}
	for id, role := range m.Roles {
		if reach.Requestable(role, string(entity)) && (category == "" || under[id]) && matches(role, text) {
			list = append(list, role)
		}
	}
	sortRoles(m, list)
	return list
}

func sortRoles(m *roles.Model, list []roles.Role) {
	key := func(x roles.Role) string {
		return categoryName(m, x.Category) + "\x00" + nameOr(x.Name, string(x.ID)) + "\x00" + string(x.ID)
	}
	keys := make(map[roles.RoleID]string, len(list))
	for _, x := range list {
		keys[x.ID] = key(x)
	}
	slices.SortFunc(list, func(a, b roles.Role) int { return strings.Compare(keys[a.ID], keys[b.ID]) })
}

// matches tells whether each word of a text stands in a role's name, identifier
// or description.
func matches(role roles.Role, text string) bool {
	within := strings.ToLower(role.Name + " " + string(role.ID) + " " + role.About)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(within, word) {
			return false
		}
	}
	return true
}

// askForm is the page on which one role is asked for.
type askForm struct {
	view.Person
	Role    roles.Role
	Had     []view.Role // the ways in which the person has it
	Open    []view.Request
	Actions []option
	Steps   []reach.StepSeats
	Here    string
	Kept    kept
	Model   *roles.Model
}

// requestForm shows the form with which one role is asked for.
func (s *site) requestForm(r *http.Request) (page, error) {
	p, m, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	role, ok := m.Roles[roles.RoleID(r.PathValue("role"))]
	if !ok || role.Approval == "" || role.Approval == roles.NotRequestable {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("no role %q can be asked for", r.PathValue("role")), Do: "The catalog lists those that can."}
	}
	f := askForm{Person: p, Role: role, Here: r.URL.RequestURI(), Kept: keptOf(r), Model: m, Steps: reach.Approvers(m, role, p)}
	for _, had := range p.Roles {
		if had.Role == string(role.ID) {
			f.Had = append(f.Had, had)
		}
	}
	for _, q := range p.Requests {
		if q.Role == string(role.ID) {
			f.Open = append(f.Open, q)
		}
	}
	f.Actions = []option{{string(requests.Add), "Add: get it"}}
	if len(f.Had) > 0 {
		f.Actions = append(f.Actions, option{string(requests.Extend), "Extend: move its end"}, option{string(requests.Remove), "Remove: lose it"})
	}
	f.Actions = append(f.Actions, option{string(requests.Deny), "Deny: no rule gives it"})
	return page{Title: "Request " + nameOr(role.Name, string(role.ID)), Section: "directory", Body: requestFormPage(f)}, nil
}

// askedBy reads what a form asks for.
func askedBy(r *http.Request) (review.Asked, error) {
	x := review.Asked{
		Owner:  resources.Ref{Type: schema.EntityType(r.PathValue("entity")), Key: resources.Key(r.PathValue("key"))},
		Role:   roles.RoleID(r.PathValue("role")),
		Action: requests.Action(r.PostForm.Get("action")), Why: r.PostForm.Get("why"),
		Parameters: map[roles.DimensionID]string{},
	}
	switch x.Action {
	case requests.Add, requests.Remove, requests.Deny, requests.Extend:
	default:
		return x, unreadable("what is asked for", string(x.Action), "Choose add, remove, deny or extend.")
	}
	var from, until time.Time
	var err error
	if from, err = dayIn("the first day", r.PostForm.Get("from")); err != nil {
		return x, err
	}
	if until, err = dayIn("the last day", r.PostForm.Get("until")); err != nil {
		return x, err
	}
	if x.Action == requests.Extend { // only the end moves
		from = time.Time{}
	}
	if x.Action == requests.Remove {
		until = time.Time{}
	}
	x.Period = assignments.Period{From: from, To: until}
	for name, values := range r.PostForm {
		if dimension, ok := strings.CutPrefix(name, "with-"); ok && values[0] != "" {
			x.Parameters[roles.DimensionID(dimension)] = values[0]
		}
	}
	return x, nil
}

// askFor makes the request.
func (s *site) askFor(r *http.Request) (outcome, error) {
	x, err := askedBy(r)
	if err != nil {
		return outcome{}, err
	}
	desk, err := s.requestDesk(r)
	if err != nil {
		return outcome{}, err
	}
	q, err := desk.Ask(r.Context(), x)
	if err != nil {
		return outcome{}, err
	}
	to := "/requests/" + url.PathEscape(fmt.Sprint(int64(q.ID)))
	return outcome{Said: fmt.Sprintf("Request %d is made. The next run takes it to its first step.", q.ID), To: to}, nil
}

package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

// roleList is the catalog.
type roleList struct {
	Filter filter
	Roles  []roles.Role
	Paged  bool
	Next   string
	Model  *roles.Model
}

// roleCatalog lists the roles of the deployed configuration.
func (s *site) roleCatalog(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	l := roleList{Model: m, Filter: filter{
		Address: "/roles", Label: "Roles", Searches: "Role", Hint: "Name, or what it is about",
		Picks: []pick{categoryPick(m), {Name: "kind", Label: "Kind", Options: []option{{"single", "single"}, {"composite", "composite"}}}},
	}}
	l.Filter.Sort = sortedBy(view.Sort{}, view.RoleColumns)
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	kind, category := l.Filter.chosen("kind"), l.Filter.chosen("category")
	var all []roles.Role
	for _, role := range m.Roles {
		fits := (kind == "" || role.Composite == (kind == "composite")) && matches(role, l.Filter.Text)
		if fits && (category == "" || slices.ContainsFunc(m.Above(role.Category), func(c roles.Category) bool { return string(c.ID) == category })) {
			all = append(all, role)
		}
	}
	sortRoles(m, all)
	if l.Filter.Sort.Now.By == view.ByRole {
		slices.SortStableFunc(all, func(a, b roles.Role) int {
			return strings.Compare(nameOr(a.Name, string(a.ID)), nameOr(b.Name, string(b.ID)))
		})
	}
	if l.Filter.Sort.Now.Down {
		slices.Reverse(all)
	}
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		from = 1 + slices.IndexFunc(all, func(x roles.Role) bool { return string(x.ID) == after })
		l.Paged = true
	}
	l.Roles = all[from:min(len(all), from+rowsOnPage)]
	if len(all) > from+rowsOnPage {
		l.Next = l.Filter.next("after", string(l.Roles[len(l.Roles)-1].ID))
	}
	return page{Title: "Roles", Section: "roles", Body: rolesPage(l), Sheet: rolesSheet(m, all)}, nil
}

// ruleShown is one rule line, where it stands and what it says.
type ruleShown struct {
	Object, Says, Gives, Place string
	Touches                    string // how many people; "" where that is not counted
}

func ruleOf(l roles.Line, gives string) ruleShown {
	return ruleShown{Object: l.Object, Says: explain.Words(l), Gives: gives, Place: placeText(&l.Position)}
}

// roleOnPage is one role with who has it, what it grants and what gives it.
type roleOnPage struct {
	roles.Role
	Model   *roles.Model
	Rules   []ruleShown // what gives it
	Grants  []ruleShown // what it gives
	Holders view.HolderPage
	Sort    ordering
	First   string // the address of their first page
	Paged   bool
	Next    string
}

// role shows one role.
func (s *site) role(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	role, ok := m.Roles[roles.RoleID(r.PathValue("id"))]
	if !ok {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("there is no role %q", r.PathValue("id")), Do: "The catalog lists the roles that are declared."}
	}
	shown := roleOnPage{Role: role, Model: m, Grants: granted(m, role.ID)}
	for _, rule := range role.Assign {
		shown.Rules = append(shown.Rules, ruleOf(rule.Line, ""))
	}
	if err := s.touched(r.Context(), m, shown.Rules, shown.Grants); err != nil {
		return page{}, err
	}
	q := r.URL.Query()
	asked := view.HolderFilter{Role: string(role.ID), Limit: rowsOnPage}
	shown.Sort = sortedBy(view.Sort{}, view.HolderColumns)
	if err := shown.Sort.read(r); err != nil {
		return page{}, err
	}
	shown.Holders, err = inOrder(&shown.Sort, func() (view.HolderPage, error) {
		if asked.Sort, asked.After = shown.Sort.Now, (view.HolderCursor{}); shown.Sort.Refused == "" {
			asked.After = view.HolderCursor{By: q.Get("by"), Type: q.Get("type"), Key: q.Get("after"), Parameters: q.Get("with")}
		}
		return s.Questions.Holders(r.Context(), asked)
	})
	if err != nil {
		return page{}, err
	}
	at, sort := string(roleAddress(role.ID)), shown.Sort.value()
	shown.Paged, shown.First = asked.After.Key != "", string(with(at, "sort", sort))
	if c := shown.Holders.After; c != nil {
		shown.Next = string(with(at, "by", c.By, "type", c.Type, "after", c.Key, "with", c.Parameters, "sort", sort))
	}
	return page{Title: nameOr(role.Name, string(role.ID)), Section: "roles", Body: rolePage(shown), Sheet: s.holdersSheet(r, asked)}, nil
}

// granted lists what a role gives: accounts, values, links, and the roles of a
// composite one.
func granted(m *roles.Model, id roles.RoleID) []ruleShown {
	var list []ruleShown
	for _, tid := range slices.Sorted(maps.Keys(m.ResourceTypes)) {
		t := m.ResourceTypes[tid]
		name := nameOr(t.Name, string(t.ID))
		for _, x := range t.Who {
			if x.Role == id {
				list = append(list, ruleOf(x.Line, "the account "+name))
			}
		}
		for _, x := range t.Values {
			if x.Role == id {
				list = append(list, ruleOf(x.Line, name+": "+string(x.Property)+" = "+valueText(x)))
			}
		}
		for _, x := range t.Links {
			if x.Role == id {
				list = append(list, ruleOf(x.Line, name+": "+string(x.Property)+" → "+linkText(x)))
			}
		}
	}
	for _, rid := range slices.Sorted(maps.Keys(m.Roles)) {
		for _, x := range m.Roles[rid].Assign {
			if x.Role == id {
				list = append(list, ruleOf(x.Line, "the role "+roleName(m, string(rid))))
			}
		}
	}
	return list
}

func valueText(x roles.ScalarRule) string {
	if x.Constant {
		return x.Value.String()
	}
	return x.Expression.Text
}

func linkText(x roles.NavigationRule) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(x.To)) {
		parts = append(parts, string(name)+" "+x.To[name].String())
	}
	return strings.Join(parts, ", ")
}

// withParameters tells whether any of them has the role with parameters.
func withParameters(list []view.Holder) bool {
	return slices.ContainsFunc(list, func(h view.Holder) bool { return h.Parameters != "" })
}

// approvalText says whether a role can be asked for, and through how many steps.
func approvalText(a roles.Approval) string {
	switch a {
	case roles.ApprovalNone:
		return "on request, without approval"
	case roles.ApprovalOne, roles.ApprovalTwo, roles.ApprovalThree:
		return "on request, " + stepsText(a)
	}
	return "not on request"
}

func roleAddress(id roles.RoleID) templ.SafeURL {
	return templ.SafeURL("/roles/" + url.PathEscape(string(id)))
}

// rulesList is every rule line, to be looked through.
type rulesList struct {
	Filter filter
	Rules  []ruleShown
	Paged  bool
	Next   string
}

// rules lists every rule line of the deployed configuration, as it names them.
func (s *site) rules(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	l := rulesList{Filter: filter{Address: "/rules", Label: "Rules", Searches: "Rule", Hint: "Its name, or what it says", Picks: []pick{typePick(m)}}}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	var all []ruleShown
	for _, line := range m.Lines() {
		rule := ruleOf(line, "")
		under := l.Filter.chosen("type")
		if under != "" && !strings.HasPrefix(rule.Object, "resourceTypes."+under+".") || !holdsAll(rule.Object+" "+rule.Says, l.Filter.Text) {
			continue
		}
		all = append(all, rule)
	}
	slices.SortStableFunc(all, func(a, b ruleShown) int { return strings.Compare(a.Object, b.Object) })
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		from = 1 + slices.IndexFunc(all, func(x ruleShown) bool { return x.Object == after })
		l.Paged = true
	}
	l.Rules = all[from:min(len(all), from+rowsOnPage)]
	if len(all) > from+rowsOnPage {
		l.Next = l.Filter.next("after", l.Rules[len(l.Rules)-1].Object)
	}
	if err := s.touched(r.Context(), m, l.Rules); err != nil {
		return page{}, err
	}
	return page{Title: "Rules", Section: "roles", Body: rulesPage(l), Sheet: rulesSheet("rules", all)}, nil
}

// holdsAll tells whether each word stands in a text.
func holdsAll(text, words string) bool {
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// joinedKeys lists the names of connections or entity types.
func joinedKeys[K ~string, V schema.Connection | schema.Entity](of map[K]V) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		names = append(names, string(name))
	}
	return strings.Join(names, ", ")
}

// dashed is a text, or a dash.
func dashed(text string) string { return nameOr(text, "–") }

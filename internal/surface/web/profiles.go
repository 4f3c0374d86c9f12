package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// profileList is the profiles and who has them.
type profileList struct {
	Profiles []profileListed
	Filter   filter
	Held     heldList
	Paged    bool
	Next     string
}

// profileListed is a profile with how many have it now, by hand or by delegation.
type profileListed struct {
	access.Profile
	Holders int
}

// heldList is profiles as people have them.
type heldList struct {
	Rows []heldShown
	Here string
	Kept kept
	Ends bool // whoever reads it may end them
	Of   bool // the column of profiles is of use
	Sort ordering
	From string // the address of the first page
}

// heldShown is a profile as somebody has it.
type heldShown struct {
	access.ProfileAssignment
	Name  string // of the profile
	Also  string // how far the profile itself reaches, "" for all
	Who   view.Owner
	Ended string // when it was over, "" while it is not
	Later bool   // it begins later
}

// What assignments are listed.
const (
	withOver = "all"
	howPick  = "how"
)

// profiles lists the profiles, and who has them.
func (s *site) profiles(r *http.Request) (page, error) {
	ctx, desk := r.Context(), s.accessDesk(r)
	known, err := desk.Known(ctx)
	if err != nil {
		return page{}, err
	}
	given, err := desk.Given(ctx)
	if err != nil {
		return page{}, err
	}
	l := profileList{Filter: filter{
		Address: "/profiles", Label: "Who has profiles", Searches: "Who", Hint: "Account, key or identifier",
		Picks: []pick{
			{Name: "profile", Label: "Profile", Options: profileOptions(known)},
			{Name: howPick, Label: "How", Options: []option{{string(access.ByHand), "by hand"}, {string(access.ByRule), "by rule"}, {string(access.Delegation), "by delegation"}}},
			{Name: "show", Label: "Show", Else: "present ones", Options: []option{{withOver, "those that are over, too"}}},
		},
		Sort: sortedBy(view.Sort{}, view.HeldColumns),
	}}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	now := s.Clock()
	for _, p := range known {
		shown := profileListed{Profile: p}
		for _, a := range given {
			if a.Profile == p.ID && a.Active(now) {
				shown.Holders++
			}
		}
		l.Profiles = append(l.Profiles, shown)
	}
	chosen, err := s.assignmentsChosen(r, l.Filter, given)
	if err != nil {
		return page{}, err
	}
	view.ArrangeHeld(chosen, l.Filter.Sort.Now)
	from, err := numbered("the place in the list", r.URL.Query().Get("after"))
	if err != nil {
		return page{}, err
	}
	at := min(int(from), len(chosen))
	upto := min(at+rowsOnPage, len(chosen))
	l.Held, l.Paged = s.heldShown(r, chosen[at:upto], known), at > 0
	l.Held.Of, l.Held.Ends = true, may(ctx, access.ProfilesAssign)
	l.Held.Sort, l.Held.From = l.Filter.Sort, l.Filter.first()
	if upto < len(chosen) {
		l.Next = l.Filter.next("after", strconv.Itoa(upto))
	}
	return page{Title: "Profiles", Section: "profiles", Body: profilesPage(l), Sheet: sheets.Assignments("profiles", chosen)}, nil
}

// assignmentsChosen are those that a filter lets through. Whoever is named exactly
// is shown with what rules give him, too.
func (s *site) assignmentsChosen(r *http.Request, f filter, given []access.ProfileAssignment) ([]access.ProfileAssignment, error) {
	list := slices.Clone(given)
	text := strings.ToLower(strings.TrimSpace(f.Text))
	if text != "" {
		desk := s.accessDesk(r)
		holder, err := desk.Holder(r.Context(), f.Text)
		if kind := fault.KindOf(err); err != nil && kind != fault.NotFound && kind != fault.Invalid {
			return nil, err
		}
		if err == nil && f.chosen("show") != withOver {
			list, err = desk.Has(r.Context(), holder)
			if err != nil {
				return nil, err
			}
			text = ""
		}
	}
	now := s.Clock()
	return slices.DeleteFunc(list, func(a access.ProfileAssignment) bool {
		return text != "" && !strings.Contains(strings.ToLower(a.Holder.String()), text) ||
			f.chosen("profile") != "" && f.chosen("profile") != string(a.Profile) ||
			f.chosen(howPick) != "" && f.chosen(howPick) != string(a.How) ||
			f.chosen("show") != withOver && a.Over(now)
	}), nil
}

func profileOptions(known []access.Profile) (list []option) {
	for _, p := range known {
		list = append(list, option{string(p.ID), p.Name})
	}
	return list
}

// heldShown names those who have profiles, as far as the directory shows them.
func (s *site) heldShown(r *http.Request, list []access.ProfileAssignment, known []access.Profile) heldList {
	l := heldList{Here: r.URL.RequestURI(), Kept: keptOf(r)}
	now := s.Clock()
	names := map[resources.Ref]view.Owner{}
	for _, a := range list {
		x := heldShown{ProfileAssignment: a, Name: string(a.Profile), Later: a.Revoked.IsZero() && now.Before(a.From)}
		for _, p := range known {
			if p.ID == a.Profile {
				x.Name = p.Name
				if !p.Scope.IsZero() {
					x.Also = p.Scope.String()
				}
			}
		}
		switch {
		case !a.Revoked.IsZero():
			x.Ended = "ended " + day(a.Revoked)
		case a.Over(now):
			x.Ended = "over"
		}
		if ref := a.Holder.Person; a.Holder.Account == "" && ref.Key != "" {
			if _, asked := names[ref]; !asked {
				names[ref] = view.Owner{Type: string(ref.Type), Key: string(ref.Key)}
				if p, err := s.Questions.Person(r.Context(), ref); err == nil {
					names[ref] = p.Owner
				}
			}
			x.Who = names[ref]
		}
		l.Rows = append(l.Rows, x)
	}
	return l
}

// profileOpened is one profile with all that it gives and who has it.
type profileOpened struct {
	access.Profile
	Permissions []access.Described
	Rules       []string
	Held        heldList
	More        int
	Here        string
	Kept        kept
	Assigns     bool
}

// accessProfile shows one profile.
func (s *site) accessProfile(r *http.Request) (page, error) {
	ctx, desk := r.Context(), s.accessDesk(r)
	known, err := desk.Known(ctx)
	if err != nil {
		return page{}, err
	}
	i := slices.IndexFunc(known, func(p access.Profile) bool { return string(p.ID) == r.PathValue("id") })
	if i < 0 {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("there is no profile %q", r.PathValue("id")), Do: "The list shows those that are built in or declared."}
	}
	given, err := desk.Given(ctx)
	if err != nil {
		return page{}, err
	}
	x := profileOpened{Profile: known[i], Here: r.URL.RequestURI(), Kept: keptOf(r), Assigns: may(ctx, access.ProfilesAssign), Rules: rulesText(known[i])}
	for _, name := range known[i].Permissions {
		d, _ := access.Describe(name)
		x.Permissions = append(x.Permissions, d)
	}
	now := s.Clock()
	present := slices.DeleteFunc(given, func(a access.ProfileAssignment) bool { return a.Profile != x.ID || a.Over(now) })
	x.More = max(0, len(present)-rowsOnPage)
	x.Held = s.heldShown(r, present[:len(present)-x.More], known)
	x.Held.Ends = x.Assigns
	return page{Title: x.Name, Section: "profiles", Body: accessProfilePage(x)}, nil
}

// rulesText says whom rules give a profile.
func rulesText(p access.Profile) []string {
	var list []string
	for _, rule := range p.Rules {
		var places []string
		for d, place := range rule.Match {
			text := fmt.Sprintf("in %s %s", d, place)
			if slices.Contains(rule.Inherit, d) {
				text += " or below"
			}
			places = append(places, text)
		}
		slices.Sort(places)
		text := "Every " + string(rule.Entity)
		if len(places) > 0 {
			text += " " + strings.Join(places, " and ")
		}
		list = append(list, text+", reaching "+rule.Scope.String())
	}
	return list
}

// reachText says what a scope does to a permission.
var reachText = map[access.Reach]string{access.Rows: "narrows it", access.Whole: "takes it away", access.Open: "does not matter"}

// changeProfiles ends the profiles that were chosen in the list of all.
func (s *site) changeProfiles(r *http.Request) (outcome, error) {
	given, err := s.accessDesk(r).Given(r.Context())
	if err != nil {
		return outcome{}, err
	}
	return s.endChosen(r, given, "End", func(id access.AssignmentID, why string) error {
		return s.accessDesk(r).Revoke(r.Context(), id, why)
	})
}

// endChosen asks first, then ends each by itself.
func (s *site) endChosen(r *http.Request, given []access.ProfileAssignment, verb string, end func(access.AssignmentID, string) error) (outcome, error) {
	var ids []access.AssignmentID
	var lines []string
	for _, row := range chosen(r) {
		id, err := numbered("a profile that somebody has", row)
		if err != nil {
			return outcome{}, err
		}
		i := slices.IndexFunc(given, func(a access.ProfileAssignment) bool { return int64(a.ID) == id })
		if i < 0 {
			return outcome{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("nobody has a profile under the number %d", id), Do: "Open the page again and choose anew."}
		}
		ids, lines = append(ids, given[i].ID), append(lines, fmt.Sprintf("%s of %s, reaching %s", given[i].Profile, given[i].Holder, given[i].Scope))
	}
	if len(ids) == 0 {
		return outcome{}, nothingChosen()
	}
	if what := verb + " " + count(len(ids), "profile"); !sure(r) {
		return asking(what+" from now on?", what, lines), nil
	}
	out := outcome{}
	done := 0
	for i, id := range ids {
		switch err := end(id, r.PostForm.Get("why")); {
		case err == nil:
			done++
		case fault.KindOf(err) == fault.NotFound:
			out.Refused = append(out.Refused, lines[i]+": "+lowered(err))
		default:
			return out, err
		}
	}
	out.Said = happened(done, "profile", "ended")
	return out, nil
}

// changeProfile gives one profile to somebody, or ends it for some.
func (s *site) changeProfile(r *http.Request) (outcome, error) {
	if r.PostForm.Get("do") == "end" {
		return s.changeProfiles(r)
	}
	a, err := s.assignmentIn(r)
	if err != nil {
		return outcome{}, err
	}
	a.Profile = access.ProfileID(r.PathValue("id"))
	a, err = s.accessDesk(r).Assign(r.Context(), a)
	return outcome{Said: fmt.Sprintf("%s has the profile %s, reaching %s.", sentenceCase(a.Holder.String()), a.Profile, a.Scope), To: string(profileAddress(a.Profile))}, err
}

// assignmentIn reads who gets a profile, how far, from when to when.
func (s *site) assignmentIn(r *http.Request) (a access.ProfileAssignment, err error) {
	form := r.PostForm
	if strings.TrimSpace(form.Get("who")) == "" {
		return a, &fault.Error{Kind: fault.Invalid, Msg: "it is not said who gets the profile", Do: "Fill in the name of an account, or the key or an identifier of a person."}
	}
	if a.Holder, err = s.accessDesk(r).Holder(r.Context(), form.Get("who")); err != nil {
		return a, err
	}
	if a.From, err = dayIn("the first day", form.Get("from")); err != nil {
		return a, err
	}
	if a.To, err = dayIn("the last day", form.Get("until")); err != nil {
		return a, err
	}
	if !a.To.IsZero() {
		a.To = a.To.Add(24 * time.Hour) // the day itself belongs to it
	}
	a.Why = form.Get("why")
	a.Scope, err = scopeIn(form)
	return a, err
}

// scopeIn reads how far a profile reaches; several stand between commas.
func scopeIn(form url.Values) (access.Scope, error) {
	s := access.Scope{
		EntityTypes: parted[schema.EntityType](form.Get("entities")), ResourceTypes: parted[roles.ResourceTypeID](form.Get("types")),
		Categories: parted[roles.CategoryID](form.Get("categories")), Roles: parted[roles.RoleID](form.Get("roles")),
		Team: form.Get("team") == "1", Self: form.Get("self") == "1",
	}
	for _, text := range parted[string](form.Get("places")) {
		dimension, place, ok := strings.Cut(text, "=")
		if !ok || dimension == "" || place == "" {
			return s, unreadable("a place", text, "Write it as department=FIN.")
		}
		if s.Places == nil {
			s.Places = map[roles.DimensionID][]resources.Key{}
		}
		d := roles.DimensionID(strings.TrimSpace(dimension))
		s.Places[d] = append(s.Places[d], resources.Key(strings.TrimSpace(place)))
	}
	return s, nil
}

func parted[T ~string](text string) []T {
	var list []T
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, T(part))
		}
	}
	return list
}

func profileAddress(id access.ProfileID) templ.SafeURL {
	return templ.SafeURL("/profiles/" + url.PathEscape(string(id)))
}

// lastDay is the last day of a profile that somebody has.
func lastDay(a access.ProfileAssignment) time.Time {
	if a.To.IsZero() {
		return a.To
	}
	return a.To.Add(-time.Second)
}

// scopeFields are what a scope names, by the name of the field.
var scopeFields = []option{
	{"types", "Resource types"}, {"categories", "Categories"}, {"roles", "Roles"}, {"entities", "Entity types"}, {"places", "Places"},
}

var scopeHints = map[string]string{
	"types": "CrmUser, LedgerAccount", "categories": "finance", "roles": "ledger-reader", "entities": "Person", "places": "department=FIN",
}

// scoped tells whether a form named a scope, which is shown open again.
func scoped(k kept) bool {
	return slices.ContainsFunc(scopeFields, func(f option) bool { return k.text(f.Value) != "" }) || k.has("team", "1") || k.has("self", "1")
}

package web_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

var update = flag.Bool("update", false, "write docs/generated/access.md anew")

// asker lets whoever asks in as one principal; none has to sign in.
type asker struct {
	who *access.Principal
}

func (a asker) Around(next http.Handler) http.Handler { return next }

func (a asker) Open(context.Context) (bool, error) { return false, nil }

func (a asker) Provider(context.Context) (string, error) { return "", nil }

func (a asker) End(*http.Request) error { return nil }

func (a asker) ToProvider(*http.Request, string) (string, error) { return "", nowhere }

func (a asker) FromProvider(*http.Request) (string, error) { return "", nowhere }

func (a asker) Local(*http.Request, string, secret.Text) error { return nowhere }

func (a asker) First(*http.Request, secret.Text, string, secret.Text) error { return nowhere }

// nowhere is what nobody gets in with.
var nowhere = fault.New(fault.Denied, "sign in", "no")

func (a asker) Who(*http.Request) (access.Principal, error) {
	if a.who == nil {
		return access.Principal{}, routes.Unknown
	}
	return *a.who, nil
}

// askedBy are the pages as one principal has them; nil: somebody unknown.
func askedBy(e *loop.Engine, who *access.Principal) *routes.Registry {
	o := options(e)
	o.SignIn = asker{who: who}
	o.Within = func(f access.Filter) web.Questions { return e.Views().Within(f) }
	return withAPI(e, o)
}

// A target is somebody with an order and with something found.
type target struct {
	person resources.Ref
	order  view.Order
	found  view.Question
}

// A probe says where a route shows a target, and by what the target is known there.
type probe struct {
	address func(target) string
	mark    func(target) string // nil: the page shows nothing of anybody
	status  int                 // of a page that is not a row's; 0: 200
	method  string
	outside string // what comes of it outside a scope, where it is no list's or row's usual
}

func fixed(address string) func(target) string { return func(target) string { return address } }

// probes is one line for every route that needs a permission. A new page gets one
// here, or the matrix fails.
var probes = map[string]probe{
	"GET /{$}":                      {address: fixed("/")},
	"GET /events":                   {address: fixed("/events"), method: http.MethodHead},
	"GET /states":                   {address: fixed("/states")},
	"GET /states/{number}":          {address: func(x target) string { return fmt.Sprintf("/states/%d?q=%s", x.order.State.Number, x.person.Key) }, mark: orderLink},
	"GET /orders":                   {address: func(x target) string { return "/orders?q=" + string(x.person.Key) }, mark: orderLink},
	"GET /orders/{id}":              {address: func(x target) string { return fmt.Sprintf("/orders/%d", x.order.ID) }, mark: personLink},
	"GET /reconciliation":           {address: fixed("/reconciliation"), mark: foundLink},
	"GET /directory":                {address: fixed("/directory"), status: http.StatusFound},
	"GET /directory/{entity}":       {address: func(x target) string { return "/directory/Person?q=" + string(x.person.Key) }, mark: personLink},
	"GET /directory/{entity}/{key}": {address: func(x target) string { return "/directory/Person/" + string(x.person.Key) }, mark: personKey},
	"GET /":                         {address: fixed("/nowhere"), status: http.StatusNotFound},

	"GET /directory/{entity}/{key}/profile":  {address: ofPerson("/profile"), mark: personKey},
	"GET /directory/{entity}/{key}/accounts": {address: ofPerson("/accounts"), mark: personKey},
	"GET /directory/{entity}/{key}/history":  {address: ofPerson("/history"), mark: personKey},
	"GET /directory/{entity}/{key}/why":      {address: ofPerson("/why"), mark: personKey},
	"GET /directory/{entity}/{key}/request":  {address: ofPerson("/request"), mark: personKey},

	"GET /directory/{entity}/{key}/request/{role}":  {address: ofPerson("/request/" + askedRole), mark: personKey},
	"POST /directory/{entity}/{key}/request/{role}": {address: ofPerson("/request/" + askedRole), method: http.MethodPost, mark: personKey},

	"GET /review":             {address: func(x target) string { return "/review?q=" + string(x.person.Key) }},
	"POST /review":            {address: fixed("/review"), method: http.MethodPost},
	"GET /review/properties":  {address: fixed("/review/properties")},
	"POST /review/properties": {address: fixed("/review/properties"), method: http.MethodPost},
	"GET /review/{id}":        {address: ofOrder("/review/"), mark: personLink},
	"POST /review/{id}":       {address: ofOrder("/review/"), method: http.MethodPost, mark: personLink},
	"GET /manual":             {address: fixed("/manual")},
	"POST /manual":            {address: fixed("/manual"), method: http.MethodPost},
	"GET /manual/{id}":        {address: ofOrder("/manual/"), mark: personLink},
	"POST /manual/{id}":       {address: ofOrder("/manual/"), method: http.MethodPost, mark: personLink},

	"GET /reconciliation/properties": {address: fixed("/reconciliation/properties")}, "POST /reconciliation/properties": {address: fixed("/reconciliation/properties"), method: http.MethodPost},
	"POST /reconciliation":       {address: fixed("/reconciliation"), method: http.MethodPost},
	"GET /reconciliation/roles":  {address: fixed("/reconciliation/roles")},
	"POST /reconciliation/roles": {address: fixed("/reconciliation/roles"), method: http.MethodPost},
	"GET /reconciliation/{id}":   {address: ofQuestion, mark: foundOwner, outside: hidden}, // it says that nothing is asked
	"POST /reconciliation/{id}":  {address: ofQuestion, method: http.MethodPost},           // likewise

	"GET /requests":       {address: fixed("/requests?show=open")},
	"POST /requests":      {address: fixed("/requests"), method: http.MethodPost},
	"GET /requests/{id}":  {address: fixed("/requests/4711"), status: http.StatusNotFound},
	"POST /requests/{id}": {address: fixed("/requests/4711"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /connectors":                            {address: fixed("/connectors")},
	"GET /connectors/{id}":                       {address: fixed("/connectors/crm")},
	"GET /connectors/{id}/parked/{type}/{kind}":  {address: fixed("/connectors/crm/parked/CrmUser/addition"), status: http.StatusNotFound},
	"POST /connectors/{id}/parked/{type}/{kind}": {address: fixed("/connectors/crm/parked/CrmUser/addition"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /roles":          {address: fixed("/roles")},
	"GET /roles/{id}":     {address: fixed("/roles/" + askedRole)},
	"GET /rules":          {address: fixed("/rules")},
	"GET /plans":          {address: fixed("/plans")},
	"GET /plans/{file}":   {address: fixed("/plans/none.json"), status: http.StatusNotFound},
	"GET /journal":        {address: fixed("/journal")},
	"GET /journal/verify": {address: fixed("/journal/verify")},
	"GET /docs":           {address: fixed("/docs"), status: http.StatusFound}, "GET /docs/{path...}": {address: fixed("/docs/README.md")},
}

// askedRole is a role of the company that people may ask for.
const askedRole = "team-lunch"

func ofPerson(tab string) func(target) string {
	return func(x target) string { return "/directory/Person/" + string(x.person.Key) + tab }
}

func ofOrder(page string) func(target) string {
	return func(x target) string { return fmt.Sprint(page, x.order.ID) }
}

func ofQuestion(x target) string { return fmt.Sprintf("/reconciliation/%d", x.found.Account.ID) }

func foundOwner(x target) string { return fmt.Sprintf(`href="/directory/Person/%s`, x.found.Owner.Key) }

func orderLink(x target) string  { return fmt.Sprintf(`href="/orders/%d"`, x.order.ID) }
func personLink(x target) string { return fmt.Sprintf(`href="/directory/Person/%s`, x.person.Key) }
func personKey(x target) string  { return fmt.Sprintf(`<span class="key">%s</span>`, x.person.Key) }
func foundLink(x target) string {
	return fmt.Sprintf(`href="/reconciliation/%d"`, x.found.Account.ID)
}

// public is the whole list of what nobody has to be known for.
var public = map[string]string{
	"GET /static/{file}": "/static/none.css", "GET /sign-in": "/sign-in", "POST /sign-in": "/sign-in", "POST /sign-out": "/sign-out",
	"GET /sign-in/provider": "/sign-in/provider", "GET /sign-in/back": "/sign-in/back", "GET /first": "/first", "POST /first": "/first",
	"GET /openapi.json": "/openapi.json", "POST /api/v1/sign-in": "/api/v1/sign-in",
}

// A seat is a profile as somebody has it, with a target inside and one outside.
type seat struct {
	profile         access.ProfileID
	scoped          bool
	who             access.Principal
	inside, outside target
}

// link is where the first link of a person's property leads.
func link(t *testing.T, e *loop.Engine, ref resources.Ref, property string) resources.Key {
	t.Helper()
	p, err := e.Views().Person(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return resources.Key(append(p.Links[property], "")[0])
}

// targets finds one person of each of two departments that has a manager, an
// order, and something found in an account of somebody of the same department.
func targets(t *testing.T, e *loop.Engine) (inside, outside target, department roles.DimensionID, place resources.Key) {
	t.Helper()
	ctx := t.Context()
	page, err := e.Views().Orders(ctx, view.OrderFilter{Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	found, err := e.Views().Reconciliation(ctx, view.ReconciliationFilter{Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	questions := map[resources.Key]view.Question{}
	for _, q := range found.Questions {
		if q.Owner.Type == "Person" && len(q.Account.Items) > 0 {
			questions[link(t, e, ref(q.Owner), "department")] = q
		}
	}
	for _, o := range page.Orders {
		if o.Owner.Type != "Person" {
			continue
		}
		x := target{person: ref(o.Owner), order: o}
		in := link(t, e, x.person, "department")
		q, ok := questions[in]
		x.found = q
		switch {
		case !ok || link(t, e, x.person, "manager") == "":
		case inside.person.Key == "":
			inside, place = x, in
		case in != place && link(t, e, x.person, "manager") != link(t, e, inside.person, "manager"):
			return inside, x, "department", place
		}
	}
	t.Fatalf("the company has no two people for this: %d orders, %d departments with questions", len(page.Orders), len(questions))
	return
}

func ref(o view.Owner) resources.Ref {
	return resources.Ref{Type: "Person", Key: resources.Key(o.Key)}
}

// seats are all built-in profiles, as they are and with a scope.
func seats(t *testing.T, e *loop.Engine) []seat {
	t.Helper()
	c, err := e.Deployed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inside, outside, dimension, place := targets(t, e)
	manager := resources.Ref{Type: "Person", Key: link(t, e, inside.person, "manager")}
	department := access.Scope{Places: map[roles.DimensionID][]resources.Key{dimension: {place}}}
	var list []seat
	for _, p := range access.BuiltIn() {
		have := func(scoped bool, person resources.Ref, scopes ...access.Scope) {
			given := access.Given{Profile: p.ID, Scopes: scopes, World: access.World{Model: c.Model, Person: person}}
			list = append(list, seat{p.ID, scoped, access.Resolve("x", person, access.BuiltIn(), []access.Given{given}), inside, outside})
		}
		switch {
		case p.Scope.Self:
			have(true, inside.person)
		case p.Scope.Team:
			have(true, manager)
		default:
			have(false, resources.Ref{})
			have(true, resources.Ref{}, department)
		}
	}
	return list
}

// outcomes of asking for a page.
const (
	shown   = "shown"   // with the target, or a page that shows nobody
	hidden  = "hidden"  // a page without the target
	missing = "missing" // no such page
	refused = "refused"
	unknown = "sign in"
)

// outcome asks a route for a target.
func outcome(h http.Handler, p probe, x target) string {
	w := httptest.NewRecorder()
	method := p.method
	if method == "" {
		method = http.MethodGet
	}
	h.ServeHTTP(w, httptest.NewRequest(method, p.address(x), nil))
	status := p.status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case method == http.MethodPost && w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized && w.Code != http.StatusNotFound:
		return shown // it was let through, and found nothing to do in an empty form
	case w.Code == http.StatusForbidden:
		return refused
	case w.Code == http.StatusUnauthorized:
		return unknown
	case w.Code == status && (p.mark == nil || strings.Contains(html.UnescapeString(w.Body.String()), p.mark(x))):
		return shown
	case w.Code == status:
		return hidden
	case w.Code == http.StatusNotFound:
		return missing
	}
	return fmt.Sprintf("answers %d", w.Code)
}

// expected is what the domain says must come of it.
func expected(s seat, route routes.Route, p probe, inside bool) string {
	holds := slices.ContainsFunc(access.BuiltIn(), func(x access.Profile) bool {
		return x.ID == s.profile && slices.Contains(x.Permissions, route.Needs)
	})
	d, _ := access.Describe(route.Needs)
	switch {
	case !holds, s.scoped && d.Reach == access.Whole:
		return refused
	case inside || !s.scoped || p.mark == nil:
		return shown
	case p.outside != "":
		return p.outside
	case strings.Contains(route.Path, "{id}") || strings.Contains(route.Path, "{key}"):
		return missing
	}
	return hidden
}

// faultsOf asks every route for every seat and lists the cells that are not as the
// domain says, and what no probe knows.
func faultsOf(t *testing.T, registered func(*access.Principal) *routes.Registry, list []seat) (faults []string, cells map[string]string) {
	t.Helper()
	cells = map[string]string{}
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	all := access.Everybody()
	everybody, nobody := registered(&all), registered(nil)
	as := make([]*routes.Registry, len(list))
	for i := range list {
		as[i] = registered(&list[i].who)
	}
	for _, r := range nobody.Routes() {
		if r.Method != http.MethodGet && !refusesOtherSites(everybody, r) {
			say("%s does what another site asks for", r)
		}
		p, known := probes[r.String()]
		if r.Public != "" {
			if _, listed := public[r.String()]; !listed {
				say("%s is public and stands in no list", r)
			}
			continue
		}
		if !known {
			say("%s has no probe", r)
			continue
		}
		for _, x := range []target{list[0].inside, list[0].outside} {
			if got := outcome(nobody, p, x); got != unknown {
				say("%s for somebody unknown: %s", r, got)
			}
		}
		for i, s := range list {
			got := map[bool]string{}
			for inside, x := range map[bool]target{true: s.inside, false: s.outside} {
				got[inside] = outcome(as[i], p, x)
				if want := expected(s, r, p, inside); got[inside] != want {
					say("%s for %s (scoped %v), inside %v: %s, want %s", r, s.profile, s.scoped, inside, got[inside], want)
				}
			}
			cells[fmt.Sprint(r, s.profile, s.scoped)] = cell(p, got[true], got[false])
		}
	}
	return faults, cells
}

// refusesOtherSites reports whether a route does nothing for a form that stands on
// another site.
func refusesOtherSites(h http.Handler, r routes.Route) bool {
	w := httptest.NewRecorder()
	form := httptest.NewRequest(r.Method, strings.NewReplacer("{", "", "}", "").Replace(r.Path), nil)
	form.Header.Set("Sec-Fetch-Site", "cross-site")
	h.ServeHTTP(w, form)
	return w.Code == http.StatusForbidden
}

// cell is how the page of docs says it.
func cell(p probe, inside, outside string) string {
	switch {
	case inside == refused:
		return "–"
	case p.mark == nil:
		return "yes"
	case outside == shown:
		return "all"
	}
	return "in scope"
}

func TestEveryRouteIsReachedByItsProfilesAloneAndInTheirScopeAlone(t *testing.T) {
	e := laid(t)
	list := seats(t, e)
	faults, cells := faultsOf(t, func(who *access.Principal) *routes.Registry { return askedBy(e, who) }, list)
	for _, f := range faults {
		t.Error(f)
	}
	for route, address := range public {
		method, _, _ := strings.Cut(route, " ")
		w := httptest.NewRecorder()
		askedBy(e, nil).ServeHTTP(w, httptest.NewRequest(method, address, nil))
		if strings.Contains(w.Body.String(), "show a token") || w.Code == http.StatusForbidden {
			t.Errorf("%s is public and answers %d", route, w.Code)
		}
	}
	page := matrixPage(askedBy(e, nil).Routes(), list, cells)
	file := filepath.Join("..", "..", "..", "docs", "generated", "access.md")
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || string(kept) != page {
		t.Errorf("docs/generated/access.md is not what was found: run `make generate` (%v)", err)
	}
}

// matrixPage writes the matrix for people.
func matrixPage(all []routes.Route, list []seat, cells map[string]string) string {
	var b strings.Builder
	b.WriteString("# Who reaches which page\n\nGenerated by the test that asks every page as every built-in profile, for somebody inside and somebody outside its scope; do not edit.\n\n" +
		"*all*: every row. *in scope*: rows outside are not there, and pages of theirs are not found. *yes*: the page shows nothing of anybody. *–*: refused. " +
		"Where a cell has two words, the second is what holds once the profile is given with a scope.\n\n| page | permission |")
	var profiles []access.ProfileID
	for _, s := range list {
		if !slices.Contains(profiles, s.profile) {
			profiles = append(profiles, s.profile)
			fmt.Fprintf(&b, " %s |", s.profile)
		}
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(profiles)) + "\n")
	for _, r := range all {
		if r.Public != "" {
			fmt.Fprintf(&b, "| `%s` | none: %s |%s\n", r, r.Public, strings.Repeat(" yes |", len(profiles)))
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s |", r, r.Needs)
		for _, p := range profiles {
			var words []string
			for _, scoped := range []bool{false, true} {
				if w, ok := cells[fmt.Sprint(r, p, scoped)]; ok && !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
			fmt.Fprintf(&b, " %s |", strings.Join(words, ", "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// leaky forgets to narrow one question.
type leaky struct {
	web.Questions
	all web.Questions
}

func (l leaky) Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error) {
	return l.all.Orders(ctx, f)
}

// The matrix itself is seen failing on faults that were planted.
func TestTheMatrixFindsWhatIsPlanted(t *testing.T) {
	e := laid(t)
	list := seats(t, e)
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	for name, c := range map[string]struct {
		plant func(*access.Principal) *routes.Registry
		want  string
	}{
		"a page that nobody listed": {func(who *access.Principal) *routes.Registry {
			g := askedBy(e, who)
			g.Show("/new", access.OrdersView, answer)
			return g
		}, "GET /new has no probe"},
		"a public page": {func(who *access.Principal) *routes.Registry {
			g := askedBy(e, who)
			g.Public(http.MethodGet, "/new", "I say so", answer)
			return g
		}, "GET /new is public and stands in no list"},
		"a list that shows rows outside the scope": {func(who *access.Principal) *routes.Registry {
			o := options(e)
			o.SignIn = asker{who: who}
			o.Within = func(f access.Filter) web.Questions { return leaky{e.Views().Within(f), e.Views()} }
			return withAPI(e, o)
		}, "GET /orders for application-owner (scoped true), inside false: shown, want hidden"},
		"a form that other sites can send": {func(who *access.Principal) *routes.Registry {
			g := askedBy(e, who)
			g.Act("/act", access.OrdersReview, answer)
			g.Wrap(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Header.Del("Sec-Fetch-Site") // what tells where it comes from
					next.ServeHTTP(w, r)
				})
			})
			return g
		}, "POST /act does what another site asks for"},
		"everybody may do everything": {func(who *access.Principal) *routes.Registry {
			all := access.Everybody()
			if who == nil {
				return askedBy(e, nil)
			}
			return askedBy(e, &all)
		}, "GET /reconciliation for user (scoped true), inside true: shown, want refused"},
		"nobody is asked who he is": {func(*access.Principal) *routes.Registry {
			all := access.Everybody()
			return askedBy(e, &all)
		}, "GET /orders for somebody unknown: shown"},
	} {
		faults, _ := faultsOf(t, c.plant, list)
		if !slices.Contains(faults, c.want) {
			t.Errorf("%s is not found; found were %q", name, faults)
		}
	}
}

func TestTheFirstPageCountsWhatItsReaderMaySeeAndNothingElse(t *testing.T) {
	e := laid(t)
	for _, s := range seats(t, e) {
		body := ""
		if s.who.Has(access.HomeView) {
			body = shows(t, askedBy(e, &s.who), "/")
		}
		counts, err := e.Views().Within(s.who.Filter(access.OrdersView)).StateCounts(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		tile := regexp.MustCompile(fmt.Sprintf(`href="/review" class="wait[^>]*>\s*<span class="figure">%d\s*<`, counts.Orders[5].Count))
		if sees := tile.MatchString(body); sees != s.who.Has(access.OrdersView) {
			t.Errorf("%s (scoped %v) is shown %d orders that wait for approval: %v", s.profile, s.scoped, counts.Orders[5].Count, sees)
		}
		for entry, needs := range map[string]access.Permission{"Orders": access.OrdersView, "Reconciliation": access.FoundView, "Directory": access.DirectoryView} {
			if has := strings.Contains(body, ">"+entry+"</a>"); has != s.who.Has(needs) {
				t.Errorf("%s has the entry %s in the menu: %v", s.profile, entry, has)
			}
		}
	}
}

func TestAPersonsAccessIsShownToThoseAloneWhoMaySeeIt(t *testing.T) {
	e := laid(t)
	for _, s := range seats(t, e) {
		if !s.who.Has(access.DirectoryView) {
			continue
		}
		body := shows(t, askedBy(e, &s.who), "/directory/Person/"+string(s.inside.person.Key))
		if sees := strings.Contains(body, `class="account`); sees != s.who.Has(access.AccessView) {
			t.Errorf("%s sees accounts: %v", s.profile, sees)
		}
	}
}

func TestAFormDecidesOnNothingThatItsSenderDoesNotReach(t *testing.T) {
	e := laid(t)
	for _, s := range seats(t, e) {
		if s.profile != "application-owner" || !s.scoped {
			continue
		}
		page, err := e.Views().Orders(t.Context(), view.ReviewQueue())
		if err != nil {
			t.Fatal(err)
		}
		in, err := e.Views().Within(s.who.Filter(access.OrdersReview)).Orders(t.Context(), view.ReviewQueue())
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"do": {"approve"}}
		var outside []orders.OrderID
		for _, o := range page.Orders {
			if !slices.ContainsFunc(in.Orders, func(x view.Order) bool { return x.ID == o.ID }) {
				form.Add("row", fmt.Sprintf("%d.%d", o.ID, o.Version))
				outside = append(outside, o.ID)
			}
		}
		if len(outside) == 0 {
			t.Fatal("nothing waits outside the scope")
		}
		o := options(e)
		o.SignIn, o.Within = asker{who: &s.who}, func(f access.Filter) web.Questions { return e.Views().Within(f) }
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/review", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		web.New(o).ServeHTTP(w, r)
		for _, id := range outside {
			detail, err := e.Views().Order(t.Context(), id)
			if err != nil || detail.State.Number != int(orders.AwaitingApproval) {
				t.Errorf("order %d was decided: %s, %v (answered %d)", id, detail.State, err, w.Code)
			}
		}
	}
}

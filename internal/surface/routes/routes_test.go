package routes_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/routes"
)

// as lets everybody in as one principal.
type as struct {
	access.Principal
	err error
}

func (a as) Who(*http.Request) (access.Principal, error) { return a.Principal, a.err }

func answer(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func registry(who routes.Admission) *routes.Registry {
	return routes.New(who, func(w http.ResponseWriter, _ *http.Request, err error) {
		switch {
		case err == routes.Unknown:
			w.WriteHeader(http.StatusUnauthorized)
		case fault.KindOf(err) == fault.Denied:
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}

func ask(h http.Handler, method, path string, headers ...string) int {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.ServeHTTP(w, r)
	return w.Code
}

func TestARouteWithoutAPermissionDoesNotStart(t *testing.T) {
	for name, register := range map[string]func(*routes.Registry){
		"none":               func(g *routes.Registry) { g.Show("/x", "", answer) },
		"one that is none":   func(g *routes.Registry) { g.Act("/x", "orders.delete", answer) },
		"public for nothing": func(g *routes.Registry) { g.Public(http.MethodGet, "/x", "", answer) },
	} {
		started := func() (started bool) {
			defer func() { _ = recover() }()
			register(registry(routes.Open{}))
			return true
		}()
		if started {
			t.Errorf("%s: it starts", name)
		}
	}
}

func TestWhoMayNotDoesNotReachTheHandler(t *testing.T) {
	reviewer := access.Resolve("anna", access.Principal{}.Person, access.BuiltIn(), []access.Given{{Profile: "technician"}})
	for name, c := range map[string]struct {
		who  as
		path string
		want int
	}{
		"may":            {as{reviewer, nil}, "/orders", 204},
		"may not":        {as{reviewer, nil}, "/journal", 403},
		"unknown":        {as{access.Principal{}, routes.Unknown}, "/orders", 401},
		"nobody special": {as{access.Principal{}, nil}, "/orders", 403},
		"public":         {as{access.Principal{}, routes.Unknown}, "/healthz", 204},
	} {
		g := registry(c.who)
		g.Show("/orders", access.OrdersView, answer)
		g.Show("/journal", access.JournalView, answer)
		g.Public(http.MethodGet, "/healthz", "machines ask", answer)
		if got := ask(g, http.MethodGet, c.path); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestAnotherSiteChangesNothing(t *testing.T) {
	g := registry(routes.Open{})
	g.Act("/act", access.OrdersReview, answer)
	g.Public(http.MethodPost, "/public", "to sign in", answer)
	for _, path := range []string{"/act", "/public"} {
		for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 204, "none": 204} {
			if got := ask(g, http.MethodPost, path, "Sec-Fetch-Site", site); got != want {
				t.Errorf("%s from %s: %d", path, site, got)
			}
		}
		if got := ask(g, http.MethodPost, path, "Origin", "https://evil.example"); got != 403 {
			t.Errorf("%s from an old browser elsewhere: %d", path, got)
		}
	}
	if got := ask(g, http.MethodPut, "/act"); got != 405 {
		t.Errorf("an unknown method: %d", got)
	}
}

func TestRowsAreThoseOfTheQuestionAndOfThePage(t *testing.T) {
	of := func(types ...roles.ResourceTypeID) access.Given {
		return access.Given{Profile: "application-owner", Scopes: []access.Scope{{ResourceTypes: types}}}
	}
	who := access.Resolve("anna", access.Principal{}.Person, access.BuiltIn(), []access.Given{of("Crm"), {Profile: "technician"}})
	account := func(t roles.ResourceTypeID) access.Subject { return access.Subject{Kind: access.Account, Type: t} }
	ctx := routes.As(t.Context(), who, access.OrdersReview)
	if f := routes.Rows(ctx, access.OrdersView); !f.Holds(account("Crm")) || f.Holds(account("Ledger")) {
		t.Error("a page for reviewing shows what cannot be reviewed")
	}
	if f := routes.Rows(routes.As(t.Context(), who, access.HomeView), access.OrdersView); !f.Holds(account("Ledger")) {
		t.Error("an open page narrows what may be seen")
	}
	if !routes.Rows(t.Context(), access.OrdersView).Nothing() || routes.Who(t.Context()).Has(access.HomeView) {
		t.Error("without a route something is let through")
	}
}

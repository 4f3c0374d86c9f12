package web_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

func TestAPageChangesNothing(t *testing.T) {
	h := web.New(options(empty(t)))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		for _, address := range []string{"/", "/orders/1", "/events", "/directory/Person/E1", "/nowhere", "/static/app.js"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, address, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s answers %d, allowing %q", method, address, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestHeadAnswersAsGetWithoutTheText(t *testing.T) {
	h := web.New(options(empty(t)))
	for _, address := range []string{"/", "/orders", "/events"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, address, nil))
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("HEAD %s answers %d with %d bytes", address, w.Code, w.Body.Len())
		}
	}
}

func TestWhatIsNotThereAndWhatMakesNoSenseIsSaidHelpfully(t *testing.T) {
	h := web.New(options(laid(t)))
	for address, want := range map[string]struct {
		code int
		text string
	}{
		"/nowhere":                       {404, "There is no page at /nowhere."},
		"/states/9":                      {404, "numbered from 0 to 8"},
		"/states/x":                      {404, "There is no state x."},
		"/orders/4711":                   {404, "There is no order 4711."},
		"/orders/first":                  {404, "There is no order first."},
		"/orders?after=x":                {400, "whole number"},
		"/orders?waits=godot":            {400, "review, technician or gate"},
		"/directory/Gizmo":               {404, "is no entity type of people"},
		"/directory/Person/E-none":       {404, "Nobody is known as Person:E-none."},
		"/directory/Person/a%2Fb%3Cc%3E": {404, "Nobody is known as Person:a/b<c>."},
		"/static/style-000000000.css":    {404, "There is no page"},
	} {
		code, body := get(t, h, address)
		if read := plain(body); code != want.code || !strings.Contains(read, want.text) || !strings.Contains(read, "Home") {
			t.Errorf("%s answers %d: %s", address, code, read)
		}
	}
}

// broken answers every question about people with an error.
type broken struct {
	web.Questions
	err error
}

func (b broken) Person(context.Context, resources.Ref) (view.Person, error) {
	return view.Person{}, b.err
}

func TestAnErrorOfOursIsANumberOnThePageAndAStoryInTheLog(t *testing.T) {
	var log bytes.Buffer
	o := options(empty(t))
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	for kind, want := range map[fault.Kind]int{fault.Internal: 500, fault.Unavailable: 503} {
		o.Questions = broken{o.Questions, fault.Wrap(kind, "show person", errors.New("disk sda1 is on fire"))}
		code, body := get(t, web.New(o), "/directory/Person/E1")
		number := regexp.MustCompile(`<code>([a-z0-9]+-\d+)</code>`).FindStringSubmatch(body)
		if code != want || number == nil || strings.Contains(body, "sda1") {
			t.Fatalf("%s answers %d: %s", kind, code, body)
		}
		if !strings.Contains(log.String(), number[1]) || !strings.Contains(log.String(), "sda1") {
			t.Errorf("the log does not know %s: %s", number[1], log.String())
		}
	}
}

// short answers with three rows at a time, so that lists have many pages.
type short struct{ web.Questions }

func (s short) Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error) {
	f.Limit = 3
	return s.Questions.Orders(ctx, f)
}

func (s short) People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error) {
	f.Limit = 3
	return s.Questions.People(ctx, f)
}

func (s short) Reconciliation(ctx context.Context, f view.ReconciliationFilter) (view.ReconciliationPage, error) {
	f.Limit = 1
	return s.Questions.Reconciliation(ctx, f)
}

func TestAListGoesOnAtItsCursorUntilItsEndWithNothingTwice(t *testing.T) {
	e := laid(t)
	o := options(e)
	o.Questions = short{o.Questions}
	h, whole := web.New(o), web.New(options(e))
	row := regexp.MustCompile(`data-open href="([^"]*)"`)
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	for _, list := range []string{"/orders", "/orders?waits=review", "/orders?kind=addition", "/states/4", "/directory/Person?q=a", "/reconciliation"} {
		seen := map[string]bool{}
		for address, pages := list, 0; address != ""; pages++ {
			body := shows(t, h, address)
			for _, m := range row.FindAllStringSubmatch(body, -1) {
				if seen[m[1]] {
					t.Fatalf("%s shows %s twice", list, m[1])
				}
				seen[m[1]] = true
			}
			address = ""
			if m := next.FindStringSubmatch(body); m != nil && pages < 100 {
				address = html.UnescapeString(m[1])
			}
		}
		if want := len(row.FindAllString(shows(t, whole, list), -1)); len(seen) < 2 || want < 50 && len(seen) != want {
			t.Errorf("%s has %d rows by pages and %d at once", list, len(seen), want)
		}
	}
}

func TestStaticFilesAreNamedByTheirContentAndKept(t *testing.T) {
	h := web.New(options(empty(t)))
	_, body := get(t, h, "/")
	files := regexp.MustCompile(`"(/static/[a-z]+-[0-9a-f]{12}\.[a-z]+)"`).FindAllStringSubmatch(body, -1)
	kinds := map[string]bool{}
	for _, m := range files {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, m[1], nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s answers %d, %q", m[1], w.Code, w.Header().Get("Cache-Control"))
		}
		kinds[w.Header().Get("Content-Type")] = true
	}
	if len(kinds) != 3 {
		t.Errorf("the page loads %v", kinds)
	}
}

// ownerless finds an account that belongs to nobody.
type ownerless struct{ web.Questions }

func (ownerless) Reconciliation(context.Context, view.ReconciliationFilter) (view.ReconciliationPage, error) {
	return view.ReconciliationPage{Questions: []view.Question{
		{Unauthorized: true, Account: view.Account{Type: "CrmUser", Target: "stray", Items: []view.Item{{ID: 1, Name: "teams"}}}},
	}}, nil
}

func TestAnAccountOfNobodyIsShownWithoutALinkToNobody(t *testing.T) {
	o := options(empty(t))
	o.Questions = ownerless{o.Questions}
	body := shows(t, web.New(o), "/reconciliation", "stray CrmUser", "nobody known", "No rule gives this account.")
	if strings.Contains(body, "/directory//") {
		t.Error("a link leads to nobody")
	}
}

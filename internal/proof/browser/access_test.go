package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"provisor.dev/provisor/internal/proof/policy"
)

// everyPage is each page of a company in which there is something to do.
func everyPage(t *testing.T, base string) []string {
	t.Helper()
	person := "/directory/Person/" + somebody
	return []string{
		"/", "/directory/Person", person, person + "?q=crm", person + "?state=3", person + "/profile", person + "/accounts", person + "/history", person + "/why",
		person + "/request", person + "/request/auditor",
		"/requests", "/requests?show=open", "/requests/1", "/requests/changes",
		"/workflows", "/workflows/contractor", "/workflows/title", "/workflows/title?q=nobodyatall", "/workflows/leave", "/workflows/title?about=" + somebody, "/workflows/started/1",
		"/review", "/review?kind=update", "/review?sort=-since", "/review?q=nobodyatall", address(t, base, "/review", "/review/"), "/review/properties", "/review/properties?type=LedgerAccount&property=email",
		"/manual", address(t, base, "/manual", "/manual/"),
		"/reconciliation", address(t, base, "/reconciliation", "/reconciliation/"), "/reconciliation/roles", "/reconciliation/999999", "/reconciliation/properties",
		"/orders", address(t, base, "/orders", "/orders/"), "/states", "/states/4",
		"/connectors", "/connectors/crm", "/connectors/crm/parked/CrmUser/addition", "/jobs", "/jobs?job=check", "/jobs?state=failed", "/jobs/1", "/jobs/2", "/roles", "/roles/crm-sales", "/roles/crm-sales?sort=-owner", "/rules", "/plans", "/plans/change.plan", "/journal", "/journal/verify", "/messages", "/messages/mine",
		"/docs/README.md", "/docs/tutorial/README.md", "/docs/operate/README.md", "/docs/operate/api.md", "/docs/connect/README.md", "/docs/model/README.md", "/docs/generated/access.md",
		"/profiles", "/profiles?q=E00005", "/profiles/manager", "/delegations",
		"/nowhere", "/orders/4711", "/review?kind=explosion",
	}
}

// emptyPages are those that say what would fill them.
var emptyPages = []string{
	"/", "/directory", "/requests", "/requests/changes", "/workflows", "/review", "/review/properties", "/manual", "/reconciliation", "/reconciliation/properties", "/reconciliation/roles",
	"/orders", "/connectors", "/jobs", "/roles", "/rules", "/journal", "/states", "/messages", "/messages/mine", "/profiles", "/delegations",
}

// colours are the rules that depend on the scheme.
var colours = []string{"color-contrast", "link-in-text-block"}

// held holds the page that is open to the rules of accessibility, in light and in
// dark, and to the width of its window.
func held(t *testing.T, ctx context.Context, page string, width, height int) {
	t.Helper()
	found := offences(t, ctx)
	look(t, ctx, width, height, true)
	found = append(found, offences(t, ctx, colours...)...)
	look(t, ctx, width, height, false)
	for _, o := range found {
		t.Errorf("%s, %d wide: %s", page, width, o)
	}
	if wide := is[int](t, ctx, `document.documentElement.scrollWidth`); wide > width {
		t.Errorf("%s is %d wide in a window of %d", page, wide, width)
	}
}

// looked opens pages and holds each to the rules.
func looked(t *testing.T, ctx context.Context, base string, pages []string, width int) {
	t.Helper()
	for _, page := range pages {
		do(t, ctx, "open "+page, chromedp.Navigate(base+page))
		held(t, ctx, page, width, 900)
	}
}

func TestEveryPageCanBeUsedByEverybodyInLightAndDark(t *testing.T) {
	chromium(t)
	full, none := served(t, laid(t), "E00005"), served(t, open(t, t.TempDir()), "E00005")
	pages := everyPage(t, full)
	for _, width := range []int{1920, 360} {
		t.Run(strconv.Itoa(width)+" wide", func(t *testing.T) {
			ctx, _ := window(t, width, 900, false)
			looked(t, ctx, full, pages, width)
			looked(t, ctx, none, emptyPages, width)
		})
	}
}

// unseen are routes that answer with no page of their own.
var unseen = []string{"GET /events", "GET /jobs/events", "GET /jobs/{id}/events", "GET /directory", "GET /docs"}

func TestEveryPageIsAmongThoseThatAreLookedAt(t *testing.T) {
	chromium(t)
	e := laid(t)
	all, mux, looked := pages(e, "E00005", nil).Routes(), http.NewServeMux(), map[string]bool{}
	for _, r := range all {
		mux.HandleFunc(r.String(), func(http.ResponseWriter, *http.Request) {})
	}
	for _, page := range everyPage(t, served(t, e, "E00005")) {
		_, pattern := mux.Handler(httptest.NewRequest(http.MethodGet, page, nil))
		looked[pattern] = true
	}
	for _, r := range all {
		if r.Method == http.MethodGet && r.Public == "" && !looked[r.String()] && !slices.Contains(unseen, r.String()) {
			t.Errorf("no page of %s is looked at", r)
		}
	}
	if looked["GET /planted"] || len(looked) < 40 {
		t.Errorf("%d routes are looked at", len(looked))
	}
}

func TestTheChecksFindPlantedFaults(t *testing.T) {
	ctx, _ := window(t, 800, 600, false)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>x</title><main><h1>Planted</h1>
			<img src="x.png"><p style="color:#ccc;background:#fff;width:2000px">faint</p><input type="text"></main></html>`))
	}))
	t.Cleanup(s.Close)
	do(t, ctx, "open", chromedp.Navigate(s.URL))
	found := map[string]bool{}
	for _, o := range offences(t, ctx) {
		found[o.ID] = true
	}
	for _, id := range []string{"image-alt", "color-contrast", "label"} {
		if !found[id] {
			t.Errorf("%s is not found", id)
		}
	}
	if wide := is[int](t, ctx, `document.documentElement.scrollWidth`); wide < 2000 {
		t.Errorf("a page of 2000 counts as %d wide", wide)
	}
}

// Each kind of what the policy refuses is heard of: the console would not be silent
// if a page held it.
func TestTheConsoleTellsOfWhatThePolicyRefuses(t *testing.T) {
	for name, c := range map[string]struct{ plant, says string }{
		"an inline script":       {`<script>alert(1)</script>`, "script-src 'self'"},
		"an inline handler":      {`<button onclick="alert(1)">x</button>`, "script-src 'self'"},
		"a script of elsewhere":  {`<script src="http://127.0.0.2:9/x.js"></script>`, "script-src 'self'"},
		"an inline style":        {`<p style="color:red">x</p>`, "style-src 'self'"},
		"a style element":        {`<style>p{color:red}</style>`, "style-src 'self'"},
		"an image of elsewhere":  {`<img alt="" src="http://127.0.0.2:9/x.png">`, "img-src 'self'"},
		"an image in the page":   {`<img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`, "img-src 'self'"},
		"a frame":                {`<iframe title="x" src="/x"></iframe>`, "default-src 'none'"},
		"a base of the page":     {`<base href="/x/">`, "base-uri 'none'"},
		"a font of elsewhere":    {`<link rel="preload" as="font" crossorigin href="http://127.0.0.2:9/x.woff2">`, "default-src 'none'"},
		"a header that is wrong": {``, "Permissions-Policy"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, heard := window(t, 800, 600, false)
			heard.planted = true
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for header, value := range policy.Header {
					w.Header().Set(header, value)
				}
				if c.plant == "" {
					w.Header().Set("Permissions-Policy", "no-such-thing=()")
				}
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>x</title><main><h1>Planted</h1>` + c.plant + `</main></html>`))
			}))
			t.Cleanup(s.Close)
			do(t, ctx, "open", chromedp.Navigate(s.URL))
			if text := strings.Join(heard.soon(), "\n"); !strings.Contains(text, c.says) {
				t.Errorf("the console says %q", text)
			}
		})
	}
}

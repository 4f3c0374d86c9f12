package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// everyPage is each page of a company in which there is something to do.
func everyPage(t *testing.T, base string) []string {
	t.Helper()
	person := "/directory/Person/" + somebody
	return []string{
		"/", "/directory/Person", person, person + "/profile", person + "/accounts", person + "/history", person + "/why",
		person + "/request", person + "/request/auditor",
		"/requests", "/requests?show=open", "/requests/1", "/requests/changes",
		"/workflows", "/workflows/contractor", "/workflows/title?about=" + somebody, "/workflows/started/1",
		"/review", "/review?kind=update", "/review?sort=-since", "/review?q=nobodyatall", address(t, base, "/review", "/review/"), "/review/properties", "/review/properties?type=LedgerAccount&property=email",
		"/manual", address(t, base, "/manual", "/manual/"),
		"/reconciliation", address(t, base, "/reconciliation", "/reconciliation/"), "/reconciliation/roles", "/reconciliation/999999", "/reconciliation/properties",
		"/orders", address(t, base, "/orders", "/orders/"), "/states", "/states/4",
		"/connectors", "/connectors/crm", "/jobs", "/jobs?job=check", "/jobs?state=failed", "/jobs/1", "/jobs/2", "/roles", "/roles/crm-sales", "/roles/crm-sales?sort=-owner", "/rules", "/plans", "/plans/change.plan", "/journal", "/journal/verify", "/messages", "/messages/mine",
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

// looked opens pages and holds each to the rules, and all to a silent console.
func looked(t *testing.T, ctx context.Context, c *complaints, base string, pages []string, width int) {
	t.Helper()
	for _, page := range pages {
		do(t, ctx, "open "+page, chromedp.Navigate(base+page))
		held(t, ctx, page, width, 900)
	}
	for _, text := range c.all() {
		t.Errorf("the console says %s", text)
	}
}

func TestEveryPageCanBeUsedByEverybodyInLightAndDark(t *testing.T) {
	chromium(t)
	full, none := served(t, laid(t), "E00005"), served(t, open(t, t.TempDir()), "E00005")
	pages := everyPage(t, full)
	for _, width := range []int{1920, 360} {
		t.Run(strconv.Itoa(width)+" wide", func(t *testing.T) {
			ctx, c := window(t, width, 900, false)
			looked(t, ctx, c, full, pages, width)
			looked(t, ctx, c, none, emptyPages, width)
		})
	}
}

func TestTheChecksFindPlantedFaults(t *testing.T) {
	ctx, c := window(t, 800, 600, false)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>x</title><main><h1>Planted</h1>
			<img src="x.png"><p style="color:#ccc;background:#fff;width:2000px">faint</p><input type="text"><script>alert(1)</script></main></html>`))
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
	if list := c.all(); len(list) == 0 || !strings.Contains(list[0], "Content Security Policy") {
		t.Errorf("the console said nothing of the script: %v", list)
	}
}

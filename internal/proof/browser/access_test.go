package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
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
		"/review", "/review?kind=update", "/review?q=nobodyatall", address(t, base, "/review", "/review/"), "/review/properties", "/review/properties?type=LedgerAccount&property=email",
		"/manual", address(t, base, "/manual", "/manual/"),
		"/reconciliation", address(t, base, "/reconciliation", "/reconciliation/"), "/reconciliation/roles", "/reconciliation/999999",
		"/orders", address(t, base, "/orders", "/orders/"), "/states", "/states/4",
		"/connectors", "/connectors/crm", "/jobs", "/jobs?job=check", "/jobs?state=failed", "/jobs/1", "/jobs/2", "/roles", "/roles/crm-sales", "/rules", "/plans", "/plans/change.plan", "/journal", "/journal/verify",
		"/nowhere", "/orders/4711", "/review?kind=explosion",
	}
}

// emptyPages are those that say what would fill them.
var emptyPages = []string{
	"/", "/directory", "/requests", "/requests/changes", "/review", "/review/properties", "/manual", "/reconciliation", "/reconciliation/roles",
	"/orders", "/connectors", "/jobs", "/roles", "/rules", "/journal", "/states",
}

// looked opens pages and holds each to the rules of accessibility, to its width,
// and to a silent console.
func looked(t *testing.T, ctx context.Context, c *complaints, base string, pages []string, width int) {
	t.Helper()
	for _, page := range pages {
		do(t, ctx, "open "+page, chromedp.Navigate(base+page))
		for _, o := range offences(t, ctx) {
			t.Errorf("%s: %s", page, o)
		}
		if wide := is[int](t, ctx, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("%s is %d wide in a window of %d", page, wide, width)
		}
	}
	for _, text := range c.all() {
		t.Errorf("the console says %s", text)
	}
}

func TestEveryPageCanBeUsedByEverybodyInLightAndDark(t *testing.T) {
	chromium(t)
	full, none := served(t, laid(t), "E00005"), served(t, open(t, t.TempDir()), "E00005")
	pages := everyPage(t, full)
	for name, w := range map[string]struct {
		width int
		dark  bool
	}{"wide and light": {1920, false}, "narrow and dark": {360, true}} {
		t.Run(name, func(t *testing.T) {
			ctx, c := window(t, w.width, 900, w.dark)
			looked(t, ctx, c, full, pages, w.width)
			looked(t, ctx, c, none, emptyPages, w.width)
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

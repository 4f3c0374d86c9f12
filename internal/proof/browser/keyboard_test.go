package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reach notes in the page what a keyboard can get to, and what it got to.
const reach = `(() => {
  const seen = (e) => e.getClientRects().length > 0 && e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !e.closest("[inert]");
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [onclick], [role=button], [tabindex='0']")]
    .filter((e) => seen(e) && !e.disabled && e.type !== "hidden");
  const radios = new Map(); // of a group, one radio button is reached, and arrows lead to the others
  window.wanted = new Set(all.filter((e) => {
    if (e.type !== "radio") return true;
    const key = e.name, before = radios.get(key);
    if (before && !(e.checked && !before.checked)) return false;
    radios.set(key, e);
    return true;
  }).map((e) => e.type === "radio" ? radios.get(e.name) : e));
  window.dim = new Set();
  const edges = new Map([...document.querySelectorAll(".node > rect")].map((r) => [r, getComputedStyle(r).stroke]));
  document.addEventListener("focusin", ({ target: e }) => {
    wanted.delete(e);
    if (e.type === "radio") for (const other of wanted) if (other.type === "radio" && other.name === e.name) wanted.delete(other);
    const shows = (x) => {
      const s = getComputedStyle(x), node = x.querySelector(".node > rect");
      if (x.matches(".skip")) return s.top === "0px"; // it comes into sight while one is at it, and only then
      return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none" || node && getComputedStyle(node).stroke !== edges.get(node);
    };
    if (e !== document.body && !shows(e) && ![...(e.labels ?? [])].some((l) => shows(l) || [...l.children].some(shows))) dim.add(e);
  });
  const shown = (set) => [...set].map((e) => e.outerHTML.slice(0, 160)).join("\n");
  window.unreached = () => shown(wanted);
  window.unseen = () => shown(dim);
  return wanted.size;
})()`

// walked goes through a page with the tabulator and returns what it did not get
// to, and where one could not see that one is.
func walked(t *testing.T, ctx context.Context) (unreached, unseen string) {
	t.Helper()
	n := is[int](t, ctx, reach)
	for left := n + 8; left > 0; left -= 40 {
		do(t, ctx, "walk", chromedp.KeyEvent(strings.Repeat(kb.Tab, min(left, 40))))
	}
	return is[string](t, ctx, `unreached()`), is[string](t, ctx, `unseen()`)
}

func TestEveryPageIsWalkedThroughWithTheTabulator(t *testing.T) {
	base := served(t, laid(t), "E00005")
	person := "/directory/Person/" + somebody
	ctx, _ := window(t, 1280, 900, false)
	for _, page := range []string{
		"/", "/directory/Person?q=lang", person, person + "/profile", person + "/accounts", person + "/history", person + "/why",
		person + "/request", person + "/request/auditor", "/requests?show=open", "/requests/1", "/requests/changes", "/workflows", "/workflows/contractor", "/workflows/title?q=lang", "/workflows/title?about=" + somebody, "/workflows/started/1",
		"/review?kind=addition", address(t, base, "/review", "/review/"), "/review/properties", "/review/properties?type=LedgerAccount&property=email",
		"/manual", address(t, base, "/manual", "/manual/"), "/reconciliation?q=lang", address(t, base, "/reconciliation", "/reconciliation/"), "/reconciliation/roles",
		"/orders?q=lang", address(t, base, "/orders", "/orders/"), "/states", "/states/5", "/connectors", "/connectors/crm", "/roles?q=events", "/roles/crm-sales",
		"/rules?q=ledger", "/plans", "/plans/change.plan", "/journal?q=request", "/journal/verify", "/docs/operate/README.md", "/nowhere",
	} {
		do(t, ctx, "open "+page, chromedp.Navigate(base+page))
		unreached, unseen := walked(t, ctx)
		if unreached != "" {
			t.Errorf("%s: the tabulator does not reach\n%s", page, unreached)
		}
		if unseen != "" {
			t.Errorf("%s: one does not see that one is at\n%s", page, unseen)
		}
	}
}

func TestWhatAKeyboardDoesNotReachIsFound(t *testing.T) {
	ctx, _ := window(t, 800, 600, false)
	do(t, ctx, "open", chromedp.Navigate("data:text/html,<title>x</title><style>.dim:focus{outline:none}</style><a href='/'>fine</a>"+
		"<button tabindex='-1'>never</button><a class='dim' href='/x'>dim</a>"))
	unreached, unseen := walked(t, ctx)
	if !strings.Contains(unreached, "never") || strings.Contains(unreached, "fine") {
		t.Errorf("not reached are %q", unreached)
	}
	if !strings.Contains(unseen, "dim") || strings.Contains(unseen, "fine") {
		t.Errorf("not seen are %q", unseen)
	}
}

package web_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// at is the day of the companies that tests change.
var at = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// played is a company of a test's own after its first round.
func played(t *testing.T) *loop.Engine {
	t.Helper()
	once, err := firstRound()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(once)); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: dir, Day: at, Packages: packages()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// firstRound lays the company down once, for played to copy.
var firstRound = sync.OnceValues(func() (dir string, err error) {
	parent, err := os.MkdirTemp("", "web")
	if err != nil {
		return "", err
	}
	before := forget
	forget = func() error { return errors.Join(before(), os.RemoveAll(parent)) }
	dir = filepath.Join(parent, "company")
	if _, err := demo.Lay(dir, company.Options{People: 120, Seed: 7, At: at}); err != nil {
		return "", err
	}
	ctx := context.Background()
	e, err := loop.Open(ctx, loop.Options{Dir: dir, Day: at, Packages: packages()})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	c, err := e.Files()
	if err != nil {
		return "", err
	}
	if err := e.Deploy(ctx, c, "test"); err != nil {
		return "", err
	}
	_, err = e.Run(ctx, false)
	return dir, err
})

// meddled is a company in whose CRM somebody changed three names and opened an
// account by hand, read again.
func meddled(t *testing.T) *loop.Engine {
	t.Helper()
	e := played(t)
	crm, err := sql.Open("sqlite", filepath.Join(e.Dir, "systems", "crm.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = crm.Exec(`UPDATE accounts SET display_name = 'Foreign ' || login WHERE login IN (SELECT login FROM accounts WHERE active = 1 ORDER BY login LIMIT 3);
		INSERT INTO accounts (login, email, display_name, department, active) VALUES ('svc-print', '` + outsider(t, e) + `', 'Printer', 'SAL', 1)`)
	if err := errors.Join(err, crm.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	return e
}

// outsider is the e-mail of somebody who has no account.
func outsider(t *testing.T, e *loop.Engine) string {
	t.Helper()
	people, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range people.People {
		p, err := e.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(o.Key)})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Accounts) == 0 && p.Values["email"] != "" {
			return p.Values["email"]
		}
	}
	t.Fatal("everybody has an account")
	return ""
}

// by is the pages with a person acting.
func by(e *loop.Engine, person string) http.Handler {
	o := options(e)
	o.Local = journal.Actor{Process: "test", As: person}
	return web.New(o)
}

// post sends a form and returns the answer.
func post(t *testing.T, h http.Handler, address string, pairs ...string) *httptest.ResponseRecorder {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	holds(t, address, w)
	return w
}

// follows sends a form, holds it to a redirect, and returns what the page after it reads.
func follows(t *testing.T, h http.Handler, address string, pairs ...string) string {
	t.Helper()
	w := post(t, h, address, pairs...)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%s answers %d: %s", address, w.Code, plain(w.Body.String()))
	}
	r := httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	next := httptest.NewRecorder()
	h.ServeHTTP(next, r)
	if next.Code != http.StatusOK {
		t.Fatalf("%s leads to %s, which answers %d", address, w.Header().Get("Location"), next.Code)
	}
	return plain(next.Body.String())
}

// rows are the values of the rows that a page lets one choose.
func rows(body string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`name="shown" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		list = append(list, html.UnescapeString(m[1]))
	}
	return list
}

// waiting are the orders that wait for a reviewer.
func waiting(t *testing.T, e *loop.Engine) []view.Order {
	t.Helper()
	page, err := e.Views().Orders(t.Context(), view.ReviewQueue())
	if err != nil {
		t.Fatal(err)
	}
	return page.Orders
}

func order(t *testing.T, e *loop.Engine, id orders.OrderID) view.OrderDetail {
	t.Helper()
	detail, err := e.Views().Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return detail
}

// ofKind is the first order of a kind.
func ofKind(t *testing.T, list []view.Order, kind orders.Kind) view.Order {
	t.Helper()
	for _, o := range list {
		if o.Kind == string(kind) {
			return o
		}
	}
	t.Fatalf("no %s waits", kind)
	return view.Order{}
}

func TestOrdersAreListedWithForWhomWhatAndWhereAndDecidedInBulk(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	list := waiting(t, e)
	shows(t, h, "/orders/"+list[0].ID.String(), "Review it")
	body := shows(t, h, "/review", "addition", "Ledger account", "ledger / database", "Approve", "Decline …", list[0].Owner.Display)
	shown := rows(body)
	if len(shown) != len(list) {
		t.Fatalf("%d rows for %d orders", len(shown), len(list))
	}
	if w := post(t, h, "/review", "do", "approve"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "No row is chosen") {
		t.Errorf("nothing chosen answers %d", w.Code)
	}
	read := follows(t, h, "/review", "do", "approve", "row", shown[0], "row", shown[1], "why", "seen")
	if !strings.Contains(read, "2 orders approved.") {
		t.Errorf("approving two reads %s", read)
	}
	for _, o := range list[:2] {
		if got := order(t, e, o.ID); got.State.Number != int(orders.Pending) {
			t.Errorf("order %d stands at %s", o.ID, got.State)
		}
	}
	if left := waiting(t, e); len(left) != len(list)-2 {
		t.Errorf("%d wait still", len(left))
	}
}

func TestDecliningManyAsksFirstWithWhatItTouches(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	list := waiting(t, e)
	pairs := []string{"do", "decline", "all", "1", "why", "not this year"}
	for _, row := range rows(shows(t, h, "/review")) {
		pairs = append(pairs, "shown", row)
	}
	w := post(t, h, "/review", pairs...)
	read := plain(w.Body.String())
	button := fmt.Sprintf("Decline %d orders", len(list))
	if w.Code != http.StatusOK || !strings.Contains(read, button) || !strings.Contains(read, list[0].Owner.Display) || !strings.Contains(read, "not this year") {
		t.Fatalf("it does not ask: %d %s", w.Code, read)
	}
	if len(waiting(t, e)) != len(list) {
		t.Fatal("asking declined already")
	}
	if read := follows(t, h, "/review", append(pairs, "sure", "1")...); !strings.Contains(read, fmt.Sprintf("%d orders declined.", len(list))) {
		t.Errorf("declining all reads %s", read)
	}
	if left := waiting(t, e); len(left) != 0 {
		t.Errorf("%d wait still", len(left))
	}
}

func TestEachLineIsDecidedByItselfAndConfirmedTogether(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	o := ofKind(t, waiting(t, e), orders.Addition)
	address := "/review/" + o.ID.String()
	shows(t, h, address, "Proposed", "Current", "Provisioning state", "Workflow state", "Confidence", "Start", "End", "approve", "decline", "postpone")
	pairs := []string{"version", fmt.Sprint(o.Version), "why", "all but one"}
	var declined int
	for _, it := range o.Items {
		verb := "approve"
		if it.Property == "email" {
			verb, declined = "decline", it.Item
		}
		pairs = append(pairs, fmt.Sprintf("item%d", it.Item), verb)
	}
	if declined == 0 {
		t.Fatal("no value to decline")
	}
	read := follows(t, h, address, pairs...)
	if !strings.Contains(read, "lines approved, 1 line declined.") {
		t.Errorf("the outcome reads %s", read)
	}
	for _, it := range order(t, e, o.ID).Account.Items {
		want := orders.Pending
		if it.ID == declined {
			want = orders.Inactive
		}
		if it.State.Number != int(want) {
			t.Errorf("%s stands at %s", it.Name, it.State)
		}
	}
}

func TestAPropertyIsDecidedForAllOrdersThatTouchIt(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	shows(t, h, "/review/properties", "Choose a resource type", "Ledger account", "email")
	address := "/review/properties?property=email&type=LedgerAccount"
	lines := rows(shows(t, h, address, "Proposed", "larkfield."))
	if len(lines) < 2 {
		t.Fatalf("only %d lines", len(lines))
	}
	read := follows(t, h, address, "do", "postpone", "until", "2099-01-01", "row", lines[0], "row", lines[1])
	if !strings.Contains(read, "2 lines postponed.") {
		t.Errorf("postponing reads %s", read)
	}
	w := post(t, h, address, "do", "decline", "row", lines[0])
	if w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Decline 1 line of email?") {
		t.Errorf("declining does not ask: %d", w.Code)
	}
	shows(t, h, "/review/"+strings.Split(lines[0], ".")[0], "postponed until 2099-01-01")
	follows(t, h, address, "do", "decline", "row", lines[0], "sure", "1")
	if left := rows(shows(t, h, address)); len(left) != len(lines) {
		t.Errorf("%d lines of %d: the order of the declined one waits still, with its account", len(left), len(lines))
	}
}

func TestWhatWasPostponedIsHiddenUntilItsDay(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	all := rows(shows(t, h, "/review"))
	read := follows(t, h, "/review", "do", "postpone", "row", all[0], "until", "2099-01-01")
	if !strings.Contains(read, "1 order postponed.") {
		t.Errorf("postponing reads %s", read)
	}
	if left := rows(shows(t, h, "/review")); len(left) != len(all)-1 {
		t.Errorf("%d of %d are shown", len(left), len(all))
	}
	if left := rows(shows(t, h, "/review?postponed=shown")); len(left) != len(all) {
		t.Errorf("%d of %d are shown with those that are postponed", len(left), len(all))
	}
	o := options(e)
	o.Clock = func() time.Time { return time.Date(2099, 1, 2, 0, 0, 0, 0, time.UTC) }
	if left := rows(shows(t, web.New(o), "/review")); len(left) != len(all) {
		t.Errorf("%d of %d are shown when the day has come", len(left), len(all))
	}
}

func TestALateDecisionHearsThatSomebodyWasFasterAndLosesNothing(t *testing.T) {
	e := played(t)
	o := ofKind(t, waiting(t, e), orders.Addition)
	address := "/review/" + o.ID.String()
	seen := fmt.Sprint(o.Version)
	follows(t, by(e, "E00001"), address, "version", seen, "every", "approve")
	w := post(t, by(e, "E00002"), address, "version", seen, "item1", "decline", "why", "I have my reasons")
	read := plain(w.Body.String())
	if w.Code != http.StatusConflict || !strings.Contains(read, "Somebody decided already") || !strings.Contains(read, "I have my reasons") {
		t.Fatalf("a late decision answers %d: %s", w.Code, read)
	}
	// A change that leaves it open keeps what was chosen and typed.
	second := waiting(t, e)[0]
	address = "/review/" + second.ID.String()
	item := second.Items[0].Item
	w = post(t, by(e, "E00002"), address, "version", fmt.Sprint(second.Version+1), fmt.Sprintf("item%d", item), "approve", "why", "I have my reasons")
	body := w.Body.String()
	if w.Code != http.StatusConflict || !strings.Contains(body, `value="I have my reasons"`) ||
		!regexp.MustCompile(fmt.Sprintf(`name="item%d" value="approve" checked`, item)).MatchString(body) {
		t.Errorf("what was typed is lost: %d %s", w.Code, plain(body))
	}
	if got := order(t, e, second.ID); got.Version != second.Version || got.State.Number != int(orders.AwaitingApproval) {
		t.Errorf("the late decision changed the order: %s, version %d", got.State, got.Version)
	}
}

func TestAFormFromElsewhereIsNotCarriedOut(t *testing.T) {
	e := played(t)
	o := waiting(t, e)[0]
	r := httptest.NewRequest(http.MethodPost, "/review/"+o.ID.String(), strings.NewReader("every=approve&version=1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	by(e, "E00001").ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a form from elsewhere answers %d", w.Code)
	}
	if got := order(t, e, o.ID); got.State.Number != int(orders.AwaitingApproval) {
		t.Errorf("it was carried out: %s", got.State)
	}
}

func TestAChoiceThatThePageDoesNotOfferIsRefused(t *testing.T) {
	h := web.New(options(laid(t)))
	for address, want := range map[string]int{
		"/review?kind=explosion": 400, "/review?type=Nothing": 400, "/review?state=4": 400, "/review?age=1s": 400, "/review?age=24h": 200,
		"/review?kind=addition&type=LedgerAccount&state=5": 200, "/review?after=x": 400, "/review/x": 404, "/review/4711": 404,
	} {
		if code, _ := get(t, h, address); code != want {
			t.Errorf("%s answers %d, not %d", address, code, want)
		}
	}
	for _, pairs := range [][]string{{"do", "explode"}, {"do", "approve", "row", "1.x"}, {"do", "approve", "row", "-1.1"}, {"do", "postpone", "row", "1.1"}} {
		if w := post(t, h, "/review", pairs...); w.Code != http.StatusConflict {
			t.Errorf("%v answers %d", pairs, w.Code)
		}
	}
}

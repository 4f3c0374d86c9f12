package web_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/repository"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/web"
)

func TestMain(m *testing.M) {
	code := m.Run()
	err := forget()
	if code == 0 {
		err = errors.Join(err, goleak.Find())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// hostile is a name that a page must show and must not run.
const hostile = `<script>alert("x")</script>'&`

// laid is a company after its first round, in which everybody has a hostile
// name. No page changes it, so the tests share one.
func laid(t *testing.T) *loop.Engine {
	t.Helper()
	e, err := company120()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// forget is what is left to do about it at the end.
var forget = func() error { return nil }

var company120 = sync.OnceValues(func() (*loop.Engine, error) {
	parent, err := os.MkdirTemp("", "web")
	if err != nil {
		return nil, err
	}
	before := forget
	forget = func() error { return errors.Join(before(), os.RemoveAll(parent)) }
	dir := filepath.Join(parent, "company")
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if _, err := demo.Lay(dir, company.Options{People: 120, Seed: 7, At: day}); err != nil {
		return nil, err
	}
	if err := rename(filepath.Join(dir, "hr", "employees.csv")); err != nil {
		return nil, err
	}
	if err := declareForms(dir); err != nil {
		return nil, err
	}
	lunch := "roles: {" + askedRole + ": {name: Team lunch, category: front-office-teams, entity: Person, approval: one}}\n"
	if err := os.WriteFile(filepath.Join(dir, "config", "lunch.yaml"), []byte(lunch), 0o600); err != nil {
		return nil, err
	}
	ctx := context.Background()
	e, err := loop.Open(ctx, loop.Options{Dir: dir, Day: day, Packages: packages()})
	if err != nil {
		return nil, err
	}
	forget = func() error { return errors.Join(before(), e.Close(), os.RemoveAll(parent)) }
	c, err := e.Files()
	if err != nil {
		return nil, err
	}
	if err := e.Deploy(ctx, c, "test"); err != nil {
		return nil, err
	}
	if _, err = e.Run(ctx, false); err != nil {
		return nil, err
	}
	if err := meddle(filepath.Join(dir, "systems", "crm.sqlite")); err != nil {
		return nil, err
	}
	_, err = e.Run(ctx, false)
	return e, err
})

// meddle changes accounts behind Provisor's back, so that something is found.
func meddle(file string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	_, err = db.Exec(`UPDATE accounts SET email = 'moved-' || email WHERE login IN (SELECT login FROM accounts ORDER BY login LIMIT 9)`)
	return errors.Join(err, db.Close())
}

func packages() []connector.Package {
	return []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package(), repository.Package(nil)}
}

// empty is a folder in which nothing was done yet.
func empty(t *testing.T) *loop.Engine {
	t.Helper()
	e, err := loop.Open(t.Context(), loop.Options{Dir: t.TempDir(), Packages: packages()})
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

// rename gives everybody in the file the hostile name as a last name.
func rename(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	column := slices.Index(strings.Split(lines[0], ";"), "last_name")
	for i := range lines[1:] {
		cells := strings.Split(lines[i+1], ";")
		cells[column] = `"` + strings.ReplaceAll(cells[column]+hostile, `"`, `""`) + `"`
		lines[i+1] = strings.Join(cells, ";")
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

func options(e *loop.Engine) web.Options {
	return web.Options{
		Questions: e.Views(), Changes: e.ChangeCounter, Company: "Larkfield", Version: "test", Clock: time.Now,
		Entities: func(ctx context.Context) ([]string, error) {
			_, err := e.Deployed(ctx)
			return []string{"Person"}, err
		},
		Log: slog.New(slog.DiscardHandler), Poll: 10 * time.Millisecond, Desks: e.Desks(), Local: e.Actor, Model: e.Model, Explain: e.Explain,
		VerifyJournal: e.VerifyJournal, Folder: os.DirFS(e.Dir), RunsTouched: e.RunsTouched, Schedules: e.Schedules, Recompute: e.RecomputeAs,
		Messages: e.MessageDesk(), KeepPlan: e.KeepPlan,
	}
}

// get asks for a page and returns its status and text.
func get(t *testing.T, h http.Handler, address string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	holds(t, address, w)
	return w.Code, w.Body.String()
}

// shows asks for a page that is there and holds each of the texts.
func shows(t *testing.T, h http.Handler, address string, texts ...string) string {
	t.Helper()
	code, body := get(t, h, address)
	if code != http.StatusOK {
		t.Fatalf("%s answers %d: %s", address, code, plain(body))
	}
	read := plain(body)
	for _, text := range texts {
		if !strings.Contains(read, text) {
			t.Errorf("%s does not show %q in %s", address, text, read)
		}
	}
	return body
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plain is what somebody reads of a page.
func plain(body string) string {
	if _, main, ok := strings.Cut(body, "<main"); ok {
		body = "<main" + main
	}
	return html.UnescapeString(strings.Join(strings.Fields(tag.ReplaceAllString(body, " ")), " "))
}

var href = regexp.MustCompile(` href="([^"]*)"`)

func links(body string) []string {
	var all []string
	for _, m := range href.FindAllStringSubmatch(body, -1) {
		address, _, _ := strings.Cut(html.UnescapeString(m[1]), "#")
		all = append(all, address)
	}
	return all
}

func TestEveryLinkLeadsToAPageThatShowsNamesAndRunsNothing(t *testing.T) {
	h := web.New(options(laid(t)))
	seen, next := map[string]bool{"/": true}, []string{"/"}
	named := 0
	for len(next) > 0 {
		address := next[0]
		next = next[1:]
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		body := w.Body.String()
		switch {
		case w.Code == http.StatusFound:
			body = ` href="` + html.EscapeString(w.Header().Get("Location")) + `"`
		case w.Code != http.StatusOK:
			t.Errorf("%s answers %d", address, w.Code)
		}
		holds(t, address, w)
		if strings.HasPrefix(address, "/static/") || strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; ") {
			continue
		}
		if strings.Contains(plain(body), hostile) {
			named++
		}
		for _, l := range links(body) {
			if strings.HasPrefix(l, "/") && !seen[l] && len(seen) < 600 {
				seen[l] = true
				next = append(next, l)
			}
		}
	}
	if len(seen) < 200 || named < 100 {
		t.Errorf("only %d addresses were found, %d pages with a name", len(seen), named)
	}
}

func TestTheFirstPageSaysWhatProvisorDoesWhatStandsWhereAndWhatWaits(t *testing.T) {
	e := laid(t)
	body := shows(t, web.New(options(e)), "/",
		"written into the systems they work with", "1 Pending", "2 Transmitted", "5 Awaiting Approval", "4 Verified",
		"Awaiting approval", "Handed to technicians", "Errored", "Failing rules", "Questions found", "Parked by a threshold")
	counts, err := e.Views().StateCounts(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	waiting := counts.Orders[5].Count
	if want := regexp.MustCompile(`(?s)href="/review" class="wait[^>]*>\s*<span class="figure">(\d+)`).FindStringSubmatch(body); waiting == 0 || want == nil || want[1] != strconv.Itoa(waiting) {
		t.Errorf("%d orders wait for approval; the page shows %v", waiting, want)
	}
	if next := regexp.MustCompile(`data-live="/events\?since=\d+"`); !next.MatchString(body) {
		t.Error("the page does not say where its updates come from")
	}
}

func TestAPersonIsShownWithRolesAccountsStatesAndThePathOfAnItem(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	shows(t, h, "/states/2", "a technician")
	list := shows(t, h, "/states/5", "a review")
	order := regexp.MustCompile(`/orders/\d+`).FindString(list)
	body := shows(t, h, order, "5 Awaiting Approval", "Proposed", "Its path", "0 None → expect → 5 Awaiting Approval", "by ")
	person := regexp.MustCompile(`/directory/Person/E\d+`).FindString(body)
	body = shows(t, h, person, "View permissions", "Roles", "Accounts", "Provisioning state", "18 Calculated", "Order ", "The path it took")
	item := regexp.MustCompile(`/directory/Person/E\d+\?item=\d+\.\d+`).FindString(body)
	panel := shows(t, h, item, "The path it took")
	if lit := regexp.MustCompile(`class="node s\d lit`).FindAllString(panel, -1); len(lit) != 1 {
		t.Errorf("%s lights %v, not one state", item, lit)
	}
	if code, _ := get(t, h, person+"?item=999.1"); code != http.StatusNotFound {
		t.Errorf("an item that nobody has answers %d", code)
	}
}

func TestTheSearchFindsByBeginningsAndKeepsItsAddress(t *testing.T) {
	h := web.New(options(laid(t)))
	_, all := get(t, h, "/directory/Person")
	first := regexp.MustCompile(`data-open href="(/directory/Person/(E\d+))"[^>]*>([^<&]+)`).FindStringSubmatch(all)
	body := shows(t, h, "/directory/Person?q="+first[2], "1 person", first[3])
	if !strings.Contains(body, `name="q" value="`+first[2]+`"`) {
		t.Error("the search forgets what was searched for")
	}
	for address, want := range map[string]string{
		"/directory/Person?q=nobodyatall": "Nobody is called “nobodyatall”",
		"/orders?q=nobodyatall":           "No order here belongs to somebody like “nobodyatall”",
		"/states/7":                       "No order stands here now",
	} {
		shows(t, h, address, want)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/directory?q=a+b", nil))
	if w.Code != http.StatusFound || w.Header().Get("Location") != "/directory/Person?q=a+b" {
		t.Errorf("the search of every page leads to %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestWhatStandsBeforeAGateIsNotWhatWaitsForAReview(t *testing.T) {
	h := web.New(options(laid(t)))
	shows(t, h, "/orders?waits=review", "Awaiting Approval", "a review")
	body := shows(t, h, "/orders?waits=gate", "Pending")
	if strings.Contains(body, `class="chip s5"`) {
		t.Error("orders that wait for a review stand in the list of those before a gate")
	}
}

func TestWithoutAConfigurationThePagesSayHowToBegin(t *testing.T) {
	h := web.New(options(empty(t)))
	shows(t, h, "/", "No configuration is deployed yet", "provisor apply")
	shows(t, h, "/directory", "no configuration is deployed", "provisor apply")
	shows(t, h, "/orders", "No order is open", "provisor run")
	shows(t, h, "/reconciliation", "No question is open")
}

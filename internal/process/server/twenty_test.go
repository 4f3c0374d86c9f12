package server_test

import (
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// crowd is how many people work at once.
const crowd = 20

const passwordOfAll = "correct horse battery"

// A reviewer is somebody who signed in, with a browser of his own.
type reviewer struct {
	http.Client
	name, base string
}

// asks asks for a page, or sends a form, and returns what stands on the page that
// follows.
func (r *reviewer) asks(path string, form url.Values) (status int, text string, err error) {
	var answer *http.Response
	if form == nil {
		answer, err = r.Get(r.base + path)
	} else {
		answer, err = r.PostForm(r.base+path, form)
	}
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, html.UnescapeString(string(body)), err
}

// reviewed serves a company in which every order of the CRM is reviewed, with its
// agent at work, and lets the reviewers sign in, all at once.
func reviewed(t *testing.T, store string) (*loop.Engine, []*reviewer) {
	t.Helper()
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 200, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(laid.Dir, "config", "crm.yaml")
	config, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.Replace(string(config), "review: false", "review: true", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: laid.Dir, Store: store, Packages: packages(), Day: laid.Company.At})
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Files()
	if err == nil {
		err = e.Deploy(t.Context(), c, "test")
	}
	if err == nil {
		_, err = e.Run(t.Context(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	desk, log := e.AccessDesk(), slog.New(slog.DiscardHandler)
	base := attended(t, e, server.Options{Log: log, Pages: web.New(web.Options{
		Questions: e.Views(), Within: func(f access.Filter) web.Questions { return view.Named(e.Views().Within(f), e.Model) },
		SignIn:   signin.NewBrowser(signin.Options{Desk: *desk, Required: true, Secret: e.Secret, Log: log}),
		Entities: e.Owners, Changes: e.ChangeCounter, Clock: e.Clock, Log: log, Desks: e.Desks(), Model: e.Model, Explain: e.Explain,
		VerifyJournal: e.VerifyJournal, Folder: os.DirFS(laid.Dir),
	})})
	list := make([]*reviewer, crowd)
	for i := range list {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = &reviewer{http.Client{Jar: jar}, fmt.Sprintf("reviewer%02d", i), base}
		if _, err := desk.Add(t.Context(), signin.Entrant{Name: list[i].name, Password: secret.New(passwordOfAll)}); err != nil {
			t.Fatal(err)
		}
		if _, err := desk.Assign(t.Context(), access.ProfileAssignment{Profile: "application-owner", Holder: access.Holder{Account: list[i].name}}); err != nil {
			t.Fatal(err)
		}
	}
	atOnce(t, list, func(_ int, r *reviewer) error {
		status, text, err := r.asks("/sign-in", url.Values{"name": {r.name}, "password": {passwordOfAll}})
		if err == nil && (status != http.StatusOK || !strings.Contains(text, "Sign out")) {
			err = fmt.Errorf("signing in answers %d", status)
		}
		return err
	})
	return e, list
}

// atOnce lets all do the same, begun together.
func atOnce(t *testing.T, list []*reviewer, do func(int, *reviewer) error) {
	t.Helper()
	var all sync.WaitGroup
	begin, failed := make(chan struct{}), make([]error, len(list))
	for i, r := range list {
		all.Go(func() {
			<-begin
			failed[i] = do(i, r)
		})
	}
	close(begin)
	all.Wait()
	for i, err := range failed {
		if err != nil {
			t.Errorf("%s: %v", list[i].name, err)
		}
	}
}

var versionSeen = regexp.MustCompile(`name="version" value="(\d+)"`)

// decides opens an order, waits until everybody has it open, and decides.
func (r *reviewer) decides(order orders.OrderID, verb string, open *sync.WaitGroup) (status int, text string, err error) {
	page := fmt.Sprintf("/review/%d", order)
	status, text, err = r.asks(page, nil)
	seen := versionSeen.FindStringSubmatch(text)
	open.Done()
	open.Wait()
	if err != nil || seen == nil {
		return 0, "", fmt.Errorf("%s answers %d without a version: %w", page, status, err)
	}
	return r.asks(page, url.Values{"version": {seen[1]}, "every": {verb}, "why": {"I, " + r.name + ", have my reasons"}})
}

func waiting(t *testing.T, e *loop.Engine) []view.Order {
	t.Helper()
	f := view.ReviewQueue()
	f.Kinds, f.Limit = []orders.Kind{orders.Addition}, view.MaxLimit
	page, err := e.Views().Orders(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return page.Orders
}

// decidedBy lists who decided on an order, once for each person.
func decidedBy(t *testing.T, e *loop.Engine, id orders.OrderID) (who []string) {
	t.Helper()
	d, err := e.Views().Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range d.Path {
		if name := s.Actor; strings.HasPrefix(name, "reviewer") && !seen[name] {
			seen[name] = true
			who = append(who, name)
		}
	}
	return who
}

func TestOfTwentyDecisionsAtOnceOneStandsAndTheOthersAreToldAndLoseNothing(t *testing.T) {
	for _, store := range []string{"SQLite", "PostgreSQL"} {
		t.Run(store, func(t *testing.T) {
			address := ""
			if store == "PostgreSQL" {
				s := postgresql.ForTest(t)
				if err := s.CreateDatabase(t.Context(), "twenty"); err != nil {
					t.Fatal(err)
				}
				address = s.DSN("twenty")
			}
			e, people := reviewed(t, address)
			queue := waiting(t, e)
			if len(queue) < crowd/2+1 {
				t.Fatalf("%d orders wait for a review", len(queue))
			}
			contested(t, e, people, queue[0].ID)
			inPairs(t, e, people, queue[1:])
			if _, err := e.VerifyJournal(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// contested lets all twenty decide on one order, half of them against it.
func contested(t *testing.T, e *loop.Engine, people []*reviewer, order orders.OrderID) {
	t.Helper()
	var open sync.WaitGroup
	open.Add(len(people))
	var lock sync.Mutex
	var stands []string
	atOnce(t, people, func(i int, r *reviewer) error {
		verb := []string{"approve", "decline"}[i%2]
		status, text, err := r.decides(order, verb, &open)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK && strings.Contains(text, verb+"d."):
			lock.Lock()
			defer lock.Unlock()
			stands = append(stands, r.name)
		case status != http.StatusConflict || !strings.Contains(text, "Somebody decided already"):
			return fmt.Errorf("a late decision is answered %d: %s", status, told(text))
		case !strings.Contains(text, "I, "+r.name+", have my reasons"):
			return fmt.Errorf("the comment of a late decision is lost")
		}
		return nil
	})
	by := decidedBy(t, e, order)
	if len(stands) != 1 || len(by) != 1 || by[0] != stands[0] {
		t.Errorf("order %d: %v were told that their decision stands, and it bears the names of %v", order, stands, by)
	}
}

// inPairs lets two decide on each of ten orders: ten decisions stand.
func inPairs(t *testing.T, e *loop.Engine, people []*reviewer, queue []view.Order) {
	t.Helper()
	open := make([]sync.WaitGroup, len(people)/2)
	for i := range open {
		open[i].Add(2)
	}
	stands := make([]bool, len(people))
	atOnce(t, people, func(i int, r *reviewer) error {
		status, text, err := r.decides(queue[i/2].ID, "approve", &open[i/2])
		stands[i] = status == http.StatusOK
		if err == nil && !stands[i] && status != http.StatusConflict {
			err = fmt.Errorf("answered %d: %s", status, told(text))
		}
		return err
	})
	for i := range open {
		by := decidedBy(t, e, queue[i].ID)
		first, second := stands[2*i], stands[2*i+1]
		if first == second || len(by) != 1 || first && by[0] != people[2*i].name || second && by[0] != people[2*i+1].name {
			t.Errorf("order %d: told that it stands %v and %v, decided by %v", queue[i].ID, first, second, by)
		}
		eventually(t, fmt.Sprintf("order %d is Verified", queue[i].ID), func() bool {
			d, err := e.Views().Order(t.Context(), queue[i].ID)
			return err == nil && d.State.Number == int(orders.Verified)
		})
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// told is the text of a page, for a message.
func told(page string) string {
	_, body, _ := strings.Cut(page, "<main")
	text := strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
	return text[:min(len(text), 300)]
}

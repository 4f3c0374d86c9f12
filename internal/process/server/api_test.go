package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// program asks a server as somebody with a token.
type program struct {
	t     *testing.T
	base  string
	token string
}

// reply is what a program was answered.
type reply struct {
	status int
	header http.Header
	text   string
}

func (p program) ask(method, path, body string, headers ...string) reply {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// problem checks that an answer says what is wrong and what to do.
func (p program) problem(r reply, status int) {
	p.t.Helper()
	var x struct{ Title, Detail, Do string }
	err := json.Unmarshal([]byte(r.text), &x)
	if r.status != status || r.header.Get("Content-Type") != "application/problem+json" || err != nil || x.Title == "" || x.Detail == "" || x.Do == "" {
		p.t.Errorf("answers %d %s, want a problem with %d: %s", r.status, r.header.Get("Content-Type"), status, r.text)
	}
}

func listed[T any](p program, path string) (items []T, next string) {
	p.t.Helper()
	r := p.ask(http.MethodGet, path, "")
	var page struct {
		Items []T
		Next  string
	}
	if err := json.Unmarshal([]byte(r.text), &page); err != nil || r.status != http.StatusOK {
		p.t.Fatalf("%s answers %d: %s", path, r.status, r.text)
	}
	return page.Items, page.Next
}

// interfaced serves a company after its first round, with its doors, and gives out
// tokens of accounts with a profile.
func interfaced(t *testing.T) (*loop.Engine, func(profile access.ProfileID, scope access.Scope) program) {
	t.Helper()
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 200, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	lunch := "roles: {team-lunch: {name: Team lunch, category: front-office-teams, entity: Person, approval: one}}\n"
	if err := os.WriteFile(filepath.Join(laid.Dir, "config", "lunch.yaml"), []byte(lunch), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: laid.Dir, Packages: packages(), Day: laid.Company.At})
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
	log := slog.New(slog.DiscardHandler)
	desk := e.AccessDesk()
	pages := web.New(web.Options{
		Questions: e.Views(), Within: func(f access.Filter) web.Questions { return e.Views().Within(f) }, Changes: e.ChangeCounter, Entities: e.Owners,
		SignIn: signin.NewBrowser(signin.Options{Desk: *desk, Required: true, Log: log}), Clock: e.Clock, Log: log, Desks: e.Desks(), Local: e.Actor, Model: e.Model,
	})
	api.Register(pages, api.Options{
		Within: func(f access.Filter) reach.Questions { return e.Views().Within(f) }, Entities: e.Owners, Answers: e.DB, Desks: e.Desks(), Local: e.Actor,
		Model: e.Model, Explain: e.Explain, Timeline: e.Timeline, Messages: e.MessageDesk(), VerifyJournal: e.VerifyJournal, Folder: os.DirFS(e.Dir), Clock: e.Clock, Log: log,
	})
	base := attended(t, e, server.Options{Log: log, Pages: pages})
	number := 0
	return e, func(profile access.ProfileID, scope access.Scope) program {
		t.Helper()
		number++
		name := fmt.Sprintf("program%d", number)
		_, err := desk.Add(t.Context(), signin.Entrant{Name: name})
		if err == nil {
			_, err = desk.Assign(t.Context(), access.ProfileAssignment{Profile: profile, Scope: scope, Holder: access.Holder{Account: name}})
		}
		var token signin.Made
		if err == nil {
			token, err = desk.CreateToken(t.Context(), name, "test", 1, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		return program{t, base, token.Text.Reveal()}
	}
}

// attended runs a server until the test ends, and returns its address.
func attended(t *testing.T, e *loop.Engine, o server.Options) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Address, o.Every, o.Ready = "127.0.0.1:0", time.Hour, func(a string) { ready <- a }
	go func() { ended <- server.Run(ctx, e, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + <-ready
}

func TestProgramsReadWhatTheirTokenReaches(t *testing.T) {
	e, as := interfaced(t)
	all := as(access.Administrator, access.Scope{})

	// Every order is in one page or another, once.
	seen := map[int64]bool{}
	for next, pages := "", 0; ; pages++ {
		list, more := listed[view.Order](all, "/api/v1/orders?limit=7&after="+next)
		for _, o := range list {
			if seen[int64(o.ID)] {
				t.Errorf("order %d is in two pages", o.ID)
			}
			seen[int64(o.ID)] = true
		}
		if next = more; next == "" || pages > 1000 {
			break
		}
	}
	everything, _ := listed[view.Order](all, "/api/v1/orders?limit=1000")
	if len(seen) != len(everything) || len(seen) < 8 {
		t.Errorf("%d orders by sevens, %d at once", len(seen), len(everything))
	}
	waiting, _ := listed[view.Order](all, "/api/v1/orders?state=AwaitingApproval&limit=1000")
	for _, o := range waiting {
		if o.State.Number != 5 {
			t.Errorf("order %d stands in %s", o.ID, o.State)
		}
	}
	if len(waiting) == 0 || len(waiting) == len(everything) {
		t.Errorf("%d of %d orders wait for approval", len(waiting), len(everything))
	}
	people, next := listed[view.Owner](all, "/api/v1/people/Person?limit=5")
	second, _ := listed[view.Owner](all, "/api/v1/people/Person?limit=5&after="+url.QueryEscape(next))
	if len(people) != 5 || len(second) != 5 || people[4].Key == second[0].Key {
		t.Errorf("people begin with %v and go on with %v", people, second)
	}
	for _, path := range []string{
		"/api/v1/states", "/api/v1/people", "/api/v1/people/Person/" + people[0].Key, "/api/v1/people/Person/" + people[0].Key + "/why", "/api/v1/requests",
		"/api/v1/reconciliation", "/api/v1/found-roles", "/api/v1/roles", "/api/v1/rules?q=department", "/api/v1/connectors", "/api/v1/connectors/crm", "/api/v1/parks",
		"/api/v1/plans", "/api/v1/journal?limit=2", "/api/v1/journal/verification", fmt.Sprintf("/api/v1/orders/%d", waiting[0].ID),
	} {
		if r := all.ask(http.MethodGet, path, ""); r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s answers %d %v: %s", path, r.status, r.header, r.text)
		}
	}

	// What is asked wrongly, or of what is not reached, is told as a problem.
	all.problem(all.ask(http.MethodGet, "/api/v1/orders?after=nonsense", ""), http.StatusBadRequest)
	all.problem(all.ask(http.MethodGet, "/api/v1/orders?state=gone", ""), http.StatusBadRequest)
	all.problem(all.ask(http.MethodGet, "/api/v1/orders?limit=5000", ""), http.StatusUnprocessableEntity)
	all.problem(all.ask(http.MethodGet, "/api/v1/orders?colour=red", ""), http.StatusUnprocessableEntity)
	all.problem(all.ask(http.MethodGet, "/api/v1/orders/999999", ""), http.StatusNotFound)
	all.problem(all.ask(http.MethodGet, "/api/v1/nothing", ""), http.StatusNotFound)
	all.problem(all.ask(http.MethodDelete, "/api/v1/orders/1", ""), http.StatusMethodNotAllowed)
	program{t, all.base, ""}.problem(program{t, all.base, ""}.ask(http.MethodGet, "/api/v1/orders", ""), http.StatusUnauthorized)
	program{t, all.base, "x"}.problem(program{t, all.base, "pvr_x"}.ask(http.MethodGet, "/api/v1/orders", ""), http.StatusUnauthorized)

	technician := as("technician", access.Scope{})
	technician.problem(technician.ask(http.MethodGet, "/api/v1/journal", ""), http.StatusForbidden)

	m, err := e.Model(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var other roles.ResourceTypeID
	for id := range m.ResourceTypes {
		if string(id) != waiting[0].Type && (other == "" || id < other) {
			other = id
		}
	}
	scoped := as("application-owner", access.Scope{ResourceTypes: []roles.ResourceTypeID{other}})
	scoped.problem(scoped.ask(http.MethodGet, fmt.Sprintf("/api/v1/orders/%d", waiting[0].ID), ""), http.StatusNotFound)
	scoped.problem(scoped.ask(http.MethodPost, fmt.Sprintf("/api/v1/orders/%d/decisions", waiting[0].ID), `{"do":"approve","version":1}`), http.StatusNotFound)
	mine, _ := listed[view.Order](scoped, "/api/v1/orders?limit=1000")
	for _, o := range mine {
		if o.Type != string(other) {
			t.Errorf("order %d of %s is shown to whoever answers for %s", o.ID, o.Type, other)
		}
	}
}

func TestAProgramDecidesOnceOnWhatItSaw(t *testing.T) {
	e, as := interfaced(t)
	all := as(access.Administrator, access.Scope{})
	waiting, _ := listed[view.Order](all, "/api/v1/orders?queue=review&limit=1000")
	if len(waiting) < 5 {
		t.Fatalf("%d orders wait for a reviewer", len(waiting))
	}
	decide := func(o view.Order, body string, headers ...string) reply {
		return all.ask(http.MethodPost, fmt.Sprintf("/api/v1/orders/%d/decisions", o.ID), body, headers...)
	}
	approve := fmt.Sprintf(`{"do":"approve","version":%d,"why":"asked by letter"}`, waiting[0].Version)
	acts := func() (n int) {
		t.Helper()
		page, err := e.Views().Journal(t.Context(), view.JournalFilter{Text: "asked by letter"})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Entries)
	}

	// The client for Go reads and decides by the same interface.
	c := client.Client{URL: all.base, Token: secret.New(all.token)}
	last := waiting[len(waiting)-1]
	if err := c.Decide(t.Context(), int64(last.ID), "", client.Decision{Do: "postpone", Version: last.Version, Until: "2031-01-01"}); err != nil {
		t.Error(err)
	}
	read := 0
	for o, err := range c.Orders(t.Context(), url.Values{"limit": {"3"}, "queue": {"review"}}) {
		if err != nil || o.State.Name == "" || o.Version == 0 || len(o.Items) == 0 {
			t.Fatal(o, err)
		}
		read++
	}
	if read != len(waiting) {
		t.Errorf("the client reads %d of %d orders", read, len(waiting))
	}

	// Many at once with one key: one of them acts.
	var together sync.WaitGroup
	for range 5 {
		together.Go(func() { decide(waiting[0], approve, "Idempotency-Key", "first") })
	}
	together.Wait()
	first := decide(waiting[0], approve, "Idempotency-Key", "first")
	again := decide(waiting[0], approve, "Idempotency-Key", "first")
	if first.status != http.StatusOK || again.status != first.status || again.text != first.text || again.header.Get("Idempotency-Replayed") != "true" || acts() != 1 {
		t.Errorf("answered %d %s, then %d %s; the journal has %d acts", first.status, first.text, again.status, again.text, acts())
	}
	all.problem(decide(waiting[0], `{"do":"decline","version":1}`, "Idempotency-Key", "first"), http.StatusConflict)
	all.problem(decide(waiting[0], approve, "Idempotency-Key", strings.Repeat("k", 201)), http.StatusBadRequest)
	other := as(access.Administrator, access.Scope{})
	other.problem(other.ask(http.MethodPost, fmt.Sprintf("/api/v1/orders/%d/decisions", waiting[0].ID), approve, "Idempotency-Key", "first"), http.StatusConflict)

	// Stale, wrong, and from another site.
	all.problem(decide(waiting[0], approve), http.StatusConflict)
	all.problem(decide(waiting[1], fmt.Sprintf(`{"do":"approve","version":%d}`, waiting[1].Version+1)), http.StatusConflict)
	all.problem(decide(waiting[1], `{"do":"approve","version":1,"items":[{"item":1,"do":"decline"}]}`), http.StatusBadRequest)
	all.problem(decide(waiting[1], `{"do":"delete","version":1}`), http.StatusUnprocessableEntity)
	all.problem(decide(waiting[1], `{"do":"approve","version":1,"colour":"red"}`), http.StatusUnprocessableEntity)
	all.problem(decide(waiting[1], `{"why":"`+strings.Repeat("x", 300<<10)+`"}`), http.StatusRequestEntityTooLarge)
	all.problem(decide(waiting[1], approve, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)

	var item int
	for _, it := range waiting[1].Items {
		item = it.Item
	}
	if r := decide(waiting[1], fmt.Sprintf(`{"version":%d,"items":[{"item":%d,"do":"postpone"}],"until":"2031-01-01"}`, waiting[1].Version, item)); r.status != http.StatusOK {
		t.Errorf("one item: %d %s", r.status, r.text)
	}
	many := fmt.Sprintf(`{"do":"decline","orders":[{"id":%d,"version":%d},{"id":%d,"version":%d}]}`, waiting[2].ID, waiting[2].Version, waiting[3].ID, waiting[3].Version+1)
	r := all.ask(http.MethodPost, "/api/v1/orders/decisions", many)
	if r.status != http.StatusOK || !strings.Contains(r.text, fmt.Sprintf(`"decided":[%d]`, waiting[2].ID)) || !strings.Contains(r.text, `"refused":[{`) {
		t.Errorf("in bulk: %d %s", r.status, r.text)
	}
}

func TestAProgramAsksForARole(t *testing.T) {
	_, as := interfaced(t)
	all := as(access.Administrator, access.Scope{})
	people, _ := listed[view.Owner](all, "/api/v1/people/Person?limit=1")
	catalog, _ := listed[api.CatalogRole](all, "/api/v1/roles?limit=1000")
	role := ""
	for _, x := range catalog {
		if x.Entity == "Person" && x.Approval != "" && x.Approval != string(roles.NotRequestable) && len(x.Parameters) == 0 {
			role = x.ID
		}
	}
	if role == "" {
		t.Fatal("the company has no role that people ask for")
	}
	asked, err := json.Marshal(api.Asked{Entity: "Person", Person: people[0].Key, Role: role, Action: "add", Why: "new task"})
	if err != nil {
		t.Fatal(err)
	}
	r := all.ask(http.MethodPost, "/api/v1/requests", string(bytes.TrimSpace(asked)), "Idempotency-Key", "ask")
	var made view.Request
	if err := json.Unmarshal([]byte(r.text), &made); err != nil || r.status != http.StatusOK || made.ID == 0 {
		t.Fatalf("asked: %d %s", r.status, r.text)
	}
	path := fmt.Sprintf("/api/v1/requests/%d", made.ID)
	if r := all.ask(http.MethodGet, path, ""); r.status != http.StatusOK {
		t.Errorf("shown: %d %s", r.status, r.text)
	}
	all.problem(all.ask(http.MethodPost, path+"/decisions", `{"do":"approve","version":99}`), http.StatusConflict)
	if r := all.ask(http.MethodPost, path+"/withdrawal", `{"why":"a mistake"}`); r.status != http.StatusOK {
		t.Errorf("withdrawn: %d %s", r.status, r.text)
	}
	all.problem(all.ask(http.MethodPost, path+"/withdrawal", `{}`), http.StatusConflict)
}

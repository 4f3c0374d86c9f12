package browser

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/repository"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// day is the company's.
var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const (
	// windowMinutes is how long a window may be in use on a machine that others use, too.
	windowMinutes = 12
	// stepSeconds is how long one step in it may take there.
	stepSeconds = 60
)

func packages() []connector.Package {
	return []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package(), repository.Package(nil)}
}

// chromium is where the browser is; tests skip with one line where it is not.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed: apt-get install chromium")
	return ""
}

// The one browser of all tests; each of them opens windows of its own in it.
var shared struct {
	once  sync.Once
	ctx   context.Context
	close func()
	err   error
}

// browser starts the browser with the first test that needs it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "provisor-browser-")
		if err != nil {
			shared.err = err
			return
		}
		allocator, stop := chromedp.NewExecAllocator(context.Background(),
			chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
			chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
			chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
			chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.UserDataDir(dir))
		ctx, closeFirst := chromedp.NewContext(allocator)
		shared.ctx, shared.close = ctx, func() { closeFirst(); stop(); _ = os.RemoveAll(dir) }
		shared.err = chromedp.Do(ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// place is where something is kept that all tests begin from.
var place string

func TestMain(m *testing.M) {
	var err error
	if place, err = os.MkdirTemp("", "provisor-pages-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if shared.close != nil {
		shared.close()
	}
	_ = os.RemoveAll(place)
	os.Exit(code)
}

// window opens a browser window of a size, in light or dark, with cookies of its
// own. What its console has to complain about fails the test, but for what is
// planted.
func window(t *testing.T, width, height int, dark bool) (context.Context, *complaints) {
	t.Helper()
	ctx, closeWindow := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(closeWindow)
	ctx, cancel := context.WithTimeout(ctx, windowMinutes*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the window lives as long as the context of its first step
		t.Fatal(err)
	}
	look(t, ctx, width, height, dark)
	c := &complaints{}
	go func() {
		for m := range chromedp.Console(ctx) {
			c.note(m)
		}
	}()
	t.Cleanup(func() {
		for _, text := range c.all() {
			if !c.planted {
				t.Errorf("the console says %s", text)
			}
		}
	})
	return ctx, c
}

// look changes a window's size and scheme; the page in it stays.
func look(t *testing.T, ctx context.Context, width, height int, dark bool) {
	t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	do(t, ctx, "look otherwise", chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// complaints are what the console said: errors of scripts, what the policy refused,
// and headers that the browser does not understand.
type complaints struct {
	planted bool
	lock    sync.Mutex
	list    []string
}

func (c *complaints) note(m chromedp.ConsoleMessage) {
	bad := m.Type == "error" || m.Type == chromedp.ConsoleException || strings.Contains(m.Text, "Policy")
	if !bad || strings.Contains(m.Text, "Failed to load resource") {
		return // a page of an error has its status on purpose
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.list = append(c.list, m.Text)
}

func (c *complaints) all() []string {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.list
}

// soon is the same once there is something, or a moment has passed.
func (c *complaints) soon() []string {
	for range 50 {
		if list := c.all(); len(list) > 0 {
			return list
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

// asked are roles that people may ask for.
const asked = `compositeRoles:
  auditor:
    name: Audit the ledger
    category: finance
    entity: Person
    approval: two
    reviewers: {one: [manager], two: ["owner:finance"]}
roles:
  crm-events-guest:
    name: Guest of the events team
    about: Sees the fairs and who is invited.
    category: front-office-teams
    entity: Person
    approval: two
    reviewers: {one: [manager], two: ["person:E00013"]}
    maxDuration: 90d
    grants: [{resourceType: CrmUser, property: teams, to: {code: events}}]
  ledger-poster:
    name: Post in the ledger
    category: finance
    entity: Person
    approval: two
    reviewers: {one: [manager], two: ["owner:finance"]}
    grants: [{resourceType: LedgerAccount, property: rights, to: {code: post}}]
`

// forms declares a form with a field of every kind, and one about people.
const forms = `connectors:
  contractors:
    connections: {own: {package: repository}}
    entities:
      Contractor:
        from: {connection: own}
        key: number
        display: "first + ' ' + last"
        properties:
          number:  {type: string, allocate: {sequence: contractors, start: 5001}}
          first:   {type: string}
          last:    {type: string}
          manager: {link: Person}
          sites:   {links: Site}
          badge:   {type: bool}
          days:    {type: int}
          start:   {type: date}
workflows:
  title: {name: New title, entity: Person, action: change, who: anybody, approval: one, reviewers: {one: ["person:E00005"]}, fields: [{property: title, label: Title, required: true}]}
  leave: {name: End of the contract, entity: Contractor, action: change, who: anybody, approval: none, fields: [{property: last, label: Last name}]}
  contractor:
    name: New contractor
    entity: Contractor
    action: create
    who: anybody
    approval: one
    reviewers: {one: [manager]}
    fields:
      - {property: first, label: First name, required: true}
      - {property: last, label: Last name, required: true}
      - {property: manager, label: Manager, required: true}
      - {property: sites, label: Sites}
      - {property: badge, label: Needs a badge}
      - {property: days, label: Working days, default: "20", check: "days < 300", message: "no year has so many"}
      - {property: start, label: First day}
`

// kept is a plan that somebody kept.
const kept = `{"name":"3f0c","day":"2026-03-01","orders":[{"kind":"addition","type":"CrmUser","owner":{"type":"Person","key":"E1"},"ownerName":"Ada",
"state":"Pending","items":[{"property":"email","state":"Pending","before":"-","after":"ada@example.org","why":"values.email[0]"}]}],
"reach":{"people":1,"of":120,"accounts":1},"parks":[{"type":"CrmUser","kind":"addition","why":"too many"}],"configuration":[{"object":"roles.x","change":"added","after":"b"}]}`

// ready is a company with something to do on every page, made once: tests work on
// copies of it.
var ready = sync.OnceValues(func() (string, error) {
	ctx, dir := context.Background(), filepath.Join(place, "company")
	if _, err := demo.Lay(dir, company.Options{People: 120, Seed: 7, At: day}); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "config", "asked.yaml"), []byte(asked), 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "config", "forms.yaml"), []byte(forms), 0o600); err != nil {
		return "", err
	}
	if err := replaced(filepath.Join(dir, "config", "people.yaml"), "title:      {type: string}", "title:      {type: string, editable: true}"); err != nil {
		return "", err
	}
	if err := replaced(filepath.Join(dir, "config", "badges.yaml"), "category: premises\n    provisioning:", "category: premises\n    provisioning:\n      approval: one"); err != nil {
		return "", err
	}
	e, err := loop.Open(ctx, loop.Options{Dir: dir, Day: day, Packages: packages()})
	if err != nil {
		return "", err
	}
	return dir, errors.Join(fill(ctx, e), e.Close())
})

func replaced(file, old, text string) error {
	content, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(content), old) {
		err = fmt.Errorf("%s does not hold %q", file, old)
	}
	return errors.Join(err, os.WriteFile(file, []byte(strings.Replace(string(content), old, text, 1)), 0o600))
}

// fill goes round, changes something behind Provisor's back, and asks for a role.
func fill(ctx context.Context, e *loop.Engine) error {
	c, err := e.Files()
	if err != nil {
		return err
	}
	if err := e.Deploy(ctx, c, "test"); err != nil {
		return err
	}
	if _, err := e.Run(ctx, false); err != nil {
		return err
	}
	crm, err := sql.Open("sqlite", filepath.Join(e.Dir, "systems", "crm.sqlite"))
	if err != nil {
		return err
	}
	_, err = crm.Exec(`UPDATE accounts SET display_name = 'Foreign ' || login WHERE login IN (SELECT login FROM accounts WHERE active = 1 ORDER BY login LIMIT 3)`)
	if err := errors.Join(err, crm.Close()); err != nil {
		return err
	}
	desk, err := e.As("E00002").RequestDesk(ctx)
	if err != nil {
		return err
	}
	_, err = desk.Ask(ctx, review.Asked{Owner: resources.Ref{Type: "Person", Key: somebody}, Role: "auditor", Action: requests.Add, Why: "the audit comes"})
	if err != nil {
		return err
	}
	changes, err := e.As("E00002").WorkflowDesk(ctx)
	if err != nil {
		return err
	}
	filled := review.Filled{Workflow: "title", Subject: somebody, Set: map[schema.PropertyName]string{"title": "Captain"}, Why: "promoted"}
	if _, err := changes.Start(ctx, filled); err != nil {
		return err
	}
	_, err = e.Run(ctx, false)
	return err
}

// laid is a copy of the company with something to do on every page.
func laid(t *testing.T) *loop.Engine {
	t.Helper()
	from, err := ready()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "larkfield")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	ran(t, e)
	return e
}

// ran leaves runs of jobs: one that failed, and one under way.
func ran(t *testing.T, e *loop.Engine) {
	t.Helper()
	for _, state := range []runs.State{runs.Failed, runs.Running} {
		run, _, err := e.JobDesk().Start(t.Context(), map[runs.State]runs.Job{runs.Failed: runs.Survey, runs.Running: runs.Synchronize}[state], "crm", "test")
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.ChangeRun(t.Context(), nil, run.ID, e.Clock(), func(x *runs.Run) error {
			x.State, x.Began = state, e.Clock()
			x.Steps = []runs.Step{{
				Name: "database", Began: x.Began, Done: 40, Total: 90, Counts: []runs.Count{{Name: "read", N: 40}},
				Objects: []runs.Object{{Name: "accounts", Columns: []string{"login", "email"}}},
			}}
			if state == runs.Failed {
				x.Ended, x.Wrong = e.Clock(), "the database does not answer"
				x.Steps[0].Ended, x.Steps[0].Wrong = x.Ended, x.Wrong
			}
			x.Say(x.Began, "reads what it holds")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// somebody is for whom a role is asked.
const somebody = "E00017"

func open(t *testing.T, dir string) *loop.Engine {
	t.Helper()
	e, err := loop.Open(t.Context(), loop.Options{Dir: dir, Day: day, Packages: packages()})
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

// served serves the pages of a company as a person, and returns their address.
func served(t *testing.T, e *loop.Engine, as string) string {
	t.Helper()
	stopping := make(chan struct{})
	s := httptest.NewServer(pages(e, as, stopping))
	t.Cleanup(func() { close(stopping); s.CloseClientConnections(); s.Close() })
	return s.URL
}

// pages are those of a company as a person has them.
func pages(e *loop.Engine, as string, stopping <-chan struct{}) *routes.Registry {
	return web.New(web.Options{
		Questions: parking{view.Named(e.Views(), e.Model)}, Entities: e.Owners, Changes: e.ChangeCounter, Company: "Larkfield", Version: "test",
		Clock: time.Now, Log: slog.New(slog.DiscardHandler), Stopping: stopping,
		Desks: e.Desks(), Local: journal.Actor{Process: "test", As: as}, Model: e.Model, Explain: e.Explain, VerifyJournal: e.VerifyJournal,
		Messages: e.MessageDesk(), KeepPlan: e.KeepPlan, RunsTouched: e.RunsTouched, Schedules: e.Schedules, Recompute: e.RecomputeAs,
		Folder: fstest.MapFS{"change.plan": {Data: []byte(kept), ModTime: day}},
	})
}

// parking is a store in which a threshold parks something, though the company moves
// nothing in such numbers.
type parking struct{ web.Questions }

func (p parking) Parks(ctx context.Context) ([]view.Park, error) {
	if real, err := p.Questions.Parks(ctx); err != nil || len(real) > 0 {
		return real, err
	}
	return []view.Park{{Type: "CrmUser", Kind: "addition", Since: day, Count: 9, Limit: 5, Held: 9, Why: "too many at once"}}, nil
}

// do does steps and fails the test with what was tried.
func do(t *testing.T, ctx context.Context, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	step, cancel := context.WithTimeout(ctx, stepSeconds*time.Second)
	defer cancel()
	if err := chromedp.Do(step, steps...); err != nil {
		after, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		at, _ := chromedp.Run(after, chromedp.Location())
		text, _ := chromedp.Run(after, chromedp.Evaluate[string](`document.querySelector("main").innerText.slice(0, 600)`))
		t.Fatalf("%s: %v\nat %s: %s", what, err, at, text)
	}
}

// is asks a question of the page.
func is[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	step, cancel := context.WithTimeout(ctx, stepSeconds*time.Second)
	defer cancel()
	answer, err := chromedp.Run(step, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return answer
}

//go:embed testdata/axe.min.js
var axe string

// offence is a rule of accessibility that a page breaks.
type offence struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// offences runs axe-core on the page that is open: all its rules, or those alone
// that are named.
func offences(t *testing.T, ctx context.Context, rules ...string) []offence {
	t.Helper()
	if !is[bool](t, ctx, `typeof axe !== "undefined"`) {
		do(t, ctx, "load the check", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axe+";true"))
			return err
		}))
	}
	only := ""
	if len(rules) > 0 {
		only = `, runOnly: ["` + strings.Join(rules, `", "`) + `"]`
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`axe.run(document, {resultTypes: ["violations"]`+only+`}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var list []offence
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (o offence) String() string {
	text := o.ID + ": " + o.Help
	for i, n := range o.Nodes {
		if i == 3 {
			return text + fmt.Sprintf("\n    and %d more", len(o.Nodes)-3)
		}
		text += "\n    " + n.HTML + "\n      " + strings.Join(strings.Fields(n.Summary), " ")
	}
	return text
}

// address is where the first link of a page leads that begins like this.
func address(t *testing.T, base, page, prefix string) string {
	t.Helper()
	r, err := http.Get(base + page)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(body), `href="`)[1:] {
		link, _, _ := strings.Cut(part, `"`)
		if rest, ok := strings.CutPrefix(link, prefix); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return link
		}
	}
	t.Fatalf("%s has no link to %s", page, prefix)
	return ""
}

// waitsFor is who may decide a request now.
func waitsFor(t *testing.T, e *loop.Engine, id requests.RequestID) string {
	t.Helper()
	q, err := e.Views().Request(t.Context(), id)
	if err != nil || len(q.Waits) == 0 {
		t.Fatalf("request %d waits for nobody: %+v %v", id, q, err)
	}
	return q.Waits[0].Person
}

package signin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// canary is a password that must turn up nowhere.
const canary = "canary-never-to-be-seen"

// house is a company with its doors.
type house struct {
	*loop.Engine
	door *signin.Browser
	log  *words
	now  time.Time
}

// words is a log that is read while it is written.
type words struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.String()
}

// build opens a company of forty; more is added to its configuration.
func build(t *testing.T, more string) *house {
	t.Helper()
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 40, Seed: 3, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(laid.Dir, "config", "access.yaml"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{
		Dir: laid.Dir, Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()}, Day: laid.Company.At,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
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
	return &house{Engine: e, log: &words{}, now: time.Now().UTC().Truncate(time.Second)}
}

// serve opens the doors of the house.
func (h *house) serve(t *testing.T, o signin.Options) *httptest.Server {
	t.Helper()
	h.Engine.Clock = func() time.Time { return h.now }
	o.Desk, o.Secret, o.Log = *h.AccessDesk(), h.Secret, slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.door = signin.NewBrowser(o)
	pages := web.New(web.Options{
		Questions: h.Views(), Within: func(f access.Filter) web.Questions { return h.Views().Within(f) }, SignIn: h.door,
		Changes: h.ChangeCounter, Entities: h.Owners, Clock: h.Engine.Clock, Log: o.Log, Version: "test",
	})
	s := httptest.NewUnstartedServer(pages)
	if o.Secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// browser is somebody with a browser.
type browser struct {
	*http.Client
	base string
	t    *testing.T
}

func browse(t *testing.T, s *httptest.Server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Client()
	client := &http.Client{Jar: jar, Transport: c.Transport}
	return &browser{client, s.URL, t}
}

// do asks for a page and returns the status, the last address and the text.
func (b *browser) do(method, path string, form url.Values, headers ...string) (int, string, string) {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, answer.Request.URL.RequestURI(), string(text)
}

func (b *browser) signIn(name, password string) (int, string) {
	b.t.Helper()
	code, at, _ := b.do(http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {password}})
	return code, at
}

func (h *house) add(t *testing.T, name string, profile access.ProfileID, person resources.Ref) {
	t.Helper()
	if _, err := h.AccessDesk().Add(t.Context(), signin.Entrant{Name: name, Password: secret.New(canary), Person: person}); err != nil {
		t.Fatal(err)
	}
	if profile == "" {
		return
	}
	if _, err := h.AccessDesk().Assign(t.Context(), access.ProfileAssignment{Profile: profile, Holder: access.Holder{Account: name}}); err != nil {
		t.Fatal(err)
	}
}

func TestNobodySignsInWhileThereIsNoAccountAndEverybodyOnceThereIs(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{}))
	if code, at, _ := b.do(http.MethodGet, "/orders", nil); code != 200 || at != "/orders" {
		t.Errorf("without accounts: %d at %s", code, at)
	}
	h.add(t, "anna", access.Administrator, resources.Ref{})
	if code, at, text := b.do(http.MethodGet, "/orders?waits=review", nil); code != 200 || at != "/sign-in?to=%2Forders%3Fwaits%3Dreview" || !strings.Contains(text, "Password") {
		t.Errorf("with one: %d at %s", code, at)
	}
	if code, _, _ := b.do(http.MethodGet, "/events", nil, "Accept", "text/event-stream"); code != 401 {
		t.Errorf("a live page answers %d", code)
	}
	if code, at := b.signIn("Anna ", canary); code != 200 || at != "/" {
		t.Errorf("signing in: %d at %s", code, at)
	}
	if code, _, text := b.do(http.MethodGet, "/orders", nil); code != 200 || !strings.Contains(text, "Sign out") || !strings.Contains(text, "anna") {
		t.Errorf("signed in: %d", code)
	}
	if code, at, _ := b.do(http.MethodPost, "/sign-out", url.Values{}); code != 200 || at != "/sign-in" {
		t.Errorf("signing out: %d at %s", code, at)
	}
	if _, at, _ := b.do(http.MethodGet, "/orders", nil); !strings.HasPrefix(at, "/sign-in") {
		t.Errorf("after signing out: %s", at)
	}
}

func TestTheFirstAdministratorComesByALinkThatWorksOnce(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	if needs, err := h.AccessDesk().NeedsFirst(t.Context()); !needs || err != nil {
		t.Fatal(needs, err)
	}
	link, err := h.AccessDesk().FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, at, _ := b.do(http.MethodGet, "/orders", nil); !strings.HasPrefix(at, "/sign-in") {
		t.Errorf("a server that requires it lets somebody in: %s", at)
	}
	if _, _, text := b.do(http.MethodGet, "/first?link="+url.QueryEscape(link.Reveal()), nil); !strings.Contains(text, "administrator") {
		t.Error("the link leads nowhere")
	}
	form := func(password, again string) url.Values {
		return url.Values{"link": {link.Reveal()}, "name": {"root"}, "password": {password}, "again": {again}}
	}
	for name, f := range map[string]url.Values{"short": form("short", "short"), "differing": form(canary, canary+"x"), "guessed": {"link": {"provisor_guess"}, "name": {"x"}, "password": {canary}, "again": {canary}}} {
		if code, at, text := b.do(http.MethodPost, "/first", f); at != "/first" || code == 200 || strings.Contains(text, canary) {
			t.Errorf("%s: %d at %s", name, code, at)
		}
	}
	if code, at, _ := b.do(http.MethodPost, "/first", form(canary, canary)); code != 200 || at != "/" {
		t.Fatalf("the first account: %d at %s", code, at)
	}
	if needs, _ := h.AccessDesk().NeedsFirst(t.Context()); needs {
		t.Error("nobody is an administrator")
	}
	other := browse(t, h.serve(t, signin.Options{Required: true}))
	f := form(canary, canary)
	f.Set("name", "second")
	if code, at, _ := other.do(http.MethodPost, "/first", f); code != 401 || at != "/first" {
		t.Errorf("the link works twice: %d at %s", code, at)
	}
	if strings.Contains(h.log.String(), link.Reveal()) {
		t.Error("the link stands in the log")
	}
}

func TestWhatIsDisabledOrChangedIsOutWithTheNextRequest(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	h.add(t, "root", access.Administrator, resources.Ref{})
	h.add(t, "anna", access.Administrator, resources.Ref{})
	desk, ctx := h.AccessDesk(), t.Context()
	inside := func(b *browser) bool {
		_, at, _ := b.do(http.MethodGet, "/orders", nil)
		return at == "/orders"
	}
	for name, out := range map[string]func() error{
		"disabled":         func() error { return errors.Join(desk.Disable(ctx, "anna", ""), desk.Enable(ctx, "anna", "")) },
		"password":         func() error { return desk.SetPassword(ctx, "anna", secret.New(canary), "") },
		"left for an hour": func() error { h.now = h.now.Add(61 * time.Minute); return nil },
		"over":             func() error { h.now = h.now.Add(13 * time.Hour); return nil },
	} {
		b := browse(t, s)
		made, err := desk.CreateToken(ctx, "anna", name, 1, "")
		if err != nil {
			t.Fatal(err)
		}
		program := func() int {
			code, _, _ := browse(t, s).do(http.MethodGet, "/orders", nil, "Authorization", "Bearer "+made.Text.Reveal())
			return code
		}
		if b.signIn("anna", canary); !inside(b) || program() != 200 {
			t.Fatalf("%s: not inside before", name)
		}
		if err := out(); err != nil {
			t.Fatal(err)
		}
		if inside(b) {
			t.Errorf("%s: the session goes on", name)
		}
		if code := program(); (name == "disabled" || name == "password") && code != 401 {
			t.Errorf("%s: the token answers %d", name, code)
		}
	}
}

func TestATokenLetsAProgramInUntilItIsRevokedOrOver(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	if _, err := h.AccessDesk().Add(t.Context(), signin.Entrant{Name: "nightly"}); err != nil {
		t.Fatal(err)
	}
	desk, ctx := h.AccessDesk(), t.Context()
	if _, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "technician", Holder: access.Holder{Account: "nightly"}}); err != nil {
		t.Fatal(err)
	}
	one, err := desk.CreateToken(ctx, "nightly", "one", 1, "")
	if err != nil {
		t.Fatal(err)
	}
	two, err := desk.CreateToken(ctx, "nightly", "two", 2, "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(header, path string) int {
		code, _, _ := browse(t, s).do(http.MethodGet, path, nil, "Authorization", header)
		return code
	}
	for header, want := range map[string]int{
		"Bearer " + one.Text.Reveal(): 200, "Bearer " + two.Text.Reveal(): 200, "Bearer provisor_guess": 401, "Basic bmlnaHRseTp4": 401, "Bearer ": 401, one.Text.Reveal(): 401,
	} {
		if got := ask(header, "/orders"); got != want {
			t.Errorf("%.14s: %d", header, got)
		}
	}
	if got := ask("Bearer "+one.Text.Reveal(), "/reconciliation"); got != 403 {
		t.Errorf("what the account may not: %d", got)
	}
	if code, _ := browse(t, s).signIn("nightly", ""); code != 401 {
		t.Errorf("an account without a password signs in: %d", code)
	}
	if err := desk.RevokeToken(ctx, two.ID, "test"); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(25 * time.Hour)
	for _, x := range []signin.Made{one, two} {
		if got := ask("Bearer "+x.Text.Reveal(), "/orders"); got != 401 {
			t.Errorf("token %s answers %d", x.Name, got)
		}
	}
	for _, days := range []int{-1, 367} {
		if _, err := desk.CreateToken(ctx, "nightly", "x", days, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a token for %d days: %v", days, err)
		}
	}
}

func TestWhoGuessesWaitsAndLearnsNothing(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	h.add(t, "anna", access.Administrator, resources.Ref{})
	b := browse(t, s)
	answers := map[string]bool{}
	for _, name := range []string{"anna", "nobody", canary + "!"} {
		code, _, text := b.do(http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {"wrong password"}})
		answers[fmt.Sprint(code, strings.Contains(text, "the name or the password is wrong"), strings.Contains(text, "The name or the password is wrong"))] = true
		if strings.Contains(text, "wrong password\"") {
			t.Error("the page shows the password again")
		}
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
	last := 0
	for range 12 {
		last, _ = b.signIn("anna", "wrong password")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("after many tries: %d", last)
	}
	if code, _ := b.signIn("anna", canary); code != http.StatusTooManyRequests {
		t.Errorf("the right password then: %d", code)
	}
	h.now = h.now.Add(time.Minute)
	if code, _ := b.signIn("anna", canary); code != 200 {
		t.Errorf("after waiting: %d", code)
	}
	if log := h.log.String(); strings.Contains(log, canary) || strings.Contains(log, "wrong password") || !strings.Contains(log, "account=anna") {
		t.Errorf("the log says %s", log)
	}
}

func TestAnotherSiteCannotSignAnybodyInOrOut(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	h.add(t, "anna", access.Administrator, resources.Ref{})
	b := browse(t, s)
	b.signIn("anna", canary)
	for _, path := range []string{"/sign-in", "/sign-out", "/first"} {
		if code, _, _ := b.do(http.MethodPost, path, url.Values{"name": {"anna"}, "password": {canary}}, "Sec-Fetch-Site", "cross-site"); code != 403 {
			t.Errorf("%s answers another site %d", path, code)
		}
	}
	if code, at, _ := b.do(http.MethodGet, "/orders", nil); code != 200 || at != "/orders" {
		t.Errorf("it was signed out: %d %s", code, at)
	}
}

func TestTheCookieIsTheBrowsersAloneAndNewAfterSigningIn(t *testing.T) {
	h := build(t, "{}\n")
	h.add(t, "anna", access.Administrator, resources.Ref{})
	for secure, want := range map[bool]string{true: "__Host-provisor", false: "provisor"} {
		s := h.serve(t, signin.Options{Secure: secure})
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/sign-in", strings.NewReader(url.Values{"name": {"anna"}, "password": {canary}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: want, Value: "planted"})
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		cookies := answer.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%d cookies, %s", len(cookies), answer.Status)
		}
		c := cookies[0]
		if c.Name != want || c.Value == "planted" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %s", c)
		}
		var kept []byte
		rows, err := h.SQL().QueryContext(t.Context(), `SELECT hash FROM session`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var hash string
			if err := rows.Scan(&hash); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, hash...)
		}
		_ = rows.Close()
		if strings.Contains(string(kept), c.Value) {
			t.Error("the store keeps what the browser holds")
		}
	}
}

func TestAfterSigningInOneStaysHere(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	h.add(t, "anna", access.Administrator, resources.Ref{})
	for to, want := range map[string]string{
		"/orders?waits=review": "/orders?waits=review", "https://evil.example/": "/", "//evil.example/": "/", "/\\evil.example": "/", "javascript:alert(1)": "/", "": "/", "orders": "/",
	} {
		b := browse(t, s)
		code, at, _ := b.do(http.MethodPost, "/sign-in", url.Values{"name": {"anna"}, "password": {canary}, "to": {to}})
		if code != 200 || at != want {
			t.Errorf("%q leads to %s (%d)", to, at, code)
		}
	}
}

// TestNoSecretTurnsUpAnywhere plants passwords, a token, a link and a session in
// every place where one is taken, and looks for them in everything that is kept,
// shown or said.
func TestNoSecretTurnsUpAnywhere(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	desk, ctx := h.AccessDesk(), t.Context()
	link, err := desk.FirstLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := browse(t, s)
	pages := []string{}
	keep := func(_ int, _, text string) { pages = append(pages, text) }
	keep(b.do(http.MethodPost, "/first", url.Values{"link": {link.Reveal()}, "name": {"root"}, "password": {canary}, "again": {canary}}))
	h.add(t, "anna", "auditor", resources.Ref{})
	made, err := desk.CreateToken(ctx, "anna", "test", 1, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/orders", "/directory/Person", "/sign-in?password=" + canary, "/states/99"} {
		keep(b.do(http.MethodGet, path, nil))
		keep(browse(t, s).do(http.MethodGet, path, nil, "Authorization", "Bearer "+made.Text.Reveal()))
		keep(browse(t, s).do(http.MethodGet, path, nil, "Authorization", "Bearer "+made.Text.Reveal()+"x"))
	}
	keep(browse(t, s).do(http.MethodPost, "/sign-in", url.Values{"name": {"anna"}, "password": {canary + "2"}}))
	keep(browse(t, s).do(http.MethodPost, "/sign-in", url.Values{"name": {canary}, "password": {canary}}))
	var said []string
	for _, err := range []error{
		errOf(desk.Add(ctx, signin.Entrant{Name: "anna", Password: secret.New(canary)})), desk.SetPassword(ctx, "nobody", secret.New(canary), ""),
		errOf(desk.First(ctx, link, "again", secret.New(canary))), desk.SetPassword(ctx, "anna", secret.New("short-"+canary[:5]), ""),
	} {
		if err == nil {
			t.Error("it was done")
			continue
		}
		said = append(said, err.Error())
	}
	accounts, err := desk.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := desk.Tokens(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := h.Journal(ctx, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	dump := filepath.Join(t.TempDir(), "copy.db")
	if err := h.Backup(ctx, dump); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(address) {
		cookies = append(cookies, c.Value)
	}
	if len(cookies) == 0 {
		t.Fatal("no session was planted")
	}
	places := map[string]string{
		"the log": h.log.String(), "errors": strings.Join(said, "\n"), "the journal": jsonOf(t, entries), "lists": jsonOf(t, []any{accounts, tokens}),
		"a dump": string(copied), "prints": fmt.Sprintf("%+v %#v %v", made, made, accounts),
	}
	for name, hidden := range map[string][]string{"password": {canary}, "token": {made.Text.Reveal()}, "session": cookies, "link": {link.Reveal()}} {
		for _, text := range hidden {
			for place, content := range places {
				if strings.Contains(content, text) {
					t.Errorf("a %s stands in %s", name, place)
				}
			}
			for i, page := range pages {
				// The sign-in page gives back the name that was typed, and nothing else.
				if strings.Contains(strings.Replace(page, `name="name" value="`+canary+`"`, "", 1), text) && name != "link" {
					t.Errorf("a %s stands on page %d: %s", name, i, page)
				}
			}
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// principal is what an account may do now.
func (h *house) principal(t *testing.T, a stage.Account) access.Principal {
	t.Helper()
	p, err := h.AccessDesk().Principal(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const ruled = `profiles:
  user: {assign: [{entity: Person}]}
  manager: {assign: [{entity: Person}]}
  desk:
    permissions: [home.view, orders.view]
    assign: [{entity: Person, match: {department: MKT}, inherit: [department], scope: {places: {department: [MKT]}}}]
`

// somebody finds a person with a manager, in or below a department.
func (h *house) somebody(t *testing.T, fits func(department, manager string) bool) (who resources.Ref, manager resources.Ref) {
	t.Helper()
	page, err := h.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.People {
		ref := resources.Ref{Type: "Person", Key: resources.Key(o.Key)}
		p, err := h.Views().Person(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		department, boss := append(p.Links["department"], "")[0], append(p.Links["manager"], "")[0]
		if fits(department, boss) {
			return ref, resources.Ref{Type: "Person", Key: resources.Key(boss)}
		}
	}
	t.Fatal("nobody fits")
	return
}

func person(ref resources.Ref) access.Subject { return access.Subject{Kind: access.Person, Owner: ref} }

func TestRulesGiveProfilesToThoseWhoStandThereNow(t *testing.T) {
	h := build(t, ruled)
	inMarketing, boss := h.somebody(t, func(d, m string) bool { return strings.HasPrefix(d, "MKT-") && m != "" })
	elsewhere, _ := h.somebody(t, func(d, m string) bool { return strings.HasPrefix(d, "SAL") && m != "" })
	in, out := h.principal(t, stage.Account{Name: "a", Person: inMarketing}), h.principal(t, stage.Account{Name: "b", Person: elsewhere})
	if !in.Has(access.OrdersView) || out.Has(access.OrdersView) {
		t.Error("a rule gives its profile to the wrong people")
	}
	if !in.May(access.AccessView, person(inMarketing)) || in.May(access.AccessView, person(elsewhere)) {
		t.Error("a user sees somebody else, or not himself")
	}
	visible := func(p access.Principal, x access.Permission) map[string]bool {
		page, err := h.Views().Within(p.Filter(x)).People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		for _, o := range page.People {
			keys[o.Key] = true
		}
		return keys
	}
	if seen := visible(in, access.OrdersView); !seen[string(inMarketing.Key)] || seen[string(elsewhere.Key)] {
		t.Errorf("those below the department are not reached, or others: %v", seen)
	}
	leads := h.principal(t, stage.Account{Name: "c", Person: boss})
	if seen := visible(leads, access.RequestsDecide); !seen[string(inMarketing.Key)] || seen[string(boss.Key)] || seen[string(elsewhere.Key)] {
		t.Errorf("a manager's team is %v", seen)
	}
	h.SetDay(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC))
	if p := h.principal(t, stage.Account{Name: "a", Person: inMarketing}); len(p.Rights) != 0 {
		t.Errorf("whoever has no day in the company has %d profiles by rule", len(p.Rights))
	}
	if p := h.principal(t, stage.Account{Name: "x", Person: resources.Ref{Type: "Person", Key: "gone"}}); len(p.Rights) != 0 {
		t.Error("somebody whom the directory does not know has a profile by rule")
	}
}

func TestADelegationReachesAsFarAsItsDelegatorAndEndsWithHim(t *testing.T) {
	h := build(t, "{}\n")
	ctx, desk := t.Context(), h.AccessDesk()
	h.Engine.Clock = func() time.Time { return h.now }
	desk.Clock = h.Engine.Clock
	report, boss := h.somebody(t, func(_, m string) bool { return m != "" })
	deputy, _ := h.somebody(t, func(_, m string) bool { return m != "" && m != string(boss.Key) })
	given, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: boss}})
	if err != nil {
		t.Fatal(err)
	}
	from, to := access.Holder{Person: boss}, access.Holder{Person: deputy}
	week := h.now.Add(7 * 24 * time.Hour)
	for name, x := range map[string]struct {
		from access.Holder
		a    access.ProfileAssignment
	}{
		"without an end":     {from, access.ProfileAssignment{Profile: "manager", Holder: to}},
		"for years":          {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: h.now.AddDate(3, 0, 0)}},
		"over already":       {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: h.now}},
		"what one has not":   {from, access.ProfileAssignment{Profile: "auditor", Holder: to, To: week}},
		"what is none":       {from, access.ProfileAssignment{Profile: "none", Holder: to, To: week}},
		"to oneself":         {from, access.ProfileAssignment{Profile: "manager", Holder: from, To: week}},
		"by who has nothing": {to, access.ProfileAssignment{Profile: "manager", Holder: from, To: week}},
		"an unreal scope":    {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: week, Scope: access.Scope{Roles: []roles.RoleID{"none"}}}},
	} {
		if _, err := desk.Delegate(ctx, x.from, x.a); err == nil {
			t.Errorf("%s: it is delegated", name)
		}
	}
	if _, err := desk.Delegate(ctx, from, access.ProfileAssignment{Profile: "manager", Holder: to, From: h.now, To: week}); err != nil {
		t.Fatal(err)
	}
	team := func(of resources.Ref) bool {
		p := h.principal(t, stage.Account{Name: "x", Person: of})
		page, err := h.Views().Within(p.Filter(access.RequestsDecide)).People(ctx, view.PeopleFilter{Entity: "Person", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.People {
			if o.Key == string(report.Key) {
				return true
			}
		}
		return false
	}
	if !team(deputy) {
		t.Error("the deputy does not see the team")
	}
	if _, err := desk.Delegate(ctx, to, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: report}, To: week}); fault.KindOf(err) != fault.Refused {
		t.Errorf("what was delegated is delegated again: %v", err)
	}
	if err := desk.Revoke(ctx, given.ID, "he left"); err != nil {
		t.Fatal(err)
	}
	if team(deputy) || team(boss) {
		t.Error("the delegation outlives what it hands on")
	}
	if _, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: boss}}); err != nil {
		t.Fatal(err)
	}
	if h.now = week; team(deputy) || !team(boss) {
		t.Error("the delegation outlives its day")
	}
}

func TestNobodyGivesAProfileToHimself(t *testing.T) {
	h := build(t, "{}\n")
	ctx := t.Context()
	who, other := h.somebody(t, func(_, m string) bool { return m != "" })
	h.add(t, "anna", "", who)
	for name, c := range map[string]struct {
		as     string
		holder access.Holder
		fine   bool
	}{
		"by key":                {string(who.Key), access.Holder{Person: who}, false},
		"by account":            {"anna", access.Holder{Account: "anna"}, false},
		"key to account":        {string(who.Key), access.Holder{Account: "anna"}, false},
		"account to key":        {"anna", access.Holder{Person: who}, false},
		"to somebody else":      {"anna", access.Holder{Person: other}, true},
		"whoever runs the host": {"", access.Holder{Account: "anna"}, true},
	} {
		_, err := h.As(c.as).AccessDesk().Assign(ctx, access.ProfileAssignment{Profile: "auditor", Holder: c.holder})
		if (err == nil) != c.fine || err != nil && fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheJournalTellsWhoSignedInAndWhoGaveWhat(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	who, _ := h.somebody(t, func(_, m string) bool { return m != "" })
	h.add(t, "anna", "auditor", who)
	browse(t, s).signIn("anna", canary)
	entries, err := h.Journal(context.Background(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		found[e.Name] = e.Actor.String() + " " + e.Subject + " " + string(e.Detail)
	}
	for name, want := range map[string]string{"add account": "account anna", "assign profile": "auditor for account anna", "sign in": string(who.Key) + " account anna"} {
		if !strings.Contains(found[name], want) {
			t.Errorf("%s: %q", name, found[name])
		}
	}
	if _, err := h.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

var _ routes.Admission = (*signin.Browser)(nil)

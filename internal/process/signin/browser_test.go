package signin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/secret"
)

var _ routes.Admission = (*signin.Browser)(nil)

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
	for _, c := range []struct {
		name string
		out  func() error
	}{
		{"disabled", func() error { return errors.Join(desk.Disable(ctx, "anna", ""), desk.Enable(ctx, "anna", "")) }},
		{"password", func() error { return desk.SetPassword(ctx, "anna", secret.New(canary), "") }},
		{"left for an hour", func() error { h.now = h.now.Add(61 * time.Minute); return nil }},
		{"over", func() error { h.now = h.now.Add(13 * time.Hour); return nil }},
	} {
		name := c.name
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
		if err := c.out(); err != nil {
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

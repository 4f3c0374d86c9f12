package signin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
)

// people are those whom the provider knows.
type people map[string]*storage.User

func (p people) GetUserByID(id string) *storage.User { return p[id] }

func (p people) GetUserByUsername(name string) *storage.User {
	for _, u := range p {
		if u.Username == name {
			return u
		}
	}
	return nil
}

func (p people) ExampleClientID() string { return "service" }

const clientSecret = "canary-client-secret"

// provided is a house whose people sign in at a provider of its own: a real one,
// in this process.
func provided(t *testing.T, users people) (*house, *httptest.Server, *httptest.Server) {
	t.Helper()
	var idp http.Handler
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { idp.ServeHTTP(w, r) }))
	t.Cleanup(issuer.Close)
	address := strings.Replace(issuer.URL, "127.0.0.1", "localhost", 1)
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	t.Setenv("TEST_OIDC_SECRET", clientSecret)
	h := build(t, "signIn:\n  company: {name: Company, issuer: \""+address+"\", clientID: "+client(t)+", clientSecret: \"secret:env/TEST_OIDC_SECRET\"}\n")
	s := h.serve(t, signin.Options{})
	storage.RegisterClients(storage.WebClient(client(t), clientSecret, s.URL+signin.BackPath))
	idp = exampleop.SetupServer(address, storage.NewStorage(users), slog.New(slog.DiscardHandler), false)
	return h, s, issuer
}

// client is registered once for each test: the provider's clients are shared.
func client(t *testing.T) string {
	return strings.ToLower(regexp.MustCompile(`\W`).ReplaceAllString(t.Name(), "-"))
}

// through signs in at the provider.
func (b *browser) through(name, to string) (int, string, string) {
	b.t.Helper()
	code, at, text := b.do(http.MethodGet, "/sign-in/provider?to="+url.QueryEscape(to), nil)
	id := regexp.MustCompile(`name="id" value="([^"]*)"`).FindStringSubmatch(text)
	if id == nil {
		return code, at, text
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.last+"/login/username", strings.NewReader(url.Values{"username": {name}, "password": {"verysecure"}, "id": {id[1]}}.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	return b.send(r)
}

func user(id, name, email string, verified bool) *storage.User {
	return &storage.User{ID: id, Username: name, Password: "verysecure", Email: email, EmailVerified: verified}
}

func TestPeopleSignInAtARealProviderAndAreWhomTheDirectoryKnows(t *testing.T) {
	users := people{}
	h, s, _ := provided(t, users)
	who, _ := h.somebody(t, func(_, m string) bool { return m != "" })
	other, _ := h.somebody(t, func(_, m string) bool { return m == "" })
	mail := func(ref resources.Ref) string {
		p, err := h.Views().Person(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return p.Values["email"]
	}
	users["1"] = user("1", "known", mail(who), true)
	users["2"] = user("2", "stranger", "stranger@example.org", true)
	users["3"] = user("3", "unverified", mail(other), false)
	users["4"] = user("4", "waiting", "waiting@example.org", true)
	users["5"] = user("5", "thief", "root@example.org", true)
	ctx, desk := t.Context(), h.AccessDesk()
	if _, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "technician", Holder: access.Holder{Person: who}}); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Add(ctx, signin.Entrant{Name: "waiting@example.org", Provider: true}); err != nil {
		t.Fatal(err)
	}
	h.add(t, "root@example.org", access.Administrator, resources.Ref{})

	b := browse(t, s)
	if _, _, text := b.do(http.MethodGet, "/sign-in", nil); !strings.Contains(text, "Sign in with Company") {
		t.Error("the sign-in page does not name the provider")
	}
	if code, at, text := b.through("known", "/orders?waits=review"); code != 200 || at != "/orders?waits=review" || !strings.Contains(text, "Sign out") {
		t.Errorf("a person of the directory: %d at %s", code, at)
	}
	a, err := desk.Store.Account(ctx, strings.ToLower(mail(who)))
	if err != nil || a.Person != who || a.Subject != "1" || a.Hash != "" {
		t.Errorf("the account is %+v, %v", a, err)
	}
	if code, _, _ := b.do(http.MethodGet, "/reconciliation", nil); code != 403 {
		t.Errorf("what his profile does not give: %d", code)
	}
	if code, at, _ := browse(t, s).through("known", "/"); code != 200 || at != "/" {
		t.Errorf("the second time: %d at %s", code, at)
	}
	if code, at, _ := browse(t, s).through("waiting", "/"); code != 403 || at != "/" {
		t.Errorf("whoever was expected, without a profile: %d at %s", code, at)
	}
	for _, name := range []string{"stranger", "unverified", "thief"} {
		if code, at, text := browse(t, s).through(name, "/"); code != 401 || !strings.HasPrefix(at, signin.BackPath) || strings.Contains(text, "Sign out") {
			t.Errorf("%s: %d at %s", name, code, at)
		}
	}
	if err := desk.Disable(ctx, a.Name, "test"); err != nil {
		t.Fatal(err)
	}
	if code, _, text := browse(t, s).through("known", "/"); code != 401 || !strings.Contains(text, "disabled") {
		t.Errorf("whoever is disabled: %d", code)
	}
	if strings.Contains(h.log.String(), clientSecret) {
		t.Error("the client secret stands in the log")
	}
}

func TestAnAnswerOfTheProviderCountsOnceAndInTheBrowserThatAsked(t *testing.T) {
	users := people{}
	h, s, _ := provided(t, users)
	who, _ := h.somebody(t, func(_, m string) bool { return m != "" })
	p, err := h.Views().Person(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	users["1"] = user("1", "known", p.Values["email"], true)
	victim, b := browse(t, s), browse(t, s)
	var back string
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if q := r.URL.Query(); r.URL.Path == "/auth" && (q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "") {
			t.Errorf("the provider is asked without a proof: %s", r.URL)
		}
		if r.URL.Path == signin.BackPath {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.through("known", "/")
	if back == "" || strings.Contains(back, "id_token") {
		t.Fatalf("the provider sends back to %q", back)
	}
	if code, _, _ := victim.do(http.MethodGet, back, nil); code != 401 {
		t.Errorf("another browser is signed in: %d", code)
	}
	altered := regexp.MustCompile(`state=[^&]*`).ReplaceAllString(back, "state=other")
	if code, _, _ := browse(t, s).do(http.MethodGet, altered, nil); code != 401 {
		t.Errorf("an answer to nothing: %d", code)
	}
	b.CheckRedirect = nil
	if code, at, _ := b.do(http.MethodGet, back, nil); at != "/" || code != 403 && code != 200 {
		t.Errorf("the browser that asked: %d at %s", code, at)
	}
	if code, _, _ := b.do(http.MethodGet, back, nil); code != 401 {
		t.Errorf("the same answer again: %d", code)
	}
	if code, _, text := browse(t, s).do(http.MethodGet, signin.BackPath+"?error=access_denied&state=x", nil); code != 401 || strings.Contains(text, "access_denied") {
		t.Errorf("an error out of nowhere: %d", code)
	}
}

func TestAProviderThatIsAwayIsSaidAndPasswordsStillWork(t *testing.T) {
	h, s, issuer := provided(t, people{})
	issuer.Close()
	h.add(t, "root", access.Administrator, resources.Ref{})
	code, _, text := browse(t, s).do(http.MethodGet, "/sign-in/provider", nil)
	if code != 401 || !strings.Contains(text, "does not answer") {
		t.Errorf("%d: %s", code, text)
	}
	if code, at := browse(t, s).signIn("root", canary); code != 200 || at != "/" {
		t.Errorf("with a password: %d at %s", code, at)
	}
	if err := os.Unsetenv("TEST_OIDC_SECRET"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Secret(t.Context(), "secret:env/TEST_OIDC_SECRET"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a secret that is not set: %v", err)
	}
}

package signin_test

import (
	"bytes"
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
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/secret"
)

// canary is a password that must turn up nowhere.
const canary = "canary-never-to-be-seen"

// house is a company with its doors.
type house struct {
	*loop.Engine
	door   *signin.Browser
	log    *words
	now    time.Time
	routes []routes.Route
	who    *access.Principal // who everybody is; nil: whoever signs in
}

// known lets everybody in as one.
type known struct {
	*signin.Browser
	who access.Principal
}

func (k known) Who(*http.Request) (access.Principal, error) { return k.who, nil }

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
func build(t testing.TB, more string) *house { t.Helper(); return buildIn(t, more, "") }

// buildIn is the same in a database; "": a file.
func buildIn(t testing.TB, more, store string) *house {
	t.Helper()
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 40, Seed: 3, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(laid.Dir, "config", "access.yaml"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{
		Dir: laid.Dir, Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()}, Day: laid.Company.At, Store: store,
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
func (h *house) serve(t testing.TB, o signin.Options) *httptest.Server {
	t.Helper()
	h.Engine.Clock = func() time.Time { return h.now }
	o.Desk, o.Secret, o.Log = *h.AccessDesk(), h.Secret, slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.door = signin.NewBrowser(o)
	var door web.SignIn = h.door
	if h.who != nil {
		door = known{h.door, *h.who}
	}
	pages := web.New(web.Options{
		Questions: h.Views(), Within: func(f access.Filter) web.Questions { return h.Views().Within(f) }, SignIn: door,
		Changes: h.ChangeCounter, Entities: h.Owners, Clock: h.Engine.Clock, Log: o.Log, Version: "test",
		Desks: h.Desks(), Local: h.Actor, Model: h.Model, Messages: h.MessageDesk(), RunsTouched: h.RunsTouched, Schedules: h.Schedules, Recompute: h.RecomputeAs,
		Explain: h.Explain, VerifyJournal: h.VerifyJournal, Folder: os.DirFS(h.Dir), Company: "Larkfield",
	})
	api.Register(pages, api.Options{
		Within: func(f access.Filter) reach.Questions { return h.Views().Within(f) }, Entities: h.Owners, Answers: h.DB,
		Desks: h.Desks(), Local: h.Actor, Model: h.Model, Explain: h.Explain, Timeline: h.Timeline, Messages: h.MessageDesk(), VerifyJournal: h.VerifyJournal, SignIn: h.door,
		Folder: os.DirFS(h.Dir), Clock: h.Engine.Clock, Log: o.Log, Schedules: h.Schedules, Recompute: h.RecomputeAs,
	})
	h.routes = pages.Routes()
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
	last string // where the last answer came from
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
	return &browser{Client: client, base: s.URL, t: t}
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
	return b.send(r)
}

func (b *browser) send(r *http.Request) (int, string, string) {
	b.t.Helper()
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.last = answer.Request.URL.Scheme + "://" + answer.Request.URL.Host
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

func (h *house) add(t testing.TB, name string, profile access.ProfileID, person resources.Ref) {
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

package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/secret"
)

// SignIn finds out who asks, and lets people sign in and out.
type SignIn interface {
	routes.Admission
	// Around keeps the sessions of browsers, around every route.
	Around(http.Handler) http.Handler
	// Open reports whether nobody has to sign in.
	Open(context.Context) (bool, error)
	Local(r *http.Request, name string, password secret.Text) error
	// First makes the first account for whoever holds the one-time link.
	First(r *http.Request, link secret.Text, name string, password secret.Text) error
	End(r *http.Request) error
	// Provider is what the button to an OpenID Connect provider says; "": none.
	Provider(context.Context) (string, error)
	ToProvider(r *http.Request, to string) (address string, err error)
	FromProvider(r *http.Request) (to string, err error)
}

// formBytesMost is more than a name, a password and an address need.
const formBytesMost = 16 << 10

// entrance is the sign-in page.
type entrance struct {
	Name     string // as it was typed
	To       string // where to go afterwards
	Provider string
	Wrong    string // what was wrong with the try before
	Do       string
}

// beginning is the page behind the one-time link.
type beginning struct {
	Link, Name, Wrong, Do string
}

// signIn registers how people come in and go.
func (s *site) signIn(g *routes.Registry) {
	if s.SignIn == nil {
		return
	}
	const why = "people who are not known yet have to say who they are"
	g.Public(http.MethodGet, "/sign-in", why, s.entrance)
	g.Public(http.MethodPost, "/sign-in", why, s.enter)
	g.Public(http.MethodGet, "/sign-in/provider", why, s.toProvider)
	g.Public(http.MethodGet, "/sign-in/back", why, s.fromProvider)
	g.Public(http.MethodGet, "/first", "whoever holds the one-time link makes the first account", s.first)
	g.Public(http.MethodPost, "/first", "whoever holds the one-time link makes the first account", s.makeFirst)
	g.Public(http.MethodPost, "/sign-out", "ends the session of whoever asks, and nothing else", s.leave)
	g.Wrap(s.SignIn.Around)
}

func (s *site) entrance(w http.ResponseWriter, r *http.Request) {
	open, err := s.SignIn.Open(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if _, err := s.SignIn.Who(r); open || err == nil {
		http.Redirect(w, r, inside(r.URL.Query().Get("to")), http.StatusSeeOther) // #nosec G710 -- inside lets addresses of these pages through alone
		return
	}
	s.showEntrance(w, r, http.StatusOK, entrance{To: r.URL.Query().Get("to")})
}

func (s *site) showEntrance(w http.ResponseWriter, r *http.Request, status int, e entrance) {
	provider, err := s.SignIn.Provider(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e.Provider, e.To = provider, inside(e.To)
	s.write(w, r, status, page{Title: "Sign in", Body: entrancePage(e)})
}

// enter signs in with a name and a password.
func (s *site) enter(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	e := entrance{Name: r.PostForm.Get("name"), To: r.PostForm.Get("to")}
	err := s.SignIn.Local(r, e.Name, secret.New(r.PostForm.Get("password")))
	status, known := refusal(err)
	switch {
	case err == nil:
		http.Redirect(w, r, inside(e.To), http.StatusSeeOther)
	case known == nil:
		s.fail(w, r, err)
	default:
		e.Wrong, e.Do = sentence(known.Msg), known.Do
		s.showEntrance(w, r, status, e)
	}
}

// refusal is an error that whoever signs in is told as it is; nil for others.
func refusal(err error) (status int, known *fault.Error) {
	if !errors.As(err, &known) {
		return 0, nil
	}
	switch fault.KindOf(err) {
	case fault.Denied:
		return http.StatusUnauthorized, known
	case fault.Invalid, fault.Conflict:
		return http.StatusBadRequest, known
	case fault.Unavailable:
		if known.Err == nil { // to wait is told, what the store says is not
			return http.StatusTooManyRequests, known
		}
	}
	return 0, nil
}

// form reads a small form; else it answers.
func form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, formBytesMost)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return false
	}
	return true
}

func (s *site) toProvider(w http.ResponseWriter, r *http.Request) {
	address, err := s.SignIn.ToProvider(r, inside(r.URL.Query().Get("to")))
	if err != nil {
		s.notEntered(w, r, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther) // #nosec G710 -- the provider that the configuration names
}

func (s *site) fromProvider(w http.ResponseWriter, r *http.Request) {
	to, err := s.SignIn.FromProvider(r)
	if err != nil {
		s.notEntered(w, r, err)
		return
	}
	http.Redirect(w, r, inside(to), http.StatusSeeOther)
}

// notEntered shows the sign-in page with what was wrong at the provider.
func (s *site) notEntered(w http.ResponseWriter, r *http.Request, err error) {
	var known *fault.Error
	if kind := fault.KindOf(err); errors.As(err, &known) && known.Msg != "" && (kind == fault.Denied || kind == fault.Unavailable || kind == fault.NotFound) {
		if kind == fault.Unavailable {
			s.Log.Warn("the provider of sign-in does not answer", "err", err)
		}
		s.showEntrance(w, r, http.StatusUnauthorized, entrance{Wrong: sentence(known.Msg), Do: known.Do})
		return
	}
	s.fail(w, r, err)
}

// leave signs out.
func (s *site) leave(w http.ResponseWriter, r *http.Request) {
	if err := s.SignIn.End(r); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (s *site) first(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, http.StatusOK, page{Title: "First account", Body: beginningPage(beginning{Link: r.URL.Query().Get("link")})})
}

// makeFirst makes the first account, an administrator.
func (s *site) makeFirst(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	b := beginning{Link: r.PostForm.Get("link"), Name: r.PostForm.Get("name")}
	err := error(&fault.Error{Kind: fault.Invalid, Msg: "the two passwords differ", Do: "Type the same one twice."})
	if r.PostForm.Get("password") == r.PostForm.Get("again") {
		err = s.SignIn.First(r, secret.New(b.Link), b.Name, secret.New(r.PostForm.Get("password")))
	}
	status, known := refusal(err)
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case known == nil:
		s.fail(w, r, err)
	default:
		b.Wrong, b.Do = sentence(known.Msg), known.Do
		s.write(w, r, status, page{Title: "First account", Body: beginningPage(b)})
	}
}

// inside keeps an address to go to within these pages: "/" for any other.
func inside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

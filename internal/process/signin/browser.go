package signin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/secret"
)

const (
	// sessionHours is a working day: then one signs in again.
	sessionHours = 12
	// idleMinutes ends the session of whoever left.
	idleMinutes = 60
	// seenMinutes is how often a session notes that it is used: not at each click,
	// which would be a write to the store.
	seenMinutes = 5
	// tokenSeenMinutes is the same for tokens.
	tokenSeenMinutes = 1
)

// Options say how people sign in in a browser.
type Options struct {
	Desk Desk
	// Required: nobody is let in without signing in, also while there is no account.
	Required bool
	// Secure: the browser reaches the server by TLS, and is to send cookies by
	// nothing else.
	Secure bool
	// URL is where browsers reach the server; "": where they say that they do.
	URL string
	// Secret resolves what a reference names.
	Secret func(context.Context, secret.Reference) (secret.Text, error)
	Log    *slog.Logger
}

// A Browser lets people in: by session, or a program by token.
type Browser struct {
	Options
	sessions *scs.SessionManager
	limits   limits
	provider provider
}

// NewBrowser returns the door for browsers and programs.
func NewBrowser(o Options) *Browser {
	b := &Browser{Options: o, sessions: scs.New()}
	b.sessions.Store = sessionStore{o.Desk.Store, o.Desk.Clock}
	b.sessions.HashTokenInStore = true
	b.sessions.Lifetime = sessionHours * time.Hour
	b.sessions.Cookie = scs.SessionCookie{Name: "provisor", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if o.Secure {
		// The browser takes a name that begins so from nobody but this host, and by
		// TLS alone.
		b.sessions.Cookie.Name, b.sessions.Cookie.Secure = "__Host-provisor", true
	}
	b.sessions.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		o.Log.Error("a session could not be kept", "err", err)
		http.Error(w, "The store does not answer now. Try again.", http.StatusServiceUnavailable)
	}
	return b
}

// Around keeps the session of every request.
func (b *Browser) Around(next http.Handler) http.Handler { return b.sessions.LoadAndSave(next) }

// Open reports whether everybody may do everything: nobody can sign in, and none
// but this machine reaches the server.
func (b *Browser) Open(ctx context.Context) (bool, error) {
	if b.Required {
		return false, nil
	}
	has, err := b.Desk.Store.HasAccounts(ctx)
	if has || err != nil {
		return false, err
	}
	c, err := b.Desk.configuration(ctx)
	return err == nil && (c == nil || c.Provider == nil), err
}

// Who finds out who asks.
func (b *Browser) Who(r *http.Request) (access.Principal, error) {
	ctx := r.Context()
	open, err := b.Open(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	if open {
		return access.Everybody(), nil
	}
	if header := r.Header.Get("Authorization"); header != "" {
		return b.byToken(ctx, header)
	}
	name := b.sessions.GetString(ctx, "account")
	if name == "" {
		return access.Principal{}, routes.Unknown
	}
	a, err := b.Desk.Store.Account(ctx, name)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return access.Principal{}, err
	}
	now := b.Desk.Clock()
	seen := time.Unix(b.sessions.GetInt64(ctx, "seen"), 0)
	if err != nil || !a.Disabled.IsZero() || a.Epoch != b.sessions.GetInt64(ctx, "epoch") || now.Sub(seen) > idleMinutes*time.Minute {
		return access.Principal{}, errors.Join(b.sessions.Destroy(ctx), routes.Unknown)
	}
	if now.Sub(seen) > seenMinutes*time.Minute {
		b.sessions.Put(ctx, "seen", now.Unix())
	}
	return b.Desk.Principal(ctx, a)
}

// byToken lets a program in.
func (b *Browser) byToken(ctx context.Context, header string) (access.Principal, error) {
	text, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || !strings.HasPrefix(text, tokenPrefix) {
		return access.Principal{}, routes.Unknown
	}
	now := b.Desk.Clock()
	x, found, err := b.Desk.Store.Token(ctx, digest(secret.New(text)))
	if err != nil || !found || !x.Revoked.IsZero() || !now.Before(x.Expires) {
		return access.Principal{}, unknownUnless(err)
	}
	a, err := b.Desk.Store.Account(ctx, x.Account)
	if err != nil || !a.Disabled.IsZero() || a.Epoch != x.Epoch {
		return access.Principal{}, unknownUnless(err)
	}
	if now.Sub(x.Used) > tokenSeenMinutes*time.Minute {
		if err := b.Desk.Store.TokenUsed(ctx, x.ID, now); err != nil {
			return access.Principal{}, err
		}
	}
	return b.Desk.Principal(ctx, a)
}

// unknownUnless says that nobody knows who asks, unless the store failed.
func unknownUnless(err error) error {
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	return routes.Unknown
}

// Local signs somebody in with a password.
func (b *Browser) Local(r *http.Request, name string, password secret.Text) error {
	a, err := b.proven(r, name, password)
	if err != nil {
		return err
	}
	return b.begin(r, a, "password")
}

// Token makes a token for whoever shows a name and a password: what a command line
// signs in with.
func (b *Browser) Token(r *http.Request, name string, password secret.Text, called string, days int) (Made, error) {
	a, err := b.proven(r, name, password)
	if err != nil {
		return Made{}, err
	}
	p, err := b.Desk.Principal(r.Context(), a)
	if err != nil {
		return Made{}, err
	}
	if !p.Has(access.OwnTokens) {
		return Made{}, &fault.Error{Kind: fault.Denied, Op: "create token", Msg: "no profile of yours lets you make a token", Do: "Ask an administrator for a profile with " + string(access.OwnTokens) + "."}
	}
	desk := b.Desk
	desk.Actor.As = p.Name()
	return desk.CreateToken(r.Context(), a.Name, called, days, "signed in with a password")
}

// proven is the account of whoever knows its password.
func (b *Browser) proven(r *http.Request, name string, password secret.Text) (none stage.Account, err error) {
	ctx, now := r.Context(), b.Desk.Clock()
	name = strings.ToLower(strings.TrimSpace(name))
	if !accountName.MatchString(name) {
		name = "" // whatever was typed there is remembered nowhere
	}
	if err := b.limits.try(name, address(r), now); err != nil {
		return none, err
	}
	a, err := b.Desk.Store.Account(ctx, name)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return none, err
	}
	known := err == nil
	hashed := nobodysHash
	if known && a.Hash != "" {
		hashed = a.Hash
	}
	fits, err := matches(ctx, hashed, password)
	if err != nil {
		return none, err
	}
	if !fits || !known || a.Hash == "" || !a.Disabled.IsZero() {
		b.refused(r, known, a)
		return none, &fault.Error{Kind: fault.Denied, Op: "sign in", Msg: "the name or the password is wrong", Do: "Try again, or ask an administrator to set a new password."}
	}
	b.limits.forgive(name)
	return a, nil
}

// refused notes a try that failed. A name is noted only when it is one: people
// type passwords in its place.
func (b *Browser) refused(r *http.Request, known bool, a stage.Account) {
	name := "(no such account)"
	if known {
		name = a.Name
	}
	b.Log.Warn("somebody was not signed in", "account", name, "address", address(r))
}

// begin makes the session of somebody who showed who he is.
func (b *Browser) begin(r *http.Request, a stage.Account, by string) error {
	ctx := r.Context()
	if err := b.sessions.RenewToken(ctx); err != nil { // what somebody else may have planted is worth nothing
		return err
	}
	b.sessions.Put(ctx, "account", a.Name)
	b.sessions.Put(ctx, "epoch", a.Epoch)
	b.sessions.Put(ctx, "seen", b.Desk.Clock().Unix())
	act := b.Desk.act("sign in", "account "+a.Name, "")
	act.Actor = journal.Actor{Process: act.Actor.Process, As: access.Principal{Account: a.Name, Person: a.Person}.Name()}
	act.Detail = map[string]string{"by": by, "address": address(r)}
	return b.Desk.Store.AppendAct(ctx, act)
}

// First makes the first account and signs it in.
func (b *Browser) First(r *http.Request, link secret.Text, name string, password secret.Text) error {
	if err := b.limits.try("", address(r), b.Desk.Clock()); err != nil {
		return err
	}
	needs, err := b.Desk.NeedsFirst(r.Context())
	if err != nil {
		return err
	}
	if !needs {
		return &fault.Error{Kind: fault.Denied, Op: "make the first account", Msg: "there is an administrator already", Do: "Ask one for an account."}
	}
	a, err := b.Desk.First(r.Context(), link, name, password)
	if err != nil {
		return err
	}
	return b.begin(r, a, "one-time link")
}

// End signs out.
func (b *Browser) End(r *http.Request) error { return b.sessions.Destroy(r.Context()) }

// address is where a request comes from. Headers that a proxy sets are not
// believed: anybody can send them.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// sessionStore keeps sessions in the store.
type sessionStore struct {
	store Store
	clock func() time.Time
}

// FindCtx returns what is kept of a session.
func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	return s.store.Session(ctx, token, s.clock())
}

// CommitCtx keeps a session.
func (s sessionStore) CommitCtx(ctx context.Context, token string, content []byte, expiry time.Time) error {
	return s.store.PutSession(ctx, token, content, expiry, s.clock())
}

// DeleteCtx forgets a session.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.DeleteSession(ctx, token)
}

// Find, Commit and Delete are what the library calls where it has no context.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit keeps a session.
func (s sessionStore) Commit(token string, content []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, content, expiry)
}

// Delete forgets a session.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/secret"
)

// providerSeconds is what the provider gets to answer.
const providerSeconds = 15

// BackPath is where the provider sends people back to.
const BackPath = "/sign-in/back"

// provider is the discovered provider of the deployed configuration.
type provider struct {
	lock   sync.Mutex
	issuer string
	found  *oidc.Provider
}

// of discovers a provider, once for each issuer.
func (p *provider) of(ctx context.Context, issuer string) (*oidc.Provider, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.found != nil && p.issuer == issuer {
		return p.found, nil
	}
	// The keys are fetched anew long after this request: they need a context that lasts.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: providerSeconds * time.Second})
	found, err := oidc.NewProvider(lasting, issuer)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Op: "find the provider", Msg: "the provider of sign-in does not answer as it should", Do: "Try again later, or sign in with a password.", Err: err}
	}
	p.issuer, p.found = issuer, found
	return found, nil
}

// configured is the provider of the deployed configuration; nil for none.
func (b *Browser) configured(ctx context.Context) (*declare.Provider, error) {
	c, err := b.Desk.configuration(ctx)
	if err != nil || c == nil {
		return nil, err
	}
	return c.Provider, nil
}

// Provider is what the provider is called; "" for none.
func (b *Browser) Provider(ctx context.Context) (string, error) {
	p, err := b.configured(ctx)
	if err != nil || p == nil {
		return "", err
	}
	return p.Name, nil
}

// client is how Provisor speaks to the provider.
func (b *Browser) client(r *http.Request) (*declare.Provider, *oidc.Provider, *oauth2.Config, error) {
	p, err := b.configured(r.Context())
	if err != nil {
		return nil, nil, nil, err
	}
	if p == nil {
		return nil, nil, nil, fault.New(fault.NotFound, "sign in", "no provider is configured here")
	}
	found, err := b.provider.of(r.Context(), p.Issuer)
	if err != nil {
		return nil, nil, nil, err
	}
	var hidden secret.Text
	if p.ClientSecret != "" {
		if hidden, err = b.Secret(r.Context(), p.ClientSecret); err != nil {
			return nil, nil, nil, fault.Wrap(fault.Unavailable, "read the client secret of sign-in", err)
		}
	}
	return p, found, &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: hidden.Reveal(), Endpoint: found.Endpoint(), RedirectURL: b.base(r) + BackPath,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, nil
}

// base is where browsers reach the server.
func (b *Browser) base(r *http.Request) string {
	switch {
	case b.URL != "":
		return strings.TrimSuffix(b.URL, "/")
	case b.Secure:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// ToProvider returns where to send somebody who wants to sign in there. What comes
// back is recognised by what his session keeps.
func (b *Browser) ToProvider(r *http.Request, to string) (string, error) {
	if err := b.limits.try("", address(r), b.Desk.Clock()); err != nil {
		return "", err // each try keeps a session
	}
	_, _, client, err := b.client(r)
	if err != nil {
		return "", err
	}
	ctx := r.Context()
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	b.sessions.Put(ctx, "state", state)
	b.sessions.Put(ctx, "nonce", nonce)
	b.sessions.Put(ctx, "verifier", verifier)
	b.sessions.Put(ctx, "to", to)
	return client.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// FromProvider signs somebody in whom the provider sent back, and returns where he
// wanted to go.
func (b *Browser) FromProvider(r *http.Request) (to string, err error) {
	ctx, q := r.Context(), r.URL.Query()
	refuse := func(what string, err error) (string, error) {
		b.Log.Warn("somebody was not signed in by the provider", "because", what, "err", err, "address", address(r))
		return "", &fault.Error{Kind: fault.Denied, Op: "sign in", Msg: what, Do: "Begin again at the sign-in page; if it stays, tell an administrator."}
	}
	state, nonce, verifier := b.sessions.PopString(ctx, "state"), b.sessions.PopString(ctx, "nonce"), b.sessions.PopString(ctx, "verifier")
	to = b.sessions.PopString(ctx, "to")
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(q.Get("state"))) == 0 {
		return refuse("this answer belongs to no sign-in that began here", nil)
	}
	if code := q.Get("error"); code != "" {
		return refuse("the provider did not sign you in", errors.New(code))
	}
	p, found, client, err := b.client(r)
	if err != nil {
		return "", err
	}
	asking := oidc.ClientContext(ctx, &http.Client{Timeout: providerSeconds * time.Second})
	answer, err := client.Exchange(asking, q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		var told *oauth2.RetrieveError // its text holds the provider's whole answer
		if errors.As(err, &told) {
			err = errors.New(told.ErrorCode)
		}
		return refuse("the provider did not confirm the sign-in", err)
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := found.Verifier(&oidc.Config{ClientID: p.ClientID, Now: b.Desk.Clock}).Verify(asking, raw)
	if err != nil {
		return refuse("what the provider says of you is not signed as it should be", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) == 0 {
		return refuse("the provider answers another sign-in", nil)
	}
	a, err := b.accountOf(ctx, p, token, func() (map[string]any, error) {
		info, err := found.UserInfo(asking, oauth2.StaticTokenSource(answer))
		if err != nil || info.Subject != token.Subject {
			return nil, errors.Join(err, errors.New("the provider speaks of somebody else"))
		}
		var claims map[string]any
		return claims, info.Claims(&claims)
	})
	if err != nil {
		if fault.KindOf(err) == fault.Denied {
			b.Log.Warn("somebody was not signed in by the provider", "err", err, "address", address(r))
		}
		return "", err
	}
	return to, b.begin(r, a, p.Name)
}

// accountOf finds the account of whom the provider confirmed, and makes one for
// a person of the directory who comes for the first time. more asks the provider for
// what it did not put into the token.
func (b *Browser) accountOf(ctx context.Context, p *declare.Provider, token *oidc.IDToken, more func() (map[string]any, error)) (stage.Account, error) {
	refuse := func(format string, args ...any) error {
		return &fault.Error{
			Kind: fault.Denied, Op: "sign in", Msg: fmt.Sprintf(format, args...),
			Do: "Ask an administrator for an account: `provisor account add NAME --provider`.",
		}
	}
	a, found, err := b.Desk.Store.AccountOf(ctx, p.Issuer, token.Subject)
	if err != nil {
		return a, err
	}
	if !found {
		name, err := claimed(p, token, more)
		if err != nil {
			return a, refuse("%s", err)
		}
		if a, err = b.enrol(ctx, p, token.Subject, name); err != nil {
			if kind := fault.KindOf(err); kind == fault.Conflict || kind == fault.Invalid || kind == fault.NotFound {
				return a, refuse("the provider knows you, and Provisor has no account for you: %s", err)
			}
			return a, err
		}
	}
	if !a.Disabled.IsZero() {
		return a, refuse("the account %s is disabled", a.Name)
	}
	return a, nil
}

// claimed reads the claim that names somebody. An address counts only when the
// provider says that it was verified.
func claimed(p *declare.Provider, token *oidc.IDToken, more func() (map[string]any, error)) (string, error) {
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return "", errors.New("what the provider says of you cannot be read")
	}
	if _, there := claims[p.Claim]; !there {
		var err error
		if claims, err = more(); err != nil {
			return "", errors.New("the provider does not say more of you")
		}
	}
	name, _ := claims[p.Claim].(string)
	if name == "" {
		return "", fmt.Errorf("the provider does not say %s of you", p.Claim)
	}
	if verified := claims["email_verified"]; p.Claim == "email" && verified != true && verified != "true" {
		return "", errors.New("the provider has not verified your address")
	}
	return name, nil
}

// enrol ties a provider's user to the account that waits for him, or to the one
// person of the directory who bears the name.
func (b *Browser) enrol(ctx context.Context, p *declare.Provider, subject, claim string) (stage.Account, error) {
	name, err := checkName(claim)
	if err != nil {
		return stage.Account{}, err
	}
	d := b.Desk
	a, err := d.Store.Account(ctx, name)
	if err == nil && a.Issuer == p.Issuer && a.Subject == "" {
		err = d.Store.ChangeAccount(ctx, d.act("tie account", "account "+name, "first sign-in by the provider"), name, func(kept *stage.Account) error {
			if kept.Subject != "" {
				return fault.New(fault.Conflict, "tie account", "it is somebody else's")
			}
			kept.Subject = subject
			a = *kept
			return nil
		})
		return a, err
	}
	if fault.KindOf(err) != fault.NotFound {
		if err == nil {
			err = fault.New(fault.Conflict, "sign in", "the account %s exists, and is not the provider's to sign in", name)
		}
		return a, err
	}
	person, err := d.onePerson(ctx, claim)
	if err != nil {
		return a, err
	}
	a = stage.Account{Name: name, Person: person, Issuer: p.Issuer, Subject: subject, Epoch: 1}
	return a, d.Store.AddAccount(ctx, d.act("add account", "account "+name, "first sign-in by the provider, as "+person.String()), a)
}

// onePerson is the one person who bears a text as key or identifier.
func (d *Desk) onePerson(ctx context.Context, text string) (resources.Ref, error) {
	c, err := d.Deployed(ctx)
	if err != nil {
		return resources.Ref{}, err
	}
	var found []resources.Ref
	for _, t := range c.Model.Owners() {
		people, err := d.Resolve(ctx, string(t), text)
		if err != nil {
			return resources.Ref{}, err
		}
		for _, p := range people {
			found = append(found, resources.Ref{Type: t, Key: resources.Key(p.Key)})
		}
	}
	if len(found) != 1 {
		return resources.Ref{}, fault.New(fault.NotFound, "sign in", "%d people of the directory bear the name that it says", len(found))
	}
	return found[0], nil
}

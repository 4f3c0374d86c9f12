package client

import (
	"context"
	"iter"
	"net/url"
	"time"

	"provisor.dev/provisor/secret"
)

// SignInAccount is by what somebody signs in.
type SignInAccount struct {
	Account  string    `json:"account"`
	Entity   string    `json:"entity"`
	Person   string    `json:"person"`
	Way      string    `json:"way"` // password, provider, tokens
	Issuer   string    `json:"issuer"`
	Disabled time.Time `json:"disabled"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
}

// SignInAccounts reads them all.
func (c *Client) SignInAccounts(ctx context.Context) iter.Seq2[SignInAccount, error] {
	return Each[SignInAccount](ctx, c, "/sign-in-accounts", nil)
}

// NewSignInAccount is an account that somebody is to get: with a password, through
// the Provider of sign-in or, with neither, for tokens alone.
type NewSignInAccount struct {
	Account  string
	Entity   string // with Person: who that is in the directory
	Person   string
	Password secret.Text
	Provider bool
	Why      string
}

// CreateSignInAccount makes an account. It is sent once: a password is not kept
// under a key.
func (c *Client) CreateSignInAccount(ctx context.Context, x NewSignInAccount) (a SignInAccount, err error) {
	body := map[string]any{"account": x.Account, "provider": x.Provider, "why": x.Why}
	if x.Person != "" {
		body["entity"], body["person"] = x.Entity, x.Person
	}
	if !x.Password.IsZero() {
		body["password"] = x.Password.Reveal()
	}
	return a, c.Make(ctx, "/sign-in-accounts", body, &a)
}

// SetPassword sets the password of an account; its sessions and tokens are over. It
// is sent once, as CreateSignInAccount is.
func (c *Client) SetPassword(ctx context.Context, account string, password secret.Text, why string) error {
	body := map[string]any{"password": password.Reveal(), "why": why}
	return c.Make(ctx, "/sign-in-accounts/"+url.PathEscape(account)+"/password", body, &struct{}{})
}

// DisableSignInAccount keeps an account out. key is as for Post.
func (c *Client) DisableSignInAccount(ctx context.Context, account, key, why string) error {
	return c.Post(ctx, "/sign-in-accounts/"+url.PathEscape(account)+"/disabling", key, reason{why}, &struct{}{})
}

// EnableSignInAccount lets a disabled account in again. key is as for Post.
func (c *Client) EnableSignInAccount(ctx context.Context, account, key, why string) error {
	return c.Post(ctx, "/sign-in-accounts/"+url.PathEscape(account)+"/enabling", key, reason{why}, &struct{}{})
}

// Delivery is how somebody is told.
type Delivery struct {
	How  string `json:"how"`  // at-once, digest, none; "": as usual
	Hour string `json:"at"`   // of a digest: 08:00
	Zone string `json:"zone"` // of that hour: Europe/Berlin
}

// OwnDelivery is what one chose oneself, and how it is where one chose nothing.
type OwnDelivery struct {
	Recipient string   `json:"recipient"`
	Chosen    Delivery `json:"chosen"`
	Usual     Delivery `json:"usual"`
}

// OwnDelivery shows how one is told.
func (c *Client) OwnDelivery(ctx context.Context) (d OwnDelivery, err error) {
	return d, c.Get(ctx, "/messages/delivery", nil, &d)
}

// ChooseDelivery says how one wants to be told. key is as for Post.
func (c *Client) ChooseDelivery(ctx context.Context, key string, x Delivery) (d OwnDelivery, err error) {
	body := map[string]string{}
	for name, text := range map[string]string{"how": x.How, "hour": x.Hour, "zone": x.Zone} {
		if text != "" {
			body[name] = text
		}
	}
	return d, c.Post(ctx, "/messages/delivery", key, body, &d)
}

// RetryMessages makes every message due that waits or was given up, and says how
// many those are. key is as for Post.
func (c *Client) RetryMessages(ctx context.Context, key, why string) (messages int64, err error) {
	var answer struct{ Messages int64 }
	err = c.Post(ctx, "/messages/retries", key, reason{why}, &answer)
	return answer.Messages, err
}

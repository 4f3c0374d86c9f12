// Package signin knows who people are inside Provisor and what each may do: their
// accounts, sessions and tokens, the profiles that they have by hand, by rule and
// by delegation.
//
// It promises that passwords, tokens, sessions and links are kept as hashes alone
// and appear in no journal and no message; that whoever may try passwords is
// limited by account and by address; that what is disabled or revoked holds from
// the next request on; and that nobody gives a profile to himself. The command
// line and the pages call it. Sessions stand in the store, so a crash signs
// nobody out.
package signin

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// Store is what signing in needs of the store.
type Store interface {
	AddAccount(ctx context.Context, act journal.Act, a stage.Account, profiles ...access.ProfileAssignment) error
	FirstAccount(ctx context.Context, act journal.Act, link string, a stage.Account, profiles ...access.ProfileAssignment) error
	PutFirstLink(ctx context.Context, act journal.Act, x stage.FirstLink) error
	ChangeAccount(ctx context.Context, act journal.Act, name string, change func(*stage.Account) error) error
	Account(ctx context.Context, name string) (stage.Account, error)
	AccountOf(ctx context.Context, issuer, subject string) (stage.Account, bool, error)
	Accounts(ctx context.Context) ([]stage.Account, error)
	HasAccounts(ctx context.Context) (bool, error)
	AddProfile(ctx context.Context, act journal.Act, p access.ProfileAssignment) (access.AssignmentID, error)
	RevokeProfile(ctx context.Context, act journal.Act, id access.AssignmentID) error
	Profiles(ctx context.Context, f stage.ProfileFilter) ([]access.ProfileAssignment, error)
	Session(ctx context.Context, hash string, now time.Time) ([]byte, bool, error)
	PutSession(ctx context.Context, hash string, content []byte, expires, now time.Time) error
	DeleteSession(ctx context.Context, hash string) error
	AddToken(ctx context.Context, act journal.Act, x stage.Token) (int64, error)
	Token(ctx context.Context, hash string) (stage.Token, bool, error)
	Tokens(ctx context.Context, account string) ([]stage.Token, error)
	RevokeToken(ctx context.Context, act journal.Act, id int64) error
	TokenUsed(ctx context.Context, id int64, now time.Time) error
	AppendAct(ctx context.Context, act journal.Act) error
	Below(ctx context.Context, entity schema.EntityType, parent schema.PropertyName, from resources.Key) ([]resources.Key, error)
}

// Desk is where accounts and profiles are kept in order.
type Desk struct {
	Store Store
	Clock func() time.Time
	Day   func() time.Time // on which it is judged where people stand
	Actor journal.Actor
	// Deployed is the configuration that the stages use; fault.NotFound for none.
	Deployed func(context.Context) (*declare.Configuration, error)
	// Standing says where a person stands today.
	Standing func(context.Context, resources.Ref) (requests.Standing, error)
	// Resolve finds people by key or identifier, among one entity type.
	Resolve func(ctx context.Context, entity, text string) ([]view.Owner, error)
}

func (d *Desk) act(name, subject, why string) journal.Act {
	return journal.Act{Actor: d.Actor, Name: name, Subject: subject, Why: why, At: d.Clock()}
}

// accountName is what an account may be called: a word or an address.
var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,99}$`)

func checkName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if !accountName.MatchString(name) {
		return "", &fault.Error{Kind: fault.Invalid, Op: "add account", Msg: fmt.Sprintf("%q cannot be the name of an account", name), Do: "use letters, digits and . _ @ + -, 100 at most"}
	}
	return name, nil
}

// An Entrant is somebody who gets an account.
type Entrant = act.Entrant

// Add makes an account. It may nothing until a profile says so.
func (d *Desk) Add(ctx context.Context, x Entrant) (stage.Account, error) {
	name, err := checkName(x.Name)
	if err != nil {
		return stage.Account{}, err
	}
	a := stage.Account{Name: name, Person: x.Person, Epoch: 1}
	if !x.Password.IsZero() {
		if err := CheckPassword(x.Password); err != nil {
			return a, err
		}
		if a.Hash, err = hash(ctx, x.Password); err != nil {
			return a, err
		}
	}
	if x.Provider {
		c, err := d.Deployed(ctx)
		if err != nil || c.Provider == nil {
			return a, &fault.Error{Kind: fault.Refused, Op: "add account", Msg: "no provider is configured", Do: "deploy a configuration with signIn first, or give the account a password", Err: err}
		}
		a.Issuer = c.Provider.Issuer
	}
	return a, d.Store.AddAccount(ctx, d.act("add account", "account "+name, x.Why), a)
}

// Disable keeps an account from signing in, and ends its sessions and tokens;
// Enable lets it in again.
func (d *Desk) Disable(ctx context.Context, name, why string) error {
	return d.Store.ChangeAccount(ctx, d.act("disable account", "account "+name, why), name, func(a *stage.Account) error {
		a.Disabled = d.Clock()
		a.Epoch++
		return nil
	})
}

// Enable lets a disabled account in again.
func (d *Desk) Enable(ctx context.Context, name, why string) error {
	return d.Store.ChangeAccount(ctx, d.act("enable account", "account "+name, why), name, func(a *stage.Account) error {
		a.Disabled = time.Time{}
		return nil
	})
}

// SetPassword sets a password, and ends the account's sessions and tokens.
func (d *Desk) SetPassword(ctx context.Context, name string, password secret.Text, why string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	hashed, err := hash(ctx, password)
	if err != nil {
		return err
	}
	return d.Store.ChangeAccount(ctx, d.act("set password", "account "+name, why), name, func(a *stage.Account) error {
		a.Hash = hashed
		a.Epoch++
		return nil
	})
}

// Accounts lists them.
func (d *Desk) Accounts(ctx context.Context) ([]stage.Account, error) { return d.Store.Accounts(ctx) }

const (
	// firstLinkHours is how long the one-time link of a start holds.
	firstLinkHours = 24
	// tokenDaysDefault and tokenDaysMost are how long a token holds: one that nobody
	// remembers ends by itself.
	tokenDaysDefault = 90
	tokenDaysMost    = 366
)

// FirstLink makes the link by which the first administrator gets an account; the
// one before is void.
func (d *Desk) FirstLink(ctx context.Context) (secret.Text, error) {
	link := newToken()
	act := d.act("make first link", "", "nobody can sign in yet")
	return link, d.Store.PutFirstLink(ctx, act, stage.FirstLink{Hash: digest(link), Expires: act.At.Add(firstLinkHours * time.Hour)})
}

// First makes the first account, an administrator, for whoever holds the link.
func (d *Desk) First(ctx context.Context, link secret.Text, name string, password secret.Text) (stage.Account, error) {
	name, err := checkName(name)
	if err == nil {
		err = CheckPassword(password)
	}
	if err != nil {
		return stage.Account{}, err
	}
	hashed, err := hash(ctx, password)
	if err != nil {
		return stage.Account{}, err
	}
	a := stage.Account{Name: name, Hash: hashed, Epoch: 1}
	act := d.act("first account", "account "+name, "by the one-time link")
	act.Actor.As = name
	return a, d.Store.FirstAccount(ctx, act, digest(link), a, access.ProfileAssignment{
		Holder: access.Holder{Account: name}, Profile: access.Administrator, How: access.ByHand,
	})
}

// A Made token, with the text that is shown once.
type Made = act.MadeToken

// CreateToken makes a token of an account. It may what the account may.
func (d *Desk) CreateToken(ctx context.Context, account, name string, days int, why string) (Made, error) {
	if days == 0 {
		days = tokenDaysDefault
	}
	if days < 1 || days > tokenDaysMost {
		return Made{}, fault.New(fault.Invalid, "create token", "a token holds for 1 to %d days, not %d", tokenDaysMost, days)
	}
	a, err := d.Store.Account(ctx, account)
	if err != nil {
		return Made{}, err
	}
	if !a.Disabled.IsZero() {
		return Made{}, fault.New(fault.Refused, "create token", "the account %s is disabled", account)
	}
	text := newToken()
	act := d.act("create token", "account "+account, why)
	x := stage.Token{Hash: digest(text), Account: account, Name: name, Epoch: a.Epoch, At: act.At, By: act.Actor.String(), Expires: act.At.AddDate(0, 0, days)}
	act.Detail = map[string]any{"name": name, "expires": x.Expires}
	x.ID, err = d.Store.AddToken(ctx, act, x)
	return Made{Token: x, Text: text}, err
}

// Tokens lists those of an account, or all for "".
func (d *Desk) Tokens(ctx context.Context, account string) ([]stage.Token, error) {
	return d.Store.Tokens(ctx, account)
}

// RevokeToken makes a token worthless.
func (d *Desk) RevokeToken(ctx context.Context, id int64, why string) error {
	return d.Store.RevokeToken(ctx, d.act("revoke token", fmt.Sprintf("token %d", id), why), id)
}

// NeedsFirst reports whether nobody is an administrator: then a server prints the
// one-time link.
func (d *Desk) NeedsFirst(ctx context.Context) (bool, error) {
	list, err := d.Given(ctx)
	if err != nil {
		return false, err
	}
	now := d.Clock()
	for _, a := range list {
		if a.Profile == access.Administrator && a.Active(now) && a.Scope.IsZero() && a.How == access.ByHand {
			return false, nil
		}
	}
	return true, nil
}

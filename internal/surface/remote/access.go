package remote

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/secret"
)

// AccessDesk is where accounts, profiles and tokens are kept in order on the server.
func (s *Server) AccessDesk() act.AccessDesk { return accessDesk{s} }

type accessDesk struct{ *Server }

// accountOf is an account as a folder has it; of its password it is known alone that
// there is one.
func accountOf(x client.SignInAccount) stage.Account {
	a := stage.Account{
		Name: x.Account, Person: resources.Ref{Type: schema.EntityType(x.Entity), Key: resources.Key(x.Person)}, Issuer: x.Issuer,
		Disabled: x.Disabled, At: x.At, By: x.By,
	}
	if x.Way == "password" {
		a.Hash = "on the server"
	}
	return a
}

func (d accessDesk) Add(ctx context.Context, x act.Entrant) (stage.Account, error) {
	made, err := d.Client.CreateSignInAccount(ctx, client.NewSignInAccount{
		Account: x.Name, Entity: string(x.Person.Type), Person: string(x.Person.Key), Password: x.Password, Provider: x.Provider, Why: x.Why,
	})
	return accountOf(made), Failed(err, d.Client.URL)
}

func (d accessDesk) Disable(ctx context.Context, name, why string) error {
	return Failed(d.Client.DisableSignInAccount(ctx, name, "", why), d.Client.URL)
}

func (d accessDesk) Enable(ctx context.Context, name, why string) error {
	return Failed(d.Client.EnableSignInAccount(ctx, name, "", why), d.Client.URL)
}

func (d accessDesk) SetPassword(ctx context.Context, name string, password secret.Text, why string) error {
	return Failed(d.Client.SetPassword(ctx, name, password, why), d.Client.URL)
}

func (d accessDesk) Accounts(ctx context.Context) ([]stage.Account, error) {
	list := []stage.Account{}
	for x, err := range d.Client.SignInAccounts(ctx) {
		if err != nil {
			return nil, Failed(err, d.Client.URL)
		}
		list = append(list, accountOf(x))
	}
	return list, nil
}

func (d accessDesk) CreateToken(ctx context.Context, account, name string, days int, why string) (act.MadeToken, error) {
	made, err := d.Client.CreateToken(ctx, account, name, days, why)
	x := stage.Token{ID: made.ID, Account: made.Account, Name: made.Name, At: made.At, By: made.By, Expires: made.Expires}
	return act.MadeToken{Token: x, Text: made.Text}, Failed(err, d.Client.URL)
}

// Tokens lists those of an account or, for "", all that the server shows.
func (d accessDesk) Tokens(ctx context.Context, account string) ([]stage.Token, error) {
	q := url.Values{}
	given(q, "account", account)
	yes(q, "all", account == "")
	return all[stage.Token](ctx, d.Server, "/tokens", q)
}

func (d accessDesk) RevokeToken(ctx context.Context, id int64, why string) error {
	return Failed(d.Client.RevokeToken(ctx, id, "", why), d.Client.URL)
}

// Holder takes a text for the name of an account: who is meant is for the server.
func (d accessDesk) Holder(_ context.Context, text string) (access.Holder, error) {
	return access.Holder{Account: text}, nil
}

func (d accessDesk) Known(ctx context.Context) ([]access.Profile, error) {
	return all[access.Profile](ctx, d.Server, "/profiles", nil)
}

func (d accessDesk) Given(ctx context.Context) ([]access.ProfileAssignment, error) {
	return all[access.ProfileAssignment](ctx, d.Server, "/profile-assignments", url.Values{"over": {"true"}})
}

func (d accessDesk) Has(ctx context.Context, h access.Holder) ([]access.ProfileAssignment, error) {
	who := h.String()
	if h.Account != "" {
		who = h.Account
	}
	return all[access.ProfileAssignment](ctx, d.Server, "/profile-assignments", url.Values{"who": {who}})
}

// givenTo is an assignment as the server reads it.
func givenTo(a access.ProfileAssignment) object {
	body := object{"profile": a.Profile, "scope": a.Scope, "why": a.Why}
	if a.Holder.Account != "" {
		body["account"] = a.Holder.Account
	} else {
		body["entity"], body["person"] = a.Holder.Person.Type, a.Holder.Person.Key
	}
	if from := day(a.From); from != "" {
		body["from"] = from
	}
	if !a.To.IsZero() {
		body["until"] = day(a.To.Add(-24 * time.Hour)) // the last day
	}
	return body
}

func (d accessDesk) Assign(ctx context.Context, a access.ProfileAssignment) (made access.ProfileAssignment, err error) {
	return made, d.post(ctx, "/profile-assignments", givenTo(a), &made)
}

// Delegate hands on what whoever signed in has.
func (d accessDesk) Delegate(ctx context.Context, _ access.Holder, a access.ProfileAssignment) (made access.ProfileAssignment, err error) {
	return made, d.post(ctx, "/delegations", givenTo(a), &made)
}

func (d accessDesk) TakeBack(ctx context.Context, _ access.Holder, id access.AssignmentID, why string) error {
	return Failed(d.Client.EndDelegation(ctx, int64(id), "", why), d.Client.URL)
}

// Revoke takes a profile away; whoever may not takes back what he handed on himself.
func (d accessDesk) Revoke(ctx context.Context, id access.AssignmentID, why string) error {
	err := d.post(ctx, fmt.Sprintf("/profile-assignments/%d/end", id), object{"why": why}, &struct{}{})
	if fault.KindOf(err) == fault.Denied && d.TakeBack(ctx, access.Holder{}, id, why) == nil {
		return nil
	}
	return err
}

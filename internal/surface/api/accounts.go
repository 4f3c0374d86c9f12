package api

import (
	"context"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/secret"
)

func (s *service) signInAccounts() {
	shows(s, operation{access.AccountsManage, "/sign-in-accounts", "listSignInAccounts", "By what people and programs sign in"}, s.listSignInAccounts)
	hides(s, operation{access.AccountsManage, "/sign-in-accounts", "createSignInAccount", "Make a sign-in account; it may nothing until it has a profile"}, s.createSignInAccount)
	hides(s, operation{access.AccountsManage, "/sign-in-accounts/{id}/password", "setPassword", "Set the password of an account; its sessions and tokens end with it"}, s.setPassword)
	acts(s, operation{access.AccountsManage, "/sign-in-accounts/{id}/disabling", "disableSignInAccount", "Keep an account from signing in; its sessions and tokens end with it"}, s.disableSignInAccount)
	acts(s, operation{access.AccountsManage, "/sign-in-accounts/{id}/enabling", "enableSignInAccount", "Let a disabled account in again"}, s.enableSignInAccount)
}

// SignInAccount is by what somebody signs in. Nothing of its password is here.
type SignInAccount struct {
	Account  string    `json:"account"`
	Entity   string    `json:"entity,omitempty" doc:"With person: who that is in the directory."`
	Person   string    `json:"person,omitempty"`
	Way      string    `json:"way" enum:"password,provider,tokens" doc:"How it signs in; tokens: with them alone."`
	Issuer   string    `json:"issuer,omitempty" doc:"Of the provider."`
	Disabled time.Time `json:"disabled,omitzero"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
}

func signInAccount(a stage.Account) SignInAccount {
	way := "tokens"
	switch {
	case a.Issuer != "":
		way = "provider"
	case a.Hash != "":
		way = "password"
	}
	return SignInAccount{
		Account: a.Name, Entity: string(a.Person.Type), Person: string(a.Person.Key), Way: way, Issuer: a.Issuer, Disabled: a.Disabled, At: a.At, By: a.By,
	}
}

func (s *service) listSignInAccounts(ctx context.Context, q *struct{ Window }) (Page[SignInAccount], error) {
	list, err := s.accessDesk(ctx).Accounts(ctx)
	if err != nil {
		return Page[SignInAccount]{}, err
	}
	all := make([]SignInAccount, len(list))
	for i, a := range list {
		all[i] = signInAccount(a)
	}
	return part(all, q.Window)
}

// NewSignInAccount is an account that somebody is to get.
type NewSignInAccount struct {
	Account  string `json:"account" minLength:"1" maxLength:"200"`
	Entity   string `json:"entity,omitempty" doc:"With person: who that is in the directory."`
	Person   string `json:"person,omitempty" doc:"A key."`
	Password string `json:"password,omitempty" maxLength:"1000" doc:"None: the account signs in through the provider, or with tokens."`
	Provider bool   `json:"provider,omitempty" doc:"Whoever the provider of sign-in calls so signs in through it."`
	Why      string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) createSignInAccount(ctx context.Context, q *struct{ Body NewSignInAccount }) (SignInAccount, error) {
	desk, b := s.accessDesk(ctx), q.Body
	switch {
	case (b.Entity == "") != (b.Person == ""):
		return SignInAccount{}, &fault.Error{Kind: fault.Invalid, Msg: "it is not said who that is in the directory", Do: "give entity and person, or neither"}
	case b.Provider && b.Password != "":
		return SignInAccount{}, &fault.Error{Kind: fault.Invalid, Msg: "an account signs in through the provider or with a password", Do: "leave one of them out"}
	}
	x := act.Entrant{Name: b.Account, Password: secret.New(b.Password), Provider: b.Provider, Why: b.Why}
	if b.Person != "" {
		holder, err := desk.Holder(ctx, b.Entity+":"+b.Person)
		if err != nil {
			return SignInAccount{}, err
		}
		x.Person = holder.Person
	}
	a, err := desk.Add(ctx, x)
	return signInAccount(a), err
}

// NewPassword is a password that somebody is to have from now on.
type NewPassword struct {
	Password string `json:"password" minLength:"1" maxLength:"1000"`
	Why      string `json:"why,omitempty" maxLength:"4000"`
}

// Changed is the account that was changed.
type Changed struct {
	Account string `json:"account"`
}

func (s *service) setPassword(ctx context.Context, q *struct {
	Lettered
	Body NewPassword
},
) (Changed, error) {
	return Changed{q.ID}, s.accessDesk(ctx).SetPassword(ctx, q.ID, secret.New(q.Body.Password), q.Body.Why)
}

func (s *service) disableSignInAccount(ctx context.Context, q *struct {
	Lettered
	Body Reason
},
) (Changed, error) {
	return Changed{q.ID}, s.accessDesk(ctx).Disable(ctx, q.ID, q.Body.Why)
}

func (s *service) enableSignInAccount(ctx context.Context, q *struct {
	Lettered
	Body Reason
},
) (Changed, error) {
	return Changed{q.ID}, s.accessDesk(ctx).Enable(ctx, q.ID, q.Body.Why)
}

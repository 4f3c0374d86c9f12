package act

import (
	"context"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

// An AccessDesk is where accounts, tokens and profiles are kept in order.
type AccessDesk interface {
	Add(context.Context, Entrant) (stage.Account, error)
	Disable(ctx context.Context, name, why string) error
	Enable(ctx context.Context, name, why string) error
	SetPassword(ctx context.Context, name string, password secret.Text, why string) error
	Accounts(context.Context) ([]stage.Account, error)

	CreateToken(ctx context.Context, account, name string, days int, why string) (MadeToken, error)
	Tokens(ctx context.Context, account string) ([]stage.Token, error)
	RevokeToken(ctx context.Context, id int64, why string) error

	// Holder finds who is meant by the name of an account, or by the key or an
	// identifier of a person.
	Holder(ctx context.Context, text string) (access.Holder, error)
	Known(context.Context) ([]access.Profile, error)
	Given(context.Context) ([]access.ProfileAssignment, error)
	// Has lists what somebody has now or will have: by hand, by delegation, by rule.
	Has(context.Context, access.Holder) ([]access.ProfileAssignment, error)
	Assign(context.Context, access.ProfileAssignment) (access.ProfileAssignment, error)
	Delegate(ctx context.Context, from access.Holder, a access.ProfileAssignment) (access.ProfileAssignment, error)
	// TakeBack ends a delegation of whoever handed it on.
	TakeBack(ctx context.Context, from access.Holder, id access.AssignmentID, why string) error
	Revoke(ctx context.Context, id access.AssignmentID, why string) error
}

// An Entrant is somebody who gets an account.
type Entrant struct {
	Name     string
	Person   resources.Ref // zero: nobody of the directory
	Password secret.Text   // none: he signs in through the provider, or with tokens
	Provider bool          // he signs in through the configured provider
	Why      string
}

// A MadeToken is a token with its text, which is shown once.
type MadeToken struct {
	stage.Token
	Text secret.Text
}

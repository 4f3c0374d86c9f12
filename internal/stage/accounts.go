package stage

import (
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
)

// An Account is by what somebody signs in: with a password, through an OIDC
// provider, or, a program, with tokens alone.
type Account struct {
	Name    string        `json:"account"`
	Person  resources.Ref `json:"person,omitzero"` // of the directory; zero: nobody in it
	Hash    string        `json:"-"`               // of the password; "": none
	Issuer  string        `json:"issuer,omitempty"`
	Subject string        `json:"-"` // by which the provider knows him; "" until he signed in once
	// Epoch is raised to void every session and token there is.
	Epoch    int64     `json:"-"`
	Disabled time.Time `json:"disabled,omitzero"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
}

// A Token is what a program shows instead of signing in. Its text is known to
// whoever made it, and to nobody else.
type Token struct {
	ID      int64     `json:"token"`
	Hash    string    `json:"-"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Epoch   int64     `json:"-"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// A FirstLink lets whoever holds its text make the first account, once.
type FirstLink struct {
	Hash    string
	Expires time.Time
}

// ProfileFilter chooses profile assignments; the zero one all of them.
type ProfileFilter struct {
	Holders []access.Holder
	IDs     []access.AssignmentID
}

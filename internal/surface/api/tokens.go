package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/secret"
)

func (s *service) tokens() {
	shows(s, operation{access.OwnTokens, "/tokens", "listTokens", "Tokens of one's own, never their texts"}, s.listTokens)
	makes(s, operation{access.OwnTokens, "/tokens", "createToken", "Make a token, and show it once"}, s.createToken)
	acts(s, operation{access.OwnTokens, "/tokens/{id}/revocation", "revokeToken", "Make a token worthless"}, s.revokeToken)
	register(s, huma.Operation{
		OperationID: "signIn", Method: http.MethodPost, Path: Root + "/sign-in", Tags: []string{"tokens"},
		Summary:     "Make a token with a name and a password",
		Description: "Needs no token. Tries are limited by account and by address. What is made is shown in this answer alone.",
		Security:    []map[string][]string{}, MaxBodyBytes: requestBytesMax,
		Metadata: map[string]any{public: "people who are not known yet have to say who they are"},
		Errors:   []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, s.signIn)
}

// Token is what a program shows instead of signing in. Its text is not here.
type Token struct {
	ID      int64     `json:"token"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

func tokenOf(x stage.Token) Token {
	return Token{ID: x.ID, Account: x.Account, Name: x.Name, At: x.At, By: x.By, Expires: x.Expires, Used: x.Used, Revoked: x.Revoked}
}

// MadeToken is a new token with its text.
type MadeToken struct {
	Token
	Text string `json:"text" doc:"What a program sends as Authorization: Bearer. It is shown this once."`
}

// tokensOf is whose tokens are meant: one's own or, for whoever keeps accounts in
// order, another's.
func tokensOf(ctx context.Context, account string) (string, error) {
	who := routes.Who(ctx)
	account = cmp.Or(account, who.Account)
	switch {
	case account == who.Account && account != "", account != "" && who.Has(access.AccountsManage):
		return account, nil
	case account == "":
		_, err := selfHolder(ctx)
		return "", err
	}
	return "", &fault.Error{Kind: fault.Denied, Msg: "no profile of yours lets you " + aboutAccounts(), Do: "ask an administrator for a profile with " + string(access.AccountsManage)}
}

func aboutAccounts() string {
	d, _ := access.Describe(access.AccountsManage)
	return d.About
}

func (s *service) listTokens(ctx context.Context, q *struct {
	Window
	Account string `query:"account" doc:"Another account's, for whoever keeps accounts in order."`
	All     bool   `query:"all" doc:"Those of every account, for whoever keeps accounts in order."`
},
) (Page[Token], error) {
	account := ""
	if !q.All || !routes.Who(ctx).Has(access.AccountsManage) {
		var err error
		if account, err = tokensOf(ctx, q.Account); err != nil {
			return Page[Token]{}, err
		}
	}
	list, err := s.accessDesk(ctx).Tokens(ctx, account)
	if err != nil {
		return Page[Token]{}, err
	}
	all := make([]Token, len(list))
	for i, x := range list {
		all[i] = tokenOf(x)
	}
	return part(all, q.Window)
}

// NewToken is a token that somebody wants.
type NewToken struct {
	Account string `json:"account,omitempty" doc:"Another account's, for whoever keeps accounts in order."`
	Name    string `json:"name,omitempty" maxLength:"200" doc:"What it is for."`
	Days    int    `json:"days,omitempty" minimum:"0" maximum:"366" doc:"How long it holds; 0: 90."`
	Why     string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) createToken(ctx context.Context, q *struct{ Body NewToken }) (MadeToken, error) {
	account, err := tokensOf(ctx, q.Body.Account)
	if err != nil {
		return MadeToken{}, err
	}
	made, err := s.accessDesk(ctx).CreateToken(ctx, account, q.Body.Name, q.Body.Days, q.Body.Why)
	return madeToken(made), err
}

func madeToken(made act.MadeToken) MadeToken {
	return MadeToken{Token: tokenOf(made.Token), Text: made.Text.Reveal()}
}

func (s *service) revokeToken(ctx context.Context, q *struct {
	Numbered
	Body Reason
},
) (Ended, error) {
	desk, who := s.accessDesk(ctx), routes.Who(ctx)
	list, err := desk.Tokens(ctx, "")
	if err != nil {
		return Ended{}, err
	}
	own := slices.ContainsFunc(list, func(x stage.Token) bool { return x.ID == q.ID && x.Account == who.Account && who.Account != "" })
	if !own && !who.Has(access.AccountsManage) {
		return Ended{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no such token of yours", Do: "the list shows yours"}
	}
	return Ended{q.ID}, desk.RevokeToken(ctx, q.ID, q.Body.Why)
}

// Credentials are what somebody signs in with.
type Credentials struct {
	Account  string `json:"account" minLength:"1" maxLength:"200"`
	Password string `json:"password" minLength:"1" maxLength:"1000"`
	Name     string `json:"name,omitempty" maxLength:"200" doc:"What the token is for."`
	Days     int    `json:"days,omitempty" minimum:"0" maximum:"366" doc:"How long it holds; 0: 90."`
}

func (s *service) signIn(ctx context.Context, q *struct{ Body Credentials }) (MadeToken, error) {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	if s.SignIn == nil || r == nil {
		return MadeToken{}, &fault.Error{Kind: fault.NotFound, Msg: "nobody signs in here", Do: "ask without a token"}
	}
	made, err := s.SignIn.Token(r, q.Body.Account, secret.New(q.Body.Password), q.Body.Name, q.Body.Days)
	var known *fault.Error
	switch {
	case !errors.As(err, &known):
	case known.Kind == fault.Unavailable && known.Err == nil: // to wait is told, what the store says is not
		return MadeToken{}, &Problem{Title: http.StatusText(http.StatusTooManyRequests), Status: http.StatusTooManyRequests, Detail: sentence(known.Msg), Do: sentence(known.Do)}
	case known.Kind == fault.Denied && known.Op == "sign in":
		return MadeToken{}, &Problem{Title: http.StatusText(http.StatusUnauthorized), Status: http.StatusUnauthorized, Detail: sentence(known.Msg), Do: sentence(known.Do)}
	}
	return madeToken(made), err
}

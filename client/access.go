package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"provisor.dev/provisor/secret"
)

// A Token is what a program shows instead of signing in, as it is listed.
type Token struct {
	ID      int64     `json:"token"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used"`
	Revoked time.Time `json:"revoked"`
}

// A MadeToken is a new token with its text, which is shown once.
type MadeToken struct {
	Token
	Text secret.Text
}

// made is a token as the server sends it: a secret.Text is never read from JSON.
type made struct {
	Token
	Text string `json:"text"`
}

// SignIn makes a token with a name and a password; days is how long it holds, 0 as
// long as is usual. The client needs none for it.
func (c *Client) SignIn(ctx context.Context, account string, password secret.Text, name string, days int) (MadeToken, error) {
	var m made
	err := c.Make(ctx, "/sign-in", map[string]any{"account": account, "password": password.Reveal(), "name": name, "days": days}, &m)
	return MadeToken{m.Token, secret.New(m.Text)}, err
}

// Self is who asks.
type Self struct {
	Account     string   `json:"account"`
	Entity      string   `json:"entity"`
	Person      string   `json:"person"`
	Permissions []string `json:"permissions"`
}

// Self shows whose the token is, and what he may do.
func (c *Client) Self(ctx context.Context) (s Self, err error) {
	return s, c.Get(ctx, "/me", nil, &s)
}

// Tokens reads the tokens of an account; "": one's own.
func (c *Client) Tokens(ctx context.Context, account string) iter.Seq2[Token, error] {
	q := url.Values{}
	if account != "" {
		q.Set("account", account)
	}
	return Each[Token](ctx, c, "/tokens", q)
}

// CreateToken makes a token of an account; "": one's own.
func (c *Client) CreateToken(ctx context.Context, account, name string, days int, why string) (MadeToken, error) {
	var m made
	err := c.Make(ctx, "/tokens", map[string]any{"account": account, "name": name, "days": days, "why": why}, &m)
	return MadeToken{m.Token, secret.New(m.Text)}, err
}

// RevokeToken makes a token worthless. key is as for Post.
func (c *Client) RevokeToken(ctx context.Context, id int64, key, why string) error {
	return c.Post(ctx, fmt.Sprintf("/tokens/%d/revocation", id), key, reason{why}, &struct{}{})
}

type reason struct {
	Why string `json:"why,omitempty"`
}

// Profile is a set of permissions.
type Profile struct {
	ID          string   `json:"profile"`
	Name        string   `json:"name"`
	About       string   `json:"about"`
	Permissions []string `json:"permissions"`
	Scope       Scope    `json:"scope"`
	BuiltIn     bool     `json:"builtIn"`
}

// Scope says how far a permission reaches; the zero Scope reaches everything.
type Scope struct {
	EntityTypes   []string            `json:"entityTypes,omitempty"`
	ResourceTypes []string            `json:"resourceTypes,omitempty"`
	Categories    []string            `json:"categories,omitempty"`
	Roles         []string            `json:"roles,omitempty"`
	Places        map[string][]string `json:"places,omitempty"`
	Team          bool                `json:"team,omitempty"`
	Self          bool                `json:"self,omitempty"`
}

// A Holder is who has a profile: an account, or a person.
type Holder struct {
	Account string `json:"account"`
	Person  struct {
		Type string `json:"type"`
		Key  string `json:"key"`
	} `json:"person"`
}

// ProfileAssignment is a profile as somebody has it.
type ProfileAssignment struct {
	ID        int64     `json:"id"`
	Holder    Holder    `json:"holder"`
	Profile   string    `json:"profile"`
	Scope     Scope     `json:"scope"`
	How       string    `json:"how"` // by hand, by rule, delegation
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Delegator Holder    `json:"delegator"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Why       string    `json:"why"`
	Revoked   time.Time `json:"revoked"`
}

// Profiles reads the profiles that there are.
func (c *Client) Profiles(ctx context.Context) iter.Seq2[Profile, error] {
	return Each[Profile](ctx, c, "/profiles", nil)
}

// ProfileAssignments reads who has which profile; who names an account or a person,
// "" everybody.
func (c *Client) ProfileAssignments(ctx context.Context, who string) iter.Seq2[ProfileAssignment, error] {
	q := url.Values{}
	if who != "" {
		q.Set("who", who)
	}
	return Each[ProfileAssignment](ctx, c, "/profile-assignments", q)
}

// Given says who gets a profile: an Account, or a Person of an Entity type.
type Given struct {
	Profile string `json:"profile"`
	Account string `json:"account,omitempty"`
	Entity  string `json:"entity,omitempty"`
	Person  string `json:"person,omitempty"`
	Scope   Scope  `json:"scope"`
	From    string `json:"from,omitempty"`  // 2026-03-01
	Until   string `json:"until,omitempty"` // the last day
	Why     string `json:"why,omitempty"`
}

// AssignProfile gives somebody a profile. key is as for Post.
func (c *Client) AssignProfile(ctx context.Context, key string, g Given) (a ProfileAssignment, err error) {
	return a, c.Post(ctx, "/profile-assignments", key, g, &a)
}

// EndProfile takes a profile away. key is as for Post.
func (c *Client) EndProfile(ctx context.Context, id int64, key, why string) error {
	return c.Post(ctx, fmt.Sprintf("/profile-assignments/%d/end", id), key, reason{why}, &struct{}{})
}

// DelegateProfile hands a profile of one's own on, until a day. key is as for Post.
func (c *Client) DelegateProfile(ctx context.Context, key string, g Given) (a ProfileAssignment, err error) {
	return a, c.Post(ctx, "/delegations", key, g, &a)
}

// EndDelegation takes back what one handed on. key is as for Post.
func (c *Client) EndDelegation(ctx context.Context, id int64, key, why string) error {
	return c.Post(ctx, fmt.Sprintf("/delegations/%d/end", id), key, reason{why}, &struct{}{})
}

// Started is a workflow that somebody started.
type Started struct {
	ID       int64  `json:"id"`
	Workflow string `json:"workflow"`
	Action   string `json:"action"`
	About    Owner  `json:"about"`
	State    struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
	} `json:"state"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
	Version int       `json:"version"`
}

// Filled is a form as it was filled in; Person is the key of whom it is about.
type Filled struct {
	Person  string            `json:"person,omitempty"`
	Set     map[string]string `json:"set,omitempty"`
	Restore []string          `json:"restore,omitempty"`
	From    string            `json:"from,omitempty"`
	Until   string            `json:"until,omitempty"`
	Why     string            `json:"why,omitempty"`
}

// StartWorkflow fills in a form. key is as for Post.
func (c *Client) StartWorkflow(ctx context.Context, form, key string, f Filled) (s Started, err error) {
	return s, c.Post(ctx, "/workflows/"+url.PathEscape(form)+"/starts", key, f, &s)
}

// DecideWorkflow approves, declines or withdraws what was started, as it was seen
// at a version. key is as for Post.
func (c *Client) DecideWorkflow(ctx context.Context, id int64, key, do string, version int, why string) (s Started, err error) {
	body := map[string]any{"do": do, "version": version, "why": why}
	return s, c.Post(ctx, fmt.Sprintf("/started-workflows/%d/decisions", id), key, body, &s)
}

// WithdrawRequest takes back what one asked for. key is as for Post.
func (c *Client) WithdrawRequest(ctx context.Context, id int64, key, why string) error {
	return c.Post(ctx, fmt.Sprintf("/requests/%d/withdrawal", id), key, reason{why}, &struct{}{})
}

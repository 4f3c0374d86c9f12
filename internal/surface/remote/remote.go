// Package remote is a Provisor server as the command line asks it: the questions and
// acts of a folder, answered through the interface for programs.
//
// It promises the same answers as a folder gives, as far as the profiles of whoever
// signed in reach; that what a server refuses comes back as the kind of error that
// the folder would give; and that tokens stand in one file of the user's own,
// readable by nobody else. Package cli calls it. It keeps nothing but that file: a
// crash leaves what the server did.
package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

// A Server is one to which somebody signed in.
type Server struct {
	Client *client.Client
	// Note is told what the answer does not show; it may be nil.
	Note func(format string, args ...any)
	next map[string]string // a server's cursors, by the list and the last row before them
}

// Close lets go of the connections that are not in use.
func (s *Server) Close() error {
	if s.Client.HTTP != nil {
		s.Client.HTTP.CloseIdleConnections()
	}
	return nil
}

// Failed is what a server or the way to it has against something, as a folder says it.
func Failed(err error, address string) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		return &fault.Error{Kind: fault.Denied, Msg: "the server does not know you (any more)", Do: "sign in with `provisor login --server " + address + "`"}
	}
	return Told(err, address)
}

// Told is the same of whoever is only signing in.
func Told(err error, address string) error {
	var p *client.Problem
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &p):
		return &fault.Error{Kind: fault.Unavailable, Msg: "the server does not answer: " + cause(err), Do: "check the address " + address + " and its certificate; `provisor login --help` tells how to trust one"}
	}
	f := &fault.Error{Kind: kinds[p.Status], Msg: text(p.Detail, p.Title), Do: text(p.Do, "")}
	if p.Number != "" {
		f.Do = strings.TrimSpace(f.Do + " The number is " + p.Number + ".")
	}
	for _, d := range p.Details {
		f.Msg += "; " + strings.TrimPrefix(d.Where+": ", ": ") + text(d.What, "")
	}
	return f
}

var kinds = map[int]fault.Kind{
	http.StatusNotFound: fault.NotFound, http.StatusBadRequest: fault.Invalid, http.StatusUnprocessableEntity: fault.Invalid,
	http.StatusForbidden: fault.Denied, http.StatusUnauthorized: fault.Denied, http.StatusConflict: fault.Refused, http.StatusServiceUnavailable: fault.Unavailable,
	http.StatusTooManyRequests: fault.Unavailable, http.StatusBadGateway: fault.Unavailable,
}

// text is a sentence as the command line writes it: without its full stop.
func text(s, otherwise string) string {
	if s = strings.TrimSuffix(s, "."); s == "" {
		return otherwise
	}
	if len(s) > 1 && (s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// cause is the innermost thing that went wrong on the way.
func cause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

func (s *Server) get(ctx context.Context, path string, query url.Values, into any) error {
	return Failed(s.Client.Get(ctx, path, query, into), s.Client.URL)
}

func (s *Server) post(ctx context.Context, path string, body, into any) error {
	return Failed(s.Client.Post(ctx, path, "", body, into), s.Client.URL)
}

// all reads a list to its end.
func all[T any](ctx context.Context, s *Server, path string, query url.Values) ([]T, error) {
	list := []T{}
	for item, err := range client.Each[T](ctx, s.Client, path, query) {
		if err != nil {
			return nil, Failed(err, s.Client.URL)
		}
		list = append(list, item)
	}
	return list, nil
}

// some reads a list as far as a limit; next is the cursor where there is more.
func some[T any](ctx context.Context, s *Server, path string, query url.Values, limit int) (list []T, next string, err error) {
	limit = view.Rows(limit)
	query.Set("limit", strconv.Itoa(limit))
	var page client.Page[T]
	if err := s.get(ctx, path, query, &page); err != nil {
		return nil, "", err
	}
	return page.Items, page.Next, nil
}

// window reads a part of a list. A server's cursors are its own, so they are
// remembered by what they stand after: after is the last row of the page before, ""
// for the first page.
func window[T any](ctx context.Context, s *Server, path string, query url.Values, limit int, after string, last func(T) string) (list []T, more bool, err error) {
	if after != "" {
		cursor, known := s.next[path+" "+after]
		if !known {
			return nil, false, &fault.Error{Kind: fault.Invalid, Msg: "a server knows no place after " + after, Do: "ask from the beginning, with a higher --limit"}
		}
		query.Set("after", cursor)
	}
	list, next, err := some[T](ctx, s, path, query, limit)
	for err == nil && next != "" && len(list) == 0 { // nothing is left of a page that was looked through
		query.Set("after", next)
		list, next, err = some[T](ctx, s, path, query, limit)
	}
	if err != nil || next == "" {
		return list, false, err
	}
	s.remember(path, last(list[len(list)-1]), next)
	return list, true, nil
}

// remember keeps a server's cursor by the row that it stands after.
func (s *Server) remember(path, row, cursor string) {
	if s.next == nil {
		s.next = map[string]string{}
	}
	s.next[path+" "+row] = cursor
}

// place names a row by its number; "" for none.
func place[N ~int64](id N) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(int64(id), 10)
}

// escaped puts texts into an address.
func escaped(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// yes sets a flag of a question where it holds.
func yes(q url.Values, name string, holds bool) {
	if holds {
		q.Set(name, "true")
	}
}

// given sets a text of a question where there is one.
func given(q url.Values, name, text string) {
	if text != "" {
		q.Set(name, text)
	}
}

// day writes a day; "" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// Owners lists the entity types of people.
func (s *Server) Owners(ctx context.Context) ([]schema.EntityType, error) {
	return all[schema.EntityType](ctx, s, "/people", nil)
}

// HasRole tells whether a role is declared.
func (s *Server) HasRole(ctx context.Context, id roles.RoleID) (bool, error) {
	if id == "" {
		return false, nil
	}
	var r struct{}
	err := s.get(ctx, "/roles"+escaped(string(id)), nil, &r)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil, err
}

// RolesBelow lists the roles of a category, and of those below it.
func (s *Server) RolesBelow(ctx context.Context, c roles.CategoryID) ([]string, error) {
	list, err := all[struct {
		ID string `json:"id"`
	}](ctx, s, "/roles", url.Values{"category": {string(c)}})
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	return ids, err
}

// Prove asks for the proof of what somebody has.
func (s *Server) Prove(ctx context.Context, p view.Person, ask explain.Query) (proof explain.Proof, err error) {
	q := url.Values{}
	given(q, "account", ask.Account)
	given(q, "property", ask.Property)
	given(q, "value", ask.Value)
	given(q, "role", ask.Role)
	return proof, s.get(ctx, "/people"+escaped(p.Type, p.Key)+"/why", q, &proof)
}

// VerifyJournal has the server recompute the chain.
func (s *Server) VerifyJournal(ctx context.Context) (int64, error) {
	var v struct {
		Holds     bool  `json:"holds"`
		Entries   int64 `json:"entries"`
		Wrong, Do string
	}
	if err := s.get(ctx, "/journal/verification", nil, &v); err != nil {
		return 0, err
	}
	if !v.Holds {
		return v.Entries, &fault.Error{Kind: fault.Conflict, Msg: text(v.Wrong, "the journal does not hold"), Do: v.Do}
	}
	return v.Entries, nil
}

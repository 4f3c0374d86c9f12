package directory

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/fault"
)

const (
	maxReadings        = 16              // each holds a connection of its own
	readingIdleTimeout = 5 * time.Minute // a page is stored in seconds; a crashed reader must not hold a connection for long
)

// Readings are the paged searches under way. The server binds the cookie of a
// paged search to its connection, so each keeps its connection from page to
// page under an opaque cursor. Cursors do not survive the process: a number
// that counts from one could name another reading after a restart.
type Readings struct {
	pool *Pool

	mu     sync.Mutex
	open   map[string]*reading
	busy   int // taken out of open for the time of one page
	closed bool
}

type reading struct {
	conn   *Conn
	search string // what is read: a cursor fits no other search
	cookie []byte
	idle   *time.Timer
}

// NewReadings returns an empty set of readings over a pool.
func NewReadings(pool *Pool) *Readings {
	return &Readings{pool: pool, open: make(map[string]*reading)}
}

// A Page is one page of a paged search.
type Page struct {
	Entries  []*ldap.Entry
	Cursor   string
	Complete bool
}

// Next fetches one page of at most size entries: the first for the cursor "",
// otherwise the one that follows. A reading ends with its last page or with any
// error; after an error it is begun anew.
func (r *Readings) Next(ctx context.Context, cursor string, size int, request *ldap.SearchRequest) (Page, error) {
	search := strings.Join(append([]string{request.BaseDN, fmt.Sprint(request.Scope), request.Filter}, request.Attributes...), "\x00")
	current, err := r.take(ctx, cursor, search)
	if err != nil {
		return Page{}, err
	}
	page, err := current.fetch(ctx, size, request)
	r.mu.Lock()
	r.busy--
	r.mu.Unlock()
	switch {
	case err != nil:
		current.conn.broken = true // the server still holds the search; hanging up ends it
		current.conn.Give()
		return Page{}, err
	case page.Complete:
		current.conn.Give()
		return page, nil
	}
	current.conn.detach()
	page.Cursor = rand.Text()
	r.keep(page.Cursor, current)
	return page, nil
}

// take begins a reading or takes the one with this cursor; nobody else can use
// the cursor from then on.
func (r *Readings) take(ctx context.Context, cursor, search string) (*reading, error) {
	r.mu.Lock()
	current := r.open[cursor]
	full := cursor == "" && len(r.open)+r.busy >= maxReadings
	if current != nil && current.search == search {
		delete(r.open, cursor)
		current.idle.Stop()
	}
	if cursor == "" && !full || current != nil && current.search == search {
		r.busy++
	}
	r.mu.Unlock()
	switch {
	case full:
		return nil, fault.New(fault.Unavailable, "", "%d readings are under way, which is the limit", maxReadings)
	case cursor == "":
		conn, err := r.pool.Take(ctx)
		if err != nil {
			r.mu.Lock()
			r.busy--
			r.mu.Unlock()
			return nil, err
		}
		return &reading{conn: conn, search: search}, nil
	case current == nil:
		return nil, &fault.Error{Kind: fault.Unavailable, Do: "begin the reading anew",
			Msg: fmt.Sprintf("the reading is not under way any more: it failed, was continued already, or waited longer than %s", readingIdleTimeout)}
	case current.search != search:
		return nil, fault.New(fault.Invalid, "", "the cursor belongs to the reading of something else")
	}
	return current, nil
}

func (r *Readings) keep(cursor string, current *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		current.conn.cut()
		return
	}
	r.open[cursor] = current
	current.idle = time.AfterFunc(readingIdleTimeout, func() { r.drop(cursor) })
}

func (r *Readings) drop(cursor string) {
	r.mu.Lock()
	current := r.open[cursor]
	delete(r.open, cursor)
	r.mu.Unlock()
	if current != nil {
		current.idle.Stop()
		current.conn.hangUp()
	}
}

// Close ends the readings that wait for their next page.
func (r *Readings) Close() {
	r.mu.Lock()
	r.closed = true
	cursors := make([]string, 0, len(r.open))
	for cursor := range r.open {
		cursors = append(cursors, cursor)
	}
	r.mu.Unlock()
	for _, cursor := range cursors {
		r.drop(cursor)
	}
}

// fetch asks for one page. Without the server's answer to the paging control
// nobody knows whether there is more, so that is an error, not an end.
func (r *reading) fetch(ctx context.Context, size int, request *ldap.SearchRequest) (Page, error) {
	paging := ldap.NewControlPaging(uint32(size)) // #nosec G115 -- the size of a page is one of ours
	paging.SetCookie(r.cookie)
	request.Controls = append(request.Controls[:0:0], paging)
	result, err := r.conn.Search(ctx, request)
	if err != nil {
		return Page{}, err
	}
	reply, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
	if !ok {
		return Page{}, fault.New(fault.Refused, "", "the directory did not answer the paged results control: it cannot be known whether this is everything")
	}
	r.cookie = reply.Cookie
	return Page{Entries: result.Entries, Complete: len(reply.Cookie) == 0}, nil
}

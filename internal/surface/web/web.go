// Package web is the pages: what people see of Provisor in a browser.
//
// It promises pages that are whole without scripts, answers of plain questions
// (package view) and nothing else, and a content policy that lets nothing in
// from elsewhere. A script of our own keeps what is shown current: the server
// says that something changed, the page asks again and only what differs moves.
// internal/process/server serves it. Nothing is kept here, so a crash leaves
// nothing behind.
//
// Pages change nothing yet: every route answers GET alone.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// Options make the pages.
type Options struct {
	Questions view.Questions
	// Owners lists the entity types whose resources own accounts: people.
	Owners func(context.Context) ([]schema.EntityType, error)
	// Changes counts what happened in the store.
	Changes func(context.Context) (int64, error)
	Folder  string // which installation this is, and what --dir takes
	Version string
	Wait    func(ctx context.Context, d time.Duration)
	Log     *slog.Logger
}

type pages struct {
	Options
	live *broadcast
}

// New returns the pages.
func New(o Options) http.Handler {
	p := &pages{Options: o, live: newBroadcast(o.Changes, o.Wait, o.Log)}
	mux := http.NewServeMux()
	for pattern, page := range map[string]page{
		"/{$}":                    p.home,
		"/states/{number}":        p.state,
		"/orders/{id}":            p.order,
		"/directory":              p.directory,
		"/directory/{type}":       p.people,
		"/directory/{type}/{key}": p.person,
		"/":                       p.nowhere,
	} {
		mux.Handle("GET "+pattern, p.shown(page))
	}
	mux.HandleFunc("GET /events", p.events)
	mux.Handle("GET /static/", static())
	return guarded(mux)
}

// A page answers a request with what is to be shown.
type page func(*http.Request) (shown, error)

// shown is a page ready to be written.
type shown struct {
	title string
	part  string // which entry of the navigation it belongs to
	body  templ.Component
}

// policy lets the page load from this server and from nowhere else, and lets
// nobody else show it in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded puts on every answer what keeps browsers from being too helpful.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

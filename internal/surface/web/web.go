// Package web is the pages: what people see of Provisor in a browser. They show
// what stands in which state, what waits for whom, and what somebody has and why.
//
// It promises pages that are whole without a script and quicker with one; that
// nothing is changed by them, for they answer GET and HEAD alone; that nothing
// is loaded from elsewhere and no script or style stands in a page, so that the
// strictest content security policy holds; that an error names itself by a number
// and shows nothing of the inside; and that nobody sees a page, a menu entry or a
// row that his profiles do not give him. Nothing is kept here, so a crash leaves
// nothing.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// Questions is what the pages ask of the store.
type Questions interface {
	Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error)
	Order(ctx context.Context, id orders.OrderID) (view.OrderDetail, error)
	Path(ctx context.Context, id orders.AssignedID) ([]view.Step, error)
	StateCounts(ctx context.Context) (view.StateCounts, error)
	TypeCounts(ctx context.Context) ([]view.TypeCount, error)
	People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error)
	Person(ctx context.Context, ref resources.Ref) (view.Person, error)
	Reconciliation(ctx context.Context, f view.ReconciliationFilter) (view.ReconciliationPage, error)
	Parks(ctx context.Context) ([]view.Park, error)
}

// Options are what the pages are made of.
type Options struct {
	Questions Questions
	// Within answers the same questions about what a filter lets through. Without
	// it only those are answered who may see everything.
	Within func(access.Filter) Questions
	// SignIn finds out who asks, and lets people sign in; nil: nobody signs in, and
	// everybody may do everything.
	SignIn SignIn
	// Changes returns a number that every act raises, asked about once a second
	// while somebody looks at a page that is live.
	Changes func(context.Context) (int64, error)
	// Entities lists the entity types of people: what the deployed configuration
	// takes as a source, or gives roles to.
	Entities func(context.Context) ([]string, error)
	Company  string           // in the heading of every page; may be empty
	Version  string           // in the foot of every page
	Clock    func() time.Time // the present
	Log      *slog.Logger     // where errors go; nil: the default one
	// Stopping is closed when the server begins to end: live pages hang up then,
	// which they would otherwise do only with their browser. It may be nil.
	Stopping <-chan struct{}
	// Poll is how often Changes is asked; 0: every second.
	Poll time.Duration
}

// site is the pages at work.
type site struct {
	Options
	live   *live
	began  string // tells this process's error numbers from another's
	errors atomic.Int64
}

// New returns the pages, in the registry to which the server adds routes of its own.
func New(o Options) *routes.Registry {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Poll == 0 {
		o.Poll = pollEvery
	}
	s := &site{Options: o, began: strconv.FormatInt(o.Clock().UnixMilli(), 36)}
	s.Questions = narrowed{o.within()}
	s.live = newLive(o, s.homeFragment)
	g := routes.New(s.admission(), s.refuse)
	g.Show("/{$}", access.HomeView, s.show(s.home))
	g.Show("/events", access.HomeView, s.live.serve)
	g.Show("/states", access.StatesView, s.show(s.states))
	g.Show("/states/{number}", access.OrdersView, s.show(s.state))
	g.Show("/orders", access.OrdersView, s.show(s.orders))
	g.Show("/orders/{id}", access.OrdersView, s.show(s.order))
	g.Show("/reconciliation", access.FoundView, s.show(s.reconciliation))
	g.Show("/directory", access.DirectoryView, s.show(s.directory))
	g.Show("/directory/{entity}", access.DirectoryView, s.show(s.people))
	g.Show("/directory/{entity}/{key}", access.DirectoryView, s.show(s.person))
	g.Show("/", access.HomeView, s.show(s.nowhere))
	s.public(g)
	g.Wrap(s.guarded)
	return g
}

// public are the routes that need no permission: the whole list.
func (s *site) public(g *routes.Registry) {
	g.Public(http.MethodGet, "/static/{file}", "the sign-in page, too, has a style; the files are the same everywhere", s.static)
	s.signIn(g)
}

// within returns the answers to what a filter lets through. Where nothing can
// narrow them, they are for those who may see everything.
func (o Options) within() func(access.Filter) Questions {
	if o.Within != nil {
		return o.Within
	}
	if o.SignIn != nil {
		panic("web: people sign in, and nothing narrows what they see: Within is missing")
	}
	return func(access.Filter) Questions { return o.Questions }
}

// policy lets a page load what this server serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded sets what every answer carries.
func (s *site) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// Package web is the pages: what people see of Provisor in a browser. They show
// what stands in which state, what waits for whom, and what somebody has and why.
//
// It promises pages that are whole without a script and quicker with one; that
// nothing is changed but by a form sent from one of them, through one door; that
// nothing is loaded from elsewhere and no script or style stands in a page, so that the
// strictest content security policy holds; and that an error names itself by a
// number and shows nothing of the inside. The server mounts the handler and
// decides who may reach it. Nothing is kept here, so a crash leaves nothing.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/surface/act"
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
	Requests(ctx context.Context, f view.RequestFilter) (view.RequestPage, error)
	Request(ctx context.Context, id requests.RequestID) (view.Request, error)
	FoundRoles(ctx context.Context, f view.FoundRoleFilter) (view.FoundRolePage, error)
	Parks(ctx context.Context) ([]view.Park, error)
	EntityCounts(ctx context.Context, entities []string) (map[string]int, error)
	AccountCounts(ctx context.Context, types []string) ([]view.TypeCount, error)
	Readings(ctx context.Context, f view.ReadingFilter) ([]view.Reading, error)
	Holders(ctx context.Context, f view.HolderFilter) (view.HolderPage, error)
	Journal(ctx context.Context, f view.JournalFilter) (view.JournalPage, error)
}

// Options are what the pages are made of.
type Options struct {
	Questions Questions
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
	// Desks hand out where people act, and Local is who acts until people sign in.
	Desks act.Desks
	Local journal.Actor
	// Model is the deployed role model.
	Model func(context.Context) (*roles.Model, error)
	// Explain proves what a person has and has not.
	Explain func(context.Context, view.Person, explain.Query) (explain.Proof, error)
	// VerifyJournal recomputes the chain and says how many entries hold.
	VerifyJournal func(context.Context) (int64, error)
	// Folder is where plans are kept.
	Folder fs.FS
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

// New returns the pages.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Poll == 0 {
		o.Poll = pollEvery
	}
	s := &site{Options: o, began: strconv.FormatInt(o.Clock().UnixMilli(), 36)}
	s.live = newLive(o, s.homeFragment)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.show(s.home))
	mux.HandleFunc("/events", s.live.serve)
	mux.HandleFunc("/states", s.show(s.states))
	mux.HandleFunc("/states/{number}", s.show(s.state))
	mux.HandleFunc("/orders", s.show(s.orders))
	mux.HandleFunc("/orders/{id}", s.show(s.order))
	mux.HandleFunc("GET /review", s.show(s.review))
	mux.HandleFunc("POST /review", s.do(s.decideMany(act.Approve, act.Decline, act.Postpone, act.Retry), s.review))
	mux.HandleFunc("GET /review/properties", s.show(s.reviewProperties))
	mux.HandleFunc("POST /review/properties", s.do(s.decideProperties, s.reviewProperties))
	mux.HandleFunc("GET /review/{id}", s.show(s.reviewOrder))
	mux.HandleFunc("POST /review/{id}", s.do(s.decideOrder, s.reviewOrder))
	mux.HandleFunc("GET /manual", s.show(s.manual))
	mux.HandleFunc("POST /manual", s.do(s.reportMany, s.manual))
	mux.HandleFunc("GET /manual/{id}", s.show(s.manualOrder))
	mux.HandleFunc("POST /manual/{id}", s.do(s.reportOrder, s.manualOrder))
	mux.HandleFunc("GET /reconciliation", s.show(s.reconciliation))
	mux.HandleFunc("POST /reconciliation", s.do(s.settleMany, s.reconciliation))
	mux.HandleFunc("GET /reconciliation/roles", s.show(s.foundRoles))
	mux.HandleFunc("POST /reconciliation/roles", s.do(s.settleRoles, s.foundRoles))
	mux.HandleFunc("GET /reconciliation/{id}", s.show(s.question))
	mux.HandleFunc("POST /reconciliation/{id}", s.do(s.settleQuestion, s.question))
	mux.HandleFunc("/directory", s.show(s.directory))
	mux.HandleFunc("/directory/{entity}", s.show(s.people))
	mux.HandleFunc("/directory/{entity}/{key}", s.show(s.person))
	mux.HandleFunc("GET /directory/{entity}/{key}/profile", s.show(s.profile))
	mux.HandleFunc("GET /directory/{entity}/{key}/accounts", s.show(s.accounts))
	mux.HandleFunc("GET /directory/{entity}/{key}/history", s.show(s.history))
	mux.HandleFunc("GET /directory/{entity}/{key}/why", s.show(s.why))
	mux.HandleFunc("GET /directory/{entity}/{key}/request", s.show(s.catalogFor))
	mux.HandleFunc("GET /directory/{entity}/{key}/request/{role}", s.show(s.requestForm))
	mux.HandleFunc("POST /directory/{entity}/{key}/request/{role}", s.do(s.askFor, s.requestForm))
	mux.HandleFunc("GET /requests", s.show(s.requests))
	mux.HandleFunc("POST /requests", s.do(s.decideRequests, s.requests))
	mux.HandleFunc("GET /requests/changes", s.show(s.changeForms))
	mux.HandleFunc("POST /requests/changes", s.do(s.decideChanges, s.changeForms))
	mux.HandleFunc("GET /requests/{id}", s.show(s.request))
	mux.HandleFunc("POST /requests/{id}", s.do(s.decideRequest, s.request))
	mux.HandleFunc("GET /connectors", s.show(s.connectors))
	mux.HandleFunc("GET /connectors/{id}", s.show(s.connector))
	mux.HandleFunc("GET /connectors/{id}/parked/{type}/{kind}", s.show(s.parked))
	mux.HandleFunc("POST /connectors/{id}/parked/{type}/{kind}", s.do(s.release, s.parked))
	mux.HandleFunc("GET /roles", s.show(s.roleCatalog))
	mux.HandleFunc("GET /roles/{id}", s.show(s.role))
	mux.HandleFunc("GET /rules", s.show(s.rules))
	mux.HandleFunc("GET /plans", s.show(s.plans))
	mux.HandleFunc("GET /plans/{file}", s.show(s.planKept))
	mux.HandleFunc("GET /journal", s.show(s.journal))
	mux.HandleFunc("GET /journal/verify", s.show(s.verifyJournal))
	mux.HandleFunc("/static/{file}", s.static)
	mux.HandleFunc("/", s.show(s.nowhere))
	return s.guarded(mux)
}

// policy lets a page load what this server serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded sets what every answer carries and refuses what would change something.
func (s *site) guarded(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		_, pattern := mux.Handler(r)
		acts := r.Method == http.MethodPost && strings.HasPrefix(pattern, http.MethodPost+" ")
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !acts {
			h.Set("Allow", "GET, HEAD")
			s.write(w, r, http.StatusMethodNotAllowed, page{Title: "Not done", Body: failure(trouble{
				Heading: "This page only shows",
				What:    "Nothing can be changed here with " + r.Method + ".",
				Do:      "Use the forms of the pages, or a terminal: `provisor order --help` lists what people can do.",
			})})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

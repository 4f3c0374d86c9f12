// Package web is the pages: what people see of Provisor in a browser. They show
// what stands in which state, what waits for whom, and what somebody has and why.
//
// It promises pages that are whole without a script and quicker with one; that
// nothing is changed but by a form sent from one of them, through one door; that
// nothing is loaded from elsewhere and no script or style stands in a page, so that the
// strictest content security policy holds; that an error names itself by a number
// and shows nothing of the inside; and that nobody sees a page, a menu entry or a
// row that his profiles do not give him. Nothing is kept here, so a crash leaves
// nothing.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// Questions is what the pages ask of the store.
type Questions = reach.Questions

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
	// RunsTouched returns a number that rises whenever a run goes on.
	RunsTouched func(context.Context) (int64, error)
	// Schedules are those of the deployed configuration.
	Schedules func(context.Context) ([]runs.Schedule, error)
	// Recompute evaluates one owner anew, makes the orders that come of it, and says
	// what changed.
	Recompute func(ctx context.Context, who journal.Actor, owner resources.Ref) (*plan.Person, error)
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
	// Messages is where people say how they are told.
	Messages notify.Desk
	// Folder is where plans are kept, and KeepPlan puts one there and names its file.
	Folder   fs.FS
	KeepPlan func(act.Planned) (file string, err error)
	// Monitoring is where the numbers for monitoring are; "": nowhere.
	Monitoring string
	// Stopping is closed when the server begins to end: live pages hang up then,
	// which they would otherwise do only with their browser. It may be nil.
	Stopping <-chan struct{}
	// Poll is how often Changes is asked; 0: every second.
	Poll time.Duration
	// Secure: browsers reach the server by TLS, through a proxy or without one, and
	// shall reach it by nothing else.
	Secure bool
}

// site is the pages at work.
type site struct {
	Options
	live              *live // the first page
	liveJobs, liveRun *live
	began             string // tells this process's error numbers from another's
	errors            atomic.Int64
	exports           chan struct{} // a place for each list that is being written out
	planning          chan struct{} // a place for a plan that is being made: it looks at everybody
}

// New returns the pages, in the registry to which the server adds routes of its own.
func New(o Options) *routes.Registry {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Poll == 0 {
		o.Poll = pollEvery
	}
	s := &site{Options: o, began: strconv.FormatInt(o.Clock().UnixMilli(), 36), exports: make(chan struct{}, exportsAtOnce), planning: make(chan struct{}, 1)}
	s.Questions = reach.Narrowed(o.within())
	s.live = newLive(o, access.HomeView, o.Changes, s.homeFragment)
	s.liveJobs = newLive(o, access.JobsView, o.RunsTouched, s.jobsFragment)
	s.liveRun = newLive(o, access.JobsView, o.RunsTouched, s.runFragment)
	g := routes.New(s.admission(), s.refuse)
	s.daily(g)
	s.keeping(g)
	s.public(g)
	g.Wrap(s.guarded)
	return g
}

// daily are the routes of what people have, ask for and decide.
func (s *site) daily(g *routes.Registry) {
	g.Show("/{$}", access.HomeView, s.show(s.home))
	g.Show("/events", access.HomeView, s.live.serve)
	g.Show("/states", access.StatesView, s.show(s.states))
	g.Show("/states/{number}", access.OrdersView, s.show(s.state))
	g.Show("/orders", access.OrdersView, s.show(s.orders))
	g.Show("/orders/{id}", access.OrdersView, s.show(s.order))
	g.Show("/review", access.OrdersReview, s.show(s.review))
	g.Act("/review", access.OrdersReview, s.do(s.decideMany(act.Approve, act.Decline, act.Postpone, act.Retry), s.review))
	g.Show("/review/properties", access.OrdersReview, s.show(s.reviewProperties))
	g.Act("/review/properties", access.OrdersReview, s.do(s.decideProperties, s.reviewProperties))
	g.Show("/review/{id}", access.OrdersReview, s.show(s.reviewOrder))
	g.Act("/review/{id}", access.OrdersReview, s.do(s.decideOrder, s.reviewOrder))
	g.Show("/manual", access.OrdersProvision, s.show(s.manual))
	g.Act("/manual", access.OrdersProvision, s.do(s.reportMany, s.manual))
	g.Show("/manual/{id}", access.OrdersProvision, s.show(s.manualOrder))
	g.Act("/manual/{id}", access.OrdersProvision, s.do(s.reportOrder, s.manualOrder))
	g.Show("/reconciliation", access.FoundView, s.show(s.reconciliation))
	g.Act("/reconciliation", access.FoundDecide, s.do(s.settleMany, s.reconciliation))
	g.Show("/reconciliation/properties", access.FoundView, s.show(s.foundProperties))
	g.Act("/reconciliation/properties", access.FoundDecide, s.do(s.settleProperties, s.foundProperties))
	g.Show("/reconciliation/roles", access.RolesReconcile, s.show(s.foundRoles))
	g.Act("/reconciliation/roles", access.RolesReconcile, s.do(s.settleRoles, s.foundRoles))
	g.Show("/reconciliation/{id}", access.FoundView, s.show(s.question))
	g.Act("/reconciliation/{id}", access.FoundDecide, s.do(s.settleQuestion, s.question))
	s.directoryRoutes(g)
	s.formRoutes(g)
	g.Show("/requests", access.RequestsView, s.show(s.requests))
	g.Act("/requests", access.RequestsDecide, s.do(s.decideRequests, s.requests))
	g.Show("/requests/{id}", access.RequestsView, s.show(s.request))
	g.Act("/requests/{id}", access.RequestsDecide, s.do(s.decideRequest, s.request))
	g.Act("/requests/{id}/withdrawal", access.AccessRequest, s.do(s.withdrawRequest, s.request))
	g.Act("/requests/{id}/parameters", access.AccessRequest, s.do(s.supplyRequest, s.request))
}

// keeping are the routes of what keeps it going: systems, rules, jobs, access.
func (s *site) keeping(g *routes.Registry) {
	g.Show("/connectors", access.ConnectorsView, s.show(s.connectors))
	g.Show("/connectors/{id}", access.ConnectorsView, s.show(s.connector))
	g.Show("/connectors/{id}/parked/{type}/{kind}", access.OrdersRelease, s.show(s.parked))
	g.Act("/connectors/{id}/parked/{type}/{kind}", access.OrdersRelease, s.do(s.release, s.parked))
	g.Act("/connectors/{id}", access.ConnectorsOperate, s.do(s.operate, s.connector))
	g.Show("/jobs", access.JobsView, s.show(s.jobs))
	g.Act("/jobs", access.JobsRun, s.do(s.startJob, s.jobs))
	g.Show("/jobs/events", access.JobsView, s.liveJobs.serve)
	g.Show("/jobs/{id}", access.JobsView, s.show(s.run))
	g.Act("/jobs/{id}", access.JobsRun, s.do(s.changeRun, s.run))
	g.Show("/jobs/{id}/events", access.JobsView, s.liveRun.serve)
	g.Show("/roles", access.CatalogView, s.show(s.roleCatalog))
	g.Show("/roles/{id}", access.CatalogView, s.show(s.role))
	g.Show("/rules", access.RulesView, s.show(s.rules))
	g.Show("/plans", access.PlanView, s.show(s.plans))
	g.Act("/plans", access.ConfigurationApply, s.do(s.makePlan, s.plans))
	g.Show("/plans/{file}", access.PlanView, s.show(s.planKept))
	g.Act("/plans/{file}", access.ConfigurationApply, s.do(s.applyPlan, s.planKept))
	g.Show("/messages", access.MessagesView, s.show(s.messages))
	g.Act("/messages", access.JobsRun, s.do(s.retryMessages, s.messages))
	g.Show("/messages/mine", access.OwnMessages, s.show(s.ownMessages))
	g.Act("/messages/mine", access.OwnMessages, s.do(s.chooseDelivery, s.ownMessages))
	g.Show("/journal", access.JournalView, s.show(s.journal))
	g.Show("/journal/verify", access.JournalView, s.show(s.verifyJournal))
	g.Show("/docs", access.HomeView, s.show(s.documents))
	g.Show("/docs/{path...}", access.HomeView, s.document)
	g.Show("/profiles", access.ProfilesView, s.show(s.profiles))
	g.Act("/profiles", access.ProfilesAssign, s.do(s.changeProfiles, s.profiles))
	g.Show("/profiles/{id}", access.ProfilesView, s.show(s.accessProfile))
	g.Act("/profiles/{id}", access.ProfilesAssign, s.do(s.changeProfile, s.accessProfile))
	g.Show("/delegations", access.Delegate, s.show(s.delegations))
	g.Act("/delegations", access.Delegate, s.do(s.changeDelegations, s.delegations))
	g.Show("/", access.HomeView, s.show(s.nowhere))
}

// directoryRoutes are the pages about people.
func (s *site) directoryRoutes(g *routes.Registry) {
	g.Show("/directory", access.DirectoryView, s.show(s.directory))
	g.Show("/directory/{entity}", access.DirectoryView, s.show(s.people))
	g.Show("/directory/{entity}/{key}", access.DirectoryView, s.show(s.person))
	g.Show("/directory/{entity}/{key}/profile", access.DirectoryView, s.show(s.profile))
	g.Show("/directory/{entity}/{key}/accounts", access.AccessView, s.show(s.accounts))
	g.Show("/directory/{entity}/{key}/history", access.AccessView, s.show(s.history))
	g.Show("/directory/{entity}/{key}/why", access.AccessView, s.show(s.why))
	g.Act("/directory/{entity}/{key}/recompute", access.ConnectorsOperate, s.do(s.recompute, s.person))
	g.Show("/directory/{entity}/{key}/request", access.AccessRequest, s.show(s.catalogFor))
	g.Show("/directory/{entity}/{key}/request/{role}", access.AccessRequest, s.show(s.requestForm))
	g.Act("/directory/{entity}/{key}/request/{role}", access.AccessRequest, s.do(s.askFor, s.requestForm))
}

// formRoutes are the pages of forms, and of what was started through them.
func (s *site) formRoutes(g *routes.Registry) {
	g.Show("/requests/changes", access.IdentityChange, s.show(s.changeForms))
	g.Act("/requests/changes", access.IdentityChange, s.do(s.decideChanges, s.changeForms))
	g.Show("/workflows", access.IdentityChange, s.show(s.forms))
	g.Show("/workflows/{id}", access.IdentityChange, s.show(s.form))
	g.Act("/workflows/{id}", access.IdentityChange, s.do(s.startForm, s.form))
	g.Show("/workflows/started/{id}", access.IdentityChange, s.show(s.started))
	g.Act("/workflows/started/{id}", access.IdentityChange, s.do(s.decideStarted, s.started))
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

// unused are what a browser can do and no page of ours asks for.
const unused = "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), " +
	"magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), usb=()"

// tlsAloneSeconds is how long a browser that came by TLS comes by nothing else: a year.
const tlsAloneSeconds = 365 * 24 * 60 * 60

// guarded sets what every answer carries.
func (s *site) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", unused)
		// Nearly every page is about people: none of it stays in a browser that others use, too.
		h.Set("Cache-Control", "no-store")
		if s.Secure && !ownMachine(r.Host) {
			h.Set("Strict-Transport-Security", "max-age="+strconv.Itoa(tlsAloneSeconds))
		}
		next.ServeHTTP(w, r)
	})
}

// ownMachine reports whether a server is called by the name that every machine has
// for itself. A browser keeps to TLS by name, whatever the port: told so under this
// one, it would reach nothing else that runs here.
func ownMachine(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.EqualFold(name, "localhost")
}

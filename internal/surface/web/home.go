package web

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// countedMost bounds what is counted by listing it: who sees "500+" knows enough.
const countedMost = 500

// countedRows bounds it where each row costs more than a line of an index.
const countedRows = 100

// A tally is how many stand in a state.
type tally struct {
	Count int
	Unit  string // "order", or "account" where accounts rest
	More  bool   // there are more than were counted
}

// String writes "1 order" and "10,000+ orders".
func (t tally) String() string {
	unit := t.Unit
	if t.Count != 1 || t.More {
		unit += "s"
	}
	return countText(t.Count, t.More) + " " + unit
}

// standing is everything on the first page that changes while one looks at it.
type standing struct {
	Change  int64 // the store's number when it was counted
	Tallies map[orders.State]tally
	Waits   []waiting
	Parks   []view.Park
	Places  []place
	Quiet   bool // nothing has been evaluated yet
	// Undeployed: there is nothing yet that could be evaluated.
	Undeployed bool
}

// waiting is a kind of thing that waits for people.
type waiting struct {
	Name  string
	About string // who does what with it
	State orders.State
	Count int
	More  bool // there are more than were counted
	Link  string
	needs access.Permission // "": to see orders
}

// permitted leaves what whoever reads the page may look at.
func permitted(ctx context.Context, list []waiting) []waiting {
	return slices.DeleteFunc(list, func(w waiting) bool { return !may(ctx, cmp.Or(w.needs, access.OrdersView)) })
}

func (s *site) home(r *http.Request) (page, error) {
	change, err := s.Changes(r.Context())
	if err != nil {
		return page{}, err
	}
	now, err := s.standing(r.Context())
	if err != nil {
		return page{}, err
	}
	now.Change = change
	return page{Title: "Home", Section: "home", Body: home(now)}, nil
}

// homeFragment is the part of the first page that live updates send.
func (s *site) homeFragment(ctx context.Context, _ string) (string, error) {
	now, err := s.standing(ctx)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := homeLive(now).Render(s.calling(ctx), &b); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (s *site) standing(ctx context.Context) (standing, error) {
	tallies, err := s.tallies(ctx)
	if err != nil {
		return standing{}, err
	}
	parks, err := s.Questions.Parks(ctx)
	if err != nil {
		return standing{}, err
	}
	handed := view.ManualQueue()
	handed.Limit = countedMost
	manual, err := s.Questions.Orders(ctx, handed)
	if err != nil {
		return standing{}, err
	}
	found, err := s.Questions.Reconciliation(ctx, view.ReconciliationFilter{Limit: countedMost})
	if err != nil {
		return standing{}, err
	}
	asked, err := s.Questions.Requests(ctx, view.RequestFilter{Limit: countedRows})
	if err != nil {
		return standing{}, err
	}
	deduced, err := s.Questions.FoundRoles(ctx, view.FoundRoleFilter{Limit: countedRows})
	if err != nil {
		return standing{}, err
	}
	now := standing{Tallies: tallies, Parks: parks, Quiet: true}
	for _, t := range tallies {
		now.Quiet = now.Quiet && t.Count == 0
	}
	if now.Quiet {
		_, err := s.Entities(ctx)
		if now.Undeployed = fault.KindOf(err) == fault.NotFound; err != nil && !now.Undeployed {
			return standing{}, err
		}
	}
	now.Waits = permitted(ctx, []waiting{
		{Name: "Requests", About: "A reviewer decides each step.", State: orders.AwaitingApproval,
			Count: len(asked.Requests), More: asked.After != 0, Link: "/requests?show=open", needs: access.RequestsView},
		{Name: "Awaiting approval", About: "A reviewer approves or declines.", State: orders.AwaitingApproval,
			Count: tallies[orders.AwaitingApproval].Count, More: tallies[orders.AwaitingApproval].More, Link: "/review"},
		{Name: "Handed to technicians", About: "A person carries it out and confirms.", State: orders.Transmitted,
			Count: len(manual.Orders), More: manual.After != 0, Link: "/manual"},
		{Name: "Errored", About: "The application owner retries or declines.", State: orders.Errored,
			Count: tallies[orders.Errored].Count, More: tallies[orders.Errored].More, Link: "/review?state=3"},
		{Name: "Failing rules", About: "The integrator mends the rule.", State: orders.Error,
			Count: tallies[orders.Error].Count, More: tallies[orders.Error].More, Link: "/states/7"},
		{Name: "Questions found", About: "Somebody keeps or corrects what no rule explains.", State: orders.AwaitingApproval,
			Count: len(found.Questions), More: found.After != 0, Link: "/reconciliation", needs: access.FoundView},
		{Name: "Roles found", About: "Somebody keeps or removes what no rule gives.", State: orders.AwaitingApproval,
			Count: len(deduced.Roles), More: deduced.After != nil, Link: "/reconciliation/roles", needs: access.RolesReconcile},
		{Name: "Parked by a threshold", About: "Somebody looks at the mass change and releases it.", State: orders.Pending,
			Count: len(parks), Link: parksAddress(parks)},
	})
	// What needs somebody comes first; what does not keeps its place after it.
	slices.SortStableFunc(now.Waits, func(a, b waiting) int { return boolOf(a.Count == 0) - boolOf(b.Count == 0) })
	now.Places, err = s.places(ctx)
	return now, err
}

// tallies counts open orders by state and, for the states of rest, the accounts
// that rest there.
func (s *site) tallies(ctx context.Context) (map[orders.State]tally, error) {
	counts, err := s.Questions.StateCounts(ctx, view.CountMost)
	if err != nil {
		return nil, err
	}
	accounts, err := s.Questions.TypeCounts(ctx, view.CountMost)
	if err != nil {
		return nil, err
	}
	tallies := map[orders.State]tally{}
	for _, state := range orders.States() {
		t := tally{Unit: "order"}
		if !state.Open() {
			t.Unit = "account"
			for _, n := range accounts {
				if n.State.Number == int(state) {
					t.Count, t.More = t.Count+n.Count, t.More || n.More
				}
			}
		}
		tallies[state] = t
	}
	for _, n := range counts.Orders {
		if state := orders.Numbered(n.State.Number); state.Open() {
			tallies[state] = tally{Count: n.Count, Unit: "order", More: n.More}
		}
	}
	return tallies, nil
}

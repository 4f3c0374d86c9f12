package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// hostile is a name that would do harm where it were not escaped.
const hostile = `<script>alert("x")</script> O'Neil & "Sons"`

var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	owner    = view.Owner{Type: "Person", Key: "E 1/2", Display: hostile}
	awaiting = view.State{No: 5, Name: "Awaiting Approval"}
	none     = view.State{Name: "None"}
)

// answers is a store that always answers the same.
type answers struct {
	view.Questions
	orders []view.Order
	err    error
	asked  view.OrderFilter
}

func (a *answers) Orders(_ context.Context, f view.OrderFilter) (view.OrderPage, error) {
	a.asked = f
	page := view.OrderPage{Orders: a.orders}
	if len(a.orders) > 0 && f.After == 0 {
		page.After = a.orders[len(a.orders)-1].ID
	}
	return page, a.err
}

func (a *answers) Order(_ context.Context, id orders.OrderID) (view.OrderDetail, error) {
	if id != 7 {
		return view.OrderDetail{}, fault.New(fault.NotFound, "order", "there is no order %d", id)
	}
	return view.OrderDetail{Order: anOrder(), Account: account(), Path: taken()}, a.err
}

func (a *answers) Path(context.Context, orders.AssignedID) ([]view.Step, error) {
	return taken(), a.err
}

func (a *answers) StateCounts(context.Context) (view.StateCounts, error) {
	return view.StateCounts{Orders: []view.StateCount{{State: awaiting, Count: 4711}}}, a.err
}

func (a *answers) TypeCounts(context.Context) ([]view.TypeCount, error) { return nil, a.err }

func (a *answers) People(_ context.Context, f view.PeopleFilter) (view.PeoplePage, error) {
	if f.Text == "nobody" {
		return view.PeoplePage{}, a.err
	}
	page := view.PeoplePage{People: []view.Owner{owner}}
	if f.After == (view.PeopleCursor{}) {
		page.After = &view.PeopleCursor{Display: hostile, Key: owner.Key}
	}
	return page, a.err
}

func (a *answers) Resolve(context.Context, string, string) ([]view.Owner, error) { return nil, a.err }

func (a *answers) Person(_ context.Context, ref resources.Ref) (view.Person, error) {
	if ref.Key != "E 1/2" {
		return view.Person{}, fault.New(fault.NotFound, "person", "nobody")
	}
	return view.Person{
		Owner: owner, Values: map[string]string{"mail": hostile}, Accounts: []view.Account{account()},
		Roles: []view.Role{{Role: "reader", State: &awaiting, Shows: awaiting.Name, Workflow: view.Workflow{No: 18, Name: "Calculated"}, Gives: []view.Gift{{Assigned: 3, Item: 1, Name: "Ledger rights → read", State: awaiting}}}},
	}, a.err
}

func (a *answers) Reconciliation(context.Context, view.ReconciliationFilter) (view.ReconciliationPage, error) {
	return view.ReconciliationPage{}, a.err
}

func (a *answers) Readings(context.Context, view.ReadingFilter) ([]view.Reading, error) {
	return []view.Reading{{Connector: "hr", Entity: "Person", Began: noon, State: "parked", Why: "40 % would go"}, {Connector: "hr", Entity: "Person", Began: noon, State: "committed"}}, a.err
}

func (a *answers) Parks(context.Context) ([]view.Park, error) {
	return []view.Park{{Type: "Ledger", Kind: "deletion", Held: 12}}, a.err
}

func anOrder() view.Order {
	return view.Order{
		ID: 7, Assigned: 3, Kind: "addition", Type: "Ledger", Owner: owner, Connector: "ledger", Connection: "main", State: awaiting, Since: noon, Created: noon, Version: 2, Waits: "a review",
		Items: []view.OrderItem{{Item: 1, Property: "rights", Link: "read", State: awaiting, Proposed: hostile, Current: "-", Before: "-", Workflow: view.Workflow{No: 18, Name: "Calculated"}}},
	}
}

func account() view.Account {
	return view.Account{
		ID: 3, Type: "Ledger", Connector: "ledger", Connection: "main", State: awaiting, Order: 7, OrderKind: "addition", Version: 2, Workflow: view.Workflow{No: 18, Name: "Calculated"},
		Items: []view.Item{
			{ID: 0, Name: "account", State: awaiting, Proposed: "present", Current: "-", May: []string{"approve", "decline"}},
			{ID: 1, Name: "rights → read", State: awaiting, Proposed: hostile, Current: "-", Start: noon, Reasons: []assignments.Reason{{Role: "reader", Note: "department FIN"}}, May: []string{"approve"}},
		},
	}
}

func taken() []view.Step {
	return []view.Step{
		{Item: 0, Name: "account", From: none, Event: "expect", To: awaiting, At: noon, Actor: "root@host"},
		{Item: 1, Name: "rights → read", From: none, Event: "expect", To: awaiting, At: noon.Add(time.Minute), Actor: "root@host", Why: hostile},
	}
}

func handler(a *answers, changes func(context.Context) (int64, error)) http.Handler {
	return New(Options{
		Questions: a, Folder: "/srv/acme", Version: "1.2.3", Changes: changes,
		Owners: func(context.Context) ([]schema.EntityType, error) {
			return []schema.EntityType{"Person", "Robot"}, a.err
		},
		Wait: func(ctx context.Context, _ time.Duration) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

// everyPage lists an address of each kind of page.
var everyPage = []string{"/", "/states/5", "/orders/7", "/directory", "/directory/Person", "/directory/Person?q=an", "/directory/Person/E%201%2F2", "/directory/Person/E%201%2F2?item=3.1"}

func TestEachPageShowsWhatItIsFor(t *testing.T) {
	h := handler(&answers{orders: []view.Order{anOrder()}}, nil)
	for path, wants := range map[string][]string{
		"/":                           {"4711", "Awaiting Approval", "/states/5", "To be reviewed", "Parked by a threshold", "12 orders: deletion", "provisor order approve 7 --dir /srv/acme", "40 % would go"},
		"/states/5":                   {"/orders/7", "a review", "ledger/main", ">addition</span> Ledger", "/directory/Person/E%201%2F2", "after=7"},
		"/orders/7":                   {"Order 7", "rights read", "expect", "root@host", "1 Mar 2026 12:00", "approve, decline", "is here now"},
		"/directory":                  {"/directory/Person", "/directory/Robot"},
		"/directory/Person":           {"/directory/Person/E%201%2F2", "Next page"},
		"/directory/Person/E%201%2F2": {"View permissions", "reader", "18 Calculated", "/orders/7", "?item=3.1#path", "role reader (department FIN)", "2026-03-01", "is here now"},
	} {
		w := get(t, h, path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
		for _, want := range wants {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s does not show %q", path, want)
			}
		}
	}
}

func TestTheOverviewShowsTheNewestReadingOfEachEntityTypeAlone(t *testing.T) {
	body := get(t, handler(&answers{}, nil), "/").Body.String()
	if !strings.Contains(body, "parked") || strings.Contains(body, "committed") {
		t.Error("an older reading is shown")
	}
}

func TestNamesOfPeopleAreTextWhateverTheyHold(t *testing.T) {
	h := handler(&answers{orders: []view.Order{anOrder()}}, nil)
	for _, path := range append(everyPage, "/directory?q="+strings.ReplaceAll(`"><script>alert(1)</script>`, `"`, "%22"), "/states/5?q=%22%3E%3Cscript%3E") {
		body := get(t, h, path).Body.String()
		if regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(body) {
			t.Errorf("%s holds a script inside", path)
		}
		if strings.Contains(body, `alert("x")`) {
			t.Errorf("%s holds a name that is not escaped", path)
		}
	}
}

func TestNothingIsLoadedFromElsewhereAndNothingStandsInline(t *testing.T) {
	h := handler(&answers{orders: []view.Order{anOrder()}}, nil)
	for _, path := range append(everyPage, "/nowhere") {
		w := get(t, h, path)
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", path, got)
		}
		body := w.Body.String()
		for what, pattern := range map[string]string{
			"an inline style": `(?i)\sstyle=|<style`, "an event attribute": `(?i)\son[a-z]+=`, "another server": `(?i)(src|href)="?(https?:)?//`,
		} {
			if found := regexp.MustCompile(pattern).FindString(body); found != "" {
				t.Errorf("%s holds %s: %s", path, what, found)
			}
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(body, -1) {
			if f := get(t, h, m[1]); f.Code != http.StatusOK || !strings.Contains(f.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %s answers %d, %q", path, m[1], f.Code, f.Header().Get("Cache-Control"))
			}
		}
	}
}

func TestWhatIsNotThereOrNotUnderstoodSaysSo(t *testing.T) {
	h := handler(&answers{}, nil)
	for path, want := range map[string]int{
		"/nowhere": 404, "/states/9": 404, "/states/-1": 404, "/states/x": 404, "/orders/8": 404, "/orders/x": 404, "/directory/Robots": 404, "/directory/Person/E9": 404,
		"/states/5?after=x": 400, "/directory/Person?after=%25": 400, "/directory/Person/E%201%2F2?item=x": 400, "/static/app.js": 404,
	} {
		if w := get(t, h, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders/7", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAnErrorOfTheStoreIsForTheLogAndNotForThePage(t *testing.T) {
	h := handler(&answers{err: errors.New("password=hunter2 at 10.0.0.7")}, nil)
	for _, path := range everyPage {
		w := get(t, h, path)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAnEmptyListSaysWhatWouldFillIt(t *testing.T) {
	h := handler(&answers{}, nil)
	for s := range orders.States() {
		body := get(t, h, "/states/"+string(rune('0'+s))).Body.String()
		if !strings.Contains(body, `class="empty"`) || emptiness[orders.State(s)] == "" || meanings[orders.State(s)] == "" {
			t.Errorf("state %d says nothing", s)
		}
	}
}

func TestStatesOfRestListTheirHistory(t *testing.T) {
	a := &answers{}
	get(t, handler(a, nil), "/states/4?q=an&after=9")
	if !a.asked.Closed || a.asked.After != 9 || a.asked.Text != "an" || !slices.Equal(a.asked.States, []orders.State{orders.Verified}) {
		t.Errorf("asked for %+v", a.asked)
	}
}

func TestEveryDrawnMoveStandsInTheTable(t *testing.T) {
	legal := map[move]bool{}
	for _, m := range view.Machine() {
		legal[move{orders.State(m.From.No), orders.State(m.To.No)}] = true
	}
	for _, m := range usual {
		if !legal[m] {
			t.Errorf("%s to %s is drawn and not legal", m.from, m.to)
		}
	}
	for _, s := range orders.States() {
		if _, ok := at[s]; !ok {
			t.Errorf("%s stands nowhere", s)
		}
	}
}

func TestAPathLightsWhatWasPassedAndWhereItIs(t *testing.T) {
	d := pathDiagram(awaiting, taken())
	for _, n := range d.nodes {
		if n.now != (n.state == orders.AwaitingApproval) || n.passed != (n.state == orders.None || n.state == orders.AwaitingApproval) {
			t.Errorf("%s: passed %v, now %v", n.state, n.passed, n.now)
		}
	}
	lit := 0
	for _, a := range d.arrows {
		if a.passed {
			lit++
		}
	}
	if lit != 1 {
		t.Errorf("%d moves are lit, want the one that was made", lit)
	}
}

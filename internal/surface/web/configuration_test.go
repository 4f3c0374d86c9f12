package web_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

func TestAConnectorShowsItsConnectionsEntityTypesAndResourceTypes(t *testing.T) {
	h := web.New(options(laid(t)))
	shows(t, h, "/connectors", "Customer relations", "CrmAccount", "CRM account")
	shows(t, h, "/connectors/crm", "Connections", "database", "by the agent", "CrmAccount", "committed", "CRM account", "4 Verified", "writes by itself")
	shows(t, h, "/connectors/badges", "by people", "desk")
	if code, _ := get(t, h, "/connectors/none"); code != http.StatusNotFound {
		t.Errorf("a connector that is not there answers %d", code)
	}
}

func TestWhatAThresholdParkedIsReleasedOneByOneOrAll(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	list, err := e.Views().Orders(t.Context(), view.OrderFilter{Types: []string{"LedgerAccount"}, Kinds: []orders.Kind{orders.Addition}})
	if err != nil || len(list.Orders) < 2 {
		t.Fatalf("%d additions: %v", len(list.Orders), err)
	}
	act := journal.Act{Actor: e.Actor, Name: "park", At: time.Now()}
	if err := e.Park(t.Context(), act, []stage.Park{{Type: "LedgerAccount", Kind: orders.Addition, Count: 2, Limit: 1, Why: "2 additions, at most 1"}}); err != nil {
		t.Fatal(err)
	}
	pairs := []string{"do", "approve"}
	for _, row := range rows(shows(t, h, "/review?type=LedgerAccount&kind=addition")) {
		pairs = append(pairs, "row", row)
	}
	follows(t, h, "/review", pairs...)
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	shows(t, h, "/connectors", "1 mass change")
	shows(t, h, "/connectors/ledger", "Parked by a threshold", "2 additions, at most 1")
	address := "/connectors/ledger/parked/LedgerAccount/addition"
	held := rows(shows(t, h, address, "Releasing is not approving"))
	if len(held) < 2 {
		t.Fatalf("%d orders are parked", len(held))
	}
	if read := follows(t, h, address, "do", "release", "row", held[0], "why", "looked at it"); !strings.Contains(read, "1 order released.") {
		t.Errorf("releasing one reads %s", read)
	}
	if w := post(t, h, address, "do", "all"); w.Code != http.StatusOK || !regexp.MustCompile(`Release all \d+ additions of Ledger account\?`).MatchString(plain(w.Body.String())) {
		t.Errorf("releasing all does not ask: %d %s", w.Code, plain(w.Body.String()))
	}
	if read := follows(t, h, address, "do", "all", "sure", "1"); !strings.Contains(read, "released.") {
		t.Errorf("releasing all reads %s", read)
	}
	if code, _ := get(t, h, address); code != http.StatusNotFound {
		t.Errorf("what is not parked any more answers %d", code)
	}
}

func TestTheCatalogShowsEachRoleWithWhatGivesItWhatItGivesAndWhoHasIt(t *testing.T) {
	h := web.New(options(laid(t)))
	shows(t, h, "/roles", "CRM team Sales", "Front office / Teams", "composite")
	shows(t, h, "/roles?q=sales&kind=single", "CRM team Sales")
	shows(t, h, "/roles/crm-sales", "What it grants", "teams → code sales", "Who gets it by rule", "department SAL", "Who has it", "18 Calculated", "roles.yaml:")
	shows(t, h, "/rules?q=crm-sales", "roles.crm-sales.assign[0]", "department SAL")
	shows(t, h, "/rules?type=CrmUser", "resourceTypes.CrmUser.who[0]")
	if code, _ := get(t, h, "/roles/none"); code != http.StatusNotFound {
		t.Errorf("a role that is not there answers %d", code)
	}
}

// few answers for holders with three rows at a time.
type few struct{ web.Questions }

func (q few) Holders(ctx context.Context, f view.HolderFilter) (view.HolderPage, error) {
	f.Limit = 3
	return q.Questions.Holders(ctx, f)
}

func TestWhoHasARoleGoesOnPageByPage(t *testing.T) {
	o := options(laid(t))
	o.Questions = few{o.Questions}
	h := web.New(o)
	seen, address := map[string]bool{}, "/roles/crm-sales"
	for pages := 0; address != ""; pages++ {
		body := shows(t, h, address)
		for _, l := range links(body) {
			if strings.HasPrefix(l, "/directory/Person/") {
				seen[l] = true
			}
		}
		next := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(body)
		if address = ""; next != nil {
			address = strings.ReplaceAll(next[1], "&amp;", "&")
		}
		if pages > 50 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) < 4 {
		t.Errorf("only %d people have the role", len(seen))
	}
}

func TestTheJournalIsFilteredAndItsChainVerified(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	shows(t, h, "/journal", "evaluate", "Verify the chain")
	shows(t, h, "/journal?q=deploy", "deploy")
	shows(t, h, "/journal?q=no+such+act", "No entry like this")
	shows(t, h, "/journal?actor=nobody", "No entry like this")
	shows(t, h, "/journal/verify", "The journal holds")
	o := options(e)
	o.VerifyJournal = func(context.Context) (int64, error) { return 41, broke }
	shows(t, web.New(o), "/journal/verify", "The journal does not hold", "entry 42", "41 entries before it hold")
	for _, address := range []string{"/journal?since=soon", "/journal?before=x"} {
		if code, _ := get(t, h, address); code != http.StatusBadRequest {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

func TestPlansThatWereKeptAreShownWithTheirOrders(t *testing.T) {
	o := options(laid(t))
	shows(t, web.New(o), "/plans", "No plan is kept", "provisor plan --out change.plan")
	o.Folder = fstest.MapFS{"change.plan": {Data: []byte(kept)}, "odd.plan": {Data: []byte("no plan")}}
	h := web.New(o)
	shows(t, h, "/plans", "change.plan", "3f0c", "1 threshold would trip", "it is not what")
	shows(t, h, "/plans/change.plan", "Plan 3f0c", "People touched 2 of 120", "Additions 1", "Deletions 1", "Thresholds that would trip", "too many",
		"changed roles.x", "email", "ada@example.org", "provisor apply change.plan")
	shows(t, h, "/plans/change.plan?q=ada", "1 order", "Ada")
	shows(t, h, "/plans/change.plan?kind=deletion", "1 order", "Bob")
	if code, _ := get(t, h, "/plans/none.plan"); code != http.StatusNotFound {
		t.Errorf("a plan that is not kept answers %d", code)
	}
}

const kept = `{"name":"3f0c","day":"2026-03-01","kinds":{"addition":1,"deletion":1},
"orders":[{"kind":"addition","type":"CrmUser","owner":{"type":"Person","key":"E1"},"ownerName":"Ada","state":"Pending","items":[{"property":"email","state":"Pending","before":"-","after":"ada@example.org","why":"values.email[0]"}]},
{"kind":"deletion","type":"CrmUser","owner":{"type":"Person","key":"E2"},"ownerName":"Bob","state":"Pending","items":[{"state":"Pending","before":"present","after":"-","why":"nobody"}]}],
"reach":{"people":2,"of":120,"accounts":2},"parks":[{"type":"CrmUser","kind":"deletion","why":"too many"}],
"configuration":[{"object":"roles.x","change":"changed","before":"a","after":"b"}]}`

func TestThePagesOfAnEmptyFolderSayWhatWouldFillThem(t *testing.T) {
	h := web.New(options(empty(t)))
	for address, want := range map[string]string{
		"/review": "Nothing waits for a reviewer", "/review/properties": "No resource type is deployed yet", "/manual": "Nothing is with people",
		"/reconciliation": "No question is open", "/reconciliation/roles": "No role was found", "/requests": "No request is open", "/requests/changes": "No change of data waits for you",
		"/connectors": "No connector is declared yet", "/roles": "No role is declared yet", "/rules": "No rule is declared yet",
		"/plans": "No plan is kept", "/journal": "Nothing was done yet",
	} {
		shows(t, h, address, want, "provisor ")
	}
}

// broke is what a broken chain says.
var broke = fault.New(fault.Conflict, "verify journal", "entry 42 does not follow from the one before")

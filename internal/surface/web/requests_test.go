package web_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// asked is a role that people may ask for, with two approvals.
const asked = `compositeRoles:
  auditor:
    name: Audit the ledger
    category: finance
    entity: Person
    approval: two
    reviewers: {one: [manager], two: ["owner:finance"]}
    maxDuration: 365d
`

// requestable is a company in which a role can be asked for, with somebody and
// his manager.
func requestable(t *testing.T) (e *loop.Engine, person, manager string) {
	t.Helper()
	e = played(t)
	if err := os.WriteFile(filepath.Join(e.Dir, "config", "asked.yaml"), []byte(asked), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(t.Context(), c, "test"); err != nil {
		t.Fatal(err)
	}
	people, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range people.People {
		p, err := e.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(o.Key)})
		if err != nil {
			t.Fatal(err)
		}
		if m := p.Links["manager"]; len(m) == 1 && m[0] != "E00005" && p.Values["endDate"] == "" && p.Values["startDate"] < "2026-01-01" {
			return e, o.Key, m[0]
		}
	}
	t.Fatal("nobody has a manager")
	return nil, "", ""
}

func TestARoleIsAskedForApprovedStepByStepAndSeenInTheHistory(t *testing.T) {
	e, person, manager := requestable(t)
	asker := by(e, "E00002")
	home := "/directory/Person/" + person
	shows(t, asker, home+"/request?q=audit", "Audit the ledger", "two steps", "Finance")
	shows(t, asker, home+"/request?q=nothing+like+it", "No role like this can be asked for")
	form := home + "/request/auditor"
	shows(t, asker, form, "Step 1 is approved by "+manager, "Step 2 is approved by E00005", "At most 365 days", "What is asked for")
	w := post(t, asker, form, "action", "add", "until", "soon", "why", "the audit comes")
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "the audit comes</textarea>") {
		t.Errorf("a day that is none answers %d, or loses the reason", w.Code)
	}
	read := follows(t, asker, form, "action", "add", "until", "2026-06-30", "why", "the audit comes")
	if !strings.Contains(read, "Request 1 is made") || !strings.Contains(read, "the audit comes") {
		t.Fatalf("asking reads %s", read)
	}
	if w := post(t, asker, form, "action", "add"); w.Code != http.StatusConflict {
		t.Errorf("asking again answers %d", w.Code)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	boss := by(e, manager)
	shows(t, boss, "/requests", "Add Audit the ledger", "Pending approval 1 of 2", "E00002", "the audit comes")
	shows(t, asker, "/requests", "No request waits for you")
	shows(t, asker, "/requests?show=open", "Audit the ledger")
	shows(t, by(e, ""), "/requests", "No person acts here yet", "Audit the ledger")
	if w := post(t, asker, "/requests", "do", "approve", "row", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "who may decide: "+manager) && !strings.Contains(plain(w.Body.String()), "Who may decide: "+manager) {
		t.Errorf("approving without a seat answers %d: %s", w.Code, plain(w.Body.String()))
	}
	if read := follows(t, boss, "/requests", "do", "approve", "row", "1", "why", "fine"); !strings.Contains(read, "1 request approved.") {
		t.Errorf("approving reads %s", read)
	}
	// The second step, on the page of the request; a late one hears of it.
	owner := by(e, "E00005")
	body := shows(t, owner, "/requests/1", "step 2 of 2", "What was said", "fine")
	version := versionIn(t, body)
	if read := follows(t, owner, "/requests/1", "do", "approve", "version", version, "why", "agreed"); !strings.Contains(read, "1 request approved.") {
		t.Errorf("the second approval reads %s", read)
	}
	w = post(t, owner, "/requests/1", "do", "decline", "version", version)
	if w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "Somebody decided already") {
		t.Errorf("a late decision answers %d", w.Code)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	shows(t, asker, home, "Audit the ledger", "16 Approved")
	shows(t, asker, home+"/history", "asked to add", "agreed", "approve of step 2")
	shows(t, asker, home+"/why", "Role Audit the ledger", "asked by E00002")
	shows(t, asker, form, "Has it", "Extend: move its end", "Remove: lose it")
}

func versionIn(t *testing.T, body string) string {
	t.Helper()
	_, after, ok := strings.Cut(body, `name="version" value="`)
	version, _, _ := strings.Cut(after, `"`)
	if _, err := strconv.Atoi(version); !ok || err != nil {
		t.Fatalf("no version on the page: %s", plain(body))
	}
	return version
}

func TestARequestIsDeclinedForGoodAfterAQuestionOrTakenBack(t *testing.T) {
	e, person, manager := requestable(t)
	asker, form := by(e, "E00002"), "/directory/Person/"+person+"/request/auditor"
	follows(t, asker, form, "action", "add")
	version := versionIn(t, shows(t, asker, "/requests/1"))
	if read := follows(t, asker, "/requests/1/withdrawal", "version", version); !strings.Contains(read, "Request 1 is taken back.") {
		t.Errorf("taking back reads %s", read)
	}
	follows(t, asker, form, "action", "add")
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	boss := by(e, manager)
	if w := post(t, boss, "/requests", "do", "decline", "row", "2"); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Decline 1 request, for good?") {
		t.Errorf("declining does not ask: %d", w.Code)
	}
	if read := follows(t, boss, "/requests", "do", "decline", "row", "2", "sure", "1"); !strings.Contains(read, "1 request declined.") {
		t.Errorf("declining reads %s", read)
	}
	shows(t, asker, "/requests?show=settled", "17 Declined", "20 Cancellation")
}

func TestAPersonIsShownOnFiveTabs(t *testing.T) {
	e := laid(t)
	h := by(e, "")
	list := shows(t, h, "/states/4")
	person := personIn(t, list)
	shows(t, h, person, "View permissions", "Profile", "Accounts", "History", "Why", "Request access")
	shows(t, h, person+"/profile", "employeeId", "department")
	shows(t, h, person+"/accounts", "Provisioning state")
	shows(t, h, person+"/history", "Verified", "Order")
	shows(t, h, person+"/why", "because", "it read")
	shows(t, h, person+"/why?role=ledger-writer", "ledger-writer")
	for _, address := range []string{person + "/why?role=none", person + "/request/none"} {
		if code, _ := get(t, h, address); code != 400 && code != 404 {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

func personIn(t *testing.T, body string) string {
	t.Helper()
	for _, l := range links(body) {
		if strings.HasPrefix(l, "/directory/Person/") {
			return strings.SplitN(l, "?", 2)[0]
		}
	}
	t.Fatal("no person on the page")
	return ""
}

// formed is a company in which people's titles are changed through a form that a
// manager approves; somebody started one.
func formed(t *testing.T) (e *loop.Engine, person, manager string) {
	t.Helper()
	e, person, manager = requestable(t)
	file := filepath.Join(e.Dir, "config", "people.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "title:      {type: string}", "title:      {type: string, editable: true}", 1))
	form := asked + `workflows:
  title: {name: Title, entity: Person, action: change, who: anybody, approval: one, reviewers: {one: [manager]}, fields: [{property: title, required: true}]}
`
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(filepath.Join(e.Dir, "config", "asked.yaml"), []byte(form), 0o600)); err != nil {
		t.Fatal(err)
	}
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(t.Context(), c, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	desk, err := e.As("E00002").WorkflowDesk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = desk.Start(t.Context(), review.Filled{Workflow: "title", Subject: resources.Key(person), Set: map[schema.PropertyName]string{"title": "Wizard"}, Why: "promoted"})
	if err != nil {
		t.Fatal(err)
	}
	return e, person, manager
}

func TestAChangeOfDataIsApprovedByWhomItWaitsFor(t *testing.T) {
	e, person, manager := formed(t)
	boss := by(e, manager)
	shows(t, by(e, "E00002"), "/requests/changes", "No change of data waits for you")
	shows(t, by(e, ""), "/requests/changes", "No person acts here yet", "Wizard")
	list := rows(shows(t, boss, "/requests/changes", "title", "Wizard", "promoted", "E00002", "Pending approval 1 of 1"))
	if w := post(t, boss, "/requests/changes", "do", "decline", "row", list[0]); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Decline 1 change of data, for good?") {
		t.Errorf("declining does not ask: %d", w.Code)
	}
	if w := post(t, by(e, "E00002"), "/requests/changes", "do", "approve", "row", list[0]); w.Code != http.StatusConflict {
		t.Errorf("approving without a seat answers %d", w.Code)
	}
	if read := follows(t, boss, "/requests/changes", "do", "approve", "row", list[0]); !strings.Contains(read, "1 change approved.") {
		t.Errorf("approving reads %s", read)
	}
	if w := post(t, boss, "/requests/changes", "do", "approve", "row", list[0]); w.Code != http.StatusConflict {
		t.Errorf("approving again answers %d", w.Code)
	}
	shows(t, boss, "/directory/Person/"+person+"/profile", "Wizard", "edited")
}

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/view"
)

// goesOn lets a run begin and come so far, as its server does.
func goesOn(t *testing.T, e *loop.Engine, id runs.RunID, change func(*runs.Run)) {
	t.Helper()
	if _, err := e.ChangeRun(t.Context(), nil, id, e.Clock(), func(x *runs.Run) error { change(x); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestARunIsBegunFollowedAbortedAndResumedOnItsPages(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	shows(t, h, "/jobs", "Nothing runs now", "Run now")
	if read := follows(t, h, "/jobs", "job", "synchronize", "connector", "hr", "why", "new people"); !strings.Contains(read, "Run 1 begins: Synchronize of hr.") {
		t.Errorf("beginning reads %s", read)
	}
	if read := follows(t, h, "/jobs", "job", "synchronize", "connector", "hr"); !strings.Contains(read, "under way already, as run 1") {
		t.Errorf("beginning it again reads %s", read)
	}
	if w := post(t, h, "/jobs", "job", "check"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "about one connector") {
		t.Errorf("a check of nothing: %d %s", w.Code, plain(w.Body.String()))
	}
	goesOn(t, e, 1, func(x *runs.Run) {
		x.State, x.Began = runs.Running, e.Clock()
		x.Steps = []runs.Step{{Name: "synchronize", Began: e.Clock(), Done: 30, Total: 120}}
		x.Say(e.Clock(), "reads Person")
	})
	shows(t, h, "/jobs", "30 of 120", "Synchronize of hr", "E00001")
	if _, body := get(t, h, "/jobs"); !strings.Contains(body, `<progress value="30" max="120"`) {
		t.Error("no bar shows how far the run is")
	}
	shows(t, h, "/jobs/1", "reads Person", "Abort this run")
	if read := follows(t, h, "/jobs/1", "do", "abort"); !strings.Contains(read, "ends as soon as its server hears of it") {
		t.Errorf("aborting reads %s", read)
	}
	goesOn(t, e, 1, func(x *runs.Run) { x.State, x.Ended, x.Abort = runs.Aborted, e.Clock(), false })
	if w := post(t, h, "/jobs/1", "do", "abort"); w.Code != http.StatusConflict {
		t.Errorf("what is over is aborted: %d", w.Code)
	}
	if read := follows(t, h, "/jobs/1", "do", "resume"); !strings.Contains(read, "Run 1 goes on as attempt 2.") {
		t.Errorf("resuming reads %s", read)
	}
	shows(t, h, "/jobs?state=waiting&job=synchronize", "Synchronize of hr")
	if _, body := get(t, h, "/jobs?state=failed"); !strings.Contains(body, "No run is like this") {
		t.Error("a filter that nothing fits shows something")
	}
	page, err := e.Views().Journal(t.Context(), view.JournalFilter{Limit: 3})
	if err != nil || page.Entries[2].Name != "run job" || page.Entries[2].Actor.As != "E00001" || page.Entries[2].Why != "new people" {
		t.Errorf("the journal says %+v, %v", page.Entries, err)
	}
}

func TestThePageOfARunFollowsIt(t *testing.T) {
	e := played(t)
	s := httptest.NewServer(askedAsEverybody(e))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	run, _, err := e.JobDesk().Start(t.Context(), runs.Evaluate, "", "")
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := e.JobDesk().Start(t.Context(), runs.Generate, "", "")
	if err != nil {
		t.Fatal(err)
	}
	touched, err := e.RunsTouched(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := listen(t, fmt.Sprintf("%s/jobs/%d/events?since=%d", s.URL, run.ID, touched))
	two := listen(t, fmt.Sprintf("%s/jobs/%d/events?since=%d", s.URL, other.ID, touched))
	all := listen(t, fmt.Sprintf("%s/jobs/events?since=%d", s.URL, touched))
	goesOn(t, e, run.ID, func(x *runs.Run) { x.State = runs.Running; x.Say(e.Clock(), "four of ten") })
	if event := soon(t, one); !strings.Contains(event, "four of ten") {
		t.Errorf("the page of the run is told %s", event)
	}
	if event := soon(t, two); strings.Contains(event, "four of ten") || !strings.Contains(event, "Generate") {
		t.Errorf("the page of another run is told %s", event)
	}
	if event := soon(t, all); !strings.Contains(event, "running") {
		t.Errorf("the page of jobs is told %s", event)
	}
}

// askedAsEverybody are the pages where nobody signs in.
func askedAsEverybody(e *loop.Engine) http.Handler {
	who := access.Everybody()
	return askedBy(e, &who)
}

func TestAConnectorIsOperatedFromItsPageByThoseWhoMay(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	for i, x := range []struct{ do, said string }{
		{"check", "Check connections of crm"}, {"schema", "Refresh the schema of crm"}, {"synchronize", "Synchronize of crm"},
		{"evaluate", "Evaluate"}, {"generate", "Generate"}, {"fulfil", "Fulfil of crm"},
	} {
		if read := follows(t, h, "/connectors/crm", "do", x.do); !strings.Contains(read, fmt.Sprintf("Run %d begins: %s.", i+1, x.said)) {
			t.Errorf("%s reads %s", x.do, read)
		}
	}
	goesOn(t, e, 2, func(x *runs.Run) {
		x.State, x.Ended = runs.Done, e.Clock()
		x.Steps = []runs.Step{{Name: "database", Began: e.Clock(), Ended: e.Clock(), Says: "SQLite 3.51; can be read", Objects: []runs.Object{{Name: "accounts", Columns: []string{"login"}}}}}
	})
	shows(t, h, "/connectors/crm", "SQLite 3.51; can be read", "What database holds: 1 object", "Last runs")
	if w := post(t, h, "/connectors/nowhere", "do", "check"); w.Code != http.StatusNotFound {
		t.Errorf("a connector that is not there: %d", w.Code)
	}
	for profile, may := range map[access.ProfileID]bool{"auditor": false, "integrator": true} {
		who := access.Resolve("x", resources.Ref{}, access.BuiltIn(), []access.Given{{Profile: profile}})
		for address, button := range map[string]string{"/connectors/crm": `value="synchronize"`, "/jobs": "Run now", "/jobs/6": "Abort this run", "/directory/Person/E00001": "Recompute this person"} {
			if code, body := get(t, askedBy(e, &who), address); code != http.StatusOK || strings.Contains(body, button) != may {
				t.Errorf("%s on %s (%d) is offered %s: %v", profile, address, code, button, !may)
			}
		}
	}
}

func TestRecomputingOnePersonSaysWhatChangedAndLeavesOthersAlone(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	page, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	one, other := page.People[0], page.People[1]
	shows(t, h, "/directory/Person/"+one.Key, "Recompute this person")
	w := post(t, h, "/directory/Person/"+one.Key+"/recompute")
	if read := plain(w.Body.String()); w.Code != http.StatusOK || !strings.Contains(read, "nothing changed") {
		t.Fatalf("when all is as it should be: %d %s", w.Code, read)
	}
	renamed(t, e, one.Key, other.Key)
	w = post(t, h, "/directory/Person/"+one.Key+"/recompute")
	if read := plain(w.Body.String()); w.Code != http.StatusOK || strings.Contains(read, "nothing changed") || !strings.Contains(read, "Newname") {
		t.Errorf("recomputing reads %d %s", w.Code, read)
	}
	if !ordered(t, e, one.Key, "Newname") {
		t.Error("no order writes the new name")
	}
	if ordered(t, e, other.Key, "Newname") {
		t.Error("an order was made for somebody else")
	}
}

// ordered reports whether an open order of somebody writes a value that begins so.
func ordered(t *testing.T, e *loop.Engine, key, begins string) bool {
	t.Helper()
	owner := resources.Ref{Type: "Person", Key: resources.Key(key)}
	page, err := e.Views().Orders(t.Context(), view.OrderFilter{Owner: &owner})
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(page.Orders, func(o view.Order) bool {
		return slices.ContainsFunc(o.Items, func(it view.OrderItem) bool { return strings.Contains(it.Proposed, begins) })
	})
}

// renamed gives people another family name in their source, and reads it.
func renamed(t *testing.T, e *loop.Engine, keys ...string) {
	t.Helper()
	file := filepath.Join(e.Dir, "hr", "employees.csv")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(content), "\n")
	for i, row := range rows {
		cells := strings.Split(row, ";")
		if slices.Contains(keys, cells[0]) {
			cells[2] = "Newname" + cells[0]
			rows[i] = strings.Join(cells, ";")
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(rows, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Synchronize(t.Context(), synchronize.Options{Connectors: []schema.ConnectorID{"hr"}}); err != nil {
		t.Fatal(err)
	}
}

package storetest

import (
	"reflect"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
)

var ada = resources.Ref{Type: "Person", Key: "ada"}

func asked(id requests.RequestID) requests.Request {
	return requests.Request{
		ID: id, Owner: ada, Role: "Clerk", Action: requests.Add, Parameters: "site=BRU", Period: assignments.Period{From: begin},
		Why: "needed", By: "bob", At: begin, State: assignments.Requested, Since: begin, Remarks: []string{"cut"},
	}
}

func (b *bench) requests(t *testing.T, f statement.RequestFilter) []requests.Request {
	t.Helper()
	list, err := b.Requests(b.ctx, f)
	must(t, err)
	return list
}

func request(t *testing.T, b *bench) {
	r := asked(1)
	must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: r}))
	r.Version = 1
	want(t, "as it was saved", b.requests(t, statement.RequestFilter{IDs: []requests.RequestID{1}}), []requests.Request{r})
	stale := r
	r.State, r.Since = assignments.PendingApproval1of1, begin.Add(time.Hour)
	seats := []requests.Seat{{Person: "max", As: "manager of ada"}}
	must(t, b.SaveRequest(b.ctx, b.act("process"), statement.RequestChange{Request: r, Reviewers: seats}))
	if err := b.SaveRequest(b.ctx, b.act("process"), statement.RequestChange{Request: stale}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an old version: %v", err)
	}
	page, err := b.Views().Requests(b.ctx, view.RequestFilter{WaitsFor: "max"})
	must(t, err)
	want(t, "waits for max", words(len(page.Requests), page.Requests[0].Waits, page.Requests[0].Workflow.Number, page.Requests[0].May), "1 [{max manager of ada}] 8 [approve decline withdraw]")
	page, err = b.Views().Requests(b.ctx, view.RequestFilter{WaitsFor: "bob"})
	must(t, err)
	want(t, "waits for bob", len(page.Requests), 0)

	r.Version, r.State, r.Stuck = 2, assignments.PendingApproval1of1, "nobody"
	must(t, b.SaveRequest(b.ctx, b.act("process"), statement.RequestChange{Request: r}))
	want(t, "stuck", len(b.requests(t, statement.RequestFilter{Stuck: true})), 1)

	r.Version, r.State, r.Stuck = 3, assignments.Approved, ""
	r.Rulings = []requests.Ruling{{Step: 1, By: "max", At: begin.Add(2 * time.Hour), Approve: true, Why: "fine", How: requests.ByReviewer}}
	settled := assignments.RoleDecision{Owner: ada, Role: "Clerk", Parameters: "site=BRU", Workflow: assignments.Approved, At: begin, By: "max", Request: 1}
	must(t, b.SaveRequest(b.ctx, b.act("approve"), statement.RequestChange{
		Request: r, Decide: []assignments.RoleDecision{settled}, Due: []statement.Due{{What: "round", NotBefore: begin}},
	}))
	r.Version = 4
	want(t, "settled", b.requests(t, statement.RequestFilter{Owner: &ada}), []requests.Request{r})
	want(t, "none is open", len(b.requests(t, statement.RequestFilter{Open: true})), 0)
	decided, err := b.RoleDecisions(b.ctx, &ada)
	must(t, err)
	if !reflect.DeepEqual(decided, []assignments.RoleDecision{settled}) {
		t.Errorf("decided: %+v", decided)
	}
	want(t, "due", b.rows(t, `SELECT count(*) FROM due`), 1)
	must(t, b.SaveAssignedRoles(b.ctx, b.act("evaluate"), []assignments.AssignedRole{
		{Owner: ada, Role: "Clerk", Parameters: "site=BRU", Workflow: assignments.Approved, Since: begin},
	}, nil))
	p, err := b.Views().Person(b.ctx, ada)
	must(t, err)
	want(t, "who asked and who approved", words(p.Roles[0].Asked[0].By, p.Roles[0].Asked[0].Rulings[0].By, p.Roles[0].Since.Equal(begin)), "bob max true")

	again := r
	again.ID, again.Version, again.State, again.Rulings = 2, 0, assignments.PendingApproval2of2, []requests.Ruling{
		{Step: 1, By: "max", At: begin, Approve: true, How: requests.ByReviewer}, {Step: 2, By: "max", At: begin, Approve: true, How: requests.ByReviewer},
	}
	if err := b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: again}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("two steps decided by one: %v", err)
	}
	want(t, "and nothing of it is left", len(b.requests(t, statement.RequestFilter{})), 1)
}

func sameRequest(t *testing.T, b *bench) {
	must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: asked(1)}))
	if err := b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: asked(2)}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the same twice: %v", err)
	}
	other := asked(3)
	other.Parameters = "site=BER"
	must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: other}))
	withdrawn := asked(1)
	withdrawn.Version, withdrawn.State = 1, assignments.Cancellation
	must(t, b.SaveRequest(b.ctx, b.act("withdraw"), statement.RequestChange{Request: withdrawn}))
	must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: asked(4)}))
	page, err := b.Views().Requests(b.ctx, view.RequestFilter{Limit: 1})
	must(t, err)
	next, err := b.Views().Requests(b.ctx, view.RequestFilter{Limit: 1, After: page.After})
	must(t, err)
	want(t, "paged", words(page.Requests[0].ID, page.After, next.Requests[0].ID, next.After), "3 3 4 0")
	if _, err := b.SQL().ExecContext(b.ctx, `UPDATE request SET workflow = 4 WHERE id = 1`); err == nil {
		t.Error("the database accepts two open requests about the same")
	}
	if _, err := b.SQL().ExecContext(b.ctx, `UPDATE request SET workflow = 18 WHERE id = 1`); err == nil {
		t.Error("the database accepts a state that a request cannot be in")
	}
}

func ruleClocks(t *testing.T, b *bench) {
	clocks := func(after time.Duration, marks ...string) map[string]time.Time {
		known, err := b.RuleClocks(b.ctx, marks, begin.Add(after))
		must(t, err)
		return known
	}
	clocks(0, "a")
	known := clocks(time.Hour, "a", "b", "b")
	want(t, "known since", words(known["a"].Sub(begin), known["b"].Sub(begin)), "0s 1h0m0s")
	known = clocks(2*time.Hour, "b")
	want(t, "forgotten", words(len(known), known["b"].Sub(begin)), "1 1h0m0s")
	known = clocks(3*time.Hour, "a", "b")
	want(t, "begins anew", words(known["a"].Sub(begin), known["b"].Sub(begin)), "3h0m0s 1h0m0s")
}

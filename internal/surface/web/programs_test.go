package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// program asks a server as somebody with one built-in profile.
func program(t *testing.T, e *loop.Engine, person string, profile access.ProfileID, scopes ...access.Scope) *client.Client {
	t.Helper()
	c, err := e.Deployed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref := resources.Ref{Type: "Person", Key: resources.Key(person)}
	who := access.Resolve("x", ref, access.BuiltIn(), []access.Given{{Profile: profile, Scopes: scopes, World: access.World{Model: c.Model, Person: ref}}})
	o := options(e)
	o.SignIn, o.Within = asker{who: &who}, func(f access.Filter) web.Questions { return e.Views().Within(f) }
	s := httptest.NewServer(withAPI(e, o))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return &client.Client{URL: s.URL, HTTP: s.Client()}
}

// status is what a server refused something with; 200 for what it did.
func status(t *testing.T, err error) int {
	t.Helper()
	var p *client.Problem
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &p):
		return p.Status
	}
	t.Fatal(err)
	return 0
}

func TestProgramsStartAndDecideWorkflowsWithinWhatTheyReach(t *testing.T) {
	e, person, manager := formed(t)
	ctx := t.Context()
	everybody, boss, stranger := program(t, e, "E00002", "administrator"), program(t, e, manager, "manager"), program(t, e, "E00005", "manager")
	var forms struct{ Items []view.Form }
	if err := boss.Get(ctx, "/workflows", nil, &forms); err != nil || len(forms.Items) != 1 || forms.Items[0].ID != "title" || !forms.Items[0].Fields[0].Required {
		t.Fatalf("the forms are %+v, %v", forms, err)
	}
	count := func(c *client.Client, q url.Values) (n int) {
		for _, err := range client.Each[client.Started](ctx, c, "/started-workflows", q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if all, mine, theirs := count(everybody, nil), count(boss, url.Values{"mine": {"true"}}), count(stranger, nil); all != 1 || mine != 1 || theirs != 0 {
		t.Errorf("an administrator sees %d, who decides %d, a stranger %d", all, mine, theirs)
	}
	if got := status(t, stranger.Get(ctx, "/started-workflows/1", nil, &struct{}{})); got != http.StatusNotFound {
		t.Errorf("a stranger is shown it: %d", got)
	}
	if _, err := stranger.DecideWorkflow(ctx, 1, "", "approve", 0, ""); status(t, err) != http.StatusNotFound {
		t.Errorf("a stranger decides it: %v", err)
	}
	if _, err := everybody.DecideWorkflow(ctx, 1, "", "approve", 0, ""); status(t, err) == http.StatusOK {
		t.Error("who started it approves it")
	}
	if _, err := stranger.StartWorkflow(ctx, "title", "", client.Filled{Person: person, Set: map[string]string{"title": "Jester"}}); status(t, err) != http.StatusNotFound {
		t.Errorf("a stranger starts one about somebody outside his team: %v", err)
	}
	if _, err := everybody.StartWorkflow(ctx, "title", "", client.Filled{Person: person}); status(t, err) == http.StatusOK {
		t.Error("what must be filled in was left out")
	}
	if _, err := boss.DecideWorkflow(ctx, 1, "", "approve", 4711, ""); status(t, err) != http.StatusConflict {
		t.Errorf("a version that nobody saw: %v", err)
	}
	if s, err := boss.DecideWorkflow(ctx, 1, "", "approve", 0, "she is one"); err != nil || s.State.Name != "Approved" {
		t.Errorf("approved is %+v, %v", s, err)
	}
	s, err := everybody.StartWorkflow(ctx, "title", "", client.Filled{Person: person, Set: map[string]string{"title": "Sage"}, Why: "again"})
	if err != nil || s.About.Key != person || s.By != "E00002" {
		t.Fatalf("started is %+v, %v", s, err)
	}
	if s, err := everybody.DecideWorkflow(ctx, s.ID, "", "withdraw", 0, ""); err != nil || s.State.Name != "Cancellation" {
		t.Errorf("taken back is %+v, %v", s, err)
	}
}

func TestProgramsTakeDecisionsBack(t *testing.T) {
	e := played(t)
	ctx := t.Context()
	all := program(t, e, "E00002", "administrator")
	other := program(t, e, "E00002", "application-owner", access.Scope{ResourceTypes: []roles.ResourceTypeID{"CrmUser"}})
	page, err := e.Views().Orders(ctx, view.OrderFilter{States: []orders.State{orders.AwaitingApproval}, Kinds: []orders.Kind{orders.Addition}, Types: []string{"LedgerAccount"}})
	if err != nil || len(page.Orders) == 0 {
		t.Fatal("nothing waits", err)
	}
	o := page.Orders[0]
	if err := all.Decide(ctx, int64(o.ID), "", client.Decision{Do: "decline", Version: o.Version, Why: "a mistake"}); err != nil {
		t.Fatal(err)
	}
	back := fmt.Sprintf("/orders/%d/revocation", o.ID)
	if got := status(t, other.Post(ctx, back, "", struct{}{}, &struct{}{})); got != http.StatusNotFound {
		t.Errorf("who does not reach it takes it back: %d", got)
	}
	var answer struct{ Decided []int64 }
	if err := all.Post(ctx, back, "", map[string]string{"why": "it was none"}, &answer); err != nil || len(answer.Decided) != 1 {
		t.Errorf("taken back: %v, %v", answer, err)
	}
	if got := status(t, all.Post(ctx, back, "", struct{}{}, &struct{}{})); got != http.StatusConflict {
		t.Errorf("again: %d", got)
	}
	if got := status(t, all.Post(ctx, "/reconciliation/4711000/revocation", "", struct{}{}, &struct{}{})); got != http.StatusNotFound {
		t.Errorf("of an account that is none: %d", got)
	}
}

package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

// filesOf are the deployed files, one of them changed.
func filesOf(t *testing.T, p program, file, old, replacement string) map[string]string {
	t.Helper()
	r := p.ask(http.MethodGet, "/api/v1/configuration", "")
	var x struct {
		Files map[string]string
		Text  string
	}
	if err := json.Unmarshal([]byte(r.text), &x); err != nil || r.status != http.StatusOK || len(x.Files) == 0 || !strings.Contains(x.Text, "roles:") {
		t.Fatalf("the configuration answers %d: %s", r.status, r.text)
	}
	if !strings.Contains(x.Files[file], old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	x.Files[file] = strings.Replace(x.Files[file], old, replacement, 1)
	return x.Files
}

func jsonOf(t *testing.T, x any) string {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAProgramPlansAConfigurationAndDeploysWhatItSaw(t *testing.T) {
	e, as := interfaced(t)
	root, reader, user := as("administrator", access.Scope{}), as("auditor", access.Scope{}), as("user", access.Scope{})
	files := filesOf(t, root, "lunch.yaml", "Team lunch", "Team dinner")
	ask := map[string]any{"files": files}
	r := reader.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, ask))
	var made struct {
		Plan struct {
			Name          string
			Configuration []struct{ Object, Change, Before, After string }
		}
		Deployed bool
	}
	if err := json.Unmarshal([]byte(r.text), &made); err != nil || r.status != http.StatusOK || made.Plan.Name == "" || made.Deployed ||
		len(made.Plan.Configuration) != 1 || made.Plan.Configuration[0].Object != "roles.team-lunch.name" {
		t.Fatalf("the plan answers %d: %s", r.status, r.text)
	}
	user.problem(user.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, ask)), http.StatusForbidden)
	reader.problem(reader.ask(http.MethodGet, "/api/v1/configuration", ""), http.StatusForbidden)
	wanted := map[string]any{"files": files, "plan": made.Plan.Name, "why": "CHG-9"}
	reader.problem(reader.ask(http.MethodPost, "/api/v1/configuration", jsonOf(t, wanted)), http.StatusForbidden)
	sources := map[string]any{"files": files, "sources": []string{"hr"}}
	reader.problem(reader.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, sources)), http.StatusForbidden)
	if r := root.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, sources)); r.status != http.StatusOK || !strings.Contains(r.text, `"readings"`) {
		t.Errorf("with sources: %d %s", r.status, r.text)
	}

	for name, c := range map[string]struct {
		body   map[string]any
		status int
		says   string
	}{
		"another name":         {map[string]any{"files": files, "plan": "0123456789ab"}, http.StatusConflict, "not 0123456789ab"},
		"files that differ":    {map[string]any{"files": filesOf(t, root, "lunch.yaml", "Team lunch", "Team supper"), "plan": made.Plan.Name}, http.StatusConflict, "something changed"},
		"files that are wrong": {map[string]any{"files": map[string]string{"a.yaml": "rols: {}\n"}, "plan": made.Plan.Name}, http.StatusBadRequest, "rols"},
		"what is no text":      {map[string]any{"files": map[string]string{"a.yaml": strings.Repeat("# long\n", 60_000) + "\x00"}, "plan": made.Plan.Name}, http.StatusBadRequest, "no text"},
	} {
		r := root.ask(http.MethodPost, "/api/v1/configuration", jsonOf(t, c.body))
		root.problem(r, c.status)
		if !strings.Contains(r.text, c.says) {
			t.Errorf("%s: %s", name, r.text)
		}
	}
	if c, err := e.Deployed(t.Context()); err != nil || c.Model.Roles["team-lunch"].Name != "Team lunch" {
		t.Fatalf("something was deployed: %v", err)
	}
	if r := root.ask(http.MethodPost, "/api/v1/configuration", jsonOf(t, wanted)); r.status != http.StatusOK || !strings.Contains(r.text, made.Plan.Name) {
		t.Fatalf("deploying answers %d: %s", r.status, r.text)
	}
	if c, err := e.Deployed(t.Context()); err != nil || c.Model.Roles["team-lunch"].Name != "Team dinner" {
		t.Errorf("it is not deployed: %v", err)
	}
	if r := root.ask(http.MethodPost, "/api/v1/configuration", jsonOf(t, wanted)); r.status != http.StatusOK || !strings.Contains(r.text, `"already":true`) {
		t.Errorf("deploying again answers %d: %s", r.status, r.text)
	}
	supposed := root.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, map[string]any{"files": files, "give": []string{"E00002=team-lunch"}}))
	if err := json.Unmarshal([]byte(supposed.text), &made); err != nil || supposed.status != http.StatusOK || !strings.HasPrefix(made.Plan.Name, "if-") || !made.Deployed {
		t.Errorf("a supposition answers %d: %.300s", supposed.status, supposed.text)
	}
}

// A roll-back reaches what its reviewer reaches, and no more.
func TestAProgramRollsBackWhatItReachesAlone(t *testing.T) {
	e, as := interfaced(t)
	page, err := e.Views().Orders(t.Context(), view.OrderFilter{Closed: true, Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	var done view.Order
	for _, o := range page.Orders {
		if o.State.Number == int(orders.Verified) && o.Kind == "addition" && o.Type == "CrmUser" {
			done = o
			break
		}
	}
	if done.ID == 0 {
		t.Fatal("nothing was carried out")
	}
	body := map[string]any{"rollBack": []orders.OrderID{done.ID}}
	var made struct {
		Plan struct{ Name string }
	}
	reader := as("auditor", access.Scope{})
	r := reader.ask(http.MethodPost, "/api/v1/plans", jsonOf(t, body))
	if err := json.Unmarshal([]byte(r.text), &made); err != nil || r.status != http.StatusOK || !strings.HasPrefix(made.Plan.Name, "back-") {
		t.Fatalf("the plan answers %d: %s", r.status, r.text)
	}
	wanted := jsonOf(t, map[string]any{"orders": []orders.OrderID{done.ID}, "plan": made.Plan.Name, "why": "too early"})
	stands := func() string {
		t.Helper()
		o, err := e.Views().Order(t.Context(), done.ID)
		if err != nil {
			t.Fatal(err)
		}
		return o.State.String()
	}
	reader.problem(reader.ask(http.MethodPost, "/api/v1/roll-backs", wanted), http.StatusForbidden)
	elsewhere := as("application-owner", access.Scope{ResourceTypes: []roles.ResourceTypeID{"LedgerAccount"}})
	elsewhere.problem(elsewhere.ask(http.MethodPost, "/api/v1/roll-backs", wanted), http.StatusNotFound)
	owner := as("application-owner", access.Scope{ResourceTypes: []roles.ResourceTypeID{"CrmUser"}})
	owner.problem(owner.ask(http.MethodPost, "/api/v1/roll-backs", strings.Replace(wanted, made.Plan.Name, "back-0123", 1)), http.StatusConflict)
	accounts, err := e.Views().Accounts(t.Context(), view.AccountFilter{IDs: []orders.AssignedID{done.Assigned}})
	if err != nil || len(accounts) != 1 || accounts[0].Account.Order != 0 {
		t.Fatalf("something was rolled back: %+v, %v (%s)", accounts, err, stands())
	}
	if r := owner.ask(http.MethodPost, "/api/v1/roll-backs", wanted); r.status != http.StatusOK || !strings.Contains(r.text, `"decided":1`) {
		t.Errorf("the owner's roll-back answers %d: %s", r.status, r.text)
	}
	if accounts, err = e.Views().Accounts(t.Context(), view.AccountFilter{IDs: []orders.AssignedID{done.Assigned}}); err != nil || len(accounts) != 1 || accounts[0].Account.Order == 0 {
		t.Errorf("nothing was rolled back: %+v, %v", accounts, err)
	}
}

package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/web"
)

func TestAPlanIsDeployedFromItsPageIfItWouldStillCauseTheSame(t *testing.T) {
	e := laid(t)
	more := func(name string) {
		t.Helper()
		text := "roles: {team-dinner: {name: " + name + ", category: front-office-teams, entity: Person, approval: one}}\n"
		if err := os.WriteFile(filepath.Join(e.Dir, "config", "dinner.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	more("Team dinner")
	planned, err := act.ToPlan{}.Do(t.Context(), e.Desks().PlanDesk(e.Actor))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(planned.Planned)
	if err == nil {
		err = os.WriteFile(filepath.Join(e.Dir, "change.plan"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := web.New(options(e))
	const address = "/plans/change.plan"
	shows(t, h, address, "Plan "+planned.Name, "Deploy the configuration: ")
	if w := post(t, h, address, "do", "apply", "why", "CHG-4"); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Apply plan "+planned.Name+"?") {
		t.Errorf("it does not ask: %d %s", w.Code, plain(w.Body.String()))
	}
	has := func() string {
		t.Helper()
		c, err := e.Deployed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Model.Roles["team-dinner"].Name
	}
	more("Team supper")
	if w := post(t, h, address, "do", "apply", "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "something changed since it was made") || has() != "" {
		t.Errorf("another configuration answers %d: %s", w.Code, plain(w.Body.String()))
	}
	more("[")
	if w := post(t, h, address, "do", "apply", "sure", "1"); w.Code != http.StatusConflict || has() != "" {
		t.Errorf("a configuration that is wrong answers %d: %s", w.Code, plain(w.Body.String()))
	}
	more("Team dinner")
	if read := follows(t, h, address, "do", "apply", "sure", "1", "why", "CHG-4"); !strings.Contains(read, "Deployed "+planned.Name) || has() != "Team dinner" {
		t.Errorf("deployed is %q: %s", has(), read)
	}
	shows(t, h, "/journal?q=CHG-4", "deploy")
	if w := post(t, h, address, "do", "apply", "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "deployed already") {
		t.Errorf("again: %d %s", w.Code, plain(w.Body.String()))
	}

	c, err := e.Deployed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	auditor := access.Resolve("x", resources.Ref{}, access.BuiltIn(), []access.Given{{Profile: "auditor", World: access.World{Model: c.Model}}})
	if body := shows(t, askedBy(e, &auditor), address, "Plan "+planned.Name); strings.Contains(body, "Deploy the configuration: ") {
		t.Error("who may not deploy is offered it")
	}
}

func TestAPlanIsHadAsAFileAndARollBackIsNotDeployed(t *testing.T) {
	o := options(laid(t))
	o.Folder = fstest.MapFS{"change.plan": {Data: []byte(kept)}, "back.plan": {Data: []byte(strings.Replace(kept, "3f0c", "back-3f0c", 1))}}
	h := web.New(o)
	rows, _ := sheet(t, h, "/plans/change.plan?kind=addition", "csv")
	if len(rows) != 2 || strings.Join(rows[0], ",") != "Kind,Resource type,Entity type,Key,Name,Property,Link,Before,After,State,Because" || rows[1][8] != "ada@example.org" {
		t.Errorf("the file holds %q", rows)
	}
	if body := shows(t, h, "/plans/back.plan", "Plan back-3f0c"); strings.Contains(body, "Deploy the configuration: ") {
		t.Error("a roll-back is offered to be deployed")
	}
	if w := post(t, h, "/plans/back.plan", "do", "apply", "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "no configuration to deploy") {
		t.Errorf("deploying a roll-back answers %d: %s", w.Code, plain(w.Body.String()))
	}
}

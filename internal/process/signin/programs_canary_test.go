package signin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// asked is every question of the interface for programs, with what there is to ask
// about.
func (h *house) asked(t *testing.T) []string {
	t.Helper()
	orders, err := h.Views().Orders(t.Context(), view.OrderFilter{Limit: 1})
	if err != nil || len(orders.Orders) == 0 {
		t.Fatal("no order", err)
	}
	o := orders.Orders[0]
	fill := strings.NewReplacer(
		"{entity}", o.Owner.Type, "{key}", o.Owner.Key, "{file}", "none.plan", "/roles/{id}", "/roles/team-lunch", "/connectors/{id}", "/connectors/crm",
		"/accounts/{id}", fmt.Sprintf("/accounts/%d", o.Assigned), "{id}", o.ID.String(),
	)
	var list []string
	for _, r := range h.routes {
		path, ours := strings.CutPrefix(r.Path, "/api/v1")
		if ours && r.Method == http.MethodGet {
			if path == "/accounts" {
				path = fmt.Sprintf("/accounts?id=%d", o.Assigned)
			}
			if strings.HasSuffix(path, "/timeline") {
				path += "?until=2030-01-01"
			}
			list = append(list, fill.Replace(path))
		}
	}
	if len(list) < 30 {
		t.Fatalf("only %d questions are known", len(list))
	}
	return append(list, "/orders?closed=true&limit=1000", "/journal?limit=1000", "/journal?q=canary", "/tokens?all=true", "/profile-assignments?who=root", "/people/Person?q=canary")
}

// TestNoSecretTurnsUpInAnAnswerToAProgram plants secrets wherever one is taken or
// kept, asks everything that can be asked, as somebody who may see everything, and
// sends every act what it takes and what it does not.
func TestNoSecretTurnsUpInAnAnswerToAProgram(t *testing.T) {
	const stored, inFile = "canary-in-the-store-of-secrets", "canary-in-a-file-of-the-folder"
	h := build(t, "roles: {team-lunch: {name: Team lunch, category: front-office-teams, entity: Person, approval: one}}\n"+
		"signIn: {company: {name: Company, issuer: \"https://127.0.0.1:1\", clientID: provisor, clientSecret: \"secret:store/oidc\", claim: email}}\n")
	ctx, desk := t.Context(), h.AccessDesk()
	if err := h.SetSecret(ctx, "oidc", secret.New(stored), "test"); err != nil {
		t.Fatal(err)
	}
	plant(t, h.Dir, inFile)
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	link, err := desk.FirstLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.add(t, "root", "administrator", resources.Ref{})
	h.add(t, "anna", "auditor", resources.Ref{})
	if _, at := b.signIn("root", canary); at != "/" {
		t.Fatal("nobody is signed in")
	}
	address, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	hidden := map[string]string{"password": canary, "stored secret": stored, "file": inFile, "link": link.Reveal()}
	for _, c := range b.Jar.Cookies(address) {
		hidden["session "+c.Name] = c.Value
	}
	for _, name := range []string{"root", "anna"} {
		hidden["token of "+name] = h.program(t, b, name)
	}
	answers := map[string]string{}
	note := func(what, text string) { answers[what] += text + "\n" }
	for _, path := range h.asked(t) {
		status, text := b.ask(hidden["token of root"], http.MethodGet, path, nil, nil)
		if status != http.StatusOK && status != http.StatusNotFound {
			t.Errorf("%s answers %d: %s", path, status, text)
		}
		note(path, text)
	}
	h.acts(t, b, hidden, note)
	note("the log", h.log.String())
	for name, text := range hidden {
		for what, answer := range answers {
			if strings.Contains(answer, text) {
				t.Errorf("the %s stands in what %s answers", name, what)
			}
		}
	}
	if !strings.Contains(answers["/journal?limit=1000"], "set secret") || len(answers) < 60 {
		t.Errorf("%d answers were looked through, and the journal does not tell of what was planted", len(answers))
	}
}

// acts sends every act secrets in the place of what it takes.
func (h *house) acts(t *testing.T, b *browser, hidden map[string]string, note func(what, text string)) {
	t.Helper()
	for _, r := range h.routes {
		path, ours := strings.CutPrefix(r.Path, "/api/v1")
		if !ours || r.Method != http.MethodPost {
			continue
		}
		path = strings.NewReplacer("{type}", "CrmUser", "{kind}", "addition", "{id}", "1").Replace(path)
		for _, body := range []any{object{}, object{"password": canary, "account": "root", "days": "x"}, object{"account": "nobody", "password": canary}, canary, []any{canary}} {
			token := hidden["token of anna"]
			if r.Public != "" {
				token = ""
			}
			_, text := b.ask(token, http.MethodPost, path, body, nil)
			note(path, text)
		}
		_, text := b.ask(hidden["token of root"]+"x", http.MethodPost, path, object{}, nil)
		note(path, text)
	}
}

func TestTheSearchForSecretsFindsAPlantedOne(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	h.add(t, "root", "administrator", resources.Ref{})
	token := h.program(t, b, "root")
	// A secret in a reason is one that somebody told everybody.
	if status, _ := b.ask(token, http.MethodPost, "/tokens", object{"name": canary}, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	if _, text := b.ask(token, http.MethodGet, "/tokens", nil, nil); !strings.Contains(text, canary) {
		t.Error("what an answer holds is not looked through")
	}
}

// plant leaves a secret in files beside the configuration: the key of the store, a
// password that a connection reads.
func plant(t *testing.T, dir, text string) {
	t.Helper()
	for _, name := range []string{"ledger.password", "notes.plan"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/secret"
)

// scripted answers what it expects, and notes whatever else it is asked; each request
// is a method, an address and a body.
func scripted(t *testing.T, answers map[string]string) *client.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		asked := strings.TrimSpace(r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/api/v1") + " " + string(content))
		if strings.Contains(asked, "canary") && r.Header.Get("Idempotency-Key") != "" {
			t.Errorf("a password is sent under a key: %s", r.URL.Path)
		}
		answer, known := answers[asked]
		if !known {
			t.Errorf("asked was %s", asked)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return &client.Client{URL: s.URL}
}

func TestAccountsAndMessagesAreKept(t *testing.T) {
	ctx := t.Context()
	c := scripted(t, map[string]string{
		"GET /sign-in-accounts": `{"items":[{"account":"anna","entity":"Person","person":"E1","way":"password"}]}`,
		`POST /sign-in-accounts {"account":"anna","entity":"Person","password":"canary","person":"E1","provider":false,"why":"new"}`: `{"account":"anna","way":"password"}`,
		`POST /sign-in-accounts/a%2Fb/password {"password":"canary","why":""}`:                                                       `{}`,
		`POST /sign-in-accounts/anna/disabling {"why":"on leave"}`:                                                                   `{}`,
		`POST /sign-in-accounts/anna/enabling {}`:                                                                                    `{}`,
		"GET /messages/delivery":                                  `{"recipient":"account anna","chosen":{"how":""},"usual":{"how":"digest","at":"08:00","zone":"UTC"}}`,
		`POST /messages/delivery {"hour":"07:30","how":"digest"}`: `{"chosen":{"how":"digest","at":"07:30"}}`,
		`POST /messages/retries {"why":"mended"}`:                 `{"messages":3}`,
	})
	for a, err := range c.SignInAccounts(ctx) {
		if err != nil || a.Account != "anna" || a.Person != "E1" || a.Way != "password" {
			t.Errorf("listed: %+v %v", a, err)
		}
	}
	password := secret.New("canary")
	made, err := c.CreateSignInAccount(ctx, client.NewSignInAccount{Account: "anna", Entity: "Person", Person: "E1", Password: password, Why: "new"})
	if err != nil || made.Way != "password" {
		t.Errorf("made: %+v %v", made, err)
	}
	for what, err := range map[string]error{
		"password": c.SetPassword(ctx, "a/b", password, ""), "disabled": c.DisableSignInAccount(ctx, "anna", "k", "on leave"), "enabled": c.EnableSignInAccount(ctx, "anna", "", ""),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if d, err := c.OwnDelivery(ctx); err != nil || d.Recipient != "account anna" || d.Usual.Hour != "08:00" {
		t.Errorf("delivery: %+v %v", d, err)
	}
	if d, err := c.ChooseDelivery(ctx, "", client.Delivery{How: "digest", Hour: "07:30"}); err != nil || d.Chosen.Hour != "07:30" {
		t.Errorf("chosen: %+v %v", d, err)
	}
	if n, err := c.RetryMessages(ctx, "", "mended"); err != nil || n != 3 {
		t.Errorf("due are %d, %v", n, err)
	}
}

func TestAConfigurationIsPlannedAndDeployed(t *testing.T) {
	ctx := t.Context()
	c := scripted(t, map[string]string{
		`POST /plans {"files":{"a.yaml":"x"},"sources":["hr"]}`:                    `{"plan":{"name":"3f0c","day":"2026-03-01","orders":[{"kind":"addition","items":[{"property":"mail","after":"a@b"}]}],"reach":{"people":1}},"deployed":true}`,
		`POST /configuration {"files":{"a.yaml":"x"},"plan":"3f0c","why":"CHG-1"}`: `{"plan":"3f0c"}`,
		"GET /configuration": `{"hash":"77","files":{"a.yaml":"x"},"text":"x: 1\n"}`,
		`POST /roll-backs {"orders":[41,42],"plan":"back-1","why":"too early"}`: `{"decided":1,"refused":[{"assigned":7,"why":"it moved"}]}`,
		"GET /people/Person/E%201/timeline?until=2026-12-31":                    `{"today":"2026-03-01","days":[{"day":"2026-04-01","changes":[{"does":"loses","what":"role x"}]}]}`,
	})
	files := map[string]string{"a.yaml": "x"}
	p, err := c.MakePlan(ctx, client.PlanWanted{Files: files, Sources: []string{"hr"}})
	if err != nil || p.Name != "3f0c" || !p.Deployed || len(p.Orders) != 1 || p.Orders[0].Items[0].After != "a@b" || !strings.Contains(string(p.Whole), "reach") {
		t.Errorf("planned: %+v %v", p, err)
	}
	if err := c.Deploy(ctx, client.Deployment{Files: files, Plan: p.Name, Why: "CHG-1"}); err != nil {
		t.Error(err)
	}
	if x, err := c.Configuration(ctx); err != nil || x.Hash != "77" || x.Text != "x: 1\n" || x.Files["a.yaml"] != "x" {
		t.Errorf("deployed is %+v %v", x, err)
	}
	if r, err := c.RollBack(ctx, "", []int64{41, 42}, "back-1", "too early"); err != nil || r.Decided != 1 || r.Refused[0].Account != 7 {
		t.Errorf("rolled back: %+v %v", r, err)
	}
	line, err := c.Timeline(ctx, "Person", "E 1", "2026-12-31")
	if err != nil || len(line.Days) != 1 || line.Days[0].Changes[0].Does != "loses" {
		t.Errorf("timeline: %+v %v", line, err)
	}
}

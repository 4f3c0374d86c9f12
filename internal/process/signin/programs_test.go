package signin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
)

// ask sends a program's question and reads the answer into a value.
func (b *browser) ask(token, method, path string, body, into any, headers ...string) (status int, text string) {
	b.t.Helper()
	content := ""
	if body != nil {
		content = jsonOf(b.t, body)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/api/v1"+path, strings.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	status, _, text = b.send(r)
	if into != nil && status == http.StatusOK {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return status, text
}

type object = map[string]any

// program is a token of an account with a profile.
func (h *house) program(t *testing.T, b *browser, name string) string {
	t.Helper()
	var made struct{ Text string }
	if status, text := b.ask("", http.MethodPost, "/sign-in", object{"account": name, "password": canary, "name": "test"}, &made); status != http.StatusOK || made.Text == "" {
		t.Fatalf("%s gets no token: %d %s", name, status, text)
	}
	return made.Text
}

func TestACommandLineSignsInWithAPasswordForATokenOfItsOwn(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	b := browse(t, s)
	h.add(t, "root", "administrator", resources.Ref{})
	h.add(t, "none", "", resources.Ref{})
	token := h.program(t, b, "root")
	var me struct {
		Account     string
		Permissions []string
	}
	if status, text := b.ask(token, http.MethodGet, "/me", nil, &me); status != http.StatusOK || me.Account != "root" || len(me.Permissions) == 0 {
		t.Fatalf("who asks is %d %s", status, text)
	}
	for name, c := range map[string]struct {
		body object
		want int
	}{
		"a wrong password":             {object{"account": "root", "password": "wrong"}, http.StatusUnauthorized},
		"somebody unknown":             {object{"account": "never", "password": canary}, http.StatusUnauthorized},
		"no permission for tokens":     {object{"account": "none", "password": canary}, http.StatusForbidden},
		"a token that never ends":      {object{"account": "root", "password": canary, "days": 4000}, http.StatusUnprocessableEntity},
		"a body that is not described": {object{"name": "root"}, http.StatusUnprocessableEntity},
	} {
		if status, text := b.ask("", http.MethodPost, "/sign-in", c.body, nil); status != c.want || strings.Contains(text, canary) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	limited := 0
	for range 40 {
		status, _ := b.ask("", http.MethodPost, "/sign-in", object{"account": "root", "password": "wrong"}, nil)
		if status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("passwords can be tried without end")
	}
}

func TestTokensAreOnesOwnUnlessOneKeepsAccounts(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	h.add(t, "root", "administrator", resources.Ref{})
	h.add(t, "anna", "auditor", resources.Ref{})
	root, anna := h.program(t, b, "root"), h.program(t, b, "anna")
	var made struct {
		Token int64
		Text  string
	}
	key := []string{"Idempotency-Key", "the same"}
	if status, text := b.ask(anna, http.MethodPost, "/tokens", object{"name": "nightly", "days": 3}, &made, key...); status != http.StatusOK || made.Text == "" {
		t.Fatalf("made: %d %s", status, text)
	}
	first := made
	if status, _ := b.ask(anna, http.MethodPost, "/tokens", object{"name": "nightly", "days": 3}, &made, key...); status != http.StatusOK || made.Token == first.Token {
		t.Errorf("a token was repeated from what is kept: %d", status)
	}
	if status, _ := b.ask(first.Text, http.MethodGet, "/orders", nil, nil); status != http.StatusOK {
		t.Errorf("the token opens nothing: %d", status)
	}
	var list struct {
		Items []struct{ Account, Name string }
	}
	b.ask(anna, http.MethodGet, "/tokens?all=true", nil, &list)
	for _, x := range list.Items {
		if x.Account != "anna" {
			t.Errorf("anna sees a token of %s", x.Account)
		}
	}
	if len(list.Items) != 3 {
		t.Errorf("anna has %d tokens", len(list.Items))
	}
	if _, text := b.ask(root, http.MethodGet, "/tokens?all=true", nil, &list); len(list.Items) != 4 || strings.Contains(text, first.Text) {
		t.Errorf("an administrator sees %d", len(list.Items))
	}
	var roots struct{ Items []struct{ Token int64 } }
	b.ask(root, http.MethodGet, "/tokens", nil, &roots)
	if status, _ := b.ask(anna, http.MethodPost, fmt.Sprintf("/tokens/%d/revocation", roots.Items[0].Token), object{}, nil); status != http.StatusNotFound {
		t.Errorf("anna revokes the administrator's token: %d", status)
	}
	for _, c := range []struct {
		method, path string
		body         any
	}{{http.MethodGet, "/tokens?account=root", nil}, {http.MethodPost, "/tokens", object{"account": "root"}}} {
		if status, _ := b.ask(anna, c.method, c.path, c.body, nil); status != http.StatusForbidden {
			t.Errorf("%s %s as anna: %d", c.method, c.path, status)
		}
	}
	if status, _ := b.ask(anna, http.MethodPost, fmt.Sprintf("/tokens/%d/revocation", first.Token), object{"why": "it leaked"}, nil); status != http.StatusOK {
		t.Errorf("revoked: %d", status)
	}
	if status, _ := b.ask(first.Text, http.MethodGet, "/orders", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("after it was revoked: %d", status)
	}
}

func TestProgramsGiveEndAndDelegateProfiles(t *testing.T) {
	h := build(t, ruled)
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	_, boss := h.somebody(t, func(_, m string) bool { return m != "" })
	h.add(t, "root", "administrator", resources.Ref{})
	h.add(t, "lead", "", boss)
	h.add(t, "temp", "user", resources.Ref{})
	root, lead, temp := h.program(t, b, "root"), h.program(t, b, "lead"), h.program(t, b, "temp")
	var given struct{ ID int64 }
	if status, text := b.ask(root, http.MethodPost, "/profile-assignments", object{"profile": "auditor", "account": "temp", "until": "2099-01-31", "why": "yearly"}, &given); status != http.StatusOK {
		t.Fatalf("given: %d %s", status, text)
	}
	if status, _ := b.ask(temp, http.MethodGet, "/journal", nil, nil); status != http.StatusOK {
		t.Errorf("with the profile: %d", status)
	}
	if status, _ := b.ask(root, http.MethodPost, fmt.Sprintf("/profile-assignments/%d/end", given.ID), object{}, nil); status != http.StatusOK {
		t.Errorf("ended: %d", status)
	}
	if status, _ := b.ask(temp, http.MethodGet, "/journal", nil, nil); status != http.StatusForbidden {
		t.Errorf("after it was ended: %d", status)
	}
	for name, c := range map[string]struct {
		token string
		body  object
		want  int
	}{
		"to himself":        {root, object{"profile": "auditor", "account": "root"}, http.StatusForbidden},
		"without the right": {temp, object{"profile": "auditor", "account": "lead"}, http.StatusForbidden},
		"to nobody":         {root, object{"profile": "auditor"}, http.StatusBadRequest},
		"to two":            {root, object{"profile": "auditor", "account": "temp", "entity": "Person", "person": "E1"}, http.StatusBadRequest},
		"of none":           {root, object{"profile": "never", "account": "temp"}, http.StatusBadRequest},
	} {
		if status, text := b.ask(c.token, http.MethodPost, "/profile-assignments", c.body, nil); status != c.want {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	var has struct {
		Items []struct{ Profile, How string }
	}
	b.ask(root, http.MethodGet, "/profile-assignments?who=lead", nil, &has)
	if !strings.Contains(jsonOf(t, has), `"Profile":"manager","How":"by rule"`) {
		t.Errorf("what rules give is not listed: %v", has)
	}
	until := h.now.AddDate(0, 0, 7).Format(time.DateOnly)
	if status, text := b.ask(lead, http.MethodPost, "/delegations", object{"profile": "manager", "account": "temp", "until": until}, &given); status != http.StatusOK {
		t.Fatalf("delegated: %d %s", status, text)
	}
	var mine struct{ Has, Handed []struct{ ID int64 } }
	if b.ask(lead, http.MethodGet, "/delegations", nil, &mine); len(mine.Has) != 2 || len(mine.Handed) != 1 {
		t.Errorf("of her own: %v", mine)
	}
	if status, _ := b.ask(root, http.MethodPost, fmt.Sprintf("/delegations/%d/end", given.ID), object{}, nil); status != http.StatusNotFound {
		t.Errorf("somebody else takes it back as his own: %d", status)
	}
	if status, _ := b.ask(lead, http.MethodPost, fmt.Sprintf("/delegations/%d/end", given.ID), object{}, nil); status != http.StatusOK {
		t.Errorf("taken back: %d", status)
	}
}

package signin_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
)

func TestWhoKeepsAccountsKeepsThemThroughTheInterfaceAndNobodyElse(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	h.add(t, "root", "administrator", resources.Ref{})
	h.add(t, "anna", "auditor", resources.Ref{})
	root, anna := h.program(t, b, "root"), h.program(t, b, "anna")
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "/sign-in-accounts", nil},
		{http.MethodPost, "/sign-in-accounts", object{"account": "mine", "password": canary}},
		{http.MethodPost, "/sign-in-accounts/root/password", object{"password": canary}},
		{http.MethodPost, "/sign-in-accounts/root/disabling", object{}},
		{http.MethodPost, "/sign-in-accounts/root/enabling", object{}},
	} {
		if status, text := b.ask(anna, c.method, c.path, c.body, nil); status != http.StatusForbidden {
			t.Errorf("%s %s as anna: %d %s", c.method, c.path, status, text)
		}
	}
	for name, c := range map[string]struct {
		body object
		want int
	}{
		"a password that is too short":    {object{"account": "cleo", "password": "x"}, http.StatusBadRequest},
		"nobody of the directory":         {object{"account": "cleo", "entity": "Person", "person": "E99999"}, http.StatusNotFound},
		"half a person":                   {object{"account": "cleo", "person": "E00002"}, http.StatusBadRequest},
		"two ways to sign in":             {object{"account": "cleo", "password": canary, "provider": true}, http.StatusBadRequest},
		"a provider that is not declared": {object{"account": "cleo", "provider": true}, http.StatusConflict},
		"one that is there":               {object{"account": "anna"}, http.StatusConflict},
	} {
		if status, text := b.ask(root, http.MethodPost, "/sign-in-accounts", c.body, nil); status != c.want || strings.Contains(text, canary) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	var made struct{ Account, Entity, Person, Way, By string }
	if status, text := b.ask(root, http.MethodPost, "/sign-in-accounts", object{"account": "cleo", "entity": "Person", "person": "E00002", "password": canary}, &made); status != http.StatusOK || made.Way != "password" || made.Person != "E00002" {
		t.Fatalf("made: %d %s", status, text)
	}
	if status, text := b.ask(root, http.MethodPost, "/profile-assignments", object{"profile": "auditor", "account": "cleo"}, nil); status != http.StatusOK {
		t.Fatalf("given: %d %s", status, text)
	}
	cleo := h.program(t, b, "cleo")
	works := func(what, token string, want int) {
		t.Helper()
		if status, text := b.ask(token, http.MethodGet, "/me", nil, nil); status != want {
			t.Errorf("%s: %d %s", what, status, text)
		}
	}
	works("the new account", cleo, http.StatusOK)
	act := func(path string, body object) {
		t.Helper()
		if status, text := b.ask(root, http.MethodPost, "/sign-in-accounts/cleo/"+path, body, nil); status != http.StatusOK || strings.Contains(text, canary) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	act("password", object{"password": canary + " anew"})
	works("after another password", cleo, http.StatusUnauthorized)
	if status, _ := b.ask("", http.MethodPost, "/sign-in", object{"account": "cleo", "password": canary}, nil); status != http.StatusUnauthorized {
		t.Errorf("the former password: %d", status)
	}
	act("disabling", object{"why": "on leave"})
	if status, _ := b.ask("", http.MethodPost, "/sign-in", object{"account": "cleo", "password": canary + " anew"}, nil); status != http.StatusUnauthorized {
		t.Errorf("a disabled account: %d", status)
	}
	act("enabling", object{})
	if status, text := b.ask("", http.MethodPost, "/sign-in", object{"account": "cleo", "password": canary + " anew"}, nil); status != http.StatusOK {
		t.Errorf("after it was enabled: %d %s", status, text)
	}
	var list struct {
		Items []struct{ Account, Way, Disabled string }
	}
	if status, text := b.ask(root, http.MethodGet, "/sign-in-accounts", nil, &list); status != http.StatusOK || len(list.Items) != 3 || list.Items[1].Account != "cleo" || list.Items[1].Disabled != "" || strings.Contains(text, "argon2") {
		t.Errorf("listed are %d %s", status, text)
	}
}

// A key makes an answer be kept beside a hash of the request; of a password not even
// that is to stand in the store.
func TestOfAPasswordNothingIsKeptUnderAKey(t *testing.T) {
	h := build(t, "{}\n")
	b := browse(t, h.serve(t, signin.Options{Required: true}))
	h.add(t, "root", "administrator", resources.Ref{})
	root := h.program(t, b, "root")
	kept := func() (n int) {
		t.Helper()
		db, err := sql.Open("sqlite", filepath.Join(h.Dir, "provisor.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept_answer").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := kept()
	for i, path := range []string{"/sign-in-accounts", "/sign-in-accounts/cleo/password"} {
		status, text := b.ask(root, http.MethodPost, path, map[string]object{
			"/sign-in-accounts": {"account": "cleo", "password": canary}, "/sign-in-accounts/cleo/password": {"password": canary},
		}[path], nil, "Idempotency-Key", fmt.Sprintf("key %d", i))
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	if n := kept(); n != before {
		t.Errorf("%d requests with passwords are kept", n-before)
	}
	if status, text := b.ask(root, http.MethodPost, "/sign-in-accounts/cleo/disabling", object{}, nil, "Idempotency-Key", "another"); status != http.StatusOK {
		t.Fatalf("disabled: %d %s", status, text)
	}
	if n := kept(); n != before+1 {
		t.Errorf("of an act without a password %d are kept: the instrument sees nothing", n-before)
	}
	if strings.Contains(h.log.String(), canary) {
		t.Error("the log holds a password")
	}
}

package signin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/secret"
)

// TestNoSecretTurnsUpAnywhere plants passwords, a token, a link and a session in
// every place where one is taken, and looks for them in everything that is kept,
// shown or said.
func TestNoSecretTurnsUpAnywhere(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	desk, ctx := h.AccessDesk(), t.Context()
	link, err := desk.FirstLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := browse(t, s)
	pages := []string{}
	keep := func(_ int, _, text string) { pages = append(pages, text) }
	keep(b.do(http.MethodPost, "/first", url.Values{"link": {link.Reveal()}, "name": {"root"}, "password": {canary}, "again": {canary}}))
	h.add(t, "anna", "auditor", resources.Ref{})
	made, err := desk.CreateToken(ctx, "anna", "test", 1, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/orders", "/directory/Person", "/sign-in?password=" + canary, "/states/99"} {
		keep(b.do(http.MethodGet, path, nil))
		keep(browse(t, s).do(http.MethodGet, path, nil, "Authorization", "Bearer "+made.Text.Reveal()))
		keep(browse(t, s).do(http.MethodGet, path, nil, "Authorization", "Bearer "+made.Text.Reveal()+"x"))
	}
	keep(browse(t, s).do(http.MethodPost, "/sign-in", url.Values{"name": {"anna"}, "password": {canary + "2"}}))
	keep(browse(t, s).do(http.MethodPost, "/sign-in", url.Values{"name": {canary}, "password": {canary}}))
	said := refusals(t, desk, link)
	accounts, err := desk.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := desk.Tokens(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := h.Journal(ctx, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	dump := filepath.Join(t.TempDir(), "copy.db")
	if err := h.DB.Backup(ctx, dump); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(address) {
		cookies = append(cookies, c.Value)
	}
	if len(cookies) == 0 {
		t.Fatal("no session was planted")
	}
	places := map[string]string{
		"the log": h.log.String(), "errors": strings.Join(said, "\n"), "the journal": jsonOf(t, entries), "lists": jsonOf(t, []any{accounts, tokens}),
		"a dump": string(copied), "prints": fmt.Sprintf("%+v %#v %v", made, made, accounts),
	}
	for name, hidden := range map[string][]string{"password": {canary}, "token": {made.Text.Reveal()}, "session": cookies, "link": {link.Reveal()}} {
		for _, text := range hidden {
			for place, content := range places {
				if strings.Contains(content, text) {
					t.Errorf("a %s stands in %s", name, place)
				}
			}
			for i, page := range pages {
				// The sign-in page gives back the name that was typed, and nothing else.
				if strings.Contains(strings.Replace(page, `name="name" value="`+canary+`"`, "", 1), text) && name != "link" {
					t.Errorf("a %s stands on page %d: %s", name, i, page)
				}
			}
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refusals are what the desk says when it is handed secrets and does nothing.
func refusals(t *testing.T, desk *signin.Desk, link secret.Text) (said []string) {
	t.Helper()
	ctx := t.Context()
	for _, err := range []error{
		errOf(desk.Add(ctx, signin.Entrant{Name: "anna", Password: secret.New(canary)})), desk.SetPassword(ctx, "nobody", secret.New(canary), ""),
		errOf(desk.First(ctx, link, "again", secret.New(canary))), desk.SetPassword(ctx, "anna", secret.New("short-"+canary[:5]), ""),
	} {
		if err == nil {
			t.Error("it was done")
			continue
		}
		said = append(said, err.Error())
	}
	return said
}

package messages_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// canary is a password that must turn up nowhere.
const canary = "canary-never-to-be-seen"

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// A house is a company with its messages.
type house struct {
	*loop.Engine
	runner *notify.Runner
	now    time.Time
	log    *bytes.Buffer
	fails  []notify.Failure
	desk   *signin.Desk
}

// settings are a configuration's messages that go to a sink.
func (s *sink) settings(more string) string {
	server := fmt.Sprintf("{server: \"localhost:%d\", encryption: %s, caFile: %q, from: \"Provisor <provisor@example.org>\"", s.port, s.mode, s.cert)
	if s.mode != "none" {
		server += ", user: provisor, password: \"secret:store/smtp\""
	}
	return "messages:\n  url: https://provisor.example.org\n  addresses: {Person: email}\n  mail: " + server + "}\n" + more
}

// build lays a company down, deploys it with messages, and goes round once. change
// may edit the folder before.
func build(t *testing.T, messages string, change func(dir string)) *house {
	t.Helper()
	return buildOn(t, "", messages, change)
}

// buildOn does so on a PostgreSQL store; "": on the embedded one.
func buildOn(t *testing.T, store, messages string, change func(dir string)) *house {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "company")
	if _, err := demo.Lay(dir, company.Options{People: 40, Seed: 1, At: day}); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(dir)
	}
	e, err := loop.Open(t.Context(), loop.Options{
		Dir: dir, Store: store, Day: day, Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{Engine: e, now: day.Add(12 * time.Hour), log: &bytes.Buffer{}}
	e.Clock = func() time.Time { return h.now }
	for _, name := range []string{"smtp", "hook"} {
		if err := e.SetSecret(t.Context(), name, secret.New(canary), "test"); err != nil {
			t.Fatal(err)
		}
	}
	h.deploy(t, messages)
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	h.restart()
	h.desk = e.AccessDesk()
	return h
}

// deploy deploys the folder with these messages.
func (h *house) deploy(t *testing.T, messages string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.Dir, "config", "messages.yaml"), []byte(messages), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := h.Files()
	if err == nil {
		err = h.Deploy(t.Context(), c, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// restart forgets what the runner had in memory.
func (h *house) restart() {
	h.runner = h.Messages(slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), func() []notify.Failure { return h.fails })
}

// account makes somebody with a profile, whose address is the account's name.
func (h *house) account(t *testing.T, name string, profile access.ProfileID, scope access.Scope) {
	t.Helper()
	h.member(t, name, resources.Ref{}, profile, scope)
}

func (h *house) member(t *testing.T, name string, person resources.Ref, profile access.ProfileID, scope access.Scope) {
	t.Helper()
	_, err := h.desk.Add(t.Context(), signin.Entrant{Name: name, Person: person})
	if err == nil {
		_, err = h.desk.Assign(t.Context(), access.ProfileAssignment{Holder: access.Holder{Account: name}, Profile: profile, Scope: scope})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tell runs once, after a time.
func (h *house) tell(t *testing.T, after time.Duration) notify.Summary {
	t.Helper()
	h.now = h.now.Add(after)
	sum, err := h.runner.Run(t.Context(), h.now)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// outbox is everything that was written, the newest first.
func (h *house) outbox(t *testing.T, state string) []view.Message {
	t.Helper()
	page, err := h.Views().Messages(t.Context(), view.MessageFilter{State: state})
	if err != nil {
		t.Fatal(err)
	}
	return page.Messages
}

// waiting are open orders of a type.
func (h *house) waiting(t *testing.T, resourceType string) []view.Order {
	t.Helper()
	page, err := h.Views().Orders(context.Background(), view.OrderFilter{Types: []string{resourceType}})
	if err != nil || len(page.Orders) == 0 {
		t.Fatalf("no order of %s waits: %v", resourceType, err)
	}
	return page.Orders
}

// canarySeen fails where the password stands in what anybody can read.
func (h *house) canarySeen(t *testing.T, others ...string) {
	t.Helper()
	all := h.log.String() + strings.Join(others, "\n")
	for _, m := range h.outbox(t, "") {
		all += fmt.Sprintf("%+v\n", m)
	}
	page, err := h.Views().Journal(t.Context(), view.JournalFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		all += fmt.Sprintf("%+v\n", e)
	}
	if strings.Contains(all, canary) {
		t.Errorf("the password is to be read:\n%s", all)
	}
}

// remove takes a file of the folder away.
func (h *house) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(h.Dir, name)); err != nil {
		t.Fatal(err)
	}
}

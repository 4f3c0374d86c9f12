package messages_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/process/loop"
)

func TestServersOnOneStoreTellEachMatterOnce(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	server := postgresql.ForTest(t)
	if err := server.CreateDatabase(t.Context(), "messages"); err != nil {
		t.Fatal(err)
	}
	store := server.DSN("messages")
	h := buildOn(t, store, s.settings(atOnce), nil)
	h.account(t, "owner@example.org", "application-owner", ledgers)
	h.account(t, "admin@example.org", "administrator", access.Scope{})
	matters := len(h.waiting(t, "LedgerAccount"))

	var all sync.WaitGroup
	for range 4 {
		other, err := loop.Open(t.Context(), loop.Options{Dir: h.Dir, Store: store, Day: day, Packages: h.Packages})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		runner := other.Messages(slog.New(slog.DiscardHandler), nil)
		all.Go(func() {
			for i := range 10 {
				if _, err := runner.Run(t.Context(), h.now.Add(time.Duration(i)*6*time.Minute)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	h.tell(t, 2*time.Hour)
	if got := len(s.to(t, "owner@example.org")); got != matters {
		t.Errorf("%d mails of %d matters", got, matters)
	}
	if n := len(s.mails(t)); n != len(h.outbox(t, "sent")) || len(h.outbox(t, "waiting"))+len(h.outbox(t, "failed")) > 0 {
		t.Errorf("%d mails came, %d are noted as sent", n, len(h.outbox(t, "sent")))
	}
}

package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/secret"
)

func TestAServerTellsWhatWaitsByItself(t *testing.T) {
	var posted atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
	t.Cleanup(receiver.Close)
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 40, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	config := "messages: {url: \"https://p.example.org\", webhooks: {chat: {url: \"" + receiver.URL + "\", secret: \"secret:store/hook\"}}}\n"
	if err := os.WriteFile(filepath.Join(laid.Dir, "config", "messages.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: laid.Dir, Packages: packages(), Day: laid.Company.At})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	c, err := e.Files()
	if err == nil {
		err = e.Deploy(t.Context(), c, "test")
	}
	if err == nil {
		err = e.SetSecret(t.Context(), "hook", secret.New("x"), "test")
	}
	if err == nil {
		_, err = e.Run(t.Context(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, e, server.Options{Address: "127.0.0.1:0", Every: time.Hour, Log: slog.New(slog.DiscardHandler)})
	}()
	eventually(t, "the webhook is told", func() bool { return posted.Load() == 1 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

package remote

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

func TestAPlanIsWaitedForLongerThanAnythingElse(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(w, `{"plan":{"name":"3f0c"},"until":"2026-12-31"}`)
	}))
	defer s.Close()
	server := &Server{Client: &client.Client{URL: s.URL, HTTP: &http.Client{Timeout: 20 * time.Millisecond}}}
	if _, err := server.VerifyJournal(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("the instrument: what takes too long ends with %v", err)
	}
	p, err := server.Propose(t.Context(), act.ToPlan{})
	if err != nil || p.Name != "3f0c" {
		t.Errorf("the plan: %v", err)
	}
	if line, err := server.Timeline(t.Context(), view.Owner{Type: "Person", Key: "E1"}, time.Time{}); err != nil || line.Until != "2026-12-31" {
		t.Errorf("the timeline: %v", err)
	}
}

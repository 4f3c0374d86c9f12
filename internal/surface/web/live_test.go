package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stream opens the events of a server.
func stream(t *testing.T, ctx context.Context, base string) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return bufio.NewReader(answer.Body)
}

func TestOpenPagesAreToldOfAChangeAndOneLookServesAll(t *testing.T) {
	var counter, looks atomic.Int64
	server := httptest.NewServer(handler(&answers{}, func(context.Context) (int64, error) {
		looks.Add(1)
		return counter.Load(), nil
	}))
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	first, second := stream(t, ctx, server.URL), stream(t, ctx, server.URL)
	for looks.Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	counter.Store(42)
	for _, s := range []*bufio.Reader{first, second} {
		for {
			line, err := s.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "data: ") {
				if line != "data: 42\n" {
					t.Errorf("told %q", line)
				}
				break
			}
		}
	}
	leave()
	if _, err := io.ReadAll(first); err == nil {
		t.Error("the stream goes on after its page was closed")
	}
	still := looks.Load()
	for range 200 { // the last look may still be under way
		time.Sleep(time.Millisecond)
		if now := looks.Load(); now == still {
			break
		} else {
			still = now
		}
	}
	time.Sleep(20 * time.Millisecond)
	if looks.Load() > still+1 {
		t.Error("it looks although nobody listens")
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewUnstartedServer(handler(&answers{}, func(context.Context) (int64, error) { return 1, nil }))
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	s := stream(t, t.Context(), server.URL)
	stop()
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, s); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
	}
	server.Close()
	http.DefaultClient.CloseIdleConnections()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
}

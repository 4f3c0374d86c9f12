package web_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// counted is a store in which as many orders are pending as we say.
type counted struct {
	web.Questions
	pending, asked, change atomic.Int64
}

func (c *counted) StateCounts(context.Context, int) (view.StateCounts, error) {
	return view.StateCounts{Orders: []view.StateCount{{State: view.State{Number: int(orders.Pending)}, Count: int(c.pending.Load())}}}, nil
}
func (c *counted) TypeCounts(context.Context, int) ([]view.TypeCount, error) { return nil, nil }
func (c *counted) Parks(context.Context) ([]view.Park, error)                { return nil, nil }
func (c *counted) Orders(context.Context, view.OrderFilter) (view.OrderPage, error) {
	return view.OrderPage{}, nil
}
func (c *counted) Reconciliation(context.Context, view.ReconciliationFilter) (view.ReconciliationPage, error) {
	return view.ReconciliationPage{}, nil
}
func (c *counted) Requests(context.Context, view.RequestFilter) (view.RequestPage, error) {
	return view.RequestPage{}, nil
}
func (c *counted) FoundRoles(context.Context, view.FoundRoleFilter) (view.FoundRolePage, error) {
	return view.FoundRolePage{}, nil
}
func (c *counted) EntityCounts(context.Context, []string) (map[string]int, error) { return nil, nil }
func (c *counted) Runs(context.Context, view.RunFilter) (view.RunPage, error) {
	return view.RunPage{}, nil
}
func (c *counted) Model(context.Context) (*roles.Model, error) { return &roles.Model{}, nil }
func (c *counted) Entities(context.Context) ([]string, error)  { return []string{"Person"}, nil }

func (c *counted) Changes(context.Context) (int64, error) {
	c.asked.Add(1)
	return c.change.Load(), nil
}

// lively serves live pages of a store that we move.
func lively(t *testing.T) (c *counted, address string, stop func()) {
	t.Helper()
	c = &counted{}
	stopping := make(chan struct{})
	stop = sync.OnceFunc(func() { close(stopping) })
	s := httptest.NewServer(web.New(web.Options{
		Questions: c, Changes: c.Changes, Entities: c.Entities, Model: c.Model, Clock: time.Now, Poll: 5 * time.Millisecond, Stopping: stopping,
	}))
	t.Cleanup(func() { stop(); s.Close() })
	return c, s.URL, stop
}

// listen opens a live page and hands over its events, one text each, until it ends.
func listen(t *testing.T, address string) <-chan string {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s answers %s, %s", address, r.Status, r.Header.Get("Content-Type"))
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		defer r.Body.Close()
		var b strings.Builder
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			if b.WriteString(lines.Text() + "\n"); lines.Text() != "" {
				continue
			}
			if strings.Contains(b.String(), "event: live") {
				events <- b.String()
			}
			b.Reset()
		}
	}()
	return events
}

// soon waits for the next event.
func soon(t *testing.T, events <-chan string) string {
	t.Helper()
	select {
	case e, open := <-events:
		if !open {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
	}
	return ""
}

func silent(t *testing.T, events <-chan string) {
	t.Helper()
	select {
	case e := <-events:
		t.Errorf("told of nothing: %s", e)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestALivePageIsToldOfAChangeAndOfNothingElse(t *testing.T) {
	c, address, stop := lively(t)
	c.change.Store(7)
	c.pending.Store(1)
	events := listen(t, address+"/events?since=7")
	silent(t, events) // it shows change 7 already
	c.pending.Store(1234)
	c.change.Store(8)
	if e := soon(t, events); !strings.Contains(e, "1,234") || !strings.Contains(e, "id: 8\n") {
		t.Errorf("told %s", e)
	}
	c.change.Store(9) // an act that moves nothing shown here
	silent(t, events)
	stop()
	select {
	case _, open := <-events:
		if open {
			t.Error("an event came after the end")
		}
	case <-time.After(5 * time.Second):
		t.Error("the stream outlives its server")
	}
}

func TestWhoComesWithAnOldPageIsToldAtOnce(t *testing.T) {
	c, address, _ := lively(t)
	c.change.Store(7)
	soon(t, listen(t, address+"/events?since=3"))
	soon(t, listen(t, address+"/events"))
}

func TestOneLoopAsksForAllWhoListenAndNoneForNobody(t *testing.T) {
	c, address, stop := lively(t)
	var all []<-chan string
	for range 20 {
		all = append(all, listen(t, address+"/events?since=0"))
	}
	before := c.asked.Load()
	time.Sleep(200 * time.Millisecond)
	if asked := c.asked.Load() - before; asked == 0 || asked > 60 {
		t.Errorf("the store was asked %d times in 200 ms for 20 listeners, at one time in 5 ms", asked)
	}
	stop()
	for _, events := range all {
		for range events {
		}
	}
	time.Sleep(50 * time.Millisecond)
	before = c.asked.Load()
	time.Sleep(50 * time.Millisecond)
	if c.asked.Load() != before {
		t.Error("the store is asked although nobody listens")
	}
}

func TestAStoreThatFailsForAWhileIsAskedAgain(t *testing.T) {
	c := &counted{}
	var failing atomic.Bool
	failing.Store(true)
	o := web.Options{Questions: c, Entities: c.Entities, Model: c.Model, Clock: time.Now, Poll: 5 * time.Millisecond, Changes: func(context.Context) (int64, error) {
		if failing.Load() {
			return 0, errors.New("busy")
		}
		return 1, nil
	}}
	s := httptest.NewServer(web.New(o))
	defer s.Close()
	defer s.CloseClientConnections()
	events := listen(t, s.URL+"/events")
	silent(t, events)
	failing.Store(false)
	soon(t, events)
}

func TestListenersAreLimited(t *testing.T) {
	c := &counted{}
	h := web.New(web.Options{Questions: c, Changes: c.Changes, Entities: c.Entities, Model: c.Model, Clock: time.Now, Poll: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	refused := make(chan struct{}, 10)
	for range 510 {
		gone.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/events", nil).WithContext(ctx))
			if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "" {
				refused <- struct{}{}
			}
		})
	}
	for range 10 {
		select {
		case <-refused:
		case <-time.After(5 * time.Second):
			t.Fatal("more listen than may")
		}
	}
	cancel()
	gone.Wait()
}

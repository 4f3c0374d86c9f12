package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	// lookSeconds is between two looks whether something changed.
	lookSeconds = 1
	// beatSeconds keeps a silent stream from being taken for a dead one.
	beatSeconds = 25
	// listenersMax is more open pages than a server of one machine has.
	listenersMax = 1000
)

// broadcast tells open pages that something changed. One goroutine looks for
// all of them, and only while there are any.
type broadcast struct {
	changes func(context.Context) (int64, error)
	wait    func(context.Context, time.Duration)
	log     *slog.Logger

	lock      sync.Mutex
	listeners map[chan int64]bool
	stop      context.CancelFunc
}

func newBroadcast(changes func(context.Context) (int64, error), wait func(context.Context, time.Duration), log *slog.Logger) *broadcast {
	return &broadcast{changes: changes, wait: wait, log: log, listeners: map[chan int64]bool{}}
}

// listen returns a channel that holds the newest change, and how to leave.
func (b *broadcast) listen() (changed <-chan int64, leave func(), ok bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if len(b.listeners) >= listenersMax {
		return nil, nil, false
	}
	c := make(chan int64, 1)
	b.listeners[c] = true
	if len(b.listeners) == 1 {
		ctx, stop := context.WithCancel(context.Background())
		b.stop = stop
		go b.look(ctx)
	}
	return c, func() {
		b.lock.Lock()
		defer b.lock.Unlock()
		delete(b.listeners, c)
		if len(b.listeners) == 0 {
			b.stop()
		}
	}, true
}

// look asks the store and tells everybody what is new.
func (b *broadcast) look(ctx context.Context) {
	last := int64(-1)
	for ctx.Err() == nil {
		n, err := b.changes(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			b.log.Warn("look for changes", "error", err)
		case last >= 0 && n != last:
			b.tell(n)
		}
		if err == nil {
			last = n
		}
		b.wait(ctx, lookSeconds*time.Second)
	}
}

func (b *broadcast) tell(n int64) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for c := range b.listeners {
		select { // an older change that nobody took yet gives way
		case <-c:
		default:
		}
		c <- n
	}
}

// events is the stream that an open page listens to.
func (p *pages) events(w http.ResponseWriter, r *http.Request) {
	changed, leave, ok := p.live.listen()
	if !ok {
		http.Error(w, "Too many open pages; this one shows what was when it was loaded.", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	beat := time.NewTicker(beatSeconds * time.Second)
	defer beat.Stop()
	text := "retry: 3000\n\n"
	for {
		if _, err := fmt.Fprint(w, text); err != nil {
			return
		}
		if stream.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			text = ": still here\n\n"
		case n := <-changed:
			text = fmt.Sprintf("event: changed\ndata: %d\n\n", n)
		}
	}
}

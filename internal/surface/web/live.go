package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/routes"
)

const (
	// pollEvery is how long a change may stay unseen on a live page.
	pollEvery = time.Second
	// beatEvery keeps proxies from taking a silent connection for a dead one.
	beatEvery = 15 * time.Second
	// listenersMost bounds the connections that live pages may hold open: each
	// costs a socket, and a thousand people do not watch one page.
	listenersMost = 500
	// sendWithin is how long a browser may take to receive one update.
	sendWithin = 10 * time.Second
	// knownFor is how long a live page goes on without being asked again who looks
	// at it: its browser comes back by itself, and is turned away if it may no more.
	knownFor = time.Minute
)

// live tells pages that are open what changed. One loop asks the store for all
// of them; it runs only while somebody listens.
type live struct {
	changes  func(context.Context) (int64, error)
	render   func(ctx context.Context, about string) (string, error)
	needs    access.Permission
	log      func(msg string, args ...any)
	clock    func() time.Time
	poll     time.Duration
	stopping <-chan struct{}

	lock      sync.Mutex
	listeners map[*listener]bool
	stop      context.CancelFunc // ends the loop
}

// A listener is one open page.
type listener struct {
	seen int64  // the change that it shows
	text string // what it was sent last
	who  access.Principal
	sees string      // equal for those who see the same
	on   string      // what the page is about, where it is about one thing
	news chan update // one at most: a newer one takes its place
}

// An update is what a live page shows from now on.
type update struct {
	change int64
	text   string
}

func newLive(o Options, needs access.Permission, changes func(context.Context) (int64, error), render func(ctx context.Context, about string) (string, error)) *live {
	return &live{
		changes: changes, render: render, needs: needs, log: o.Log.Warn, clock: o.Clock, poll: o.Poll, stopping: o.Stopping,
		listeners: map[*listener]bool{},
	}
}

// join adds a listener, and begins the loop with the first one.
func (l *live) join(who access.Principal, on string, seen int64) (*listener, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if len(l.listeners) >= listenersMost {
		return nil, fault.New(fault.Unavailable, "listen", "%d pages are live already", listenersMost)
	}
	one := &listener{seen: seen, news: make(chan update, 1), who: who, sees: who.Sees() + "\x00" + on, on: on}
	l.listeners[one] = true
	if l.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		l.stop = stop
		go l.loop(ctx)
	}
	return one, nil
}

// leave takes a listener away, and ends the loop with the last one.
func (l *live) leave(one *listener) {
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.listeners, one)
	if len(l.listeners) == 0 {
		l.stop()
		l.stop = nil
	}
}

func (l *live) loop(ctx context.Context) {
	ticker := time.NewTicker(l.poll)
	defer ticker.Stop()
	failing := false
	for {
		err := l.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			l.log("live pages stand still: the store does not answer", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look asks whether something changed and tells whoever shows something older.
func (l *live) look(ctx context.Context) error {
	change, err := l.changes(ctx)
	if err != nil {
		return err
	}
	behind := l.behind(change)
	if len(behind) == 0 {
		return nil
	}
	texts := map[string]string{} // rendered once for all who see the same
	for _, one := range behind {
		if _, known := texts[one.sees]; !known {
			if texts[one.sees], err = l.render(routes.As(ctx, one.who, l.needs), one.on); err != nil {
				return err
			}
		}
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	for _, one := range behind {
		text := texts[one.sees]
		if one.seen = change; one.text == text {
			continue // an act that moved nothing shown here
		}
		one.text = text
		select {
		case <-one.news: // not sent yet, and old already
		default:
		}
		one.news <- update{change, text}
	}
	return nil
}

func (l *live) behind(change int64) []*listener {
	l.lock.Lock()
	defer l.lock.Unlock()
	var behind []*listener
	for one := range l.listeners {
		if one.seen != change {
			behind = append(behind, one)
		}
	}
	return behind
}

// serve sends server-sent events until the browser or the server goes.
func (l *live) serve(w http.ResponseWriter, r *http.Request) {
	since := r.Header.Get("Last-Event-ID")
	if since == "" {
		since = r.URL.Query().Get("since")
	}
	seen, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		seen = -1 // it shows nothing that we know of
	}
	h := w.Header()
	if r.Method == http.MethodHead {
		h.Set("Content-Type", "text/event-stream")
		return
	}
	one, err := l.join(routes.Who(r.Context()), r.PathValue("id"), seen)
	if err != nil {
		h.Set("Retry-After", "30")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer l.leave(one)
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects would hold updates back
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	over := time.NewTimer(knownFor)
	defer over.Stop()
	text := ": listening\n\n"
	for {
		if err := l.send(w, text); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-l.stopping:
			return
		case <-over.C:
			return
		case <-beat.C:
			text = ": still here\n\n"
		case u := <-one.news:
			text = event(u)
		}
	}
}

// send writes one message and gives up on a browser that does not take it.
func (l *live) send(w http.ResponseWriter, text string) error {
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(l.clock().Add(sendWithin)) // a writer without deadlines is a test's
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	err := c.Flush()
	_ = c.SetWriteDeadline(time.Time{}) // silence until the next message is no fault
	return err
}

// lines makes each line of a text a line of data: a return would end one, too.
var lines = strings.NewReplacer("\r", "", "\n", "\ndata: ")

// event is an update as the wire wants it.
func event(u update) string {
	return fmt.Sprintf("id: %d\nevent: live\ndata: %s\n\n", u.change, lines.Replace(u.text))
}

package server

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/routes"
)

// handler puts the machine's routes beside the pages.
func (s *server) handler() http.Handler {
	g := s.Pages
	if g == nil {
		g = routes.New(routes.Open{}, func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusForbidden)
		})
	}
	const machines = "balancers and supervisors ask, and learn no more than whether it works"
	g.Public(http.MethodGet, "/healthz", machines, s.healthz)
	g.Public(http.MethodGet, "/readyz", machines, s.readyz)
	g.Show("/metrics", access.MetricsView, promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{ErrorLog: promLog{s.Log}}).ServeHTTP)
	if s.loopback {
		return onlyLocal(g, s.Hosts)
	}
	return g
}

// onlyLocal refuses requests that name another host than this machine: a page
// from elsewhere whose name was pointed at the loopback address would otherwise
// be let in by the browser.
func onlyLocal(next http.Handler, others []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !onLoopback(host) && !slices.Contains(others, host) {
			http.Error(w, "This server answers under localhost and 127.0.0.1 only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Health is what /healthz and /readyz answer.
type Health struct {
	OK     bool    `json:"ok"`
	Checks []Check `json:"checks,omitempty"`
}

// Check is one thing that must hold for the server to be of use.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Says string `json:"says,omitempty"`
}

// healthz says that the process answers.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) { answer(w, Health{OK: true}) }

// readySeconds is what the store gets to answer: longer, and it is not ready.
const readySeconds = 2

// readyz says whether the server can do its work. A round that failed is shown
// and does not make it unready: people can still decide.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readySeconds*time.Second)
	defer cancel()
	health := Health{OK: true}
	check := func(name string, err error) {
		c := Check{Name: name, OK: err == nil}
		if err != nil {
			c.Says, health.OK = said(err), false
		}
		switch changed := s.told.changed(name, c.OK); {
		case changed && c.OK:
			s.Log.Info("ready again", "check", name)
		case changed:
			s.Log.Warn("not ready", "check", name, "error", err)
		}
		health.Checks = append(health.Checks, c)
	}
	_, err := s.engine.ChangeCounter(ctx)
	check("store", err)
	if err == nil {
		_, err = s.engine.Deployed(ctx)
		check("configuration", err)
	}
	health.Checks = append(health.Checks, s.rounds.check())
	answer(w, health)
}

// told remembers what the log knows of each check: whoever asks every second
// shall not fill it.
type told struct {
	lock  sync.Mutex
	fails map[string]bool
}

// changed notes how a check stands and tells whether it stood otherwise before.
func (t *told) changed(name string, ok bool) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	before := t.fails[name]
	if t.fails == nil {
		t.fails = map[string]bool{}
	}
	t.fails[name] = !ok
	return before == ok
}

// said is an error without what stands behind it: addresses and statements are
// for the log.
func said(err error) string {
	if kind := fault.KindOf(err); kind == fault.NotFound {
		return "nothing is deployed yet; see `provisor apply`"
	}
	return "does not answer as it should; the server's log says why"
}

func answer(w http.ResponseWriter, h Health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h) // whoever asked may be gone
}

// lastRound is how the last round ended.
type lastRound struct {
	lock sync.Mutex
	at   time.Time
	err  error
}

func (l *lastRound) note(at time.Time, err error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.at, l.err = at, err
}

func (l *lastRound) check() Check {
	l.lock.Lock()
	defer l.lock.Unlock()
	switch {
	case l.at.IsZero():
		return Check{Name: "round", OK: true, Says: "none has ended since the server started"}
	case l.err != nil:
		return Check{Name: "round", Says: "failed at " + l.at.Format(time.RFC3339) + ", and is tried again; the server's log says why"}
	default:
		return Check{Name: "round", OK: true, Says: "ended at " + l.at.Format(time.RFC3339)}
	}
}

// Package server keeps an open folder alive: it serves the pages, /healthz,
// /readyz and /metrics, goes round the path on a schedule, and carries out
// orders as soon as somebody approved them (the embedded agent). `provisor serve`
// and `provisor demo` call it.
//
// Beyond loopback it listens by TLS alone; who may do what there is for its routes
// to say. It keeps nothing itself: a crash leaves what the stage that ran leaves,
// and the next start goes on from there.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/process/jobs"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/routes"
)

// DefaultAddress is where the pages are, for whoever names no other place.
const DefaultAddress = "127.0.0.1:8080"

// Options start a server.
type Options struct {
	Address string           // host:port; port 0 takes a free one
	TLS     *tls.Config      // nil: without, on loopback alone
	Hosts   []string         // names under which it answers on loopback, beside this machine's
	Every   time.Duration    // between the end of a round and the next one
	Pages   *routes.Registry // the server's own routes are added; nil: these alone
	Version string
	Log     *slog.Logger
	// Ready is told the address once it answers; may be nil.
	Ready func(address string)
}

// Limits of serving, each with its reason.
const (
	// DefaultEveryMinutes is how old a reading may be where nobody says otherwise.
	DefaultEveryMinutes = 15
	// everySecondsMin keeps a schedule from doing nothing else.
	everySecondsMin = 1
	// headerSeconds and idleSeconds give slow and silent clients up.
	headerSeconds = 10
	idleSeconds   = 120
	// headerBytesMax is more than any browser sends.
	headerBytesMax = 64 << 10
	// stopSeconds is what open answers get to end.
	stopSeconds = 10
	// agentLookSeconds is between two looks whether something changed.
	agentLookSeconds = 1
	// agentIdleSeconds is when time alone may have opened a gate or a retry.
	agentIdleSeconds = 30
	// agentRest keeps the agent idle for so many times what its last pass took,
	// so that a large store's gated orders do not keep a core busy.
	agentRest = 5
)

// Run serves until the context ends, then lets what runs come to its end.
func Run(ctx context.Context, e *loop.Engine, o Options) error {
	loopback, err := Place(o.Address)
	if err != nil {
		return err
	}
	if !loopback && o.TLS == nil {
		return fault.New(fault.Denied, "serve", "%q can be reached from other machines, and nothing is encrypted", o.Address)
	}
	if o.Every < everySecondsMin*time.Second {
		return fault.New(fault.Invalid, "serve", "a round every %v is too often; give at least %d s", o.Every, everySecondsMin)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return &fault.Error{
			Kind: fault.Unavailable, Op: "listen on " + o.Address, Err: err,
			Do: "end what listens there, or name another address with --addr (port 0 takes a free one)",
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{Options: o, engine: e, metrics: newMetrics(e, o.Version), loopback: loopback}
	var background sync.WaitGroup
	background.Go(func() { s.agent(ctx) })
	background.Go(func() { s.messages(ctx) })
	background.Go(func() {
		if err := jobs.Run(ctx, s.jobs()); err != nil && ctx.Err() == nil {
			o.Log.Error("the jobs ended; the server goes down", "error", err)
			stop()
		}
	})
	err = s.serve(ctx, listener)
	stop()
	background.Wait()
	return err
}

// Place reads an address and reports whether this machine alone can reach it.
func Place(address string) (loopback bool, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: fmt.Sprintf("%q is not an address", address), Do: "write it as " + DefaultAddress}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: fmt.Sprintf("%q is not a port: it is a number up to 65535", port), Do: "write the address as " + DefaultAddress}
	}
	return onLoopback(host), nil
}

// CheckAddress refuses an address that others than this machine could reach, for
// servers at which nobody signs in.
func CheckAddress(address string) error {
	loopback, err := Place(address)
	if err != nil {
		return err
	}
	if !loopback {
		return &fault.Error{
			Kind: fault.Denied, Op: "serve", Msg: fmt.Sprintf("%q can be reached from other machines, and there is no sign-in", address),
			Do: "listen on " + DefaultAddress + ", and reach it from elsewhere through a tunnel such as ssh -L 8080:" + DefaultAddress,
		}
	}
	return nil
}

func onLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

type server struct {
	Options
	engine   *loop.Engine
	metrics  *metrics
	rounds   lastRound
	told     told
	loopback bool
}

// serve answers until the context ends.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	h := http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerSeconds * time.Second, IdleTimeout: idleSeconds * time.Second, MaxHeaderBytes: headerBytesMax,
		// Streams of events end with the server.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	if s.Ready != nil {
		s.Ready(listener.Addr().String())
	}
	ended := make(chan error, 1)
	go func() {
		if s.TLS != nil {
			h.TLSConfig = s.TLS
			ended <- h.ServeTLS(listener, "", "")
			return
		}
		ended <- h.Serve(listener)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopSeconds*time.Second)
	defer cancel()
	if err := h.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// jobs does what is due. The server's own rounds go on every so often, unless the
// configuration says when there are any.
func (s *server) jobs() jobs.Options {
	e := s.engine
	return jobs.Options{
		Store: e.DB, Place: jobs.Place{Database: e.Address, File: filepath.Join(e.Dir, jobsFile)},
		Server: s.holder(), Work: s.work, Schedules: s.schedules, Clock: e.Clock, Log: s.Log, Ended: s.metrics.job,
	}
}

// jobsFile is where the job engine keeps its own, beside the embedded store.
const jobsFile = "provisor.jobs.db"

func (s *server) holder() string {
	return s.engine.Actor.Process + " " + strconv.FormatInt(s.engine.Clock().UnixNano(), 36)
}

// schedules are those of the deployed configuration, and the server's own.
func (s *server) schedules(ctx context.Context) ([]runs.Schedule, error) {
	c, err := s.engine.Deployed(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	var list []runs.Schedule
	if err == nil {
		list = slices.Clone(c.Schedules)
	}
	if !slices.ContainsFunc(list, func(x runs.Schedule) bool { return x.Job == runs.Round }) {
		list = append(list, runs.Schedule{ID: runs.OwnRounds, Job: runs.Round, Every: s.Every})
	}
	return list, nil
}

// agent carries orders out: whenever something changed in the store, by whatever
// process, and from time to time for what only the clock opens.
func (s *server) agent(ctx context.Context) {
	seen, idle, rest := int64(-1), time.Duration(0), time.Duration(0)
	for ctx.Err() == nil {
		now, err := s.engine.ChangeCounter(ctx)
		if err == nil && (now != seen || idle >= agentIdleSeconds*time.Second) {
			began := s.engine.Clock()
			seen, idle = now, 0
			err = s.fulfil(ctx)
			rest = agentRest * s.engine.Clock().Sub(began)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.Error("carry out orders", "error", err)
			rest = agentIdleSeconds * time.Second
		}
		pause := max(rest, agentLookSeconds*time.Second)
		rest = 0
		s.engine.Sleep(ctx, pause)
		idle += pause
	}
}

func (s *server) fulfil(ctx context.Context) error {
	r, err := s.engine.Fulfil(ctx, nil)
	if fault.KindOf(err) == fault.NotFound {
		return nil // nothing is deployed yet
	}
	s.metrics.fulfilled(r)
	return err
}

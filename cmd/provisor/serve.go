package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/cli"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/web"
)

// serveFolder serves a folder until the context ends.
func serveFolder(ctx context.Context, o cli.ServeOptions) (err error) {
	o.Address = cmp.Or(o.Address, server.DefaultAddress)
	if _, err := server.Place(o.Address); err != nil {
		return err // before a store is opened for nothing
	}
	e, err := openLoop(ctx, o.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return serve(ctx, e, o)
}

// serveDemo serves the demonstration: somewhere else when the usual place is
// taken and no other was asked for.
func serveDemo(ctx context.Context, e *loop.Engine, o cli.ServeOptions) error {
	asked := o.Address
	o.Address = cmp.Or(asked, server.DefaultAddress)
	err := serve(ctx, e, o)
	if asked == "" && errors.Is(err, syscall.EADDRINUSE) {
		o.Address = "127.0.0.1:0"
		err = serve(ctx, e, o)
	}
	return err
}

func serve(ctx context.Context, e *loop.Engine, o cli.ServeOptions) error {
	log := slog.New(slog.NewTextHandler(o.Messages, nil))
	s, hosts, err := secured(e, o)
	if err != nil {
		return err
	}
	loopback, err := server.Place(o.Address)
	if err != nil {
		return err
	}
	desk := e.AccessDesk()
	required := o.SignIn || !loopback
	if required {
		if err := s.firstLink(ctx, desk); err != nil {
			return err
		}
	}
	secure := s.config != nil || strings.HasPrefix(o.URL, "https://")
	door := signin.NewBrowser(signin.Options{Desk: *desk, Required: required, Secure: secure, URL: o.URL, Secret: e.Secret, Log: log})
	pages := web.New(web.Options{
		Questions: named(e), Entities: e.Owners, Changes: e.ChangeCounter, Company: filepath.Base(e.Dir), Version: version(),
		Within: func(f access.Filter) web.Questions { return namedWithin(e, f) }, SignIn: door,
		Clock: e.Clock, Log: log, Stopping: ctx.Done(), Desks: e.Desks(), Local: e.Actor, Model: e.Model, Explain: e.Explain,
		VerifyJournal: e.VerifyJournal, Folder: os.DirFS(e.Dir), RunsTouched: e.RunsTouched, Schedules: e.Schedules, Recompute: e.RecomputeAs,
		Messages: e.MessageDesk(), Secure: secure, KeepPlan: e.KeepPlan, Monitoring: "/metrics",
	})
	api.Register(pages, api.Options{
		Within: func(f access.Filter) reach.Questions { return namedWithin(e, f) }, Entities: e.Owners, Answers: e.DB,
		Desks: e.Desks(), Local: e.Actor, Model: e.Model, Explain: e.Explain, Timeline: e.Timeline, VerifyJournal: e.VerifyJournal,
		Messages: e.MessageDesk(), SignIn: door, Folder: os.DirFS(e.Dir), Clock: e.Clock, Log: log, Schedules: e.Schedules, Recompute: e.RecomputeAs,
	})
	return server.Run(ctx, e, server.Options{
		Address: o.Address, TLS: s.config, Hosts: hosts, Every: cmp.Or(o.Every, server.DefaultEveryMinutes*time.Minute),
		Version: version(), Log: log, Ready: func(address string) { o.Ready(s.reached(address, o.URL)) }, Pages: pages,
	})
}

// security is how a server is reached.
type security struct {
	config      *tls.Config // nil: without TLS
	fingerprint string
	link        string
}

// secured says by which certificate a server is reached: an administrator's own,
// one that is made, or, on loopback, none; and by which other names it is called.
func secured(e *loop.Engine, o cli.ServeOptions) (s security, hosts []string, err error) {
	if o.URL != "" {
		u, err := url.Parse(o.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
			return s, nil, &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: "--url is no address of a server", Do: "write it as https://provisor.example.org"}
		}
		hosts = []string{u.Hostname()}
	}
	loopback, err := server.Place(o.Address)
	switch {
	case err != nil:
	case o.Certificate != "" || o.Key != "":
		s.config, err = server.OwnCertificate(o.Certificate, o.Key)
	case !loopback:
		s.config, s.fingerprint, err = server.MadeCertificate(e.Dir, server.NamesOf(o.Address, hosts...), e.Clock())
	}
	return s, hosts, err
}

// firstLink makes the one-time link while nobody is an administrator.
func (s *security) firstLink(ctx context.Context, desk *signin.Desk) error {
	needs, err := desk.NeedsFirst(ctx)
	if err != nil || !needs {
		return err
	}
	link, err := desk.FirstLink(ctx)
	s.link = link.Reveal()
	return err
}

// reached is what is said once the server answers.
func (s *security) reached(address, outside string) cli.Serving {
	scheme := "http://"
	if s.config != nil {
		scheme = "https://"
	}
	at := address
	if host, port, err := net.SplitHostPort(address); err == nil && net.ParseIP(host).IsUnspecified() {
		at = net.JoinHostPort(server.NamesOf(address)[0], port)
	}
	base := cmp.Or(strings.TrimSuffix(outside, "/"), scheme+at)
	x := cli.Serving{Address: address, URL: base + "/", Fingerprint: s.fingerprint}
	if s.link != "" {
		x.FirstLink = base + "/first?" + url.Values{"link": {s.link}}.Encode()
	}
	return x
}

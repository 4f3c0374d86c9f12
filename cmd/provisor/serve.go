package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/surface/cli"
	"provisor.dev/provisor/internal/surface/web"
)

// serveFolder serves a folder until the context ends.
func serveFolder(ctx context.Context, o cli.ServeOptions) (err error) {
	if err := server.CheckAddress(cmp.Or(o.Address, server.DefaultAddress)); err != nil {
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
	err := serve(ctx, e, o)
	if o.Address == "" && errors.Is(err, syscall.EADDRINUSE) {
		o.Address = "127.0.0.1:0"
		err = serve(ctx, e, o)
	}
	return err
}

func serve(ctx context.Context, e *loop.Engine, o cli.ServeOptions) error {
	log := slog.New(slog.NewTextHandler(o.Messages, nil))
	return server.Run(ctx, e, server.Options{
		Address: cmp.Or(o.Address, server.DefaultAddress), Every: cmp.Or(o.Every, server.DefaultEveryMinutes*time.Minute),
		Version: version(), Log: log, Ready: o.Ready,
		Pages: web.New(web.Options{
			Questions: named(e), Entities: e.Owners, Changes: e.ChangeCounter, Company: filepath.Base(e.Dir), Version: version(),
			Clock: e.Clock, Log: log, Stopping: ctx.Done(), Desks: e.Desks(), Local: e.Actor, Model: e.Model, Explain: e.Explain,
			VerifyJournal: e.VerifyJournal, Folder: os.DirFS(e.Dir),
		}),
	})
}

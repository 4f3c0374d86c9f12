// Command provisor is the one binary: server, agent and command line. This
// package only wires: it hands the engine, the connector packages and the demo
// to the command line.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/company/organisation"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/cli"
	"provisor.dev/provisor/internal/view"
)

func main() {
	// A first signal lets the stage end between two acts; a second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	p := program(os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	p.Hidden = hidden
	p.InTerminal, p.OutTerminal, p.ErrTerminal = terminal(os.Stdin), terminal(os.Stdout), terminal(os.Stderr)
	os.Exit(p.Run(ctx, os.Args[1:]))
}

func terminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

// hidden reads a line that the terminal does not show. A signal ends the
// question and leaves the terminal as it was.
func hidden(ctx context.Context) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// program wires the command line; tests start it with streams of their own.
func program(in io.Reader, out, messages io.Writer, getenv func(string) string) *cli.Program {
	return &cli.Program{
		Version: version(), Stdin: in, Stdout: out, Stderr: messages, Getenv: getenv,
		UserFolder: os.UserConfigDir,
		Now:        func() time.Time { return time.Now().UTC() },
		Open:       open,
		Check: func(folder string) (*declare.Configuration, error) {
			files, err := declare.ReadDir(folder)
			if err != nil {
				return nil, err
			}
			return declare.Load(files, packages())
		},
		Schema:   func() ([]byte, error) { return declare.JSONSchema(packages()) },
		Packages: listed(packages()),
		Demo:     runDemo,
		Company:  layCompanyDown,
		Serve:    serveFolder,
	}
}

// version is what the build says of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "development"
	}
	return info.Main.Version
}

// open opens a folder for the command line.
func open(ctx context.Context, o cli.Options) (cli.Engine, error) {
	e, err := openLoop(ctx, o)
	if err != nil {
		return nil, err
	}
	return engine{e}, nil
}

// openLoop opens a folder. In a demo's folder the day is the demo's unless
// another one is asked for.
func openLoop(ctx context.Context, o cli.Options) (*loop.Engine, error) {
	laid, err := demo.Settings(o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, err
	}
	if o.Day.IsZero() {
		o.Day = laid.At
	}
	return loop.Open(ctx, loop.Options{
		Dir: o.Dir, Store: o.Store, KeyFile: o.KeyFile, Packages: packages(), As: o.As, Day: o.Day, Today: laid.At, MustExist: o.MustExist,
	})
}

// engine is the loop in the words of the command line.
type engine struct{ *loop.Engine }

func (e engine) Questions() cli.Questions { return named(e.Engine) }

// named answers what people ask with the names that they know.
func named(e *loop.Engine) view.Questions { return namedWithin(e, access.Everything()) }

// namedWithin answers it about what a filter lets through.
func namedWithin(e *loop.Engine, f access.Filter) view.Questions {
	return view.Named(e.Views().Within(f), e.Model)
}

func (e engine) Desk() cli.Desk { return e.Engine.Desk() }

func (e engine) AccessDesk() cli.AccessDesk { return e.Engine.AccessDesk() }

func (e engine) RequestDesk(ctx context.Context) (cli.RequestDesk, error) {
	desk, err := e.Engine.RequestDesk(ctx)
	return desk, err
}

func (e engine) WorkflowDesk(ctx context.Context) (cli.WorkflowDesk, error) {
	return e.Engine.WorkflowDesk(ctx)
}

func (e engine) Follow(p cli.Progress) { e.Progress = followed(p) }

// followed is what the command line is told of progress, in the loop's words.
func followed(p cli.Progress) loop.Progress {
	f := loop.Progress{Read: p.Read}
	if p.Carried != nil {
		f.Carried = func(connection string, orders, _ int) { p.Carried(connection, orders) }
	}
	return f
}

func (e engine) Round(ctx context.Context, block bool) (cli.Round, error) {
	r, err := e.Run(ctx, block)
	return cli.Round(r), err
}

func runDemo(ctx context.Context, o cli.DemoOptions) (cli.DemoResult, error) {
	options := demo.Options{
		Dir: o.Dir, Company: company.Options{People: o.People, Seed: o.Seed, At: o.At}, Once: o.Once, LDAP: o.LDAP,
		Packages: packages(), Out: o.Out, Progress: followed(o.Progress), Ended: func(r *demo.Result) error { return o.Before(r) },
	}
	if !o.NoServe && !o.Once {
		if err := server.CheckAddress(cmp.Or(o.Address, server.DefaultAddress)); err != nil {
			return cli.DemoResult{}, err // before a company is laid down for nothing
		}
		options.Serve = func(ctx context.Context, e *loop.Engine) error {
			return serveDemo(ctx, e, cli.ServeOptions{Address: o.Address, Messages: o.Messages, Ready: func(s cli.Serving) {
				_, _ = fmt.Fprintf(o.Out, "\nThe company is served at %s  (end it with Ctrl-C)\n", s.URL)
			}})
		}
	}
	r, err := demo.Run(ctx, options)
	if err != nil {
		return cli.DemoResult{}, err
	}
	return cli.DemoResult{Holds: r.Holds}, nil
}

func layCompanyDown(ctx context.Context, o cli.CompanyOptions) (cli.Company, error) {
	g, err := organisation.New(organisation.Options{People: o.People, Seed: o.Seed, At: o.At, Provisioned: o.Provisioned, Without: o.Without})
	if err != nil {
		return cli.Company{}, &fault.Error{Kind: fault.Invalid, Op: "lay a company down", Msg: err.Error(), Do: "see `provisor demo company --help`"}
	}
	laid, err := g.Lay(ctx, o.Dir, o.Written)
	if err != nil {
		return cli.Company{}, err
	}
	return cli.Company{Value: laid, People: laid.People, Roles: laid.Roles, Day: laid.Day}, nil
}

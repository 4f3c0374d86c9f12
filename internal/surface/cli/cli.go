// Package cli is the command line: what people type at a terminal and what
// scripts call.
//
// It promises that every command shows one value, as people's text or with
// --json as that same value; that data goes to stdout and everything else to
// stderr; that an exit code says how it ended (codes.go); and that an error says
// what is wrong and what to do. cmd/provisor wires it to the engine; tests start
// the same Program in their own process. It keeps nothing itself, so a crash
// leaves what the stage that ran leaves.
package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/stage/declare"
)

// A Program is the command line with everything it touches, so that a test can
// start it as the terminal does.
type Program struct {
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// Which of the three is a person's terminal: colours, progress and questions.
	InTerminal, OutTerminal, ErrTerminal bool
	Getenv                               func(string) string
	Now                                  func() time.Time
	// UserFolder is where the settings of whoever types are kept.
	UserFolder func() (string, error)
	// Hidden reads a line from the terminal that it does not show.
	Hidden func(context.Context) ([]byte, error)

	Open Opener
	// Check reads and checks a folder of configuration files.
	Check func(folder string) (*declare.Configuration, error)
	// Schema writes the JSON Schema of the configuration.
	Schema   func() ([]byte, error)
	Packages []Package // the connector packages compiled in
	Demo     func(context.Context, DemoOptions) (DemoResult, error)
	Company  func(context.Context, CompanyOptions) (Company, error)
	Serve    func(context.Context, ServeOptions) error
}

// Run carries out one command line and returns its exit code.
func (p *Program) Run(ctx context.Context, args []string) int {
	v := &invocation{Program: p}
	root := v.root()
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return Done
	}
	if !v.begun { // the command line itself was not understood
		err = usage(err)
	}
	return v.report(err)
}

// An invocation is one command line: the program and its global flags.
type invocation struct {
	*Program
	dir, store, as, at string
	server             string // "": the folder
	json, csv          bool
	noColor, verbose   bool
	begun              bool // a command was found and its flags are right
	day                time.Time
}

const rootLong = `Provisor writes people's access into the systems they work with, and proves that
it got there: declare, synchronize, evaluate, generate, review, fulfil, verify.

A folder (--dir) holds provisor.db and config/. With --server most commands for people
ask a server instead, to which "provisor login" signs in. Begin with "provisor demo" to see
a whole company at work, or with "provisor init" for your own.

With --json every command prints its value as JSON on stdout; messages go to
stderr. Exit codes: ` + codesInHelp

func (v *invocation) root() *cobra.Command {
	root := &cobra.Command{
		Use: "provisor", Short: "Provision people's access, and prove it", Long: rootLong,
		SilenceErrors: true, SilenceUsage: true, Version: v.Version,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return v.begin(c) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return err })
	root.SetVersionTemplate("provisor {{.Version}}\n")
	f := root.PersistentFlags()
	f.StringVar(&v.dir, "dir", ".", "the folder that holds provisor.db and config/")
	f.StringVar(&v.store, "store", "", "a PostgreSQL address to use instead of provisor.db (or PROVISOR_STORE)")
	f.StringVar(&v.server, "server", "", "a server to ask instead of a folder, https://provisor.example.org (or PROVISOR_SERVER)")
	f.StringVar(&v.as, "as", "", "the person who acts (default: the operating system's user)")
	f.StringVar(&v.at, "at", "", "the day that rules are judged on, 2026-03-01 (default: the demo's day, else today)")
	f.BoolVar(&v.json, "json", false, "print JSON on stdout")
	f.BoolVar(&v.csv, "csv", false, "print a list whole, as CSV, with the columns of the file that its page gives")
	f.BoolVar(&v.noColor, "no-color", false, "print without colours (also NO_COLOR)")
	f.BoolVarP(&v.verbose, "verbose", "v", false, "print every finding and every wait, not only the first ones")
	root.AddGroup(
		&cobra.Group{ID: groupBegin, Title: "Begin:"},
		&cobra.Group{ID: groupPath, Title: "The path, stage by stage:"},
		&cobra.Group{ID: groupPeople, Title: "What people decide:"},
		&cobra.Group{ID: groupKeep, Title: "Secrets, messages and back-ups:"},
		&cobra.Group{ID: groupAccess, Title: "Who may do what in Provisor:"},
		&cobra.Group{ID: groupAsk, Title: "What people ask:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		groupBegin:  {v.demo(), v.initialize(), v.login(), v.logout(), v.version(), v.packages()},
		groupPath:   {v.validate(), v.policyTests(), v.nameRoles(), v.plan(), v.apply(), v.synchronize(), v.evaluate(), v.generate(), v.fulfil(), v.verify(), v.run(), v.serve(), v.serviceCommand(), v.jobs(), v.export(), v.schema()},
		groupKeep:   {v.secret(), v.messagesCommand(), v.backup()},
		groupAccess: {v.account(), v.token(), v.profile()},
		groupPeople: {v.request(), v.workflow(), v.order(), v.reconcile(), v.golive(), v.redundant()},
		groupAsk:    {v.person(), v.explain(), v.shadow(), v.state(), v.journal()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	return root
}

// The groups of commands in the help.
const (
	groupBegin  = "begin"
	groupPath   = "path"
	groupPeople = "people"
	groupKeep   = "keep"
	groupAccess = "access"
	groupAsk    = "ask"
)

// begin settles the global flags before any command runs.
func (v *invocation) begin(c *cobra.Command) error {
	if err := v.settleServer(c); err != nil {
		return err
	}
	if err := v.settleCSV(c); err != nil {
		return err
	}
	if v.store == "" {
		v.store = v.Getenv("PROVISOR_STORE")
	}
	if v.at != "" {
		day, err := dayOf("--at", v.at)
		if err != nil {
			return err
		}
		v.day = day
	}
	v.begun = true
	return nil
}

// dayOf reads a day as people type it.
func dayOf(flag, text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, wrongUsage("write it as 2026-03-01", "%s: %q is not a day", flag, text)
	}
	return day, nil
}

// family groups commands under a noun. The noun alone prints what there is.
func family(use, short, long string, members ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.NoArgs}
	c.AddCommand(members...)
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// engineWork is what a command does with an open folder.
type engineWork func(ctx context.Context, e Engine, args []string) error

// opened runs a command with the folder open.
func (v *invocation) opened(work engineWork) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		return v.open(c.Context(), false, func(ctx context.Context, e Engine) error { return work(ctx, e, args) })
	}
}

// open opens the folder for the time of do.
func (v *invocation) open(ctx context.Context, create bool, do func(context.Context, Engine) error) (err error) {
	if v.server != "" {
		return v.here("this command")
	}
	e, err := v.Open(ctx, Options{Dir: v.dir, Store: v.store, KeyFile: v.Getenv("PROVISOR_KEY_FILE"), As: v.as, Day: v.day, MustExist: !create})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return do(ctx, e)
}

// staged runs a stage: with a line about files that are not deployed, and with
// its progress shown.
func (v *invocation) staged(work engineWork) func(*cobra.Command, []string) error {
	return v.opened(func(ctx context.Context, e Engine, args []string) error {
		if differs := e.Differs(ctx); differs != "" {
			v.note("%s", differs)
		}
		bars := v.progress()
		e.Follow(bars.follow())
		defer bars.stop()
		return work(ctx, e, args)
	})
}

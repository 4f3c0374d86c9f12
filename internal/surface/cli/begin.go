package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

func (v *invocation) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Long:    `Prints the version of this program.`,
		Example: "  provisor version --json",
		RunE: func(*cobra.Command, []string) error {
			return v.show(map[string]string{"version": v.Version}, func() { v.say("provisor %s", v.Version) })
		},
	}
}

func (v *invocation) packages() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the connector packages and their settings", Args: cobra.NoArgs,
		Long: `Lists the connector packages that this program was built with: what each talks to, the
settings of its connections, and the keys that it adds to entity types and properties.`,
		Example: "  provisor package list",
		RunE: func(*cobra.Command, []string) error {
			return v.show(map[string]any{"packages": v.Packages}, func() {
				for _, p := range v.Packages {
					v.say("%s  %s", v.strong(p.Name), p.About)
					v.settings("settings", p.Settings)
					v.settings("from", p.From)
				}
			})
		},
	}
	return family("package", "The connector packages of this program",
		`A connector package is the code that can talk to one kind of system.`, list)
}

func (v *invocation) settings(title string, list []Setting) {
	g := v.columns(title, "", "")
	g.indent = "  "
	for _, s := range list {
		var notes []string
		if s.Required {
			notes = append(notes, "required")
		}
		if s.Secret {
			notes = append(notes, "a secret")
		}
		if s.Default != "" {
			notes = append(notes, "default "+s.Default)
		}
		if len(s.OneOf) > 0 {
			notes = append(notes, "one of "+strings.Join(s.OneOf, ", "))
		}
		g.writer.AppendRow([]any{s.Name, strings.Join(notes, "; "), s.About})
	}
	g.print()
}

func (v *invocation) demo() *cobra.Command {
	o := DemoOptions{}
	c := &cobra.Command{
		Use: "demo", Short: "Lay down a whole company, go round once, and serve it", Args: cobra.NoArgs,
		Long: `Lays down a believable company in --dir (200 people from a seed: HR files, an application
that is written automatically, a sensitive one with provisioning review, a badge office
that people serve by hand), deploys its configuration and goes round the path to the
point where people must decide. Then it serves the company's pages, and says where.
DIR/README.md tells the company's rules.

With --once it also plays the people, goes on until nothing moves, reads the systems by
itself and ends with 7 unless everything that was expected is there.

"provisor demo company" lays down a far larger organisation, and runs nothing.`,
		Example: "  provisor demo --dir acme\n  provisor demo --dir acme --no-serve\n  provisor demo --once --dir acme --people 500 --seed 3",
	}
	c.Flags().IntVar(&o.People, "people", 0, "how many people (default: 200)")
	c.Flags().Int64Var(&o.Seed, "seed", 0, "which company (default: 7)")
	c.Flags().BoolVar(&o.Once, "once", false, "play the people too, check the end, and stop")
	c.Flags().BoolVar(&o.LDAP, "ldap", false, "also provision a directory on an OpenLDAP that is started for it")
	c.Flags().BoolVar(&o.NoServe, "no-serve", false, "end after the round, without serving pages")
	c.Flags().StringVar(&o.Address, "addr", "", "host:port to serve on (default 127.0.0.1:8080, or a free port when that is taken)")
	c.MarkFlagsMutuallyExclusive("once", "addr")
	c.MarkFlagsMutuallyExclusive("no-serve", "addr")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o.Dir, o.At, o.Out, o.Messages = v.dir, v.day, v.Stdout, v.Stderr
		if v.json {
			o.Out = v.Stderr
		}
		bars := v.progress()
		defer bars.stop()
		o.Progress, o.Out = bars.follow(), above{bars, o.Out}
		o.Before = func(value any) error {
			bars.stop()
			return v.show(value, func() {})
		}
		r, err := v.Demo(c.Context(), o)
		if err != nil {
			return err
		}
		if o.Once && !r.Holds {
			return ended(CheckCode)
		}
		return nil
	}
	c.AddCommand(v.company())
	return c
}

// companyPeople is how many people an organisation has that nobody described: quick to lay and to run.
const companyPeople = 1_000

func (v *invocation) company() *cobra.Command {
	o := CompanyOptions{}
	c := &cobra.Command{
		Use: "company", Short: "Lay down an organisation of 1,000 to 1,000,000 people", Args: cobra.NoArgs,
		Long: `Lays down an organisation in --dir, which must be empty or new, and runs nothing:

  hr/         people, departments and sites, as CSV files
  config/     rules for five systems; roles by department, site, title and grade
  systems/    the five systems, as SQLite databases
  README.md   who gets what and why, and what to type next

There are joiners, movers and leavers around the day (--at), contractors with a last
day, managers, homonyms. A person has five accounts of ten values and about ten roles.
The same options give the same bytes. The day is kept in demo.json: the other commands
judge the rules on it unless --at says otherwise.

The systems are empty, so the first run creates every account. With --provisioned they
hold what the rules give: the first run verifies every value and raises no order. With
--without N the last N people of the file have no accounts all the same.

A million people take about a gigabyte when they are provisioned.`,
		Example: "  provisor demo company --dir northgate\n" +
			"  provisor demo company --dir big --people 100000 --seed 3 --at 2026-03-01 --provisioned\n" +
			"  provisor apply --yes --dir northgate && provisor run --dir northgate",
	}
	c.Flags().IntVar(&o.People, "people", companyPeople, "how many people, 1000 to 1000000")
	c.Flags().Int64Var(&o.Seed, "seed", 1, "which organisation")
	c.Flags().BoolVar(&o.Provisioned, "provisioned", false, "let the systems hold what the rules give")
	c.Flags().IntVar(&o.Without, "without", 0, "with --provisioned: how many people have no accounts yet")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o.Dir, o.At = v.dir, v.day
		if o.At.IsZero() {
			o.At = v.Now()
		}
		bars := v.progress()
		o.Written = func(what string, rows int) { bars.reached("written "+what, rows) }
		made, err := v.Company(c.Context(), o)
		bars.stop()
		if err != nil {
			return err
		}
		return v.show(made.Value, func() {
			v.say("An organisation of %d people with %d roles on %s stands in %s (README.md tells it).", made.People, made.Roles, made.Day, v.dir)
			v.say("Next: `provisor validate --dir %s`, `provisor apply --yes --dir %s`, `provisor run --dir %s`.", v.dir, v.dir, v.dir)
		})
	}
	return c
}

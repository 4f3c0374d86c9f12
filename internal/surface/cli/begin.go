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
itself and ends with 7 unless everything that was expected is there.`,
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
	return c
}

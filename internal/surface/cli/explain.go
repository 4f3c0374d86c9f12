package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
)

func (v *invocation) explain() *cobra.Command {
	var ask explain.Query
	c := &cobra.Command{
		Use: "explain PERSON", Short: "Prove why somebody has what, or does not", Args: cobra.ExactArgs(1),
		Long: `Shows the proof of every role, account and value of a person: the rule line with its
place in the configuration, the role it came by and why the person has that role, what
people decided, and the values that the rule read. For the roles and accounts that the
person does not have it shows each rule line that could give it and which of its
criteria does not hold.

Evaluate first when the configuration or the sources changed.`,
		Example: "  provisor explain E001\n  provisor explain E001 --account LedgerAccount --property rights\n  provisor explain E001 --role ledger-writer",
	}
	c.Flags().StringVar(&ask.Account, "account", "", "only the account of this resource type")
	c.Flags().StringVar(&ask.Property, "property", "", "only this property of accounts")
	c.Flags().StringVar(&ask.Role, "role", "", "only this role")
	c.RunE = v.opened(func(ctx context.Context, e Engine, args []string) error {
		configuration, err := e.Deployed(ctx)
		if err != nil {
			return err
		}
		if _, ok := configuration.Model.ResourceTypes[roles.ResourceTypeID(ask.Account)]; !ok && ask.Account != "" {
			return notDeclared("resource type", ask.Account)
		}
		if _, ok := configuration.Model.Roles[roles.RoleID(ask.Role)]; !ok && ask.Role != "" {
			return notDeclared("role", ask.Role)
		}
		p, err := personNamed(ctx, e, args[0])
		if err != nil {
			return err
		}
		proof, err := explain.Explain(ctx, e, e.Questions(), configuration, p, e.Day(), ask)
		if err != nil {
			return err
		}
		return v.show(proof, func() { v.proofText(proof, ask.Role != "") })
	})
	return c
}

// proofText writes a proof; of the roles that somebody has not only those asked for.
func (v *invocation) proofText(p explain.Proof, asked bool) {
	v.say("%s on %s", v.strong(named(p.Owner)), p.Day)
	for _, r := range p.Roles {
		has := "has the role"
		if !assignments.Workflow(r.Workflow.Number).Expected() {
			has = r.Workflow.Name + ": the role"
		}
		v.say("\n%s %s (%s)", has, v.strong(roleWith(r.Role, r.With)), r.Shows)
		v.groundsText(r.Because, "  ")
		for _, q := range r.Asked {
			v.say("  request %d: %s asked by %s on %s%s", q.ID, q.Action, q.By, dayText(q.At), prefixed(": ", q.Why))
			for _, x := range q.Rulings {
				v.say("    %s", rulingText(x))
			}
			if len(q.Rulings) == 0 {
				v.say("    no step was needed")
			}
		}
	}
	for _, a := range p.Accounts {
		v.say("\nhas the account %s %s: %s", v.strong(a.Type), a.Target, v.chip(a.State))
		for _, it := range a.Items {
			v.say("  %s: %s → %s  %s  (%s)", v.strong(it.Name), it.Current, it.Expected, v.chip(it.State), it.Workflow.Name)
			v.groundsText(it.Because, "    ")
			for _, d := range it.Decisions {
				v.say("    %s: %s by %s%s", when(d.At), d.Event, d.Actor, prefixed(": ", d.Why))
			}
			if it.Message != "" {
				v.say("    %s", it.Message)
			}
		}
	}
	var others []string
	for _, a := range p.Absent {
		if a.Role != "" && !asked && !v.verbose {
			others = append(others, a.Role)
			continue
		}
		what := "role " + v.strong(a.Role)
		if a.Account != "" {
			what = "account " + v.strong(a.Account)
		}
		v.say("\nhas not the %s", what)
		for _, why := range a.Why {
			v.say("  because %s", why)
		}
		v.linesText(a.Lines)
	}
	if len(others) > 0 {
		v.say("\nhas not the roles %s: --role NAME shows why, -v shows all", strings.Join(others, ", "))
	}
}

// groundsText writes reasons as a tree: rule, place, values read, then the role's.
func (v *invocation) groundsText(list []explain.Ground, indent string) {
	for _, g := range list {
		words := g.Note
		if g.Rule != "" {
			words = g.Rule + prefixed(" — ", g.Says) + prefixed(": ", g.Note)
		}
		v.say("%sbecause %s%s", indent, words, place(g.At))
		var read []string
		for _, in := range g.Values {
			read = append(read, in.Path+" = "+in.Value.String())
		}
		if len(read) > 0 {
			v.say("%s  it read %s", indent, strings.Join(read, ", "))
		}
		v.groundsText(g.By, indent+"  ")
	}
}

// linesText writes the rule lines that do not hold, the nearest first.
func (v *invocation) linesText(list []explain.Line) {
	for i, l := range list {
		if i == fewLines && !v.verbose {
			v.say("  ... and %d more lines: -v shows all", len(list)-i)
			return
		}
		verdict := "does not hold"
		switch {
		case l.Holds && l.Denies:
			verdict = "denies it"
		case l.Holds:
			verdict = "holds"
		}
		v.say("  %s — %s: %s%s", l.Rule, l.Says, verdict, place(&l.At))
		for _, c := range l.Criteria {
			if !c.Holds {
				v.say("      not: %s%s", c.Says, prefixed("; found ", c.Found))
			}
		}
	}
}

func place(at *schema.Position) string {
	if at == nil || at.File == "" {
		return ""
	}
	return fmt.Sprintf("  (%s:%d)", at.File, at.Line)
}

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) explain() *cobra.Command {
	var ask explain.Query
	var on, until string
	c := &cobra.Command{
		Use: "explain PERSON", Short: "Prove why somebody has what, or does not", Args: cobra.ExactArgs(1),
		Long: `Shows the proof of every role, account and value of a person: the rule line with its
place in the configuration, the role it came by and why the person has that role, what
people decided, and the values that the rule read. For the roles and accounts that the
person does not have it shows what would have to be true, and each rule line that could
give it with the criteria that do not hold.

With --value it explains one value of --property, or one link by key or identifier: why
the person has exactly it, or what would give it. With --until or --on it shows what
changes from today on: each day on which a period begins or ends.

Evaluate first when the configuration or the sources changed.`,
		Example: "  provisor explain E001\n  provisor explain E001 --account LedgerAccount --property rights\n  provisor explain E001 --role ledger-writer\n  provisor explain E001 --account LedgerAccount --property groups --value ledger-read\n  provisor explain E001 --on 2027-01-01",
	}
	c.Flags().StringVar(&ask.Account, "account", "", "only the account of this resource type")
	c.Flags().StringVar(&ask.Property, "property", "", "only this property of accounts")
	c.Flags().StringVar(&ask.Value, "value", "", "with --account and --property: only this value, or this link by key or identifier")
	c.Flags().StringVar(&ask.Role, "role", "", "only this role")
	c.Flags().StringVar(&on, "on", "", "what changes on this day, 2026-04-01")
	c.Flags().StringVar(&until, "until", "", "what changes from today up to this day")
	c.RunE = v.asked(func(ctx context.Context, s Service, args []string) error {
		if ask.Value != "" && (ask.Account == "" || ask.Property == "") {
			return wrongUsage("add --account TYPE --property NAME", "--value is the value of a property of an account")
		}
		p, err := personNamed(ctx, s, args[0])
		if err != nil {
			return err
		}
		if on != "" || until != "" {
			return v.timeline(ctx, s, p.Owner, on, until)
		}
		proof, err := s.Prove(ctx, p, ask)
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
		v.absenceText(a, "")
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

// absenceText says what somebody has not, what would have to be true, and of each
// line that could give it what does not hold.
func (v *invocation) absenceText(a explain.Absence, indent string) {
	what := "role " + v.strong(a.Role)
	switch {
	case a.Property != "":
		what = a.Property + " " + v.strong(a.Value) + " of the account " + a.Account
	case a.Account != "":
		what = "account " + v.strong(a.Account)
	}
	v.say("\n%shas not the %s", indent, what)
	for _, why := range a.Why {
		v.say("%s  because %s", indent, why)
	}
	for _, way := range a.If {
		v.say("%s  %s", indent, way)
	}
	v.linesText(a.Lines, indent)
	for _, needed := range a.Needs {
		v.absenceText(needed, indent+"    ")
	}
}

// linesText writes the rule lines that do not hold, the nearest first.
func (v *invocation) linesText(list []explain.Line, indent string) {
	for i, l := range list {
		if i == fewLines && !v.verbose {
			v.say("%s  ... and %d more lines: -v shows all", indent, len(list)-i)
			return
		}
		verdict := "does not hold"
		switch {
		case l.Holds && l.Denies:
			verdict = "denies it"
		case l.Holds:
			verdict = "holds"
		}
		v.say("%s  %s — %s: %s%s", indent, l.Rule, l.Says, verdict, place(&l.At))
		for _, c := range l.Criteria {
			if !c.Holds {
				v.say("%s      not: %s%s", indent, c.Says, prefixed("; found ", c.Found))
			}
		}
	}
}

// timeline shows what changes for a person on a day, or up to one.
func (v *invocation) timeline(ctx context.Context, s Service, owner view.Owner, on, until string) error {
	flag, text := "--until", until
	if on != "" {
		flag, text = "--on", on
	}
	if on != "" && until != "" {
		return wrongUsage("leave one of them out", "--on is a day, and --until all days up to one")
	}
	day, err := dayOf(flag, text)
	if err != nil {
		return err
	}
	line, err := s.Timeline(ctx, owner, day)
	if fault.KindOf(err) == fault.Invalid {
		return usage(err)
	}
	if err != nil {
		return err
	}
	if on != "" {
		line.Days = slices.DeleteFunc(line.Days, func(t explain.Turn) bool { return t.Day != line.Until })
	}
	return v.show(line, func() {
		v.say("%s from %s on", v.strong(named(owner)), line.Today)
		for _, t := range line.Days {
			v.say("\n%s", v.strong(t.Day))
			for _, x := range t.Changes {
				v.say("  %-8s%s%s  because of %s", x.Does, x.What, prefixed(": ", spelledOut(x)), x.Why)
			}
		}
		switch {
		case len(line.Days) == 0 && on != "":
			v.say("nothing changes on %s", line.Until)
		case len(line.Days) == 0:
			v.say("nothing changes until %s", line.Until)
		case line.Cut:
			v.say("\n... more days would have to be looked at: name a nearer one")
		}
	})
}

// spelledOut is what a change does to a value, "" where there is none.
func spelledOut(c explain.Change) string {
	if c.Before != "" && c.After != "" {
		return brief(c.Before) + " → " + brief(c.After)
	}
	return brief(c.Before + c.After)
}

func place(at *schema.Position) string {
	if at == nil || at.File == "" {
		return ""
	}
	return fmt.Sprintf("  (%s:%d)", at.File, at.Line)
}

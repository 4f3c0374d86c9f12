package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/plan"
)

func (v *invocation) shadow() *cobra.Command {
	var types []string
	var require float64
	c := &cobra.Command{
		Use: "shadow", Short: "Report how far shadowed resource types agree with their systems", Args: cobra.NoArgs,
		Long: `Compares what the rules want of the resource types in shadow mode (provisioning.shadow)
with what their systems were last read to hold, which the present tool keeps: accounts
that agree wholly, that differ and in what, that are missing, and that no rule gives.
Nothing is written. What is written once is not compared.

With --require it is a check: it ends with 7 where a resource type agrees less.`,
		Example: "  provisor shadow\n  provisor shadow --type PersonalAccount --require 99.5",
	}
	c.Flags().StringSliceVar(&types, "type", nil, "only these resource types")
	c.Flags().Float64Var(&require, "require", 0, "end with 7 where fewer percent agree")
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		only := make([]roles.ResourceTypeID, len(types))
		for i, t := range types {
			only[i] = roles.ResourceTypeID(t)
		}
		list, err := e.Shadow(ctx, only)
		if err != nil {
			return err
		}
		if len(list) < max(len(only), 1) {
			return &fault.Error{
				Kind: fault.NotFound, Op: "shadow", Msg: "no such resource type is in shadow mode",
				Do: "set provisioning.shadow: true, deploy it, and go round with `provisor run`",
			}
		}
		if err := v.show(list, func() { v.shadowText(list) }); err != nil {
			return err
		}
		for _, x := range list {
			if x.Percent < require {
				v.note("%s agrees by %g %%, and %g %% are required", x.Type, x.Percent, require)
				err = ended(CheckCode)
			}
		}
		return err
	})
	return c
}

func (v *invocation) shadowText(list []plan.Agreement) {
	for i, x := range list {
		if i > 0 {
			v.say("")
		}
		v.say("%s: %g %% agree", v.strong(string(x.Type)), x.Percent)
		v.say("  shadowed since %s, compared with the reading of %s", when(x.Since), when(x.Read))
		v.say("  %s expected, %d there: %d agree, %d differ, %d missing, %d surplus", count(x.Expected, "account"), x.There, x.Agree, x.Differ, x.Missing, x.Surplus)
		if !x.Oldest.IsZero() {
			v.say("  the oldest difference stands since %s", when(x.Oldest))
		}
		if x.Settled > 0 {
			v.say("  %s ended because the present tool did the same", count(x.Settled, "order"))
		}
		for _, d := range x.Values {
			v.say("  %s differs in %s", v.strong(d.Property), count(d.Accounts, "account"))
			for _, e := range d.Examples {
				v.say("    %s %s: there %s, the rules want %s%s", e.Owner, e.What, brief(e.Current), brief(e.Expected), prefixed(", since ", when(e.Since)))
			}
		}
		for _, e := range x.Examples {
			v.say("  %s: %s%s", e.What, e.Owner, prefixed(" ", fmt.Sprint(e.Target)))
		}
	}
}

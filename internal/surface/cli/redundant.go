package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) redundant() *cobra.Command {
	return family("redundant", "Approved roles that rules give as well",
		`What a person approved is shown as approved although a rule gives it as well, and stays
when the rule ends. Where the rule is enough, the approval may go: for the time in which
both give the role it becomes calculated; what was approved before and after stays.`,
		v.redundantList(), v.redundantApply())
}

func (v *invocation) redundantList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List approved roles that rules give as well", Args: cobra.NoArgs,
		Long: `Lists approved roles that rules give as well, with the time in which both do. The list
has a name; "redundant apply" applies the list that was shown last, and refuses when it
would be another one by then.`,
		Example: "  provisor redundant list --json",
		RunE: v.opened(func(ctx context.Context, e Engine, _ []string) error {
			list, err := e.Redundant(ctx)
			if err != nil {
				return err
			}
			return v.show(list, func() {
				v.redundantText(list)
				if len(list.Roles) > 0 {
					v.say("\nList %s. Apply it with: provisor redundant apply --all | PERSON ROLE", list.Name)
				}
			})
		}),
	}
}

func (v *invocation) redundantText(list view.Redundancies) {
	if len(list.Roles) == 0 {
		v.say("No approved role is given by a rule as well.")
		return
	}
	g := v.columns("who", "role", "with", "approved", "given by rules", "approved still", "rule")
	for _, r := range list.Roles {
		var left, rules []string
		for _, p := range r.Left {
			left = append(left, span(p.From, p.To))
		}
		for _, reason := range r.Reasons {
			rules = append(rules, reason.Rule)
		}
		g.row(named(r.Owner), r.Role, r.Parameters, periodText(r.Approved), periodText(r.Overlap), strings.Join(left, ", "), strings.Join(rules, ", "))
	}
	g.print()
}

func periodText(p assignments.Period) string {
	if text := span(p.From, p.To); text != "" {
		return text
	}
	return "always"
}

func (v *invocation) redundantApply() *cobra.Command {
	var all bool
	var why string
	c := &cobra.Command{
		Use: "apply [PERSON ROLE]", Short: "Let the rules' word stand where they give it too", Args: cobra.MaximumNArgs(2),
		Long: `Applies the list that "redundant list" showed last, all of it or one role of one person.
Nothing is written to any system: the role stays, another word stands for it.`,
		Example: "  provisor redundant apply --all --why \"the rules are enough\" --as E100\n  provisor redundant apply E001 ledger-reader",
	}
	c.Flags().BoolVar(&all, "all", false, "everything that stands in the list")
	c.Flags().StringVar(&why, "why", "", "the reason, kept in the journal")
	c.RunE = v.opened(func(ctx context.Context, e Engine, args []string) error {
		if all == (len(args) > 0) || !all && len(args) != 2 {
			return wrongUsage("name a person and a role, or use --all", "it is not clear what is applied")
		}
		var owner resources.Ref
		var role roles.RoleID
		if !all {
			var err error
			if owner, err = onePerson(ctx, v.folder(e), args[0]); err != nil {
				return err
			}
			role = roles.RoleID(args[1])
		}
		applied, err := e.ApplyRedundant(ctx, owner, role, why)
		if err != nil {
			return err
		}
		return v.show(applied, func() {
			v.redundantText(applied)
			v.say("\n%s calculated from now on. Next: provisor run", count(len(applied.Roles), "role"))
		})
	})
	return c
}

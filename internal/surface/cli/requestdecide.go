package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// The states that decide what to type next.
const (
	requestMissing  = assignments.RequestedMissingParameters
	requestApproved = assignments.Approved
)

func (v *invocation) requestList() *cobra.Command {
	var f view.RequestFilter
	var owner string
	c := &cobra.Command{
		Use: "list", Short: "List requests", Args: cobra.NoArgs,
		Long: `Lists the open requests, the oldest first: of whom, for what, how far, and whom they wait
for. --waits-for shows one reviewer's work; --stuck what nobody can decide, because no
reviewer is named who is here or all of them asked for it themselves.`,
		Example: "  provisor request list --waits-for E100\n  provisor request list --stuck --json",
	}
	c.Flags().StringVar(&f.WaitsFor, "waits-for", "", "only what this person may decide now")
	c.Flags().StringVar(&owner, "owner", "", "only for this person: key, identifier or name")
	c.Flags().BoolVar(&f.Stuck, "stuck", false, "only what nobody can decide")
	c.Flags().BoolVar(&f.Closed, "all", false, "settled ones too")
	c.Flags().IntVar(&f.Limit, "limit", view.DefaultLimit, "at most so many")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		if owner != "" {
			ref, err := onePerson(ctx, e, owner)
			if err != nil {
				return err
			}
			f.Owner = &ref
		}
		if v.csv {
			return v.asList(sheets.Requests(ctx, e.Ask(), f), c)
		}
		page, err := e.Ask().Requests(ctx, f)
		if err != nil {
			return err
		}
		return v.show(page, func() {
			if len(page.Requests) == 0 {
				v.say("No request.")
				return
			}
			v.requestsText(page.Requests)
			if page.After != 0 {
				v.say("... there are more: --limit")
			}
		})
	})
	return c
}

// requestsText writes requests as a table.
func (v *invocation) requestsText(list []view.Request) {
	g := v.columns("request", "state", "asks", "for", "by", "since", "waits for")
	for _, r := range list {
		var waits []string
		for _, w := range r.Waits {
			waits = append(waits, w.Person)
		}
		if r.Stuck != "" {
			waits = []string{"nobody: " + r.Stuck}
		}
		g.row(strconv.FormatInt(int64(r.ID), 10), fmt.Sprintf("%d %s", r.Workflow.Number, r.Workflow.Name),
			r.Action+" "+roleWith(r.Role, r.Parameters), named(r.Owner), r.By, dayText(r.Since), strings.Join(waits, ", "))
	}
	g.print()
}

func (v *invocation) requestShow() *cobra.Command {
	return &cobra.Command{
		Use: "show REQUEST", Short: "Show one request with every step", Args: cobra.ExactArgs(1),
		Long: `Shows who asked for what and why, what was made of it, who decided each step, when and
why, and for whom it waits.`,
		Example: "  provisor request show 7",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			id, err := requestNumber(args[0])
			if err != nil {
				return err
			}
			shown, err := e.Ask().Request(ctx, id)
			if err != nil {
				return err
			}
			return v.show(shown, func() {
				v.requestText(shown)
				if shown.Open {
					v.say("Next: %s.", nextOf(shown))
				}
			})
		}),
	}
}

// rule is the command that approves or declines.
func (v *invocation) rule(approve bool, short, long string) *cobra.Command {
	name := string(requests.Approve)
	if !approve {
		name = string(requests.Decline)
	}
	var why string
	c := &cobra.Command{
		Use: name + " REQUEST", Short: short, Long: long, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  provisor request %s 7 --as E100 --why \"agreed with the team\"", name),
	}
	c.Flags().StringVar(&why, "why", "", "the reason, kept with the request and in the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := requestNumber(args[0])
		if err != nil {
			return err
		}
		return v.requested(ctx, e, func(d RequestDesk) (requests.Request, error) { return d.Decide(ctx, id, approve, why) })
	})
	return c
}

func (v *invocation) supply() *cobra.Command {
	return &cobra.Command{
		Use: "supply REQUEST NAME=VALUE...", Short: "Give a missing parameter", Args: cobra.MinimumNArgs(2),
		Long: `Gives the parameters that a request lacks (state 2): the value is the key or an identifier
of what the dimension holds. With the last one the request goes on.`,
		Example: "  provisor request supply 7 site=BRU",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			id, err := requestNumber(args[0])
			if err != nil {
				return err
			}
			given, err := parametersOf(args[1:])
			if err != nil {
				return err
			}
			return v.requested(ctx, e, func(d RequestDesk) (requests.Request, error) { return d.Supply(ctx, id, given) })
		}),
	}
}

func (v *invocation) withdraw() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "withdraw REQUEST", Short: "Take a request back", Args: cobra.ExactArgs(1),
		Long:    `Takes an open request back. Only who asked may; act as that person with --as.`,
		Example: "  provisor request withdraw 7 --as E101",
	}
	c.Flags().StringVar(&why, "why", "", "the reason")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := requestNumber(args[0])
		if err != nil {
			return err
		}
		return v.requested(ctx, e, func(d RequestDesk) (requests.Request, error) { return d.Withdraw(ctx, id, why) })
	})
	return c
}

func (v *invocation) validateRole() *cobra.Command {
	var why string
	var with []string
	var decline bool
	c := &cobra.Command{
		Use: "validate PERSON ROLE", Short: "Settle what a rule gives only with a validation", Args: cobra.ExactArgs(2),
		Long: `Settles a role that waits without a request: one that a rule gives with validation
(22, 23), or one that stays for a time of grace because its rule changed or went (27).
Validated it is Approved (16); with --decline it does not come, or goes. Who may decide is
who may approve the first step of a request for the role.`,
		Example: "  provisor request validate E101 ledger-reader --as E100\n  provisor request validate E101 ledger-reader --decline --why \"not needed\" --as E100",
	}
	c.Flags().StringVar(&why, "why", "", "the reason")
	c.Flags().BoolVar(&decline, "decline", false, "refuse it instead")
	c.Flags().StringArrayVar(&with, "parameter", nil, "which one is meant, NAME=VALUE")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		given, err := parametersOf(with)
		if err != nil {
			return err
		}
		role, err := roleNamed(ctx, e, args[1])
		if err != nil {
			return err
		}
		owner, err := onePerson(ctx, e, args[0])
		if err != nil {
			return err
		}
		desk, err := e.RequestDesk(ctx)
		if err != nil {
			return err
		}
		settled, err := desk.Validate(ctx, owner, role, given, !decline, why)
		if err != nil {
			return err
		}
		past := map[bool]string{true: "declined", false: "validated"}[decline]
		answer := map[string]any{
			"owner": view.Owner{Type: string(owner.Type), Key: string(owner.Key)}, "role": settled.Role, "parameters": settled.Parameters,
			"was": view.WorkflowOf(settled.Workflow), "decision": past,
		}
		return v.show(answer, func() {
			v.say("%s of %s, %s: %s.", roleWith(string(settled.Role), string(settled.Parameters)), owner.Key, settled.Workflow, past)
			v.say("Next: provisor run evaluates it and raises the orders.")
		})
	})
	return c
}

package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) request() *cobra.Command {
	return family("request", "Ask for a role, and decide what others asked for",
		`A request asks to add a role, to remove it, to deny it or to move its end. It passes the
approval steps of the role; removing passes the same steps as adding. Until it is
approved, its owner has what he had.

Each request has a number and a workflow state:

  4 Requested, or 2 when a parameter is missing     `+"`request supply`"+` gives it
  8; 9, 10; 11, 12, 13 Pending approval             `+"`request approve`, `request decline`"+`
  16 Approved                                       the next round gives it
  17 Declined, 20 Cancellation (withdrawn), 19 Inactive (lapsed)

The next round (provisor run, or a server's) takes a new request to its first step, and an
approved one to orders. Name who acts with --as PERSON: the key of a person. Who asked, and
whom it is for, do not approve it (four eyes), unless the role says fourEyes: off; nobody
decides two steps of one request.`,
		v.ask(requests.Add, "Ask for a role",
			`Asks that PERSON gets ROLE, from --from to --until; without them from today for as long as
the role allows and PERSON is here. What goes beyond is cut off, and the answer says so.

A role that takes parameters is asked for with --parameter NAME=VALUE, where VALUE is the
key or an identifier. A resource type that can be requested is named like a role.`),
		v.ask(requests.Remove, "Ask that a role goes",
			`Asks that PERSON loses ROLE. A role that was approved is taken away; one that a rule gives
is denied; a denied one is freed again, so that the rules say who has it. With --from it
goes on that day.`),
		v.ask(requests.Deny, "Ask that no rule gives a role",
			`Asks that PERSON does not get ROLE although a rule gives it. A deny outranks every rule
until it is taken back with "request remove", or until --until. Without --parameter it is
about the role whatever its parameters.`),
		v.ask(requests.Extend, "Ask to move the end of a role",
			`Asks that the end of an approved role moves to --until; without it as far as is allowed.
Where the role says prolongation: without-approval, no step is needed.`),
		v.requestList(), v.requestShow(),
		v.rule(true, "Approve the present step",
			`Approves the step in which the request waits. The last step gives what was asked for with
the next round.`),
		v.rule(false, "Decline a request", `Declines the request, in whichever step it waits. Declined is final; ask anew.`),
		v.supply(), v.withdraw(), v.validateRole(),
	)
}

// roleNamed finds the role that a text means: a resource type stands for the role
// that people ask for to get it.
func roleNamed(ctx context.Context, e Service, text string) (roles.RoleID, error) {
	for _, id := range []roles.RoleID{roles.RoleID(text), roles.AccountRole(roles.ResourceTypeID(text))} {
		if has, err := e.HasRole(ctx, id); err != nil || has {
			return id, err
		}
	}
	return "", notDeclared("role", text)
}

// parametersOf reads NAME=VALUE.
func parametersOf(list []string) (map[roles.DimensionID]string, error) {
	given := map[roles.DimensionID]string{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, wrongUsage("write it as site=BRU", "%q is not a parameter with a value", text)
		}
		given[roles.DimensionID(name)] = value
	}
	return given, nil
}

// ask is the command that asks for one action.
func (v *invocation) ask(action requests.Action, short, long string) *cobra.Command {
	var x review.Asked
	var from, until string
	var with []string
	c := &cobra.Command{
		Use: string(action) + " PERSON ROLE", Short: short, Long: long, Args: cobra.ExactArgs(2),
		Example: fmt.Sprintf("  provisor request %s E101 ledger-reader --why \"month's end\" --as E100", action),
	}
	flags := c.Flags()
	flags.StringVar(&x.Why, "why", "", "the reason, for whoever decides")
	flags.StringArrayVar(&with, "parameter", nil, "a parameter of the role, NAME=VALUE; again for another")
	if action != requests.Extend {
		flags.StringVar(&from, "from", "", "the first day, 2026-03-01 (default: today)")
	}
	if action != requests.Remove {
		flags.StringVar(&until, "until", "", "the last day, 2026-03-31")
	}
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) (err error) {
		x.Action = action
		if from != "" {
			if x.Period.From, err = dayOf("--from", from); err != nil {
				return err
			}
		}
		if until != "" {
			if x.Period.To, err = dayOf("--until", until); err != nil {
				return err
			}
		}
		if x.Parameters, err = parametersOf(with); err != nil {
			return err
		}
		if x.Role, err = roleNamed(ctx, e, args[1]); err != nil {
			return err
		}
		if x.Owner, err = onePerson(ctx, e, args[0]); err != nil {
			return err
		}
		return v.requested(ctx, e, func(d RequestDesk) (requests.Request, error) { return d.Ask(ctx, x) })
	})
	return c
}

// requested does something to a request and shows how it stands.
func (v *invocation) requested(ctx context.Context, e Service, do func(RequestDesk) (requests.Request, error)) error {
	desk, err := e.RequestDesk(ctx)
	if err != nil {
		return err
	}
	r, err := do(desk)
	if err != nil {
		return err
	}
	shown, err := e.Ask().Request(ctx, r.ID)
	if err != nil {
		return err
	}
	return v.show(shown, func() {
		v.requestText(shown)
		v.say("Next: %s.", nextOf(shown))
	})
}

// nextOf says what happens to a request next.
func nextOf(r view.Request) string {
	switch {
	case r.Stuck != "":
		return "name a reviewer in the configuration; the next round looks again"
	case len(r.Waits) > 0:
		return fmt.Sprintf("provisor request approve %d --as %s", r.ID, r.Waits[0].Person)
	case r.Workflow.Number == int(requestMissing):
		return fmt.Sprintf("provisor request supply %d NAME=VALUE", r.ID)
	case r.Open:
		return "provisor run takes it to its first step"
	case r.Workflow.Number == int(requestApproved):
		return "provisor run evaluates it and raises the orders"
	}
	return "nothing: it is settled"
}

func (v *invocation) requestText(r view.Request) {
	v.say("%s: %s %s for %s", v.strong(fmt.Sprintf("request %d", r.ID)), r.Action, roleWith(r.Role, r.Parameters), named(r.Owner))
	v.say("  %d %s since %s", r.Workflow.Number, r.Workflow.Name, dayText(r.Since))
	v.say("  asked by %s on %s%s", r.By, dayText(r.At), prefixed(": ", r.Why))
	if period := span(r.Start, r.End); period != "" {
		v.say("  for %s", period)
	}
	for _, x := range r.Rulings {
		v.say("  %s", rulingText(x))
	}
	for _, remark := range r.Remarks {
		v.say("  note: %s", remark)
	}
	for _, w := range r.Waits {
		v.say("  waits for %s (%s)", w.Person, w.As)
	}
	if r.Stuck != "" {
		v.say("  stuck: %s", r.Stuck)
	}
}

func rulingText(x view.Ruling) string {
	past := map[string]string{string(requests.Approve): "approved", string(requests.Decline): "declined"}[x.Verdict]
	how := ""
	if x.How != string(requests.ByReviewer) {
		how = " (" + x.How + ")"
	}
	return fmt.Sprintf("step %d %s by %s on %s%s%s", x.Step, past, x.By, dayText(x.At), how, prefixed(": ", x.Why))
}

// roleWith writes a role with its parameters.
func roleWith(role, with string) string {
	if with == "" {
		return role
	}
	return role + " (" + with + ")"
}

// requestNumber reads the number of a request.
func requestNumber(text string) (requests.RequestID, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, wrongUsage("`provisor request list` shows the numbers", "%q is not the number of a request", text)
	}
	return requests.RequestID(id), nil
}

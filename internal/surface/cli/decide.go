package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// verb is one thing that people do to orders.
type verb struct {
	name  string // of the command
	past  string
	short string
	long  string
	after string           // what to type next
	bulk  view.OrderFilter // what --all means when no state is named
	// The flags that it takes.
	items, version, until, stated bool
}

// choice is what the flags of a decision say.
type choice struct {
	items     []int
	version   int
	until     time.Time
	why       string
	stated    bool
	forReview bool
}

var verbs = []verb{
	{
		name: "approve", past: "approved", short: "Let an order go out", items: true, version: true,
		long: `Approves what waits for a review, so that it goes out with the next fulfil. Approving an
association confirms whose the account is. Approved items go out although others wait.`,
		after: "provisor fulfil sends what was approved", bulk: view.ReviewQueue(),
	},
	{
		name: "decline", past: "declined", short: "Refuse an order, for good", items: true, version: true, stated: true,
		long: `Refuses what is proposed: an addition is not made, an updated or deleted value stays as
it is, a doubtful account is not this person's. What was declined is not proposed again
until it is revoked. Declining the account declines its items.

An errored order whose outcome is unknown is declined only with --stated: you state that
it did not happen.`,
		bulk: view.OrderFilter{States: []orders.State{orders.AwaitingApproval}},
	},
	{
		name: "postpone", past: "postponed", short: "Look at an order later", items: true, version: true, until: true,
		long: `Puts off the review until --until: the order stays where it is and is shown again then.`,
		bulk: view.OrderFilter{States: []orders.State{orders.AwaitingApproval}},
	},
	{
		name: "retry", past: "sent again", short: "Try an errored order again", items: true, version: true, stated: true,
		long: `Sends the errored items of an order again. One whose outcome is unknown is looked up
first; where the system cannot be read, --stated says that you know it did not happen.`,
		after: "provisor fulfil carries it out", bulk: view.OrderFilter{States: []orders.State{orders.Errored}},
	},
	{
		name: "take", past: "taken", short: "Take an order that people carry out", version: true,
		long:  `Notes that you (or --as) work on the order, so that nobody else does.`,
		after: "provisor order show says what to do; then order confirm or order fail", bulk: view.ManualQueue(),
	},
	{
		name: "confirm", past: "confirmed", short: "Say that you carried an order out", items: true, version: true,
		long: `Says that what a manual order asks for was done. It is Executed until the next
synchronization shows it; where nothing can be read, your name verifies it.`,
		after: "provisor run reads the systems again and verifies", bulk: view.ManualQueue(),
	},
	{
		name: "fail", past: "reported as failed", short: "Say that an order could not be carried out", items: true, version: true,
		long: `Reports that a manual order was certainly not done, and why (--why). It is Errored until
somebody retries or declines it.`,
		after: "provisor order retry or order decline settles it", bulk: view.ManualQueue(),
	},
	{
		name: "release", past: "released", short: "Let through what a threshold parked", version: true,
		long: `Lets a parked order through its threshold, this once. "release --all --type T --kind K"
lets everything of the kind through; the threshold itself stays. Releasing is not
approving: what needs a review still waits for it.`,
		after: "provisor fulfil sends what was released", bulk: view.OrderFilter{States: []orders.State{orders.Pending}},
	},
	{
		name: "revoke", past: "revoked", short: "Take back that something was declined or kept", items: true,
		long: `Takes a decision back: what was declined may be proposed again, what was kept follows the
rules again. It names the closed order on which the decision was made.`,
		after: "provisor run computes it anew",
	},
}

func (v *invocation) decisions() []*cobra.Command {
	list := make([]*cobra.Command, len(verbs))
	for i := range verbs {
		list[i] = v.decision(&verbs[i])
	}
	return list
}

// decision is the command of one verb.
func (v *invocation) decision(x *verb) *cobra.Command {
	var c choice
	var f orderFlags
	var until string
	command := &cobra.Command{
		Use: x.name + " [ORDER...]", Short: x.short,
		Long: x.long + "\n\nName orders by their numbers, or choose many with --all and filters. Each is decided by\n" +
			"itself: what is refused on one stops no other, and ends with 5.",
		Example: fmt.Sprintf("  provisor order %s 12 --as E100\n  provisor order %s --all --type LedgerAccount --kind addition", x.name, x.name),
	}
	f.add(command)
	flags := command.Flags()
	flags.BoolVar(&f.all, "all", false, "every order that the filters choose")
	flags.StringVar(&c.why, "why", "", "the reason, kept in the journal and on the path")
	if x.items {
		flags.IntSliceVar(&c.items, "item", nil, "only these items of one order")
	}
	if x.version {
		flags.IntVar(&c.version, "version", 0, "refuse if the order is not at this version any more")
	}
	if x.until {
		flags.StringVar(&until, "until", "", "the day on which to show it again, 2026-03-01")
	}
	if x.stated {
		flags.BoolVar(&c.stated, "stated", false, "you state that the failed attempt did not happen")
	}
	command.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if err := c.check(x, args, &f, until); err != nil {
			return err
		}
		if x.name == "release" && f.all {
			return v.releaseAll(ctx, e, &f, c.why)
		}
		chosen, err := chosenOrders(ctx, e, x, args, &f)
		if err != nil {
			return err
		}
		return v.decideOn(ctx, e, x, chosen, c)
	})
	return command
}

// check looks for flags that contradict each other.
func (c *choice) check(x *verb, args []string, f *orderFlags, until string) error {
	filtered := len(f.states)+len(f.kinds)+len(f.types) > 0 || f.owner != ""
	switch {
	case f.all && len(args) > 0:
		return wrongUsage("name orders or use --all", "--all chooses by filters, and orders are named too")
	case !f.all && len(args) == 0:
		return wrongUsage("`provisor order list` shows the numbers; --all takes every one that the filters choose", "no order is named")
	case !f.all && filtered:
		return wrongUsage("add --all, or leave the filters out", "filters choose orders only with --all")
	case f.all && x.name == "revoke":
		return wrongUsage("name the orders", "decisions are taken back one by one")
	case len(c.items) > 0 && len(args) != 1, c.version != 0 && len(args) != 1:
		return wrongUsage("name one order", "--item and --version belong to one order")
	case x.until && until == "":
		return wrongUsage("add --until 2026-03-01", "a postponed order needs a day")
	}
	if until != "" {
		day, err := dayOf("--until", until)
		c.until = day
		return err
	}
	return nil
}

// chosenOrders finds the orders that are named, or all that the filters choose.
func chosenOrders(ctx context.Context, e Service, x *verb, args []string, f *orderFlags) ([]view.Order, error) {
	if !f.all {
		list := make([]view.Order, 0, len(args))
		for _, arg := range args {
			id, err := orderNumber(arg)
			if err != nil {
				return nil, err
			}
			detail, err := e.Ask().Order(ctx, id)
			if err != nil {
				return nil, err
			}
			list = append(list, detail.Order)
		}
		return list, nil
	}
	asked, err := f.filter()
	if err != nil {
		return nil, err
	}
	filter := x.bulk
	if len(asked.States) > 0 {
		filter = view.OrderFilter{States: asked.States}
	}
	filter.Kinds, filter.Types, filter.Limit = asked.Kinds, asked.Types, act.Most
	if f.owner != "" {
		owner, err := onePerson(ctx, e, f.owner)
		if err != nil {
			return nil, err
		}
		filter.Owner = &owner
	}
	list, after, err := collectOrders(ctx, e.Ask(), filter)
	if err == nil && after != 0 {
		err = &fault.Error{Kind: fault.Refused, Op: x.name, Msg: fmt.Sprintf("more than %d orders are chosen", act.Most), Do: "choose fewer with --type, --kind or --owner"}
	}
	return list, err
}

// decideOn makes the decision on each order, at the version that was looked at.
func (v *invocation) decideOn(ctx context.Context, e Service, x *verb, chosen []view.Order, c choice) error {
	answer, err := e.OnOrders(ctx, act.OnOrders{
		Verb: act.Verb(x.name), Orders: chosen, Items: c.items, Version: c.version, Until: c.until, Why: c.why,
		Stated: c.stated, ForReview: c.forReview,
	})
	if err != nil {
		return err
	}
	return v.answered(answer, x.past, x.after)
}

// answered shows what was decided and what was refused.
func (v *invocation) answered(answer act.Orders, past, after string) error {
	err := v.show(answer, func() {
		v.say("%s %s.", count(len(answer.Decided), "order"), past)
		if len(answer.Decided) > 0 && after != "" {
			v.say("Next: %s.", after)
		}
	})
	for _, r := range answer.Refused {
		fmt.Fprintf(v.Stderr, "provisor: order %d: %s\n", r.Order, r.Why)
	}
	if err == nil && len(answer.Refused) > 0 {
		return ended(RefusedCode)
	}
	return err
}

// releaseAll lets everything of a kind through its threshold.
func (v *invocation) releaseAll(ctx context.Context, e Service, f *orderFlags, why string) error {
	filter, err := f.filter()
	if err != nil {
		return err
	}
	if len(filter.Types) != 1 || len(filter.Kinds) != 1 {
		return wrongUsage("add --type T --kind K; `provisor run` names what is parked", "a threshold belongs to one resource type and one kind of order")
	}
	answer, err := e.OfKind(ctx, act.OfKind{Type: roles.ResourceTypeID(filter.Types[0]), Kind: filter.Kinds[0], Why: why})
	if err != nil {
		return err
	}
	return v.answered(answer, "released", "provisor fulfil sends what was released")
}

// openOrders maps assigned resources to their open orders.
func openOrders(ctx context.Context, e Service, f view.OrderFilter) (map[orders.AssignedID]orders.OrderID, error) {
	f.Limit = act.Most
	list, _, err := collectOrders(ctx, e.Ask(), f)
	byAssigned := make(map[orders.AssignedID]orders.OrderID, len(list))
	for _, o := range list {
		byAssigned[o.Assigned] = o.ID
	}
	return byAssigned, err
}

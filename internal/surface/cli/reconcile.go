package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) reconcile() *cobra.Command {
	return family("reconcile", "What was found in the systems and no rule explains",
		`Synchronization finds accounts that no rule gives and values that somebody changed in the
system. Each is a question: keep what was found, correct it to what the rules say, or
decline (remove) what no rule gives. Nothing happens until somebody answers.

Questions are numbered by the account they are about, and known by its name in the
system where that is enough; --item chooses single values.`,
		v.reconcileList(), v.reconcileShow(),
		v.settle(orders.Correct, "Write what the rules say over what was found",
			`Writes the expected value over what was found, or removes a value that was declined.`, "corrected"),
		v.settle(orders.Keep, "Keep what was found",
			`Accepts what was found: it becomes the expected value until the rules want another, or,
for an account that no rule gives, it may stay.`, "kept"),
		v.settle(orders.Decline, "Remove what no rule gives",
			`Refuses what was found and no rule gives: a removal order is raised.`, "declined"),
		v.settle(orders.Revoke, "Take back that something was kept",
			`Takes back what was kept: the rules speak again as if nobody had said anything, and what
no rule gives is a question again.`, "taken back"),
		v.assignOwner(), v.reconcileRoles(), v.reconcileRole(),
	)
}

func (v *invocation) assignOwner() *cobra.Command {
	var owner, why string
	c := &cobra.Command{
		Use: "assign ACCOUNT", Short: "Say whose account it is that was found", Args: cobra.ExactArgs(1),
		Long: `Says who owns an account that nobody owns, or that was found for somebody else. From the
next evaluation on it is the owner's, whatever the rules match; where the owner is entitled to
such an account, its values are brought to what the rules say.`,
		Example: "  provisor reconcile assign svc-print --owner E100 --as E7",
	}
	c.Flags().StringVar(&owner, "owner", "", "the person: key, identifier or name")
	c.Flags().StringVar(&why, "why", "", "the reason, kept in the journal")
	_ = c.MarkFlagRequired("owner") // the flag exists
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := accountNumber(ctx, e, args[0])
		if err != nil {
			return err
		}
		person, err := onePerson(ctx, e, owner)
		if err != nil {
			return err
		}
		answer, err := e.ToOwner(ctx, act.ToOwner{Account: id, Owner: view.Owner{Type: string(person.Type), Key: string(person.Key)}, Why: why})
		if err != nil {
			return err
		}
		return v.settledText(answer, "settled", orders.Keep)
	})
	return c
}

// questionFlags choose questions.
type questionFlags struct {
	types                 []string
	owner                 string
	drifted, unauthorized bool
	all                   bool
}

func (f *questionFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.types, "type", nil, "only these resource types")
	c.Flags().StringVar(&f.owner, "owner", "", "only of this person: key, identifier or name")
	c.Flags().BoolVar(&f.drifted, "drifted", false, "only values that differ from the expected ones")
	c.Flags().BoolVar(&f.unauthorized, "unauthorized", false, "only accounts that no rule gives")
}

func (f *questionFlags) questions(ctx context.Context, e Service) ([]view.Question, error) {
	all, err := allQuestions(ctx, e.Ask(), view.ReconciliationFilter{Types: f.types, Drifted: f.drifted, Unauthorized: f.unauthorized})
	if err != nil || f.owner == "" {
		return all, err
	}
	owner, err := onePerson(ctx, e, f.owner)
	if err != nil {
		return nil, err
	}
	of := []view.Question{}
	for _, q := range all {
		if q.Owner.Type == string(owner.Type) && q.Owner.Key == string(owner.Key) {
			of = append(of, q)
		}
	}
	return of, nil
}

// allQuestions reads every page.
func allQuestions(ctx context.Context, q view.Asked, f view.ReconciliationFilter) ([]view.Question, error) {
	all := []view.Question{}
	f.Limit = view.MaxLimit
	for {
		page, err := q.Reconciliation(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Questions...)
		if f.After = page.After; page.After == 0 {
			return all, nil
		}
	}
}

func (v *invocation) reconcileList() *cobra.Command {
	var f questionFlags
	c := &cobra.Command{
		Use: "list", Short: "List the questions", Args: cobra.NoArgs,
		Long:    `Lists what was found: accounts that no rule gives, and values that somebody changed.`,
		Example: "  provisor reconcile list --drifted",
	}
	f.add(c)
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		list, err := f.questions(ctx, e)
		if err != nil {
			return err
		}
		if v.csv {
			return v.asList(sheets.Questions(once(list), ""), c)
		}
		return v.show(map[string]any{"questions": list}, func() { v.questionsText(list) })
	})
	return c
}

func (v *invocation) questionsText(list []view.Question) {
	if len(list) == 0 {
		v.say("No question: everything that was found is explained.")
		return
	}
	g := v.columns("account", "type", "whose", "question", "expected", "found")
	for _, q := range list {
		id := strconv.FormatInt(int64(q.Account.ID), 10)
		if q.Unauthorized {
			g.row(id, q.Account.Type, named(q.Owner), "no rule gives "+q.Account.Target, "-", "present")
		}
		for _, it := range q.Account.Items {
			g.row(id, q.Account.Type, named(q.Owner), fmt.Sprintf("item %d, %s", it.ID, it.Name), it.Policy, it.Current)
		}
	}
	g.print()
	v.say("\nAnswer with: provisor reconcile correct | keep | decline ACCOUNT [--item N]")
	v.say("Roles that were found: provisor reconcile roles")
}

// accountNumber reads the number of an account, or finds that of the one account
// that the system knows by this name: one in question goes before others.
func accountNumber(ctx context.Context, e Service, text string) (orders.AssignedID, error) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		return orders.AssignedID(id), nil
	}
	all, err := allQuestions(ctx, e.Ask(), view.ReconciliationFilter{})
	if err != nil {
		return 0, err
	}
	var found []orders.AssignedID
	for _, q := range all {
		if q.Account.Target == text {
			found = append(found, q.Account.ID)
		}
	}
	if len(found) == 0 {
		list, err := e.Ask().Accounts(ctx, view.AccountFilter{Targets: []string{text}})
		if err != nil {
			return 0, err
		}
		for _, q := range list {
			if !q.Account.Closed {
				found = append(found, q.Account.ID)
			}
		}
	}
	if len(found) != 1 {
		return 0, &fault.Error{
			Kind: fault.NotFound, Msg: fmt.Sprintf("%s, not one, bear the name %q", count(len(found), "account"), text),
			Do: "`provisor reconcile list` and `provisor person show` show the numbers",
		}
	}
	return found[0], nil
}

// oneQuestion finds one account, with all its items.
func oneQuestion(ctx context.Context, e Service, text string) (view.Question, error) {
	id, err := accountNumber(ctx, e, text)
	if err != nil {
		return view.Question{}, err
	}
	list, err := e.Ask().Accounts(ctx, view.AccountFilter{IDs: []orders.AssignedID{id}})
	if err != nil {
		return view.Question{}, err
	}
	if len(list) == 0 || list[0].Account.Closed {
		return view.Question{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("there is no account %d", id), Do: "`provisor reconcile list` shows the numbers"}
	}
	return list[0], nil
}

func (v *invocation) reconcileShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ACCOUNT", Short: "Show one question with the whole account", Args: cobra.ExactArgs(1),
		Long: `Shows the account that a question is about: every value with what the rules expect,
what was found, and the path that it took.`,
		Example: "  provisor reconcile show 7",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			q, err := oneQuestion(ctx, e, args[0])
			if err != nil {
				return err
			}
			path, err := e.Ask().Path(ctx, q.Account.ID)
			if err != nil {
				return err
			}
			shown := struct {
				view.Question
				Path []view.Step `json:"path"`
			}{q, path}
			return v.show(shown, func() {
				v.say("%s of %s", v.strong(q.Account.Type), named(q.Owner))
				if q.Unauthorized {
					v.say("No rule gives this account (%s).", q.Account.Workflow.Name)
				}
				v.accountText(q.Account)
			})
		}),
	}
}

// settle is the command that answers questions in one way.
func (v *invocation) settle(on orders.Event, short, long, past string) *cobra.Command {
	var f questionFlags
	var c choice
	command := &cobra.Command{
		Use: string(on) + " [ACCOUNT...]", Short: short,
		Long: long + `

Name accounts by their numbers or as the system calls them, or choose many with --all
and filters. Whoever acts on the command line counts as a reviewer; --for-review leaves
the approval to another.`,
		Example: fmt.Sprintf("  provisor reconcile %s 7 --item 3 --as E100\n  provisor reconcile %s --all --type CrmUser --drifted", on, on),
	}
	f.add(command)
	flags := command.Flags()
	flags.BoolVar(&f.all, "all", false, "every question that the filters choose")
	flags.StringVar(&c.why, "why", "", "the reason, kept in the journal and on the path")
	flags.IntSliceVar(&c.items, "item", nil, "only these items of one account")
	if on != orders.Keep && on != orders.Revoke {
		flags.BoolVar(&c.forReview, "for-review", false, "let a reviewer approve the order that comes of it")
	}
	command.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		chosen, err := f.chosen(ctx, e, on, args, c)
		if err != nil {
			return err
		}
		answer, err := e.OnQuestions(ctx, act.OnQuestions{On: on, Questions: chosen, Items: c.items, Why: c.why, ForReview: c.forReview})
		if err != nil {
			return err
		}
		return v.settledText(answer, past, on)
	})
	return command
}

// chosen finds the questions that are named, or all that the filters choose.
func (f *questionFlags) chosen(ctx context.Context, e Service, on orders.Event, args []string, c choice) ([]view.Question, error) {
	switch {
	case f.all && on == orders.Revoke:
		return nil, wrongUsage("name the accounts", "decisions are taken back one by one")
	case f.all == (len(args) > 0):
		return nil, wrongUsage("name accounts, or use --all with filters", "it is not clear which questions are answered")
	case len(c.items) > 0 && len(args) != 1:
		return nil, wrongUsage("name one account", "--item belongs to one account")
	case f.all:
		switch on { // what the answer can apply to
		case orders.Correct:
			f.drifted = true
		case orders.Decline:
			f.unauthorized = !f.drifted
		}
		return f.questions(ctx, e)
	}
	list := make([]view.Question, 0, len(args))
	for _, arg := range args {
		q, err := oneQuestion(ctx, e, arg)
		if err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	return list, nil
}

func (v *invocation) settledText(answer act.Questions, past string, on orders.Event) error {
	err := v.show(answer, func() {
		v.say("%s %s.", count(len(answer.Decided), "question"), past)
		if len(answer.Decided) > 0 && on != orders.Keep {
			v.say("Next: provisor fulfil carries out what comes of it.")
		}
	})
	for _, r := range answer.Refused {
		fmt.Fprintf(v.Stderr, "provisor: account %d: %s\n", r.Assigned, r.Why)
	}
	if err == nil && len(answer.Refused) > 0 {
		return ended(RefusedCode)
	}
	return err
}

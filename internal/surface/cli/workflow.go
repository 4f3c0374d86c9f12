package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) workflow() *cobra.Command {
	return family("workflow", "Create, change and end people through forms",
		`A workflow is a form of the configuration: it creates, changes or ends a resource that lives
in Provisor (package repository), or writes properties that may be edited beside their
source (editable: true). What somebody starts passes the approval steps of the form; until
the last one approves, nothing changes. Then the resource is written, and the next round
(provisor run, or a server's) works out what follows: accounts, orders, removals.

Who started it, and whom it is about, do not approve it (four eyes); nobody decides two
steps. Name who acts with --as PERSON.`,
		v.workflowList(), v.workflowStart(), v.workflowShow(), v.workflowTasks(),
		v.workflowDecision(workflows.Approve, "Approve the present step", "The last step that approves writes the resource."),
		v.workflowDecision(workflows.Decline, "Decline, for good", "Nothing changes, and what was asked for can be started again."),
		v.workflowDecision(workflows.Withdraw, "Take back what you started", "Only who started it, and only while it is not settled."))
}

func (v *invocation) workflowList() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the forms, and what is under way", Args: cobra.NoArgs,
		Long: `Lists the workflows that the configuration declares, with what each asks for (* must be
filled in), and those that were started and are not settled; with --all settled ones too.`,
		Example: "  provisor workflow list\n  provisor workflow list --all --json",
	}
	c.Flags().BoolVar(&all, "all", false, "settled ones too, the newest "+strconv.Itoa(view.DefaultLimit))
	c.RunE = v.desked(func(ctx context.Context, _ Service, desk act.Changes, _ []string) error {
		forms, err := desk.Forms(ctx)
		if err != nil {
			return err
		}
		started, err := desk.List(ctx, all)
		if err != nil {
			return err
		}
		return v.show(map[string]any{"workflows": forms, "started": started}, func() {
			g := v.columns("workflow", "name", "action", "entity", "approval", "who", "asks for")
			for _, form := range forms {
				names := make([]string, len(form.Fields))
				for i, field := range form.Fields {
					names[i] = field.Property + map[bool]string{true: "*"}[field.Required]
				}
				g.row(form.ID, form.Name, form.Action, form.Entity, form.Approval, strings.Join(form.Who, ", "), strings.Join(names, ", "))
			}
			g.print()
			if len(forms) == 0 {
				v.say("The configuration declares no workflow.")
			}
			if len(started) > 0 {
				v.say("")
			}
			v.startedText(started)
		})
	})
	return c
}

// desked runs a command with the desk of workflows.
func (v *invocation) desked(work func(ctx context.Context, e Service, desk act.Changes, args []string) error) func(*cobra.Command, []string) error {
	return v.asked(func(ctx context.Context, e Service, args []string) error {
		desk, err := e.Changes(ctx)
		if err != nil {
			return err
		}
		return work(ctx, e, desk, args)
	})
}

func (v *invocation) startedText(list []view.Started) {
	g := v.columns("number", "workflow", "about", "state", "by", "since", "waits for")
	for _, s := range list {
		g.row(strconv.FormatInt(int64(s.ID), 10), s.Workflow, about(s), stateText(s.State), s.By, when(s.Since), waitsText(s))
	}
	g.print()
}

func about(s view.Started) string {
	if s.About.Key == "" {
		return "a new " + s.About.Type
	}
	return s.About.Type + " " + s.About.Key
}

func stateText(w view.Workflow) string { return fmt.Sprintf("%d %s", w.Number, w.Name) }

func waitsText(s view.Started) string {
	names := make([]string, len(s.Waits))
	for i, r := range s.Waits {
		names[i] = r.Person + " (" + r.As + ")"
	}
	if len(names) == 0 && slices.Contains(s.May, string(workflows.Approve)) {
		return "nobody: " + s.By + " can withdraw it"
	}
	return strings.Join(names, ", ")
}

func (v *invocation) workflowStart() *cobra.Command {
	var set, restore []string
	var since, until, why string
	c := &cobra.Command{
		Use: "start ID [PERSON]", Short: "Fill in a form", Args: cobra.RangeArgs(1, 2),
		Long: `Starts the workflow ID: for one that creates without PERSON, for the others about PERSON
(key, identifier or name). Fields are written with --set property=value; a link takes the
key or an identifier of what it leads to; an empty value clears. --restore takes an edit
back to what the source gives. Everything that is wrong is said at once, field by field,
and then nothing is started.

A workflow that ends somebody sets the last day: --until, or today.`,
		Example: `  provisor workflow start contractor --set first=Eva --set last=Lake --set department=SAL --until 2026-12-31 --as E1
  provisor workflow start contractor-end C1 --until 2026-06-30 --why "project over" --as E1`,
	}
	flags := c.Flags()
	flags.StringArrayVar(&set, "set", nil, "a field and its value, property=value; may be repeated")
	flags.StringSliceVar(&restore, "restore", nil, "take the edit of a property back")
	flags.StringVar(&since, "from", "", "the first day, 2026-03-01")
	flags.StringVar(&until, "until", "", "the last day")
	flags.StringVar(&why, "why", "", "the reason, for those who approve and the journal")
	c.RunE = v.desked(func(ctx context.Context, e Service, desk act.Changes, args []string) error {
		filled, err := filledIn(args[0], set, restore, since, until, why)
		if err != nil {
			return err
		}
		if filled.Subject, err = subjectOf(ctx, e, desk, args); err != nil {
			return err
		}
		return v.showStarted(desk.Start(ctx, filled))
	})
	return c
}

// filledIn reads the flags of a form.
func filledIn(id string, set, restore []string, since, until, why string) (x review.Filled, err error) {
	x = review.Filled{Workflow: roles.WorkflowID(id), Set: map[schema.PropertyName]string{}, Why: why}
	for _, text := range set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return x, wrongUsage("write --set property=value", "--set: %q has no =", text)
		}
		if _, twice := x.Set[schema.PropertyName(name)]; twice {
			return x, wrongUsage("write it once", "--set: %s is written twice", name)
		}
		x.Set[schema.PropertyName(name)] = value
	}
	for _, name := range restore {
		x.Restore = append(x.Restore, schema.PropertyName(name))
	}
	for flag, day := range map[string]struct {
		text string
		to   *time.Time
	}{"--from": {since, &x.From}, "--until": {until, &x.To}} {
		if day.text != "" {
			if *day.to, err = dayOf(flag, day.text); err != nil {
				return x, err
			}
		}
	}
	return x, nil
}

// subjectOf finds whom a workflow is about; "" for one that creates.
func subjectOf(ctx context.Context, e Service, desk act.Changes, args []string) (resources.Key, error) {
	forms, err := desk.Forms(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(forms, func(f view.Form) bool { return f.ID == args[0] })
	w := append(forms, view.Form{})[max(at, 0)]
	create := w.Action == string(roles.CreateResource)
	switch {
	case at < 0:
		return "", &fault.Error{Kind: fault.NotFound, Msg: "no workflow " + args[0] + " is declared", Do: "`provisor workflow list` shows those that are"}
	case create && len(args) == 2:
		return "", wrongUsage("leave "+args[1]+" out; its values are written with --set", "%s creates a %s: nobody is there yet", w.ID, w.Entity)
	case create:
		return "", nil
	case len(args) == 1:
		return "", wrongUsage("name a "+w.Entity+" by key, identifier or name", "whom is %s about?", w.ID)
	}
	found, err := e.Ask().Resolve(ctx, w.Entity, args[1])
	if err == nil && len(found) == 0 {
		var page view.PeoplePage
		page, err = e.Ask().People(ctx, view.PeopleFilter{Entity: w.Entity, Text: args[1]})
		found = page.People
	}
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("no %s is known as %q", w.Entity, args[1]), Do: "look for a part of the name with `provisor person list TEXT`"}
	case len(found) > 1:
		return "", &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("%q may be any of %d", args[1], len(found)), Do: "name one by its key"}
	}
	return resources.Key(found[0].Key), nil
}

// showStarted prints a started workflow as it is now.
func (v *invocation) showStarted(s view.Started, err error) error {
	if err != nil {
		return err
	}
	return v.show(s, func() {
		v.say("workflow %d: %s, %s", s.ID, v.strong(s.Workflow), about(s))
		v.say("  %-9s %s", "state", stateText(s.State))
		v.say("  %-9s %s at %s%s", "started", s.By, when(s.At), prefixed(": ", s.Why))
		if waits := waitsText(s); waits != "" {
			v.say("  %-9s %s", "waits for", waits)
		}
		g := v.columns("property", "before", "after", "")
		g.indent = "  "
		for _, c := range s.Changes {
			g.row(c.Property, c.Before, c.After, map[bool]string{true: "as the source gives it"}[c.Restored])
		}
		g.print()
		for _, r := range s.Rulings {
			v.say("  step %d   %s by %s at %s%s", r.Step, map[bool]string{true: "approved", false: "declined"}[r.Approved], r.By, when(r.At), prefixed(": ", r.Why))
		}
		if s.State.Number == int(assignments.Approved) {
			v.say("Next: provisor run works out what follows.")
		}
	})
}

func (v *invocation) workflowShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show what was asked for, and how far it is", Args: cobra.ExactArgs(1),
		Long: `Shows a started workflow: what each property holds and would hold, who decided which step,
and for whom it waits.`,
		Example: "  provisor workflow show 12",
		RunE: v.desked(func(ctx context.Context, _ Service, desk act.Changes, args []string) error {
			id, err := workflowNumber(args[0])
			if err != nil {
				return err
			}
			return v.showStarted(desk.Show(ctx, id))
		}),
	}
}

func workflowNumber(text string) (workflows.StartedID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, wrongUsage("`provisor workflow list` shows the numbers", "%q is not the number of a workflow", text)
	}
	return workflows.StartedID(n), nil
}

func (v *invocation) workflowTasks() *cobra.Command {
	return &cobra.Command{
		Use: "tasks", Short: "List what waits for you", Args: cobra.NoArgs,
		Long:    "Lists the started workflows whose present step you (or --as) may decide.",
		Example: "  provisor workflow tasks --as E100",
		RunE: v.desked(func(ctx context.Context, _ Service, desk act.Changes, _ []string) error {
			tasks, err := desk.Tasks(ctx)
			if err != nil {
				return err
			}
			return v.show(map[string]any{"tasks": tasks}, func() {
				v.startedText(tasks)
				if len(tasks) == 0 {
					v.say("Nothing waits for you.")
				}
			})
		}),
	}
}

// workflowDecision is the command of one decision.
func (v *invocation) workflowDecision(on workflows.Event, short, long string) *cobra.Command {
	var version int
	var why string
	c := &cobra.Command{
		Use: string(on) + " NUMBER", Short: short, Args: cobra.ExactArgs(1), Long: long,
		Example: fmt.Sprintf("  provisor workflow %s 12 --as E100", on),
	}
	c.Flags().StringVar(&why, "why", "", "the reason, kept in the journal and with the step")
	c.Flags().IntVar(&version, "version", 0, "refuse if it is not at this version any more")
	c.RunE = v.desked(func(ctx context.Context, _ Service, desk act.Changes, args []string) error {
		id, err := workflowNumber(args[0])
		if err != nil {
			return err
		}
		return v.showStarted(desk.Decide(ctx, id, on, version, why))
	})
	return c
}

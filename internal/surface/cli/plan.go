package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
)

const sourcesHelp = "read these connectors as they are now, without storing what they say"

func (v *invocation) plan() *cobra.Command {
	var w wanted
	var out string
	c := &cobra.Command{
		Use: "plan", Short: "Show what deploying would cause; nothing is stored", Args: cobra.NoArgs,
		Long: `Shows what the files in config/ would cause if they were deployed now: what changes in
the configuration, who gains and loses which role, every order by kind and resource type
with its values before and after and why, whom it touches by department and role, how
long the systems would need, the thresholds that would trip, and the accounts that would
be released. Nothing is stored and nothing is written to any system. The plan and the run
are the same function, so they agree.

With --sources it reads the named connectors first: what a changed HR file would cause.
With --give, --deny and --take it supposes decisions about roles, with --at a day in the
future. With --roll-back it shows the orders that bring back what earlier orders changed.

The plan has a name: "apply NAME" deploys only if it would still cause the same. What
merely supposes decisions or another day has a name that begins with "if-" and cannot be
applied. It ends with 6 when a reading failed or would be parked: the plan then rests on
what was known before, and may show accounts as missing that are there.`,
		Example: `  provisor plan
  provisor plan --sources hr --out change.plan && provisor apply change.plan
  provisor plan --give E001=ledger-reader --take E002=project-lead:site=BRU
  provisor plan --at 2027-01-01
  provisor plan --roll-back 41,42 && provisor plan --roll-back-since 2h --connector crm`,
	}
	w.add(c)
	c.Flags().StringArrayVar(&w.give, "give", nil, "suppose that a person is given a role: PERSON=ROLE[:dimension=value,...]")
	c.Flags().StringArrayVar(&w.deny, "deny", nil, "suppose that a person is denied a role")
	c.Flags().StringArrayVar(&w.take, "take", nil, "suppose that what people decided about a role is taken from a person")
	c.Flags().StringVar(&out, "out", "", "also keep the plan in this file, for apply")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		p, err := v.propose(ctx, e, w)
		if err != nil {
			return err
		}
		if out != "" {
			if err := keepPlan(out, p.Planned); err != nil {
				return err
			}
		}
		err = v.show(p.Planned, func() {
			v.planText(p.Planned)
			if why := p.Supposes(); why != "" {
				v.say("\nNothing is stored. It cannot be applied: %s.", why)
				return
			}
			v.say("\nNothing is stored. To make it so: provisor apply %s", applies(p.Planned, out))
		})
		if err == nil && troubled(p.Readings) {
			return ended(SystemsCode)
		}
		return err
	})
	return c
}

// wanted is what a plan is to suppose.
type wanted struct {
	sources          []string
	give, deny, take []string
	back             []int64 // orders
	since, connector string
}

// add declares the flags that plan and apply share.
func (w *wanted) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&w.sources, "sources", nil, sourcesHelp)
	c.Flags().Int64SliceVar(&w.back, "roll-back", nil, "bring back what these orders changed")
	c.Flags().StringVar(&w.since, "roll-back-since", "", "bring back what all orders changed since then: 2h, 2026-03-01, 2026-03-01T14:30")
	c.Flags().StringVar(&w.connector, "connector", "", "with --roll-back-since: only orders of this connector")
}

func (w *wanted) rollsBack() bool { return len(w.back) > 0 || w.since != "" }

// applies is what to type after apply.
func applies(p act.Planned, file string) string {
	switch {
	case file != "":
		return file
	case p.RollBack != nil:
		ids := make([]string, len(p.RollBack.Orders))
		for i, id := range p.RollBack.Orders {
			ids[i] = id.String()
		}
		return p.Name + " --roll-back " + strings.Join(ids, ",")
	case len(p.Sources) > 0:
		return p.Name + " --sources " + strings.Join(p.Sources, ",")
	}
	return p.Name
}

// propose plans what is wanted, and says which secrets it lacks. On a server the files
// are those of --dir here, checked here first: what is wrong is said with its place.
func (v *invocation) propose(ctx context.Context, s Service, w wanted) (act.Proposal, error) {
	x := act.ToPlan{Sources: w.sources, Give: w.give, Deny: w.deny, Take: w.take, Connector: w.connector}
	for _, id := range w.back {
		x.Back = append(x.Back, orders.OrderID(id))
	}
	if w.since != "" {
		since, err := sinceOf(w.since, v.Now())
		if err != nil {
			return act.Proposal{}, err
		}
		x.Since = since
	}
	if v.server != "" && !x.RollsBack() {
		c, err := v.Check(filepath.Join(v.dir, configFolder))
		if err != nil {
			return act.Proposal{}, err
		}
		x.Files = c.Files
	}
	if v.server != "" { // which a variable may have named
		v.note("the plan is made on %s", v.server)
	}
	p, err := s.Propose(ctx, x)
	var told *fault.Error
	if errors.As(err, &told) && told.Op == act.Unclear {
		return p, usage(err)
	}
	for _, warning := range p.Warnings {
		v.note("%s", warning)
	}
	return p, err
}

func keepPlan(file string, p act.Planned) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) // #nosec G306 -- the server shows it, under a user of its own; who reaches the folder is for its owner
}

func (v *invocation) apply() *cobra.Command {
	var a applying
	c := &cobra.Command{
		Use: "apply [PLAN-NAME | FILE]", Short: "Deploy the configuration, or roll orders back", Args: cobra.MaximumNArgs(1),
		Long: `Deploys the files in config/: one transaction, journalled, the configuration before is
kept. The stages use what is deployed and nothing else.

Without a name it plans, shows the plan and asks; where nobody can answer it needs
--yes. With the name or the file of a plan it plans again and deploys only if that
gives the same plan; otherwise it shows what differs and ends with 5. A plan that
releases accounts of resource types that are no longer declared needs --release.

A roll-back plan (plan --roll-back) is applied the same way: the former values become
exceptions, which go through review, gates and thresholds like any order, and the rules
do not write over them until they are revoked (order revoke).`,
		Example: "  provisor apply\n  provisor apply 3f0c9a1b77de --why \"CHG-1024: teams for support\"\n  provisor apply back-77de3f0c9a1b --roll-back 41,42",
	}
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&a.release, "release", false, "let go of the accounts that are no longer declared")
	c.Flags().StringVar(&a.why, "why", "", "the reason, for the journal")
	a.add(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if v.server != "" {
			return v.asked(func(ctx context.Context, s Service, args []string) error { return v.deploy(ctx, s, args, a) })(c, args)
		}
		return v.open(c.Context(), true, func(ctx context.Context, e Engine) error { return v.deploy(ctx, v.folder(e), args, a) })
	}
	return c
}

type applying struct {
	wanted
	yes, release bool
	why          string
}

func (v *invocation) deploy(ctx context.Context, s Service, args []string, a applying) error {
	expected := ""
	var kept *act.Planned
	if len(args) == 1 {
		expected = args[0]
		if file, ok := keptPlan(args[0]); ok {
			kept, expected, a.sources = &file, file.Name, file.Sources
			if file.RollBack != nil {
				a.back, a.since = numbersOf(file.RollBack.Orders), ""
			}
		}
	}
	if err := applicable(expected, kept, a); err != nil {
		return err
	}
	p, err := v.propose(ctx, s, a.wanted)
	if err != nil {
		return err
	}
	if p.Already {
		return v.show(p.Planned, func() { v.say("The configuration is deployed already.") })
	}
	x := act.ToApply{Name: cmp.Or(expected, p.Name), Release: a.release, Why: a.why}
	if err := x.Check(p); err != nil {
		switch {
		case x.Name != p.Name:
			v.planDiffers(p.Planned, kept)
		case p.RollBack != nil:
			v.planKept(p.Planned)
		}
		return err
	}
	if expected == "" && !a.yes {
		if err := v.askToDeploy(p.Planned); err != nil {
			return err
		}
	}
	if p.RollBack != nil {
		return v.rollBack(ctx, s, p, x)
	}
	if err := s.Deploy(ctx, p, x); err != nil {
		return err
	}
	return v.show(p.Planned, func() {
		v.say("Deployed %s. Next: `provisor run` goes the whole way round once.", p.Name)
	})
}

// applicable refuses what merely supposes, and a roll-back whose orders are not named.
func applicable(expected string, kept *act.Planned, a applying) error {
	switch {
	case plan.IsSupposition(expected):
		why := "it supposes decisions that nobody made, or a day that has not come"
		if kept != nil {
			why = kept.Supposes()
		}
		return act.NotReal(expected, why)
	case plan.IsRollBack(expected) && !a.rollsBack():
		return wrongUsage("name the orders too: provisor apply "+expected+" --roll-back ORDER,...; or keep the plan in a file (plan --out)",
			"%s rolls orders back, and they are not named", expected)
	}
	return nil
}

// askToDeploy shows the plan and asks whoever sits at the terminal.
func (v *invocation) askToDeploy(p act.Planned) error {
	if !v.InTerminal || v.json {
		return wrongUsage("add --yes, or name the plan: provisor apply "+p.Name, "apply asks before it deploys, and nobody is here to answer")
	}
	v.planText(p)
	fmt.Fprintf(v.Stderr, "\nDeploy this%s? [y/N] ", prefixed(" on ", v.server))
	answer, _ := bufio.NewReader(v.Stdin).ReadString('\n') // no answer is no
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return &fault.Error{Kind: fault.Refused, Op: "apply", Msg: "nothing was deployed"}
	}
	return nil
}

// keptPlan reads a plan that was kept in a file.
func keptPlan(file string) (act.Planned, bool) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return act.Planned{}, false
	}
	var p act.Planned
	return p, json.Unmarshal(text, &p) == nil && p.Plan != nil && p.Name != ""
}

// planDiffers shows what a plan would cause that the kept one did not, and the
// other way round; without the kept one, the plan as it is now.
func (v *invocation) planDiffers(p act.Planned, kept *act.Planned) {
	if v.json {
		return // the value is for what was done
	}
	if kept == nil {
		v.planText(p)
		return
	}
	sides := [2]map[string]bool{{}, {}}
	for side, made := range []act.Planned{*kept, p} {
		for _, o := range made.Orders {
			sides[side][orderLine(o)] = true
		}
	}
	for _, o := range kept.Orders {
		if line := orderLine(o); !sides[1][line] {
			v.say("- %s", line)
		}
	}
	for _, o := range p.Orders {
		if line := orderLine(o); !sides[0][line] {
			v.say("+ %s", line)
		}
	}
	if kept.Day != p.Day {
		v.say("~ the day: %s → %s", kept.Day, p.Day)
	}
}

func orderLine(o plan.Order) string {
	var items []string
	for _, it := range o.Items {
		items = append(items, fmt.Sprintf("%s: %s → %s", itemName(it.Property, cmp.Or(it.LinkName, it.Link)), it.Before, it.After))
	}
	return fmt.Sprintf("%s of %s for %s (%s)", o.Kind, o.Type, o.Owner, strings.Join(items, ", "))
}

func notDeclared(what, name string) error {
	return &fault.Error{
		Kind: fault.NotFound, Msg: fmt.Sprintf("the configuration declares no %s %q", what, name),
		Do: "`provisor export` shows what is declared",
	}
}

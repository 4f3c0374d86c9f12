package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
)

// planned is a plan as it is shown and kept in a file.
type planned struct {
	*plan.Plan
	Configuration []difference `json:"configuration,omitempty"`
	Sources       []string     `json:"sources,omitempty"`
	Readings      []reading    `json:"readings,omitempty"`
	// Warnings do not stop an apply: what they name will fail when it is used.
	Warnings []fault.Finding `json:"warnings,omitempty"`
}

// difference is one part of the configuration that would change.
type difference struct {
	Object string `json:"object"`
	Change string `json:"change"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

const sourcesHelp = "read these connectors as they are now, without storing what they say"

func (v *invocation) plan() *cobra.Command {
	var sources []string
	var out string
	c := &cobra.Command{
		Use: "plan", Short: "Show what deploying would cause; nothing is stored", Args: cobra.NoArgs,
		Long: `Shows what the files in config/ would cause if they were deployed now: what changes in
the configuration, every order by kind and resource type with its values before and
after and why, the thresholds that would trip, and the accounts that would be
released. With --sources it reads the named connectors first, so that it also shows
what a changed HR file would cause. Nothing is stored and nothing is written to any
system. The plan and the run are the same function, so they agree.

The plan has a name: "apply NAME" deploys only if it would still cause the same. It
ends with 6 when a reading failed or would be parked: the plan then rests on what was
known before, and may show accounts as missing that are there.`,
		Example: "  provisor plan\n  provisor plan --sources hr --out change.plan && provisor apply change.plan",
	}
	c.Flags().StringSliceVar(&sources, "sources", nil, sourcesHelp)
	c.Flags().StringVar(&out, "out", "", "also keep the plan in this file, for apply")
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		_, p, err := v.make(ctx, e, sources)
		if err != nil {
			return err
		}
		if out != "" {
			if err := keepPlan(out, p); err != nil {
				return err
			}
		}
		err = v.show(p, func() {
			v.planText(p)
			v.say("\nNothing is stored. To deploy exactly this: provisor apply %s", p.applies(out))
		})
		if err == nil && troubled(p.Readings) {
			return ended(SystemsCode)
		}
		return err
	})
	return c
}

// applies is what to type after apply.
func (p planned) applies(file string) string {
	switch {
	case file != "":
		return file
	case len(p.Sources) > 0:
		return p.Name + " --sources " + strings.Join(p.Sources, ",")
	}
	return p.Name
}

// make plans what the files in the folder would cause.
func (v *invocation) make(ctx context.Context, e Engine, sources []string) (*declare.Configuration, planned, error) {
	c, err := e.Files()
	if err != nil {
		return nil, planned{}, err
	}
	ids := make([]schema.ConnectorID, len(sources))
	for i, name := range sources {
		ids[i] = schema.ConnectorID(name)
		if _, ok := c.Model.Connectors[ids[i]]; !ok {
			return nil, planned{}, notDeclared("connector", name)
		}
	}
	made, outcomes, err := e.Plan(ctx, c, ids)
	if err != nil {
		return nil, planned{}, err
	}
	p := planned{Plan: made, Sources: sources, Readings: readingsOf(outcomes)}
	if made.Orders == nil {
		made.Orders = []plan.Order{}
	}
	for _, d := range made.Configuration {
		p.Configuration = append(p.Configuration, difference{d.Object, string(d.Change), d.Before, d.After})
	}
	p.Warnings, err = v.warnOfSecrets(ctx, e, c)
	return c, p, err
}

func keepPlan(file string, p planned) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// planText writes a plan as people read it.
func (v *invocation) planText(p planned) {
	v.say("%s for %s", v.strong("Plan "+p.Name), p.Day)
	for _, r := range p.Readings {
		v.readingLine(r)
	}
	if len(p.Configuration) > 0 {
		v.say("\n%s", v.strong("Configuration"))
		for _, d := range p.Configuration {
			switch d.Change {
			case string(declare.Added):
				v.say("  + %s: %s", d.Object, brief(d.After))
			case string(declare.Removed):
				v.say("  - %s: %s", d.Object, brief(d.Before))
			default:
				v.say("  ~ %s: %s → %s", d.Object, brief(d.Before), brief(d.After))
			}
		}
	}
	v.planOrders(p)
	for _, t := range p.Parks {
		v.say("\n%s %ss of %s: %s", v.strong("Threshold"), t.Kind, t.Type, t.Why)
	}
	if len(p.Released) > 0 {
		v.say("\n%s (no longer declared; nothing is removed from the systems, apply asks for --release)", v.strong("Released"))
		for _, r := range p.Released {
			v.say("  %s of %s", r.Type, r.Owner)
		}
	}
	if p.Allocations > 0 {
		v.say("\n%s would be allocated; those shown are provisional.", count(p.Allocations, "value"))
	}
	if len(p.Findings) > 0 {
		v.say("\n%s", v.strong("Findings"))
		for _, f := range p.Findings {
			v.say("  %s", f)
		}
	}
}

// planOrders lists the orders by kind and type; without -v the first of each.
func (v *invocation) planOrders(p planned) {
	if len(p.Orders) == 0 {
		v.say("\nNo order would be opened or changed.")
		return
	}
	var group string
	shown := 0
	for i, o := range p.Orders {
		if title := string(o.Kind) + string(o.Type); title != group {
			group, shown = title, 0
			n := 0
			for _, other := range p.Orders[i:] {
				if other.Kind == o.Kind && other.Type == o.Type {
					n++
				}
			}
			v.say("\n%s", v.strong(count(n, string(o.Kind))+" of "+string(o.Type)))
		}
		if shown++; shown > fewLines && !v.verbose {
			if shown == fewLines+1 {
				v.say("  ... -v shows all")
			}
			continue
		}
		v.say("  %s %s  %s", o.Owner, o.Name, o.State)
		for _, it := range o.Items {
			v.say("      %-24s %s → %s  %s", itemName(it.Property, cmp.Or(it.LinkName, it.Link)), brief(it.Before), brief(it.After), it.Why)
		}
	}
}

// itemName names an item for people.
func itemName(property, link string) string {
	switch {
	case property == "":
		return "account"
	case link != "":
		return property + " → " + link
	}
	return property
}

func (v *invocation) apply() *cobra.Command {
	var sources []string
	var yes, release bool
	var why string
	c := &cobra.Command{
		Use: "apply [PLAN-NAME | FILE]", Short: "Deploy the configuration", Args: cobra.MaximumNArgs(1),
		Long: `Deploys the files in config/: one transaction, journalled, the configuration before is
kept. The stages use what is deployed and nothing else.

Without a name it plans, shows the plan and asks; where nobody can answer it needs
--yes. With the name or the file of a plan it plans again and deploys only if that
gives the same plan; otherwise it shows what differs and ends with 5. A plan that
releases accounts of resource types that are no longer declared needs --release.`,
		Example: "  provisor apply\n  provisor apply 3f0c9a1b77de --why \"CHG-1024: teams for support\"",
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&release, "release", false, "let go of the accounts that are no longer declared")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.Flags().StringSliceVar(&sources, "sources", nil, sourcesHelp)
	c.RunE = func(c *cobra.Command, args []string) error {
		return v.open(c.Context(), true, func(ctx context.Context, e Engine) error {
			return v.deploy(ctx, e, args, applying{sources, yes, release, why})
		})
	}
	return c
}

type applying struct {
	sources      []string
	yes, release bool
	why          string
}

func (v *invocation) deploy(ctx context.Context, e Engine, args []string, a applying) error {
	expected := ""
	var kept *planned
	if len(args) == 1 {
		expected = args[0]
		if file, ok := keptPlan(args[0]); ok {
			kept, expected, a.sources = &file, file.Name, file.Sources
		}
	}
	c, p, err := v.make(ctx, e, a.sources)
	if err != nil {
		return err
	}
	deployed, err := e.Deployed(ctx)
	if err == nil && deployed.Hash == c.Hash {
		return v.show(p, func() { v.say("The configuration is deployed already.") })
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if expected != "" && expected != p.Name {
		v.planDiffers(p, kept)
		return &fault.Error{
			Kind: fault.Conflict, Op: "apply", Msg: fmt.Sprintf("the plan is %s now, not %s: something changed since it was made", p.Name, expected),
			Do: "look at it with `provisor plan` and apply the new name",
		}
	}
	if len(p.Released) > 0 && !a.release {
		return &fault.Error{
			Kind: fault.Refused, Op: "apply", Msg: fmt.Sprintf("%s would be released: nothing declares them any more", count(len(p.Released), "account")),
			Do: "look at them with `provisor plan`, then add --release; nothing is removed from the systems",
		}
	}
	if expected == "" && !a.yes {
		if err := v.askToDeploy(p); err != nil {
			return err
		}
	}
	if err := e.Deploy(ctx, c, a.why); err != nil {
		return err
	}
	return v.show(p, func() {
		v.say("Deployed %s. Next: `provisor run` goes the whole way round once.", p.Name)
	})
}

// askToDeploy shows the plan and asks whoever sits at the terminal.
func (v *invocation) askToDeploy(p planned) error {
	if !v.InTerminal || v.json {
		return wrongUsage("add --yes, or name the plan: provisor apply "+p.Name, "apply asks before it deploys, and nobody is here to answer")
	}
	v.planText(p)
	fmt.Fprint(v.Stderr, "\nDeploy this? [y/N] ")
	answer, _ := bufio.NewReader(v.Stdin).ReadString('\n') // no answer is no
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return &fault.Error{Kind: fault.Refused, Op: "apply", Msg: "nothing was deployed"}
	}
	return nil
}

// keptPlan reads a plan that was kept in a file.
func keptPlan(file string) (planned, bool) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return planned{}, false
	}
	var p planned
	return p, json.Unmarshal(text, &p) == nil && p.Plan != nil && p.Name != ""
}

// planDiffers shows what a plan would cause that the kept one did not, and the
// other way round; without the kept one, the plan as it is now.
func (v *invocation) planDiffers(p planned, kept *planned) {
	if v.json {
		return // the value is for what was done
	}
	if kept == nil {
		v.planText(p)
		return
	}
	sides := [2]map[string]bool{{}, {}}
	for side, made := range []planned{*kept, p} {
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

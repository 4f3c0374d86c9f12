package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// foundFlags choose roles that were found.
type foundFlags struct {
	owner, role, category      string
	preExisting, nonConforming bool
	parts, all                 bool
}

func (f *foundFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.owner, "owner", "", "only of this person: key, identifier or name")
	flags.StringVar(&f.role, "role", "", "only this role")
	flags.StringVar(&f.category, "category", "", "only roles of this category, and of those below it")
	flags.BoolVar(&f.preExisting, "pre-existing", false, "only those that were there before go-live")
	flags.BoolVar(&f.nonConforming, "non-conforming", false, "only those that appeared since")
}

// filter makes a question of the flags.
func (f *foundFlags) filter(ctx context.Context, e Service) (view.FoundRoleFilter, error) {
	asked := view.FoundRoleFilter{PreExisting: f.preExisting, NonConforming: f.nonConforming, Parts: f.parts, Limit: view.MaxLimit}
	if f.owner != "" {
		ref, err := onePerson(ctx, e, f.owner)
		if err != nil {
			return asked, err
		}
		asked.Owner = &ref
	}
	if f.role != "" {
		has, err := e.HasRole(ctx, roles.RoleID(f.role))
		if err == nil && !has {
			err = notDeclared("role", f.role)
		}
		if err != nil {
			return asked, err
		}
		asked.Roles = []string{f.role}
	}
	if f.category == "" {
		return asked, nil
	}
	under, err := e.RolesBelow(ctx, roles.CategoryID(f.category))
	asked.Roles = slices.DeleteFunc(under, func(id string) bool { return f.role != "" && f.role != id })
	return asked, err
}

// within reports whether a category is another one or stands below it.
func within(m *roles.Model, c, above roles.CategoryID) bool {
	for range m.Categories { // a circle of parents ends the walk
		if c == above {
			return true
		}
		c = m.Categories[c].Parent
	}
	return false
}

func (f *foundFlags) list(ctx context.Context, e Service) ([]view.FoundRole, error) {
	asked, err := f.filter(ctx, e)
	all := []view.FoundRole{}
	for err == nil {
		var page view.FoundRolePage
		if page, err = e.Ask().FoundRoles(ctx, asked); err != nil {
			break
		}
		all = append(all, page.Roles...)
		if page.After == nil {
			return all, nil
		}
		asked.After = *page.After
	}
	return nil, err
}

func (v *invocation) reconcileRoles() *cobra.Command {
	var f foundFlags
	c := &cobra.Command{
		Use: "roles", Short: "List the roles that were found and that nothing gives", Args: cobra.NoArgs,
		Long: `Lists roles that follow from what people hold in the systems, although no rule gives them
and nobody approved them: somebody holds what only this role gives. They count as
expected, and nothing of them is taken away, until somebody declines them. Parts of a
composite role that was found are listed with --parts.`,
		Example: "  provisor reconcile roles --pre-existing\n  provisor reconcile roles --role ledger-reader --json",
	}
	f.add(c)
	c.Flags().BoolVar(&f.parts, "parts", false, "those too that came with a composite role, itself found")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		list, err := f.list(ctx, e)
		if err != nil {
			return err
		}
		if v.csv {
			return v.asList(sheets.Found(once(list)), c)
		}
		return v.show(map[string]any{"roles": list}, func() {
			if len(list) == 0 {
				v.say("No role was found that nothing gives.")
				return
			}
			g := v.columns("who", "role", "with", "workflow", "since", "because")
			for _, x := range list {
				g.row(named(x.Owner), x.Role, x.Parameters, fmt.Sprintf("%d %s", x.Workflow.Number, x.Workflow.Name), dayText(x.Since), x.Because)
			}
			g.print()
			v.say("\nAnswer with: provisor reconcile role keep | decline PERSON ROLE")
		})
	})
	return c
}

func (v *invocation) reconcileRole() *cobra.Command {
	return family("role", "Decide on roles that were found",
		`A role that was found is kept (it is approved, and gives what it gives from now on) or
declined (it goes, and so does what only it explains). Mind the words: of a value in
question "keep" leaves what was found, and "correct" writes what the rules say.

Roles and links are linked: who decides a role settles its links, and who keeps or
declines a link settles the role that alone explains it.`,
		v.roleDecision(orders.Keep, "Let a role stay that was found", "kept"),
		v.roleDecision(orders.Decline, "Take a role away that was found, with what only it explains", "declined"),
		v.roleDecision(orders.Revoke, "Take back that a found role was kept or declined", "in question again"),
	)
}

// roleDecision is the command that decides on found roles in one way.
func (v *invocation) roleDecision(on orders.Event, short, past string) *cobra.Command {
	var f foundFlags
	var with []string
	var why string
	var forReview bool
	c := &cobra.Command{
		Use: string(on) + " [PERSON ROLE]", Short: short, Args: cobra.MaximumNArgs(2),
		Long:    short + ".\n\nName a person and a role, or choose many with --all and filters. Each is decided by\nitself: what is refused on one stops no other, and ends with 5.",
		Example: fmt.Sprintf("  provisor reconcile role %s E001 ledger-reader --why \"agreed with the owner\" --as E100", on),
	}
	flags := c.Flags()
	flags.StringSliceVar(&with, "parameter", nil, "how the role is had, as site=BRU, where there are several ways")
	flags.StringVar(&why, "why", "", "the reason, kept in the journal")
	if on != orders.Revoke {
		f.add(c)
		flags.BoolVar(&f.all, "all", false, "every found role that the filters choose")
		c.Example += fmt.Sprintf("\n  provisor reconcile role %s --all --pre-existing --category finance --why \"reviewed\"", on)
	} else {
		c.Use, c.Long = string(on)+" PERSON ROLE", short+".\n\nThe role is what it was found as, as long as what it was deduced from is there."
	}
	if on == orders.Decline {
		flags.BoolVar(&forReview, "for-review", false, "let a reviewer approve the removals that come of it")
	}
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if f.all == (len(args) > 0) || !f.all && len(args) != 2 {
			return wrongUsage("name a person and a role, or use --all with filters", "it is not clear which roles are decided")
		}
		chosen, err := f.chosen(ctx, e, on, args, with)
		if err != nil {
			return err
		}
		return v.decideRoles(ctx, e, act.OnRoles{On: on, Roles: chosen, Why: why, ForReview: forReview}, past)
	})
	return c
}

// chosen finds the roles that are named, or all that the filters choose.
func (f *foundFlags) chosen(ctx context.Context, e Service, on orders.Event, args, with []string) ([]view.FoundRole, error) {
	if f.all {
		return f.list(ctx, e)
	}
	p, err := personNamed(ctx, e, args[0])
	if err != nil {
		return nil, err
	}
	parameters := map[roles.DimensionID]string{}
	for _, text := range with {
		d, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, wrongUsage("write --parameter site=BRU", "%q is no parameter", text)
		}
		parameters[roles.DimensionID(d)] = value
	}
	one := view.FoundRole{Owner: p.Owner, Role: args[1], Parameters: string(assignments.ParametersOf(parameters))}
	if len(with) > 0 {
		return []view.FoundRole{one}, nil
	}
	var ways []string
	for _, r := range p.Roles {
		if r.Role == one.Role && (on == orders.Revoke || assignments.Workflow(r.Workflow.Number).Found()) {
			ways = append(ways, r.With)
		}
	}
	if len(ways) > 1 {
		return nil, &fault.Error{
			Kind: fault.Invalid, Msg: fmt.Sprintf("%s has the role %s in %d ways: %s", named(p.Owner), one.Role, len(ways), strings.Join(ways, "; ")),
			Do: "say which with --parameter",
		}
	}
	if len(ways) == 1 {
		one.Parameters = ways[0]
	}
	return []view.FoundRole{one}, nil
}

func (v *invocation) decideRoles(ctx context.Context, e Service, x act.OnRoles, past string) error {
	answer, err := e.OnRoles(ctx, x)
	if err != nil {
		return err
	}
	err = v.show(answer, func() {
		v.say("%s %s.", count(len(answer.Decided), "role"), past)
		if len(answer.Decided) > 0 {
			v.say("Next: provisor run carries out what comes of it.")
		}
	})
	for _, r := range answer.Refused {
		fmt.Fprintf(v.Stderr, "provisor: %s, %s: %s\n", r.Owner, r.Role, r.Why)
	}
	if err == nil && len(answer.Refused) > 0 {
		return ended(RefusedCode)
	}
	return err
}

func (v *invocation) golive() *cobra.Command {
	var connectors []string
	var why string
	c := &cobra.Command{
		Use: "golive", Short: "Mark what is found now as there before", Args: cobra.NoArgs,
		Long: `Marks everything that was found and that nothing gives - roles, accounts, values - as
pre-existing, once for each resource type. What appears later is non-conforming, so that
the two can be reviewed apart. Nothing is written, and nothing is removed. Going live a
second time marks nothing.

Until then, what is there while a resource type writes nothing is pre-existing too.`,
		Example: "  provisor golive --connector directory --why \"the first day\" --as E100",
	}
	c.Flags().StringSliceVar(&connectors, "connector", nil, "only the resource types of these connectors")
	c.Flags().StringVar(&why, "why", "", "the reason, kept in the journal")
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		if why == "" {
			return wrongUsage("add --why \"the first day\"", "going live needs a reason: it is said once")
		}
		only := make([]schema.ConnectorID, len(connectors))
		for i, id := range connectors {
			only[i] = schema.ConnectorID(id)
		}
		l, err := e.GoLive(ctx, only, why)
		if err != nil {
			return err
		}
		return v.show(l, func() {
			for _, x := range l.Before {
				v.say("%s went live on %s, by %s: nothing of it is marked again.", x.Type, when(x.At), x.By)
			}
			if len(l.Types) == 0 {
				v.say("Nothing is marked.")
				return
			}
			v.say("Live now: %s.", joined(l.Types))
			v.say("Marked as pre-existing: %s, %s, %s.", count(l.Roles, "role"), count(l.Accounts, "account"), count(l.Values, "value"))
		})
	})
	return c
}

func joined[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = string(x)
	}
	return strings.Join(parts, ", ")
}

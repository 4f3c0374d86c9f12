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
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/sheets"
)

func (v *invocation) profile() *cobra.Command {
	return family("profile", "Who may do what inside Provisor",
		`A profile is a set of permissions with a scope. People have it by hand, by rules of the
configuration, or by delegation, from when to when; what several give adds up. Nobody
gives a profile to himself.`,
		v.profileList(), v.profileShow(), v.profilePermissions(), v.profileAssign(), v.profileDelegate(), v.profileRevoke())
}

func (v *invocation) profileList() *cobra.Command {
	var assigned, all bool
	c := &cobra.Command{
		Use: "list", Short: "List profiles, or who has them", Args: cobra.NoArgs,
		Long: `Lists the profiles that are built in and those of the deployed configuration. With
--assigned it lists who has which by hand or by delegation; what rules give is worked out
for each person when he asks, and "provisor profile show" tells the rules.`,
		Example: "  provisor profile list\n  provisor profile list --assigned --all",
	}
	c.Flags().BoolVar(&assigned, "assigned", false, "list who has them")
	c.Flags().BoolVar(&all, "all", false, "with --assigned: those that are over or revoked, too")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		if assigned {
			return v.showAssigned(ctx, e, all, c)
		}
		list, err := e.AccessDesk().Known(ctx)
		if err != nil {
			return err
		}
		if v.csv {
			return v.asList(profilesSheet(list), c)
		}
		return v.show(map[string]any{"profiles": list}, func() {
			g := v.columns("profile", "name", "permissions", "reaches", "by rule", "about")
			for _, p := range list {
				g.row(string(p.ID), p.Name, strconv.Itoa(len(p.Permissions)), p.Scope.String(), strconv.Itoa(len(p.Rules)), p.About)
			}
			g.print()
		})
	})
	return c
}

func (v *invocation) showAssigned(ctx context.Context, e Service, all bool, c *cobra.Command) error {
	list, err := e.AccessDesk().Given(ctx)
	if err != nil {
		return err
	}
	now := v.Now()
	list = slices.DeleteFunc(list, func(a access.ProfileAssignment) bool {
		return !all && (!a.Revoked.IsZero() || !a.To.IsZero() && !now.Before(a.To))
	})
	if v.csv {
		return v.asList(sheets.Assignments("profiles", list), c)
	}
	return v.show(map[string]any{"assigned": list}, func() {
		g := v.columns("no", "profile", "who", "how", "reaches", "from", "to", "by", "why")
		for _, a := range list {
			how := string(a.How)
			if a.How == access.Delegation {
				how += " of " + a.Delegator.String()
			}
			end := dated(a.To)
			if !a.Revoked.IsZero() {
				end = "revoked " + dated(a.Revoked)
			}
			g.row(strconv.FormatInt(int64(a.ID), 10), string(a.Profile), a.Holder.String(), how, a.Scope.String(), dated(a.From), end, a.By, a.Why)
		}
		g.print()
	})
}

func (v *invocation) profileShow() *cobra.Command {
	return &cobra.Command{
		Use: "show PROFILE", Short: "Show what a profile permits, how far, and who has it by rule", Args: cobra.ExactArgs(1),
		Long:    `Shows the permissions of a profile, each with what a scope does to it, and its rules.`,
		Example: "  provisor profile show application-owner",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			list, err := e.AccessDesk().Known(ctx)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list, func(p access.Profile) bool { return string(p.ID) == args[0] })
			if i < 0 {
				return &fault.Error{Kind: fault.NotFound, Op: "show profile", Msg: "there is no profile " + args[0], Do: "see `provisor profile list`"}
			}
			p := list[i]
			return v.show(p, func() {
				v.say("%s: %s", p.Name, p.About)
				v.say("reaches: %s", p.Scope)
				g := v.columns("permission", "a scope", "lets one")
				for _, x := range p.Permissions {
					d, _ := access.Describe(x)
					g.row(string(x), reaches[d.Reach], d.About)
				}
				g.print()
				for _, r := range p.Rules {
					v.say("by rule: every %s%s, reaching %s", r.Entity, standing(r), r.Scope)
				}
			})
		}),
	}
}

// reaches says what a scope does to a permission.
var reaches = map[access.Reach]string{access.Rows: "chooses rows", access.Whole: "takes it away", access.Open: "does not matter"}

func standing(r access.ProfileRule) string {
	var parts []string
	for d, place := range r.Match {
		below := ""
		if slices.Contains(r.Inherit, d) {
			below = " or below"
		}
		parts = append(parts, fmt.Sprintf(" in %s %s%s", d, place, below))
	}
	slices.Sort(parts)
	return strings.Join(parts, " and")
}

func (v *invocation) profilePermissions() *cobra.Command {
	return &cobra.Command{
		Use: "permissions", Short: "List all permissions", Args: cobra.NoArgs,
		Long:    `Lists every permission, with what a scope does to it.`,
		Example: "  provisor profile permissions",
		RunE: func(*cobra.Command, []string) error {
			list := access.Permissions()
			return v.show(map[string]any{"permissions": list}, func() {
				g := v.columns("permission", "a scope", "lets one")
				for _, d := range list {
					g.row(string(d.Permission), reaches[d.Reach], d.About)
				}
				g.print()
			})
		},
	}
}

// holding are the flags that say who gets a profile, how far and for how long.
type holding struct {
	account, person, from, to, why             string
	entities, types, categories, roles, places []string
	team, self                                 bool
}

func (h *holding) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&h.account, "account", "", "who gets it: an account")
	f.StringVar(&h.person, "person", "", "who gets it: a person, by key or identifier; signed in or not yet")
	f.StringArrayVar(&h.entities, "entity-type", nil, "reaches people of this entity type only; may be repeated, as those below")
	f.StringArrayVar(&h.types, "resource-type", nil, "reaches accounts of this resource type only")
	f.StringArrayVar(&h.categories, "category", nil, "reaches roles and resource types of this category only, and of those below")
	f.StringArrayVar(&h.roles, "role", nil, "reaches this role only")
	f.StringArrayVar(&h.places, "place", nil, "reaches people there or below only: department=FIN")
	f.BoolVar(&h.team, "team", false, "reaches the own team only")
	f.BoolVar(&h.self, "self", false, "reaches oneself only")
	f.StringVar(&h.from, "from", "", "from this day on, 2026-03-01 (default: now)")
	f.StringVar(&h.to, "to", "", "until this day, included (default: for good)")
	f.StringVar(&h.why, "why", "", "the reason")
}

// assignment reads the flags.
func (h *holding) assignment(ctx context.Context, e Service, profile string) (a access.ProfileAssignment, err error) {
	a = access.ProfileAssignment{Profile: access.ProfileID(profile), Why: h.why, Scope: access.Scope{
		EntityTypes: listed[schema.EntityType](h.entities), ResourceTypes: listed[roles.ResourceTypeID](h.types),
		Categories: listed[roles.CategoryID](h.categories), Roles: listed[roles.RoleID](h.roles), Team: h.team, Self: h.self,
	}}
	if (h.account == "") == (h.person == "") {
		return a, wrongUsage("give --account NAME or --person KEY", "it is not said who gets the profile, or twice")
	}
	a.Holder.Account = h.account
	if h.person != "" {
		if a.Holder.Person, err = onePerson(ctx, e, h.person); err != nil {
			return a, err
		}
	}
	for _, text := range h.places {
		dimension, place, ok := strings.Cut(text, "=")
		if !ok {
			return a, wrongUsage("write it as department=FIN", "--place %q names no place", text)
		}
		if a.Scope.Places == nil {
			a.Scope.Places = map[roles.DimensionID][]resources.Key{}
		}
		d := roles.DimensionID(dimension)
		a.Scope.Places[d] = append(a.Scope.Places[d], resources.Key(place))
	}
	if h.from != "" {
		if a.From, err = dayOf("--from", h.from); err != nil {
			return a, err
		}
	}
	if h.to != "" {
		if a.To, err = dayOf("--to", h.to); err != nil {
			return a, err
		}
		a.To = a.To.Add(24 * time.Hour) // the day itself belongs to it
	}
	return a, nil
}

func listed[T ~string](texts []string) []T {
	var out []T
	for _, t := range texts {
		out = append(out, T(t))
	}
	return out
}

func (v *invocation) profileAssign() *cobra.Command {
	h := &holding{}
	c := &cobra.Command{
		Use: "assign PROFILE", Short: "Give somebody a profile", Args: cobra.ExactArgs(1),
		Long: `Gives an account or a person a profile, as far as the scope says: what it is about
(resource types, categories, roles: any of them) and whom (entity types, and of these
places, own team, oneself: any of them). A row must fit both; without a scope, all.`,
		Example: "  provisor profile assign application-owner --person E100 --resource-type CrmAccount\n  provisor profile assign auditor --account anna --to 2026-12-31 --why \"yearly audit\"",
	}
	h.flags(c)
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		a, err := h.assignment(ctx, e, args[0])
		if err == nil {
			a, err = e.AccessDesk().Assign(ctx, a)
		}
		if err != nil {
			return err
		}
		return v.show(a, func() { v.say("%s has the profile %s (%d), reaching %s.", a.Holder, a.Profile, a.ID, a.Scope) })
	})
	return c
}

func (v *invocation) profileDelegate() *cobra.Command {
	h := &holding{}
	c := &cobra.Command{
		Use: "delegate PROFILE", Short: "Hand a profile of one's own to somebody else for a time", Args: cobra.ExactArgs(1),
		Long: `Hands a profile of the person named by --as (on a server: of whoever signed in) to somebody
else until a day. It reaches as
far as for the delegator, his team included, or less where a scope says so; it ends when
he has the profile no more, and is not handed on again. What is done by it is done under
the name of whoever does it.`,
		Example: "  provisor profile delegate manager --as E100 --person E200 --to 2026-08-31 --why \"holidays\"",
	}
	h.flags(c)
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if v.as == "" && v.server == "" {
			return wrongUsage("add --as PERSON", "it is not said whose profile is delegated")
		}
		if h.to == "" {
			return &fault.Error{Kind: fault.Refused, Op: "delegate profile", Msg: "a delegation ends on a day", Do: "say until when, with --to"}
		}
		var from resources.Ref
		if v.server == "" { // on a server it is whoever signed in
			var err error
			if from, err = onePerson(ctx, e, v.as); err != nil {
				return err
			}
		}
		a, err := h.assignment(ctx, e, args[0])
		if err == nil {
			a, err = e.AccessDesk().Delegate(ctx, access.Holder{Person: from}, a)
		}
		if err != nil {
			return err
		}
		return v.show(a, func() {
			v.say("%s has the profile %s of %s (%d) until %s.", a.Holder, a.Profile, a.Delegator, a.ID, a.To.Add(-time.Second).Format(time.DateOnly))
		})
	})
	return c
}

func (v *invocation) profileRevoke() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "revoke NUMBER", Short: "Take a profile away, or a delegation back", Args: cobra.ExactArgs(1),
		Long: `Takes a profile away from the next request on; "provisor profile list --assigned" shows
the numbers.`,
		Example: "  provisor profile revoke 7 --why \"she moved\"",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return wrongUsage("`provisor profile list --assigned` shows the numbers", "%q is not a number", args[0])
		}
		if err := e.AccessDesk().Revoke(ctx, access.AssignmentID(id), why); err != nil {
			return err
		}
		return v.show(map[string]int64{"assignment": id}, func() { v.say("It is revoked.") })
	})
	return c
}

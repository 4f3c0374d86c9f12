package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) person() *cobra.Command {
	return family("person", "Who is there, and what they have",
		`A person is a resource that owns accounts: an employee, a contractor, whatever the
configuration takes as a source.`, v.personList(), v.personShow())
}

// personNamed opens the one person that a text means.
func personNamed(ctx context.Context, e Service, text string) (view.Person, error) {
	ref, err := onePerson(ctx, e, text)
	if err != nil {
		return view.Person{}, err
	}
	return e.Ask().Person(ctx, ref)
}

func (v *invocation) personList() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "list [TEXT]", Short: "List people by name", Args: cobra.MaximumNArgs(1),
		Long: `Lists people in the order of their names; TEXT holds beginnings of words of the name,
or of an identifier.`,
		Example: "  provisor person list \"jan do\"",
	}
	c.Flags().IntVar(&limit, "limit", view.DefaultLimit, "at most so many people of each kind")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		types, err := e.Owners(ctx)
		if err != nil {
			return err
		}
		text := ""
		if len(args) == 1 {
			text = args[0]
		}
		if v.csv {
			var filters []view.PeopleFilter
			for _, t := range types {
				filters = append(filters, view.PeopleFilter{Entity: string(t), Text: text})
			}
			return v.asList(peopleOfAll(ctx, e.Ask(), filters), c)
		}
		people, more := []view.Owner{}, false
		for _, t := range types {
			page, err := e.Ask().People(ctx, view.PeopleFilter{Entity: string(t), Text: text, Limit: limit})
			if err != nil {
				return err
			}
			people, more = append(people, page.People...), more || page.After != nil
		}
		return v.show(map[string]any{"people": people, "more": more}, func() {
			g := v.columns("key", "name", "type")
			for _, o := range people {
				g.row(o.Key, o.Display, o.Type)
			}
			g.print()
			switch {
			case more:
				v.say("... there are more: --limit, or TEXT")
			case len(people) == 0:
				v.say("Nobody.")
			}
		})
	})
	return c
}

func (v *invocation) personShow() *cobra.Command {
	return &cobra.Command{
		Use: "show PERSON", Short: "Show what somebody has, and in which state", Args: cobra.ExactArgs(1),
		Long: `Shows a person (by key, identifier or name) with roles and accounts; each entitlement
with its provisioning state, its workflow state, its dates and where it comes from.
"provisor explain" shows the whole proof.`,
		Example: "  provisor person show E001\n  provisor person show ada.example@example.org --json",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			p, err := personNamed(ctx, e, args[0])
			if err != nil {
				return err
			}
			if p.Roles == nil {
				p.Roles = []view.Role{}
			}
			if p.Accounts == nil {
				p.Accounts = []view.Account{}
			}
			return v.show(p, func() { v.personText(p) })
		}),
	}
}

func (v *invocation) personText(p view.Person) {
	gone := ""
	if p.Gone {
		gone = "  (not in the source any more)"
	}
	v.say("%s%s", v.strong(named(p.Owner)), gone)
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		v.say("  %-14s %s", name, p.Values[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Links)) {
		v.say("  %-14s %v", name, p.Links[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Edited)) {
		v.say("  %-14s edited; the source says %q", name, p.Edited[name])
	}
	v.rolesText(p)
	for _, a := range p.Accounts {
		v.say("")
		v.say("%s %s  (account %d)", v.strong(a.Type), a.Target, a.ID)
		v.accountText(a)
	}
	if len(p.Accounts) == 0 {
		v.say("\nNo account.")
	}
}

// accountText writes an account with its items.
func (v *invocation) accountText(a view.Account) {
	v.say("  %s  %d %s  %s/%s%s  %s", v.chip(a.State), a.Workflow.Number, a.Workflow.Name, a.Connector, a.Connection, doubt(a.Confidence), span(a.Start, a.End))
	if a.Order != 0 {
		v.say("  order %d, %s%s", a.Order, a.OrderKind, prefixed(", waits for ", a.Waits))
	}
	g := v.columns("item", "property", "state", "proposed", "current", "workflow", "period", "why")
	g.indent = "  "
	for _, it := range a.Items {
		why := it.Because
		if it.By != "" {
			why += fmt.Sprintf(" (%s)", it.By)
		}
		g.row(strconv.Itoa(it.ID), it.Name, v.chip(it.State), it.Proposed, it.Current, it.Workflow.Name, span(it.Start, it.End), why)
	}
	g.print()
	for _, it := range a.Items {
		switch {
		case it.Message != "":
			v.say("  %s: %s", it.Name, it.Message)
		case it.Parked != "":
			v.say("  %s waits for %s", it.Name, it.Parked)
		}
	}
}

// rolesText writes the roles that somebody has, those that are offered or denied,
// and what is being asked for.
func (v *invocation) rolesText(p view.Person) {
	for _, part := range []struct {
		title string
		of    func(view.Role) bool
	}{
		{"Roles", func(r view.Role) bool { return !offeredTo(r) && !deniedTo(r) }}, {"Offered", offeredTo}, {"Denied", deniedTo},
	} {
		g := v.columns("role", "state", "workflow", "period", "why")
		n := 0
		for _, r := range p.Roles {
			if !part.of(r) {
				continue
			}
			shows := r.Shows
			if r.State != nil {
				shows = v.chip(*r.State)
			}
			why := ""
			if len(r.Reasons) > 0 {
				why = strings.TrimPrefix(r.Reasons[0].Rule+prefixed(": ", r.Reasons[0].Note), ": ")
			}
			g.row(roleWith(r.Role, r.With), shows, fmt.Sprintf("%d %s", r.Workflow.Number, r.Workflow.Name), span(r.Start, r.End), why)
			n++
		}
		if n > 0 {
			v.say("\n%s", v.strong(part.title))
			g.print()
		}
	}
	if len(p.Requests) > 0 {
		v.say("\n%s", v.strong("Requests"))
		v.requestsText(p.Requests)
	}
}

func offeredTo(r view.Role) bool {
	switch assignments.Workflow(r.Workflow.Number) {
	case assignments.SuggestedRole, assignments.SuggestedExisting, assignments.AutomaticWithValidation:
		return true
	}
	return false
}

func deniedTo(r view.Role) bool { return r.Workflow.Number == int(assignments.WorkflowDeclined) }

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/act"
)

// planText writes a plan as people read it.
func (v *invocation) planText(p act.Planned) {
	title := "for " + p.Day
	if p.Ahead != nil {
		title = fmt.Sprintf("for a day in the future, %s (today is %s)", p.Day, p.Ahead.Today)
	}
	v.say("%s %s", v.strong("Plan "+p.Name), title)
	for _, d := range p.Decisions {
		v.say("  supposing that %s", d)
	}
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
	if p.Ahead != nil {
		v.eventsText("Joins until then", "on", p.Ahead.Joins)
		v.eventsText("Leaves until then", "last day", p.Ahead.Leaves)
		v.eventsText("Expires until then", "last day", p.Ahead.Expires)
	}
	v.planRoles(p)
	v.planOrders(p)
	v.planReach(p)
	v.planPaces(p)
	for _, t := range p.Parks {
		v.say("\n%s %ss of %s: %s", v.strong("Threshold"), t.Kind, t.Type, t.Why)
	}
	if len(p.Released) > 0 {
		v.say("\n%s (no longer declared; nothing is removed from the systems, apply asks for --release)", v.strong("Released"))
		for _, r := range p.Released {
			v.say("  %s of %s", r.Type, r.Owner)
		}
	}
	v.planKept(p)
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

// few cuts a list to what a summary shows.
func few[T any](v *invocation, list []T) ([]T, int) {
	if v.verbose || len(list) <= fewLines {
		return list, 0
	}
	return list[:fewLines], len(list) - fewLines
}

func (v *invocation) more(left int) {
	if left > 0 {
		v.say("  ... and %d more: -v shows all", left)
	}
}

func (v *invocation) eventsText(title, when string, list []plan.Event) {
	if len(list) == 0 {
		return
	}
	v.say("\n%s: %d", v.strong(title), len(list))
	shown, left := few(v, list)
	for _, x := range shown {
		v.say("  %s %s%s  %s %s", x.Owner, x.Name, prefixed("  ", x.What), when, x.On)
	}
	v.more(left)
}

// planRoles says who gains and loses roles.
func (v *invocation) planRoles(p act.Planned) {
	if len(p.Roles) == 0 {
		return
	}
	v.say("\n%s", v.strong("Roles"))
	shown, left := few(v, p.Roles)
	for _, r := range shown {
		var parts []string
		if r.Gained > 0 {
			parts = append(parts, persons(r.Gained)+" "+verbFor(r.Gained, "gains", "gain")+" it")
		}
		if r.Lost > 0 {
			parts = append(parts, persons(r.Lost)+" "+verbFor(r.Lost, "loses", "lose")+" it")
		}
		v.say("  %-28s %s", r.Role, strings.Join(parts, ", "))
	}
	v.more(left)
	people, left := few(v, p.People)
	for _, x := range people {
		var parts []string
		for _, name := range x.Gains {
			parts = append(parts, "+ "+name)
		}
		for _, name := range x.Loses {
			parts = append(parts, "- "+name)
		}
		v.say("  %s %s  %s", x.Owner, x.Name, strings.Join(parts, ", "))
	}
	v.more(left)
}

func persons(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func verbFor(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// planOrders lists the orders by kind and type; without -v the first of each.
func (v *invocation) planOrders(p act.Planned) {
	if len(p.Orders) == 0 {
		v.say("\nNo order would be opened or changed.")
		return
	}
	group := func(o plan.Order) string { return string(o.Kind) + " of " + string(o.Type) }
	sizes := map[string]int{}
	for _, o := range p.Orders {
		sizes[group(o)]++
	}
	var at string
	shown := 0
	for _, o := range p.Orders {
		if title := group(o); title != at {
			at, shown = title, 0
			v.say("\n%s", v.strong(count(sizes[title], string(o.Kind))+" of "+string(o.Type)))
		}
		if shown++; shown > fewLines && !v.verbose {
			if shown == fewLines+1 {
				v.say("  ... -v shows all")
			}
			continue
		}
		v.say("  %s %s  %s", o.Owner, o.Name, o.State)
		for _, it := range o.Items {
			v.say("      %-24s %s  %s", itemName(it.Property, cmp.Or(it.LinkName, it.Link)), turns(it.Before, it.After), it.Why)
		}
	}
}

// turns writes what becomes of a value; what is there or not has no value.
func turns(before, after string) string {
	switch present, nothing := orders.Present.String(), orders.Nothing.String(); {
	case before == nothing && after == present:
		return "added"
	case before == present && after == nothing:
		return "removed"
	case before == present && after == present:
		return "stays"
	}
	return brief(before) + " → " + brief(after)
}

// planReach says whom the orders touch: the blast radius.
func (v *invocation) planReach(p act.Planned) {
	r := p.Reach
	if r == nil {
		return
	}
	v.say("\n%s: %s of %d, %s", v.strong("Touches"), persons(r.People), r.Of, count(r.Accounts, "account"))
	t := v.columns("by", "", "people", "of", "", "orders")
	t.indent = "  "
	for _, list := range [][]plan.Share{r.Dimensions, r.Roles} {
		for len(list) > 0 {
			same := 1
			for same < len(list) && list[same].Dimension == list[0].Dimension {
				same++
			}
			shown, left := few(v, list[:same])
			for _, s := range shown {
				by := s.Dimension
				if by == "" {
					by = "role"
				}
				t.row(by, strings.TrimSpace(s.Value+" "+s.Name), s.People, s.Of, fmt.Sprintf("%d %%", s.Percent), kindsText(s.Orders))
			}
			if left > 0 {
				t.row("", fmt.Sprintf("... and %d more: -v shows all", left), "", "", "", "")
			}
			list = list[same:]
		}
	}
	t.print()
}

func kindsText(kinds map[orders.Kind]int) string {
	var parts []string
	for _, k := range orders.Kinds() {
		if n := kinds[k]; n > 0 {
			parts = append(parts, count(n, string(k)))
		}
	}
	return strings.Join(parts, ", ")
}

// planPaces says how long the systems would need.
func (v *invocation) planPaces(p act.Planned) {
	if len(p.Paces) == 0 {
		return
	}
	total := "no connection declares a limit"
	if p.Seconds > 0 {
		total = "about " + lasting(p.Seconds) + ", as long as the slowest connection"
	}
	v.say("\n%s: %s", v.strong("Takes"), total)
	for _, c := range p.Paces {
		var says string
		switch {
		case c.Orders == 0:
			says = "nothing is sent"
		case c.Manual:
			says = count(c.Orders, "order") + " for people"
		case c.PerSecond > 0:
			says = fmt.Sprintf("%s at %d a second: %s", count(c.Orders, "order"), c.PerSecond, lasting(c.Seconds))
		default:
			says = count(c.Orders, "order") + ", no limit declared"
			if c.Concurrency > 0 {
				says += fmt.Sprintf(" (%d at once)", c.Concurrency)
			}
		}
		if c.Unsent > 0 {
			says += fmt.Sprintf("; %s of resource types that are switched off or shadowed", count(c.Unsent, "order"))
		}
		v.say("  %-28s %s", string(c.Connector)+" "+string(c.Connection), says)
	}
}

// lasting writes a duration as people say it.
func lasting(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// planKept says what a roll-back leaves as it is, and why.
func (v *invocation) planKept(p act.Planned) {
	if p.RollBack == nil || len(p.RollBack.Cannot) == 0 {
		return
	}
	v.say("\n%s", v.strong("Cannot be rolled back"))
	shown, left := few(v, p.RollBack.Cannot)
	for _, k := range shown {
		v.say("  order %d, %s of %s %s: %s, before %s: %s", k.Order, k.Type, k.Owner, k.Name, k.Item, brief(k.Before), k.Why)
		names := make([]string, 0, len(k.Values))
		for name, held := range k.Values {
			names = append(names, name+" = "+brief(held))
		}
		slices.Sort(names)
		if len(names) > 0 {
			v.say("      it held %s", strings.Join(names, ", "))
		}
	}
	v.more(left)
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

package evaluate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// identifierMax is how long an identifier of the configuration may be.
const identifierMax = 100

// Named is what naming rules make of the entitlements that are there.
type Named struct {
	Categories []roles.NamedCategory
	Roles      []roles.NamedRole
	Given      int // entitlements that a rule or a role gives already
	Findings   []fault.Finding
}

// namer applies naming rules.
type namer struct {
	evaluation
	file string // where roles may be added to
	out  Named
}

// entitlement is one link that a resource type can give.
type entitlement struct {
	t        roles.ResourceTypeID
	property schema.PropertyName
	key      resources.Key
}

// NameRoles makes a single role of each entitlement that a naming rule is about
// and no rule gives yet. It is pure: the caller writes what comes of it. file is
// the only one in which a role that is there already may get something added.
func NameRoles(model *roles.Model, programs expression.Programs, world *World, file string) Named {
	n := &namer{evaluation: evaluation{Input: Input{Model: model, Programs: programs, World: world}, programs: programs}, file: file}
	given, seen := n.given(), map[entitlement]bool{}
	var made []proposal
	for _, rule := range model.Naming {
		target, _ := model.Entity(model.ResourceTypes[rule.ResourceType].Target)
		linked := target.Properties[rule.Property].Link
		var keys []resources.Key
		world.Each(linked, func(r *resources.Resource) { keys = append(keys, r.Key) })
		slices.Sort(keys)
		for _, key := range keys {
			r, _ := world.Record(linked, key)
			at := entitlement{rule.ResourceType, rule.Property, key}
			x, ok := n.propose(rule, r)
			switch {
			case !ok || seen[at]:
				continue // the first rule that names it does
			case given[at]:
				n.out.Given++
			default:
				made = append(made, x)
			}
			seen[at] = true
		}
	}
	n.settle(made)
	return n.out
}

// given are the entitlements that some rule gives.
func (n *namer) given() map[entitlement]bool {
	given := map[entitlement]bool{}
	for id, t := range n.Model.ResourceTypes {
		target, _ := n.Model.Entity(t.Target)
		for _, rule := range t.Links {
			linked := target.Properties[rule.Property].Link
			for p, v := range rule.To {
				if r, ok := n.World.Find(linked, p, v); ok && !rule.Deny {
					given[entitlement{id, rule.Property, r.Key}] = true
				}
			}
		}
	}
	return given
}

// proposal is a role for one entitlement, before it is compared with others.
type proposal struct {
	rule     roles.NamingRule
	role     roles.NamedRole
	category roles.NamedCategory
	of       string // the entitlement, for people
}

// propose computes what a rule makes of one linked resource; false: nothing.
func (n *namer) propose(rule roles.NamingRule, r *resources.Resource) (proposal, bool) {
	b := expression.Bindings{Own: r, Records: n.World}
	x := proposal{rule: rule, of: r.Ref.String()}
	var failed error
	text := func(e schema.Expression, otherwise string) string {
		if e.Text == "" || failed != nil {
			return otherwise
		}
		var v value.Value
		if v, failed = n.eval(e, b); failed != nil || v.IsNull() {
			return otherwise
		}
		return strings.TrimSpace(v.Text())
	}
	if rule.Where.Text != "" {
		holds, err := n.eval(rule.Where, b)
		if err == nil && !holds.Bool() {
			return x, false
		}
		failed = err
	}
	id := text(rule.Role, "")
	category, filed := string(rule.Category), rule.Category
	if rule.CategoryFrom.Text != "" {
		category = text(rule.CategoryFrom, "")
		filed = roles.CategoryID(legal(category))
	}
	x.role = roles.NamedRole{
		ID: roles.RoleID(legal(id)), Name: text(rule.Name, cmp.Or(r.Display, string(r.Key))), Category: filed,
		Entity: n.Model.ResourceTypes[rule.ResourceType].Source, Approval: rule.Approval,
		ResourceType: rule.ResourceType, Property: rule.Property, By: rule.By, Value: n.nameOf(r, rule.By),
	}
	x.category = roles.NamedCategory{ID: x.role.Category, Name: text(rule.CategoryName, category), Parent: rule.Parent}
	switch {
	case failed != nil:
		n.say(x, failed.Error(), "mend the rule, or leave this one out with where")
	case id == "":
		return x, false
	case x.role.ID == "" || category != "" && x.role.Category == "":
		n.say(x, fmt.Sprintf("%q has no letter of which an identifier could be made", cmp.Or(id, category)), "let the rule compute another one")
	case x.role.Value.IsNull():
		n.say(x, fmt.Sprintf("it has no %s by which a role could name it", rule.By), "name another identifier with by")
	default:
		return x, true
	}
	return x, false
}

// nameOf is the value of the identifier, or the key.
func (n *namer) nameOf(r *resources.Resource, by schema.PropertyName) value.Value {
	if e, _ := n.Model.Entity(r.Type); e.Key == by {
		return value.OfString(string(r.Key))
	}
	return r.Value(by)
}

func (n *namer) say(x proposal, what, do string) {
	n.out.Findings = append(n.out.Findings, fault.Finding{
		File: x.rule.Position.File, Line: x.rule.Position.Line, Column: x.rule.Position.Column, Object: x.rule.Object, What: x.of + ": " + what, Do: do,
	})
}

// settle keeps the proposals that can stand beside each other and beside what is
// declared. Two entitlements that ask for one role get none: which of them the
// role means would be an accident.
func (n *namer) settle(made []proposal) {
	type asked struct {
		role     roles.RoleID
		t        roles.ResourceTypeID
		property schema.PropertyName
	}
	by := map[asked][]proposal{}
	for _, x := range made {
		at := asked{x.role.ID, x.role.ResourceType, x.role.Property}
		by[at] = append(by[at], x)
	}
	filed := map[roles.RoleID]roles.CategoryID{}
	for _, x := range made {
		rivals := by[asked{x.role.ID, x.role.ResourceType, x.role.Property}]
		if len(rivals) > 1 {
			other := rivals[0].of
			if other == x.of {
				other = rivals[1].of
			}
			n.say(x, fmt.Sprintf("the role %s is asked for by %s as well", x.role.ID, other), "let the rule tell the two apart, for instance by the key")
			continue
		}
		if why, do := n.taken(&x); why != "" {
			n.say(x, why, do)
			continue
		}
		if category, known := filed[x.role.ID]; known && category != x.role.Category {
			n.say(x, fmt.Sprintf("the role %s is made already, in the category %q", x.role.ID, category), "give both the same category, or this one another identifier")
			continue
		}
		filed[x.role.ID] = x.role.Category
		n.makeCategory(x)
		n.out.Roles = append(n.out.Roles, x.role)
	}
	slices.SortStableFunc(n.out.Roles, func(a, b roles.NamedRole) int { return compareText(a.ID, b.ID) })
	slices.SortFunc(n.out.Categories, func(a, b roles.NamedCategory) int { return compareText(a.ID, b.ID) })
}

// makeCategory makes the category where it is not declared.
func (n *namer) makeCategory(x proposal) {
	_, declared := n.Model.Categories[x.category.ID]
	if x.category.ID == "" || declared || slices.ContainsFunc(n.out.Categories, func(c roles.NamedCategory) bool { return c.ID == x.category.ID }) {
		return
	}
	n.out.Categories = append(n.out.Categories, x.category)
}

// taken says why a role that is declared cannot stand for the entitlement. One
// that can is used: it is in the same category and gives nothing else of the link.
func (n *namer) taken(x *proposal) (why, do string) {
	r, declared := n.Model.Roles[x.role.ID]
	if !declared {
		return "", ""
	}
	at := fmt.Sprintf("%s:%d", r.Position.File, r.Position.Line)
	switch {
	case r.Composite:
		return fmt.Sprintf("%s is a composite role already (%s)", r.ID, at), "let the rule compute another identifier"
	case r.Category != x.role.Category:
		return fmt.Sprintf("the role %s is declared already, in the category %q and not %q (%s)", r.ID, r.Category, x.role.Category, at),
			"file it there, or let the rule compute another identifier"
	case r.Entity != x.role.Entity:
		return fmt.Sprintf("the role %s is declared already, for %s and not %s (%s)", r.ID, r.Entity, x.role.Entity, at), "let the rule compute another identifier"
	}
	for _, rule := range n.Model.ResourceTypes[x.role.ResourceType].Links {
		if rule.Role == r.ID && rule.Property == x.role.Property {
			return fmt.Sprintf("the role %s gives something else of %s already (%s)", r.ID, x.role.Property, at),
				"one role is for one entitlement: let the rule compute another identifier"
		}
	}
	if r.Position.File != n.file {
		return fmt.Sprintf("the role %s is declared in %s, which is not changed", r.ID, at), fmt.Sprintf(
			"add to its grants: {resourceType: %s, property: %s, to: {%s: %s}}", x.role.ResourceType, x.role.Property, x.role.By, x.role.Value.Text())
	}
	x.role.Known = true
	return "", ""
}

// legal makes an identifier of the configuration out of a text: letters, digits,
// _, - and ., beginning with a letter; "" where there is no letter or digit.
func legal(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range value.Fold(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	id := strings.Trim(b.String(), "-._")
	if id == "" {
		return ""
	}
	if c := id[0]; c >= '0' && c <= '9' {
		id = "r-" + id
	}
	return strings.TrimRight(id[:min(len(id), identifierMax)], "-._")
}

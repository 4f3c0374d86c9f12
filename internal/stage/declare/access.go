package declare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression/spelling"
)

func (b *builder) dimensions() {
	for id, doc := range sorted(b.doc.Dimensions) {
		object := join("dimensions", id)
		b.named(identifier, id, doc.Position, object)
		if slices.Contains(contextWords, id) {
			b.find(doc.Position, object, "a dimension cannot be called "+id, "that word has a meaning of its own in contexts")
		}
		d := roles.Dimension{ID: roles.DimensionID(id), Position: doc.Position,
			Entity: schema.EntityType(doc.Entity.Value), Hierarchy: schema.PropertyName(doc.Hierarchy.Value)}
		if e, ok := b.entity(doc.Entity, join(object, "entity")); ok {
			p, ok := b.property(doc.Hierarchy, join(object, "hierarchy"), e)
			if ok && (p.Link != e.Type || p.Many) {
				b.find(doc.Hierarchy.Position, join(object, "hierarchy"),
					fmt.Sprintf("%s does not lead to one %s", p.Name, e.Type), "name the link to the parent")
			}
		}
		b.model.Dimensions[d.ID] = d
	}
}

func (b *builder) categories() {
	above := map[string][]string{}
	for id, doc := range sorted(b.doc.Categories) {
		object := join("categories", id)
		b.named(identifier, id, doc.Position, object)
		if doc.Parent.given {
			if _, ok := b.doc.Categories[doc.Parent.Value]; !ok {
				b.unknown(doc.Parent, join(object, "parent"), "category", namesOf(b.doc.Categories))
			} else {
				above[id] = []string{doc.Parent.Value}
			}
		}
		b.model.Categories[roles.CategoryID(id)] = roles.Category{
			ID: roles.CategoryID(id), Name: orElse(doc.Name.Value, id), Parent: roles.CategoryID(doc.Parent.Value), Position: doc.Position,
		}
	}
	for _, circle := range circles(above) {
		b.find(b.doc.Categories[circle[0]].Position, join("categories", circle[0]),
			"the categories stand above each other: "+strings.Join(circle, " below "), "break the circle")
	}
	for id, owners := range sorted(b.doc.Owners) {
		c, ok := b.model.Categories[roles.CategoryID(id)]
		if !ok {
			object := join("owners", id)
			b.unknown(text{place: place{Position: b.keys[object]}, Value: id}, object, "category", namesOf(b.model.Categories))
			continue
		}
		c.Owners = stringsOf(owners)
		b.model.Categories[c.ID] = c
	}
}

func (b *builder) category(t text, object string) roles.CategoryID {
	id := roles.CategoryID(t.Value)
	if _, ok := b.model.Categories[id]; t.given && !ok {
		b.unknown(t, join(object, "category"), "category", namesOf(b.model.Categories))
	}
	return id
}

// roles builds single and composite roles; their rules follow when everything
// that a rule may name is known.
func (b *builder) roles() {
	for id, doc := range sorted(b.doc.Roles) {
		b.role(id, doc.Position, doc.roleKeys, false, join("roles", id))
	}
	for id, doc := range sorted(b.doc.CompositeRoles) {
		object := join("compositeRoles", id)
		if first, twice := b.doc.Roles[id]; twice {
			b.find(doc.Position, object, fmt.Sprintf("a single role has this name too (%s:%d)", first.Position.File, first.Position.Line),
				"rename one of the two")
			continue
		}
		b.role(id, doc.Position, doc.roleKeys, true, object)
	}
}

func (b *builder) role(id string, at schema.Position, doc roleKeys, composite bool, object string) {
	b.named(identifier, id, at, object)
	r := roles.Role{
		ID: roles.RoleID(id), Name: orElse(doc.Name.Value, id), About: doc.About.Value, Composite: composite,
		Category: b.category(doc.Category, object), Approval: roles.Approval(doc.Approval.Value),
		MaxDuration:  b.inherited(doc.MaxDuration, doc.Category, func(c *categoryDoc) span { return c.MaxDuration }),
		GracePeriod:  b.inherited(doc.GracePeriod, doc.Category, func(c *categoryDoc) span { return c.GracePeriod }),
		Prolongation: doc.Prolong.Value == "without-approval", ImplicitApproval: doc.Implicit.Value,
		Comments:    b.comments(doc.Comments, doc.Category),
		OwnApproval: b.inheritedWord(doc.FourEyes, doc.Category, func(c *categoryDoc) text { return c.FourEyes }) == "off", Officers: stringsOf(doc.Officers),
		Position: at, Entity: schema.EntityType(doc.Entity.Value),
	}
	switch {
	case doc.Entity.given:
		b.entity(doc.Entity, join(object, "entity"))
	case len(b.doc.Contexts) == 1:
		for only := range b.doc.Contexts {
			r.Entity = schema.EntityType(only)
		}
	default:
		b.find(at, object, "entity is missing", "name the entity type of those who may have the role; without it there must be exactly one context")
	}
	r.Reviewers = b.reviewers(doc, r, join(object, "reviewers"))
	r.Parameters = b.parameters(doc.Parameters, r.Entity, join(object, "parameters"))
	b.model.Roles[r.ID] = r
}

// inherited is what a role says or else the nearest category above it. An
// explicit nothing is an answer.
func (b *builder) inherited(own span, category text, of func(*categoryDoc) span) time.Duration {
	seen := map[string]bool{}
	for id := category.Value; !own.given && !seen[id]; {
		above, ok := b.doc.Categories[id]
		if !ok {
			break
		}
		seen[id] = true
		own, id = of(above), above.Parent.Value
	}
	return own.Value
}

// inheritedWord is the same for a word.
func (b *builder) inheritedWord(own, category text, of func(*categoryDoc) text) string {
	seen := map[string]bool{}
	for id := category.Value; !own.given && !seen[id]; {
		above, ok := b.doc.Categories[id]
		if !ok {
			break
		}
		seen[id] = true
		own, id = of(above), above.Parent.Value
	}
	return own.Value
}

// comments says which decisions need a reason: what is said, or else the nearest
// category above that says it.
func (b *builder) comments(own commentsDoc, category text) roles.Comments {
	required := func(own text, of func(commentsDoc) text) bool {
		return b.inheritedWord(own, category, func(c *categoryDoc) text { return of(c.Comments) }) == "required"
	}
	return roles.Comments{
		Approve: required(own.Approve, func(c commentsDoc) text { return c.Approve }),
		Decline: required(own.Decline, func(c commentsDoc) text { return c.Decline }),
		Keep:    required(own.Keep, func(c commentsDoc) text { return c.Keep }),
		Correct: required(own.Correct, func(c commentsDoc) text { return c.Correct }),
	}
}

// parameters builds what is settled when a role is given.
func (b *builder) parameters(doc map[string]text, entity schema.EntityType, object string) map[roles.DimensionID]bool {
	if len(doc) == 0 {
		return nil
	}
	out := map[roles.DimensionID]bool{}
	for name, t := range sorted(doc) {
		inside := join(object, name)
		d, ok := b.model.Dimensions[roles.DimensionID(name)]
		switch {
		case !ok:
			b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "dimension", namesOf(b.model.Dimensions))
			continue
		case t.Value != "required" && t.Value != "optional":
			b.find(t.Position, inside, fmt.Sprintf("%q says nothing about the parameter", t.Value), "write required or optional")
		}
		out[d.ID] = t.Value == "required"
	}
	return out
}

var steps = []string{"one", "two", "three"}

func stepsOf(a roles.Approval) []string {
	return steps[:slices.Index([]roles.Approval{roles.ApprovalOne, roles.ApprovalTwo, roles.ApprovalThree}, a)+1]
}

func (b *builder) reviewers(doc roleKeys, r roles.Role, object string) map[string][]string {
	if len(doc.Reviewers) == 0 {
		return nil
	}
	out := map[string][]string{}
	for step, list := range sorted(doc.Reviewers) {
		inside := join(object, step)
		at := b.keys[inside]
		switch {
		case !slices.Contains(steps, step):
			do := spelling.Suggest(step, steps)
			if do == "" {
				do = "the steps are one, two and three"
			}
			b.find(at, inside, "there is no step "+step, do)
		case !slices.Contains(stepsOf(r.Approval), step):
			b.find(at, inside, fmt.Sprintf("approval %s has no step %s", r.Approval, step), "write approval: "+step+" or leave the step out")
		}
		for _, t := range list {
			b.reviewer(t, r, inside)
			out[step] = append(out[step], t.Value)
		}
	}
	return out
}

func (b *builder) reviewer(t text, r roles.Role, object string) {
	kind, who, named := strings.Cut(t.Value, ":")
	switch {
	case kind == "manager" && !named:
		e, ok := b.entities[r.Entity]
		if p := e.Properties["manager"]; ok && (!p.IsLink() || p.Many) {
			b.find(t.Position, object, fmt.Sprintf("%s has no link manager", r.Entity), "declare manager: {link: ...}, or name other reviewers")
		}
	case kind == "officer" && !named:
		if len(r.Officers) == 0 {
			b.find(t.Position, object, "the role has no officer", "write officers: [KEY] beside reviewers")
		}
	case kind == "owner" && who != "":
		if _, ok := b.model.Categories[roles.CategoryID(who)]; !ok {
			b.unknown(text{place: t.place, Value: who}, object, "category", namesOf(b.model.Categories))
		}
	case kind == "person" && who != "":
	default:
		b.find(t.Position, object, fmt.Sprintf("%q is not a reviewer", t.Value), "write officer, manager, owner:CATEGORY or person:KEY")
	}
}

// assignments builds who gets which role.
func (b *builder) assignments() {
	gives := map[string][]string{}
	add := func(id string, composite bool, lines []criteriaDoc, object string) {
		r, ok := b.model.Roles[roles.RoleID(id)]
		if !ok || r.Composite != composite {
			return // a name given twice, reported
		}
		for i, doc := range lines {
			line := b.line(doc.criteria, doc.Position, r.Entity, fmt.Sprintf("%s.assign[%d]", object, i))
			r.Assign = append(r.Assign, roles.RoleRule{Line: line})
			if _, known := b.model.Roles[line.Role]; known {
				gives[string(line.Role)] = append(gives[string(line.Role)], id)
			}
		}
		b.model.Roles[r.ID] = r
	}
	for id, doc := range sorted(b.doc.Roles) {
		add(id, false, doc.Assign, join("roles", id))
	}
	for id, doc := range sorted(b.doc.CompositeRoles) {
		add(id, true, doc.Assign, join("compositeRoles", id))
	}
	for _, circle := range circles(gives) {
		r := b.model.Roles[roles.RoleID(circle[0])]
		b.find(r.Position, "roles."+circle[0], "the roles give each other: "+strings.Join(circle, " gives "), "break the circle")
	}
}

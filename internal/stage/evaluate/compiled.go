package evaluate

import (
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// What is the same for every owner is worked out once: a rule line with its
// program and with the dimensions' values that it names found, the rules of a
// resource type by property.

// rule is a rule line, ready to be asked of many owners.
type rule struct {
	roles.Line
	program *expression.Program  // the condition; nil: none
	match   []criterion          // asked of the place
	asked   []criterion          // asked of the parameters with which the owner has the role
	reasons []assignments.Reason // the one reason of all to whom it gives nothing but the same
	// proposes: it offers instead of giving.
	proposes bool
}

// criterion is one dimension that a line matches.
type criterion struct {
	dimension roles.DimensionID
	entity    schema.EntityType
	wanted    resources.Key
	known     bool // the value that the line names is there
	inherit   bool
	note      string
}

// ruleOf is a line, ready to be asked.
func (e *evaluation) ruleOf(l roles.Line) *rule {
	if r, ok := e.rules[l.Object]; ok && r.Mark == l.Mark {
		return r
	}
	return e.newRule(l)
}

// newRule prepares a line. An expression without a program is said when the line
// is asked.
func (e *evaluation) newRule(l roles.Line) *rule {
	r := &rule{Line: l, proposes: proposes(l), reasons: because(assignments.Reason{Rule: l.Object, Role: l.Role, Mark: l.Mark})}
	parameters := e.Model.Roles[l.Role].Parameters
	for _, id := range sortedDimensions(l.Match) {
		c := criterion{
			dimension: id, entity: e.Model.Dimensions[id].Entity, inherit: slices.Contains(l.Inherit, id),
			note: string(id) + " " + l.Match[id],
		}
		c.wanted, c.known = e.dimensionValue(id, l.Match[id])
		if _, settled := parameters[id]; settled && l.Role != "" {
			r.asked = append(r.asked, c)
			continue
		}
		r.match = append(r.match, c)
	}
	if !l.When.IsZero() {
		r.program, _ = e.program(l.When) // nil: holds says so
	}
	if !e.sealed {
		e.rules[l.Object] = r
	}
	return r
}

// typeRules are the rules of a resource type.
type typeRules struct {
	roles.ResourceType
	entity   schema.Entity
	who      []*rule
	impliers []*rule // that create the account for whoever has their role
	scalars  []scalarRules
	links    []linkRule
	managed  []schema.PropertyName // links to many that rules give
}

// scalarRules are the rules of one scalar, in the order of the lines.
type scalarRules struct {
	rules    []scalarRule
	plain    bool // one line for everybody, as long as the account lasts
	byRole   bool
	isLink   bool
	kind     value.Type // of a scalar
	property schema.Property
	lost     *assignments.Origin // when no role gives it any more
}

type scalarRule struct {
	*rule
	*roles.ScalarRule
	gives  *expression.Program // the value; nil: a constant, an allocated one
	origin *assignments.Origin // of what it gives to all for the same reason
}

// linkRule is a navigation rule with the far end found.
type linkRule struct {
	*rule
	property schema.Property
	far      resources.Key
	origin   *assignments.Origin // of what it gives to all for the same reason
}

// compileRules prepares every rule of the model.
func (e *evaluation) compileRules() {
	e.rules = map[string]*rule{}
	e.byType, e.assign = map[roles.ResourceTypeID]*typeRules{}, map[roles.RoleID][]*rule{}
	for _, id := range e.roleIDs {
		role := e.Model.Roles[id]
		e.numbered = append(e.numbered, &role)
		for i := range role.Assign {
			e.assign[id] = append(e.assign[id], e.newRule(role.Assign[i].Line))
		}
	}
	for _, id := range e.types {
		e.byType[id] = e.newTypeRules(e.Model.ResourceTypes[id])
	}
}

func (e *evaluation) newTypeRules(t roles.ResourceType) *typeRules {
	c := &typeRules{ResourceType: t}
	c.entity, _ = e.Model.Entity(t.Target)
	for i := range t.Who {
		c.who = append(c.who, e.newRule(t.Who[i].Line))
	}
	at := map[schema.PropertyName]int{}
	for i := range t.Values {
		r := &t.Values[i]
		n, known := at[r.Property]
		if !known {
			n = len(c.scalars)
			at[r.Property] = n
			p := c.entity.Properties[r.Property]
			c.scalars = append(c.scalars, scalarRules{property: p, isLink: p.IsLink(), kind: p.Type})
		}
		one := scalarRule{rule: e.newRule(r.Line), ScalarRule: r}
		if !r.Constant && r.Allocate == nil {
			one.gives, _ = e.program(r.Expression) // nil: computing says so
		}
		one.origin = &assignments.Origin{
			Property: c.scalars[n].property.Name, Workflow: assignments.Calculated, Reasons: one.rule.reasons, Once: r.Once, Compare: r.Compare,
		}
		c.scalars[n].rules = append(c.scalars[n].rules, one)
		c.scalars[n].byRole = c.scalars[n].byRole || r.Line.Role != ""
	}
	for n := range c.scalars {
		s := &c.scalars[n]
		only := s.rules[0]
		s.plain = len(s.rules) == 1 && only.rule.IsOpen() && !only.rule.Deny && rank[only.rule.Period.Mode] == 0
		s.lost = &assignments.Origin{
			Property: s.property.Name, Workflow: assignments.Calculated, Compare: s.rules[len(s.rules)-1].Compare,
			Reasons: because(assignments.Reason{Note: "no role gives it any more"}),
		}
	}
	slices.SortFunc(c.scalars, func(a, b scalarRules) int { return compareText(a.property.Name, b.property.Name) })
	for _, r := range t.Links {
		one := linkRule{rule: e.newRule(r.Line), property: c.entity.Properties[r.Property]}
		one.origin = &assignments.Origin{Property: one.property.Name, Workflow: assignments.Calculated, Reasons: one.rule.reasons}
		var there bool
		if one.far, there = e.linked(one.property, r.To); !there {
			one.origin.Parked = "there is no " + string(one.property.Link) + " with " + describe(r.To)
		}
		if one.property.Many {
			one.origin.Link = one.far
		}
		c.links = append(c.links, one)
		c.manages(one.property)
		if !r.Deny && (r.Role != "" || len(r.Match) > 0) {
			c.impliers = append(c.impliers, one.rule)
		}
	}
	for n := range c.scalars {
		for _, r := range c.scalars[n].rules {
			if !r.rule.Deny && r.rule.Role != "" {
				c.impliers = append(c.impliers, r.rule)
			}
		}
	}
	for _, r := range t.Find {
		e.newRule(r.Line)
		c.manages(c.entity.Properties[r.Property])
	}
	return c
}

// manages notes a link to many of which rules say everything.
func (c *typeRules) manages(p schema.Property) {
	if p.Many && !slices.Contains(c.managed, p.Name) {
		c.managed = append(c.managed, p.Name)
	}
}

package evaluate

import (
	"reflect"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// compositeLevelsMax bounds composites that are given by composites; a circle
// adds nothing after its first round, so it ends by itself.
const compositeLevelsMax = 16

// assignRoles works out which roles the owner has on the day: composites until
// nothing is added, then the single roles that they and the owner's place give.
// What people decided is part of each level before the next is worked out.
func (e *evaluation) assignRoles(c *standing) {
	c.roles = e.room.empty()
	h := e.holder(c)
	if !c.excluded {
		may := h.possible()
		for range compositeLevelsMax {
			added := false
			for _, n := range e.composites {
				id := e.roleIDs[n]
				if len(c.roles[id]) == 0 && (may[n] || h.given(n)) && h.settle(e.numbered[n]) {
					added = true
				}
			}
			if !added {
				break
			}
		}
		for _, n := range e.singles {
			if may[n] || h.given(n) {
				h.settle(e.numbered[n])
			}
		}
		h.deduce()
	}
	e.result.Roles = append(e.result.Roles, h.assigned()...)
}

// granting is what the role's own rules give the owner, whenever that may be.
func (e *evaluation) granting(c *standing, role *roles.Role) ([]granted, error) {
	grants, err := e.decide(c, e.assign[role.ID])
	if err != nil || len(role.Parameters) == 0 {
		return grants, err
	}
	var with []granted
	for _, g := range grants {
		with = append(with, e.parametrize(c, role, g)...)
	}
	return with, nil
}

// parametrize settles the parameters with which a rule gives a role: what the
// line says, else what the role it came by was given with, else each place in
// which the owner stands.
func (e *evaluation) parametrize(c *standing, role *roles.Role, g granted) []granted {
	settled := map[roles.DimensionID]string{}
	var open []roles.DimensionID
	for id := range role.Parameters {
		switch v := g.rule.Parameters[id]; {
		case v != "":
			settled[id] = v
		case g.parameters.Value(id) != "":
			settled[id] = g.parameters.Value(id)
		default:
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		g.parameters = assignments.ParametersOf(settled)
		return []granted{g}
	}
	spans := map[assignments.Parameters][]place{}
	for _, p := range e.placesOf(c, g.rule) {
		for _, id := range open {
			settled[id] = string(p.at[id].Key)
		}
		with := assignments.ParametersOf(settled)
		spans[with] = append(spans[with], p)
	}
	var list []granted
	for with, at := range spans {
		one := g
		one.parameters = with
		if g.rule.Role == "" {
			one.period = e.nearest(spansOf(at), g.rule.Period)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b granted) int { return compareText(a.parameters, b.parameters) })
	return list
}

// incomplete reports whether a required parameter is missing: then the role
// gives nothing yet.
func incomplete(role *roles.Role, with assignments.Parameters) bool {
	for id, required := range role.Parameters {
		if required && with.Value(id) == "" {
			return true
		}
	}
	return false
}

// unknownRole notes that nobody can say whether the owner has a role.
func (e *evaluation) unknownRole(c *standing, role *roles.Role, err error) {
	if c.unknown[role.ID] == nil {
		e.result.Findings = append(e.result.Findings, fault.Finding{
			Object: "roles." + string(role.ID), What: c.owner.String() + ": " + err.Error(), Do: "mend the rule or the value that it read",
		})
	}
	if c.unknown == nil {
		c.unknown = map[roles.RoleID]error{}
	}
	c.unknown[role.ID] = err
}

// decide applies granting and denying lines: any granting line is enough, and a
// denying one beats those whose priority is not stronger.
func (e *evaluation) decide(c *standing, rules []*rule) ([]granted, error) {
	// They stand behind those of the rules decided before.
	first := len(e.room.grants)
	denied, strongest := false, 0
	for _, l := range rules {
		if l.proposes {
			continue // it gives nothing until somebody asks
		}
		g, ok, err := e.ask(c, l)
		switch {
		case err != nil:
			return nil, err
		case !ok:
		case l.Deny:
			if !denied || l.Priority < strongest {
				denied, strongest = true, l.Priority
			}
		default:
			e.room.grants = append(e.room.grants, g)
		}
	}
	grants := slices.Clip(e.room.grants[first:])
	if !denied {
		return grants, nil
	}
	var stronger []granted
	for _, g := range grants {
		if g.rule.Priority < strongest {
			stronger = append(stronger, g)
		}
	}
	return stronger, nil
}

// proposes reports whether a line offers instead of giving.
func proposes(l roles.Line) bool { return l.Kind == roles.Suggested || l.Kind == roles.WithValidation }

// reasonsOf joins the reasons of grants; those of one alone are shared.
func reasonsOf(grants []granted) []assignments.Reason {
	if len(grants) == 1 {
		return grants[0].reasons
	}
	list := make([]assignments.Reason, 0, len(grants))
	for _, g := range grants {
		list = append(list, g.reasons...)
	}
	return list
}

// SameRole reports whether an assigned role is what was stored.
func SameRole(a, b assignments.AssignedRole) bool {
	return a.Workflow == b.Workflow && a.Period.From.Equal(b.Period.From) && a.Period.To.Equal(b.Period.To) &&
		reflect.DeepEqual(a.Reasons, b.Reasons)
}

// OfOwner groups what is known about roles by owner.
func OfOwner[T any](list []T, owner func(T) resources.Ref) map[resources.Ref][]T {
	by := map[resources.Ref][]T{}
	for _, x := range list {
		by[owner(x)] = append(by[owner(x)], x)
	}
	return by
}

package evaluate

import (
	"reflect"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
)

// compositeLevelsMax bounds composites that are given by composites; a circle
// adds nothing after its first round, so it ends by itself.
const compositeLevelsMax = 16

// assignRoles works out which roles the owner has on the day: composites until
// nothing is added, then the single roles that they and the owner's place give.
func (e *evaluation) assignRoles(c *standing) {
	if c.excluded {
		return
	}
	for range compositeLevelsMax {
		added := false
		for _, id := range e.roleIDs {
			if role := e.Model.Roles[id]; role.Composite && len(c.roles[id]) == 0 && e.grant(c, role) {
				added = true
			}
		}
		if !added {
			break
		}
	}
	for _, id := range e.roleIDs {
		if role := e.Model.Roles[id]; !role.Composite {
			e.grant(c, role)
		}
	}
	for _, id := range e.roleIDs {
		if grants := c.roles[id]; len(grants) > 0 {
			e.result.Roles = append(e.result.Roles, assignments.AssignedRole{
				Owner: c.owner.Ref, Role: id, Workflow: assignments.Calculated,
				Period: union(grants), Reasons: reasonsOf(grants),
			})
		}
	}
}

// grant gives the owner a role where the role's rules say so on the day.
func (e *evaluation) grant(c *standing, role roles.Role) bool {
	if role.Entity != "" && role.Entity != c.owner.Type {
		return false
	}
	lines := make([]roles.Line, len(role.Assign))
	for i := range role.Assign {
		lines[i] = role.Assign[i].Line
	}
	grants, err := e.decide(c, lines)
	if err != nil {
		if c.unknown[role.ID] == nil {
			e.result.Findings = append(e.result.Findings, fault.Finding{
				Object: "roles." + string(role.ID), What: c.owner.String() + ": " + err.Error(), Do: "mend the rule or the value that it read",
			})
		}
		c.unknown[role.ID] = err
		return false
	}
	var today []granted
	for _, g := range grants {
		if g.period.Covers(e.Day) {
			today = append(today, g)
		}
	}
	if len(today) == 0 {
		return false
	}
	c.roles[role.ID] = today
	return true
}

// decide applies granting and denying lines: any granting line is enough, and a
// denying one beats those whose priority is not stronger.
func (e *evaluation) decide(c *standing, lines []roles.Line) ([]granted, error) {
	var grants []granted
	denied, strongest := false, 0
	for _, l := range lines {
		if l.Kind == roles.Suggested || l.Kind == roles.WithValidation {
			continue // proposals: they give nothing until somebody asks
		}
		g, ok, err := e.holds(c, l)
		switch {
		case err != nil:
			return nil, err
		case !ok:
		case l.Deny:
			if !denied || l.Priority < strongest {
				denied, strongest = true, l.Priority
			}
		default:
			grants = append(grants, g)
		}
	}
	if !denied {
		return grants, nil
	}
	var stronger []granted
	for _, g := range grants {
		if g.line.Priority < strongest {
			stronger = append(stronger, g)
		}
	}
	return stronger, nil
}

func reasonsOf(grants []granted) []assignments.Reason {
	list := make([]assignments.Reason, len(grants))
	for i, g := range grants {
		list[i] = g.reason
	}
	return list
}

// sameRole reports whether an assigned role is what was stored.
func sameRole(a, b assignments.AssignedRole) bool {
	return a.Workflow == b.Workflow && a.Period.From.Equal(b.Period.From) && a.Period.To.Equal(b.Period.To) &&
		reflect.DeepEqual(a.Reasons, b.Reasons)
}

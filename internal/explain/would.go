package explain

import (
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/view"
)

const (
	// waysMax is how many ways to something are told: the nearest few.
	waysMax = 3
	// neededLevelsMax ends a chain of roles that need roles.
	neededLevelsMax = 4
)

// ways says what would have to be true, for the nearest lines.
func (x *probe) ways(lines []Line) (list []string) {
	var unless []string
	for _, l := range lines {
		if l.Denies && l.Holds {
			unless = append(unless, l.Rule+" did not deny it ("+strings.TrimPrefix(l.Says, "deny, ")+")")
		}
	}
	for _, l := range lines {
		if l.Denies || len(list) == waysMax {
			continue
		}
		var parts []string
		for _, c := range l.Criteria {
			if !c.Holds {
				parts = append(parts, c.Would)
			}
		}
		parts = append(parts, unless...)
		switch {
		case x.excluded:
			parts = append(parts, "the context does not leave the person out")
		case !x.here:
			parts = append(parts, "the day lies within the person's own days")
		}
		if len(parts) == 0 {
			parts = []string{"the rules are evaluated again: " + l.Rule + " holds by now"}
		}
		if sentence := "has it if " + strings.Join(parts, ", and "); !slices.Contains(list, sentence) {
			list = append(list, sentence)
		}
	}
	return list
}

// needs explains the roles that the nearest lines ask for.
func (x *probe) needs(lines []Line, level int) (list []Absence) {
	if level == neededLevelsMax {
		return nil
	}
	for _, l := range lines[:min(len(lines), waysMax)] {
		for _, c := range l.Criteria {
			role, known := x.configuration.Model.Roles[roles.RoleID(c.Role)]
			if c.Holds || !known || slices.ContainsFunc(list, func(a Absence) bool { return a.Role == c.Role }) {
				continue
			}
			list = append(list, x.absence(candidate{role: role, lines: assigning(role)}, level+1))
		}
	}
	return list
}

// addNeeded prepares the questions of the roles that a line asks for, as deep as
// they are told.
func (x *probe) addNeeded(id roles.RoleID, level int) {
	if id == "" || level == neededLevelsMax || hasRole(x.person, id) {
		return
	}
	for _, l := range assigning(x.configuration.Model.Roles[id]) {
		x.add(l)
		x.addNeeded(l.Role, level+1)
	}
}

func assigning(role roles.Role) []roles.Line {
	lines := make([]roles.Line, len(role.Assign))
	for i, r := range role.Assign {
		lines[i] = r.Line
	}
	return lines
}

// hasRole reports whether the person has a role, and not merely its proposal.
func hasRole(p view.Person, id roles.RoleID) bool {
	return slices.ContainsFunc(p.Roles, func(r view.Role) bool {
		workflow := assignments.Workflow(r.Workflow.Number)
		return r.Role == string(id) && (workflow == assignments.NoWorkflow || workflow.Expected())
	})
}

// conjuncts are the conditions that a line's condition joins; none without one.
func (x *probe) conjuncts(when schema.Expression) []*expression.Program {
	p, ok := x.configuration.Programs[when]
	if when.IsZero() || !ok {
		return nil
	}
	return p.Conjuncts()
}

// reads says what a condition read of the person.
func (x *probe) reads(p *expression.Program) string {
	owner, ok := x.world.Record(schema.EntityType(x.person.Type), resources.Key(x.person.Key))
	if !ok {
		return ""
	}
	var parts []string
	for _, in := range x.where.Reads(p, owner, nil) {
		parts = append(parts, in.Path+" = "+in.Value.String())
	}
	return strings.Join(parts, ", ")
}

// own writes a condition about the person as one speaks of the person: what it
// reads without the word source.
func own(p *expression.Program) string {
	text := p.Expression().Text
	for _, path := range p.Reads() {
		if path.Root == expression.RootSource {
			text = strings.ReplaceAll(text, path.String(), strings.TrimPrefix(path.String(), "source."))
		}
	}
	return text
}

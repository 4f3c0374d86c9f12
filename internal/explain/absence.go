package explain

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/view"
)

// An Absence is a role or account that the person does not have, with every rule
// line that could give it and what keeps the line from holding.
type Absence struct {
	Role     string   `json:"role,omitempty"`
	Account  string   `json:"account,omitempty"`
	Property string   `json:"property,omitempty"` // of the account, with Value
	Value    string   `json:"value,omitempty"`
	Name     string   `json:"name,omitempty"`
	Why      []string `json:"why,omitempty"` // what holds for all lines: no rule, not here yet
	// If says what would have to be true, the nearest way first: only what is missing.
	If    []string `json:"if,omitempty"`
	Lines []Line   `json:"lines"`
	// Needs are the roles that a line asks for and the person does not have.
	Needs []Absence `json:"needs,omitempty"`
}

// A Line is a rule line that could give what is absent.
type Line struct {
	Rule     string          `json:"rule"`
	At       schema.Position `json:"at"`
	Says     string          `json:"says"`
	Holds    bool            `json:"holds"`
	Denies   bool            `json:"denies,omitempty"`
	Criteria []Criterion     `json:"criteria"`
}

// A Criterion is one of the conditions of a line; all must hold.
type Criterion struct {
	Says  string `json:"says"`
	Holds bool   `json:"holds"`
	Found string `json:"found,omitempty"` // what was found instead, or the exception
	Would string `json:"-"`               // the criterion in a sentence: "department is FIN or below"
	Role  string `json:"-"`               // the role that it asks for
}

// absences explains what a person has not. Without a question in particular it
// explains the roles and accounts that some rule could give.
func absences(c *declare.Configuration, p view.Person, day time.Time, ask Query, world *evaluate.World) []Absence {
	probe := newProbe(c, p, world)
	list := candidates(c.Model, p, ask)
	if ask.Value != "" {
		list = probe.valued(list, ask)
	}
	if len(list) == 0 {
		return []Absence{}
	}
	for _, a := range list {
		for _, l := range a.lines {
			probe.add(l)
			probe.addNeeded(l.Role, 0)
		}
	}
	probe.run(day)
	out := make([]Absence, 0, len(list))
	for _, a := range list {
		out = append(out, probe.absence(a, 0))
	}
	return out
}

// candidate is something that the person has not, and the lines that could give it.
type candidate struct {
	role  roles.Role
	typ   roles.ResourceType
	lines []roles.Line
	// of a value: the property, what is asked for, and of each line what it gives
	property schema.PropertyName
	value    string
	gives    map[string]Criterion
}

// candidates lists what the person has not and that is asked for.
func candidates(m *roles.Model, p view.Person, ask Query) []candidate {
	var list []candidate
	if ask.Account == "" && ask.Property == "" {
		for _, id := range slices.Sorted(maps.Keys(m.Roles)) {
			role := m.Roles[id]
			if hasRole(p, id) || ask.Role != "" && ask.Role != string(id) || role.Entity != "" && string(role.Entity) != p.Type {
				continue
			}
			x := candidate{role: role}
			for _, r := range role.Assign {
				x.lines = append(x.lines, r.Line)
			}
			list = append(list, x)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.ResourceTypes)) {
		t := m.ResourceTypes[id]
		has := slices.ContainsFunc(p.Accounts, func(a view.Account) bool { return a.Type == string(id) })
		if has || ask.Role != "" || ask.Account != "" && ask.Account != string(id) || string(t.Source) != p.Type {
			continue
		}
		x := candidate{typ: t}
		for _, r := range t.Who {
			x.lines = append(x.lines, r.Line)
		}
		for _, r := range t.Links { // a role that links the account implies it
			if r.Role != "" || len(r.Match) > 0 {
				x.lines = append(x.lines, r.Line)
			}
		}
		for _, r := range t.Values {
			if r.Role != "" {
				x.lines = append(x.lines, r.Line)
			}
		}
		list = append(list, x)
	}
	return list
}

// A probe asks the evaluation about single criteria: each becomes the only rule
// of a role of its own, and who has that role fulfils the criterion.
type probe struct {
	configuration *declare.Configuration
	person        view.Person
	programs      expression.Programs       // with those of single conditions
	questions     map[string]roles.RoleRule // by the name of the probing role
	inPeriod      map[string]bool           // lines whose period covers the day
	holds         map[string]bool
	failed        map[string]string
	here          bool // the person is within the context's days and not excluded
	excluded      bool // the person is within them, and excluded
	world         *evaluate.World
	where         *evaluate.Whereabouts
}

// The names of probing roles cannot be those of the configuration's.
const (
	openProbe   = "?here"
	periodProbe = "?period "
)

func newProbe(c *declare.Configuration, p view.Person, world *evaluate.World) *probe {
	return &probe{
		configuration: c, person: p, world: world, where: evaluate.NewWhereabouts(c.Model, c.Programs, world),
		programs: maps.Clone(c.Programs), questions: map[string]roles.RoleRule{}, holds: map[string]bool{}, failed: map[string]string{}, inPeriod: map[string]bool{},
	}
}

func matchProbe(l roles.Line, id roles.DimensionID) string { return "?" + l.Object + " " + string(id) }
func whenProbe(l roles.Line, part int) string              { return fmt.Sprintf("?%s when %d", l.Object, part) }

// add prepares the questions of a line.
func (x *probe) add(l roles.Line) {
	for _, id := range dimensions(l) {
		one := roles.Line{Match: map[roles.DimensionID]string{id: l.Match[id]}, Inherit: l.Inherit, Object: matchProbe(l, id)}
		x.questions[one.Object] = roles.RoleRule{Line: one}
	}
	for i, part := range x.conjuncts(l.When) {
		one := roles.Line{When: part.Expression(), Object: whenProbe(l, i)}
		x.programs[one.When] = part
		x.questions[one.Object] = roles.RoleRule{Line: one}
	}
	one := roles.Line{Period: l.Period, Object: periodProbe + l.Object}
	x.questions[one.Object] = roles.RoleRule{Line: one}
}

// run evaluates the questions twice: with the person's days, for what depends on
// them, and without, so that criteria answer for themselves.
func (x *probe) run(day time.Time) {
	timed, timeless := map[roles.RoleID]roles.Role{}, map[roles.RoleID]roles.Role{}
	entity := schema.EntityType(x.person.Type)
	open := roles.RoleRule{Line: roles.Line{Object: openProbe}}
	timed[openProbe] = roles.Role{ID: openProbe, Entity: entity, Assign: []roles.RoleRule{open}}
	for name, rule := range x.questions {
		role := roles.Role{ID: roles.RoleID(name), Entity: entity, Assign: []roles.RoleRule{rule}}
		if strings.HasPrefix(name, periodProbe) {
			timed[role.ID] = role
		} else {
			timeless[role.ID] = role
		}
	}
	where := x.configuration.Model.Contexts[entity]
	for name := range x.evaluate(timed, where, day) {
		x.here = x.here || name == openProbe
		if object, ok := strings.CutPrefix(name, periodProbe); ok {
			x.inPeriod[object] = true
		}
	}
	if !x.here && !where.Exclude.IsZero() {
		days := where
		days.Exclude = schema.Expression{}
		x.excluded = len(x.evaluate(map[roles.RoleID]roles.Role{openProbe: timed[openProbe]}, days, day)) > 0
	}
	where.From, where.To, where.Exclude = schema.Expression{}, schema.Expression{}, schema.Expression{}
	maps.Copy(x.holds, x.evaluate(timeless, where, day))
}

// evaluate says which of the roles the person would have.
func (x *probe) evaluate(asked map[roles.RoleID]roles.Role, where roles.Context, day time.Time) map[string]bool {
	model := *x.configuration.Model
	entity := schema.EntityType(x.person.Type)
	model.Roles, model.ResourceTypes = asked, nil
	if _, declared := model.Contexts[entity]; declared {
		model.Contexts = map[schema.EntityType]roles.Context{entity: where}
	}
	self := resources.Ref{Type: entity, Key: resources.Key(x.person.Key)}
	result := evaluate.Evaluate(evaluate.Input{
		Model: &model, Programs: x.programs, World: x.world, Only: &self, Day: day,
	})
	had := map[string]bool{}
	for _, r := range result.Roles {
		if r.Owner == self {
			had[string(r.Role)] = true
		}
	}
	for _, f := range result.Findings {
		if message, ok := strings.CutPrefix(f.What, self.String()+": "); ok {
			x.failed[strings.TrimPrefix(f.Object, "roles.")] = message
		}
	}
	return had
}

// absence puts the answers together.
func (x *probe) absence(c candidate, level int) Absence {
	a := Absence{
		Role: string(c.role.ID), Account: string(c.typ.ID), Property: string(c.property), Value: c.value, Name: c.role.Name + c.typ.Name, Lines: []Line{},
	}
	if len(c.lines) == 0 {
		a.Why = append(a.Why, "no rule gives it")
	}
	if p := c.role.Approval; p != "" && p != roles.NotRequestable {
		a.Why = append(a.Why, "nobody asked for it: provisor request add")
	}
	if !x.here {
		a.Why = append(a.Why, x.notHere())
	}
	for _, l := range c.lines {
		line := x.line(l)
		if gives, ok := c.gives[l.Object]; ok {
			line.say(gives)
		}
		a.Lines = append(a.Lines, line)
	}
	sort.SliceStable(a.Lines, func(i, j int) bool { return missing(a.Lines[i]) < missing(a.Lines[j]) })
	a.Needs = x.needs(a.Lines, level)
	a.If = x.ways(a.Lines)
	return a
}

// missing counts the criteria that do not hold: the nearest line comes first.
func missing(l Line) int {
	n := 0
	for _, c := range l.Criteria {
		if !c.Holds {
			n++
		}
	}
	return n
}

func (x *probe) line(l roles.Line) Line {
	out := Line{Rule: l.Object, At: l.Position, Says: Words(l), Holds: true, Denies: l.Deny, Criteria: []Criterion{}}
	for _, id := range dimensions(l) {
		out.say(Criterion{
			Says: matchWords(l, id), Holds: x.holds[matchProbe(l, id)], Found: x.stands(id),
			Would: strings.Replace(matchWords(l, id), string(id), string(id)+" is", 1),
		})
	}
	if l.Role != "" {
		out.say(Criterion{
			Says: "has the role " + string(l.Role), Holds: hasRole(x.person, l.Role), Would: "the role " + string(l.Role) + " is had", Role: string(l.Role),
		})
	}
	for i, part := range x.conjuncts(l.When) {
		name := whenProbe(l, i)
		c := Criterion{Says: "when " + part.Expression().Text, Holds: x.holds[name], Found: x.failed[name], Would: own(part)}
		if !c.Holds && c.Found == "" {
			c.Found = x.reads(part)
		}
		out.say(c)
	}
	if x.here && !x.inPeriod[l.Object] {
		out.say(Criterion{
			Says:  fmt.Sprintf("its period (%s) covers the day", l.Period.Mode),
			Would: fmt.Sprintf("the day lies in its period (%s)", l.Period.Mode),
		})
	}
	if l.Kind == roles.Suggested || l.Kind == roles.WithValidation {
		out.say(Criterion{
			Says: "it is a proposal (" + string(l.Kind) + "): it gives nothing until somebody asks", Would: "somebody asks for it",
		})
	}
	return out
}

// say adds a criterion.
func (l *Line) say(c Criterion) {
	l.Criteria = append(l.Criteria, c)
	l.Holds = l.Holds && c.Holds
}

// stands says where the person stands in a dimension, as far as its path is one
// link of the person.
func (x *probe) stands(id roles.DimensionID) string {
	path := x.configuration.Model.Contexts[schema.EntityType(x.person.Type)].Dimensions[id]
	links, ok := x.person.Links[path.Text]
	if !ok {
		return ""
	}
	return string(id) + " " + strings.Join(links, ", ")
}

// notHere says why no rule is asked at all.
func (x *probe) notHere() string {
	c, ok := x.configuration.Model.Contexts[schema.EntityType(x.person.Type)]
	switch {
	case x.person.Gone:
		return "the source does not know the person any more"
	case !ok:
		return "the person's days do not cover the day"
	}
	if x.excluded {
		return "the context leaves the person out: exclude " + c.Exclude.Text
	}
	var bounds []string
	for _, bound := range []struct {
		word string
		x    schema.Expression
	}{{"from", c.From}, {"to", c.To}} {
		if bound.x.IsZero() {
			continue
		}
		words := bound.word + " " + bound.x.Text
		if v, known := x.person.Values[bound.x.Text]; known {
			words += " = " + v
		}
		bounds = append(bounds, words)
	}
	return "the person's days do not cover the day: " + strings.Join(bounds, ", ")
}

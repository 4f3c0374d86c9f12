package evaluate

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// standing is where an owner stands, and from when to when.
type standing struct {
	owner    *resources.Resource
	bindings expression.Bindings
	at       map[roles.DimensionID]resources.Ref
	period   assignments.Period
	excluded bool
	failed   string
	roles    map[roles.RoleID][]granted // those that the owner has on the day
	// unknown are roles of which nobody can say whether the owner has them,
	// because a rule threw. What they give is neither given nor taken away.
	unknown map[roles.RoleID]error
}

// standingOf reads the owner's context. Without a context rule an owner stands
// nowhere and for ever.
func (e *evaluation) standingOf(r *resources.Resource) *standing {
	c := &standing{
		owner: r, bindings: expression.Bindings{Source: r, Records: e.World},
		at: map[roles.DimensionID]resources.Ref{}, roles: map[roles.RoleID][]granted{},
		unknown: map[roles.RoleID]error{},
	}
	rule, ok := e.Model.Contexts[r.Type]
	if !ok {
		return c
	}
	own := expression.Bindings{Own: r, Records: e.World}
	object := "contexts." + string(r.Type)
	if !rule.Exclude.IsZero() {
		v, err := e.eval(rule.Exclude, own)
		if err != nil {
			c.failed = message(object+".exclude", err)
			return c
		}
		c.excluded = v.Bool()
	}
	for _, bound := range []struct {
		key string
		x   schema.Expression
		to  *time.Time
	}{{"from", rule.From, &c.period.From}, {"to", rule.To, &c.period.To}} {
		if bound.x.IsZero() {
			continue
		}
		v, err := e.eval(bound.x, own)
		if err != nil {
			c.failed = message(object+"."+bound.key, err)
			return c
		}
		if !v.IsNull() {
			*bound.to = v.Time().Truncate(schema.Day)
		}
	}
	for id, path := range rule.Dimensions {
		p, err := e.program(path)
		if err != nil {
			c.failed = message(object, err)
			return c
		}
		ref, there, err := p.EvalRef(own)
		if err != nil {
			c.failed = message(object+"."+string(id), err)
			return c
		}
		if there {
			c.at[id] = ref
		}
	}
	return c
}

// granted is a rule line that holds, with the period it gives.
type granted struct {
	line   roles.Line
	period assignments.Period
	reason assignments.Reason
}

// holds reports whether all the line's criteria hold for the owner.
func (e *evaluation) holds(c *standing, l roles.Line) (granted, bool, error) {
	g := granted{line: l, reason: assignments.Reason{Rule: l.Object, Role: l.Role}}
	var notes []string
	for _, id := range sortedDimensions(l.Match) {
		note, ok := e.matchesDimension(c, id, l.Match[id], l.Inherit)
		if !ok {
			return g, false, nil
		}
		notes = append(notes, note)
	}
	if err := c.unknown[l.Role]; err != nil && l.Role != "" {
		return g, false, fmt.Errorf("whether the owner has the role %s is not known: %w", l.Role, err)
	}
	if l.Role != "" && len(c.roles[l.Role]) == 0 {
		return g, false, nil
	}
	if !l.When.IsZero() {
		v, err := e.eval(l.When, c.bindings)
		if err != nil {
			return g, false, err
		}
		if !v.Bool() {
			return g, false, nil
		}
		g.reason.Inputs = e.inputs(l.When, c.bindings)
	}
	g.reason.Note = strings.Join(notes, ", ")
	g.period = shift(c.period, l.Period)
	if l.Role != "" && l.Period.Mode == roles.Default {
		g.period = union(c.roles[l.Role])
	}
	return g, true, nil
}

func sortedDimensions(m map[roles.DimensionID]string) []roles.DimensionID {
	ids := make([]roles.DimensionID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// matchesDimension reports whether the owner stands at the value or, where the
// line inherits, below it.
func (e *evaluation) matchesDimension(c *standing, id roles.DimensionID, want string, inherit []roles.DimensionID) (string, bool) {
	at, ok := c.at[id]
	if !ok {
		return "", false
	}
	wanted, ok := e.dimensionValue(id, want)
	if !ok {
		return "", false
	}
	if at.Key == wanted {
		return string(id) + " " + want, true
	}
	for _, i := range inherit {
		if i != id {
			continue
		}
		for _, above := range e.above(id, at.Key) {
			if above == wanted {
				return string(id) + " " + want + " (above " + string(at.Key) + ")", true
			}
		}
	}
	return "", false
}

// dimensionValue finds the resource that a line names by key or identifier.
func (e *evaluation) dimensionValue(id roles.DimensionID, name string) (resources.Key, bool) {
	t := e.Model.Dimensions[id].Entity
	if r, ok := e.World.Record(t, resources.Key(name)); ok {
		return r.Key, true
	}
	entity, _ := e.Model.Entity(t)
	for _, p := range entity.Identify {
		if r, ok := e.World.Find(t, p, value.OfString(name)); ok {
			return r.Key, true
		}
	}
	return "", false
}

// hierarchyLevelsMax ends a walk upwards in a hierarchy that runs in a circle.
const hierarchyLevelsMax = 64

// above lists the ancestors of a dimension's value.
func (e *evaluation) above(id roles.DimensionID, key resources.Key) []resources.Key {
	known, ok := e.ancestry[id]
	if !ok {
		known = map[resources.Key][]resources.Key{}
		e.ancestry[id] = known
	}
	if list, ok := known[key]; ok {
		return list
	}
	d := e.Model.Dimensions[id]
	var list []resources.Key
	if d.Hierarchy != "" {
		at := key
		for range hierarchyLevelsMax {
			r, ok := e.World.Record(d.Entity, at)
			if !ok || len(r.Links[d.Hierarchy]) == 0 {
				break
			}
			at = r.Links[d.Hierarchy][0]
			list = append(list, at)
		}
	}
	known[key] = list
	return list
}

// shift applies a rule's period to the owner's.
func shift(base assignments.Period, p roles.Period) assignments.Period {
	switch p.Mode {
	case roles.Around:
		return assignments.Period{From: move(base.From, p.From), To: move(base.To, p.To)}
	case roles.Before:
		if base.From.IsZero() {
			return never
		}
		// The day of the start belongs to what follows.
		return assignments.Period{From: move(base.From, p.From), To: move(base.From, p.To-schema.Day)}
	case roles.After:
		if base.To.IsZero() {
			return never
		}
		// The day of the end belongs to what came before.
		return assignments.Period{From: move(base.To, p.From+schema.Day), To: move(base.To, p.To)}
	}
	return base
}

// never is a period that no day lies in.
var never = assignments.Period{From: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}

func move(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

// union is the span of all the periods.
func union(list []granted) assignments.Period {
	span := list[0].period
	for _, g := range list[1:] {
		span = stretch(span, g.period)
	}
	return span
}

// stretch widens a period so that it holds another.
func stretch(a, b assignments.Period) assignments.Period {
	if b == never {
		return a
	}
	if a == never {
		return b
	}
	if !a.From.IsZero() && (b.From.IsZero() || b.From.Before(a.From)) {
		a.From = b.From
	}
	if !a.To.IsZero() && (b.To.IsZero() || b.To.After(a.To)) {
		a.To = b.To
	}
	return a
}

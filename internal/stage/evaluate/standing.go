package evaluate

import (
	"fmt"
	"slices"
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
	places   []place
	period   assignments.Period // from the first place's beginning to the last one's end
	excluded bool
	failed   string
	accounts map[roles.ResourceTypeID][]match // that are the owner's, or may be
	roles    map[roles.RoleID][]granted       // those that the owner has on the day
	// unknown are roles of which nobody can say whether the owner has them,
	// because a rule threw. What they give is neither given nor taken away.
	unknown map[roles.RoleID]error
}

// place is one position of an owner for some time. Several may hold at once.
type place struct {
	at     map[roles.DimensionID]resources.Ref
	period assignments.Period
}

// standingOf reads the owner's context. Without a context rule an owner stands
// nowhere and for ever.
func (e *evaluation) standingOf(r *resources.Resource) *standing {
	if e.room.row == nil {
		e.room.row = &expression.Row{}
	}
	c := &standing{
		owner: r, bindings: expression.Bindings{Source: r, Records: e.World, Row: e.room.row}, places: []place{{}},
	}
	rule, ok := e.Model.Contexts[r.Type]
	if !ok {
		return c
	}
	if !rule.Exclude.IsZero() {
		v, err := e.eval(rule.Exclude, expression.Bindings{Own: r, Records: e.World})
		if err != nil {
			c.failed = message("contexts."+string(r.Type)+".exclude", err)
			return c
		}
		c.excluded = v.Bool()
	}
	if c.places, c.failed = e.places(rule, r); c.failed != "" || len(c.places) == 0 {
		c.period = never // of an owner without a record nobody knows a day
		return c
	}
	c.period = c.places[0].period
	for _, p := range c.places[1:] {
		c.period = stretch(c.period, p.period)
	}
	return c
}

// granted is a rule line that holds, with the period it gives.
type granted struct {
	rule       *rule // nil: a person or what was found gives it
	period     assignments.Period
	parameters assignments.Parameters // of a role
	workflow   assignments.Workflow   // of a role: where it comes from
	reasons    []assignments.Reason   // shared with others, where there is nothing of its own in them
}

// holds reports whether all the line's criteria hold for the owner.
func (e *evaluation) holds(c *standing, l roles.Line) (granted, bool, error) {
	return e.ask(c, e.ruleOf(l))
}

// ask reports whether all the criteria of a rule hold for the owner.
func (e *evaluation) ask(c *standing, r *rule) (granted, bool, error) {
	g := granted{rule: r, reasons: r.reasons}
	places := e.placesOf(c, r)
	if len(places) == 0 {
		return g, false, nil
	}
	var by []granted
	if r.Role != "" {
		if err := c.unknown[r.Role]; err != nil {
			return g, false, fmt.Errorf("whether the owner has the role %s is not known: %w", r.Role, err)
		}
		if by = e.byRole(c, r); len(by) == 0 {
			return g, false, nil
		}
	}
	if !r.When.IsZero() {
		if ok, err := e.condition(c, r); !ok {
			return g, false, err
		}
	}
	if e.Touched != nil {
		e.Touched[r.Object] = true
	}
	if len(places) == 1 {
		g.period = shift(places[0].period, r.Period)
	} else {
		g.period = e.nearest(spansOf(places), r.Period)
	}
	if r.Role != "" {
		g.workflow, g.parameters = by[0].workflow, by[0].parameters
		if r.Period.Mode == roles.Default || r.Period.Mode == "" {
			g.period = union(by)
		}
	}
	if len(r.match) > 0 || g.parameters != "" {
		g.reasons = e.reasonsAt(r, places[0], g.parameters)
	}
	return g, true, nil
}

// condition judges the expression of a rule.
func (e *evaluation) condition(c *standing, r *rule) (bool, error) {
	if r.program == nil {
		_, err := e.program(r.When)
		return false, err
	}
	v, err := r.program.Eval(c.bindings)
	return err == nil && v.Bool(), err
}

// reasonAt is a rule that asks for one place and holds at it.
type reasonAt struct {
	rule *rule
	at   resources.Key
}

// reasonsMax bounds what is kept of rules at places: more than a company has
// departments, times the rules that hold in one of them.
const reasonsMax = 100_000

// reasonsAt is why a rule holds at a place, for those who have its role with
// parameters. It is the same for all who stand there and have none.
func (e *evaluation) reasonsAt(r *rule, p place, with assignments.Parameters) []assignments.Reason {
	shared := with == "" && len(r.match) == 1
	var here reasonAt
	if shared {
		here = reasonAt{r, p.at[r.match[0].dimension].Key}
		if known, ok := e.room.reasons[here]; ok {
			return known
		}
	}
	notes := make([]string, len(r.match))
	for n := range r.match {
		notes[n] = r.match[n].metBy(p.at[r.match[n].dimension].Key)
	}
	own := r.reasons[0]
	own.Note, own.With = strings.Join(notes, ", "), with
	reasons := because(own)
	if shared {
		if e.room.reasons == nil || len(e.room.reasons) == reasonsMax {
			e.room.reasons = map[reasonAt][]assignments.Reason{}
		}
		e.room.reasons[here] = reasons
	}
	return reasons
}

// placesOf lists the owner's places that match the rule. What the rule's role
// takes as a parameter is not asked of the place.
func (e *evaluation) placesOf(c *standing, r *rule) (matching []place) {
	if len(r.match) == 0 {
		return c.places
	}
	for i := range c.places {
		if !e.standsAt(&c.places[i], r) {
			continue
		}
		if len(c.places) == 1 {
			return c.places
		}
		matching = append(matching, c.places[i])
	}
	return matching
}

// standsAt reports whether a place meets all that a rule asks of it.
func (e *evaluation) standsAt(p *place, r *rule) bool {
	for n := range r.match {
		if !e.meets(p.at[r.match[n].dimension].Key, &r.match[n]) {
			return false
		}
	}
	return true
}

// byRole lists how the owner has the rule's role: with parameters that match,
// where the rule asks for some.
func (e *evaluation) byRole(c *standing, r *rule) []granted {
	if len(r.asked) == 0 {
		return c.roles[r.Role]
	}
	var list []granted
	for _, g := range c.roles[r.Role] {
		all := true
		for n := range r.asked {
			if !e.meets(resources.Key(g.parameters.Value(r.asked[n].dimension)), &r.asked[n]) {
				all = false
			}
		}
		if all {
			list = append(list, g)
		}
	}
	return list
}

// spansOf joins the periods of places that touch: two positions in London, one
// after the other, are one time in London.
func spansOf(places []place) []assignments.Period {
	spans := make([]assignments.Period, len(places))
	for i, p := range places {
		spans[i] = p.period
	}
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].From.Before(spans[j].From) })
	joined := spans[:1]
	for _, next := range spans[1:] {
		last := &joined[len(joined)-1]
		if last.To.IsZero() || !next.From.After(last.To.Add(schema.Day)) {
			*last = stretch(*last, next)
			continue
		}
		joined = append(joined, next)
	}
	return joined
}

// nearest applies a rule's period to each span and picks the one that matters on
// the day: the one that covers it, else the next, else the last.
func (e *evaluation) nearest(spans []assignments.Period, p roles.Period) assignments.Period {
	best := never
	for _, span := range spans {
		at := shift(span, p)
		switch {
		case at == never:
		case at.Covers(e.Day):
			return at
		case best == never, best.Over(e.Day):
			best = at // later than what is past
		case at.Begins(e.Day) && at.From.Before(best.From):
			best = at
		}
	}
	return best
}

func sortedDimensions(m map[roles.DimensionID]string) []roles.DimensionID {
	ids := make([]roles.DimensionID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// meets reports whether a place is at the criterion's value or, where the rule
// inherits, below it.
func (e *evaluation) meets(at resources.Key, c *criterion) bool {
	if at == "" || !c.known {
		return false
	}
	return at == c.wanted || c.inherit && slices.Contains(e.above(c.dimension, at), c.wanted)
}

// metBy says how a place meets the criterion.
func (c *criterion) metBy(at resources.Key) string {
	if at == c.wanted {
		return c.note
	}
	return c.note + " (above " + string(at) + ")"
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

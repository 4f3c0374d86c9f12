package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/view"
)

// A Timeline is what changes for one person on the days to come, as far as is
// known today.
type Timeline struct {
	Owner view.Owner `json:"owner"`
	Today string     `json:"today"`
	Until string     `json:"until"`
	Days  []Turn     `json:"days"`
	// Cut: more days would have to be looked at than one timeline holds.
	Cut bool `json:"cut,omitempty"`
}

// A Turn is a day on which something changes.
type Turn struct {
	Day     string   `json:"day"`
	Changes []Change `json:"changes"`
}

// A Change is one role, account or value that is gained, lost or changed.
type Change struct {
	Does   string `json:"does"` // gains, loses, changes
	What   string `json:"what"` // "role X", "account T", "mail of T"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Why    string `json:"why"`
	// What it is about, for whoever may see one and not the other.
	Role string `json:"-"`
	Type string `json:"-"` // of an account
}

// daysMax bounds the days that are evaluated: more than anybody's periods have
// ends within years.
const daysMax = 400

// Until works out what changes for a person after today and up to a day. Only days
// on which a period begins or ends are evaluated: expressions know no clock.
func Until(ctx context.Context, store evaluate.Reader, c *declare.Configuration, owner view.Owner, today, until time.Time) (Timeline, error) {
	line := Timeline{Owner: owner, Today: today.Format(time.DateOnly), Until: until.Format(time.DateOnly), Days: []Turn{}}
	if !until.After(today) {
		return line, &fault.Error{Kind: fault.Invalid, Op: "look ahead", Msg: line.Until + " is not after today", Do: "name one day after " + line.Today}
	}
	known, err := evaluate.Load(ctx, store, c.Model)
	if err != nil {
		return line, err
	}
	f := newForesight(c, known, resources.Ref{Type: schema.EntityType(owner.Type), Key: resources.Key(owner.Key)}, today)
	before := f.on(today)
	f.look(before)
	for n := 0; len(f.days) > 0; n++ {
		day := f.days[0]
		f.days = f.days[1:]
		switch {
		case day.After(until):
			return line, nil
		case n == daysMax:
			line.Cut = true
			return line, nil
		}
		after := f.on(day)
		if changes := f.changes(before, after, day); len(changes) > 0 {
			line.Days = append(line.Days, Turn{day.Format(time.DateOnly), changes})
		}
		f.look(after)
		before = after
	}
	return line, nil
}

// foresight evaluates one person on one day after the other.
type foresight struct {
	input  evaluate.Input
	owner  resources.Ref
	place  assignments.Period
	shifts []time.Duration // of the rules that may give this person anything
	seen   map[time.Time]bool
	days   []time.Time // to look at, in order
}

func newForesight(c *declare.Configuration, known *evaluate.Known, owner resources.Ref, today time.Time) *foresight {
	f := &foresight{owner: owner, seen: map[time.Time]bool{}}
	f.input = evaluate.InputOf(c.Model, c.Programs, known, today)
	f.input.Only, f.input.Touched = &owner, nil
	f.input.World = evaluate.NewWorld(c.Model, known.Resources, known.Allocations)
	f.input.Assigned = slices.DeleteFunc(f.input.Assigned, func(a evaluate.Assigned) bool { return a.Owner != owner })
	f.shifts = shiftsOf(c.Model, owner.Type)
	if r, ok := f.input.World.Record(owner.Type, owner.Key); ok {
		where := evaluate.NewWhereabouts(c.Model, c.Programs, f.input.World).Of(r)
		f.place = where.Period
		f.bounds(where.Period)
		for _, p := range where.Places {
			f.bounds(p.Period)
		}
	}
	for _, d := range f.input.Decided[owner] {
		f.bounds(d.Period)
	}
	return f
}

// shiftsOf lists by how much rules move the ends of periods: a value's line moves
// those of its account, which another line moved; and lead time comes before both.
func shiftsOf(m *roles.Model, owner schema.EntityType) []time.Duration {
	lines, leads := []time.Duration{0}, []time.Duration{0}
	for _, l := range m.Lines() {
		lines = append(lines, l.Period.From, l.Period.To)
	}
	for _, t := range m.ResourceTypes {
		if t.Source == owner {
			leads = append(leads, -t.Provisioning.LeadTime)
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	var list []time.Duration
	for _, x := range lines {
		for _, y := range lines {
			for _, lead := range leads {
				list = append(list, x+y+lead)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// bounds notes the days on which a period, or what rules make of it, begins or is
// over.
func (f *foresight) bounds(p assignments.Period) {
	for _, end := range []time.Time{p.From, p.To} {
		if end.IsZero() || end.Year() < 1000 || end.Year() >= 9999 {
			continue // open, or a period that no day lies in
		}
		for _, by := range f.shifts {
			f.note(end.Add(by))
			f.note(end.Add(by + schema.Day))
		}
	}
}

func (f *foresight) note(day time.Time) {
	if day = day.UTC().Truncate(schema.Day); f.seen[day] || !day.After(f.input.Day) {
		return // known, or past
	}
	f.seen[day] = true
	i, _ := slices.BinarySearchFunc(f.days, day, time.Time.Compare)
	f.days = slices.Insert(f.days, i, day)
}

// look notes the ends of everything that was found on a day.
func (f *foresight) look(r evaluate.Result) {
	for _, a := range r.Roles {
		f.bounds(a.Period)
	}
	for _, x := range r.Resources {
		f.bounds(x.Period)
		for _, it := range x.Items {
			f.bounds(it.Lasting())
		}
	}
}

// on evaluates the person on a day; the roles found then are those before the next.
func (f *foresight) on(day time.Time) evaluate.Result {
	f.input.Day = day
	r := evaluate.Evaluate(f.input)
	f.input.Prior = map[resources.Ref][]assignments.AssignedRole{f.owner: r.Roles}
	return r
}

// standing is what a person has on a day, by what it is called.
type standing struct {
	value   string
	reasons []assignments.Reason
	period  assignments.Period
	role    roles.RoleID
	of      roles.ResourceTypeID // of an account
}

// changed notes what a change is about.
func (s standing) changed(c Change) Change {
	c.Role, c.Type = string(s.role), string(s.of)
	return c
}

func standings(m *roles.Model, r evaluate.Result) map[string]standing {
	all := map[string]standing{}
	for _, a := range r.Roles {
		if a.Workflow.Expected() {
			name := string(a.Role)
			if a.Parameters != "" {
				name += " (" + string(a.Parameters) + ")"
			}
			all["role "+name] = standing{reasons: a.Reasons, period: a.Period, role: a.Role}
		}
	}
	for _, x := range r.Resources {
		if !x.Wanted {
			continue
		}
		account := "account " + string(x.Type)
		if m.ResourceTypes[x.Type].Multiple && x.Target != "" {
			account += " " + string(x.Target)
		}
		all[account] = standing{reasons: x.Reasons, period: x.Period, of: x.Type}
		for _, it := range x.Items {
			if !it.Wanted {
				continue
			}
			item := orders.Item{Property: it.Property, Link: it.Link}
			all[item.Name()+" of "+account] = standing{value: it.Value.String(), reasons: it.Reasons, period: it.Lasting(), of: x.Type}
		}
	}
	return all
}

// changes compares two days. What comes and goes with its account is not told
// twice.
func (f *foresight) changes(before, after evaluate.Result, day time.Time) (list []Change) {
	had, has := standings(f.input.Model, before), standings(f.input.Model, after)
	for what, now := range has {
		was, known := had[what]
		switch {
		case !known && !f.within(what, had):
			continue
		case !known:
			list = append(list, now.changed(Change{Does: "gains", What: what, After: shownValue(now), Why: f.begins(now, day)}))
		case was.value != now.value:
			list = append(list, now.changed(Change{Does: "changes", What: what, Before: was.value, After: now.value, Why: f.begins(now, day)}))
		}
	}
	for what, was := range had {
		if _, still := has[what]; !still && f.within(what, has) {
			list = append(list, was.changed(Change{Does: "loses", What: what, Before: shownValue(was), Why: f.ends(was, day)}))
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Does, b.Does), cmp.Compare(a.What, b.What)) })
	return list
}

// within reports whether a value's account is there too, so that the value comes
// or goes by itself. Roles and accounts always do.
func (f *foresight) within(what string, on map[string]standing) bool {
	_, account, isValue := strings.Cut(what, " of account ")
	if !isValue {
		return true
	}
	_, there := on["account "+account]
	return there
}

func shownValue(s standing) string {
	if s.value == "-" {
		return ""
	}
	return s.value
}

// begins says why something is there from a day on.
func (f *foresight) begins(s standing, day time.Time) string {
	why := reasonText(s.reasons)
	switch {
	case s.period.From.Equal(day):
		return why + ", whose period begins"
	case f.place.From.Equal(day):
		return why + ", on the person's first day"
	}
	return why
}

// ends says why something is gone from a day on.
func (f *foresight) ends(s standing, day time.Time) string {
	last := day.Add(-schema.Day)
	why := reasonText(s.reasons)
	switch {
	case f.place.To.Equal(last):
		return fmt.Sprintf("the person's last day was %s (%s)", last.Format(time.DateOnly), why)
	case s.period.To.Equal(last):
		return fmt.Sprintf("its period ended on %s (%s)", last.Format(time.DateOnly), why)
	case s.period.Over(day):
		return fmt.Sprintf("its period is over (%s)", why)
	}
	return "no longer given by " + why
}

func reasonText(list []assignments.Reason) string {
	var parts []string
	for _, r := range list {
		text := r.Rule
		if r.Note != "" {
			text = strings.TrimPrefix(text+": "+r.Note, ": ")
		}
		if r.Role != "" && text == "" {
			text = "role " + string(r.Role)
		}
		if text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

package evaluate

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// places lists where an owner stands, or says which rule threw. Read from the
// owner itself that is one place; read from its records, the time is cut wherever
// a section of a record begins or ends, and each piece is as many places as there
// are combinations of what holds at once.
func (e *evaluation) places(rule roles.Context, owner *resources.Resource) ([]place, string) {
	records := []*resources.Resource{owner}
	if rule.Records != "" {
		declared, _ := e.Model.Entity(owner.Type)
		entity := declared.Properties[rule.Records].Link
		records = records[:0]
		for _, key := range owner.Links[rule.Records] {
			if r, ok := e.World.Record(entity, key); ok {
				records = append(records, r)
			}
		}
	}
	sections := e.sectionsOf(rule)
	instances := make([][]instance, len(sections))
	for i, section := range sections {
		for _, r := range records {
			x, err := e.instance(rule, section, r)
			if err != nil {
				return nil, err.Error()
			}
			instances[i] = append(instances[i], x)
		}
	}
	bound(sections, instances)
	for i := range instances {
		instances[i] = distinct(instances[i])
	}
	return cut(sections, instances), ""
}

// timeless reports whether a section has no dates: it tells where, never when.
func timeless(s roles.Section) bool { return s.From.IsZero() && s.To.IsZero() }

// An instance is one section of one record: a contract, a position.
type instance struct {
	key    string // with which it stands in several records
	at     map[roles.DimensionID]resources.Ref
	period assignments.Period
	sort   string
}

// sectionsOf lists the sections of a context, worked out once.
func (e *evaluation) sectionsOf(rule roles.Context) []roles.Section {
	if known, ok := e.room.sections[rule.Entity]; ok {
		return known
	}
	if e.room.sections == nil {
		e.room.sections = map[schema.EntityType][]roles.Section{}
	}
	sections := sectionsOf(rule)
	e.room.sections[rule.Entity] = sections
	return sections
}

// sectionsOf lists the sections of a context; the first is the record as a whole,
// with the dimensions that no other section holds.
func sectionsOf(rule roles.Context) []roles.Section {
	whole := roles.Section{From: rule.From, To: rule.To, Extend: roles.ExtendNeighbour, Bounds: true}
	if timeless(whole) && len(rule.Sections) > 0 {
		whole.Bounds = false
	}
	for _, id := range slices.Sorted(maps.Keys(rule.Dimensions)) {
		if !slices.ContainsFunc(rule.Sections, func(s roles.Section) bool { return slices.Contains(s.Dimensions, id) }) {
			whole.Dimensions = append(whole.Dimensions, id)
		}
	}
	for _, s := range rule.Sections {
		if s.Bounds {
			whole.Bounds = false
		}
	}
	return append([]roles.Section{whole}, rule.Sections...)
}

// instance reads a section from a record.
func (e *evaluation) instance(rule roles.Context, s roles.Section, r *resources.Resource) (instance, error) {
	own := expression.Bindings{Own: r, Records: e.World}
	object := "contexts." + string(rule.Entity)
	if s.ID != "" {
		object += ".sections." + s.ID
	}
	x := instance{at: make(map[roles.DimensionID]resources.Ref, len(s.Dimensions))}
	for _, part := range []struct {
		name string
		x    schema.Expression
		day  *time.Time
		text *string
	}{
		{"from", s.From, &x.period.From, nil}, {"to", s.To, &x.period.To, nil},
		{"instance", s.Instance, nil, &x.key}, {"sort", s.Sort, nil, &x.sort},
	} {
		if part.x.IsZero() {
			continue
		}
		v, err := e.eval(part.x, own)
		switch {
		case err != nil:
			return x, errors.New(message(object+"."+part.name, err))
		case part.text != nil:
			*part.text = v.Text()
		case !v.IsNull():
			*part.day = v.Time().Truncate(schema.Day)
		}
	}
	for _, id := range s.Dimensions {
		p, err := e.program(rule.Dimensions[id])
		if err != nil {
			return x, errors.New(message(object, err))
		}
		ref, there, err := p.EvalRef(own)
		if err != nil {
			return x, errors.New(message("contexts."+string(rule.Entity)+"."+string(id), err))
		}
		if there {
			x.at[id] = ref
		}
	}
	return x, nil
}

// bound gives instances without a date the bounds of the section that is
// declared to hold them; a date that this misses too is open.
func bound(sections []roles.Section, instances [][]instance) {
	var bounds assignments.Period
	for i, s := range sections {
		if !s.Bounds || len(instances[i]) == 0 {
			continue
		}
		bounds = instances[i][0].period
		for _, x := range instances[i][1:] {
			bounds = stretch(bounds, x.period)
		}
	}
	for i, s := range sections {
		if s.Open || s.Bounds {
			continue
		}
		for j := range instances[i] {
			p := &instances[i][j].period
			if p.From.IsZero() {
				p.From = bounds.From
			}
			if p.To.IsZero() {
				p.To = bounds.To
			}
		}
	}
}

// distinct drops instances that several records repeat, and those that never hold.
func distinct(list []instance) (kept []instance) {
	for _, x := range list {
		if !x.period.To.IsZero() && x.period.To.Before(x.period.From) {
			continue
		}
		if !slices.ContainsFunc(kept, func(k instance) bool {
			return k.key == x.key && k.period == x.period && maps.Equal(k.at, x.at)
		}) {
			kept = append(kept, x)
		}
	}
	// Of several places at once the highest sorted comes first, then the earliest.
	slices.SortStableFunc(kept, func(a, b instance) int {
		return cmp.Or(cmp.Compare(b.sort, a.sort), a.period.From.Compare(b.period.From), cmp.Compare(a.key, b.key))
	})
	return kept
}

// placesMax bounds the combinations of what holds at once for one owner: more
// than anybody has positions.
const placesMax = 1_000

// cut divides the time at every begin and end and combines what holds in each
// piece. A piece in which no section has an instance is no place at all.
func cut(sections []roles.Section, instances [][]instance) []place {
	var list []place
	for _, piece := range pieces(instances) {
		combined := []place{{period: piece}}
		held := false
		for i, s := range sections {
			var here []instance
			for _, x := range instances[i] {
				if holdsIn(x.period, piece) {
					here, held = append(here, x), held || len(sections) == 1 || !timeless(s)
				}
			}
			if len(here) == 0 {
				here = []instance{{}}
			}
			combined = combine(combined, fill(s, here, instances[i], piece))
		}
		if held {
			list = append(list, combined...)
		}
		if len(list) > placesMax {
			break
		}
	}
	return joinEqual(list)
}

// holdsIn reports whether a piece, which no bound divides, lies in a period.
func holdsIn(p, piece assignments.Period) bool {
	begun := p.From.IsZero() || !piece.From.IsZero() && !piece.From.Before(p.From)
	over := !p.To.IsZero() && (piece.From.After(p.To) || piece.To.IsZero() || piece.To.After(p.To))
	return begun && !over
}

// pieces cuts the time at every begin and end, open at both sides.
func pieces(instances [][]instance) (list []assignments.Period) {
	var starts []time.Time // of a piece: a begin, or the day after an end
	for _, section := range instances {
		for _, x := range section {
			if !x.period.From.IsZero() {
				starts = append(starts, x.period.From)
			}
			if !x.period.To.IsZero() {
				starts = append(starts, x.period.To.Add(schema.Day))
			}
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	starts = slices.CompactFunc(starts, time.Time.Equal)
	from := time.Time{}
	for _, next := range starts {
		list = append(list, assignments.Period{From: from, To: next.Add(-schema.Day)})
		from = next
	}
	return append(list, assignments.Period{From: from})
}

// fill gives instances the values that they miss from a neighbouring one: the
// last that ended before the piece or, where there is none, the first after it.
func fill(s roles.Section, here, all []instance, piece assignments.Period) []instance {
	if s.Extend == roles.ExtendNone || len(s.Dimensions) == 0 {
		return here
	}
	filled := make([]instance, len(here))
	for i, x := range here {
		filled[i] = x
		for _, id := range s.Dimensions {
			if _, has := x.at[id]; has {
				continue
			}
			if ref, ok := neighbour(s, id, all, piece); ok {
				filled[i].at = maps.Clone(filled[i].at)
				if filled[i].at == nil {
					filled[i].at = map[roles.DimensionID]resources.Ref{}
				}
				filled[i].at[id] = ref
			}
		}
	}
	return filled
}

func neighbour(s roles.Section, id roles.DimensionID, all []instance, piece assignments.Period) (resources.Ref, bool) {
	var before, after *instance
	for i := range all {
		x := &all[i]
		if _, has := x.at[id]; !has || s.Above != "" && x.sort <= s.Above {
			continue
		}
		switch {
		case !x.period.To.IsZero() && x.period.To.Before(piece.From):
			if before == nil || x.sort > before.sort || x.sort == before.sort && x.period.To.After(before.period.To) {
				before = x
			}
		case !piece.To.IsZero() && x.period.From.After(piece.To):
			if after == nil || x.sort > after.sort || x.sort == after.sort && x.period.From.Before(after.period.From) {
				after = x
			}
		}
	}
	if before == nil {
		before = after
	}
	if before == nil {
		return resources.Ref{}, false
	}
	return before.at[id], true
}

func combine(places []place, with []instance) []place {
	list := make([]place, 0, len(places)*len(with))
	for _, p := range places {
		for _, x := range with {
			both := place{at: x.at, period: p.period}
			if len(p.at) > 0 {
				both.at = maps.Clone(p.at)
				maps.Copy(both.at, x.at)
			}
			list = append(list, both)
		}
	}
	return list
}

// joinEqual joins pieces that follow each other and are the same place.
func joinEqual(list []place) (joined []place) {
	for _, p := range list {
		i := slices.IndexFunc(joined, func(q place) bool {
			return maps.Equal(p.at, q.at) && !q.period.To.IsZero() && q.period.To.Add(schema.Day).Equal(p.period.From)
		})
		if i >= 0 {
			joined[i].period.To = p.period.To
			continue
		}
		joined = append(joined, p)
	}
	return joined
}

package evaluate

import (
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
)

// Whereabouts tells where owners stand and from when to when, as an evaluation
// sees it: for those who count people by department, or look for the days on
// which something may change.
type Whereabouts struct{ e *evaluation }

// NewWhereabouts reads contexts from a world. It is not safe for concurrent use.
func NewWhereabouts(model *roles.Model, programs expression.Programs, world *World) *Whereabouts {
	e := &evaluation{Input: Input{Model: model, Programs: programs, World: world}, programs: programs, result: &Result{}}
	e.ancestry = map[roles.DimensionID]map[resources.Key][]resources.Key{}
	return &Whereabouts{e: e}
}

// A Place is one position of an owner for some time. Several may hold at once.
type Place struct {
	At     map[roles.DimensionID]resources.Ref
	Period assignments.Period
}

// Where is what is known of one owner's places.
type Where struct {
	Places []Place
	Period assignments.Period // from the first place's beginning to the last one's end
	// Nowhere: excluded, without a record, or its context threw.
	Nowhere bool
}

// Of says where an owner stands.
func (w *Whereabouts) Of(r *resources.Resource) Where {
	c := w.e.standingOf(r)
	x := Where{Period: c.period, Nowhere: c.failed != "" || c.excluded || c.period == never}
	for _, p := range c.places {
		x.Places = append(x.Places, Place{p.at, p.period})
	}
	return x
}

// On lists the places that hold on a day; where none does, the last one before
// it or else the first one after it: where somebody who left, or is to come, is
// counted.
func (x Where) On(day time.Time) (here []Place) {
	var before, after *Place
	for i := range x.Places {
		p := &x.Places[i]
		switch {
		case p.Period.Covers(day):
			here = append(here, *p)
		case p.Period.Over(day):
			if before == nil || p.Period.To.After(before.Period.To) {
				before = p
			}
		case after == nil || p.Period.From.Before(after.Period.From):
			after = p
		}
	}
	switch {
	case len(here) > 0:
		return here
	case before != nil:
		return []Place{*before}
	case after != nil:
		return []Place{*after}
	}
	return nil
}

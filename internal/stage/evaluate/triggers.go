package evaluate

import (
	"slices"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// triggers tell which roles an owner may have, before any rule is asked: of a
// thousand roles that departments and sites give, a person stands where some
// dozen are given.
type triggers struct {
	number map[roles.RoleID]int  // of each role, in the order of their names
	always []int                 // whose rules ask for no place and no role
	at     map[dimensionAt][]int // by a value of a dimension that a rule asks for
	by     [][]roles.RoleID      // of each role, the roles by which a rule gives it
}

// dimensionAt is a value of a dimension.
type dimensionAt struct {
	dimension roles.DimensionID
	key       resources.Key
}

// readTriggers reads them from the rules: of each rule the first thing that it
// asks for, so that what is left out cannot hold and what is kept is asked.
func (e *evaluation) readTriggers() triggers {
	t := triggers{number: make(map[roles.RoleID]int, len(e.roleIDs)), at: map[dimensionAt][]int{}, by: make([][]roles.RoleID, len(e.roleIDs))}
	for n, id := range e.roleIDs {
		t.number[id] = n
		for _, r := range e.assign[id] {
			switch {
			case r.Deny: // it gives nothing
			case len(r.match) > 0:
				if c := r.match[0]; c.known {
					t.at[dimensionAt{c.dimension, c.wanted}] = append(t.at[dimensionAt{c.dimension, c.wanted}], n)
				}
			case r.Role != "":
				t.by[n] = append(t.by[n], r.Role)
			default:
				t.always = append(t.always, n)
			}
		}
	}
	return t
}

// possible marks the roles that an owner may have by its places, and those about
// which anything is known already.
func (h *holder) possible() []bool {
	t := &h.triggers
	if h.room.may == nil {
		h.room.may = make([]bool, len(h.roleIDs))
	}
	may := h.room.may
	clear(may)
	mark := func(numbers []int) {
		for _, n := range numbers {
			may[n] = true
		}
	}
	mark(t.always)
	for _, p := range h.standing.places {
		for d, ref := range p.at {
			mark(t.at[dimensionAt{d, ref.Key}])
			for _, above := range h.above(d, ref.Key) {
				mark(t.at[dimensionAt{d, above}])
			}
		}
	}
	known := func(id roles.RoleID) {
		if n, declared := t.number[id]; declared {
			may[n] = true
		}
	}
	for a := range h.prior {
		known(a.role)
	}
	for i := range h.decided {
		known(h.decided[i].Role)
	}
	return may
}

// given reports whether a role that the owner has may give another.
func (h *holder) given(n int) bool {
	return slices.ContainsFunc(h.triggers.by[n], func(id roles.RoleID) bool {
		return len(h.standing.roles[id]) > 0 || h.standing.unknown[id] != nil
	})
}

package requests

import (
	"errors"
	"slices"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
)

// all are the states in which a request can be, the first before it is asked.
var all = []assignments.Workflow{0, 2, 4, 8, 9, 10, 11, 12, 13, 16, 17, 19, 20}

// everyFacts calls do with every combination of facts.
func everyFacts(do func(Facts)) {
	for bits := range 1 << 7 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		for steps := range 5 {
			do(Facts{on(0), on(1), steps, on(2), on(3), on(4), on(5), on(6)})
		}
	}
}

// told is where a request goes, as docs/model tells it; -1: nowhere.
func told(at assignments.Workflow, on Event, f Facts) assignments.Workflow {
	const nowhere = assignments.Workflow(-1)
	if !f.Engine && !(f.MayReview && f.Apart && f.New) && (on == Approve || on == Decline) {
		return nowhere
	}
	first := map[int]assignments.Workflow{1: 8, 2: 9, 3: 11}
	next := map[assignments.Workflow]assignments.Workflow{8: 16, 9: 10, 10: 16, 11: 12, 12: 13, 13: 16}
	waits := at >= 8 && at <= 13
	switch {
	case on == Ask && at == 0 && f.Complete, on == Supply && at == 2 && f.Complete:
		return 4
	case on == Ask && at == 0, on == Supply && at == 2:
		return 2
	case on == Process && at == 4 && f.Free:
		return 16
	case on == Process && at == 4 && first[f.Steps] != 0:
		return first[f.Steps]
	case on == Approve && waits:
		return next[at]
	case on == Decline && waits:
		return 17
	case on == Withdraw && (at == 2 || at == 4 || waits) && f.Requester:
		return 20
	case on == Lapse && (at == 2 || at == 4 || waits):
		return 19
	}
	return nowhere
}

func TestEveryStateEventAndFactLeadsWhereItIsTold(t *testing.T) {
	for _, at := range all {
		for _, on := range Events() {
			everyFacts(func(f Facts) {
				want := told(at, on, f)
				got, err := Next(at, on, f)
				var refusal *Refusal
				switch {
				case want == -1 && (!errors.As(err, &refusal) || got != at || fault.KindOf(err) != fault.Refused || err.Error() == ""):
					t.Errorf("%d %s %+v: got %d, %v, want a refusal", at, on, f, got, err)
				case want != -1 && (err != nil || got != want):
					t.Errorf("%d %s %+v: got %d, %v, want %d", at, on, f, got, err, want)
				}
			})
		}
	}
}

func TestWithoutFactsNobodyIsGivenAnything(t *testing.T) {
	for _, at := range all {
		for _, on := range Events() {
			if to, err := Next(at, on, Facts{}); err == nil && (to == assignments.Approved || to.Final() && on != Lapse) {
				t.Errorf("%d %s leads to %d without any facts", at, on, to)
			}
		}
	}
}

func TestEveryRowIsTakenAndEveryOpenStateHasAWayOut(t *testing.T) {
	taken := map[string]bool{}
	for _, at := range all {
		ways := Allowed(at)
		if at.Final() != (len(ways) == 0) {
			t.Errorf("%d: %v may happen", at, ways)
		}
		if step, of := at.Step(); (step > 0) != slices.Contains(ways, Approve) || step > of {
			t.Errorf("%d: step %d of %d", at, step, of)
		}
		for _, on := range Events() {
			everyFacts(func(f Facts) {
				to, err := Next(at, on, f)
				for i := range table {
					if err == nil && table[i].On == on && table[i].To == to && slices.Contains(table[i].From, at) && (table[i].When == nil || table[i].When(&f)) {
						taken[table[i].Name] = true
					}
				}
			})
		}
	}
	for _, row := range Table() {
		if !taken[row.Name] {
			t.Errorf("%q is never taken", row.Name)
		}
	}
}

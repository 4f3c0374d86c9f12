package workflows

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// all are the states in which a workflow can be, the first before it is started.
var all = []assignments.Workflow{0, 4, 8, 9, 10, 11, 12, 13, 16, 17, 20}

// everyFacts calls do with every combination of facts.
func everyFacts(do func(Facts)) {
	for bits := range 1 << 6 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		for steps := range 5 {
			do(Facts{on(0), on(1), steps, on(2), on(3), on(4), on(5)})
		}
	}
}

// told is where a workflow goes, as docs/model tells it; -1: nowhere.
func told(at assignments.Workflow, on Event, f Facts) assignments.Workflow {
	first := map[int]assignments.Workflow{1: 8, 2: 9, 3: 11}
	next := map[assignments.Workflow]assignments.Workflow{8: 16, 9: 10, 10: 16, 11: 12, 12: 13, 13: 16}
	may := f.MayReview && f.Apart && f.New
	waits := at >= 8 && at <= 13
	switch {
	case on == Start && at == 0 && f.MayStart:
		return 4
	case on == Process && at == 4 && f.Free:
		return 16
	case on == Process && at == 4 && first[f.Steps] != 0:
		return first[f.Steps]
	case on == Approve && waits && may:
		return next[at]
	case on == Decline && waits && may:
		return 17
	case on == Withdraw && (waits || at == 4) && f.Starter:
		return 20
	}
	return -1
}

func TestEveryStateEventAndFactLeadsWhereItIsTold(t *testing.T) {
	taken := map[string]bool{}
	for _, at := range all {
		if at.Final() != (len(Allowed(at)) == 0) {
			t.Errorf("%d: %v may happen", at, Allowed(at))
		}
		if step, of := at.Step(); (step > 0) != slices.Contains(Allowed(at), Approve) || step > of {
			t.Errorf("%d: step %d of %d", at, step, of)
		}
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
				for _, row := range Table() {
					if err == nil && row.On == on && row.To == got && slices.Contains(row.From, at) && row.When(&f) {
						taken[row.Name] = true
					}
				}
			})
			if to, err := Next(at, on, Facts{}); err == nil {
				t.Errorf("%d %s leads to %d without any facts", at, on, to)
			}
		}
	}
	for _, row := range Table() {
		if !taken[row.Name] {
			t.Errorf("%q is never taken", row.Name)
		}
	}
}

func TestSeatsAreThoseWhoMayDecideAndNeitherStarterNorSubject(t *testing.T) {
	m := &roles.Model{Categories: map[roles.CategoryID]roles.Category{
		"top": {ID: "top", Owners: []string{"E8", "E9"}}, "below": {ID: "below", Parent: "top"},
	}}
	about := &resources.Resource{Ref: resources.Ref{Type: "Contractor", Key: "C1"}, Links: map[schema.PropertyName][]resources.Key{"manager": {"E2"}}}
	w := roles.Workflow{ID: "move", Approval: roles.ApprovalTwo, Who: []string{"manager", "self", "person:E7", "reviewer"},
		Reviewers: map[string][]string{"one": {"manager", "person:E2", "person:E3"}, "two": {"owner:below"}}}
	s := &Started{By: "E2", Subject: about.Ref, Rulings: []Ruling{{Step: 1, By: "E8"}}}
	for step, want := range map[int]string{
		0: "[] []", 1: "[{E2 manager of C1} {E3 named by move}] [{E3 named by move}]",
		2: "[{E8 owner of top} {E9 owner of top}] [{E9 owner of top}]", 3: "[] []",
	} {
		seats := Seats(m, w, step, about)
		if got := fmt.Sprint(seats, " ", Eligible(s, seats)); got != want {
			t.Errorf("step %d: got %s, want %s", step, got, want)
		}
	}
	for person, may := range map[string]bool{"E2": true, "C1": true, "E7": true, "E3": true, "E8": false, "": false} {
		if MayStart(m, w, about, person) != may {
			t.Errorf("%q may start: want %v", person, may)
		}
	}
	if w.Who = []string{"anybody"}; !MayStart(m, w, about, "operator@host") {
		t.Error("anybody may start it")
	}
	for approval, steps := range map[roles.Approval]int{"none": 0, "one": 1, "two": 2, "three": 3, "": -1} {
		if got := Steps(roles.Workflow{Approval: approval}); got != steps {
			t.Errorf("%s: %d steps", approval, got)
		}
	}
}

func TestWhatMovedMeanwhileIsNotOverwritten(t *testing.T) {
	of := func(s string) resources.Given { return resources.Given{Value: value.OfString(s)} }
	s := &Started{Changes: []Change{{Property: "phone", Before: of("1"), After: of("2")}}}
	for now, conflict := range map[string]bool{"1": false, "2": false, "3": true, "": true} {
		r := &resources.Resource{}
		if now != "" {
			r.Set("phone", of(now))
		}
		if err := s.Write(r, false); (fault.KindOf(err) == fault.Conflict) != conflict {
			t.Errorf("it is %q: %v", now, err)
		} else if !conflict && (r.Value("phone").Text() != "2" || r.Edited["phone"].Value.Text() != now) {
			t.Errorf("it is %q: got %+v", now, r)
		}
	}
	r := &resources.Resource{}
	r.Set("phone", of("1"))
	if err := s.Write(r, true); err != nil || len(r.Edited) > 0 || r.Value("phone").Text() != "2" {
		t.Errorf("what lives here has no source: %+v, %v", r, err)
	}
	r.Edit("phone", of("9"))
	restore := &Started{Changes: []Change{{Property: "phone", Before: of("9"), After: of("2"), Restore: true}}}
	if err := restore.Write(r, false); err != nil || r.Value("phone").Text() != "2" || r.Edited != nil {
		t.Errorf("taken back: %+v, %v", r, err)
	}
}

// A manager of the new one is told by what is written, so anybody may begin.
func TestAFormThatCreatesIsForWhomWhatIsWrittenMayName(t *testing.T) {
	m := &roles.Model{}
	for name, c := range map[string]struct {
		who       []string
		reviewers []string
		might     bool
	}{
		"anybody":                 {[]string{Anybody}, nil, true},
		"the manager":             {[]string{Manager}, nil, true},
		"a reviewer who manages":  {[]string{Reviewer}, []string{Manager}, true},
		"a reviewer who is named": {[]string{Reviewer}, []string{"person:E1"}, true},
		"another reviewer":        {[]string{Reviewer}, []string{"person:E2"}, false},
		"he himself, named":       {[]string{"person:E1"}, nil, true},
		"somebody else":           {[]string{"person:E2"}, nil, false},
		"nobody":                  {nil, nil, false},
	} {
		w := roles.Workflow{Entity: "Contractor", Action: roles.CreateResource, Who: c.who, Reviewers: map[string][]string{"one": c.reviewers}}
		if might := MightStart(m, w, "E1"); might != c.might {
			t.Errorf("%s: %v", name, might)
		}
	}
}

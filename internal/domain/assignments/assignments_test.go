package assignments

import (
	"slices"
	"testing"
	"time"
)

func day(d int) time.Time { return time.Date(2030, 5, d, 0, 0, 0, 0, time.UTC) }

func TestTheLastDayOfAPeriodBelongsToIt(t *testing.T) {
	p := Period{From: day(10), To: day(20)}
	for _, c := range []struct {
		at                   time.Time
		begins, covers, over bool
	}{
		{day(10).Add(-time.Second), true, false, false},
		{day(10), false, true, false},
		{day(20).Add(24*time.Hour - time.Second), false, true, false},
		{day(21), false, false, true},
		{time.Date(2030, 5, 21, 1, 0, 0, 0, time.FixedZone("", 2*3600)), false, true, false},
	} {
		if p.Begins(c.at) != c.begins || p.Covers(c.at) != c.covers || p.Over(c.at) != c.over {
			t.Errorf("%s: begins %v, covers %v, over %v", c.at, p.Begins(c.at), p.Covers(c.at), p.Over(c.at))
		}
	}
	if open := (Period{}); !open.Covers(day(1)) || open.Over(day(1)) || open.Begins(day(1)) {
		t.Error("an open period covers every day")
	}
}

func TestExpectedAreExactlyTheWorkflowStatesThatCount(t *testing.T) {
	var expected []Workflow
	for w := Workflow(-1); w < 200; w++ {
		if w.Expected() {
			expected = append(expected, w)
		}
	}
	if want := []Workflow{1, 3, 16, 18, 24, 27, 116, 118}; !slices.Equal(expected, want) {
		t.Errorf("got %v, want %v", expected, want)
	}
}

func TestEveryWorkflowStateHasAName(t *testing.T) {
	for _, w := range []Workflow{0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 116, 118} {
		if w.String() == "" {
			t.Errorf("workflow state %d has no name", int(w))
		}
	}
	if SuggestedRole.String() != SuggestedExisting.String() {
		t.Error("21 and 22 have one label")
	}
}

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

func TestWhatIsLeftOfAPeriodStandsBeforeAndAfterAnother(t *testing.T) {
	day := func(n int) time.Time {
		if n == 0 {
			return time.Time{}
		}
		return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)
	}
	p := func(from, to int) Period { return Period{From: day(from), To: day(to)} }
	for _, c := range []struct {
		of, less Period
		left     []Period
	}{
		{p(1, 20), p(5, 10), []Period{p(1, 4), p(11, 20)}},
		{p(1, 20), p(0, 10), []Period{p(11, 20)}},
		{p(1, 20), p(5, 0), []Period{p(1, 4)}},
		{p(0, 0), p(5, 10), []Period{p(0, 4), p(11, 0)}},
		{p(5, 10), p(1, 20), nil},
		{p(0, 0), p(0, 0), nil},
		{p(1, 4), p(5, 10), []Period{p(1, 4)}},
		{p(11, 0), p(5, 10), []Period{p(11, 0)}},
	} {
		if left := c.of.Without(c.less); !slices.Equal(left, c.left) {
			t.Errorf("%v without %v leaves %v, not %v", c.of, c.less, left, c.left)
		}
	}
}

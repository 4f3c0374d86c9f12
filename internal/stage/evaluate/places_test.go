package evaluate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// span reads "01-01..06-30" of one year; an empty side is open.
func span(t *testing.T, text string) (p assignments.Period) {
	t.Helper()
	from, to, _ := strings.Cut(text, "..")
	for _, bound := range []struct {
		text string
		to   *time.Time
	}{{from, &p.From}, {to, &p.To}} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse("2006-01-02", "2026-"+bound.text)
		if err != nil {
			t.Fatal(err)
		}
		*bound.to = at
	}
	return p
}

// at is an instance of a section of one dimension.
func at(t *testing.T, d, value, period string) instance {
	x := instance{period: span(t, period), at: map[roles.DimensionID]resources.Ref{}}
	if value != "" {
		x.at[roles.DimensionID(d)] = resources.Ref{Key: resources.Key(value)}
	}
	return x
}

func section(d string, x roles.Extension) roles.Section {
	return roles.Section{ID: d, Dimensions: []roles.DimensionID{roles.DimensionID(d)}, From: schema.Expression{Text: "from"}, Extend: x}
}

func written(places []place) string {
	var lines []string
	for _, p := range places {
		day := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format("01-02")
		}
		var where []string
		for d, ref := range p.at {
			where = append(where, fmt.Sprintf("%s=%s", d, ref.Key))
		}
		slices.Sort(where)
		lines = append(lines, strings.TrimSpace(day(p.period.From)+".."+day(p.period.To)+" "+strings.Join(where, " ")))
	}
	return strings.Join(lines, "; ")
}

func TestAnOwnersTimeIsCutWhereverASectionBeginsOrEnds(t *testing.T) {
	contracts, positions := section("contract", roles.ExtendNone), section("position", roles.ExtendNone)
	stretched := section("position", roles.ExtendNeighbour)
	for _, c := range []struct {
		claim    string
		sections []roles.Section
		with     [][]instance
		want     string
	}{
		{
			"two contracts, one after the other, and two positions that overlap",
			[]roles.Section{contracts, positions},
			[][]instance{
				{at(t, "contract", "C1", "01-01..06-30"), at(t, "contract", "C2", "07-01..12-31")},
				{at(t, "position", "P1", "01-01..08-31"), at(t, "position", "P2", "06-01..12-31")},
			},
			"01-01..06-30 contract=C1 position=P1; 06-01..06-30 contract=C1 position=P2; 07-01..08-31 contract=C2 position=P1; 07-01..12-31 contract=C2 position=P2",
		},
		{
			"a contract that lasts longer than its position goes on without one",
			[]roles.Section{contracts, positions},
			[][]instance{{at(t, "contract", "C1", "01-01..12-31")}, {at(t, "position", "P1", "01-01..08-31")}},
			"01-01..08-31 contract=C1 position=P1; 09-01..12-31 contract=C1",
		},
		{
			"an extended position fills the time after it",
			[]roles.Section{contracts, stretched},
			[][]instance{{at(t, "contract", "C1", "01-01..12-31")}, {at(t, "position", "P1", "01-01..08-31")}},
			"01-01..12-31 contract=C1 position=P1",
		},
		{
			"where none was before, the one after it fills the time",
			[]roles.Section{contracts, stretched},
			[][]instance{{at(t, "contract", "C1", "01-01..12-31")}, {at(t, "position", "P1", "03-01..12-31")}},
			"01-01..12-31 contract=C1 position=P1",
		},
		{
			"a time in which nothing holds is no place",
			[]roles.Section{positions},
			[][]instance{{at(t, "position", "P1", "01-01..02-28"), at(t, "position", "P1", "06-01..")}},
			"01-01..02-28 position=P1; 06-01.. position=P1",
		},
	} {
		if got := written(cut(c.sections, c.with)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.claim, got, c.want)
		}
	}
}

func TestOnlyAnInstanceThatSortsHighEnoughFillsAGap(t *testing.T) {
	s := section("position", roles.ExtendNeighbour)
	s.Above = "B"
	low, high := at(t, "position", "low", "01-01..01-31"), at(t, "position", "high", "02-01..02-28")
	low.sort, high.sort = "B", "C"
	got := written(cut([]roles.Section{section("contract", roles.ExtendNone), s}, [][]instance{
		{at(t, "contract", "C", "03-01..03-31")}, {low, high},
	}))
	if !strings.Contains(got, "03-01..03-31 contract=C position=high") {
		t.Error(got)
	}
}

func TestADateThatIsMissingTakesTheRecordsBound(t *testing.T) {
	sections := []roles.Section{{Bounds: true}, section("position", roles.ExtendNone), {ID: "open", Open: true}}
	instances := [][]instance{
		{at(t, "", "", "01-01..06-30"), at(t, "", "", "07-01..12-31")}, {at(t, "position", "P", "..")}, {at(t, "x", "", "..")},
	}
	bound(sections, instances)
	if p := instances[1][0].period; p != span(t, "01-01..12-31") {
		t.Errorf("the position's bounds are %v", p)
	}
	if p := instances[2][0].period; p != (assignments.Period{}) {
		t.Errorf("an open section got the bounds %v", p)
	}
}

func TestPlacesThatTouchAreOneTime(t *testing.T) {
	e := &evaluation{Input: Input{Day: span(t, "05-01..").From}}
	places := []place{{period: span(t, "01-01..02-28")}, {period: span(t, "04-01..06-30")}, {period: span(t, "07-01..08-31")}, {period: span(t, "10-01..")}}
	spans := spansOf(places)
	if len(spans) != 3 {
		t.Fatalf("%d spans: %v", len(spans), spans)
	}
	for day, want := range map[string]string{"05-01": "04-01..08-31", "03-15": "04-01..08-31", "09-15": "10-01.."} {
		e.Day = span(t, day+"..").From
		if got := e.nearest(spans, roles.Period{}); got != span(t, want) {
			t.Errorf("on %s the time that matters is %v, not %s", day, got, want)
		}
	}
}

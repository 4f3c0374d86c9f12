package orders

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// A sight is a move of the table that a story made through the real functions:
// with facts gathered from a resource, never with facts made up.
type sight struct {
	row      string
	from, to Place
}

var seen = map[sight]bool{}

func shown(row *Row, from, to Place) { seen[sight{row.Name, from, to}] = true }

// A silence is a judgement that takes no step: what is found in order, and what
// is kept beside an item whose outcome is not known yet.
type silence struct {
	item int
	row  *Row
	to   Place
}

// foresee asks the table, with the facts as judging gathers them, for what
// judging is about to do without a step.
func (s *story) foresee() (list []silence) {
	o := s.occasion()
	if !s.a.underWay() {
		s.a.beginAnew() // as judging begins
	}
	for i := range s.a.Items {
		it := &s.a.Items[i]
		f := s.a.facts(it, o)
		on := s.a.eventFor(it, f)
		beside := it.Place.State == Transmitted || it.Place == atUnknown
		if beside && s.a.overtaken(it) {
			if on = Expect; !f.Wanted && !f.Held || f.Undeclared {
				on = Lapse
			}
		}
		if on == "" && f.DeclinedBefore && (it.Place == atVerified || it.Place == atExecuted) {
			on = Expect // what becomes a declined value raises nothing
		}
		if on == "" {
			continue
		}
		to, row, err := Next(it.Place, on, it.Former, f)
		switch {
		case err != nil:
		case row.Fresh: // a step is taken by this row, to where another one leads from None
			_, inner, _ := Next(atNone, on, nil, f)
			list = append(list, silence{it.ID, inner, to})
		case row.Stay, it.Place == atNone && to.AtRest():
			list = append(list, silence{it.ID, row, to})
		}
	}
	return list
}

// kept notes what came as foreseen. What is kept beside an item makes the
// resource wait, unless an instruction to a technician was recalled.
func (s *story) kept(list []silence) {
	for _, q := range list {
		it := s.a.Item(q.item)
		beside := it != nil && (it.Place.State == Transmitted || it.Place == atUnknown)
		if it == nil || it.Place != q.to || beside && !s.a.Waiting {
			continue
		}
		from := atNone
		if q.row.Stay {
			from = q.to
		}
		shown(q.row, from, q.to)
	}
}

// again notes that a report named what was reported before, and nothing moved.
func (s *story) again(before []Item, r Report) {
	for i := range before {
		was, it := &before[i], s.a.Item(before[i].ID)
		to, row, err := Next(was.Place, Done, nil, Facts{NewestFence: r.Fence == s.a.Order.Fence})
		if r.Items[was.ID].Effect == EffectDone && err == nil && row.Stay && it != nil && it.Place == to && it.Steps == was.Steps {
			shown(row, was.Place, to)
		}
	}
}

// unshown lists what of the table no story shows: every row from each of its
// places, and every way that a row may go.
func unshown() (list []string) {
	froms, ways := map[string]bool{}, map[string]bool{}
	for s := range seen {
		froms[s.row+" from "+s.from.String()] = true
		ways[s.row+" to "+s.to.String()] = true
	}
	for i := range table {
		row := &table[i]
		for _, from := range row.From {
			if name := row.Name + " from " + from.String(); !froms[name] {
				list = append(list, name)
			}
		}
		if row.Stay || row.Prior || row.Fresh {
			continue
		}
		for _, to := range row.To {
			if name := row.Name + " to " + to.String(); !ways[name] && beyond[name] == "" {
				list = append(list, name)
			}
		}
	}
	return list
}

// beyond are ways that rows have in common with others, and that no history was
// found to take; where one is taken all the same, the mark is the right one.
var beyond = map[string]string{
	"what is already there is Verified to Inactive (declined)":                            "for what was declined the row above decides, and a kept absence raises nothing",
	"an order for what is already there is withdrawn to Verified (frozen)":                "what a frozen item expects never changes, so that a reading verifies it first",
	"an order for what is already there is withdrawn to Inactive (declined)":              "the removal of a declined value is ended by the reading that shows it gone",
	"a question is answered when the expected value is the one read to Verified (frozen)": "as above: the reading answers it",
}

// TestMain fails a run of all stories that leaves a row of the table unshown.
func TestMain(m *testing.M) {
	code := m.Run()
	part := false
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		part = part || flag.Lookup(name).Value.String() != ""
	}
	if code == 0 && !part {
		for _, name := range unshown() {
			fmt.Println("no story shows:", name)
			code = 1
		}
	}
	os.Exit(code)
}

package lower

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// The size of the benchmark, and of the sample on which its rules run row by row.
const (
	benchPeople = 1_000_000
	benchRules  = 1_000
	benchSample = 1_000
)

// crowd builds people in 500 departments of three levels.
func crowd(n int) (world, []*resources.Resource) {
	w := world{}
	for i := range 500 {
		d := w.add("Department", fmt.Sprint("d", i))
		d.Values["code"] = value.OfString(fmt.Sprint("D", i))
		d.Values["name"] = value.OfString(fmt.Sprint("Department ", i%170))
		if i > 0 {
			d.Links["parent"] = []resources.Key{resources.Key(fmt.Sprint("d", i/8))}
		}
	}
	w["Person"] = make(map[resources.Key]*resources.Resource, n)
	people := make([]*resources.Resource, n)
	dates := make([]value.Value, 4_000)
	for i := range dates {
		dates[i] = value.OfDate(time.Date(2016, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	seed := uint32(1)
	next := func(n int) int { // the same people in every run
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	for i := range people {
		key := resources.Key(fmt.Sprint("E", i))
		p := &resources.Resource{Ref: resources.Ref{Type: "Person", Key: key}, Values: map[schema.PropertyName]value.Value{
			"id": value.OfString(string(key)), "name": value.OfString(fmt.Sprint("T", next(100))), "grade": value.OfInt(int64(next(12))),
			"active": value.OfBool(next(20) > 0), "start": dates[next(3_500)],
		}}
		if next(10) == 0 {
			p.Values["end"] = dates[3_500+next(500)]
		}
		p.Links = map[schema.PropertyName][]resources.Key{"department": {resources.Key(fmt.Sprint("d", next(500)))}, "manager": {resources.Key(fmt.Sprint("E", next(i+1)/64))}}
		w["Person"][key], people[i] = p, p
	}
	return w, people
}

// rule is one role rule: where somebody stands, and what else must be true.
type rule struct {
	matches []Match
	when    *Condition
}

// mixed builds role rules: half by place with descendants, the others by
// equality, by and/or/not of two or three properties, by prefixes, by dates; one in
// a hundred compares two properties and so runs row by row.
func mixed(b *testing.B, env *expression.Environment, n int) []rule {
	b.Helper()
	rules := make([]rule, n)
	for i := range rules {
		here := []Match{{"department", resources.Key(fmt.Sprint("d", i*7%500)), true}}
		text := ""
		day := time.Date(2017, 1, 1+i*3, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		switch i % 20 {
		case 0, 1, 2, 3, 4, 5:
		case 6, 7, 8:
			text = fmt.Sprintf("source.name == 'T%d'", i%100)
		case 9:
			text = "source.end == null && source.active == true"
		case 10, 11:
			here, text = nil, fmt.Sprintf("source.department.code == 'D%d' && source.grade > %d && !(source.name in ['T1', 'T%d'])", i%500, i%11, i%100)
		case 12, 13:
			here, text = nil, fmt.Sprintf("source.name == 'T%d' || source.name == 'T%d' && source.grade == %d", i%100, i*3%100, i%12)
		case 14:
			here, text = nil, fmt.Sprintf("source.name == 'T%d'", i%100)
		case 15:
			here, text = nil, fmt.Sprintf("source.department.name.startsWith('Department %d')", i%17)
		case 16:
			here, text = nil, fmt.Sprintf("source.name.startsWith('T%d') && source.active == true", i%10)
		case 17:
			text = fmt.Sprintf("source.start < date('%s')", day)
		case 18:
			here, text = nil, fmt.Sprintf("source.start >= date('%s') && source.department.parent.code == 'D%d'", day, i%62)
		case 19:
			text = "source.manager.grade > 5 && source.end == null"
			if i%100 == 19 {
				text = "source.manager.start < source.start"
			}
		}
		rules[i].matches = here
		if text == "" {
			continue
		}
		when, err := New(compile(b, env, expression.Source("Person"), expression.Truth, text))
		if err != nil {
			b.Fatal(err)
		}
		rules[i].when = when
	}
	return rules
}

// forget drops what answers left behind, and keeps the columns.
func (t *Table) forget() {
	clear(t.answers)
	for _, c := range t.columns {
		clear(c.bitmaps)
	}
	for _, p := range t.places {
		clear(p.below)
		clear(p.column.bitmaps)
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkWhoGetsWhat answers a thousand role rules for a million people by
// sets, with the difference to what is stored, and the same rules row by row on
// a sample, extrapolated. It reports the best round: the one that others on the
// machine disturbed least.
func BenchmarkWhoGetsWhat(b *testing.B) {
	env := company(b)
	w, people := crowd(benchPeople)
	rules := mixed(b, env, benchRules)
	path := compile(b, env, expression.Own("Person"), expression.LinkTo("Department"), "department")
	above := func(key resources.Key) []resources.Key {
		var all []resources.Key
		for r := w["Department"][key]; r != nil && len(r.Links["parent"]) > 0; r = w["Department"][r.Links["parent"][0]] {
			all = append(all, r.Links["parent"][0])
		}
		return all
	}
	before := heap()
	began := time.Now()
	table := NewTable(people, w)
	table.Place("department", path, above)
	for _, r := range rules {
		if r.when != nil {
			table.Load(r.when)
		}
	}
	loading := time.Since(began)
	columns := heap()

	run := func(stored []*roaring.Bitmap) (found []*roaring.Bitmap, given, changed uint64, took time.Duration) {
		table.forget()
		began := time.Now()
		found = make([]*roaring.Bitmap, len(rules))
		for i, r := range rules {
			found[i] = table.Holds(r.matches, r.when, nil).True
			given += found[i].GetCardinality()
			if stored != nil {
				changed += roaring.AndNot(found[i], stored[i]).GetCardinality() + roaring.AndNot(stored[i], found[i]).GetCardinality()
			}
		}
		return found, given, changed, time.Since(began)
	}
	found, given, _, _ := run(nil)
	stored := make([]*roaring.Bitmap, len(found))
	for i, rows := range found {
		stored[i] = rows.Clone()
		stored[i].Flip(uint64(i*900), uint64(i*900+10)) // ten people changed, in every rule
	}
	answers := heap()

	best := time.Hour
	for b.Loop() {
		_, _, changed, took := run(stored)
		if changed != 10*benchRules {
			b.Fatalf("%d differences", changed)
		}
		best = min(best, took)
	}
	byRow := rowByRow(b, table, rules, path, above, found)
	b.ReportMetric(best.Seconds(), "s/all-rules")
	b.ReportMetric(loading.Seconds(), "s/loading-columns")
	b.ReportMetric(byRow.Seconds(), "s/row-by-row-extrapolated")
	b.ReportMetric(best.Seconds()/byRow.Seconds(), "ratio")
	b.ReportMetric(float64(given), "assignments")
	b.ReportMetric(columns-before, "columns-MB")
	b.ReportMetric(answers-columns, "answers-MB")
	runtime.KeepAlive(stored)
}

// rowByRow runs the rules on a sample of people as evaluating one person does,
// checks the answers of the sets, and extrapolates the time to all people.
func rowByRow(b *testing.B, t *Table, rules []rule, path *expression.Program, above func(resources.Key) []resources.Key, found []*roaring.Bitmap) time.Duration {
	b.Helper()
	ancestry := map[resources.Key][]resources.Key{}
	best := time.Hour
	for range 3 {
		began := time.Now()
		for n := range benchSample {
			row := uint32(n * (benchPeople / benchSample))
			at, there, err := path.EvalRef(expression.Bindings{Own: t.rows[row], Records: t.records})
			if err != nil {
				b.Fatal(err)
			}
			up, known := ancestry[at.Key]
			if !known {
				up = above(at.Key)
				ancestry[at.Key] = up
			}
			standing := map[roles.DimensionID]resources.Key{"department": at.Key}
			for i, r := range rules {
				yes := true
				for _, m := range r.matches {
					stands := there && standing[m.Dimension] == m.Key
					for _, key := range up {
						stands = stands || m.Descendants && key == m.Key
					}
					yes = yes && stands
				}
				if yes && r.when != nil {
					yes, _ = r.when.program.EvalTruth(t.bindings(row))
				}
				if yes != found[i].Contains(row) {
					b.Fatalf("rule %d for %s: row by row %v", i, t.rows[row], yes)
				}
			}
		}
		best = min(best, time.Since(began))
	}
	return best * (benchPeople / benchSample)
}

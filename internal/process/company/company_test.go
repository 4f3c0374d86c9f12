package company

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"provisor.dev/provisor/value"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func of(t testing.TB, people int, seed int64) *Company {
	t.Helper()
	c, err := New(Options{People: people, Seed: seed, At: day})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSameOptionsGiveTheSameBytes(t *testing.T) {
	sum := func(c *Company) string {
		h := sha256.New()
		for _, write := range []func(io.Writer) error{c.WriteEmployees, c.WriteDepartments, c.WriteSites} {
			if err := write(h); err != nil {
				t.Fatal(err)
			}
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	first := of(t, 500, 7)
	if sum(first) != sum(first) || sum(first) != sum(of(t, 500, 7)) {
		t.Error("two passes of the same company differ")
	}
	if sum(first) == sum(of(t, 500, 8)) {
		t.Error("another seed gives the same company")
	}
	// What other machines have to arrive at, too.
	const known = "6eac44c7c4e12a7997aa16684f8f8827cbaffe299c3e2cc483b477657540c2fc"
	if got := sum(first); got != known {
		t.Errorf("500 people from seed 7 have the sum %s, elsewhere %s", got, known)
	}
}

func TestPhasesKeepTheirShares(t *testing.T) {
	for _, people := range []int{200, 10_000} {
		var count [phases]int
		external := 0
		for p := range of(t, people, 7).People() {
			switch {
			case p.Left(day):
				count[leaver]++
			case p.HiredOn.After(day):
				count[ahead]++
			case p.HiredOn.After(day.AddDate(0, 0, -31)):
				count[joiner]++
			case !p.LeftOn.IsZero():
				count[ending]++
			}
			if p.Dept == External {
				external++
			}
		}
		for ph := leaver; ph < phases; ph++ {
			share := 100 * float64(count[ph]) / float64(people)
			if math.Abs(share-float64(perHundred[ph])) > 0.6 {
				t.Errorf("%d people: phase %d has %.1f %%, want %d %%", people, ph, share, perHundred[ph])
			}
		}
		if external == 0 {
			t.Errorf("%d people: nobody is external", people)
		}
	}
}

func TestNoDayLiesNearTheDayOfTheCompany(t *testing.T) {
	for p := range of(t, 20_000, 3).People() {
		for _, d := range []time.Time{p.HiredOn, p.LeftOn} {
			if distance := math.Abs(d.Sub(day).Hours()) / 24; !d.IsZero() && distance <= QuietDays {
				t.Fatalf("%s: %s is %v days from %s", p.ID, d, distance, day)
			}
		}
		if !p.LeftOn.IsZero() && !p.LeftOn.After(p.HiredOn) {
			t.Fatalf("%s leaves on %s before coming on %s", p.ID, p.LeftOn, p.HiredOn)
		}
	}
}

func TestManagersFormATreeOfPeopleWhoStay(t *testing.T) {
	for _, people := range []int{10, 37, 200, 30_000} {
		seen := map[string]Person{}
		top := 0
		span := map[string]int{}
		for p := range of(t, people, 11).People() {
			if p.Manager == "" {
				top++
			} else if boss, ok := seen[p.Manager]; !ok {
				t.Fatalf("%d people: %s answers to %q, who does not come before", people, p.ID, p.Manager)
			} else if !boss.LeftOn.IsZero() || boss.HiredOn.After(day) {
				t.Fatalf("%d people: %s answers to %s, who does not stay", people, p.ID, p.Manager)
			}
			span[p.Manager]++
			seen[p.ID] = p
		}
		if top != 1 || len(seen) != people {
			t.Errorf("%d people: %d rows, %d without a manager", people, len(seen), top)
		}
		for boss, n := range span {
			if n > 40 && seen[boss].Dept != externalHost {
				t.Errorf("%d people: %d answer to %s", people, n, boss)
			}
		}
	}
}

// stem is what the shortest login of a person is made of.
func stem(p Person) string {
	return strings.ToLower(initial(p.FirstName) + value.Fold(p.LastName))
}

func TestOnlyNamesakesShareInitialAndSurname(t *testing.T) {
	stems, emails := map[string]Person{}, map[string]bool{}
	groups := 0
	for p := range of(t, 30_000, 5).People() {
		first, taken := stems[stem(p)]
		if taken != (p.Namesake != "") {
			t.Fatalf("%s %s: namesake of %q, but shares with %q", p.ID, p.Name(), p.Namesake, first.ID)
		}
		if taken {
			groups++
			if p.Dept != first.Dept || !p.HiredOn.After(first.HiredOn) || !p.LeftOn.IsZero() || p.HiredOn.After(day) {
				t.Fatalf("%s is no steady namesake of %s who came later to the same department", p.ID, first.ID)
			}
		}
		stems[stem(p)] = p
		if emails[p.Email] || p.Email != strings.ToLower(p.Email) {
			t.Fatalf("%s: the address %s is not unique or not in lower case", p.ID, p.Email)
		}
		emails[p.Email] = true
	}
	if groups != 30_000*3/100 {
		t.Errorf("%d namesakes among 30,000 people", groups)
	}
}

func TestAccentsComeOffTheSameWayEverywhere(t *testing.T) {
	strip := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	seen := map[string]bool{}
	for _, name := range append(strings.Fields(firstNames), surnames...) {
		plain := strip(name)
		if !norm.NFC.IsNormalString(name) || plain != value.Fold(name) {
			t.Errorf("%s: folded %q, taken apart %q", name, value.Fold(name), plain)
		}
		for _, r := range plain {
			if r > unicode.MaxASCII || !unicode.IsLetter(r) {
				t.Errorf("%s keeps %q", name, r)
			}
		}
	}
	for _, name := range surnames {
		if key := strings.ToLower(strip(name)); seen[key] {
			t.Errorf("the surname %s stands twice", name)
		} else {
			seen[key] = true
		}
	}
	n := newNamer(1)
	for _, names := range n.initials {
		if len(names) < 2 {
			t.Errorf("%v has no second first name for a namesake", names)
		}
	}
	if capacity := len(n.order) * len(surnames); capacity < PeopleMax {
		t.Errorf("the names suffice for %d people, not for %d", capacity, PeopleMax)
	}
}

func TestDepartmentsListParentsFirst(t *testing.T) {
	known := map[string]bool{"": true}
	for _, d := range departments {
		if !known[d.Parent] || titlesOf(d.Code) == nil {
			t.Errorf("%s: parent %q comes later, or there are no titles", d.Code, d.Parent)
		}
		known[d.Code] = true
	}
}

func TestFilesHaveTheColumnsOfTheDocumentationAndEndWithALine(t *testing.T) {
	var out bytes.Buffer
	if err := of(t, 10, 1).WriteEmployees(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 12 || lines[11] != "" {
		t.Errorf("10 people fill %d lines: %q", len(lines), out.String())
	}
	if want := "employee_id;first_name;last_name;email;hired_on;left_on;dept;site;manager_id;title"; lines[0] != want {
		t.Errorf("header %q, want %q", lines[0], want)
	}
}

func TestOptionsOutsideTheLimitsAreRefused(t *testing.T) {
	for _, o := range []Options{{People: 9, At: day}, {People: PeopleMax + 1, At: day}, {People: 10}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestPeopleStreamInBoundedMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	c := of(t, 200_000, 1)
	before, most, number := heap(), uint64(0), 0
	for range c.People() {
		if number++; number%50_000 == 0 {
			most = max(most, heap())
		}
	}
	if most > before+8<<20 {
		t.Errorf("streaming 200,000 people holds %d bytes more", most-before)
	}
}

func BenchmarkPeople(b *testing.B) {
	c := of(b, 100_000, 1)
	for b.Loop() {
		if err := c.WriteEmployees(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

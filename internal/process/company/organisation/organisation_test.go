package organisation

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func of(t testing.TB, o Options) *Organisation {
	t.Helper()
	if o.At.IsZero() {
		o.At = today
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sums returns a sum of every file below the folder.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		sum := sha256.Sum256(content)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = hex.EncodeToString(sum[:8])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func lay(t *testing.T, o Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "northgate")
	if _, err := of(t, o).Lay(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheSameOptionsGiveTheSameBytes(t *testing.T) {
	o := Options{People: 1_000, Seed: 7, Provisioned: true}
	first, second := sums(t, lay(t, o)), sums(t, lay(t, o))
	if len(first) < 20 {
		t.Fatalf("only %d files", len(first))
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s differs", name)
		}
	}
	// What other machines have to arrive at, too.
	const known = "724efa941b224b1f"
	if first["hr/people.csv"] != known {
		t.Errorf("hr/people.csv has the sum %s, elsewhere %s", first["hr/people.csv"], known)
	}
	if o.Seed = 8; sums(t, lay(t, o))["hr/people.csv"] == first["hr/people.csv"] {
		t.Error("another seed gives the same people")
	}
}

func TestPeopleAreAsTheyAreSaidToBe(t *testing.T) {
	g := of(t, Options{People: 30_000, Seed: 3})
	seen, logins, emails := map[string]*Person{}, map[string]bool{}, map[string]bool{}
	var present, left, coming, moved, outside, roles, shared int
	names := map[string]int{}
	for p := range g.People() {
		switch boss := seen[p.Manager]; {
		case p.Manager == "" && p.number > 1, p.Manager != "" && boss == nil:
			t.Fatalf("%s answers to %q, who does not come before", p.ID, p.Manager)
		case boss != nil && (!boss.Present(today) || boss.Contractor || !boss.LeftOn.IsZero()):
			t.Fatalf("%s answers to %s, who does not stay", p.ID, p.Manager)
		}
		if !p.LeftOn.IsZero() && p.LeftOn.Before(p.HiredOn) || p.Contractor && p.LeftOn.IsZero() {
			t.Fatalf("%s comes on %v and leaves on %v", p.ID, p.HiredOn, p.LeftOn)
		}
		if logins[p.Login] || emails[p.Email] || plain(strings.TrimRight(p.Login, "0123456789")) != strings.TrimRight(p.Login, "0123456789") {
			t.Fatalf("%s: %s or %s is taken or no name", p.ID, p.Login, p.Email)
		}
		seen[p.ID], logins[p.Login], emails[p.Email] = p, true, true
		names[p.FirstName+" "+p.LastName]++
		if p.Contractor {
			outside++
		}
		if !p.MovedOn.IsZero() {
			moved++
		}
		switch {
		case p.Present(today):
			present++
			roles += len(g.RolesOf(p, nil))
		case p.HiredOn.After(today):
			coming++
		default:
			left++
		}
	}
	for _, n := range names {
		if n > 1 {
			shared += n
		}
	}
	within := func(what string, n int, low, high float64) {
		if share := float64(n) / 300; share < low || share > high {
			t.Errorf("%s: %.1f of 100", what, share)
		}
	}
	within("present", present, 94, 97)
	within("left", left, 2, 4)
	within("coming", coming, 1, 3)
	within("moved", moved, 2, 4)
	within("contractors", outside, 5, 9)
	within("people with a namesake", shared, 10, 60)
	if each := float64(roles) / float64(present); each < 8.5 || each > 11.5 {
		t.Errorf("%.1f roles a person", each)
	}
}

func TestTheTreeIsFiveLevelsDeepAndUneven(t *testing.T) {
	for _, people := range []int{PeopleMin, 10_000, 100_000, PeopleMax} {
		g := of(t, Options{People: people, Seed: 1})
		known, depth, heaviest, lightest := map[string]bool{"": true}, 0, 0, 1<<30
		for _, d := range g.tree {
			if !known[d.Parent] || known[d.Code] {
				t.Fatalf("%d people: %s comes before its parent, or twice", people, d.Code)
			}
			known[d.Code] = true
			if depth = max(depth, d.Level); d.Level == levels-1 {
				heaviest, lightest = max(heaviest, d.weight), min(lightest, d.weight)
			}
		}
		if depth != levels-1 || heaviest < 4*lightest {
			t.Errorf("%d people: depth %d, teams from %d to %d", people, depth, lightest, heaviest)
		}
		if n := len(g.Roles()); n < 20 || n < people/1000 || n > 1000 {
			t.Errorf("%d people: %d roles", people, n)
		}
		if len(g.tree) > people/10 {
			t.Errorf("%d people: %d departments", people, len(g.tree))
		}
	}
}

func TestNamesStayApartWithoutTheirAccents(t *testing.T) {
	n := newNamer(1)
	for _, list := range [][]name{n.firsts, n.lasts} {
		seen := map[string]string{}
		for _, name := range list {
			if name.plain == "" || seen[name.plain] != "" {
				t.Errorf("%q and %q are %q in an address", name.text, seen[name.plain], name.plain)
			}
			seen[name.plain] = name.text
		}
	}
}

func TestAFolderThatHoldsSomethingIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := of(t, Options{People: 1_000}).Lay(t.Context(), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("laid over a letter: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder was not left as it is: %v", entries)
	}
}

func TestOptionsOutsideTheLimitsAreRefused(t *testing.T) {
	for _, o := range []Options{
		{People: PeopleMin - 1, At: today}, {People: PeopleMax + 1, At: today}, {People: 1_000}, {People: 1_000, At: today, Without: 1},
		{People: 1_000, At: today, Provisioned: true, Without: 1_001},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestThoseWithoutAccountsAreTheLast(t *testing.T) {
	g := of(t, Options{People: 1_000, Provisioned: true, Without: 100})
	var keys []string
	for r := range g.Resources("Mailbox") {
		keys = append(keys, string(r.Key))
	}
	if len(keys) < 800 || slices.Max(keys) > id(900) {
		t.Errorf("%d mailboxes, the last is %s", len(keys), slices.Max(keys))
	}
}

func TestPeopleStreamInBoundedMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	g := of(t, Options{People: 200_000, Seed: 1})
	before, most, number := heap(), uint64(0), 0
	for range g.People() {
		if number++; number%50_000 == 0 {
			most = max(most, heap())
		}
	}
	if most > before+12<<20 {
		t.Errorf("streaming 200,000 people holds %d bytes more", most-before)
	}
}

func BenchmarkPeople(b *testing.B) {
	g := of(b, Options{People: 100_000, Seed: 1})
	for b.Loop() {
		for range g.People() {
			continue
		}
	}
}

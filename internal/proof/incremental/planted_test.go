package incremental

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// plantedWorlds bounds how many worlds it may take to find a planted fault.
const plantedWorlds = 40

// A catcher keeps what a world found instead of ending the test.
type catcher struct {
	testing.TB
	said string
}

func (c *catcher) Helper() {}

func (c *catcher) Fatalf(format string, args ...any) {
	c.said = fmt.Sprintf(format, args...)
	panic(c)
}

// found lets a world live in which something is planted and returns what it found.
func found(t *testing.T, seed uint64, plant func(*world)) (said string, steps int) {
	c := &catcher{TB: t}
	w := newWorld(c, seed)
	plant(w)
	defer func() {
		if p := recover(); p != nil && p != any(c) {
			panic(p)
		}
		w.t = t
		w.close()
		said, steps = c.said, w.tally.steps
	}()
	for range stepsUsual {
		w.step()
	}
	return
}

// inverse are the links that the other side stores.
var inverse = []string{"members", "reports", "contracts", "groups"}

func reads(d evaluate.Dependency, hops int) bool {
	return d.Kind == evaluate.Read && d.Path.Root != expression.RootAnywhere && len(d.Path.Steps) == hops+1
}

// A dependency that is missing is found: this is what the comparison is worth.
func TestPlantedAMissingDependencyIsFound(t *testing.T) {
	for _, planted := range []struct {
		what      string
		from      uint64 // the first seed: of a world in which it soon matters
		overlooks func(evaluate.Dependency) bool
	}{
		{"the first hop", 1, func(d evaluate.Dependency) bool { return reads(d, 1) }},
		{"the second hop", 11, func(d evaluate.Dependency) bool { return reads(d, 2) }},
		{"inverse links", 0, func(d evaluate.Dependency) bool {
			return d.Kind == evaluate.Read && slices.ContainsFunc(d.Path.Steps, func(s expression.Step) bool { return slices.Contains(inverse, string(s.Property)) })
		}},
		{"hierarchies", 21, func(d evaluate.Dependency) bool { return d.Kind == evaluate.Hierarchy }},
		{"names", 4, func(d evaluate.Dependency) bool { return d.Kind == evaluate.Name }},
		{"rivals for an account", 0, func(d evaluate.Dependency) bool { return d.Kind == evaluate.Rivalry }},
	} {
		t.Run(planted.what, func(t *testing.T) {
			t.Parallel()
			for seed := planted.from; seed < planted.from+plantedWorlds; seed++ {
				said, steps := found(t, seed, func(w *world) { w.overlooks = planted.overlooks })
				if strings.Contains(said, "evaluating everybody") {
					t.Logf("found in world %d after %d steps", seed, steps)
					return
				}
				if said != "" {
					t.Fatal(said)
				}
			}
			t.Errorf("%s were overlooked, and %d worlds of %d steps did not show it", planted.what, plantedWorlds, stepsUsual)
		})
	}
}

// Who competes for accounts has a part in what one owner gets, alone too.
func TestPlantedACompetitorThatIsOverlookedIsFoundAlone(t *testing.T) {
	t.Parallel()
	plant := func(w *world) {
		w.overlooksAlone = func(d evaluate.Dependency) bool { return d.Kind == evaluate.Rivalry }
	}
	for seed := range uint64(plantedWorlds) {
		said, steps := found(t, seed, plant)
		if strings.Contains(said, " alone (held") {
			t.Logf("found in world %d after %d steps", seed, steps)
			return
		}
		if said != "" {
			t.Fatal(said)
		}
	}
	t.Errorf("competitors were overlooked, and %d worlds of %d steps did not show it", plantedWorlds, stepsUsual)
}

func TestASeedIsTheSameWorldEveryTime(t *testing.T) {
	var traces [2]string
	for i := range traces {
		w := newWorld(t, 7)
		for range 30 {
			w.step()
		}
		traces[i] = strings.Join(w.trace, "\n") + fmt.Sprint(w.tally)
		w.close()
	}
	if traces[0] != traces[1] {
		t.Errorf("the same seed led to\n%s\nand to\n%s", traces[0], traces[1])
	}
}

package expression

import (
	"strings"
	"sync"
	"testing"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// CEL hands out one and the same error for every pattern that is asked of null, and
// one for every instant beyond the years, and writes into it where that was first:
// what fails says its own place all the same.
func TestWhatFailsSaysItsOwnPlace(t *testing.T) {
	env := company(t)
	somebody := &resources.Resource{
		Ref:    resources.Ref{Type: "Person", Key: "p1"},
		Values: map[schema.PropertyName]value.Value{"grade": value.OfInt(1 << 60)},
	}
	var wait sync.WaitGroup
	for text, says := range map[string]string{
		"source.firstName.matches('^a')":                                              "10:29: source.firstName is null in matches",
		"source.active == true || (source.email == '' && source.email.matches('^c'))": "10:73: source.email is null in matches",
		"source.email == 'x' || source.`odd-name`.matches('^d')":                      "10:53: source.odd-name is null in matches",
		"timestamp(source.grade) == source.startDate":                                 "10:14: timestamp overflow",
		"source.email == 'x' || timestamp(source.grade) == source.endDate":            "10:37: timestamp overflow",
		"source.email == 'x' || timestamp(source.rate == 0.5 ? 1 : null) == null":     "10:37: null or a value of the wrong type in timestamp",
	} {
		p := compile(t, env, SourceTarget("Person", "Account"), Truth, text)
		for range 2 {
			wait.Go(func() {
				for range 20 {
					if _, err := p.EvalTruth(Bindings{Source: somebody}); err == nil || !strings.Contains(err.Error(), says) {
						t.Errorf("%s says %v, not %s", text, err, says)
						return
					}
				}
			})
		}
	}
	wait.Wait()
}

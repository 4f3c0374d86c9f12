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
// writes into it where that was first: what fails says its own place all the same.
func TestWhatFailsSaysItsOwnPlace(t *testing.T) {
	env := company(t)
	nobody := &resources.Resource{Ref: resources.Ref{Type: "Person", Key: "p1"}, Values: map[schema.PropertyName]value.Value{}}
	var wait sync.WaitGroup
	for _, text := range []string{
		"source.firstName.matches('^a')", "source.lastName.matches('^b') && source.email == ''",
		"source.active == true || (source.email == '' && source.email.matches('^c'))", "source.email == 'x' || source.`odd-name`.matches('^d')",
	} {
		p := compile(t, env, SourceTarget("Person", "Account"), Truth, text)
		at := strings.Index(text, ".matches")
		name := text[strings.LastIndex(text[:at], "source"):at]
		for range 2 {
			wait.Go(func() {
				for range 20 {
					_, err := p.EvalTruth(Bindings{Source: nobody})
					if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(name, "`", "")+" is null in matches") {
						t.Errorf("%s says %v", text, err)
						return
					}
				}
			})
		}
	}
	wait.Wait()
}

package loop_test

import (
	"maps"
	"sync"
	"testing"

	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/verify"
)

// far is how far a stage said to be.
type far struct{ first, last, of int }

func TestEveryStageSaysFromItsBeginningHowMuchThereIs(t *testing.T) {
	e := open(t, "")
	for _, all := range []bool{true, false} {
		var lock sync.Mutex
		told, did := map[string]*far{}, map[string]int{}
		reached := func(stage string) func(n, of int) {
			return func(n, of int) {
				lock.Lock()
				defer lock.Unlock()
				if told[stage] == nil {
					told[stage] = &far{first: n, of: of}
				}
				if x := told[stage]; n < x.last || of != x.of {
					t.Errorf("%s went from %+v to %d of %d", stage, *x, n, of)
				}
				told[stage].last = n
			}
		}
		carried := map[string]func(n, of int){}
		following := e.Following(loop.Progress{
			Compared: reached(loop.Verifying), Evaluated: reached(loop.Evaluating), Judged: reached(loop.Generating),
			Carried: func(connection string, n, of int) {
				lock.Lock()
				do := carried[connection]
				if do == nil {
					do = reached(loop.Fulfilling + " " + connection)
					carried[connection] = do
				}
				lock.Unlock()
				do(n, of)
			},
			Ended: func(stage string, summary any, _ error) {
				switch x := summary.(type) {
				case verify.Summary:
					did[stage] = x.Compared
				case evaluate.Summary:
					did[stage] = x.Owners
				case generate.Summary:
					did[stage] = x.Judged
				case fulfil.Summary:
					for _, c := range x.Connections {
						did[stage+" "+c.Connection] = c.Collected
					}
				}
			},
		})
		if _, err := following.Run(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		for stage, n := range maps.All(did) {
			x := told[stage]
			if x == nil && n == 0 {
				continue // there was nothing to do
			}
			if x == nil || x.first != 0 || x.of < n {
				t.Errorf("everybody %v: %s did %d and said %+v", all, stage, n, x)
			}
			// What is evaluated and judged is known exactly; of comparisons and orders some fall away.
			if x != nil && (stage == loop.Evaluating || stage == loop.Generating) && (x.last != n || x.of != n) {
				t.Errorf("everybody %v: %s did %d and said %+v", all, stage, n, *x)
			}
		}
		if all && (did[loop.Evaluating] < 100 || did[loop.Generating] < 100 || did[loop.Fulfilling+" crm/database"] == 0) {
			t.Errorf("the first round did %v", did)
		}
	}
}

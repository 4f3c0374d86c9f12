package main

import (
	"strings"
	"testing"
)

func TestABenchmarkIsReadAndHeldAgainstItsGoal(t *testing.T) {
	var r record
	measured := map[string]map[string]float64{}
	err := r.take(strings.NewReader(`goos: linux
cpu: A Processor
BenchmarkS6-2   	       1	       400.0 bare/s	       340.0 orders/s	         0.8500 ratio
--- BENCH: BenchmarkS6-2
    speed_test.go:58: round 1
BenchmarkWhoGetsWhat-2   	       3	         2.500 s/all-rules	         0.0100 ratio
PASS
`), measured)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]bool{}
	for _, f := range judge(measured) {
		verdicts[f.ID+" "+f.Measure] = f.Met
	}
	for name, met := range map[string]bool{"S6 ratio": true, "S7 ratio": false, "S0 s/all-rules": false, "S0 ratio": true, "S1 ratio": false} {
		if got, known := verdicts[name]; !known || got != met {
			t.Errorf("%s: met is %t", name, got)
		}
	}
	if r.Processor != "A Processor" {
		t.Errorf("the processor is %q", r.Processor)
	}
}

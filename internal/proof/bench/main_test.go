package main

import (
	"strings"
	"testing"
)

func TestABenchmarkIsReadAndHeldAgainstItsGoal(t *testing.T) {
	var r record
	measured, err := r.take(strings.NewReader(`goos: linux
cpu: A Processor
BenchmarkS6-2   	       1	       400.0 bare/s	       340.0 orders/s	         0.8500 ratio
--- BENCH: BenchmarkS6-2
    speed_test.go:58: round 1
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	figures := judge(measured)
	if f := figures[0]; f.ID != "S6" || f.Value != 0.85 || !f.Met || f.Measures["bare/s"] != 400 {
		t.Errorf("S6 is %+v", f)
	}
	if f := figures[1]; f.ID != "S7" || f.Met {
		t.Errorf("S7, which was not measured, is %+v", f)
	}
	if r.Processor != "A Processor" {
		t.Errorf("the processor is %q", r.Processor)
	}
}

func TestAGoalThatIsMissedIsShown(t *testing.T) {
	figures := judge(map[string]map[string]float64{"S6": {"ratio": 0.79}, "S7": {"ratio": 0.7}})
	if figures[0].Met || !figures[1].Met {
		t.Errorf("%+v", figures)
	}
}

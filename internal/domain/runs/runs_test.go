package runs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/runs"
)

var now = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

func TestHowARunGoesOnAfterAnAttempt(t *testing.T) {
	wrong := errors.New("no connection")
	for name, c := range map[string]struct {
		run      runs.Run
		ending   runs.Ending
		state    runs.State
		attempt  int
		failures int
		after    time.Duration
	}{
		"it was done":                        {runs.Run{}, runs.Ending{}, runs.Done, 1, 0, 0},
		"a first failure rests a little":     {runs.Run{}, runs.Ending{Err: wrong}, runs.Waiting, 2, 1, 5 * time.Second},
		"the next one longer":                {runs.Run{Content: runs.Content{Failures: 2}}, runs.Ending{Err: wrong}, runs.Waiting, 2, 3, 20 * time.Second},
		"the last one ends it":               {runs.Run{Content: runs.Content{Failures: runs.AttemptsMost - 1}}, runs.Ending{Err: wrong}, runs.Failed, 1, runs.AttemptsMost, 0},
		"what lasts ends it at once":         {runs.Run{}, runs.Ending{Err: wrong, Lasting: true}, runs.Failed, 1, 1, 0},
		"others at work are no failure":      {runs.Run{}, runs.Ending{Err: wrong, Busy: true}, runs.Waiting, 2, 0, 5 * time.Second},
		"a server that is gone is none":      {runs.Run{}, runs.Ending{Err: wrong, Gone: true}, runs.Waiting, 2, 0, 0},
		"who aborted it wins over a failure": {runs.Run{Abort: true}, runs.Ending{Err: wrong}, runs.Aborted, 1, 0, 0},
		"what was done is done all the same": {runs.Run{Abort: true}, runs.Ending{}, runs.Done, 1, 0, 0},
	} {
		c.run.State, c.run.Attempt, c.ending.At = runs.Running, 1, now
		c.run.Steps = []runs.Step{{Name: "evaluate", Began: now}}
		got := c.run.Next(c.ending)
		if got.State != c.state || got.Attempt != c.attempt || got.Failures != c.failures {
			t.Errorf("%s: %s, attempt %d, %d failures", name, got.State, got.Attempt, got.Failures)
		}
		if c.state == runs.Waiting && !got.NotBefore.Equal(now.Add(c.after)) {
			t.Errorf("%s: not before %v", name, got.NotBefore)
		}
		if got.State.Open() != got.Ended.IsZero() || len(got.Log) != 1 {
			t.Errorf("%s: ended %v, log %v", name, got.Ended, got.Log)
		}
		if (c.ending.Err != nil) != (got.Steps[0].Wrong != "") || c.run.Steps[0].Wrong != "" {
			t.Errorf("%s: the step says %q, that of the run before %q", name, got.Steps[0].Wrong, c.run.Steps[0].Wrong)
		}
	}
}

func TestAStepHoldsForAnHourWhereItWasDone(t *testing.T) {
	c := runs.Content{Steps: []runs.Step{
		{Name: "lately", Ended: now.Add(-time.Minute)}, {Name: "long ago", Ended: now.Add(-2 * time.Hour)},
		{Name: "failed", Ended: now, Wrong: "x"}, {Name: "interrupted"},
	}}
	for name, want := range map[string]bool{"lately": true, "long ago": false, "failed": false, "interrupted": false, "never": false} {
		if c.Holds(name, now) != want {
			t.Errorf("%s holds: %v", name, !want)
		}
	}
}

func TestOnlyWhatIsOpenIsAbortedAndOnlyWhatFailedOrWasAbortedGoesOn(t *testing.T) {
	for state, want := range map[runs.State]struct{ aborted, resumed runs.State }{
		runs.Waiting: {runs.Aborted, ""}, runs.Running: {runs.Running, ""}, runs.Done: {"", ""},
		runs.Failed: {"", runs.Waiting}, runs.Aborted: {"", runs.Waiting},
	} {
		x, y := runs.Run{State: state, Attempt: 3}, runs.Run{State: state, Attempt: 3, Abort: state == runs.Aborted}
		err := x.ToAbort(now, "ada")
		if (err == nil) != (want.aborted != "") || err == nil && (x.State != want.aborted || !x.Abort) || err != nil && fault.KindOf(err) != fault.Refused {
			t.Errorf("aborting what is %s: %s, %v", state, x.State, err)
		}
		err = y.ToResume(now, "ada")
		if (err == nil) != (want.resumed != "") || err == nil && (y.State != want.resumed || y.Abort || y.Attempt != 4) {
			t.Errorf("resuming what is %s: %s, %v", state, y.State, err)
		}
	}
}

func TestALogHasAnEnd(t *testing.T) {
	var c runs.Content
	for range runs.LinesMost + 7 {
		c.Say(now, "again")
	}
	if len(c.Log) != runs.LinesMost || c.Left != 7 {
		t.Errorf("%d lines, %d left out", len(c.Log), c.Left)
	}
	if !strings.Contains(runs.Names(), "round, synchronize") {
		t.Error(runs.Names())
	}
}

func TestAJobThatFailsIsOneMatterUntilARunSucceeds(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2027, 3, 1, hour, 0, 0, 0, time.UTC) }
	ended := []runs.Run{ // the newest first
		{ID: 9, Job: runs.Round, State: runs.Failed, Ended: at(9)},
		{ID: 8, Job: runs.Check, Connector: "crm", State: runs.Done, Ended: at(8)},
		{ID: 7, Job: runs.Round, State: runs.Failed, Ended: at(7)},
		{ID: 6, Job: runs.Check, Connector: "crm", State: runs.Failed, Ended: at(6)},
		{ID: 5, Job: runs.Check, Connector: "hr", State: runs.Failed, Ended: at(5)},
		{ID: 4, Job: runs.Round, State: runs.Done, Ended: at(4)},
		{ID: 3, Job: runs.Round, State: runs.Failed, Ended: at(3)},
	}
	list := runs.Failing(ended)
	if len(list) != 2 || list[0].Last.ID != 9 || !list[0].Since.Equal(at(7)) || list[1].Last.ID != 5 || !list[1].Since.Equal(at(5)) {
		t.Errorf("failing are %+v", list)
	}
}

package storetest

import (
	"errors"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// startRun begins a run of a job as a person does.
func (b *bench) startRun(t *testing.T, x runs.Run) (runs.Run, bool) {
	t.Helper()
	act := journal.Act{Actor: journal.Actor{Process: "storetest"}, Name: "run", Subject: string(x.Job), At: b.now}
	x.At = b.now
	run, began, err := b.StartRun(b.ctx, &act, x)
	must(t, err)
	return run, began
}

func openOnce(t *testing.T, b *bench) {
	first, began := b.startRun(t, runs.Run{Job: runs.Synchronize, Connector: "hr", Content: runs.Content{By: "ada"}})
	want(t, "begun", words(began, first.ID, first.State, first.Attempt), "true 1 waiting 1")
	before, err := b.RunsTouched(b.ctx)
	must(t, err)
	again, began := b.startRun(t, runs.Run{Job: runs.Synchronize, Connector: "hr", Content: runs.Content{By: "bob"}})
	want(t, "asked for twice", words(began, again.ID, again.By), "false 1 ada")
	if _, began := b.startRun(t, runs.Run{Job: runs.Synchronize, Connector: "crm"}); !began {
		t.Error("a run of one connector keeps another's from beginning")
	}
	entries, err := b.Journal(b.ctx, 0, 10)
	must(t, err)
	want(t, "journal entries", len(entries), 2)
	changed, err := b.ChangeRun(b.ctx, nil, first.ID, b.now.Add(time.Minute), func(x *runs.Run) error {
		x.State, x.Began = runs.Running, b.now
		x.Steps = []runs.Step{{Name: "synchronize", Began: b.now, Done: 7, Total: 9}}
		x.Say(b.now, "reads Person")
		return nil
	})
	must(t, err)
	back, err := b.Run(b.ctx, first.ID)
	must(t, err)
	want(t, "comes back", words(back), words(changed))
	after, err := b.RunsTouched(b.ctx)
	must(t, err)
	if after <= before {
		t.Errorf("nobody sees that a run went on: %d, then %d", before, after)
	}
	refused := errors.New("no")
	if _, err := b.ChangeRun(b.ctx, nil, first.ID, b.now, func(x *runs.Run) error { x.State = runs.Done; return refused }); !errors.Is(err, refused) {
		t.Errorf("what the change refuses: %v", err)
	}
	if back, err = b.Run(b.ctx, first.ID); err != nil || back.State != runs.Running {
		t.Errorf("what was refused is written: %v %v", back, err)
	}
	_, err = b.ChangeRun(b.ctx, nil, first.ID, b.now, func(x *runs.Run) error { x.State, x.Ended = runs.Done, b.now; return nil })
	must(t, err)
	if _, began := b.startRun(t, runs.Run{Job: runs.Synchronize, Connector: "hr"}); !began {
		t.Error("a run that ended keeps the next from beginning")
	}
	if _, err := b.Run(b.ctx, 99); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a run that is not there: %v", err)
	}
}

func waitingIsDue(t *testing.T, b *bench) {
	run, _, err := b.StartRun(b.ctx, nil, runs.Run{Job: runs.Round, At: b.now, Content: runs.Content{Schedule: "every"}})
	must(t, err)
	entries, err := b.Journal(b.ctx, 0, 10)
	must(t, err)
	want(t, "a schedule is no person", len(entries), 0)
	take := func(now time.Time) string {
		list, err := b.TakeDue(b.ctx, "a", now, now.Add(time.Minute), 10)
		must(t, err)
		must(t, b.DoneDue(b.ctx, "a", list))
		return words(list)
	}
	want(t, "the first attempt", take(b.now), words([]stage.Due{{What: stage.DueRun, Subject: "1.1", NotBefore: time.Time{}}}))
	later := b.now.Add(time.Hour)
	_, err = b.ChangeRun(b.ctx, nil, run.ID, b.now, func(x *runs.Run) error {
		x.State, x.Attempt, x.NotBefore = runs.Waiting, 2, later
		return nil
	})
	must(t, err)
	want(t, "not before its time", take(b.now), "[]")
	want(t, "the second attempt", take(later), words([]stage.Due{{What: stage.DueRun, Subject: stage.RunSubject(run.ID, 2), NotBefore: later}}))
	_, err = b.ChangeRun(b.ctx, nil, run.ID, b.now, func(x *runs.Run) error { x.State = runs.Running; return nil })
	must(t, err)
	want(t, "a running one is due no more", take(later), "[]")
	must(t, b.AddDue(b.ctx, []stage.Due{{What: stage.DueSchedule, Subject: "nightly", NotBefore: later}}))
	next, err := b.Scheduled(b.ctx)
	must(t, err)
	want(t, "schedules", words(next), words(map[string]time.Time{"nightly": later}))
}

func listRuns(t *testing.T, b *bench) {
	for i := range 5 {
		run, _ := b.startRun(t, runs.Run{Job: runs.Round})
		_, err := b.ChangeRun(b.ctx, nil, run.ID, b.now, func(x *runs.Run) error {
			x.State, x.Ended = []runs.State{runs.Done, runs.Failed}[i%2], b.now
			return nil
		})
		must(t, err)
	}
	b.startRun(t, runs.Run{Job: runs.Check, Connector: "crm"})
	ask := func(f view.RunFilter) string {
		page, err := b.Views().Runs(b.ctx, f)
		must(t, err)
		var ids []runs.RunID
		for _, x := range page.Runs {
			ids = append(ids, x.ID)
		}
		return words(ids, page.Before)
	}
	want(t, "the newest first", ask(view.RunFilter{Limit: 4}), "[6 5 4 3] 3")
	want(t, "the next page", ask(view.RunFilter{Limit: 4, Before: 3}), "[2 1] 0")
	want(t, "by job", ask(view.RunFilter{Job: runs.Check}), "[6] 0")
	want(t, "by connector", ask(view.RunFilter{Connector: "crm"}), "[6] 0")
	want(t, "by state", ask(view.RunFilter{States: []runs.State{runs.Failed}}), "[4 2] 0")
	want(t, "open ones", ask(view.RunFilter{Open: true}), "[6] 0")
	b.now = b.now.AddDate(0, 0, runs.KeptDays+1)
	b.startRun(t, runs.Run{Job: runs.Round})
	want(t, "old ones are swept, open ones stay", ask(view.RunFilter{}), "[7 6] 0")
}

package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/store/statement"
)

// A large reading of these tests: of the people held before, the first half is
// changed and the second removed; others are new.
const (
	heldBefore = 6_000
	heldAfter  = 12_000
)

// The phases of a large reading, as its tables show them.
const (
	beforeCompletion = "set out"
	folding          = "folding"
)

func crowd(from, to int, display string) (list []resources.Resource) {
	for i := from; i < to; i++ {
		list = append(list, resources.Resource{Ref: resources.Ref{Type: "Person", Key: resources.Key(fmt.Sprintf("E%05d", i))}, Display: display})
	}
	return list
}

// begun commits the old state and begins the large reading.
func (b *bench) begun(t *testing.T) (resources.Reading, statement.Changes) {
	t.Helper()
	b.read(t, statement.Changes{Put: crowd(0, heldBefore, "old")})
	changes := statement.Changes{Put: append(crowd(0, heldBefore/2, "new"), crowd(heldBefore, heldAfter+heldBefore/2, "new")...)}
	for _, x := range crowd(heldBefore/2, heldBefore, "") {
		changes.Remove = append(changes.Remove, x.Key)
	}
	r := resources.Reading{Connector: "hr", Entity: "Person", Began: b.now, Complete: true}
	id, err := b.BeginReading(b.ctx, r)
	must(t, err)
	r.ID = id
	return r, changes
}

// phase says how far the large reading is.
func (b *bench) phase(t *testing.T) string {
	t.Helper()
	var isFolding, isSetOut int
	must(t, b.SQL().QueryRowContext(b.ctx, `SELECT (SELECT count(*) FROM reading_folding), (SELECT count(*) FROM
		(SELECT 1 FROM reading_change LIMIT 1) one)`).Scan(&isFolding, &isSetOut))
	switch {
	case isFolding > 0:
		return folding
	case isSetOut > 0:
		return beforeCompletion
	}
	return ""
}

// state says which state the stages see.
func (b *bench) state(t *testing.T) string {
	t.Helper()
	list, err := b.Resources(b.ctx, "Person")
	must(t, err)
	hashes, err := b.Hashes(b.ctx, "Person")
	must(t, err)
	old, fresh := 0, 0
	for i, x := range list {
		if i > 0 && list[i-1].Key >= x.Key {
			t.Fatalf("%s stands after %s", x.Key, list[i-1].Key)
		}
		if x.Display == "old" {
			old++
		} else {
			fresh++
		}
	}
	switch {
	case old == heldBefore && fresh == 0 && (len(hashes) == heldBefore || len(hashes) == heldAfter): // asked a moment later
		return "old"
	case fresh == heldAfter && old == 0 && len(hashes) == heldAfter:
		return "new"
	}
	return fmt.Sprintf("%d old and %d new, %d hashes", old, fresh, len(hashes))
}

// dying commits the large reading and dies in a phase.
func (b *bench) dying(t *testing.T, phase string) {
	t.Helper()
	r, changes := b.begun(t)
	ctx, die := context.WithCancel(b.ctx)
	defer die()
	ended := make(chan error, 1)
	go func() { ended <- b.CommitReading(ctx, b.act("commit reading"), r, changes) }()
	for b.phase(t) != phase {
		select {
		case err := <-ended:
			t.Fatalf("it ended before it was %s: %v", phase, err)
		case <-time.After(time.Millisecond):
		}
	}
	die()
	if err := <-ended; err == nil || b.phase(t) != phase {
		t.Fatalf("it did not die while it was %s: %v, %q", phase, err, b.phase(t))
	}
}

func wholeReading(t *testing.T, b *bench) {
	r, changes := b.begun(t)
	ended := make(chan error, 1)
	go func() { ended <- b.CommitReading(b.ctx, b.act("commit reading"), r, changes) }()
	seen := map[string]string{}
	for {
		select {
		case err := <-ended:
			must(t, err)
			want(t, "at the end", words(b.state(t), b.phase(t), b.rows(t, `SELECT count(*) FROM reading_change`)), "new  0")
			want(t, "resources", b.rows(t, `SELECT count(*) FROM resource`), heldAfter)
			// On a busy machine a phase may pass between two looks; each is looked at
			// for itself where a death ends it.
			for phase, state := range seen {
				want(t, phase, state, map[string]string{beforeCompletion: "old", folding: "new"}[phase])
			}
			return
		default:
		}
		before := b.phase(t)
		state := b.state(t)
		if state != "old" && state != "new" {
			t.Fatalf("a reader saw %s", state)
		}
		if before != "" && before == b.phase(t) {
			if known := seen[before]; known != "" && known != state {
				t.Fatalf("while it was %s a reader saw %s, then %s", before, known, state)
			}
			seen[before] = state
		}
	}
}

func deadBetweenPieces(t *testing.T, b *bench) {
	b.dying(t, beforeCompletion)
	want(t, "after the death", b.state(t), "old")
	b.read(t, statement.Changes{Put: crowd(0, 1, "old")})
	want(t, "after the next reading", words(b.state(t), b.phase(t)), "old ")
}

func deadWhileFolding(t *testing.T, b *bench) {
	b.dying(t, folding)
	want(t, "after the death", b.state(t), "new")
	last, err := b.LastReadings(b.ctx)
	must(t, err)
	want(t, "the reading", last[0].Committed.ID, last[0].Last.ID)
	b.read(t, statement.Changes{Put: crowd(0, 1, "new")})
	want(t, "after the next reading", words(b.state(t), b.phase(t), b.rows(t, `SELECT count(*) FROM resource`)), words("new", "", heldAfter))
	n, err := b.VerifyJournal(b.ctx)
	must(t, err)
	want(t, "journal entries", n, 3)
}

func readBackWhileFolding(t *testing.T, b *bench) {
	a := b.saved(t, "ada", 1)
	b.dying(t, folding)
	newer := crowd(heldAfter, heldAfter+1, "read back")[0]
	b.update(t, a.ID, func(*orders.AssignedResource) error { return nil }, statement.Extra{Put: []resources.Resource{newer}})
	var ids []resources.ReadingID
	for _, when := range []string{"before", "after"} {
		got, ok, err := b.Resource(b.ctx, newer.Ref)
		must(t, err)
		want(t, when+" the fold", words(ok, got.Display), "true read back")
		id, err := b.BeginReading(b.ctx, resources.Reading{Connector: "hr", Entity: "Person", Began: b.now})
		must(t, err)
		ids = append(ids, id)
	}
	lost := resources.Reading{ID: ids[0], Connector: "hr", Entity: "Person", Began: b.now}
	err := b.CommitReading(b.ctx, b.act("commit reading"), lost, statement.Changes{Put: crowd(0, heldBefore, "late")})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("a reading that another one took the place of was committed: %v", err)
	}
}

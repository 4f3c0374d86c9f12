package fulfil

import (
	"context"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage"
)

// shelf is a store of one assigned resource that others may have written.
type shelf struct {
	Store
	stored  orders.AssignedResource
	stale   bool // somebody wrote it since it was loaded
	saved   int
	updated int
}

func (s *shelf) Reserve(context.Context, string, int) (int64, error) { return 1, nil }

func (s *shelf) Save(_ context.Context, _ journal.Act, list []*orders.AssignedResource, _ ...stage.Extra) error {
	s.saved++
	if s.stale {
		return fault.New(fault.Conflict, "save", "it changed since it was loaded")
	}
	s.stored = *list[0]
	return nil
}

func (s *shelf) Update(_ context.Context, _ journal.Act, _ []orders.AssignedID, move func(*orders.AssignedResource) error, _ ...stage.Extra) error {
	s.updated++
	return move(&s.stored)
}

// mark is a move that can be seen.
func mark(a *orders.AssignedResource) error {
	a.Confidence += 10
	return nil
}

func draining(s *shelf) *drain {
	clock := func() time.Time { return time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC) }
	return &drain{Runner: &Runner{Store: s, Clock: clock}, numbers: stage.Numbers(context.Background(), s, stage.OrderCounter)}
}

func TestWhatNobodyElseWroteIsStoredWithoutLoadingItAgain(t *testing.T) {
	s := &shelf{}
	loaded := &orders.AssignedResource{ID: 7}
	if err := draining(s).save(t.Context(), "report", []*orders.AssignedResource{loaded}, mark); err != nil {
		t.Fatal(err)
	}
	if s.saved != 1 || s.updated != 0 || s.stored.Confidence != 10 {
		t.Errorf("saved %d times, loaded again %d times, confidence %d", s.saved, s.updated, s.stored.Confidence)
	}
}

func TestWhatSomebodyElseWroteIsMovedAsItNowStands(t *testing.T) {
	s := &shelf{stale: true, stored: orders.AssignedResource{ID: 7, Confidence: 50}}
	loaded := &orders.AssignedResource{ID: 7}
	if err := draining(s).save(t.Context(), "report", []*orders.AssignedResource{loaded}, mark); err != nil {
		t.Fatal(err)
	}
	if s.updated != 1 || s.stored.Confidence != 60 {
		t.Errorf("loaded again %d times, confidence %d", s.updated, s.stored.Confidence)
	}
}

func TestResultsAreStoredTogetherAndNoneWaitsForASlowOne(t *testing.T) {
	done := make(chan carried, aheadMost)
	for range reportedAtOnce + 1 {
		done <- carried{}
	}
	d := draining(&shelf{})
	if n := len(d.gather(done, aheadMost)); n != reportedAtOnce {
		t.Errorf("a full batch has %d results", n)
	}
	if n := len(d.gather(done, 1)); n != 1 {
		t.Errorf("the last batch has %d results", n)
	}
	done <- carried{}
	if n := len(d.gather(done, 2)); n != 1 { // the second never comes
		t.Errorf("a batch beside a slow order has %d results", n)
	}
}

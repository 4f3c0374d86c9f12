package evaluate

import (
	"context"
	"testing"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
)

// counter remembers how many numbers were taken from it.
type counter int64

func (c *counter) Reserve(_ context.Context, _ string, n int) (int64, error) {
	first := int64(*c) + 1
	*c += counter(n)
	return first, nil
}

func TestNumbersOfAccountsFollowEachOther(t *testing.T) {
	expected := func(key resources.Key) assignments.ExpectedResource {
		return assignments.ExpectedResource{Type: "Account", Owner: resources.Ref{Type: "Person", Key: key}}
	}
	known := &Known{Assigned: []*orders.AssignedResource{{Type: "Account", Owner: resources.Ref{Type: "Person", Key: "ada"}}}}
	var taken counter
	for round, x := range []Expectation{
		{Result: Result{Resources: []assignments.ExpectedResource{expected("ada"), expected("bob")}}},
		{Result: Result{Resources: []assignments.ExpectedResource{expected("cleo"), expected("dan")}}},
		{Result: Result{Resources: []assignments.ExpectedResource{expected("ada")}}},
	} {
		n := stage.Numbers(t.Context(), &taken, stage.AssignedCounter)
		n.Prepare(added(known, x))
		if want := []counter{1, 3, 3}[round]; taken != want {
			t.Errorf("after round %d %d numbers are taken, not %d", round+1, taken, want)
		}
	}
}

package view

import (
	"encoding/json"
	"testing"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
)

func TestTheMachineShowsEveryLegalMove(t *testing.T) {
	shown := map[[3]string]bool{}
	for _, m := range Machine() {
		if m.By == "" || m.Name == "" {
			t.Errorf("%+v does not say who raises it and why", m)
		}
		shown[[3]string{m.From.String(), m.Event, m.To.String()}] = true
	}
	for _, triple := range orders.Triples() {
		move := [3]string{triple.From.String(), string(triple.Event), triple.To.String()}
		if !shown[move] {
			t.Errorf("%v is legal and not shown", move)
		}
		delete(shown, move)
	}
	for move := range shown {
		t.Errorf("%v is shown and not legal", move)
	}
}

func TestAStateIsItsNumberAndNameForPrograms(t *testing.T) {
	for shown, want := range map[any]string{
		StateOf(orders.Place{State: orders.Pending, Mark: orders.Released}): `{"number":1,"name":"Pending","mark":"released"}`,
		WorkflowOf(assignments.Questioned):                                  `{"number":24,"name":"Approved, questioned"}`,
	} {
		if got, err := json.Marshal(shown); err != nil || string(got) != want {
			t.Errorf("got %s %v, want %s", got, err, want)
		}
	}
}

func TestAPageIsNeverEmptyByRequestNorEndless(t *testing.T) {
	for asked, want := range map[int]int{-1: DefaultLimit, 0: DefaultLimit, 7: 7, 1_000_000: MaxLimit} {
		if got := Rows(asked); got != want {
			t.Errorf("asked for %d: %d rows, want %d", asked, got, want)
		}
	}
}

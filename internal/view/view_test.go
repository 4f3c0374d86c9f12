package view

import (
	"testing"

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

func TestAPageIsNeverEmptyByRequestNorEndless(t *testing.T) {
	for asked, want := range map[int]int{-1: DefaultLimit, 0: DefaultLimit, 7: 7, 1_000_000: MaxLimit} {
		if got := Rows(asked); got != want {
			t.Errorf("asked for %d: %d rows, want %d", asked, got, want)
		}
	}
}

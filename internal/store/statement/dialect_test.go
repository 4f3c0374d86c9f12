package statement

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPeopleGoBeforeBulkWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate turnstile
		var order []string
		ctx := context.Background()
		if err := gate.enter(ctx, true); err != nil {
			t.Fatal(err)
		}
		pass := func(name string, bulk bool) {
			go func() {
				if err := gate.enter(ctx, bulk); err != nil {
					t.Error(err)
				}
				order = append(order, name)
				gate.leave()
			}()
			synctest.Wait()
		}
		pass("bulk", true)
		pass("person", false)
		pass("second person", false)
		gate.leave()
		synctest.Wait()
		if len(order) != 3 || order[0] != "person" || order[1] != "second person" || order[2] != "bulk" {
			t.Errorf("they went in as %v", order)
		}
	})
}

func TestWhoeverGivesUpLeavesTheQueueOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate turnstile
		if err := gate.enter(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := gate.enter(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		gate.leave()
		if err := gate.enter(context.Background(), true); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARowsStatementBindsInOrder(t *testing.T) {
	x := &table{name: "x", columns: []string{"a", "b"}, conflict: upsert("a", []string{"a", "b"}, "")}
	for text, want := range map[string]string{
		x.text(2, true):  "INSERT INTO x (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
		x.text(1, false): "INSERT INTO x (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
	} {
		if text != want {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}

package loop_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/synchronize"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// open lays a company down and deploys its configuration in the given store.
func open(t *testing.T, store string) *loop.Engine {
	t.Helper()
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "company")
	if _, err := demo.Lay(dir, company.Options{People: 200, Seed: 7, At: day}); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(ctx, loop.Options{
		Dir: dir, Store: store, Day: day, Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(ctx, c, "test"); err != nil {
		t.Fatal(err)
	}
	return e
}

// again opens a folder that is there.
func again(t *testing.T, o loop.Options) *loop.Engine {
	t.Helper()
	o.Day, o.Packages = day, []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()}
	e, err := loop.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func round(t *testing.T, e *loop.Engine) loop.Round {
	t.Helper()
	r, err := e.Run(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Synchronize {
		if o.Reading.State != resources.Committed {
			t.Errorf("the reading of %s is %s: %s", o.Reading.Entity, o.Reading.State, o.Reading.Why)
		}
	}
	return r
}

func TestASecondRoundGeneratesNothingOnBothStores(t *testing.T) {
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			address := ""
			if store == "postgres" {
				server := postgresql.ForTest(t)
				if err := server.CreateDatabase(t.Context(), "loop"); err != nil {
					t.Fatal(err)
				}
				address = server.DSN("loop")
			}
			e := open(t, address)
			first := round(t, e)
			if first.Generate.Orders == 0 || first.Evaluate.Resources == 0 {
				t.Fatalf("the first round raised nothing: %+v", first)
			}
			second, third := round(t, e), round(t, e)
			if second.Generate.Orders != 0 || second.Evaluate.Changed != 0 {
				t.Errorf("the second round raised %d orders and changed %d expectations", second.Generate.Orders, second.Evaluate.Changed)
			}
			if third.Verify.Moved != 0 {
				t.Errorf("the third round moved %d accounts", third.Verify.Moved)
			}
			if _, err := e.VerifyJournal(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPlanAppliedAtOnceRaisesExactlyItsOrders(t *testing.T) {
	e := open(t, "")
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Synchronize(t.Context(), everything()); err != nil {
		t.Fatal(err)
	}
	before, err := e.Journal(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	planned, _, err := e.Plan(t.Context(), c, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := e.Journal(t.Context(), 0, 10_000)
	if err != nil || len(after) != len(before) {
		t.Errorf("planning wrote %d journal entries (%v)", len(after)-len(before), err)
	}
	if _, err := e.Evaluate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var s generate.Summary
	if s, err = e.Generate(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if s.Orders == 0 || s.Orders != len(planned.Orders) {
		t.Errorf("%d orders were planned, %d raised", len(planned.Orders), s.Orders)
	}
	for kind, n := range s.Kinds {
		if planned.Kinds[kind] != n {
			t.Errorf("%d %ss were planned, %d raised", planned.Kinds[kind], kind, n)
		}
	}
}

func everything() synchronize.Options { return synchronize.Options{} }

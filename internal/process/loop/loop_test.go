package loop_test

import (
	"context"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

func TestOneRound(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir() + "/d"
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if _, err := demo.Lay(dir, company.Options{People: 200, Seed: 7, At: at}); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(ctx, loop.Options{Dir: dir, Day: at, Packages: []connector.Package{csvfile.Package(), sqldb.Package(), ldap.Package(), manual.Package()}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(ctx, c, "demo"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r, err := e.Run(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Synchronize {
			t.Logf("%d read %s %s %+v %s findings=%d", i, s.Reading.Entity, s.Reading.State, s.Reading.Counts, s.Reading.Why, len(s.Findings))
			for _, f := range s.Findings {
				t.Log("   ", f)
			}
		}
		t.Logf("verify %+v", r.Verify)
		t.Logf("evaluate %+v", r.Evaluate)
		t.Logf("generate %+v", r.Generate)
		t.Logf("fulfil %+v", r.Fulfil)
		counts, _ := e.Views().StateCounts(ctx)
		t.Logf("counts %+v", counts)
	}
	page, err := e.Views().Orders(ctx, view.OrderFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Orders {
		t.Logf("%d %s %s %s %v waits=%q", o.ID, o.Kind, o.Type, o.Owner.Display, o.State, o.Waits)
	}
	diff, err := demo.CheckCRM(dir)
	t.Log(len(diff), err)
	for i, d := range diff {
		if i < 12 {
			t.Logf("%+v", d)
		}
	}
}

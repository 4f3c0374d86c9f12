package organisation_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/company/organisation"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/synchronize"
)

// laid lays an organisation down, reads it and returns the engine that did.
func laid(t *testing.T, o organisation.Options) (*organisation.Organisation, *loop.Engine) {
	t.Helper()
	o.At = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	g, err := organisation.New(o)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "northgate")
	if _, err := g.Lay(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: dir, Day: o.At, Packages: []connector.Package{csvfile.Package(), sqldb.Package()}})
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
	if err := e.Deploy(t.Context(), c, "test"); err != nil {
		t.Fatal(err)
	}
	outcomes, err := e.Synchronize(t.Context(), synchronize.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range outcomes {
		if out.Reading.State != resources.Committed || out.Reading.Counts.SetAside > 0 {
			t.Fatalf("the reading of %s is %s: %s", out.Reading.Entity, out.Reading.State, out.Reading.Why)
		}
	}
	return g, e
}

// TestAProvisionedOrganisationIsWhatTheRulesGive holds what is streamed and what
// is laid to each other and both to the evaluation.
func TestAProvisionedOrganisationIsWhatTheRulesGive(t *testing.T) {
	g, e := laid(t, organisation.Options{People: 1_000, Seed: 5, Provisioned: true, Without: 40})
	for _, entity := range g.EntityTypes() {
		read, err := e.Resources(t.Context(), entity)
		if err != nil {
			t.Fatal(err)
		}
		want := map[resources.Key]string{}
		for r := range g.Resources(entity) {
			document, _ := r.Encode()
			want[r.Key] = r.Display + " " + string(document)
		}
		if len(read) != len(want) || len(read) == 0 {
			t.Errorf("%d of %s are read, %d streamed", len(read), entity, len(want))
		}
		for _, r := range read {
			if document, _ := r.Encode(); want[r.Key] != r.Display+" "+string(document) {
				t.Fatalf("%s\n  read     %s %s\n  streamed %s", r.Ref, r.Display, document, want[r.Key])
			}
		}
	}
	evaluated, err := e.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	generated, err := e.Generate(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if perPerson := float64(evaluated.Roles) / 960; perPerson < 8.5 || perPerson > 11.5 {
		t.Errorf("%.1f roles a person", perPerson)
	}
	var newcomers int
	for p := range g.People() {
		if p.ID > "E0000960" && p.Present(g.Options().At) {
			newcomers++
		}
	}
	if generated.Orders != 5*newcomers {
		t.Errorf("%d orders for %d newcomers: %v", generated.Orders, newcomers, slices.Collect(maps.Keys(generated.Kinds)))
	}
}

package demo_test

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
)

func TestTheDemonstrationEndsWithEveryExpectedOrderVerified(t *testing.T) {
	for _, seed := range []int64{7, 8} {
		dir := filepath.Join(t.TempDir(), "company")
		result, err := demo.Run(context.Background(), demo.Options{
			Dir: dir, Once: true, Out: io.Discard,
			Company:  company.Options{People: 200, Seed: seed, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
			Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()},
		})
		if err != nil {
			t.Fatal(err)
		}
		if !result.Holds {
			t.Errorf("seed %d: %d differences, %d open orders, %d questions", seed, len(result.Differences), len(result.Open), result.Questions)
		}
	}
}

func TestTheDemonstrationProvisionsARealDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "company")
	result, err := demo.Run(context.Background(), demo.Options{
		Dir: dir, Once: true, LDAP: true, Out: io.Discard,
		Company:  company.Options{People: 60, Seed: 3, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		Packages: []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package(), ldap.Package()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Holds {
		t.Errorf("%v, %d open orders, %d questions", result.Differences, len(result.Open), result.Questions)
	}
}

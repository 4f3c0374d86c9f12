package sqldb

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"database/sql"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// FuzzStored reads a table in which anything stands, in columns that promise
// nothing, as SQLite lets it: values or findings, and the same row by row as at
// once.
func FuzzStored(f *testing.F) {
	for _, text := range []string{"", "1", "-0", "1e999", "2026-02-30", "true", "x'00'", "\x00", "\xff", "i1", "cn=a,dc=b", "9223372036854775808"} {
		f.Add([]byte(text), text, int64(1), 1.5)
		f.Add([]byte("\xff"+text), text, int64(-1<<63), -1e308)
	}
	dir := f.TempDir()
	owner, err := sql.Open("sqlite", filepath.Join(dir, "odd.db")+"?_pragma=busy_timeout(5000)&_pragma=synchronous(0)")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = owner.Close() })
	if _, err := owner.Exec(`CREATE TABLE odd (k, vstring TEXT, vint INTEGER, vfloat REAL, vbool BOOLEAN, vdate DATE, vtime DATETIME, vdn TEXT, vbinary BLOB)`); err != nil {
		f.Fatal(err)
	}
	system, err := Package().Open(context.Background(), connector.Settings{Dir: dir, Values: map[string]string{"driver": "sqlite", "file": "odd.db"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = system.Close() })
	shape := connector.Shape{Entity: "Odd", From: map[string]string{"table": "odd"}, Key: "k", Properties: []connector.Property{{Name: "k", Type: value.String}}}
	for _, t := range value.Types() {
		shape.Properties = append(shape.Properties, connector.Property{Name: "v" + string(t), Type: t})
	}
	f.Fuzz(func(t *testing.T, content []byte, text string, n int64, x float64) {
		if _, err := owner.Exec("DELETE FROM odd"); err != nil {
			t.Fatal(err)
		}
		all := []any{content, text, n, x}
		for i := range all {
			v := all[(i+1)%len(all)]
			if _, err := owner.Exec("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", all[i], v, v, v, v, v, v, v, v); err != nil {
				t.Fatal(err)
			}
		}
		whole, said, err := keysBy(t, system, shape, 100)
		if err != nil {
			return
		}
		single, saidSingly, err := keysBy(t, system, shape, 1)
		if err != nil || !slices.Equal(whole, single) {
			t.Fatalf("at once %q, row by row %q, %v", whole, single, err)
		}
		if len(whole) < len(all) && (said == 0 || saidSingly == 0) {
			t.Fatalf("%d of %d rows are read, and nobody is told: %q", len(whole), len(all), whole)
		}
	})
}

// keysBy reads everything, so many at a time, and counts what is said about it.
func keysBy(t *testing.T, system connector.System, shape connector.Shape, limit int) (keys []string, said int, err error) {
	t.Helper()
	req := connector.ReadRequest{Shape: shape, Limit: limit}
	for range 100 {
		page, err := system.Read(t.Context(), req)
		if err != nil {
			if kind := fault.KindOf(err); kind == fault.Internal || kind == "" {
				t.Fatalf("an error of kind %q: %v", kind, err)
			}
			return nil, 0, err
		}
		for _, o := range page.Objects {
			keys = append(keys, o.Key)
		}
		keys, said = append(keys, page.SetAside...), said+len(page.Findings)
		if req.Cursor = page.Cursor; req.Cursor == "" {
			return keys, said, nil
		}
	}
	t.Fatal("a reading of four rows does not end")
	return nil, 0, nil
}

package demo

import (
	"path/filepath"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/stage/declare"
)

func TestTheConfigurationLoadsWithoutAFinding(t *testing.T) {
	dir := laidDown(t, 10, 1)
	files, err := declare.ReadDir(filepath.Join(dir, ConfigFolder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := declare.Load(files, []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()}); err != nil {
		t.Errorf("%v", err)
	}
}

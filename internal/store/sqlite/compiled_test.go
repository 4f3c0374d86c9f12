package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"
	"testing"

	sqlite "modernc.org/sqlite"
)

func compiled(t *testing.T) *compiledConn {
	t.Helper()
	connector, err := sqlite.NewConnector(source(filepath.Join(t.TempDir(), "x.db"), true))
	if err != nil {
		t.Fatal(err)
	}
	c, err := compiler{Connector: connector}.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c.(*compiledConn)
}

// numbers reads the rows of a statement that selects whole numbers.
func numbers(t *testing.T, s driver.Stmt) (list []int64) {
	t.Helper()
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]driver.Value, 1)
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		list = append(list, row[0].(int64))
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return list
}

func TestAStatementIsCompiledOnceAndAgainOnlyWhileItRuns(t *testing.T) {
	c := compiled(t)
	prepare := func() *compiledStmt {
		s, err := c.PrepareContext(context.Background(), "SELECT value FROM json_each('[1, 2]')")
		if err != nil {
			t.Fatal(err)
		}
		return s.(*compiledStmt)
	}
	first, running := prepare(), prepare()
	if first.innerStmt == running.innerStmt {
		t.Fatal("one compiled statement is handed out twice at the same time")
	}
	kept := first.innerStmt
	for _, s := range []*compiledStmt{first, running} {
		if got := numbers(t, s); len(got) != 2 {
			t.Errorf("read %v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := prepare()
	if again.innerStmt != kept {
		t.Error("the statement was compiled again")
	}
	if got := numbers(t, again); len(got) != 2 {
		t.Errorf("the kept statement reads %v", got)
	}
	if err := errors.Join(again.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAKeptStatementSeesASchemaThatChanged(t *testing.T) {
	c := compiled(t)
	exec := func(text string) {
		s, err := c.Prepare(text)
		if err == nil {
			_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), nil)
			err = errors.Join(err, s.Close())
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("CREATE TABLE thing (n INTEGER)")
	for range 2 {
		exec("INSERT INTO thing DEFAULT VALUES")
		exec("ALTER TABLE thing ADD COLUMN more" + string(rune('a'+len(c.idle))) + " INTEGER")
	}
	s, err := c.Prepare("SELECT count(*) FROM thing")
	if err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, s); len(got) != 1 || got[0] != 2 {
		t.Errorf("%v rows", got)
	}
	if err := errors.Join(s.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
}

package postgresql

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAServerAnswersSurvivesAKillAndLeavesNothing(t *testing.T) {
	ctx := context.Background()
	s, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.CreateDatabase(ctx, `odd "name"`); err != nil {
		t.Fatal(err)
	}
	db := open(t, s.DSN("postgres"))
	if _, err := db.Exec("CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO kept VALUES (1)"); err != nil {
		t.Errorf("what was committed before the kill is gone: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

func TestAChosenFolderIsKeptAndUsedAgain(t *testing.T) {
	ctx := context.Background()
	parent, err := os.MkdirTemp("", "provisor-postgresql-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "server")
	for range 2 {
		s, err := Start(ctx, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, s.DSN("postgres")).Exec("CREATE TABLE IF NOT EXISTS kept (n int)"); err != nil {
			t.Error(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// The guard must work when Stop is never called: closing its pipe is what the
// kernel does when the caller dies.
func TestWhenTheCallerDiesTheGuardStopsTheServer(t *testing.T) {
	s, err := Start(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	s.guard.dismiss()
	select {
	case <-s.exited:
	case <-time.After(stopLimitSeconds * time.Second):
		t.Fatal("the server still runs")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	s := ForTest(t)
	_, err := Start(context.Background(), Options{Port: s.Port()})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want a word about the port", err)
	}
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

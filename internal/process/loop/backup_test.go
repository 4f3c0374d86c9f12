package loop_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

// held is every row of a store, by table. What a running server writes by itself
// (its jobs) does not matter.
func held(t *testing.T, db *sql.DB, tables string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, name := range column(t, db, tables) {
		if strings.HasPrefix(name, "sqlite_") {
			continue
		}
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM "`+name+`"`)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = texts(t, rows)
	}
	return all
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	list := texts(t, rows)
	for i, x := range list {
		list[i] = strings.Trim(x, "[]")
	}
	return list
}

// texts writes each row as one text.
func texts(t *testing.T, rows *sql.Rows) (list []string) {
	t.Helper()
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells, to := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(cells))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func same(t *testing.T, a, b map[string][]string) {
	t.Helper()
	rows := 0
	for name, list := range a {
		rows += len(list)
		if !slices.Equal(list, b[name]) {
			t.Errorf("table %s: %d rows, restored %d, or other ones", name, len(list), len(b[name]))
		}
	}
	if len(a) != len(b) || rows < 1000 {
		t.Errorf("%d tables with %d rows, restored %d tables", len(a), rows, len(b))
	}
}

const (
	sqliteTables   = `SELECT name FROM sqlite_master WHERE type = 'table'`
	postgresTables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
)

// restored is a new folder as an operator makes one: the files beside the copy.
func restored(t *testing.T, from, copied string) *loop.Engine {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	for _, folder := range []string{"config", "hr", "systems"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(from, folder))); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(copied)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, loop.StoreFile), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return again(t, loop.Options{Dir: dir, MustExist: true})
}

func TestWhatIsRestoredHoldsEveryRow(t *testing.T) {
	e := open(t, "")
	round(t, e)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := e.Backup(t.Context(), copied, "nightly"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the copy: %v %v", info.Mode(), err)
	}
	before := held(t, e.SQL(), sqliteTables)
	if err := e.Backup(t.Context(), copied, ""); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a copy over another: %v", err)
	}
	r := restored(t, e.Dir, copied)
	same(t, before, held(t, r.SQL(), sqliteTables))
	if _, err := r.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestABackUpInTheMiddleOfARoundGoesOnFromThere(t *testing.T) {
	e := open(t, "")
	ended := make(chan error, 1)
	go func() { _, err := e.Run(t.Context(), false); ended <- err }()
	var copies []string
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := e.Backup(t.Context(), copied, "in the middle"); err != nil {
				t.Fatal(err)
			}
			copies = append(copies, copied)
		}
	}
	if len(copies) < 2 {
		t.Fatalf("%d copies were taken while it ran", len(copies))
	}
	accounts := systems(t, e.Dir)
	for _, copied := range []string{copies[0], copies[len(copies)/2], copies[len(copies)-1]} {
		r := restored(t, e.Dir, copied)
		if _, err := r.VerifyJournal(t.Context()); err != nil {
			t.Error(err)
		}
		if c, err := r.Files(); err != nil || r.Deploy(t.Context(), c, "restored") != nil {
			t.Fatal(err)
		}
		round(t, r)
		if quiet := round(t, r); quiet.Generate.Orders != 0 {
			t.Errorf("the second round raised %d orders", quiet.Generate.Orders)
		}
		// The systems were written by then, after the copy was taken: nothing is
		// done to them twice.
		if now := systems(t, r.Dir); !slices.Equal(now, accounts) {
			t.Errorf("the CRM holds %d accounts, and held %d, or other ones", len(now), len(accounts))
		}
		page, err := r.Views().Orders(t.Context(), view.OrderFilter{States: []orders.State{orders.Errored, orders.Error}})
		if err != nil || len(page.Orders) > 0 {
			t.Errorf("orders stand in an error: %v %v", page.Orders, err)
		}
	}
}

// systems is what the CRM holds.
func systems(t *testing.T, dir string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "systems", "crm.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM accounts`)
	if err != nil {
		t.Fatal(err)
	}
	return texts(t, rows)
}

// commands of docs/operate, which a test reads there.
func TestPostgreSQLIsBackedUpAndRestoredAsThePageOnOperatingSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operate", "back-up.md"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("pg_dump"); err != nil {
		t.Skip("no pg_dump is installed: apt-get install postgresql-client")
	}
	s := postgresql.ForTest(t)
	for _, name := range []string{"kept", "restored"} {
		if err := s.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	e := open(t, s.DSN("kept"))
	round(t, e)
	if err := e.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), ""); fault.KindOf(err) != fault.Refused {
		t.Errorf("PostgreSQL is copied into a file: %v", err)
	}
	before := held(t, e.SQL(), postgresTables)
	dir := t.TempDir()
	for _, program := range []string{"pg_dump", "pg_restore"} {
		for line := range strings.Lines(string(page)) {
			if strings.HasPrefix(line, program+" ") {
				shell(t, dir, line, "PROVISOR_STORE="+s.DSN("kept"), "NEW_STORE="+s.DSN("restored"))
			}
		}
	}
	r := again(t, loop.Options{Dir: e.Dir, Store: s.DSN("restored")})
	same(t, before, held(t, r.SQL(), postgresTables))
	if _, err := r.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

func shell(t *testing.T, dir, line string, environment ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", line)
	c.Dir, c.Env = dir, append(os.Environ(), environment...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatal(errors.Join(err, errors.New(line+out.String())))
	}
}

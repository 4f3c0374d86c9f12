package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(ctx context.Context, path string) (*statement.DB, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	})
}

func open(t testing.TB, path string, o sqlite.Options) *statement.DB {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStoreInAFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *statement.DB {
		return open(t, filepath.Join(t.TempDir(), "with space", "provisor.db"), sqlite.Options{Careless: true})
	})
}

func TestStoreInMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *statement.DB { return open(t, sqlite.Memory, sqlite.Options{}) })
}

func TestAKillLeavesWholeActs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provisor.db")
	storetest.Killed(t, path, func(t *testing.T) *statement.DB { return open(t, path, sqlite.Options{}) })
}

func TestMigratingArrivesExactlyAtTheDeclaredSchema(t *testing.T) {
	store := open(t, sqlite.Memory, sqlite.Options{})
	defer store.Close()
	declared, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer declared.Close()
	declared.SetMaxOpenConns(1)
	text, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := declared.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	const everything = `SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_master
		WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite_sequence' AND tbl_name NOT LIKE 'goose%'`
	storetest.SameCatalog(t, storetest.Catalog(t, store.SQL(), everything), storetest.Catalog(t, declared, everything))
}

func TestAnotherProcessesLockIsRespectedAndEndsWithIt(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "provisor.db")
	first, second := open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})
	defer second.Close()
	if _, ok, err := first.Exclusive(ctx, "evaluate"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, ok, err := second.Exclusive(ctx, "evaluate"); ok || err != nil {
		t.Fatalf("held twice: %v, %v", ok, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := second.Exclusive(ctx, "evaluate"); !ok || err != nil {
		t.Fatalf("not free after its holder closed: %v, %v", ok, err)
	}
}

func TestAFileThatIsNoStoreSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	scrap, folder := filepath.Join(dir, "scrap.db"), filepath.Join(dir, "folder.db")
	if err := errors.Join(os.WriteFile(scrap, []byte(strings.Repeat("no database at all ", 300)), 0o600), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{scrap: "is no store of Provisor", folder: "cannot be opened"} {
		_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
		var told *fault.Error
		if !errors.As(err, &told) || !strings.Contains(err.Error(), want) || told.Do == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestABackupIsAStore(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	store := open(t, filepath.Join(dir, "provisor.db"), sqlite.Options{})
	defer store.Close()
	act := journal.Act{Actor: journal.Actor{Process: "test"}, Name: "try"}
	if err := store.AppendAct(ctx, act); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := store.Backup(ctx, copied); err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(ctx, copied); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a backup over a file: %v", err)
	}
	restored := open(t, copied, sqlite.Options{})
	defer restored.Close()
	if n, err := restored.VerifyJournal(ctx); n != 1 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestAStoreOfANewerReleaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provisor.db")
	store := open(t, path, sqlite.Options{})
	_, err := store.SQL().Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "newer release") {
		t.Errorf("a store of a newer release: %v", err)
	}
}

func TestCollectingIsOneIndexedLookUp(t *testing.T) {
	store := open(t, sqlite.Memory, sqlite.Options{})
	defer store.Close()
	plan := strings.Join(storetest.Plan(t, store.SQL(), `EXPLAIN QUERY PLAN SELECT assigned_resource FROM provisioning_order
		WHERE connector = 'a' AND connection = 'b' AND closed_at = 0 AND ready > 0 AND due_at <= 7 ORDER BY gated, id LIMIT 500`), "; ")
	if !strings.Contains(plan, "COVERING INDEX provisioning_order_collect") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("the plan is %s", plan)
	}
}

func TestTheListsOfWorkAreReadInTheirOrderThroughAnIndex(t *testing.T) {
	store := open(t, sqlite.Memory, sqlite.Options{})
	defer store.Close()
	const from = `EXPLAIN QUERY PLAN SELECT o.id FROM provisioning_order o JOIN assigned_resource a ON a.id = o.assigned_resource
		LEFT JOIN resource r ON r.entity = o.owner_type AND r.resource_key = o.owner_key WHERE o.closed_at = 0 AND `
	for query, index := range map[string]string{
		from + `(o.blocked > 0 OR o.errored > 0) AND o.id > 7 ORDER BY o.id LIMIT 51`:                                   "provisioning_order_review",
		from + `o.manual = 1 AND o.transmitted > 0 AND o.id > 7 ORDER BY o.id LIMIT 51`:                                 "provisioning_order_handed",
		`EXPLAIN QUERY PLAN SELECT id FROM request WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13) ORDER BY id LIMIT 51`: "request_waiting",
		`EXPLAIN QUERY PLAN SELECT owner_type, owner_key, parameters FROM assigned_role WHERE role = 'a' AND (owner_type, owner_key, parameters) > ('a', 'b', 'c')
			ORDER BY owner_type, owner_key, parameters LIMIT 51`: "assigned_role_role",
		`EXPLAIN QUERY PLAN SELECT count(*) FROM (SELECT 1 FROM resource WHERE entity = 'a' LIMIT 10001) AS counted`:                               "COVERING INDEX",
		`EXPLAIN QUERY PLAN SELECT count(*) FROM (SELECT 1 FROM assigned_resource WHERE type = 'a' AND state = 4 AND closed = 0 LIMIT 10001) AS c`: "assigned_resource_state",
	} {
		plan := strings.Join(storetest.Plan(t, store.SQL(), query), "; ")
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\n\tthe plan is %s", query, plan)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	store := open(b, filepath.Join(b.TempDir(), "provisor.db"), sqlite.Options{})
	defer store.Close()
	storetest.Speed(b, store, time.Now)
}

func BenchmarkSynchronized(b *testing.B) {
	store := open(b, filepath.Join(b.TempDir(), "provisor.db"), sqlite.Options{})
	defer store.Close()
	storetest.Synchronized(b, store, time.Now)
}

func TestTheStoreIsReadByItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provisor.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		about, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := about.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the rights %o", filepath.Base(name), mode)
		}
	}
}

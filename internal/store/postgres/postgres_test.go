package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/store/postgres"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(ctx context.Context, dsn string) (*statement.DB, error) {
		return postgres.Open(ctx, dsn, postgres.Options{})
	})
}

var databases atomic.Int64

// database makes an empty one and returns its address.
func database(t testing.TB) string {
	t.Helper()
	server := postgresql.ForTest(t)
	name := fmt.Sprintf("provisor_%d", databases.Add(1))
	if err := server.CreateDatabase(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	return server.DSN(name)
}

func open(t testing.TB, dsn string) *statement.DB {
	t.Helper()
	store, err := postgres.Open(context.Background(), dsn, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *statement.DB { return open(t, database(t)) })
}

func TestAKillLeavesWholeActs(t *testing.T) {
	dsn := database(t)
	storetest.Killed(t, dsn, func(t *testing.T) *statement.DB { return open(t, dsn) })
}

func TestMigratingArrivesExactlyAtTheDeclaredSchema(t *testing.T) {
	store := open(t, database(t))
	defer store.Close()
	declared, err := sql.Open("pgx", database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer declared.Close()
	text, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := declared.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	queries := []string{
		`SELECT table_name || '.' || column_name || ' ' || ordinal_position || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(collation_name, '')
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'`,
		`SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
			WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'goose%'`,
		`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'`,
		`SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal`,
		`SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
	}
	storetest.SameCatalog(t, storetest.Catalog(t, store.SQL(), queries...), storetest.Catalog(t, declared, queries...))
}

func TestJournalAndStepsCannotBeEmptied(t *testing.T) {
	store := open(t, database(t))
	defer store.Close()
	for _, table := range []string{"journal", "order_step"} {
		if _, err := store.SQL().Exec("TRUNCATE " + table); err == nil {
			t.Errorf("%s was emptied", table)
		}
	}
}

func TestAServerThatDoesNotAnswerIsUnavailable(t *testing.T) {
	_, err := postgres.Open(context.Background(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable", postgres.Options{})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func BenchmarkStore(b *testing.B) {
	store := open(b, database(b))
	defer store.Close()
	storetest.Speed(b, store, time.Now)
}

func BenchmarkSynchronized(b *testing.B) {
	store := open(b, database(b))
	defer store.Close()
	storetest.Synchronized(b, store, time.Now)
}

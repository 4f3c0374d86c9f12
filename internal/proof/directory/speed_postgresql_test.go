package directory

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/sqldb"
)

// BenchmarkS7 provisions people with one membership each into PostgreSQL with
// its default durability, from Pending to Verified, against clients that do the
// same operations (look up, add account and membership in one transaction, read
// both back). Each measurement has a database of its own.
func BenchmarkS7(b *testing.B) {
	server, err := postgresql.Start(b.Context(), postgresql.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			b.Error(err)
		}
	}()
	databases := 0
	fresh := func(b *testing.B) string {
		databases++
		name := fmt.Sprintf("finance%d", databases)
		if err := server.CreateDatabase(b.Context(), name); err != nil {
			b.Fatal(err)
		}
		return server.DSN(name)
	}
	for range b.N {
		contest(b,
			func(b *testing.B, n int) float64 { return provisorIntoPostgreSQL(b, fresh(b), n) },
			func(b *testing.B, n int) float64 { return bareIntoPostgreSQL(b, fresh(b), n, true) },
			func(b *testing.B, n int) float64 { return bareIntoPostgreSQL(b, fresh(b), n, false) })
	}
}

// tables are what both sides find.
const tables = `CREATE TABLE teams (code text PRIMARY KEY);
	CREATE TABLE accounts (login text PRIMARY KEY, name text NOT NULL);
	CREATE TABLE memberships (login text NOT NULL REFERENCES accounts (login), team text NOT NULL REFERENCES teams (code),
		PRIMARY KEY (login, team));
	INSERT INTO teams SELECT 'T' || generate_series(0, %d)`

func prepare(b *testing.B, dsn string) {
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(b.Context(), fmt.Sprintf(tables, groups-1)); err != nil {
		b.Fatal(err)
	}
}

func provisorIntoPostgreSQL(b *testing.B, dsn string, n int) float64 {
	prepare(b, dsn)
	c := &company{dir: b.TempDir(), people: n}
	c.layFiles(b)
	c.write(b, "config/all.yaml", c.postgresqlConfiguration(dsn))
	return fulfilled(b, c.dir, n, csvfile.Package(), sqldb.Package())
}

func (c *company) postgresqlConfiguration(dsn string) string {
	text := sourceConfiguration + fmt.Sprintf(`
  finance:
    connections:
      db: {package: sql, settings: {driver: postgres, dsn: "%s"}, limits: {concurrency: %d}}
    entities:
      Login:
        from: {connection: db, table: accounts}
        key: login
        properties:
          login: {type: string}
          name: {type: string}
          groups: {links: Group, table: memberships, owner: login, target: team}
      Group:
        from: {connection: db, table: teams}
        key: code
        properties: {code: {type: string}}
resourceTypes:
  Account:
    source: Person
    target: Login
    provisioning: {connection: db, enabled: true, review: false}
    correlate: [{source: "source.id", target: "target.login", confidence: 100}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "source.name"}
roles:
`, dsn, workers)
	return text + grants("code")
}

// bareIntoPostgreSQL writes the same rows with a client and nothing else; with
// reads it looks before and after, as Provisor does.
func bareIntoPostgreSQL(b *testing.B, dsn string, n int, reads bool) float64 {
	prepare(b, dsn)
	ctx := b.Context()
	return together(b, n, func() (func(int) error, func(), error) {
		conn, err := pgx.Connect(ctx, dsn)
		return func(i int) error { return writeRows(ctx, conn, i, reads) }, func() { _ = conn.Close(context.Background()) }, err
	})
}

func writeRows(ctx context.Context, conn *pgx.Conn, i int, reads bool) error {
	id, team := fmt.Sprintf("P%06d", i), fmt.Sprintf("T%d", i%groups)
	read := func(query string, wanted int) error {
		if !reads {
			return nil
		}
		rows, err := conn.Query(ctx, query, id)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err == nil && len(found) != wanted {
			err = fmt.Errorf("%d rows, not %d: %s", len(found), wanted, query)
		}
		return err
	}
	const account, membership = "SELECT login, name FROM accounts WHERE login = $1", "SELECT login, team FROM memberships WHERE login = $1"
	if err := read(account, 0); err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	if _, err := tx.Exec(ctx, "INSERT INTO accounts (login, name) VALUES ($1, $2)", id, "Person "+id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO memberships (login, team) VALUES ($1, $2)", id, team); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	if err := read(account, 1); err != nil {
		return err
	}
	return read(membership, 1)
}

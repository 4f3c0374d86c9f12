package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/internal/store/postgres"
	"provisor.dev/provisor/internal/store/statement"
)

// copied is a PostgreSQL database with the same rows, of which the server has made
// its statistics.
func copied(ctx context.Context, b *testing.B, from *statement.DB) *statement.DB {
	b.Helper()
	server, name := postgresql.ForTest(b), fmt.Sprintf("lists_%d", peopleAsked())
	if err := server.CreateDatabase(ctx, name); err != nil {
		b.Fatal(err)
	}
	store, err := postgres.Open(ctx, server.DSN(name), postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	columns, err := columnsOf(ctx, store.SQL())
	if err != nil {
		b.Fatal(err)
	}
	conn, err := store.SQL().Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		to := driver.(*stdlib.Conn).Conn()
		if _, err := to.Exec(ctx, "SET session_replication_role = replica"); err != nil { // no triggers, and no order among the tables
			return err
		}
		for table, names := range columns {
			if err := copyTable(ctx, from.SQL(), to, table, names); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		_, err := to.Exec(ctx, "RESET session_replication_role; ANALYZE")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return store
}

// columnsOf are the columns of Provisor's own tables.
func columnsOf(ctx context.Context, db *sql.DB) (map[string][]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT c.table_name, c.column_name FROM information_schema.columns c
		JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND t.table_name NOT LIKE 'goose%' ORDER BY c.ordinal_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], column)
	}
	return columns, rows.Err()
}

func copyTable(ctx context.Context, from *sql.DB, to *pgx.Conn, table string, columns []string) error {
	if _, err := to.Exec(ctx, "DELETE FROM "+table); err != nil { // what migrations laid
		return err
	}
	rows, err := from.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	_, err = to.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		return values, rows.Scan(into...)
	}))
	return err
}

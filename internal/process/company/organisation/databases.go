package organisation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver of the five systems

	"provisor.dev/provisor/value"
)

// rowsOfStatement is how many rows one statement inserts: beyond some dozens a
// row costs the same, and the variables of a statement are limited.
const rowsOfStatement = 64

// systemFile is where a system's database stands in the folder.
func systemFile(s *System) string { return "systems/" + s.ID + ".sqlite" }

func (s *System) schema() string {
	kinds := map[string]string{"string": "TEXT", "date": "TEXT", "int": "INTEGER", "bool": "INTEGER"}
	var columns []string
	for i, p := range s.properties {
		column := p.columnName() + " " + kinds[p.kind]
		if i == 0 {
			column += " PRIMARY KEY"
		}
		columns = append(columns, column)
	}
	return fmt.Sprintf("CREATE TABLE %s (%s);\nCREATE TABLE %s (code TEXT PRIMARY KEY, name TEXT);\n"+
		"CREATE TABLE %s (account TEXT, code TEXT, PRIMARY KEY (account, code)) WITHOUT ROWID;",
		s.Table, strings.Join(columns, ", "), s.Groups, s.Rows)
}

func (p property) columnName() string {
	if p.column != "" {
		return p.column
	}
	return p.name
}

// layDatabase makes a system's database: its groups and, where the systems are
// provisioned, its accounts with their links.
func (g *Organisation) layDatabase(ctx context.Context, dir string, system int, written func(int)) (err error) {
	s := &g.systems[system]
	path := filepath.Join(dir, filepath.FromSlash(systemFile(s)))
	// Nobody else has the file yet, and half of one is thrown away: no journal, no waiting for the disk.
	address := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=synchronous(OFF)&_pragma=journal_mode(OFF)&_pragma=cache_size(-65536)"
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := g.fill(tx, system, written); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.ID, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// For its life as an application's: who reads does not wait for who writes.
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode=WAL")
	return err
}

func (g *Organisation) fill(tx *sql.Tx, system int, written func(int)) error {
	s := &g.systems[system]
	if _, err := tx.Exec(s.schema()); err != nil {
		return err
	}
	groups, accounts, links := into(tx, s.Groups, 2), into(tx, s.Table, len(s.properties)), into(tx, s.Rows, 2)
	for _, role := range g.catalog.roles {
		if role.System == system {
			groups.put(role.ID, role.Name)
		}
	}
	row := make([]any, len(s.properties))
	count := 0
	g.each(system, func(a *account) bool {
		for i, v := range a.values {
			row[i] = column(v)
		}
		accounts.put(row...)
		for _, code := range a.links {
			links.put(row[0], code)
		}
		if count++; count%progressEvery == 0 {
			written(count)
		}
		return accounts.err == nil && links.err == nil
	})
	return errors.Join(groups.end(), accounts.end(), links.end())
}

// column is a value as SQLite keeps it.
func column(v value.Value) any {
	switch v.Type() {
	case value.Int:
		return v.Int()
	case value.Bool:
		if v.Bool() {
			return int64(1)
		}
		return int64(0)
	}
	if v.IsNull() {
		return nil
	}
	return v.Text()
}

// An inserter gathers rows, writes many in one statement, and keeps its first error.
type inserter struct {
	tx      *sql.Tx
	table   string
	columns int
	many    *sql.Stmt // rowsOfStatement rows
	values  []any
	err     error
}

func into(tx *sql.Tx, table string, columns int) *inserter {
	in := &inserter{tx: tx, table: table, columns: columns}
	in.many, in.err = tx.Prepare(in.statement(rowsOfStatement))
	return in
}

func (in *inserter) statement(rows int) string {
	row := "(" + strings.Repeat("?,", in.columns-1) + "?)"
	return "INSERT INTO " + in.table + " VALUES " + strings.Repeat(row+",", rows-1) + row
}

func (in *inserter) put(values ...any) {
	in.values = append(in.values, values...)
	if in.err == nil && len(in.values) == rowsOfStatement*in.columns {
		_, in.err = in.many.Exec(in.values...)
		in.values = in.values[:0]
	}
}

// end writes what is left.
func (in *inserter) end() error {
	if in.err == nil && len(in.values) > 0 {
		_, in.err = in.tx.Exec(in.statement(len(in.values)/in.columns), in.values...)
	}
	return in.err
}

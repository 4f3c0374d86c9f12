// Package postgres opens the store on a PostgreSQL server, for installations
// with several servers.
//
// It promises what the embedded store promises: the same statements, the same
// guards, the same acts. Servers may share it: writers of the same rows wait
// for each other, and whoever comes second with an old version is refused. The
// callers are process, and tests.
//
// A crash of a server leaves whole acts; its exclusive locks end with its
// connections. Migrating is serialised by a lock, so that several servers may
// start at once.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"hash/fnv"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/store/statement"
)

// connections bounds what one server takes of the database's 100 by default,
// so that several servers and an administrator find room.
const connections = 20

//go:embed migrations/*.sql
var migrations embed.FS

// Options say how a store is opened.
type Options struct {
	// Triples are the legal moves; nil: those of the transition table.
	Triples []orders.Triple
}

// Open opens the store in a database and brings it to the present schema. The
// user must own the database's public schema.
func Open(ctx context.Context, dsn string, o Options) (*statement.DB, error) {
	const op = "open the store on PostgreSQL" // the address may hold a password
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		e := &fault.Error{Kind: fault.Unavailable, Op: op, Err: errors.Join(err, db.Close())}
		e.Do = "check that the server runs and that the address and the user's rights are right"
		return nil, e
	}
	if err := migrate(ctx, db); err != nil {
		if fault.KindOf(err) == fault.Refused {
			return nil, errors.Join(err, db.Close())
		}
		return nil, fault.Wrap(fault.Internal, op, errors.Join(err, db.Close()))
	}
	if o.Triples == nil {
		o.Triples = orders.Triples()
	}
	return statement.New(ctx, db, dialect(), o.Triples)
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	return statement.Migrate(ctx, provider)
}

func dialect() statement.Dialect {
	return statement.Dialect{
		Name:  "PostgreSQL",
		Lock:  " FOR UPDATE",
		Texts: func(p string) string { return `SELECT e FROM jsonb_array_elements_text(CAST(` + p + ` AS jsonb)) e` },
		Numbers: func(p string) string {
			return `SELECT CAST(e AS bigint) FROM jsonb_array_elements_text(CAST(` + p + ` AS jsonb)) e`
		},
		Pairs: func(p string) string {
			return `SELECT e->>0, e->>1 FROM jsonb_array_elements(CAST(` + p + ` AS jsonb)) e`
		},
		Fault: kind,
		Again: rolledBack,
		Rows:  []int{200, 20, 1}, // 22 columns of 200 rows stay far below the protocol's 65,535 values
		// What several questions are to see is one state of the database.
		Snapshot:  sql.LevelRepeatableRead,
		Exclusive: exclusive,
	}
}

// exclusive takes an advisory lock on a connection of its own: it ends with the
// connection, hence with the process.
func exclusive(ctx context.Context, db *sql.DB, name string) (release func() error, ok bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("provisor " + name)) // a hash never fails
	key := int64(h.Sum64())                    // #nosec G115 -- bits of a hash, which name a lock
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&ok); err != nil || !ok {
		return nil, false, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, key)
		return errors.Join(err, conn.Close())
	}, true, nil
}

// SQLSTATE classes and codes that mean something to the caller.
const (
	uniqueViolation   = "23505"
	classIntegrity    = "23" // constraints, and the triggers of the guards
	classRollback     = "40" // deadlock, serialization
	completionUnknown = "40003"
	classConnection   = "08"
	classInsufficient = "53" // too many connections, disk full
	classOperator     = "57" // the server shuts down
)

// rolledBack reports a deadlock or a serialization failure.
func rolledBack(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.HasPrefix(e.Code, classRollback) && e.Code != completionUnknown
}

// kind says what an error of the driver means.
func kind(err error) fault.Kind {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		var broken *pgconn.ConnectError
		if errors.As(err, &broken) {
			return fault.Unavailable
		}
		return fault.KindOf(err)
	}
	switch {
	case e.Code == uniqueViolation:
		return fault.Conflict
	case strings.HasPrefix(e.Code, classIntegrity):
		return fault.Refused
	case strings.HasPrefix(e.Code, classRollback), strings.HasPrefix(e.Code, classConnection),
		strings.HasPrefix(e.Code, classInsufficient), strings.HasPrefix(e.Code, classOperator):
		return fault.Unavailable
	}
	return fault.Internal
}

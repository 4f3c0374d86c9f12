// Package sqlite opens the embedded store: one file that needs no server.
//
// It promises a store that is consistent after kill -9 and after a power cut:
// each act waits until the disk has it, so neither takes back what was
// confirmed. An order is on the disk as transmitted before it is sent. One
// writer works at a time; readers never wait for it. The callers are process, and tests that want a store.
//
// A crash leaves the file and its log; the next opening goes on from them. The
// lock files beside it stay and mean nothing: the lock dies with its holder.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/store/statement"
)

const (
	// busyMilliseconds is how long a command waits for the act of another
	// process, such as a running server's piece of a reading.
	busyMilliseconds = 20_000
	// connections bounds readers; each holds a page cache of its own.
	connections = 8
	// cacheKibibytes of pages stay in memory per connection.
	cacheKibibytes = 32 << 10
	// checkpointPages go into the log before they are copied into the file, 64 MB:
	// pages that are written again and again are then copied once.
	checkpointPages = 16 << 10
	// Memory as the path is a store that dies with its process.
	Memory = ":memory:"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say how a store is opened.
type Options struct {
	// Careless lets the operating system write when it likes: twice as fast, and a
	// power cut may destroy the file. For tests, simulations and demonstrations.
	Careless bool
	// Triples are the legal moves; nil: those of the transition table.
	Triples []orders.Triple
	// BeforeAct is called before each transaction that may write, and what it
	// returns is the transaction's error. Simulations end the process there. May be nil.
	BeforeAct func() error
}

// Open opens the store in a file, makes it where there is none, and brings it to
// the present schema.
func Open(ctx context.Context, path string, o Options) (*statement.DB, error) {
	op := "open the store " + path
	if path != Memory {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fault.Wrap(fault.Internal, op, err)
		}
		// It holds people's data: nobody else reads it. The files beside it take
		// the same rights. That it cannot be made says the driver, better. A file
		// that is there is not touched: closing it would give up the locks of whoever
		// has it open in this process.
		if file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err == nil { // #nosec G304 -- the store, which the administrator names, for its owner alone
			_ = file.Close() // nothing was written
		}
	}
	connector, err := driver.NewConnector(source(path, o.Careless))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	db := sql.OpenDB(compiler{connector, o.BeforeAct})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if path == Memory {
		db.SetMaxOpenConns(1) // each connection would be another store
		db.SetConnMaxIdleTime(0)
	}
	if err := migrate(ctx, db); err != nil {
		return nil, unusable(op, errors.Join(err, db.Close()))
	}
	if o.Triples == nil {
		o.Triples = orders.Triples()
	}
	return statement.New(ctx, db, dialect(path), o.Triples)
}

// unusable is an error of opening, with what to do about those that the file's
// surroundings cause.
func unusable(op string, err error) error {
	if fault.KindOf(err) == fault.Refused {
		return err // it says what to do
	}
	told := &fault.Error{Op: op, Err: err}
	var e *driver.Error
	if !errors.As(err, &e) {
		return told
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_READONLY:
		told.Msg, told.Do = "it cannot be written", "run as the user who owns the file and its folder, or give this one the right to write both"
	case codes.SQLITE_CANTOPEN:
		told.Msg, told.Do = "it cannot be opened", "look whether it is a file, and whether this user may read and write it and its folder"
	case codes.SQLITE_NOTADB, codes.SQLITE_CORRUPT:
		told.Msg, told.Do = "the file is no store of Provisor, or is damaged", "name another folder with --dir, or put a back-up in its place"
	case codes.SQLITE_FULL, codes.SQLITE_IOERR:
		told.Msg, told.Do = "the disk does not take it", "look at the free space and the health of the disk"
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		told.Kind, told.Msg, told.Do = fault.Unavailable, "another process keeps it to itself", "try again when that is through"
	}
	return told
}

// source is the driver's address of the file. Pragmas stand here, so that every
// connection of the pool has them.
func source(path string, careless bool) string {
	synchronous := "FULL"
	if careless {
		synchronous = "OFF"
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyMilliseconds), "journal_mode(WAL)", "foreign_keys(1)", fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		"synchronous(" + synchronous + ")", fmt.Sprintf("cache_size(-%d)", cacheKibibytes), "temp_store(MEMORY)",
	}}
	if path == Memory {
		return "file::memory:?" + q.Encode()
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	return statement.Migrate(ctx, provider)
}

var placeholder = regexp.MustCompile(`\$([0-9])`)

func dialect(path string) statement.Dialect {
	d := statement.Dialect{
		Name: "SQLite",
		// Numbered placeholders are positions; $1 would be a name.
		Rewrite: func(query string) string { return placeholder.ReplaceAllString(query, "?$1") },
		Texts:   func(p string) string { return "SELECT value FROM json_each(" + p + ")" },
		Numbers: func(p string) string { return "SELECT value FROM json_each(" + p + ")" },
		Pairs: func(p string) string {
			return "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(" + p + ")"
		},
		Fault:     kind,
		Again:     busy,
		Rows:      []int{30, 5, 1},
		OneWriter: true,
		Backup:    backup,
	}
	locks := &locks{path: path}
	d.Exclusive, d.Closed = locks.take, locks.releaseAll
	return d
}

// backup copies the store into a new file, for its owner alone, and waits until the
// disk has it: the database itself does not.
func backup(ctx context.Context, db *sql.DB, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // #nosec G304 -- the copy that the administrator asks for, for its owner alone
	if errors.Is(err, fs.ErrExist) {
		return &fault.Error{Kind: fault.Conflict, Op: "back up", Msg: to + " exists already", Do: "name a new file"}
	}
	if err != nil {
		return &fault.Error{Kind: fault.Invalid, Op: "back up", Msg: "the file cannot be made", Do: "name a file in a folder that this user may write", Err: err}
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?1", to)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(to)) // half a copy is taken for a whole one some day
	}
	return err
}

// busy reports whether another process had the file for too long.
func busy(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && (e.Code()&0xff == codes.SQLITE_BUSY || e.Code()&0xff == codes.SQLITE_LOCKED)
}

// kind says what an error of the driver means.
func kind(err error) fault.Kind {
	var e *driver.Error
	if !errors.As(err, &e) {
		return fault.KindOf(err)
	}
	switch e.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
		return fault.Conflict
	}
	switch {
	case busy(err):
		return fault.Unavailable
	case e.Code()&0xff == codes.SQLITE_CONSTRAINT:
		return fault.Refused
	}
	return fault.Internal
}

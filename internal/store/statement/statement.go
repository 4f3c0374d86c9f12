// Package statement keeps everything that Provisor knows in a database, with
// statements that are written once and run on SQLite and PostgreSQL alike.
//
// It promises that one method is one act: one transaction, together with the
// act's entry in the journal. No transaction leaves the package. What the code
// must not do, the database refuses as well: moves that the transition table
// does not have, a step that does not follow the last, two open orders for one
// assigned resource, a journal that is edited.
//
// The stages call it through the few methods that each of them declares, the
// surfaces through package view. Packages sqlite and postgres open it.
//
// A crash leaves whole acts behind, never halves. The one act that spans
// several transactions is a large reading: before its completion is written
// nobody sees anything of it, afterwards the stages see all of it (pieces.go).
package statement

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/schema"
)

const (
	// attemptsOnContention is how often an act is tried when the database gives up
	// on it because of others. Acts write in one order, so that this is rare.
	attemptsOnContention = 5
	// pauseMilliseconds, times the attempts so far, is waited before the next one.
	pauseMilliseconds = 20
	// keptStatements stay prepared on each connection. The statements that write
	// are fewer; some queries are put together, and those must not pile up.
	keptStatements = 200
)

// DB is the store. Its methods may be called from several goroutines.
type DB struct {
	db      *sql.DB
	dialect Dialect
	gate    turnstile
	texts   sync.Map // statement as written -> statement as the database wants it
	kept    sync.Map // statement as the database wants it -> *sql.Stmt
	keeping atomic.Int64
}

// New returns the store over an opened, migrated database, after seeding the
// guard with the legal moves. Packages sqlite and postgres call it.
func New(ctx context.Context, db *sql.DB, dialect Dialect, triples []orders.Triple) (*DB, error) {
	store := &DB{db: db, dialect: dialect}
	if err := store.seed(ctx, triples); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}

// seed adds the moves that are missing. Moves that an earlier release knew stay:
// old steps point at them; the function refuses them.
func (db *DB) seed(ctx context.Context, triples []orders.Triple) error {
	return db.write(ctx, "seed transitions", true, func(s *session) error {
		known := map[orders.Triple]bool{}
		err := s.each(ctx, `SELECT from_place, event, to_place FROM order_transition`, nil, func(r *sql.Rows) error {
			var from, event, to string
			if err := r.Scan(&from, &event, &to); err != nil {
				return err
			}
			f, _ := orders.ParsePlace(from) // a place of an earlier release matches no present one
			t, _ := orders.ParsePlace(to)
			known[orders.Triple{From: f, Event: orders.Event(event), To: t}] = true
			return nil
		})
		if err != nil {
			return err
		}
		batch := newBatch(transitionTable)
		for _, t := range triples {
			if !known[t] {
				batch.add(t.From.String(), string(t.Event), t.To.String())
			}
		}
		_, err = s.insert(ctx, batch)
		return err
	})
}

var transitionTable = &table{
	name: "order_transition", columns: []string{"from_place", "event", "to_place"},
	conflict: "ON CONFLICT DO NOTHING",
}

// Close releases the database.
func (db *DB) Close() error {
	err := db.db.Close()
	if db.dialect.Closed != nil {
		err = errors.Join(err, db.dialect.Closed())
	}
	return err
}

// SQL returns the database beneath, for the suite that attacks the guards and
// for the job engine, whose tables are its own.
func (db *DB) SQL() *sql.DB { return db.db }

// Statements lists the statements that were run so far, as the database has them,
// for the test that looks at how the database goes about them.
func (db *DB) Statements() (list []string) {
	db.texts.Range(func(_, text any) bool {
		list = append(list, text.(string))
		return true
	})
	return list
}

// Backup writes a consistent copy of the store to a file that must not exist.
// PostgreSQL has tools of its own for that: there it is refused.
func (db *DB) Backup(ctx context.Context, path string) error {
	if err := db.BackupPossible(); err != nil {
		return err
	}
	return db.failed("back up", db.dialect.Backup(ctx, db.db, path))
}

// BackupPossible says what to do instead where the store is no file.
func (db *DB) BackupPossible() error {
	if db.dialect.Backup != nil {
		return nil
	}
	e := fault.New(fault.Refused, "back up", "the store on %s is not a file", db.dialect.Name)
	e.Do = "use the database's own tools: pg_dump --format=custom --file=FILE ADDRESS"
	return e
}

// Exclusive takes a named lock that one process at a time can hold; ok is false
// when somebody else has it. It is released when the process dies.
func (db *DB) Exclusive(ctx context.Context, name string) (release func() error, ok bool, err error) {
	release, ok, err = db.dialect.Exclusive(ctx, db.db, name)
	return release, ok, db.failed("lock "+name, err)
}

// write runs one transaction that changes something, again when the database
// gave up on it because of others. do must therefore be repeatable.
func (db *DB) write(ctx context.Context, op string, bulk bool, do func(*session) error) error {
	if db.dialect.OneWriter {
		if err := db.gate.enter(ctx, bulk); err != nil {
			return db.failed(op, err)
		}
		defer db.gate.leave()
	}
	var err error
	for attempt := range attemptsOnContention {
		if attempt > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(attempt) * pauseMilliseconds * time.Millisecond):
			}
		}
		if err = db.once(ctx, do); err == nil || !db.dialect.Again(err) || ctx.Err() != nil {
			break
		}
	}
	return db.failed(op, err)
}

func (db *DB) once(ctx context.Context, do func(*session) error) error {
	tx, err := db.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	s := &session{run: tx, tx: tx, db: db}
	if err := do(s); err != nil {
		s.close()
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	s.close()
	if err := tx.Commit(); err != nil {
		return err
	}
	for text := range s.prepared {
		db.keep(ctx, text)
	}
	return nil
}

// keep prepares a statement for the transactions to come. That needs a
// connection, so it is done when the transaction has given its own back: waiting
// for one inside could wait for ever.
func (db *DB) keep(ctx context.Context, text string) {
	if _, known := db.kept.Load(text); known || db.keeping.Load() >= keptStatements {
		return
	}
	stmt, err := db.db.PrepareContext(ctx, text)
	if err != nil {
		return // the next transaction prepares it for itself
	}
	if _, known := db.kept.LoadOrStore(text, stmt); known {
		_ = stmt.Close() // somebody else was quicker
		return
	}
	db.keeping.Add(1)
}

// snapshot runs several questions against one state of the database.
func (db *DB) snapshot(ctx context.Context, op string, do func(*session) error) error {
	tx, err := db.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.Snapshot})
	if err != nil {
		return db.failed(op, err)
	}
	err = do(&session{run: tx, db: db})
	return db.failed(op, errors.Join(err, ignoreDone(tx.Rollback())))
}

// read runs one question.
func (db *DB) read() *session { return &session{run: db.db, db: db} }

// failed gives an error of the database a kind and the name of the act; errors
// that have a kind already keep it.
func (db *DB) failed(op string, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	}
	return fault.Wrap(db.dialect.Fault(err), op, err)
}

// ignoreDone drops the error of a rollback after the context already caused one.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// runner is a database, or a transaction on it.
type runner interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A session runs statements, in or outside a transaction that writes.
type session struct {
	run      runner
	tx       *sql.Tx // nil outside
	db       *DB
	prepared map[string]*sql.Stmt // by the text as the database wants it
}

// prepare returns a statement for the rest of the transaction.
func (s *session) prepare(ctx context.Context, text string) (stmt *sql.Stmt, err error) {
	if stmt, ok := s.prepared[text]; ok {
		return stmt, nil
	}
	if kept, ok := s.db.kept.Load(text); ok {
		stmt = s.tx.StmtContext(ctx, kept.(*sql.Stmt))
	} else if stmt, err = s.tx.PrepareContext(ctx, text); err != nil {
		return nil, err
	}
	if s.prepared == nil {
		s.prepared = map[string]*sql.Stmt{}
	}
	s.prepared[text] = stmt
	return stmt, nil
}

// close ends the transaction's use of its statements.
func (s *session) close() {
	for _, stmt := range s.prepared {
		_ = stmt.Close() // it dies with the transaction anyway
	}
}

func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := s.prepare(ctx, s.db.text(query))
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a query, with a kept statement where the session writes.
func (s *session) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if s.tx == nil {
		return s.run.QueryContext(ctx, text, args...)
	}
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// each calls scan for every row and closes the result.
func (s *session) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := s.query(ctx, s.db.text(query), args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads the first row; found is false when there is none.
func (s *session) one(ctx context.Context, query string, args []any, dest ...any) (found bool, err error) {
	err = s.each(ctx, query, args, func(r *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	})
	return found, err
}

// text returns the statement as the database wants it.
func (db *DB) text(query string) string {
	if db.dialect.Rewrite == nil {
		return query
	}
	if known, ok := db.texts.Load(query); ok {
		return known.(string)
	}
	rewritten := db.dialect.Rewrite(query)
	db.texts.Store(query, rewritten)
	return rewritten
}

// Times are kept as Unix nanoseconds, which end in 2262. Periods go on until
// 9999, which many systems write for what has no end: beyond, days are counted
// back from the end of the range, so that times keep their order.
const daysBeyond = 3_000_000

var (
	lastDay  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / int64(schema.Day/time.Second)
	lastNano = int64(math.MaxInt64 - daysBeyond)
)

// nanos is how times are kept: Unix nanoseconds, 0 for none.
func nanos(t time.Time) int64 {
	if t.After(time.Unix(0, lastNano)) {
		return math.MaxInt64 - max(0, lastDay-t.Unix()/int64(schema.Day/time.Second))
	}
	return int64(orders.At(t))
}

// instant reads what nanos wrote.
func instant(n int64) time.Time {
	if n > lastNano {
		return time.Unix((lastDay-(math.MaxInt64-n))*int64(schema.Day/time.Second), 0).UTC()
	}
	return orders.Instant(n).Time()
}

// flag is how truth is kept in both databases.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// conditions collects the parts of a WHERE clause and their arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition whose %s stands for the argument's placeholder.
func (c *conditions) add(format string, arg any) {
	c.args = append(c.args, arg)
	place := fmt.Sprintf("$%d", len(c.args))
	c.parts = append(c.parts, strings.ReplaceAll(format, "%s", place))
}

// say appends a condition without an argument.
func (c *conditions) say(text string) { c.parts = append(c.parts, text) }

// among appends: the column is one of a list that the dialect unfolds.
func (c *conditions) among(column string, list func(param string) string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, column+" IN ("+list(fmt.Sprintf("$%d", len(c.args)))+")")
}

// oneOf appends: the column is one of these; nil says nothing. What is one alone is
// compared with it, so that an index behind it keeps the order.
func oneOf[T any](c *conditions, column string, list func(param string) string, of []T, arg func(T) any) {
	switch {
	case of == nil:
	case len(of) == 0: // said so that nothing is looked through
		c.say("1 = 0")
	case len(of) == 1:
		c.add(column+" = %s", arg(of[0]))
	default:
		args := make([]any, len(of))
		for i, x := range of {
			args[i] = arg(x)
		}
		c.among(column, list, listOf(args))
	}
}

// limit returns the placeholder of a row limit.
func (c *conditions) limit(n int) string {
	c.args = append(c.args, n)
	return fmt.Sprintf(" LIMIT $%d", len(c.args))
}

// take renders the clause of a part of a statement, and begins anew behind its arguments.
func (c *conditions) take() string {
	text := c.where()
	c.parts = nil
	return text
}

// where renders the clause, empty when there are no conditions.
func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

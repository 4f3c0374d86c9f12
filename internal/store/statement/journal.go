package statement

import (
	"context"
	"database/sql"
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
)

// journalPage is how many entries are held in memory while the chain is checked.
const journalPage = 5000

const selectJournal = `SELECT seq, at, process, behalf, name, subject, why, detail, prev, hash FROM journal`

// act runs one act: do, then the act's journal entry, in one transaction. The
// entry comes last, so that the head of the chain is locked for a moment only.
func (db *DB) act(ctx context.Context, act journal.Act, bulk bool, do func(*session) error) error {
	return db.write(ctx, act.Name, bulk, func(s *session) error {
		if err := do(s); err != nil {
			return err
		}
		return s.journal(ctx, act)
	})
}

// journal appends the act to the chain.
func (s *session) journal(ctx context.Context, act journal.Act) error {
	if act.Name == "" || act.Actor.String() == "" {
		return fault.New(fault.Invalid, "journal", "an act needs a name and an actor, got %q by %q", act.Name, act.Actor)
	}
	var prev journal.Entry
	if _, err := s.exec(ctx, `UPDATE journal_head SET seq = seq + 1 WHERE id = 1`); err != nil {
		return err
	}
	if _, err := s.one(ctx, `SELECT seq - 1, hash FROM journal_head WHERE id = 1`, nil, &prev.Seq, &prev.Hash); err != nil {
		return err
	}
	e, err := journal.Next(prev, act)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO journal (seq, at, process, behalf, name, subject, why, detail, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.Seq, nanos(e.At), e.Actor.Process, e.Actor.As, e.Name, e.Subject, e.Why, string(e.Detail), e.Prev, e.Hash)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `UPDATE journal_head SET hash = $1 WHERE id = 1`, e.Hash)
	return err
}

func scanEntry(r *sql.Rows) (e journal.Entry, err error) {
	var at int64
	var detail string
	err = r.Scan(&e.Seq, &at, &e.Actor.Process, &e.Actor.As, &e.Name, &e.Subject, &e.Why, &detail, &e.Prev, &e.Hash)
	e.At = instant(at)
	if detail != "" {
		e.Detail = []byte(detail)
	}
	return e, err
}

// AppendAct writes an act that has no other effect on the store.
func (db *DB) AppendAct(ctx context.Context, act journal.Act) error {
	return db.act(ctx, act, false, func(*session) error { return nil })
}

// Journal returns entries in the order of the chain, beginning after a number.
func (db *DB) Journal(ctx context.Context, after int64, limit int) ([]journal.Entry, error) {
	var entries []journal.Entry
	err := db.read().each(ctx, selectJournal+` WHERE seq > $1 ORDER BY seq LIMIT $2`, []any{after, limit},
		func(r *sql.Rows) error {
			e, err := scanEntry(r)
			entries = append(entries, e)
			return err
		})
	return entries, db.failed("read journal", err)
}

// VerifyJournal checks the whole chain and returns how many entries hold. The
// error names the first bad entry. Entries cut off at the end are found too:
// the head of the chain is kept apart.
func (db *DB) VerifyJournal(ctx context.Context) (entries int64, err error) {
	var head journal.Entry
	if _, err := db.read().one(ctx, `SELECT seq, hash FROM journal_head WHERE id = 1`, nil, &head.Seq, &head.Hash); err != nil {
		return 0, db.failed("verify journal", err)
	}
	var prev, atHead journal.Entry
	for {
		page, err := db.Journal(ctx, prev.Seq, journalPage)
		if err != nil {
			return entries, err
		}
		for _, e := range page {
			if err := e.Check(prev); err != nil {
				return entries, fault.Wrap(fault.Conflict, "verify journal", err)
			}
			prev = e
			entries++
			if e.Seq == head.Seq {
				atHead = e
			}
		}
		if len(page) < journalPage {
			break
		}
	}
	if atHead.Seq != head.Seq || atHead.Hash != head.Hash {
		return entries, fault.Wrap(fault.Conflict, "verify journal",
			fmt.Errorf("the chain should reach entry %d and ends at %d: entries are missing or were replaced", head.Seq, prev.Seq))
	}
	return entries, nil
}

// ChangeCounter returns a number that every act raises: a process compares it
// before it uses what it holds in memory.
func (db *DB) ChangeCounter(ctx context.Context) (int64, error) {
	var n int64
	_, err := db.read().one(ctx, `SELECT seq FROM journal_head WHERE id = 1`, nil, &n)
	return n, db.failed("read change counter", err)
}

// Reserve takes n numbers of a counter and returns the first. Numbers that are
// not used leave gaps; none is ever given twice.
func (db *DB) Reserve(ctx context.Context, counter string, n int) (first int64, err error) {
	if n < 1 {
		return 0, fault.New(fault.Invalid, "reserve "+counter, "%d numbers were asked for", n)
	}
	err = db.write(ctx, "reserve "+counter, false, func(s *session) error {
		first, err = s.reserve(ctx, counter, n)
		return err
	})
	return first, err
}

func (s *session) reserve(ctx context.Context, counter string, n int) (int64, error) {
	var last int64
	_, err := s.one(ctx, `INSERT INTO counter (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value`,
		[]any{counter, n}, &last)
	return last - int64(n) + 1, err
}

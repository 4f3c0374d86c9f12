package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

const selectReading = `SELECT id, connector, entity, began_at, ended_at, complete, state, counts, findings, why FROM reading`

var (
	findingTable  = &table{name: "reading_finding", columns: []string{"reading", "ordinal", "finding"}}
	setAsideTable = &table{
		name: "reading_set_aside", columns: []string{"reading", "resource_key"},
		conflict: "ON CONFLICT DO NOTHING",
	}
)

func scanReading(r *sql.Rows) (reading resources.Reading, err error) {
	var began, ended int64
	var complete int
	var counts []byte
	err = r.Scan(&reading.ID, &reading.Connector, &reading.Entity, &began, &ended, &complete, &reading.State, &counts, &reading.Findings, &reading.Why)
	if err != nil {
		return reading, err
	}
	reading.Began, reading.Ended, reading.Complete = instant(began), instant(ended), complete == 1
	return reading, json.Unmarshal(counts, &reading.Counts)
}

// BeginReading gives a reading its number. A reading of the same entity type
// that still runs belongs to a process that died: it is marked failed, and what
// it had written is thrown away. One that was committed is folded to its end.
func (db *DB) BeginReading(ctx context.Context, r resources.Reading) (id resources.ReadingID, err error) {
	if err := db.fold(ctx, r.Entity); err != nil {
		return 0, err
	}
	err = db.write(ctx, "begin reading", false, func(s *session) error {
		n, err := s.reserve(ctx, "reading", 1)
		if err != nil {
			return err
		}
		id = resources.ReadingID(n)
		_, err = s.exec(ctx, `UPDATE reading SET state = $1, ended_at = $2, why = $3 WHERE entity = $4 AND state = $5`,
			resources.Failed, nanos(r.Began), "the process that read ended before it had finished", r.Entity, resources.Running)
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, `INSERT INTO reading (id, connector, entity, began_at, ended_at, complete, state, counts, findings, why)
			VALUES ($1, $2, $3, $4, 0, $5, $6, '{}', 0, '')`,
			n, r.Connector, r.Entity, nanos(r.Began), flag(r.Complete), resources.Running)
		return err
	})
	if err != nil {
		return 0, err
	}
	return id, db.discard(ctx, r.Entity)
}

// CommitReading writes what a reading changed and that it is committed. A large
// one is written in pieces that nobody sees before its completion (pieces.go).
func (db *DB) CommitReading(ctx context.Context, act journal.Act, r resources.Reading, changes Changes) error {
	large := len(changes.Put)+len(changes.Remove) > pieceRows
	if large {
		if err := db.setOut(ctx, act, r, changes); err != nil {
			return err
		}
	}
	r.State = resources.Committed
	err := db.act(ctx, act, true, func(s *session) error {
		if large {
			if _, err := s.exec(ctx, `INSERT INTO reading_folding (entity, reading) VALUES ($1, $2)`, r.Entity, int64(r.ID)); err != nil {
				return err
			}
		} else {
			if err := s.remove(ctx, r.Entity, changes.Remove, orders.At(act.At)); err != nil {
				return err
			}
			if err := s.put(ctx, r.Entity, particular{changes.Identify, changes.Editable}, changes.Put, orders.At(act.At)); err != nil {
				return err
			}
		}
		if err := s.note(ctx, r.Entity, particular{changes.Identify, changes.Editable}); err != nil {
			return err
		}
		aside := newBatch(setAsideTable)
		for _, key := range changes.SetAside {
			aside.add(int64(r.ID), string(key))
		}
		if _, err := s.insert(ctx, aside); err != nil {
			return err
		}
		return s.endReading(ctx, r, changes.Findings, act.At)
	})
	if err != nil || !large {
		return err
	}
	return db.fold(ctx, r.Entity)
}

// EndReading records a reading that was not committed: parked or failed, as its
// State says.
func (db *DB) EndReading(ctx context.Context, act journal.Act, r resources.Reading, findings []fault.Finding) error {
	return db.act(ctx, act, false, func(s *session) error { return s.endReading(ctx, r, findings, act.At) })
}

func (s *session) endReading(ctx context.Context, r resources.Reading, findings []fault.Finding, at time.Time) error {
	if r.Ended.IsZero() {
		r.Ended = at
	}
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	n, err := s.exec(ctx, `UPDATE reading SET ended_at = $1, complete = $2, state = $3, counts = $4, findings = $5, why = $6
		WHERE id = $7 AND state = $8`,
		nanos(r.Ended), flag(r.Complete), r.State, string(counts), max(r.Findings, len(findings)), r.Why, int64(r.ID), resources.Running)
	if err != nil {
		return err
	}
	if n != 1 {
		return fault.New(fault.Conflict, "end reading", "reading %d of %s does not run any more", r.ID, r.Entity)
	}
	batch := newBatch(findingTable)
	for i, f := range findings {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		batch.add(int64(r.ID), i, string(text))
	}
	_, err = s.insert(ctx, batch)
	return err
}

// LastReadings returns how far every entity type is known, in the order of their names.
func (db *DB) LastReadings(ctx context.Context) ([]LastReading, error) {
	var list []LastReading
	err := db.snapshot(ctx, "load readings", func(s *session) error {
		var err error
		list, err = s.lastReadings(ctx)
		return err
	})
	return list, err
}

func (s *session) lastReadings(ctx context.Context) ([]LastReading, error) {
	var list []LastReading
	at := map[schema.EntityType]int{}
	byReading := map[resources.ReadingID]int{}
	for which, condition := range []string{`1 = 1`, `state = 'committed'`, `state = 'committed' AND complete = 1`} {
		query := selectReading + ` WHERE id IN (SELECT max(id) FROM reading WHERE ` + condition + ` GROUP BY entity) ORDER BY entity`
		err := s.each(ctx, query, nil, func(r *sql.Rows) error {
			reading, err := scanReading(r)
			if err != nil {
				return err
			}
			if _, ok := at[reading.Entity]; !ok {
				at[reading.Entity] = len(list)
				list = append(list, LastReading{Entity: reading.Entity})
			}
			last := &list[at[reading.Entity]]
			switch which {
			case 0:
				last.Last = reading
			case 1:
				last.Committed = reading
				byReading[reading.ID] = at[reading.Entity]
			case 2:
				last.Complete = reading
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	ids := make([]resources.ReadingID, 0, len(byReading))
	for id := range byReading {
		ids = append(ids, id)
	}
	err := s.each(ctx, `SELECT reading, resource_key FROM reading_set_aside WHERE reading IN (`+s.db.dialect.Numbers("$1")+`)
		ORDER BY reading, resource_key`, []any{listOf(ids)}, func(r *sql.Rows) error {
		var id resources.ReadingID
		var key resources.Key
		err := r.Scan(&id, &key)
		last := &list[byReading[id]]
		last.SetAside = append(last.SetAside, key)
		return err
	})
	return list, err
}

// Findings returns what was wrong with the rows of a reading.
func (db *DB) Findings(ctx context.Context, reading resources.ReadingID) ([]fault.Finding, error) {
	var list []fault.Finding
	err := db.read().each(ctx, `SELECT finding FROM reading_finding WHERE reading = $1 ORDER BY ordinal`, []any{int64(reading)},
		func(r *sql.Rows) error {
			var text []byte
			if err := r.Scan(&text); err != nil {
				return err
			}
			var f fault.Finding
			err := json.Unmarshal(text, &f)
			list = append(list, f)
			return err
		})
	return list, db.failed("load findings", err)
}

// Prune forgets earlier versions of resources that ended before a time, and the
// findings of readings that ended before it: the retention of the history.
func (db *DB) Prune(ctx context.Context, act journal.Act, before time.Time) error {
	return db.act(ctx, act, true, func(s *session) error {
		if _, err := s.exec(ctx, `DELETE FROM resource_history WHERE valid_to < $1`, nanos(before)); err != nil {
			return err
		}
		_, err := s.exec(ctx, `DELETE FROM reading_finding WHERE reading IN (SELECT id FROM reading WHERE ended_at > 0 AND ended_at < $1)`, nanos(before))
		return err
	})
}

package statement

import (
	"context"
	"database/sql"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// A large reading is committed in three steps, so that no transaction is long
// and none of it is seen too early:
//
//	setOut    its changes are written beside the resources, piece by piece
//	complete  one small act says that it is committed; from here on the view
//	          resource_now shows all of it, through what is still set out
//	fold      its changes are moved into the resources, piece by piece
//
// A crash before the completion leaves the old state, and the next reading
// throws away what was set out. A crash after it leaves the new state, and the
// next reading folds the rest first.

// pieceRows is how many resources one transaction of a reading writes: people's
// acts wait behind it for a fraction of a second.
const pieceRows = 250

var changeTable = &table{
	name: "reading_change", columns: []string{"reading", "resource_key", "removed", "display", "document", "hash"},
}

// setOut writes the changes of a reading beside the resources.
func (db *DB) setOut(ctx context.Context, act journal.Act, r resources.Reading, changes Changes) error {
	for len(changes.Put)+len(changes.Remove) > 0 {
		put := changes.Put[:min(pieceRows, len(changes.Put))]
		remove := changes.Remove[:min(pieceRows-len(put), len(changes.Remove))]
		err := db.write(ctx, act.Name, true, func(s *session) error {
			var running int
			found, err := s.one(ctx, `SELECT 1 FROM reading WHERE id = $1 AND state = $2`, []any{int64(r.ID), resources.Running}, &running)
			if err == nil && !found {
				err = fault.New(fault.Conflict, act.Name, "reading %d of %s does not run any more", r.ID, r.Entity)
			}
			if err != nil {
				return err
			}
			merged, err := s.edited(ctx, r.Entity, changes.Editable, put)
			if err != nil {
				return err
			}
			rows := newBatch(changeTable)
			for _, x := range merged {
				document, hash := x.Encode()
				rows.add(int64(r.ID), string(x.Key), flag(false), x.Display, string(document), hash)
			}
			for _, key := range remove {
				rows.add(int64(r.ID), string(key), flag(true), "", "", "")
			}
			_, err = s.insert(ctx, rows)
			return err
		})
		if err != nil {
			return err
		}
		changes.Put, changes.Remove = changes.Put[len(put):], changes.Remove[len(remove):]
	}
	return nil
}

// fold moves what a committed reading of an entity type has set out into the
// resources. Two processes may do it at once.
func (db *DB) fold(ctx context.Context, entity schema.EntityType) error {
	for more := true; more; {
		err := db.write(ctx, "commit reading", true, func(s *session) (err error) {
			more, err = s.foldPiece(ctx, entity)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) foldPiece(ctx context.Context, entity schema.EntityType) (more bool, err error) {
	var reading, ended int64
	found, err := s.one(ctx, `SELECT reading FROM reading_folding WHERE entity = $1`+s.db.dialect.Lock, []any{entity}, &reading)
	if err != nil || !found {
		return false, err
	}
	if _, err := s.one(ctx, `SELECT ended_at FROM reading WHERE id = $1`, []any{reading}, &ended); err != nil {
		return false, err
	}
	put, remove, err := s.nextPiece(ctx, entity, reading)
	if err != nil {
		return false, err
	}
	known, err := s.particular(ctx, entity)
	if err != nil {
		return false, err
	}
	if err := s.remove(ctx, entity, remove, orders.Instant(ended)); err != nil {
		return false, err
	}
	if err := s.put(ctx, entity, known, put, orders.Instant(ended)); err != nil {
		return false, err
	}
	// Fewer rows than asked for prove nothing: a read-back may have taken some.
	var one int
	more, err = s.one(ctx, `SELECT 1 FROM reading_change WHERE reading = $1 LIMIT 1`, []any{reading}, &one)
	if err == nil && !more {
		_, err = s.exec(ctx, `DELETE FROM reading_folding WHERE entity = $1`, entity)
	}
	return more, err
}

// nextPiece reads the next piece of what a reading has set out.
func (s *session) nextPiece(ctx context.Context, entity schema.EntityType, reading int64) (put []resources.Resource, remove []resources.Key, err error) {
	err = s.each(ctx, `SELECT removed, resource_key, display, document FROM reading_change WHERE reading = $1
		ORDER BY resource_key LIMIT $2`+s.db.dialect.Lock, []any{reading, pieceRows}, func(r *sql.Rows) error {
		x := resources.Resource{Ref: resources.Ref{Type: entity}}
		var removed int
		var document []byte
		if err := r.Scan(&removed, &x.Key, &x.Display, &document); err != nil {
			return err
		}
		if removed == 1 {
			remove = append(remove, x.Key)
			return nil
		}
		put = append(put, x)
		return put[len(put)-1].Decode(document)
	})
	return put, remove, err
}

// discard throws away what readings that died had set out.
func (db *DB) discard(ctx context.Context, entity schema.EntityType) error {
	for thrown := int64(pieceRows); thrown == pieceRows; {
		err := db.write(ctx, "begin reading", true, func(s *session) (err error) {
			thrown, err = s.exec(ctx, `DELETE FROM reading_change WHERE (reading, resource_key) IN (
				SELECT c.reading, c.resource_key FROM reading r JOIN reading_change c ON c.reading = r.id
				WHERE r.entity = $1 AND r.state = $2 LIMIT $3)`, entity, resources.Failed, pieceRows)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package statement

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/stage"
)

// ClaimAnswer keeps an id for whoever asks first: he is to do what is asked and to
// keep the answer. Everybody else gets what is kept. Neither is an act: the journal
// knows what is done.
func (db *DB) ClaimAnswer(ctx context.Context, id, request string, expires, now time.Time) (kept stage.KeptAnswer, first bool, err error) {
	err = db.write(ctx, "claim answer", false, func(s *session) error {
		if _, err := s.exec(ctx, `DELETE FROM kept_answer WHERE expires_at <= $1`, nanos(now)); err != nil {
			return err
		}
		n, err := s.exec(ctx, `INSERT INTO kept_answer (id, request, status, kind, content, expires_at) VALUES ($1, $2, 0, '', $3, $4)
			ON CONFLICT (id) DO NOTHING`, id, request, []byte{}, nanos(expires))
		if first = n > 0; first || err != nil {
			return err
		}
		_, err = s.one(ctx, `SELECT request, status, kind, content FROM kept_answer WHERE id = $1`, []any{id},
			&kept.Request, &kept.Status, &kept.Kind, &kept.Content)
		return err
	})
	return kept, first, err
}

// KeepAnswer keeps the answer of an id that was claimed.
func (db *DB) KeepAnswer(ctx context.Context, id string, x stage.KeptAnswer) error {
	return db.write(ctx, "keep answer", false, func(s *session) error {
		_, err := s.exec(ctx, `UPDATE kept_answer SET status = $1, kind = $2, content = $3 WHERE id = $4`, x.Status, x.Kind, x.Content, id)
		return err
	})
}

// DropAnswer gives an id back of which nothing was done.
func (db *DB) DropAnswer(ctx context.Context, id string) error {
	return db.write(ctx, "drop answer", false, func(s *session) error {
		_, err := s.exec(ctx, `DELETE FROM kept_answer WHERE id = $1 AND status = 0`, id)
		return err
	})
}

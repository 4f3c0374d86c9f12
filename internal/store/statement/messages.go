package statement

import (
	"context"
	"database/sql"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

const messageCounter = "message"

// What is told, sent and noted is no act: the acts that it tells of stand in the
// journal, and the table of messages says who was told what. What people choose
// and ask for is an act.

var toldTable = &table{name: "message_told", columns: []string{"recipient", "matter", "at"}, conflict: "ON CONFLICT DO NOTHING"}

// Told returns what a recipient was told of, and how he wants to be told.
func (db *DB) Told(ctx context.Context, recipient string) (stage.Told, error) {
	told := stage.Told{Matters: map[string]bool{}}
	err := db.snapshot(ctx, "load what was told", func(s *session) error {
		err := s.each(ctx, `SELECT matter FROM message_told WHERE recipient = $1`, []any{recipient}, func(r *sql.Rows) error {
			var key string
			err := r.Scan(&key)
			told.Matters[key] = true
			return err
		})
		if err != nil {
			return err
		}
		var digest int64
		_, err = s.one(ctx, `SELECT how, hour, zone, digest_at FROM message_recipient WHERE recipient = $1`, []any{recipient},
			&told.Delivery.How, &told.Delivery.At, &told.Delivery.Zone, &digest)
		told.Digest = instant(digest)
		return err
	})
	return told, err
}

// Tell keeps messages to be sent together with what they tell of: both, or
// neither. It is a conflict when something of it was told meanwhile.
func (db *DB) Tell(ctx context.Context, x stage.Telling) error {
	return db.write(ctx, "tell", false, func(s *session) error {
		_, err := s.exec(ctx, `DELETE FROM message_told WHERE recipient = $1 AND matter IN (`+db.dialect.Texts("$2")+`)`, x.Recipient, listOf(x.Forget))
		if err != nil {
			return err
		}
		told := newBatch(toldTable)
		for _, key := range x.Told {
			told.add(x.Recipient, key, nanos(x.At))
		}
		n, err := s.insert(ctx, told)
		if err != nil {
			return err
		}
		if int(n) != len(x.Told) {
			return fault.New(fault.Conflict, "tell", "somebody else told %s of the same", x.Recipient)
		}
		if !x.Digest.IsZero() {
			_, err := s.exec(ctx, `INSERT INTO message_recipient (recipient, how, hour, zone, digest_at) VALUES ($1, '', '', '', $2)
				ON CONFLICT (recipient) DO UPDATE SET digest_at = excluded.digest_at`, x.Recipient, nanos(x.Digest))
			if err != nil {
				return err
			}
		}
		for _, m := range x.Messages {
			id, err := s.reserve(ctx, messageCounter, 1)
			if err != nil {
				return err
			}
			_, err = s.exec(ctx, `INSERT INTO message (id, way, recipient, address, subject, content, at, state, attempts, next_at, sent_at, why)
				VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $7, 0, '')`, id, m.Way, x.Recipient, m.Address, m.Subject, m.Content, nanos(x.At))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const selectMessages = `SELECT id, way, recipient, address, subject, at, state, attempts, next_at, sent_at, why`

func scanMessage(r *sql.Rows, more ...any) (m stage.Message, err error) {
	var at, next, sent int64
	err = r.Scan(append([]any{&m.ID, &m.Way, &m.Recipient, &m.Address, &m.Subject, &at, &m.State, &m.Attempts, &next, &sent, &m.Why}, more...)...)
	m.At, m.Next, m.Sent = instant(at), instant(next), instant(sent)
	return m, err
}

// ClaimMessages hands out messages that are due, the oldest first, and keeps them
// from everybody else until a time. An attempt counts as soon as it begins.
func (db *DB) ClaimMessages(ctx context.Context, way string, now, until time.Time, limit int) (list []stage.Message, err error) {
	err = db.write(ctx, "claim messages", false, func(s *session) error {
		list = nil
		err := s.each(ctx, selectMessages+`, content FROM message WHERE state = 'waiting' AND way = $1 AND next_at <= $2 ORDER BY id LIMIT $3`,
			[]any{way, nanos(now), limit}, func(r *sql.Rows) error {
				var content []byte
				m, err := scanMessage(r, &content)
				m.Content = content
				list = append(list, m)
				return err
			})
		for i := range list {
			if err != nil {
				return err
			}
			list[i].Attempts++
			_, err = s.exec(ctx, `UPDATE message SET attempts = $1, next_at = $2 WHERE id = $3`, list[i].Attempts, nanos(until), list[i].ID)
		}
		return err
	})
	return list, err
}

// NoteMessage keeps what became of an attempt.
func (db *DB) NoteMessage(ctx context.Context, m stage.Message) error {
	return db.write(ctx, "note message", false, func(s *session) error {
		_, err := s.exec(ctx, `UPDATE message SET state = $1, next_at = $2, sent_at = $3, why = $4 WHERE id = $5`,
			m.State, nanos(m.Next), nanos(m.Sent), m.Why, m.ID)
		return err
	})
}

// DropMessages forgets messages that were sent before a time.
func (db *DB) DropMessages(ctx context.Context, before time.Time) error {
	return db.write(ctx, "drop messages", false, func(s *session) error {
		_, err := s.exec(ctx, `DELETE FROM message WHERE state = 'sent' AND sent_at < $1`, nanos(before))
		return err
	})
}

// RetryMessages makes everything due now that waits or was given up.
func (db *DB) RetryMessages(ctx context.Context, act journal.Act) (n int64, err error) {
	err = db.act(ctx, act, false, func(s *session) error {
		n, err = s.exec(ctx, `UPDATE message SET state = 'waiting', next_at = $1, attempts = 0 WHERE state IN ('waiting', 'failed')`, nanos(act.At))
		return err
	})
	return n, err
}

// SetDelivery keeps how a recipient wants to be told; what it leaves open is as
// the configuration says.
func (db *DB) SetDelivery(ctx context.Context, act journal.Act, recipient string, d messages.Delivery) error {
	return db.act(ctx, act, false, func(s *session) error {
		_, err := s.exec(ctx, `INSERT INTO message_recipient (recipient, how, hour, zone, digest_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (recipient) DO UPDATE SET how = excluded.how, hour = excluded.hour, zone = excluded.zone`,
			recipient, d.How, d.At, d.Zone, nanos(act.At))
		return err
	})
}

// RequestReviewers lists the keys of those for whom an open request waits.
func (db *DB) RequestReviewers(ctx context.Context) (list []string, err error) {
	err = db.read().each(ctx, `SELECT DISTINCT person FROM request_reviewer ORDER BY person`, nil, func(r *sql.Rows) error {
		var person string
		err := r.Scan(&person)
		list = append(list, person)
		return err
	})
	return list, db.failed("list reviewers", err)
}

// Messages answers who was told what.
func (v *Views) Messages(ctx context.Context, f view.MessageFilter) (page view.MessagePage, err error) {
	if err := v.whole("list messages"); err != nil {
		return page, err
	}
	c := &conditions{}
	if f.State != "" {
		c.add("state = %s", f.State)
	}
	if f.Recipient != "" {
		c.add("recipient = %s", f.Recipient)
	}
	order := c.byNumber("id", false, f.Before, !f.Oldest)
	limit := view.Rows(f.Limit)
	page.Messages = []view.Message{}
	err = v.db.read().each(ctx, selectMessages+` FROM message`+c.where()+order+c.limit(limit+1), c.args, func(r *sql.Rows) error {
		m, err := scanMessage(r)
		page.Messages = append(page.Messages, view.Message{
			ID: m.ID, Way: m.Way, Recipient: m.Recipient, Address: m.Address, Subject: m.Subject, At: m.At,
			State: string(m.State), Attempts: m.Attempts, Next: m.Next, Sent: m.Sent, Why: m.Why,
		})
		return err
	})
	if len(page.Messages) > limit {
		page.Messages = page.Messages[:limit]
		page.Before = page.Messages[limit-1].ID
	}
	return page, v.db.failed("list messages", err)
}

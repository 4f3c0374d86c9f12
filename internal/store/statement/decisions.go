package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
)

var decisionColumns = []string{"kind", "type", "owner_type", "owner_key", "target", "property", "decided_value", "at", "actor", "why"}

var decisionTable = &table{
	name: "decision", columns: decisionColumns,
	conflict: upsert("kind, type, owner_type, owner_key, target, property", decisionColumns, ""),
}

// Decide records what was settled; an earlier decision on the same is overwritten.
func (db *DB) Decide(ctx context.Context, act journal.Act, list []Decision) error {
	return db.act(ctx, act, len(list) >= bulkFrom, func(s *session) error { return s.decide(ctx, act, list) })
}

// Revoke takes decisions back; those that are not there are no error.
func (db *DB) Revoke(ctx context.Context, act journal.Act, list []Decision) error {
	return db.act(ctx, act, len(list) >= bulkFrom, func(s *session) error { return s.revoke(ctx, list) })
}

func (s *session) decide(ctx context.Context, act journal.Act, list []Decision) error {
	batch := newBatch(decisionTable)
	for _, d := range inOrder(list, decisionName) {
		at, by, why := d.At, d.By, d.Why
		if at.IsZero() {
			at = act.At
		}
		if by == "" {
			by = act.Actor.String()
		}
		if why == "" {
			why = act.Why
		}
		text, err := json.Marshal(d.Value)
		if err != nil {
			return err
		}
		if err := s.markDecision(ctx, d); err != nil {
			return err
		}
		batch.add(string(d.Kind), string(d.Type), string(d.Owner.Type), string(d.Owner.Key), string(d.Target), string(d.Property), string(text), nanos(at), by, why)
	}
	_, err := s.insert(ctx, batch)
	return err
}

func (s *session) revoke(ctx context.Context, list []Decision) error {
	for _, d := range inOrder(list, decisionName) {
		_, err := s.exec(ctx, `DELETE FROM decision WHERE kind = $1 AND type = $2 AND owner_type = $3 AND owner_key = $4 AND target = $5 AND property = $6`,
			d.Kind, d.Type, d.Owner.Type, d.Owner.Key, d.Target, d.Property)
		if err != nil {
			return err
		}
		if err := s.markDecision(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// decisionName is the decision's key as one text.
func decisionName(d Decision) string {
	return strings.Join([]string{string(d.Kind), string(d.Type), d.Owner.String(), string(d.Target), string(d.Property)}, "\x00")
}

// parkName is the park's key as one text.
func parkName(p ParkKey) string { return string(p.Type) + "\x00" + string(p.Kind) }

// inOrder returns a list sorted by the names of its rows. Every act writes the
// rows of a table in this order, so that two acts wait for each other instead of
// blocking each other.
func inOrder[T any](list []T, name func(T) string) []T {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return sorted
}

// Decisions returns the decisions of a kind.
func (db *DB) Decisions(ctx context.Context, kind DecisionKind) ([]Decision, error) {
	c := &conditions{}
	c.add("kind = %s", kind)
	return db.decisions(ctx, c)
}

// AllocatedTo returns the values allocated for properties of one resource's own.
func (db *DB) AllocatedTo(ctx context.Context, owner resources.Ref) ([]Decision, error) {
	c := &conditions{}
	c.add("kind = %s", Allocation)
	c.add("type = %s", owner.Type)
	c.add("owner_type = %s", owner.Type)
	c.add("owner_key = %s", owner.Key)
	return db.decisions(ctx, c)
}

func (db *DB) decisions(ctx context.Context, c *conditions) ([]Decision, error) {
	var list []Decision
	err := db.read().each(ctx, `SELECT kind, type, owner_type, owner_key, target, property, decided_value, at, actor, why FROM decision`+
		c.where()+` ORDER BY type, owner_type, owner_key, target, property`, c.args, func(r *sql.Rows) error {
		var d Decision
		var at int64
		var text []byte
		if err := r.Scan(&d.Kind, &d.Type, &d.Owner.Type, &d.Owner.Key, &d.Target, &d.Property, &text, &at, &d.By, &d.Why); err != nil {
			return err
		}
		d.At = instant(at)
		err := json.Unmarshal(text, &d.Value)
		list = append(list, d)
		return err
	})
	return list, db.failed("load decisions", err)
}

// Parks returns what thresholds hold.
func (db *DB) Parks(ctx context.Context) ([]Park, error) {
	var list []Park
	err := db.read().each(ctx, `SELECT type, kind, since_at, orders, ceiling, why FROM park ORDER BY type, kind`, nil, func(r *sql.Rows) error {
		var p Park
		var since int64
		err := r.Scan(&p.Type, &p.Kind, &since, &p.Count, &p.Limit, &p.Why)
		p.Since = instant(since)
		list = append(list, p)
		return err
	})
	return list, db.failed("load parks", err)
}

// Park holds kinds of orders. One that is held already keeps its beginning.
func (db *DB) Park(ctx context.Context, act journal.Act, list []Park) error {
	return db.act(ctx, act, false, func(s *session) error { return s.park(ctx, act, list) })
}

// Unpark lets kinds of orders go.
func (db *DB) Unpark(ctx context.Context, act journal.Act, list []ParkKey) error {
	return db.act(ctx, act, false, func(s *session) error { return s.unpark(ctx, list) })
}

func (s *session) park(ctx context.Context, act journal.Act, list []Park) error {
	for _, p := range inOrder(list, func(p Park) string { return parkName(ParkKey{Type: p.Type, Kind: p.Kind}) }) {
		since := p.Since
		if since.IsZero() {
			since = act.At
		}
		_, err := s.exec(ctx, `INSERT INTO park (type, kind, since_at, orders, ceiling, why) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (type, kind) DO UPDATE SET orders = excluded.orders, ceiling = excluded.ceiling, why = excluded.why`,
			p.Type, p.Kind, nanos(since), p.Count, p.Limit, p.Why)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) unpark(ctx context.Context, list []ParkKey) error {
	for _, p := range inOrder(list, parkName) {
		if _, err := s.exec(ctx, `DELETE FROM park WHERE type = $1 AND kind = $2`, p.Type, p.Kind); err != nil {
			return err
		}
	}
	return nil
}

// extras does what an act does besides moving assigned resources.
func (s *session) extras(ctx context.Context, act journal.Act, list []Extra) error {
	for _, x := range list {
		if err := s.changeResources(ctx, x.Put, x.Remove, ordersAt(act)); err != nil {
			return err
		}
		if err := s.park(ctx, act, x.Park); err != nil {
			return err
		}
		if err := s.unpark(ctx, x.Unpark); err != nil {
			return err
		}
		if err := s.revoke(ctx, x.Revoke); err != nil {
			return err
		}
		if err := s.decide(ctx, act, x.Decide); err != nil {
			return err
		}
		if err := s.due(ctx, x.Due); err != nil {
			return err
		}
		if err := s.moveRoles(ctx, act, x.MoveRoles); err != nil {
			return err
		}
		if err := s.decideRoles(ctx, act, x.DecideRoles, x.RevokeRoles); err != nil {
			return err
		}
	}
	return nil
}

// AddDue makes work due outside any other act, such as a schedule's next run.
func (db *DB) AddDue(ctx context.Context, list []Due) error {
	return db.write(ctx, "add due work", false, func(s *session) error { return s.due(ctx, list) })
}

func (s *session) due(ctx context.Context, list []Due) error {
	for _, d := range inOrder(list, func(d Due) string { return d.What + "\x00" + d.Subject }) {
		_, err := s.exec(ctx, `INSERT INTO due (what, subject, not_before, holder, lease_until) VALUES ($1, $2, $3, '', 0)
			ON CONFLICT (what, subject) DO UPDATE SET lease_until = 0, holder = '',
			not_before = CASE WHEN due.not_before < excluded.not_before THEN due.not_before ELSE excluded.not_before END`,
			d.What, d.Subject, nanos(d.NotBefore))
		if err != nil {
			return err
		}
	}
	return nil
}

// TakeDue hands out due work whose time has come, oldest first, to a holder
// until the lease ends: a holder that dies gives it back by doing nothing.
func (db *DB) TakeDue(ctx context.Context, holder string, now, until time.Time, limit int) ([]Due, error) {
	var list []Due
	err := db.write(ctx, "take due work", false, func(s *session) error {
		list = nil
		err := s.each(ctx, `SELECT what, subject, not_before FROM due WHERE not_before <= $1 AND lease_until <= $1
			ORDER BY not_before, what, subject LIMIT $2`, []any{nanos(now), limit}, func(r *sql.Rows) error {
			var d Due
			var notBefore int64
			err := r.Scan(&d.What, &d.Subject, &notBefore)
			d.NotBefore = instant(notBefore)
			list = append(list, d)
			return err
		})
		if err != nil {
			return err
		}
		taken := list[:0]
		for _, d := range list {
			n, err := s.exec(ctx, `UPDATE due SET holder = $1, lease_until = $2 WHERE what = $3 AND subject = $4 AND lease_until <= $5`,
				holder, nanos(until), d.What, d.Subject, nanos(now))
			if err != nil {
				return err
			}
			if n == 1 {
				taken = append(taken, d)
			}
		}
		list = taken
		return nil
	})
	return list, err
}

// DoneDue removes work that its holder finished. Work that became due again
// meanwhile stays: it has no holder any more.
func (db *DB) DoneDue(ctx context.Context, holder string, list []Due) error {
	return db.write(ctx, "finish due work", false, func(s *session) error {
		for _, d := range list {
			if _, err := s.exec(ctx, `DELETE FROM due WHERE what = $1 AND subject = $2 AND holder = $3`, d.What, d.Subject, holder); err != nil {
				return err
			}
		}
		return nil
	})
}

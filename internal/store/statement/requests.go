package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/stage"
)

const selectRequests = `SELECT q.id, q.owner_type, q.owner_key, q.role, q.action, q.parameters, q.from_at, q.to_at, q.why, q.actor, q.at,
	q.workflow, q.since_at, q.remarks, q.stuck, q.version FROM request q`

// openRequests is spelt as in the partial indices.
const openRequests = "q.workflow IN (2, 4, 8, 9, 10, 11, 12, 13)"

// requestStates numbers workflow states for a condition.
func requestStates(list []assignments.Workflow) []int {
	numbers := make([]int, len(list))
	for i, w := range list {
		numbers[i] = int(w)
	}
	return numbers
}

func requestConditions(f RequestFilter, d *Dialect) *conditions {
	c := &conditions{}
	if f.IDs != nil {
		c.among("q.id", d.Numbers, listOf(f.IDs))
	}
	if f.Owner != nil {
		c.add("q.owner_type = %s", f.Owner.Type)
		c.add("q.owner_key = %s", f.Owner.Key)
	}
	if f.Open || f.Stuck {
		c.say(openRequests)
	}
	if f.States != nil {
		c.among("q.workflow", d.Numbers, listOf(requestStates(f.States)))
	}
	if f.Waits != "" {
		c.add("q.id IN (SELECT w.request FROM request_reviewer w WHERE w.person = %s)", f.Waits)
	}
	if f.Stuck {
		c.say("q.stuck <> ''")
	}
	c.within(f.Within, columns{kind: access.OfRole, owner: "q.owner_type", key: "q.owner_key", what: "q.role"}, d)
	return c
}

// Requests returns what people asked for, with what was said about it.
func (db *DB) Requests(ctx context.Context, f RequestFilter) (list []requests.Request, err error) {
	err = db.snapshot(ctx, "load requests", func(s *session) error {
		list, err = s.requests(ctx, f)
		return err
	})
	return list, err
}

func (s *session) requests(ctx context.Context, f RequestFilter) ([]requests.Request, error) {
	c := requestConditions(f, &s.db.dialect)
	order := c.byNumber("q.id", false, int64(f.After), f.Newest)
	query := selectRequests + c.where() + order
	if f.Limit > 0 {
		query += c.limit(f.Limit)
	}
	var list []requests.Request
	at := map[requests.RequestID]int{}
	ids := []int64{}
	err := s.each(ctx, query, c.args, func(r *sql.Rows) error {
		q, err := scanRequest(r)
		at[q.ID] = len(list)
		ids = append(ids, int64(q.ID))
		list = append(list, q)
		return err
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	err = s.each(ctx, `SELECT request, step, actor, at, approve, why, how FROM request_step WHERE request IN (`+s.db.dialect.Numbers("$1")+`)
		ORDER BY request, step`, []any{listOf(ids)}, func(r *sql.Rows) error {
		var id requests.RequestID
		var x requests.Ruling
		var when int64
		var approve int
		err := r.Scan(&id, &x.Step, &x.By, &when, &approve, &x.Why, &x.How)
		x.At, x.Approve = instant(when), approve == 1
		list[at[id]].Rulings = append(list[at[id]].Rulings, x)
		return err
	})
	return list, err
}

func scanRequest(r *sql.Rows) (q requests.Request, err error) {
	var from, to, at, since int64
	var remarks []byte
	err = r.Scan(&q.ID, &q.Owner.Type, &q.Owner.Key, &q.Role, &q.Action, &q.Parameters, &from, &to, &q.Why, &q.By, &at,
		&q.State, &since, &remarks, &q.Stuck, &q.Version)
	if err != nil {
		return q, err
	}
	q.Period = assignments.Period{From: instant(from), To: instant(to)}
	q.At, q.Since = instant(at), instant(since)
	return q, json.Unmarshal(remarks, &q.Remarks)
}

// SaveRequest stores a request with all that the act changes beside it. It is a
// conflict when it changed since it was looked at, or when another open request
// asks about the same.
func (db *DB) SaveRequest(ctx context.Context, act journal.Act, x RequestChange) error {
	return db.act(ctx, act, false, func(s *session) error {
		if err := s.putRequest(ctx, act, &x.Request); err != nil {
			return err
		}
		for _, y := range x.Request.Rulings {
			_, err := s.exec(ctx, `INSERT INTO request_step (request, step, actor, at, approve, why, how) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (request, step) DO NOTHING`, int64(x.Request.ID), y.Step, y.By, nanos(y.At), flag(y.Approve), y.Why, string(y.How))
			if err != nil {
				return err
			}
		}
		if _, err := s.exec(ctx, `DELETE FROM request_reviewer WHERE request = $1`, int64(x.Request.ID)); err != nil {
			return err
		}
		for _, seat := range inOrder(x.Reviewers, func(y requests.Seat) string { return y.Person }) {
			_, err := s.exec(ctx, `INSERT INTO request_reviewer (person, request, seat) VALUES ($1, $2, $3)`, seat.Person, int64(x.Request.ID), seat.As)
			if err != nil {
				return err
			}
		}
		if err := s.decideRoles(ctx, act, x.Decide, x.Revoke); err != nil {
			return err
		}
		return s.due(ctx, x.Due)
	})
}

func (s *session) putRequest(ctx context.Context, act journal.Act, q *requests.Request) error {
	remarks, err := json.Marshal(q.Remarks)
	if err != nil {
		return err
	}
	var open bool
	var other requests.RequestID
	if q.Open() {
		open, err = s.one(ctx, `SELECT q.id FROM request q WHERE q.owner_type = $1 AND q.owner_key = $2 AND q.role = $3 AND q.parameters = $4
			AND q.id <> $5 AND `+openRequests, []any{q.Owner.Type, q.Owner.Key, q.Role, q.Parameters, int64(q.ID)}, &other)
		if err != nil {
			return err
		}
	}
	if open {
		return stage.AlreadyAsked(act.Name, other, q)
	}
	values := []any{int64(q.ID), q.Owner.Type, q.Owner.Key, q.Role, q.Action, q.Parameters, nanos(q.Period.From), nanos(q.Period.To), q.Why, q.By,
		nanos(q.At), int(q.State), nanos(q.Since), string(remarks), q.Stuck}
	if q.Version == 0 {
		_, err = s.exec(ctx, `INSERT INTO request (id, owner_type, owner_key, role, action, parameters, from_at, to_at, why, actor, at, workflow,
			since_at, remarks, stuck, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1)`, values...)
		return err
	}
	n, err := s.exec(ctx, `UPDATE request SET parameters = $2, from_at = $3, to_at = $4, workflow = $5, since_at = $6, remarks = $7, stuck = $8,
		version = version + 1 WHERE id = $1 AND version = $9`, int64(q.ID), q.Parameters, nanos(q.Period.From), nanos(q.Period.To), int(q.State),
		nanos(q.Since), string(remarks), q.Stuck, q.Version)
	if err == nil && n == 0 {
		e := fault.New(fault.Conflict, act.Name, "request %d changed since you looked", q.ID)
		e.Do = fmt.Sprintf("look at it again with `provisor request show %d`", q.ID)
		return e
	}
	return err
}

// RequestSeats returns for whom requests wait.
func (db *DB) RequestSeats(ctx context.Context, list []requests.Request) (map[requests.RequestID][]requests.Seat, error) {
	seats, err := db.read().requestSeats(ctx, list)
	return seats, db.failed("load reviewers", err)
}

func (s *session) requestSeats(ctx context.Context, list []requests.Request) (map[requests.RequestID][]requests.Seat, error) {
	ids := make([]int64, len(list))
	for i, q := range list {
		ids[i] = int64(q.ID)
	}
	seats := map[requests.RequestID][]requests.Seat{}
	err := s.each(ctx, `SELECT request, person, seat FROM request_reviewer WHERE request IN (`+s.db.dialect.Numbers("$1")+`) ORDER BY request, person`,
		[]any{listOf(ids)}, func(r *sql.Rows) error {
			var id requests.RequestID
			var x requests.Seat
			err := r.Scan(&id, &x.Person, &x.As)
			seats[id] = append(seats[id], x)
			return err
		})
	return seats, err
}

// RuleClocks returns since when automation rules are known, by their marks.
// Those that are new are known from now on; those that are not named are
// forgotten, so that a rule that comes back begins anew.
func (db *DB) RuleClocks(ctx context.Context, marks []string, now time.Time) (map[string]time.Time, error) {
	known := map[string]time.Time{}
	load := func(s *session) error {
		clear(known)
		return s.each(ctx, `SELECT mark, since_at FROM automation_rule`, nil, func(r *sql.Rows) error {
			var mark string
			var since int64
			err := r.Scan(&mark, &since)
			known[mark] = instant(since)
			return err
		})
	}
	if err := load(db.read()); err != nil {
		return nil, db.failed("load automation rules", err)
	}
	named := map[string]bool{}
	missing := false
	for _, mark := range marks {
		_, there := known[mark]
		named[mark], missing = true, missing || !there
	}
	if !missing && len(named) == len(known) {
		return known, nil
	}
	err := db.write(ctx, "note automation rules", false, func(s *session) error {
		for mark := range named {
			if _, err := s.exec(ctx, `INSERT INTO automation_rule (mark, since_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, mark, nanos(now)); err != nil {
				return err
			}
		}
		for mark := range known {
			if !named[mark] {
				if _, err := s.exec(ctx, `DELETE FROM automation_rule WHERE mark = $1`, mark); err != nil {
					return err
				}
			}
		}
		return load(s)
	})
	return known, err
}

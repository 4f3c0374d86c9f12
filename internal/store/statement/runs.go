package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/stage"
)

const selectRuns = `SELECT id, job, connector, state, attempt, at, not_before, began_at, ended_at, abort, content FROM job_run`

// openRuns is spelt as in the partial index.
const openRuns = `state IN ('waiting', 'running')`

func scanRun(r *sql.Rows) (x runs.Run, err error) {
	var at, notBefore, began, ended int64
	var abort int
	var content []byte
	err = r.Scan(&x.ID, &x.Job, &x.Connector, &x.State, &x.Attempt, &at, &notBefore, &began, &ended, &abort, &content)
	if err != nil {
		return x, err
	}
	x.At, x.NotBefore, x.Began, x.Ended, x.Abort = instant(at), instant(notBefore), instant(began), instant(ended), abort == 1
	return x, json.Unmarshal(content, &x.Content)
}

// StartRun begins a run, or returns the one that is open for the same job and
// connector. A person's is an act with its entry in the journal; what a schedule
// begins is not: act is nil.
func (db *DB) StartRun(ctx context.Context, act *journal.Act, x runs.Run) (run runs.Run, began bool, err error) {
	err = db.write(ctx, "start run", false, func(s *session) error {
		began = false
		err := s.each(ctx, selectRuns+` WHERE job = $1 AND connector = $2 AND `+openRuns, []any{x.Job, x.Connector}, func(r *sql.Rows) (err error) {
			run, err = scanRun(r)
			return err
		})
		if err != nil || run.ID != 0 {
			return err
		}
		id, err := s.reserve(ctx, stage.RunCounter, 1)
		if err != nil {
			return err
		}
		run = x
		run.ID, run.State, run.Attempt, began = runs.RunID(id), runs.Waiting, 1, true
		_, err = s.exec(ctx, `INSERT INTO job_run (id, job, connector, state, attempt, at, not_before, began_at, ended_at, abort, touched_at, content)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, '{}')`, id, run.Job, run.Connector, string(run.State), run.Attempt, nanos(run.At), nanos(run.NotBefore), nanos(run.At))
		if err != nil {
			return err
		}
		if err := s.putRun(ctx, run, run.At); err != nil {
			return err
		}
		if _, err := s.exec(ctx, `DELETE FROM job_run WHERE ended_at > 0 AND ended_at < $1`, nanos(run.At.AddDate(0, 0, -runs.KeptDays))); err != nil || act == nil {
			return err
		}
		return s.journal(ctx, *act)
	})
	return run, began, err
}

// putRun writes a run and, where it waits, what makes its attempt due.
func (s *session) putRun(ctx context.Context, x runs.Run, now time.Time) error {
	content, err := json.Marshal(x.Content)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `UPDATE job_run SET state = $1, attempt = $2, not_before = $3, began_at = $4, ended_at = $5, abort = $6,
		touched_at = CASE WHEN touched_at < $7 THEN $7 ELSE touched_at + 1 END, content = $8 WHERE id = $9`,
		string(x.State), x.Attempt, nanos(x.NotBefore), nanos(x.Began), nanos(x.Ended), flag(x.Abort), nanos(now), string(content), int64(x.ID))
	if err != nil || x.State != runs.Waiting {
		return err
	}
	return s.due(ctx, []Due{{What: stage.DueRun, Subject: stage.RunSubject(x.ID, x.Attempt), NotBefore: x.NotBefore}})
}

// runFor reads one run for a change.
func (s *session) runFor(ctx context.Context, id runs.RunID) (x runs.Run, err error) {
	err = s.each(ctx, selectRuns+` WHERE id = $1`+s.db.dialect.Lock, []any{int64(id)}, func(r *sql.Rows) (err error) {
		x, err = scanRun(r)
		return err
	})
	if err == nil && x.ID == 0 {
		err = noRun(id)
	}
	return x, err
}

func noRun(id runs.RunID) error {
	return fault.New(fault.NotFound, "find run", "there is no run %d", id)
}

// ChangeRun changes a run as it stands. What change refuses is not written; with
// an act, its entry goes into the journal.
func (db *DB) ChangeRun(ctx context.Context, act *journal.Act, id runs.RunID, now time.Time, change func(*runs.Run) error) (x runs.Run, err error) {
	err = db.write(ctx, "change run", false, func(s *session) error {
		if x, err = s.runFor(ctx, id); err != nil {
			return err
		}
		if err := change(&x); err != nil {
			return err
		}
		if err := s.putRun(ctx, x, now); err != nil || act == nil {
			return err
		}
		return s.journal(ctx, *act)
	})
	return x, err
}

// Runs lists runs, the newest first.
func (db *DB) Runs(ctx context.Context, f stage.RunFilter) (list []runs.Run, err error) {
	c := &conditions{}
	if f.Job != "" {
		c.add("job = %s", string(f.Job))
	}
	if f.Connector != "" {
		c.add("connector = %s", string(f.Connector))
	}
	if f.Open {
		c.say(openRuns)
	}
	if f.States != nil {
		c.among("state", db.dialect.Texts, listOf(f.States))
	}
	order := c.byNumber("id", false, int64(f.Before), !f.Oldest)
	query := selectRuns + c.where() + order
	if f.Limit > 0 {
		query += c.limit(f.Limit)
	}
	err = db.read().each(ctx, query, c.args, func(r *sql.Rows) error {
		x, err := scanRun(r)
		list = append(list, x)
		return err
	})
	return list, db.failed("list runs", err)
}

// Run reads one run.
func (db *DB) Run(ctx context.Context, id runs.RunID) (x runs.Run, err error) {
	err = db.read().each(ctx, selectRuns+` WHERE id = $1`, []any{int64(id)}, func(r *sql.Rows) (err error) {
		x, err = scanRun(r)
		return err
	})
	if err == nil && x.ID == 0 {
		err = noRun(id)
	}
	return x, db.failed("find run", err)
}

// RunsTouched returns a number that rises whenever anything of a run is written:
// progress is no act, so the change counter does not.
func (db *DB) RunsTouched(ctx context.Context) (n int64, err error) {
	_, err = db.read().one(ctx, `SELECT COALESCE(MAX(touched_at), 0) FROM job_run`, nil, &n)
	return n, db.failed("read the number of the runs", err)
}

// Scheduled says when the schedules begin their next runs.
func (db *DB) Scheduled(ctx context.Context) (map[string]time.Time, error) {
	next := map[string]time.Time{}
	err := db.read().each(ctx, `SELECT subject, not_before FROM due WHERE what = $1`, []any{stage.DueSchedule}, func(r *sql.Rows) error {
		var id string
		var at int64
		err := r.Scan(&id, &at)
		next[id] = instant(at)
		return err
	})
	return next, db.failed("list schedules", err)
}

package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
)

const selectWorkflows = `SELECT id, workflow, action, entity, resource_key, changes, why, actor, at, state, since_at, version FROM workflow`

// openWorkflows is spelt as in the partial index.
const openWorkflows = "state IN (4, 8, 9, 10, 11, 12, 13)"

// Workflows returns started workflows, the newest first.
func (db *DB) Workflows(ctx context.Context, f WorkflowFilter) (list []workflows.Started, err error) {
	err = db.snapshot(ctx, "load workflows", func(s *session) error {
		list, err = s.workflows(ctx, f)
		return err
	})
	return list, err
}

func (s *session) workflows(ctx context.Context, f WorkflowFilter) ([]workflows.Started, error) {
	c := &conditions{}
	if f.IDs != nil {
		c.among("id", s.db.dialect.Numbers, listOf(f.IDs))
	}
	if f.Open {
		c.say(openWorkflows)
	}
	query := selectWorkflows + c.where() + " ORDER BY id DESC"
	if f.Limit > 0 {
		query += c.limit(f.Limit)
	}
	var list []workflows.Started
	at, ids := map[workflows.StartedID]int{}, []int64{}
	err := s.each(ctx, query, c.args, func(r *sql.Rows) error {
		x, err := scanWorkflow(r)
		at[x.ID] = len(list)
		ids = append(ids, int64(x.ID))
		list = append(list, x)
		return err
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	err = s.each(ctx, `SELECT workflow, step, actor, at, approve, why FROM workflow_step WHERE workflow IN (`+s.db.dialect.Numbers("$1")+`)
		ORDER BY workflow, step`, []any{listOf(ids)}, func(r *sql.Rows) error {
		var id workflows.StartedID
		var x workflows.Ruling
		var when int64
		var approve int
		err := r.Scan(&id, &x.Step, &x.By, &when, &approve, &x.Why)
		x.At, x.Approve = instant(when), approve == 1
		list[at[id]].Rulings = append(list[at[id]].Rulings, x)
		return err
	})
	return list, err
}

func scanWorkflow(r *sql.Rows) (x workflows.Started, err error) {
	var changes []byte
	var at, since int64
	err = r.Scan(&x.ID, &x.Workflow, &x.Action, &x.Subject.Type, &x.Subject.Key, &changes, &x.Why, &x.By, &at, &x.State, &since, &x.Version)
	if err != nil {
		return x, err
	}
	x.At, x.Since = instant(at), instant(since)
	return x, json.Unmarshal(changes, &x.Changes)
}

// SaveWorkflow stores a started workflow with all that the act changes beside
// it; applied, the resource is written in the same transaction. It is a conflict
// when the workflow changed since it was looked at.
func (db *DB) SaveWorkflow(ctx context.Context, act journal.Act, x WorkflowChange) error {
	return db.act(ctx, act, false, func(s *session) error {
		if err := s.putWorkflow(ctx, act, &x.Started); err != nil {
			return err
		}
		for _, y := range x.Started.Rulings {
			_, err := s.exec(ctx, `INSERT INTO workflow_step (workflow, step, actor, at, approve, why) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (workflow, step) DO NOTHING`, int64(x.Started.ID), y.Step, y.By, nanos(y.At), flag(y.Approve), y.Why)
			if err != nil {
				return err
			}
		}
		if x.Apply != nil {
			if err := s.apply(ctx, act, x.Apply); err != nil {
				return err
			}
		}
		if err := s.decide(ctx, act, x.Decide); err != nil {
			return err
		}
		return s.due(ctx, x.Due)
	})
}

func (s *session) putWorkflow(ctx context.Context, act journal.Act, x *workflows.Started) error {
	changes, err := json.Marshal(x.Changes)
	if err != nil {
		return err
	}
	if x.Version == 0 {
		_, err = s.exec(ctx, `INSERT INTO workflow (id, workflow, action, entity, resource_key, changes, why, actor, at, state, since_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)`,
			int64(x.ID), x.Workflow, x.Action, x.Subject.Type, x.Subject.Key, string(changes), x.Why, x.By, nanos(x.At), int(x.State), nanos(x.Since))
		return err
	}
	n, err := s.exec(ctx, `UPDATE workflow SET resource_key = $2, changes = $3, state = $4, since_at = $5, version = version + 1
		WHERE id = $1 AND version = $6`, int64(x.ID), x.Subject.Key, string(changes), int(x.State), nanos(x.Since), x.Version)
	if err == nil && n == 0 {
		e := fault.New(fault.Conflict, act.Name, "workflow %d changed since you looked", x.ID)
		e.Do = fmt.Sprintf("look at it again with `provisor workflow show %d`", x.ID)
		return e
	}
	return err
}

// apply writes the resource of a workflow.
func (s *session) apply(ctx context.Context, act journal.Act, a *stage.Application) error {
	known := particular{a.Identify, a.Editable}
	if err := s.note(ctx, a.Subject.Type, known); err != nil {
		return err
	}
	var one int
	_, err := s.one(ctx, `SELECT 1 FROM resource WHERE entity = $1 AND resource_key = $2`+s.db.dialect.Lock, []any{a.Subject.Type, a.Subject.Key}, &one)
	if err != nil {
		return err
	}
	now := resources.Resource{Ref: a.Subject}
	there := false
	err = s.each(ctx, `SELECT resource_key, display, document FROM resource_now WHERE entity = $1 AND resource_key = $2`,
		[]any{a.Subject.Type, a.Subject.Key}, func(r *sql.Rows) (err error) {
			there = true
			now, err = scanResource(r, a.Subject.Type)
			return err
		})
	switch {
	case err != nil:
		return err
	case a.Create && there:
		return fault.New(fault.Conflict, act.Name, "%s is there already", a.Subject)
	case !a.Create && !there:
		return fault.New(fault.NotFound, act.Name, "%s is not there any more", a.Subject)
	}
	if err := a.Write(&now); err != nil {
		return err
	}
	if err := s.keepEdits(ctx, act, &now, a.Editable); err != nil {
		return err
	}
	return s.put(ctx, a.Subject.Type, known, []resources.Resource{now}, orders.At(act.At))
}

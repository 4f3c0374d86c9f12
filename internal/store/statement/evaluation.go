package statement

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

var markTable = &table{
	name: "to_evaluate", columns: []string{"kind", "entity", "resource_key", "marks"},
	conflict: "ON CONFLICT (kind, entity, resource_key) DO UPDATE SET marks = to_evaluate.marks + 1",
}

// mark notes what the next evaluation has to look at anew. A reading of many rows,
// which never runs beside an evaluation, adds nothing where that is everything.
func (s *session) mark(ctx context.Context, kind stage.MarkKind, refs ...resources.Ref) error {
	if len(refs) >= bulkFrom {
		var one int
		all, err := s.one(ctx, `SELECT 1 FROM to_evaluate WHERE kind = $1`, []any{stage.MarkEverything}, &one)
		if all || err != nil {
			return err
		}
	}
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b resources.Ref) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key)) })
	rows := newBatch(markTable)
	for _, r := range slices.Compact(refs) {
		rows.add(string(kind), string(r.Type), string(r.Key), 1)
	}
	_, err := s.insert(ctx, rows)
	return err
}

// markKeys marks resources of one entity type.
func (s *session) markKeys(ctx context.Context, entity schema.EntityType, keys []resources.Key) error {
	refs := make([]resources.Ref, len(keys))
	for i, key := range keys {
		refs[i] = resources.Ref{Type: entity, Key: key}
	}
	return s.mark(ctx, stage.MarkResource, refs...)
}

// markDecision marks what a decision is about.
func (s *session) markDecision(ctx context.Context, d Decision) error {
	switch d.Kind {
	case stage.WentLive:
		return s.mark(ctx, stage.MarkEverything, resources.Ref{})
	case stage.AssociationDenied, stage.AssociationConfirmed:
		if err := s.mark(ctx, stage.MarkOwner, d.Owner); err != nil {
			return err
		}
		return s.mark(ctx, stage.MarkTarget, resources.Ref{Type: schema.EntityType(d.Type), Key: d.Target})
	}
	return nil
}

// EvaluateEverybody lets the next evaluation look at everybody.
func (db *DB) EvaluateEverybody(ctx context.Context) error {
	return db.write(ctx, "mark everybody", false, func(s *session) error { return s.mark(ctx, stage.MarkEverything, resources.Ref{}) })
}

// ToEvaluate returns what changed since the last evaluation.
func (db *DB) ToEvaluate(ctx context.Context) (x stage.ToEvaluate, err error) {
	err = db.snapshot(ctx, "find what is to be evaluated", func(s *session) error {
		err := s.each(ctx, `SELECT name, basis FROM evaluation`, nil, func(r *sql.Rows) error {
			var name, basis string
			err := r.Scan(&name, &basis)
			switch name {
			case evaluationOfAll:
				x.Basis = basis
			case evaluationLast:
				x.Run = basis
			}
			return err
		})
		if err != nil {
			return err
		}
		err = s.each(ctx, `SELECT kind, entity, resource_key, marks FROM to_evaluate ORDER BY kind, entity, resource_key`, nil, func(r *sql.Rows) error {
			var m stage.Mark
			err := r.Scan(&m.Kind, &m.Ref.Type, &m.Ref.Key, &m.Count)
			x.Marks = append(x.Marks, m)
			return err
		})
		if err != nil {
			return err
		}
		return s.each(ctx, `SELECT id, type, owner_type, owner_key, target, standing FROM assigned_resource WHERE standing <> evaluated ORDER BY id`,
			nil, func(r *sql.Rows) error {
				var a stage.Stale
				err := r.Scan(&a.ID, &a.Type, &a.Owner.Type, &a.Owner.Key, &a.Target, &a.Standing)
				x.Stale = append(x.Stale, a)
				return err
			})
	})
	return x, err
}

// The rows of evaluation: on what the last one of everybody was based, and the
// name of the last one.
const (
	evaluationOfAll = "everybody"
	evaluationLast  = "last"
)

// evaluatedAtOnce is how much one transaction notes as evaluated.
const evaluatedAtOnce = 5000

// Evaluated notes that what changed was looked at. What changed again meanwhile
// stays to be evaluated.
func (db *DB) Evaluated(ctx context.Context, x stage.ToEvaluate) error {
	again, targets, changed, noted := x.Again, x.Targets, x.Changed, false
	for !noted || len(x.Marks)+len(x.Stale) > 0 {
		marks := x.Marks[:min(evaluatedAtOnce, len(x.Marks))]
		stale := x.Stale[:min(evaluatedAtOnce-len(marks), len(x.Stale))]
		err := db.write(ctx, "note what was evaluated", len(marks)+len(stale) >= bulkFrom, func(s *session) error {
			if err := s.mark(ctx, stage.MarkOwner, again...); err != nil {
				return err
			}
			if err := s.mark(ctx, stage.MarkTarget, targets...); err != nil {
				return err
			}
			if err := s.mark(ctx, stage.MarkResource, changed...); err != nil {
				return err
			}
			for name, basis := range map[string]string{evaluationOfAll: x.Basis, evaluationLast: x.Run} {
				if name == evaluationOfAll && basis == "" {
					continue // not everybody was evaluated
				}
				_, err := s.exec(ctx, `INSERT INTO evaluation (name, basis) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET basis = excluded.basis`, name, basis)
				if err != nil {
					return err
				}
			}
			return s.evaluated(ctx, marks, stale)
		})
		if err != nil {
			return err
		}
		again, targets, changed, noted = nil, nil, nil, true
		x.Marks, x.Stale = x.Marks[len(marks):], x.Stale[len(stale):]
	}
	return nil
}

func (s *session) evaluated(ctx context.Context, marks []stage.Mark, stale []stage.Stale) error {
	for _, m := range marks {
		_, err := s.exec(ctx, `DELETE FROM to_evaluate WHERE kind = $1 AND entity = $2 AND resource_key = $3 AND marks = $4`,
			m.Kind, m.Ref.Type, m.Ref.Key, m.Count)
		if err != nil {
			return err
		}
	}
	for _, a := range stale {
		_, err := s.exec(ctx, `UPDATE assigned_resource SET evaluated = standing WHERE id = $1 AND standing = $2`, int64(a.ID), a.Standing)
		if err != nil {
			return err
		}
	}
	return nil
}

// EachOwnership calls do for every target that somebody owns or may own. do must
// not call the store.
func (db *DB) EachOwnership(ctx context.Context, do func(stage.Ownership)) error {
	err := db.read().each(ctx, `SELECT type, owner_type, owner_key, target, settled FROM assigned_resource WHERE closed = 0 AND settled >= 0
		ORDER BY type, id`, nil, func(r *sql.Rows) error {
		var o stage.Ownership
		settled := 0
		err := r.Scan(&o.Type, &o.Owner.Type, &o.Owner.Key, &o.Target, &settled)
		o.Settled = settled == 1
		do(o)
		return err
	})
	if err != nil {
		return db.failed("load ownerships", err)
	}
	// Rows of an earlier release, that nothing has written since.
	documents := &reader{}
	err = db.read().each(ctx, selectAssigned+` WHERE a.closed = 0 AND a.settled < 0 ORDER BY a.type, a.id`, nil, func(r *sql.Rows) error {
		a, err := scanAssigned(r, documents)
		if err == nil {
			do(stage.Ownership{Type: a.Type, Owner: a.Owner, Target: a.Target, Settled: a.Settled()})
		}
		return err
	})
	return db.failed("load ownerships", err)
}

// OwnedBy returns what some owners have.
func (db *DB) OwnedBy(ctx context.Context, owners []resources.Ref) (list []stage.Ownership, err error) {
	err = db.read().each(ctx, `SELECT type, owner_type, owner_key, target, settled FROM assigned_resource
		WHERE (owner_type, owner_key) IN (`+db.dialect.Pairs("$1")+`) AND closed = 0 ORDER BY id`, []any{pairs(owners)}, func(r *sql.Rows) error {
		var o stage.Ownership
		settled := 0
		err := r.Scan(&o.Type, &o.Owner.Type, &o.Owner.Key, &o.Target, &settled)
		o.Settled = settled == 1
		list = append(list, o)
		return err
	})
	return list, db.failed("find what is owned", err)
}

// RoleHolders counts who has some roles.
func (db *DB) RoleHolders(ctx context.Context, list []roles.RoleID) (map[roles.RoleID]int, error) {
	var counted []int
	for w := assignments.NoWorkflow; w <= assignments.GivenByRole; w++ {
		if w.Expected() {
			counted = append(counted, int(w))
		}
	}
	holders := map[roles.RoleID]int{}
	err := db.read().each(ctx, `SELECT role, count(*) FROM (SELECT DISTINCT role, owner_type, owner_key FROM assigned_role
		WHERE role IN (`+db.dialect.Texts("$1")+`) AND workflow IN (`+db.dialect.Numbers("$2")+`)) holding GROUP BY role`,
		[]any{listOf(list), listOf(counted)}, func(r *sql.Rows) error {
			var role roles.RoleID
			n := 0
			err := r.Scan(&role, &n)
			holders[role] = n
			return err
		})
	return holders, db.failed("count who has roles", err)
}

// EachRoleOwner calls do for everybody who has a role. do must not call the store.
func (db *DB) EachRoleOwner(ctx context.Context, do func(resources.Ref)) error {
	err := db.read().each(ctx, `SELECT DISTINCT owner_type, owner_key FROM assigned_role`, nil, func(r *sql.Rows) error {
		var owner resources.Ref
		err := r.Scan(&owner.Type, &owner.Key)
		do(owner)
		return err
	})
	return db.failed("find who has roles", err)
}

// OwnersOf returns who owns, or may own, targets of a resource type.
func (db *DB) OwnersOf(ctx context.Context, t roles.ResourceTypeID, entity schema.EntityType, targets []resources.Key) (list []stage.Ownership, err error) {
	err = db.read().each(ctx, `SELECT owner_type, owner_key, target, settled FROM assigned_resource
		WHERE entity = $1 AND target IN (`+db.dialect.Texts("$2")+`) AND type = $3 AND closed = 0 ORDER BY id`,
		[]any{entity, listOf(targets), t}, func(r *sql.Rows) error {
			o := stage.Ownership{Type: t}
			settled := 0
			err := r.Scan(&o.Owner.Type, &o.Owner.Key, &o.Target, &settled)
			o.Settled = settled == 1
			list = append(list, o)
			return err
		})
	return list, db.failed("find owners", err)
}

// ResourcesOf returns those resources of an entity type that are there.
func (db *DB) ResourcesOf(ctx context.Context, entity schema.EntityType, keys []resources.Key) (list []resources.Resource, err error) {
	err = db.read().each(ctx, `SELECT resource_key, display, document FROM resource_now
		WHERE entity = $1 AND resource_key IN (`+db.dialect.Texts("$2")+`)`, []any{entity, listOf(keys)}, func(r *sql.Rows) error {
		found, err := scanResource(r, entity)
		list = append(list, found)
		return err
	})
	return list, db.failed("load resources", err)
}

// ResourcesAfter returns the resources of an entity type that follow a key, in
// the order of their keys, so many at most.
func (db *DB) ResourcesAfter(ctx context.Context, entity schema.EntityType, after resources.Key, limit int) (list []resources.Resource, err error) {
	err = db.read().each(ctx, `SELECT resource_key, display, document FROM resource_now
		WHERE entity = $1 AND resource_key > $2 ORDER BY resource_key LIMIT $3`, []any{entity, after, limit}, func(r *sql.Rows) error {
		found, err := scanResource(r, entity)
		list = append(list, found)
		return err
	})
	return list, db.failed("load resources", err)
}

// IsLarge reports whether an entity type has more resources than a number.
func (db *DB) IsLarge(ctx context.Context, entity schema.EntityType, than int) (large bool, err error) {
	n := 0
	err = db.read().each(ctx, `SELECT count(*) FROM (SELECT 1 FROM resource_now WHERE entity = $1 LIMIT $2) counted`,
		[]any{entity, than + 1}, func(r *sql.Rows) error { return r.Scan(&n) })
	return n > than, db.failed("count resources", err)
}

// LinksTo returns, of a stored link, who links to each of the targets.
func (db *DB) LinksTo(ctx context.Context, entity schema.EntityType, property schema.PropertyName, targets []resources.Key) (map[resources.Key][]resources.Key, error) {
	links := map[resources.Key][]resources.Key{}
	err := db.read().each(ctx, `SELECT target, resource_key FROM resource_link
		WHERE entity = $1 AND property = $2 AND target IN (`+db.dialect.Texts("$3")+`) ORDER BY target, resource_key`,
		[]any{entity, property, listOf(targets)}, func(r *sql.Rows) error {
			var target, from resources.Key
			err := r.Scan(&target, &from)
			links[target] = append(links[target], from)
			return err
		})
	return links, db.failed("load links", err)
}

// Former returns the earlier versions of resources, as far as they are kept.
func (db *DB) Former(ctx context.Context, entity schema.EntityType, keys []resources.Key) (list []stage.Former, err error) {
	err = db.read().each(ctx, `SELECT h.resource_key, h.display, h.document,
			EXISTS (SELECT 1 FROM resource r WHERE r.entity = h.entity AND r.resource_key = h.resource_key AND r.valid_from <= h.valid_to) OR
			EXISTS (SELECT 1 FROM resource_history n WHERE n.entity = h.entity AND n.resource_key = h.resource_key
				AND n.valid_from <= h.valid_to AND n.valid_to > h.valid_to)
		FROM resource_history h WHERE h.entity = $1 AND h.resource_key IN (`+db.dialect.Texts("$2")+`) ORDER BY h.resource_key, h.valid_to, h.version`,
		[]any{entity, listOf(keys)}, func(r *sql.Rows) error {
			found, followed := stage.Former{Resource: resources.Resource{Ref: resources.Ref{Type: entity}}}, false
			var document []byte
			if err := r.Scan(&found.Key, &found.Display, &document, &followed); err != nil {
				return err
			}
			found.Last = !followed
			list = append(list, found)
			return list[len(list)-1].Decode(document)
		})
	return list, db.failed("load earlier versions", err)
}

// AssignedRolesOf returns the roles of some owners.
func (db *DB) AssignedRolesOf(ctx context.Context, owners []resources.Ref) ([]assignments.AssignedRole, error) {
	c := &conditions{}
	c.among("(owner_type, owner_key)", db.dialect.Pairs, pairs(owners))
	list, err := db.read().chosenRoles(ctx, c, false, "")
	return list, db.failed("load assigned roles", err)
}

// FoldReadings finishes what a death left of committed readings: until then
// links are known as they were before.
func (db *DB) FoldReadings(ctx context.Context) error {
	var entities []schema.EntityType
	err := db.read().each(ctx, `SELECT entity FROM reading_folding ORDER BY entity`, nil, func(r *sql.Rows) error {
		var t schema.EntityType
		err := r.Scan(&t)
		entities = append(entities, t)
		return err
	})
	if err != nil {
		return db.failed("commit reading", err)
	}
	for _, t := range entities {
		if err := db.fold(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// What people write beside a synchronized source stands in a table of its own,
// so that it outlives a resource that disappears and comes back. Whatever writes
// a resource (a reading, a piece of one, a read-back) passes through edited,
// which puts it before what the source gives: no caller can forget it.

var editTable = &table{
	name: "resource_edit", columns: []string{"entity", "resource_key", "property", "holds", "at", "actor"},
	conflict: "ON CONFLICT (entity, resource_key, property) DO UPDATE SET holds = excluded.holds, at = excluded.at, actor = excluded.actor",
}

// Edits returns what people wrote beside the source of an entity type, of
// resources that are not there at present too.
func (db *DB) Edits(ctx context.Context, entity schema.EntityType) (resources.Edits, error) {
	edits, err := db.read().edits(ctx, entity, ``, entity)
	return edits, db.failed("load edits", err)
}

func (s *session) edits(ctx context.Context, entity schema.EntityType, also string, args ...any) (resources.Edits, error) {
	edits := resources.Edits{}
	err := s.each(ctx, `SELECT resource_key, property, holds FROM resource_edit WHERE entity = $1`+also, args, func(r *sql.Rows) error {
		var key resources.Key
		var p schema.PropertyName
		var holds []byte
		if err := r.Scan(&key, &p, &holds); err != nil {
			return err
		}
		var g resources.Given
		if err := json.Unmarshal(holds, &g); err != nil {
			return err
		}
		if edits[key] == nil {
			edits[key] = map[schema.PropertyName]resources.Given{}
		}
		edits[key][p] = g
		return nil
	})
	return edits, err
}

// edited returns resources with what people wrote before what the source gives.
// The resources that are there are locked first: an edit that is made at the
// same time is either seen here or waits.
func (s *session) edited(ctx context.Context, entity schema.EntityType, editable []schema.PropertyName, list []resources.Resource) ([]resources.Resource, error) {
	if len(editable) == 0 && !slices.ContainsFunc(list, func(r resources.Resource) bool { return len(r.Edited) > 0 }) {
		return list, nil
	}
	keys := make([]resources.Key, len(list))
	for i := range list {
		keys[i] = list[i].Key
	}
	edits, err := s.editsOf(ctx, entity, editable, keys)
	if err != nil {
		return nil, err
	}
	merged := slices.Clone(list)
	for i := range merged {
		if r := &merged[i]; len(r.Edited)+len(edits[r.Key]) > 0 {
			*r = r.Clone()
			edits.Apply(r)
		}
	}
	return merged, nil
}

// editsOf locks resources and returns their edits, of the properties that may be edited.
func (s *session) editsOf(ctx context.Context, entity schema.EntityType, editable []schema.PropertyName, keys []resources.Key) (resources.Edits, error) {
	among := ` AND resource_key IN (` + s.db.dialect.Texts("$2") + `)`
	if s.db.dialect.Lock != "" {
		var one int
		lock := `SELECT 1 FROM resource WHERE entity = $1` + among + ` ORDER BY resource_key` + s.db.dialect.Lock
		if _, err := s.one(ctx, lock, []any{entity, listOf(keys)}, &one); err != nil {
			return nil, err
		}
	}
	edits, err := s.edits(ctx, entity, among, entity, listOf(keys))
	for _, edited := range edits {
		for p := range edited {
			if !slices.Contains(editable, p) {
				delete(edited, p)
			}
		}
	}
	return edits, err
}

// keepEdits brings the edits of one resource to what it holds, and what a
// reading that still runs has set out of it.
func (s *session) keepEdits(ctx context.Context, act journal.Act, r *resources.Resource, editable []schema.PropertyName) error {
	before, err := s.editsOf(ctx, r.Type, editable, []resources.Key{r.Key})
	if err != nil {
		return err
	}
	for p := range before[r.Key] {
		if _, kept := r.Edited[p]; kept {
			continue
		}
		_, err := s.exec(ctx, `DELETE FROM resource_edit WHERE entity = $1 AND resource_key = $2 AND property = $3`, r.Type, r.Key, p)
		if err != nil {
			return err
		}
	}
	after, batch := resources.Edits{r.Key: {}}, newBatch(editTable)
	for _, p := range editable {
		if _, edited := r.Edited[p]; !edited {
			continue
		}
		holds := r.Given(p)
		after[r.Key][p] = holds
		if old, known := before[r.Key][p]; known && old.Same(holds) {
			continue
		}
		text, err := json.Marshal(holds)
		if err != nil {
			return err
		}
		batch.add(string(r.Type), string(r.Key), string(p), string(text), nanos(act.At), act.Actor.String())
	}
	if _, err := s.insert(ctx, batch); err != nil {
		return err
	}
	return s.editSetOut(ctx, r, after)
}

// editSetOut puts edits before what a reading that still runs has set out.
func (s *session) editSetOut(ctx context.Context, r *resources.Resource, edits resources.Edits) error {
	var reading int64
	var document []byte
	found, err := s.one(ctx, `SELECT c.reading, c.document FROM reading r JOIN reading_change c ON c.reading = r.id
		WHERE r.entity = $1 AND r.state = $2 AND c.resource_key = $3 AND c.removed = 0`,
		[]any{r.Type, resources.Running, r.Key}, &reading, &document)
	if err != nil || !found {
		return err
	}
	x := resources.Resource{Ref: r.Ref, Display: r.Display}
	if err := x.Decode(document); err != nil {
		return err
	}
	edits.Apply(&x)
	text, hash := x.Encode()
	_, err = s.exec(ctx, `UPDATE reading_change SET display = $1, document = $2, hash = $3 WHERE reading = $4 AND resource_key = $5`,
		x.Display, string(text), hash, reading, r.Key)
	return err
}

package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

const (
	// wordsPerResource and wordRunes bound the search index: a display name has
	// a handful of words, and what is longer is no name.
	wordsPerResource = 12
	wordRunes        = 40
)

var (
	resourceTable = &table{
		name:    "resource",
		columns: []string{"entity", "resource_key", "display", "document", "hash", "version", "valid_from"},
		conflict: `ON CONFLICT (entity, resource_key) DO UPDATE SET display = excluded.display, document = excluded.document,
			hash = excluded.hash, version = resource.version + 1, valid_from = excluded.valid_from`,
	}
	identifierTable = &table{
		name: "resource_identifier", columns: []string{"entity", "resource_key", "property", "identifier"},
		conflict: "ON CONFLICT DO NOTHING",
	}
	linkTable = &table{
		name: "resource_link", columns: []string{"entity", "resource_key", "property", "target"},
		conflict: "ON CONFLICT DO NOTHING",
	}
	wordTable = &table{
		name: "resource_word", columns: []string{"entity", "resource_key", "word"},
		conflict: "ON CONFLICT DO NOTHING",
	}
)

// Hashes returns the content hash of every resource of an entity type.
func (db *DB) Hashes(ctx context.Context, entity schema.EntityType) (map[resources.Key]string, error) {
	hashes := map[resources.Key]string{}
	err := db.read().each(ctx, `SELECT resource_key, hash FROM resource_now WHERE entity = $1`, []any{entity}, func(r *sql.Rows) error {
		var key resources.Key
		var hash string
		err := r.Scan(&key, &hash)
		hashes[key] = hash
		return err
	})
	return hashes, db.failed("load hashes", err)
}

// Names returns who bears which identifier: property, text of the value, keys.
// More than one key means that the identifier does not identify.
func (db *DB) Names(ctx context.Context, entity schema.EntityType, properties []schema.PropertyName) (map[schema.PropertyName]map[string][]resources.Key, error) {
	names := map[schema.PropertyName]map[string][]resources.Key{}
	for _, p := range properties {
		names[p] = map[string][]resources.Key{}
	}
	c := &conditions{}
	c.add("entity = %s", entity)
	c.among("property", db.dialect.Texts, listOf(properties))
	err := db.read().each(ctx, `SELECT property, identifier, resource_key FROM resource_identifier`+c.where()+` ORDER BY resource_key`, c.args,
		func(r *sql.Rows) error {
			var p schema.PropertyName
			var text string
			var key resources.Key
			if err := r.Scan(&p, &text, &key); err != nil {
				return err
			}
			names[p][text] = append(names[p][text], key)
			return nil
		})
	return names, db.failed("load identifiers", err)
}

// EachResource calls do for every resource of an entity type in the order of
// the keys, with the links that it stores itself. do must not call the store.
func (db *DB) EachResource(ctx context.Context, entity schema.EntityType, do func(resources.Resource) error) error {
	err := db.read().each(ctx, `SELECT resource_key, display, document FROM resource_now WHERE entity = $1 ORDER BY resource_key`,
		[]any{entity}, func(r *sql.Rows) error {
			found, err := scanResource(r, entity)
			if err != nil {
				return err
			}
			return do(found)
		})
	return db.failed("load resources", err)
}

func scanResource(r *sql.Rows, entity schema.EntityType) (resources.Resource, error) {
	found := resources.Resource{Ref: resources.Ref{Type: entity}}
	var doc []byte
	if err := r.Scan(&found.Key, &found.Display, &doc); err != nil {
		return found, err
	}
	if err := found.Decode(doc); err != nil {
		return found, fmt.Errorf("resource %s: %w", found.Ref, err)
	}
	return found, nil
}

// Resources returns every resource of an entity type.
func (db *DB) Resources(ctx context.Context, entity schema.EntityType) ([]resources.Resource, error) {
	var list []resources.Resource
	err := db.EachResource(ctx, entity, func(r resources.Resource) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

// Resource returns one resource; found is false when it is not there.
func (db *DB) Resource(ctx context.Context, ref resources.Ref) (found resources.Resource, ok bool, err error) {
	err = db.read().each(ctx, `SELECT resource_key, display, document FROM resource_now WHERE entity = $1 AND resource_key = $2`,
		[]any{ref.Type, ref.Key}, func(r *sql.Rows) error {
			ok = true
			found, err = scanResource(r, ref.Type)
			return err
		})
	return found, ok, db.failed("load resource", err)
}

// Owners returns those of the resources that are there, with the values that
// Provisor allocated to them in their place: owners as the rules see them,
// without hops.
func (db *DB) Owners(ctx context.Context, owners []resources.Ref) (map[resources.Ref]resources.Resource, error) {
	keys := map[schema.EntityType][]string{}
	for _, o := range owners {
		keys[o.Type] = append(keys[o.Type], string(o.Key))
	}
	found := map[resources.Ref]resources.Resource{}
	for entity, list := range keys {
		args := []any{entity, listOf(list)}
		err := db.read().each(ctx, `SELECT resource_key, display, document FROM resource_now
			WHERE entity = $1 AND resource_key IN (`+db.dialect.Texts("$2")+`)`, args, func(r *sql.Rows) error {
			owner, err := scanResource(r, entity)
			found[owner.Ref] = owner
			return err
		})
		if err != nil {
			return nil, db.failed("load owners", err)
		}
		if err := db.read().allocated(ctx, args, found); err != nil {
			return nil, db.failed("load owners", err)
		}
	}
	return found, nil
}

// allocated puts the values that were allocated to owners of an entity type in their place.
func (s *session) allocated(ctx context.Context, args []any, owners map[resources.Ref]resources.Resource) error {
	return s.each(ctx, `SELECT owner_type, owner_key, property, decided_value FROM decision WHERE kind = '`+string(Allocation)+`'
		AND type = $1 AND owner_type = $1 AND owner_key IN (`+s.db.dialect.Texts("$2")+`)`, args, func(r *sql.Rows) error {
		var ref resources.Ref
		var property schema.PropertyName
		var text []byte
		if err := r.Scan(&ref.Type, &ref.Key, &property, &text); err != nil {
			return err
		}
		owner, known := owners[ref]
		if !known {
			return nil
		}
		var v value.Value
		if err := json.Unmarshal(text, &v); err != nil {
			return err
		}
		if owner.Values == nil {
			owner.Values = map[schema.PropertyName]value.Value{}
		}
		owner.Values[property] = v
		owners[ref] = owner
		return nil
	})
}

// LinkedFrom returns the resources of an entity type whose stored link leads to target.
func (db *DB) LinkedFrom(ctx context.Context, entity schema.EntityType, property schema.PropertyName, target resources.Key) ([]resources.Key, error) {
	var keys []resources.Key
	err := db.read().each(ctx, `SELECT resource_key FROM resource_link WHERE entity = $1 AND property = $2 AND target = $3 ORDER BY resource_key`,
		[]any{entity, property, target}, func(r *sql.Rows) error {
			var key resources.Key
			err := r.Scan(&key)
			keys = append(keys, key)
			return err
		})
	return keys, db.failed("load links", err)
}

// put writes resources of one entity type, with what people edited before what
// their source gives; their earlier versions become history.
func (s *session) put(ctx context.Context, entity schema.EntityType, p particular, list []resources.Resource, now orders.Instant) error {
	if len(list) == 0 {
		return nil
	}
	list, err := s.edited(ctx, entity, p.editable, list)
	if err != nil {
		return err
	}
	keys := make([]resources.Key, len(list))
	for i, r := range list {
		keys[i] = r.Key
	}
	if err := s.retire(ctx, entity, keys, now); err != nil {
		return err
	}
	rows, names, links, words := newBatch(resourceTable), newBatch(identifierTable), newBatch(linkTable), newBatch(wordTable)
	for _, r := range list {
		doc, hash := r.Encode()
		rows.add(string(entity), string(r.Key), r.Display, string(doc), hash, 1, int64(now))
		texts := []string{r.Display, string(r.Key)}
		for _, p := range p.identify {
			if v := r.Values[p]; !v.IsNull() {
				names.add(string(entity), string(r.Key), string(p), v.Text())
				texts = append(texts, v.Text())
			}
		}
		for property, targets := range r.Links {
			for _, target := range targets {
				links.add(string(entity), string(r.Key), string(property), string(target))
			}
		}
		for _, word := range searchWords(texts...) {
			words.add(string(entity), string(r.Key), word)
		}
	}
	for _, b := range []*batch{rows, names, links, words} {
		if _, err := s.insert(ctx, b); err != nil {
			return err
		}
	}
	return s.markKeys(ctx, entity, keys)
}

// changeResources puts and removes resources of any entity types, in an order
// that all acts keep, each type at once. Of one that is put twice the last counts.
func (s *session) changeResources(ctx context.Context, put []resources.Resource, remove []resources.Ref, now orders.Instant) error {
	last, gone := map[schema.EntityType]map[resources.Key]resources.Resource{}, map[schema.EntityType][]resources.Key{}
	for _, r := range put {
		if last[r.Type] == nil {
			last[r.Type] = map[resources.Key]resources.Resource{}
		}
		last[r.Type][r.Key] = r
	}
	for _, ref := range remove {
		gone[ref.Type] = append(gone[ref.Type], ref.Key)
	}
	for _, entity := range slices.Sorted(maps.Keys(last)) {
		names, err := s.particular(ctx, entity)
		if err != nil {
			return err
		}
		list := make([]resources.Resource, 0, len(last[entity]))
		for _, key := range slices.Sorted(maps.Keys(last[entity])) {
			list = append(list, last[entity][key])
		}
		if err := s.put(ctx, entity, names, list, now); err != nil {
			return err
		}
	}
	for _, entity := range slices.Sorted(maps.Keys(gone)) {
		slices.Sort(gone[entity])
		if err := s.remove(ctx, entity, gone[entity], now); err != nil {
			return err
		}
	}
	return nil
}

// retire keeps the present versions as history and clears what is derived from
// them. What a committed reading still had to fold of these resources is older
// than what is about to be written, so it goes too.
func (s *session) retire(ctx context.Context, entity schema.EntityType, keys []resources.Key, now orders.Instant) error {
	texts, list := s.db.dialect.Texts("$2"), listOf(keys)
	_, err := s.exec(ctx, `DELETE FROM reading_change WHERE reading = (SELECT reading FROM reading_folding WHERE entity = $1)
		AND resource_key IN (`+texts+`)`, entity, list)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO resource_history (entity, resource_key, valid_to, version, valid_from, display, document)
		SELECT entity, resource_key, $3, version, valid_from, display, document FROM resource
		WHERE entity = $1 AND resource_key IN (`+texts+`) ON CONFLICT DO NOTHING`, entity, list, int64(now))
	if err != nil {
		return err
	}
	for _, derived := range []string{"resource_identifier", "resource_link", "resource_word"} {
		if _, err := s.exec(ctx, `DELETE FROM `+derived+` WHERE entity = $1 AND resource_key IN (`+texts+`)`, entity, list); err != nil {
			return err
		}
	}
	return nil
}

// remove takes resources away; their last versions become history.
func (s *session) remove(ctx context.Context, entity schema.EntityType, keys []resources.Key, now orders.Instant) error {
	if len(keys) == 0 {
		return nil
	}
	if err := s.retire(ctx, entity, keys, now); err != nil {
		return err
	}
	_, err := s.exec(ctx, `DELETE FROM resource WHERE entity = $1 AND resource_key IN (`+s.db.dialect.Texts("$2")+`)`, entity, listOf(keys))
	if err != nil {
		return err
	}
	return s.markKeys(ctx, entity, keys)
}

// particular is what the store has to know of an entity type's properties.
type particular struct {
	identify []schema.PropertyName // their values are unique
	editable []schema.PropertyName // what people wrote goes before what the source gives
}

// particular returns it as the last reading, or the last workflow, said.
func (s *session) particular(ctx context.Context, entity schema.EntityType) (p particular, err error) {
	var identify, editable string
	found, err := s.one(ctx, `SELECT identify, editable FROM entity WHERE entity = $1`, []any{entity}, &identify, &editable)
	if err != nil || !found {
		return p, err
	}
	if err := json.Unmarshal([]byte(identify), &p.identify); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(editable), &p.editable)
}

// note records what is particular of an entity type.
func (s *session) note(ctx context.Context, entity schema.EntityType, p particular) error {
	_, err := s.exec(ctx, `INSERT INTO entity (entity, identify, editable) VALUES ($1, $2, $3)
		ON CONFLICT (entity) DO UPDATE SET identify = excluded.identify, editable = excluded.editable`,
		entity, listOf(p.identify), listOf(p.editable))
	return err
}

// searchWords returns the words by which a resource is found as people type,
// without case and diacritics.
func searchWords(texts ...string) []string {
	var words []string
	seen := map[string]bool{}
	for _, text := range texts {
		for _, word := range splitWords(text) {
			if len(words) < wordsPerResource && !seen[word] {
				seen[word] = true
				words = append(words, word)
			}
		}
	}
	return words
}

// splitWords folds a text and cuts it where there is neither letter nor digit.
func splitWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(value.Fold(text)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for i, word := range words {
		if runes := []rune(word); len(runes) > wordRunes {
			words[i] = string(runes[:wordRunes])
		}
	}
	return words
}

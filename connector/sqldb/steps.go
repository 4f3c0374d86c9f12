package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// step is one statement of a change.
type step struct {
	items  []connector.Item
	build  func(key string) *statement
	ownRow bool       // it writes the object's own row; otherwise a link table
	sets   []assigned // what it writes there
	// single says that it may go out as a transaction of its own: it cannot
	// touch more rows than it should.
	single     bool
	returnsKey bool
	many       bool // touching several rows is as it should be
	// nothing says what it means that no row was touched: a note on what is
	// done, or an error. Without it, it means nothing.
	nothing func(ctx context.Context, q querier, r *run) (note string, err error)
}

// assigned is a column of the object's own row with what it is to hold.
type assigned struct {
	column column
	value  any
	item   int
}

func (st *step) ids() []int {
	ids := make([]int, len(st.items))
	for i, item := range st.items {
		ids[i] = item.ID
	}
	return ids
}

func (st *step) itemsOf(columns []string) []int {
	var ids []int
	for _, a := range st.sets {
		if slices.Contains(columns, a.column.name) {
			ids = append(ids, a.item)
		}
	}
	return ids
}

// suspects returns the one column whose type, or type and value, an error
// about a value names; none when several could be meant.
func (st *step) suspects(text string) []string {
	var byType, byValue []string
	for _, a := range st.sets {
		if !strings.Contains(text, a.column.declared) {
			continue
		}
		byType = append(byType, a.column.name)
		if written, ok := a.value.(string); ok && written != "" && strings.Contains(text, `"`+written+`"`) {
			byValue = append(byValue, a.column.name)
		}
	}
	for _, found := range [][]string{byType, byValue} {
		if len(found) == 1 {
			return found
		}
	}
	return nil
}

// steps turns a change into statements, or says what is wrong with it.
func (s *system) steps(ctx context.Context, l *layout, change connector.Change) ([]step, error) {
	if change.Kind == connector.Delete {
		return s.deletion(ctx, l, change)
	}
	var sets []assigned
	var own []connector.Item
	var links []step
	var wrong []error
	var blamed []int
	for _, item := range change.Items {
		if item.Op == connector.OpObject {
			own = append(own, item)
			continue
		}
		made, set, err := s.item(ctx, l, change, item)
		switch {
		case err != nil && fault.KindOf(err) == fault.Unavailable:
			return nil, err
		case err != nil:
			wrong, blamed = append(wrong, err), append(blamed, item.ID)
		case set != nil:
			sets, own = append(sets, *set), append(own, item)
		default:
			links = append(links, made...)
		}
	}
	if len(wrong) > 0 {
		return nil, &blamedError{blamed, fault.New(fault.Invalid, "", "%v", errors.Join(wrong...))}
	}
	var steps []step
	switch {
	case change.Kind == connector.Create:
		steps = append(steps, s.insertion(l, change, sets, own))
	case change.Key == "":
		return nil, fault.New(fault.Invalid, "", "an update names no key")
	case len(sets) > 0:
		steps = append(steps, s.update(l, sets, own))
	}
	return append(steps, links...), nil
}

// item turns one item into an assignment to a column or into statements on a link table.
func (s *system) item(ctx context.Context, l *layout, change connector.Change, item connector.Item) ([]step, *assigned, error) {
	p := item.Property
	if p.System || p.ReadOnly {
		return nil, nil, fault.New(fault.Invalid, "", "property %s is never written: the system assigns it", p.Name)
	}
	k, linked := l.link(p.Name)
	if !p.Stored() {
		var err error
		if k, err = s.inverse(ctx, l.entity, p); err != nil {
			return nil, nil, err
		}
		linked = true
	}
	if linked {
		made, err := s.linking(l, k, item)
		return made, nil, err
	}
	f, ok := l.field(p.Name)
	if !ok {
		return nil, nil, fault.New(fault.Invalid, "", "property %s is not a property of %s", p.Name, l.entity)
	}
	if change.Kind == connector.Update && f.property.Name == l.key.property.Name {
		return nil, nil, fault.New(fault.Invalid, "", "property %s is the key, which an object keeps for life", p.Name)
	}
	v := item.Value
	switch {
	case item.Op == connector.OpClear:
		v = value.Null
	case item.Op != connector.OpSet:
		return nil, nil, fault.New(fault.Invalid, "", "property %s holds one value: it can be set and cleared, not %sed", p.Name, strings.TrimSuffix(string(item.Op), "e"))
	case f.property.Link != "":
		text, err := reference(f.property, item.Target)
		if err != nil {
			return nil, nil, err
		}
		v = value.OfString(text)
	}
	arg, err := s.d.encode(f.column, f.property, v)
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "", "property %s: %v", p.Name, err)
	}
	return nil, &assigned{f.column, arg, item.ID}, nil
}

// reference returns how a column names the far end of a link.
func reference(p connector.Property, to connector.Reference) (string, error) {
	text := to.Key
	if by := p.From[fromReference]; by != "" {
		text = to.Values[by].Text()
	}
	if text == "" {
		return "", fault.New(fault.Invalid, "", "property %s: the %s to link has no key or identifying value that the column could hold", p.Name, to.Entity)
	}
	return text, nil
}

func (s *system) insertion(l *layout, change connector.Change, sets []assigned, items []connector.Item) step {
	hasKey := slices.ContainsFunc(sets, func(a assigned) bool { return a.column.name == l.key.column.name })
	if !hasKey && change.Key != "" && !l.key.property.System {
		sets = append(sets, assigned{l.key.column, change.Key, 0})
	}
	return step{items: items, ownRow: true, sets: sets, single: true, returnsKey: true,
		build: func(string) *statement {
			st := s.d.say("INSERT INTO ").table(l.table)
			if len(sets) == 0 {
				st.say(" DEFAULT VALUES")
			} else {
				st.say(" (").list(len(sets), func(i int) { st.ident(sets[i].column.name) })
				st.say(") VALUES (").list(len(sets), func(i int) { st.arg(sets[i].value) }).say(")")
			}
			return st.say(" RETURNING " + s.d.read(s.d.quote(l.key.column.name), l.key.column))
		},
		nothing: func(context.Context, querier, *run) (string, error) {
			return "", fault.New(fault.Refused, "", "the database took the row without an error and kept nothing: look for a trigger or rule on table %q", l.table.name)
		}}
}

func (s *system) update(l *layout, sets []assigned, items []connector.Item) step {
	return step{items: items, ownRow: true, sets: sets, single: l.key.column.unique,
		build: func(key string) *statement {
			st := s.d.say("UPDATE ").table(l.table).say(" SET ")
			st.list(len(sets), func(i int) { st.ident(sets[i].column.name).say(" = ").arg(sets[i].value) })
			return st.say(" WHERE ").key(l.key.column, key)
		},
		nothing: func(_ context.Context, _ querier, r *run) (string, error) { return "", absent(l, r.key) }}
}

func absent(l *layout, key string) error {
	return fault.New(fault.NotFound, "", "the object is not there: no row of table %q has the %s %q", l.table.name, l.key.column.name, key)
}

// deletion removes the links that the object owns and then its row.
func (s *system) deletion(ctx context.Context, l *layout, change connector.Change) ([]step, error) {
	var steps []step
	for _, item := range change.Unlink {
		k, err := s.inverse(ctx, l.entity, item.Property)
		switch {
		case fault.KindOf(err) == fault.Unavailable:
			return nil, err
		case err != nil:
			continue // a column of the other table keeps it: that row's own business
		}
		made, err := s.linking(l, k, item)
		if err != nil {
			return nil, err
		}
		for i := range made {
			made[i].items = change.Items
		}
		steps = append(steps, made...)
	}
	for _, k := range l.links {
		steps = append(steps, step{items: change.Items, single: true, many: true, build: func(key string) *statement {
			return s.d.say("DELETE FROM ").table(k.table).say(" WHERE ").key(k.owner, key)
		}})
	}
	return append(steps, step{items: change.Items, ownRow: true, single: l.key.column.unique,
		build: func(key string) *statement {
			return s.d.say("DELETE FROM ").table(l.table).say(" WHERE ").key(l.key.column, key)
		},
		nothing: func(context.Context, querier, *run) (string, error) { return "it was not there any more", nil }}), nil
}

// linking turns one item into statements on a link table.
func (s *system) linking(l *layout, k link, item connector.Item) ([]step, error) {
	items := []connector.Item{item}
	if item.Op == connector.OpClear {
		return []step{{items: items, single: true, many: true, build: func(key string) *statement {
			return s.d.say("DELETE FROM ").table(k.table).say(" WHERE ").key(k.owner, key)
		}}}, nil
	}
	target, err := reference(k.property, item.Target)
	if err != nil {
		return nil, err
	}
	switch item.Op {
	case connector.OpAdd:
		return []step{s.addLink(l, k, items, target)}, nil
	case connector.OpSet:
		others := step{items: items, many: true, build: func(key string) *statement {
			return s.d.say("DELETE FROM ").table(k.table).say(" WHERE ").key(k.owner, key).
				say(" AND NOT ").key(k.target, target)
		}}
		return []step{others, s.addLink(l, k, items, target)}, nil
	case connector.OpRemove:
		return []step{{items: items, single: true, many: true,
			build: func(key string) *statement {
				return s.d.say("DELETE FROM ").table(k.table).say(" WHERE ").key(k.owner, key).
					say(" AND ").key(k.target, target)
			},
			nothing: func(context.Context, querier, *run) (string, error) { return "the link was not there any more", nil }}}, nil
	}
	return nil, fault.New(fault.Invalid, "", "property %s: %q is nothing that can be done to a link", k.property.Name, string(item.Op))
}

// addLink inserts a link unless it is there, and only for an object that is
// there: a link table without a foreign key would take one for nobody.
func (s *system) addLink(l *layout, k link, items []connector.Item, target string) step {
	exists := func(key string) *statement {
		return s.d.say("SELECT 1 FROM ").table(k.table).say(" WHERE ").key(k.owner, key).say(" AND ").key(k.target, target)
	}
	return step{items: items, single: true,
		build: func(key string) *statement {
			st := s.d.say("INSERT INTO ").table(k.table).say(" (").ident(k.owner.name).say(", ").ident(k.target.name).
				say(") SELECT ").arg(key).say(", ").arg(target)
			st.say(" WHERE EXISTS (SELECT 1 FROM ").table(l.table).say(" WHERE ").key(l.key.column, key)
			st.say(") AND NOT EXISTS (SELECT 1 FROM ").table(k.table).say(" WHERE ").key(k.owner, key).say(" AND ").key(k.target, target)
			return st.say(") ON CONFLICT DO NOTHING")
		},
		nothing: func(ctx context.Context, q querier, r *run) (string, error) {
			there, err := found(ctx, q, exists(r.key))
			if there || err != nil {
				return "", err // a link that exists is as good as one that was added
			}
			there, err = found(ctx, q, s.d.say("SELECT 1 FROM ").table(l.table).say(" WHERE ").key(l.key.column, r.key))
			switch {
			case err != nil:
				return "", err
			case !there:
				return "", absent(l, r.key)
			}
			return "", fault.New(fault.Conflict, "", "a unique key of link table %q does not let %s %q in beside what is there",
				k.table.name, k.target.name, target)
		}}
}

func found(ctx context.Context, q querier, st *statement) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, st.text.String(), st.args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

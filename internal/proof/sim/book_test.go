package sim

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// A book is what the store said when it was last looked at. Only what changed
// since is read again, so that everything can be checked after every step.
type book struct {
	accounts map[orders.AssignedID]*orders.AssignedResource
	paths    map[orders.AssignedID]map[int][]orders.Step // by item
	ordered  map[string]orders.AssignedID                // order -> whose it is
	held     map[resources.Ref]bool                      // what the store believes the systems hold
	parks    map[stage.ParkKey]bool
	entries  int64 // of the journal
	effects  map[string]int
}

func newBook() *book {
	return &book{
		accounts: map[orders.AssignedID]*orders.AssignedResource{}, paths: map[orders.AssignedID]map[int][]orders.Step{},
		ordered: map[string]orders.AssignedID{}, held: map[resources.Ref]bool{}, parks: map[stage.ParkKey]bool{}, effects: map[string]int{},
	}
}

// sorted lists the accounts that are not closed, in the order of their numbers.
func (b *book) sorted() []*orders.AssignedResource {
	list := make([]*orders.AssignedResource, 0, len(b.accounts))
	for _, id := range slices.Sorted(maps.Keys(b.accounts)) {
		if a := b.accounts[id]; !a.Closed {
			list = append(list, a)
		}
	}
	return list
}

// A change is what became of one assigned resource since the book was written.
type change struct {
	was, is *orders.AssignedResource // was: nil for a new one
	steps   map[int][]orders.Step    // those that are new, by item
}

// query calls scan for each row of a question to the store.
func (w *world) query(text string, scan func(*sql.Rows) error, args ...any) {
	rows, err := w.engine.SQL().QueryContext(context.Background(), text, args...)
	if err != nil {
		w.fail("%s: %v", text, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			w.fail("%s: %v", text, err)
		}
	}
	if err := rows.Err(); err != nil {
		w.fail("%s: %v", text, err)
	}
}

// read brings the book up to date and returns what changed.
func (w *world) read() []change {
	var moved []orders.AssignedID
	w.query(`SELECT id, version FROM assigned_resource`, func(r *sql.Rows) error {
		var id orders.AssignedID
		var version int
		err := r.Scan(&id, &version)
		if was := w.book.accounts[id]; was == nil || was.Version != version {
			moved = append(moved, id)
		}
		return err
	})
	if len(moved) == 0 {
		return nil
	}
	list, err := w.engine.Assigned(context.Background(), stage.AssignedFilter{IDs: moved, Closed: true})
	if err != nil {
		w.fail("load: %v", err)
	}
	changes := make([]change, 0, len(list))
	for _, a := range list {
		c := change{was: w.book.accounts[a.ID], is: a, steps: w.newSteps(a.ID)}
		w.book.accounts[a.ID] = a
		if a.Order != nil {
			w.book.ordered[a.Order.ID.String()] = a.ID
		}
		changes = append(changes, c)
	}
	return changes
}

// newSteps reads the steps of an assigned resource that the book does not have.
func (w *world) newSteps(id orders.AssignedID) map[int][]orders.Step {
	known := w.book.paths[id]
	if known == nil {
		known = map[int][]orders.Step{}
		w.book.paths[id] = known
	}
	fresh := map[int][]orders.Step{}
	w.query(`SELECT item, step, order_id, from_place, event, to_place, at, actor, why FROM order_step
		WHERE assigned_resource = ?1 ORDER BY item, step`, func(r *sql.Rows) error {
		s := orders.Step{Assigned: id}
		var from, to string
		var at orders.Instant
		if err := r.Scan(&s.Item, &s.Step, &s.Order, &from, &s.Event, &to, &at, &s.Actor, &s.Why); err != nil {
			return err
		}
		if s.Step <= len(known[s.Item]) {
			return nil
		}
		var err1, err2 error
		s.From, err1 = orders.ParsePlace(from)
		s.To, err2 = orders.ParsePlace(to)
		s.At = at.Time()
		fresh[s.Item] = append(fresh[s.Item], s)
		known[s.Item] = append(known[s.Item], s)
		if s.Order != 0 {
			w.book.ordered[s.Order.String()] = id
		}
		return cmp.Or(err1, err2)
	}, int64(id))
	return fresh
}

// heldNow reads which resources of the managed systems the store believes in.
func (w *world) heldNow() map[resources.Ref]bool {
	held := map[resources.Ref]bool{}
	w.query(`SELECT entity, resource_key FROM resource`, func(r *sql.Rows) error {
		var ref resources.Ref
		err := r.Scan(&ref.Type, &ref.Key)
		held[ref] = true
		return err
	})
	return held
}

// parksNow reads what thresholds hold.
func (w *world) parksNow() map[stage.ParkKey]bool {
	list, err := w.engine.Parks(context.Background())
	if err != nil {
		w.fail("parks: %v", err)
	}
	parks := map[stage.ParkKey]bool{}
	for _, p := range list {
		parks[stage.ParkKey{Type: p.Type, Kind: p.Kind}] = true
	}
	return parks
}

// entriesNow counts the journal.
func (w *world) entriesNow() (n int64) {
	w.query(`SELECT coalesce(max(seq), 0) FROM journal`, func(r *sql.Rows) error { return r.Scan(&n) })
	return n
}

// systemOf is where the objects of an entity type are; "" where nothing can be read.
func systemOf(e schema.EntityType) string {
	return map[schema.EntityType]string{
		"AUser": "alpha", "AGroup": "alpha", "BUser": "beta", "Badge": "gamma", "Person": "hr", "Department": "hr",
	}[e]
}

// truly returns what the systems truly held of an item between two instants.
func (w *world) truly(a *orders.AssignedResource, it *orders.Item, from, to time.Time) (list []orders.Holding) {
	system := w.systems[systemOf(a.Handling.Target)]
	if it.Link != "" { // the groups hold their members
		for _, o := range system.Between("AGroup", string(it.Link), from, to) {
			list = append(list, orders.Holding{There: o != nil && slices.Contains(o.Links["members"], string(a.Target))})
		}
		return list
	}
	for _, o := range system.Between(string(a.Handling.Target), string(a.Target), from, to) {
		switch {
		case o == nil:
			list = append(list, orders.Nothing)
		case it.Property == "":
			list = append(list, orders.Present)
		default:
			list = append(list, orders.HoldingOf(o.Values[string(it.Property)]))
		}
	}
	return list
}

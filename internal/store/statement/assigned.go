package statement

import (
	"context"
	"database/sql"
	"fmt"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

const selectAssigned = `SELECT a.id, a.type, a.owner_type, a.owner_key, a.target, a.confidence,
	a.from_at, a.to_at, a.waiting, a.closed, a.version, a.document,
	o.id, o.kind, o.version, o.created_at, o.supersedes, o.waits, o.taken_by, o.agent, o.fence, o.lease_until, o.not_before
	FROM assigned_resource a
	LEFT JOIN provisioning_order o ON o.assigned_resource = a.id AND o.closed_at = 0`

func scanAssigned(r *sql.Rows, documents *reader) (*orders.AssignedResource, error) {
	a := &orders.AssignedResource{}
	var from, to int64
	var waiting, closed int
	var text string
	var order struct {
		id, version, created, supersedes, fence, lease, notBefore sql.NullInt64
		kind, waits, takenBy, agent                               sql.NullString
	}
	err := r.Scan(&a.ID, &a.Type, &a.Owner.Type, &a.Owner.Key, &a.Target, &a.Confidence,
		&from, &to, &waiting, &closed, &a.Version, &text,
		&order.id, &order.kind, &order.version, &order.created, &order.supersedes, &order.waits, &order.takenBy,
		&order.agent, &order.fence, &order.lease, &order.notBefore)
	if err != nil {
		return nil, err
	}
	a.Period = assignments.Period{From: instant(from), To: instant(to)}
	if err := documents.decode(a, text); err != nil {
		return nil, fmt.Errorf("assigned resource %d: %w", a.ID, err)
	}
	a.Waiting, a.Closed = waiting == 1, closed == 1
	if order.id.Valid {
		a.Order = &orders.Order{
			ID: orders.OrderID(order.id.Int64), Kind: orders.Kind(order.kind.String), Version: int(order.version.Int64),
			Created: instant(order.created.Int64), Supersedes: orders.OrderID(order.supersedes.Int64),
			Waits: order.waits.String, TakenBy: order.takenBy.String, Agent: order.agent.String,
			Fence: int(order.fence.Int64), LeaseUntil: orders.Instant(order.lease.Int64), NotBefore: orders.Instant(order.notBefore.Int64),
		}
	}
	return a, nil
}

// conditions turns the filter into a WHERE clause.
func assignedConditions(f AssignedFilter, d *Dialect) *conditions {
	c := &conditions{}
	if f.Ended {
		c.say("a.closed = 1 AND a.judged <> a.version")
	} else if !f.Closed {
		c.say("a.closed = 0")
	}
	if f.IDs != nil {
		c.among("a.id", d.Numbers, listOf(f.IDs))
	}
	if f.Types != nil {
		c.among("a.type", d.Texts, listOf(f.Types))
	}
	if f.Owners != nil {
		c.among("(a.owner_type, a.owner_key)", d.Pairs, pairs(f.Owners))
	}
	if f.Entity != "" {
		c.add("a.entity = %s", f.Entity)
	}
	if f.Targets != nil {
		c.among("a.target", d.Texts, listOf(f.Targets))
	}
	if f.Connector != "" {
		c.add("a.connector = %s", f.Connector)
	}
	if f.Connection != "" {
		c.add("a.connection = %s", f.Connection)
	}
	if f.States != nil {
		c.among("a.state", d.Numbers, numbersOf(f.States))
	}
	if f.OpenOnly {
		c.say("o.id IS NOT NULL")
	}
	if f.Waiting {
		c.say("a.waiting = 1")
	}
	if f.Unjudged {
		c.say("a.judged <> a.version")
	}
	if f.Uncounted {
		c.say("o.unsent = -1")
	}
	if f.DueBy != 0 {
		c.say("o.gated = 1 AND o.due_at > 0")
		c.add("o.due_at <= %s", int64(f.DueBy))
	}
	if f.After != 0 {
		c.add("a.id > %s", int64(f.After))
	}
	return c
}

// numbersOf lists states as numbers: a list of small numbers would be taken for bytes.
func numbersOf(states []orders.State) string {
	list := make([]int, len(states))
	for i, s := range states {
		list[i] = int(s)
	}
	return listOf(list)
}

// pairs lists references for Dialect.Pairs.
func pairs(refs []resources.Ref) string {
	list := make([][2]string, len(refs))
	for i, r := range refs {
		list[i] = [2]string{string(r.Type), string(r.Key)}
	}
	return listOf(list)
}

// EachAssigned calls do for every assigned resource that the filter chooses, in
// the order of their numbers, without holding all of them. do must not call the store.
func (db *DB) EachAssigned(ctx context.Context, f AssignedFilter, do func(*orders.AssignedResource) error) error {
	return db.failed("load assigned resources", db.read().eachAssigned(ctx, f, do))
}

func (s *session) eachAssigned(ctx context.Context, f AssignedFilter, do func(*orders.AssignedResource) error) error {
	c := assignedConditions(f, &s.db.dialect)
	documents := &reader{}
	query := selectAssigned + c.where() + " ORDER BY a.id"
	if f.Limit > 0 {
		query += c.limit(f.Limit)
	}
	return s.each(ctx, query, c.args, func(r *sql.Rows) error {
		a, err := scanAssigned(r, documents)
		if err != nil {
			return err
		}
		return do(a)
	})
}

// Assigned returns the assigned resources that the filter chooses, with their open orders.
func (db *DB) Assigned(ctx context.Context, f AssignedFilter) ([]*orders.AssignedResource, error) {
	var list []*orders.AssignedResource
	err := db.EachAssigned(ctx, f, func(a *orders.AssignedResource) error {
		list = append(list, a)
		return nil
	})
	return list, err
}

// Summaries returns what dependencies need to know of everything that the
// owners have or had.
func (db *DB) Summaries(ctx context.Context, owners []resources.Ref) (map[resources.Ref][]Summary, error) {
	c := &conditions{}
	c.among("(owner_type, owner_key)", db.dialect.Pairs, pairs(owners))
	byOwner := map[resources.Ref][]Summary{}
	err := db.read().each(ctx, `SELECT owner_type, owner_key, id, type, target, state, workflow, present, closed
		FROM assigned_resource`+c.where()+` ORDER BY id`, c.args, func(r *sql.Rows) error {
		var owner resources.Ref
		var s Summary
		var present, closed int
		if err := r.Scan(&owner.Type, &owner.Key, &s.ID, &s.Type, &s.Target, &s.State, &s.Workflow, &present, &closed); err != nil {
			return err
		}
		s.Present, s.Closed = present == 1, closed == 1
		byOwner[owner] = append(byOwner[owner], s)
		return nil
	})
	return byOwner, db.failed("load summaries", err)
}

// Holds reports whether a resource type holds at least so many resources.
func (db *DB) Holds(ctx context.Context, t roles.ResourceTypeID, atLeast int) (bool, error) {
	n := 0
	err := db.read().each(ctx, `SELECT count(*) FROM (SELECT 1 FROM assigned_resource WHERE present = 1 AND closed = 0 AND type = $1 LIMIT $2) counted`,
		[]any{t, atLeast}, func(r *sql.Rows) error { return r.Scan(&n) })
	return n >= atLeast, db.failed("count held resources", err)
}

// Judged notes that assigned resources, as they were seen, were judged and stay
// as they are.
func (db *DB) Judged(ctx context.Context, list []*orders.AssignedResource) error {
	return db.write(ctx, "note what was judged", len(list) >= bulkFrom, func(s *session) error {
		for _, a := range list {
			_, err := s.exec(ctx, `UPDATE assigned_resource SET judged = version WHERE id = $1 AND version = $2`, int64(a.ID), a.Version)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenOrders counts the open orders.
func (db *DB) OpenOrders(ctx context.Context) ([]OpenOrders, error) {
	var list []OpenOrders
	err := db.read().each(ctx, `SELECT type, kind, waits, count(*),
			sum(CASE WHEN unsent = 1 THEN 1 ELSE 0 END), sum(CASE WHEN unsent = -1 THEN 1 ELSE 0 END)
		FROM provisioning_order WHERE closed_at = 0 GROUP BY type, kind, waits`, nil, func(r *sql.Rows) error {
		var x OpenOrders
		err := r.Scan(&x.Type, &x.Kind, &x.Waits, &x.Count, &x.Unsent, &x.Uncounted)
		list = append(list, x)
		return err
	})
	return list, db.failed("count the open orders", err)
}

// evaluation has a row for what the gates of all open orders were judged by.
const gatesOfAll = "gates"

// GateBasis returns by what the gates of all open orders were judged last.
func (db *DB) GateBasis(ctx context.Context) (basis string, err error) {
	_, err = db.read().one(ctx, `SELECT basis FROM evaluation WHERE name = $1`, []any{gatesOfAll}, &basis)
	return basis, db.failed("find by what the gates were judged", err)
}

// NoteGateBasis notes by what the gates of all open orders were judged.
func (db *DB) NoteGateBasis(ctx context.Context, basis string) error {
	return db.write(ctx, "note by what the gates were judged", false, func(s *session) error {
		_, err := s.exec(ctx, `INSERT INTO evaluation (name, basis) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET basis = excluded.basis`,
			gatesOfAll, basis)
		return err
	})
}

// Held returns how many resources each resource type holds: what thresholds
// measure their percentages against.
func (db *DB) Held(ctx context.Context) (map[roles.ResourceTypeID]int, error) {
	held := map[roles.ResourceTypeID]int{}
	err := db.read().each(ctx, `SELECT type, count(*) FROM assigned_resource WHERE present = 1 AND closed = 0 GROUP BY type`,
		nil, func(r *sql.Rows) error {
			var t roles.ResourceTypeID
			var n int
			if err := r.Scan(&t, &n); err != nil {
				return err
			}
			held[t] = n
			return nil
		})
	return held, db.failed("count held resources", err)
}

// Standing counts what is assigned of resource types and not closed.
func (db *DB) Standing(ctx context.Context, types []roles.ResourceTypeID) (n int, err error) {
	c := &conditions{}
	c.say("a.closed = 0")
	c.among("a.type", db.dialect.Texts, listOf(types))
	_, err = db.read().one(ctx, "SELECT count(*) FROM assigned_resource a"+c.where(), c.args, &n)
	return n, db.failed("count assigned resources", err)
}

// ToCollect counts the orders of a connection that may be sent now, as far as no
// gate was found that they stand before.
func (db *DB) ToCollect(ctx context.Context, connector schema.ConnectorID, connection schema.ConnectionID, now orders.Instant) (n int, err error) {
	_, err = db.read().one(ctx, `SELECT count(*) FROM provisioning_order
		WHERE connector = $1 AND connection = $2 AND closed_at = 0 AND ready > 0 AND gated = 0 AND due_at <= $3`,
		[]any{connector, connection, int64(now)}, &n)
	return n, db.failed("count collectable orders", err)
}

// ids runs a query of assigned resources' numbers.
func (db *DB) ids(ctx context.Context, op, query string, args ...any) ([]orders.AssignedID, error) {
	var list []orders.AssignedID
	err := db.read().each(ctx, query, args, func(r *sql.Rows) error {
		var id orders.AssignedID
		if err := r.Scan(&id); err != nil {
			return err
		}
		list = append(list, id)
		return nil
	})
	return list, db.failed(op, err)
}

// Collectable returns the assigned resources whose open order has an item that
// may be sent now, oldest order first. Those that stand before a gate come
// last: they may be looked at again, and never starve the others.
func (db *DB) Collectable(ctx context.Context, connector schema.ConnectorID, connection schema.ConnectionID, now orders.Instant, limit int) ([]orders.AssignedID, error) {
	return db.ids(ctx, "find collectable orders", `SELECT assigned_resource FROM provisioning_order
		WHERE connector = $1 AND connection = $2 AND closed_at = 0 AND ready > 0 AND due_at <= $3
		ORDER BY gated, id LIMIT $4`, connector, connection, int64(now), limit)
}

// OpenOf returns the assigned resources with an open order of a kind of a resource
// type, some after an order, and the last order among them.
func (db *DB) OpenOf(ctx context.Context, at ParkKey, after orders.OrderID, limit int) (list []orders.AssignedID, last orders.OrderID, err error) {
	err = db.read().each(ctx, `SELECT id, assigned_resource FROM provisioning_order
		WHERE closed_at = 0 AND type = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`,
		[]any{string(at.Type), string(at.Kind), int64(after), limit}, func(r *sql.Rows) error {
			var id orders.AssignedID
			err := r.Scan(&last, &id)
			list = append(list, id)
			return err
		})
	return list, last, db.failed("find open orders of a kind", err)
}

// ReleasedOwners counts the owners of whom a person let something of a kind
// through a threshold that has not gone out yet.
func (db *DB) ReleasedOwners(ctx context.Context, at ParkKey) (int, error) {
	owners := 0
	err := db.read().each(ctx, `SELECT count(*) FROM (SELECT DISTINCT o.owner_type, o.owner_key
		FROM order_item i JOIN provisioning_order o ON o.id = i.order_id
		WHERE i.live = 1 AND i.state = $1 AND i.mark = $2 AND o.closed_at = 0 AND o.type = $3 AND o.kind = $4) owners`,
		[]any{int(orders.Pending), string(orders.Released), string(at.Type), string(at.Kind)}, func(r *sql.Rows) error { return r.Scan(&owners) })
	return owners, db.failed("count released orders", err)
}

// Transmitted returns the assigned resources with an item that an agent or a
// technician holds.
func (db *DB) Transmitted(ctx context.Context, connector schema.ConnectorID, connection schema.ConnectionID) ([]orders.AssignedID, error) {
	return db.ids(ctx, "find transmitted orders", `SELECT assigned_resource FROM provisioning_order
		WHERE connector = $1 AND connection = $2 AND closed_at = 0 AND transmitted > 0 ORDER BY id`, connector, connection)
}

// ToReadBack returns the assigned resources with an item whose outcome is to be looked up.
func (db *DB) ToReadBack(ctx context.Context, connector schema.ConnectorID, connection schema.ConnectionID) ([]orders.AssignedID, error) {
	return db.ids(ctx, "find orders to read back", `SELECT assigned_resource FROM provisioning_order
		WHERE connector = $1 AND connection = $2 AND closed_at = 0 AND read_back > 0 ORDER BY id`, connector, connection)
}

// expiringAtOnce bounds one look at the clock: the next look finds the rest.
const expiringAtOnce = 10_000

// Expiring returns the assigned resources with an item whose lease or validity
// is over, those that waited longest first.
func (db *DB) Expiring(ctx context.Context, now orders.Instant) ([]orders.AssignedID, error) {
	return db.ids(ctx, "find expiring orders", `SELECT assigned_resource FROM provisioning_order
		WHERE closed_at = 0 AND expires_at > 0 AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2`, int64(now), expiringAtOnce)
}

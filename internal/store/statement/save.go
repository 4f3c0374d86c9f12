package statement

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
)

// bulkFrom is from how many assigned resources on an act queues behind those of
// people: writing so many takes longer than a person notices.
const bulkFrom = 50

// Save writes assigned resources, new ones (Version 0) and changed ones, with
// their open orders and the steps they took. It returns fault.Conflict, and
// writes nothing, when one of them was written by somebody else since it was
// loaded. What it wrote has the next version and, where the order closed, none.
// After an error the values are to be loaded again: their steps are spent.
func (db *DB) Save(ctx context.Context, act journal.Act, list []*orders.AssignedResource, also ...Extra) error {
	w, err := newWriting(act, list, also)
	if err != nil {
		return err
	}
	err = db.act(ctx, act, len(list) >= bulkFrom, func(s *session) error {
		if err := w.write(ctx, s); err != nil {
			return err
		}
		return s.extras(ctx, act, also)
	})
	switch {
	case errors.Is(err, errStale):
		return w.conflict(ctx, db.read())
	case err == nil:
		w.settle()
	}
	return err
}

// Update loads assigned resources, moves each of them and saves them, in one
// transaction. move sees them as they stand and must be pure, because it may
// run again; when it fails, nothing is changed.
func (db *DB) Update(ctx context.Context, act journal.Act, ids []orders.AssignedID, move func(*orders.AssignedResource) error, also ...Extra) error {
	return db.act(ctx, act, len(ids) >= bulkFrom, func(s *session) error {
		var list []*orders.AssignedResource
		// Locked by a statement of its own, so that the one that loads sees what
		// whoever held the lock has written, the order as well.
		if !db.dialect.OneWriter {
			lock := `SELECT id FROM assigned_resource WHERE id IN (` + db.dialect.Numbers("$1") + `) ORDER BY id` + db.dialect.Lock
			if err := s.each(ctx, lock, []any{listOf(ids)}, func(*sql.Rows) error { return nil }); err != nil {
				return err
			}
		}
		filter := AssignedFilter{IDs: append([]orders.AssignedID{}, ids...), Closed: true}
		err := s.eachAssigned(ctx, filter, func(a *orders.AssignedResource) error {
			list = append(list, a)
			return nil
		})
		if err != nil {
			return err
		}
		if missing := missingIDs(ids, list); len(missing) > 0 {
			return fault.New(fault.NotFound, act.Name, "there is no assigned resource %v", missing)
		}
		for _, a := range list {
			if err := move(a); err != nil {
				return err
			}
		}
		w, err := newWriting(act, list, also)
		if err != nil {
			return err
		}
		if err := w.write(ctx, s); err != nil {
			return err
		}
		return s.extras(ctx, act, also)
	})
}

func missingIDs(ids []orders.AssignedID, list []*orders.AssignedResource) []orders.AssignedID {
	found := map[orders.AssignedID]bool{}
	for _, a := range list {
		found[a.ID] = true
	}
	var missing []orders.AssignedID
	for _, id := range ids {
		if !found[id] {
			missing = append(missing, id)
		}
	}
	return missing
}

// writing is one save, encoded before the transaction begins.
type writing struct {
	list     []*orders.AssignedResource
	now      orders.Instant
	pen      pen
	assigned *batch
	orders   *batch
	items    *batch
	steps    *batch
	closed   []orders.OrderID // close with this save
	open     []orders.OrderID // stay open
	ended    map[string][]orders.AssignedID
}

var assignedColumns = []string{
	"id", "type", "owner_type", "owner_key", "entity", "target", "connector", "connection", "manual", "workflow",
	"state", "blocked", "errored", "found", "present", "confidence", "from_at", "to_at", "waiting", "closed", "version", "document",
	"standing", "settled",
}

// What an act leaves is to be evaluated again where it stands otherwise than the
// last evaluation left it; what an evaluation leaves is evaluated.
var (
	assignedTable  = assignedWith()
	evaluatedTable = assignedWith("evaluated")
)

func assignedWith(more ...string) *table {
	columns := append(slices.Clone(assignedColumns), more...)
	return &table{
		name: "assigned_resource", columns: columns,
		conflict: upsert("id", columns, " WHERE assigned_resource.version = excluded.version - 1"),
	}
}

var stepTable = &table{name: "order_step", columns: []string{
	"assigned_resource", "item", "step", "prev_step", "from_place", "event", "to_place", "order_id", "at", "actor", "why",
}}

func newWriting(act journal.Act, list []*orders.AssignedResource, also []Extra) (*writing, error) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *orders.AssignedResource) int { return cmp.Compare(a.ID, b.ID) })
	into := assignedTable
	if slices.ContainsFunc(also, func(x Extra) bool { return x.Evaluated }) {
		into = evaluatedTable
	}
	w := &writing{
		list: list, now: orders.At(act.At), assigned: newBatchOf(into, len(list)), orders: newBatch(orderTable),
		items: newBatch(itemTable), steps: newBatch(stepTable), ended: map[string][]orders.AssignedID{},
	}
	seen := map[orders.AssignedID]bool{}
	for _, a := range list {
		if a.ID <= 0 || seen[a.ID] || len(a.Items) == 0 {
			return nil, fault.New(fault.Invalid, act.Name,
				"assigned resource %d cannot be saved: its number must be reserved and stand once, and it needs its first item", a.ID)
		}
		seen[a.ID] = true
		if err := w.add(act, a); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// add encodes one assigned resource with its order and steps.
func (w *writing) add(act journal.Act, a *orders.AssignedResource) error {
	text, err := w.pen.encode(a)
	if err != nil {
		return fault.Wrap(fault.Internal, fmt.Sprintf("encode assigned resource %d", a.ID), err)
	}
	n, standing := a.Counters(), a.Standing()
	row := []any{int64(a.ID), string(a.Type), string(a.Owner.Type), string(a.Owner.Key), string(a.Handling.Target), string(a.Target),
		string(a.Handling.Connector), string(a.Handling.Connection), flag(a.Handling.Manual), int(a.Workflow()),
		int(a.Consolidated()), n.Blocked, n.Errored, n.Found, flag(a.Items[0].Is.There), a.Confidence,
		nanos(a.Period.From), nanos(a.Period.To), flag(a.Waiting), flag(a.Closed), a.Version + 1, text,
		standing, flag(a.Settled())}
	if w.assigned.table == evaluatedTable {
		row = append(row, standing)
	}
	w.assigned.add(row...)
	touched := map[orders.OrderID][]int{}
	for _, step := range a.TakeSteps() {
		var prev any
		if step.Step > 1 {
			prev = step.Step - 1
		}
		w.steps.add(int64(a.ID), step.Item, step.Step, prev, step.From.String(), string(step.Event), step.To.String(),
			int64(step.Order), nanos(step.At), step.Actor, step.Why)
		touched[step.Order] = append(touched[step.Order], step.Item)
	}
	if a.Version > 0 {
		outcome := outcomeOf(a)
		w.ended[outcome] = append(w.ended[outcome], a.ID)
	}
	if a.Order != nil {
		w.addOrder(a, touched[a.Order.ID])
	}
	return nil
}

// outcomeOf names why an order that is still open in the store, and is not the
// resource's order any more, closed.
func outcomeOf(a *orders.AssignedResource) string {
	switch {
	case a.Order != nil && a.Order.Supersedes != 0:
		return "superseded"
	case a.Consolidated() == orders.Inactive:
		return "inactive"
	}
	return "verified"
}

// write puts everything where it belongs. Orders that end go first: at most one
// may be open.
func (w *writing) write(ctx context.Context, s *session) error {
	n, err := s.insert(ctx, w.assigned)
	if err != nil {
		return err
	}
	if n != int64(len(w.list)) {
		return errStale
	}
	if err := w.end(ctx, s); err != nil {
		return err
	}
	for _, b := range []*batch{w.orders, w.items, w.steps} {
		if _, err := s.insert(ctx, b); err != nil {
			return err
		}
	}
	_, err = s.exec(ctx, `UPDATE order_item SET live = 0 WHERE live = 1 AND order_id IN (`+s.db.dialect.Numbers("$1")+`)`, listOf(w.closed))
	return err
}

// end closes the orders that others superseded and those that are simply gone.
func (w *writing) end(ctx context.Context, s *session) error {
	outcomes := make([]string, 0, len(w.ended))
	for outcome := range w.ended {
		outcomes = append(outcomes, outcome)
	}
	sort.Strings(outcomes)
	numbers := s.db.dialect.Numbers
	for _, outcome := range outcomes {
		if len(w.ended[outcome]) == 0 {
			continue
		}
		keep := append(append([]orders.OrderID{}, w.open...), w.closed...)
		var gone []orders.OrderID
		err := s.each(ctx, `UPDATE provisioning_order SET closed_at = $1, outcome = $2
			WHERE closed_at = 0 AND assigned_resource IN (`+numbers("$3")+`) AND id NOT IN (`+numbers("$4")+`) RETURNING id`,
			[]any{int64(w.now), outcome, listOf(w.ended[outcome]), listOf(keep)}, func(r *sql.Rows) error {
				var id orders.OrderID
				err := r.Scan(&id)
				gone = append(gone, id)
				return err
			})
		if err != nil {
			return err
		}
		if len(gone) == 0 {
			continue
		}
		if _, err := s.exec(ctx, `UPDATE order_item SET live = 0 WHERE live = 1 AND order_id IN (`+numbers("$1")+`)`, listOf(gone)); err != nil {
			return err
		}
	}
	return nil
}

// errStale: fewer rows were written than there are resources.
var errStale = fault.New(fault.Conflict, "save assigned resources", "an assigned resource changed since it was loaded")

// conflict names what was written by somebody else. It looks after the rollback:
// before it, what this act wrote looks the same.
func (w *writing) conflict(ctx context.Context, s *session) error {
	stored := map[orders.AssignedID]int{}
	ids := make([]orders.AssignedID, len(w.list))
	for i, a := range w.list {
		ids[i] = a.ID
	}
	err := s.each(ctx, `SELECT id, version FROM assigned_resource WHERE id IN (`+s.db.dialect.Numbers("$1")+`)`, []any{listOf(ids)},
		func(r *sql.Rows) error {
			var id orders.AssignedID
			var version int
			err := r.Scan(&id, &version)
			stored[id] = version
			return err
		})
	if err != nil {
		return errors.Join(errStale, err)
	}
	for _, a := range w.list {
		if stored[a.ID] != a.Version {
			e := fault.New(fault.Conflict, "save assigned resources", "assigned resource %d changed since it was loaded: version %d is stored, %d was seen", a.ID, stored[a.ID], a.Version)
			e.Do = "load it again and repeat the decision"
			return e
		}
	}
	return errStale
}

// settle brings the values in line with what was written.
func (w *writing) settle() {
	for _, a := range w.list {
		a.Version++
		if a.Order != nil && !a.Order.Closed.IsZero() {
			a.Order = nil
		}
	}
}

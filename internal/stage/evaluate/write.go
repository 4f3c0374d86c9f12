package evaluate

import (
	"cmp"
	"errors"
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// adopt brings what is stored of some owners to what is expected.
func (q *round) adopt(n *near, x Result) error {
	q.summary.Roles += len(x.Roles)
	q.summary.Resources += len(x.Resources)
	q.summary.Findings = append(q.summary.Findings, x.Findings...)
	q.again, q.held = append(q.again, x.again...), append(q.held, x.held...)
	if q.take != nil {
		return cmp.Or(n.world.failed, q.take(Part{Stored: n.stored, Roles: n.roles, Result: x, World: n.world, Owners: n.owners, ReadAt: q.known.ReadAt}))
	}
	put, remove := q.roleChanges(q.act.At, n.roles, x.Roles)
	q.unwritten.put, q.unwritten.remove = append(q.unwritten.put, put...), append(q.unwritten.remove, remove...)
	found := func(a assignments.AssignedRole) bool { return a.Workflow.Found() }
	if len(put)+len(remove) > 0 && (slices.ContainsFunc(n.roles, found) || slices.ContainsFunc(x.Roles, found)) {
		for _, a := range put {
			q.again = append(q.again, a.Owner) // what was found once is a reason to find more
		}
		for _, at := range remove {
			q.again = append(q.again, at.Owner)
		}
	}
	for _, a := range x.Roles {
		if a.Workflow == assignments.Cancellation || a.Workflow == assignments.WorkflowInactive {
			q.again = append(q.again, a.Owner) // shown until the next run
		}
	}
	q.unwritten.ended = append(q.unwritten.ended, x.Ended...)
	known := &Known{Assigned: n.stored, ReadAt: q.known.ReadAt}
	expected := Expectation{Result: x, World: n.world}
	q.ids.Prepare(reserved(added(known, expected)))
	before := map[orders.AssignedID]owning{}
	for _, a := range n.stored {
		before[a.ID] = owning{a.Target, a.Confidence}
	}
	changed := Adopt(q.Model, known, expected, func() orders.AssignedID { return orders.AssignedID(q.ids.Next()) })
	q.openMatches(n, x, before, changed)
	if err := errors.Join(q.ids.Err(), n.world.failed); err != nil {
		return err
	}
	q.summary.Changed += len(changed)
	q.unwritten.changed = append(q.unwritten.changed, changed...)
	return q.flush(savedAtOnce)
}

// many is from how many new accounts on more numbers are reserved than they need:
// reserving waits for what is being written.
const many = 500

// reserved is how many numbers to reserve for new accounts: exactly theirs, so that
// they follow each other, unless there are many.
func reserved(added int) int {
	if added < many {
		return added
	}
	return 16 * added
}

// owning is which target somebody has, and how surely.
type owning struct {
	target     resources.Key
	confidence int
}

// openMatches lets the next run look again at what it may match otherwise: a match
// that nothing keeps, because another account is on its way or a person refused
// it, and one that was found just now where there may be several or doubtful ones.
func (q *round) openMatches(n *near, x Result, before map[orders.AssignedID]owning, changed []*orders.AssignedResource) {
	open := func(id roles.ResourceTypeID, owner resources.Ref, target resources.Key) {
		q.again = append(q.again, owner)
		q.held = append(q.held, resources.Ref{Type: schema.EntityType(id), Key: target})
	}
	kept := register(append(slices.Clone(n.stored), changed...))
	for _, e := range x.Resources {
		of := kept[pairKey{e.Type, e.Owner}]
		if e.Target != "" && !slices.ContainsFunc(of, func(a *orders.AssignedResource) bool { return a.Target == e.Target }) {
			open(e.Type, e.Owner, e.Target)
		}
	}
	for _, a := range changed {
		t := q.Model.ResourceTypes[a.Type]
		doubtful := t.Multiple || t.SuggestAll || slices.ContainsFunc(t.Correlate, func(r roles.Correlation) bool { return r.Confidence < certain })
		if a.Closed && a.Target != "" {
			open(a.Type, a.Owner, a.Target) // it is anybody's from now on
		}
		was, known := before[a.ID]
		if now := (owning{a.Target, a.Confidence}); (doubtful || known) && a.Target != "" && was != now && !isOrphan(a.Owner) {
			open(a.Type, a.Owner, a.Target)
		}
		if slices.ContainsFunc(a.Items, func(it orders.Item) bool { return it.Property != "" && it.Policy.Workflow.Found() }) {
			q.again = append(q.again, a.Owner) // roles are deduced from what was found
		}
	}
}

// flush hands over what waits to be written, once it is enough for a transaction.
func (q *round) flush(enough int) error {
	b := q.unwritten
	if len(b.changed) < enough && len(b.put)+len(b.remove) < enough && len(b.ended) < enough {
		return nil
	}
	q.unwritten = batch{}
	return q.writing.hand(b)
}

// A batch is what one piece of a run writes.
type batch struct {
	put     []assignments.AssignedRole
	remove  []stage.AssignedRoleKey
	ended   []assignments.RoleDecision
	changed []*orders.AssignedResource
}

func (q *round) write(b batch) error {
	if err := q.writeRoles(q.ctx, q.act, b.put, b.remove); err != nil {
		return err
	}
	if err := q.end(q.ctx, q.act, b.ended); err != nil {
		return err
	}
	for piece := range slices.Chunk(b.changed, savedAtOnce) {
		if err := q.Store.Save(q.ctx, q.act, piece, stage.Extra{Evaluated: true}); err != nil {
			return err
		}
	}
	return nil
}

// A writing writes one batch after the other while the next owners are evaluated.
type writing struct {
	batches chan batch
	written chan error // the first error, when all is written
	failed  chan struct{}
}

func (q *round) startWriter() {
	w := &writing{batches: make(chan batch, 1), written: make(chan error, 1), failed: make(chan struct{})}
	q.writing = w
	go func() {
		for b := range w.batches {
			if err := q.write(b); err != nil {
				w.written <- err
				close(w.failed)
				return
			}
		}
		w.written <- nil
	}()
}

// hand gives the writer a batch, when it has room for one.
func (w *writing) hand(b batch) error {
	select {
	case w.batches <- b:
		return nil
	case <-w.failed:
		return errUnwritten
	}
}

// errUnwritten ends a run whose writer failed; finish says why it did.
var errUnwritten = errors.New("what was evaluated cannot be written")

// finish waits until all that was handed over is written.
func (w *writing) finish() error {
	close(w.batches)
	return <-w.written
}

package evaluate

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// Warm is what a run read of everybody and the next one in the same process can
// use: rules with what they name, the keys of accounts that nobody owns. It is
// used only when nobody else evaluated meanwhile; what was marked since is read
// anew.
type Warm struct {
	run     string // the run that left it; "": nothing is here
	basis   string
	e       *evaluation
	known   *Known
	touched map[roles.ResourceTypeID]map[resources.Key]bool // whose ownership that run may have changed
}

// begun reads what concerns everybody, or takes what the last run left.
func (r *Runner) begun(ctx context.Context, stop context.CancelCauseFunc, day time.Time, todo stage.ToEvaluate, same string) (*round, error) {
	if r.Warm == nil {
		r.Warm = &Warm{}
	}
	left := *r.Warm
	*r.Warm = Warm{} // until this run is through
	if left.run == "" || left.run != todo.Run || left.basis != todo.Basis || !strings.HasPrefix(left.basis, same) {
		return r.begin(ctx, stop, day)
	}
	q := r.newRound(ctx, stop, day, left.known)
	q.e, q.kept = left.e, true
	q.e.result = &Result{}
	q.e.World.source, q.e.World.failed = shelf{ctx, r.Store, r.Model}, nil
	q.e.Owned = q.owned
	fresh, err := q.refresh(todo, left.touched)
	if err == nil && !fresh {
		return r.begin(ctx, stop, day)
	}
	return q, err
}

// leave keeps what the next run can use.
func (q *round) leave(basis string) string {
	run := rand.Text()
	if q.only != nil {
		*q.Warm = Warm{run: run, basis: basis, e: q.e, known: q.known, touched: q.only.targets}
	}
	return run
}

// refresh reads anew what changed; false: too much of what all share.
func (q *round) refresh(todo stage.ToEvaluate, touched map[roles.ResourceTypeID]map[resources.Key]bool) (bool, error) {
	var err error
	if q.known.ReadAt, err = readAt(q.ctx, q.Store); err != nil {
		return false, err
	}
	targets, associated := map[roles.ResourceTypeID][]resources.Key{}, false
	for id, keys := range touched {
		for key := range keys {
			targets[id] = append(targets[id], key)
		}
	}
	for _, a := range todo.Stale {
		targets[a.Type] = append(targets[a.Type], a.Target)
		if m := q.e.matches[a.Type]; m != nil { // what it has no more
			targets[a.Type] = append(targets[a.Type], m.of[a.Owner]...)
		}
		q.e.live[a.Type] = true
	}
	for _, m := range todo.Marks {
		switch m.Kind {
		case stage.MarkEverything:
			return false, nil
		case stage.MarkTarget:
			id := roles.ResourceTypeID(m.Ref.Type)
			targets[id] = append(targets[id], m.Ref.Key)
			associated = true
		case stage.MarkOwner:
			decided, err := q.Store.RoleDecisions(q.ctx, &m.Ref)
			if err != nil {
				return false, err
			}
			q.e.Decided[m.Ref] = decided
		case stage.MarkResource:
			if q.e.shared(m.Ref.Type) {
				return false, nil
			}
			if err := q.refreshResource(m.Ref); err != nil {
				return false, err
			}
			for _, x := range q.e.matches {
				associated = associated || len(x.confirmed[m.Ref]) > 0
			}
			for id, t := range q.Model.ResourceTypes {
				if t.Target == m.Ref.Type {
					targets[id] = append(targets[id], m.Ref.Key)
				}
			}
		}
	}
	if associated {
		if err := q.refreshAssociations(); err != nil {
			return false, err
		}
	}
	for id, keys := range targets {
		if m := q.e.matches[id]; m != nil {
			if err := q.refreshTargets(m, keys); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// shared reports whether what all owners share is made of an entity type: what rule
// lines name, hierarchies, and links that the other side shows.
func (e *evaluation) shared(t schema.EntityType) bool {
	for _, d := range e.Model.Dimensions {
		if d.Entity == t {
			return true
		}
	}
	for _, id := range e.types {
		x := e.byType[id]
		for _, l := range x.links {
			if l.property.Link == t {
				return true
			}
		}
		for _, r := range x.Find {
			if x.entity.Properties[r.Property].Link == t {
				return true
			}
		}
	}
	for _, c := range e.Model.Connectors {
		for _, entity := range c.Entities {
			for _, p := range entity.Properties {
				if _, stored := inverseOf(e.Model, p); stored && (p.Link == t || entity.Type == t) && e.World.whole(entity.Type) {
					return true
				}
			}
		}
	}
	return false
}

// refreshResource reads anew what was allocated to a resource, and forgets by
// which names resources of its type are found.
func (q *round) refreshResource(ref resources.Ref) error {
	q.e.World.named.Range(func(at, _ any) bool {
		if at.(naming).entity == ref.Type {
			q.e.World.named.Delete(at)
		}
		return true
	})
	if len(q.e.World.allocates[ref.Type]) > 0 {
		list, err := q.Store.AllocatedTo(q.ctx, ref)
		if err != nil {
			return err
		}
		for _, d := range list {
			q.e.Allocations[Subject{string(d.Type), d.Owner.Key, d.Property}] = d.Value
		}
	}
	if !q.e.World.whole(ref.Type) {
		return nil
	}
	list, err := q.Store.ResourcesOf(q.ctx, ref.Type, []resources.Key{ref.Key})
	q.e.World.replace(ref, list)
	return err
}

// refreshAssociations reads anew what people said of whose accounts are.
func (q *round) refreshAssociations() error {
	known, err := loadAssociations(q.ctx, q.Store)
	if err != nil {
		return err
	}
	q.e.Denied, q.e.Confirmed = known.Denied, known.Confirmed
	for _, id := range q.e.types {
		m, fresh := q.e.matches[id], newMatcher(q.e, q.Model.ResourceTypes[id])
		m.confirmed, m.reserved = fresh.confirmed, fresh.reserved
		m.confirm(q.e)
	}
	return nil
}

// refreshTargets reads anew whose some targets are, and their keys.
func (q *round) refreshTargets(m *matcher, keys []resources.Key) error {
	slices.Sort(keys)
	keys = slices.DeleteFunc(slices.Compact(keys), func(key resources.Key) bool { return key == "" })
	for _, key := range keys {
		m.forget(key)
	}
	t := m.resourceType
	list, err := q.Store.OwnersOf(q.ctx, t.ID, t.Target, keys)
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.Settled {
			m.settle(o.Owner, o.Target)
		}
	}
	m.confirm(q.e)
	layer := q.e.World.layer()
	layer.bring(t.Target, keys)
	layer.reach(t.Target, keys, q.e.hops)
	for _, key := range keys {
		if r, there := layer.Record(t.Target, key); there {
			m.readOne(q.e, layer, r)
		}
	}
	return layer.failed
}

// forget takes a target out of all that is known of whose it is.
func (m *matcher) forget(key resources.Key) {
	delete(m.taken, key)
	delete(m.owned, key)
	delete(m.nobodys, key)
	if i, loose := slices.BinarySearch(m.loose, key); loose {
		m.loose = slices.Delete(m.loose, i, i+1)
	}
	for i, text := range m.texts[key] {
		m.keys[i][text] = slices.DeleteFunc(m.keys[i][text], func(other resources.Key) bool { return other == key })
	}
	delete(m.texts, key)
}

// readAt says when what is known of each entity type was read.
func readAt(ctx context.Context, store Reader) (map[schema.EntityType]time.Time, error) {
	readings, err := store.LastReadings(ctx)
	at := map[schema.EntityType]time.Time{}
	for _, r := range readings {
		at[r.Entity] = r.Complete.Began // what a later, incomplete one did not show is known from this
	}
	return at, err
}

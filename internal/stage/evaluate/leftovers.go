package evaluate

import (
	"cmp"
	"maps"
	"slices"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// leftovers settles what is assigned to owners who are gone, or to nobody.
func (q *round) leftovers() error {
	owners, err := q.ownersLeft()
	if err != nil {
		return err
	}
	nobodys := map[schema.EntityType][]resources.Ref{}
	gone := map[schema.EntityType][]resources.Key{}
	for _, ref := range owners {
		if isOrphan(ref) {
			nobodys[ref.Type] = append(nobodys[ref.Type], ref)
		} else {
			gone[ref.Type] = append(gone[ref.Type], ref.Key)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(gone)) {
		for keys := range slices.Chunk(gone[t], ownersRead) {
			if err := q.ownersGone(t, keys); err != nil {
				return err
			}
		}
	}
	for _, id := range q.e.types {
		t := q.Model.ResourceTypes[id]
		for _, key := range q.loose(q.e.matches[id]) {
			nobodys[t.Source] = append(nobodys[t.Source], resources.Ref{Type: t.Source, Key: nobody + key})
		}
	}
	for _, t := range slices.Sorted(maps.Keys(nobodys)) {
		refs := nobodys[t]
		slices.SortFunc(refs, func(a, b resources.Ref) int { return cmp.Compare(a.Key, b.Key) })
		for piece := range slices.Chunk(slices.Compact(refs), ownersRead) {
			if err := q.orphans(t, piece); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownersLeft lists to whom something is assigned and who were not evaluated.
func (q *round) ownersLeft() ([]resources.Ref, error) {
	if q.only != nil {
		return q.only.left(q.e.World), nil
	}
	left := map[resources.Ref]bool{}
	note := func(owner resources.Ref) {
		if !q.seen[owner] {
			left[owner] = true
		}
	}
	if err := q.from.EachOwnership(q.ctx, func(o stage.Ownership) { note(o.Owner) }); err != nil {
		return nil, err
	}
	if err := q.from.EachRoleOwner(q.ctx, note); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Keys(left), func(a, b resources.Ref) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key))
	}), nil
}

// ownersGone settles what some owners have who are not there any more.
func (q *round) ownersGone(t schema.EntityType, keys []resources.Key) error {
	layer := q.e.World.layer()
	layer.bring(t, keys)
	n, err := q.near(t, keys, layer)
	if err != nil {
		return err
	}
	e := q.e.nearTo(n)
	e.Assigned, e.result = nil, &Result{}
	for _, a := range n.stored {
		e.Assigned = append(e.Assigned, assignedOf(a))
	}
	e.ownersGone()
	return q.adopt(n, *e.result)
}

// orphans settles accounts that belong to nobody; refs stand for the owners that they lack.
func (q *round) orphans(t schema.EntityType, refs []resources.Ref) error {
	stored, err := q.from.Assigned(q.ctx, stage.AssignedFilter{Owners: refs})
	if err != nil {
		return err
	}
	n := &near{world: q.e.World.layer(), stored: stored}
	targets := map[schema.EntityType][]resources.Key{}
	keys := make([]resources.Key, len(refs))
	for i, ref := range refs {
		keys[i] = ref.Key[len(nobody):]
	}
	e := q.e.nearTo(n)
	e.result = &Result{}
	for _, id := range e.types {
		if e.Model.ResourceTypes[id].Source == t {
			target := e.Model.ResourceTypes[id].Target
			targets[target] = append(targets[target], keys...)
			e.matches[id].orphans(e, slices.DeleteFunc(slices.Clone(keys), func(key resources.Key) bool {
				_, loose := slices.BinarySearch(e.matches[id].loose, key)
				return !loose
			}))
		}
	}
	q.bring(n.world, targets)
	return q.adopt(n, *e.result)
}

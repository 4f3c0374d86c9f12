package evaluate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// Of keeps of an expectation what concerns one owner.
func (x Expectation) Of(owner resources.Ref) Expectation {
	of := Expectation{World: x.World}
	of.Roles = only(x.Roles, func(a assignments.AssignedRole) bool { return a.Owner == owner })
	of.Resources = only(x.Resources, func(e assignments.ExpectedResource) bool { return e.Owner == owner })
	of.Ended = only(x.Ended, func(d assignments.RoleDecision) bool { return d.Owner == owner })
	of.Made = only(x.Made, func(d stage.Decision) bool { return d.Owner == owner })
	of.Findings = only(x.Findings, func(f fault.Finding) bool {
		return f.Object == owner.String() || strings.HasPrefix(f.What, owner.String()+": ")
	})
	return of
}

// Of keeps of what is known what one owner has, and what is to become the owner's.
func (k *Known) Of(owner resources.Ref, x Expectation) *Known {
	of := *k
	of.Roles = only(k.Roles, func(a assignments.AssignedRole) bool { return a.Owner == owner })
	of.Assigned = only(k.Assigned, func(a *orders.AssignedResource) bool {
		return a.Owner == owner || isOrphan(a.Owner) && slices.ContainsFunc(x.Resources, func(e assignments.ExpectedResource) bool {
			return e.Owner == owner && e.Type == a.Type && e.Target != "" && e.Target == a.Target
		})
	})
	return &of
}

// Alone evaluates one owner on a day and stores nothing: what is known of that owner,
// and what a run would expect. Beside what the owner's own evaluation reads, it reads
// who competes with the owner for accounts: they are matched in their order, and not
// evaluated. Where values are allocated, the owner comes before all who wait for one.
func (r *Runner) Alone(ctx context.Context, day time.Time, owner resources.Ref) (*Known, Expectation, error) {
	todo, err := r.Store.ToEvaluate(ctx)
	if err != nil {
		return nil, Expectation{}, err
	}
	return r.alone(ctx, day, owner, todo)
}

func (r *Runner) alone(ctx context.Context, day time.Time, owner resources.Ref, todo stage.ToEvaluate) (*Known, Expectation, error) {
	var x Expectation
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	q, err := r.begun(within, stop, day, todo, r.Configuration+" "+day.Format(time.DateOnly)+" ")
	if err == nil && q.kept { // what is kept is read anew where something changed, as by a run
		var since *affected
		if since, err = q.affectedBy(todo); err == nil && since == nil {
			q, err = r.begin(within, stop, day)
		}
	}
	if err != nil {
		return nil, x, err
	}
	known, found := *q.known, false
	q.take = func(p Part) error {
		if slices.Contains(p.Owners, owner) { // others who are gone, and nobody's accounts, come too
			known.Assigned, known.Roles, x.Result, x.World, found = p.Stored, p.Roles, p.Result, p.World, true
		}
		return nil
	}
	matched, err := q.onlyFor(owner)
	if err == nil {
		err = q.run()
	}
	if err == nil && !found { // nothing is for resources like this any more: what there is of it is let go
		err = q.ownersGone(owner.Type, []resources.Key{owner.Key})
	}
	if err != nil {
		return nil, x, err
	}
	q.e.World.source = shelf{ctx, r.Store, r.Model} // whoever describes what is expected asks on
	x.World.source = q.e.World.source
	x.Made, x.Findings = q.made, q.summary.Findings
	x = x.Of(owner)
	if err := q.nobodys(&known, owner, x); err != nil {
		return nil, x, err
	}
	if q.kept && len(q.made) == 0 { // what was allocated is stored by nobody yet
		*r.Warm = Warm{run: todo.Run, basis: todo.Basis, e: q.e, known: q.known, touched: matched}
	}
	return known.Of(owner, x), x, nil
}

// onlyFor cuts a round down to one owner and who competes with that owner, and
// returns the targets for which they do.
func (q *round) onlyFor(owner resources.Ref) (map[roles.ResourceTypeID]map[resources.Key]bool, error) {
	q.solely = &owner
	q.only = &affected{
		round: q, owners: map[resources.Ref]bool{}, targets: map[roles.ResourceTypeID]map[resources.Key]bool{}, byText: map[textsOf]map[string][]resources.Key{},
	}
	q.only.owner(owner)
	err := q.only.match()
	matched := q.only.targets
	q.only.targets = nil // what belongs to nobody is not asked
	return matched, err
}

// nobodys adds what is stored of accounts as nobody's that are to be the owner's.
func (q *round) nobodys(known *Known, owner resources.Ref, x Expectation) error {
	var refs []resources.Ref
	for _, e := range x.Resources {
		if e.Target != "" {
			refs = append(refs, resources.Ref{Type: owner.Type, Key: nobody + e.Target})
		}
	}
	if len(refs) == 0 {
		return nil
	}
	list, err := q.from.Assigned(q.ctx, stage.AssignedFilter{Owners: refs})
	known.Assigned = append(known.Assigned, list...)
	slices.SortFunc(known.Assigned, func(a, b *orders.AssignedResource) int { return cmp.Compare(a.ID, b.ID) })
	return err
}

// RunOwner evaluates one owner on a day and stores what is expected of that owner:
// exactly what a run would store of it.
func (r *Runner) RunOwner(ctx context.Context, day time.Time, owner resources.Ref) (Summary, error) {
	todo, err := r.Store.ToEvaluate(ctx)
	if err != nil {
		return Summary{}, err
	}
	known, x, err := r.alone(ctx, day, owner, todo)
	if err != nil {
		return Summary{}, err
	}
	summary, err := r.save(ctx, day, known, x)
	if err != nil {
		return summary, err
	}
	// The next run takes away what is shown once, and tells others of new values.
	next := stage.ToEvaluate{Again: []resources.Ref{owner}}
	if slices.ContainsFunc(x.Made, func(d stage.Decision) bool { return string(d.Type) == string(owner.Type) }) {
		next.Changed = next.Again
	}
	if len(x.Made) == 0 {
		next.Run = todo.Run // all else that was stored is marked: what a server keeps stays of use
	}
	return summary, r.Store.Evaluated(ctx, next)
}

func only[T any](list []T, of func(T) bool) (kept []T) {
	for _, x := range list {
		if of(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

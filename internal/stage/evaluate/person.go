package evaluate

import (
	"context"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
)

// Of keeps of an expectation what concerns one owner. Everybody is evaluated all
// the same: who else has a name, or matches an account, is part of the answer.
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

// RunOwner evaluates one owner on a day and stores what is expected of that owner:
// exactly what a run would store of it.
func (r *Runner) RunOwner(ctx context.Context, day time.Time, owner resources.Ref) (Summary, error) {
	k, err := Load(ctx, r.Store, r.Model)
	if err != nil {
		return Summary{}, err
	}
	x := Expect(r.Model, r.Programs, k, day).Of(owner)
	summary, err := r.save(ctx, day, k.Of(owner, x), x)
	if err != nil {
		return summary, err
	}
	// The next run takes away what is shown once, and tells others of new values.
	next := stage.ToEvaluate{Again: []resources.Ref{owner}}
	if slices.ContainsFunc(x.Made, func(d stage.Decision) bool { return string(d.Type) == string(owner.Type) }) {
		next.Changed = next.Again
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

package evaluate

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// A round evaluates owners, some after the other, and stores what is different.
// What it holds of everybody is small: who owns which target, the keys of those
// that nobody owns, what people decided. All else is read with some owners and
// given up with them.
type round struct {
	*Runner
	from  PartReader
	take  func(Part) error // of a plan: what is expected goes there, and nothing is stored
	ctx   context.Context
	stop  context.CancelCauseFunc
	act   journal.Act
	known *Known // but for resources, roles and what is assigned
	e     *evaluation
	ids   *stage.Numbering

	failed error

	matched bool // by the run before
	kept    bool // what concerns everybody was left by the run before

	only    *affected      // nil: everybody
	solely  *resources.Ref // of those only this one is evaluated, the others are just matched; nil: all
	seen    map[resources.Ref]bool
	waiting []waiting        // for values that are allocated when all were asked
	asked   []Request        // by those that wait
	served  bool             // all were: what somebody still lacks is not to be had now
	made    []stage.Decision // that was allocated to it
	summary Summary
	of      int             // owners to be evaluated; 0: not known, or nobody is told
	again   []resources.Ref // to be evaluated by the next run too
	held    []resources.Ref // targets that are to be looked at by the next run too

	unwritten batch // until it is enough for a transaction
	writing   *writing
}

// waiting are owners who wait for values. Whose is whose was settled in order.
type waiting struct {
	entity   schema.EntityType
	keys     []resources.Key
	accounts []map[roles.ResourceTypeID][]match
}

// ownersRead is how many owners are read in one go: enough that the questions cost
// little, few enough that what is read of them is soon given up.
const ownersRead = 256

// Run evaluates on a day and stores what is expected: everybody or, when the same
// configuration was evaluated for the day already, whom a change may concern.
func (r *Runner) Run(ctx context.Context, day time.Time) (Summary, error) {
	if err := r.Store.FoldReadings(ctx); err != nil {
		return Summary{}, err
	}
	todo, err := r.Store.ToEvaluate(ctx)
	if err != nil {
		return Summary{}, err
	}
	same := r.Configuration + " " + day.Format(time.DateOnly) + " "
	if r.Configuration != "" && len(todo.Marks)+len(todo.Stale) == 0 && strings.HasPrefix(todo.Basis, same) {
		return Summary{}, nil
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	q, err := r.begun(ctx, stop, day, todo, same)
	if err != nil {
		return Summary{}, err
	}
	basis := same + q.e.constants()
	if r.Configuration != "" && basis == todo.Basis {
		q.only, err = q.affectedBy(todo)
	} else {
		q.seen = map[resources.Ref]bool{}
	}
	if err == nil && q.only == nil && q.kept {
		// What is kept is read anew where something changed, not of everybody.
		if q, err = r.begin(ctx, stop, day); err == nil {
			q.seen = map[resources.Ref]bool{}
		}
	}
	if err == nil {
		err = q.run()
	}
	if err != nil {
		return Summary{}, err
	}
	q.summary.Everybody = q.only == nil
	if todo.Basis = basis; r.Configuration == "" {
		todo.Basis = ""
	}
	todo.Again, todo.Targets, todo.Run = q.again, q.held, q.leave(basis)
	return q.summary, r.Store.Evaluated(ctx, todo)
}

// begin reads what concerns everybody.
func (r *Runner) begin(ctx context.Context, stop context.CancelCauseFunc, day time.Time) (*round, error) {
	known, err := loadDecided(ctx, r.Store)
	if err != nil {
		return nil, err
	}
	q := r.newRound(ctx, stop, day, known)
	return q, q.prepare(day, cmp.Or(r.Held, heldAtMost), nil)
}

// prepare reads what concerns everybody. Some resources may stand in place of
// those in the store.
func (q *round) prepare(day time.Time, held int, instead map[schema.EntityType][]resources.Resource) (err error) {
	in := InputOf(q.Model, q.Programs, q.known, day)
	in.Matched = q.matched
	if in.World, err = loadWorld(q.ctx, q.from, q.Model, held, q.known.Allocations, instead); err != nil {
		return err
	}
	in.Owned = q.owned
	q.e = &evaluation{Input: in, programs: q.Programs, result: &Result{}}
	q.e.prepare()
	return errors.Join(q.failed, in.World.failed)
}

func (r *Runner) newRound(ctx context.Context, stop context.CancelCauseFunc, day time.Time, known *Known) *round {
	return &round{
		Runner: r, from: r.Store, ctx: ctx, stop: stop, known: known, ids: stage.Numbers(ctx, r.Store, stage.AssignedCounter),
		act: journal.Act{Actor: r.Actor, Name: "evaluate", Subject: day.Format(time.DateOnly), At: r.Clock()},
	}
}

// owned calls do for all that is assigned.
func (q *round) owned(do func(stage.Ownership)) {
	q.failed = errors.Join(q.failed, q.from.EachOwnership(q.ctx, do))
}

// run goes through the owners and writes what is different beside it.
func (q *round) run() error {
	if q.take != nil {
		return q.goThrough()
	}
	q.startWriter()
	err := q.goThrough()
	if err == nil {
		err = q.flush(1)
	}
	written := q.writing.finish()
	if errors.Is(err, errUnwritten) {
		return written
	}
	return cmp.Or(err, written)
}

// goThrough evaluates the owners: once for the values that their entity types
// allocate, once for all else, and once more for those that had to wait for a value.
func (q *round) goThrough() error {
	if err := q.allocateOwn(); err != nil {
		return err
	}
	if q.Progress != nil {
		q.of = q.toEvaluate()
		q.Progress(0, q.of)
	}
	if err := q.evaluate(q.shards); err != nil {
		return err
	}
	if len(q.asked) > 0 {
		if err := q.allocate(q.asked); err != nil {
			return err
		}
		waiting := q.waiting
		q.waiting, q.asked, q.served = nil, nil, true
		err := q.evaluate(func(next func(*shard)) error {
			for _, w := range waiting {
				layer := q.e.World.layer()
				layer.bring(w.entity, w.keys)
				s, err := q.shard(w.entity, w.keys, layer, w.accounts)
				if err != nil {
					return err
				}
				next(s)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return q.leftovers()
}

func keysOf(list []*resources.Resource) []resources.Key {
	keys := make([]resources.Key, len(list))
	for i, r := range list {
		keys[i] = r.Key
	}
	return keys
}

// each calls do for the owners of a type, some at a time, in a layer that holds them.
func (q *round) each(t schema.EntityType, do func(layer *World, keys []resources.Key) error) error {
	w := q.e.World
	switch {
	case q.only == nil && !w.whole(t):
		var failed error
		err := w.pages(t, ownersRead, func(layer *World, keys []resources.Key) {
			if failed == nil {
				failed = do(layer, keys)
			}
		})
		return cmp.Or(failed, err)
	case q.only == nil:
		for keys := range slices.Chunk(w.order[t], ownersRead) {
			if err := do(w.layer(), keys); err != nil {
				return err
			}
		}
	default:
		for keys := range slices.Chunk(q.only.ownersOf(t), ownersRead) {
			layer := w.layer()
			layer.bring(t, keys)
			there := slices.DeleteFunc(slices.Clone(keys), func(key resources.Key) bool {
				_, is := layer.Record(t, key)
				return !is
			})
			if len(there) == 0 {
				continue
			}
			if err := do(layer, there); err != nil {
				return err
			}
		}
	}
	return nil
}

// allocateOwn finds values that entity types allocate for their own resources.
func (q *round) allocateOwn() error {
	own := q.e.allocated()
	if len(own) == 0 {
		return nil
	}
	// Whose is whose is settled once more when the owners are evaluated.
	matches := q.e.matches
	q.e.matches = map[roles.ResourceTypeID]*matcher{}
	for id, m := range matches {
		other := *m
		other.taken, other.owned = maps.Clone(m.taken), maps.Clone(m.owned)
		q.e.matches[id] = &other
	}
	defer func() { q.e.matches = matches }()
	var requests []Request
	for _, p := range own {
		err := q.each(p.entity.Type, func(layer *World, keys []resources.Key) error {
			keys = slices.DeleteFunc(slices.Clone(keys), func(key resources.Key) bool { return !q.e.missing(p, key) })
			if len(keys) == 0 {
				return nil
			}
			s, err := q.near(p.entity.Type, keys, layer)
			if err != nil {
				return err
			}
			near := q.e.nearTo(s)
			for _, key := range keys {
				if r, there := layer.Record(p.entity.Type, key); there {
					requests = near.ownRequest(requests, p, r)
				}
			}
			return layer.failed
		})
		if err != nil {
			return err
		}
	}
	if err := q.allocate(requests); err != nil || q.only == nil || q.take != nil {
		return err
	}
	allocated := make([]resources.Ref, len(requests))
	for i, r := range requests {
		allocated[i] = r.Owner.Ref
	}
	return q.spread(allocated)
}

// spread takes in owners who read values that were just allocated.
func (q *round) spread(refs []resources.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	if err := q.only.spread(refs); err != nil || !q.only.all {
		return err
	}
	q.only, q.seen = nil, map[resources.Ref]bool{}
	return nil
}

// allocate serves requests and stores the values: they are inputs from now on.
func (q *round) allocate(requests []Request) error {
	if q.solely != nil {
		requests = only(requests, func(r Request) bool { return r.Owner.Ref == *q.solely })
	}
	if len(requests) == 0 {
		return nil
	}
	in := q.e.Input
	in.World = in.World.layer()
	made, findings := Allocate(in, requests)
	if err := errors.Join(q.failed, in.World.failed); err != nil {
		return err
	}
	q.summary.Findings = append(q.summary.Findings, findings...)
	for _, r := range requests {
		if _, served := made[r.Subject]; !served {
			q.again = append(q.again, r.Owner.Ref)
		}
	}
	if len(made) == 0 {
		return nil
	}
	var x Expectation
	x.keep(&q.e.Input, made, nil)
	q.e.World.allocate(q.e.Allocations)
	if q.solely != nil {
		q.made = append(q.made, x.Made...)
	}
	q.summary.Allocated += len(x.Made)
	if q.take != nil {
		return nil
	}
	act := q.act
	act.Name = "allocate"
	return q.Store.Decide(q.ctx, act, x.Made)
}

// toEvaluate counts the owners where they are at hand.
func (q *round) toEvaluate() (n int) {
	for _, t := range q.e.sources() {
		switch {
		case q.only != nil:
			n += len(q.only.ownersOf(t))
		case q.e.World.whole(t):
			n += len(q.e.World.order[t])
		default:
			return 0 // counting them would take as long as going through them
		}
	}
	return n
}

// shards cuts the owners into shards.
func (q *round) shards(next func(*shard)) error {
	for _, t := range q.e.sources() {
		err := q.each(t, func(layer *World, keys []resources.Key) error {
			s, err := q.shard(t, keys, layer, nil)
			if err != nil {
				return err
			}
			if len(s.owners) > 0 {
				next(s)
			}
			return context.Cause(q.ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shard reads what evaluating some owners takes, and settles which accounts are
// theirs, unless that is known already: it depends on who comes first.
func (q *round) shard(t schema.EntityType, keys []resources.Key, layer *World, known []map[roles.ResourceTypeID][]match) (*shard, error) {
	n, err := q.near(t, keys, layer)
	if err != nil {
		return nil, err
	}
	s := &shard{near: n, done: make(chan Result, 1)}
	e := q.e.nearTo(n)
	matched := map[schema.EntityType][]resources.Key{}
	for _, key := range keys {
		r, _ := layer.Record(t, key)
		var accounts map[roles.ResourceTypeID][]match
		if known != nil {
			accounts = known[len(s.owners)]
		} else {
			accounts = e.accountsOfAll(r)
		}
		if q.solely != nil && r.Ref != *q.solely {
			continue
		}
		for id, list := range accounts {
			for _, m := range list {
				target := q.Model.ResourceTypes[id].Target
				matched[target] = append(matched[target], m.Target)
			}
		}
		s.owners, s.accounts = append(s.owners, r), append(s.accounts, accounts)
	}
	q.bring(layer, matched)
	return s, layer.failed
}

// near reads what is known of some owners of one type: what they have, and what
// the expressions lead to from them and their accounts.
func (q *round) near(t schema.EntityType, keys []resources.Key, layer *World) (*near, error) {
	refs := make([]resources.Ref, len(keys))
	for i, key := range keys {
		refs[i] = resources.Ref{Type: t, Key: key}
	}
	n := &near{world: layer, owned: map[pairKey][]Assigned{}, owners: refs}
	var err error
	if n.stored, err = q.from.Assigned(q.ctx, stage.AssignedFilter{Owners: refs}); err != nil {
		return nil, err
	}
	if n.roles, err = q.from.AssignedRolesOf(q.ctx, refs); err != nil {
		return nil, err
	}
	n.prior = OfOwner(n.roles, func(a assignments.AssignedRole) resources.Ref { return a.Owner })
	targets := map[schema.EntityType][]resources.Key{}
	for _, a := range n.stored {
		at := pairKey{a.Type, a.Owner}
		n.owned[at] = append(n.owned[at], assignedOf(a))
		target := q.Model.ResourceTypes[a.Type].Target
		targets[target] = append(targets[target], a.Target)
	}
	layer.reach(t, keys, q.e.hops)
	q.bring(layer, targets)
	return n, layer.failed
}

// bring fetches accounts and what the expressions lead to from them.
func (q *round) bring(layer *World, targets map[schema.EntityType][]resources.Key) {
	for t, keys := range targets {
		if _, declared := q.Model.Entity(t); !declared {
			continue
		}
		layer.bring(t, keys)
		layer.reach(t, keys, q.e.hops)
	}
}

// evaluate works on shards with all cores and settles each in its turn.
func (q *round) evaluate(cut func(next func(*shard)) error) error {
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *shard, workers), make(chan *shard, 2*workers)
	for range workers {
		go q.e.worker(work)
	}
	failed := make(chan error, 1)
	go func() {
		failed <- cut(func(s *shard) {
			order <- s
			work <- s
		})
		close(work)
		close(order)
	}()
	var err error
	for s := range order {
		result := <-s.done
		if err == nil {
			if err = q.settle(s, result); err != nil {
				q.stop(err)
			}
		}
	}
	return cmp.Or(err, <-failed)
}

// settle notes what is different of some owners, or lets them wait for values.
func (q *round) settle(s *shard, x Result) error {
	if len(x.Allocate) > 0 && !q.served {
		q.waiting = append(q.waiting, waiting{s.owners[0].Type, keysOf(s.owners), s.accounts})
		q.asked = append(q.asked, x.Allocate...)
		return s.world.failed
	}
	q.summary.Owners += len(s.owners)
	if q.Progress != nil {
		q.Progress(q.summary.Owners, q.of)
	}
	for _, r := range s.owners {
		if q.seen != nil {
			q.seen[r.Ref] = true
		}
	}
	return q.adopt(s.near, x)
}

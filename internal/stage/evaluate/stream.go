package evaluate

import (
	"runtime"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// ownersAtOnce is how many owners a core takes: enough that handing them over
// costs nothing, few enough that what is expected of those under way is little
// for the garbage collector to look through.
const ownersAtOnce = 32

// A shard is some owners, with the accounts that are theirs and, where not all is
// in memory, a world that holds what they need.
type shard struct {
	owners   []*resources.Resource
	accounts []map[roles.ResourceTypeID][]match
	done     chan Result
	*near
}

// near is what is read of some owners only; nil: everything is known of everybody.
type near struct {
	world  *World
	owners []resources.Ref
	stored []*orders.AssignedResource
	roles  []assignments.AssignedRole
	owned  map[pairKey][]Assigned
	prior  map[resources.Ref][]assignments.AssignedRole
}

// nearTo returns the evaluation as it sees what is near.
func (e *evaluation) nearTo(n *near) *evaluation {
	if n == nil {
		return e
	}
	own := *e
	own.World, own.owned, own.Prior, own.owners = n.world, n.owned, n.prior, map[resources.Ref]bool{}
	for _, a := range n.stored {
		own.owners[a.Owner] = true
	}
	return &own
}

// Stream works out who should have what on a day, some owners after the other on
// all cores, and hands over what is expected in the order of the owners: memory
// is bounded by what is under way, not by how many they are.
func Stream(in Input, take func(Result)) {
	e := &evaluation{Input: in, programs: in.Programs, result: &Result{}}
	e.prepare()
	if in.Only != nil {
		if r, ok := in.World.Record(in.Only.Type, in.Only.Key); ok {
			e.owner(r, e.accountsOfAll(r))
		}
		take(*e.result)
		return
	}
	workers := runtime.GOMAXPROCS(0)
	if in.Touched != nil {
		workers = 1 // they would all write into it
	}
	work, order := make(chan *shard, workers), make(chan *shard, 2*workers)
	for range workers {
		go e.worker(work)
	}
	go func() {
		for _, t := range e.sources() {
			e.cut(t, func(s *shard) {
				order <- s
				work <- s
			})
		}
		close(work)
		close(order)
	}()
	for s := range order {
		take(<-s.done)
	}
	e.ownerless()
	take(*e.result)
}

// cut divides the owners of a type. Whose an account is depends on who comes
// first, so that is settled here, one owner after the other.
func (e *evaluation) cut(t schema.EntityType, next func(*shard)) {
	s := &shard{done: make(chan Result, 1)}
	e.World.Each(t, func(r *resources.Resource) {
		s.owners, s.accounts = append(s.owners, r), append(s.accounts, e.accountsOfAll(r))
		if len(s.owners) == ownersAtOnce {
			next(s)
			s = &shard{done: make(chan Result, 1)}
		}
	})
	if len(s.owners) > 0 {
		next(s)
	}
}

// accountsOfAll lists the owner's accounts of every resource type.
func (e *evaluation) accountsOfAll(r *resources.Resource) map[roles.ResourceTypeID][]match {
	accounts := map[roles.ResourceTypeID][]match{}
	for _, id := range e.types {
		if t := e.Model.ResourceTypes[id]; t.Source == r.Type {
			if list := e.accountsOf(r, t); len(list) > 0 {
				accounts[id] = list
			}
		}
	}
	return accounts
}

// roomFor makes a result with room for as much as another holds.
func roomFor(like *Result) *Result {
	return &Result{
		Roles:     make([]assignments.AssignedRole, 0, len(like.Roles)),
		Resources: make([]assignments.ExpectedResource, 0, len(like.Resources)),
	}
}

// worker evaluates shards. What it derives on the way is its own; all else is
// only read.
func (e *evaluation) worker(work <-chan *shard) {
	own := *e
	own.ancestry = map[roles.DimensionID]map[resources.Key][]resources.Key{}
	own.room = room{}
	for s := range work {
		near := own.nearTo(s.near)
		near.result = roomFor(own.result)
		for i, r := range s.owners {
			found := len(near.result.Findings)
			near.owner(r, s.accounts[i])
			if len(near.result.Findings) > found {
				near.result.again = append(near.result.again, r.Ref)
			}
		}
		own.result, own.room = near.result, near.room
		s.done <- *near.result
	}
}

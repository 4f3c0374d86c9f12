// Package verify is the seventh stage: it compares what was read with what was
// ordered. It verifies, finds drift, and lets the clock end what nobody
// confirmed. A crash leaves some resources compared; the next run compares all.
package verify

import (
	"context"
	"reflect"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// Store is what verifying needs from the store.
type Store interface {
	stage.Counters
	LastReadings(ctx context.Context) ([]stage.LastReading, error)
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
	Standing(ctx context.Context, types []roles.ResourceTypeID) (int, error)
	EachAssigned(ctx context.Context, f stage.AssignedFilter, do func(*orders.AssignedResource) error) error
	Expiring(ctx context.Context, now orders.Instant) ([]orders.AssignedID, error)
	Update(ctx context.Context, act journal.Act, ids []orders.AssignedID, move func(*orders.AssignedResource) error, also ...stage.Extra) error
}

// A Runner compares readings with what was ordered.
type Runner struct {
	Store Store
	Model *roles.Model
	Clock func() time.Time
	Actor journal.Actor
	// Progress is told how many accounts were compared of how many; may be nil.
	Progress func(compared, of int)
}

// A Summary says what a run did.
type Summary struct {
	Compared int `json:"compared"`
	Moved    int `json:"moved"`
	Verified int `json:"verified"` // items that became Verified
	Drifted  int `json:"drifted"`  // items that became a question
	Expired  int `json:"expired"`
}

// comparedAtOnce is how many resources one transaction moves: people's acts
// wait behind it for a fraction of a second.
const comparedAtOnce = 500

// Run compares every assigned resource with the last complete reading of its
// entity type, then ends what has waited too long.
func (r *Runner) Run(ctx context.Context) (Summary, error) {
	var s Summary
	readings, err := r.readings(ctx)
	if err != nil {
		return s, err
	}
	observed, err := r.observe(ctx, readings, &s)
	if err != nil {
		return s, err
	}
	if err := r.store(ctx, observed, &s); err != nil {
		return s, err
	}
	return s, r.expire(ctx, &s)
}

// readings returns the last complete reading of each entity type.
func (r *Runner) readings(ctx context.Context) (map[schema.EntityType]stage.LastReading, error) {
	list, err := r.Store.LastReadings(ctx)
	if err != nil {
		return nil, err
	}
	byType := map[schema.EntityType]stage.LastReading{}
	for _, l := range list {
		// What an incomplete reading committed since is newer than the complete
		// one: nothing is proven until the next complete reading.
		if l.Complete.ID != 0 && l.Complete.ID == l.Committed.ID {
			byType[l.Entity] = l
		}
	}
	return byType, nil
}

// observe finds the resources that a reading moves. Most are as they were: they
// are compared in memory, and only what moves is written.
func (r *Runner) observe(ctx context.Context, readings map[schema.EntityType]stage.LastReading, s *Summary) (map[orders.AssignedID]orders.Observation, error) {
	moved := map[orders.AssignedID]orders.Observation{}
	of, err := r.toCompare(ctx, readings)
	if err != nil {
		return nil, err
	}
	world := world{store: r.Store, model: r.Model, held: map[schema.EntityType]map[resources.Key]*resources.Resource{}, named: map[naming]map[string]*resources.Resource{}}
	for id, t := range r.Model.ResourceTypes {
		reading, ok := readings[t.Target]
		if !ok {
			continue
		}
		held, err := world.load(ctx, t.Target)
		if err != nil {
			return nil, err
		}
		base := observationOf(r.Model, t, readings)
		err = r.Store.EachAssigned(ctx, stage.AssignedFilter{Types: []roles.ResourceTypeID{id}}, func(a *orders.AssignedResource) error {
			if slices.Contains(reading.SetAside, a.Target) || a.Target == "" && a.Order == nil {
				return nil
			}
			obs := base
			if obs.Resource = held[a.Target]; a.Target == "" {
				obs.Resource = world.created(a, t.Target, held)
			}
			s.Compared++
			if r.Progress != nil && s.Compared%comparedAtOnce == 0 {
				r.Progress(s.Compared, of)
			}
			if would(a, obs, r.dry()) {
				moved[a.ID] = obs
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// toCompare counts what will be compared; 0 where nobody is told.
func (r *Runner) toCompare(ctx context.Context, readings map[schema.EntityType]stage.LastReading) (int, error) {
	if r.Progress == nil {
		return 0, nil
	}
	types := []roles.ResourceTypeID{}
	for id, t := range r.Model.ResourceTypes {
		if _, read := readings[t.Target]; read {
			types = append(types, id)
		}
	}
	slices.Sort(types)
	of, err := r.Store.Standing(ctx, types)
	r.Progress(0, of)
	return of, err
}

// observationOf says when each property was read: links that the other side
// stores are shown by the other side's reading.
func observationOf(m *roles.Model, t roles.ResourceType, readings map[schema.EntityType]stage.LastReading) orders.Observation {
	obs := orders.Observation{
		Began: readings[t.Target].Complete.Began,
		Far:   map[schema.PropertyName]time.Time{}, Skip: map[schema.PropertyName]bool{},
	}
	e, _ := m.Entity(t.Target)
	for name, p := range e.Properties {
		if p.Inverse == "" {
			continue
		}
		if far, ok := readings[p.Link]; ok && len(far.SetAside) == 0 {
			obs.Far[name] = far.Complete.Began
		} else {
			obs.Skip[name] = true
		}
	}
	return obs
}

// would reports whether an observation changes anything worth storing: that a
// value was read again unchanged is not.
func would(a *orders.AssignedResource, obs orders.Observation, o orders.Occasion) bool {
	before := slices.Clone(a.Items)
	for i := range before {
		before[i].Ours = slices.Clone(before[i].Ours)
	}
	if err := a.Observe(o, obs); err != nil {
		return true // seen again, and reported, in the transaction
	}
	if a.Touched() {
		return true
	}
	for i := range a.Items {
		now, was := a.Items[i], before[i]
		now.ReadAt, was.ReadAt = 0, 0
		if !reflect.DeepEqual(now, was) {
			return true
		}
	}
	return false
}

func (r *Runner) dry() orders.Occasion {
	return orders.Occasion{Now: r.Clock(), Actor: r.Actor.String(), NewOrder: func() orders.OrderID { return -1 }}
}

// store moves what has to be moved, in transactions.
func (r *Runner) store(ctx context.Context, observed map[orders.AssignedID]orders.Observation, s *Summary) error {
	ids := make([]orders.AssignedID, 0, len(observed))
	for id := range observed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	o, numbers := r.numbered(ctx, len(ids))
	act := journal.Act{Actor: r.Actor, Name: "verify", At: o.Now}
	return r.inPieces(ctx, act, ids, numbers, func(a *orders.AssignedResource) error {
		verified, found := count(a)
		if err := a.Observe(o, observed[a.ID]); err != nil {
			return err
		}
		v, f := count(a)
		s.Moved++
		s.Verified += max(0, v-verified)
		s.Drifted += max(0, f-found)
		return nil
	})
}

// expire ends what waited longer than its validity.
func (r *Runner) expire(ctx context.Context, s *Summary) error {
	o, numbers := r.numbered(ctx, 0)
	ids, err := r.Store.Expiring(ctx, orders.At(o.Now))
	if err != nil {
		return err
	}
	numbers.Prepare(2 * len(ids))
	s.Expired = len(ids)
	act := journal.Act{Actor: r.Actor, Name: "expire", At: o.Now}
	return r.inPieces(ctx, act, ids, numbers, func(a *orders.AssignedResource) error {
		if a.Order != nil && !a.Handling.Manual && a.Order.LeaseUntil != 0 && a.Order.LeaseUntil <= orders.At(o.Now) {
			silent := o
			silent.Why = "the agent that held it went silent"
			if err := a.Abandoned(silent, orders.Expire); err != nil {
				return err
			}
		}
		return a.Expire(o)
	})
}

// numbered is the occasion of a run, with numbers for orders that it may open.
func (r *Runner) numbered(ctx context.Context, n int) (orders.Occasion, *stage.Numbering) {
	numbers := stage.Numbers(ctx, r.Store, stage.OrderCounter)
	numbers.Prepare(2 * n) // a transaction may run twice
	return orders.Occasion{
		Now: r.Clock(), Actor: r.Actor.String(), NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) },
	}, numbers
}

func (r *Runner) inPieces(ctx context.Context, act journal.Act, ids []orders.AssignedID, numbers *stage.Numbering, move func(*orders.AssignedResource) error) error {
	for start := 0; start < len(ids); start += comparedAtOnce {
		if err := r.Store.Update(ctx, act, ids[start:min(start+comparedAtOnce, len(ids))], move); err != nil {
			return err
		}
		if err := numbers.Err(); err != nil {
			return err
		}
	}
	return nil
}

func count(a *orders.AssignedResource) (verified, found int) {
	for i := range a.Items {
		switch p := a.Items[i].Place; {
		case p.State == orders.Verified:
			verified++
		case p.Mark == orders.Found:
			found++
		}
	}
	return verified, found
}

// world loads each entity type once, with the links that the other side stores.
type world struct {
	store Store
	model *roles.Model
	held  map[schema.EntityType]map[resources.Key]*resources.Resource
	named map[naming]map[string]*resources.Resource
}

// naming is a way in which resources are looked up by what they are called.
type naming struct {
	entity   schema.EntityType
	property schema.PropertyName
	compare  value.Comparison
}

// created finds the account that an order of ours created and that nobody has
// named to us yet: by the key or the identifying values that we wrote. An order
// that was not sent created nothing: what bears its names is somebody else's.
func (w *world) created(a *orders.AssignedResource, t schema.EntityType, held map[resources.Key]*resources.Resource) *resources.Resource {
	if len(a.Items) == 0 || a.Items[0].SentAt == 0 || !a.Items[0].Want.There || a.Order == nil {
		return nil
	}
	e, _ := w.model.Entity(t)
	if it := a.Find(e.Key, ""); it != nil && it.Want.There {
		return held[resources.Key(it.Want.Value.Text())]
	}
	for _, p := range e.Identify {
		if it := a.Find(p, ""); it != nil && it.Want.There {
			if r := w.byName(naming{t, p, it.Policy.Compare}, held)[value.Key(it.Policy.Compare, it.Want.Value)]; r != nil {
				return r
			}
		}
	}
	return nil
}

// byName indexes the resources of an entity type once: many orders may have been
// refused, and each asks. Of several with one name the first by key stands.
func (w *world) byName(n naming, held map[resources.Key]*resources.Resource) map[string]*resources.Resource {
	if index, ok := w.named[n]; ok {
		return index
	}
	index := make(map[string]*resources.Resource, len(held))
	for _, r := range held {
		v := r.Value(n.property)
		if v.IsNull() {
			continue
		}
		name := value.Key(n.compare, v)
		if other := index[name]; other == nil || r.Key < other.Key {
			index[name] = r
		}
	}
	w.named[n] = index
	return index
}

func (w *world) load(ctx context.Context, t schema.EntityType) (map[resources.Key]*resources.Resource, error) {
	if byKey, ok := w.held[t]; ok {
		return byKey, nil
	}
	list, err := w.store.Resources(ctx, t)
	if err != nil {
		return nil, err
	}
	byKey := make(map[resources.Key]*resources.Resource, len(list))
	for i := range list {
		byKey[list[i].Key] = &list[i]
	}
	w.held[t] = byKey
	e, _ := w.model.Entity(t)
	for name, p := range e.Properties {
		if p.Inverse == "" {
			continue
		}
		far, err := w.load(ctx, p.Link)
		if err != nil {
			return nil, err
		}
		for key, holder := range far {
			for _, member := range holder.Links[p.Inverse] {
				if r := byKey[member]; r != nil {
					if r.Links == nil {
						r.Links = map[schema.PropertyName][]resources.Key{}
					}
					r.Links[name] = append(r.Links[name], key)
				}
			}
		}
		for _, r := range byKey {
			slices.Sort(r.Links[name])
		}
	}
	return byKey, nil
}

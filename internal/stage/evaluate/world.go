package evaluate

import (
	"errors"
	"slices"
	"sync"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A World is everything that evaluation may see: the resources as last read,
// with links known from both sides and allocated values in their place. Entity
// types with few resources it holds as a whole. Of the others a layer holds those
// that some owners need, and is given up with them.
type World struct {
	model     *roles.Model
	resources map[schema.EntityType]map[resources.Key]*resources.Resource // nil: it is not there
	order     map[schema.EntityType][]resources.Key                       // of types held as a whole, in order: every walk is deterministic
	keyed     map[schema.EntityType]schema.PropertyName                   // the key of each entity type
	named     *sync.Map                                                   // naming -> map[string]resources.Key, made when it is asked for
	below     *World                                                      // of a layer: the world that it lies on
	source    Source                                                      // of what is not held; nil: all is held
	allocated Allocations
	allocates map[schema.EntityType][]schema.PropertyName
	failed    error // of the source
	// find returns who may be meant by a name of a type that is not held; nil: all
	// are gone through once, and an index is kept.
	find func(t schema.EntityType, text string) ([]resources.Key, error)
}

// Failed returns what kept the source from answering.
func (w *World) Failed() error {
	if w.below != nil {
		return errors.Join(w.failed, w.below.failed)
	}
	return w.failed
}

// A Source finds resources that a world does not hold, with the links that the
// other side stores.
type Source interface {
	// Of returns those of the keys that are there.
	Of(t schema.EntityType, keys []resources.Key) ([]resources.Resource, error)
	// After returns those that follow a key in the order of keys, so many at most.
	After(t schema.EntityType, key resources.Key, limit int) ([]resources.Resource, error)
}

// naming is a property by which resources are found.
type naming struct {
	entity   schema.EntityType
	property schema.PropertyName
}

// NewWorld takes the resources of each entity type. It fills the links that the
// other side stores, and the values that Provisor allocated.
func NewWorld(model *roles.Model, all map[schema.EntityType][]resources.Resource, allocated Allocations) *World {
	w := &World{
		model:     model,
		resources: make(map[schema.EntityType]map[resources.Key]*resources.Resource, len(all)),
		order:     make(map[schema.EntityType][]resources.Key, len(all)),
		keyed:     map[schema.EntityType]schema.PropertyName{},
		named:     &sync.Map{},
		allocates: map[schema.EntityType][]schema.PropertyName{},
	}
	for _, c := range model.Connectors {
		for t, e := range c.Entities {
			w.keyed[t] = e.Key
			for _, name := range e.Names() {
				if e.Properties[name].Allocate != nil {
					w.allocates[t] = append(w.allocates[t], name)
				}
			}
		}
	}
	for t, list := range all {
		byKey := make(map[resources.Key]*resources.Resource, len(list))
		keys := make([]resources.Key, len(list))
		for i := range list {
			byKey[list[i].Key] = &list[i]
			keys[i] = list[i].Key
		}
		slices.Sort(keys)
		w.resources[t], w.order[t] = byKey, keys
	}
	w.fillInverses()
	w.allocate(allocated)
	return w
}

// layer returns a world that holds, beside this one, what some owners need. It is
// used by one goroutine at a time.
func (w *World) layer() *World {
	return &World{
		model: w.model, resources: map[schema.EntityType]map[resources.Key]*resources.Resource{}, keyed: w.keyed, named: w.named,
		below: w, source: w.source, find: w.find, allocated: w.allocated, allocates: w.allocates,
	}
}

// whole reports whether every resource of an entity type is held.
func (w *World) whole(t schema.EntityType) bool {
	if w.source == nil {
		return true
	}
	if w.below != nil {
		w = w.below
	}
	_, held := w.order[t]
	return held
}

// Record returns a resource by its key.
func (w *World) Record(t schema.EntityType, key resources.Key) (*resources.Resource, bool) {
	if r, known := w.resources[t][key]; known {
		return r, r != nil
	}
	switch {
	case w.below != nil && w.whole(t):
		return w.below.Record(t, key)
	case w.whole(t):
		return nil, false
	case w.below == nil: // nothing is kept where all owners look
		own := w.layer()
		own.bring(t, []resources.Key{key})
		w.failed = errors.Join(w.failed, own.failed)
		r := own.resources[t][key]
		return r, r != nil
	}
	w.bring(t, []resources.Key{key})
	r := w.resources[t][key]
	return r, r != nil
}

// bring fetches resources into a layer, those that it does not know yet.
func (w *World) bring(t schema.EntityType, keys []resources.Key) {
	if w.whole(t) {
		return
	}
	var missing []resources.Key
	held := w.resources[t]
	for _, key := range keys {
		if _, known := held[key]; !known && key != "" {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return
	}
	list, err := w.source.Of(t, missing)
	w.failed = errors.Join(w.failed, err)
	w.take(t, list)
	for _, key := range missing {
		if _, there := w.resources[t][key]; !there {
			w.resources[t][key] = nil
		}
	}
}

// take keeps what was fetched in a layer.
func (w *World) take(t schema.EntityType, list []resources.Resource) {
	held := w.resources[t]
	if held == nil {
		held = make(map[resources.Key]*resources.Resource, len(list))
		w.resources[t] = held
	}
	for i := range list {
		r := &list[i]
		held[r.Key] = r
		for _, p := range w.allocates[t] {
			if v, ok := w.allocated[Subject{string(t), r.Key, p}]; ok {
				setValue(r, p, v)
			}
		}
	}
}

// replace puts what was read anew in the place of a resource that is held; nothing
// was read of one that is gone.
func (w *World) replace(ref resources.Ref, list []resources.Resource) {
	order := w.order[ref.Type]
	i, held := slices.BinarySearch(order, ref.Key)
	switch {
	case len(list) == 0 && held:
		w.order[ref.Type] = slices.Delete(order, i, i+1)
	case len(list) > 0 && !held:
		w.order[ref.Type] = slices.Insert(order, i, ref.Key)
	}
	delete(w.resources[ref.Type], ref.Key)
	w.take(ref.Type, list)
}

// Find returns the resource that a value of its key or of an identifier names.
func (w *World) Find(t schema.EntityType, p schema.PropertyName, v value.Value) (*resources.Resource, bool) {
	if w.keyed[t] == p {
		if r, ok := w.Record(t, resources.Key(v.Text())); ok {
			return r, true
		}
	}
	if w.find != nil && !w.whole(t) {
		return w.lookUp(t, p, v)
	}
	key, ok := w.index(t, p)[value.Key(value.IgnoreCase, v)]
	if !ok {
		return nil, false
	}
	return w.Record(t, key)
}

// lookUp finds a resource by a name in the store; of two that differ in case
// alone the first key wins.
func (w *World) lookUp(t schema.EntityType, p schema.PropertyName, v value.Value) (*resources.Resource, bool) {
	keys, err := w.find(t, v.Text())
	w.failed = errors.Join(w.failed, err)
	slices.Sort(keys)
	w.bring(t, keys)
	for _, key := range keys {
		if r, there := w.Record(t, key); there && value.Equal(value.IgnoreCase, r.Value(p), v) {
			return r, true
		}
	}
	return nil, false
}

// index maps the values of one property to the keys of the resources that bear
// them. People write names in any case; two resources that differ in case alone
// are told apart by their keys, and the first key wins.
func (w *World) index(t schema.EntityType, p schema.PropertyName) map[string]resources.Key {
	if known, ok := w.named.Load(naming{t, p}); ok {
		return known.(map[string]resources.Key)
	}
	index := make(map[string]resources.Key, len(w.order[t]))
	w.Each(t, func(r *resources.Resource) {
		v := r.Value(p)
		if v.IsNull() {
			return
		}
		text := value.Key(value.IgnoreCase, v)
		if _, taken := index[text]; !taken {
			index[text] = r.Key
		}
	})
	w.named.Store(naming{t, p}, index) // two that make it at once make the same
	return index
}

// Each calls do for every resource of the type, in the order of keys.
func (w *World) Each(t schema.EntityType, do func(*resources.Resource)) {
	w.eachIn(t, hops{}, func(_ *World, r *resources.Resource) { do(r) })
}

// eachAtOnce is how many resources are fetched in one go.
const eachAtOnce = 1000

// eachIn calls do for every resource of the type, in the order of keys, each in
// a world that holds what the hops lead to.
func (w *World) eachIn(t schema.EntityType, h hops, do func(*World, *resources.Resource)) {
	base := w
	if w.below != nil {
		base = w.below
	}
	if base.whole(t) {
		for _, key := range base.order[t] {
			do(base, base.resources[t][key])
		}
		return
	}
	w.failed = errors.Join(w.failed, base.pages(t, eachAtOnce, func(page *World, keys []resources.Key) {
		page.reach(t, keys, h)
		for _, key := range keys {
			do(page, page.resources[t][key])
		}
	}))
}

// pages fetches all resources of a type, some in one go.
func (w *World) pages(t schema.EntityType, size int, do func(*World, []resources.Key)) error {
	for after := resources.Key(""); ; {
		list, err := w.source.After(t, after, size)
		if err != nil || len(list) == 0 {
			return err
		}
		page, keys := w.layer(), make([]resources.Key, len(list))
		page.take(t, list)
		for i := range list {
			keys[i] = list[i].Key
		}
		do(page, keys)
		if page.failed != nil || len(list) < size {
			return page.failed
		}
		after = keys[len(keys)-1]
	}
}

// hops are the links that expressions follow, and how many in a row.
type hops struct {
	links map[schema.EntityType][]schema.PropertyName
	most  int
}

// reach brings what links lead to from some resources, level by level.
func (w *World) reach(t schema.EntityType, keys []resources.Key, h hops) {
	level := map[schema.EntityType][]resources.Key{t: keys}
	for range h.most {
		next := map[schema.EntityType][]resources.Key{}
		for t, keys := range level {
			entity, _ := w.model.Entity(t)
			for _, p := range h.links[t] {
				far := entity.Properties[p].Link
				for _, key := range keys {
					if r, there := w.Record(t, key); there {
						next[far] = append(next[far], r.Links[p]...)
					}
				}
			}
		}
		if len(next) == 0 {
			return
		}
		for t, keys := range next {
			slices.Sort(keys)
			next[t] = slices.Compact(keys)
			w.bring(t, next[t])
		}
		level = next
	}
}

// fillInverses gives each resource the links that the other side stores.
func (w *World) fillInverses() {
	for _, c := range w.model.Connectors {
		for _, e := range c.Entities {
			for _, name := range e.Names() {
				if p := e.Properties[name]; p.IsLink() && p.Inverse != "" {
					w.fillInverse(e.Type, p)
				}
			}
		}
	}
}

func (w *World) fillInverse(t schema.EntityType, p schema.Property) {
	if _, stored := inverseOf(w.model, p); !stored {
		return
	}
	for _, key := range w.order[p.Link] {
		for _, member := range w.resources[p.Link][key].Links[p.Inverse] {
			r, ok := w.resources[t][member]
			if !ok {
				continue
			}
			if r.Links == nil {
				r.Links = map[schema.PropertyName][]resources.Key{}
			}
			r.Links[p.Name] = append(r.Links[p.Name], key) // keys come in order
		}
	}
}

// allocate puts allocated values where expressions read them.
func (w *World) allocate(allocated Allocations) {
	w.allocated = allocated
	for subject, v := range allocated {
		t := schema.EntityType(subject.Of)
		if r, ok := w.resources[t][subject.Owner]; ok && slices.Contains(w.allocates[t], subject.Property) {
			setValue(r, subject.Property, v)
		}
	}
	for t, properties := range w.allocates {
		for _, p := range properties {
			w.named.Delete(naming{t, p}) // made before they were there
		}
	}
}

func setValue(r *resources.Resource, p schema.PropertyName, v value.Value) {
	if r.Values == nil {
		r.Values = map[schema.PropertyName]value.Value{}
	}
	r.Values[p] = v
}

// A Subject is what a value is allocated for: a property of an entity type, or
// of a resource type's accounts, for one owner.
type Subject struct {
	Of       string // entity type or resource type
	Owner    resources.Key
	Property schema.PropertyName
}

// Allocations are the values that were allocated so far, as decisions keep them.
type Allocations map[Subject]value.Value

package evaluate

import (
	"slices"
	"sync"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A World is everything that evaluation may see: the resources as last read,
// with links known from both sides and allocated values in their place.
type World struct {
	model     *roles.Model
	resources map[schema.EntityType]map[resources.Key]*resources.Resource
	order     map[schema.EntityType][]resources.Key     // keys in order: every walk is deterministic
	keyed     map[schema.EntityType]schema.PropertyName // the key of each entity type
	named     sync.Map                                  // naming -> map[string]resources.Key, made when it is asked for
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
	}
	for _, c := range model.Connectors {
		for t, e := range c.Entities {
			w.keyed[t] = e.Key
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
	w.fillAllocated(allocated)
	return w
}

// Record returns a resource by its key.
func (w *World) Record(t schema.EntityType, key resources.Key) (*resources.Resource, bool) {
	r, ok := w.resources[t][key]
	return r, ok
}

// Find returns the resource that a value of its key or of an identifier names.
func (w *World) Find(t schema.EntityType, p schema.PropertyName, v value.Value) (*resources.Resource, bool) {
	if w.keyed[t] == p {
		if r, ok := w.resources[t][resources.Key(v.Text())]; ok {
			return r, true
		}
	}
	key, ok := w.index(t, p)[value.Key(value.IgnoreCase, v)]
	if !ok {
		return nil, false
	}
	return w.resources[t][key], true
}

// index maps the values of one property to the keys of the resources that bear
// them. People write names in any case; two resources that differ in case alone
// are told apart by their keys, and the first key wins.
func (w *World) index(t schema.EntityType, p schema.PropertyName) map[string]resources.Key {
	if known, ok := w.named.Load(naming{t, p}); ok {
		return known.(map[string]resources.Key)
	}
	index := make(map[string]resources.Key, len(w.order[t]))
	for _, key := range w.order[t] {
		v := w.resources[t][key].Value(p)
		if v.IsNull() {
			continue
		}
		text := value.Key(value.IgnoreCase, v)
		if _, taken := index[text]; !taken {
			index[text] = key
		}
	}
	w.named.Store(naming{t, p}, index) // two that make it at once make the same
	return index
}

// Each calls do for every resource of the type, in the order of keys.
func (w *World) Each(t schema.EntityType, do func(*resources.Resource)) {
	for _, key := range w.order[t] {
		do(w.resources[t][key])
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
	far, ok := w.model.Entity(p.Link)
	if !ok || far.Properties[p.Inverse].Inverse != "" && far.Properties[p.Inverse].Column == "" {
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

// fillAllocated puts allocated values where expressions read them.
func (w *World) fillAllocated(allocated Allocations) {
	for subject, v := range allocated {
		if r, ok := w.resources[schema.EntityType(subject.Of)][subject.Owner]; ok {
			if r.Values == nil {
				r.Values = map[schema.PropertyName]value.Value{}
			}
			r.Values[subject.Property] = v
		}
	}
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

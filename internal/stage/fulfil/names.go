package fulfil

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// A nameCache resolves links of objects that were read back, by entity type,
// loaded when first needed.
type nameCache struct {
	*Runner
	lock   sync.Mutex
	index  stage.NameIndex
	loaded map[schema.EntityType]bool
	held   map[schema.EntityType]map[resources.Key]*resources.Resource
	back   map[stored]map[resources.Key][]resources.Key
}

// stored is a property that keeps links, with the entity type that has it.
type stored struct {
	entity   schema.EntityType
	property schema.PropertyName
}

func newNameCache(r *Runner) *nameCache {
	return &nameCache{
		Runner: r, index: stage.NameIndex{}, loaded: map[schema.EntityType]bool{},
		held: map[schema.EntityType]map[resources.Key]*resources.Resource{}, back: map[stored]map[resources.Key][]resources.Key{},
	}
}

// of prepares the names that the links of an entity type may use.
func (n *nameCache) of(ctx context.Context, e schema.Entity) error {
	n.lock.Lock()
	defer n.lock.Unlock()
	for _, p := range e.Properties {
		if !p.IsLink() || p.Inverse != "" || n.loaded[p.Link] {
			continue
		}
		far, ok := n.Model.Entity(p.Link)
		if !ok {
			continue
		}
		list, err := n.Store.Resources(ctx, p.Link)
		if err != nil {
			return fmt.Errorf("names of %s: %w", p.Link, err)
		}
		for i := range list {
			n.index.Add(far, list[i].Key, list[i].Value)
		}
		n.loaded[p.Link] = true
	}
	return nil
}

// Named finds a resource; what was created in this run is added as it is read back.
func (n *nameCache) Named(t schema.EntityType, text string) (resources.Key, bool) {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.index.Named(t, text)
}

func (n *nameCache) add(e schema.Entity, r resources.Resource) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.loaded[e.Type] {
		n.index.Add(e, r.Key, r.Value)
	}
}

// resources gives the resources of an entity type by key, loaded once per run.
func (n *nameCache) resources(ctx context.Context, t schema.EntityType) (map[resources.Key]*resources.Resource, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if byKey, ok := n.held[t]; ok {
		return byKey, nil
	}
	list, err := n.Store.Resources(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("far ends of %s: %w", t, err)
	}
	byKey := make(map[resources.Key]*resources.Resource, len(list))
	for i := range list {
		byKey[list[i].Key] = &list[i]
	}
	n.held[t] = byKey
	return byKey, nil
}

// holders lists the resources of an entity type whose property leads to a key,
// as they were last read. The links are turned round once per run.
func (n *nameCache) holders(ctx context.Context, t schema.EntityType, p schema.PropertyName, to resources.Key) ([]resources.Key, error) {
	byKey, err := n.resources(ctx, t)
	if err != nil {
		return nil, err
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	at := stored{t, p}
	if n.back[at] == nil {
		turned := map[resources.Key][]resources.Key{}
		for key, r := range byKey {
			for _, link := range r.Links[p] {
				turned[link] = append(turned[link], key)
			}
		}
		n.back[at] = turned
	}
	return slices.Clone(n.back[at][to]), nil
}

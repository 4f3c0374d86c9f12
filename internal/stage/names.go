package stage

import (
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// NameIndex maps what systems call resources to their keys, by entity type: keys
// as they are, identifying values without regard to case.
type NameIndex map[schema.EntityType]map[string]resources.Key

// Add makes a resource findable by its key and by its identifying values.
func (n NameIndex) Add(e schema.Entity, key resources.Key, valueOf func(schema.PropertyName) value.Value) {
	index := n[e.Type]
	if index == nil {
		index = map[string]resources.Key{}
		n[e.Type] = index
	}
	index["="+string(key)] = key
	for _, p := range e.Identify {
		if t := value.Key(value.IgnoreCase, valueOf(p)); t != "" {
			if _, taken := index[t]; !taken {
				index[t] = key
			}
		}
	}
}

// Holds reports whether a resource was added.
func (n NameIndex) Holds(t schema.EntityType, key resources.Key) bool {
	_, ok := n[t]["="+string(key)]
	return ok
}

// Named returns the key of the resource that a text names.
func (n NameIndex) Named(t schema.EntityType, text string) (resources.Key, bool) {
	if key, ok := n[t]["="+text]; ok {
		return key, true
	}
	key, ok := n[t][value.Key(value.IgnoreCase, value.OfString(text))]
	return key, ok
}

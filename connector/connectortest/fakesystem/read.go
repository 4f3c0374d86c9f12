package fakesystem

import (
	"context"
	"slices"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// Read returns the objects after the cursor in order of their keys. Pages are
// read as they are asked for: a reading is no snapshot, as with most systems.
func (s *System) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	f, err := s.begin(ctx, OpRead)
	if err != nil {
		return connector.ReadPage{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.seen(req.Shape.Entity, f)
	if err != nil {
		return connector.ReadPage{}, err
	}
	limit := req.Limit
	if limit <= 0 {
		limit = pageRows
	}
	start, found := slices.BinarySearch(t.keys, req.Cursor)
	if found {
		start++
	}
	end := min(start+limit, len(t.keys))
	if f.What == HalfPage {
		return connector.ReadPage{}, fault.New(fault.Unavailable, OpRead, "%s", f.What)
	}
	cutShort := f.What == CutShort
	if cutShort {
		end = start + (end-start)/2
	}
	var page connector.ReadPage
	for _, key := range t.keys[start:end] {
		page.Objects = append(page.Objects, clone(t.objects[key]))
	}
	switch {
	case cutShort:
	case end == len(t.keys):
		page.Complete = true
	default:
		page.Cursor = t.keys[end-1]
	}
	return page, nil
}

// Lookup returns one object by its key or by a value that names it.
func (s *System) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	f, err := s.begin(ctx, OpLookup)
	if err != nil {
		return connector.Object{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.seen(req.Shape.Entity, f)
	if err != nil {
		return connector.Object{}, err
	}
	if req.Key != "" {
		if o := t.get(req.Key); o != nil {
			return s.withAsked(*o, req), nil
		}
		return connector.Object{}, fault.New(fault.NotFound, OpLookup, "there is no %s %s", req.Shape.Entity, req.Key)
	}
	if len(req.Unique) == 0 {
		return connector.Object{}, fault.New(fault.Invalid, OpLookup, "neither a key nor a unique value is given")
	}
	keys := t.named(req.Unique)
	switch len(keys) {
	case 0:
		return connector.Object{}, fault.New(fault.NotFound, OpLookup, "no %s has these values", req.Shape.Entity)
	case 1:
		return s.withAsked(t.objects[keys[0]], req), nil
	}
	return connector.Object{}, fault.New(fault.Conflict, OpLookup, "%d objects of %s have these values", len(keys), req.Shape.Entity)
}

// named returns the keys of all objects that one of the values names.
func (t *table) named(unique map[string]value.Value) []string {
	var keys []string
	for _, key := range t.keys {
		for property, v := range unique {
			if !v.IsNull() && value.Equal(value.Exact, t.objects[key].Values[property], v) {
				keys = append(keys, key)
				break
			}
		}
	}
	return keys
}

// seen returns the entity type as the caller sees it: as it is, or for a stale
// answer as it was before the last writes.
func (s *System) seen(entity string, f Fault) (*table, error) {
	t := s.tables[entity]
	if t == nil {
		return nil, fault.New(fault.Invalid, OpRead, "the system holds no %s", entity)
	}
	if f.What != Stale || f.Behind <= 0 {
		return t, nil
	}
	old := &table{shape: t.shape, objects: make(map[string]connector.Object, len(t.objects)), keys: slices.Clone(t.keys)}
	for key, o := range t.objects {
		old.objects[key] = o
	}
	for n := len(s.history) - 1; n >= max(0, len(s.history)-f.Behind); n-- {
		for _, v := range s.history[n].before {
			switch {
			case v.entity != entity:
			case v.object == nil:
				old.remove(v.key)
			default:
				old.put(*v.object)
			}
		}
	}
	return old, nil
}

// withAsked copies an object and answers which of the links that other objects
// store are there.
func (s *System) withAsked(o connector.Object, req connector.LookupRequest) connector.Object {
	out := clone(o)
	for _, q := range req.Links {
		far := s.tables[q.Property.Link]
		if q.Property.Stored() || far == nil {
			continue
		}
		key, why := s.resolve(q.Property, q.Target)
		if why == "" && slices.Contains(far.objects[key].Links[q.Property.Inverse], o.Key) {
			setLinks(&out, q.Property.Name, append(out.Links[q.Property.Name], q.Target.Key))
		}
	}
	return out
}

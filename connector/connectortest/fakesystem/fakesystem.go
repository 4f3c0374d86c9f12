// Package fakesystem is a managed system in memory that misbehaves on schedule.
//
// It promises to be deterministic: what it does depends on the calls it gets
// and on the plan of faults it was given, never on chance or a clock. It keeps
// a log of every effect that it carried out, so that a test can count effects
// where the reply was lost. It passes connectortest.Run.
//
// The simulation, the stages' tests and the suite's own tests use it. It stands
// for the world outside: when Provisor crashes it keeps what it holds, and
// Close gives up nothing.
package fakesystem

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

const (
	// historyWritesMax is how far back a stale answer can look: more than any
	// replica lags in a test, and little enough for years of simulation.
	historyWritesMax = 1_000
	// pageRows is the size of a page when the request names no limit.
	pageRows = 1_000
)

// Config is what a fake system is made of.
type Config struct {
	Name    string // the package's name; "fake" when empty
	Product string
	Shapes  []connector.Shape // its entity types
	Plan    Plan              // nil for a system that never misbehaves
	// Sleep waits for Fault.Wait; nil never waits. Virtual time goes in here.
	Sleep func(context.Context, time.Duration) error
	// Clock stamps effects and writes; nil leaves them without a time.
	Clock func() time.Time
	// Lags says in Description.Can that a look-up may be older than an answered write.
	Lags bool
}

// System is the fake. It implements connector.System.
type System struct {
	config Config

	mu       sync.Mutex
	plan     Plan
	tables   map[string]*table
	calls    map[string]int
	effects  []Effect
	history  []write
	assigned int // keys assigned so far; they are never used again
}

// table holds the objects of one entity type.
type table struct {
	shape   connector.Shape
	objects map[string]connector.Object
	keys    []string // in order
}

// write is one change of the content: what the objects were before it.
type write struct {
	at     time.Time
	before []version
}

type version struct {
	entity, key string
	object      *connector.Object // nil when it was not there
}

// Effect is one item that was carried out.
type Effect struct {
	Order   string
	Entity  string
	Key     string
	Kind    connector.Kind
	Item    connector.Item
	Changed bool // false when the system held that already
	At      time.Time
}

// New returns an empty system.
func New(config Config) *System {
	s := &System{config: config, plan: config.Plan, tables: map[string]*table{}, calls: map[string]int{}}
	for _, shape := range config.Shapes {
		s.tables[shape.Entity] = &table{shape: shape, objects: map[string]connector.Object{}}
	}
	return s
}

// Package returns a package that opens this one system, as often as asked.
func (s *System) Package() connector.Package {
	name := s.config.Name
	if name == "" {
		name = "fake"
	}
	return connector.Package{
		Name:  name,
		About: "Stands for a managed system in tests.",
		Class: connector.RefusesDuplicates,
		Check: func(connector.Settings) []fault.Finding { return nil },
		Open:  func(context.Context, connector.Settings) (connector.System, error) { return s, nil },
	}
}

// SetPlan exchanges the plan of faults; nil ends all misbehaviour.
func (s *System) SetPlan(plan Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// Effects returns every effect carried out through Apply, in order. What
// somebody else did is not among them.
func (s *System) Effects() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.effects)
}

// Calls returns how often an operation was called.
func (s *System) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// Objects returns what the system truly holds of an entity type, by key.
func (s *System) Objects(entity string) []connector.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	if t == nil {
		return nil
	}
	all := make([]connector.Object, 0, len(t.keys))
	for _, key := range t.keys {
		all = append(all, clone(t.objects[key]))
	}
	return all
}

// Between returns every state that an object was in from one instant to another,
// the newest first; nil is a time in which it was not there. It sees as far back
// as the history goes.
func (s *System) Between(entity, key string, from, to time.Time) []*connector.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	if t == nil {
		return nil
	}
	var states []*connector.Object
	state, ended := t.get(key), to
	for _, w := range slices.Backward(s.history) {
		for _, v := range w.before {
			if v.entity != entity || v.key != key {
				continue
			}
			if !w.at.After(to) && !ended.Before(from) {
				states = append(states, state)
			}
			state, ended = v.object, w.at
		}
	}
	if !ended.Before(from) {
		states = append(states, state)
	}
	return states
}

// Set is somebody else creating or replacing an object, without any check. It
// returns the object's key, assigned when there was none, or "" for an unknown entity type.
func (s *System) Set(entity string, object connector.Object) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	if t == nil {
		return ""
	}
	object = clone(object)
	if object.Key == "" {
		object.Key = s.assign(entity)
	}
	if v, ok := object.Values[t.shape.Key]; !ok || v.IsNull() {
		object.Values[t.shape.Key] = keyValue(t.shape, object.Key)
	}
	s.remember(version{entity, object.Key, t.get(object.Key)})
	t.put(object)
	return object.Key
}

// SetValue is somebody else changing one value; null takes it away. It reports
// whether the object was there.
func (s *System) SetValue(entity, key, property string, v value.Value) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	if t == nil || t.get(key) == nil {
		return false
	}
	s.remember(version{entity, key, t.get(key)})
	object := clone(t.objects[key])
	setValue(&object, property, v)
	t.put(object)
	return true
}

// Delete is somebody else deleting an object. It reports whether it was there.
func (s *System) Delete(entity, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	if t == nil || t.get(key) == nil {
		return false
	}
	s.drop(t, key)
	return true
}

// Describe reports the entity types.
func (s *System) Describe(ctx context.Context) (connector.Description, error) {
	if _, err := s.begin(ctx, OpDescribe); err != nil {
		return connector.Description{}, err
	}
	d := connector.Description{Product: s.config.Product,
		Can: connector.Abilities{Read: true, Lookup: true, Write: true, FreshLookup: !s.config.Lags}}
	if d.Product == "" {
		d.Product = "Fake system"
	}
	for _, shape := range s.config.Shapes {
		o := connector.DescribedObject{Name: shape.Entity}
		for _, p := range shape.Properties {
			if p.Stored() {
				o.Columns = append(o.Columns, p.Name)
			}
		}
		d.Objects = append(d.Objects, o)
	}
	return d, nil
}

// Close does nothing: the system outlives its connections.
func (s *System) Close() error { return nil }

// begin counts a call, waits as long as the plan wants and returns the fault,
// as an error where the call cannot return anything.
func (s *System) begin(ctx context.Context, op string) (Fault, error) {
	if err := ctx.Err(); err != nil {
		return Fault{}, fault.Wrap(fault.Unavailable, op, err)
	}
	s.mu.Lock()
	s.calls[op]++
	f := s.plan.at(op, s.calls[op])
	s.mu.Unlock()
	if f.Wait > 0 && s.config.Sleep != nil {
		if err := s.config.Sleep(ctx, f.Wait); err != nil {
			return f, fault.Wrap(fault.Unavailable, op, err)
		}
	}
	if op != OpApply && f.What.fails() {
		return f, fault.New(fault.Unavailable, op, "%s", f.What)
	}
	return f, nil
}

func (s *System) now() time.Time {
	if s.config.Clock == nil {
		return time.Time{}
	}
	return s.config.Clock()
}

func (s *System) assign(entity string) string {
	s.assigned++
	return fmt.Sprintf("%s-%06d", strings.ToLower(entity), s.assigned)
}

// remember keeps what a write is about to change.
func (s *System) remember(before ...version) {
	s.history = append(s.history, write{s.now(), before})
	if len(s.history) > historyWritesMax {
		s.history = slices.Delete(s.history, 0, len(s.history)-historyWritesMax)
	}
}

// drop deletes an object together with all links that lead to it.
func (s *System) drop(t *table, key string) {
	before := []version{{t.shape.Entity, key, t.get(key)}}
	t.remove(key)
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		other := s.tables[name]
		for _, p := range other.shape.Properties {
			if p.Link != t.shape.Entity || !p.Stored() {
				continue
			}
			for _, k := range other.keys {
				if slices.Contains(other.objects[k].Links[p.Name], key) {
					before = append(before, version{name, k, other.get(k)})
					object := clone(other.objects[k])
					setLinks(&object, p.Name, without(object.Links[p.Name], key))
					other.put(object)
				}
			}
		}
	}
	s.remember(before...)
}

func (t *table) get(key string) *connector.Object {
	if o, ok := t.objects[key]; ok {
		return &o
	}
	return nil
}

func (t *table) put(o connector.Object) {
	if at, found := slices.BinarySearch(t.keys, o.Key); !found {
		t.keys = slices.Insert(t.keys, at, o.Key)
	}
	t.objects[o.Key] = o
}

func (t *table) remove(key string) {
	if at, found := slices.BinarySearch(t.keys, key); found {
		t.keys = slices.Delete(t.keys, at, at+1)
		delete(t.objects, key)
	}
}

// clone copies an object; stored objects are never changed in place, because
// the history and callers hold them.
func clone(o connector.Object) connector.Object {
	c := connector.Object{Key: o.Key, Values: maps.Clone(o.Values), Links: make(map[string][]string, len(o.Links))}
	if c.Values == nil {
		c.Values = map[string]value.Value{}
	}
	for name, links := range o.Links {
		c.Links[name] = slices.Clone(links)
	}
	return c
}

func setValue(o *connector.Object, property string, v value.Value) {
	if v.IsNull() {
		delete(o.Values, property)
		return
	}
	o.Values[property] = v
}

func setLinks(o *connector.Object, property string, links []string) {
	if len(links) == 0 {
		delete(o.Links, property)
		return
	}
	o.Links[property] = links
}

func without(links []string, key string) []string {
	return slices.DeleteFunc(slices.Clone(links), func(l string) bool { return l == key })
}

// keyValue is the key as a value of its property.
func keyValue(shape connector.Shape, key string) value.Value {
	p, _ := shape.Property(shape.Key)
	v, err := value.Normalize(p.Type, "", key)
	if err != nil {
		return value.OfString(key)
	}
	return v
}

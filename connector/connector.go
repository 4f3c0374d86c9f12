// Package connector says what it takes to be a managed system.
//
// A connector package (ldap, sql, csv, ...) provides one Package. The engine
// opens a System from it for each configured connection and then reads pages,
// looks single objects up and applies changes. connectortest holds the suite
// that every connector package passes.
//
// Three rules keep the guarantee that every effect happens once:
//   - A package never retries. Only the engine does, because only the engine
//     remembers what was sent.
//   - Apply answers with an Outcome, not an error: an error cannot say whether
//     anything happened. The zero Effect is Unknown, so forgetting is safe.
//   - A reading is complete only when the system itself said so. A page that
//     could not be fetched is an error, never a short list.
package connector

import (
	"context"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

// A Package can open systems of one kind. cmd/provisor/packages.go lists them.
type Package struct {
	Name   string    // the word after package: in the configuration
	About  string    // one sentence for `provisor package list`
	Class  Guarantee // how the package keeps "nothing twice"
	Manual bool      // changes are carried out by people; Apply is never called
	// Repository: the resources live in Provisor alone; no synchronization reads them.
	Repository bool
	Settings   []Setting // what a connection may be given
	// Columns lists further keys that entities (from:) and properties may carry
	// for this package, such as table or objects.
	From []Setting
	// Check says everything that is wrong with a connection's settings without connecting.
	Check func(Settings) []fault.Finding
	// Open returns a system that is ready. It may connect lazily.
	Open func(context.Context, Settings) (System, error)
}

// Guarantee is the class of a package's promise that nothing is done twice.
type Guarantee string

// The guarantee classes.
const (
	RefusesDuplicates Guarantee = "A" // the system refuses duplicates by a key of ours
	ConditionalWrites Guarantee = "B" // writes carry a condition
	ReadsBack         Guarantee = "C" // the engine reads back before it resends
	APerson           Guarantee = "D" // a person does it
	ReadOnly          Guarantee = "-" // nothing is written
)

// A Setting describes one key of a configuration, once: checking, the JSON
// Schema and the documentation come from it.
type Setting struct {
	Name     string
	About    string
	Required bool
	Secret   bool     // the configuration holds a reference, the package gets a secret.Text
	Default  string   // what holds when the key is absent
	OneOf    []string // the only values allowed; nil for any
}

// Settings are a connection's settings as the configuration gives them, with
// references to secrets resolved where the connection runs.
type Settings struct {
	Values  map[string]string
	Secrets map[string]secret.Text
	Dir     string // relative paths start here
}

// Get returns a setting or its default.
func (s Settings) Get(name, otherwise string) string {
	if v, ok := s.Values[name]; ok && v != "" {
		return v
	}
	return otherwise
}

// A System is one connected system, opened and ready. Every package implements
// all of it; what a system cannot do is said in Description.Can, not by leaving
// methods out. A System is used by several goroutines at once.
type System interface {
	// Describe reports what the system can do and, where it knows, what it holds.
	Describe(ctx context.Context) (Description, error)

	// Read returns one page of the objects of one entity type. A page may be
	// short; only Complete ends the reading and proves absence.
	Read(ctx context.Context, req ReadRequest) (ReadPage, error)

	// Lookup reads one object as it is now: by its key or, when the reply to a
	// creation was lost and no key is known, by the values that make it unique.
	// Three things can happen: the object; an error of kind fault.NotFound, when
	// the system says that it is not there; any other error, when nothing is known.
	Lookup(ctx context.Context, req LookupRequest) (Object, error)

	// Apply carries out one change of one object and says what is known about it.
	Apply(ctx context.Context, change Change) Outcome

	// Close gives up connections. It may be called twice.
	Close() error
}

// Description is what a system says about itself.
type Description struct {
	Product string // "OpenLDAP 2.5.13", "SQLite 3.51"
	Can     Abilities
	// Objects are the tables, object classes or files it offers, with their columns.
	Objects []DescribedObject
}

// Abilities are data, never type assertions: an agent is a proxy, and proxies
// erase optional interfaces.
type Abilities struct {
	Read   bool `json:"read"`
	Lookup bool `json:"lookup"`
	Write  bool `json:"write"`
	// FreshLookup: a look-up shows a write that has been answered, at once.
	FreshLookup bool `json:"freshLookup"`
}

// DescribedObject is one table, object class or file.
type DescribedObject struct {
	Name    string
	Columns []string
}

// A Shape is one entity type as a package sees it: the words of the
// configuration on the left, the system's own on the right.
type Shape struct {
	Entity     string            // "DirectoryUser"
	From       map[string]string // the keys of from: without connection: table, objects, base, filter
	Create     map[string][]string
	Key        string   // the property that names an object for life
	Identify   []string // other properties whose values are unique
	Properties []Property
}

// Property returns a property of the shape by name.
func (s Shape) Property(name string) (Property, bool) {
	for _, p := range s.Properties {
		if p.Name == name {
			return p, true
		}
	}
	return Property{}, false
}

// A Property is one scalar or one link of an entity type.
type Property struct {
	Name     string
	Column   string // the system's own word; the name when the configuration gives none
	Type     value.Type
	Format   value.Format
	Link     string            // the entity type a link leads to; "" for a scalar
	Many     bool              // a link to many
	Inverse  string            // the property of the other entity type that stores the link; "" when it is stored here
	Far      string            // with Inverse: the column of that property
	FarFrom  map[string]string // with Inverse: the from: keys of the other entity type, then those of that property
	From     map[string]string // further keys of the property: table, owner for a link table
	System   bool              // assigned by the system: never written
	ReadOnly bool
}

// Stored reports whether the system keeps the property on the object itself.
func (p Property) Stored() bool { return p.Inverse == "" }

// An Object is one thing a system holds.
type Object struct {
	Key    string // opaque, compared byte for byte
	Values map[string]value.Value
	// Links hold what the system stores: keys or identifiers of other objects,
	// as it spells them. The engine resolves them.
	Links map[string][]string
	// Partial names properties whose values could not all be read.
	Partial []string
}

// ReadRequest asks for one page.
type ReadRequest struct {
	Shape  Shape
	Cursor string // "" for the first page, then what the last page returned
	Limit  int    // rows wanted in a page; a package may return fewer
}

// ReadPage is one page of a reading.
type ReadPage struct {
	Objects  []Object
	Cursor   string          // where the next page starts; "" on the last one
	Complete bool            // the system said that this was all there is
	Findings []fault.Finding // rows that were set aside, with file and line
	SetAside []string        // keys, where known, of the rows set aside: they prove presence
}

// LookupRequest asks for one object as it is now.
type LookupRequest struct {
	Shape  Shape
	Key    string                 // when known
	Unique map[string]value.Value // otherwise: property values, each of which names it
	// Links asks about links that the other side stores (Property.Inverse): the
	// object's Links then hold the Target.Key of each that is there. A group may
	// have many members; nobody reads them all to find one.
	Links []LinkQuery
}

// A LinkQuery asks whether one link is there.
type LinkQuery struct {
	Property Property
	Target   Reference
}

// Kind says what is done to the object itself.
type Kind string

// The kinds of change.
const (
	Create Kind = "create"
	Update Kind = "update"
	Delete Kind = "delete"
)

// A Change is what is to be done to one object. Values are written one by one;
// a multi-valued link is never replaced as a whole.
type Change struct {
	Order string // the provisioning order's name, for logs and idempotency keys
	Shape Shape
	Kind  Kind
	Key   string // of the object; "" when it is to be created and the system assigns keys
	// Current is what the object held when it was last looked at.
	Current Object
	Items   []Item
	// Unlink are links to the object that others store (OpRemove of an inverse
	// property). With Delete they are taken away before the object; where one
	// stays, nothing is deleted. What is gone already is as good as taken away.
	Unlink []Item
	// Arguments are computed by the configuration for this connection.
	Arguments map[string]string
}

// Op says what is done with one property.
type Op string

// The operations on an item. What no item names is left alone.
const (
	OpObject Op = "object" // the object itself: create or delete it
	OpSet    Op = "set"    // give the scalar or single link this value
	OpClear  Op = "clear"  // take the value away
	OpAdd    Op = "add"    // add one link
	OpRemove Op = "remove" // remove one link
)

// An Item is one part of a change with an outcome of its own.
type Item struct {
	ID       int
	Op       Op
	Property Property    // the zero Property for OpObject
	Value    value.Value // for OpSet of a scalar
	Target   Reference   // for links
}

// A Reference is the far end of a link: every name by which the system may know it.
type Reference struct {
	Entity string
	Key    string
	Values map[string]value.Value // its identifying values, such as dn
}

// Effect is what is known about the system after Apply. The zero value is
// Unknown, so forgetting to set it is safe.
type Effect uint8

// The three effects.
const (
	Unknown Effect = iota // it may have happened: read back, do not resend
	Done                  // the system says that it happened
	None                  // it certainly did not happen
)

// String names the effect.
func (e Effect) String() string { return [...]string{"unknown", "done", "none"}[e] }

// An Outcome says what is known after Apply, item by item. An item that is not
// named is unknown.
type Outcome struct {
	Key   string // the object's key afterwards, when known; creating may assign it
	Items map[int]ItemOutcome
	// RetryAfter is how long the system asked us to wait, for transient refusals.
	RetryAfter time.Duration
	// Down says that the connection as a whole does not work: no order is to blame.
	Down bool
}

// ItemOutcome is what is known about one item.
type ItemOutcome struct {
	Effect    Effect
	Err       string // the system's own words, secrets masked
	Permanent bool   // with None: asking again is pointless
}

// All gives every item of the change the same outcome.
func All(change Change, what ItemOutcome) Outcome {
	out := Outcome{Key: change.Key, Items: make(map[int]ItemOutcome, len(change.Items))}
	for _, item := range change.Items {
		out.Items[item.ID] = what
	}
	return out
}

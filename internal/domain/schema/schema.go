// Package schema holds the words for what is synchronized: connectors, their
// connections, entity types and properties. It says nothing of people or rules.
package schema

import (
	"sort"
	"time"

	"provisor.dev/provisor/value"
)

// The identifiers that the configuration gives. Each is unique in its place:
// connectors, entity types and resource types in the whole configuration,
// connections in their connector, properties in their entity type.
type (
	ConnectorID  string
	ConnectionID string
	EntityType   string
	PropertyName string
)

// Position is where something stands in the configuration.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// A Connector declares one managed system.
type Connector struct {
	ID          ConnectorID
	Name        string
	Connections map[ConnectionID]Connection
	Entities    map[EntityType]Entity
	Thresholds  ReadingThresholds
	Position    Position
}

// A Connection is one configured way to reach the system.
type Connection struct {
	ID       ConnectionID
	Package  string
	Settings map[string]string // references to secrets, never secrets
	Limits   Limits
	// Unsynchronized: nothing can be read back; a named person's confirmation verifies.
	Unsynchronized bool
	// Manual: changes are carried out by people. It follows from the package.
	Manual bool
	// Repository: its resources live in Provisor alone; nothing is read or written
	// through it. It follows from the package.
	Repository bool
	Position   Position
}

// Limits keep a connection from asking more than its system bears.
type Limits struct {
	Concurrency int // orders at once; 0: the package's default
	PerSecond   int // changes a second; 0: no limit
}

// ReadingThresholds brake a synchronization. Zero switches a limit off; the
// strictest of those that are on wins.
type ReadingThresholds struct {
	Delete, DeletePercent int
	Update, UpdatePercent int
	Add, AddPercent       int
	Link, LinkPercent     int
}

// An Entity is the shape of one kind of resource.
type Entity struct {
	Type       EntityType
	Connector  ConnectorID
	Connection ConnectionID        // the one that is read
	From       map[string]string   // the package's own keys
	Create     map[string][]string // constant values of new objects
	Key        PropertyName
	Identify   []PropertyName // other unique properties
	Display    Expression
	Properties map[PropertyName]Property
	Position   Position
}

// Names returns the property names in alphabetical order.
func (e Entity) Names() []PropertyName {
	names := make([]PropertyName, 0, len(e.Properties))
	for name := range e.Properties {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return names[i] < names[j] })
	return names
}

// Editable returns the properties whose values workflows write, in alphabetical order.
func (e Entity) Editable() []PropertyName {
	var names []PropertyName
	for _, name := range e.Names() {
		if e.Properties[name].Editable {
			names = append(names, name)
		}
	}
	return names
}

// A Property is one scalar or link of an entity type.
type Property struct {
	Name     PropertyName
	Type     value.Type // of a scalar
	Format   value.Format
	Column   string
	From     map[string]string
	Link     EntityType // of a link: where it leads
	Many     bool
	Inverse  PropertyName // of the linked type: that side stores the link
	System   bool         // assigned by the managed system
	Allocate *Allocation  // computed once by Provisor instead of being read
	// Editable: what a workflow writes counts instead of what the source gives,
	// and no synchronization overwrites it.
	Editable bool
	Position Position
}

// Ours reports whether the source is not asked for the property: it can be edited
// and nothing says under which name the source would have it.
func (p Property) Ours() bool { return p.Editable && p.Column == "" && len(p.From) == 0 }

// IsLink reports whether the property leads to other resources.
func (p Property) IsLink() bool { return p.Link != "" }

// An Allocation finds a value once and keeps it for life.
type Allocation struct {
	Unique   []Expression // candidates in order; after the last, it is numbered
	Affixes  []string     // texts that do not make a name free: jdoe-ext blocks jdoe
	Sequence string       // the name of a counter; excludes Unique
	Start    int64        // the counter's first number
	Position Position
}

// An Expression is text in the expression language, with its place.
type Expression struct {
	Text     string
	Position Position
}

// IsZero reports whether there is no expression.
func (e Expression) IsZero() bool { return e.Text == "" }

// Day is the unit in which periods are measured.
const Day = 24 * time.Hour

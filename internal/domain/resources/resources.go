// Package resources holds what the managed systems hold, as synchronized.
package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"
	"time"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A Key names a resource among those of its entity type, for life. It is
// opaque and compared byte for byte.
type Key string

// Ref names a resource.
type Ref struct {
	Type schema.EntityType `json:"type"`
	Key  Key               `json:"key"`
}

// String reads Type:key.
func (r Ref) String() string { return string(r.Type) + ":" + string(r.Key) }

// A Resource is one instance of an entity type as last read.
type Resource struct {
	Ref
	Display string
	Values  map[schema.PropertyName]value.Value
	// Links hold the keys of the linked resources, sorted. Inverse links are
	// filled from the side that stores them.
	Links map[schema.PropertyName][]Key
	// Dangling are stored links that lead to nothing known, as the system spells them.
	Dangling map[schema.PropertyName][]string
	// Edited are the properties that people edited, each with what the source
	// gives. Values and Links hold the edit.
	Edited map[schema.PropertyName]Given
}

// Value returns a scalar, null when it has none.
func (r Resource) Value(p schema.PropertyName) value.Value { return r.Values[p] }

// HasLink reports whether the link is there.
func (r Resource) HasLink(p schema.PropertyName, to Key) bool {
	links := r.Links[p]
	i := sort.Search(len(links), func(i int) bool { return links[i] >= to })
	return i < len(links) && links[i] == to
}

// Document is the resource's stored form: everything but its name. Inverse
// links are left out by the caller; they belong to the other side.
type Document struct {
	Values   map[schema.PropertyName]value.Value `json:"v,omitempty"`
	Links    map[schema.PropertyName][]Key       `json:"l,omitempty"`
	Dangling map[schema.PropertyName][]string    `json:"d,omitempty"`
	Edited   map[schema.PropertyName]Given       `json:"o,omitempty"`
}

// Encode returns the canonical document and its content hash.
func (r Resource) Encode() (document []byte, hash string) {
	doc := Document{Values: map[schema.PropertyName]value.Value{}, Links: r.Links, Dangling: r.Dangling, Edited: r.Edited}
	for name, v := range r.Values {
		if !v.IsNull() {
			doc.Values[name] = v
		}
	}
	document, _ = json.Marshal(doc) // maps of marshalable values cannot fail; keys come sorted
	sum := sha256.Sum256(append([]byte(r.Display+"\x00"), document...))
	return document, hex.EncodeToString(sum[:16])
}

// Decode fills the resource from its stored form.
func (r *Resource) Decode(document []byte) error {
	if r.plainly(string(document)) {
		return nil
	}
	var doc Document
	if err := json.Unmarshal(document, &doc); err != nil {
		return err
	}
	r.Values, r.Links, r.Dangling, r.Edited = doc.Values, doc.Links, doc.Dangling, doc.Edited
	return nil
}

// A ReadingID names one reading of one entity type.
type ReadingID int64

// A Reading is one synchronization of one entity type with its proof of completeness.
type Reading struct {
	ID        ReadingID
	Connector schema.ConnectorID
	Entity    schema.EntityType
	Began     time.Time // what began later may show what was written before
	Ended     time.Time
	Complete  bool // the system said that this was all there is
	State     ReadingState
	Counts    Counts
	Findings  int
	Why       string // why it failed or is parked
}

// ReadingState says what became of a reading.
type ReadingState string

// The states of a reading.
const (
	Running   ReadingState = "running"
	Committed ReadingState = "committed"
	Parked    ReadingState = "parked" // a threshold holds its whole change set
	Failed    ReadingState = "failed"
)

// Counts are what a reading found, against what was known.
type Counts struct {
	Held     int `json:"held"` // before
	Read     int `json:"read"`
	Added    int `json:"added"`
	Changed  int `json:"changed"`
	Removed  int `json:"removed"`
	Links    int `json:"links"` // links lost by resources that stay
	SetAside int `json:"setAside"`
}

// Package orders holds the provisioning order, the items it carries, and the
// machine that moves them through the nine provisioning states.
//
// An assigned resource is an account that somebody has or should have. Each of
// its property values, and the account itself, is an item with a state. What
// has to change travels in an order; at rest the state is the item's own.
//
// Everything here is a function from values to values: judging what evaluation
// computed (judge.go), collecting and reporting (transmit.go), comparing with
// what was read (observe.go), what people decide (decide.go). Each act returns
// the steps it took; the store writes them together with the new values, or
// nothing. A crash therefore leaves one of the places of the table behind, and
// beside each state in place.go stands who moves an item out of it.
package orders

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// OrderID names a provisioning order for ever; 0 is none.
type OrderID int64

// AssignedID names an assigned resource for ever.
type AssignedID int64

// String writes the order's number.
func (id OrderID) String() string { return strconv.FormatInt(int64(id), 10) }

// Kind says what an order does to the resource.
type Kind string

// The kinds of order.
const (
	Addition    Kind = "addition"
	Association Kind = "association" // the account is there; a person confirms whose it is
	Update      Kind = "update"
	Deletion    Kind = "deletion"
)

// Kinds lists the kinds of order.
func Kinds() []Kind { return []Kind{Addition, Association, Update, Deletion} }

// A Holding is what is or should be in the managed system: the resource or the
// link (There), or a scalar with its value. The zero Holding is nothing.
type Holding struct {
	There bool        `json:"there,omitempty"`
	Value value.Value `json:"value,omitzero"`
}

// Nothing is the absence of a resource, link or value.
var Nothing = Holding{}

// HoldingOf returns the holding of a scalar: nothing when the value is null.
func HoldingOf(v value.Value) Holding { return Holding{There: !v.IsNull(), Value: v} }

// Present is the holding of a resource or link that is there.
var Present = Holding{There: true}

// String writes the holding for people.
func (h Holding) String() string {
	switch {
	case !h.There:
		return "-"
	case h.Value.IsNull():
		return "present"
	}
	return h.Value.String()
}

// An Item is the assigned resource itself or one of its property values.
type Item struct {
	ID       int                 `json:"id"` // within the assigned resource, for ever
	Property schema.PropertyName `json:"p,omitempty"`
	Link     resources.Key       `json:"link,omitempty"`
	Place    Place               `json:"at"`
	Order    OrderID             `json:"order,omitempty"` // the open order that carries it
	Steps    int                 `json:"steps,omitempty"`

	Policy Policy  `json:"policy"`           // what the rules want, as last computed
	Want   Holding `json:"want,omitzero"`    // what is proposed, sent or verified
	Is     Holding `json:"is,omitzero"`      // what was last read
	Before Holding `json:"before,omitzero"`  // what was there before the order
	Ours   []Sent  `json:"ours,omitempty"`   // values sent since the last Verified
	ReadAt Instant `json:"readAt,omitempty"` // when the reading that showed Is began

	Workflow assignments.Workflow `json:"wf,omitempty"`
	Decision Decision             `json:"decision,omitzero"`

	Attempts  int     `json:"attempts,omitempty"`
	NotBefore Instant `json:"notBefore,omitempty"`
	SentAt    Instant `json:"sentAt,omitempty"`
	DoneAt    Instant `json:"doneAt,omitempty"` // executed, as far as is known
	SettledAt Instant `json:"settledAt,omitempty"`
	Message   string  `json:"message,omitempty"` // the system's words, or why it stands where it stands
	Former    *Place  `json:"former,omitempty"`  // before Error
	By        string  `json:"by,omitempty"`      // the named person who confirmed it, until a reading shows it
}

// Policy is what evaluation computed for an item.
type Policy struct {
	Wanted   bool                 `json:"wanted,omitempty"`
	Holding  Holding              `json:"is,omitzero"`
	Once     bool                 `json:"once,omitempty"`
	Compare  value.Comparison     `json:"compare,omitempty"`
	Failed   string               `json:"failed,omitempty"`
	Parked   string               `json:"parked,omitempty"`
	Released bool                 `json:"released,omitempty"` // undeclared: no removal, no drift
	Doubt    int                  `json:"doubt,omitempty"`
	Review   bool                 `json:"review,omitempty"` // given by a found role alone: written only after a review
	Workflow assignments.Workflow `json:"wf,omitempty"`     // where the value comes from; found and pre-existing: no rule gives it
	Reasons  []assignments.Reason `json:"reasons,omitempty"`
	Period   assignments.Period   `json:"period,omitzero"`
}

// Decision is what people said about an item and nobody took back.
type Decision struct {
	Declined  []Holding `json:"declined,omitempty"` // values that must not be written
	Exception *Holding  `json:"exception,omitempty"`
	Against   Holding   `json:"against,omitzero"`   // what the rules wanted when the exception was made
	Frozen    bool      `json:"frozen,omitempty"`   // the exception stands whatever the rules want, until revoked
	Blocked   bool      `json:"blocked,omitempty"`  // a run with blocking asked for a review of what is proposed now
	Approved  bool      `json:"approved,omitempty"` // a reviewer approved the value as it is proposed now
	Retried   bool      `json:"retried,omitempty"`  // a person sent it again as it is proposed now
	Released  bool      `json:"released,omitempty"` // a person let what is proposed now through its threshold
	Postponed Instant   `json:"postponed,omitempty"`
	Refused   bool      `json:"refused,omitempty"` // found, given by no rule, and not to stay
	Correct   bool      `json:"correct,omitempty"` // the gates add and remove are open for this item
	By        string    `json:"by,omitempty"`
	// Role is the found role with which the item was refused, With how it was had:
	// taking the refusal of the role back takes this one back.
	Role roles.RoleID           `json:"role,omitempty"`
	With assignments.Parameters `json:"with,omitempty"`
}

// Sent is one value of ours on its way: unseen until a reading shows it or a
// value that overwrote it.
type Sent struct {
	Holding Holding `json:"is"`
	At      Instant `json:"at"`
	Done    Instant `json:"done,omitempty"`
}

// Instant is a point in time as the documents keep it: Unix nanoseconds, 0 for none.
type Instant int64

// At returns the instant of a time; the zero time is 0.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixNano())
}

// Time returns the time, in UTC.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}

// Name names the item for people: the property, or the resource itself.
func (i Item) Name() string {
	switch {
	case i.Property == "":
		return "account"
	case i.Link != "":
		return string(i.Property) + " → " + string(i.Link)
	}
	return string(i.Property)
}

// Handling is how the resource type treats its orders, as the deployed
// configuration said when the resource was last evaluated.
type Handling struct {
	Connector     schema.ConnectorID  `json:"connector"`
	Connection    schema.ConnectionID `json:"connection"`
	Target        schema.EntityType   `json:"target"`
	Manual        bool                `json:"manual,omitempty"`
	Readable      bool                `json:"readable,omitempty"` // the system can be read back
	Review        bool                `json:"review,omitempty"`
	Add           bool                `json:"add,omitempty"`
	Remove        bool                `json:"remove,omitempty"`
	DiscardManual bool                `json:"discardManual,omitempty"`
	Attempts      int                 `json:"attempts,omitempty"`
	Validity      time.Duration       `json:"validity,omitempty"`
	Settle        time.Duration       `json:"settle,omitempty"`
}

// An AssignedResource is an account that somebody has or should have, with the
// order that is changing it, if any. Items[0] is the resource itself.
type AssignedResource struct {
	ID         AssignedID
	Type       roles.ResourceTypeID
	Owner      resources.Ref
	Target     resources.Key
	Confidence int
	Period     assignments.Period
	Handling   Handling
	Arguments  map[string]string
	Items      []Item
	Order      *Order // the open one
	Version    int    // the store's lock: raised by every write
	// Waiting: evaluation moved while an item was transmitted; judge again when it left.
	Waiting bool
	Closed  bool // the resource is gone; kept as history

	steps   []Step
	touched bool // an item moved, be it without a step
}

// An Order is one change to one resource in one managed system.
type Order struct {
	ID         OrderID
	Kind       Kind
	Version    int
	Created    time.Time
	Closed     time.Time
	Supersedes OrderID
	Outcome    string  // why it closed: verified, inactive, superseded
	Waits      string  // the gate it stands before
	TakenBy    string  // the technician
	Agent      string  // the agent that holds it
	Fence      int     // raised by each collection: a late report carries an old one
	LeaseUntil Instant // 0 on manual connections
	NotBefore  Instant
}

// A Step is one move of one item: what the databases guard and the history shows.
type Step struct {
	Assigned AssignedID
	Item     int
	Step     int
	Order    OrderID
	From     Place
	Event    Event
	To       Place
	At       time.Time
	Actor    string
	Why      string
	row      *Row // the line of the table that allowed it
}

// TakeSteps returns the steps taken since the last call and forgets them.
func (a *AssignedResource) TakeSteps() []Step {
	steps := a.steps
	a.steps, a.touched = nil, false
	return steps
}

// Item returns the item with the number, nil when there is none.
func (a *AssignedResource) Item(id int) *Item {
	for i := range a.Items {
		if a.Items[i].ID == id {
			return &a.Items[i]
		}
	}
	return nil
}

// Find returns the item of a property and link, nil when there is none.
func (a *AssignedResource) Find(p schema.PropertyName, link resources.Key) *Item {
	for i := range a.Items {
		if a.Items[i].Property == p && a.Items[i].Link == link {
			return &a.Items[i]
		}
	}
	return nil
}

// nextItem returns a number no item has had.
func (a *AssignedResource) nextItem() int {
	id := 1
	for i := range a.Items {
		id = max(id, a.Items[i].ID+1)
	}
	return id
}

// Consolidated is the one state for the resource and its items, worst first.
// What rests at Executed because it is written only once counts as verified.
func (a *AssignedResource) Consolidated() State {
	best := len(worst) - 1
	for i := range a.Items {
		state := a.Items[i].Place.State
		if state == Executed && a.Items[i].Policy.Once {
			state = Verified
		}
		for rank, s := range worst {
			if s == state {
				best = min(best, rank)
			}
		}
	}
	return worst[best]
}

// Counters are kept beside the consolidated state, so that lists filter by index.
type Counters struct{ Blocked, Errored, Found int }

// Counters counts the items that wait for people.
func (a *AssignedResource) Counters() Counters {
	var c Counters
	for i := range a.Items {
		switch a.Items[i].Place {
		case atAwaiting:
			c.Blocked++
		case atFound:
			c.Found++
		case atErrored, atUnknown, atError:
			c.Errored++
		}
	}
	return c
}

// Carried returns the items of the open order.
func (a *AssignedResource) Carried() []*Item {
	if a.Order == nil {
		return nil
	}
	var items []*Item
	for i := range a.Items {
		if a.Items[i].Order == a.Order.ID {
			items = append(items, &a.Items[i])
		}
	}
	return items
}

// Removes reports whether the item takes something away.
func (i *Item) Removes() bool { return !i.Want.There }

// Expected is what should be in the system: the policy's value, unless a
// decision stands. Drift compares with it and correct writes it. Where the
// policy's value was declined, it is what the item rested on before.
func (i *Item) Expected() Holding {
	switch {
	case i.overAndGone():
		return Nothing
	case i.excepted():
		return *i.Decision.Exception
	case i.declined(i.policy()):
		return i.Want
	}
	return i.policy()
}

// overAndGone reports whether an account that the rules do not want is gone:
// whatever people decided about it, nothing is left to keep or to remove.
func (i *Item) overAndGone() bool {
	return i.Property == "" && !i.policy().There && !i.Is.There && !i.Unseen()
}

// excepted reports whether a person's exception stands: a frozen one until it
// is revoked, a kept one as long as the rules want what they wanted then.
func (i *Item) excepted() bool {
	return i.Decision.Exception != nil && (i.Decision.Frozen || i.Same(i.policy(), i.Decision.Against))
}

// except makes a value an exception from what the rules want now.
func (i *Item) except(h Holding, frozen bool) {
	i.Decision.Exception, i.Decision.Against, i.Decision.Frozen = &h, i.policy(), frozen
	i.Workflow, i.Want = assignments.Approved, h
}

// pardon takes a former refusal of a value back.
func (i *Item) pardon(h Holding) {
	i.Decision.Declined = slices.DeleteFunc(i.Decision.Declined, func(d Holding) bool { return i.Same(d, h) })
}

// policy is what the rules want, unless a person refused what no rule gives.
func (i *Item) policy() Holding {
	if i.Decision.Refused {
		return Nothing
	}
	return i.Policy.Holding
}

// Same reports whether two holdings are equal under the item's comparison.
func (i *Item) Same(a, b Holding) bool {
	return a.There == b.There && value.Equal(i.Policy.Compare, a.Value, b.Value)
}

// Unseen reports whether a value of ours may be in the system without having been read.
func (i *Item) Unseen() bool { return len(i.Ours) > 0 }

// takenAway reports whether the last that we sent took it away: nothing else of
// ours can have put it back.
func (i *Item) takenAway() bool {
	n := len(i.Ours)
	return n > 0 && !i.Ours[n-1].Holding.There
}

// Stands reports whether a reading begun after everything that we did shows it
// there: a deletion that was carried out and not read since is believed.
func (i *Item) Stands() bool {
	return i.Is.There && !slices.ContainsFunc(i.Ours, func(s Sent) bool { return s.Done == 0 || i.ReadAt <= s.Done })
}

// Held reports whether the system holds something of the item, or may.
func (i *Item) Held() bool {
	if i.Is.There {
		return true
	}
	for _, sent := range i.Ours {
		if sent.Holding.There {
			return true
		}
	}
	return false
}

// without is what stands when a value is declined: what was executed last and
// not read yet, else what was read, and nothing where that is the value itself.
func (i *Item) without(h Holding) Holding {
	if n := len(i.Ours); n > 0 && i.Ours[n-1].Done != 0 && !i.Same(i.Ours[n-1].Holding, h) {
		return i.Ours[n-1].Holding
	}
	if i.Same(i.Is, h) {
		return Nothing
	}
	return i.Is
}

// declined reports whether a person refused this value and nobody took it back.
func (i *Item) declined(h Holding) bool {
	for _, d := range i.Decision.Declined {
		if i.Same(d, h) {
			return true
		}
	}
	return false
}

// Because joins the rules that give the item, for lists.
func (i *Item) Because() string {
	var parts []string
	for _, r := range i.Policy.Reasons {
		switch {
		case r.Role != "":
			parts = append(parts, "role "+string(r.Role))
		case r.Rule != "":
			parts = append(parts, r.Rule)
		default:
			parts = append(parts, r.Note)
		}
	}
	return strings.Join(parts, ", ")
}

// linkValue is the value by which an item keeps a single link: the far key.
func linkValue(k resources.Key) value.Value { return value.OfString(string(k)) }

// Touched reports whether an item moved since TakeSteps was last called.
func (a *AssignedResource) Touched() bool { return a.touched }

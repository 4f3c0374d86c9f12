package stage

import (
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// The counters from which the engine reserves numbers.
const (
	OrderCounter    = "order"
	AssignedCounter = "assigned"
	SecretCounter   = "secret" // versions
	RequestCounter  = "request"
	RunCounter      = "run"
)

// A Deployment is one version of the configuration.
type Deployment struct {
	ID    int64             `json:"id"`
	Hash  string            `json:"hash"`
	At    time.Time         `json:"at"`
	By    string            `json:"by"`
	Files map[string][]byte `json:"files,omitempty"` // left out of lists
}

// A SealedSecret is a secret as the store keeps it: without the key file nothing
// but its name and length can be known.
type SealedSecret struct {
	Name    string
	Version int64  // of every setting another one, sealed with the value
	Key     string // the value's data key, wrapped for the key file
	Value   string // the value, encrypted under the data key
}

// Changes are what a reading changes in one entity type. Keys are unique within Put.
type Changes struct {
	Put      []resources.Resource
	Remove   []resources.Key
	SetAside []resources.Key // rows that were read and cannot be used: their absence proves nothing
	Findings []fault.Finding
	Identify []schema.PropertyName // the properties that name a resource uniquely
	Editable []schema.PropertyName // those whose edits the store puts before what was read
}

// A LastReading is how far one entity type is known. A reading with ID 0 is none.
type LastReading struct {
	Entity    schema.EntityType
	Last      resources.Reading // the one that began last, whatever became of it
	Committed resources.Reading // the last that was committed, complete or not
	Complete  resources.Reading // the last that was complete and committed: it proves absence
	SetAside  []resources.Key   // by the last committed one
}

// DecisionKind says what a decision is about.
type DecisionKind string

// The kinds of decision that evaluation reads.
const (
	Allocation           DecisionKind = "allocation" // a value that was found once and is kept for life
	AssociationDenied    DecisionKind = "association denied"
	AssociationConfirmed DecisionKind = "association confirmed"
	WentLive             DecisionKind = "went live"      // of a resource type: what was found until then was there before
	RedundantListed      DecisionKind = "redundant list" // the name of the list of redundant assignments that was last shown
)

// A Decision is what a person or an allocation settled. There is one for each
// kind, type, owner, target and property; a later one takes its place. An
// allocated value belongs to one owner within its type and property.
type Decision struct {
	Kind     DecisionKind
	Type     roles.ResourceTypeID // or the entity type of an allocated property
	Owner    resources.Ref
	Target   resources.Key
	Property schema.PropertyName
	Value    value.Value
	At       time.Time // filled from the act when it is zero
	By       string    // filled from the act when it is empty
	Why      string
}

// AssignedRoleKey names an assigned role.
type AssignedRoleKey struct {
	Owner      resources.Ref
	Role       roles.RoleID
	Parameters assignments.Parameters
}

// RoleKeyOf names it.
func RoleKeyOf(a assignments.AssignedRole) AssignedRoleKey {
	return AssignedRoleKey{a.Owner, a.Role, a.Parameters}
}

// AssignedFilter chooses assigned resources: all that are not closed, cut down
// by every field that is set.
type AssignedFilter struct {
	IDs        []orders.AssignedID
	Types      []roles.ResourceTypeID
	Owners     []resources.Ref
	Entity     schema.EntityType // of the target
	Targets    []resources.Key   // of Entity
	Connector  schema.ConnectorID
	Connection schema.ConnectionID
	States     []orders.State // the consolidated state
	OpenOnly   bool           // with an open order
	Waiting    bool           // to be judged again
	Unjudged   bool           // written since they were last judged
	Ended      bool           // over, and not seen by a run that judged since
	Uncounted  bool           // with an open order of which OpenOrders does not know whether it was sent
	DueBy      orders.Instant // with an open order before a gate whose next attempt is due
	After      orders.AssignedID
	Limit      int  // 0: all
	Closed     bool // history too
}

// OpenOrders counts open orders of one kind of one resource type that wait for the same.
type OpenOrders struct {
	ParkKey
	Waits     string
	Count     int
	Unsent    int // of which would go out for the first time now, if no threshold held them
	Uncounted int // of which that is not known
}

// A Summary is what a dependency's gate needs to know of an assigned resource.
type Summary struct {
	ID       orders.AssignedID
	Type     roles.ResourceTypeID
	Target   resources.Key
	State    orders.State
	Workflow assignments.Workflow
	Present  bool // the system holds it
	Closed   bool
}

// A Park holds every order of a kind of a resource type until a person releases them.
type Park struct {
	Type  roles.ResourceTypeID `json:"type"`
	Kind  orders.Kind          `json:"kind"`
	Since time.Time            `json:"since"` // filled from the act when it is zero
	Count int                  `json:"count"` // orders that the run would have raised
	Limit int                  `json:"limit"`
	Why   string               `json:"why"`
}

// ParkKey names a park.
type ParkKey struct {
	Type roles.ResourceTypeID
	Kind orders.Kind
}

// Due is work for the jobs, written with the act that makes it necessary. The
// same work for the same subject is due once, at the earlier time.
type Due struct {
	What      string
	Subject   string
	NotBefore time.Time
}

// Extra is what an act does besides moving assigned resources, in the same transaction.
type Extra struct {
	Put    []resources.Resource // read back
	Remove []resources.Ref      // looked up and gone
	Park   []Park
	Unpark []ParkKey
	Due    []Due
	Decide []Decision
	Revoke []Decision // by their names: values do not matter
	// What is settled about roles, and how the roles that somebody has are shown
	// until they are evaluated next.
	DecideRoles []assignments.RoleDecision
	RevokeRoles []AssignedRoleKey
	MoveRoles   []RoleMove
	// Evaluated: the assigned resources are as an evaluation left them.
	Evaluated bool
}

// A RoleMove takes a role that somebody has from one workflow state to another.
// It is refused when the role does not stand as it was seen.
type RoleMove struct {
	From assignments.Workflow
	To   assignments.AssignedRole
}

package statement

import "provisor.dev/provisor/internal/stage"

// The words in which the stages and the store speak to each other are the
// stages' own; here they are only named, so that statements read shorter.
type (
	Deployment      = stage.Deployment
	Changes         = stage.Changes
	LastReading     = stage.LastReading
	DecisionKind    = stage.DecisionKind
	Decision        = stage.Decision
	AssignedRoleKey = stage.AssignedRoleKey
	AssignedFilter  = stage.AssignedFilter
	Summary         = stage.Summary
	OpenOrders      = stage.OpenOrders
	Park            = stage.Park
	ParkKey         = stage.ParkKey
	Due             = stage.Due
	Extra           = stage.Extra
	WorkflowFilter  = stage.WorkflowFilter
	WorkflowChange  = stage.WorkflowChange
	SealedSecret    = stage.SealedSecret
	RequestFilter   = stage.RequestFilter
	RequestChange   = stage.RequestChange
	Account         = stage.Account
	Token           = stage.Token
	FirstLink       = stage.FirstLink
	ProfileFilter   = stage.ProfileFilter
)

// The names of counters and of decisions.
const (
	OrderCounter         = stage.OrderCounter
	AssignedCounter      = stage.AssignedCounter
	Allocation           = stage.Allocation
	AssociationDenied    = stage.AssociationDenied
	AssociationConfirmed = stage.AssociationConfirmed
)

// Package roles holds the role model: dimensions and contexts, categories and
// roles, resource types and their rules. It is data; evaluate gives it meaning.
package roles

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// The identifiers that the configuration gives.
type (
	RoleID         string // single or composite: one name space
	CategoryID     string
	DimensionID    string
	ResourceTypeID string
)

// A Model is everything that the configuration says about access.
type Model struct {
	Connectors    map[schema.ConnectorID]schema.Connector
	Dimensions    map[DimensionID]Dimension
	Contexts      map[schema.EntityType]Context
	Categories    map[CategoryID]Category
	Roles         map[RoleID]Role
	ResourceTypes map[ResourceTypeID]ResourceType
	Automation    []AutomationRule
	Naming        []NamingRule
	Workflows     map[WorkflowID]Workflow
}

// Kept reports whether the resources of an entity type live in Provisor alone.
func (m *Model) Kept(t schema.EntityType) bool {
	e, ok := m.Entity(t)
	return ok && m.Connectors[e.Connector].Connections[e.Connection].Repository
}

// Entity finds an entity type in whichever connector declares it.
func (m *Model) Entity(t schema.EntityType) (schema.Entity, bool) {
	for _, c := range m.Connectors {
		if e, ok := c.Entities[t]; ok {
			return e, true
		}
	}
	return schema.Entity{}, false
}

// Owners lists the entity types whose resources own accounts or roles: people.
func (m *Model) Owners() []schema.EntityType {
	types := map[schema.EntityType]bool{}
	for _, t := range m.ResourceTypes {
		types[t.Source] = true
	}
	for _, r := range m.Roles {
		if r.Entity != "" {
			types[r.Entity] = true
		}
	}
	return slices.Sorted(maps.Keys(types))
}

// Connection returns the connection through which a resource type is provisioned.
func (m *Model) Connection(t ResourceType) (schema.Connector, schema.Connection) {
	e, _ := m.Entity(t.Target)
	c := m.Connectors[e.Connector]
	return c, c.Connections[t.Provisioning.Connection]
}

// Lines lists every rule line, in the order in which they are written.
func (m *Model) Lines() []Line {
	var all []Line
	for _, role := range m.Roles {
		for _, r := range role.Assign {
			all = append(all, r.Line)
		}
	}
	for _, t := range m.ResourceTypes {
		for _, r := range t.Who {
			all = append(all, r.Line)
		}
		for _, r := range t.Values {
			all = append(all, r.Line)
		}
		for _, r := range t.Links {
			all = append(all, r.Line)
		}
		for _, r := range t.Find {
			all = append(all, r.Line)
		}
	}
	slices.SortFunc(all, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Position.File, b.Position.File), cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column), cmp.Compare(a.Object, b.Object))
	})
	return all
}

// A Dimension is a criterion of rules: the entity type whose resources are its values.
type Dimension struct {
	ID        DimensionID
	Entity    schema.EntityType
	Hierarchy schema.PropertyName // the link to the parent; "" when flat
	Position  schema.Position
}

// A Context says where an owner stands and from when to when.
type Context struct {
	Entity     schema.EntityType
	Dimensions map[DimensionID]schema.Expression // a path of links to the dimension's value
	From, To   schema.Expression
	Exclude    schema.Expression // true: the owner leaves the calculation
	// Records is the link to the owner's records, one for each position or future
	// change: then everything but Exclude is read from them. "": from the owner.
	Records  schema.PropertyName
	Sections []Section
	Position schema.Position
}

// A Section is a part of a record that has dates of its own, such as a contract
// or a position. What no section names belongs to the record as a whole.
type Section struct {
	ID         string
	Dimensions []DimensionID
	From, To   schema.Expression
	Instance   schema.Expression // tells instances apart that overlap
	Open       bool              // a missing date is no bound; else the whole record's bounds stand in
	Bounds     bool              // its dates stand in for those that others miss
	Extend     Extension
	Sort       schema.Expression // of several instances that may fill a gap, the highest does
	Above      string            // and only one that sorts higher than this
	Position   schema.Position
}

// Extension says what fills the time in which a section has no instance.
type Extension string

// The extensions.
const (
	ExtendNeighbour Extension = "neighbour" // the instance before; where there is none, the one after
	ExtendNone      Extension = "none"
)

// A Category files roles and resource types.
type Category struct {
	ID       CategoryID
	Name     string
	Parent   CategoryID
	Owners   []string // keys of people
	Position schema.Position
}

// Comments says which decisions need a reason.
type Comments struct {
	Approve, Decline, Keep, Correct bool
}

// Approval says how many steps a request passes.
type Approval string

// The approvals; the zero value forbids requesting.
const (
	NotRequestable Approval = "not-requestable"
	ApprovalNone   Approval = "none"
	ApprovalOne    Approval = "one"
	ApprovalTwo    Approval = "two"
	ApprovalThree  Approval = "three"
)

// A Role is a business name for entitlements. A composite bundles single roles,
// by the single roles' own rules that name it.
type Role struct {
	ID        RoleID
	Name      string
	About     string
	Composite bool
	Category  CategoryID
	Entity    schema.EntityType
	Approval  Approval
	Reviewers map[string][]string // step: officer, manager, owner:CATEGORY, person:KEY
	Officers  []string            // keys of the people who answer for the role
	Comments  Comments
	// Parameters are dimensions whose values are settled when the role is given,
	// true where it gives nothing without one.
	Parameters map[DimensionID]bool
	// MaxDuration bounds what people ask for; 0 is no bound.
	MaxDuration time.Duration
	// GracePeriod keeps the role after a rule that gave it changed or went.
	GracePeriod time.Duration
	// Prolongation: the end may be moved without another approval.
	Prolongation bool
	// ImplicitApproval: whoever may approve a step passes it by asking.
	ImplicitApproval bool
	// OwnApproval: whoever asked, and whom it is for, may approve too.
	OwnApproval bool
	// Account is the resource type that the role alone gives: such a role makes
	// the resource type requestable.
	Account  ResourceTypeID
	Assign   []RoleRule
	Position schema.Position
}

// Kind says how strongly a rule gives.
type Kind string

// The kinds of a rule.
const (
	Required       Kind = "required"
	WithValidation Kind = "automatic-with-validation"
	Suggested      Kind = "suggested"
)

// A Line holds the criteria that every rule line has. All must hold.
type Line struct {
	Match   map[DimensionID]string // a value of the dimension: its key or an identifier
	Inherit []DimensionID          // descendants too
	When    schema.Expression
	Role    RoleID // the owner has it; single or composite
	Deny    bool
	Kind    Kind
	// Parameters are those with which a role rule gives its role; a parameter
	// that is not named here takes its value from the owner's context.
	Parameters map[DimensionID]string
	Priority   int // small is strong
	Period     Period
	Position   schema.Position
	Object     string // how the configuration names the rule: resourceTypes.X.values.mail[0]
	Mark       string // fingerprint of all the above but the places: another one is another rule
}

// IsOpen reports whether the line has no criteria at all.
func (l Line) IsOpen() bool { return len(l.Match) == 0 && l.When.IsZero() && l.Role == "" }

// Mode says what a period is measured from.
type Mode string

// The modes of a period. Where periods overlap the first of Default, Around,
// Before, After decides.
const (
	Default Mode = "default" // the owner's period as it is
	Around  Mode = "around"  // from the start + From to the end + To
	Before  Mode = "before"  // from the start + From to the start + To
	After   Mode = "after"   // from the end + From to the end + To
)

// A Period shifts the owner's period.
type Period struct {
	Mode     Mode
	From, To time.Duration
}

// A RoleRule gives a role.
type RoleRule struct{ Line }

// A ResourceType says what a kind of resource is for: who owns it, how it is
// recognised, matched and computed, and how it is provisioned.
type ResourceType struct {
	ID           ResourceTypeID
	Name         string
	Source       schema.EntityType
	Target       schema.EntityType
	Category     CategoryID
	Comments     Comments
	Provisioning Provisioning
	Classify     []schema.Expression
	Correlate    []Correlation // by falling confidence
	Multiple     bool          // an owner may have several resources of the type
	SuggestAll   bool          // every match is a proposal, not the best alone
	Who          []TypeRule
	Values       []ScalarRule
	Links        []NavigationRule
	Find         []QueryRule
	Position     schema.Position
}

// Provisioning says how orders of a resource type are handled.
type Provisioning struct {
	Connection          schema.ConnectionID
	Enabled             bool // nothing is written until somebody says so
	Shadow              bool // orders are generated and compared, never collected
	Review              bool // every order needs a person's decision
	Approval            Approval
	Add, Remove         bool
	RemoveOrphans       bool
	DiscardManual       bool
	DependsOn           []ResourceTypeID
	OwnerProperty       schema.PropertyName
	LeadTime            time.Duration
	VerifyImmediately   bool
	Settle              time.Duration
	Attempts            int
	TransmittedValidity time.Duration // 0: off, written out
	RemindAfter         time.Duration
	Thresholds          Thresholds
	Arguments           map[string]schema.Expression
}

// Thresholds park all orders of a kind. Zero switches a limit off.
type Thresholds struct {
	Add, AddPercent       int
	Update, UpdatePercent int
	Delete, DeletePercent int
}

// A Correlation matches owners and targets by equal keys.
type Correlation struct {
	Source, Target schema.Expression
	Confidence     int // 100 and more: automatic; below: reviewed
	Position       schema.Position
}

// A TypeRule says who gets the resource.
type TypeRule struct{ Line }

// A ScalarRule computes one scalar: by expression, constant or allocation.
type ScalarRule struct {
	Line
	Property   schema.PropertyName
	Expression schema.Expression
	Value      value.Value // a constant, when Constant
	Constant   bool
	Allocate   *schema.Allocation
	Once       bool
	Compare    value.Comparison
}

// A NavigationRule gives one link, usually by a role.
type NavigationRule struct {
	Line
	Property schema.PropertyName
	To       map[schema.PropertyName]value.Value // one identifier of the linked resource
}

// A QueryRule finds one link by matching.
type QueryRule struct {
	Line
	Property       schema.PropertyName
	Source, Target schema.Expression
	Confidence     int
}

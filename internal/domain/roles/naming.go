package roles

import (
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A NamingRule makes single roles of the entitlements that a system holds: of
// the resources to which a link of a resource type leads. Its expressions are
// over such a resource.
type NamingRule struct {
	ResourceType ResourceTypeID
	Property     schema.PropertyName // the link
	Where        schema.Expression   // which of them; empty: all
	Role         schema.Expression   // the role's identifier; null: none
	Name         schema.Expression   // empty: what people call the resource
	// Category is where the role is filed, one that is declared; CategoryFrom
	// computes it instead, and what is not declared is created below Parent.
	Category     CategoryID
	CategoryFrom schema.Expression
	CategoryName schema.Expression
	Parent       CategoryID
	Approval     Approval
	By           schema.PropertyName // the identifier by which the grant names the resource
	Object       string              // how the configuration names the rule: namingRules[0]
	Position     schema.Position
}

// A NamedRole is a role that a naming rule makes, with what it gives.
type NamedRole struct {
	ID           RoleID
	Name         string
	Category     CategoryID
	Entity       schema.EntityType
	Approval     Approval
	ResourceType ResourceTypeID
	Property     schema.PropertyName
	By           schema.PropertyName
	Value        value.Value
	Known        bool // the role is there already and gets what it gives
}

// A NamedCategory is a category that a naming rule makes.
type NamedCategory struct {
	ID     CategoryID
	Name   string
	Parent CategoryID
}

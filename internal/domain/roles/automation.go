package roles

import (
	"time"

	"provisor.dev/provisor/internal/domain/schema"
)

// AccountRole names the role that stands for a resource type that people may ask
// for. No declared role can be called like this.
func AccountRole(t ResourceTypeID) RoleID { return RoleID("account:" + t) }

// An AutomationRule decides for the reviewer when something stood in a state for
// too long. Role, ResourceType and Category say what it is about; none of them:
// everything.
type AutomationRule struct {
	Role         RoleID
	ResourceType ResourceTypeID
	Category     CategoryID // with what is filed below it
	Entity       schema.EntityType
	States       []int // numbers of workflow states
	After        time.Duration
	Approve      bool // false: it declines
	// Match compares with the parameters of the assignment itself, never with its
	// owner: what has no parameters is matched by no rule that names some.
	Match    map[DimensionID]string
	Object   string // how the configuration names the rule: automation[0]
	Mark     string // fingerprint of what it says: another one is another rule
	Position schema.Position
}

// The ranks of a rule: the greater, the more specific.
const (
	RankAll = iota + 1
	RankCategory
	RankOne
)

// Rank says how specific the rule is about a role; 0: it is not about it.
func (r AutomationRule) Rank(m *Model, role Role) int {
	if r.Entity != "" && r.Entity != role.Entity {
		return 0
	}
	switch {
	case r.Role != "":
		if r.Role == role.ID {
			return RankOne
		}
	case r.ResourceType != "":
		if r.ResourceType == role.Account {
			return RankOne
		}
	case r.Category != "":
		for _, c := range m.Above(role.Category) {
			if c.ID == r.Category {
				return RankCategory
			}
		}
	default:
		return RankAll
	}
	return 0
}

// Above lists a category and those above it, the nearest first.
func (m *Model) Above(id CategoryID) []Category {
	var list []Category
	seen := map[CategoryID]bool{}
	for c, ok := m.Categories[id]; ok && !seen[c.ID]; c, ok = m.Categories[c.Parent] {
		seen[c.ID] = true
		list = append(list, c)
	}
	return list
}

// OwnersOf finds the category whose owners answer for one: its own or, where it
// has none, the nearest above that has some.
func (m *Model) OwnersOf(id CategoryID) Category {
	for _, c := range m.Above(id) {
		if len(c.Owners) > 0 {
			return c
		}
	}
	return Category{}
}

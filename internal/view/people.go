package view

import (
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// PeopleFilter chooses resources of one entity type, as a rule by what is displayed.
type PeopleFilter struct {
	Entity string
	Text   string       // beginnings of words of the name, or of identifiers
	Sort   Sort         // by one of PeopleColumns
	After  PeopleCursor // the last one of the page before
	Limit  int
}

// PeopleCursor is a place in the order of the list: behind what is displayed or,
// where each word that is looked for is a beginning of very many, behind a word.
type PeopleCursor struct {
	Display string `json:"display,omitempty"`
	Word    string `json:"word,omitempty"`
	Key     string `json:"key"`
}

// PeoplePage is one page. After is the next page's cursor, nil at the end: a page
// may be short, and be followed by another one.
type PeoplePage struct {
	People []Owner       `json:"people"`
	After  *PeopleCursor `json:"after,omitempty"`
	// ByWord: each word that was looked for is a beginning of very many, so that they
	// are ordered by the word that was found.
	ByWord bool `json:"byWord,omitempty"`
}

// Person is somebody with everything that he has.
type Person struct {
	Owner
	Gone     bool                `json:"gone,omitempty"` // his resource is not there any more
	Values   map[string]string   `json:"values,omitempty"`
	Links    map[string][]string `json:"links,omitempty"`
	Called   map[string]string   `json:"-"`                // what a link leads to is called, by "property key"
	Edited   map[string]string   `json:"edited,omitempty"` // what the source gives, of what people edited
	Roles    []Role              `json:"roles"`
	Requests []Request           `json:"requests,omitempty"` // open ones
	Accounts []Account           `json:"accounts"`
}

// Role is a role that somebody has. Roles live in Provisor alone: what is shown
// as State is consolidated from the accounts and values that they give.
type Role struct {
	Role     string               `json:"role"`
	With     string               `json:"parameters,omitempty"`
	Workflow Workflow             `json:"workflow"`
	State    *State               `json:"state,omitempty"` // nil: see Shows
	Shows    string               `json:"shows"`           // the state's name, "-" before approval, "no system"
	Start    time.Time            `json:"start,omitzero"`
	End      time.Time            `json:"end,omitzero"`
	Since    time.Time            `json:"since,omitzero"`  // in this workflow state
	Asked    []Request            `json:"asked,omitempty"` // the requests that led to it
	Reasons  []assignments.Reason `json:"reasons,omitempty"`
	Gives    []Gift               `json:"gives,omitempty"`
}

// Gift is an item of an account that a role is a reason for.
type Gift struct {
	Assigned orders.AssignedID `json:"assigned"`
	Item     int               `json:"item"`
	Name     string            `json:"name"`
	State    State             `json:"state"`
}

// Account is an assigned resource with its items.
type Account struct {
	ID         orders.AssignedID `json:"id"`
	Type       string            `json:"type"`
	Target     string            `json:"target,omitempty"`
	Connector  string            `json:"connector"`
	Connection string            `json:"connection"`
	Manual     bool              `json:"manual,omitempty"`
	State      State             `json:"state"` // consolidated
	Workflow   Workflow          `json:"workflow"`
	Confidence int               `json:"confidence"`
	Start      time.Time         `json:"start,omitzero"`
	End        time.Time         `json:"end,omitzero"`
	Order      orders.OrderID    `json:"order,omitempty"` // the open one
	OrderKind  string            `json:"orderKind,omitempty"`
	Version    int               `json:"version,omitempty"` // of the open order: what a decision names
	Waits      string            `json:"waits,omitempty"`
	Blocked    int               `json:"blocked,omitempty"`
	Errored    int               `json:"errored,omitempty"`
	Found      int               `json:"found,omitempty"`
	Closed     bool              `json:"closed,omitempty"`
	Items      []Item            `json:"items"`
}

// Item is one item of an account as it stands.
type Item struct {
	ID        int                  `json:"id"`
	Property  string               `json:"property,omitempty"`
	Link      string               `json:"link,omitempty"`
	LinkName  string               `json:"linkName,omitempty"` // what people call it
	Name      string               `json:"name"`
	State     State                `json:"state"`
	Workflow  Workflow             `json:"workflow"`
	Proposed  string               `json:"proposed"`
	Current   string               `json:"current"`
	Before    string               `json:"before"`
	Policy    string               `json:"policy"`
	Start     time.Time            `json:"start,omitzero"`
	End       time.Time            `json:"end,omitzero"`
	Attempts  int                  `json:"attempts,omitempty"`
	NotBefore time.Time            `json:"notBefore,omitzero"`
	Postponed time.Time            `json:"postponed,omitzero"` // a reviewer looks at it again then
	Message   string               `json:"message,omitempty"`
	Parked    string               `json:"parked,omitempty"`
	By        string               `json:"by,omitempty"` // who confirmed or decided
	Because   string               `json:"because,omitempty"`
	Reasons   []assignments.Reason `json:"reasons,omitempty"`
	May       []string             `json:"may,omitempty"` // what a person may do to it here: the buttons
}

// AccountOf shows an assigned resource.
func AccountOf(a *orders.AssignedResource) Account {
	n := a.Counters()
	account := Account{
		ID: a.ID, Type: string(a.Type), Target: string(a.Target),
		Connector: string(a.Handling.Connector), Connection: string(a.Handling.Connection), Manual: a.Handling.Manual,
		State: StateOf(orders.Place{State: a.Consolidated()}), Workflow: WorkflowOf(a.Workflow()), Confidence: a.Confidence,
		Start: a.Period.From, End: a.Period.To, Blocked: n.Blocked, Errored: n.Errored, Found: n.Found, Closed: a.Closed,
	}
	if a.Order != nil {
		account.Order, account.OrderKind, account.Version, account.Waits = a.Order.ID, string(a.Order.Kind), a.Order.Version, a.Order.Waits
	}
	for i := range a.Items {
		account.Items = append(account.Items, itemOf(&a.Items[i]))
	}
	return account
}

func itemOf(it *orders.Item) Item {
	item := Item{
		ID: it.ID, Property: string(it.Property), Link: string(it.Link), Name: it.Name(), State: StateOf(it.Place),
		Workflow: WorkflowOf(it.Workflow), Proposed: it.Want.String(), Current: it.Is.String(), Before: it.Before.String(),
		Policy: it.Policy.Holding.String(), Start: it.Policy.Period.From, End: it.Policy.Period.To, Attempts: it.Attempts,
		NotBefore: it.NotBefore.Time(), Postponed: it.Decision.Postponed.Time(), Message: it.Message, Parked: it.Policy.Parked, By: it.By,
		Because: it.Because(), Reasons: it.Policy.Reasons,
	}
	if item.By == "" {
		item.By = it.Decision.By
	}
	for _, event := range orders.Allowed(it.Place) {
		item.May = append(item.May, string(event))
	}
	return item
}

// RolesOf shows roles with the state of what they give: a role's own items, and
// those of the roles that a composite gives.
func RolesOf(assigned []assignments.AssignedRole, held []*orders.AssignedResource) []Role {
	members := map[roles.RoleID][]roles.RoleID{}
	for _, a := range assigned {
		for _, reason := range a.Reasons {
			if reason.Role != "" {
				members[reason.Role] = append(members[reason.Role], a.Role)
			}
		}
	}
	shown := make([]Role, 0, len(assigned))
	for _, a := range assigned {
		role := Role{
			Role: string(a.Role), With: string(a.Parameters), Workflow: WorkflowOf(a.Workflow), Since: a.Since, Start: a.Period.From, End: a.Period.To, Reasons: a.Reasons,
		}
		items := gifts(&role, append([]roles.RoleID{a.Role}, members[a.Role]...), held)
		switch {
		case !a.Workflow.Expected():
			role.Shows = "-"
		case len(items) == 0:
			role.Shows = "no system"
		default:
			state := StateOf(orders.Place{State: (&orders.AssignedResource{Items: items}).Consolidated()})
			role.State, role.Shows = &state, state.Name
		}
		shown = append(shown, role)
	}
	return shown
}

// gifts notes and returns the items that any of the roles is a reason for.
func gifts(role *Role, of []roles.RoleID, held []*orders.AssignedResource) []orders.Item {
	var items []orders.Item
	for _, a := range held {
		for i := range a.Items {
			it := &a.Items[i]
			if !slices.ContainsFunc(it.Policy.Reasons, func(r assignments.Reason) bool { return r.Role != "" && slices.Contains(of, r.Role) }) {
				continue
			}
			items = append(items, *it)
			role.Gives = append(role.Gives, Gift{Assigned: a.ID, Item: it.ID, Name: string(a.Type) + " " + it.Name(), State: StateOf(it.Place)})
		}
	}
	return items
}

// ValuesOf shows the values of a resource.
func ValuesOf(r resources.Resource) (values map[string]string, links map[string][]string) {
	values, links = map[string]string{}, map[string][]string{}
	for name, v := range r.Values {
		values[string(name)] = v.String()
	}
	for name, keys := range r.Links {
		for _, key := range keys {
			links[string(name)] = append(links[string(name)], string(key))
		}
	}
	return values, links
}

// ReconciliationFilter chooses what synchronization found and nobody ordered.
type ReconciliationFilter struct {
	Types        []string
	Unauthorized bool // only accounts that no rule explains
	Drifted      bool // only values that differ from the expected ones
	// Property: only those that differ in it, and Items of it alone. So many are
	// looked through for a page, which may be short, and be followed by another one.
	Property string
	Sort     Sort // by one of QuestionColumns; with Property by number alone
	After    orders.AssignedID
	AfterBy  string
	Limit    int
}

// ReconciliationPage is one page. After, with AfterBy, is the next page's cursor, 0
// at the end.
type ReconciliationPage struct {
	Questions []Question        `json:"questions"`
	After     orders.AssignedID `json:"after,omitempty"`
	AfterBy   string            `json:"afterBy,omitempty"`
}

// Question is an account that asks for a decision: nobody explains it, or Items
// found in it differ from what is expected.
type Question struct {
	Owner        Owner   `json:"owner"`
	Unauthorized bool    `json:"unauthorized"`
	Account      Account `json:"account"` // of a question with the items in question only
}

// Sight is what may be seen of somebody: accounts of these resource types, and these
// roles.
type Sight struct {
	Types []string
	Roles []string
}

// AccountFilter chooses accounts by their numbers, or by what the systems call
// them; MaxLimit are shown at most.
type AccountFilter struct {
	IDs     []orders.AssignedID
	Targets []string
}

// FoundRoleFilter chooses roles that were found and that nobody has decided on.
type FoundRoleFilter struct {
	Owner *resources.Ref
	Roles []string
	// PreExisting and NonConforming choose by what they were found as; neither: both.
	PreExisting, NonConforming bool
	Parts                      bool // those too that came with a composite role, itself found
	Sort                       Sort // by one of FoundRoleColumns
	After                      FoundRoleCursor
	Limit                      int
}

// FoundRoleCursor is a place in the order of the list; By, where it is not sorted by
// key, is what the row there is sorted by.
type FoundRoleCursor struct {
	By         string `json:"by,omitempty"`
	Type       string `json:"type"`
	Key        string `json:"key"`
	Role       string `json:"role"`
	Parameters string `json:"parameters,omitempty"`
}

// FoundRolePage is one page. After is the next page's cursor, nil at the end.
type FoundRolePage struct {
	Roles []FoundRole      `json:"roles"`
	After *FoundRoleCursor `json:"after,omitempty"`
}

// FoundRole is a question: somebody has what only this role gives, and nothing
// gives the role.
type FoundRole struct {
	Owner      Owner                `json:"owner"`
	Role       string               `json:"role"`
	Parameters string               `json:"parameters,omitempty"`
	Workflow   Workflow             `json:"workflow"`
	Since      time.Time            `json:"since,omitzero"` // the day on which it was found
	Because    string               `json:"because"`        // what it was deduced from
	Reasons    []assignments.Reason `json:"reasons"`
	Part       bool                 `json:"part,omitempty"` // it came with a composite role, itself found
}

// FoundRoleOf shows a role that was found.
func FoundRoleOf(a assignments.AssignedRole) FoundRole {
	f := FoundRole{
		Owner: Owner{Type: string(a.Owner.Type), Key: string(a.Owner.Key)}, Role: string(a.Role), Parameters: string(a.Parameters),
		Workflow: WorkflowOf(a.Workflow), Since: a.Period.From, Reasons: a.Reasons,
	}
	for _, r := range a.Reasons {
		switch {
		case r.Role != "":
			f.Part = true
		case f.Because == "":
			f.Because = r.Note
		}
	}
	if f.Because == "" && f.Part {
		f.Because = "part of " + string(a.Reasons[0].Role)
	}
	return f
}

// Redundancies are the approved roles that rules give as well. The name says
// what stands in the list: what was listed is applied, and nothing else.
type Redundancies struct {
	Name  string       `json:"name"`
	Roles []Redundancy `json:"roles"`
}

// Redundancy is one approved role that rules give as well, for some time.
type Redundancy struct {
	Owner      Owner                `json:"owner"`
	Role       string               `json:"role"`
	Parameters string               `json:"parameters,omitempty"`
	Approved   assignments.Period   `json:"approved"`
	Overlap    assignments.Period   `json:"overlap"`
	Left       []assignments.Period `json:"left,omitempty"`
	Reasons    []assignments.Reason `json:"reasons"`
}

// ReadingFilter chooses readings, the newest first.
type ReadingFilter struct {
	Entity string
	Limit  int
}

// Reading is one synchronization of one entity type.
type Reading struct {
	ID        resources.ReadingID `json:"id"`
	Connector string              `json:"connector"`
	Entity    string              `json:"entity"`
	Began     time.Time           `json:"began"`
	Ended     time.Time           `json:"ended,omitzero"`
	Complete  bool                `json:"complete"`
	State     string              `json:"state"`
	Counts    resources.Counts    `json:"counts"`
	Findings  int                 `json:"findings"`
	Why       string              `json:"why,omitempty"`
}

// Park is what a tripped threshold holds.
type Park struct {
	Type  string    `json:"type"`
	Kind  string    `json:"kind"`
	Since time.Time `json:"since"`
	Count int       `json:"count"`
	Limit int       `json:"limit"`
	Held  int       `json:"held"` // open orders of this kind now
	Why   string    `json:"why"`
}

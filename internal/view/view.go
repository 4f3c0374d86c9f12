// Package view holds the questions that people ask: which orders stand where,
// what somebody has and why, what waits for whom. It is the types of the answers
// and the interface that the store satisfies.
//
// It promises answers as plain structs, with the number and the name of every
// state, in pages that begin after a cursor: a page costs the same wherever it
// lies. Nothing is changed by asking. The callers are the surfaces: the command
// line, the pages and the interface show exactly these answers.
package view

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
)

const (
	// DefaultLimit is a page that a person reads.
	DefaultLimit = 100
	// MaxLimit bounds what one question may take out of the store.
	MaxLimit = 1000
)

// CountMost is as far as things are counted where an exact number says no more.
const CountMost = 10_000

// Rows returns the limit that a question gets for the one it asked for.
func Rows(asked int) int {
	if asked <= 0 {
		return DefaultLimit
	}
	return min(asked, MaxLimit)
}

// Questions is what the store answers.
type Questions interface {
	Orders(ctx context.Context, f OrderFilter) (OrderPage, error)
	Order(ctx context.Context, id orders.OrderID) (OrderDetail, error)
	Path(ctx context.Context, id orders.AssignedID) ([]Step, error)
	// Executed lists the orders of a connector (""; all) of which something was
	// carried out at or after a time.
	Executed(ctx context.Context, since time.Time, connector string) ([]orders.OrderID, error)
	// Accounts shows accounts whole, over and done ones too.
	Accounts(ctx context.Context, f AccountFilter) ([]Question, error)
	// Sight answers of which resource types and roles whoever asks may see what
	// somebody has, and has not.
	Sight(ctx context.Context, ref resources.Ref, s Sight) (Sight, error)
	// Reached answers which of these accounts whoever asks may see or touch.
	Reached(ctx context.Context, ids []orders.AssignedID) ([]orders.AssignedID, error)
	// StateCounts and TypeCounts count each as far as most, and one more; 0: exactly.
	StateCounts(ctx context.Context, most int) (StateCounts, error)
	TypeCounts(ctx context.Context, most int) ([]TypeCount, error)

	// EntityCounts and AccountCounts count as far as CountMost, and one more.
	EntityCounts(ctx context.Context, entities []string) (map[string]int, error)
	AccountCounts(ctx context.Context, types []string) ([]TypeCount, error)
	Holders(ctx context.Context, f HolderFilter) (HolderPage, error)
	// RuleReach counts people as far as RuleWithin rows tell.
	RuleReach(ctx context.Context, f RuleFilter) (RuleReach, error)
	// Peers counts as far as PeersMost.
	Peers(ctx context.Context, f PeersFilter) (Peers, error)

	Names(ctx context.Context, refs []resources.Ref) (map[resources.Ref]string, error)
	People(ctx context.Context, f PeopleFilter) (PeoplePage, error)
	Resolve(ctx context.Context, entity, text string) ([]Owner, error)
	Person(ctx context.Context, ref resources.Ref) (Person, error)

	Requests(ctx context.Context, f RequestFilter) (RequestPage, error)
	Request(ctx context.Context, id requests.RequestID) (Request, error)

	Reconciliation(ctx context.Context, f ReconciliationFilter) (ReconciliationPage, error)
	FoundRoles(ctx context.Context, f FoundRoleFilter) (FoundRolePage, error)
	Readings(ctx context.Context, f ReadingFilter) ([]Reading, error)
	Parks(ctx context.Context) ([]Park, error)
	Journal(ctx context.Context, f JournalFilter) (JournalPage, error)
	Secrets(ctx context.Context) ([]Secret, error)

	Runs(ctx context.Context, f RunFilter) (RunPage, error)
	Run(ctx context.Context, id runs.RunID) (runs.Run, error)
	// Scheduled says when the schedules begin their next runs.
	Scheduled(ctx context.Context) (map[string]time.Time, error)
	Messages(ctx context.Context, f MessageFilter) (MessagePage, error)
}

// Asked is what people ask at a terminal, of a folder and of a server alike.
type Asked interface {
	Counted
	Orders(ctx context.Context, f OrderFilter) (OrderPage, error)
	Order(ctx context.Context, id orders.OrderID) (OrderDetail, error)
	Path(ctx context.Context, id orders.AssignedID) ([]Step, error)
	Accounts(ctx context.Context, f AccountFilter) ([]Question, error)
	People(ctx context.Context, f PeopleFilter) (PeoplePage, error)
	Resolve(ctx context.Context, entity, text string) ([]Owner, error)
	Person(ctx context.Context, ref resources.Ref) (Person, error)
	Requests(ctx context.Context, f RequestFilter) (RequestPage, error)
	Request(ctx context.Context, id requests.RequestID) (Request, error)
	Reconciliation(ctx context.Context, f ReconciliationFilter) (ReconciliationPage, error)
	FoundRoles(ctx context.Context, f FoundRoleFilter) (FoundRolePage, error)
	Journal(ctx context.Context, f JournalFilter) (JournalPage, error)
	Runs(ctx context.Context, f RunFilter) (RunPage, error)
	Run(ctx context.Context, id runs.RunID) (runs.Run, error)
	Messages(ctx context.Context, f MessageFilter) (MessagePage, error)
}

// Counted is how much stands where.
type Counted interface {
	StateCounts(ctx context.Context, most int) (StateCounts, error)
	TypeCounts(ctx context.Context, most int) ([]TypeCount, error)
}

// A Secret is a stored secret as it is listed: nothing leads from here to its value.
type Secret struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
}

// State is a provisioning state as it is shown.
type State struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Mark   string `json:"mark,omitempty"`
}

// String reads "Transmitted (to be read back)".
func (s State) String() string {
	if s.Mark == "" {
		return s.Name
	}
	return s.Name + " (" + s.Mark + ")"
}

// StateOf shows a place.
func StateOf(p orders.Place) State {
	return State{Number: int(p.State), Name: p.State.String(), Mark: string(p.Mark)}
}

// Workflow is a workflow state as it is shown.
type Workflow struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

// WorkflowOf shows a workflow state.
func WorkflowOf(w assignments.Workflow) Workflow { return Workflow{Number: int(w), Name: w.String()} }

// Owner is who something belongs to. Display is empty when he is not known.
type Owner struct {
	Type    string `json:"type"`
	Key     string `json:"key"`
	Display string `json:"display,omitempty"`
}

// OrderFilter chooses orders: the open ones, cut down by every field that is
// set. As a rule the oldest come first.
type OrderFilter struct {
	States     []orders.State
	Kinds      []orders.Kind
	Types      []string // resource types
	Owner      *resources.Ref
	Connector  string
	Connection string
	Property   string // with an item of this property
	Text       string // words of the owner's name or identifiers, as far as they were typed; or his key
	Review     bool   // something waits for a reviewer or is errored
	Handed     bool   // handed to people and not yet confirmed
	Gated      bool   // stands before a gate
	// SinceBefore: the state has not changed since then.
	SinceBefore time.Time
	// On leaves out what was postponed beyond that day.
	On time.Time
	// Overdue: a lease or validity is over at this time or, with Patience, the
	// state has not changed for so long.
	Overdue  time.Time
	Patience time.Duration
	Closed   bool           // history too
	Within   int            // of history, how many orders are looked through for a page by number; 0: LookedThrough
	Sort     Sort           // by one of OrderColumns
	After    orders.OrderID // the cursor: the last order of the page before
	AfterBy  string         // with it: what that one is sorted by, where that is not its number
	Limit    int
}

// ReviewQueue chooses what waits for a reviewer.
func ReviewQueue() OrderFilter { return OrderFilter{Review: true} }

// ManualQueue chooses what people are to carry out.
func ManualQueue() OrderFilter { return OrderFilter{Handed: true} }

// Stuck chooses the orders that stand longer than they should.
func Stuck(now time.Time, patience time.Duration) OrderFilter {
	return OrderFilter{Overdue: now, Patience: patience}
}

// LookedThrough is how many orders of history are looked through for one page: it
// grows for ever, and what is looked for may be rare in it.
const LookedThrough = 20_000

// OrderPage is one page of orders. After, with AfterBy, is the next page's cursor,
// 0 at the end: a page of history may be short, and even empty, before it.
type OrderPage struct {
	Orders  []Order        `json:"orders"`
	After   orders.OrderID `json:"after,omitempty"`
	AfterBy string         `json:"afterBy,omitempty"`
}

// Order is a provisioning order in a list.
type Order struct {
	ID         orders.OrderID    `json:"id"`
	Assigned   orders.AssignedID `json:"assigned"`
	Kind       string            `json:"kind"`
	Type       string            `json:"type"`
	Owner      Owner             `json:"owner"`
	Target     string            `json:"target,omitempty"`
	Connector  string            `json:"connector"`
	Connection string            `json:"connection"`
	Manual     bool              `json:"manual,omitempty"`
	State      State             `json:"state"`
	Since      time.Time         `json:"since"` // in this state
	Version    int               `json:"version"`
	Created    time.Time         `json:"created"`
	Closed     time.Time         `json:"closed,omitzero"`
	Outcome    string            `json:"outcome,omitempty"`
	Supersedes orders.OrderID    `json:"supersedes,omitempty"`
	Waits      string            `json:"waits,omitempty"`
	TakenBy    string            `json:"takenBy,omitempty"`
	Agent      string            `json:"agent,omitempty"`
	Confidence int               `json:"confidence"`
	Items      []OrderItem       `json:"items"`
}

// WaitsFor says what the order waits for: before it goes out, the gate that it
// names; afterwards, whose turn it is; "" for one that is closed.
func (o Order) WaitsFor() string {
	state := orders.Numbered(o.State.Number)
	switch {
	case !o.Closed.IsZero():
		return ""
	case state != orders.Transmitted && state != orders.Pending && state != orders.AwaitingApproval:
		return state.Owner()
	case state == orders.Transmitted && o.TakenBy != "":
		return o.TakenBy + ", who took it"
	case state == orders.Transmitted && o.Manual:
		return "a technician"
	case state == orders.Transmitted:
		return "the agent"
	case o.Waits != "":
		return o.Waits
	case state == orders.Pending:
		return "the next run"
	}
	return state.Owner()
}

// OrderItem is an item of an order in a list. Values are cut to what is read there.
type OrderItem struct {
	Item     int       `json:"item"`
	Property string    `json:"property,omitempty"` // "": the resource itself
	Link     string    `json:"link,omitempty"`
	LinkName string    `json:"linkName,omitempty"` // what people call it
	Op       string    `json:"op"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`
	Proposed string    `json:"proposed"`
	Current  string    `json:"current"`
	Before   string    `json:"before"`
	Workflow Workflow  `json:"workflow"`
	Message  string    `json:"message,omitempty"`
}

// OrderDetail is one order opened: its account as it stands, and the path that
// its items took.
type OrderDetail struct {
	Order
	Account Account `json:"account"`
	Path    []Step  `json:"path"`
}

// Step is one move of one item.
type Step struct {
	Item  int            `json:"item"`
	Name  string         `json:"name"` // the property, or account
	Step  int            `json:"step"`
	Order orders.OrderID `json:"order,omitempty"`
	From  State          `json:"from"`
	Event string         `json:"event"`
	To    State          `json:"to"`
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"`
	Why   string         `json:"why,omitempty"`
}

// StateCounts says how many stand in each state: open orders by their
// consolidated state, the items that they carry by state and mark, and the roles
// that people have by workflow state.
type StateCounts struct {
	Orders []StateCount    `json:"orders"`
	Items  []StateCount    `json:"items"`
	Roles  []WorkflowCount `json:"roles"`
}

// WorkflowCount is how many roles stand in a workflow state; those without any are left out.
type WorkflowCount struct {
	Workflow Workflow `json:"workflow"`
	Count    int      `json:"count"`
	More     bool     `json:"more,omitempty"` // there are more than were counted
}

// StateCount is how many stand in a state; all nine are listed, 0 included.
type StateCount struct {
	State State `json:"state"`
	Count int   `json:"count"`
	More  bool  `json:"more,omitempty"` // there are more than were counted
}

// TypeCount is how many assigned resources of a resource type stand in a state.
type TypeCount struct {
	Type  string `json:"type"`
	State State  `json:"state"`
	Count int    `json:"count"`
	More  bool   `json:"more,omitempty"` // there are more than were counted
}

// Standing is how much stands in a state. Orders are the open orders by their
// worst item and, for the states of rest (None, Verified, Inactive), the accounts
// that rest there; Accounts are all accounts by their worst item; Values are the
// items that open orders carry.
type Standing struct {
	Number   int    `json:"number"`
	Name     string `json:"name"`
	Orders   int    `json:"orders"`
	Accounts int    `json:"accounts"`
	Values   int    `json:"values"`
}

// StandingNow says exactly how much stands in each of the nine states.
func StandingNow(ctx context.Context, q Counted) ([]Standing, error) {
	counts, err := q.StateCounts(ctx, 0)
	if err != nil {
		return nil, err
	}
	accounts, err := q.TypeCounts(ctx, 0)
	if err != nil {
		return nil, err
	}
	list := make([]Standing, len(orders.States()))
	for i, s := range orders.States() {
		list[i] = Standing{Number: int(s), Name: s.String()}
	}
	for _, n := range counts.Orders {
		list[n.State.Number].Orders += n.Count
	}
	for _, n := range counts.Items {
		list[n.State.Number].Values += n.Count
	}
	for _, n := range accounts {
		list[n.State.Number].Accounts += n.Count
	}
	for i := range list {
		if !orders.Numbered(i).Open() {
			list[i].Orders = list[i].Accounts
		}
	}
	return list, nil
}

// Transition is one legal move, for diagrams.
type Transition struct {
	From  State  `json:"from"`
	Event string `json:"event"`
	To    State  `json:"to"`
	By    string `json:"by"`
	Name  string `json:"name"`
}

// Machine lists every legal move of the transition table, row by row.
func Machine() []Transition {
	var all []Transition
	for _, row := range orders.Table() {
		for _, from := range row.From {
			for _, to := range row.Targets(from) {
				all = append(all, Transition{From: StateOf(from), Event: string(row.On), To: StateOf(to), By: string(row.By), Name: row.Name})
			}
		}
	}
	return all
}

// JournalFilter chooses entries, as a rule the newest first.
type JournalFilter struct {
	Text  string // in the act, its subject or its reason
	Actor string // process or person
	Since time.Time
	// Within bounds the search to so many entries before the cursor; 0: all. Where
	// the bound ends it, the page's cursor leads on.
	Within int64
	Oldest bool  // the oldest first
	Before int64 // the cursor: the last entry of the page before
	Limit  int
}

// JournalPage is one page of entries. Before is the next page's cursor, 0 at the end.
type JournalPage struct {
	Entries []journal.Entry `json:"entries"`
	Before  int64           `json:"before,omitempty"`
}

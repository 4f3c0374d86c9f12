// Package access says who may do what inside Provisor: permissions, profiles that
// bundle them, the scope to which they reach, and who has which profile from when
// to when.
//
// It promises that nothing is permitted by silence: a zero Principal may nothing,
// a zero Filter lets no row through, and a scope that names what the deployed
// configuration does not know covers nothing. One Filter decides on single things
// and on the rows of lists; the store's statements and Holds here give the same
// answer, and storetest compares them. All of it is data and pure functions; the
// surfaces ask, the store keeps. A crash leaves nothing.
package access

import "slices"

// A Permission is one thing that somebody may do, in the words "where.what".
type Permission string

// The permissions. Each stands in the list below with what a scope does to it.
const (
	HomeView    Permission = "home.view"
	StatesView  Permission = "states.view"
	CatalogView Permission = "catalog.view"
	OwnTokens   Permission = "tokens.own"
	OwnMessages Permission = "messages.own"
	Delegate    Permission = "profiles.delegate"

	DirectoryView   Permission = "directory.view"
	AccessView      Permission = "access.view"
	AccessRequest   Permission = "access.request"
	IdentityChange  Permission = "identity.change"
	RequestsView    Permission = "requests.view"
	RequestsDecide  Permission = "requests.decide"
	OrdersView      Permission = "orders.view"
	OrdersReview    Permission = "orders.review"
	OrdersProvision Permission = "orders.provision"
	OrdersRelease   Permission = "orders.release"
	FoundView       Permission = "reconciliation.view"
	FoundDecide     Permission = "reconciliation.decide"
	RolesReconcile  Permission = "roles.reconcile"

	RulesView          Permission = "rules.view"
	ConnectorsView     Permission = "connectors.view"
	ConnectorsOperate  Permission = "connectors.operate"
	PlanView           Permission = "plan.view"
	ConfigurationApply Permission = "configuration.apply"
	JobsView           Permission = "jobs.view"
	JobsRun            Permission = "jobs.run"
	JournalView        Permission = "journal.view"
	MetricsView        Permission = "metrics.view"
	MessagesView       Permission = "messages.view"
	ProfilesView       Permission = "profiles.view"
	ProfilesAssign     Permission = "profiles.assign"
	AccountsManage     Permission = "accounts.manage"
	AgentOrders        Permission = "agent.orders"
	AgentReadings      Permission = "agent.readings"
)

// Reach is what a scope does to a permission.
type Reach string

const (
	// Rows: the permission is about rows, and a scope chooses among them.
	Rows Reach = "rows"
	// Whole: it is about the whole installation. No scope can narrow it, so only
	// who has it without a scope has it at all.
	Whole Reach = "whole"
	// Open: it shows nothing of anybody, so a scope is no obstacle.
	Open Reach = "open"
)

// A Described is a permission with its reach and what it means.
type Described struct {
	Permission Permission `json:"permission"`
	Reach      Reach      `json:"reach"`
	About      string     `json:"about"`
}

// Permissions is the list: what does not stand here permits nothing.
var permissions = []Described{
	{HomeView, Open, "see the first page, with counts of what one may see"},
	{StatesView, Open, "see the state machine"},
	{CatalogView, Open, "read the catalog of roles"},
	{OwnTokens, Open, "make and revoke tokens of one's own"},
	{OwnMessages, Open, "choose how one is told of what waits"},
	{Delegate, Open, "hand what one has to somebody else for a time"},
	{DirectoryView, Rows, "find people and read their identity data"},
	{AccessView, Rows, "see what somebody has, and why"},
	{AccessRequest, Rows, "ask for roles for somebody"},
	{IdentityChange, Rows, "start a workflow about somebody"},
	{RequestsView, Rows, "see who asked for what"},
	{RequestsDecide, Rows, "approve and decline what others asked for, where one is a reviewer"},
	{OrdersView, Rows, "see provisioning orders"},
	{OrdersReview, Rows, "approve, decline and postpone orders, and retry errored ones"},
	{OrdersProvision, Rows, "carry manual orders out and say so"},
	{OrdersRelease, Rows, "release what a threshold parked"},
	{FoundView, Rows, "see what was found and no rule explains"},
	{FoundDecide, Rows, "keep or correct what was found"},
	{RolesReconcile, Rows, "keep or remove roles that were found"},
	{RulesView, Whole, "read rules and how many people each touches"},
	{ConnectorsView, Whole, "see connectors, connections and readings"},
	{ConnectorsOperate, Whole, "check connections and start stages"},
	{PlanView, Whole, "see what a configuration would cause"},
	{ConfigurationApply, Whole, "deploy a configuration"},
	{JobsView, Whole, "see jobs and their logs"},
	{JobsRun, Whole, "run, resume and abort jobs"},
	{JournalView, Whole, "read the journal"},
	{MetricsView, Whole, "read metrics"},
	{MessagesView, Whole, "see who was told what"},
	{ProfilesView, Whole, "see who has which profile"},
	{ProfilesAssign, Whole, "give and take profiles"},
	{AccountsManage, Whole, "add, disable and unlock accounts"},
	{AgentOrders, Whole, "collect orders and report on them, as an agent"},
	{AgentReadings, Whole, "bring readings, as an agent"},
}

// Permissions lists them all.
func Permissions() []Described { return slices.Clone(permissions) }

// Describe finds a permission in the list; ok is false for what is none.
func Describe(p Permission) (d Described, ok bool) {
	i := slices.IndexFunc(permissions, func(d Described) bool { return d.Permission == p })
	if i < 0 {
		return Described{}, false
	}
	return permissions[i], true
}

// Package reach keeps whoever asks to what his profiles reach: what he is answered,
// and what he can decide on. The pages and the interface for programs ask and act
// through it, so that neither can show or touch more than the other.
//
// It promises that each question has a permission of its own, whatever route asked
// it; that a new question does not compile until somebody said which; and that what
// is not reached is not there, for reading and for deciding alike. Nothing is kept,
// so a crash leaves nothing.
package reach

import (
	"context"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// Questions is what the surfaces ask of the store.
type Questions interface {
	Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error)
	Order(ctx context.Context, id orders.OrderID) (view.OrderDetail, error)
	Path(ctx context.Context, id orders.AssignedID) ([]view.Step, error)
	StateCounts(ctx context.Context, most int) (view.StateCounts, error)
	TypeCounts(ctx context.Context, most int) ([]view.TypeCount, error)
	People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error)
	Person(ctx context.Context, ref resources.Ref) (view.Person, error)
	Reconciliation(ctx context.Context, f view.ReconciliationFilter) (view.ReconciliationPage, error)
	Requests(ctx context.Context, f view.RequestFilter) (view.RequestPage, error)
	Request(ctx context.Context, id requests.RequestID) (view.Request, error)
	FoundRoles(ctx context.Context, f view.FoundRoleFilter) (view.FoundRolePage, error)
	Parks(ctx context.Context) ([]view.Park, error)
	Accounts(ctx context.Context, f view.AccountFilter) ([]view.Question, error)
	Sight(ctx context.Context, ref resources.Ref, s view.Sight) (view.Sight, error)
	Reached(ctx context.Context, ids []orders.AssignedID) ([]orders.AssignedID, error)
	EntityCounts(ctx context.Context, entities []string) (map[string]int, error)
	AccountCounts(ctx context.Context, types []string) ([]view.TypeCount, error)
	Readings(ctx context.Context, f view.ReadingFilter) ([]view.Reading, error)
	Holders(ctx context.Context, f view.HolderFilter) (view.HolderPage, error)
	RuleReach(ctx context.Context, f view.RuleFilter) (view.RuleReach, error)
	Peers(ctx context.Context, f view.PeersFilter) (view.Peers, error)
	Journal(ctx context.Context, f view.JournalFilter) (view.JournalPage, error)
	Runs(ctx context.Context, f view.RunFilter) (view.RunPage, error)
	Run(ctx context.Context, id runs.RunID) (runs.Run, error)
	Scheduled(ctx context.Context) (map[string]time.Time, error)
	Messages(ctx context.Context, f view.MessageFilter) (view.MessagePage, error)
}

// Narrowed answers questions about what the permissions of whoever asks reach.
func Narrowed(within func(access.Filter) Questions) Questions { return narrowed{within} }

// narrowed answers about what whoever asks may see, and about nothing
// else. Each question has a permission of its own, beside the route's: a page
// cannot show by mistake what its reader has no right to. It embeds nothing, so
// that a new question does not compile until it has a line here.
type narrowed struct {
	within func(access.Filter) Questions
}

var _ Questions = narrowed{}

// as returns the answers that a permission of whoever asks reaches.
func (n narrowed) as(ctx context.Context, x access.Permission) Questions {
	return n.within(routes.Rows(ctx, x))
}

func (n narrowed) Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error) {
	return n.as(ctx, access.OrdersView).Orders(ctx, f)
}

func (n narrowed) Order(ctx context.Context, id orders.OrderID) (view.OrderDetail, error) {
	return n.as(ctx, access.OrdersView).Order(ctx, id)
}

// Path is asked by the pages of orders and of people alike.
func (n narrowed) Path(ctx context.Context, id orders.AssignedID) ([]view.Step, error) {
	return n.within(routes.Rows(ctx, access.OrdersView).Or(routes.Rows(ctx, access.AccessView))).Path(ctx, id)
}

func (n narrowed) StateCounts(ctx context.Context, most int) (view.StateCounts, error) {
	return n.as(ctx, access.OrdersView).StateCounts(ctx, most)
}

func (n narrowed) TypeCounts(ctx context.Context, most int) ([]view.TypeCount, error) {
	return n.as(ctx, access.AccessView).TypeCounts(ctx, most)
}

func (n narrowed) People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error) {
	return n.as(ctx, access.DirectoryView).People(ctx, f)
}

// Person shows who somebody is by one permission, and what he has by another.
func (n narrowed) Person(ctx context.Context, ref resources.Ref) (view.Person, error) {
	p, err := n.as(ctx, access.DirectoryView).Person(ctx, ref)
	if err != nil {
		return p, err
	}
	has, err := n.as(ctx, access.AccessView).Person(ctx, ref)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		p.Roles, p.Accounts, p.Requests = nil, nil, nil
	case err != nil:
		return view.Person{}, err
	default:
		p.Roles, p.Accounts, p.Requests = has.Roles, has.Accounts, has.Requests
	}
	return p, nil
}

func (n narrowed) Reconciliation(ctx context.Context, f view.ReconciliationFilter) (view.ReconciliationPage, error) {
	return n.as(ctx, access.FoundView).Reconciliation(ctx, f)
}

// Accounts are shown whole to whoever may see what somebody has.
func (n narrowed) Accounts(ctx context.Context, f view.AccountFilter) ([]view.Question, error) {
	return n.as(ctx, access.AccessView).Accounts(ctx, f)
}

func (n narrowed) Sight(ctx context.Context, ref resources.Ref, s view.Sight) (view.Sight, error) {
	return n.as(ctx, access.AccessView).Sight(ctx, ref, s)
}

func (n narrowed) Reached(ctx context.Context, ids []orders.AssignedID) ([]orders.AssignedID, error) {
	return n.within(routes.Rows(ctx, access.OrdersView).Or(routes.Rows(ctx, access.FoundView))).Reached(ctx, ids)
}

func (n narrowed) Requests(ctx context.Context, f view.RequestFilter) (view.RequestPage, error) {
	return n.as(ctx, access.RequestsView).Requests(ctx, f)
}

func (n narrowed) Request(ctx context.Context, id requests.RequestID) (view.Request, error) {
	return n.as(ctx, access.RequestsView).Request(ctx, id)
}

func (n narrowed) FoundRoles(ctx context.Context, f view.FoundRoleFilter) (view.FoundRolePage, error) {
	return n.as(ctx, access.RolesReconcile).FoundRoles(ctx, f)
}

func (n narrowed) RuleReach(ctx context.Context, f view.RuleFilter) (view.RuleReach, error) {
	return n.as(ctx, access.RulesView).RuleReach(ctx, f)
}

func (n narrowed) EntityCounts(ctx context.Context, entities []string) (map[string]int, error) {
	return n.as(ctx, access.ConnectorsView).EntityCounts(ctx, entities)
}

func (n narrowed) AccountCounts(ctx context.Context, types []string) ([]view.TypeCount, error) {
	return n.as(ctx, access.AccessView).AccountCounts(ctx, types)
}

func (n narrowed) Readings(ctx context.Context, f view.ReadingFilter) ([]view.Reading, error) {
	return n.as(ctx, access.ConnectorsView).Readings(ctx, f)
}

func (n narrowed) Holders(ctx context.Context, f view.HolderFilter) (view.HolderPage, error) {
	return n.as(ctx, access.AccessView).Holders(ctx, f)
}

// Peers are counted among those of whom whoever asks may see what they have.
func (n narrowed) Peers(ctx context.Context, f view.PeersFilter) (view.Peers, error) {
	return n.as(ctx, access.AccessView).Peers(ctx, f)
}

func (n narrowed) Journal(ctx context.Context, f view.JournalFilter) (view.JournalPage, error) {
	return n.as(ctx, access.JournalView).Journal(ctx, f)
}

func (n narrowed) Parks(ctx context.Context) ([]view.Park, error) {
	return n.as(ctx, access.OrdersView).Parks(ctx)
}

// Runs are asked for by the page of jobs and by those of connectors.
func (n narrowed) Runs(ctx context.Context, f view.RunFilter) (view.RunPage, error) {
	return n.within(routes.Rows(ctx, access.JobsView).Or(routes.Rows(ctx, access.ConnectorsView))).Runs(ctx, f)
}

func (n narrowed) Run(ctx context.Context, id runs.RunID) (runs.Run, error) {
	return n.as(ctx, access.JobsView).Run(ctx, id)
}

func (n narrowed) Scheduled(ctx context.Context) (map[string]time.Time, error) {
	return n.as(ctx, access.JobsView).Scheduled(ctx)
}

func (n narrowed) Messages(ctx context.Context, f view.MessageFilter) (view.MessagePage, error) {
	return n.as(ctx, access.MessagesView).Messages(ctx, f)
}

package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

func (s *service) orders() {
	shows(s, operation{access.OrdersView, "/states", "listStates", "How many orders and values stand in each provisioning state"}, s.states)
	shows(s, operation{access.OrdersView, "/orders", "listOrders", "Provisioning orders, as a rule the oldest first"}, s.listOrders)
	shows(s, operation{access.OrdersView, "/orders/{id}", "showOrder", "One order, with its items, its account and the path that it took"}, s.order)
	acts(s, operation{access.OrdersReview, "/orders/{id}/decisions", "decideOrder", "Approve, decline, postpone or send again: an order, or some of its items"}, s.decideOrder)
	acts(s, operation{access.OrdersReview, "/orders/decisions", "decideOrders", "The same decision on many orders"}, s.decideOrders)
	acts(s, operation{access.OrdersProvision, "/orders/{id}/reports", "reportOrder", "Take an order that people carry out, confirm it, or report an error"}, s.reportOrder)
	acts(s, operation{access.OrdersRelease, "/orders/{id}/release", "releaseOrder", "Let an order through the threshold that parked it"}, s.releaseOrder)
	acts(s, operation{access.OrdersReview, "/orders/{id}/revocation", "revokeOrder", "Take back that something of an order was declined or kept"}, s.revokeOrder)
	shows(s, operation{access.AccessView, "/accounts", "listAccounts", "Accounts whole, by their numbers or by what the systems call them"}, s.accounts)
	shows(s, operation{access.AccessView, "/accounts/{id}/path", "showPath", "Every move that the values of an account made"}, s.path)
	shows(s, operation{access.OrdersView, "/parks", "listParks", "What tripped thresholds hold"}, s.parks)
	acts(s, operation{access.OrdersRelease, "/parks/{type}/{kind}/release", "releaseParked", "Let everything through that a threshold parked"}, s.releaseParked)
}

// StateCount is how many stand in a state.
type StateCount struct {
	State    view.State `json:"state"`
	Orders   Count      `json:"orders" doc:"Open orders, by their consolidated state."`
	Accounts Count      `json:"accounts" doc:"Accounts that the reader may see, by their worst item."`
	Values   Count      `json:"values" doc:"Items that open orders carry."`
}

// States is how many stand in each state.
type States struct {
	States []StateCount         `json:"states" nullable:"false"`
	Roles  []WorkflowStateCount `json:"roles" nullable:"false" doc:"Roles that people have, by workflow state."`
}

// WorkflowStateCount is how many roles stand in a workflow state.
type WorkflowStateCount struct {
	Workflow view.Workflow `json:"workflow"`
	Roles    Count         `json:"roles"`
}

func (s *service) states(ctx context.Context, _ *struct{}) (States, error) {
	counts, err := s.ask.StateCounts(ctx, view.CountMost)
	if err != nil {
		return States{}, err
	}
	number := len(orders.States())
	open, held, values := make([]int, number), make([]int, number), make([]int, number)
	types, err := s.ask.TypeCounts(ctx, view.CountMost)
	if err != nil {
		return States{}, err
	}
	for _, n := range types {
		held[n.State.Number] += n.Count
	}
	for _, n := range counts.Orders {
		open[n.State.Number] += n.Count
	}
	for _, n := range counts.Items {
		values[n.State.Number] += n.Count
	}
	out := States{States: []StateCount{}, Roles: []WorkflowStateCount{}}
	for i, state := range orders.States() {
		out.States = append(out.States, StateCount{view.State{Number: int(state), Name: state.String()}, counted(open[i]), counted(held[i]), counted(values[i])})
	}
	for _, n := range counts.Roles {
		out.Roles = append(out.Roles, WorkflowStateCount{n.Workflow, counted(n.Count)})
	}
	return out, nil
}

// ordersAsked chooses orders.
type ordersAsked struct {
	Window
	State     []string `query:"state,explode" maxItems:"20" doc:"The name of a provisioning state, such as AwaitingApproval; again for another."`
	Kind      []string `query:"kind,explode" maxItems:"20" enum:"addition,association,update,deletion" doc:"Again for another."`
	Type      []string `query:"type,explode" maxItems:"200" doc:"A resource type; again for another."`
	Entity    string   `query:"entity" doc:"With person: the entity type of the owner."`
	Person    string   `query:"person" doc:"The key of the owner."`
	Connector string   `query:"connector"`
	Text      string   `query:"q" maxLength:"200" doc:"Words of the owner's name or identifiers, as far as they were typed."`
	Queue     string   `query:"queue" enum:"review,manual,parked" doc:"What waits for a reviewer, for somebody who carries it out, or for a release."`
	Overdue   bool     `query:"overdue" doc:"Those alone whose lease or validity is over."`
	Patience  string   `query:"patience" maxLength:"30" doc:"With overdue: those too that stand in one state for so long, such as 168h."`
	Closed    bool     `query:"closed" doc:"Those too that are over."`

	Sort sorted[orderColumns] `query:"sort"`
}

func (q ordersAsked) filter(now time.Time) (view.OrderFilter, error) {
	f := view.OrderFilter{
		Connector: q.Connector, Text: q.Text, Closed: q.Closed, Sort: q.Sort.sort(), Limit: view.Rows(q.Limit),
		Review: q.Queue == "review", Handed: q.Queue == "manual", Gated: q.Queue == "parked",
	}
	var err error
	if f.After, f.AfterBy, err = rowIn[orders.OrderID](q.After, q.Sort.text()); err != nil {
		return f, err
	}
	for _, name := range q.State {
		state, err := stateIn(name)
		if err != nil {
			return f, err
		}
		f.States = append(f.States, state)
	}
	for _, kind := range q.Kind {
		f.Kinds = append(f.Kinds, orders.Kind(kind))
	}
	f.Types = q.Type
	if q.Overdue {
		f.Overdue = now
	}
	if q.Patience != "" {
		if f.Patience, err = time.ParseDuration(q.Patience); err != nil || f.Patience < 0 || !q.Overdue {
			return f, &fault.Error{Kind: fault.Invalid, Msg: fmt.Sprintf("patience cannot be %q", q.Patience), Do: "with overdue, write it as 168h"}
		}
	}
	if (q.Entity == "") != (q.Person == "") {
		return f, &fault.Error{Kind: fault.Invalid, Msg: "an owner is an entity type and a key", Do: "give both entity and person, or neither"}
	}
	if q.Person != "" {
		f.Owner = &resources.Ref{Type: schema.EntityType(q.Entity), Key: resources.Key(q.Person)}
	}
	return f, nil
}

func stateIn(name string) (orders.State, error) {
	var names []string
	for _, state := range orders.States() {
		if strings.EqualFold(strings.ReplaceAll(state.String(), " ", ""), strings.ReplaceAll(name, " ", "")) {
			return state, nil
		}
		names = append(names, state.String())
	}
	return 0, &fault.Error{Kind: fault.Invalid, Msg: fmt.Sprintf("there is no state %q", name), Do: "use one of " + strings.Join(names, ", ")}
}

func (s *service) listOrders(ctx context.Context, q *ordersAsked) (Page[view.Order], error) {
	f, err := q.filter(s.Clock())
	if err != nil {
		return Page[view.Order]{}, err
	}
	page, err := s.ask.Orders(ctx, f)
	return pageOf(page.Orders, rowOf(page.After, page.AfterBy, q.Sort.text())), err
}

// Numbered is an address with a number.
type Numbered struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *service) order(ctx context.Context, q *Numbered) (view.OrderDetail, error) {
	return s.ask.Order(ctx, orders.OrderID(q.ID))
}

// Decision is what somebody says about an order.
type Decision struct {
	Do      string         `json:"do,omitempty" enum:"approve,decline,postpone,retry" doc:"About the whole order. Without it, say it for each item."`
	Items   []ItemDecision `json:"items,omitempty" doc:"About some items, made together or not at all."`
	Version int            `json:"version" minimum:"1" doc:"Of the order as it was seen: nothing is decided on one that changed since."`
	Until   string         `json:"until,omitempty" format:"date" doc:"To which day it is postponed."`
	Why     string         `json:"why,omitempty" maxLength:"4000"`
	Stated  bool           `json:"stated,omitempty" doc:"With retry: it is certain that the failed attempt did nothing."`
}

// ItemDecision is what somebody says about one item.
type ItemDecision struct {
	Item int    `json:"item"`
	Do   string `json:"do" enum:"approve,decline,postpone,retry"`
}

// desk is where whoever asks decides on what his profiles reach.
func (s *service) desk(ctx context.Context) act.Desk {
	return reach.Desk(s.Desks.Desk(reach.Actor(ctx, s.Local)), s.ask)
}

func (s *service) decideOrder(ctx context.Context, q *struct {
	Numbered
	Body Decision
},
) (act.Orders, error) {
	until, err := dayIn(q.Body.Until)
	if err != nil {
		return act.Orders{}, err
	}
	detail, err := s.ask.Order(ctx, orders.OrderID(q.ID))
	if err != nil {
		return act.Orders{}, err
	}
	if (q.Body.Do == "") == (len(q.Body.Items) == 0) {
		return act.Orders{}, &fault.Error{Kind: fault.Invalid, Msg: "a decision is about the whole order or about items", Do: "give do, or items, and not both"}
	}
	var answer act.Orders
	if q.Body.Do != "" {
		answer, err = act.OnOrders{
			Verb: act.Verb(q.Body.Do), Orders: []view.Order{detail.Order}, Version: q.Body.Version, Until: until, Why: q.Body.Why, Stated: q.Body.Stated,
		}.Do(ctx, s.desk(ctx))
	} else {
		x := act.OnItems{Order: detail.Order, Version: q.Body.Version, Say: map[int]act.Verb{}, Until: until, Why: q.Body.Why, Stated: q.Body.Stated}
		for _, it := range q.Body.Items {
			x.Say[it.Item] = act.Verb(it.Do)
		}
		answer, err = x.Do(ctx, s.desk(ctx))
	}
	if err == nil {
		err = refused(len(answer.Decided), answer.Refused)
	}
	return answer, err
}

// SeenOrder is an order as somebody saw it.
type SeenOrder struct {
	ID      orders.OrderID `json:"id" minimum:"1"`
	Version int            `json:"version" minimum:"1"`
}

// Decisions is the same decision on many orders.
type Decisions struct {
	Do     string      `json:"do" enum:"approve,decline,postpone,retry"`
	Orders []SeenOrder `json:"orders" minItems:"1" maxItems:"1000" nullable:"false"`
	Until  string      `json:"until,omitempty" format:"date"`
	Why    string      `json:"why,omitempty" maxLength:"4000"`
	Stated bool        `json:"stated,omitempty"`
}

func (s *service) decideOrders(ctx context.Context, q *struct{ Body Decisions }) (act.Orders, error) {
	until, err := dayIn(q.Body.Until)
	if err != nil {
		return act.Orders{}, err
	}
	x := act.OnOrders{Verb: act.Verb(q.Body.Do), Until: until, Why: q.Body.Why, Stated: q.Body.Stated}
	for _, seen := range q.Body.Orders {
		detail, err := s.ask.Order(ctx, seen.ID)
		if err != nil {
			return act.Orders{}, err
		}
		detail.Version = seen.Version
		x.Orders = append(x.Orders, detail.Order)
	}
	answer, err := x.Do(ctx, s.desk(ctx))
	if err == nil {
		err = refused(len(answer.Decided), answer.Refused)
	}
	return answer, err
}

// Report is what somebody did by hand.
type Report struct {
	Do    string `json:"do" enum:"take,confirm,fail"`
	Items []int  `json:"items,omitempty" doc:"Confirmed or failed; none: all that were handed out."`
	Why   string `json:"why,omitempty" maxLength:"4000" doc:"With fail: what went wrong."`
}

func (s *service) reportOrder(ctx context.Context, q *struct {
	Numbered
	Body Report
},
) (act.Orders, error) {
	return s.onOrder(ctx, q.ID, act.OnOrders{Verb: act.Verb(q.Body.Do), Items: q.Body.Items, Why: q.Body.Why})
}

// Revocation takes a decision back.
type Revocation struct {
	Items []int  `json:"items,omitempty" doc:"These alone; none: all that were decided."`
	Why   string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) revokeOrder(ctx context.Context, q *struct {
	Numbered
	Body Revocation
},
) (act.Orders, error) {
	return s.onOrder(ctx, q.ID, act.OnOrders{Verb: act.Revoke, Items: q.Body.Items, Why: q.Body.Why})
}

func (s *service) accounts(ctx context.Context, q *struct {
	ID     []int64  `query:"id,explode" maxItems:"1000" doc:"The number of an account; again for another."`
	Target []string `query:"target,explode" maxItems:"1000" doc:"What a system calls an account; again for another."`
},
) (Page[view.Question], error) {
	if len(q.ID)+len(q.Target) == 0 {
		return Page[view.Question]{}, &fault.Error{Kind: fault.Invalid, Msg: "no account is named", Do: "give id or target"}
	}
	f := view.AccountFilter{Targets: q.Target}
	for _, id := range q.ID {
		f.IDs = append(f.IDs, orders.AssignedID(id))
	}
	list, err := s.ask.Accounts(ctx, f)
	return pageOf[view.Question, int](list, nil), err
}

func (s *service) path(ctx context.Context, q *Numbered) (Page[view.Step], error) {
	list, err := s.ask.Path(ctx, orders.AssignedID(q.ID))
	return pageOf[view.Step, int](list, nil), err
}

// Reason is why something is done.
type Reason struct {
	Why string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) releaseOrder(ctx context.Context, q *struct {
	Numbered
	Body Reason
},
) (act.Orders, error) {
	return s.onOrder(ctx, q.ID, act.OnOrders{Verb: act.Release, Why: q.Body.Why})
}

// onOrder does something to one order, as it stands.
func (s *service) onOrder(ctx context.Context, id int64, x act.OnOrders) (act.Orders, error) {
	detail, err := s.ask.Order(ctx, orders.OrderID(id))
	if err != nil {
		return act.Orders{}, err
	}
	x.Orders = []view.Order{detail.Order}
	answer, err := x.Do(ctx, s.desk(ctx))
	if err == nil {
		err = refused(len(answer.Decided), answer.Refused)
	}
	return answer, err
}

func (s *service) parks(ctx context.Context, _ *struct{}) (Page[view.Park], error) {
	list, err := s.ask.Parks(ctx)
	return pageOf[view.Park, int](list, nil), err
}

// Letting is what of a parked kind is let through, and why.
type Letting struct {
	Rules string `json:"rules,omitempty" doc:"What these rules raised, as the page of what is parked names them; none: all of it."`
	Why   string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) releaseParked(ctx context.Context, q *struct {
	Type string `path:"type"`
	Kind string `path:"kind" enum:"addition,association,update,deletion"`
	Body Letting
},
) (act.Orders, error) {
	x := act.OfKind{Type: roles.ResourceTypeID(q.Type), Kind: orders.Kind(q.Kind), Rules: q.Body.Rules, Why: q.Body.Why}
	parks, err := s.ask.Parks(ctx)
	if err != nil {
		return act.Orders{}, err
	}
	there := false
	for _, p := range parks {
		there = there || p.Type == q.Type && p.Kind == q.Kind
	}
	if !there {
		return act.Orders{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("no threshold parks %ss of %s", q.Kind, q.Type), Do: "somebody released them, or none tripped"}
	}
	answer, err := x.Do(ctx, s.desk(ctx), func(ctx context.Context) (map[orders.AssignedID]orders.OrderID, error) {
		page, err := s.ask.Orders(ctx, view.OrderFilter{Types: []string{q.Type}, Kinds: []orders.Kind{x.Kind}, Limit: view.MaxLimit})
		opened := map[orders.AssignedID]orders.OrderID{}
		for _, o := range page.Orders {
			opened[o.Assigned] = o.ID
		}
		return opened, err
	})
	if err == nil {
		err = refused(len(answer.Decided), answer.Refused)
	}
	return answer, err
}

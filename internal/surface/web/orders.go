package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/view"
)

// rowsOnPage is what a person scans before he would rather search.
const rowsOnPage = 50

// orderList is a list of orders with what it was asked for.
type orderList struct {
	Address string // of the list without a query
	Hidden  [][2]string
	State   *orders.State
	Tally   tally
	Queue   string
	Text    string
	Paged   bool // it begins after a cursor
	Page    view.OrderPage
	Next    string
	Now     time.Time
	Empty   emptiness
	Sort    ordering
	Sheet   *export.Sheet
}

// emptiness says what would fill a list, and the command that does it.
type emptiness struct{ What, Do string }

// A queue is a list of orders by what they wait for.
type queue struct {
	key, name string
	filter    view.OrderFilter
	empty     emptiness
}

var queues = []queue{
	{"", "All open", view.OrderFilter{}, emptiness{"No order is open. Orders are raised where what people should have differs from what the systems hold.", "provisor run"}},
	{"review", "Review", view.ReviewQueue(), emptiness{"Nothing waits for a reviewer.", "provisor run --block"}},
	{"technician", "With technicians", view.ManualQueue(), emptiness{"Nothing is with a technician. Orders of manual connections are handed to them by a run.", "provisor fulfil"}},
	{"gate", "Before a gate", view.OrderFilter{Gated: true, States: []orders.State{orders.Pending}}, emptiness{"No order stands before a gate: a threshold, a dependency, a period that has not begun, or provisioning that is switched off.", ""}},
}

// orders lists the open orders, or those of a queue.
func (s *site) orders(r *http.Request) (page, error) {
	q := r.URL.Query()
	list := orderList{Address: "/orders", Queue: q.Get("waits")}
	at := slices.IndexFunc(queues, func(known queue) bool { return known.key == list.Queue })
	if at < 0 {
		return page{}, unreadable("what orders wait for", list.Queue, "It is review, technician or gate.")
	}
	filter := queues[at].filter
	list.Empty = queues[at].empty
	if t := q.Get("type"); t != "" {
		filter.Types = []string{t}
		list.Hidden = append(list.Hidden, [2]string{"type", t})
	}
	if k := q.Get("kind"); k != "" {
		filter.Kinds = []orders.Kind{orders.Kind(k)}
		list.Hidden = append(list.Hidden, [2]string{"kind", k})
	}
	if list.Queue != "" {
		list.Hidden = append(list.Hidden, [2]string{"waits", list.Queue})
	}
	if err := s.fill(r, &list, filter); err != nil {
		return page{}, err
	}
	return page{Title: "Orders", Section: "orders", Body: orderListPage("Orders", list), Sheet: list.Sheet}, nil
}

// state lists the orders that stand in one state or, where orders do not stand,
// those that ended there.
func (s *site) state(r *http.Request) (page, error) {
	no, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || no < 0 || no >= len(orders.States()) {
		return page{}, &fault.Error{
			Kind: fault.NotFound, Msg: fmt.Sprintf("there is no state %s", r.PathValue("number")), Do: "The nine provisioning states are numbered from 0 to 8.",
		}
	}
	state := orders.Numbered(no)
	tallies, err := s.tallies(r.Context())
	if err != nil {
		return page{}, err
	}
	list := orderList{Address: fmt.Sprintf("/states/%d", no), State: &state, Tally: tallies[state]}
	list.Empty = emptiness{"No order stands here now.", "provisor run"}
	filter := view.OrderFilter{States: []orders.State{state}}
	if !state.Open() {
		filter.Closed, filter.Sort = true, view.Newest
		list.Empty = emptiness{"No order has ended here.", "provisor run"}
	}
	if err := s.fill(r, &list, filter); err != nil {
		return page{}, err
	}
	title := fmt.Sprintf("%d %s", no, state)
	return page{Title: title, Section: "states", Body: orderListPage(title, list), Sheet: list.Sheet}, nil
}

// fill asks for the page of a list that the address names.
func (s *site) fill(r *http.Request, list *orderList, filter view.OrderFilter) error {
	filter.Text, filter.Limit = r.URL.Query().Get("q"), rowsOnPage
	list.Text, list.Now = filter.Text, s.Clock()
	list.Sort = sortedBy(filter.Sort, view.OrderColumns)
	if len(filter.States) == 1 {
		list.Sort.Columns = view.OrderColumns.Without(view.ByState)
	}
	if err := list.Sort.read(r); err != nil {
		return err
	}
	var err error
	if list.Page, err = s.ordersAsked(r, &list.Sort, &filter); err != nil {
		return err
	}
	list.Paged, list.Sheet = filter.After != 0, s.ordersSheet(r, "orders", filter)
	if list.Page.After != 0 {
		list.Next = string(with(list.Address, append(list.query(), "after", list.Page.After.String(), "by", list.Page.AfterBy)...))
	}
	return nil
}

// ordersAsked asks for the page of orders that the address names, in its order.
func (s *site) ordersAsked(r *http.Request, o *ordering, asked *view.OrderFilter) (view.OrderPage, error) {
	return inOrder(o, func() (page view.OrderPage, err error) {
		after, by, err := o.after(r)
		if err != nil {
			return page, err
		}
		asked.Sort, asked.After, asked.AfterBy = o.Now, orders.OrderID(after), by
		return s.Questions.Orders(r.Context(), *asked)
	})
}

// openedOrder is one order on its page.
type openedOrder struct {
	view.OrderDetail
	Items []openedItem
	Moves []move
	Wide  diagram
	Tall  diagram
	Now   time.Time
}

// openedItem is an item as its order has it, with what its account knows of it.
type openedItem struct {
	view.OrderItem
	Standing view.Item
}

// changes tells whether something stood in the system that stands there no more:
// while it does, what was before is what is current.
func (o openedOrder) changes() bool {
	return slices.ContainsFunc(o.Items, func(it openedItem) bool { return it.Before != "" && it.Before != "-" && it.Before != it.Current })
}

// reviewable tells whether something of the order waits for a reviewer.
func (o openedOrder) reviewable() bool {
	return o.Closed.IsZero() && slices.ContainsFunc(o.Items, func(it openedItem) bool {
		return slices.Contains([]orders.State{orders.AwaitingApproval, orders.Errored, orders.Error}, orders.Numbered(it.State.Number))
	})
}

// handed tells whether something of the order is with people.
func (o openedOrder) handed() bool {
	return o.Closed.IsZero() && o.Manual && slices.ContainsFunc(o.Items, func(it openedItem) bool { return it.State.Number == int(orders.Transmitted) })
}

// speaks tells whether any item has something to say.
func (o openedOrder) speaks() bool {
	return slices.ContainsFunc(o.Items, func(it openedItem) bool { return said(it) != "" })
}

// order shows one order.
func (s *site) order(r *http.Request) (page, error) {
	o, err := s.opened(r)
	if err != nil {
		return page{}, err
	}
	return page{Title: "Order " + o.ID.String(), Section: "orders", Body: orderPage(o)}, nil
}

// A move is a step that several items made together.
type move struct {
	view.Step
	Names []string
}

// together joins the steps of one instant that differ by their item alone.
func together(path []view.Step) []move {
	var moves []move
	for _, step := range path {
		at := slices.IndexFunc(moves, func(m move) bool {
			return m.At.Equal(step.At) && m.From == step.From && m.Event == step.Event && m.To == step.To &&
				m.Actor == step.Actor && !slices.Contains(m.Names, step.Name)
		})
		if at < 0 {
			moves = append(moves, move{Step: step, Names: []string{step.Name}})
			continue
		}
		m := &moves[at]
		if m.Names = append(m.Names, step.Name); m.Why != step.Why {
			m.Why = "" // each for a reason of its own
		}
	}
	return moves
}

// machine is the page of the states themselves.
type machine struct {
	Tallies    map[orders.State]tally
	Wide, Tall diagram
	Moves      []machineMove
}

// machineMove is a row of the table between two states.
type machineMove struct {
	Name, Event, By string
	From, To        []view.State
}

// states shows the machine: the states, and every row of its table.
func (s *site) states(r *http.Request) (page, error) {
	tallies, err := s.tallies(r.Context())
	if err != nil {
		return page{}, err
	}
	m := machine{Tallies: tallies, Wide: draw(false, tallies, nil, nil), Tall: draw(true, tallies, nil, nil)}
	for _, t := range view.Machine() {
		n := len(m.Moves) - 1
		if n < 0 || m.Moves[n].Name != t.Name || m.Moves[n].Event != t.Event {
			m.Moves = append(m.Moves, machineMove{Name: t.Name, Event: t.Event, By: t.By})
			n++
		}
		row := &m.Moves[n]
		if !slices.Contains(row.From, t.From) {
			row.From = append(row.From, t.From)
		}
		if !slices.Contains(row.To, t.To) {
			row.To = append(row.To, t.To)
		}
	}
	return page{Title: "States", Section: "states", Body: statesPage(m)}, nil
}

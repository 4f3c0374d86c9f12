package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/view"
)

// A workList is a list of orders on which people act.
type workList struct {
	Filter filter
	Page   view.OrderPage
	Paged  bool
	Next   string
	Here   string // where its form is sent
	Kept   kept
	Now    time.Time
	Model  *roles.Model
	Asked  view.OrderFilter
	Sheet  *export.Sheet
}

// work fills a list of orders from a question, cut down by what was picked.
func (s *site) work(r *http.Request, f filter, asked view.OrderFilter) (*workList, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return nil, err
	}
	for i := range f.Picks {
		if f.Picks[i].Name == "type" {
			f.Picks[i] = typePick(m)
		}
	}
	f.Sort = sortedBy(view.Sort{}, view.OrderColumns)
	if asked.Handed {
		f.Sort.Columns = view.OrderColumns.Without(view.ByState)
	}
	if err := f.read(r); err != nil {
		return nil, err
	}
	asked = s.narrowed(&f, asked)
	if asked.Review && f.chosen("postponed") == "" {
		asked.On = s.Clock()
	}
	list, err := s.ordersAsked(r, &f.Sort, &asked)
	if err != nil {
		return nil, err
	}
	l := &workList{Filter: f, Page: list, Paged: asked.After != 0, Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(), Model: m, Asked: asked}
	l.Sheet = s.ordersSheet(r, strings.Trim(strings.ReplaceAll(f.Address, "/", "-"), "-"), asked)
	if l.Page.After != 0 {
		l.Next = f.next("after", l.Page.After.String(), "by", l.Page.AfterBy)
	}
	return l, nil
}

func reviewFilter() filter {
	return filter{
		Address: "/review", Label: "Orders to review", Searches: "Owner", Hint: "Name, identifier or key",
		Picks: []pick{{Name: "type"}, kindPick(), statePick(orders.AwaitingApproval, orders.Errored, orders.Error), agePick(),
			{Name: "postponed", Label: "Postponed", Else: "hidden", Options: []option{{"shown", "shown too"}}}},
	}
}

// review lists what waits for a reviewer.
func (s *site) review(r *http.Request) (page, error) {
	list, err := s.work(r, reviewFilter(), view.ReviewQueue())
	if err != nil {
		return page{}, err
	}
	return page{Title: "Provisioning review", Section: "review", Body: reviewPage(list), Sheet: list.Sheet}, nil
}

// pasts are what was done, by verb.
var pasts = map[act.Verb]string{
	act.Approve: "approved", act.Decline: "declined", act.Postpone: "postponed", act.Retry: "sent again",
	act.Take: "taken", act.Confirm: "confirmed", act.Fail: "reported as failed", act.Release: "released",
}

// verbOf reads what a form asks to do, among what its page offers.
func verbOf(r *http.Request, offered ...act.Verb) (act.Verb, error) {
	verb := act.Verb(r.PostForm.Get("do"))
	if !slices.Contains(offered, verb) {
		return "", unreadable("what to do", string(verb), "Use a button of the page.")
	}
	return verb, nil
}

// decideMany does one thing to the orders that were chosen in a list.
func (s *site) decideMany(offered ...act.Verb) func(*http.Request) (outcome, error) {
	return func(r *http.Request) (outcome, error) {
		verb, err := verbOf(r, offered...)
		if err != nil {
			return outcome{}, err
		}
		list, err := s.chosenOrders(r)
		if err != nil {
			return outcome{}, err
		}
		x := act.OnOrders{Verb: verb, Orders: list, Why: r.PostForm.Get("why"), Stated: r.PostForm.Get("stated") == "1"}
		if x.Until, err = s.until(r, verb); err != nil {
			return outcome{}, err
		}
		if verb == act.Decline && !sure(r) {
			return asking("Decline "+count(len(list), "order")+"?", "Decline "+count(len(list), "order"), s.summaries(r.Context(), list)), nil
		}
		answer, err := x.Do(r.Context(), s.desk(r))
		return outcome{Said: happened(len(answer.Decided), "order", pasts[verb]), Refused: refusals(answer.Refused)}, err
	}
}

// until is the day to which orders are postponed.
func (s *site) until(r *http.Request, verb act.Verb) (time.Time, error) {
	day, err := dayIn("the day", r.PostForm.Get("until"))
	if err == nil && verb == act.Postpone && !day.After(s.Clock()) {
		err = &fault.Error{Kind: fault.Invalid, Msg: "a postponed order needs a day that comes", Do: "Fill in “until”."}
	}
	return day, err
}

// chosenOrders are the orders that a form chose, each at the version it showed.
func (s *site) chosenOrders(r *http.Request) ([]view.Order, error) {
	rows := chosen(r)
	if len(rows) == 0 {
		return nil, nothingChosen()
	}
	if len(rows) > view.MaxLimit {
		return nil, unreadable("the number of rows", strconv.Itoa(len(rows)), "Choose fewer.")
	}
	list := make([]view.Order, 0, len(rows))
	for _, row := range rows {
		id, version, err := pairIn("an order", row)
		if err != nil {
			return nil, err
		}
		detail, err := s.Questions.Order(r.Context(), orders.OrderID(id))
		if err != nil {
			return nil, err
		}
		detail.Version = version
		list = append(list, detail.Order)
	}
	return list, nil
}

// summaries name orders in a line each.
func (s *site) summaries(ctx context.Context, list []view.Order) []string {
	ctx = s.calling(ctx)
	texts := make([]string, len(list))
	for i, o := range list {
		texts[i] = fmt.Sprintf("%s of %s for %s, in %s", sentenceCase(o.Kind), typeCalled(ctx, o.Type), nobodyOr(o.Owner), system(o))
	}
	return texts
}

func nobodyOr(o view.Owner) string {
	if name := named(o); name != "" {
		return name
	}
	return "nobody known"
}

// reviewed is one order on the page on which it is decided.
type reviewed struct {
	openedOrder
	Here    string
	Kept    kept
	Why     bool // a comment is needed for some decision
	Decided bool // nothing of it can be decided any more
}

// ways are the decisions that one line offers, as far as the machine allows.
func (o reviewed) ways(it openedItem) []act.Verb {
	var list []act.Verb
	for _, verb := range []act.Verb{act.Approve, act.Decline, act.Postpone, act.Retry} {
		if o.Closed.IsZero() && slices.Contains(it.Standing.May, string(verb)) && it.Standing.State == it.State {
			list = append(list, verb)
		}
	}
	return list
}

// open counts the lines that can be decided.
func (o reviewed) open() (n int) {
	for _, it := range o.Items {
		n += boolOf(len(o.ways(it)) > 0)
	}
	return n
}

// reviewOrder shows one order with the decisions on each of its lines.
func (s *site) reviewOrder(r *http.Request) (page, error) {
	o, err := s.opened(r)
	if err != nil {
		return page{}, err
	}
	shown := reviewed{openedOrder: o, Here: r.URL.RequestURI(), Kept: keptOf(r), Decided: true}
	for _, it := range o.Items {
		shown.Decided = shown.Decided && len(shown.ways(it)) == 0
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	c := m.ResourceTypes[roles.ResourceTypeID(o.Type)].Comments
	shown.Why = c.Approve || c.Decline
	p := page{Title: "Review order " + o.ID.String(), Section: "review", Body: reviewOrderPage(shown)}
	if seen := shown.Kept.text("version"); seen != "" && (seen != strconv.Itoa(o.Version) || !o.Closed.IsZero() || shown.Decided) {
		p.Late = "Somebody decided already, or the order changed since you looked"
	}
	return p, nil
}

// decideOrder makes the decisions on the lines of one order.
func (s *site) decideOrder(r *http.Request) (outcome, error) {
	id, err := orderIn(r)
	if err != nil {
		return outcome{}, err
	}
	detail, err := s.Questions.Order(r.Context(), id)
	if err != nil {
		return outcome{}, err
	}
	x := act.OnItems{Order: detail.Order, Say: map[int]act.Verb{}, Why: r.PostForm.Get("why"), Stated: r.PostForm.Get("stated") == "1"}
	if x.Version, err = strconv.Atoi(r.PostForm.Get("version")); err != nil {
		return outcome{}, unreadable("the version", r.PostForm.Get("version"), "Open the order again.")
	}
	if x.Say, err = s.said(r, detail); err != nil {
		return outcome{}, err
	}
	for _, verb := range x.Say {
		if x.Until, err = s.until(r, verb); err != nil {
			return outcome{}, err
		}
	}
	answer, err := x.Do(r.Context(), s.desk(r))
	out := outcome{Refused: refusals(answer.Refused), To: "/review"}
	if len(answer.Decided) > 0 {
		out.Said = fmt.Sprintf("Order %s: %s.", id, decisionsSaid(x.Say))
	}
	if err == nil && r.PostForm.Get("then") == "next" {
		out.To, err = s.nextToReview(r.Context(), id)
	}
	return out, err
}

// said reads what is decided on each line: the button for all of them, or the
// choice of each.
func (s *site) said(r *http.Request, detail view.OrderDetail) (map[int]act.Verb, error) {
	say := map[int]act.Verb{}
	for _, it := range detail.Items {
		verb := act.Verb(r.PostForm.Get("item" + strconv.Itoa(it.Item)))
		if all := act.Verb(r.PostForm.Get("every")); all != "" {
			verb = ""
			for _, standing := range detail.Account.Items {
				if standing.ID == it.Item && slices.Contains(standing.May, string(all)) {
					verb = all
				}
			}
		}
		switch verb {
		case "":
		case act.Approve, act.Decline, act.Postpone, act.Retry:
			say[it.Item] = verb
		default:
			return nil, unreadable("a decision", string(verb), "Use the choices of the page.")
		}
	}
	return say, nil
}

// decisionsSaid counts decisions: "3 approved, 1 declined".
func decisionsSaid(say map[int]act.Verb) string {
	n := map[act.Verb]int{}
	for _, verb := range say {
		n[verb]++
	}
	var parts []string
	for _, verb := range []act.Verb{act.Approve, act.Decline, act.Postpone, act.Retry} {
		if n[verb] > 0 {
			parts = append(parts, count(n[verb], "line")+" "+pasts[verb])
		}
	}
	return strings.Join(parts, ", ")
}

// nextToReview is the order that waits after another one, or the list.
func (s *site) nextToReview(ctx context.Context, after orders.OrderID) (string, error) {
	asked := view.ReviewQueue()
	asked.After, asked.Limit, asked.On = after, 1, s.Clock()
	next, err := s.Questions.Orders(ctx, asked)
	if err != nil || len(next.Orders) == 0 {
		return "/review", err
	}
	return "/review/" + next.Orders[0].ID.String(), nil
}

// orderIn is the order that an address names.
func orderIn(r *http.Request) (orders.OrderID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, &fault.Error{Kind: fault.NotFound, Msg: "there is no order " + r.PathValue("id"), Do: "Orders have numbers; find yours in the list of orders."}
	}
	return orders.OrderID(id), nil
}

// opened is the order that an address names, with all that its page shows.
func (s *site) opened(r *http.Request) (openedOrder, error) {
	id, err := orderIn(r)
	if err != nil {
		return openedOrder{}, err
	}
	detail, err := s.Questions.Order(r.Context(), id)
	if err != nil {
		return openedOrder{}, err
	}
	o := openedOrder{OrderDetail: detail, Moves: together(detail.Path), Now: s.Clock()}
	for _, it := range detail.Items {
		item := openedItem{OrderItem: it}
		for _, standing := range detail.Account.Items {
			if standing.ID == it.Item {
				item.Standing = standing
			}
		}
		o.Items = append(o.Items, item)
	}
	o.Wide, o.Tall = draw(false, nil, &detail.State, detail.Path), draw(true, nil, &detail.State, detail.Path)
	return o, nil
}

// parseAge reads how long something waits at least; "" is no age.
func parseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

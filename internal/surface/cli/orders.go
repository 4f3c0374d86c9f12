package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// stuckAfter is how long an order may stand in one state before somebody should
// look: the default of remindAfter.
const stuckAfter = 7 * schema.Day

func (v *invocation) order() *cobra.Command {
	c := family("order", "Provisioning orders: list, show, decide",
		`A provisioning order is one change to one account in one managed system. Its items are
the account itself and its property values; each has a provisioning state.`,
		v.orderList(), v.orderShow(), v.orderStuck())
	c.AddCommand(v.decisions()...)
	return c
}

// orderFlags choose orders.
type orderFlags struct {
	states, kinds, types []string
	owner                string
	all                  bool
	limit                int
}

func (f *orderFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.states, "state", nil, "only these provisioning states, by number or name")
	c.Flags().StringSliceVar(&f.kinds, "kind", nil, "only these kinds: addition, association, update, deletion")
	c.Flags().StringSliceVar(&f.types, "type", nil, "only these resource types")
	c.Flags().StringVar(&f.owner, "owner", "", "only of this person: key, identifier or name")
}

// filter is what the flags ask for, without the owner.
func (f *orderFlags) filter() (view.OrderFilter, error) {
	out := view.OrderFilter{Types: f.types, Limit: f.limit}
	for _, text := range f.states {
		state, err := stateOf(text)
		if err != nil {
			return out, err
		}
		out.States = append(out.States, state)
	}
	for _, text := range f.kinds {
		kind := orders.Kind(strings.ToLower(strings.TrimSuffix(text, "s")))
		if !slices.Contains(orders.Kinds(), kind) {
			return out, wrongUsage("write addition, association, update or deletion", "%q is not a kind of order", text)
		}
		out.Kinds = append(out.Kinds, kind)
	}
	return out, nil
}

// stateOf reads a state by its number or its name, however it is spelled.
func stateOf(text string) (orders.State, error) {
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(s))
	}
	var names []string
	for _, s := range orders.States() {
		if plain(text) == plain(s.String()) || text == strconv.Itoa(int(s)) {
			return s, nil
		}
		names = append(names, fmt.Sprintf("%d %s", s, s))
	}
	return 0, wrongUsage("write one of "+strings.Join(names, ", "), "%q is not a provisioning state", text)
}

// listedOrder is an order in a list, each item with its reasons.
type listedOrder struct {
	view.Order
	Items []listedItem `json:"items"`
}

type listedItem struct {
	view.OrderItem
	Name    string               `json:"name"`
	Because string               `json:"because,omitempty"`
	Reasons []assignments.Reason `json:"reasons"`
	May     []string             `json:"may,omitempty"`
}

type orderPage struct {
	Orders []listedOrder  `json:"orders"`
	After  orders.OrderID `json:"after,omitempty"`
}

func (v *invocation) orderList() *cobra.Command {
	var f orderFlags
	c := &cobra.Command{
		Use: "list", Short: "List provisioning orders, the oldest first", Args: cobra.NoArgs,
		Long: `Lists the open orders: state, kind, resource type, whose they are and what they wait
for. --all lists closed ones too. With --json each item comes with its proposed and
current value, its reasons, and what a person may do to it.`,
		Example: "  provisor order list --state awaiting-approval\n  provisor order list --type LedgerAccount --kind addition --json",
	}
	f.add(c)
	c.Flags().BoolVar(&f.all, "all", false, "closed orders too")
	c.Flags().IntVar(&f.limit, "limit", view.DefaultLimit, "at most so many orders")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		filter, err := f.filter()
		if err != nil {
			return err
		}
		filter.Text, filter.Closed = f.owner, f.all
		return v.listOrders(ctx, e, filter, c)
	})
	return c
}

func (v *invocation) orderStuck() *cobra.Command {
	var patience time.Duration
	c := &cobra.Command{
		Use: "stuck", Short: "List the orders that stand longer than they should", Args: cobra.NoArgs,
		Long: `Lists the orders whose lease or validity is over, and those that have not moved for a
week (or --patience). Every state that is not final has an owner and a deadline, so
what stands here is what somebody forgot.`,
		Example: "  provisor order stuck --patience 48h",
	}
	c.Flags().DurationVar(&patience, "patience", stuckAfter, "how long an order may stand in one state")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		return v.listOrders(ctx, e, view.Stuck(v.Now(), patience), c)
	})
	return c
}

// listOrders shows the orders that a filter chooses, up to its limit.
func (v *invocation) listOrders(ctx context.Context, e Service, filter view.OrderFilter, c *cobra.Command) error {
	if v.csv {
		return v.asList(sheets.Orders(ctx, e.Ask(), "orders", filter), c)
	}
	list, after, err := collectOrders(ctx, e.Ask(), filter)
	if err != nil {
		return err
	}
	page := orderPage{After: after}
	if page.Orders, err = withReasons(ctx, e, list); err != nil {
		return err
	}
	return v.show(page, func() {
		g := v.columns("order", "state", "kind", "type", "whose", "values", "waits for")
		for _, o := range page.Orders {
			g.row(strconv.FormatInt(int64(o.ID), 10), v.chip(o.State), o.Kind, o.Type, named(o.Owner), itemsInWords(o.Items), waitsFor(o.Order))
		}
		g.print()
		switch {
		case after != 0:
			v.say("... there are more: --limit")
		case len(page.Orders) == 0:
			v.say("No order.")
		}
	})
}

func itemsInWords(items []listedItem) string {
	names := make([]string, len(items))
	for i, it := range items {
		names[i] = it.Name
	}
	return strings.Join(names, ", ")
}

func waitsFor(o view.Order) string {
	if !o.Closed.IsZero() {
		return "closed: " + o.Outcome
	}
	if o.Waits == "" {
		for _, it := range o.Items {
			if it.State.Number == int(orders.Errored) && it.Message != "" {
				return it.Message
			}
		}
	}
	return o.WaitsFor()
}

// collectOrders reads pages until the limit is reached.
func collectOrders(ctx context.Context, q view.Asked, f view.OrderFilter) (list []view.Order, after orders.OrderID, err error) {
	wanted := f.Limit
	if wanted <= 0 {
		wanted = view.DefaultLimit
	}
	for len(list) < wanted {
		f.Limit = min(wanted-len(list), view.MaxLimit)
		page, err := q.Orders(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, page.Orders...)
		if f.After = page.After; page.After == 0 {
			break
		}
	}
	return list, f.After, nil
}

// withReasons adds to each item why it is wanted and what may be done to it.
func withReasons(ctx context.Context, e Service, list []view.Order) ([]listedOrder, error) {
	ids := make([]orders.AssignedID, len(list))
	for i, o := range list {
		ids[i] = o.Assigned
	}
	items := map[orders.AssignedID]map[int]view.Item{}
	if len(ids) > 0 {
		if err := accountsOf(ctx, e, ids, items); err != nil {
			return nil, err
		}
	}
	out := make([]listedOrder, len(list))
	for i, o := range list {
		out[i] = listedOrder{Order: o, Items: make([]listedItem, len(o.Items))}
		for j, it := range o.Items {
			now := items[o.Assigned][it.Item]
			listed := listedItem{
				OrderItem: it, Name: itemName(it.Property, cmp.Or(it.LinkName, it.Link)), Because: now.Because, Reasons: now.Reasons,
			}
			if o.Closed.IsZero() {
				listed.May = commandsFor(now.May, o.Manual)
			}
			if listed.Reasons == nil {
				listed.Reasons = []assignments.Reason{}
			}
			out[i].Items[j] = listed
		}
	}
	return out, nil
}

// accountsOf reads the items of accounts. To whom what somebody has is not shown,
// orders are, without reasons.
func accountsOf(ctx context.Context, e Service, ids []orders.AssignedID, items map[orders.AssignedID]map[int]view.Item) error {
	for some := range slices.Chunk(ids, view.MaxLimit) {
		list, err := e.Ask().Accounts(ctx, view.AccountFilter{IDs: some})
		if err != nil && fault.KindOf(err) != fault.Denied {
			return err
		}
		for _, q := range list {
			items[q.Account.ID] = map[int]view.Item{}
			for _, it := range q.Account.Items {
				items[q.Account.ID][it.ID] = it
			}
		}
	}
	return nil
}

// commandsFor names the commands behind what the state machine allows people.
func commandsFor(may []string, manual bool) []string {
	var names []string
	for _, event := range may {
		switch orders.Event(event) {
		case orders.RollBack:
			continue // whole orders are rolled back, by a plan
		case orders.Done, orders.Refuse:
			if !manual {
				continue // an agent reports, people do not
			}
			event = map[string]string{string(orders.Done): "confirm", string(orders.Refuse): "fail"}[event]
		}
		names = append(names, event)
	}
	return names
}

// orderNumber reads an order's number.
func orderNumber(text string) (orders.OrderID, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, wrongUsage("`provisor order list` shows the numbers", "%q is not the number of an order", text)
	}
	return orders.OrderID(id), nil
}

// openedOrder is an order with its items as they were listed.
type openedOrder struct {
	listedOrder
	Account view.Account `json:"account"`
	Path    []view.Step  `json:"path"`
}

func (v *invocation) orderShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ORDER", Short: "Show one order: values, reasons, and the path it took", Args: cobra.ExactArgs(1),
		Long: `Shows an order, open or closed: each item with the proposed value, the current one and
the one before the order, its state, why it is wanted and what a person may do to it
now; then every move that its items made, when, and by whom.`,
		Example: "  provisor order show 12",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			id, err := orderNumber(args[0])
			if err != nil {
				return err
			}
			detail, err := e.Ask().Order(ctx, id)
			if err != nil {
				return err
			}
			listed, err := withReasons(ctx, e, []view.Order{detail.Order})
			if err != nil {
				return err
			}
			shown := openedOrder{listed[0], detail.Account, detail.Path}
			return v.show(shown, func() { v.orderText(shown) })
		}),
	}
}

func (v *invocation) orderText(o openedOrder) {
	v.say("%s  %s of %s for %s", v.strong("Order "+o.ID.String()), o.Kind, o.Type, named(o.Owner))
	v.say("  state      %s since %s, version %d", v.chip(o.State), when(o.Since), o.Version)
	v.say("  system     %s, connection %s%s", o.Connector, o.Connection, manually(o.Manual))
	if o.Target != "" {
		v.say("  account    %s%s", o.Target, doubt(o.Confidence))
	}
	v.say("  created    %s%s", when(o.Created), prefixed(", closed "+when(o.Closed)+": ", o.Outcome))
	if waits := o.WaitsFor(); waits != "" {
		v.say("  waits for  %s", waits)
	}
	if o.TakenBy != "" {
		v.say("  taken by   %s", o.TakenBy)
	}
	v.say("")
	g := v.columns("item", "property", "state", "proposed", "current", "before", "workflow", "why")
	for _, it := range o.Items {
		g.row(strconv.Itoa(it.Item), it.Name, v.chip(it.State), it.Proposed, it.Current, it.Before, it.Workflow.Name, it.Because)
	}
	g.print()
	v.messages(o.Items)
	v.say("\n%s", v.strong("Path"))
	v.pathText(o.Path)
	if may := mayNow(o.Items); len(may) > 0 {
		v.say("\nYou may: %s, as in `provisor order %s %d`", strings.Join(may, ", "), may[0], o.ID)
	}
}

// messages writes what systems and rules said, once for the items that share it.
func (v *invocation) messages(items []listedItem) {
	names := map[string][]string{}
	var said []string
	for _, it := range items {
		if it.Message == "" {
			continue
		}
		if names[it.Message] == nil {
			said = append(said, it.Message)
		}
		names[it.Message] = append(names[it.Message], it.Name)
	}
	for _, message := range said {
		about := names[message]
		if len(about) > fewNames && !v.verbose {
			about = append(about[:fewNames:fewNames], fmt.Sprintf("%d more", len(about)-fewNames))
		}
		v.say("  %s: %s", strings.Join(about, ", "), message)
	}
}

// fewNames are named before the rest is counted.
const fewNames = 3

// pathText writes the moves of items; without -v those that were made together
// stand in one line.
func (v *invocation) pathText(path []view.Step) {
	g := v.columns("when", "what", "from", "event", "to", "by", "why")
	for i := 0; i < len(path); {
		s, names, why := path[i], []string{path[i].Name}, path[i].Why
		for i++; i < len(path) && !v.verbose && together(s, path[i]); i++ {
			names = append(names, path[i].Name)
			if path[i].Why != why {
				why = "" // each for its own reason: -v shows them
			}
		}
		what := strings.Join(names, ", ")
		if len(names) > namedTogether {
			what = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
		}
		g.row(when(s.At), what, s.From.String(), s.Event, v.chip(s.To), s.Actor, why)
	}
	g.print()
}

// namedTogether is how many names of items fit a line.
const namedTogether = 3

func together(a, b view.Step) bool {
	return a.At.Equal(b.At) && a.From == b.From && a.Event == b.Event && a.To == b.To && a.Actor == b.Actor
}

func manually(manual bool) string {
	if manual {
		return " (people carry it out)"
	}
	return ""
}

func doubt(confidence int) string {
	if confidence > 0 && confidence < 100 {
		return fmt.Sprintf(" (matched with confidence %d)", confidence)
	}
	return ""
}

// mayNow lists what a person may do to any of the items.
func mayNow(items []listedItem) []string {
	var all []string
	for _, it := range items {
		for _, event := range it.May {
			if !slices.Contains(all, event) {
				all = append(all, event)
			}
		}
	}
	return all
}

// onePerson finds who is meant by a key, an identifier or a name.
func onePerson(ctx context.Context, e Service, text string) (resources.Ref, error) {
	types, err := e.Owners(ctx)
	if err != nil {
		return resources.Ref{}, err
	}
	return act.OnePerson(ctx, e.Ask(), types, text)
}

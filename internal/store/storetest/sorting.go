package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
)

// A listing is a list that can be sorted, as the test reads it.
type listing struct {
	columns view.Columns
	// page reads a page, and hands over where the next one begins, nil at the end.
	page func(s view.Sort, after any, limit int) (rows []row, next any, err error)
}

// row is what a row shows: what it is sorted by in each column, and what tells it from others.
type row struct {
	shows map[view.Column]string
	id    string
}

// whole reads all pages.
func (l listing) whole(t *testing.T, s view.Sort, limit int) (all []row) {
	t.Helper()
	for after := any(nil); ; {
		rows, next, err := l.page(s, after, limit)
		must(t, err)
		if all = append(all, rows...); next == nil {
			return all
		}
		if len(rows) == 0 || len(all) > 2*view.SortedMost {
			t.Fatalf("sorted by %+v the list has no end", s)
		}
		after = next
	}
}

// holds reports what is wrong with a list in any of its orders: each row stands once,
// however short the pages, and in its place; from the end it is the same list.
func (l listing) holds(t *testing.T, name string, limits ...int) {
	t.Helper()
	all := l.whole(t, view.Sort{}, view.MaxLimit)
	for _, by := range l.columns {
		var first []row
		for _, down := range []bool{false, true} {
			for _, limit := range limits {
				list := l.whole(t, view.Sort{By: by, Down: down}, limit)
				if down {
					slices.Reverse(list)
				}
				if first == nil {
					first = list
				}
				if got, wanted := ids(list), ids(first); got != wanted {
					t.Errorf("%s by %s, down %v, %d a page:\n got %s\nwant %s", name, by, down, limit, got, wanted)
				}
			}
		}
		if got, wanted := sortedIDs(first), sortedIDs(all); got != wanted {
			t.Errorf("%s by %s: other rows:\n got %s\nwant %s", name, by, got, wanted)
		}
		if !slices.IsSortedFunc(first, func(a, b row) int { return cmp.Compare(a.shows[by], b.shows[by]) }) {
			t.Errorf("%s is not sorted by %s: %s", name, by, ids(first))
		}
		if len(first) > 1 && by != l.columns[0] && first[0].shows[by] == first[len(first)-1].shows[by] {
			t.Errorf("%s: every row shows the same %s: nothing was tested", name, by)
		}
	}
}

func ids(list []row) string {
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = x.id
	}
	return strings.Join(texts, " ")
}

func sortedIDs(list []row) string {
	texts := strings.Fields(ids(list))
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// spot is a place in a list of numbered rows.
type spot[ID ~int64] struct {
	id ID
	by string
}

func next[ID ~int64](id ID, by string) any {
	if id == 0 {
		return nil
	}
	return spot[ID]{id, by}
}

func ordersListing(b *bench, v *statement.Views, f view.OrderFilter) listing {
	return listing{view.OrderColumns, func(s view.Sort, after any, limit int) (rows []row, _ any, _ error) {
		f := f
		f.Sort, f.Limit = s, limit
		if at, ok := after.(spot[orders.OrderID]); ok {
			f.After, f.AfterBy = at.id, at.by
		}
		page, err := v.Orders(b.ctx, f)
		for _, o := range page.Orders {
			rows = append(rows, row{map[view.Column]string{
				view.ByNumber: fmt.Sprintf("%09d", o.ID), view.BySince: o.Since.UTC().Format(time.RFC3339Nano), view.ByOwner: o.Owner.Display,
				view.ByType: o.Type, view.ByState: fmt.Sprint(o.State.Number),
			}, o.ID.String()})
		}
		return rows, next(page.After, page.AfterBy), err
	}}
}

// raised saves orders of many states, types and times; of each so many.
func (b *bench) raised(t *testing.T, each int, owners ...string) {
	t.Helper()
	for i := range 3 {
		var list []*orders.AssignedResource
		for n := range each {
			for j, owner := range owners {
				b.assigned++
				e := expected(owner, 1)
				e.Type = roles.ResourceTypeID([]string{"PersonalAccount", "Ledger", "Badge"}[(i+j)%3])
				e.Target = resources.Key(fmt.Sprintf("cn=%s-%d-%d", owner, i, n))
				a := orders.New(b.assigned, e)
				how := handling
				how.Review = j%2 == 1
				a.Adopt(e, how, nil, 0)
				must(t, a.Judge(b.occasion()))
				list = append(list, a)
			}
		}
		must(t, b.Save(b.ctx, b.act("generate"), list))
		if i != 1 { // what was raised second stands for as long as what was raised third
			b.now = b.now.Add(time.Minute)
		}
	}
}

// sortedOrders holds that orders come in every order, with filters and within scopes.
func sortedOrders(t *testing.T, b *bench) {
	b.peopled(t)
	b.read(t, statement.Changes{Put: []resources.Resource{person("ann", "Ann"), person("eve", "Zoe"), person("zoe", "Ann")}})
	b.raised(t, 1, "zoe", "nobody", "eve", "ann", "ada")
	b.collect(t, b.assigned)
	everybody := b.Views()
	ordersListing(b, everybody, view.OrderFilter{}).holds(t, "orders", 1, 2, 3, 7, 100)
	for name, f := range map[string]view.OrderFilter{
		"of two types": {Types: []string{"PersonalAccount", "Ledger"}}, "of some states": {States: []orders.State{orders.Pending, orders.AwaitingApproval, orders.Transmitted}},
		"history too": {Closed: true}, "that touch a property": {Property: "p0"},
	} {
		ordersListing(b, everybody, f).holds(t, "orders "+name, 2, 5)
	}
	ordersListing(b, b.Views().Within(scopes()["a person"].filter), view.OrderFilter{}).holds(t, "orders of persons", 2)
	inPieces(t, b, view.OrderFilter{Types: []string{"Badge"}})
	review := ordersListing(b, everybody, view.ReviewQueue())
	review.columns = view.OrderColumns.Without(view.ByState) // all of them stand in one
	review.holds(t, "review", 1, 2)
	if _, err := everybody.Orders(b.ctx, view.OrderFilter{Sort: view.Sort{By: view.BySince}, Text: "ann", After: 3, AfterBy: "x"}); err != nil {
		t.Errorf("a place that is none ends in %v", err)
	}
}

// inPieces holds that history is looked through in pieces, each order once, and that
// a page of which nothing is left says where the next one begins.
func inPieces(t *testing.T, b *bench, f view.OrderFilter) {
	t.Helper()
	f.Closed = true
	all, err := b.Views().Orders(b.ctx, f)
	must(t, err)
	if len(all.Orders) < 2 || all.After != 0 {
		t.Fatalf("%d orders are too few to be told apart", len(all.Orders))
	}
	for _, down := range []bool{false, true} {
		f.Sort.Down, f.Within, f.After = down, 2, 0
		var found []orders.OrderID
		short := 0
		for range 100 {
			page, err := b.Views().Orders(b.ctx, f)
			must(t, err)
			for _, o := range page.Orders {
				found = append(found, o.ID)
			}
			if len(page.Orders) == 0 {
				short++
			}
			if f.After = page.After; f.After == 0 {
				break
			}
		}
		if down {
			slices.Reverse(found)
		}
		if want := numbersOf(all.Orders); !slices.Equal(found, want) || short == 0 {
			t.Errorf("by twos, from the end %v: %v with %d empty pages; all are %v", down, found, short, want)
		}
	}
}

func numbersOf(list []view.Order) (numbers []orders.OrderID) {
	for _, o := range list {
		numbers = append(numbers, o.ID)
	}
	return numbers
}

// sortedMany holds the same of more orders than are sorted for a page: they are walked,
// and what no index has the order of is refused until there are fewer.
func sortedMany(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ann", "Ann"), person("bob", "Bob"), person("cyd", "Cyd")}})
	b.raised(t, view.SortedMost/9+10, "ann", "bob", "cyd")
	everybody := b.Views()
	walked := ordersListing(b, everybody, view.OrderFilter{})
	walked.columns = walked.columns.Without(view.ByOwner)
	walked.holds(t, "many orders", 1000)
	walked = ordersListing(b, everybody, view.OrderFilter{Kinds: []orders.Kind{orders.Addition}, Types: []string{"PersonalAccount", "Ledger", "Badge"}, On: b.now})
	walked.columns = walked.columns.Without(view.ByOwner)
	walked.holds(t, "many additions", 1000)
	_, err := everybody.Orders(b.ctx, view.OrderFilter{Sort: view.Sort{By: view.ByOwner}})
	if !errors.Is(err, view.ErrTooLong) || fault.KindOf(err) != fault.Invalid {
		t.Errorf("many orders by owner: %v", err)
	}
	ordersListing(b, everybody, view.OrderFilter{Types: []string{"Ledger", "Badge"}}).holds(t, "fewer orders", 1000)
	_, err = everybody.Orders(b.ctx, view.OrderFilter{Sort: view.Sort{By: view.BySince}, After: 3, AfterBy: "x"})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a place that is none: %v", err)
	}
}

func requestsListing(b *bench, v *statement.Views, f view.RequestFilter) listing {
	return listing{view.RequestColumns, func(s view.Sort, after any, limit int) (rows []row, _ any, _ error) {
		f := f
		f.Sort, f.Limit = s, limit
		if at, ok := after.(spot[requests.RequestID]); ok {
			f.After, f.AfterBy = at.id, at.by
		}
		page, err := v.Requests(b.ctx, f)
		for _, q := range page.Requests {
			rows = append(rows, row{map[view.Column]string{
				view.ByNumber: fmt.Sprintf("%09d", q.ID), view.BySince: q.Since.UTC().Format(time.RFC3339Nano), view.ByOwner: q.Owner.Display,
			}, fmt.Sprint(q.ID)})
		}
		return rows, next(page.After, page.AfterBy), err
	}}
}

func questionsListing(b *bench) listing {
	return listing{view.QuestionColumns, func(s view.Sort, after any, limit int) (rows []row, _ any, _ error) {
		f := view.ReconciliationFilter{Sort: s, Limit: limit}
		if at, ok := after.(spot[orders.AssignedID]); ok {
			f.After, f.AfterBy = at.id, at.by
		}
		page, err := b.Views().Reconciliation(b.ctx, f)
		for _, q := range page.Questions {
			rows = append(rows, row{map[view.Column]string{
				view.ByNumber: fmt.Sprintf("%09d", q.Account.ID), view.ByType: q.Account.Type, view.ByAccount: q.Account.Target, view.ByOwner: q.Owner.Display,
			}, fmt.Sprint(q.Account.ID)})
		}
		return rows, next(page.After, page.AfterBy), err
	}}
}

func foundListing(b *bench, v *statement.Views, f view.FoundRoleFilter) listing {
	return listing{view.FoundRoleColumns, func(s view.Sort, after any, limit int) (rows []row, more any, _ error) {
		f := f
		f.Sort, f.Limit = s, limit
		if at, ok := after.(*view.FoundRoleCursor); ok {
			f.After = *at
		}
		page, err := v.FoundRoles(b.ctx, f)
		for _, r := range page.Roles {
			rows = append(rows, row{map[view.Column]string{view.ByKey: r.Owner.Key, view.ByOwner: r.Owner.Display, view.ByRole: r.Role}, r.Owner.Key + "/" + r.Role + "/" + r.Parameters})
		}
		if page.After != nil {
			more = page.After
		}
		return rows, more, err
	}}
}

func holdersListing(b *bench, v *statement.Views) listing {
	return listing{view.HolderColumns, func(s view.Sort, after any, limit int) (rows []row, more any, _ error) {
		f := view.HolderFilter{Role: "Clerk", Sort: s, Limit: limit}
		if at, ok := after.(*view.HolderCursor); ok {
			f.After = *at
		}
		page, err := v.Holders(b.ctx, f)
		for _, h := range page.Holders {
			rows = append(rows, row{map[view.Column]string{view.ByKey: h.Owner.Key, view.ByOwner: h.Owner.Display}, h.Owner.Key + "/" + h.Parameters})
		}
		if page.After != nil {
			more = page.After
		}
		return rows, more, err
	}}
}

// questioned saves accounts that no rule gives.
func (b *bench) questioned(t *testing.T, owners ...resources.Key) {
	t.Helper()
	for i, owner := range owners {
		b.assigned++
		e := expected(string(owner), 0)
		e.Type, e.Target = roles.ResourceTypeID([]string{"PersonalAccount", "Ledger"}[i%2]), resources.Key(fmt.Sprint("cn=", (i*3)%5))
		e.Wanted, e.Workflow, e.Reasons = false, assignments.NonConforming, nil
		a := orders.New(b.assigned, e)
		a.Adopt(e, handling, &resources.Resource{Ref: resources.Ref{Type: "Account", Key: e.Target}}, orders.At(b.now))
		must(t, a.Judge(b.occasion()))
		must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
	}
}

// sortedOthers holds that the other lists come in every order.
func sortedOthers(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Zoe"), person("bob", "Ann"), person("cyd", "Ann"), person("dan", "Max")}})
	owners := []resources.Key{"ada", "bob", "cyd", "dan", "gone"}
	var had []assignments.AssignedRole
	for i, key := range owners {
		for j, role := range []roles.RoleID{"Clerk", "Auditor"} {
			r := asked(requests.RequestID(2*i + j + 1))
			r.Owner.Key, r.Role, r.Since = key, role, begin.Add(time.Duration(i*(j+1)%3)*time.Hour)
			must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: r}))
			had = append(had, assignments.AssignedRole{Owner: r.Owner, Role: role, Parameters: "site=BER", Workflow: assignments.NonConforming},
				assignments.AssignedRole{Owner: r.Owner, Role: role, Parameters: "site=PAR", Workflow: assignments.PreExisting})
		}
	}
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), had, nil))
	v := b.Views()
	requestsListing(b, v, view.RequestFilter{}).holds(t, "requests", 1, 3, 100)
	requestsListing(b, v, view.RequestFilter{Closed: true}).holds(t, "all requests", 2)
	foundListing(b, v, view.FoundRoleFilter{}).holds(t, "found roles", 1, 3, 100)
	foundListing(b, v, view.FoundRoleFilter{PreExisting: true}).holds(t, "pre-existing roles", 2)
	holdersListing(b, v).holds(t, "holders", 1, 3, 100)
	two := access.Filter{Clauses: []access.Clause{{{Whom: true, People: []resources.Ref{ada, {Type: "Person", Key: "dan"}}}}}}
	foundListing(b, v.Within(two), view.FoundRoleFilter{}).holds(t, "found roles of two", 1, 2)
	b.questioned(t, owners...)
	questionsListing(b).holds(t, "questions", 1, 2, 100)
	for range 5 {
		must(t, b.AppendAct(b.ctx, journal.Act{Actor: journal.Actor{Process: "storetest"}, Name: "look", At: b.now}))
	}
	for _, f := range []view.JournalFilter{{}, {Text: "look"}, {Text: "look", Within: 3}} {
		var up, down []int64
		for _, oldest := range []bool{true, false} {
			f.Oldest, f.Before, f.Limit = oldest, 0, 2
			for range 50 {
				page, err := v.Journal(b.ctx, f)
				must(t, err)
				for _, e := range page.Entries {
					if oldest {
						up = append(up, e.Seq)
					} else {
						down = append(down, e.Seq)
					}
				}
				if f.Before = page.Before; f.Before == 0 {
					break
				}
			}
		}
		slices.Reverse(down)
		if want(t, "the journal from its beginning", up, down); len(up) < 5 || !slices.IsSorted(up) {
			t.Errorf("the journal by %+v: %v", f, up)
		}
	}
}

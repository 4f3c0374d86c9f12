package remote

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/view"
)

// Ask returns the questions that a server answers.
func (s *Server) Ask() view.Asked { return asked{s} }

type asked struct{ *Server }

// orderQuery writes a filter as the server reads it.
func orderQuery(f view.OrderFilter) url.Values {
	q := url.Values{}
	for _, state := range f.States {
		q.Add("state", state.String())
	}
	for _, k := range f.Kinds {
		q.Add("kind", string(k))
	}
	q["type"] = f.Types
	if f.Owner != nil {
		q.Set("entity", string(f.Owner.Type))
		q.Set("person", string(f.Owner.Key))
	}
	given(q, "connector", f.Connector)
	given(q, "q", f.Text)
	for queue, holds := range map[string]bool{"review": f.Review, "manual": f.Handed, "parked": f.Gated} {
		if holds {
			q.Set("queue", queue)
		}
	}
	yes(q, "overdue", !f.Overdue.IsZero())
	if f.Patience > 0 {
		q.Set("patience", f.Patience.String())
	}
	yes(q, "closed", f.Closed)
	sorted(q, view.OrderColumns, f.Sort)
	return q
}

// sorted writes how a list is sorted, where that is not the usual way.
func sorted(q url.Values, columns view.Columns, s view.Sort) {
	if s != (view.Sort{}) {
		q.Set("sort", columns.Text(s))
	}
}

// Orders reads a page.
func (a asked) Orders(ctx context.Context, f view.OrderFilter) (page view.OrderPage, err error) {
	more := false
	if page.Orders, more, err = window[view.Order](ctx, a.Server, "/orders", orderQuery(f), f.Limit, place(f.After), func(x view.Order) string { return place(x.ID) }); more {
		page.After = page.Orders[len(page.Orders)-1].ID
	}
	return page, err
}

func (a asked) Order(ctx context.Context, id orders.OrderID) (d view.OrderDetail, err error) {
	return d, a.get(ctx, "/orders/"+id.String(), nil, &d)
}

func (a asked) Path(ctx context.Context, id orders.AssignedID) ([]view.Step, error) {
	return all[view.Step](ctx, a.Server, fmt.Sprintf("/accounts/%d/path", id), nil)
}

// addressMost is how many numbers fit an address.
const addressMost = 200

func (a asked) Accounts(ctx context.Context, f view.AccountFilter) (list []view.Question, err error) {
	if f.IDs == nil {
		return all[view.Question](ctx, a.Server, "/accounts", url.Values{"target": f.Targets})
	}
	for at := 0; at < len(f.IDs); at += addressMost {
		q := url.Values{"target": f.Targets}
		for _, id := range f.IDs[at:min(at+addressMost, len(f.IDs))] {
			q.Add("id", strconv.FormatInt(int64(id), 10))
		}
		page, err := all[view.Question](ctx, a.Server, "/accounts", q)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
	}
	return list, nil
}

// standing is how many stand in the states, as a server answers it.
type standing struct {
	States []struct {
		State                    view.State
		Orders, Accounts, Values count
	}
	Roles []struct {
		Workflow view.Workflow
		Roles    count
	}
}

// count ends at view.CountMost.
type count struct {
	Count int
	More  bool
}

func (a asked) standing(ctx context.Context) (x standing, err error) {
	err = a.get(ctx, "/states", nil, &x)
	more := false
	for _, n := range x.States {
		more = more || n.Orders.More || n.Accounts.More || n.Values.More
	}
	if more && a.Note != nil {
		a.Note("a server counts as far as %d: there are more", view.CountMost)
	}
	return x, err
}

func (a asked) StateCounts(ctx context.Context, _ int) (c view.StateCounts, err error) {
	x, err := a.standing(ctx)
	for _, n := range x.States {
		c.Orders = append(c.Orders, view.StateCount{State: n.State, Count: n.Orders.Count})
		c.Items = append(c.Items, view.StateCount{State: n.State, Count: n.Values.Count})
	}
	for _, n := range x.Roles {
		c.Roles = append(c.Roles, view.WorkflowCount{Workflow: n.Workflow, Count: n.Roles.Count})
	}
	return c, err
}

// TypeCounts tells accounts apart by state alone.
func (a asked) TypeCounts(ctx context.Context, _ int) (list []view.TypeCount, err error) {
	var x standing
	err = a.get(ctx, "/states", nil, &x)
	for _, n := range x.States {
		list = append(list, view.TypeCount{State: n.State, Count: n.Accounts.Count})
	}
	return list, err
}

func (a asked) People(ctx context.Context, f view.PeopleFilter) (page view.PeoplePage, err error) {
	q := url.Values{}
	given(q, "q", f.Text)
	sorted(q, view.PeopleColumns, f.Sort)
	after, more := f.After.Key, false
	if page.People, more, err = window[view.Owner](ctx, a.Server, "/people"+escaped(f.Entity), q, f.Limit, after, func(x view.Owner) string { return x.Key }); more {
		last := page.People[len(page.People)-1]
		page.After = &view.PeopleCursor{Display: last.Display, Key: last.Key}
	}
	return page, err
}

// Resolve finds who bears a key; by other identifiers People finds them.
func (a asked) Resolve(ctx context.Context, entity, text string) ([]view.Owner, error) {
	if text == "" {
		return nil, nil
	}
	var p view.Person
	err := a.get(ctx, "/people"+escaped(entity, text), nil, &p)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case p.Gone:
		return nil, nil
	}
	return []view.Owner{p.Owner}, nil
}

func (a asked) Person(ctx context.Context, ref resources.Ref) (p view.Person, err error) {
	return p, a.get(ctx, "/people"+escaped(string(ref.Type), string(ref.Key)), nil, &p)
}

func (a asked) Requests(ctx context.Context, f view.RequestFilter) (page view.RequestPage, err error) {
	q := url.Values{}
	if f.Owner != nil {
		q.Set("entity", string(f.Owner.Type))
		q.Set("person", string(f.Owner.Key))
	}
	given(q, "waits", f.WaitsFor)
	yes(q, "stuck", f.Stuck)
	yes(q, "closed", f.Closed)
	sorted(q, view.RequestColumns, f.Sort)
	more := false
	if page.Requests, more, err = window[view.Request](ctx, a.Server, "/requests", q, f.Limit, place(f.After), func(x view.Request) string { return place(x.ID) }); more {
		page.After = page.Requests[len(page.Requests)-1].ID
	}
	return page, err
}

func (a asked) Request(ctx context.Context, id requests.RequestID) (r view.Request, err error) {
	return r, a.get(ctx, fmt.Sprintf("/requests/%d", id), nil, &r)
}

// Reconciliation reads the whole list at once.
func (a asked) Reconciliation(ctx context.Context, f view.ReconciliationFilter) (page view.ReconciliationPage, err error) {
	q := url.Values{"type": f.Types}
	for about, holds := range map[string]bool{"unauthorized": f.Unauthorized, "drifted": f.Drifted} {
		if holds {
			q.Add("about", about)
		}
	}
	sorted(q, view.QuestionColumns, f.Sort)
	page.Questions, err = all[view.Question](ctx, a.Server, "/reconciliation", q)
	return page, err
}

// FoundRoles reads the whole list at once.
func (a asked) FoundRoles(ctx context.Context, f view.FoundRoleFilter) (page view.FoundRolePage, err error) {
	if f.Roles != nil && len(f.Roles) == 0 {
		return page, nil
	}
	q := url.Values{"role": f.Roles}
	if f.Owner != nil {
		q.Set("entity", string(f.Owner.Type))
		q.Set("person", string(f.Owner.Key))
	}
	if f.PreExisting != f.NonConforming {
		q.Set("as", map[bool]string{true: "pre-existing", false: "non-conforming"}[f.PreExisting])
	}
	yes(q, "parts", f.Parts)
	sorted(q, view.FoundRoleColumns, f.Sort)
	page.Roles, err = all[view.FoundRole](ctx, a.Server, "/found-roles", q)
	return page, err
}

// Journal reads as many as are asked for; a server looks through so many entries
// at a time, and its pages may be short.
func (a asked) Journal(ctx context.Context, f view.JournalFilter) (page view.JournalPage, err error) {
	q := url.Values{}
	given(q, "q", f.Text)
	given(q, "actor", f.Actor)
	given(q, "since", day(f.Since))
	if f.Oldest {
		q.Set("sort", "number")
	}
	limit, after, more := view.Rows(f.Limit), place(f.Before), true
	for more && len(page.Entries) < limit {
		var list []journal.Entry
		if list, after, more, err = a.entries(ctx, q, limit-len(page.Entries), after); err != nil {
			return page, err
		}
		page.Entries = append(page.Entries, list...)
	}
	if !more {
		return page, nil
	}
	// Whether there is another one of these is known once it is seen.
	for from, more := after, true; more; {
		var list []journal.Entry
		if list, from, more, err = a.entries(ctx, q, 1, from); err != nil {
			return page, err
		}
		if len(list) > 0 {
			page.Before = page.Entries[limit-1].Seq
			a.remember("/journal", place(page.Before), a.next["/journal "+after])
			return page, nil
		}
	}
	return page, nil
}

// entries reads a part of the journal from a place on, and names the place behind it.
func (a asked) entries(ctx context.Context, q url.Values, limit int, after string) (list []journal.Entry, behind string, more bool, err error) {
	if after != "" {
		q.Set("after", a.next["/journal "+after])
	}
	list, next, err := some[journal.Entry](ctx, a.Server, "/journal", q, limit)
	if err != nil || next == "" {
		return list, "", false, err
	}
	behind = "cursor " + next
	a.remember("/journal", behind, next)
	return list, behind, true, nil
}

package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
)

// scopes are filters of every shape, with whom each lets through.
func scopes() map[string]struct {
	filter access.Filter
	people string
} {
	department := func(keys ...resources.Key) access.Part {
		return access.Part{Whom: true, Paths: []access.Path{{Hops: []access.Hop{{Entity: "Person", Property: "department"}}, Keys: keys}}}
	}
	team := access.Part{Whom: true, Paths: []access.Path{{Hops: []access.Hop{{Entity: "Person", Property: "manager"}}, Keys: []resources.Key{"max"}}}}
	grandTeam := access.Part{Whom: true, Paths: []access.Path{{Keys: []resources.Key{"max"},
		Hops: []access.Hop{{Entity: "Person", Property: "manager"}, {Entity: "Person", Property: "manager"}}}}}
	self := access.Part{Whom: true, People: []resources.Ref{ada}}
	ledger := access.Part{What: true, Types: []roles.ResourceTypeID{"Ledger"}}
	clerk := access.Part{What: true, Roles: []roles.RoleID{"Clerk"}}
	one := func(parts ...access.Part) access.Filter { return access.Filter{Clauses: []access.Clause{parts}} }
	type row = struct {
		filter access.Filter
		people string
	}
	return map[string]row{
		"nothing":        {access.Filter{}, "[]"},
		"a department":   {one(department("FIN")), "[ada bob]"},
		"two":            {one(department("FIN", "OPS")), "[ada bob cyd]"},
		"no department":  {one(department()), "[]"},
		"a team":         {one(team), "[ada cyd]"},
		"two steps away": {one(grandTeam), "[bob]"},
		"oneself":        {one(self), "[ada]"},
		"a type":         {one(ledger), "[bob cyd]"},
		"a role":         {one(clerk), "[ada]"},
		"both":           {one(department("FIN"), ledger), "[bob]"},
		"either":         {access.Filter{Clauses: []access.Clause{{self}, {ledger}}}, "[ada bob cyd]"},
		"nobody's type":  {one(access.Part{What: true}), "[]"},
		"a robot":        {one(access.Part{Entities: []schema.EntityType{"Robot"}}), "[]"},
		"a person":       {one(access.Part{Entities: []schema.EntityType{"Person"}}), "[ada bob cyd dan max]"},
		"unanswerable":   {one(access.Part{Whom: true}), "[]"},
		"everything":     {access.Everything(), "[ada bob cyd dan max]"},
	}
}

// peopled has people in departments and teams, with accounts of two types.
func (b *bench) peopled(t *testing.T) []resources.Ref {
	t.Helper()
	var put []resources.Resource
	var all []resources.Ref
	for _, p := range [][3]string{{"ada", "FIN", "max"}, {"bob", "FIN", "ada"}, {"cyd", "OPS", "max"}, {"dan", "HR", ""}, {"max", "HR", ""}} {
		r := person(p[0], p[0])
		r.Links, r.Dangling = map[schema.PropertyName][]resources.Key{"department": {resources.Key(p[1])}}, nil
		if p[2] != "" {
			r.Links["manager"] = []resources.Key{resources.Key(p[2])}
		}
		put, all = append(put, r), append(all, r.Ref)
	}
	b.read(t, statement.Changes{Put: put})
	for _, owner := range []string{"ada", "bob", "cyd", "dan"} {
		types := map[string][]roles.ResourceTypeID{"bob": {"PersonalAccount", "Ledger"}, "cyd": {"Ledger"}}[owner]
		if types == nil {
			types = []roles.ResourceTypeID{"PersonalAccount"}
		}
		for _, of := range types {
			b.assigned++
			e := expected(owner, 1)
			e.Type = of
			a := orders.New(b.assigned, e)
			a.Adopt(e, handling, nil, 0)
			must(t, a.Judge(b.occasion()))
			must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
		}
	}
	r := asked(1)
	must(t, b.SaveRequest(b.ctx, b.act("request"), statement.RequestChange{Request: r}))
	return all
}

// withinFilters holds that lists and single answers let the same through: the
// statements decide on lists, the domain's function on single things.
func withinFilters(t *testing.T, b *bench) {
	people := b.peopled(t)
	every, err := b.Views().Orders(b.ctx, view.OrderFilter{})
	must(t, err)
	for name, s := range scopes() {
		v := b.Views().Within(s.filter)
		page, err := v.People(b.ctx, view.PeopleFilter{Entity: "Person"})
		must(t, err)
		var listed []string
		for _, p := range page.People {
			listed = append(listed, p.Key)
		}
		want(t, name+", people", fmt.Sprint(listed), s.people)
		for _, ref := range people {
			_, err := v.Person(b.ctx, ref)
			found, resolveErr := v.Resolve(b.ctx, "Person", string(ref.Key))
			must(t, resolveErr)
			if in := slices.Contains(listed, string(ref.Key)); (err == nil) != in || (len(found) == 1) != in {
				t.Errorf("%s: %s is listed %v, opened with %v, resolved as %v", name, ref, in, err, found)
			}
		}
		open, err := v.Orders(b.ctx, view.OrderFilter{})
		must(t, err)
		for _, o := range every.Orders {
			_, err := v.Order(b.ctx, o.ID)
			path, pathErr := v.Path(b.ctx, o.Assigned)
			must(t, pathErr)
			whole, wholeErr := v.Accounts(b.ctx, view.AccountFilter{IDs: []orders.AssignedID{o.Assigned, 4711}})
			must(t, wholeErr)
			touched, touchErr := v.Reached(b.ctx, []orders.AssignedID{o.Assigned, 4711})
			must(t, touchErr)
			in := slices.ContainsFunc(open.Orders, func(x view.Order) bool { return x.ID == o.ID })
			if (err == nil) != in || (len(path) > 0) != in || (len(touched) == 1) != in || (len(whole) == 1) != in || err != nil && fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: order %d of %s is listed %v, opened with %v, with %d steps", name, o.ID, o.Owner.Key, in, err, len(path))
			}
		}
		counts, err := v.StateCounts(b.ctx, 0)
		must(t, err)
		types, err := v.TypeCounts(b.ctx, 0)
		must(t, err)
		accounts, items := 0, 0
		for _, n := range types {
			accounts += n.Count
		}
		for _, n := range counts.Items {
			items += n.Count
		}
		want(t, name+", counts", words(counts.Orders[orders.Pending].Count, accounts, items), words(len(open.Orders), len(open.Orders), 2*len(open.Orders)))
		asks, err := v.Requests(b.ctx, view.RequestFilter{})
		must(t, err)
		_, err = v.Request(b.ctx, requests.RequestID(1))
		if (err == nil) != (len(asks.Requests) == 1) {
			t.Errorf("%s: %d requests are listed, one is opened with %v", name, len(asks.Requests), err)
		}
	}
}

// everyQuestion holds that no question can be added that a filter forgets: this
// list names what each does, and nothing else answers.
func everyQuestion(t *testing.T, b *bench) {
	nothing := b.Views().Within(access.Filter{})
	b.peopled(t)
	answers := map[string]func() (any, error){
		"Orders": func() (any, error) {
			x, err := nothing.Orders(b.ctx, view.OrderFilter{Closed: true})
			return x.Orders, err
		},
		"Order":    func() (any, error) { x, err := nothing.Order(b.ctx, 1); return x, err },
		"Path":     func() (any, error) { return nothing.Path(b.ctx, 1) },
		"Executed": func() (any, error) { return nothing.Executed(b.ctx, begin, "") },
		"Reached":  func() (any, error) { return nothing.Reached(b.ctx, []orders.AssignedID{1, 2, 3}) },
		"Sight": func() (any, error) {
			x, err := nothing.Sight(b.ctx, ada, view.Sight{Types: []string{"PersonalAccount", "Ledger"}, Roles: []string{"Clerk"}})
			return append(x.Types, x.Roles...), err
		},
		"Accounts": func() (any, error) {
			return nothing.Accounts(b.ctx, view.AccountFilter{IDs: []orders.AssignedID{1, 2, 3}})
		},
		"EntityCounts":  func() (any, error) { return nothing.EntityCounts(b.ctx, []string{"Person"}) },
		"AccountCounts": func() (any, error) { return nothing.AccountCounts(b.ctx, []string{"PersonalAccount", "Ledger"}) },
		"Holders": func() (any, error) {
			x, err := nothing.Holders(b.ctx, view.HolderFilter{Role: "Clerk"})
			return x.Holders, err
		},
		"RuleReach": func() (any, error) {
			x, err := nothing.RuleReach(b.ctx, view.RuleFilter{Role: "Clerk"})
			return x, err
		},
		"Peers":       func() (any, error) { x, err := nothing.Peers(b.ctx, peersOf("ada")); return x.Roles, err },
		"StateCounts": func() (any, error) { x, err := nothing.StateCounts(b.ctx, 0); return x.Roles, err },
		"TypeCounts":  func() (any, error) { return nothing.TypeCounts(b.ctx, 0) },
		"People": func() (any, error) {
			x, err := nothing.People(b.ctx, view.PeopleFilter{Entity: "Person"})
			return x.People, err
		},
		"Resolve": func() (any, error) { return nothing.Resolve(b.ctx, "Person", "ada") },
		"Person":  func() (any, error) { x, err := nothing.Person(b.ctx, ada); return x, err },
		"Requests": func() (any, error) {
			x, err := nothing.Requests(b.ctx, view.RequestFilter{Closed: true})
			return x.Requests, err
		},
		"Request": func() (any, error) { x, err := nothing.Request(b.ctx, 1); return x, err },
		"Reconciliation": func() (any, error) {
			x, err := nothing.Reconciliation(b.ctx, view.ReconciliationFilter{})
			return x.Questions, err
		},
		"FoundRoles": func() (any, error) { x, err := nothing.FoundRoles(b.ctx, view.FoundRoleFilter{}); return x.Roles, err },
		"Readings":   func() (any, error) { return nothing.Readings(b.ctx, readingFilter) },
		"Parks":      func() (any, error) { return nothing.Parks(b.ctx) },
		"Journal":    func() (any, error) { x, err := nothing.Journal(b.ctx, view.JournalFilter{}); return x.Entries, err },
		"Secrets":    func() (any, error) { return nothing.Secrets(b.ctx) },
		"Runs":       func() (any, error) { x, err := nothing.Runs(b.ctx, view.RunFilter{}); return x.Runs, err },
		"Run":        func() (any, error) { return nothing.Run(b.ctx, 1) },
		"Scheduled":  func() (any, error) { return nothing.Scheduled(b.ctx) },
		"Messages":   func() (any, error) { x, err := nothing.Messages(b.ctx, view.MessageFilter{}); return x.Messages, err },
		// Names tells what the bearer of a key is called to whoever has the key.
		"Names": nil,
	}
	for m := range reflect.TypeFor[view.Questions]().Methods() {
		ask, known := answers[m.Name]
		switch {
		case !known:
			t.Errorf("nobody says what %s answers to whom nothing is let through", m.Name)
			continue
		case ask == nil:
			continue
		}
		answer, err := ask()
		if kind := fault.KindOf(err); kind == fault.NotFound || kind == fault.Denied {
			continue
		}
		must(t, err)
		if n := reflect.ValueOf(answer).Len(); n != 0 {
			t.Errorf("%s shows %d rows to whom nothing is let through", m.Name, n)
		}
	}
}

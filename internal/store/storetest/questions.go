package storetest

import (
	"fmt"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

var readingFilter = view.ReadingFilter{Entity: "Person"}

func listOrders(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Ada Lovelace"), person("bob", "Bob Müller")}})
	for i := range 5 {
		b.saved(t, fmt.Sprint("p", i), 1)
	}
	ada, bob := b.saved(t, "ada", 2), b.saved(t, "bob", 1)
	b.collect(t, bob.ID)
	ask := func(f view.OrderFilter) string {
		page, err := b.Views().Orders(b.ctx, f)
		must(t, err)
		var ids []orders.OrderID
		for _, o := range page.Orders {
			ids = append(ids, o.ID)
		}
		return words(ids, page.After)
	}
	for name, q := range map[string]struct {
		filter view.OrderFilter
		want   string
	}{
		"the oldest first":    {view.OrderFilter{Limit: 3}, "[1 2 3] 3"},
		"the next page":       {view.OrderFilter{Limit: 3, After: 3}, "[4 5 6] 6"},
		"the last page":       {view.OrderFilter{Limit: 3, After: 6}, "[7] 0"},
		"the newest first":    {view.OrderFilter{Limit: 2, Sort: view.Newest}, "[7 6] 6"},
		"then older ones":     {view.OrderFilter{Limit: 2, Sort: view.Newest, After: 2}, "[1] 0"},
		"by state":            {view.OrderFilter{States: []orders.State{orders.Transmitted}}, "[7] 0"},
		"by kind":             {view.OrderFilter{Kinds: []orders.Kind{orders.Deletion}}, "[] 0"},
		"by owner":            {view.OrderFilter{Owner: &ada.Owner}, "[6] 0"},
		"by a name's words":   {view.OrderFilter{Text: "lov AD"}, "[6] 0"},
		"without diacritics":  {view.OrderFilter{Text: "muller"}, "[7] 0"},
		"by key":              {view.OrderFilter{Text: "p3"}, "[4] 0"},
		"long in its state":   {view.OrderFilter{SinceBefore: b.now.Add(-time.Hour)}, "[] 0"},
		"by property":         {view.OrderFilter{Property: "p1"}, "[6] 0"},
		"by connection":       {view.OrderFilter{Connector: "directory", Connection: "other"}, "[] 0"},
		"nothing to review":   {view.ReviewQueue(), "[] 0"},
		"nothing handed out":  {view.ManualQueue(), "[] 0"},
		"over its lease":      {view.Stuck(b.now.Add(lease), 0), "[7] 0"},
		"longer than patient": {view.Stuck(b.now.Add(time.Hour), time.Minute), "[1 2 3 4 5 6 7] 0"},
	} {
		want(t, name, ask(q.filter), q.want)
	}
	page, err := b.Views().Orders(b.ctx, view.OrderFilter{Owner: &ada.Owner})
	must(t, err)
	o := page.Orders[0]
	want(t, "shown", words(o.Owner.Display, o.State, o.Items[0].Op, o.Items[1].Op, o.Items[1].Proposed, o.Items[1].Workflow.Name),
		"Ada Lovelace Pending create set ada-0 Calculated")
	counts, err := b.Views().StateCounts(b.ctx, 0)
	must(t, err)
	want(t, "states", words(len(counts.Orders), counts.Orders[orders.Pending].Count, counts.Orders[orders.Transmitted].Count), "9 6 1")
	items := map[string]int{}
	for _, n := range counts.Items {
		items[n.State.String()] = n.Count
	}
	want(t, "items", words(items["Pending"], items["Transmitted"], len(items)), "13 2 16")
	types, err := b.Views().TypeCounts(b.ctx, 0)
	must(t, err)
	want(t, "types", words(len(types), types[0].Type, types[0].State, types[0].Count), "2 PersonalAccount Pending 6")
	if _, err := b.Views().Order(b.ctx, 99); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an order that is not there: %v", err)
	}
}

func showPerson(t *testing.T, b *bench) {
	ada := person("ada", "Ada Lovelace")
	b.read(t, statement.Changes{Put: []resources.Resource{ada}})
	b.saved(t, "ada", 2)
	role := func(id string, w assignments.Workflow, reason string) assignments.AssignedRole {
		return assignments.AssignedRole{Owner: ada.Ref, Role: roles.RoleID(id), Workflow: w, Reasons: []assignments.Reason{{Rule: "r", Role: roles.RoleID(reason)}}}
	}
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), []assignments.AssignedRole{
		role("Clerk", assignments.Calculated, "Office"), role("Office", assignments.Approved, ""),
		role("Idle", assignments.Calculated, ""), role("Wished", assignments.Requested, ""),
	}, nil))
	shows := func() string {
		p, err := b.Views().Person(b.ctx, ada.Ref)
		must(t, err)
		text := ""
		for _, r := range p.Roles {
			text += r.Role + ": " + r.Shows + "; "
		}
		return text
	}
	want(t, "at first", shows(), "Clerk: Pending; Idle: no system; Office: Pending; Wished: -; ")
	b.send(t, 1)
	want(t, "sent", shows(), "Clerk: Executed; Idle: no system; Office: Executed; Wished: -; ")
	b.show(t, 1)
	want(t, "read", shows(), "Clerk: Verified; Idle: no system; Office: Verified; Wished: -; ")
	p, err := b.Views().Person(b.ctx, ada.Ref)
	must(t, err)
	account := p.Accounts[0]
	want(t, "person", words(p.Display, p.Values["level"], p.Links["department"], account.Target, account.State, len(account.Items), account.Items[1].Because),
		"Ada Lovelace 3 [FIN] cn=ada Verified 3 role Clerk")
	path, err := b.Views().Path(b.ctx, 1)
	must(t, err)
	want(t, "path", words(len(path), path[0].Name, path[0].Actor, path[len(path)-1].To), "12 account storetest Verified")
	for _, text := range []string{"ada", "Ada Lovelace@example.org"} {
		found, err := b.Views().Resolve(b.ctx, "", text)
		must(t, err)
		want(t, "resolved "+text, found, []view.Owner{{Type: "Person", Key: "ada", Display: "Ada Lovelace"}})
	}
	if _, err := b.Views().Person(b.ctx, resources.Ref{Type: "Person", Key: "x"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody: %v", err)
	}
}

func searchPeople(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{
		person("1", "Zoë Łódź"), person("2", "Ada Lovelace"), person("3", "Ada Byron"), person("4", "Bob"),
	}})
	ask := func(f view.PeopleFilter) string {
		f.Entity = "Person"
		page, err := b.Views().People(b.ctx, f)
		must(t, err)
		text := ""
		for _, p := range page.People {
			text += p.Key
		}
		return fmt.Sprint(text, page.After != nil)
	}
	want(t, "all, by name", ask(view.PeopleFilter{}), "3241false")
	for _, way := range []struct {
		filter view.PeopleFilter
		want   string
	}{{view.PeopleFilter{Sort: view.Newest}, "1423"}, {view.PeopleFilter{Sort: view.Sort{By: view.ByKey}}, "1234"}, {view.PeopleFilter{Sort: view.Sort{By: view.ByKey, Down: true}}, "4321"}} {
		got := ""
		for f := way.filter; ; {
			f.Entity, f.Limit = "Person", 1
			page, err := b.Views().People(b.ctx, f)
			must(t, err)
			got += page.People[0].Key
			if page.After == nil {
				break
			}
			f.After = *page.After
		}
		want(t, fmt.Sprintf("page by page, %+v", way.filter), got, way.want)
	}
	want(t, "paged", ask(view.PeopleFilter{Limit: 2}), "32true")
	want(t, "next", ask(view.PeopleFilter{Limit: 2, After: view.PeopleCursor{Display: "Ada Lovelace", Key: "2"}}), "41false")
	want(t, "one word", ask(view.PeopleFilter{Text: "ada"}), "32false")
	want(t, "two beginnings", ask(view.PeopleFilter{Text: "lo ad"}), "2false")
	want(t, "folded", ask(view.PeopleFilter{Text: "ZOE lodz"}), "1false")
	want(t, "nobody", ask(view.PeopleFilter{Text: "nobody"}), "false")
}

func otherLists(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Ada")}})
	a := b.saved(t, "ada", 2)
	b.send(t, a.ID)
	b.show(t, a.ID)
	b.now = b.now.Add(time.Second)
	b.update(t, a.ID, func(a *orders.AssignedResource) error { // somebody changes a value by hand
		r := &resources.Resource{Ref: resources.Ref{Type: "Account", Key: a.Target}}
		r.Values = person("", "").Values
		r.Values["p0"], r.Values["p1"] = value.OfString("by hand"), a.Items[2].Want.Value
		return a.Observe(b.occasion(), orders.Observation{Began: b.now, Resource: r})
	})
	page, err := b.Views().Reconciliation(b.ctx, view.ReconciliationFilter{Drifted: true, Types: []string{"PersonalAccount"}})
	must(t, err)
	q := page.Questions[0]
	want(t, "drifted", words(len(page.Questions), q.Owner.Display, len(q.Account.Items), q.Account.Items[0].Current, q.Account.Items[0].State), "1 Ada 1 by hand Awaiting Approval (found)")
	for property, n := range map[string]int{"p0": 1, "p1": 0} {
		page, err := b.Views().Reconciliation(b.ctx, view.ReconciliationFilter{Property: property})
		must(t, err)
		want(t, "drifted in "+property, words(len(page.Questions), page.After), words(n, 0))
	}
	none, err := b.Views().Reconciliation(b.ctx, view.ReconciliationFilter{Unauthorized: true})
	must(t, err)
	want(t, "unauthorized", len(none.Questions), 0)
	must(t, b.Park(b.ctx, b.act("park"), []statement.Park{{Type: "PersonalAccount", Kind: orders.Addition, Count: 1}}))
	b.saved(t, "bob", 1)
	parks, err := b.Views().Parks(b.ctx)
	must(t, err)
	want(t, "held by the park", words(len(parks), parks[0].Held), "1 1")
	act := b.act("100% odd_name")
	act.Actor.As = "ada"
	must(t, b.AppendAct(b.ctx, act))
	for name, f := range map[string]view.JournalFilter{
		"by text": {Text: "% ODD_"}, "by person": {Actor: "ada"}, "first page": {Limit: 1},
	} {
		page, err := b.Views().Journal(b.ctx, f)
		must(t, err)
		want(t, name, words(len(page.Entries), page.Entries[0].Name, page.Before != 0), words("1 100% odd_name", name == "first page"))
	}
	old, err := b.Views().Journal(b.ctx, view.JournalFilter{Before: 3})
	must(t, err)
	want(t, "older", words(len(old.Entries), old.Entries[0].Seq), "2 2")
	near, err := b.Views().Journal(b.ctx, view.JournalFilter{Text: "no such act", Within: 2})
	must(t, err)
	further, err := b.Views().Journal(b.ctx, view.JournalFilter{Text: "commit", Within: 2, Before: near.Before})
	must(t, err)
	want(t, "a bounded search leads on", words(len(near.Entries), near.Before > 1, further.Before < near.Before), "0 true true")
	readings, err := b.Views().Readings(b.ctx, readingFilter)
	must(t, err)
	want(t, "readings", words(len(readings), readings[0].State, readings[0].Counts.Read), "1 committed 1")
}

func countAndHold(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Ada"), person("bob", "Bob")}})
	b.saved(t, "ada", 1)
	role := func(key string, with assignments.Parameters) assignments.AssignedRole {
		return assignments.AssignedRole{
			Owner: resources.Ref{Type: "Person", Key: resources.Key(key)}, Role: "Clerk", Parameters: with, Workflow: assignments.Calculated,
		}
	}
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), []assignments.AssignedRole{role("ada", "site=BER"), role("ada", "site=PAR"), role("bob", "")}, nil))
	counts, err := b.Views().EntityCounts(b.ctx, []string{"Person", "Nothing"})
	must(t, err)
	want(t, "resources", words(counts["Person"], counts["Nothing"]), "2 0")
	accounts, err := b.Views().AccountCounts(b.ctx, []string{"PersonalAccount", "Nothing"})
	must(t, err)
	want(t, "accounts", words(len(accounts), accounts[0].Type, accounts[0].State.Name, accounts[0].Count), "1 PersonalAccount Pending 1")
	first, err := b.Views().Holders(b.ctx, view.HolderFilter{Role: "Clerk", Limit: 2})
	must(t, err)
	want(t, "who has it", words(len(first.Holders), first.Holders[0].Owner.Display, first.Holders[1].Parameters, first.After != nil), "2 Ada site=PAR true")
	rest, err := b.Views().Holders(b.ctx, view.HolderFilter{Role: "Clerk", Limit: 2, After: *first.After})
	must(t, err)
	want(t, "and who besides", words(len(rest.Holders), rest.Holders[0].Owner.Display, rest.After == nil), "1 Bob true")
}

// peersOf asks for the roles of those in somebody's department.
func peersOf(key resources.Key) view.PeersFilter {
	return view.PeersFilter{
		Owner: resources.Ref{Type: "Person", Key: key}, Hops: []access.Hop{{Entity: "Person", Property: "department"}},
		Roles: []string{"Clerk", "Auditor"}, On: begin,
	}
}

// peers holds that it is counted what others at the same place have on the day, each
// once, and not more of them than one may see.
func peers(t *testing.T, b *bench) {
	b.peopled(t)
	role := func(key, role string, state assignments.Workflow, with assignments.Parameters, p assignments.Period) assignments.AssignedRole {
		return assignments.AssignedRole{
			Owner: resources.Ref{Type: "Person", Key: resources.Key(key)}, Role: roles.RoleID(role), Parameters: with, Workflow: state, Period: p,
		}
	}
	always := assignments.Period{}
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), []assignments.AssignedRole{
		role("ada", "Clerk", assignments.Calculated, "", always),
		role("bob", "Clerk", assignments.Calculated, "site=BER", always), role("bob", "Clerk", assignments.Calculated, "site=PAR", always),
		role("bob", "Auditor", assignments.Calculated, "", assignments.Period{To: begin.AddDate(0, 0, -1)}),
		role("cyd", "Clerk", assignments.Calculated, "", always), role("max", "Auditor", assignments.WorkflowDeclined, "", always),
	}, nil))
	for name, c := range map[string]struct {
		v    *statement.Views
		of   resources.Key
		want string
	}{
		"the only peer has one role, twice, and had another": {b.Views(), "ada", "1 false map[Clerk:1]"},
		"what was declined is not had":                       {b.Views(), "dan", "1 false map[]"},
		"nobody is alone with himself":                       {b.Views(), "cyd", "0 false map[]"},
		"a peer whom one may not see":                        {b.Views().Within(scopes()["oneself"].filter), "ada", "0 false map[]"},
	} {
		x, err := c.v.Peers(b.ctx, peersOf(c.of))
		must(t, err)
		want(t, name, words(x.Count, x.More, x.Roles), c.want)
	}
	var put []resources.Resource
	for i := range view.PeersMost + 1 {
		r := person(fmt.Sprintf("p%03d", i), "P")
		r.Links, r.Dangling = map[schema.PropertyName][]resources.Key{"department": {"OPS"}}, nil
		put = append(put, r)
	}
	b.read(t, statement.Changes{Put: put})
	x, err := b.Views().Peers(b.ctx, peersOf("p000"))
	must(t, err)
	want(t, "very many", words(x.Count, x.More, x.Roles["Clerk"]), words(view.PeersMost, true, 1)) // cyd, before them
}

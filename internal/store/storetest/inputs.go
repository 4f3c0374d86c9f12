package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

func person(key, name string) resources.Resource {
	return resources.Resource{
		Ref: resources.Ref{Type: "Person", Key: resources.Key(key)}, Display: name,
		Values: map[schema.PropertyName]value.Value{
			"id": value.OfString(key), "mail": value.OfString(name + "@example.org"), "since": value.OfDate(begin), "level": value.OfInt(3),
		},
		Links:    map[schema.PropertyName][]resources.Key{"department": {"FIN"}},
		Dangling: map[schema.PropertyName][]string{"manager": {"4711"}},
	}
}

// read commits a reading of people.
func (b *bench) read(t testing.TB, changes statement.Changes) resources.Reading {
	t.Helper()
	r := resources.Reading{Connector: "hr", Entity: "Person", Began: b.now, Complete: true, Counts: resources.Counts{Read: len(changes.Put)}}
	id, err := b.BeginReading(b.ctx, r)
	must(t, err)
	r.ID = id
	if changes.Identify == nil {
		changes.Identify = []schema.PropertyName{"id", "mail"}
	}
	b.now = b.now.Add(time.Second)
	must(t, b.CommitReading(b.ctx, b.act("commit reading"), r, changes))
	return r
}

func (b *bench) rows(t testing.TB, query string) int {
	t.Helper()
	var n int
	must(t, b.SQL().QueryRowContext(b.ctx, query).Scan(&n))
	return n
}

func readings(t *testing.T, b *bench) {
	ada, bob := person("ada", "Ada"), person("bob", "Bob")
	finding := fault.Finding{File: "people.csv", Line: 3, What: "no key"}
	b.read(t, statement.Changes{Put: []resources.Resource{ada, bob}, SetAside: []resources.Key{"x"}, Findings: []fault.Finding{finding}})
	got, ok, err := b.Resource(b.ctx, ada.Ref)
	must(t, err)
	if !ok || !reflect.DeepEqual(got, ada) {
		t.Errorf("got %+v\nwant %+v", got, ada)
	}
	_, hash := ada.Encode()
	hashes, err := b.Hashes(b.ctx, "Person")
	must(t, err)
	want(t, "hashes", words(len(hashes), hashes["ada"] == hash), "2 true")

	changed := person("ada", "Ada")
	changed.Values["level"] = value.OfInt(4)
	changed.Links = map[schema.PropertyName][]resources.Key{"department": {"OPS"}}
	second := b.read(t, statement.Changes{Put: []resources.Resource{changed}, Remove: []resources.Key{"bob"}})
	list, err := b.Resources(b.ctx, "Person")
	must(t, err)
	want(t, "present", words(len(list), list[0].Values["level"], b.rows(t, `SELECT count(*) FROM resource_history`)), "1 4 2")
	for department, expected := range map[resources.Key]int{"FIN": 0, "OPS": 1} {
		keys, err := b.LinkedFrom(b.ctx, "Person", "department", department)
		must(t, err)
		want(t, "linked from "+string(department), len(keys), expected)
	}

	parked := resources.Reading{Connector: "hr", Entity: "Person", Began: b.now}
	parked.ID, err = b.BeginReading(b.ctx, parked)
	must(t, err)
	parked.State, parked.Why = resources.Parked, "900 would be removed"
	must(t, b.EndReading(b.ctx, b.act("park reading"), parked, []fault.Finding{finding}))
	last, err := b.LastReadings(b.ctx)
	must(t, err)
	want(t, "last", words(len(last), last[0].Last.State, last[0].Last.Why, last[0].Complete.ID == second.ID, last[0].SetAside),
		"1 parked 900 would be removed true []")
	findings, err := b.Findings(b.ctx, parked.ID)
	must(t, err)
	want(t, "findings", findings, []fault.Finding{finding})
	if err := b.CommitReading(b.ctx, b.act("commit reading"), parked, statement.Changes{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a parked reading was committed: %v", err)
	}
	b.now = b.now.Add(time.Hour)
	must(t, b.Prune(b.ctx, b.act("prune"), b.now))
	want(t, "pruned", b.rows(t, `SELECT count(*) FROM resource_history`), 0)
}

func caseMatters(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Ada"), person("ADA", "Ada"), person("adá", "ada")}})
	names, err := b.Names(b.ctx, "Person", []schema.PropertyName{"id", "mail"})
	must(t, err)
	want(t, "by id", words(len(names["id"]), names["id"]["ada"], names["id"]["ADA"]), "3 [ada] [ADA]")
	want(t, "by mail", names["mail"]["Ada@example.org"], []resources.Key{"ADA", "ada"})
	for text, key := range map[string]string{"ADA": "ADA", "ada": "ada", "ada@example.org": "adá"} {
		found, err := b.Views().Resolve(b.ctx, "Person", text)
		must(t, err)
		if len(found) != 1 || found[0].Key != key {
			t.Errorf("%s is %+v, want %s alone", text, found, key)
		}
	}
	list, err := b.Resources(b.ctx, "Person")
	must(t, err)
	want(t, "order of bytes", words(list[0].Key, list[1].Key, list[2].Key), "ADA ada adá")
}

// pieces commits more than one transaction's worth, then the removal of all.
func pieces(t *testing.T, b *bench) {
	const many = 11_000
	put := make([]resources.Resource, many)
	keys := make([]resources.Key, many)
	for i := range put {
		keys[i] = resources.Key(fmt.Sprint(i))
		put[i] = resources.Resource{Ref: resources.Ref{Type: "Person", Key: keys[i]}, Display: fmt.Sprint(i)}
	}
	b.read(t, statement.Changes{Put: put})
	want(t, "put", b.rows(t, `SELECT count(*) FROM resource`), many)
	b.read(t, statement.Changes{Remove: keys})
	want(t, "removed", b.rows(t, `SELECT count(*) FROM resource`), 0)
	if n, err := b.VerifyJournal(b.ctx); n != 2 || err != nil {
		t.Errorf("%d entries, %v; want one for each reading", n, err)
	}
}

func deadReading(t *testing.T, b *bench) {
	dead := resources.Reading{Connector: "hr", Entity: "Person", Began: b.now}
	_, err := b.BeginReading(b.ctx, dead)
	must(t, err)
	b.read(t, statement.Changes{})
	last, err := b.Views().Readings(b.ctx, readingFilter)
	must(t, err)
	want(t, "states", words(last[0].State, last[1].State, last[1].Why != ""), "committed failed true")
}

// roleDecisions stand apart by parameters; a later one takes the earlier one's place.
func roleDecisions(t *testing.T, b *bench, ada resources.Ref) {
	at := assignments.ParametersOf(map[roles.DimensionID]string{"site": "BRU", "team": ""})
	approved := assignments.RoleDecision{
		Owner: ada, Role: "Clerk", Parameters: at, Workflow: assignments.Approved, Period: assignments.Period{To: begin},
		At: begin, By: "ben", Why: "needed", Request: 3, Found: assignments.PreExisting,
		Yields: assignments.Period{From: begin.AddDate(0, 1, 0), To: begin.AddDate(0, 2, 0)},
	}
	denied := approved
	denied.Parameters, denied.Workflow = "", assignments.WorkflowDeclined
	must(t, b.DecideRoles(b.ctx, b.act("approve"), []assignments.RoleDecision{approved, denied}, nil))
	approved.Why = "still needed"
	key := statement.AssignedRoleKey{Owner: ada, Role: "Clerk"}
	must(t, b.DecideRoles(b.ctx, b.act("approve"), []assignments.RoleDecision{approved}, []statement.AssignedRoleKey{key}))
	for _, owner := range []*resources.Ref{nil, &ada} {
		got, err := b.RoleDecisions(b.ctx, owner)
		must(t, err)
		if !reflect.DeepEqual(got, []assignments.RoleDecision{approved}) {
			t.Errorf("got %+v", got)
		}
	}
	want(t, "parameters", words(at, at.Value("site"), at.Value("team")), "site=BRU BRU ")
}

// movedRoles are those that somebody decided on; whoever comes later is refused.
func movedRoles(t *testing.T, b *bench, before assignments.AssignedRole) {
	found := before
	found.Workflow, found.Reasons = assignments.PreExisting, []assignments.Reason{{Note: "deduced from a link"}}
	part := found
	part.Role, part.Reasons = "Auditor", []assignments.Reason{{Role: "Clerk"}}
	must(t, b.SaveAssignedRoles(b.ctx, b.act("evaluate"), []assignments.AssignedRole{found, part}, nil))
	page, err := b.Views().FoundRoles(b.ctx, view.FoundRoleFilter{PreExisting: true, Roles: []string{"Auditor", "Clerk"}, Owner: &before.Owner})
	must(t, err)
	if len(page.Roles) != 1 || page.Roles[0].Role != "Clerk" || page.Roles[0].Because != "deduced from a link" {
		t.Errorf("got %+v", page)
	}
	var all []string
	for f := (view.FoundRoleFilter{Parts: true, Limit: 1}); ; f.After = *page.After {
		page, err = b.Views().FoundRoles(b.ctx, f)
		must(t, err)
		for _, x := range page.Roles {
			all = append(all, x.Role)
		}
		if page.After == nil {
			break
		}
	}
	want(t, "page by page", all, []string{"Auditor", "Clerk"})
	kept := stage.RoleMove{From: assignments.PreExisting, To: found}
	kept.To.Workflow = assignments.Approved
	must(t, b.Update(b.ctx, b.act("keep role"), nil, nil, stage.Extra{MoveRoles: []stage.RoleMove{kept}}))
	err = b.Update(b.ctx, b.act("decline role"), nil, nil, stage.Extra{
		MoveRoles:   []stage.RoleMove{kept},
		DecideRoles: []assignments.RoleDecision{{Owner: found.Owner, Role: "Clerk", Workflow: assignments.Cancellation}},
	})
	want(t, "kind", fault.KindOf(err), fault.Conflict)
	decided, err := b.RoleDecisions(b.ctx, nil)
	must(t, err)
	want(t, "decisions beside the one from before", len(decided), 1)
	counts, err := b.Views().StateCounts(b.ctx, 0)
	must(t, err)
	want(t, "roles", counts.Roles, []view.WorkflowCount{
		{Workflow: view.WorkflowOf(assignments.PreExisting), Count: 1}, {Workflow: view.WorkflowOf(assignments.Approved), Count: 1},
	})
}

func decisions(t *testing.T, b *bench) {
	ada := resources.Ref{Type: "Person", Key: "ada"}
	role := assignments.AssignedRole{
		Owner: ada, Role: "Clerk", Workflow: assignments.Calculated, Period: assignments.Period{From: begin},
		Reasons: []assignments.Reason{{Rule: "roles.Clerk.assign[0]"}},
	}
	other := role
	other.Role = "Auditor"
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), []assignments.AssignedRole{role, other}, nil))
	role.Workflow = assignments.Approved
	must(t, b.SaveAssignedRoles(b.ctx, b.act("assign"), []assignments.AssignedRole{role}, []statement.AssignedRoleKey{{Owner: ada, Role: "Auditor"}}))
	for _, owner := range []*resources.Ref{nil, &ada} {
		got, err := b.AssignedRoles(b.ctx, owner)
		must(t, err)
		if !reflect.DeepEqual(got, []assignments.AssignedRole{role}) {
			t.Errorf("got %+v", got)
		}
	}
	roleDecisions(t, b, ada)
	movedRoles(t, b, role)
	d := statement.Decision{
		Kind: statement.Allocation, Type: "Person", Owner: ada, Property: "login", Value: value.OfString("ada"), At: begin, By: "me", Why: "free",
	}
	must(t, b.Decide(b.ctx, b.act("allocate"), []statement.Decision{d}))
	d.Value = value.OfInt(7)
	must(t, b.Decide(b.ctx, b.act("allocate"), []statement.Decision{d}))
	got, err := b.Decisions(b.ctx, statement.Allocation)
	must(t, err)
	want(t, "decision", got, []statement.Decision{d})
	b.read(t, statement.Changes{Put: []resources.Resource{person("ada", "Ada"), person("bob", "Bob")}})
	owners, err := b.Owners(b.ctx, []resources.Ref{ada, {Type: "Person", Key: "nobody"}})
	must(t, err)
	want(t, "an owner bears what was allocated to her", words(len(owners), owners[ada].Display, owners[ada].Value("login"), owners[ada].Value("mail")), "1 Ada 7 Ada@example.org")
	must(t, b.Revoke(b.ctx, b.act("revoke"), []statement.Decision{{Kind: d.Kind, Type: d.Type, Owner: ada, Property: "login"}}))
	p := statement.Park{Type: "PersonalAccount", Kind: orders.Deletion, Since: begin, Count: 30, Limit: 20, Why: "too many"}
	must(t, b.Park(b.ctx, b.act("park"), []statement.Park{p}))
	p.Count = 40
	again := p
	again.Since = begin.Add(time.Hour)
	must(t, b.Park(b.ctx, b.act("park"), []statement.Park{again}))
	parks, err := b.Parks(b.ctx)
	must(t, err)
	want(t, "a park keeps its beginning", parks, []statement.Park{p})
	must(t, b.Unpark(b.ctx, b.act("release"), []statement.ParkKey{{Type: p.Type, Kind: p.Kind}}))
	want(t, "empty", b.rows(t, `SELECT (SELECT count(*) FROM park) + (SELECT count(*) FROM decision)`), 0)
}

func allocated(t *testing.T, b *bench) {
	d := statement.Decision{Kind: statement.Allocation, Type: "Person", Owner: resources.Ref{Type: "Person", Key: "ada"}, Property: "login", Value: value.OfString("a")}
	must(t, b.Decide(b.ctx, b.act("allocate"), []statement.Decision{d}))
	d.Owner.Key = "alan"
	if err := b.Decide(b.ctx, b.act("allocate"), []statement.Decision{d}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the same login twice: %v", err)
	}
}

func due(t *testing.T, b *bench) {
	later := statement.Due{What: "drain", Subject: "main", NotBefore: b.now.Add(time.Hour)}
	must(t, b.AddDue(b.ctx, []statement.Due{later, {What: "drain", Subject: "main", NotBefore: b.now}, {What: "read", Subject: "hr", NotBefore: b.now.Add(time.Minute)}}))
	take := func(holder string, after time.Duration) []statement.Due {
		list, err := b.TakeDue(b.ctx, holder, b.now.Add(after), b.now.Add(after+lease), 10)
		must(t, err)
		return list
	}
	want(t, "at once, at the earlier time", take("a", 0), []statement.Due{{What: "drain", Subject: "main", NotBefore: b.now}})
	want(t, "while it is held", len(take("b", lease/2)), 0)
	dead := take("b", lease)
	want(t, "after the lease", len(dead), 2)
	must(t, b.DoneDue(b.ctx, "a", dead)) // the late one's word counts no more
	want(t, "kept", b.rows(t, `SELECT count(*) FROM due`), 2)
	must(t, b.AddDue(b.ctx, dead[:1])) // due again while it is worked on
	must(t, b.DoneDue(b.ctx, "b", dead))
	want(t, "due again", b.rows(t, `SELECT count(*) FROM due`), 1)
}

func configurations(t *testing.T, b *bench) {
	if _, err := b.Deployed(b.ctx); fault.KindOf(err) != fault.NotFound {
		t.Errorf("before the first: %v", err)
	}
	for _, hash := range []string{"one", "two"} {
		must(t, b.Deploy(b.ctx, b.act("apply"), statement.Deployment{Hash: hash, Files: map[string][]byte{"model.yaml": []byte(hash)}}))
	}
	d, err := b.Deployed(b.ctx)
	must(t, err)
	list, err := b.Deployments(b.ctx)
	must(t, err)
	want(t, "deployed", words(d.ID, d.Hash, string(d.Files["model.yaml"]), d.By, d.At.Equal(b.now), len(list), list[1].Hash), "2 two two storetest true 2 one")
}

func numbers(t *testing.T, b *bench) {
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				first, err := b.Reserve(b.ctx, statement.OrderCounter, 3)
				mu.Lock()
				for n := first; n < first+3; n++ {
					if err != nil || seen[n] || n < 1 {
						t.Errorf("number %d: %v", n, err)
					}
					seen[n] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	first, err := b.Reserve(b.ctx, statement.AssignedCounter, 1)
	must(t, err)
	want(t, "taken, and another counter", words(len(seen), first), "120 1")
}

func exclusive(t *testing.T, b *bench) {
	release, ok, err := b.Exclusive(b.ctx, "evaluate")
	must(t, err)
	_, second, err := b.Exclusive(b.ctx, "evaluate")
	must(t, err)
	another, third, err := b.Exclusive(b.ctx, "read hr/Person")
	must(t, err)
	want(t, "taken, taken again, another", words(ok, second, third), "true false true")
	must(t, release())
	must(t, another())
	release, ok, err = b.Exclusive(b.ctx, "evaluate")
	must(t, err)
	want(t, "after the release", ok, true)
	must(t, release())
}

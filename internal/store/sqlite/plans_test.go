package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
)

// asksOf asks every list page's question in its ways.
func asksOf(ctx context.Context, v *statement.Views) []error {
	var errs []error
	say := func(err error) { errs = append(errs, err) }
	for _, f := range []view.PeopleFilter{
		{}, {After: view.PeopleCursor{Display: "a", Key: "b"}}, {Sort: view.Sort{By: view.ByKey}, After: view.PeopleCursor{Key: "b"}}, {Sort: view.Newest, After: view.PeopleCursor{Display: "a", Key: "b"}}, {Text: "ada lo"},
	} {
		f.Entity = "Person"
		_, err := v.People(ctx, f)
		say(err)
	}
	review := view.ReviewQueue()
	review.On = time.Unix(1, 0)
	every := []view.OrderFilter{{}, {Sort: view.Newest}, review, view.ManualQueue(), {Gated: true, States: []orders.State{orders.Pending}}, {Closed: true, Sort: view.Newest, States: []orders.State{orders.Verified}}}
	for _, f := range every {
		for _, cut := range []func(*view.OrderFilter){
			func(*view.OrderFilter) {}, func(f *view.OrderFilter) { f.After = 5 }, func(f *view.OrderFilter) { f.Types = []string{"T"} },
			func(f *view.OrderFilter) { f.Kinds = []orders.Kind{orders.Deletion} }, func(f *view.OrderFilter) { f.Text = "ada" },
			func(f *view.OrderFilter) { f.SinceBefore = time.Unix(1, 0) }, func(f *view.OrderFilter) { f.Types, f.Property = []string{"T"}, "p" },
		} {
			for _, text := range view.OrderColumns.Texts() {
				one := f
				if cut(&one); text != "number" && text != "-number" { // which way is the question's own
					one.Sort, _ = view.OrderColumns.Read(text, one.Sort)
				}
				_, err := v.Orders(ctx, one)
				say(err)
			}
		}
	}
	for _, f := range []view.ReconciliationFilter{{}, {Types: []string{"T"}}, {Drifted: true}, {Unauthorized: true}, {Types: []string{"T"}, Property: "p"}} {
		_, err := v.Reconciliation(ctx, f)
		say(err)
	}
	for _, f := range []view.RequestFilter{{}, {WaitsFor: "max"}, {Stuck: true}, {Closed: true}} {
		for _, text := range view.RequestColumns.Texts() {
			f.Sort, _ = view.RequestColumns.Read(text, f.Sort)
			_, err := v.Requests(ctx, f)
			say(err)
		}
	}
	for _, f := range []view.FoundRoleFilter{{}, {Roles: []string{"r"}}, {PreExisting: true}} {
		for _, text := range view.FoundRoleColumns.Texts() {
			f.Sort, _ = view.FoundRoleColumns.Read(text, f.Sort)
			_, err := v.FoundRoles(ctx, f)
			say(err)
		}
	}
	for _, text := range view.HolderColumns.Texts() {
		s, _ := view.HolderColumns.Read(text, view.Sort{})
		_, err := v.Holders(ctx, view.HolderFilter{Role: "r", Sort: s})
		say(err)
	}
	for _, text := range view.QuestionColumns.Texts() {
		s, _ := view.QuestionColumns.Read(text, view.Sort{})
		_, err := v.Reconciliation(ctx, view.ReconciliationFilter{Types: []string{"T"}, Sort: s})
		say(err)
	}
	for _, f := range []view.RuleFilter{{Type: "T"}, {Role: "r"}} {
		if _, err := v.RuleReach(ctx, f); fault.KindOf(err) != fault.Denied { // of part of an installation nothing is counted
			say(err)
		}
	}
	for _, hops := range [][]access.Hop{{{Entity: "Person", Property: "department"}}, {{Entity: "Person", Property: "manager"}, {Entity: "Person", Property: "department"}}} {
		_, err := v.Peers(ctx, view.PeersFilter{Owner: resources.Ref{Type: "Person", Key: "ada"}, Hops: hops, Roles: []string{"r"}})
		say(err)
	}
	_, err := v.StateCounts(ctx, view.CountMost)
	say(err)
	_, err = v.TypeCounts(ctx, view.CountMost)
	say(err)
	_, err = v.AccountCounts(ctx, []string{"T"})
	say(err)
	return errs
}

var (
	asks      = regexp.MustCompile(`^(WITH|SELECT)`)
	parameter = regexp.MustCompile(`\?([0-9]+)`)
	// through is a table that is gone through from its beginning, and by no index.
	through = regexp.MustCompile(`^SCAN (\w+)$`)
)

// small are what may be gone through: what was found before, and tables of a few rows.
var small = map[string]bool{"x": true, "t": true, "found": true, "counted": true, "entity": true, "p": true, "json_each": true, "order_transition": true}

// ends says of a statement why it may go through a table: it stops at once.
func ends(text string) bool {
	return !strings.Contains(text, "WHERE") && strings.Contains(text, "FROM request q ORDER BY q.id") || // the whole list, in the order of the table
		strings.Contains(text, "workflow = 18 LIMIT") // most roles are calculated
}

// plans lists how the database goes about every question that was asked.
func plans(t *testing.T, store *statement.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, text := range store.Statements() {
		if !asks.MatchString(text) {
			continue
		}
		most := 0
		for _, m := range parameter.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			most = max(most, n)
		}
		rows, err := store.SQL().Query("EXPLAIN QUERY PLAN "+text, make([]any, most)...)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			all[text] = append(all[text], detail)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// scans are the steps that go through a table.
func scans(plan []string) (list []string) {
	for _, step := range plan {
		if m := through.FindStringSubmatch(step); m != nil && !small[m[1]] {
			list = append(list, step)
		}
	}
	return list
}

func TestNoListGoesThroughATable(t *testing.T) {
	ctx := t.Context()
	store := open(t, sqlite.Memory, sqlite.Options{})
	defer store.Close()
	department := access.Part{Whom: true, Paths: []access.Path{{Hops: []access.Hop{{Entity: "Person", Property: "department"}}, Keys: []resources.Key{"FIN"}}}}
	few := access.Part{Whom: true, People: []resources.Ref{{Type: "Person", Key: "ada"}, {Type: "Person", Key: "bob"}}}
	system := access.Part{What: true, Types: []roles.ResourceTypeID{"T"}, Roles: []roles.RoleID{"r"}}
	views := []*statement.Views{store.Views()}
	for _, p := range []access.Part{department, few, system} {
		views = append(views, store.Views().Within(access.Filter{Clauses: []access.Clause{{p}}}))
	}
	for _, v := range views {
		for i, err := range asksOf(ctx, v) {
			if err != nil {
				t.Fatalf("question %d: %v", i, err)
			}
		}
	}
	// What acts and stages ask of queues, beside the pages.
	at := statement.ParkKey{Type: "T", Kind: orders.Deletion}
	_, _, err := store.OpenOf(ctx, at, 5, 10)
	_, ofStanding := store.Standing(ctx, []roles.ResourceTypeID{"T"})
	_, ofCollected := store.ToCollect(ctx, "c", "x", 1)
	if err := errors.Join(err, ofStanding, ofCollected); err != nil {
		t.Fatal(err)
	}
	all := plans(t, store)
	if len(all) < 100 {
		t.Fatalf("only %d statements were run", len(all))
	}
	for text, plan := range all {
		if found := scans(plan); len(found) > 0 && !ends(text) {
			t.Errorf("%s\n  %s", text, strings.Join(plan, "\n  "))
		}
	}
	// The check finds what it looks for.
	if _, err := store.SQL().Exec("DROP INDEX provisioning_order_list"); err != nil {
		t.Fatal(err)
	}
	planted := 0
	for _, plan := range plans(t, store) {
		planted += len(scans(plan))
	}
	if planted == 0 {
		t.Error("without the index of open orders nothing goes through them: " + fmt.Sprint(len(all)))
	}
}

// laidLong lays more open orders and requests than are sorted for a page.
func laidLong(t *testing.T, store *statement.DB) {
	t.Helper()
	for _, text := range []string{
		`INSERT INTO assigned_resource (id, type, owner_type, owner_key, entity, target, connector, connection, manual, workflow, state, blocked, errored,
			found, present, confidence, from_at, to_at, waiting, closed, version, document)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= %d)
			SELECT i, 'T', 'Person', 'p' || i, 'Account', 'cn=' || i, 'c', 'm', 1, 18, 1, 1, 0, 0, 0, 100, 0, 0, 0, 0, 1, '{}' FROM n`,
		`INSERT INTO provisioning_order (id, assigned_resource, kind, version, created_at, closed_at, supersedes, outcome, waits, taken_by, agent, fence,
			lease_until, not_before, type, owner_type, owner_key, connector, connection, manual, state, gated, ready, transmitted, read_back, blocked,
			errored, due_at, expires_at, since_at)
			SELECT id, id, 'addition', 1, 1, 0, 0, '', '', '', '', 0, 0, 0, type, owner_type, owner_key, connector, connection, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, id %% 7
			FROM assigned_resource WHERE id <= %d + 1`,
		`INSERT INTO request (id, owner_type, owner_key, role, action, parameters, from_at, to_at, why, actor, at, workflow, since_at, remarks, stuck, version)
			SELECT id, owner_type, owner_key, 'r', 'add', '', 0, 0, '', 'bob', 1, 9, id %% 7, '[]', '', 1 FROM assigned_resource WHERE id <= %d + 1`,
	} {
		if _, err := store.SQL().Exec(fmt.Sprintf(text, view.SortedMost)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALongListIsWalkedInItsOrder(t *testing.T) {
	ctx := t.Context()
	store := open(t, sqlite.Memory, sqlite.Options{})
	defer store.Close()
	laidLong(t, store)
	v := store.Views()
	review := view.ReviewQueue()
	review.On = time.Unix(1, 0)
	for _, f := range []view.OrderFilter{
		{}, review, view.ManualQueue(), {States: []orders.State{orders.Pending}}, {Types: []string{"T", "U"}, Kinds: []orders.Kind{orders.Addition}},
	} {
		for _, by := range []view.Column{view.BySince, view.ByType} {
			for _, down := range []bool{false, true} {
				f.Sort, f.After, f.AfterBy = view.Sort{By: by, Down: down}, 0, ""
				page, err := v.Orders(ctx, f)
				if err != nil || page.After == 0 {
					t.Fatalf("%+v: %v, %d rows", f, err, len(page.Orders))
				}
				f.After, f.AfterBy = page.After, page.AfterBy
				if _, err := v.Orders(ctx, f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, closed := range []bool{false, true} {
		if _, err := v.Requests(ctx, view.RequestFilter{Closed: closed, Sort: view.Sort{By: view.BySince}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range view.QuestionColumns.Texts() {
		s, _ := view.QuestionColumns.Read(text, view.Sort{})
		for _, types := range [][]string{nil, {"T"}} {
			if _, err := v.Reconciliation(ctx, view.ReconciliationFilter{Types: types, Sort: s}); err != nil {
				t.Fatal(err)
			}
		}
	}
	walked := func() (right, wrong int) {
		for text, plan := range plans(t, store) {
			for order, index := range map[string]string{
				"ORDER BY o.since_at": "COVERING INDEX provisioning_order_since", "ORDER BY o.type": "COVERING INDEX provisioning_order_type", "ORDER BY q.since_at": "INDEX request_",
				"ORDER BY a.id": "INDEX assigned_resource_question",
			} {
				if !strings.Contains(text, order) {
					continue
				}
				all := strings.Join(plan, "\n  ")
				if strings.Contains(all, index) && !strings.Contains(all, "TEMP B-TREE") {
					right++
					continue
				}
				wrong++
				t.Logf("%s\n  %s", text, all)
			}
		}
		return right, wrong
	}
	if right, wrong := walked(); right < 30 || wrong > 0 {
		t.Errorf("%d statements walk in their order, %d do not", right, wrong)
	}
	// The check finds what it looks for.
	if _, err := store.SQL().Exec("DROP INDEX provisioning_order_since"); err != nil {
		t.Fatal(err)
	}
	if _, wrong := walked(); wrong == 0 {
		t.Error("without its index the list of orders by age is walked as before")
	}
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

// The shape of S9: what each person has.
const (
	accountsEach   = 5
	valuesEach     = 10
	rolesEach      = 10
	rolesLaid      = 200
	departments    = 1_000
	orderedOneIn   = 10 // one person in so many has an open order
	driftedOneIn   = 50
	foundOneIn     = 100
	askingOneIn    = 20
	journalEntries = 30_000
	peopleAtOnce   = 50_000
	copiesFrom     = 1_000       // numbers below are the models'
	openFrom       = 20_000_000  // numbers of open orders
	closedFrom     = 100_000_000 // numbers of closed orders
	modelOrders    = 300_000_000 // numbers of the models' orders
)

// laidAt is when everything in the laid store happened.
var laidAt = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// A layout is a store of many people that no evaluation had to compute. The
// people are read as a reading is; of everything else the store itself writes one
// model of each kind, moved by the real machine, and the database copies it under
// other keys.
type layout struct {
	*statement.DB
	people int
	conn   *sql.Conn
	models map[string]orders.AssignedID
	next   orders.OrderID
}

// layLists lays a store for so many people. PROVISOR_BENCH_STORE names a folder in
// which it stays, to be asked again.
func layLists(ctx context.Context, b *testing.B, people int) *statement.DB {
	b.Helper()
	path := filepath.Join(b.TempDir(), "provisor.db")
	if kept := os.Getenv("PROVISOR_BENCH_STORE"); kept != "" {
		path = filepath.Join(kept, fmt.Sprintf("lists-%d.db", people))
	}
	_, missing := os.Stat(path)
	store, err := sqlite.Open(ctx, path, sqlite.Options{Careless: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if missing == nil {
		return store
	}
	l := &layout{DB: store, people: people, models: map[string]orders.AssignedID{}}
	began := time.Now()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"people", l.read}, {"models", l.model}, {"copies", l.copies}, {"journal", l.entries}} {
		if err := step.do(ctx); err != nil {
			b.Fatalf("%s: %v", step.name, err)
		}
		b.Logf("%d people: %s laid after %v", people, step.name, time.Since(began).Round(100*time.Millisecond))
	}
	return store
}

// syllables make names of which many begin alike, as names do.
var syllables = []string{"an", "be", "ca", "da", "el", "fi", "ga", "ha", "il", "jo", "ka", "lu", "ma", "no", "or", "pa", "qui", "ro", "sa", "ti", "ul", "vi", "we", "xa", "yo", "ze"}

func named(i, of int) string {
	n := i % of
	name := syllables[n%7*3] + syllables[n/7%len(syllables)] + syllables[n/7/len(syllables)%len(syllables)]
	return strings.ToUpper(name[:1]) + name[1:]
}

func personKey(i int) string { return fmt.Sprintf("P%07d", i) }

// read commits the people in readings of some.
func (l *layout) read(ctx context.Context) error {
	for from := 0; from < l.people; from += peopleAtOnce {
		put := make([]resources.Resource, 0, peopleAtOnce)
		for i := from; i < min(from+peopleAtOnce, l.people); i++ {
			key, first, last := personKey(i), named(i*7919, 1_200), named(i*104_729, 4_400)
			put = append(put, resources.Resource{
				Ref: resources.Ref{Type: "Person", Key: resources.Key(key)}, Display: first + " " + last,
				Values: map[schema.PropertyName]value.Value{
					"id": value.OfString(key), "first": value.OfString(first), "last": value.OfString(last), "grade": value.OfInt(int64(i % 12)),
					"mail": value.OfString(strings.ToLower(first+"."+last+"."+key) + "@example.org"),
				},
				Links: map[schema.PropertyName][]resources.Key{"department": {resources.Key(fmt.Sprintf("D%03d", i*31%departments))}},
			})
		}
		if err := commitMany(ctx, l.DB, "Person", put); err != nil {
			return err
		}
	}
	return nil
}

// commitMany commits a reading of an entity type that does not say that it is all.
func commitMany(ctx context.Context, store *statement.DB, of schema.EntityType, put []resources.Resource) error {
	r := resources.Reading{Entity: of, Connector: "hr", Began: laidAt, Counts: resources.Counts{Read: len(put), Added: len(put)}}
	id, err := store.BeginReading(ctx, r)
	if err != nil {
		return err
	}
	r.ID = id
	return store.CommitReading(ctx, laidAct("synchronize"), r, statement.Changes{Put: put, Identify: []schema.PropertyName{"mail"}})
}

func laidAct(name string) journal.Act {
	return journal.Act{Actor: journal.Actor{Process: "bench"}, Name: name, At: laidAt}
}

func (l *layout) occasion() orders.Occasion {
	return orders.Occasion{Now: laidAt, Actor: "bench", NewOrder: func() orders.OrderID { l.next++; return modelOrders + l.next }}
}

// owner stands in the models where a person's key comes.
const owner = "@OWNER@@"

// expected is an account as it should be.
func expected(of int) assignments.ExpectedResource {
	e := assignments.ExpectedResource{
		Type: roles.ResourceTypeID(fmt.Sprintf("T%d", of)), Owner: resources.Ref{Type: "Person", Key: owner}, Confidence: 100,
		Wanted: true, Workflow: assignments.Calculated, Reasons: []assignments.Reason{{Rule: fmt.Sprintf("resourceTypes.T%d.who[0]", of)}},
		Target: "cn=" + owner,
	}
	for i := range valuesEach {
		from := &assignments.Origin{
			Property: schema.PropertyName(fmt.Sprintf("v%d", i)), Workflow: assignments.Calculated, Compare: value.Exact,
			Reasons: []assignments.Reason{{Rule: fmt.Sprintf("resourceTypes.T%d.values.v%d", of, i)}},
		}
		e.Items = append(e.Items, assignments.ExpectedItem{Origin: from, Wanted: true, Value: value.OfString(fmt.Sprintf("%s of %s", from.Property, owner))})
	}
	return e
}

// thereOf is the account as a system holds it.
func thereOf(e assignments.ExpectedResource) *resources.Resource {
	there := &resources.Resource{Ref: resources.Ref{Type: "Account", Key: e.Target}, Values: map[schema.PropertyName]value.Value{}}
	for _, x := range e.Items {
		there.Values[x.Property] = x.Value
	}
	return there
}

// handled is how the accounts are treated.
func handled(how func(*orders.Handling)) orders.Handling {
	h := orders.Handling{Connector: "directory", Connection: "main", Target: "Account", Readable: true, Add: true, Remove: true, Attempts: 1, Validity: 1000 * time.Hour}
	if how != nil {
		how(&h)
	}
	return h
}

// model writes one of each kind.
func (l *layout) model(ctx context.Context) error {
	var list []*orders.AssignedResource
	add := func(name string, of int, there bool, h orders.Handling, then func(*orders.AssignedResource) error) error {
		e := expected(of)
		if name == "unauthorized" {
			e.Wanted, e.Workflow, e.Reasons, e.Items = false, assignments.NonConforming, nil, nil
		}
		a := orders.New(orders.AssignedID(len(list)+1), e)
		var found *resources.Resource
		if there {
			found = thereOf(expected(of))
		}
		a.Adopt(e, h, found, orders.At(laidAt))
		if err := a.Judge(l.occasion()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if then != nil {
			if err := then(a); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		l.models[name] = a.ID
		list = append(list, a)
		return nil
	}
	collect := func(a *orders.AssignedResource) error { return a.Collect(l.occasion(), "agent", 1000*time.Hour) }
	for of := range accountsEach {
		if err := add(fmt.Sprintf("resting%d", of), of, true, handled(nil), nil); err != nil {
			return err
		}
	}
	err := add("review", 0, false, handled(func(h *orders.Handling) { h.Review = true }), nil)
	if err == nil {
		err = add("pending", 0, false, handled(nil), nil)
	}
	if err == nil {
		err = add("handed", 0, false, handled(func(h *orders.Handling) { h.Manual = true }), collect)
	}
	if err == nil {
		err = add("errored", 0, false, handled(nil), func(a *orders.AssignedResource) error {
			if err := collect(a); err != nil {
				return err
			}
			return l.report(a, orders.ItemReport{Effect: orders.EffectNone, Err: "refused", Permanent: true})
		})
	}
	if err == nil {
		err = add("executed", 1, false, handled(nil), func(a *orders.AssignedResource) error {
			if err := collect(a); err != nil {
				return err
			}
			return l.report(a, orders.ItemReport{Effect: orders.EffectDone})
		})
	}
	if err == nil {
		err = add("drifted", 2, true, handled(nil), nil)
	}
	if err == nil {
		err = add("unauthorized", 3, true, handled(nil), nil)
	}
	if err != nil {
		return err
	}
	if err := l.Save(ctx, laidAct("generate"), list); err != nil {
		return err
	}
	return l.afterwards(ctx)
}

func (l *layout) report(a *orders.AssignedResource, of orders.ItemReport) error {
	r := orders.Report{Fence: a.Order.Fence, Key: "cn=" + owner, Items: map[int]orders.ItemReport{}}
	for _, it := range a.Carried() {
		r.Items[it.ID] = of
	}
	return a.Report(l.occasion(), r)
}

// afterwards lets a reading see two of the models, and writes the roles and requests.
func (l *layout) afterwards(ctx context.Context) error {
	later := l.occasion()
	later.Now = laidAt.Add(time.Hour)
	see := func(name string, change func(*resources.Resource)) error {
		return l.Update(ctx, laidAct("verify"), []orders.AssignedID{l.models[name]}, func(a *orders.AssignedResource) error {
			r := thereOf(expected(0))
			r.Key = a.Target
			change(r)
			return a.Observe(later, orders.Observation{Began: later.Now, Resource: r})
		})
	}
	if err := see("executed", func(*resources.Resource) {}); err != nil {
		return err
	}
	if err := see("drifted", func(r *resources.Resource) { r.Values["v3"] = value.OfString("by hand") }); err != nil {
		return err
	}
	person := resources.Ref{Type: "Person", Key: owner}
	had := func(role string, w assignments.Workflow) assignments.AssignedRole {
		return assignments.AssignedRole{Owner: person, Role: roles.RoleID(role), Workflow: w, Reasons: []assignments.Reason{{Rule: "roles.r.assign[0]", Note: "by a rule"}}}
	}
	if err := l.SaveAssignedRoles(ctx, laidAct("evaluate"), []assignments.AssignedRole{had("given", assignments.Calculated), had("found", assignments.NonConforming)}, nil); err != nil {
		return err
	}
	asked := requests.Request{
		ID: 1, Owner: person, Role: "given", Action: requests.Add, Why: "needed", By: "bob", At: laidAt, State: assignments.PendingApproval1of1, Since: laidAt,
	}
	settled := asked
	settled.ID, settled.State = 2, assignments.Approved
	seats := []requests.Seat{{Person: "reviewer", As: "manager"}}
	if err := l.SaveRequest(ctx, laidAct("request"), statement.RequestChange{Request: asked, Reviewers: seats}); err != nil {
		return err
	}
	return l.SaveRequest(ctx, laidAct("request"), statement.RequestChange{Request: settled})
}

// entries fills the journal.
func (l *layout) entries(ctx context.Context) error {
	for i := range min(journalEntries, l.people) {
		act := laidAct("approve")
		act.Subject, act.Why = "order "+fmt.Sprint(i), "fine"
		if i%10 == 0 {
			act.Actor.As = "ada"
		}
		if err := l.AppendAct(ctx, act); err != nil {
			return err
		}
	}
	return nil
}

// copies copies the models, with the indexes made afterwards: sorted once.
func (l *layout) copies(ctx context.Context) error {
	conn, err := l.SQL().Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	l.conn = conn
	indexes, err := l.texts(ctx, `SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
		AND tbl_name IN ('assigned_resource', 'provisioning_order', 'order_item', 'assigned_role', 'request', 'request_reviewer')`)
	if err != nil {
		return err
	}
	for _, text := range indexes {
		words := strings.Fields(text)
		if err := l.run(ctx, "DROP INDEX "+words[slices.Index(words, "INDEX")+1]); err != nil {
			return err
		}
	}
	for from := 0; from < l.people; from += peopleAtOnce {
		if err := l.run(ctx, "BEGIN"); err != nil {
			return err
		}
		if err := l.copyPiece(ctx, from, min(from+peopleAtOnce, l.people)); err != nil {
			return err
		}
		if err := l.run(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	for _, text := range indexes {
		if err := l.run(ctx, text); err != nil {
			return err
		}
	}
	return l.unmodel(ctx)
}

// unmodel takes the models away: nobody bears their key. Their steps are
// append-only, and stay with the accounts, closed.
func (l *layout) unmodel(ctx context.Context) error {
	for _, text := range []string{
		fmt.Sprintf("DELETE FROM order_item WHERE order_id >= %d", modelOrders), "DELETE FROM provisioning_order WHERE assigned_resource < 1000",
		"UPDATE assigned_resource SET closed = 1 WHERE id < 1000",
		"DELETE FROM assigned_role WHERE owner_type = 'Person' AND owner_key = '" + owner + "'", "DELETE FROM request_reviewer WHERE request < 3", "DELETE FROM request WHERE id < 3",
		"UPDATE counter SET value = 900000000", "INSERT INTO counter (name, value) VALUES ('" + statement.OrderCounter + "', 900000000) ON CONFLICT DO NOTHING",
	} {
		if err := l.run(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// copyPiece gives some people what they have.
func (l *layout) copyPiece(ctx context.Context, from, to int) error {
	open := []string{"review", "pending", "review", "handed", "review", "errored", "pending", "review"}
	copyAll := func(name, where string, slot int, order string) error {
		return l.account(ctx, from, to, name, where, slot, order)
	}
	for slot := range accountsEach {
		where := map[int]string{
			0: fmt.Sprintf("n.i %% %d <> 0", orderedOneIn), 1: fmt.Sprintf("n.i %% %d <> 1", orderedOneIn),
			2: fmt.Sprintf("n.i %% %d <> 2", driftedOneIn), 3: fmt.Sprintf("n.i %% %d <> 3", foundOneIn), 4: "true",
		}[slot]
		if err := copyAll(fmt.Sprintf("resting%d", slot), where, slot, ""); err != nil {
			return err
		}
	}
	for i, name := range open {
		if err := copyAll(name, fmt.Sprintf("n.i %% %d = %d", orderedOneIn*len(open), orderedOneIn*i), 0, fmt.Sprintf("n.i + %d", openFrom)); err != nil {
			return err
		}
	}
	if err := copyAll("executed", fmt.Sprintf("n.i %% %d = 1", orderedOneIn), 1, fmt.Sprintf("n.i + %d", closedFrom)); err != nil {
		return err
	}
	if err := copyAll("drifted", fmt.Sprintf("n.i %% %d = 2", driftedOneIn), 2, ""); err != nil {
		return err
	}
	if err := copyAll("unauthorized", fmt.Sprintf("n.i %% %d = 3", foundOneIn), 3, ""); err != nil {
		return err
	}
	key := "printf('P%07d', n.i)"
	for r := range rolesEach {
		with := map[string]string{"owner_key": key, "role": fmt.Sprintf("'r' || ((n.i + %d) %% %d)", r*17, rolesLaid)}
		if err := l.copyRows(ctx, from, to, "assigned_role", "t.role = 'given' AND t.owner_key = '"+owner+"'", "true", with); err != nil {
			return err
		}
	}
	with := map[string]string{"owner_key": key, "role": fmt.Sprintf("'r' || ((n.i + 3) %% %d)", rolesLaid)}
	if err := l.copyRows(ctx, from, to, "assigned_role", "t.role = 'found' AND t.owner_key = '"+owner+"'", fmt.Sprintf("n.i %% %d = 5", foundOneIn), with); err != nil {
		return err
	}
	for id, rest := range map[int]int{1: 0, 2: 1} {
		number := fmt.Sprintf("n.i + %d", copiesFrom)
		where := fmt.Sprintf("n.i %% %d = %d", askingOneIn, rest)
		with := map[string]string{"id": number, "owner_key": key, "role": fmt.Sprintf("'r' || ((n.i + 5) %% %d)", rolesLaid)}
		if err := l.copyRows(ctx, from, to, "request", fmt.Sprintf("t.id = %d", id), where, with); err != nil {
			return err
		}
		seat := map[string]string{"request": number, "person": "printf('P%07d', n.i % 500)"}
		if err := l.copyRows(ctx, from, to, "request_reviewer", fmt.Sprintf("t.request = %d", id), where, seat); err != nil {
			return err
		}
	}
	return nil
}

// account copies one model with its order, the order's items and steps.
func (l *layout) account(ctx context.Context, from, to int, name, where string, slot int, order string) error {
	id, key := fmt.Sprintf("n.i * %d + %d", accountsEach, copiesFrom+slot), "printf('P%07d', n.i)"
	of := func(column string) string { return fmt.Sprintf("replace(t.%s, '%s', %s)", column, owner, key) }
	with := map[string]string{"id": id, "owner_key": key, "target": of("target"), "document": of("document")}
	model := l.models[name]
	if order == "" {
		return l.copyRows(ctx, from, to, "assigned_resource", fmt.Sprintf("t.id = %d", model), where, with)
	}
	var was int64
	if err := l.conn.QueryRowContext(ctx, "SELECT id FROM provisioning_order WHERE assigned_resource = ?", int64(model)).Scan(&was); err != nil {
		return err
	}
	with["document"] = fmt.Sprintf("replace(%s, %s, %s)", with["document"], written(fmt.Sprint(was)), written(order)) // it names its order
	later := " + n.i * 1000000"
	items := map[string]string{"order_id": order, "assigned_resource": id}
	for _, column := range []string{"link", "proposed", "current_value", "before_value"} {
		items[column] = of(column)
	}
	for _, x := range []struct {
		table, model string
		with         map[string]string
	}{
		{"assigned_resource", fmt.Sprintf("t.id = %d", model), with},
		{"provisioning_order", fmt.Sprintf("t.id = %d", was), map[string]string{
			"id": order, "assigned_resource": id, "owner_key": key, "since_at": "t.since_at" + later, "created_at": "t.created_at" + later,
		}},
		{"order_item", fmt.Sprintf("t.order_id = %d", was), items},
		{"order_step", fmt.Sprintf("t.assigned_resource = %d", model), map[string]string{"assigned_resource": id, "order_id": order}},
	} {
		if err := l.copyRows(ctx, from, to, x.table, x.model, where, x.with); err != nil {
			return err
		}
	}
	return nil
}

// written is a number of an order as documents write it: all numbers here take six digits.
func written(number string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
	var places []string
	for place := range 6 {
		more := 33
		if place == 5 {
			more = 1
		}
		places = append(places, fmt.Sprintf("substr('%s', %d + (((%s) * 2 >> %d) & 31), 1)", digits, more, number, 5*place))
	}
	return strings.Join(places, " || ")
}

// copyRows copies the model rows of a table for some people, columns replaced.
func (l *layout) copyRows(ctx context.Context, from, to int, table, model, where string, with map[string]string) error {
	names, err := l.texts(ctx, "SELECT name FROM pragma_table_info('"+table+"')")
	if err != nil {
		return err
	}
	given := make([]string, len(names))
	for i, name := range names {
		if given[i] = with[name]; given[i] == "" {
			given[i] = "t." + name
		}
	}
	return l.run(ctx, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO %s (%s) SELECT %s FROM n CROSS JOIN %s t WHERE %s AND %s ORDER BY 1`,
		from, to-1, table, strings.Join(names, ", "), strings.Join(given, ", "), table, model, where))
}

func (l *layout) run(ctx context.Context, text string) error {
	if _, err := l.conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

func (l *layout) texts(ctx context.Context, query string) (list []string, err error) {
	rows, err := l.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

const (
	// askedEach is how often each question is asked: enough for a hundredth part.
	askedEach = 100
	// askedFor bounds the time for one question: one that is slow is slow at once.
	askedFor = 3 * time.Second
	// shown is a page of a list.
	shown = 50
)

// A question is what a list page asks the store, in one of the ways in which it
// can be asked; i tells its askings apart.
type question struct {
	name string
	ask  func(ctx context.Context, v *statement.Views, i int) (rows int, err error)
}

func listed[P any](ask func(ctx context.Context, v *statement.Views, i int) (P, error), rows func(P) int) func(context.Context, *statement.Views, int) (int, error) {
	return func(ctx context.Context, v *statement.Views, i int) (int, error) {
		page, err := ask(ctx, v, i)
		if err != nil {
			return 0, err
		}
		return rows(page), nil
	}
}

func peopleQuestion(f func(i int) view.PeopleFilter) func(context.Context, *statement.Views, int) (int, error) {
	return listed(func(ctx context.Context, v *statement.Views, i int) (view.PeoplePage, error) {
		asked := f(i)
		asked.Entity, asked.Limit = "Person", shown
		return v.People(ctx, asked)
	}, func(p view.PeoplePage) int { return len(p.People) })
}

func ordersQuestion(f func(i int) view.OrderFilter) func(context.Context, *statement.Views, int) (int, error) {
	return listed(func(ctx context.Context, v *statement.Views, i int) (view.OrderPage, error) {
		asked := f(i)
		asked.Limit = shown
		return v.Orders(ctx, asked)
	}, func(p view.OrderPage) int { return len(p.Orders) })
}

func foundQuestion(f view.ReconciliationFilter) func(context.Context, *statement.Views, int) (int, error) {
	f.Limit = shown
	return listed(func(ctx context.Context, v *statement.Views, i int) (view.ReconciliationPage, error) {
		return v.Reconciliation(ctx, f)
	}, func(p view.ReconciliationPage) int { return len(p.Questions) })
}

func requestsQuestion(f func(i int) view.RequestFilter) func(context.Context, *statement.Views, int) (int, error) {
	return listed(func(ctx context.Context, v *statement.Views, i int) (view.RequestPage, error) {
		asked := f(i)
		asked.Limit = shown
		return v.Requests(ctx, asked)
	}, func(p view.RequestPage) int { return len(p.Requests) })
}

// questions are what the list pages ask, each page in its ways.
func questions(people int) []question {
	letters := func(n int) func(i int) view.PeopleFilter {
		return func(i int) view.PeopleFilter { return view.PeopleFilter{Text: named(i*7919, 1_200)[:n]} }
	}
	list := []question{
		{"directory", peopleQuestion(func(int) view.PeopleFilter { return view.PeopleFilter{} })},
		{"directory, deep", peopleQuestion(func(i int) view.PeopleFilter {
			return view.PeopleFilter{After: view.PeopleCursor{Display: named(i*7919, 1_200), Key: "P"}}
		})},
		{"search, 1 letter", peopleQuestion(letters(1))},
		{"search, 2 letters", peopleQuestion(letters(2))},
		{"search, 4 letters", peopleQuestion(letters(4))},
		{"search, a word of everybody", peopleQuestion(func(int) view.PeopleFilter { return view.PeopleFilter{Text: "example org"} })},
		{"search, two beginnings", peopleQuestion(func(i int) view.PeopleFilter {
			return view.PeopleFilter{Text: named(i*7919, 1_200)[:2] + " " + named(i*104_729, 4_400)[:2]}
		})},
		{"search, a full name", peopleQuestion(func(i int) view.PeopleFilter {
			return view.PeopleFilter{Text: named(i*7919, 1_200) + " " + named(i*104_729, 4_400)}
		})},
		{"search, two that never meet", peopleQuestion(func(int) view.PeopleFilter { return view.PeopleFilter{Text: "a p0000001"} })},
		{"search, nobody", peopleQuestion(func(int) view.PeopleFilter { return view.PeopleFilter{Text: "zzz"} })},
	}
	list = append(list, orderQuestions(people)...)
	list = append(list, sortedQuestions(people)...)
	list = append(list, foundQuestions()...)
	list = append(list, otherQuestions(people)...)
	return list
}

// orderQuestions are those about orders.
func orderQuestions(people int) []question {
	text := func(f view.OrderFilter, of func(i int) string) func(int) view.OrderFilter {
		return func(i int) view.OrderFilter { f.Text = of(i); return f }
	}
	same := func(f view.OrderFilter) func(int) view.OrderFilter { return func(int) view.OrderFilter { return f } }
	review := view.ReviewQueue()
	review.On = laidAt.Add(24 * time.Hour)
	ofType := func(f view.OrderFilter, t string) view.OrderFilter { f.Types = []string{t}; return f }
	list := []question{
		{"orders", ordersQuestion(same(view.OrderFilter{}))},
		{"orders, deep", ordersQuestion(func(i int) view.OrderFilter { return view.OrderFilter{After: orders.OrderID(openFrom + people/2)} })},
		{"orders of a type", ordersQuestion(same(ofType(view.OrderFilter{}, "T0")))},
		{"orders of a type without any", ordersQuestion(same(ofType(view.OrderFilter{}, "T4")))},
		{"orders of a kind without any", ordersQuestion(same(view.OrderFilter{Kinds: []orders.Kind{orders.Deletion}}))},
		{"orders before a gate", ordersQuestion(same(view.OrderFilter{Gated: true, States: []orders.State{orders.Pending}}))},
		{"orders with technicians", ordersQuestion(same(view.ManualQueue()))},
		{"orders of somebody by name", ordersQuestion(text(view.OrderFilter{}, func(i int) string { return named(i*7919, 1_200) }))},
		{"orders by 1 letter", ordersQuestion(text(view.OrderFilter{}, func(i int) string { return named(i*7919, 1_200)[:1] }))},
		{"orders by a name without any", ordersQuestion(text(view.OrderFilter{}, func(int) string { return "p0000001" }))},
		{"review", ordersQuestion(same(review))},
		{"review, deep", ordersQuestion(func(int) view.OrderFilter { f := review; f.After = orders.OrderID(openFrom + people*9/10); return f })},
		{"review of a type", ordersQuestion(same(ofType(review, "T0")))},
		{"review of a type without any", ordersQuestion(same(ofType(review, "T3")))},
		{"review, errored", ordersQuestion(func(int) view.OrderFilter { f := review; f.States = []orders.State{orders.Errored}; return f })},
		{"review, failing", ordersQuestion(func(int) view.OrderFilter { f := review; f.States = []orders.State{orders.Error}; return f })},
		{"review, waiting a month", ordersQuestion(func(int) view.OrderFilter { f := review; f.SinceBefore = laidAt.Add(-time.Hour); return f })},
		{"review of a kind without any", ordersQuestion(func(int) view.OrderFilter { f := review; f.Kinds = []orders.Kind{orders.Deletion}; return f })},
		{"review by name", ordersQuestion(text(review, func(i int) string { return named(i*7919, 1_200) }))},
		{"review by property", ordersQuestion(func(int) view.OrderFilter { f := ofType(review, "T0"); f.Property = "v3"; return f })},
		{"review by a property of none", ordersQuestion(func(int) view.OrderFilter { f := ofType(review, "T0"); f.Property = "none"; return f })},
		{"manual", ordersQuestion(same(view.ManualQueue()))},
		{"manual by name", ordersQuestion(text(view.ManualQueue(), func(i int) string { return named(i*7919, 1_200) }))},
	}
	for _, state := range orders.States() {
		f := view.OrderFilter{States: []orders.State{state}}
		if !state.Open() {
			f.Closed, f.Sort = true, view.Newest
		}
		list = append(list, question{"state " + state.String(), ordersQuestion(same(f))})
	}
	return list
}

// sortedQuestions are those about lists in an order that is not the usual one: by
// an index; or of few, which are taken and sorted; or refused, for there are too many.
func sortedQuestions(people int) (list []question) {
	review := view.ReviewQueue()
	review.On = laidAt.Add(24 * time.Hour)
	for name, f := range map[string]view.OrderFilter{
		"orders": {}, "review": review, "manual": view.ManualQueue(), "state Errored": {States: []orders.State{orders.Errored}}, "orders of a type without any": {Types: []string{"T4"}},
		"orders of two types": {Types: []string{"T0", "T4"}}, "orders of a kind without any": {Kinds: []orders.Kind{orders.Deletion}},
		"orders, history too": {Closed: true}, "orders by name": {Text: named(7919, 1_200)},
	} {
		for _, text := range view.OrderColumns[1:].Texts() {
			one := f
			one.Sort, _ = view.OrderColumns.Read(text, f.Sort)
			list = append(list, question{name + " by " + text, orNone(ordersQuestion(func(int) view.OrderFilter { return one }))})
		}
	}
	deep := view.OrderFilter{Sort: view.Sort{By: view.BySince}, After: orders.OrderID(openFrom + people/2), AfterBy: fmt.Sprint(laidAt.UnixNano())}
	list = append(list, question{"orders by since, deep", ordersQuestion(func(int) view.OrderFilter { return deep })})
	for _, text := range view.RequestColumns[1:].Texts() {
		sort, _ := view.RequestColumns.Read(text, view.Sort{})
		list = append(list, question{"my tasks by " + text, requestsQuestion(func(i int) view.RequestFilter { return view.RequestFilter{WaitsFor: personKey(i % 500), Sort: sort} })},
			question{"open requests by " + text, orNone(requestsQuestion(func(int) view.RequestFilter { return view.RequestFilter{Sort: sort} }))},
			question{"settled requests by " + text, orNone(requestsQuestion(func(int) view.RequestFilter { return view.RequestFilter{Closed: true, Sort: sort} }))})
	}
	for _, text := range view.QuestionColumns[1:].Texts() {
		sort, _ := view.QuestionColumns.Read(text, view.Sort{})
		list = append(list, question{"reconciliation by " + text, orNone(foundQuestion(view.ReconciliationFilter{Sort: sort}))},
			question{"reconciliation of a type without any, by " + text, orNone(foundQuestion(view.ReconciliationFilter{Types: []string{"T4"}, Sort: sort}))})
	}
	for _, text := range view.FoundRoleColumns[1:].Texts() {
		sort, _ := view.FoundRoleColumns.Read(text, view.Sort{})
		list = append(list, question{"found roles by " + text, orNone(listed(func(ctx context.Context, v *statement.Views, _ int) (view.FoundRolePage, error) {
			return v.FoundRoles(ctx, view.FoundRoleFilter{Sort: sort, Limit: shown})
		}, func(p view.FoundRolePage) int { return len(p.Roles) }))})
	}
	for _, text := range view.HolderColumns.Texts() {
		sort, _ := view.HolderColumns.Read(text, view.Sort{})
		list = append(list, question{"who has a role by " + text, orNone(listed(func(ctx context.Context, v *statement.Views, i int) (view.HolderPage, error) {
			return v.Holders(ctx, view.HolderFilter{Role: fmt.Sprintf("r%d", i%rolesLaid), Sort: sort, Limit: shown})
		}, func(p view.HolderPage) int { return len(p.Holders) }))})
	}
	return list
}

// orNone takes the refusal of a list that is too long for an answer.
func orNone(ask func(context.Context, *statement.Views, int) (int, error)) func(context.Context, *statement.Views, int) (int, error) {
	return func(ctx context.Context, v *statement.Views, i int) (int, error) {
		rows, err := ask(ctx, v, i)
		if errors.Is(err, view.ErrTooLong) {
			return 0, nil
		}
		return rows, err
	}
}

// foundQuestions are those about what was found.
func foundQuestions() []question {
	return []question{
		{"reconciliation", foundQuestion(view.ReconciliationFilter{})},
		{"reconciliation, unauthorized", foundQuestion(view.ReconciliationFilter{Unauthorized: true})},
		{"reconciliation, drifted", foundQuestion(view.ReconciliationFilter{Drifted: true})},
		{"reconciliation of a type without any", foundQuestion(view.ReconciliationFilter{Types: []string{"T4"}})},
		{"reconciliation by property", foundQuestion(view.ReconciliationFilter{Types: []string{"T2"}, Property: "v3"})},
		{"reconciliation by a property of none", foundQuestion(view.ReconciliationFilter{Types: []string{"T2"}, Property: "v4"})},
		{"found roles", listed(func(ctx context.Context, v *statement.Views, _ int) (view.FoundRolePage, error) {
			return v.FoundRoles(ctx, view.FoundRoleFilter{Limit: shown})
		}, func(p view.FoundRolePage) int { return len(p.Roles) })},
		{"found roles of one role", listed(func(ctx context.Context, v *statement.Views, _ int) (view.FoundRolePage, error) {
			return v.FoundRoles(ctx, view.FoundRoleFilter{Roles: []string{"r7"}, Limit: shown})
		}, func(p view.FoundRolePage) int { return len(p.Roles) })},
		{"found roles, pre-existing, none", listed(func(ctx context.Context, v *statement.Views, _ int) (view.FoundRolePage, error) {
			return v.FoundRoles(ctx, view.FoundRoleFilter{PreExisting: true, Limit: shown})
		}, func(p view.FoundRolePage) int { return len(p.Roles) })},
	}
}

// otherQuestions are the other lists, and the counts.
func otherQuestions(people int) []question {
	someone := func(i int) string { return personKey(i * 9_973 % people) }
	return []question{
		{"person", func(ctx context.Context, v *statement.Views, i int) (int, error) {
			p, err := v.Person(ctx, resources.Ref{Type: "Person", Key: resources.Key(someone(i))})
			return len(p.Accounts), err
		}},
		{"my tasks", requestsQuestion(func(i int) view.RequestFilter { return view.RequestFilter{WaitsFor: personKey(i % 500)} })},
		{"open requests", requestsQuestion(func(int) view.RequestFilter { return view.RequestFilter{} })},
		{"stuck requests", requestsQuestion(func(int) view.RequestFilter { return view.RequestFilter{Stuck: true} })},
		{"settled requests", requestsQuestion(func(int) view.RequestFilter { return view.RequestFilter{Closed: true, Sort: view.Newest} })},
		{"whom rules of a type touch", func(ctx context.Context, v *statement.Views, _ int) (int, error) {
			reach, err := v.RuleReach(ctx, view.RuleFilter{Type: "T0"})
			return reach.Looked, err
		}},
		{"whom rules of a role touch", func(ctx context.Context, v *statement.Views, i int) (int, error) {
			reach, err := v.RuleReach(ctx, view.RuleFilter{Role: fmt.Sprintf("r%d", i%rolesLaid)})
			return reach.Looked, err
		}},
		{"who has a role", listed(func(ctx context.Context, v *statement.Views, i int) (view.HolderPage, error) {
			return v.Holders(ctx, view.HolderFilter{Role: fmt.Sprintf("r%d", i%rolesLaid), Limit: shown})
		}, func(p view.HolderPage) int { return len(p.Holders) })},
		{"journal", listed(func(ctx context.Context, v *statement.Views, _ int) (view.JournalPage, error) {
			return v.Journal(ctx, view.JournalFilter{Limit: shown})
		}, func(p view.JournalPage) int { return len(p.Entries) })},
		{"journal, nothing found", listed(func(ctx context.Context, v *statement.Views, _ int) (view.JournalPage, error) {
			return v.Journal(ctx, view.JournalFilter{Limit: shown, Text: "no such thing", Within: 20_000})
		}, func(p view.JournalPage) int { return len(p.Entries) })},
		{"counts of states", listed(func(ctx context.Context, v *statement.Views, _ int) (view.StateCounts, error) {
			return v.StateCounts(ctx, view.CountMost)
		}, func(c view.StateCounts) int { return len(c.Orders) })},
		{"counts of types", listed(func(ctx context.Context, v *statement.Views, _ int) ([]view.TypeCount, error) {
			return v.TypeCounts(ctx, view.CountMost)
		}, func(c []view.TypeCount) int { return len(c) })},
		{"counts of a connector", func(ctx context.Context, v *statement.Views, _ int) (int, error) {
			list, err := v.AccountCounts(ctx, []string{"T0", "T1", "T2", "T3", "T4"})
			return len(list), err
		}},
	}
}

// scoped are scopes as profiles have them: a department, a manager's own people, a
// system's owner.
func scoped() map[string]access.Filter {
	department := access.Part{Whom: true, Paths: []access.Path{{Hops: []access.Hop{{Entity: "Person", Property: "department"}}, Keys: []resources.Key{"D007"}}}}
	few := access.Part{Whom: true, People: []resources.Ref{{Type: "Person", Key: "P0000010"}, {Type: "Person", Key: "P0000011"}}}
	system := access.Part{What: true, Types: []roles.ResourceTypeID{"T0"}}
	one := func(p access.Part) access.Filter { return access.Filter{Clauses: []access.Clause{{p}}} }
	return map[string]access.Filter{"a department": one(department), "two people": one(few), "a system": one(system)}
}

// timing is what one question took.
type timing struct {
	name        string
	p99, median time.Duration
	processor   time.Duration // p99 of what it used of processors, whatever else the machine does
	rows        int
}

// asked asks one question again and again.
func asked(ctx context.Context, b *testing.B, v *statement.Views, q question) timing {
	b.Helper()
	var took, used []time.Duration
	t := timing{name: q.name}
	began := time.Now()
	for i := 0; i < askedEach && time.Since(began) < askedFor; i++ {
		at, before := time.Now(), processorTime(b)
		rows, err := q.ask(ctx, v, i)
		took, used = append(took, time.Since(at)), append(used, processorTime(b)-before)
		if fault.KindOf(err) == fault.Denied || fault.KindOf(err) == fault.NotFound {
			continue // outside of the scope
		}
		if err != nil {
			b.Fatalf("%s: %v", q.name, err)
		}
		t.rows = max(t.rows, rows)
	}
	slices.Sort(took)
	slices.Sort(used)
	t.p99, t.median, t.processor = took[len(took)*99/100], took[len(took)/2], used[len(used)*99/100]
	return t
}

// BenchmarkS9 asks every list page's question of a store of many people, and opens
// the pages themselves; with PROVISOR_BENCH_ONLY those whose names it finds.
func BenchmarkS9(b *testing.B) {
	people := peopleAsked()
	askLists(b, layLists(b.Context(), b, people), people)
}

// BenchmarkS9PostgreSQL does the same with the same rows in PostgreSQL.
func BenchmarkS9PostgreSQL(b *testing.B) {
	people := peopleAsked()
	askLists(b, copied(b.Context(), b, layLists(b.Context(), b, people)), people)
}

func askLists(b *testing.B, store *statement.DB, people int) {
	b.Helper()
	ctx := b.Context()
	only := regexp.MustCompile(os.Getenv("PROVISOR_BENCH_ONLY"))
	var all []timing
	ask := func(q question, v *statement.Views) {
		if only.MatchString(q.name) {
			all = append(all, asked(ctx, b, v, q))
		}
	}
	for _, q := range questions(people) {
		ask(q, store.Views())
	}
	for name, filter := range scoped() {
		for _, q := range questions(people) {
			q.name += " [" + name + "]"
			ask(q, store.Views().Within(filter))
		}
	}
	site := laidSite(ctx, b, store)
	for _, address := range listAddresses(people) {
		ask(question{address, func(context.Context, *statement.Views, int) (int, error) { return opened(site, address) }}, nil)
	}
	if len(all) == 0 {
		b.Fatalf("no question is called %s", only)
	}
	approval := approvals(ctx, b, store)
	for b.Loop() {
	}
	slices.SortFunc(all, func(a, b timing) int { return int(b.p99 - a.p99) })
	var used time.Duration
	for _, t := range all {
		b.Logf("%8.1f ms p99 %8.1f ms of processors %8.1f ms median %4d rows  %s", ms(t.p99), ms(t.processor), ms(t.median), t.rows, t.name)
		used = max(used, t.processor)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(all[0].p99), "ms-p99")
	b.ReportMetric(ms(used), "ms-p99-processor")
	b.ReportMetric(ms(approval), "ms-p99-approval")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

const (
	// approved is how many orders are approved during the reading, and readMeanwhile how much it reads.
	approved      = 100
	readMeanwhile = 100_000
)

// approvals approves orders one by one while a large reading is committed.
func approvals(ctx context.Context, b *testing.B, store *statement.DB) time.Duration {
	b.Helper()
	waiting, err := store.Views().Orders(ctx, view.OrderFilter{Review: true, States: []orders.State{orders.AwaitingApproval}, Limit: approved})
	if err != nil {
		b.Fatal(err)
	}
	accounts := make([]resources.Resource, readMeanwhile)
	for i := range accounts {
		key := fmt.Sprintf("cn=reading%06d", i)
		accounts[i] = resources.Resource{Ref: resources.Ref{Type: "Account", Key: resources.Key(key)}, Display: key, Values: map[schema.PropertyName]value.Value{"mail": value.OfString(key)}}
	}
	desk := &review.Desk{Store: store, Clock: func() time.Time { return laidAt.Add(2 * time.Hour) }, Actor: journal.Actor{Process: "bench"},
		Model: func(context.Context) (*roles.Model, error) { return &roles.Model{}, nil }}
	read := make(chan error, 1)
	go func() { read <- commitMany(ctx, store, "Account", accounts) }()
	var took []time.Duration
	during := 0
	for _, o := range waiting.Orders {
		time.Sleep(time.Duration(20+rand.IntN(20)) * time.Millisecond)
		at := time.Now()
		out, err := desk.Decide(ctx, review.Decision{On: orders.Approve, Assigned: []orders.AssignedID{o.Assigned}, Why: "fine"})
		if err != nil || len(out.Decided) != 1 {
			b.Fatalf("order %d: %v, %v", o.ID, out, err)
		}
		took = append(took, time.Since(at))
		select {
		case err := <-read:
			read <- err
		default:
			during++
		}
	}
	if err := <-read; err != nil {
		b.Fatal(err)
	}
	if len(took) == 0 {
		b.Fatal("nothing waits for approval")
	}
	slices.Sort(took)
	b.Logf("%d of %d approvals during the reading; median %v", during, len(took), took[len(took)/2])
	return took[len(took)*99/100]
}

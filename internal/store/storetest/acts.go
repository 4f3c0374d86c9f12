package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

func comesBack(t *testing.T, b *bench) {
	a := b.raise(t, "ada", 3)
	a.Period = assignments.Period{From: begin.AddDate(0, 0, -1), To: begin.AddDate(1, 0, 0)}
	a.Items[1].Ours = []orders.Sent{{Holding: orders.HoldingOf(value.OfDate(begin)), At: orders.At(begin)}}
	a.Items[2].Decision.Declined = []orders.Holding{orders.HoldingOf(value.OfFloat(1.5))}
	a.Target, a.Confidence, a.Waiting = "cn=ada", 80, true
	o := a.Order
	o.Waits, o.NotBefore, o.LeaseUntil, o.Fence, o.Supersedes, o.TakenBy, o.Agent = "a gate", 7, 8, 9, 10, "a technician", "an agent"
	// A field that the domain adds must not be forgotten here nor in the store.
	nothingEmpty(t, *a, "Version", "Closed")
	nothingEmpty(t, *o, "Closed", "Outcome")
	must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
	got, err := json.Marshal(b.load(t, a.ID))
	must(t, err)
	saved, err := json.Marshal(a)
	must(t, err)
	if a.Version != 1 || string(got) != string(saved) {
		t.Errorf("got  %s\nwant %s", got, saved)
	}
}

// nothingEmpty makes sure that every exported field but some has a value.
func nothingEmpty(t *testing.T, of any, but ...string) {
	t.Helper()
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && v.Field(i).IsZero() && !slices.Contains(but, f.Name) {
			t.Errorf("%s.%s has no value in this test", v.Type(), f.Name)
		}
	}
}

func lives(t *testing.T, b *bench) {
	a := b.saved(t, "ada", 2)
	b.send(t, a.ID)
	if got := b.load(t, a.ID); got.Consolidated() != orders.Executed || got.Order == nil || got.Target != "cn=ada" {
		t.Fatalf("after the report: %s, order %+v, target %q", got.Consolidated(), got.Order, got.Target)
	}
	b.show(t, a.ID)
	got := b.load(t, a.ID)
	if got.Consolidated() != orders.Verified || got.Order != nil {
		t.Fatalf("after the reading: %s, order %+v", got.Consolidated(), got.Order)
	}
	detail, err := b.Views().Order(b.ctx, 1)
	must(t, err)
	want(t, "closed order", words(detail.State.Name, detail.Outcome, len(detail.Items), detail.Closed.Equal(b.now)), "Verified verified 3 true")
	var path []string
	for _, step := range detail.Path {
		if step.Name == "p0" {
			path = append(path, step.From.String()+" "+step.Event)
		}
	}
	want(t, "path", path, []string{"None expect", "Pending collect", "Transmitted done", "Executed verify"})
	open, err := b.Assigned(b.ctx, statement.AssignedFilter{OpenOnly: true})
	must(t, err)
	held, err := b.Held(b.ctx)
	must(t, err)
	want(t, "open and held", words(len(open), held["PersonalAccount"]), "0 1")
	if n, err := b.VerifyJournal(b.ctx); err != nil || n != 4 {
		t.Errorf("%d entries, %v; want one for each of four acts", n, err)
	}
}

func supersedes(t *testing.T, b *bench) {
	a := b.saved(t, "ada", 2)
	b.send(t, a.ID)
	e := expected("ada", 2)
	e.Items[0].Value = value.OfString("new")
	b.update(t, a.ID, func(a *orders.AssignedResource) error {
		a.Adopt(e, handling, nil, 0)
		return a.Judge(b.occasion())
	})
	got := b.load(t, a.ID)
	if got.Order == nil || got.Order.ID != 2 || got.Order.Supersedes != 1 {
		t.Fatalf("order %+v", got.Order)
	}
	old, err := b.Views().Order(b.ctx, 1)
	must(t, err)
	want(t, "old order", words(old.Outcome, !old.Closed.IsZero()), "superseded true")
}

func versions(t *testing.T, b *bench) {
	a := b.saved(t, "ada", 1)
	other := b.saved(t, "bob", 1)
	stale := b.load(t, a.ID)
	b.collect(t, a.ID)
	must(t, stale.Collect(b.occasion(), "agent 2", lease))
	err := b.Save(b.ctx, b.act("late"), []*orders.AssignedResource{b.load(t, other.ID), stale})
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "assigned resource 1 ") {
		t.Errorf("got %v, want a conflict that names resource 1", err)
	}
	if got := b.load(t, other.ID); got.Version != 1 {
		t.Errorf("the other resource of the refused act has version %d", got.Version)
	}
	twin := b.raise(t, "ada", 1)
	twin.ID = a.ID
	if err := b.Save(b.ctx, b.act("twin"), []*orders.AssignedResource{twin}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second new resource with a number in use: %v", err)
	}
}

func failsWhole(t *testing.T, b *bench) {
	a, c := b.saved(t, "ada", 1), b.saved(t, "bob", 1)
	before, err := b.ChangeCounter(b.ctx)
	must(t, err)
	broken := errors.New("broken")
	err = b.Update(b.ctx, b.act("move"), []orders.AssignedID{a.ID, c.ID}, func(a *orders.AssignedResource) error {
		if a.ID == c.ID {
			return broken
		}
		return a.Collect(b.occasion(), "agent", lease)
	}, statement.Extra{Park: []statement.Park{{Type: "PersonalAccount", Kind: orders.Addition}}})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	after, err := b.ChangeCounter(b.ctx)
	must(t, err)
	parks, err := b.Parks(b.ctx)
	must(t, err)
	want(t, "nothing moved", words(b.load(t, a.ID).Consolidated(), after-before, len(parks)), "Pending 0 0")
	if err := b.Update(b.ctx, b.act("move"), []orders.AssignedID{99}, nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a resource that is not there: %v", err)
	}
	if err := b.AppendAct(b.ctx, b.act("")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an act without a name: %v", err)
	}
}

func extras(t *testing.T, b *bench) {
	a := b.saved(t, "ada", 1)
	account := resources.Resource{Ref: resources.Ref{Type: "Account", Key: "cn=ada"}, Display: "Ada"}
	earlier, neighbour := account, account
	earlier.Display, neighbour.Key = "Adelaide", "cn=bob"
	b.update(t, a.ID, func(*orders.AssignedResource) error { return nil }, statement.Extra{
		Put:    []resources.Resource{neighbour, earlier, account}, // of two, the last counts
		Park:   []statement.Park{{Type: "PersonalAccount", Kind: orders.Deletion, Count: 30, Limit: 20, Why: "too many"}},
		Due:    []statement.Due{{What: "drain", Subject: "directory main", NotBefore: b.now}},
		Decide: []statement.Decision{{Kind: statement.AssociationDenied, Type: "PersonalAccount", Owner: a.Owner, Target: "cn=ada"}},
	})
	put, there, err := b.Resource(b.ctx, account.Ref)
	must(t, err)
	want(t, "put twice", put.Display, "Ada")
	parks, err := b.Parks(b.ctx)
	must(t, err)
	denied, err := b.Decisions(b.ctx, statement.AssociationDenied)
	must(t, err)
	work, err := b.TakeDue(b.ctx, "me", b.now, b.now.Add(lease), 10)
	must(t, err)
	want(t, "extras", words(there, len(parks), parks[0].Since.Equal(b.now), len(denied), denied[0].By, len(work)), "true 1 true 1 storetest 1")
	b.update(t, a.ID, func(*orders.AssignedResource) error { return nil }, statement.Extra{
		Remove: []resources.Ref{account.Ref}, Unpark: []statement.ParkKey{{Type: "PersonalAccount", Kind: orders.Deletion}}, Revoke: denied,
	})
	_, there, err = b.Resource(b.ctx, account.Ref)
	must(t, err)
	parks, err = b.Parks(b.ctx)
	must(t, err)
	denied, err = b.Decisions(b.ctx, statement.AssociationDenied)
	must(t, err)
	want(t, "undone", words(there, len(parks), len(denied)), "false 0 0")
}

func releasedOwners(t *testing.T, b *bench) {
	var at statement.ParkKey
	for i, name := range []string{"ada", "bob", "cleo"} {
		a := b.raise(t, name, 2)
		must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
		at = statement.ParkKey{Type: a.Type, Kind: a.Order.Kind}
		if i == 2 {
			continue // nobody released it
		}
		b.update(t, a.ID, func(a *orders.AssignedResource) error {
			return a.Decide(b.occasion(), orders.Choice{On: orders.Release, Parked: true})
		})
	}
	for kind, owners := range map[orders.Kind]int{at.Kind: 2, orders.Deletion: 0} {
		n, err := b.ReleasedOwners(b.ctx, statement.ParkKey{Type: at.Type, Kind: kind})
		must(t, err)
		want(t, "owners of released "+string(kind)+"s", fmt.Sprint(n), fmt.Sprint(owners))
	}
}

func collectable(t *testing.T, b *bench) {
	gated, early, free, parked := b.raise(t, "ada", 1), b.raise(t, "bob", 1), b.raise(t, "cleo", 1), b.raise(t, "dan", 1)
	gated.Order.Waits = "a threshold"
	early.Order.NotBefore = orders.At(b.now.Add(time.Hour))
	for i := range parked.Items {
		parked.Items[i].Policy.Parked = "the group is not there"
	}
	must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{gated, early, free, parked}))
	ask := func(now time.Time, limit int) string {
		ids, err := b.Collectable(b.ctx, "directory", "main", orders.At(now), limit)
		must(t, err)
		return fmt.Sprint(ids)
	}
	want(t, "now", ask(b.now, 10), "[3 1]")
	want(t, "limited", ask(b.now, 1), "[3]")
	want(t, "later", ask(b.now.Add(time.Hour), 10), "[2 3 1]")
	other, err := b.Collectable(b.ctx, "directory", "other", orders.At(b.now), 10)
	must(t, err)
	want(t, "elsewhere", len(other), 0)
	counted := func() int {
		n, err := b.ToCollect(b.ctx, "directory", "main", orders.At(b.now))
		must(t, err)
		return n
	}
	want(t, "before no gate", counted(), 1)
	b.collect(t, free.ID)
	want(t, "collected", ask(b.now, 10), "[1]")
	want(t, "before no gate when it is collected", counted(), 0)
	standing, err := b.Standing(b.ctx, []roles.ResourceTypeID{gated.Type, "Another"})
	must(t, err)
	want(t, "standing", standing, 4)
}

func openOf(t *testing.T, b *bench) {
	var at statement.ParkKey
	for _, name := range []string{"ada", "bob", "cleo"} {
		a := b.raise(t, name, 1)
		must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
		at = statement.ParkKey{Type: a.Type, Kind: a.Order.Kind}
	}
	b.send(t, 2)
	b.show(t, 2) // its order closes
	page := func(at statement.ParkKey, after orders.OrderID, limit int) string {
		ids, last, err := b.OpenOf(b.ctx, at, after, limit)
		must(t, err)
		return fmt.Sprint(ids, last)
	}
	want(t, "all", page(at, 0, 10), "[1 3] 3")
	want(t, "the first page", page(at, 0, 1), "[1] 1")
	want(t, "the next page", page(at, 1, 1), "[3] 3")
	want(t, "the end", page(at, 3, 1), "[] 0")
	want(t, "another kind", page(statement.ParkKey{Type: at.Type, Kind: orders.Deletion}, 0, 10), "[] 0")
}

func clock(t *testing.T, b *bench) {
	a, c := b.saved(t, "ada", 1), b.saved(t, "bob", 1)
	b.collect(t, a.ID)
	b.send(t, c.ID)
	expiring := func(after time.Duration) string {
		ids, err := b.Expiring(b.ctx, orders.At(b.now.Add(after)))
		must(t, err)
		return fmt.Sprint(ids)
	}
	want(t, "within the lease", expiring(lease/2), "[]")
	want(t, "after the lease", expiring(lease), "[1]")
	want(t, "after the validity", expiring(handling.Validity), "[1 2]")
	lists := func() string {
		transmitted, err := b.Transmitted(b.ctx, "directory", "main")
		must(t, err)
		back, err := b.ToReadBack(b.ctx, "directory", "main")
		must(t, err)
		return fmt.Sprint(transmitted, back)
	}
	want(t, "held", lists(), "[1] []")
	later := b.occasion()
	later.Now = b.now.Add(lease)
	b.update(t, a.ID, func(a *orders.AssignedResource) error { return a.Abandoned(later, orders.Expire) })
	want(t, "abandoned", lists(), "[] [1]")
	summaries, err := b.Summaries(b.ctx, []resources.Ref{a.Owner, c.Owner, {Type: "Person", Key: "nobody"}})
	must(t, err)
	want(t, "summaries", words(len(summaries), summaries[a.Owner][0].State, summaries[c.Owner][0].Target), "2 Transmitted cn=bob")
}

// concurrent raises the fence from many goroutines: each must see the last one's.
func concurrent(t *testing.T, b *bench) {
	const writers, rounds = 8, 5
	a := b.saved(t, "ada", 1)
	var wg sync.WaitGroup
	errs := make(chan error, writers*rounds)
	for range writers {
		wg.Go(func() {
			for range rounds {
				errs <- b.Update(b.ctx, b.act("fence"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
					a.Order.Fence++
					return nil
				})
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	got := b.load(t, a.ID)
	want(t, "fence and version", words(got.Order.Fence, got.Version), fmt.Sprint(writers*rounds, writers*rounds+1))
	if _, err := b.VerifyJournal(b.ctx); err != nil {
		t.Error(err)
	}
}

// crossing writes the same rows in opposite orders at once: a database that
// locks rows undoes one of the acts, and the store has to try it again.
func crossing(t *testing.T, b *bench) {
	const rounds, kinds = 3, 200
	var there, back []statement.Park
	for i := range kinds {
		there = append(there, statement.Park{Type: roles.ResourceTypeID(fmt.Sprintf("T%03d", i)), Kind: orders.Addition})
	}
	for i := range there {
		back = append(back, there[len(there)-1-i])
	}
	for range rounds {
		var wg sync.WaitGroup
		for _, list := range [][]statement.Park{there, back} {
			wg.Go(func() {
				if err := b.Park(b.ctx, b.act("park"), list); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if n, err := b.VerifyJournal(b.ctx); n != 2*rounds || err != nil {
		t.Errorf("%d acts, %v", n, err)
	}
}

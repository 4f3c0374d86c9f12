package storetest

import (
	"fmt"
	"slices"
	"testing"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// marks lists what is marked and stale, as text.
func (b *bench) marks(t *testing.T) (list []string) {
	t.Helper()
	x, err := b.ToEvaluate(b.ctx)
	must(t, err)
	for _, m := range x.Marks {
		list = append(list, fmt.Sprintf("%s %s", m.Kind, m.Ref))
	}
	for _, a := range x.Stale {
		list = append(list, fmt.Sprintf("stale %s", a.Owner))
	}
	return list
}

func (b *bench) expectMarks(t *testing.T, want ...string) {
	t.Helper()
	if got := b.marks(t); !slices.Equal(got, want) {
		t.Errorf("marked are %q, not %q", got, want)
	}
}

// evaluated removes every mark, as an evaluation does.
func (b *bench) evaluated(t *testing.T, basis string) {
	t.Helper()
	x, err := b.ToEvaluate(b.ctx)
	must(t, err)
	x.Basis, x.Run = basis, "run "+basis
	must(t, b.Evaluated(b.ctx, x))
}

func marked(t *testing.T, b *bench) {
	b.expectMarks(t, "everything :")
	b.evaluated(t, "one")
	b.expectMarks(t)

	ada, bob := someone("ada"), someone("bob")
	must(t, b.Save(b.ctx, b.act("read back"), nil, stage.Extra{Put: []resources.Resource{ada, bob}}))
	b.expectMarks(t, "resource Person:ada", "resource Person:bob")
	seen, err := b.ToEvaluate(b.ctx)
	must(t, err)
	if seen.Basis != "one" || seen.Run != "run one" {
		t.Errorf("the last evaluation is %q on %q", seen.Run, seen.Basis)
	}
	// What changes while an evaluation runs stays marked; so does what it asks for.
	must(t, b.Save(b.ctx, b.act("read back"), nil, stage.Extra{Remove: []resources.Ref{bob.Ref}}))
	seen.Again = []resources.Ref{ada.Ref}
	must(t, b.Evaluated(b.ctx, seen))
	b.expectMarks(t, "owner Person:ada", "resource Person:bob")
	b.evaluated(t, "two")

	decision := assignments.RoleDecision{Owner: ada.Ref, Role: "R", Workflow: assignments.Approved}
	must(t, b.DecideRoles(b.ctx, b.act("approve"), []assignments.RoleDecision{decision}, nil))
	b.expectMarks(t, "owner Person:ada")
	b.evaluated(t, "three")
	denied := stage.Decision{Kind: stage.AssociationDenied, Type: "T", Owner: ada.Ref, Target: "x"}
	must(t, b.Decide(b.ctx, b.act("deny"), []stage.Decision{denied}))
	b.expectMarks(t, "owner Person:ada", "target T:x")
	b.evaluated(t, "four")
	must(t, b.Revoke(b.ctx, b.act("revoke"), []stage.Decision{denied}))
	b.expectMarks(t, "owner Person:ada", "target T:x")
	b.evaluated(t, "five")
	must(t, b.Decide(b.ctx, b.act("golive"), []stage.Decision{{Kind: stage.WentLive, Type: "T"}}))
	b.expectMarks(t, "everything :")
	b.evaluated(t, "six")

	// An assigned resource is stale once it stands otherwise than evaluation left it.
	a := b.raise(t, "ada", 1)
	must(t, b.Save(b.ctx, b.act("evaluate"), []*orders.AssignedResource{a}, stage.Extra{Evaluated: true}))
	b.expectMarks(t)
	must(t, b.Update(b.ctx, b.act("settle"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
		a.Waiting = !a.Waiting
		return nil
	}))
	b.expectMarks(t)
	must(t, b.Update(b.ctx, b.act("associate"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
		a.Target = "cn=other"
		return nil
	}))
	b.expectMarks(t, "stale "+a.Owner.String())
	stale, err := b.ToEvaluate(b.ctx)
	must(t, err)
	must(t, b.Update(b.ctx, b.act("associate"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
		a.Target = "cn=ada"
		return nil
	}))
	must(t, b.Evaluated(b.ctx, stale))
	if list, err := b.OwnersOf(b.ctx, a.Type, a.Handling.Target, []resources.Key{"cn=ada"}); err != nil || len(list) != 1 || !list[0].Settled {
		t.Errorf("owners are %v, %v", list, err)
	}
}

// judged: what is written is judged again, and once.
func judged(t *testing.T, b *bench) {
	count := func() int {
		list, err := b.Assigned(b.ctx, stage.AssignedFilter{Unjudged: true})
		must(t, err)
		return len(list)
	}
	a, other := b.saved(t, "ada", 1), b.saved(t, "bob", 1)
	if n := count(); n != 2 {
		t.Fatalf("%d are to be judged", n)
	}
	must(t, b.Judged(b.ctx, []*orders.AssignedResource{b.load(t, a.ID), b.load(t, other.ID)}))
	if n := count(); n != 0 {
		t.Errorf("%d are to be judged once all were", n)
	}
	seen := b.load(t, a.ID)
	must(t, b.Update(b.ctx, b.act("move"), []orders.AssignedID{a.ID}, func(*orders.AssignedResource) error { return nil }))
	must(t, b.Judged(b.ctx, []*orders.AssignedResource{seen})) // as it was seen before
	if n := count(); n != 1 {
		t.Errorf("%d are to be judged after one was written", n)
	}
	if page, err := b.Assigned(b.ctx, stage.AssignedFilter{After: a.ID, Limit: 1}); err != nil || len(page) != 1 || page[0].ID != other.ID {
		t.Errorf("the page after the first is %v, %v", page, err)
	}
	if many, err := b.Holds(b.ctx, a.Type, 3); err != nil || many {
		t.Errorf("holds three: %t, %v", many, err)
	}
}

func parts(t *testing.T, b *bench) {
	const group = schema.EntityType("Group")
	list := []resources.Resource{someone("ada"), someone("bob"), someone("cyd")}
	for _, key := range []resources.Key{"g1", "g2"} {
		list = append(list, resources.Resource{Ref: resources.Ref{Type: group, Key: key}, Links: map[schema.PropertyName][]resources.Key{"members": {"ada", "bob"}}})
	}
	must(t, b.Save(b.ctx, b.act("read back"), nil, stage.Extra{Put: list}))
	keys := func(list []resources.Resource, err error) (keys []resources.Key) {
		t.Helper()
		must(t, err)
		for _, r := range list {
			keys = append(keys, r.Key)
		}
		slices.Sort(keys)
		return keys
	}
	if got := keys(b.ResourcesAfter(b.ctx, "Person", "ada", 1)); !slices.Equal(got, []resources.Key{"bob"}) {
		t.Errorf("after ada comes %v", got)
	}
	if got := keys(b.ResourcesOf(b.ctx, "Person", []resources.Key{"cyd", "eve", "ada"})); !slices.Equal(got, []resources.Key{"ada", "cyd"}) {
		t.Errorf("of these are there %v", got)
	}
	links, err := b.LinksTo(b.ctx, group, "members", []resources.Key{"ada", "cyd"})
	must(t, err)
	if !slices.Equal(links["ada"], []resources.Key{"g1", "g2"}) || len(links) != 1 {
		t.Errorf("links are %v", links)
	}
	changed := someone("ada")
	changed.Values["name"] = value.OfString("Ada L")
	must(t, b.Save(b.ctx, b.act("read back"), nil, stage.Extra{Put: []resources.Resource{changed}}))
	former, err := b.Former(b.ctx, "Person", []resources.Key{"ada", "bob"})
	must(t, err)
	if len(former) != 1 || former[0].Value("name") == changed.Value("name") {
		t.Errorf("earlier versions are %v", former)
	}
	for than, large := range map[int]bool{2: true, 3: false} {
		if is, err := b.IsLarge(b.ctx, "Person", than); err != nil || is != large {
			t.Errorf("more than %d: %t, %v", than, is, err)
		}
	}
}

// someone is somebody with a name.
func someone(key resources.Key) resources.Resource {
	return resources.Resource{
		Ref: resources.Ref{Type: "Person", Key: key}, Display: string(key),
		Values: map[schema.PropertyName]value.Value{"name": value.OfString(string(key))},
	}
}

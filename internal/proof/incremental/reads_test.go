package incremental

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/value"
)

// A meter counts the rows that an evaluation reads.
type meter struct {
	evaluate.Store
	documents int // resources, what is assigned, roles
	all       int // and everything else that grows with the organisation
}

func (m *meter) read(n int)       { m.all += n }
func (m *meter) documented(n int) { m.documents += n; m.all += n }

func (m *meter) Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error) {
	list, err := m.Store.Resources(ctx, t)
	m.documented(len(list))
	return list, err
}

func (m *meter) ResourcesOf(ctx context.Context, t schema.EntityType, keys []resources.Key) ([]resources.Resource, error) {
	list, err := m.Store.ResourcesOf(ctx, t, keys)
	m.documented(len(list))
	return list, err
}

func (m *meter) ResourcesAfter(ctx context.Context, t schema.EntityType, after resources.Key, limit int) ([]resources.Resource, error) {
	list, err := m.Store.ResourcesAfter(ctx, t, after, limit)
	m.read(len(list))
	return list, err
}

func (m *meter) Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error) {
	list, err := m.Store.Assigned(ctx, f)
	m.documented(len(list))
	return list, err
}

func (m *meter) AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error) {
	list, err := m.Store.AssignedRoles(ctx, owner)
	m.documented(len(list))
	return list, err
}

func (m *meter) AssignedRolesOf(ctx context.Context, owners []resources.Ref) ([]assignments.AssignedRole, error) {
	list, err := m.Store.AssignedRolesOf(ctx, owners)
	m.documented(len(list))
	return list, err
}

func (m *meter) RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error) {
	list, err := m.Store.RoleDecisions(ctx, owner)
	m.read(len(list))
	return list, err
}

func (m *meter) Decisions(ctx context.Context, kind stage.DecisionKind) ([]stage.Decision, error) {
	list, err := m.Store.Decisions(ctx, kind)
	m.read(len(list))
	return list, err
}

func (m *meter) EachOwnership(ctx context.Context, do func(stage.Ownership)) error {
	return m.Store.EachOwnership(ctx, func(o stage.Ownership) { m.read(1); do(o) })
}

func (m *meter) EachRoleOwner(ctx context.Context, do func(resources.Ref)) error {
	return m.Store.EachRoleOwner(ctx, func(r resources.Ref) { m.read(1); do(r) })
}

func (m *meter) OwnedBy(ctx context.Context, owners []resources.Ref) ([]stage.Ownership, error) {
	list, err := m.Store.OwnedBy(ctx, owners)
	m.read(len(list))
	return list, err
}

func (m *meter) OwnersOf(ctx context.Context, t roles.ResourceTypeID, entity schema.EntityType, targets []resources.Key) ([]stage.Ownership, error) {
	list, err := m.Store.OwnersOf(ctx, t, entity, targets)
	m.read(len(list))
	return list, err
}

// ordinary is a configuration as most are: people have a manager and stand in a
// department, by which they have a role; accounts are matched with them.
const ordinary = `
connectors:
  hr:
    connections: {feed: {package: fake}}
    entities:
      Department: {from: {connection: feed}, key: code, properties: {code: {type: string}}}
      Person:
        from: {connection: feed}
        key: id
        properties: {id: {type: string}, last: {type: string}, department: {link: Department}, manager: {link: Person}}
  directory:
    connections: {api: {package: fake}}
    entities:
      Account:
        from: {connection: api}
        key: guid
        properties: {guid: {type: string, assignedBy: system}, login: {type: string}, name: {type: string}, title: {type: string}, groups: {links: Group}}
      Group: {from: {connection: api}, key: code, properties: {code: {type: string}}}
dimensions: {department: {entity: Department}}
contexts: {Person: {department: department}}
roles:
  worker: {entity: Person, assign: [{match: {department: D3}}], grants: [{resourceType: A, property: groups, to: {code: G0}}]}
resourceTypes:
  A:
    source: Person
    target: Account
    provisioning: {connection: api, enabled: true, review: false}
    correlate: [{source: "source.id", target: "target.login"}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "source.last"}
      title: {expression: "source.manager.last"}
`

// organised is a world of so many people, each with an account, a role and a
// manager, who were all evaluated.
func organised(t *testing.T, people int) *world { return organisedBy(t, ordinary, people) }

func organisedBy(t *testing.T, text string, people int) *world {
	w := emptyWorld(t, 2)
	deployed, err := load(text)
	w.must("load the configuration", err)
	w.deployed = deployed
	var put []resources.Resource
	one := func(entity schema.EntityType, key string, values map[schema.PropertyName]value.Value, links map[schema.PropertyName][]resources.Key) {
		put = append(put, resources.Resource{Ref: resources.Ref{Type: entity, Key: resources.Key(key)}, Values: values, Links: links})
	}
	for i := range 5 {
		one("Department", fmt.Sprintf("D%d", i), map[schema.PropertyName]value.Value{"code": value.OfString(fmt.Sprintf("D%d", i))}, nil)
	}
	one("Group", "G0", map[schema.PropertyName]value.Value{"code": value.OfString("G0")}, nil)
	for i := range people {
		id := fmt.Sprintf("P%05d", i)
		one("Person", id, map[schema.PropertyName]value.Value{"id": value.OfString(id), "last": value.OfString("Ann")},
			map[schema.PropertyName][]resources.Key{"department": {"D3"}, "manager": {resources.Key(fmt.Sprintf("P%05d", i%10))}})
		one("Account", "A"+id, map[schema.PropertyName]value.Value{"guid": value.OfString("A" + id), "login": value.OfString(id)}, nil)
	}
	w.must("put", w.db.Save(w.ctx, w.act("change"), nil, stage.Extra{Put: put}))
	for range 3 {
		r := w.runnerThatHolds(heldOfMany)
		s, err := r.Run(w.ctx, w.day)
		w.must("evaluate", err)
		if text == ordinary && s.Owners == people && s.Resources != people {
			t.Fatalf("%d people have %d accounts", people, s.Resources)
		}
	}
	return w
}

// heldOfMany is less than there are people: they are read as they are needed.
const heldOfMany = 100

// Evaluating one owner reads as much in a small organisation as in a large one: in a
// process that evaluated before all of it, in another one all documents.
func TestOneOwnerIsReadAndNotEverybody(t *testing.T) {
	type counted struct{ warm, warmAfter, documents, cold int }
	var of []counted
	for _, people := range []int{1000, 10000} {
		w := organised(t, people)
		owner := resources.Ref{Type: "Person", Key: "P00123"}
		change := func(key string) {
			ref := resources.Ref{Type: "Person", Key: resources.Key(key)}
			list, err := w.db.ResourcesOf(w.ctx, ref.Type, []resources.Key{ref.Key})
			w.must("read", err)
			w.now = w.now.Add(1)
			list[0].Values["last"] = value.OfString("Bob" + w.now.String())
			w.must("change", w.db.Save(w.ctx, w.act("change"), nil, stage.Extra{Put: list}))
		}
		measured := func(do func(r *evaluate.Runner) error) *meter {
			m := &meter{Store: w.db}
			r := w.runnerThatHolds(heldOfMany)
			r.Store, r.Warm = m, &w.warm
			w.must("evaluate", do(&r))
			return m
		}
		run := func(r *evaluate.Runner) error { _, err := r.Run(w.ctx, w.day); return err }
		alone := func(r *evaluate.Runner) error {
			_, x, err := r.Alone(w.ctx, w.day, owner)
			if len(x.Roles) != 1 || len(x.Resources) != 1 {
				t.Errorf("%s has %d roles and %d accounts", owner, len(x.Roles), len(x.Resources))
			}
			return err
		}
		var c counted
		change("P00015")
		measured(run) // what concerns everybody is kept from now on
		change("P00123")
		c.warm = measured(alone).all
		measured(func(r *evaluate.Runner) error { _, err := r.RunOwner(w.ctx, w.day, owner); return err })
		c.warmAfter = measured(run).all // it is kept still
		cold := measured(func(r *evaluate.Runner) error { r.Warm = nil; return alone(r) })
		r := w.runnerThatHolds(heldOfMany)
		_, x, err := r.Alone(w.ctx, w.day, owner)
		w.must("evaluate", err)
		if _, there := x.World.Record("Person", "P00900"); !there || x.World.Failed() != nil {
			t.Errorf("what is asked of the world afterwards is not found: %v", x.World.Failed())
		}
		c.documents, c.cold = cold.documents, cold.all
		of = append(of, c)
		t.Logf("%d people: %d rows; the run after it %d; in another process %d, of them %d documents", people, c.warm, c.warmAfter, c.cold, c.documents)
		w.close()
	}
	small, large := of[0], of[1]
	if small.warm != large.warm || small.warmAfter != large.warmAfter || small.documents != large.documents {
		t.Errorf("of ten times as many people more is read: %+v, %+v", small, large)
	}
}

// personAlone evaluates one owner alone in a process that keeps what a run left.
func (w *world) personAlone(owner resources.Ref) (*evaluate.Known, evaluate.Expectation) {
	r := w.runnerThatHolds(heldOfMany)
	r.Warm = &w.warm
	known, x, err := r.Alone(w.ctx, w.day, owner)
	w.must("evaluate one owner alone", err)
	return known, x
}

// Found by random histories: what is kept of an account was read before another one
// changed that its key is read from.
func TestAChangeThatIsNotEvaluatedYetCountsForOneOwnerToo(t *testing.T) {
	w := organisedBy(t, strings.NewReplacer("groups: {links: Group}", "groups: {links: Group}, boss: {link: Account}", `target: "target.login"`, `target: "target.boss.login"`).Replace(ordinary), 3)
	defer w.close()
	boss := resources.Resource{Ref: resources.Ref{Type: "Account", Key: "B"}, Values: map[schema.PropertyName]value.Value{"guid": value.OfString("B")}}
	below := resources.Resource{Ref: resources.Ref{Type: "Account", Key: "C"}, Values: map[schema.PropertyName]value.Value{"guid": value.OfString("C")}, Links: map[schema.PropertyName][]resources.Key{"boss": {"B"}}}
	put := func(list ...resources.Resource) {
		w.now = w.now.Add(1)
		w.must("change", w.db.Save(w.ctx, w.act("change"), nil, stage.Extra{Put: list}))
	}
	put(boss, below)
	r := w.runnerThatHolds(heldOfMany)
	r.Warm = &w.warm
	_, err := r.Run(w.ctx, w.day)
	w.must("evaluate", err)
	boss.Values["login"] = value.OfString("P00002")
	put(boss)
	_, x := w.personAlone(resources.Ref{Type: "Person", Key: "P00002"})
	if len(x.Resources) != 1 || x.Resources[0].Target != "C" {
		t.Errorf("the account whose boss bears the name now is not matched: %+v", x.Resources)
	}
}

// Found by random histories: of somebody for whom no resource type is declared any
// more, what there is was not let go.
func TestWhatIsUndeclaredIsLetGoOfOneOwnerToo(t *testing.T) {
	w := organised(t, 3)
	defer w.close()
	without, _, _ := strings.Cut(ordinary, "roles:\n")
	deployed, err := declare.Load(declare.Files{"all.yaml": []byte(without)}, []connector.Package{fakesystem.New(fakesystem.Config{}).Package()})
	w.must("load the configuration", err)
	w.deployed = deployed
	known, x := w.personAlone(resources.Ref{Type: "Person", Key: "P00002"})
	if changed := evaluate.Adopt(deployed.Model, known, x, nil); len(known.Assigned) != 1 || len(changed) != 1 {
		t.Errorf("of %d accounts %d are let go", len(known.Assigned), len(changed))
	}
}

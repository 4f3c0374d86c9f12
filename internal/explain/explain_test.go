package explain

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

const model = `connectors:
  hr:
    connections: {files: {package: csv}}
    entities:
      Unit: {from: {connection: files}, key: code, properties: {code: {}, parent: {link: Unit}}}
      Person:
        from: {connection: files}
        key: id
        properties: {id: {}, grade: {type: int}, start: {type: date}, unit: {link: Unit}}
dimensions: {unit: {entity: Unit, hierarchy: parent}}
contexts: {Person: {unit: unit, from: start}}
roles:
  reader: {entity: Person, assign: [{match: {unit: FIN}, inherit: [unit]}]}
  writer: {entity: Person, assign: [{match: {unit: FIN}, inherit: [unit], when: "source.grade > 4"}, {match: {unit: LAW}}]}
  chief:  {entity: Person, assign: [{role: writer, when: "source.grade > 2"}]}
  dreamt: {entity: Person}
`

// known is the store of the tests.
type known map[schema.EntityType][]resources.Resource

func (k known) Resources(_ context.Context, t schema.EntityType) ([]resources.Resource, error) {
	return k[t], nil
}

func (k known) IsLarge(_ context.Context, t schema.EntityType, than int) (bool, error) {
	return len(k[t]) > than, nil
}

func (k known) ResourcesOf(_ context.Context, t schema.EntityType, keys []resources.Key) (list []resources.Resource, err error) {
	for _, r := range k[t] {
		if slices.Contains(keys, r.Key) {
			r.Links = maps.Clone(r.Links)
			list = append(list, r)
		}
	}
	return list, nil
}

func (k known) ResourcesAfter(_ context.Context, t schema.EntityType, after resources.Key, limit int) ([]resources.Resource, error) {
	var list []resources.Resource
	for _, r := range k[t] {
		if r.Key > after && len(list) < limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (k known) LinksTo(_ context.Context, t schema.EntityType, property schema.PropertyName, targets []resources.Key) (map[resources.Key][]resources.Key, error) {
	links := map[resources.Key][]resources.Key{}
	for _, r := range k[t] {
		for _, to := range r.Links[property] {
			if slices.Contains(targets, to) {
				links[to] = append(links[to], r.Key)
			}
		}
	}
	return links, nil
}

func (known) AllocatedTo(context.Context, resources.Ref) ([]stage.Decision, error) { return nil, nil }

func (k known) Bearers(_ context.Context, t schema.EntityType, text string) (keys []resources.Key, err error) {
	for _, r := range k[t] {
		for _, v := range r.Values {
			if strings.EqualFold(v.Text(), text) {
				keys = append(keys, r.Key)
			}
		}
	}
	return keys, nil
}

// crowded is a store in which every entity type has very many resources, and that
// refuses to give all people, or any after another.
type crowded struct {
	known
	read *int // resources that were given
}

func (crowded) IsLarge(context.Context, schema.EntityType, int) (bool, error) { return true, nil }

func (c crowded) Resources(_ context.Context, t schema.EntityType) ([]resources.Resource, error) {
	if t == "Person" {
		return nil, errors.New("all people are read")
	}
	return c.known[t], nil
}

func (crowded) ResourcesAfter(_ context.Context, t schema.EntityType, _ resources.Key, _ int) ([]resources.Resource, error) {
	return nil, errors.New("one after the other is read")
}

func (c crowded) ResourcesOf(ctx context.Context, t schema.EntityType, keys []resources.Key) ([]resources.Resource, error) {
	list, err := c.known.ResourcesOf(ctx, t, keys)
	*c.read += len(list)
	return list, err
}

func TestAnExplanationOfManyPeopleReadsOneAndSaysTheSame(t *testing.T) {
	c, err := declare.Load(declare.Files{"model.yaml": []byte(model)}, []connector.Package{{Name: "csv", Class: connector.ReadOnly}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []Query{{}, {Role: "writer"}, {Role: "chief"}} {
		for _, person := range []view.Person{ada(), {Owner: view.Owner{Type: "Person", Key: "E2"}}} {
			read := 0
			few, err := Explain(t.Context(), world(), world(), c, person, today, ask)
			if err != nil {
				t.Fatal(err)
			}
			many, err := Explain(t.Context(), crowded{world(), &read}, world(), c, person, today, ask)
			if err != nil || !reflect.DeepEqual(few, many) || read != 1 {
				t.Errorf("%s, %+v: of few people\n%+v\nof many, of whom %d were read,\n%+v\n%v", person.Key, ask, few, read, many, err)
			}
		}
	}
}

func (known) Decisions(context.Context, stage.DecisionKind) ([]stage.Decision, error) {
	return nil, nil
}

func (known) Path(context.Context, orders.AssignedID) ([]view.Step, error) {
	return []view.Step{
		{Item: 1, Event: string(orders.Expect), Actor: "evaluation"},
		{Item: 1, Event: string(orders.Approve), Actor: "E9"},
		{Item: 2, Event: string(orders.Approve), Actor: "E8"},
	}, nil
}

func world() known {
	person := func(key string, grade int64, start string) resources.Resource {
		day, _ := time.Parse(time.DateOnly, start)
		return resources.Resource{
			Ref:    resources.Ref{Type: "Person", Key: resources.Key(key)},
			Values: map[schema.PropertyName]value.Value{"id": value.OfString(key), "grade": value.OfInt(grade), "start": value.OfDate(day)},
			Links:  map[schema.PropertyName][]resources.Key{"unit": {"FIN-A"}},
		}
	}
	unit := func(key string, above ...resources.Key) resources.Resource {
		return resources.Resource{
			Ref: resources.Ref{Type: "Unit", Key: resources.Key(key)}, Values: map[schema.PropertyName]value.Value{"code": value.OfString(key)},
			Links: map[schema.PropertyName][]resources.Key{"parent": above},
		}
	}
	return known{
		"Person": {person("E1", 3, "2020-01-01"), person("E2", 9, "2030-01-01")},
		"Unit":   {unit("FIN"), unit("FIN-A", "FIN"), unit("LAW")},
	}
}

var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func proofOf(t *testing.T, p view.Person, ask Query) Proof {
	t.Helper()
	c, err := declare.Load(declare.Files{"model.yaml": []byte(model)}, []connector.Package{{Name: "csv", Class: connector.ReadOnly}})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := Explain(context.Background(), world(), world(), c, p, today, ask)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func ada() view.Person {
	return view.Person{
		Owner: view.Owner{Type: "Person", Key: "E1"}, Links: map[string][]string{"unit": {"FIN-A"}},
		Roles: []view.Role{{Role: "reader", Shows: "Verified", Reasons: []assignments.Reason{{Rule: "roles.reader.assign[0]", Note: "unit FIN"}}}},
	}
}

func absent(t *testing.T, p Proof, role string) Absence {
	t.Helper()
	for _, a := range p.Absent {
		if a.Role == role {
			return a
		}
	}
	t.Fatalf("nothing is said of %s: %+v", role, p.Absent)
	return Absence{}
}

func TestARoleIsProvedByItsRuleLineAndPlace(t *testing.T) {
	proof := proofOf(t, ada(), Query{})
	if len(proof.Roles) != 1 || len(proof.Roles[0].Because) != 1 {
		t.Fatalf("%+v", proof.Roles)
	}
	g := proof.Roles[0].Because[0]
	if g.At == nil || g.At.File != "model.yaml" || g.At.Line == 0 || g.Says != "unit FIN or below" {
		t.Errorf("%+v", g)
	}
}

func TestEveryCriterionAnswersForItself(t *testing.T) {
	a := absent(t, proofOf(t, ada(), Query{}), "writer")
	if len(a.Lines) != 2 {
		t.Fatalf("%+v", a)
	}
	near, far := a.Lines[0], a.Lines[1]
	if len(near.Criteria) != 2 || !near.Criteria[0].Holds || near.Criteria[1].Holds || near.Holds {
		t.Errorf("she is below FIN and her grade is 3: %+v", near)
	}
	if far.Holds || far.Criteria[0].Holds || far.Criteria[0].Found != "unit FIN-A" {
		t.Errorf("she is not in LAW: %+v", far)
	}
}

func TestARoleThatComesOfAnotherNamesIt(t *testing.T) {
	line := absent(t, proofOf(t, ada(), Query{Role: "chief"}), "chief").Lines[0]
	if line.Criteria[0].Says != "has the role writer" || line.Criteria[0].Holds || !line.Criteria[1].Holds {
		t.Errorf("%+v", line)
	}
}

func TestWhatNoRuleGivesSaysSo(t *testing.T) {
	if a := absent(t, proofOf(t, ada(), Query{}), "dreamt"); len(a.Why) != 1 || a.Why[0] != "no rule gives it" {
		t.Errorf("%+v", a)
	}
}

func TestWhoIsNotHereYetHearsIt(t *testing.T) {
	p := view.Person{
		Owner: view.Owner{Type: "Person", Key: "E2"}, Values: map[string]string{"start": "2030-01-01"},
		Links: map[string][]string{"unit": {"FIN-A"}},
	}
	a := absent(t, proofOf(t, p, Query{Role: "writer"}), "writer")
	if len(a.Why) != 1 || a.Why[0] != "the person's days do not cover the day: from start = 2030-01-01" {
		t.Errorf("%q", a.Why)
	}
	if !a.Lines[0].Holds {
		t.Errorf("the criteria hold: %+v", a.Lines[0])
	}
}

func TestDecisionsOfPeopleArePartOfTheProof(t *testing.T) {
	p := ada()
	p.Accounts = []view.Account{{ID: 7, Type: "T", Items: []view.Item{
		{ID: 1, Property: "x", Name: "x", Reasons: []assignments.Reason{{Rule: "roles.reader.grants[0]", Role: "reader"}}},
	}}}
	item := proofOf(t, p, Query{}).Accounts[0].Items[0]
	if len(item.Decisions) != 1 || item.Decisions[0].Actor != "E9" {
		t.Errorf("decisions %+v", item.Decisions)
	}
	if len(item.Because) != 1 || len(item.Because[0].By) != 1 || item.Because[0].By[0].Rule != "roles.reader.assign[0]" {
		t.Errorf("the role that gives it is not explained: %+v", item.Because)
	}
}

func TestExplainingChangesNothingItIsGiven(t *testing.T) {
	first, second := proofOf(t, ada(), Query{}), proofOf(t, ada(), Query{})
	if len(first.Absent) != len(second.Absent) || len(first.Absent) != 3 {
		t.Errorf("%d and %d absences", len(first.Absent), len(second.Absent))
	}
}

func TestTheValuesThatARuleReadsAreShownAsTheyAreNow(t *testing.T) {
	p := ada()
	p.Roles = append(p.Roles, view.Role{Role: "chief", Reasons: []assignments.Reason{{Rule: "roles.chief.assign[0]", Role: "writer"}}})
	for _, r := range proofOf(t, p, Query{}).Roles {
		values := r.Because[0].Values
		if r.Role != "chief" && len(values) > 0 {
			t.Errorf("%s reads nothing: %v", r.Role, values)
		}
		if r.Role == "chief" && (len(values) != 1 || values[0].Path != "source.grade" || values[0].Value != value.OfInt(3)) {
			t.Errorf("chief reads the grade, which is 3: %v", values)
		}
	}
}

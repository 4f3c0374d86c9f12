package declare

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// What an integrator writes beside the configuration: people, and what they
// should get.
type (
	policyDoc struct {
		World map[string][]recordDoc `yaml:"world" about:"By entity type: what every test of the file starts from."`
		Tests []policyTestDoc        `yaml:"tests" must:"yes" about:"What should follow from the rules."`
	}
	// recordDoc is one resource: its properties, links by key or identifier.
	recordDoc struct {
		place
		Rest map[string][]text `yaml:",rest" about:"By property: its value, or the keys that a link leads to."`
	}
	policyTestDoc struct {
		place
		Test   text                   `yaml:"test" must:"yes" about:"What the test claims."`
		Day    text                   `yaml:"day" must:"yes" about:"The day on which the rules are judged."`
		Given  map[string][]recordDoc `yaml:"given" about:"By entity type: what is there besides the file's world."`
		Later  text                   `yaml:"later" about:"The day of the change; the test's day when absent."`
		Change map[string][]recordDoc `yaml:"change" about:"What then becomes different: the orders are those of the change."`
		Gone   map[string][]text      `yaml:"gone" about:"By entity type: the keys of those who then are there no more."`
		Expect []expectDoc            `yaml:"expect" about:"What people should have in the end."`
		Orders *[]policyOrderDoc      `yaml:"orders" about:"All orders that follow; [] for none."`
	}
	expectDoc struct {
		place
		Person     text                         `yaml:"person" must:"yes" about:"The key of the person."`
		Roles      []text                       `yaml:"roles" about:"Roles that the person has."`
		NoRoles    []text                       `yaml:"noRoles" about:"Roles that the person has not."`
		Accounts   map[string]map[string][]text `yaml:"accounts" about:"By resource type: values and links of the account."`
		NoAccounts []text                       `yaml:"noAccounts" about:"Resource types of which the person has none."`
	}
	policyOrderDoc struct {
		place
		Kind  text              `yaml:"kind" must:"yes" words:"addition|association|update|deletion" about:"What the order does."`
		Type  text              `yaml:"type" must:"yes" about:"The resource type."`
		Owner text              `yaml:"owner" must:"yes" about:"The key of the owner."`
		State text              `yaml:"state" about:"The provisioning state in which it stands: Pending, Awaiting Approval."`
		Sets  map[string][]text `yaml:"sets" about:"Values and links that it sets or adds, among others."`
		Takes map[string][]text `yaml:"takes" about:"Values and links that it takes away, among others."`
	}
)

// A PolicyTest is a claim about what the rules give.
type PolicyTest struct {
	Claim    string
	Position schema.Position
	Day      time.Time
	Given    map[schema.EntityType][]resources.Resource
	Changes  bool // Then stands in place of Given from Later on
	Later    time.Time
	Then     map[schema.EntityType][]resources.Resource
	Expect   []PolicyExpectation
	Orders   []PolicyOrder
	// AllOrders: the orders are told, so no other may follow.
	AllOrders bool
}

// A PolicyExpectation is what one person should have.
type PolicyExpectation struct {
	Position       schema.Position
	Person         resources.Key
	Roles, NoRoles []string
	Accounts       map[string]map[string][]string
	NoAccounts     []string
}

// A PolicyOrder is one order that should follow.
type PolicyOrder struct {
	Position          schema.Position
	Kind, Type, Owner string
	State             string
	Sets, Takes       map[string][]string
}

// LoadTests reads the policy tests that were written for a configuration. The
// error is fault.Findings with everything that is wrong.
func LoadTests(c *Configuration, files Files) ([]PolicyTest, error) {
	var tests []PolicyTest
	var findings fault.Findings
	for _, name := range slices.Sorted(maps.Keys(files)) {
		doc, d, ok := decode[policyDoc](name, bytes.ReplaceAll(files[name], []byte("\r\n"), []byte("\n")))
		findings = append(findings, d.findings...)
		if !ok {
			continue
		}
		for i := range doc.Tests {
			t := testBuilder{configuration: c, decoder: d, object: fmt.Sprintf("tests[%d]", i)}
			tests = append(tests, t.build(doc.World, &doc.Tests[i]))
			findings = append(findings, t.findings...)
		}
	}
	if len(findings) > 0 {
		findings.Sort()
		return nil, slices.CompactFunc(findings, func(a, b fault.Finding) bool { return a == b })
	}
	return tests, nil
}

// testBuilder turns one test as it is written into what can be run.
type testBuilder struct {
	configuration *Configuration
	decoder       *decoder
	object        string
	findings      fault.Findings
}

func (t *testBuilder) find(at place, what, do string) {
	t.findings = append(t.findings, fault.Finding{
		File: at.Position.File, Line: at.Position.Line, Column: at.Position.Column, Object: t.object, What: what, Do: do,
	})
}

func (t *testBuilder) build(world map[string][]recordDoc, doc *policyTestDoc) PolicyTest {
	out := PolicyTest{Claim: doc.Test.Value, Position: doc.Position, Day: t.day(doc.Day)}
	given := records{}
	t.lay(given, world)
	t.lay(given, doc.Given)
	out.Given = t.resolve(given)
	if out.Changes = len(doc.Change) > 0 || len(doc.Gone) > 0 || doc.Later.given; out.Changes {
		out.Later = out.Day
		if doc.Later.given {
			out.Later = t.day(doc.Later)
		}
		then := given.copy()
		t.lay(then, doc.Change)
		for entity, keys := range doc.Gone {
			for _, key := range keys {
				if _, there := then[schema.EntityType(entity)][resources.Key(key.Value)]; !there {
					t.find(key.place, fmt.Sprintf("there is no %s %s that could be gone", entity, key.Value), "name the key of one that is given")
				}
				delete(then[schema.EntityType(entity)], resources.Key(key.Value))
			}
		}
		out.Then = t.resolve(then)
	}
	for i := range doc.Expect {
		out.Expect = append(out.Expect, t.expectation(&doc.Expect[i]))
	}
	if doc.Orders != nil {
		out.AllOrders = true
		for i := range *doc.Orders {
			out.Orders = append(out.Orders, t.order(&(*doc.Orders)[i]))
		}
	}
	if len(doc.Expect) == 0 && doc.Orders == nil {
		t.find(doc.place, "the test expects nothing", "write expect or orders")
	}
	return out
}

func (t *testBuilder) day(text text) time.Time {
	if !text.given {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text.Value)
	if err != nil {
		t.find(text.place, fmt.Sprintf("%q is not a day", text.Value), "write it as 2026-03-01")
	}
	return day
}

// records are resources by entity type and key, before their links are found.
type records map[schema.EntityType]map[resources.Key]recordDoc

func (r records) copy() records {
	out := records{}
	for entity, byKey := range r {
		out[entity] = map[resources.Key]recordDoc{}
		for key, doc := range byKey {
			out[entity][key] = recordDoc{place: doc.place, Rest: maps.Clone(doc.Rest)}
		}
	}
	return out
}

// lay adds records; of one that is there already it changes what is written.
func (t *testBuilder) lay(to records, from map[string][]recordDoc) {
	for name, list := range sorted(from) {
		entity, ok := t.configuration.Model.Entity(schema.EntityType(name))
		if !ok {
			at := place{given: true}
			if len(list) > 0 {
				at = list[0].place
			}
			t.find(at, "there is no entity type "+name, "name one of the configuration")
			continue
		}
		if to[entity.Type] == nil {
			to[entity.Type] = map[resources.Key]recordDoc{}
		}
		for _, doc := range list {
			key := resources.Key(first(doc.Rest[string(entity.Key)]).Value)
			if key == "" {
				t.find(doc.place, fmt.Sprintf("a %s without its key %s", name, entity.Key), "write the key")
				continue
			}
			merged := recordDoc{place: doc.place, Rest: maps.Clone(to[entity.Type][key].Rest)}
			if merged.Rest == nil {
				merged.Rest = map[string][]text{}
			}
			maps.Copy(merged.Rest, doc.Rest)
			to[entity.Type][key] = merged
		}
	}
}

func first(list []text) text {
	if len(list) == 0 {
		return text{}
	}
	return list[0]
}

// resolve types the values and finds the far ends of links.
func (t *testBuilder) resolve(all records) map[schema.EntityType][]resources.Resource {
	out := map[schema.EntityType][]resources.Resource{}
	names := stage.NameIndex{}
	for entityType, byKey := range all {
		entity, _ := t.configuration.Model.Entity(entityType)
		for key, doc := range byKey {
			names.Add(entity, key, func(p schema.PropertyName) value.Value { return value.OfString(first(doc.Rest[string(p)]).Value) })
		}
	}
	for entityType, byKey := range all {
		entity, _ := t.configuration.Model.Entity(entityType)
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			r := resources.Resource{
				Ref: resources.Ref{Type: entityType, Key: key}, Display: string(key),
				Values: map[schema.PropertyName]value.Value{}, Links: map[schema.PropertyName][]resources.Key{},
			}
			for name, texts := range sorted(byKey[key].Rest) {
				t.property(&r, entity, name, texts, names)
			}
			out[entityType] = append(out[entityType], r)
		}
	}
	return out
}

func (t *testBuilder) property(r *resources.Resource, entity schema.Entity, name string, texts []text, names stage.NameIndex) {
	p, ok := entity.Properties[schema.PropertyName(name)]
	switch {
	case !ok:
		t.find(first(texts).place, fmt.Sprintf("%s has no property %s", entity.Type, name), "the properties are "+strings.Join(namesOf(entity.Properties), ", "))
	case p.IsLink():
		for _, far := range texts {
			key, known := names.Named(p.Link, far.Value)
			switch {
			case far.Value == "":
			case !known:
				t.find(far.place, fmt.Sprintf("%s leads to no %s %s of the test", name, p.Link, far.Value), "give it under world or given")
			default:
				r.Links[p.Name] = append(r.Links[p.Name], key)
			}
		}
		slices.Sort(r.Links[p.Name])
	case len(texts) == 0: // empty is no value, as everywhere
	case len(texts) == 1:
		v, err := scalarOf(p, texts[0].Value)
		if err != nil {
			t.find(texts[0].place, err.Error(), "")
		}
		if !v.IsNull() {
			r.Values[p.Name] = v
		}
	default:
		t.find(first(texts).place, fmt.Sprintf("%s has one value", name), "write one")
	}
}

func (t *testBuilder) expectation(doc *expectDoc) PolicyExpectation {
	out := PolicyExpectation{
		Position: doc.Position, Person: resources.Key(doc.Person.Value),
		Roles:      t.declared(doc.Roles, "role", namesOf(t.configuration.Model.Roles)),
		NoRoles:    t.declared(doc.NoRoles, "role", namesOf(t.configuration.Model.Roles)),
		NoAccounts: t.declared(doc.NoAccounts, "resource type", namesOf(t.configuration.Model.ResourceTypes)),
	}
	for name, values := range sorted(doc.Accounts) {
		if out.Accounts == nil {
			out.Accounts = map[string]map[string][]string{}
		}
		t.declared([]text{{place: doc.place, Value: name}}, "resource type", namesOf(t.configuration.Model.ResourceTypes))
		out.Accounts[name] = t.target(name, values)
	}
	return out
}

func (t *testBuilder) order(doc *policyOrderDoc) PolicyOrder {
	t.declared([]text{doc.Type}, "resource type", namesOf(t.configuration.Model.ResourceTypes))
	return PolicyOrder{
		Position: doc.Position, Kind: doc.Kind.Value, Type: doc.Type.Value, Owner: doc.Owner.Value, State: doc.State.Value,
		Sets: t.target(doc.Type.Value, doc.Sets), Takes: t.target(doc.Type.Value, doc.Takes),
	}
}

// declared returns the names, and finds those that the configuration does not know.
func (t *testBuilder) declared(list []text, kind string, known []string) (names []string) {
	for _, n := range list {
		if !slices.Contains(known, n.Value) {
			t.find(n.place, fmt.Sprintf("there is no %s %s", kind, n.Value), "declared are "+strings.Join(known, ", "))
		}
		names = append(names, n.Value)
	}
	return names
}

// target returns values of an account as they are written, and finds those that
// its entity type does not have.
func (t *testBuilder) target(resourceType string, values map[string][]text) map[string][]string {
	out := map[string][]string{}
	for _, rt := range t.configuration.Model.ResourceTypes {
		if string(rt.ID) != resourceType {
			continue
		}
		entity, _ := t.configuration.Model.Entity(rt.Target)
		for name, texts := range sorted(values) {
			if _, ok := entity.Properties[schema.PropertyName(name)]; !ok {
				t.find(first(texts).place, fmt.Sprintf("%s has no property %s", entity.Type, name), "the properties are "+strings.Join(namesOf(entity.Properties), ", "))
			}
			out[name] = []string{}
			for _, v := range texts {
				if v.Value != "" {
					out[name] = append(out[name], v.Value)
				}
			}
		}
	}
	return out
}

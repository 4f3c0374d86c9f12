package explain

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
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
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// store is what a timeline reads.
type store struct {
	known
	decided []assignments.RoleDecision
}

func (store) LastReadings(context.Context) ([]stage.LastReading, error) { return nil, nil }

func (store) Assigned(context.Context, stage.AssignedFilter) ([]*orders.AssignedResource, error) {
	return nil, nil
}

func (store) AssignedRoles(context.Context, *resources.Ref) ([]assignments.AssignedRole, error) {
	return nil, nil
}

func (s store) RoleDecisions(context.Context, *resources.Ref) ([]assignments.RoleDecision, error) {
	return s.decided, nil
}

const dated = `connectors:
  hr:
    connections: {files: {package: csv}}
    entities:
      Unit: {from: {connection: files}, key: code, properties: {code: {}}}
      Record: {from: {connection: files}, key: id, properties: {id: {}, person: {link: Person}, unit: {link: Unit}, start: {type: date}, end: {type: date}}}
      Person: {from: {connection: files}, key: id, properties: {id: {}, records: {links: Record, inverse: person}}}
      User: {from: {connection: files}, key: id, properties: {id: {}, shell: {}, mail: {}, groups: {links: Unit}}}
dimensions: {unit: {entity: Unit}}
contexts: {Person: {records: records, unit: unit, from: start, to: end}}
resourceTypes:
  Account:
    source: Person
    target: User
    provisioning: {connection: files, leadTime: %dd}
    who: [{match: {unit: A}, period: {mode: %s, from: %dd, to: %dd}}, {match: {unit: B}}]
    values:
      id: {expression: "source.id", once: true}
      shell: [{value: bash}, {value: nologin, period: {mode: after, from: %dd, to: %dd}}]
      mail: [{value: new, period: {mode: before, from: -%dd, to: 0d}}, {value: m, role: reader}]
roles:
  reader:
    entity: Person
    gracePeriod: %dd
    grants: [{resourceType: Account, property: groups, to: {code: A}}]
    assign: [{match: {unit: A}, period: {mode: around, from: %dd, to: %dd}}]
`

// TestATimelineMissesNoDay holds the few days that a timeline evaluates against
// evaluating every single day.
func TestATimelineMissesNoDay(t *testing.T) {
	chance := rand.New(rand.NewPCG(4, 2))
	told := 0
	for n := range 150 {
		at := func(span int) int { return chance.IntN(2*span) - span }
		mode := []string{"around", "before", "after"}[chance.IntN(3)]
		text := fmt.Sprintf(dated, chance.IntN(5), mode, at(6), 8+at(2), chance.IntN(3), 3+chance.IntN(9), 1+chance.IntN(6), chance.IntN(5), at(4), at(4))
		c, err := declare.Load(declare.Files{"model.yaml": []byte(text)}, []connector.Package{{Name: "csv"}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		s := store{known: known{
			"Unit":   {{Ref: resources.Ref{Type: "Unit", Key: "A"}, Values: map[schema.PropertyName]value.Value{"code": value.OfString("A")}}, {Ref: resources.Ref{Type: "Unit", Key: "B"}, Values: map[schema.PropertyName]value.Value{"code": value.OfString("B")}}},
			"Person": {{Ref: resources.Ref{Type: "Person", Key: "P"}, Values: map[schema.PropertyName]value.Value{"id": value.OfString("P")}}},
		}}
		for i := range 1 + chance.IntN(3) {
			start := today.AddDate(0, 0, at(40))
			key := resources.Key(fmt.Sprint("r", i))
			values := map[schema.PropertyName]value.Value{"id": value.OfString(string(key)), "start": value.OfDate(start)}
			if chance.IntN(4) > 0 {
				values["end"] = value.OfDate(start.AddDate(0, 0, chance.IntN(40)))
			}
			s.known["Record"] = append(s.known["Record"], resources.Resource{
				Ref: resources.Ref{Type: "Record", Key: key}, Values: values,
				Links: map[schema.PropertyName][]resources.Key{"person": {"P"}, "unit": {resources.Key([]string{"A", "B"}[chance.IntN(2)])}},
			})
		}
		if chance.IntN(2) == 0 {
			s.decided = []assignments.RoleDecision{{
				Owner: resources.Ref{Type: "Person", Key: "P"}, Role: "reader", By: "E9",
				Workflow: []assignments.Workflow{assignments.Approved, assignments.WorkflowDeclined}[chance.IntN(2)],
				Period:   assignments.Period{From: today.AddDate(0, 0, at(30)), To: today.AddDate(0, 0, 30+at(30))},
			}}
		}
		until := today.AddDate(0, 0, 100)
		line, err := Until(t.Context(), fresh(s), c, view.Owner{Type: "Person", Key: "P"}, today, until)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range line.Days {
			for _, x := range day.Changes {
				if (x.Role == "") == (x.Type == "") {
					t.Errorf("case %d: %s is about neither a role nor an account, or both", n, x.What)
				}
			}
		}
		got := []string{}
		for _, turn := range line.Days {
			got = append(got, turn.Day+" "+summary(turn.Changes))
		}
		want := daily(t, fresh(s), c, until)
		told += len(want)
		if !slices.Equal(got, want) {
			t.Fatalf("case %d: the timeline tells\n%s\nand day by day it is\n%s\n%s", n, strings.Join(got, "\n"), strings.Join(want, "\n"), text)
		}
	}
	if told < 150 {
		t.Errorf("only %d days in all: the cases say little", told)
	}
}

// fresh copies the resources: a world fills the links of the other side in.
func fresh(s store) store {
	all := known{}
	for t, list := range s.known {
		for _, r := range list {
			r.Links = maps.Clone(r.Links)
			all[t] = append(all[t], r)
		}
	}
	return store{known: all, decided: s.decided}
}

func summary(list []Change) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, c.Does+" "+c.What+" "+c.Before+">"+c.After)
	}
	return strings.Join(parts, "; ")
}

// daily evaluates every day.
func daily(t *testing.T, s store, c *declare.Configuration, until time.Time) []string {
	k, err := evaluate.Load(t.Context(), s, c.Model)
	if err != nil {
		t.Fatal(err)
	}
	f := newForesight(c, k, resources.Ref{Type: "Person", Key: "P"}, today)
	list := []string{}
	before := f.on(today)
	for day := today.AddDate(0, 0, 1); !day.After(until); day = day.AddDate(0, 0, 1) {
		after := f.on(day)
		if changes := f.changes(before, after, day); len(changes) > 0 {
			list = append(list, day.Format(time.DateOnly)+" "+summary(changes))
		}
		before = after
	}
	return list
}

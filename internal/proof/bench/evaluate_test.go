package main

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/value"
)

// The shape of S1: what the field's open-source leader publishes its figures for.
const (
	systems          = 5
	valuesPerAccount = 50
	rolesPerPerson   = 20
	measuredPeople   = 2_000
)

// fiveSystems is the configuration: a third of the values are copies, a third
// build strings, a third are conditions; each role grants one link.
func fiveSystems() string {
	var b strings.Builder
	b.WriteString(`connectors:
  hr:
    connections: {feed: {package: fake}}
    entities:
      Department: {from: {connection: feed}, key: code, properties: {code: {type: string}, name: {type: string}, parent: {link: Department}}}
      Person:
        from: {connection: feed}
        key: id
        properties:
          id: {type: string}
          first: {type: string}
          last: {type: string}
          grade: {type: int}
          hired: {type: date}
          department: {link: Department}
`)
	for i := range valuesPerAccount {
		fmt.Fprintf(&b, "          a%d: {type: string}\n", i)
	}
	for s := range systems {
		fmt.Fprintf(&b, "  s%d:\n    connections: {api: {package: fake}}\n    entities:\n", s)
		fmt.Fprintf(&b, "      Group%d: {from: {connection: api}, key: code, properties: {code: {type: string}}}\n", s)
		fmt.Fprintf(&b, "      User%d:\n        from: {connection: api}\n        key: login\n        properties:\n          login: {type: string}\n          groups: {links: Group%d}\n", s, s)
		for i := range valuesPerAccount {
			fmt.Fprintf(&b, "          v%d: {type: string}\n", i)
		}
	}
	b.WriteString("dimensions: {department: {entity: Department, hierarchy: parent}}\ncontexts: {Person: {department: department, from: hired}}\nresourceTypes:\n")
	for s := range systems {
		fmt.Fprintf(&b, "  T%d:\n    source: Person\n    target: User%d\n    provisioning: {connection: api, enabled: true, review: false}\n    who: [{}]\n    values:\n", s, s)
		fmt.Fprintf(&b, "      login: {expression: \"source.id\", once: true}\n")
		for i := range valuesPerAccount - 1 {
			fmt.Fprintf(&b, "      v%d: {expression: \"%s\"}\n", i, valueExpression(i))
		}
	}
	b.WriteString("roles:\n")
	for r := range rolesPerPerson {
		when := []string{"match: {department: D0}, inherit: [department]", "when: \"source.grade >= 0\"", "match: {department: D0}, inherit: [department], when: \"source.first != ''\"", "when: \"source.a1.startsWith('a') && source.grade < 100\""}[r%4]
		fmt.Fprintf(&b, "  r%d: {entity: Person, grants: [{resourceType: T%d, property: groups, to: {code: g%d}}], assign: [{%s}]}\n", r, r%systems, r, when)
	}
	return b.String()
}

func valueExpression(i int) string {
	switch i % 3 {
	case 0:
		return fmt.Sprintf("source.a%d", i)
	case 1:
		return []string{
			"lower(source.first) + '.' + lower(source.last)", "source.last + ', ' + source.first", "upper(left(source.first, 1)) + source.last",
			"source.department.name + ' / ' + source.id", "fold(source.first + source.last)",
		}[i/3%5]
	}
	return []string{
		"source.grade > 5 ? 'senior' : 'junior'", "source.department.code == 'D1' && source.grade > 2 ? source.a2 : source.a3",
		"source.last.startsWith('M') ? 'm' : source.a4", "source.a5 != null ? source.a5 : 'none'", "source.grade in [1, 3, 5] ? 'odd' : 'even'",
	}[i/3%5]
}

// manyPeople are people of whom no two have a value in common.
func manyPeople(n int) map[schema.EntityType][]resources.Resource {
	all := map[schema.EntityType][]resources.Resource{}
	for i := range 50 {
		r := resources.Resource{
			Ref:    resources.Ref{Type: "Department", Key: resources.Key(fmt.Sprintf("D%d", i))},
			Values: map[schema.PropertyName]value.Value{"code": value.OfString(fmt.Sprintf("D%d", i)), "name": value.OfString(fmt.Sprintf("Department %d", i))},
		}
		if i > 0 {
			r.Links = map[schema.PropertyName][]resources.Key{"parent": {resources.Key(fmt.Sprintf("D%d", (i-1)/3))}}
		}
		all["Department"] = append(all["Department"], r)
	}
	for i := range n {
		r := resources.Resource{
			Ref: resources.Ref{Type: "Person", Key: resources.Key(fmt.Sprintf("P%07d", i))},
			Values: map[schema.PropertyName]value.Value{
				"id": value.OfString(fmt.Sprintf("P%07d", i)), "first": value.OfString(fmt.Sprintf("Zoë%d", i)), "last": value.OfString(fmt.Sprintf("Müller%d", i)),
				"grade": value.OfInt(int64(i % 12)), "hired": value.OfDate(time.Date(2000+i%20, 1, 2, 0, 0, 0, 0, time.UTC)),
			},
			Links: map[schema.PropertyName][]resources.Key{"department": {resources.Key(fmt.Sprintf("D%d", i%50))}},
		}
		for a := range valuesPerAccount {
			r.Values[schema.PropertyName(fmt.Sprintf("a%d", a))] = value.OfString(fmt.Sprintf("a%d of %d", a, i))
		}
		all["Person"] = append(all["Person"], r)
	}
	for s := range systems {
		t := schema.EntityType(fmt.Sprintf("Group%d", s))
		for r := s; r < rolesPerPerson; r += systems {
			code := fmt.Sprintf("g%d", r)
			all[t] = append(all[t], resources.Resource{Ref: resources.Ref{Type: t, Key: resources.Key(code)}, Values: map[schema.PropertyName]value.Value{"code": value.OfString(code)}})
		}
	}
	return all
}

// processorTime is what the process has used of all cores, the garbage collector
// included: unlike the clock it does not count what others use of the machine.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkEvaluateFiveSystems is S1: people a second and core, evaluated purely,
// with reasons; beside it the same through the expression library's interpreter.
func BenchmarkEvaluateFiveSystems(b *testing.B) {
	c, err := declare.Load(declare.Files{"all.yaml": []byte(fiveSystems())}, []connector.Package{fakesystem.New(fakesystem.Config{}).Package()})
	if err != nil {
		b.Fatal(err)
	}
	in := evaluate.Input{Model: c.Model, Programs: c.Programs, Day: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	in.World = evaluate.NewWorld(c.Model, manyPeople(measuredPeople), nil)
	slow := in
	slow.Programs = expression.Programs{}
	for x, p := range c.Programs {
		slow.Programs[x] = p.Interpreted()
	}
	evaluated := func(in evaluate.Input) time.Duration {
		runtime.GC()
		began := processorTime(b)
		accounts, items := 0, 0
		evaluate.Stream(in, func(r evaluate.Result) {
			accounts += len(r.Resources)
			for i := range r.Resources {
				items += len(r.Resources[i].Items)
			}
		})
		took := processorTime(b) - began
		if accounts != measuredPeople*systems || items != accounts*(valuesPerAccount+rolesPerPerson/systems) {
			b.Fatalf("%d accounts with %d values and links are expected", accounts, items)
		}
		return took
	}
	var fast, interpreted time.Duration
	for b.Loop() {
		fast += evaluated(in)
		interpreted += evaluated(slow)
	}
	b.ReportMetric(float64(measuredPeople)*float64(b.N)/fast.Seconds(), "people/s/core")
	b.ReportMetric(interpreted.Seconds()/fast.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

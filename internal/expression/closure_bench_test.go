package expression

import (
	"fmt"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// mix is what the rules of an account are made of: a third copies, a third
// string building, a third conditions.
var mix = []struct {
	want value.Type
	text string
}{
	{value.String, "source.employeeId"}, {value.String, "source.lastName"}, {value.String, "source.department.code"},
	{value.Date, "source.startDate"}, {value.String, "source.manager.email"}, {value.Int, "source.grade"},

	{value.String, "source.firstName + ' ' + source.lastName"},
	{value.String, "lower(fold(left(source.firstName, 1) + source.lastName))"},
	{value.DN, "'uid=' + rdn(source.employeeId) + ',ou=' + source.department.code + ',dc=example,dc=org'"},
	{value.String, "'/home/' + lower(source.employeeId)"},
	{value.String, "lower(source.lastName) + '@' + lower(source.department.code) + '.example.org'"},
	{value.String, "format(source.startDate, 'dd.MM.yyyy')"},

	{value.String, "source.endDate == null ? '/bin/bash' : '/usr/sbin/nologin'"},
	{value.String, "source.department.code in ['D1', 'D2', 'D3'] ? 'head office' : 'branch'"},
	{value.Bool, "source.active && source.grade > 5"},
	{value.String, "source.department.parent.code == 'ROOT' && source.startDate < date('2026-01-01') ? 'old' : 'new'"},
	{value.String, "source.manager == null ? source.email : source.manager.email"},
	{value.String, "source.lastName.startsWith('M') || source.email.endsWith('.org') ? 'A' : null"},
}

// staff are distinct people, so that no value is computed twice.
func staff(n int) (world, []*resources.Resource) {
	w := world{}
	for i := range 50 {
		d := &resources.Resource{Ref: resources.Ref{Type: "Department", Key: resources.Key(fmt.Sprint("d", i))}, Values: map[schema.PropertyName]value.Value{
			"code": value.OfString(fmt.Sprint("D", i)), "name": value.OfString(fmt.Sprint("Department ", i))}}
		d.Links = map[schema.PropertyName][]resources.Key{"parent": {"d0"}}
		w[d.Ref] = d
	}
	all := make([]*resources.Resource, n)
	for i := range all {
		name := []string{"Müller", "Smith", "Łódzki", "Garcia", "Weiß"}[i%5]
		p := &resources.Resource{Ref: resources.Ref{Type: "Person", Key: resources.Key(fmt.Sprint("E", i))}, Values: map[schema.PropertyName]value.Value{
			"employeeId": value.OfString(fmt.Sprint("E", i)), "firstName": value.OfString(fmt.Sprint("Ann", i)), "lastName": value.OfString(name + fmt.Sprint(i)),
			"email": value.OfString(fmt.Sprintf("ann%d@example.org", i)), "grade": value.OfInt(int64(i % 12)), "active": value.OfBool(i%7 > 0),
			"startDate": value.OfDate(time.Date(2020, 1, 1+i%2500, 0, 0, 0, 0, time.UTC))}}
		if i%9 == 0 {
			p.Values["endDate"] = value.OfDate(time.Date(2027, 1, 1+i%300, 0, 0, 0, 0, time.UTC))
		}
		p.Links = map[schema.PropertyName][]resources.Key{"department": {resources.Key(fmt.Sprint("d", i%50))}, "manager": {resources.Key(fmt.Sprint("E", i/8))}}
		w[p.Ref], all[i] = p, p
	}
	return w, all
}

// BenchmarkValues computes the mix for each of many people, by closures and by
// the interpreter in turns, and reports the best round of each with their ratio:
// the best one is the one that others on the machine disturbed least.
func BenchmarkValues(b *testing.B) {
	env := company(b)
	w, all := staff(500)
	fast, slow := make([]*Program, len(mix)), make([]*Program, len(mix))
	for i, m := range mix {
		fast[i] = compile(b, env, Source("Person"), Scalar(m.want), m.text)
		slow[i] = fast[i].Interpreted()
		if !fast[i].IsCompiled() {
			b.Fatalf("%s is left to the interpreter", m.text)
		}
	}
	run := func(programs []*Program) time.Duration {
		began := time.Now()
		for _, who := range all {
			bindings := Bindings{Source: who, Records: w}
			for i, p := range programs {
				if _, err := p.Eval(bindings); err != nil {
					b.Fatal(mix[i].text, err)
				}
			}
		}
		return time.Since(began)
	}
	byClosures, byInterpreter := run(fast), run(slow)
	for b.Loop() {
		byClosures, byInterpreter = min(byClosures, run(fast)), min(byInterpreter, run(slow))
	}
	values := float64(len(all) * len(mix))
	b.ReportMetric(float64(byClosures.Nanoseconds())/values, "ns/value")
	b.ReportMetric(float64(byInterpreter.Nanoseconds())/values, "interpreted-ns/value")
	b.ReportMetric(float64(byInterpreter)/float64(byClosures), "ratio")
}

// BenchmarkEachValue shows where the time of the mix goes, and what is allocated.
func BenchmarkEachValue(b *testing.B) {
	env := company(b)
	w, all := staff(2_000)
	for _, m := range mix {
		p := compile(b, env, Source("Person"), Scalar(m.want), m.text)
		b.Run(m.text, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := p.Eval(Bindings{Source: all[i%len(all)], Records: w}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

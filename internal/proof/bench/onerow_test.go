package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// changesOfOneRow is how often one person changes: enough for a hundredth part.
const changesOfOneRow = 200

// changeOneRow measures how long it takes from one changed row of a person until
// the orders that follow from it are committed, in a process that evaluated
// before. The row is committed as an incomplete reading, evaluated and judged.
func (o *organisation) changeOneRow(b *testing.B) {
	b.Helper()
	ctx := context.Background()
	e, err := loop.Open(ctx, loop.Options{Dir: o.dir, MustExist: true, Packages: []connector.Package{csvfile.Package(), sqldb.Package()}})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	round := func() int {
		if _, err := e.Evaluate(ctx); err != nil {
			b.Fatal(err)
		}
		s, err := e.Generate(ctx, false)
		if err != nil {
			b.Fatal(err)
		}
		return s.Orders
	}
	round() // what everybody was given is judged
	person := schema.EntityType("Person")
	people, err := e.ResourcesAfter(ctx, person, "", changesOfOneRow+1)
	if err != nil || len(people) < 2 {
		b.Fatal(len(people), err)
	}
	began := time.Now()
	orders := 0
	for i, p := range people {
		if i == 1 {
			o.warmUp = time.Since(began) // the first change reads what concerns everybody
		}
		p.Values["title"] = value.OfString(fmt.Sprintf("Changed %d", i))
		began = time.Now()
		commitRow(b, e, p)
		orders += round()
		if i > 0 {
			o.rows = append(o.rows, time.Since(began))
		}
	}
	if orders < len(people)/2 {
		b.Fatalf("%d changes of a title led to %d orders", len(people), orders)
	}
	slices.Sort(o.rows)
	b.Logf("%d people: one row, first %v, then median %v", o.people, o.warmUp, o.rows[len(o.rows)/2])
}

// commitRow commits a reading that holds one row and does not say that it is all.
func commitRow(b *testing.B, e *loop.Engine, p resources.Resource) {
	b.Helper()
	ctx := context.Background()
	entity := schema.Entity{}
	c, err := e.Deployed(ctx)
	if err == nil {
		entity, _ = c.Model.Entity(p.Type)
	}
	r := resources.Reading{Entity: p.Type, Connector: entity.Connector, Began: e.Clock()}
	if err == nil {
		r.ID, err = e.BeginReading(ctx, r)
	}
	if err == nil {
		act := journal.Act{Actor: e.Actor, Name: "synchronize", Subject: string(p.Type), At: e.Clock()}
		err = e.CommitReading(ctx, act, r, stage.Changes{Put: []resources.Resource{p}, Identify: entity.Identify, Editable: entity.Editable()})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkS4 is one changed row among all people, in a process that is warm.
func BenchmarkS4(b *testing.B) {
	o := measured(b, peopleAsked())
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(o.rows[len(o.rows)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(o.rows[len(o.rows)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(o.warmUp.Microseconds())/1000, "ms-first")
}

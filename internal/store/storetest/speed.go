package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

const (
	// measuredAtOnce is how many assigned resources one act of a mass change writes.
	measuredAtOnce = 500
	// measuredFirst is how many accounts are stored for the first time in a round; a
	// multiple of what is inserted at once.
	measuredFirst = 6_000
	// firstAtOnce is how many of them one act writes, as an evaluation does.
	firstAtOnce = 2_000
	// measuredPeople is the reading during which people's acts are measured.
	measuredPeople = 100_000
	// betweenActs is how soon a person acts again.
	betweenActs = 5 * time.Millisecond
)

// Speed measures what bounds a mass change: assigned resources of ten items
// saved, with a step for each item, and loaded.
func Speed(b *testing.B, store *statement.DB, clock func() time.Time) {
	ctx := context.Background()
	w := &bench{DB: store, now: begin}
	b.Run("Save", func(b *testing.B) {
		saved := 0
		for b.Loop() {
			b.StopTimer()
			list := make([]*orders.AssignedResource, measuredAtOnce)
			for i := range list {
				list[i] = w.raise(b, fmt.Sprint("person", w.assigned), 9)
			}
			b.StartTimer()
			if err := w.Save(ctx, w.act("generate"), list); err != nil {
				b.Fatal(err)
			}
			saved += len(list)
		}
		b.ReportMetric(float64(saved)/b.Elapsed().Seconds(), "resources/s")
	})
	b.Run("First", func(b *testing.B) { w.first(b, clock) })
	b.Run("Load", func(b *testing.B) {
		loaded := 0
		for b.Loop() {
			err := w.EachAssigned(ctx, statement.AssignedFilter{OpenOnly: true}, func(*orders.AssignedResource) error {
				loaded++
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(loaded)/b.Elapsed().Seconds(), "resources/s")
	})
	b.Run("Collectable", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Collectable(ctx, "directory", "main", orders.At(w.now), measuredAtOnce); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// first measures the first storing of accounts that hold what they should, and
// beside it, as a ratio, a bare insert of the same rows into the same table: many
// rows in a statement, all in one transaction, nothing checked.
func (b *bench) first(t *testing.B, clock func() time.Time) {
	var ours, bare time.Duration
	stored := 0
	for t.Loop() {
		list := make([]*orders.AssignedResource, measuredFirst)
		for i := range list {
			list[i] = b.resting(t, fmt.Sprint("resting", b.assigned))
		}
		began := clock()
		for piece := range slices.Chunk(list, firstAtOnce) {
			must(t, b.Save(context.Background(), b.act("evaluate"), piece))
		}
		ours += clock().Sub(began)
		rows, width := b.copied(t, list[0].ID)
		began = clock()
		b.insertBare(t, rows, width)
		bare += clock().Sub(began)
		stored += len(list)
	}
	t.ReportMetric(float64(stored)/ours.Seconds(), "resources/s")
	t.ReportMetric(float64(ours)/float64(bare), "ratio")
}

// resting makes an account of ten values that holds what it should.
func (b *bench) resting(t testing.TB, owner string) *orders.AssignedResource {
	t.Helper()
	b.assigned++
	e := expected(owner, 10)
	e.Target = resources.Key("cn=" + owner)
	there := &resources.Resource{Ref: resources.Ref{Type: "Account", Key: e.Target}, Values: map[schema.PropertyName]value.Value{}}
	for _, x := range e.Items {
		there.Values[x.Property] = x.Value
	}
	a := orders.New(b.assigned, e)
	a.Adopt(e, handling, there, orders.At(b.now))
	must(t, a.Judge(b.occasion()))
	if a.Order != nil {
		t.Fatalf("%s is not at rest", owner)
	}
	return a
}

// bareOffset is where the bare insert's numbers begin, away from those that are given.
const bareOffset = 1 << 40

// copied returns what stands in the table from a number on, with other numbers.
func (b *bench) copied(t testing.TB, from orders.AssignedID) (values []any, width int) {
	t.Helper()
	r, err := b.SQL().Query(fmt.Sprintf("SELECT * FROM assigned_resource WHERE id >= %d AND id < %d ORDER BY id", from, bareOffset))
	must(t, err)
	defer r.Close()
	names, err := r.Columns()
	must(t, err)
	width = len(names)
	into := make([]any, width)
	for r.Next() {
		at := len(values)
		values = append(values, into...)
		for i := range into {
			into[i] = &values[at+i]
		}
		must(t, r.Scan(into...))
		values[at] = values[at].(int64) + bareOffset
	}
	must(t, r.Err())
	return values, width
}

// insertBare writes rows as a program would that does nothing else.
func (b *bench) insertBare(t testing.TB, values []any, width int) {
	t.Helper()
	tx, err := b.SQL().Begin()
	must(t, err)
	defer tx.Rollback()
	// SQLite's driver is fast with question marks; PostgreSQL's knows numbers alone.
	stmt, err := tx.Prepare(bareText(width, func(int) string { return "?" }))
	if err != nil {
		must(t, tx.Rollback())
		tx, err = b.SQL().Begin()
		must(t, err)
		defer tx.Rollback()
		stmt, err = tx.Prepare(bareText(width, func(n int) string { return fmt.Sprintf("$%d", n) }))
		must(t, err)
	}
	for piece := range slices.Chunk(values, bareAtOnce*width) {
		_, err := stmt.Exec(piece...)
		must(t, err)
	}
	must(t, tx.Commit())
}

// bareAtOnce is how many rows a bare statement inserts; more make it no faster.
const bareAtOnce = 30

func bareText(width int, place func(int) string) string {
	var text strings.Builder
	text.WriteString("INSERT INTO assigned_resource VALUES (")
	for i := range bareAtOnce * width {
		switch {
		case i == 0:
		case i%width == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		text.WriteString(place(i + 1))
	}
	return text.String() + ")"
}

// Synchronized measures the reading that adds everybody, and how long the acts
// of people wait meanwhile: that is what a reviewer feels.
func Synchronized(b *testing.B, store *statement.DB, clock func() time.Time) {
	w := &bench{DB: store, ctx: context.Background(), now: begin}
	people := make([]resources.Resource, measuredPeople)
	for i := range people {
		people[i] = person(fmt.Sprintf("E%06d", i), fmt.Sprintf("Name%d", i))
	}
	for b.Loop() {
		done := make(chan struct{})
		measured := make(chan []time.Duration, 1)
		go func() { measured <- w.waits(b, done, clock) }()
		began := clock()
		w.read(b, statement.Changes{Put: people})
		b.ReportMetric(float64(len(people))/clock().Sub(began).Seconds(), "resources/s")
		close(done)
		waits := <-measured
		slices.Sort(waits)
		b.ReportMetric(float64(waits[len(waits)*99/100].Milliseconds()), "wait-p99-ms")
		b.ReportMetric(float64(waits[len(waits)-1].Milliseconds()), "wait-max-ms")
	}
}

// waits lets a person act again and again until done is closed.
func (b *bench) waits(t testing.TB, done <-chan struct{}, clock func() time.Time) []time.Duration {
	act, list := b.act("approve"), []time.Duration{0}
	for {
		select {
		case <-done:
			return list
		case <-time.After(betweenActs):
		}
		began := clock()
		if err := b.AppendAct(b.ctx, act); err != nil {
			t.Error(err)
			return list
		}
		list = append(list, clock().Sub(began))
	}
}

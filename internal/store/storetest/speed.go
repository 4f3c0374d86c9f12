package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/store/statement"
)

const (
	// measuredAtOnce is how many assigned resources one act of a mass change writes.
	measuredAtOnce = 500
	// measuredPeople is the reading during which people's acts are measured.
	measuredPeople = 100_000
	// betweenActs is how soon a person acts again.
	betweenActs = 5 * time.Millisecond
)

// Speed measures what bounds a mass change: assigned resources of ten items
// saved, with a step for each item, and loaded.
func Speed(b *testing.B, store *statement.DB) {
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

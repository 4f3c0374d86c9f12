package storetest

import (
	"context"
	"fmt"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/store/statement"
)

// measuredAtOnce is how many assigned resources one act of a mass change writes.
const measuredAtOnce = 500

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

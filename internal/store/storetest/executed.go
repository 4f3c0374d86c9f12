package storetest

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// executedOrders holds what a roll-back asks: which orders reached a system since
// when, and what was there before they wrote, although one of their items rests
// already while another is under way.
func executedOrders(t *testing.T, b *bench) {
	b.saved(t, "ada", 2)
	bob := b.saved(t, "bob", 1)
	b.collect(t, bob.ID)
	before := b.now
	b.now = b.now.Add(time.Minute)
	b.send(t, 1)
	// Two readings show the first value and not yet the second: the order stays open.
	half := func(a *orders.AssignedResource) error {
		b.now = b.now.Add(time.Second)
		r := &resources.Resource{
			Ref:    resources.Ref{Type: "Account", Key: a.Target},
			Values: map[schema.PropertyName]value.Value{a.Items[1].Property: a.Items[1].Want.Value},
		}
		return a.Observe(b.occasion(), orders.Observation{Began: b.now, Resource: r})
	}
	b.update(t, 1, half)
	executed := func(since time.Time, connector string) string {
		list, err := b.Views().Executed(b.ctx, since, connector)
		must(t, err)
		return words(list)
	}
	want(t, "since then", executed(before, ""), "[1]")
	want(t, "of its connector", executed(before, "directory"), "[1]")
	want(t, "of another connector", executed(before, "other"), "[]")
	want(t, "later", executed(b.now.Add(time.Hour), ""), "[]")
	was := func() string {
		detail, err := b.Views().Order(b.ctx, 1)
		must(t, err)
		text := ""
		for _, it := range detail.Items {
			text += it.Before + " to " + it.Proposed + "; "
		}
		return text
	}
	wrote := was()
	want(t, "what was there before", wrote, "- to present; - to ada-0; - to ada-1; ")
	b.update(t, 1, half)
	want(t, "what was there before, read again", was(), wrote)
}

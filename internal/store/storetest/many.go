package storetest

import (
	"fmt"
	"slices"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/view"
)

// manyAlike are more people than are looked at one by one for a page, each with
// two words that begin like many others'.
const manyAlike = 5_200

// searchMany holds that a search for what very many have finds the same as any
// other, each once, page by page.
func searchMany(t *testing.T, b *bench) {
	var put []resources.Resource
	for i := range manyAlike {
		put = append(put, person(fmt.Sprintf("k%05d", i), fmt.Sprintf("Ann%d Bo%d", i%90, i)))
	}
	put = append(put, person("twice", "Ann Annabel"), person("other", "Zoë"))
	b.read(t, statement.Changes{Put: put})
	find := func(v *statement.Views, text string, limit int) (keys []string, pages int) {
		f := view.PeopleFilter{Entity: "Person", Text: text, Limit: limit}
		for {
			page, err := v.People(b.ctx, f)
			must(t, err)
			pages++
			for _, p := range page.People {
				keys = append(keys, p.Key)
			}
			if page.After == nil {
				return keys, pages
			}
			f.After = *page.After
		}
	}
	for text, n := range map[string]int{"ann": manyAlike + 1, "bo an": manyAlike, "ann annabel": 1, "an zoe": 0, "an bo77": 11, "ANN1 bo": manyAlike / 90 * 11, "": manyAlike + 2} {
		keys, pages := find(b.Views(), text, 1000)
		distinct := slices.Compact(slices.Sorted(slices.Values(keys)))
		counted := len(keys)
		if text == "ANN1 bo" {
			n = 0
			for i := range manyAlike {
				if x := i % 90; x == 1 || x >= 10 && x < 20 {
					n++
				}
			}
		}
		if text == "an bo77" {
			n = 0
			for i := range manyAlike {
				if s := fmt.Sprint(i); len(s) >= 2 && s[:2] == "77" {
					n++
				}
			}
		}
		if counted != n || len(distinct) != n || pages > 7 {
			t.Errorf("%q finds %d, of them %d different, on %d pages; want %d", text, counted, len(distinct), pages, n)
		}
	}
	one := access.Filter{Clauses: []access.Clause{{{Whom: true, People: []resources.Ref{{Type: "Person", Key: "k00007"}}}}}}
	keys, _ := find(b.Views().Within(one), "ann", 10)
	want(t, "of one person", keys, []string{"k00007"})
	robots := access.Filter{Clauses: []access.Clause{{{Entities: []schema.EntityType{"Robot"}}}}}
	keys, _ = find(b.Views().Within(robots), "ann", 1000)
	want(t, "of robots", len(keys), 0)
	a := b.saved(t, "k00007", 1)
	for _, text := range []string{"ann7 bo7", "an", "k00007", "bo"} {
		page, err := b.Views().Orders(b.ctx, view.OrderFilter{Text: text})
		must(t, err)
		want(t, "orders by "+text, words(len(page.Orders), page.Orders[0].Assigned == a.ID), "1 true")
	}
	none, err := b.Views().Orders(b.ctx, view.OrderFilter{Text: "--"})
	must(t, err)
	want(t, "orders by no word", len(none.Orders), 0)
	bearers, err := b.Bearers(b.ctx, "Person", "ann7 bo7")
	must(t, err)
	if !slices.Contains(bearers, "k00007") {
		t.Errorf("bearers: %v", bearers)
	}
}

// countBounded holds that counts end at a bound, and are exact below it and
// without one.
func countBounded(t *testing.T, b *bench) {
	b.peopled(t)
	exact, err := b.Views().StateCounts(b.ctx, 0)
	must(t, err)
	bounded, err := b.Views().StateCounts(b.ctx, view.CountMost)
	must(t, err)
	want(t, "below the bound", bounded, exact)
	few, err := b.Views().StateCounts(b.ctx, 2)
	must(t, err)
	pending := few.Orders[orders.Pending]
	want(t, "at the bound", words(exact.Orders[orders.Pending].Count, pending.Count, pending.More), "5 3 true")
	for _, most := range []int{0, view.CountMost} {
		types, err := b.Views().TypeCounts(b.ctx, most)
		must(t, err)
		want(t, "types", types, []view.TypeCount{{Type: "Ledger", State: pending.State, Count: 2}, {Type: "PersonalAccount", State: pending.State, Count: 3}})
	}
	open, err := b.Views().OpenOrders(b.ctx)
	must(t, err)
	want(t, "open orders", open, exact.Orders)
}

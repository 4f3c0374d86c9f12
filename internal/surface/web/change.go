package web

import (
	"cmp"
	"slices"
	"strconv"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// kindSigns tell kinds apart without colour.
var kindSigns = map[string]string{
	string(orders.Addition): "+", string(orders.Association): "=", string(orders.Update): "±", string(orders.Deletion): "−",
}

// change is one thing that an order writes, in a list.
type change struct{ Name, Before, After string }

// changesShown is how many a row of a list shows.
const changesShown = 3

// changes are the first things that an order writes: values before the account
// itself, for its kind has said that already.
func changes(o view.Order) []change {
	items := slices.Clone(o.Items)
	slices.SortStableFunc(items, func(a, b view.OrderItem) int {
		return cmp.Compare(boolOf(a.Property == ""), boolOf(b.Property == ""))
	})
	var list []change
	for _, it := range items[:min(len(items), changesShown)] {
		c := change{Name: itemTitle(openedItem{OrderItem: it}), Before: it.Current, After: it.Proposed}
		if it.Link != "" || it.Property == "" { // the name says it
			c.Before, c.After = "", ""
			if it.Proposed == "-" {
				c.Before = "taken away"
			}
		}
		if c.Before == "-" || c.Before == c.After {
			c.Before = ""
		}
		if c.After == "-" {
			c.After = ""
		}
		list = append(list, c)
	}
	return list
}

func boolOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unknown tells whether the outcome of something errored is not known.
func (o reviewed) unknown() bool {
	return slices.ContainsFunc(o.Items, func(it openedItem) bool { return it.State.Mark == string(orders.Unknown) })
}

func whyHint(needed bool) string {
	if needed {
		return "Needed here: why"
	}
	return "Why, for the journal"
}

// confidence is how sure a match is; what was not matched has none.
func confidence(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

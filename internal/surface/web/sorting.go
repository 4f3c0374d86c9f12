package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// An ordering is by which column a list is sorted, and which way. Each way that
// it offers is one that an index gives, or the model in memory.
type ordering struct {
	Columns []string // the first is the usual one
	Falling bool     // the usual way is from the end
	By      string
	Down    bool
}

// sortedBy is the usual ordering of a list.
func sortedBy(falling bool, columns ...string) ordering {
	return ordering{Columns: columns, Falling: falling, By: columns[0], Down: falling}
}

// read takes the ordering out of an address, written as key or, from the end, -key.
func (o *ordering) read(r *http.Request) error {
	text := r.URL.Query().Get("sort")
	if text == "" {
		return nil
	}
	by, down := strings.CutPrefix(text, "-")
	if !slices.Contains(o.Columns, by) {
		return unreadable("the column to sort by", text, "Follow a heading of the list.")
	}
	o.By, o.Down = by, down
	return nil
}

// value is the ordering in an address; "" for the usual one.
func (o ordering) value() string {
	if len(o.Columns) == 0 || o.By == o.Columns[0] && o.Down == o.Falling {
		return ""
	}
	return directed(o.By, o.Down)
}

func directed(by string, down bool) string {
	if down {
		return "-" + by
	}
	return by
}

// state is what a heading says of itself: which way the list is sorted by it.
func (o ordering) state(by string) string {
	switch {
	case o.By != by:
		return "none"
	case o.Down:
		return "descending"
	}
	return "ascending"
}

// turns are the signs of how a list is sorted.
var turns = map[string]string{"none": "↕", "ascending": "↑", "descending": "↓"}

// link sorts a list by a column: the other way, where it is sorted by it already.
// address is that of its first page.
func (o ordering) link(address, by string) templ.SafeURL {
	next := ordering{Columns: o.Columns, Falling: o.Falling, By: by}
	switch {
	case o.By == by:
		next.Down = !o.Down
	case by == o.Columns[0]:
		next.Down = o.Falling
	}
	path, query, _ := strings.Cut(address, "?")
	var pairs []string
	for part := range strings.SplitSeq(query, "&") {
		if part != "" && !strings.HasPrefix(part, "sort=") {
			pairs = append(pairs, part)
		}
	}
	if text := next.value(); text != "" {
		pairs = append(pairs, "sort="+text)
	}
	if len(pairs) == 0 {
		return templ.SafeURL(path)
	}
	return templ.SafeURL(path + "?" + strings.Join(pairs, "&"))
}

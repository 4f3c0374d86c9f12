package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/internal/view"
)

// An ordering is how a list is sorted, among the columns that its question offers.
type ordering struct {
	Columns view.Columns
	Usual   view.Sort
	Now     view.Sort
	Refused view.Column // asked for, and the list is too long for it
}

// sortedBy is the usual ordering of a list.
func sortedBy(usual view.Sort, columns view.Columns) ordering {
	return ordering{Columns: columns, Usual: usual, Now: usual}
}

// read takes the ordering out of an address.
func (o *ordering) read(r *http.Request) (err error) {
	text := r.URL.Query().Get("sort")
	if o.Now, err = o.Columns.Read(text, o.Usual); err != nil {
		return unreadable("the column to sort by", text, "Follow a heading of the list.")
	}
	return nil
}

// value is the ordering in an address; "" for the usual one.
func (o ordering) value() string {
	if len(o.Columns) == 0 || o.Now == o.Usual {
		return ""
	}
	return o.Columns.Text(o.Now)
}

// state is what a heading says of itself: which way the list is sorted by it.
func (o ordering) state(by view.Column) string {
	switch {
	case !o.Columns.Is(o.Now, by):
		return "none"
	case o.Now.Down:
		return "descending"
	}
	return "ascending"
}

// turns are the signs of how a list is sorted.
var turns = map[string]string{"none": "↕", "ascending": "↑", "descending": "↓"}

// link sorts a list by a column: the other way, where it is sorted by it already.
// address is that of its first page.
func (o ordering) link(address string, by view.Column) templ.SafeURL {
	next := o
	next.Now, _ = o.Columns.Read(string(by), o.Usual) // it is one of them
	switch {
	case o.Columns.Is(o.Now, by):
		next.Now.Down = !o.Now.Down
	case o.Columns.Is(o.Usual, by):
		next.Now.Down = o.Usual.Down
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

// columnWords are what columns are called, and what comes first both ways.
var columnWords = map[view.Column][3]string{
	view.ByNumber: {"Number", "lowest first", "highest first"}, view.BySince: {"Since", "longest first", "latest first"},
	view.ByState: {"State", "lowest first", "highest first"}, view.ByStart: {"Start", "earliest first", "latest first"},
	view.ByOwner: {"Name"}, view.ByType: {"Resource type"}, view.ByAccount: {"Account"}, view.ByRole: {"Role"}, view.ByName: {"Name"},
	view.ByKey: {"Key"}, view.ByProfile: {"Profile"}, view.ByCategory: {"Category"},
}

// options are all orderings, for where a list has no headings.
func (o ordering) options() (list []option) {
	for _, by := range o.Columns {
		for _, down := range []bool{false, true} {
			next := o
			next.Now, _ = o.Columns.Read(string(by), o.Usual)
			next.Now.Down = down
			words := columnWords[by]
			way := map[bool]string{false: nameOr(words[1], "A to Z"), true: nameOr(words[2], "Z to A")}[down]
			list = append(list, option{next.value(), words[0] + ", " + way})
		}
	}
	return list
}

// inOrder asks for a page of a list in its order. One that is too long for it comes in
// the usual order from the beginning, and the page says so: ask looks at Now and Refused.
func inOrder[P any](o *ordering, ask func() (P, error)) (P, error) {
	page, err := ask()
	if !errors.Is(err, view.ErrTooLong) {
		return page, err
	}
	o.Refused, o.Now = o.Now.By, o.Usual
	return ask()
}

// after is the row that a page begins after, and what that is sorted by.
func (o ordering) after(r *http.Request) (id int64, by string, err error) {
	if o.Refused != "" {
		return 0, "", nil
	}
	q := r.URL.Query()
	id, err = numbered("the place in a list", q.Get("after"))
	return id, q.Get("by"), err
}

// refusal says why the list is not sorted as it was asked for; "" where it is.
func (o ordering) refusal() string {
	if o.Refused == "" {
		return ""
	}
	return fmt.Sprintf("More than %s rows fit, which is too many to sort them by %s: they stand in their usual order. Filter the list to sort it.",
		thousands(view.SortedMost), strings.ToLower(columnWords[o.Refused][0]))
}

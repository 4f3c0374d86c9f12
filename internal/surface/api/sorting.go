package api

import (
	"github.com/danielgtaylor/huma/v2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/view"
)

// sorted is how a program wants a list sorted: by a column of the list or, from the
// end, -column. The description of the interface names them.
type sorted[L columned] string

// columned is a list that can be sorted.
type columned interface{ columns() view.Columns }

type (
	orderColumns     struct{}
	requestColumns   struct{}
	questionColumns  struct{}
	foundRoleColumns struct{}
	holderColumns    struct{}
	peopleColumns    struct{}
	heldColumns      struct{}
	numberedColumns  struct{} // as a rule the newest first
)

func (orderColumns) columns() view.Columns     { return view.OrderColumns }
func (requestColumns) columns() view.Columns   { return view.RequestColumns }
func (questionColumns) columns() view.Columns  { return view.QuestionColumns }
func (foundRoleColumns) columns() view.Columns { return view.FoundRoleColumns }
func (holderColumns) columns() view.Columns    { return view.HolderColumns }
func (peopleColumns) columns() view.Columns    { return view.PeopleColumns }
func (heldColumns) columns() view.Columns      { return view.HeldColumns }
func (numberedColumns) columns() view.Columns  { return view.NumberedColumns }

// Schema describes the texts that sort the list.
func (sorted[L]) Schema(huma.Registry) *huma.Schema {
	var list L
	s := &huma.Schema{Type: huma.TypeString, Description: "By what the list is sorted; with a minus before it from the end. Where more than " +
		"5,000 rows fit and no index has the order, it is refused: narrow the list."}
	for _, text := range list.columns().Texts() {
		s.Enum = append(s.Enum, text)
	}
	s.PrecomputeMessages()
	return s
}

// sort reads it; the description lets nothing else through.
func (x sorted[L]) sort() view.Sort {
	var list L
	s, _ := list.columns().Read(string(x), view.Sort{})
	return s
}

// text is how it stands in cursors: the usual one always alike.
func (x sorted[L]) text() string {
	var list L
	return list.columns().Text(x.sort())
}

// A spot is a place of a list in one order: it is none of the list in another one.
type spot[C any] struct {
	Sort string `json:"sort"`
	At   C      `json:"at"`
}

// spotIn reads a cursor of a list in an order; the zero place is its beginning.
func spotIn[C any](cursor, sort string) (place C, err error) {
	x, err := placeIn[spot[C]](cursor)
	if err == nil && cursor != "" && x.Sort != sort {
		err = &fault.Error{Kind: fault.Invalid, Msg: "the cursor is of the list in another order", Do: "leave it out when you sort anew"}
	}
	return x.At, err
}

// spotOf is the cursor of a place; nil at the end of the list.
func spotOf[C any](place *C, sort string) *spot[C] {
	if place == nil {
		return nil
	}
	return &spot[C]{sort, *place}
}

// A row is the place of a row in a list whose rows have numbers.
type row[ID ~int64] struct {
	By string `json:"by,omitempty"`
	ID ID     `json:"id"`
}

// rowIn reads the number of the row that a page begins after, and what that is sorted by.
func rowIn[ID ~int64](cursor, sort string) (ID, string, error) {
	x, err := spotIn[row[ID]](cursor, sort)
	return x.ID, x.By, err
}

// rowOf is the place of a row; nil at the end of the list.
func rowOf[ID ~int64](id ID, by, sort string) *spot[row[ID]] {
	return spotOf(some(row[ID]{by, id}), sort)
}

package view

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
)

// A Column is what a list can be sorted by.
type Column string

// The columns of lists. Texts are sorted as they are written, capitals first.
const (
	ByNumber  Column = "number"
	BySince   Column = "since" // since when it stands in its state: what waits longest comes first
	ByOwner   Column = "owner" // what whoever it is of, or for, is called
	ByType    Column = "type"  // the resource type
	ByState   Column = "state" // the number of the provisioning state
	ByAccount Column = "account"
	ByRole    Column = "role"
	ByName    Column = "name"
	ByKey     Column = "key"
	ByProfile Column = "profile"
	ByStart   Column = "start"
	// ByCategory is by where a role is filed, then by its name.
	ByCategory Column = "category"
)

// Columns are what one list can be sorted by; the first is the usual one.
type Columns []Column

// The lists. What is not of the usual column is found among SortedMost rows at
// most, where no index has the order.
var (
	OrderColumns     = Columns{ByNumber, BySince, ByOwner, ByType, ByState}
	RequestColumns   = Columns{ByNumber, BySince, ByOwner}
	QuestionColumns  = Columns{ByNumber, ByType, ByAccount, ByOwner}
	FoundRoleColumns = Columns{ByKey, ByOwner, ByRole}
	HolderColumns    = Columns{ByKey, ByOwner}
	PeopleColumns    = Columns{ByName, ByKey}
	NumberedColumns  = Columns{ByNumber} // runs, messages, the journal
	RoleColumns      = Columns{ByCategory, ByRole}
	HeldColumns      = Columns{ByNumber, ByOwner, ByProfile, ByStart} // profiles as people have them
)

// SortedMost is how many rows are sorted for a page where no index has the order.
const SortedMost = 5_000

// A Sort is a column and a way: the zero one is the usual column, from the beginning.
type Sort struct {
	By   Column
	Down bool // from the end
}

// Newest begins with the highest number.
var Newest = Sort{Down: true}

// Without leaves a column out.
func (c Columns) Without(by Column) Columns {
	return slices.DeleteFunc(slices.Clone(c), func(x Column) bool { return x == by })
}

// Is reports whether a sort is by a column.
func (c Columns) Is(s Sort, by Column) bool { return s.By == by || s.By == "" && by == c[0] }

// Read takes a sort out of a text: the column or, from the end, -column. An empty
// text is the usual one.
func (c Columns) Read(text string, usual Sort) (Sort, error) {
	if text == "" {
		return usual, nil
	}
	by, down := strings.CutPrefix(text, "-")
	if !slices.Contains(c, Column(by)) {
		return usual, &fault.Error{Kind: fault.Invalid, Msg: fmt.Sprintf("the list cannot be sorted by %q", text), Do: "use one of " + strings.Join(c.Texts(), ", ")}
	}
	return c.sort(Column(by), down), nil
}

// sort is the sort by a column: that by the usual one is written without it.
func (c Columns) sort(by Column, down bool) Sort {
	if by == c[0] {
		by = ""
	}
	return Sort{by, down}
}

// Texts are the sorts as they are written.
func (c Columns) Texts() (list []string) {
	for _, by := range c {
		list = append(list, string(by), "-"+string(by))
	}
	return list
}

// Text is a sort as it is written.
func (c Columns) Text(s Sort) string {
	by := s.By
	if by == "" {
		by = c[0]
	}
	if s.Down {
		return "-" + string(by)
	}
	return string(by)
}

// ErrTooLong is why a list is not sorted that is longer than what is sorted for a page.
var ErrTooLong = errors.New("no index has the order")

// TooLong refuses to sort a list by a column.
func TooLong(by Column) error {
	return &fault.Error{
		Kind: fault.Invalid, Msg: fmt.Sprintf("more than %d rows fit, which is too many to sort them by %s", SortedMost, by), Err: ErrTooLong,
		Do: "narrow the list, or leave it in its usual order",
	}
}

// ArrangeHeld sorts profiles as people have them, by one of HeldColumns.
func ArrangeHeld(list []access.ProfileAssignment, s Sort) {
	slices.SortStableFunc(list, func(a, b access.ProfileAssignment) int {
		n := 0
		switch s.By {
		case ByOwner:
			n = strings.Compare(a.Holder.String(), b.Holder.String())
		case ByProfile:
			n = strings.Compare(string(a.Profile), string(b.Profile))
		case ByStart:
			n = a.From.Compare(b.From)
		}
		if n = cmp.Or(n, cmp.Compare(a.ID, b.ID)); s.Down {
			return -n
		}
		return n
	})
}

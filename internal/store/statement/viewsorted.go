package statement

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// A list is sorted by its number, along an index, or by another column: then few
// rows are taken in any order and sorted here, and more are walked along an index
// that has the order. Where none has, a long list is refused.

// byNumber appends where a page begins that is sorted by number, and renders its
// order. Few rows are found first: an expression has no index that would be walked.
func (c *conditions) byNumber(column string, few bool, after int64, down bool) string {
	way, beyond := "", " > "
	if down {
		way, beyond = " DESC", " < "
	}
	if after != 0 {
		c.add(column+beyond+"%s", after)
	}
	if few {
		column += " + 0"
	}
	return " ORDER BY " + column + way
}

// until appends where a bounded page ends; 0: it is not bounded.
func (c *conditions) until(column string, last orders.OrderID, down bool) {
	switch {
	case last == 0:
	case down:
		c.add(column+" >= %s", int64(last))
	default:
		c.add(column+" <= %s", int64(last))
	}
}

// A ranked is a row of a list: what it is sorted by, written so that numbers stand
// in their order as texts do, and what tells it from others.
type ranked[K any] struct {
	by  string
	key K
}

// rank writes a number so that it stands in its order.
func rank(n int64) string { return fmt.Sprintf("%019d", n) }

// cut sorts rows and leaves a page of them: those behind one, or from the beginning
// for nil. more: there is another page.
func cut[K any](rows []ranked[K], compare func(a, b K) int, down bool, after *ranked[K], limit int) (page []ranked[K], more bool) {
	order := func(a, b ranked[K]) int {
		n := cmp.Or(strings.Compare(a.by, b.by), compare(a.key, b.key))
		if down {
			return -n
		}
		return n
	}
	slices.SortFunc(rows, order)
	if after != nil {
		at, there := slices.BinarySearchFunc(rows, *after, order)
		if there {
			at++
		}
		rows = rows[at:]
	}
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

// A sorting is how the rows of a list, each with a number, are sorted by a column.
type sorting struct {
	from, id string // the rows, and their numbers
	by       string // what they are sorted by
	number   bool   // it is a number
	// take are the conditions by which few rows are found. nil: they are many.
	take *conditions
	// found is the order in which an index finds few rows; "": the database knows one.
	found string
	// walk are those by which many are walked in the order; nil: no index has it.
	walk func() (*conditions, error)
}

// numbers finds the numbers of the rows of a page.
func (s *session) numbers(ctx context.Context, x sorting, f view.Sort, after int64, afterBy string, limit int) (page []ranked[int64], more bool, err error) {
	if x.take != nil {
		rows, err := s.ranked(ctx, x, x.take.where(), x.found, x.take, view.SortedMost+1)
		if err != nil {
			return nil, false, err
		}
		if len(rows) <= view.SortedMost {
			var begin *ranked[int64]
			if after != 0 {
				begin = &ranked[int64]{afterBy, after}
			}
			page, more = cut(rows, cmp.Compare[int64], f.Down, begin, limit)
			return page, more, nil
		}
	}
	if x.walk == nil {
		return nil, false, view.TooLong(f.By)
	}
	c, err := x.walk()
	if err != nil {
		return nil, false, err
	}
	way, beyond := "", ">"
	if f.Down {
		way, beyond = " DESC", "<"
	}
	if after != 0 {
		var by any = afterBy
		if x.number {
			if by, err = strconv.ParseInt(afterBy, 10, 64); err != nil {
				return nil, false, fault.New(fault.Invalid, "sort by "+string(f.By), "no page begins after %q", afterBy)
			}
		}
		c.args = append(c.args, by, after)
		c.say(fmt.Sprintf("(%s, %s) %s ($%d, $%d)", x.by, x.id, beyond, len(c.args)-1, len(c.args)))
	}
	page, err = s.ranked(ctx, x, c.where(), " ORDER BY "+x.by+way+", "+x.id+way, c, limit+1)
	if len(page) > limit {
		return page[:limit], true, err
	}
	return page, false, err
}

// ranked reads the numbers of rows with what they are sorted by.
func (s *session) ranked(ctx context.Context, x sorting, where, order string, c *conditions, limit int) (rows []ranked[int64], err error) {
	err = s.each(ctx, "SELECT "+x.id+", "+x.by+" FROM "+x.from+where+order+c.limit(limit), c.args, func(r *sql.Rows) error {
		var row ranked[int64]
		if !x.number {
			err := r.Scan(&row.key, &row.by)
			rows = append(rows, row)
			return err
		}
		var n int64
		err := r.Scan(&row.key, &n)
		row.by = rank(n)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// arranged puts what was read of a page into its order, and says where it ends.
func arranged[T any, ID ~int64](list []T, page []ranked[int64], more bool, id func(T) ID) (sorted []T, after ID, afterBy string) {
	at := map[ID]T{}
	for _, x := range list {
		at[id(x)] = x
	}
	for _, row := range page {
		if x, there := at[ID(row.key)]; there {
			sorted = append(sorted, x)
		}
	}
	if more {
		last := page[len(page)-1]
		after, afterBy = ID(last.key), last.by
	}
	return sorted, after, afterBy
}

// keysOf are the numbers of a page.
func keysOf(page []ranked[int64]) []int64 {
	list := make([]int64, len(page))
	for i, row := range page {
		list[i] = row.key
	}
	return list
}

// calledIn is what an owner is called, by a join with whoever bears the key.
const calledIn = "coalesce(r.display, '')"

// calledFrom joins what owners are called.
func calledFrom(table, owner, key string) string {
	return table + " LEFT JOIN resource r ON r.entity = " + owner + " AND r.resource_key = " + key
}

// A roleKey names a role that somebody has: whose it is, by entity type and key, the
// role and its parameters.
type roleKey [4]string

func (k roleKey) ref() [2]string { return [2]string{k[0], k[1]} }

// sortedRoles takes roles that people have and sorts them, from one on.
func (s *session) sortedRoles(ctx context.Context, c *conditions, f view.Sort, afterBy string, after roleKey) ([]ranked[roleKey], error) {
	by := calledIn
	if f.By == view.ByRole {
		by = "role"
	}
	var rows []ranked[roleKey]
	err := s.each(ctx, "SELECT owner_type, owner_key, role, parameters, "+by+" FROM "+calledFrom("assigned_role", "owner_type", "owner_key")+
		c.where()+c.limit(view.SortedMost+1), c.args, func(r *sql.Rows) error {
		var row ranked[roleKey]
		err := r.Scan(&row.key[0], &row.key[1], &row.key[2], &row.key[3], &row.by)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) > view.SortedMost {
		return nil, view.TooLong(f.By)
	}
	var begin *ranked[roleKey]
	if after != (roleKey{}) {
		begin = &ranked[roleKey]{afterBy, after}
	}
	rows, _ = cut(rows, func(a, b roleKey) int { return slices.Compare(a[:], b[:]) }, f.Down, begin, len(rows))
	return rows, nil
}

// owners appends: the owner is one of these.
func (c *conditions) owners(rows []ranked[roleKey], d *Dialect) {
	list := make([][2]string, len(rows))
	for i, row := range rows {
		list[i] = row.key.ref()
	}
	c.args = append(c.args, listOf(list))
	c.say("(owner_type, owner_key) IN (" + d.Pairs(fmt.Sprintf("$%d", len(c.args))) + ")")
}

package statement

import (
	"context"
	"strconv"
	"strings"
)

// A table says how rows are inserted: into which columns, and what happens when
// the row is there already.
type table struct {
	name     string
	columns  []string
	conflict string
}

// upsert returns the conflict clause that overwrites every column but the key's.
// also is appended, such as a condition.
func upsert(key string, columns []string, also string) string {
	inKey := map[string]bool{}
	for _, k := range strings.Split(key, ", ") {
		inKey[k] = true
	}
	var set []string
	for _, c := range columns {
		if !inKey[c] {
			set = append(set, c+" = excluded."+c)
		}
	}
	return "ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ") + also
}

// text builds the statement for a number of rows, with numbered placeholders or
// with bare question marks.
func (t *table) text(rows int, numbered bool) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES ")
	n := 0
	for row := range rows {
		if row > 0 {
			b.WriteString(", ")
		}
		for i := range t.columns {
			n++
			if i == 0 {
				b.WriteByte('(')
			} else {
				b.WriteString(", ")
			}
			if numbered {
				b.WriteString("$" + strconv.Itoa(n))
			} else {
				b.WriteByte('?')
			}
		}
		b.WriteByte(')')
	}
	b.WriteString(" " + t.conflict)
	return b.String()
}

// A batch is rows on their way into one table.
type batch struct {
	table  *table
	values []any // row after row
}

func newBatch(t *table) *batch { return &batch{table: t} }

// newBatchOf returns a batch with room for a number of rows.
func newBatchOf(t *table, rows int) *batch {
	return &batch{table: t, values: make([]any, 0, rows*len(t.columns))}
}

// add appends a row; its values stand in the order of the table's columns.
func (b *batch) add(values ...any) { b.values = append(b.values, values...) }

func (b *batch) rows() int { return len(b.values) / len(b.table.columns) }

// insert writes the batch, many rows at once, and returns how many rows it
// wrote or overwrote.
func (s *session) insert(ctx context.Context, b *batch) (int64, error) {
	var written int64
	width := len(b.table.columns)
	for rest := b.values; len(rest) > 0; {
		size := 1
		for _, candidate := range s.db.dialect.Rows {
			if candidate <= len(rest)/width {
				size = candidate
				break
			}
		}
		stmt, err := s.prepare(ctx, s.db.insertText(b.table, size))
		if err != nil {
			return written, err
		}
		result, err := stmt.ExecContext(ctx, rest[:size*width]...)
		if err != nil {
			return written, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return written, err
		}
		written += n
		rest = rest[size*width:]
	}
	return written, nil
}

// insertText is the statement that inserts a number of rows.
func (db *DB) insertText(t *table, rows int) string {
	type of struct {
		table *table
		rows  int
	}
	name := of{t, rows}
	text, ok := db.texts.Load(name)
	if !ok {
		// Rows bind their values in order. SQLite's driver looks up the name of each
		// placeholder, which takes longer than the insert when there are hundreds.
		text = t.text(rows, db.dialect.Rewrite == nil)
		db.texts.Store(name, text)
	}
	return text.(string)
}

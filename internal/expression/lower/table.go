// Package lower answers who gets what with sets: conditions over one resource
// become operations on compressed bitmaps over columns of encoded values.
//
// A Table holds the resources of one entity type as rows. What a condition reads
// is a column, one code for each distinct value, hops followed when the column is
// built. A test that reads one column is evaluated once for each distinct value,
// and/or/not and choices are set algebra, and only a test that reads several
// columns at once runs for each row that the others left over.
//
// It promises the answers of expression.Program.EvalTruth row by row, rows whose
// evaluation fails told apart from those for which the condition is false. A
// Table is not safe for concurrent use: columns and answers are kept as they are
// found. evaluate calls it; nothing is stored, so a crash leaves nothing behind.
package lower

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// Limits of what a table keeps.
const (
	// keptAnswers bounds the memory of answers that another condition may ask for
	// again: at most 125 kB each for a million rows.
	keptAnswers = 512
	// keptCodes is up to how many distinct values a column keeps a bitmap of each.
	keptCodes = 4_096
)

// A Table is the resources of one entity type, as rows and columns.
type Table struct {
	rows    []*resources.Resource
	records expression.Records
	all     *roaring.Bitmap
	columns map[string]*column
	places  map[roles.DimensionID]*place
	answers map[string]answer
}

// NewTable takes the resources in the order in which their rows are numbered,
// from 0. Nobody changes them, or what records finds, while the table is used.
func NewTable(rows []*resources.Resource, records expression.Records) *Table {
	t := &Table{
		rows: rows, records: records, all: roaring.New(),
		columns: map[string]*column{}, places: map[roles.DimensionID]*place{}, answers: map[string]answer{},
	}
	t.all.AddRange(0, uint64(len(rows)))
	return t
}

// All returns every row. Nobody changes it.
func (t *Table) All() *roaring.Bitmap { return t.all }

// Row returns the resource of a row.
func (t *Table) Row(n uint32) *resources.Resource { return t.rows[n] }

func (t *Table) bindings(row uint32) expression.Bindings {
	return expression.Bindings{Source: t.rows[row], Records: t.records}
}

// A column holds one code for each row: which of the distinct values it has.
type column struct {
	codes []uint32
	first []uint32 // a row that has the code
	index map[value.Value]uint32
	empty []uint32 // the codes that compare as nothing
	to    []*resources.Resource

	starts  []uint32 // the rows of code c are sorted[starts[c]:starts[c+1]]
	sorted  []uint32
	bitmaps []*roaring.Bitmap
}

// column returns the column of a path, building it and those of the hops on the way.
func (t *Table) column(p *expression.Program, path expression.Path) *column {
	name := string(path.Root) + " " + path.String()
	if c, ok := t.columns[name]; ok {
		return c
	}
	step := path.Steps[len(path.Steps)-1]
	property, _ := p.Property(step)
	b := builder{column: &column{codes: make([]uint32, len(t.rows)), index: map[value.Value]uint32{}}, property: property, records: t.records}
	if len(path.Steps) == 1 {
		for row, r := range t.rows {
			b.column.codes[row] = b.code(r, uint32(row))
		}
	} else {
		// Who stands at the same resource reads the same from it.
		before := t.column(p, expression.Path{Root: path.Root, Steps: path.Steps[:len(path.Steps)-1]})
		code := make([]uint32, len(before.first))
		for c, row := range before.first {
			code[c] = b.code(before.to[c], row)
		}
		for row, c := range before.codes {
			b.column.codes[row] = code[c]
		}
	}
	b.column.invert()
	t.columns[name] = b.column
	return b.column
}

// builder gives codes to the values of one property.
type builder struct {
	*column
	property schema.Property
	records  expression.Records
}

// code reads the property of a resource, nil for none.
func (b *builder) code(r *resources.Resource, row uint32) uint32 {
	v, to := b.read(r)
	c, known := b.index[v]
	if known {
		return c
	}
	c = uint32(len(b.first))
	b.index[v] = c
	b.first = append(b.first, row)
	b.to = append(b.to, to)
	if isEmpty(v) {
		b.empty = append(b.empty, c)
	}
	return c
}

// read gives what tells values apart: a scalar as stored, the key of the linked
// resource where it leads to one, all keys of a link to many.
func (b *builder) read(r *resources.Resource) (value.Value, *resources.Resource) {
	if r == nil {
		return value.Null, nil
	}
	if !b.property.IsLink() {
		return r.Values[b.property.Name], nil
	}
	keys := r.Links[b.property.Name]
	if b.property.Many {
		if len(keys) == 0 {
			return value.Null, nil
		}
		var all strings.Builder
		for _, key := range keys {
			all.WriteString(string(key))
			all.WriteByte(0)
		}
		return value.OfString(all.String()), nil
	}
	if len(keys) > 0 && b.records != nil {
		if to, ok := b.records.Record(b.property.Link, keys[0]); ok && to != nil {
			return value.OfString("/" + string(keys[0])), to
		}
	}
	return value.Null, nil
}

// isEmpty reports what an expression reads as null: nothing, and empty text.
func isEmpty(v value.Value) bool {
	switch v.Type() {
	case value.Int, value.Float, value.Bool, value.Date, value.Time:
		return false
	}
	return v.Text() == ""
}

// invert lists the rows of each code.
func (c *column) invert() {
	c.starts = make([]uint32, len(c.first)+1)
	for _, code := range c.codes {
		c.starts[code+1]++
	}
	for code := range c.first {
		c.starts[code+1] += c.starts[code]
	}
	c.sorted = make([]uint32, len(c.codes))
	next := append([]uint32(nil), c.starts...)
	for row, code := range c.codes {
		c.sorted[next[code]] = uint32(row)
		next[code]++
	}
	if len(c.first) <= keptCodes {
		c.bitmaps = make([]*roaring.Bitmap, len(c.first))
	}
}

// rowsOf returns the rows that have one of the codes, nil for none. Nobody
// changes what it returns.
func (c *column) rowsOf(codes []uint32) *roaring.Bitmap {
	if len(codes) == 0 {
		return nil
	}
	if len(codes) == 1 {
		return c.bitmap(codes[0])
	}
	rows := 0
	for _, code := range codes {
		rows += int(c.starts[code+1] - c.starts[code])
	}
	if rows > len(c.codes)/scannedPart || len(codes) > mergedCodes {
		return c.scan(codes)
	}
	parts := make([]*roaring.Bitmap, len(codes))
	for i, code := range codes {
		parts[i] = c.bitmap(code)
	}
	return roaring.FastOr(parts...)
}

// From here on one pass over all codes is faster than merging bitmaps: many
// rows, or many codes of few rows each.
const (
	scannedPart = 8
	mergedCodes = 64
)

func (c *column) bitmap(code uint32) *roaring.Bitmap {
	if c.bitmaps != nil && c.bitmaps[code] != nil {
		return c.bitmaps[code]
	}
	b := roaring.New()
	b.AddMany(c.sorted[c.starts[code]:c.starts[code+1]])
	if c.bitmaps != nil {
		c.bitmaps[code] = b
	}
	return b
}

func (c *column) scan(codes []uint32) *roaring.Bitmap {
	wanted := make([]uint8, len(c.first))
	for _, code := range codes {
		wanted[code] = 1
	}
	const wordBits = 64
	words := make([]uint64, (len(c.codes)+wordBits-1)/wordBits)
	for at := range words {
		word := uint64(0)
		for bit, code := range c.codes[at*wordBits : min((at+1)*wordBits, len(c.codes))] {
			word |= uint64(wanted[code]) << bit
		}
		words[at] = word
	}
	return roaring.FromDense(words, false)
}

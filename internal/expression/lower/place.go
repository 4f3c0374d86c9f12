package lower

import (
	"github.com/RoaringBitmap/roaring/v2"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// place is where the rows stand in one dimension.
type place struct {
	column *column
	at     map[resources.Key]uint32
	under  map[resources.Key][]uint32 // the codes of what stands below a key, and of the key itself
	below  map[resources.Key]*roaring.Bitmap
	failed *roaring.Bitmap
}

// Place reads where each row stands in a dimension: the path of the context, and
// for each value the keys above it. Rows for which the path fails stand nowhere
// and are returned.
func (t *Table) Place(id roles.DimensionID, path *expression.Program, above func(resources.Key) []resources.Key) *roaring.Bitmap {
	c := &column{codes: make([]uint32, len(t.rows)), first: []uint32{0}, index: map[value.Value]uint32{}}
	p := &place{
		column: c, at: map[resources.Key]uint32{}, under: map[resources.Key][]uint32{},
		below: map[resources.Key]*roaring.Bitmap{}, failed: roaring.New(),
	}
	for row, r := range t.rows { // code 0 is nowhere
		ref, there, err := path.EvalRef(expression.Bindings{Own: r, Source: r, Records: t.records})
		if err != nil {
			p.failed.Add(uint32(row))
		}
		if err != nil || !there {
			continue
		}
		code, known := p.at[ref.Key]
		if !known {
			code = uint32(len(c.first))
			c.first = append(c.first, uint32(row))
			p.at[ref.Key] = code
		}
		c.codes[row] = code
	}
	c.invert()
	for key, code := range p.at {
		seen := map[resources.Key]bool{key: true}
		p.under[key] = append(p.under[key], code)
		for _, ancestor := range above(key) {
			if !seen[ancestor] { // a hierarchy may run in a circle
				seen[ancestor] = true
				p.under[ancestor] = append(p.under[ancestor], code)
			}
		}
	}
	t.places[id] = p
	return p.failed
}

// At returns the rows that stand at a dimension's value or, where descendants
// count, below it. Nobody changes what it returns.
func (t *Table) At(id roles.DimensionID, key resources.Key, descendants bool) *roaring.Bitmap {
	p, ok := t.places[id]
	if !ok {
		return roaring.New()
	}
	if !descendants {
		if code, ok := p.at[key]; ok {
			return p.column.bitmap(code)
		}
		return roaring.New()
	}
	if rows, ok := p.below[key]; ok {
		return rows
	}
	rows := p.column.rowsOf(p.under[key])
	if rows == nil {
		rows = roaring.New()
	}
	p.below[key] = rows
	return rows
}

// A Match asks for a place.
type Match struct {
	Dimension   roles.DimensionID
	Key         resources.Key
	Descendants bool
}

// Holds returns the rows for which all matches and the condition hold. Among
// bounds the rows that are looked at, nil for all; the condition may be nil.
// Where a match does not hold, the condition is not asked and cannot fail.
func (t *Table) Holds(matches []Match, when *Condition, among *roaring.Bitmap) Answer {
	domain := t.all
	if among != nil {
		domain = among
	}
	for _, m := range matches {
		at := t.At(m.Dimension, m.Key, m.Descendants)
		if domain == t.all {
			domain = at
		} else {
			domain = roaring.And(domain, at)
		}
	}
	if when == nil {
		return Answer{True: domain, Failed: roaring.New()}
	}
	return t.Eval(when, domain)
}

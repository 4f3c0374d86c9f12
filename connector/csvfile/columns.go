package csvfile

import (
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// layout says where in a row the properties of an entity type stand.
type layout struct {
	table string
	names []string // the header
	cells []cell
	key   int // the cell that holds the key
}

// cell is one property in one column.
type cell struct {
	property connector.Property
	at       int    // the column
	many     string // between two references, for a link to many
}

func newLayout(table string, header []string, comma rune, shape connector.Shape) (*layout, error) {
	l := &layout{table: table, names: header, key: -1}
	var findings fault.Findings
	for _, p := range shape.Properties {
		if !p.Stored() {
			continue
		}
		c := cell{property: p, many: "|"}
		if m := p.From[keyMany]; m != "" {
			c.many = m
		}
		column := p.Column
		if column == "" {
			column = p.Name
		}
		var bad *fault.Finding
		if c.at, bad = l.find(column, comma); bad == nil && p.From[keyTable] != "" {
			bad = &fault.Finding{What: "a link in a table of its own cannot be read from CSV", Do: "write the references into a column of " + table}
		}
		if bad != nil {
			bad.File, bad.Line, bad.Object = table, 1, shape.Entity+"."+p.Name
			findings = append(findings, *bad)
		}
		if p.Name == shape.Key {
			l.key = len(l.cells)
		}
		l.cells = append(l.cells, c)
	}
	if l.key < 0 {
		findings = append(findings, fault.Finding{File: table, Object: shape.Entity,
			What: "its key " + quote(shape.Key) + " is not a property that stands in the file", Do: "name one of its own properties with key:"})
	}
	return l, findings.Err()
}

// find returns the place of a column, or what to tell the people who need it.
func (l *layout) find(column string, comma rune) (int, *fault.Finding) {
	at := slices.Index(l.names, column)
	if at >= 0 {
		if slices.Contains(l.names[at+1:], column) {
			return at, &fault.Finding{What: "the column " + quote(column) + " stands in the header more than once", Do: "rename or remove all but one"}
		}
		return at, nil
	}
	bad := &fault.Finding{
		What: fmt.Sprintf("there is no column %s; the columns are %s", quote(column), cut(strings.Join(l.names, ", "))),
		Do:   "name the right one with column: at the property, or let the file be written with it",
	}
	for _, name := range l.names {
		if strings.EqualFold(name, column) {
			bad.Do = "write column: " + cut(name)
		}
	}
	if len(l.names) == 1 {
		for _, other := range []string{";", ",", "\t", "|"} {
			if other != string(comma) && strings.Contains(l.names[0], other) {
				bad.Do = fmt.Sprintf("set separator: %q", other)
			}
		}
	}
	return -1, bad
}

// row is a record seen as an object of the entity type.
type row struct {
	record
	key   string // "" when it is not known
	empty bool   // it has no content at all
	bad   []badCell
	// object is complete only when the row is sound, and only when it was asked for.
	object connector.Object
}

// badCell is a value that is not of its property's type.
type badCell struct {
	cell int
	err  error
}

// sound reports whether the row is an object, unless its key occurs twice.
func (r row) sound() bool { return r.broken == "" && !r.empty && r.key != "" && len(r.bad) == 0 }

// attributed reports whether it is known whose row it is, or that it is nobody's.
// Rows that are not could be anybody's, so that nobody's absence is proven.
func (r row) attributed() bool { return r.broken == "" && (r.empty || r.key != "") }

// read turns a record into a row, with its object when build is set.
func (l *layout) read(rec record, build bool) row {
	r := row{record: rec}
	if r.broken == "" && slices.Equal(rec.fields, l.names) {
		r.broken, r.do = "the line repeats the header", "let the file be written once, with one header; until then nobody counts as gone"
		return r
	}
	if r.broken != "" {
		r.key = l.guessKey(rec.fields)
		return r
	}
	if r.empty = !slices.ContainsFunc(rec.fields, func(f string) bool { return strings.TrimSpace(f) != "" }); r.empty {
		return r
	}
	if build {
		r.object.Values = make(map[string]value.Value, len(l.cells))
		r.object.Links = map[string][]string{}
	}
	for i, c := range l.cells {
		raw := rec.fields[c.at]
		if c.property.Link != "" {
			if build && raw != "" {
				r.object.Links[c.property.Name] = c.references(raw)
			}
			if i == l.key {
				r.key = raw
			}
			continue
		}
		v, err := value.Normalize(c.property.Type, c.property.Format, raw)
		if err != nil {
			r.bad = append(r.bad, badCell{i, err})
			continue
		}
		if i == l.key {
			r.key = v.Text()
		}
		if build && !v.IsNull() {
			r.object.Values[c.property.Name] = v
		}
	}
	r.object.Key = r.key
	return r
}

// guessKey returns the key of a broken row when the field that holds it was
// ended by a separator. It is only ever used to prove that somebody is there.
func (l *layout) guessKey(fields []string) string {
	c := l.cells[l.key]
	if c.at >= len(fields)-1 {
		return ""
	}
	v, err := value.Normalize(c.property.Type, c.property.Format, fields[c.at])
	if err != nil {
		return ""
	}
	return v.Text()
}

// references splits a field into the references it holds, each once.
func (c cell) references(raw string) []string {
	if !c.property.Many {
		return []string{raw}
	}
	var refs []string
	for _, ref := range strings.Split(raw, c.many) {
		if ref != "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// findings says what is wrong with a row, except that its key occurs twice;
// columns that are wrong as a whole are not said again.
func (l *layout) findings(r row, swapped []bool) fault.Findings {
	at := fault.Finding{File: l.table, Line: r.line, Object: l.columnOf(l.key, r.key)}
	switch {
	case r.broken != "":
		at.What, at.Do = r.broken, r.do
		return fault.Findings{at}
	case r.empty:
		at.What, at.Do = "the row is empty", "remove it"
		return fault.Findings{at}
	}
	var all fault.Findings
	keyBad := false
	for _, b := range r.bad {
		keyBad = keyBad || b.cell == l.key
		if swapped[b.cell] {
			continue
		}
		f := at
		f.What = "column " + cut(l.name(b.cell)) + ": " + cut(b.err.Error())
		f.Do = "correct the value, or the type or format of the property " + l.cells[b.cell].property.Name
		all = append(all, f)
	}
	if r.key == "" && !keyBad {
		at.What = "column " + cut(l.name(l.key)) + ", the key, is empty"
		at.Do = "give the row its key; until then nobody counts as gone"
		all = append(all, at)
	}
	return all
}

func (l *layout) name(cell int) string { return l.names[l.cells[cell].at] }

func (l *layout) columnOf(cell int, content string) string {
	if content == "" {
		return ""
	}
	return cut(l.name(cell)) + " " + cut(content)
}

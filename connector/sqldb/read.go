package sqldb

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

const (
	// maxPageRows bounds the memory of a page and the parameters of the query
	// for its links, of which SQLite allows 32,766.
	maxPageRows = 5000
	// usualPageRows is taken when the request names no limit.
	usualPageRows = 1000
	// maxPageFindings keeps a column that is wrong throughout from filling the log.
	maxPageFindings = 100
)

// row is one row as the database handed it over.
type row struct {
	key   string // as text
	exact any    // the key as it is stored, for paging
	cells []any
}

// Read returns the next objects in the order of their keys. Paging by key is
// stable: what others add or delete meanwhile moves no other row into or out
// of a page. A link table is asked once a page.
func (s *system) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	var page connector.ReadPage
	if req.Cursor == "" {
		s.forget() // a reading begins with the tables as they are now
	}
	l, err := s.layout(ctx, req.Shape)
	if err != nil {
		return page, err
	}
	op := "read table " + l.table.name
	limit := req.Limit
	if limit <= 0 {
		limit = usualPageRows
	}
	limit = min(limit, maxPageRows)

	key := s.d.ordered(s.own(l.key.column), l.key.column)
	st := s.selecting(l).say(" WHERE ").ident(l.key.column.name).say(" IS NOT NULL")
	if req.Cursor != "" {
		after, err := parseCursor(req.Cursor)
		if err != nil {
			return page, fault.Wrap(fault.Invalid, op, err)
		}
		st.say(" AND " + key + " > ").arg(after)
	}
	// One more row than wanted says whether there is another page.
	st.say(" ORDER BY " + key + " LIMIT ").arg(limit + 1)
	rows, err := s.rows(ctx, l, st)
	if err != nil {
		return page, s.fail(op, err)
	}
	if page.Complete = len(rows) <= limit; !page.Complete {
		page.Cursor = cursor(rows[limit-1].exact)
	}
	if req.Cursor == "" {
		if err := s.keyless(ctx, l, &page); err != nil {
			return page, s.fail(op, err)
		}
	}
	rows = unique(l, rows, limit, &page)
	page.Objects = objects(l, rows, &page.Findings)
	if err := s.readLinks(ctx, l, rows, page.Objects, &page.Findings); err != nil {
		return connector.ReadPage{}, err
	}
	if extra := len(page.Findings) - maxPageFindings; extra > 0 {
		page.Findings = append(page.Findings[:maxPageFindings],
			fault.Finding{Object: l.table.name, What: fmt.Sprintf("%d more findings in this page are not shown", extra)})
	}
	return page, nil
}

// Lookup reads one object by its key or by any of its unique values.
func (s *system) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	l, err := s.layout(ctx, req.Shape)
	if err != nil {
		return connector.Object{}, err
	}
	op := "look up in table " + l.table.name
	st := s.selecting(l).say(" WHERE ")
	if req.Key != "" {
		st.key(l.key.column, req.Key)
	} else if err := s.byUnique(st, l, req.Unique); err != nil {
		return connector.Object{}, err
	}
	rows, err := s.rows(ctx, l, st.say(" LIMIT 2"))
	switch {
	case err != nil && req.Key != "" && s.explain(err).badValue:
		// A text that cannot be a key of this table is the key of nothing.
		rows = nil
	case err != nil:
		return connector.Object{}, s.fail(op, err)
	}
	if len(rows) == 0 {
		return connector.Object{}, fault.New(fault.NotFound, op, "no row has this key or these values")
	}
	if len(rows) > 1 {
		e := fault.New(fault.Conflict, op, "more than one row has this key or these values")
		e.Do = "make the column unique, or remove the rows that are too many"
		return connector.Object{}, e
	}
	var findings []fault.Finding // a reading tells them; here the property is partial
	found := objects(l, rows, &findings)
	if err := s.readLinks(ctx, l, rows, found, &findings); err != nil {
		return connector.Object{}, err
	}
	return found[0], nil
}

func (s *system) byUnique(st *statement, l *layout, unique map[string]value.Value) error {
	first := true
	for _, f := range l.fields {
		v := unique[f.property.Name]
		if v.IsNull() {
			continue
		}
		arg, err := s.d.encode(f.column, f.property, v)
		if err != nil {
			return fault.Wrap(fault.Invalid, "property "+f.property.Name, err)
		}
		if !first {
			st.say(" OR ")
		}
		st.ident(f.column.name).say(" = ").arg(arg)
		first = false
	}
	if first {
		return fault.New(fault.Invalid, "look up", "neither a key nor a unique value kept in table %q is given", l.table.name)
	}
	return nil
}

// own names a column of the object's own row. The qualifier matters: ORDER BY
// with a bare name would take the column of the result, in which a number is a
// text and 10 stands before 9.
func (s *system) own(c column) string { return s.d.quote("o") + "." + s.d.quote(c.name) }

// selecting begins a statement that returns the key as it is stored and every field.
func (s *system) selecting(l *layout) *statement {
	st := s.d.say("SELECT " + s.d.read(s.own(l.key.column), l.key.column))
	for _, f := range l.fields {
		st.say(", " + s.d.read(s.own(f.column), f.column))
	}
	return st.say(" FROM ").table(l.table).say(" AS ").ident("o")
}

func (s *system) rows(ctx context.Context, l *layout, st *statement) ([]row, error) {
	found, err := s.db.QueryContext(ctx, st.text.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []row
	for found.Next() {
		r := row{cells: make([]any, len(l.fields))}
		into := make([]any, 0, len(l.fields)+1)
		into = append(into, &r.exact)
		for i := range r.cells {
			into = append(into, &r.cells[i])
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		r.key = spelled(l.key, r.exact)
		out = append(out, r)
	}
	return out, found.Err()
}

// keyless counts the rows that paging by key cannot see.
func (s *system) keyless(ctx context.Context, l *layout, page *connector.ReadPage) error {
	if l.key.column.required {
		return nil
	}
	var n int
	st := s.d.say("SELECT count(*) FROM ").table(l.table).say(" WHERE ").ident(l.key.column.name).say(" IS NULL")
	if err := s.db.QueryRowContext(ctx, st.text.String()).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		page.Findings = append(page.Findings, fault.Finding{Object: l.table.name,
			What: fmt.Sprintf("%d rows have no %s and are set aside", n, l.key.column.name), Do: "give them a key"})
	}
	return nil
}

// unique sets rows aside whose key is empty or occurs more than once. Equal
// keys stand together, and the row behind the page, if there is one, tells
// whether its last key goes on.
func unique(l *layout, rows []row, limit int, page *connector.ReadPage) []row {
	kept := make([]row, 0, min(len(rows), limit))
	for i, r := range rows[:min(len(rows), limit)] {
		again := i > 0 && rows[i-1].key == r.key
		more := i+1 < len(rows) && rows[i+1].key == r.key
		switch {
		case r.key == "":
			page.Findings = append(page.Findings, fault.Finding{Object: l.table.name,
				What: "a row whose " + l.key.column.name + " is empty is set aside", Do: "give it a key"})
		case again:
		case more:
			page.SetAside = append(page.SetAside, r.key)
			page.Findings = append(page.Findings, fault.Finding{Object: l.table.name,
				What: fmt.Sprintf("more than one row has the %s %q: all of them are set aside", l.key.column.name, r.key), Do: "remove the rows that are too many"})
		default:
			kept = append(kept, r)
		}
	}
	return kept
}

// objects turns rows into objects. A value that cannot be read makes its
// property partial, never null: null would look like an answer.
func objects(l *layout, rows []row, findings *[]fault.Finding) []connector.Object {
	out := make([]connector.Object, len(rows))
	for i, r := range rows {
		o := connector.Object{Key: r.key, Values: map[string]value.Value{}, Links: map[string][]string{}}
		for j, f := range l.fields {
			if r.cells[j] == nil {
				continue
			}
			text := spelled(f, r.cells[j])
			if f.property.Link != "" {
				if text != "" {
					o.Links[f.property.Name] = []string{text}
				}
				continue
			}
			v, err := decode(f, text)
			if err != nil {
				o.Partial = append(o.Partial, f.property.Name)
				*findings = append(*findings, fault.Finding{Object: fmt.Sprintf("%s %q, column %s", l.table.name, r.key, f.column.name),
					What: err.Error(), Do: "correct the value, or the property's type or format"})
				continue
			}
			if !v.IsNull() {
				o.Values[f.property.Name] = v
			}
		}
		out[i] = o
	}
	return out
}

// readLinks fills the links that are kept in link tables. The join makes the
// database decide which rows belong to which key, and names the object's key
// as the object's own row spells it.
func (s *system) readLinks(ctx context.Context, l *layout, rows []row, into []connector.Object, findings *[]fault.Finding) error {
	if len(rows) == 0 {
		return nil
	}
	at := make(map[string]int, len(into))
	for i, o := range into {
		at[o.Key] = i
	}
	key := s.own(l.key.column)
	for _, k := range l.links {
		target := s.d.quote("k") + "." + s.d.quote(k.target.name)
		st := s.d.say("SELECT " + s.d.read(key, l.key.column) + ", " + s.d.read(target, k.target) + " FROM ").table(k.table).
			say(" AS ").ident("k").say(" JOIN ").table(l.table).say(" AS ").ident("o").
			say(" ON " + key + " = ").ident("k").say(".").ident(k.owner.name).
			say(" WHERE " + target + " IS NOT NULL AND " + key + " IN (")
		st.list(len(rows), func(i int) { st.arg(rows[i].exact) }).say(")")
		if err := s.collect(ctx, l, k, st, at, into); err != nil {
			return s.fail("read link table "+k.table.name, err)
		}
		for i := range into {
			tidy(k, &into[i], findings)
		}
	}
	return nil
}

func (s *system) collect(ctx context.Context, l *layout, k link, st *statement, at map[string]int, into []connector.Object) error {
	found, err := s.db.QueryContext(ctx, st.text.String(), st.args...)
	if err != nil {
		return err
	}
	defer found.Close()
	name := k.property.Name
	for found.Next() {
		var owner, target any
		if err := found.Scan(&owner, &target); err != nil {
			return err
		}
		if i, ok := at[spelled(l.key, owner)]; ok {
			text := spelled(field{k.property, k.target}, target)
			into[i].Links[name] = append(into[i].Links[name], text)
		}
	}
	return found.Err()
}

// tidy orders the links of one property. A link is there or not, however often
// the table says so; several in place of a single one are no answer.
func tidy(k link, o *connector.Object, findings *[]fault.Finding) {
	name := k.property.Name
	links := o.Links[name]
	if len(links) == 0 {
		return
	}
	slices.Sort(links)
	o.Links[name] = slices.Compact(links)
	if n := len(o.Links[name]); n > 1 && !k.property.Many {
		delete(o.Links, name)
		o.Partial = append(o.Partial, name)
		*findings = append(*findings, fault.Finding{Object: fmt.Sprintf("%s %q", k.table.name, o.Key),
			What: fmt.Sprintf("%s leads to %d objects and can lead to one", name, n), Do: "remove the rows that are too many, or declare links:"})
	}
}

// zonedHours finds an offset that PostgreSQL cut to its hours.
var zonedHours = regexp.MustCompile(`[+-]\d\d$`)

// spelled returns a stored value as text.
func spelled(f field, raw any) string {
	switch v := raw.(type) {
	case string:
		if f.column.class == zoned && zonedHours.MatchString(v) {
			return v + ":00"
		}
		return v
	case []byte:
		if f.property.Type == value.Binary {
			return spelledBytes(f, v)
		}
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64) // a whole number is not written with an exponent
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(raw)
}

// spelledBytes returns bytes as decode expects them. A loose column holds bytes,
// or what a format spells in a text; both are read.
func spelledBytes(f field, content []byte) string {
	if f.column.class == loose && f.property.Format == value.Hex {
		return hex.EncodeToString(content)
	}
	return base64.StdEncoding.EncodeToString(content)
}

func decode(f field, text string) (value.Value, error) {
	t, format := f.property.Type, f.property.Format
	if t == "" {
		t = value.String
	}
	if f.column.class.native() {
		format = ""
	}
	return value.Normalize(t, format, text)
}

// cursor writes down a key together with the way in which it is stored: in
// SQLite a number and its text are different keys, in an order of their own.
func cursor(exact any) string {
	switch v := exact.(type) {
	case int64:
		return "i" + strconv.FormatInt(v, 10)
	case float64:
		return "f" + strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return "b" + base64.StdEncoding.EncodeToString(v)
	}
	return "t" + fmt.Sprint(exact)
}

func parseCursor(text string) (any, error) {
	kind, rest := text[:1], text[1:]
	switch kind {
	case "i":
		return strconv.ParseInt(rest, 10, 64)
	case "f":
		return strconv.ParseFloat(rest, 64)
	case "b":
		return base64.StdEncoding.DecodeString(rest)
	case "t":
		return rest, nil
	}
	return nil, fmt.Errorf("%q is not a cursor of this package", text)
}

package sqldb

import (
	"context"
	"fmt"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

const (
	// maxCatalogueColumns bounds what Describe reads from a database with
	// thousands of tables.
	maxCatalogueColumns = 50_000
	// maxNamesInError keeps an error that lists what there is readable.
	maxNamesInError = 30
)

// table is a table or view as the database's own catalogue describes it.
type table struct {
	schema  string
	name    string
	columns []column
}

type column struct {
	name     string
	declared string // its type, for people
	class    class
	required bool // it refuses null
	unique   bool // it alone is unique
}

func (t *table) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

func (t *table) column(d *dialect, name string) (column, bool) {
	for _, c := range t.columns {
		if c.name == name {
			return c, true
		}
	}
	for _, c := range t.columns {
		if d.anyCase && strings.EqualFold(c.name, name) {
			return c, true
		}
	}
	return column{}, false
}

// catalogue reads the description of one table, or of all when the name is "".
func (s *system) catalogue(ctx context.Context, name string) ([]*table, error) {
	rows, err := s.db.QueryContext(ctx, s.d.catalogue, s.schema, name, maxCatalogueColumns)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*table
	for rows.Next() {
		var owner, base string
		var c column
		if err := rows.Scan(&owner, &c.name, &c.declared, &base, &c.required, &c.unique); err != nil {
			return nil, err
		}
		c.class = s.d.class(base)
		if len(found) == 0 || found[len(found)-1].name != owner {
			found = append(found, &table{schema: s.schema, name: owner})
		}
		last := found[len(found)-1]
		last.columns = append(last.columns, c)
	}
	return found, rows.Err()
}

// table returns one table from memory or from the database. The error of a
// table that is not there lists those that are.
func (s *system) table(ctx context.Context, name string) (*table, error) {
	s.mu.Lock()
	known := s.tables[name]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := s.catalogue(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, s.noTable(ctx, name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[name] = found[0]
	return found[0], nil
}

func (s *system) noTable(ctx context.Context, name string) error {
	all, err := s.catalogue(ctx, "")
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.name
	}
	where := "the database"
	if s.schema != "" {
		where = fmt.Sprintf("schema %q", s.schema)
	}
	return &fault.Error{Kind: fault.Invalid,
		Msg: fmt.Sprintf("table %q is not there: %s has %s", name, where, listed(names)),
		Do:  "correct table: in the configuration, or let the connection's user see the table"}
}

// forget makes the next use of every table read the catalogue.
func (s *system) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tables)
}

func listed(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > maxNamesInError:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamesInError], ", "), len(names)-maxNamesInError)
	}
	return strings.Join(names, ", ")
}

// layout is an entity type laid over the tables that hold it.
type layout struct {
	entity string
	table  *table
	key    field
	fields []field // what stands in the object's own row, the key included
	links  []link  // what stands in link tables
}

// field is a property in a column of the object's own row.
type field struct {
	property connector.Property
	column   column
}

// link is a property in a link table.
type link struct {
	property connector.Property
	table    *table
	owner    column // holds this object's key
	target   column // holds the other object
}

func (l *layout) field(property string) (field, bool) {
	for _, f := range l.fields {
		if f.property.Name == property {
			return f, true
		}
	}
	return field{}, false
}

func (l *layout) link(property string) (link, bool) {
	for _, k := range l.links {
		if k.property.Name == property {
			return k, true
		}
	}
	return link{}, false
}

// layout looks the words of the configuration up in the database. Everything
// that does not fit is said at once.
func (s *system) layout(ctx context.Context, shape connector.Shape) (*layout, error) {
	name := shape.From[fromTable]
	if name == "" {
		return nil, fault.Findings{{Object: shape.Entity, What: "the entity type names no table", Do: "add table: to from:"}}
	}
	own, err := s.table(ctx, name)
	if err != nil {
		return nil, s.fail("entity type "+shape.Entity, err)
	}
	out := &layout{entity: shape.Entity, table: own}
	var wrong fault.Findings
	for _, p := range shape.Properties {
		switch {
		case !p.Stored():
		case p.Link != "" && p.From[fromTable] != "":
			k, bad, err := s.link(ctx, shape.Entity, p)
			if err != nil {
				return nil, err
			}
			wrong = append(wrong, bad...)
			out.links = append(out.links, k)
		case p.Link != "" && p.Many:
			wrong = append(wrong, fault.Finding{Object: shape.Entity + "." + p.Name,
				What: "a link to many needs a link table", Do: "add table:, owner: and target: to the property"})
		default:
			c, ok := own.column(s.d, columnName(p))
			if !ok {
				wrong = append(wrong, noColumn(shape.Entity, p.Name, own, columnName(p), "column"))
			}
			out.fields = append(out.fields, field{p, c})
		}
	}
	key, ok := out.field(shape.Key)
	if !ok {
		wrong = append(wrong, fault.Finding{Object: shape.Entity,
			What: fmt.Sprintf("the key %q is no column of the table", shape.Key), Do: "name a property that is kept in a column as the key"})
	}
	out.key = key
	if len(wrong) > 0 {
		s.forget() // the table may be corrected before the next attempt
	}
	return out, wrong.Err()
}

// link lays a property over its link table. Only an error of the database is
// returned as error; what the configuration has wrong is in the findings.
func (s *system) link(ctx context.Context, entity string, p connector.Property) (link, []fault.Finding, error) {
	own, err := s.table(ctx, p.From[fromTable])
	if err != nil {
		return link{}, nil, s.fail("property "+entity+"."+p.Name, err)
	}
	k := link{property: p, table: own}
	if p.From[fromOwner] == "" {
		return k, []fault.Finding{{Object: entity + "." + p.Name, What: "the link table's column with the key of this object is not named",
			Do: "add owner: to the property, one of " + listed(own.columnNames())}}, nil
	}
	var wrong []fault.Finding
	var ok bool
	if k.owner, ok = own.column(s.d, p.From[fromOwner]); !ok {
		wrong = append(wrong, noColumn(entity, p.Name, own, p.From[fromOwner], fromOwner))
	}
	target := p.From[fromTarget]
	if target == "" {
		target = columnName(p)
	}
	if k.target, ok = own.column(s.d, target); !ok {
		wrong = append(wrong, noColumn(entity, p.Name, own, target, fromTarget))
	}
	return k, wrong, nil
}

// inverse lays a link that the other entity type keeps in a link table over
// that table, seen from this side.
func (s *system) inverse(ctx context.Context, entity string, p connector.Property) (link, error) {
	if p.FarFrom[fromTable] == "" || p.FarFrom[fromOwner] == "" {
		return link{}, fault.New(fault.Invalid, "", "property %s.%s is kept by %s.%s, not in a link table: change it there", entity, p.Name, p.Link, p.Inverse)
	}
	far := p.FarFrom[fromTarget]
	if far == "" {
		far = p.Far
	}
	turned := p
	turned.From = map[string]string{fromTable: p.FarFrom[fromTable], fromOwner: far, fromTarget: p.FarFrom[fromOwner]}
	k, wrong, err := s.link(ctx, entity, turned)
	if err == nil {
		err = fault.Findings(wrong).Err()
	}
	return k, err
}

func columnName(p connector.Property) string {
	if p.Column != "" {
		return p.Column
	}
	return p.Name
}

func noColumn(entity, property string, t *table, name, key string) fault.Finding {
	return fault.Finding{
		Object: entity + "." + property,
		What:   fmt.Sprintf("table %q has no column %q: it has %s", t.name, name, listed(t.columnNames())),
		Do:     "correct " + key + ": of the property",
	}
}

// Package sqldb is the connector package "sql": it reads and writes the tables
// of a database that belongs to somebody else.
//
// An entity type is a table, a property a column, and a link to many the rows
// of a link table:
//
//	entities:
//	  Account:
//	    from: {connection: finance, table: accounts}
//	    key: login
//	    properties:
//	      login: {type: string}
//	      email: {type: string}
//	      teams: {links: Team, table: memberships, owner: login, target: team}
//
// What it promises: one change is one transaction, of which either everything
// or nothing is there afterwards. An outcome is None only when the database
// itself said so or when nothing can have reached it; a reply that got lost on
// the way back from a commit is Unknown. Deleting what is not there is Done,
// with a note in place of an error; so is adding a link that exists, and
// removing one that does not. Names of tables and columns are looked up in the
// database's own catalogue before they are quoted into a statement; values only
// ever travel as parameters.
//
// The engine calls it, from several goroutines. A crash leaves nothing behind:
// the database rolls back what was not committed. The package never changes a
// table's definition, and sets nothing on a database file that outlives the
// connection.
//
// Another database product is one more value of type dialect.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

// The keys of a connection's settings.
const (
	setDriver   = "driver"
	setFile     = "file"
	setDSN      = "dsn"
	setPassword = "password"
	setSchema   = "schema"
)

// The further keys of entity types and properties.
const (
	fromTable     = "table"
	fromOwner     = "owner"
	fromTarget    = "target"
	fromReference = "reference"
)

// Package returns the connector package.
func Package() connector.Package {
	return connector.Package{
		Name:  "sql",
		About: "Reads and writes the tables of a database (" + strings.Join(drivers(), ", ") + ").",
		// A key that is taken is refused by the database; without a unique key,
		// and for links, the engine reads back before it sends again.
		Class: connector.ReadsBack,
		Settings: []connector.Setting{
			{Name: setDriver, About: "The kind of database.", Required: true, OneOf: drivers()},
			{Name: setFile, About: "sqlite: the database file; a relative path starts at the configuration's folder."},
			{Name: setDSN, About: "postgres: the address without a password, such as postgres://provisor@db.example.org/finance?sslmode=verify-full."},
			{Name: setPassword, About: "postgres: the password that goes with the dsn.", Secret: true},
			{Name: setSchema, About: "postgres: the schema that holds the tables; by default the user's search path."},
		},
		From: []connector.Setting{
			{Name: fromTable, About: "On an entity type, the table or view that holds its objects; on a link, the link table."},
			{Name: fromOwner, About: "On a link kept in a link table, the column that holds the key of this object."},
			{Name: fromTarget, About: "On a link kept in a link table, the column that holds the other object; by default the property's column."},
			{Name: fromReference, About: "On a link, the identifying property of the other entity type that the column holds; by default its key."},
		},
		Check: check,
		Open:  open,
	}
}

func drivers() []string { return []string{sqlite.name, postgres.name} }

func dialectOf(settings connector.Settings) *dialect {
	for _, d := range []*dialect{sqlite, postgres} {
		if d.name == settings.Values[setDriver] {
			return d
		}
	}
	return nil
}

func check(settings connector.Settings) []fault.Finding {
	d := dialectOf(settings)
	if d == nil {
		return []fault.Finding{{Object: "settings." + setDriver,
			What: "the kind of database is missing or unknown", Do: "write one of " + strings.Join(drivers(), ", ")}}
	}
	var found []fault.Finding
	for _, name := range []string{setFile, setDSN, setPassword, setSchema} {
		given := settings.Values[name] != "" || !settings.Secrets[name].IsZero()
		switch {
		case !given && slices.Contains(d.needs, name):
			found = append(found, fault.Finding{Object: "settings." + name,
				What: "driver " + d.name + " needs " + name, Do: "add " + name + ": " + d.example})
		case given && !slices.Contains(d.needs, name) && !slices.Contains(d.takes, name):
			found = append(found, fault.Finding{Object: "settings." + name,
				What: "driver " + d.name + " has no use for " + name, Do: "remove it, or correct the driver"})
		}
	}
	if len(found) > 0 {
		return found
	}
	return d.check(settings)
}

func open(_ context.Context, settings connector.Settings) (connector.System, error) {
	if err := fault.Findings(check(settings)).Err(); err != nil {
		return nil, err
	}
	d := dialectOf(settings)
	s := &system{d: d, schema: settings.Values[setSchema], tables: map[string]*table{}}
	for _, text := range settings.Secrets {
		s.secrets = append(s.secrets, text)
	}
	db, err := d.open(settings)
	if err != nil {
		return nil, s.fail("open "+d.name, err)
	}
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(idleConnectionLimit)
	s.db = db
	return s, nil
}

// system is one database. It connects when it is first asked something.
type system struct {
	d       *dialect
	db      *sql.DB
	schema  string
	secrets []secret.Text

	mu     sync.Mutex
	tables map[string]*table // by the name in the configuration
}

// Close gives up the connections.
func (s *system) Close() error { return s.db.Close() }

// Describe names the product and lists the tables with their columns.
func (s *system) Describe(ctx context.Context) (connector.Description, error) {
	out := connector.Description{Can: connector.Abilities{Read: true, Lookup: true, Write: true, FreshLookup: true}}
	var version string
	if err := s.db.QueryRowContext(ctx, s.d.version).Scan(&version); err != nil {
		return out, s.fail("describe", err)
	}
	// Distributions put their own version behind the product's.
	version, _, _ = strings.Cut(version, " ")
	out.Product = s.d.product + " " + version
	tables, err := s.catalogue(ctx, "")
	if err != nil {
		return out, s.fail("describe", err)
	}
	for _, t := range tables {
		out.Objects = append(out.Objects, connector.DescribedObject{Name: t.name, Columns: t.columnNames()})
	}
	return out, nil
}

// fail turns an error of the database into one that says what kind it is and
// shows no secret. The driver's error is not kept in the chain, since it may
// print what it was given; a cancelled context is.
func (s *system) fail(op string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	v := s.explain(err)
	out := &fault.Error{Kind: v.kind, Op: op, Msg: v.text}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			out.Kind, out.Err = fault.Unavailable, ended
			if out.Msg == ended.Error() {
				out.Msg = ""
			}
		}
	}
	return out
}

// explain asks the dialect what an error means, and masks its words. After an
// error about a name, the catalogue is read anew.
func (s *system) explain(err error) verdict {
	v := s.d.explain(err)
	v.text = secret.Mask(v.text, s.secrets...)
	if v.stale {
		s.forget()
	}
	return v
}

package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

// place is one database with nothing in it, seen by its owner and by the package.
type place struct {
	t        *testing.T
	driver   string
	settings connector.Settings
	owner    *sql.DB // what other applications do to the database
	system   connector.System
}

// everywhere runs a test on a SQLite file and on a real PostgreSQL.
func everywhere(t *testing.T, test func(t *testing.T, p *place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, onSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, onPostgres(t)) })
}

func onSQLite(t *testing.T) *place {
	dir := t.TempDir()
	owner, err := sql.Open("sqlite", filepath.Join(dir, "finance %41 #1.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, driver: "sqlite", owner: owner, settings: connector.Settings{Dir: dir,
		Values: map[string]string{"driver": "sqlite", "file": "finance %41 #1.db"}}}
	p.exec("CREATE TABLE created (n INTEGER)", "DROP TABLE created")
	return p.opened()
}

var databases atomic.Int64

func onPostgres(t *testing.T) *place {
	server := postgresql.ForTest(t)
	name := fmt.Sprintf("finance_%d", databases.Add(1))
	if err := server.CreateDatabase(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	owner, err := sql.Open("pgx", server.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, driver: "postgres", owner: owner, settings: connector.Settings{
		Values:  map[string]string{"driver": "postgres", "dsn": server.DSN(name)},
		Secrets: map[string]secret.Text{"password": secret.New("canary-password")}}}
	return p.opened()
}

func (p *place) opened() *place {
	p.system = p.open(p.settings)
	p.t.Cleanup(func() { p.owner.Close() })
	return p
}

func (p *place) open(settings connector.Settings) connector.System {
	p.t.Helper()
	s, err := Package().Open(context.Background(), settings)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { s.Close() })
	return s
}

// exec does what the database's owner does.
func (p *place) exec(statements ...string) {
	p.t.Helper()
	for _, st := range statements {
		if _, err := p.owner.Exec(st); err != nil {
			p.t.Fatalf("%s: %v", st, err)
		}
	}
}

func (p *place) count(query string) (n int) {
	p.t.Helper()
	if err := p.owner.QueryRow(query).Scan(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// demo makes the tables of the demonstration.
func (p *place) demo() *place {
	p.exec(`CREATE TABLE teams (code varchar(20) PRIMARY KEY, name text)`,
		`CREATE TABLE accounts (login varchar(20) PRIMARY KEY, email varchar(40) UNIQUE, display_name text NOT NULL DEFAULT 'nobody',
			department text CHECK (department <> 'NONE'), active boolean)`,
		`CREATE TABLE memberships (login varchar(20) NOT NULL REFERENCES accounts (login), team varchar(20) NOT NULL REFERENCES teams (code),
			PRIMARY KEY (login, team))`,
		`INSERT INTO teams VALUES ('red', 'Red'), ('blue', 'Blue'), ('green', 'Green')`)
	return p
}

var account = connector.Shape{
	Entity: "Account", From: map[string]string{"table": "accounts"}, Key: "login", Identify: []string{"email"},
	Properties: []connector.Property{
		{Name: "login", Column: "login", Type: value.String},
		{Name: "email", Column: "email", Type: value.String},
		{Name: "name", Column: "display_name", Type: value.String},
		{Name: "department", Column: "department", Type: value.String},
		{Name: "active", Column: "active", Type: value.Bool},
		{Name: "teams", Column: "teams", Link: "Team", Many: true,
			From: map[string]string{"table": "memberships", "owner": "login", "target": "team"}},
	},
}

// change builds a change of an account; items are numbered from 1.
func change(shape connector.Shape, kind connector.Kind, key string, items ...connector.Item) connector.Change {
	for i := range items {
		items[i].ID = i + 1
		if p, ok := shape.Property(items[i].Property.Name); ok {
			items[i].Property = p
		}
	}
	return connector.Change{Order: "order-1", Shape: shape, Kind: kind, Key: key, Items: items}
}

func object() connector.Item { return connector.Item{Op: connector.OpObject} }

func set(property string, v value.Value) connector.Item {
	return connector.Item{Op: connector.OpSet, Property: connector.Property{Name: property}, Value: v}
}

func setText(property, text string) connector.Item { return set(property, value.OfString(text)) }

func takeAway(property string) connector.Item {
	return connector.Item{Op: connector.OpClear, Property: connector.Property{Name: property}}
}

func relate(op connector.Op, property, key string) connector.Item {
	return connector.Item{Op: op, Property: connector.Property{Name: property}, Target: connector.Reference{Entity: "Team", Key: key}}
}

// apply expects the same effect of every item and returns the outcome.
func (p *place) apply(want connector.Effect, c connector.Change) connector.Outcome {
	p.t.Helper()
	out := p.system.Apply(context.Background(), c)
	p.expect(want, c, out)
	return out
}

func (p *place) expect(want connector.Effect, c connector.Change, out connector.Outcome) {
	p.t.Helper()
	for _, item := range c.Items {
		if got := out.Items[item.ID]; got.Effect != want {
			p.t.Fatalf("item %d %s %s: %s, want %s: %s", item.ID, item.Op, item.Property.Name, got.Effect, want, got.Err)
		}
	}
}

func (p *place) ann(items ...connector.Item) {
	p.t.Helper()
	p.apply(connector.Done, change(account, connector.Create, "ann", append([]connector.Item{
		object(), setText("login", "ann"), setText("email", "ann@example.org")}, items...)...))
}

func (p *place) lookup(shape connector.Shape, key string) connector.Object {
	p.t.Helper()
	o, err := p.system.Lookup(context.Background(), connector.LookupRequest{Shape: shape, Key: key})
	if err != nil {
		p.t.Fatalf("look up %s: %v", key, err)
	}
	return o
}

// readAll follows the pages to the end.
func (p *place) readAll(shape connector.Shape, limit int, between func()) (objects []connector.Object, pages []connector.ReadPage) {
	p.t.Helper()
	cursor := ""
	for {
		page, err := p.system.Read(context.Background(), connector.ReadRequest{Shape: shape, Cursor: cursor, Limit: limit})
		if err != nil {
			p.t.Fatal(err)
		}
		objects, pages = append(objects, page.Objects...), append(pages, page)
		if page.Complete {
			return objects, pages
		}
		if cursor = page.Cursor; cursor == "" {
			p.t.Fatal("a page is neither complete nor does it say where the next one starts")
		}
		if between != nil {
			between()
		}
	}
}

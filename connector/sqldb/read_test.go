package sqldb

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

func TestAReadingReturnsEveryObjectOnceWhateverThePageSize(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo()
		const n = 23
		for i := range n {
			p.exec(fmt.Sprintf("INSERT INTO accounts (login, email) VALUES ('u%02d', 'u%02d@example.org')", i, i),
				fmt.Sprintf("INSERT INTO memberships VALUES ('u%02d', 'red'), ('u%02d', 'blue')", i, i))
		}
		for _, limit := range []int{1, 4, n - 1, n, n + 1, 0} {
			objects, pages := p.readAll(account, limit, nil)
			seen := map[string]bool{}
			for _, o := range objects {
				seen[o.Key] = true
				if !slices.Equal(o.Links["teams"], []string{"blue", "red"}) {
					t.Errorf("%s: teams are %v", o.Key, o.Links["teams"])
				}
			}
			if len(objects) != n || len(seen) != n {
				t.Errorf("limit %d: %d objects, %d different, want %d", limit, len(objects), len(seen), n)
			}
			for i, page := range pages {
				if last := i == len(pages)-1; page.Complete != last || (page.Cursor == "") != last {
					t.Errorf("limit %d, page %d of %d: complete %v, cursor %q", limit, i, len(pages), page.Complete, page.Cursor)
				}
			}
		}
	})
}

func TestAReadingIsStableWhileOthersWrite(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo()
		for i := range 20 {
			p.exec(fmt.Sprintf("INSERT INTO accounts (login) VALUES ('m%02d')", i))
		}
		turn := 0
		objects, _ := p.readAll(account, 3, func() {
			turn++
			p.exec(fmt.Sprintf("INSERT INTO accounts (login) VALUES ('a%02d')", turn), // before the cursor
				fmt.Sprintf("DELETE FROM accounts WHERE login = 'm%02d'", turn-1)) // already read
		})
		var keys []string
		for _, o := range objects {
			if strings.HasPrefix(o.Key, "m") {
				keys = append(keys, o.Key)
			}
		}
		if len(keys) != 20 {
			t.Errorf("%d of the 20 rows that were there throughout were read: %v", len(keys), keys)
		}
	})
}

func TestRowsWithoutAUniqueKeyAreSetAside(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.exec("CREATE TABLE accounts (login text, email text, display_name text, department text, active int)", "CREATE TABLE memberships (login text, team text)",
			"INSERT INTO accounts (login) VALUES ('a'), ('b'), ('b'), ('b'), ('c'), (NULL), (NULL), (''), ('Ann'), ('ann')")
		for _, limit := range []int{1, 2, 3, 4, 100} {
			objects, pages := p.readAll(account, limit, nil)
			var keys, aside []string
			findings := ""
			for _, o := range objects {
				keys = append(keys, o.Key)
			}
			for _, page := range pages {
				aside = append(aside, page.SetAside...)
				findings += fault.Findings(page.Findings).Error() + "\n"
			}
			slices.Sort(keys)
			if !slices.Equal(keys, []string{"Ann", "a", "ann", "c"}) || !slices.Equal(aside, []string{"b"}) {
				t.Errorf("limit %d: keys %v, set aside %v", limit, keys, aside)
			}
			for _, want := range []string{"2 rows have no login", "login is empty", `the login "b"`} {
				if !strings.Contains(findings, want) {
					t.Errorf("limit %d: no finding says %q: %s", limit, want, findings)
				}
			}
		}
	})
}

func TestKeysThatDifferInCaseOnlyAreTwoObjects(t *testing.T) {
	p := onSQLite(t)
	p.exec("CREATE TABLE accounts (login text COLLATE NOCASE, email text, display_name text, department text, active int)", "CREATE TABLE memberships (login text, team text)",
		"INSERT INTO accounts (login) VALUES ('ann'), ('Ann'), ('bob'), ('ANN')")
	for _, limit := range []int{1, 2, 3} {
		if objects, _ := p.readAll(account, limit, nil); len(objects) != 4 {
			t.Errorf("limit %d: %d objects, want 4", limit, len(objects))
		}
	}
	p.apply(connector.Done, change(account, connector.Update, "Ann", setText("department", "IT")))
	if n := p.count("SELECT count(*) FROM accounts WHERE department = 'IT'"); n != 1 {
		t.Errorf("%d rows changed, want 1", n)
	}
}

func TestSeveralRowsForASingleLinkArePartial(t *testing.T) {
	shape := account
	shape.Properties = slices.Clone(account.Properties)
	shape.Properties[5].Many = false
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(relate(connector.OpAdd, "teams", "red"), relate(connector.OpAdd, "teams", "blue"))
		_, pages := p.readAll(shape, 10, nil)
		o := pages[0].Objects[0]
		if len(o.Links["teams"]) != 0 || !slices.Equal(o.Partial, []string{"teams"}) || len(pages[0].Findings) != 1 {
			t.Errorf("got %+v, findings %v", o, pages[0].Findings)
		}
	})
}

// A page that ends too early would look like a deletion.
func TestKeysOfEveryKindArePagedToTheEnd(t *testing.T) {
	shape := connector.Shape{Entity: "Thing", Key: "id", Properties: []connector.Property{
		{Name: "id", Column: "id", Type: value.String}, {Name: "note", Column: "note", Type: value.String}}}
	cases := map[string][]string{
		"sqlite": {"id INTEGER PRIMARY KEY", "id TEXT PRIMARY KEY", "id", "id BLOB", "id TEXT COLLATE NOCASE UNIQUE", "id REAL", "id NUMERIC UNIQUE"},
		"postgres": {"id int PRIMARY KEY", "id bigserial PRIMARY KEY", "id text PRIMARY KEY", "id char(8) PRIMARY KEY", "id numeric UNIQUE",
			"id double precision UNIQUE"},
	}
	everywhere(t, func(t *testing.T, p *place) {
		for i, definition := range cases[p.driver] {
			shape.From = map[string]string{"table": fmt.Sprintf("things%d", i)}
			p.exec(fmt.Sprintf("CREATE TABLE things%d (%s, note text)", i, definition))
			for _, id := range []int{9, 10, 100, 2, 11} {
				p.exec(fmt.Sprintf("INSERT INTO things%d (id) VALUES (%d)", i, id))
			}
			objects, _ := p.readAll(shape, 2, nil)
			var keys []string
			for _, o := range objects {
				keys = append(keys, o.Key)
				p.apply(connector.Done, change(shape, connector.Update, o.Key, setText("note", "seen "+o.Key)))
				if got := p.lookup(shape, o.Key); got.Values["note"].Text() != "seen "+o.Key {
					t.Errorf("%s: key %s reads back as %v", definition, o.Key, got.Values)
				}
			}
			slices.Sort(keys)
			if !slices.Equal(keys, []string{"10", "100", "11", "2", "9"}) {
				t.Errorf("%s: keys %v", definition, keys)
			}
		}
	})
}

func TestWhatWasWrittenReadsBackEqual(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)
	cases := []struct {
		t       value.Type
		f       value.Format
		columns map[string]string // by driver, several separated by |
		values  []value.Value
	}{
		{value.String, "", map[string]string{"sqlite": "text|blob|varchar(80)|", "postgres": "text|varchar(80)|bytea"},
			[]value.Value{value.OfString("plain"), value.OfString(" spaces "), value.OfString("Zoë 日本 🙂"), value.OfString("007"), value.OfString("true")}},
		{value.String, "", map[string]string{"sqlite": "text", "postgres": "uuid"}, []value.Value{value.OfString("6f1c2a1e-0000-4000-8000-00000000000a")}},
		{value.Int, "", map[string]string{"sqlite": "integer|text||numeric", "postgres": "bigint|text|numeric"},
			[]value.Value{value.OfInt(0), value.OfInt(-1), value.OfInt(1<<62 + 1), value.OfInt(-1 << 63)}},
		{value.Float, "", map[string]string{"sqlite": "real|text||numeric", "postgres": "double precision|text|numeric"},
			[]value.Value{value.OfFloat(0.1), value.OfFloat(-1e300), value.OfFloat(1.0 / 3), value.OfFloat(5e-324), value.OfFloat(12)}},
		{value.Float, "", map[string]string{"sqlite": "real", "postgres": "real"}, []value.Value{value.OfFloat(0.1)}},
		{value.Bool, "", map[string]string{"sqlite": "boolean|integer|text|", "postgres": "boolean|integer|text"}, []value.Value{value.OfBool(true), value.OfBool(false)}},
		{value.Bool, "Y/N", map[string]string{"sqlite": "text|char(1)", "postgres": "text|char(1)|boolean"}, []value.Value{value.OfBool(true), value.OfBool(false)}},
		{value.Bool, "1/0", map[string]string{"sqlite": "integer|text", "postgres": "smallint|text|boolean"}, []value.Value{value.OfBool(true), value.OfBool(false)}},
		{value.Date, "", map[string]string{"sqlite": "date|text|", "postgres": "date|text|timestamp|timestamptz"}, []value.Value{value.OfDate(at)}},
		{value.Date, "dd.MM.yyyy", map[string]string{"sqlite": "date|text", "postgres": "date|text|timestamp"}, []value.Value{value.OfDate(at)}},
		{value.Date, "yyyyMMdd", map[string]string{"sqlite": "integer|text", "postgres": "integer|text"}, []value.Value{value.OfDate(at)}},
		{value.Time, "", map[string]string{"sqlite": "datetime|timestamp|text|", "postgres": "timestamp|timestamptz|text"}, []value.Value{value.OfTime(at)}},
		{value.Time, "dd.MM.yyyy HH:mm:ss", map[string]string{"sqlite": "datetime|text", "postgres": "timestamp|timestamptz|text"}, []value.Value{value.OfTime(at)}},
		{value.DN, "", map[string]string{"sqlite": "text", "postgres": "text"}, []value.Value{mustDN("uid=ann,ou=people\\, all,dc=example")}},
		{value.Binary, "", map[string]string{"sqlite": "blob|text|", "postgres": "bytea|text"}, []value.Value{mustBinary([]byte{0, 255, '\'', '\\', 10}), mustBinary([]byte("text"))}},
		{value.Binary, value.Hex, map[string]string{"sqlite": "blob|text|", "postgres": "bytea|text"}, []value.Value{mustBinary([]byte{0, 255, '\'', '\\', 10}), mustBinary([]byte("text"))}},
	}
	everywhere(t, func(t *testing.T, p *place) {
		for i, c := range cases {
			for j, definition := range strings.Split(c.columns[p.driver], "|") {
				name := fmt.Sprintf("t%d_%d", i, j)
				p.exec(fmt.Sprintf("CREATE TABLE %s (id integer PRIMARY KEY, v %s)", name, definition))
				shape := connector.Shape{Entity: "T", From: map[string]string{"table": name}, Key: "id", Properties: []connector.Property{
					{Name: "id", Column: "id", Type: value.Int}, {Name: "v", Column: "v", Type: c.t, Format: c.f}}}
				for n, v := range append(c.values, value.Null) {
					key := fmt.Sprint(n)
					p.apply(connector.Done, change(shape, connector.Create, key, object(), set("id", value.OfInt(int64(n))), set("v", v)))
					if o := p.lookup(shape, key); o.Values["v"] != v || len(o.Partial) > 0 {
						t.Errorf("%s %q in a column %q: wrote %s, read %s (partial %v)", c.t, c.f, definition, v, o.Values["v"], o.Partial)
					}
					p.apply(connector.Done, change(shape, connector.Update, key, takeAway("v")))
					p.apply(connector.Done, change(shape, connector.Update, key, set("v", v)))
				}
				objects, _ := p.readAll(shape, 2, nil)
				for _, o := range objects {
					n := int(o.Values["id"].Int())
					if want := append(c.values, value.Null)[n]; o.Values["v"] != want {
						t.Errorf("%s %q in a column %q: wrote %s, the reading says %s", c.t, c.f, definition, want, o.Values["v"])
					}
				}
			}
		}
	})
}

func mustDN(text string) value.Value {
	v, err := value.Normalize(value.DN, "", text)
	if err != nil {
		panic(err.Error())
	}
	return v
}

func mustBinary(content []byte) value.Value {
	v, err := value.Normalize(value.Binary, "", base64.StdEncoding.EncodeToString(content))
	if err != nil {
		panic(err.Error())
	}
	return v
}

func TestAValueThatCannotBeReadIsPartialAndFound(t *testing.T) {
	shape := account
	shape.Properties = slices.Clone(account.Properties)
	shape.Properties[3].Type = value.Int
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(setText("department", "not a number"))
		_, pages := p.readAll(shape, 10, nil)
		o := pages[0].Objects[0]
		if !slices.Equal(o.Partial, []string{"department"}) || len(pages[0].Findings) != 1 || !strings.Contains(pages[0].Findings[0].String(), `"ann", column department`) {
			t.Errorf("partial %v, findings %v", o.Partial, pages[0].Findings)
		}
	})
}

func TestLookupTellsAbsenceFromIgnorance(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann()
		p.exec("CREATE TABLE numbers (id int PRIMARY KEY)")
		numbers := connector.Shape{Entity: "N", From: map[string]string{"table": "numbers"}, Key: "id", Properties: []connector.Property{{Name: "id", Type: value.Int}}}
		unique := func(property, text string) connector.LookupRequest {
			return connector.LookupRequest{Shape: account, Unique: map[string]value.Value{property: value.OfString(text)}}
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		cases := []struct {
			name string
			ctx  context.Context
			req  connector.LookupRequest
			want string
			kind fault.Kind
		}{
			{"by unique value", t.Context(), unique("email", "ann@example.org"), "ann", ""},
			{"absent unique value", t.Context(), unique("email", "bob@example.org"), "", fault.NotFound},
			{"absent key", t.Context(), connector.LookupRequest{Shape: account, Key: "bob"}, "", fault.NotFound},
			{"a key in another case", t.Context(), connector.LookupRequest{Shape: account, Key: "ANN"}, "", fault.NotFound},
			{"a text where keys are numbers", t.Context(), connector.LookupRequest{Shape: numbers, Key: "x"}, "", fault.NotFound},
			{"nothing to look for", t.Context(), connector.LookupRequest{Shape: account}, "", fault.Invalid},
			{"cancelled", ended, connector.LookupRequest{Shape: account, Key: "bob"}, "", fault.Unavailable},
		}
		for _, c := range cases {
			o, err := p.system.Lookup(c.ctx, c.req)
			if o.Key != c.want || (err != nil) != (c.want == "") || err != nil && fault.KindOf(err) != c.kind {
				t.Errorf("%s: got %q, %v of kind %q, want %q, kind %q", c.name, o.Key, err, fault.KindOf(err), c.want, c.kind)
			}
		}
	})
}

func TestAMistakeInTheConfigurationNamesWhatThereIs(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo()
		wrong := account
		wrong.From = map[string]string{"table": "acounts"}
		columns := account
		columns.Properties = slices.Clone(account.Properties)
		columns.Properties[1].Column = "e_mail"
		columns.Properties[5].From = map[string]string{"table": "memberships", "owner": "account"}
		for shape, words := range map[*connector.Shape][]string{
			&wrong:   {`"acounts"`, "accounts, memberships, teams"},
			&columns: {`"e_mail"`, "login, email, display_name", `"account"`, `"teams"`, "login, team"},
		} {
			_, err := p.system.Read(t.Context(), connector.ReadRequest{Shape: *shape})
			out := p.apply(connector.None, change(*shape, connector.Update, "ann", setText("department", "IT")))
			for _, word := range words {
				if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), word) || !strings.Contains(out.Items[1].Err, word) {
					t.Errorf("%q is missing in %v (%v)", word, err, out.Items[1].Err)
				}
			}
			if !out.Items[1].Permanent || out.Down {
				t.Errorf("got %+v", out)
			}
		}
	})
}

// In SQLite a column that is gone must not read as its own name.
func TestATableThatChangesUnderAnOpenSystemIsNoticed(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann()
		p.lookup(account, "ann")
		p.exec("ALTER TABLE accounts DROP COLUMN display_name")
		if o, err := p.system.Lookup(t.Context(), connector.LookupRequest{Shape: account, Key: "ann"}); err == nil {
			t.Errorf("a look-up of a dropped column answers %v", o.Values)
		}
		p.exec("ALTER TABLE accounts ADD COLUMN display_name text")
		p.apply(connector.Done, change(account, connector.Update, "ann", setText("name", "Ann")))
		if got := p.lookup(account, "ann").Values["name"]; got.Text() != "Ann" {
			t.Errorf("name is %s", got)
		}
	})
}

func TestDescribeListsTablesAndColumns(t *testing.T) {
	products := map[string]string{"sqlite": "SQLite 3.", "postgres": "PostgreSQL 1"}
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().exec("CREATE VIEW actives AS SELECT login FROM accounts WHERE active")
		d, err := p.system.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range d.Objects {
			names = append(names, o.Name+"("+strings.Join(o.Columns, " ")+")")
		}
		want := []string{"accounts(login email display_name department active)", "actives(login)", "memberships(login team)", "teams(code name)"}
		if !slices.Equal(names, want) || !strings.HasPrefix(d.Product, products[p.driver]) || strings.Contains(d.Product, "(") || !d.Can.FreshLookup || !d.Can.Write {
			t.Errorf("got %+v", d)
		}
	})
}

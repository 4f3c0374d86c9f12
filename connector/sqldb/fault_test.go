package sqldb

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

// wire stands between the package and PostgreSQL and cuts the connection when
// the cutting word goes by: before it is passed on, or after the server had
// time to answer, with the answer swallowed.
type wire struct {
	l      net.Listener
	server string
	word   atomic.Pointer[string]
	pass   atomic.Bool // pass the word on before cutting
	cuts   atomic.Int32
}

func startWire(t *testing.T, server string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l, server: server}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	return w
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool
	var answered sync.WaitGroup
	answered.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			if mute.Load() {
				return // the server has answered, and nobody hears it
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if word := w.word.Load(); word != nil && bytes.Contains(buffer[:n], []byte(*word)) {
			w.word.Store(nil)
			w.cuts.Add(1)
			if w.pass.Load() {
				mute.Store(true)
				_, _ = server.Write(buffer[:n])
				answered.Wait()
			}
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestALostReplyIsUnknownAndALostRequestIsNone(t *testing.T) {
	p := onPostgres(t).demo()
	server := fmt.Sprintf("127.0.0.1:%d", postgresql.ForTest(t).Port())
	w := startWire(t, server)
	dsn := strings.Replace(p.settings.Values["dsn"], server, w.l.Addr().String(), 1)
	// Without prepared statements the words of a statement cross the wire each time.
	p.system = p.open(connector.Settings{Values: map[string]string{"driver": "postgres", "dsn": dsn + "&default_query_exec_mode=cache_describe"}})

	one := func(login string) connector.Change {
		return change(account, connector.Create, login, object(), setText("login", login))
	}
	two := func(login string) connector.Change {
		c := one(login)
		return change(account, connector.Create, login, append(c.Items, relate(connector.OpAdd, "teams", "red"))...)
	}
	cases := []struct {
		login  string
		word   string
		pass   bool
		change func(string) connector.Change
		want   connector.Effect
		there  int
	}{
		{"a", "commit", true, two, connector.Unknown, 1},
		{"b", "commit", false, two, connector.Unknown, 0},
		{"c", "memberships", true, two, connector.None, 0},
		{"d", "INSERT", false, two, connector.None, 0},
		{"e", "BEGIN", true, two, connector.None, 0},
		{"f", "eve-f", true, one, connector.Unknown, 1},
		{"g", "eve-g", false, one, connector.Unknown, 0},
	}
	for _, c := range cases {
		login := "eve-" + c.login
		p.apply(connector.Done, one("warm-"+c.login)) // the table and the statement are known
		word := c.word
		if c.word == "BEGIN" {
			word = "begin"
		}
		w.pass.Store(c.pass)
		w.word.Store(&word)
		before := w.cuts.Load()
		ch := c.change(login)
		out := p.system.Apply(t.Context(), ch)
		if w.cuts.Load() == before {
			t.Fatalf("%s: the wire was not cut", c.login)
		}
		for id, item := range out.Items {
			if item.Effect != c.want || item.Permanent {
				t.Errorf("%s: cut at %s, passed on %v: item %d: %s, want %s (%+v)", c.login, c.word, c.pass, id, item.Effect, c.want, item)
			}
		}
		if out.Key != login {
			t.Errorf("%s: the key is %q", c.login, out.Key)
		}
		if n := p.count("SELECT count(*) FROM accounts WHERE login = '" + login + "'"); n != c.there {
			t.Errorf("%s: %d rows, want %d", c.login, n, c.there)
		}
	}
}

func TestAContextThatEndsDuringCommitIsUnknown(t *testing.T) {
	p := onPostgres(t).demo()
	p.exec(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for p.count("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	c := change(account, connector.Create, "ann", object(), setText("login", "ann"), relate(connector.OpAdd, "teams", "red"))
	p.expect(connector.Unknown, c, p.system.Apply(ctx, c))
	p.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
}

// A server that ends a session may have committed before it says so.
func TestASessionThatIsEndedDuringCommitIsUnknown(t *testing.T) {
	p := onPostgres(t).demo()
	p.exec(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
	for _, items := range [][]connector.Item{{object(), setText("login", "ann")},
		{object(), setText("login", "ann"), relate(connector.OpAdd, "teams", "red")}} {
		go func() {
			for p.count("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep') t") == 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		p.apply(connector.Unknown, change(account, connector.Create, "ann", items...))
	}
}

func TestAConstraintThatIsCheckedAtCommitRefusesForGood(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().exec("DROP TABLE memberships", `CREATE TABLE memberships (login varchar(20), team varchar(20)
			REFERENCES teams (code) DEFERRABLE INITIALLY DEFERRED)`)
		p.ann()
		for _, items := range [][]connector.Item{{relate(connector.OpAdd, "teams", "mauve")},
			{setText("department", "IT"), relate(connector.OpAdd, "teams", "mauve")}} {
			out := p.apply(connector.None, change(account, connector.Update, "ann", items...))
			if !out.Items[len(items)].Permanent {
				t.Errorf("got %+v", out)
			}
		}
		p.apply(connector.Done, change(account, connector.Update, "ann", relate(connector.OpAdd, "teams", "red")))
		if got := p.lookup(account, "ann"); len(got.Links["teams"]) != 1 || !got.Values["department"].IsNull() {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAContextThatEndsBeforeCommitIsNone(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := change(account, connector.Create, "ann", object(), setText("login", "ann"), relate(connector.OpAdd, "teams", "red"))
		out := p.system.Apply(ctx, c)
		p.expect(connector.None, c, out)
		if out.Items[1].Permanent || out.Down {
			t.Errorf("got %+v", out)
		}
	})
}

func TestAContextThatEndsWhileSQLiteWaitsToCommitLeavesNoHalf(t *testing.T) {
	p := onSQLite(t).demo()
	reader, err := p.owner.Query("SELECT code FROM teams") // its lock keeps COMMIT waiting
	if err != nil {
		t.Fatal(err)
	}
	reader.Next()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c := change(account, connector.Create, "ann", object(), setText("login", "ann"), relate(connector.OpAdd, "teams", "red"))
	p.expect(connector.Unknown, c, p.system.Apply(ctx, c))
	reader.Close()
	if n := p.count("SELECT count(*) FROM accounts") + p.count("SELECT count(*) FROM memberships"); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
	p.apply(connector.Done, c)
}

func TestAFileThatIsLockedIsATransientRefusal(t *testing.T) {
	p := onSQLite(t).demo()
	conn, err := p.owner.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.lookupAbsent("ann") // the table is known
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	c := change(account, connector.Create, "ann", object(), setText("login", "ann"))
	out := p.apply(connector.None, c)
	if out.Items[1].Permanent || out.Down {
		t.Errorf("got %+v", out)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	p.apply(connector.Done, c)
}

func (p *place) lookupAbsent(key string) {
	p.t.Helper()
	_, err := p.system.Lookup(p.t.Context(), connector.LookupRequest{Shape: account, Key: key})
	if fault.KindOf(err) != fault.NotFound {
		p.t.Fatalf("got %v", err)
	}
}

func TestADatabaseThatIsNotThereIsDownWithNoneAndShowsNoSecret(t *testing.T) {
	const canary = "canary-5f0e"
	server := postgresql.ForTest(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	guarded := passwordProtected(t)
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]map[string]string{
		"refused":        {"driver": "postgres", "dsn": "postgres://x@" + closed + "/db?sslmode=disable"},
		"no database":    {"driver": "postgres", "dsn": server.DSN("nowhere")},
		"wrong password": {"driver": "postgres", "dsn": guarded},
		"no file":        {"driver": "sqlite", "file": filepath.Join(t.TempDir(), "absent.db")},
		"not a database": {"driver": "sqlite", "file": text},
	}
	for name, values := range cases {
		settings := connector.Settings{Values: values, Secrets: map[string]secret.Text{}}
		if values["driver"] == "postgres" {
			settings.Secrets["password"] = secret.New(canary)
		}
		s, err := Package().Open(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		out := s.Apply(t.Context(), change(account, connector.Create, "ann", object(), setText("login", "ann")))
		if !out.Down || out.Items[1].Effect != connector.None || out.Items[1].Permanent {
			t.Errorf("%s: got %+v", name, out)
		}
		_, readErr := s.Read(t.Context(), connector.ReadRequest{Shape: account})
		_, describeErr := s.Describe(t.Context())
		_, lookupErr := s.Lookup(t.Context(), connector.LookupRequest{Shape: account, Key: "ann"})
		for _, err := range []error{readErr, describeErr, lookupErr} {
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%s: kind %q of %v", name, fault.KindOf(err), err)
			}
			if shown := fmt.Sprintf("%v %+v %#v %v", err, err, err, out); strings.Contains(shown, canary) {
				t.Errorf("%s: the password is shown: %s", name, shown)
			}
		}
		if _, err := os.Stat(values["file"]); name == "no file" && !os.IsNotExist(err) {
			t.Error("an empty database was made")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing twice: %v", name, err)
		}
	}
}

// passwordProtected returns the address of a database whose user needs another password.
func passwordProtected(t *testing.T) string {
	p := onPostgres(t)
	var file string
	if err := p.owner.QueryRow("SHOW hba_file").Scan(&file); err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append([]byte("host all guarded 127.0.0.1/32 scram-sha-256\n"), rules...), 0o600); err != nil {
		t.Fatal(err)
	}
	p.exec("CREATE ROLE guarded LOGIN PASSWORD 'another'", "SELECT pg_reload_conf()")
	dsn := strings.Replace(p.settings.Values["dsn"], "postgres@", "guarded@", 1)
	time.Sleep(200 * time.Millisecond) // the server reads its rules when it gets round to it
	return dsn
}

func TestASecretInTheDatabasesOwnWordsIsMasked(t *testing.T) {
	p := onPostgres(t).demo()
	p.exec(`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'your password is canary-password'; END $$`,
		`CREATE TRIGGER tell BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION tell()`)
	out := p.apply(connector.None, change(account, connector.Create, "ann", object(), setText("login", "ann")))
	if text := out.Items[1].Err; strings.Contains(text, "canary") || !strings.Contains(text, "your password is") || !out.Items[1].Permanent {
		t.Errorf("got %+v", out.Items[1])
	}
	p.exec(`CREATE FUNCTION tell_all() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'your password is canary-password'; END $$`,
		"DROP TABLE accounts CASCADE", "CREATE VIEW accounts AS SELECT tell_all() AS login, code AS email, '' AS display_name, '' AS department, true AS active FROM teams")
	_, err := p.system.Read(t.Context(), connector.ReadRequest{Shape: account})
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "your password is") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingRightIsNoneAndPermanent(t *testing.T) {
	p := onPostgres(t).demo()
	p.ann()
	p.exec("CREATE ROLE reader LOGIN", "GRANT SELECT ON accounts, teams, memberships TO reader")
	settings := p.settings
	settings.Values = map[string]string{"driver": "postgres", "dsn": strings.Replace(p.settings.Values["dsn"], "postgres@", "reader@", 1)}
	p.system = p.open(settings)
	p.lookup(account, "ann")
	out := p.apply(connector.None, change(account, connector.Update, "ann", setText("department", "IT")))
	if it := out.Items[1]; !it.Permanent || out.Down || !strings.Contains(it.Err, "permission denied for table accounts") {
		t.Errorf("got %+v", out)
	}
}

func TestASchemaHoldsTheTables(t *testing.T) {
	p := onPostgres(t).demo()
	p.exec(`CREATE SCHEMA "Other ""one"`, `CREATE TABLE "Other ""one".accounts (login text PRIMARY KEY)`)
	values := map[string]string{"driver": "postgres", "dsn": p.settings.Values["dsn"], "schema": `Other "one`}
	p.system = p.open(connector.Settings{Values: values})
	shape := account
	shape.Properties = slices.Clone(account.Properties[:1])
	p.apply(connector.Done, change(shape, connector.Create, "ann", object(), setText("login", "ann")))
	if n := p.count(`SELECT count(*) FROM "Other ""one".accounts`); n != 1 || p.count("SELECT count(*) FROM public.accounts") != 0 {
		t.Error("the row is in the wrong schema")
	}
}

func TestCheckSaysEverythingThatIsWrongWithTheSettings(t *testing.T) {
	cases := []struct {
		values map[string]string
		secret string
		words  []string
	}{
		{map[string]string{}, "", []string{"settings.driver"}},
		{map[string]string{"driver": "oracle"}, "", []string{"sqlite, postgres"}},
		{map[string]string{"driver": "sqlite", "dsn": "x", "schema": "y"}, "z", []string{"settings.file", "settings.dsn", "settings.schema", "settings.password"}},
		{map[string]string{"driver": "postgres", "file": "x"}, "", []string{"settings.dsn", "settings.file"}},
		{map[string]string{"driver": "postgres", "dsn": "postgres://u:canary@h/d"}, "", []string{"contains a password"}},
		{map[string]string{"driver": "postgres", "dsn": "host=h password=canary"}, "", []string{"contains a password"}},
		{map[string]string{"driver": "postgres", "dsn": "postgres://h/d?password=canary"}, "", []string{"contains a password"}},
		{map[string]string{"driver": "postgres", "dsn": "postgres://h:canary/d"}, "", []string{"not understood"}},
		{map[string]string{"driver": "postgres", "dsn": "host=h dbname=d"}, "z", nil},
		{map[string]string{"driver": "sqlite", "file": "x.db"}, "", nil},
	}
	for _, c := range cases {
		settings := connector.Settings{Values: c.values, Secrets: map[string]secret.Text{"password": secret.New(c.secret)}}
		text := fault.Findings(Package().Check(settings)).Error()
		_, err := Package().Open(t.Context(), settings)
		if (err == nil) != (c.words == nil) || strings.Contains(text, "canary") || c.words == nil && text != "" {
			t.Errorf("%v: %s; opening: %v", c.values, text, err)
		}
		for _, word := range c.words {
			if !strings.Contains(text, word) {
				t.Errorf("%v: %q is missing in %s", c.values, word, text)
			}
		}
	}
}

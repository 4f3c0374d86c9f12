package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/value"
)

func TestACreationWritesTheRowAndItsLinksTogether(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(set("active", value.OfBool(true)), relate(connector.OpAdd, "teams", "red"), relate(connector.OpAdd, "teams", "blue"))
		o := p.lookup(account, "ann")
		if got := o.Values["email"]; got != value.OfString("ann@example.org") {
			t.Errorf("email is %s", got)
		}
		if got := o.Values["name"]; got != value.OfString("nobody") {
			t.Errorf("name is %s, want the column's default, since no item names it", got)
		}
		if !o.Values["active"].Bool() {
			t.Error("active is not true")
		}
		if got := o.Links["teams"]; !slices.Equal(got, []string{"blue", "red"}) {
			t.Errorf("teams are %v", got)
		}
	})
}

func TestOnlyTheNamedColumnsChange(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(setText("department", "FIN"))
		p.exec("UPDATE accounts SET display_name = 'Ann by hand'")
		p.apply(connector.Done, change(account, connector.Update, "ann", setText("department", "IT"), takeAway("email")))
		o := p.lookup(account, "ann")
		if o.Values["department"].Text() != "IT" || !o.Values["email"].IsNull() || o.Values["name"].Text() != "Ann by hand" {
			t.Errorf("got %v", o.Values)
		}
	})
}

func TestAddingALinkThatExistsAndRemovingOneThatDoesNotAreDone(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann()
		for range 2 {
			p.apply(connector.Done, change(account, connector.Update, "ann", relate(connector.OpAdd, "teams", "red")))
		}
		if n := p.count("SELECT count(*) FROM memberships"); n != 1 {
			t.Errorf("%d rows in the link table, want 1", n)
		}
		for range 2 {
			p.apply(connector.Done, change(account, connector.Update, "ann", relate(connector.OpRemove, "teams", "red")))
		}
		if n := p.count("SELECT count(*) FROM memberships"); n != 0 {
			t.Errorf("%d rows in the link table, want 0", n)
		}
	})
}

func TestALinkTableWithoutConstraintsTakesNoDuplicateAndNoLinkOfNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann()
		p.exec("DROP TABLE memberships", "CREATE TABLE memberships (login text, team text)")
		add := relate(connector.OpAdd, "teams", "red")
		p.apply(connector.Done, change(account, connector.Update, "ann", add))
		p.apply(connector.Done, change(account, connector.Update, "ann", add))
		out := p.apply(connector.None, change(account, connector.Update, "bob", add))
		if it := out.Items[1]; !it.Permanent || !strings.Contains(it.Err, "is not there") {
			t.Errorf("got %+v", it)
		}
		if n := p.count("SELECT count(*) FROM memberships"); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

func TestASingleLinkInALinkTableIsReplaced(t *testing.T) {
	shape := account
	shape.Properties = slices.Clone(account.Properties)
	shape.Properties[5].Many = false
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(relate(connector.OpAdd, "teams", "red"), relate(connector.OpAdd, "teams", "blue"))
		p.apply(connector.Done, change(shape, connector.Update, "ann", relate(connector.OpSet, "teams", "green")))
		if got := p.lookup(shape, "ann").Links["teams"]; !slices.Equal(got, []string{"green"}) {
			t.Errorf("teams are %v", got)
		}
		p.apply(connector.Done, change(shape, connector.Update, "ann", takeAway("teams")))
		if got := p.lookup(shape, "ann").Links["teams"]; len(got) != 0 {
			t.Errorf("teams are %v", got)
		}
	})
}

func TestALinkIsChangedFromTheOtherSide(t *testing.T) {
	team := connector.Shape{Entity: "Team", From: map[string]string{"table": "teams"}, Key: "code", Properties: []connector.Property{
		{Name: "code", Column: "code", Type: value.String},
		{Name: "members", Column: "members", Link: "Account", Many: true, Inverse: "teams", Far: "teams",
			FarFrom: map[string]string{"table": "memberships", "owner": "login", "target": "team"}}}}
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann()
		p.apply(connector.Done, change(team, connector.Update, "red", relate(connector.OpAdd, "members", "ann")))
		if got := p.lookup(account, "ann").Links["teams"]; !slices.Equal(got, []string{"red"}) {
			t.Errorf("teams are %v", got)
		}
	})
}

func TestALinkThatAnotherStoresIsTakenAwayBeforeWhatItLeadsTo(t *testing.T) {
	team := connector.Shape{Entity: "Team", From: map[string]string{"table": "teams"}, Key: "code", Properties: []connector.Property{
		{Name: "code", Column: "code", Type: value.String},
		{Name: "members", Column: "members", Link: "Account", Many: true, Inverse: "teams", Far: "teams",
			FarFrom: map[string]string{"table": "memberships", "owner": "login", "target": "team"}}}}
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(relate(connector.OpAdd, "teams", "red"), relate(connector.OpAdd, "teams", "blue"))
		members, _ := team.Property("members")
		gone := change(team, connector.Delete, "red", object())
		gone.Unlink = []connector.Item{{Op: connector.OpRemove, Property: members, Target: connector.Reference{Entity: "Account", Key: "ann"}}}
		p.apply(connector.Done, gone)
		if got := p.lookup(account, "ann").Links["teams"]; !slices.Equal(got, []string{"blue"}) {
			t.Errorf("teams are %v", got)
		}
	})
}

func TestAReferenceMayBeAnotherIdentifierThanTheKey(t *testing.T) {
	shape := connector.Shape{Entity: "Seat", From: map[string]string{"table": "seats"}, Key: "id", Properties: []connector.Property{
		{Name: "id", Column: "id", Type: value.Int, System: true},
		{Name: "holder", Column: "holder", Link: "Account", From: map[string]string{"reference": "email"}}}}
	everywhere(t, func(t *testing.T, p *place) {
		p.exec("CREATE TABLE seats (id " + map[string]string{"sqlite": "INTEGER PRIMARY KEY", "postgres": "serial PRIMARY KEY"}[p.driver] + ", holder text)")
		c := change(shape, connector.Create, "", object(), connector.Item{Op: connector.OpSet, Property: connector.Property{Name: "holder"},
			Target: connector.Reference{Key: "ann", Values: map[string]value.Value{"email": value.OfString("ann@example.org")}}})
		out := p.apply(connector.Done, c)
		if out.Key != "1" {
			t.Fatalf("the assigned key is %q, want 1", out.Key)
		}
		if got := p.lookup(shape, "1").Links["holder"]; !slices.Equal(got, []string{"ann@example.org"}) {
			t.Errorf("holder is %v", got)
		}
	})
}

func TestDeletingRemovesOwnLinksAndDeletingWhatIsAbsentIsDoneWithANote(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(relate(connector.OpAdd, "teams", "red"))
		c := change(account, connector.Delete, "ann", object())
		if out := p.apply(connector.Done, c); out.Items[1].Err != "" {
			t.Errorf("a note on an ordinary deletion: %s", out.Items[1].Err)
		}
		if n := p.count("SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM memberships)"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if out := p.apply(connector.Done, c); !strings.Contains(out.Items[1].Err, "not there") {
			t.Errorf("no note that it was not there: %+v", out.Items[1])
		}
	})
}

func TestRefusalsAreNoneAndSayWhichItemIsAtFault(t *testing.T) {
	long := strings.Repeat("x", 50)
	cases := []struct {
		name   string
		change connector.Change
		blamed int // 0 for all
		words  string
		only   string
	}{
		{name: "key taken", words: `an object with key "ann" exists already`,
			change: change(account, connector.Create, "ann", object(), setText("login", "ann"), setText("email", "other@example.org"))},
		{name: "other unique value taken", blamed: 3, words: "email",
			change: change(account, connector.Create, "bob", object(), setText("login", "bob"), setText("email", "ann@example.org"))},
		{name: "null refused", blamed: 2, words: "display_name",
			change: change(account, connector.Update, "ann", setText("department", "IT"), takeAway("name"))},
		{name: "check violated", words: "",
			change: change(account, connector.Update, "ann", setText("department", "NONE"))},
		{name: "too long", blamed: 2, words: "email", only: "postgres",
			change: change(account, connector.Update, "ann", setText("department", "IT"), setText("email", long))},
		{name: "far end missing", blamed: 2, words: "",
			change: change(account, connector.Update, "ann", setText("department", "IT"), relate(connector.OpAdd, "teams", "mauve"))},
		{name: "object missing", words: "is not there",
			change: change(account, connector.Update, "bob", setText("department", "IT"))},
		{name: "key changed", blamed: 1, words: "for life",
			change: change(account, connector.Update, "ann", setText("login", "anna"), setText("department", "IT"))},
		{name: "added to a scalar", blamed: 1, words: "set and cleared",
			change: change(account, connector.Update, "ann", relate(connector.OpAdd, "department", "x"))},
	}
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(setText("department", "FIN"))
		for _, c := range cases {
			if c.only != "" && c.only != p.driver {
				continue
			}
			out := p.system.Apply(context.Background(), c.change)
			p.expect(connector.None, c.change, out)
			if out.Down {
				t.Errorf("%s: the connection is said to be down", c.name)
			}
			for id, item := range out.Items {
				guilty := c.blamed == 0 || c.blamed == id
				innocent := strings.HasPrefix(item.Err, "not carried out")
				if guilty == innocent || guilty && (!item.Permanent || !strings.Contains(item.Err, c.words)) {
					t.Errorf("%s: item %d: %+v", c.name, id, item)
				}
			}
		}
		o := p.lookup(account, "ann")
		if o.Values["department"].Text() != "FIN" || o.Values["email"].Text() != "ann@example.org" || len(o.Links["teams"]) != 0 {
			t.Errorf("something of a refused change was carried out: %v %v", o.Values, o.Links)
		}
		if n := p.count("SELECT count(*) FROM accounts"); n != 1 {
			t.Errorf("%d accounts, want 1", n)
		}
	})
}

func TestAnUpdateOfARowWhoseKeyIsNotUniqueChangesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.exec("CREATE TABLE accounts (login text, email text, display_name text, department text, active int)", "CREATE TABLE memberships (login text, team text)",
			"INSERT INTO accounts (login) VALUES ('ann'), ('ann')")
		out := p.apply(connector.None, change(account, connector.Update, "ann", setText("department", "IT")))
		if !out.Items[1].Permanent {
			t.Errorf("got %+v", out.Items[1])
		}
		p.apply(connector.None, change(account, connector.Delete, "ann", object()))
		if n := p.count("SELECT count(*) FROM accounts WHERE department IS NULL"); n != 2 {
			t.Errorf("%d untouched rows, want 2", n)
		}
	})
}

func TestHostileNamesAndValuesAreInert(t *testing.T) {
	const evil = `a"; DROP TABLE "keep"; -- ` + "` '$1 ?1"
	quoted := map[string]string{"sqlite": "`" + strings.ReplaceAll(evil, "`", "``") + "`", "postgres": `"` + strings.ReplaceAll(evil, `"`, `""`) + `"`}
	shape := connector.Shape{Entity: "Evil", From: map[string]string{"table": evil}, Key: "key", Properties: []connector.Property{
		{Name: "key", Column: evil, Type: value.String},
		{Name: "note", Column: "select", Type: value.String},
		{Name: "links", Link: "Evil", Many: true, From: map[string]string{"table": evil + "2", "owner": evil, "target": "from"}}}}
	values := []string{evil, `'; DROP TABLE keep; --`, `\'); DELETE FROM keep; --`, `%_*`, "line\nbreak\ttab", "$1", "日本語 🙂 Ü"}
	everywhere(t, func(t *testing.T, p *place) {
		name := quoted[p.driver]
		second := name[:len(name)-1] + "2" + name[len(name)-1:]
		p.exec("CREATE TABLE keep (n int)",
			fmt.Sprintf(`CREATE TABLE %s (%s text PRIMARY KEY, "select" text)`, name, name),
			fmt.Sprintf(`CREATE TABLE %s (%s text, "from" text)`, second, name))
		for _, v := range values {
			p.apply(connector.Done, change(shape, connector.Create, v, object(), setText("key", v), setText("note", v), relate(connector.OpAdd, "links", v)))
			p.apply(connector.Done, change(shape, connector.Update, v, setText("note", v+"!")))
			o := p.lookup(shape, v)
			if o.Key != v || o.Values["note"].Text() != v+"!" || !slices.Equal(o.Links["links"], []string{v}) {
				t.Errorf("%q: got %+v", v, o)
			}
		}
		if objects, _ := p.readAll(shape, 2, nil); len(objects) != len(values) {
			t.Errorf("%d objects, want %d", len(objects), len(values))
		}
		for _, v := range values {
			p.apply(connector.Done, change(shape, connector.Delete, v, object()))
		}
		if n := p.count("SELECT count(*) FROM keep"); n != 0 {
			t.Error("the table is not as it was")
		}
	})
}

func TestManyWritersAtOnceLoseNothing(t *testing.T) {
	const writers, each = 8, 12
	everywhere(t, func(t *testing.T, p *place) {
		p.demo()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					login := fmt.Sprintf("u%d-%d", w, i)
					for _, c := range []connector.Change{
						change(account, connector.Create, login, object(), setText("login", login), relate(connector.OpAdd, "teams", "red")),
						change(account, connector.Update, login, setText("department", login), relate(connector.OpAdd, "teams", "blue")),
						change(account, connector.Update, login, relate(connector.OpRemove, "teams", "red")),
					} {
						out := p.system.Apply(context.Background(), c)
						for _, item := range out.Items {
							if item.Effect != connector.Done {
								t.Errorf("%s: %+v", login, item)
							}
						}
					}
				}
			})
		}
		wg.Wait()
		objects, _ := p.readAll(account, 7, nil)
		if len(objects) != writers*each {
			t.Fatalf("%d accounts, want %d", len(objects), writers*each)
		}
		for _, o := range objects {
			if o.Values["department"].Text() != o.Key || !slices.Equal(o.Links["teams"], []string{"blue"}) {
				t.Errorf("%s: %v %v", o.Key, o.Values, o.Links)
			}
		}
	})
}

package expression

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

func scalarProperty(name string, t value.Type) schema.Property {
	return schema.Property{Name: schema.PropertyName(name), Type: t}
}

func entity(t schema.EntityType, key schema.PropertyName, properties ...schema.Property) schema.Entity {
	e := schema.Entity{Type: t, Key: key, Properties: map[schema.PropertyName]schema.Property{}}
	for _, p := range properties {
		e.Properties[p.Name] = p
	}
	return e
}

func company(t testing.TB) *Environment {
	t.Helper()
	person := entity("Person", "employeeId",
		scalarProperty("employeeId", value.String), scalarProperty("firstName", value.String),
		scalarProperty("lastName", value.String), scalarProperty("email", value.String),
		scalarProperty("grade", value.Int), scalarProperty("rate", value.Float), scalarProperty("active", value.Bool),
		scalarProperty("startDate", value.Date), scalarProperty("endDate", value.Date), scalarProperty("seen", value.Time),
		scalarProperty("odd-name", value.String),
		schema.Property{Name: "department", Link: "Department"},
		schema.Property{Name: "manager", Link: "Person"},
		schema.Property{Name: "teams", Link: "Department", Many: true})
	person.Identify = []schema.PropertyName{"email"}
	department := entity("Department", "code",
		scalarProperty("code", value.String), scalarProperty("name", value.String),
		schema.Property{Name: "parent", Link: "Department"})
	account := entity("Account", "id", scalarProperty("id", value.String), scalarProperty("cn", value.String), scalarProperty("dn", value.DN))
	env, err := New([]schema.Entity{person, department, account})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// world is a Records of maps.
type world map[resources.Ref]*resources.Resource

func (w world) Record(t schema.EntityType, key resources.Key) (*resources.Resource, bool) {
	r, ok := w[resources.Ref{Type: t, Key: key}]
	return r, ok
}

// Find finds the first by key, whenever it is asked.
func (w world) Find(t schema.EntityType, p schema.PropertyName, v value.Value) (found *resources.Resource, ok bool) {
	for ref, r := range w {
		if ref.Type == t && r.Values[p] == v && (!ok || r.Key < found.Key) {
			found, ok = r, true
		}
	}
	return found, ok
}

func people(t testing.TB) (world, *resources.Resource, *resources.Resource) {
	t.Helper()
	w := world{}
	add := func(e schema.EntityType, key resources.Key, values map[schema.PropertyName]value.Value, links map[schema.PropertyName][]resources.Key) *resources.Resource {
		r := &resources.Resource{Ref: resources.Ref{Type: e, Key: key}, Values: values, Links: links}
		w[r.Ref] = r
		return r
	}
	date := func(s string) value.Value {
		v, err := value.Normalize(value.Date, "", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	text := value.OfString
	add("Department", "d1", map[schema.PropertyName]value.Value{"code": text("FIN"), "name": text("Finance")}, nil)
	add("Department", "d2", map[schema.PropertyName]value.Value{"code": text("FIN-ACC")},
		map[schema.PropertyName][]resources.Key{"parent": {"d1"}})
	ann := add("Person", "E1", map[schema.PropertyName]value.Value{
		"employeeId": text("E1"), "firstName": text("Ánn"), "lastName": text("Müller, Jr"), "email": text("ann@example.org"),
		"grade": value.OfInt(7), "rate": value.OfFloat(0.5), "active": value.OfBool(true),
		"startDate": date("2026-01-31"), "odd-name": text("odd"),
	}, map[schema.PropertyName][]resources.Key{"department": {"d2"}, "manager": {"E2"}, "teams": {"d1", "d2"}})
	bob := add("Person", "E2", map[schema.PropertyName]value.Value{"employeeId": text("E2"), "firstName": text("Bob")}, nil)
	return w, ann, bob
}

func compile(t testing.TB, env *Environment, scope Scope, want Result, text string) *Program {
	t.Helper()
	p, findings := env.Compile(scope, want, schema.Expression{Text: text, Position: schema.Position{File: "m.yaml", Line: 10, Column: 5}})
	if findings != nil {
		t.Fatalf("%s: %v", text, fault.Findings(findings))
	}
	return p
}

func TestExpressionsGiveTheDocumentedValues(t *testing.T) {
	env := company(t)
	w, ann, bob := people(t)
	for _, c := range []struct {
		want value.Type
		text string
		ann  string
		bob  string // "!" for an error
	}{
		{value.String, "source.firstName + ' ' + source.lastName", "Ánn Müller, Jr", "!"},
		{value.String, "lower(fold(left(source.firstName, 1) + source.lastName))", "amuller, jr", "!"},
		{value.String, "lower(source.lastName)", "müller, jr", ""},
		{value.String, "rdn(source.lastName)", `Müller\, Jr`, ""},
		{value.String, "upper(left(source.firstName, 2))", "ÁN", "BO"},
		{value.String, "right(source.firstName, 2)", "nn", "ob"},
		{value.String, "pad(string(7), 3, '0')", "007", "007"},
		{value.String, "replace(source.firstName, 'n', 'm')", "Ámm", "Bob"},
		{value.String, "trim('  ')", "", ""},
		{value.String, "source.department.parent.code", "FIN", ""},
		{value.String, "source.manager.department.name", "", ""},
		{value.String, "source.manager == null ? 'top' : source.manager.firstName", "Bob", "top"},
		{value.String, "source.email == '' ? 'none' : source.email", "ann@example.org", "none"},
		{value.String, "source.email != '' ? 'x' : null", "x", ""},
		{value.String, "source.email == null ? null : source.grade > 5 ? 'high' : 'low'", "high", ""},
		{value.String, "coalesce(source.email, source.employeeId + '@none')", "ann@example.org", "E2@none"},
		{value.String, "coalesce(source.lastName, 'nobody')", "Müller, Jr", "nobody"},
		{value.String, "source.`odd-name`", "odd", ""},
		{value.String, "lookup('Person', 'email', 'ann@example.org').firstName", "Ánn", "Ánn"},
		{value.String, "lookup('Person', 'email', source.email).manager.firstName", "Bob", ""},
		{value.String, "format(source.startDate, 'dd.MM.yyyy')", "31.01.2026", ""},
		{value.String, "''", "", ""},
		{value.String, "'grade ' + string(source.grade)", "grade 7", "!"},
		{value.DN, "'UID=' + rdn(source.firstName) + ', ou=people'", "uid=Ánn,ou=people", "uid=Bob,ou=people"},
		{value.Date, "addDays(source.startDate, 1)", "2026-02-01", ""},
		{value.Date, "addMonths(source.startDate, 1)", "2026-02-28", ""},
		{value.Date, "date('2026-03-01')", "2026-03-01", "2026-03-01"},
		{value.Int, "daysBetween(date('2026-01-01'), source.startDate)", "30", ""},
		{value.Int, "year(source.startDate) * 100 + month(source.startDate)", "202601", "!"},
		{value.Int, "size(source.teams)", "2", "0"},
		{value.Float, "source.grade", "7", ""},
		{value.Bool, "source.active", "true", ""},
		{value.Bool, "source.active == true", "true", "false"},
		{value.Bool, "source.lastName in ['', 'x']", "false", "true"},
		{value.Bool, "source.lastName in [null]", "false", "true"},
		{value.Bool, "trim(' ') == null && trim(' ') == '' && null == trim('') && !('' != '')", "true", "true"},
		{value.Bool, "source.teams.exists(t, t.code == 'FIN-ACC')", "true", "false"},
		{value.Bool, "coalesce(source.manager, source).employeeId == 'E2'", "true", "true"},
		{value.Bool, "source.manager.manager == null", "true", "true"},
		{value.Bool, "has(source.department.parent)", "true", "false"},
		{value.Bool, "source.employeeId.startsWith('E') && source.employeeId.matches('^E[0-9]+$')", "true", "true"},
		{value.Bool, "source.endDate != null && source.endDate < date('2026-01-01')", "false", "false"},
	} {
		p := compile(t, env, Source("Person"), Scalar(c.want), c.text)
		for who, want := range map[*resources.Resource]string{ann: c.ann, bob: c.bob} {
			got, err := p.Eval(Bindings{Source: who, Records: w})
			if (want == "!") != (err != nil) {
				t.Errorf("%s for %s: error %v", c.text, who.Key, err)
			} else if err == nil && (got.Text() != want || got.IsNull() != (want == "")) {
				t.Errorf("%s for %s = %q, want %q", c.text, who.Key, got, want)
			}
		}
	}
}

func TestOwnPropertiesAreTopLevelNames(t *testing.T) {
	env := company(t)
	w, ann, bob := people(t)
	display := compile(t, env, Own("Person"), Text, "firstName + ' ' + department.code")
	if v, err := display.Eval(Bindings{Own: ann, Records: w}); err != nil || v.Text() != "Ánn FIN-ACC" {
		t.Errorf("display = %v, %v", v, err)
	}
	unit := compile(t, env, Own("Person"), LinkTo("Department"), "department.parent")
	if ref, ok, err := unit.EvalRef(Bindings{Own: ann, Records: w}); err != nil || !ok || ref.Key != "d1" {
		t.Errorf("unit = %v %v %v", ref, ok, err)
	}
	if _, ok, err := unit.EvalRef(Bindings{Own: bob, Records: w}); err != nil || ok {
		t.Errorf("a path over a missing link leads somewhere: %v", err)
	}
	test := compile(t, env, Own("Person"), Truth, "employeeId.startsWith('E1')")
	if yes, err := test.EvalTruth(Bindings{Own: ann}); err != nil || !yes {
		t.Errorf("exclude = %v, %v", yes, err)
	}
	both := compile(t, env, SourceTarget("Person", "Account"), Truth, "source.firstName == target.cn")
	if yes, err := both.EvalTruth(Bindings{Source: ann, Target: nil}); err != nil || yes {
		t.Errorf("without a target = %v, %v", yes, err)
	}
}

func TestFaultsNameThePlaceInTheFileAndSayWhatToDo(t *testing.T) {
	env := company(t)
	for _, c := range []struct {
		scope Scope
		want  Result
		text  string
		place string
		what  string
		do    string
	}{
		{Source("Person"), Text, "source.fristName", "10:12", "Person has no property fristName", "did you mean firstName?"},
		{Source("Person"), Text, "'a' +\n  source.department.nmae", "11:25", "Department has no property nmae", "did you mean name?"},
		{Source("Person"), Text, "firstName", "10:5", "nothing called firstName", "write source.firstName"},
		{Source("Person"), Text, "target.cn", "10:5", "nothing called target", "begin with source."},
		{Own("Person"), Text, "source.firstName", "10:5", "nothing called source", "named directly"},
		{Own("Person"), Text, "fristName", "10:5", "nothing called fristName", "did you mean firstName?"},
		{Source("Person"), Text, "source.firstName + source.grade", "10:22", "+ does not go with (string, int)", "string(...)"},
		{Source("Person"), Text, "lowr(source.firstName)", "10:9", "no function lowr", "did you mean lower?"},
		{Source("Person"), Truth, "source.firstName", "10:5", "a condition must be true or false", "compare"},
		{Source("Person"), Text, "source.grade", "10:5", "must give a string, it gives a int", "string(...)"},
		{Source("Person"), Text, "source.department", "10:5", "must give a string, it gives a Department", "one of its properties"},
		{Source("Person"), Any, "source.teams", "10:5", "a list", ""},
		{Own("Person"), LinkTo("Department"), "manager", "10:5", "must lead to a Department", "path of links"},
		{Source("Person"), Truth, "source.grade == 'x'", "10:18", "== does not go with (int, string)", "one type"},
		{Source("Person"), Text, "source.firstName +", "10:23", "Syntax error", ""},
		{Source("Person"), Text, "lookup('Persom', 'email', 'x').firstName", "10:12", "'Persom' is not one", ""},
		{Source("Person"), Text, "lookup('Person', 'grade', 'x').firstName", "10:22", "'grade' is neither", ""},
		{Source("Person"), Truth, "source.teams.exists(a, source.teams.exists(b, a.code == b.name))", "10:5", "may cost", "do not nest"},
		{Source("Nobody"), Text, "'x'", "10:5", "not declared", ""},
	} {
		x := schema.Expression{Text: c.text, Position: schema.Position{File: "m.yaml", Line: 10, Column: 5}}
		p, findings := env.Compile(c.scope, c.want, x)
		if p != nil || len(findings) == 0 {
			t.Errorf("%s: no finding", c.text)
			continue
		}
		f := findings[0]
		if place := fmt.Sprintf("%d:%d", f.Line, f.Column); place != c.place {
			t.Errorf("%s: at %s, want %s (%s)", c.text, place, c.place, f)
		}
		if f.File != "m.yaml" || !strings.Contains(f.What, c.what) || !strings.Contains(f.Do, c.do) {
			t.Errorf("%s: %s", c.text, f)
		}
	}
}

func TestAFailureNamesThePropertyThatWasNull(t *testing.T) {
	env := company(t)
	w, _, bob := people(t)
	for text, want := range map[string]string{
		"source.firstName + source.manager.lastName":                                  "m.yaml:10:22: source.manager.lastName is null in +",
		"source.lastName.startsWith('x') ? 'a' : 'b'":                                 "source.lastName is null in startsWith",
		"string(source.grade)":                                                        "source.grade is null in string",
		"source.grade > 3 ? 'a' : 'b'":                                                "source.grade is null in >",
		"replace(replace(pad('a', 1000, 'a'), 'a', pad('b', 60, 'b')), 'b', 'ccccc')": "longer than 65536 bytes",
		"left(source.firstName, 0 - 1)":                                               "left: -1 is not a number of letters",
	} {
		_, err := compile(t, env, Source("Person"), Text, text).Eval(Bindings{Source: bob, Records: w})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: kind %q", text, fault.KindOf(err))
		}
	}
}

func TestReadsNamesEveryHop(t *testing.T) {
	env := company(t)
	for text, want := range map[string]string{
		"source.department.parent.code == ''":                                      "source.department source.department.parent source.department.parent.code",
		"source.teams.exists(t, t.parent.name == 'x')":                             "source.teams source.teams.parent source.teams.parent.name",
		"source.teams.filter(t, t.code != '')[0].name == ''":                       "source.teams source.teams.code source.teams.name",
		"lookup('Person', 'email', source.email).grade > 1":                        "Person.email Person.grade source.email",
		"(source.grade > 1 ? source.manager : source.manager.manager).email == ''": "source.grade source.manager source.manager.email source.manager.manager source.manager.manager.email",
		"coalesce(source.manager, source).email == ''":                             "source.email source.manager source.manager.email",
		"source.teams.map(t, t.parent)[0].name == 'x'":                             "source.teams source.teams.parent source.teams.parent.name",
		"has(source.department.name)":                                              "source.department source.department.name",
	} {
		var got []string
		for _, path := range compile(t, env, Source("Person"), Truth, "("+text+") == true").Reads() {
			got = append(got, path.String())
		}
		if have := strings.Join(got, " "); have != want {
			t.Errorf("%s reads\n %s, want\n %s", text, have, want)
		}
	}
	var got []string
	for _, path := range compile(t, env, Own("Person"), Any, "department.parent.code").Reads() {
		got = append(got, path.String())
	}
	if have := strings.Join(got, " "); have != "department department.parent department.parent.code" {
		t.Errorf("own path reads %s", have)
	}
}

func TestAProgramMayRunManyTimesAtOnce(t *testing.T) {
	env := company(t)
	w, ann, bob := people(t)
	p := compile(t, env, Source("Person"), Text, "coalesce(lower(fold(source.lastName)), source.firstName) + source.department.code")
	q := compile(t, env, Source("Person"), Text, "source.firstName")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 500 {
				if v, err := p.Eval(Bindings{Source: ann, Records: w}); err != nil || v.Text() != "muller, jrFIN-ACC" {
					t.Errorf("%v, %v", v, err)
				}
				if v, err := q.Eval(Bindings{Source: bob, Records: w}); err != nil || v.Text() != "Bob" {
					t.Errorf("%v, %v", v, err)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"source.firstName + ' ' + source.lastName", "source.teams.exists(t, t.code == 'x') ? null : lookup('Person', 'email', 'a').email",
		"replace(pad(left(source.email, 3), 9, 'x'), 'x', '')", "source.startDate < addDays(date('2026-01-01'), 5)", "x in ['', null]",
		"source.grade > 1 && source.active || !(source.manager.email in ['a', ''])", "format(source.seen, 'yyyy-MM-dd') + string(source.rate)",
		"source.teams.all(m, m.parent.code.startsWith('F') == (size(m.name) < 5))", "daysBetween(source.startDate, source.endDate) / 7 % 2 == -1",
	} {
		f.Add(text)
	}
	env := company(f)
	w, ann, bob := people(f)
	f.Fuzz(func(t *testing.T, text string) {
		p, findings := env.Compile(Source("Person"), Any, schema.Expression{Text: text})
		if (p == nil) == (findings == nil) {
			t.Fatal("neither a program nor findings")
		}
		if p == nil {
			return
		}
		for _, who := range []*resources.Resource{ann, bob, nil} {
			first, err := p.Eval(Bindings{Source: who, Records: w})
			again, _ := p.Eval(Bindings{Source: who, Records: w})
			if err == nil && first != again {
				t.Fatalf("%s, then %s", first, again)
			}
			if plain, other := p.Interpreted().Eval(Bindings{Source: who, Records: w}); plain != first || fmt.Sprint(other) != fmt.Sprint(err) {
				t.Fatalf("%s, %v; the interpreter %s, %v", first, err, plain, other)
			}
			if err == nil && first.Type() == value.String && first.Text() == "" {
				t.Fatal("empty text is not null")
			}
		}
	})
}

func BenchmarkAValue(b *testing.B) {
	env := company(b)
	w, ann, _ := people(b)
	for name, text := range map[string]string{
		"path": "source.department.code", "concat": "'uid=' + rdn(source.firstName) + ',ou=' + source.department.code",
		"login": "lower(fold(left(source.firstName, 1) + source.lastName))", "empty": "source.email == '' ? null : source.email",
	} {
		p := compile(b, env, Source("Person"), Text, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(Bindings{Source: ann, Records: w}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

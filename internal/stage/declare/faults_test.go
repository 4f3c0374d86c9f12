package declare

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
)

// loadFaults loads files that are wrong.
func loadFaults(t *testing.T, files Files) fault.Findings {
	t.Helper()
	c, err := Load(files, packages())
	var findings fault.Findings
	if !errors.As(err, &findings) || c != nil {
		t.Fatalf("it loads: %v", err)
	}
	for _, f := range findings {
		if f.File == "" || f.Line == 0 || f.What == "" {
			t.Errorf("a finding without a place: %s", f)
		}
	}
	return findings
}

func said(findings fault.Findings, place, what string) bool {
	for _, f := range findings {
		if strings.Contains(f.String(), what) && (place == "" || strings.HasPrefix(f.String(), place)) {
			return true
		}
	}
	return false
}

// base is a small configuration that loads; the tests add one fault to it.
const base = `connectors:
  hr:
    connections:
      files: {package: csv, settings: {folder: x}}
      desk: {package: manual}
    entities:
      Unit:
        from: {connection: files, table: u.csv}
        key: code
        properties: {code: {}, parent: {link: Unit}, heads: {links: Person, inverse: unit}}
      Person:
        from: {connection: files, table: p.csv}
        key: id
        identifiers: [mail]
        properties: {id: {}, mail: {}, grade: {type: int}, start: {type: date}, unit: {link: Unit}, friends: {links: Person}}
dimensions: {unit: {entity: Unit, hierarchy: parent}, flat: {entity: Unit}}
contexts: {Person: {unit: unit, from: start}}
categories: {c: {}}
resourceTypes:
  T:
    source: Person
    target: Person
    provisioning: {connection: desk}
roles: {r: {category: c}}
compositeRoles: {k: {}}
`

// What follows writes a file with one declaration of a kind, more in it.

func resource(more string) string {
	return "resourceTypes:\n  X:\n    source: Person\n    target: Person\n    provisioning: {connection: desk}\n" + more
}

func role(more string) string { return "roles:\n  q: {" + more + "}\n" }

func naming(more string) string { return "namingRules: {" + more + "}\n" }

func connection(more string) string {
	return "connectors:\n  s:\n    connections:\n      c: {" + more + "}\n"
}

func property(more string) string {
	return "connectors:\n  s:\n    connections: {f: {package: csv, settings: {folder: x}}}\n    entities:\n      E:\n" +
		"        from: {connection: f, table: t}\n        key: id\n        properties:\n          id: {}\n          p: {" + more + "}\n"
}

// oneFault is a file that is wrong in one way: where, and what is said.
type oneFault struct{ text, place, what string }

var faults = []oneFault{
	// structure
	{"rolse: {}\n", "x.yaml:1:1: ", "there is no key rolse here; did you mean roles?"},
	{"roles: {a: {}, a: {}}\n", "x.yaml:1:16: ", "second time; first in line 1"},
	{"roles: []\n", "x.yaml:1:8: roles: ", "a map is expected, this is a list"},
	{"categories: {c: {}}\n", "x.yaml:1:14: categories.c", "declared a second time; first in base.yaml:18"},
	{"roles: {a: &x {}}\n", "x.yaml:1:12: ", "anchors and aliases"},
	{"jobs: []\n", "x.yaml:1:7", "a map is expected"},
	{"jobs: {n: {run: tidy, cron: \"* * * * *\"}}\n", "x.yaml:1:17", "there is no job tidy"},
	{"jobs: {n: {run: evaluate, connector: hr, cron: \"* * * * *\"}}\n", "x.yaml:1:38", "evaluate is not about one connector"},
	{"jobs: {n: {run: check, cron: \"* * * * *\"}}\n", "x.yaml:1:8", "check is about one connector"},
	{"jobs: {n: {run: synchronize, connector: nowhere, cron: \"* * * * *\"}}\n", "", "there is no connector nowhere"},
	{"jobs: {n: {run: round, cron: \"61 * * * *\"}}\n", "x.yaml:1:30", "is no time of cron"},
	{"jobs: {n: {run: round, cron: \"0 0 30 2 *\"}}\n", "", "never comes"},
	{"jobs: {n: {run: round, cron: \"TZ=UTC 0 0 * * *\"}}\n", "", "the time zone stands under zone"},
	{"jobs: {n: {run: round, cron: \"0 0 * * *\", zone: Atlantis}}\n", "", "is no time zone"},
	{"a: 1\n---\nb: 1\n", "x.yaml:2:", "several documents"},
	{role("maxDuration: 1y"), "x.yaml:2:20", `"1y" is not a duration; write it as 30m, 8h or 30d`},
	{role("approval: tow"), "x.yaml:2:17", "did you mean two?"},
	{role("reviewers: {four: manager}"), "", "there is no step four"},
	{role("approval: one, reviewers: {two: manager}"), "", "approval one has no step two"},
	{role("approval: one, reviewers: {one: boss}"), "", `"boss" is not a reviewer`},
	{role("approval: one, reviewers: {one: \"owner:d\"}"), "", "there is no category d"},
	{role("approval: one, reviewers: {one: officer}"), "", "the role has no officer"},
	{role("comments: {decline: always}"), "", "write one of required, optional"},
	{role("comments: {declined: required}"), "", "did you mean decline?"},
	{role("fourEyes: maybe"), "", "write one of on, off"},
	{"automation: {workflow: pending-aproval, after: 1d, decide: approve}\n", "x.yaml:1:24: automation[0].workflow: ", "did you mean pending-approval?"},
	{"automation: {workflow: 18, after: 1d, decide: approve}\n", "", "nothing waits for a decision in a state \"18\""},
	{"automation: [{workflow: 8, after: 1d}, {workflow: 8, decide: approve}]\n", "", "decide is missing"},
	{"automation: [{workflow: 8, after: 1d}, {workflow: 8, decide: approve}]\n", "", "after is missing"},
	{"automation: {role: k, workflow: 8, after: 1d, decide: approve}\n", "", "k is not a single role"},
	{"automation: {role: rr, workflow: 8, after: 1d, decide: approve}\n", "", "there is no role rr; did you mean r?"},
	{"automation: {role: r, category: c, workflow: 8, after: 1d, decide: approve}\n", "", "about more than one thing"},
	{"automation: {resourceType: T, workflow: 8, after: 1d, decide: approve}\n", "", "T cannot be requested"},
	{"automation: {match: {units: A}, workflow: 8, after: 1d, decide: approve}\n", "", "there is no dimension units; did you mean unit?"},
	{naming("resourceType: TT, property: friends, role: mail"), "x.yaml:1:29: namingRules[0].resourceType: ", "did you mean T?"},
	{naming("resourceType: T, property: friend, role: mail"), "", "did you mean friends?"},
	{naming("resourceType: T, property: mail, role: mail"), "", "mail of Person is not a link"},
	{naming("resourceType: T, property: friends"), "", "role is missing"},
	{naming("resourceType: T, property: friends, role: mal"), "", "did you mean mail?"},
	{naming("resourceType: T, property: friends, role: mail, category: cc"), "", "cc"},
	{naming("resourceType: T, property: friends, role: mail, parent: cc"), "", "did you mean c?"},
	{naming("resourceType: T, property: friends, role: mail, by: grade"), "", "no key or identifier of Person called grade"},
	{naming("resourceType: T, property: friends, role: mail, where: mail"), "", "namingRules[0].where"},
	{role("category: cc"), "", "there is no category cc; did you mean c?"},
	{role("entity: Persn"), "", "did you mean Person?"},
	{role("assign: {role: z}"), "", "there is no role z"},
	{role("assign: {role: k}"), "", "k is a composite role; write composite: k"},
	{role("assign: {composite: r}"), "", "r is a single role; write role: r"},
	{role("assign: {role: r, composite: k}"), "", "not both"},
	{role("assign: {role: q}"), "", "the roles give each other: q gives q"},
	{role("assign: {match: {units: A}}"), "", "there is no dimension units; did you mean unit?"},
	{role("assign: {match: {flat: A}}"), "", "says nothing about flat"},
	{role("assign: {inherit: unit}"), "", "the rule does not match unit"},
	{role("assign: {when: \"source.grad > 1\"}"), "x.yaml:2:30: roles.q.assign[0].when", "did you mean grade?"},
	{role("assign: {kind: needed}"), "", "write one of required"},
	{role("assign: {priority: high}"), "", "not a whole number"},
	{role("assign: {deny: no}"), "", "neither true nor false"},
	{role("assign: {period: {mode: after, from: 5d, to: 1d}}"), "", "the period is empty"},
	{role("assign: {period: {from: 5d}}"), "", "the mode default shifts nothing"},
	{role("grants: {resourceType: U}"), "", "there is no resource type U"},
	{role("grants: {resourceType: T, property: mail, to: {id: a}}"), "", "mail is not a link"},
	{role("grants: {resourceType: T, property: friends, value: a}"), "", "friends is a link, it has no value"},
	{role("grants: {resourceType: T, value: a}"), "", "does not name its property"},
	{role("grants: {resourceType: T, role: r}"), "", "already belongs to its role"},
	{"compositeRoles: {r: {}}\n", "", "a single role has this name too"},
	{"categories: {a: {parent: b}, b: {parent: a}}\n", "", "a below b below a"},
	{"owners: {d: E1}\n", "x.yaml:1:10: owners.d", "there is no category d"},
	{"dimensions: {x: {entity: Person, hierarchy: unit}}\n", "", "unit does not lead to one Person"},
	{"dimensions: {from: {entity: Person}}\n", "", "cannot be called from"},
	{"contexts: {Unit: {unti: parent}}\n", "", "there is no dimension unti; did you mean unit?"},
	{"contexts: {Unit: {unit: code}}\n", "x.yaml:1:25", "must lead to a Unit"},
	// systems
	{connection("package: ftp"), "", "there is no package ftp"},
	{connection("settings: {}"), "", "package is missing"},
	{connection("package: csv"), "", "folder is missing"},
	{connection("package: csv, settings: {folder: x, seperator: y}"), "x.yaml:4:47", "did you mean separator?"},
	{connection("package: csv, settings: {folder: x, encoding: klingon}"), "", "is not a value of encoding"},
	{connection("package: csv, settings: {folder: secret:env/X}"), "", "is not a secret"},
	{connection("package: ldap, settings: {url: ldap://x, baseDN: y, password: hunter2}"), "", "a secret may not stand"},
	{connection("package: ldap, settings: {url: ldap://x, baseDN: y, password: secret:x}"), "", "does not name a secret"},
	{connection("package: ldap, settings: {url: http://x, baseDN: y}"), "x.yaml:4:42: connectors.s.connections.c.settings.url", "not an LDAP address"},
	{connection("package: csv, settings: {folder: x}, limits: {concurrency: -1}"), "", "out of bounds; write a number from 0 to 1000"},
	{"connectors: {s: {thresholds: {deletePercent: 101}}}\n", "", "out of bounds"},
	{"connectors: {s: {entities: {Unit: {from: {connection: x}, key: a, properties: {a: {}}}}}}\n", "", "connector hr declares an entity type Unit too"},
	{"connectors: {s: {entities: {E: {from: {connection: x}, key: a}}}}\n", "", "there is no property of E called a"},
	{"connectors: {s: {entities: {E-x: {from: {connection: x}, key: a}}}}\n", "", "cannot be a name"},
	{property("type: strnig"), "", "did you mean string?"},
	{property("type: int, format: x"), "", "has no formats"},
	{property("link: E, type: int"), "", "neither type nor format"},
	{property("link: E, links: E"), "", "keep one of the two"},
	{property("link: Persn"), "", "did you mean Person?"},
	{property("inverse: x"), "", "only a link has an inverse"},
	{property("links: Person, inverse: x"), "", "there is no property of Person called x"},
	{property("links: Person, inverse: unit"), "", "Person.unit does not lead to E"},
	{property("links: E, inverse: p"), "", "has an inverse too"},
	{property("tabel: x"), "x.yaml:10:15: connectors.s.entities.E.properties.p.tabel", "did you mean table?"},
	{property("allocate: {}"), "", "either unique or a sequence"},
	{property("type: date, allocate: {sequence: x}"), "", "a sequence gives numbers"},
	{property("allocate: {unique: \"p + 'x'\"}"), "", "reads the property that it is for"},
	{property("allocate: {unique: \"idd\"}"), "", "did you mean id?"},
	// resource types
	{"resourceTypes: {X: {source: Person, target: Person}}\n", "", "provisioning is missing"},
	{"resourceTypes: {X: {source: Person, target: Persn, provisioning: {connection: desk}}}\n", "", "did you mean Person?"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desc}}}\n", "", "did you mean desk?"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: files, enabled: true}}}\n", "", "csv only reads"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, verify: immediately}}}\n", "", "cannot be read back immediately"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, dependsOn: X}}}\n", "", "X waits for X"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, ownerProperty: logn}}}\n", "", "there is no property of Person called logn"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, arguments: {a: source.friends}}}}\n", "", "a list"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, settle: -1d}}}\n", "", "is not a duration"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, attempts: 0}}}\n", "", "from 1 to 100"},
	{"resourceTypes: {X: {source: Person, target: Person, provisioning: {connection: desk, transmittedValidity: 0d}}}\n", "", "0d is no time at all; write it as 30m, 8h or 30d, or off"},
	{resource("    classify: \"target.grade\"\n"), "x.yaml:6:16: resourceTypes.X.classify[0]", "a condition must be true or false"},
	{resource("    correlate: {source: \"source.id\", target: \"target.idd\"}\n"), "", "did you mean id?"},
	{resource("    correlate: {source: \"source.id\", target: \"target.id\", confidence: 151}\n"), "", "from 0 to 150"},
	{resource("    values: {mial: {value: a}}\n"), "x.yaml:6:14: resourceTypes.X.values.mial", "did you mean mail?"},
	{resource("    values: {grade: {value: a}}\n"), "x.yaml:6:29: resourceTypes.X.values.grade[0].value", `"a" is not a whole number`},
	{resource("    values: {grade: {expression: \"source.mail\"}}\n"), "", "must give a int, it gives a string"},
	{resource("    values: {mail: {}}\n"), "", "the rule computes nothing"},
	{resource("    values: {mail: {value: a, expression: \"'b'\"}}\n"), "", "in several ways"},
	{resource("    values: {mail: {value: a, compare: fuzzy}}\n"), "", "write one of exact"},
	{resource("    values: {unit: {value: a}}\n"), "", "unit is a link; give it under links"},
	{resource("    links: {property: mail, to: {id: a}}\n"), "", "mail is not a link"},
	{resource("    links: {property: friends}\n"), "", "to is missing"},
	{resource("    links: {property: friends, to: {id: a, mail: b}}\n"), "", "to names one identifier"},
	{resource("    links: {property: friends, to: {grade: 1}}\n"), "", "there is no key or identifier of Person called grade"},
	{resource("    links: {property: friends, to: {id: ''}}\n"), "", "names no resource"},
	{resource("    find: {property: friends, source: \"source.id\", target: \"target.id\"}\n"), "", "find computes one link"},
	{resource("    find: {property: unit, source: \"source.id\", target: \"target.id\"}\n"), "", "Unit has no property id"},
	{resource("    links: {property: unit, to: {code: a}}\n    find: {property: unit, source: \"source.id\", target: \"target.code\"}\n"), "", "never both"},
	// expressions that YAML misreads
	{resource("    classify: !target.grade\n"), "x.yaml:6:15", "quote the whole expression"},
	{resource("    values:\n      mail: {expression: 'a' + 'b'}\n"), "x.yaml:7:", "quote the whole expression"},
	{resource("    values:\n      mail:\n        expression: source.id == 'a: b' ? 'c' : 'd'\n"), "x.yaml:8:", "quote the whole expression"},
	{resource("    values:\n      mail:\n        expression: source.id + ' #' + source.mail\n"), "x.yaml:8:21", "quote the whole expression"},
	{resource("    values:\n      mail:\n        expression: source.id + #1\n"), "x.yaml:8:", "begins a comment"},
	{resource("    values:\n      mail:\n        expression: [source.id]\n"), "x.yaml:8:21", "quote the whole expression"},
	{resource("    values:\n      mail:\n        expression: |\n          source.id +\n            source.mial\n"), "x.yaml:10:20", "did you mean mail?"},
	{resource("    values:\n      mail:\n        expression:\n"), "", "the expression is empty"},
	{"roles:\n\ta: {}\n", "x.yaml:2:", "indent with spaces"},
}

func TestEachKindOfFaultIsFoundAtItsPlace(t *testing.T) {
	load(t, Files{"base.yaml": []byte(base)})
	for _, c := range faults {
		findings := loadFaults(t, Files{"base.yaml": []byte(base), "x.yaml": []byte(c.text)})
		if !said(findings, c.place, c.what) {
			t.Errorf("%s\nfinds %v\nand not %s%s", c.text, findings, c.place, c.what)
		}
	}
}

func TestWhatIsNotTextIsRefused(t *testing.T) {
	_, err := Load(Files{"x.yaml": []byte("a: \xff\n")}, packages())
	if err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("%v", err)
	}
	_, err = Load(Files{"x.yaml": []byte(strings.Repeat("[", 5000))}, packages())
	if err == nil {
		t.Error("a deep file loads")
	}
	_, err = Load(Files{"x.yaml": []byte("notifications: " + strings.Repeat("{a: ", 100) + strings.Repeat("}", 100))}, packages())
	if err == nil || !strings.Contains(err.Error(), "levels deep") {
		t.Errorf("%v", err)
	}
}

func TestTenFaultsAreTenFindings(t *testing.T) {
	findings := loadFaults(t, Files{"base.yaml": []byte(base), "x.yaml": []byte(`
rolse: {}
categories: {c2: {parent: nowhere}}
owners: {nobody: E1}
connectors:
  s:
    connections: {c: {package: ldap, settings: {url: ldap://x, baseDN: y, password: hunter2}}}
    thresholds: {delete: many}
resourceTypes:
  X:
    source: Person
    target: Person
    provisioning: {connection: desk, attempts: 1000}
    values:
      mail: {expression: "source.mial"}
      grade: {value: high}
    links: [{property: friends, to: {idd: a}}]
roles:
  q: {maxDuration: soon}
`)})
	if len(findings) != 10 {
		t.Errorf("%d findings:\n%v", len(findings), findings)
	}
	for i := 1; i < len(findings); i++ {
		if findings[i-1].Line > findings[i].Line {
			t.Errorf("the findings are not in order: %v", findings)
		}
	}
	if text := fmt.Sprint(findings); strings.Contains(text, "hunter2") {
		t.Error("a finding prints the password")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte(odd))
	for _, text := range example(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Load(Files{"base.yaml": []byte(base), "x.yaml": text}, packages())
		if (c == nil) == (err == nil) {
			t.Fatal("neither a configuration nor an error")
		}
		if c == nil {
			return
		}
		exported, err := Export(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(Files{"x.yaml": exported}, packages())
		if err != nil {
			t.Fatalf("the export does not load: %v\n%s", err, exported)
		}
		if differences := Compare(c, again); len(differences) > 0 {
			t.Fatalf("the export differs: %v\n%s", differences, exported)
		}
	})
}

// FuzzPolicyTests reads anything as policy tests: tests, or findings.
func FuzzPolicyTests(f *testing.F) {
	for _, text := range []string{
		"", "tests: []", "tests: [{name: x}]", "world: {day: 2026-03-01}\ntests: [{name: x, people: [{}], expect: {}}]", "tests: {a: b}", "- x", "a: &a [*a]", "\xff", "tests: [{name: x, at: never, person: E1, expect: [{account: X, has: {mail: y}}]}]",
	} {
		f.Add([]byte(text))
	}
	c, err := Load(Files{"base.yaml": []byte(base)}, packages())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := LoadTests(c, Files{"x.yaml": text})
		var findings fault.Findings
		if err != nil && (!errors.As(err, &findings) || len(findings) == 0) {
			t.Fatalf("an error that is no finding: %v", err)
		}
	})
}

// FuzzNamedRoles adds a role to a file that holds anything: the role stands there, or
// somebody is told why not.
func FuzzNamedRoles(f *testing.F) {
	for _, text := range []string{"", "# mine\n", "roles: {a: {name: x}}", "roles: [a]", "roles: x", "- a", "roles: {b: null}", "roles: {b: {grants: x}}", "a: &a {b: *a}", "roles:\n  b: &b {grants: []}\n  c: *b", "---\na: 1\n---\nb: 2", "\xff", "roles: !!set {b}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := AppendNamed(text, nil, []roles.NamedRole{named("b")})
		if err == nil && !strings.Contains(string(out), "b@x") {
			t.Fatalf("the role is lost in\n%s", out)
		}
	})
}

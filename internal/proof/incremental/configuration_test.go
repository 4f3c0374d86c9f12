package incremental

import (
	"math/rand/v2"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/stage/declare"
)

// skeleton is what all configurations share: the entity types, so that resources
// stay what they are when the rules change. Between percent signs stands what a
// configuration may say there.
const skeleton = `
connectors:
  hr:
    connections: {feed: {package: fake}}
    entities:
      Site: {from: {connection: feed}, key: code, identifiers: [city], properties: {code: {type: string}, city: {type: string}, head: {link: Person}}}
      Department:
        from: {connection: feed}
        key: code
        identifiers: [name]
        properties:
          code: {type: string}
          name: {type: string}
          parent: {link: Department}
          manager: {link: Person}
          members: {links: Person, inverse: department}
      Person:
        from: {connection: feed}
        key: id
        identifiers: [email]
        properties:
          id: {type: string}
          first: {type: string}
          last: {type: string}
          email: {type: string}
          contact: {type: string}
          city: {type: string}
          grade: {type: int}
          external: {type: bool}
          hired: {type: date}
          left: {type: date}
          department: {link: Department}
          site: {link: Site}
          manager: {link: Person}
          reports: {links: Person, inverse: manager}
          contracts: {links: Contract, inverse: person}
          posts: {links: Contract}
          login: {type: string%login%}
          serial: {type: int%serial%}
      Contract:
        from: {connection: feed}
        key: id
        properties:
          id: {type: string}
          person: {link: Person}
          department: {link: Department}
          site: {link: Site}
          begins: {type: date}
          ends: {type: date}
          signed: {type: date}
          expires: {type: date}
          kind: {type: string}
  directory:
    connections: {api: {package: fake}}
    entities:
      Account:
        from: {connection: api}
        key: guid
        identifiers: [login, number]
        properties:
          guid: {type: string, assignedBy: system}
          login: {type: string}
          number: {type: string}
          name: {type: string}
          title: {type: string}
          mail: {type: string}
          note: {type: string}
          state: {type: string}
          serial: {type: int}
          boss: {link: Account}
          bossName: {type: string}
          deputy: {link: Account}
          groups: {links: Group, inverse: members}
      Group:
        from: {connection: api}
        key: code
        identifiers: [name]
        properties: {code: {type: string}, name: {type: string}, owner: {link: Account}, members: {links: Account}}
  desk:
    connections: {api: {package: fake}}
    entities:
      Badge:
        from: {connection: api}
        key: id
        properties: {id: {type: string}, holder: {type: string}, label: {type: string}, zone: {link: Zone}, zones: {links: Zone}}
      Zone: {from: {connection: api}, key: code, identifiers: [name], properties: {code: {type: string}, name: {type: string}, site: {link: Site}}}
dimensions: {department: {entity: Department%hierarchy%}, site: {entity: Site}}
contexts: {Person: {%context%}}
resourceTypes:
  A:
    source: Person
    target: Account
    provisioning: {connection: api, enabled: true, review: %reviewA%, thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true%provisioningA%}
    %multipleA%
    classify: [%classifyA%]
    correlate: [%correlateA%]
    who: [%whoA%]
    values: {%valuesA%}
    links: [%linksA%]
    find: [%findA%]
  B:
    source: Person
    target: Badge
    provisioning: {connection: api, enabled: true, review: false, thresholds: {updatePercent: 0, deletePercent: 0}%provisioningB%}
    %multipleB%
    classify: [%classifyB%]
    correlate: [%correlateB%]
    who: [%whoB%]
    values: {%valuesB%}
    links: [%linksB%]
    find: [%findB%]
%C%
roles:
%roles%
compositeRoles:
%composites%
`

// A choice is a place in the skeleton with the texts of which one, or none, may
// stand there. Texts of the same place stand behind each other.
type choice struct {
	at    string
	often int // of ten configurations so many have one of the texts
	texts []string
}

var choices = []choice{
	{"login", 6, []string{
		`, allocate: {unique: ["lower(first)", "lower(first + last)"]}`,
		`, allocate: {unique: ["external == true ? null : lower(last)", "lower(department.name)", "lower(id)"], affixes: [x-]}`,
	}},
	{"serial", 3, []string{`, allocate: {sequence: people, start: 100}`}},
	{"hierarchy", 8, []string{`, hierarchy: parent`}},

	{"context", 10, []string{
		`department: department, site: site, from: hired, to: left`,
		`department: department, site: site, to: left`,
		`department: manager.department, site: department.manager.site, from: hired, to: left`,
		`records: contracts, department: department, site: site, from: begins, to: ends`,
		`records: posts, department: department, site: site, from: begins, to: ends`,
		`records: contracts, department: department, site: site, from: signed, to: expires, sections: {post: {dimensions: [department], from: begins, to: ends, extend: none}}`,
		`records: contracts, department: department, site: person.site, from: signed, to: expires, sections: {post: {dimensions: [department], from: begins, to: ends, sort: kind, instance: id}}`,
		`records: posts, department: department, site: department.manager.site, from: begins, to: ends, sections: {place: {dimensions: [site], from: signed, to: expires, open: true, bounds: true}}`,
	}},
	{"context", 4, []string{
		`, exclude: "external == true"`, `, exclude: "department.name == 'Sales'"`, `, exclude: "manager.department.name == 'Sales'"`,
		`, exclude: "contracts.exists(c, c.kind == 'temporary')"`,
	}},

	{"reviewA", 10, []string{"true", "false"}},
	{"provisioningA", 3, []string{`, leadTime: 7d`, `, leadTime: 7d, arguments: {ou: "source.department.parent.name"}`, `, arguments: {ou: "source.manager.department.name"}`}},
	{"provisioningB", 3, []string{`, removeOrphans: true`, `, dependsOn: [A]`, `, leadTime: 14d`}},
	{"multipleA", 5, []string{"multiple: true", "suggestAll: true", "multiple: true\n    suggestAll: true"}},
	{"multipleB", 3, []string{"multiple: true", "suggestAll: true"}},
	{"classifyA", 5, []string{
		`"target.number != ''"`, `"target.groups.exists(g, g.name == 'Everyone')"`, `"target.boss.title == 'chief'"`, `"target.groups.exists(g, g.owner.title == 'chief')"`,
	}},
	{"classifyB", 5, []string{`"target.label != ''"`, `"target.zone.site.city == 'Bern'"`, `"target.zones.exists(z, z.name == 'Yard')"`}},
	{"correlateA", 9, []string{
		`{source: "source.id", target: "target.number"}`,
		`{source: "source.email", target: "target.mail"}, {source: "source.last", target: "target.name", confidence: 80}`,
		`{source: "source.id", target: "target.number", confidence: 90}, {source: "source.last", target: "target.name", confidence: 60}`,
		`{source: "source.manager.id", target: "target.boss.number"}`,
		`{source: "source.id", target: "target.number", confidence: 120}, {source: "source.department.manager.last", target: "target.boss.boss.name", confidence: 70}`,
		`{source: "source.department.name", target: "target.title", confidence: 100}`,
		`{source: "source.last", target: "target.name", confidence: 100}, {source: "source.first", target: "target.name", confidence: 50}`,
	}},
	{"correlateB", 8, []string{
		`{source: "source.id", target: "target.holder"}`,
		`{source: "source.last", target: "target.label", confidence: 80}`,
		`{source: "source.site.city", target: "target.zone.site.city"}`,
		`{source: "source.department.manager.id", target: "target.holder", confidence: 100}, {source: "source.id", target: "target.holder", confidence: 70}`,
	}},
	{"whoA", 9, []string{
		`{}`, `{when: "source.grade > 2"}`, `{match: {department: D0}%inherit%}`, `{match: {site: Bern}}, {when: "source.manager.grade > 3"}`, `{role: worker}`,
		`{}, {deny: true, match: {department: D1}%inherit%}`, `{}, {deny: true, match: {site: S1}}, {when: "source.manager.manager.grade > 3", priority: -1}`,
		`{period: {mode: before, from: -10d, to: 0d}}, {}`, `{when: "source.reports.exists(r, r.site.city == 'Bern')"}, {match: {site: S0}}`,
	}},
	{"whoB", 7, []string{
		`{}`, `{match: {site: S0}}`, `{role: worker}`, `{composite: bundle}`, `{when: "source.department.manager.grade > 2"}`,
		`{}, {deny: true, when: "source.department.members.exists(m, m.grade > 5)"}`, `{match: {department: D2}%inherit%}, {period: {mode: after, from: 0d, to: 20d}}`,
	}},

	{"valuesA", 10, []string{
		`login: {expression: "source.login", once: true}`, `login: {expression: "source.id", once: true}`, `login: {expression: "source.login"}`,
		`login: {allocate: {unique: ["lower(source.last)", "lower(source.department.name)"]}, once: true}`,
		`login: {allocate: {unique: ["lower(source.manager.last)", "lower(source.last)", "lower(source.id)"]}, once: true}`,
	}},
	{"valuesA", 8, []string{`, number: {expression: "source.id"}`}},
	{"valuesA", 2, []string{`, serial: {allocate: {sequence: accounts}, once: true}`, `, serial: {expression: "source.serial"}`}},
	{"valuesA", 7, []string{
		`, name: {expression: "source.first + ' ' + source.last"}`, `, name: {expression: "coalesce(source.last, source.id)", compare: ignore-case}`,
		`, name: {expression: "source.manager.last"}`, `, name: {expression: "source.last"}`,
	}},
	{"valuesA", 8, []string{
		`, title: {expression: "source.department.name"}`, `, title: {expression: "source.department.manager.last"}`, `, title: {expression: "source.manager.manager.last"}`,
		`, title: {expression: "source.department.parent.manager.last"}`, `, title: {expression: "source.site.head.manager.department.name"}`,
		`, title: [{value: chief, role: chief}, {expression: "source.department.name"}]`, `, title: [{expression: "source.manager.last", when: "source.manager.site.city == 'Rome'"}, {value: none}]`,
		`, title: {value: chief, role: worker}`,
	}},
	{"valuesA", 6, []string{
		`, mail: {expression: "source.email"}`, `, mail: {expression: "source.department.manager.email"}`,
		`, mail: {expression: "lookup('Site', 'city', source.city).head.email"}`, `, mail: {expression: "lookup('Department', 'name', source.city).manager.email"}`,
	}},
	{"valuesA", 7, []string{
		`, note: {expression: "source.reports.exists(r, r.grade > 3) ? 'leads' : 'works'"}`,
		`, note: {expression: "string(size(source.department.members))"}`,
		`, note: {expression: "source.department.members.exists(m, m.site.city == 'Bern') ? 'b' : 'n'"}`,
		`, note: {expression: "source.contracts.exists(c, c.department.name == 'Sales') ? 'sales' : 'other'"}`,
		`, note: {expression: "source.posts.exists(c, c.site.city == 'Rome') ? 'r' : 'n'"}`,
		`, note: {expression: "source.reports.exists(r, r.department.manager.grade > 2) ? 'head' : 'other'"}`,
		`, note: {expression: "source.department.manager.reports.exists(r, r.grade > 4) ? 'a' : 'b'"}`,
		`, note: {expression: "source.manager.department.members.filter(m, m.grade > 2).exists(m, m.last == source.last) ? 'a' : 'b'"}`,
	}},
	{"valuesA", 3, []string{`, state: [{value: active}, {value: gone, period: {mode: after, from: 0d, to: 20d}}]`, `, state: {value: early, period: {mode: before, from: -10d, to: 0d}}`}},
	{"valuesA", 6, []string{
		`, bossName: {expression: "source.manager.login"}`, `, bossName: {expression: "source.manager.id"}`, `, bossName: {expression: "source.department.manager.id"}`,
		`, bossName: {expression: "source.manager.last"}`,
	}},
	{"linksA", 10, []string{
		`{property: groups, to: {name: Everyone}}`, `{property: groups, to: {code: G0}, when: "source.grade > 2"}`, `{property: groups, to: {name: Staff}, match: {department: D0}%inherit%}`,
		`{property: groups, to: {code: G1}, role: worker}`, `{property: groups, to: {code: G1}}, {property: groups, to: {code: G1}, deny: true, match: {site: S1}}`,
		`{property: groups, to: {code: G3}, when: "source.department.manager.site.city == 'Bern'"}, {property: groups, to: {name: Late}, composite: bundle}`,
	}},
	{"findA", 4, []string{
		`{property: deputy, source: "source.manager.id", target: "target.number"}`, `{property: deputy, source: "source.manager.last", target: "target.name", confidence: 70}`,
		`{property: deputy, source: "source.department.manager.id", target: "target.number"}, {property: deputy, source: "source.last", target: "target.boss.name", confidence: 60}`,
	}},

	{"valuesB", 10, []string{`id: {expression: "source.id", once: true}`}},
	{"valuesB", 8, []string{`, holder: {expression: "source.id"}`, `, holder: {expression: "source.manager.id"}`}},
	{"valuesB", 5, []string{`, label: {expression: "source.last"}`, `, label: {expression: "source.site.city"}`, `, label: [{expression: "source.site.head.last", role: "worker"}, {expression: "source.city"}]`}},
	{"linksB", 6, []string{`{property: zones, to: {code: Z0}}`, `{property: zones, to: {name: Yard}, role: worker}, {property: zones, to: {code: Z1}, role: chief}`, `{property: zones, to: {name: Yard}, match: {site: S0}}`}},
	{"findB", 5, []string{
		`{property: zone, source: "source.site.code", target: "target.site.code"}`,
		`{property: zone, source: "source.department.manager.city", target: "target.site.city", confidence: 80}, {property: zone, source: "source.city", target: "target.name"}`,
	}},

	{"C", 4, []string{departmentGroups}},
	{"roles", 10, []string{
		`  worker: {entity: Person, assign: [{match: {department: D0}%inherit%}, {composite: bundle}], grants: [{resourceType: A, property: groups, to: {code: G2}}]}`,
		`  worker: {entity: Person, assign: [{when: "source.grade > 1"}, {deny: true, match: {site: S1}}, {match: {department: D2}, priority: -1}], grants: [{resourceType: A, property: groups, to: {name: Staff}}]}`,
		`  worker: {entity: Person, gracePeriod: 5d, assign: [{match: {site: Bern}}, {when: "source.manager.grade > 3"}], grants: [{resourceType: A}, {resourceType: A, property: groups, to: {code: G2}}]}`,
		`  worker: {entity: Person, assign: [{when: "source.department.parent.manager.site.city == 'Bern'"}, {match: {department: D1}%inherit%, period: {mode: around, from: -5d, to: 5d}}]}`,
	}},
	{"roles", 10, []string{
		"\n" + `  chief: {entity: Person, assign: [{when: "source.reports.exists(r, r.grade > 3)"}], grants: [{resourceType: A, property: groups, to: {code: G4}}]}`,
		"\n" + `  chief: {entity: Person, assign: [{kind: suggested, match: {department: D1}%inherit%}], grants: [{resourceType: A, property: groups, to: {code: G4}}]}`,
		"\n" + `  chief: {entity: Person, assign: [{kind: automatic-with-validation, when: "source.grade > 2"}], grants: [{resourceType: A, property: groups, to: {name: Late}}]}`,
		"\n" + `  chief: {entity: Person, gracePeriod: 3d, assign: [{composite: bundle, when: "source.manager.site.city == 'Rome'"}], grants: [{resourceType: B, property: label, value: chief}]}`,
	}},
	{"roles", 5, []string{
		"\n" + `  found: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: G5}}]}`,
		"\n" + `  found: {entity: Person, grants: [{resourceType: A, property: groups, to: {name: Late}}], assign: [{composite: bundle}]}`,
		"\n" + `  found: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: G5}, match: {site: S0}}]}`,
	}},
	{"roles", 4, []string{
		"\n" + `  local: {entity: Person, parameters: {site: required}, assign: [{match: {department: D0}%inherit%}], grants: [{resourceType: A, property: groups, to: {code: G3}, match: {site: S0}}]}`,
		"\n" + `  local: {entity: Person, parameters: {site: optional}, assign: [{match: {department: D1}, parameters: {site: S1}}, {composite: bundle}], grants: [{resourceType: A, property: groups, to: {code: G3}, match: {site: Rome}}]}`,
	}},
	{"composites", 10, []string{
		`  bundle: {entity: Person, assign: [{match: {department: D1}%inherit%}]}`, `  bundle: {entity: Person, assign: [{when: "source.manager.manager.grade > 2"}]}`,
		`  bundle: {entity: Person}`, `  bundle: {entity: Person, gracePeriod: 4d, assign: [{match: {site: S0}, when: "source.department.manager.grade > 2"}, {composite: above}]}`,
	}},
	{"composites", 10, []string{"\n" + `  above: {entity: Person, assign: [{match: {department: D2}}]}`, "\n" + `  above: {entity: Person, assign: [{kind: suggested, when: "source.grade > 3"}]}`}},
}

// departmentGroups are groups that departments own: owners without a context.
const departmentGroups = `  C:
    source: Department
    target: Group
    provisioning: {connection: api, enabled: true, review: false, thresholds: {updatePercent: 0, deletePercent: 0}}
    correlate: [{source: "source.code", target: "target.code"}, {source: "source.name", target: "target.name", confidence: 70}]
    who: [{when: "source.members.exists(m, m.grade > 2)"}]
    values:
      code: {expression: "source.code", once: true}
      name: {expression: "source.parent.name"}
    find: [{property: owner, source: "source.manager.id", target: "target.number"}]
`

// A configuration is which text stands at each choice; -1: none.
type configuration []int

func newConfiguration(chance *rand.Rand) configuration {
	c := make(configuration, len(choices))
	for i := range c {
		c.choose(i, chance)
	}
	return c
}

// changed is the configuration with one choice, or a few, made anew.
func (c configuration) changed(chance *rand.Rand) configuration {
	other := append(configuration{}, c...)
	for range 1 + chance.IntN(3) {
		other.choose(chance.IntN(len(c)), chance)
	}
	return other
}

func (c configuration) choose(i int, chance *rand.Rand) {
	c[i] = -1
	if chance.IntN(10) < choices[i].often {
		c[i] = chance.IntN(len(choices[i].texts))
	}
}

// text writes the configuration.
func (c configuration) text() string {
	at := map[string]string{"inherit": ""}
	for i, n := range c {
		with := ""
		if n >= 0 {
			with = choices[i].texts[n]
		}
		at[choices[i].at] += with
	}
	if at["hierarchy"] != "" {
		at["inherit"] = ", inherit: [department]"
	}
	text := skeleton
	for range 2 { // texts have marks of their own
		for mark, with := range at {
			text = strings.ReplaceAll(text, "%"+mark+"%", with)
		}
	}
	return text
}

// load reads a configuration. The language knows no link whose far end a value
// names, models that are not read from files do: the text that names the boss
// becomes the link.
func load(text string) (*declare.Configuration, error) {
	c, err := declare.Load(declare.Files{"all.yaml": []byte(text)}, []connector.Package{fakesystem.New(fakesystem.Config{}).Package()})
	if err != nil {
		return nil, err
	}
	values := c.Model.ResourceTypes["A"].Values
	for i := range values {
		if values[i].Property == "bossName" {
			values[i].Property = "boss"
		}
	}
	return c, nil
}

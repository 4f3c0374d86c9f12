package organisation

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:embed laid/people.yaml
var peopleText []byte

// A configurationFile is one file below config/.
type configurationFile struct {
	name  string
	write func(io.Writer) error
}

// configuration lists the files: people, systems, the catalog.
func (g *Organisation) configuration() []configurationFile {
	files := []configurationFile{{"people.yaml", func(w io.Writer) error {
		_, err := w.Write(peopleText)
		return err
	}}}
	for i := range g.systems {
		s := &g.systems[i]
		files = append(files, configurationFile{s.ID + ".yaml", s.write})
	}
	files = append(files, configurationFile{"roles/categories.yaml", g.writeCategories})
	var written []string
	for _, r := range g.catalog.roles {
		if !slices.Contains(written, r.Category) {
			written = append(written, r.Category)
			category := r.Category
			files = append(files, configurationFile{"roles/" + category + ".yaml", func(w io.Writer) error { return g.writeRoles(w, category) }})
		}
	}
	return files
}

// write declares the system and its resource type.
func (s *System) write(w io.Writer) error {
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("# %s.yaml: %s. Its database is written automatically and read back at once.", s.ID, s.Name)
	say("connectors:\n  %s:\n    name: %s\n    connections:", s.ID, s.Name)
	say("      database:\n        package: sql\n        settings: {driver: sqlite, file: %s}", systemFile(s))
	say("        limits: {concurrency: 1}   # a file has one writer at a time")
	say("    entities:\n      %s:\n        from: {connection: database, table: %s}", s.Account, s.Table)
	say("        key: %s", s.properties[0].name)
	if s.properties[s.displayValue].name != s.properties[0].name {
		say("        display: \"%s\"", s.Display)
	}
	say("        properties:")
	for _, p := range s.properties {
		if p.column == "" {
			say("          %s: {type: %s}", p.name, p.kind)
		} else {
			say("          %s: {type: %s, column: %s}", p.name, p.kind, p.column)
		}
	}
	say("          %s: {links: %s, table: %s, owner: account, target: code}", s.Links, s.Group, s.Rows)
	say("      %s:\n        from: {connection: database, table: %s}\n        key: code\n        display: \"name\"", s.Group, s.Groups)
	say("        properties:\n          code: {type: string}\n          name: {type: string}")
	say("\nresourceTypes:\n  %s:\n    name: %s account\n    source: Person\n    target: %s\n    category: everybody", s.Type, s.Name, s.Account)
	say("    provisioning:\n      connection: database\n      enabled: true\n      review: false\n      verify: immediately")
	if s.DependsOn != "" {
		say("      dependsOn: %s", s.DependsOn)
	}
	say("      thresholds: {updatePercent: 30, deletePercent: 10}")
	source := "source.employeeId"
	if s.owner == "handle" {
		source = "source.login"
	}
	say("    correlate:\n      - {source: \"%s\", target: \"target.%s\", confidence: 100}", source, s.owner)
	say("    who:\n      - {}\n    values:")
	for _, p := range s.properties {
		switch {
		case p.expression == "":
			say("      %s:\n        - {value: true}\n        - {value: false, period: {mode: after, from: 0d, to: %dd}}", p.name, s.KeptDays)
		case p.once:
			say("      %s: {expression: \"%s\", once: true}", p.name, p.expression)
		case p.ignoreCase:
			say("      %s: {expression: \"%s\", compare: ignore-case}", p.name, p.expression)
		default:
			say("      %s: {expression: \"%s\"}", p.name, p.expression)
		}
	}
	return out.Flush()
}

func (g *Organisation) writeCategories(w io.Writer) error {
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("# categories.yaml: where roles are filed, and who answers for them.\ncategories:")
	for _, c := range g.catalog.categories {
		if c.Parent == "" {
			say("  %s: {name: %q}", c.ID, c.Name)
		} else {
			say("  %s: {name: %q, parent: %s}", c.ID, c.Name, c.Parent)
		}
	}
	say("owners:\n  everybody: [%s]", id(1))
	for i, d := range g.tree {
		if d.Level == 1 {
			say("  departments-%s: [%s]", strings.ToLower(d.Code), id(i+1))
		}
	}
	say("\ncompositeRoles:")
	for _, c := range g.catalog.composites {
		say("  %s:\n    name: %q\n    category: %s\n    entity: Person\n    assign:", c.ID, c.Name, c.Category)
		for _, r := range c.Rules {
			say("      - %s", r)
		}
	}
	return out.Flush()
}

func (g *Organisation) writeRoles(w io.Writer, category string) error {
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("# %s.yaml: what each role gives, and who has it.\nroles:", category)
	for _, r := range g.catalog.roles {
		if r.Category != category {
			continue
		}
		s := &g.systems[r.System]
		say("  %s:\n    name: %q\n    category: %s\n    entity: Person", r.ID, r.Name, r.Category)
		say("    grants: [{resourceType: %s, property: %s, to: {code: %s}}]\n    assign:", s.Type, s.Links, r.ID)
		for _, rule := range r.Rules {
			say("      - %s", rule)
		}
	}
	return out.Flush()
}

// String spells the rule as a line of the configuration.
func (r Rule) String() string {
	var match, when, keys []string
	if r.Department != "" {
		match = append(match, "department: "+r.Department)
	}
	if r.Site != "" {
		match = append(match, "site: "+r.Site)
	}
	if r.Title != "" {
		when = append(when, "source.title == '"+r.Title+"'")
	}
	if r.GradeFrom > 0 {
		when = append(when, fmt.Sprintf("source.grade >= %d", r.GradeFrom))
	}
	if r.Employment != "" {
		when = append(when, "source.employment == '"+r.Employment+"'")
	}
	if r.Composite != "" {
		keys = append(keys, "composite: "+r.Composite)
	}
	if len(match) > 0 {
		keys = append(keys, "match: {"+strings.Join(match, ", ")+"}")
	}
	if r.Department != "" {
		keys = append(keys, "inherit: [department]")
	}
	if len(when) > 0 {
		keys = append(keys, `when: "`+strings.Join(when, " && ")+`"`)
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

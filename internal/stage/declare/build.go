package declare

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/expression/spelling"
	"provisor.dev/provisor/value"
)

// A builder turns the document into the model and checks what holds between
// its parts. It goes on after a fault, so that all of them are found.
type builder struct {
	doc      *document
	keys     map[string]schema.Position
	packages map[string]connector.Package

	findings    fault.Findings
	model       *roles.Model
	entities    map[schema.EntityType]schema.Entity // of all connectors
	environment *expression.Environment
	programs    expression.Programs
	access      []access.Profile
	provider    *Provider
	schedules   []runs.Schedule

	messageSettings *messages.Settings
}

func newBuilder(doc *document, keys map[string]schema.Position, packages []connector.Package) *builder {
	b := &builder{
		doc: doc, keys: keys, packages: map[string]connector.Package{},
		entities: map[schema.EntityType]schema.Entity{}, programs: expression.Programs{},
		model: &roles.Model{
			Connectors:    map[schema.ConnectorID]schema.Connector{},
			Dimensions:    map[roles.DimensionID]roles.Dimension{},
			Contexts:      map[schema.EntityType]roles.Context{},
			Categories:    map[roles.CategoryID]roles.Category{},
			Roles:         map[roles.RoleID]roles.Role{},
			ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{},
			Workflows:     map[roles.WorkflowID]roles.Workflow{},
		},
	}
	for _, p := range packages {
		b.packages[p.Name] = p
	}
	return b
}

// build runs bottom up: what is referred to comes before what refers to it.
func (b *builder) build() {
	b.connectors()
	environment, err := expression.New(slices.Collect(maps.Values(b.entities)))
	if err != nil {
		b.findings = append(b.findings, fault.Finding{What: "the entity types do not fit together: " + err.Error()})
		return
	}
	b.environment = environment
	b.properties()
	b.dimensions()
	b.contexts()
	b.categories()
	b.roles()
	b.resourceTypes()
	b.grants()
	b.requestableAccounts()
	b.assignments()
	b.automation()
	b.naming()
	b.computedTwice()
	b.workflows()
	b.profiles()
	b.signIn()
	b.jobs()
	b.messages()
}

func (b *builder) find(at schema.Position, object, what, do string) {
	b.findings = append(b.findings, fault.Finding{File: at.File, Line: at.Line, Column: at.Column, Object: object, What: what, Do: do})
}

// unknown reports a name that is not declared, with the nearest that is.
func (b *builder) unknown(t text, object, kind string, declared []string) {
	do := spelling.Suggest(t.Value, declared)
	if do == "" && len(declared) > 0 && len(declared) <= 12 {
		slices.Sort(declared)
		do = "declared are " + strings.Join(declared, ", ")
	} else if do == "" {
		do = "declare it or correct the name"
	}
	b.find(t.Position, object, fmt.Sprintf("there is no %s %s", kind, t.Value), do)
}

var (
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,99}$`)
	typeName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,99}$`)
	nameOf     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,99}$`)
)

func (b *builder) named(pattern *regexp.Regexp, name string, at schema.Position, object string) {
	if !pattern.MatchString(name) {
		b.find(at, object, fmt.Sprintf("%q cannot be a name", name), "begin with a letter; go on with letters, digits and _"+
			map[bool]string{true: " or -", false: ""}[pattern != typeName]+"; 100 at most")
	}
}

// compile checks an expression and keeps its program.
func (b *builder) compile(x formula, object string, scope expression.Scope, want expression.Result) (schema.Expression, *expression.Program) {
	if !x.given {
		return schema.Expression{}, nil
	}
	program, findings := b.environment.Compile(scope, want, x.expression())
	for _, f := range findings {
		f.Object = object
		if x.cut && f.Do == "" {
			f.Do = "# begins a comment in YAML: " + quoteIt
		}
		b.findings = append(b.findings, f)
	}
	if program != nil {
		b.programs[x.expression()] = program
	}
	return x.expression(), program
}

// scalarOf reads a constant as a property spells it: canonically or in the
// property's own format.
func scalarOf(p schema.Property, raw string) (value.Value, error) {
	v, err := value.Normalize(p.Type, "", raw)
	if err != nil && p.Format != "" {
		if v, formatted := value.Normalize(p.Type, p.Format, raw); formatted == nil {
			return v, nil
		}
	}
	return v, err
}

func (b *builder) entity(t text, object string) (schema.Entity, bool) {
	if !t.given {
		return schema.Entity{}, false
	}
	e, ok := b.entities[schema.EntityType(t.Value)]
	if !ok {
		b.unknown(t, object, "entity type", namesOf(b.entities))
	}
	return e, ok
}

func (b *builder) property(t text, object string, e schema.Entity) (schema.Property, bool) {
	if !t.given {
		return schema.Property{}, false
	}
	p, ok := e.Properties[schema.PropertyName(t.Value)]
	if !ok {
		b.unknown(t, object, "property of "+string(e.Type)+" called", namesOf(e.Properties))
	}
	return p, ok
}

func namesOf[K ~string, V any](m map[K]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

// sorted yields a map's entries by key, so that findings and rules come in an
// order that does not change.
func sorted[V any](m map[string]V) func(func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !yield(name, m[name]) {
				return
			}
		}
	}
}

func texts(m map[string]text) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for name, t := range m {
		out[name] = t.Value
	}
	return out
}

// circles reports each circle of a graph once, at its first member.
func circles(edges map[string][]string) [][]string {
	const (
		unseen = iota
		open
		done
	)
	state := map[string]int{}
	var found [][]string
	var path []string
	var visit func(string)
	visit = func(at string) {
		state[at] = open
		path = append(path, at)
		for _, next := range edges[at] {
			switch state[next] {
			case unseen:
				visit(next)
			case open:
				found = append(found, append(slices.Clone(path[slices.Index(path, next):]), next))
			}
		}
		path = path[:len(path)-1]
		state[at] = done
	}
	for _, name := range slices.Sorted(maps.Keys(edges)) {
		if state[name] == unseen {
			visit(name)
		}
	}
	return found
}

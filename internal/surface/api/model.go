package api

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

func (s *service) model() {
	shows(s, operation{access.CatalogView, "/roles", "listRoles", "The catalog of roles"}, s.listRoles)
	shows(s, operation{access.CatalogView, "/roles/{id}", "showRole", "One role of the catalog"}, s.role)
	shows(s, operation{access.CatalogView, "/roles/{id}/holders", "listHolders", "Those who have a role, or are denied it"}, s.holders)
	shows(s, operation{access.RulesView, "/rules", "listRules", "Every rule line of the deployed configuration"}, s.rules)
	shows(s, operation{access.ConnectorsView, "/connectors", "listConnectors", "The managed systems that are declared, with what was counted in them"}, s.connectors)
	shows(s, operation{access.ConnectorsView, "/connectors/{id}", "showConnector", "One managed system"}, s.connector)
}

// deployed is the role model; an empty one while nothing is deployed.
func (s *service) deployed(ctx context.Context) (*roles.Model, error) {
	m, err := s.Model(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return &roles.Model{}, nil
	}
	return m, err
}

// CatalogRole is a role of the catalog.
type CatalogRole struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	About      string   `json:"about,omitempty"`
	Composite  bool     `json:"composite,omitempty"`
	Category   string   `json:"category,omitempty"`
	Entity     string   `json:"entity" doc:"Who can have it."`
	Approval   string   `json:"approval,omitempty" doc:"How many steps a request for it passes; not-requestable or empty: nobody can ask for it."`
	Parameters []string `json:"parameters,omitempty" doc:"The dimensions that it takes."`
}

func catalogRole(r roles.Role) CatalogRole {
	shown := CatalogRole{
		ID: string(r.ID), Name: cmp.Or(r.Name, string(r.ID)), About: r.About, Composite: r.Composite,
		Category: string(r.Category), Entity: string(r.Entity), Approval: string(r.Approval),
	}
	for _, d := range slices.Sorted(maps.Keys(r.Parameters)) {
		shown.Parameters = append(shown.Parameters, string(d))
	}
	return shown
}

func (s *service) listRoles(ctx context.Context, q *struct {
	Window
	Text     string `query:"q" maxLength:"200" doc:"Words of the name, the identifier or what it is about."`
	Category string `query:"category" doc:"Filed in this category, or below it."`
},
) (Page[CatalogRole], error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return Page[CatalogRole]{}, err
	}
	var all []CatalogRole
	for _, id := range slices.Sorted(maps.Keys(m.Roles)) {
		r := m.Roles[id]
		under := q.Category == "" || slices.ContainsFunc(m.Above(r.Category), func(c roles.Category) bool { return string(c.ID) == q.Category })
		if under && holdsAll(r.Name+" "+string(id)+" "+r.About, q.Text) {
			all = append(all, catalogRole(r))
		}
	}
	return part(all, q.Window)
}

// holdsAll tells whether each word stands in a text.
func holdsAll(text, words string) bool {
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Lettered is an address with an identifier.
type Lettered struct {
	ID string `path:"id"`
}

func (s *service) role(ctx context.Context, q *Lettered) (CatalogRole, error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return CatalogRole{}, err
	}
	r, ok := m.Roles[roles.RoleID(q.ID)]
	if !ok {
		return CatalogRole{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no role " + q.ID, Do: "the catalog lists those that are declared"}
	}
	return catalogRole(r), nil
}

func (s *service) holders(ctx context.Context, q *struct {
	Lettered
	Window
	Sort sorted[holderColumns] `query:"sort"`
},
) (Page[view.Holder], error) {
	after, err := spotIn[view.HolderCursor](q.After, q.Sort.text())
	if err != nil {
		return Page[view.Holder]{}, err
	}
	page, err := s.ask.Holders(ctx, view.HolderFilter{Role: q.ID, Sort: q.Sort.sort(), After: after, Limit: view.Rows(q.Limit)})
	return pageOf(page.Holders, spotOf(page.After, q.Sort.text())), err
}

// Rule is one rule line.
type Rule struct {
	Object string `json:"object" doc:"How the configuration names it."`
	Says   string `json:"says"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

func (s *service) rules(ctx context.Context, q *struct {
	Window
	Text string `query:"q" maxLength:"200" doc:"Words of its name, or of what it says."`
	Type string `query:"type" doc:"A resource type."`
},
) (Page[Rule], error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return Page[Rule]{}, err
	}
	var all []Rule
	for _, line := range m.Lines() {
		r := Rule{Object: line.Object, Says: explain.Words(line), File: line.Position.File, Line: line.Position.Line}
		if (q.Type == "" || strings.HasPrefix(r.Object, "resourceTypes."+q.Type+".")) && holdsAll(r.Object+" "+r.Says, q.Text) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Rule) int { return cmp.Compare(a.Object, b.Object) })
	return part(all, q.Window)
}

// Connector is a managed system.
type Connector struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Connections []Connection `json:"connections" nullable:"false"`
	Entities    []Entity     `json:"entities" nullable:"false"`
	Types       []TypeCount  `json:"types" nullable:"false" doc:"How many accounts of each resource type stand in each state."`
}

// Connection is a way to reach a managed system. Its settings are for those who
// configure it.
type Connection struct {
	ID      string `json:"id"`
	Package string `json:"package"`
	Manual  bool   `json:"manual,omitempty"`
}

// Entity is an entity type with what was read of it.
type Entity struct {
	Type  string        `json:"type"`
	Count Count         `json:"count"`
	Last  *view.Reading `json:"last,omitempty" doc:"The last reading; none: never read."`
}

// TypeCount is how many accounts of a resource type stand in a state.
type TypeCount struct {
	Type  string     `json:"type"`
	State view.State `json:"state"`
	Count Count      `json:"count"`
}

func (s *service) connectors(ctx context.Context, q *struct{ Window }) (Page[Connector], error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return Page[Connector]{}, err
	}
	ids, err := part(slices.Sorted(maps.Keys(m.Connectors)), q.Window)
	page := Page[Connector]{Items: []Connector{}, Next: ids.Next}
	for _, id := range ids.Items {
		c, err := s.counted(ctx, m, m.Connectors[id])
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, c)
	}
	return page, err
}

func (s *service) connector(ctx context.Context, q *Lettered) (Connector, error) {
	m, err := s.deployed(ctx)
	if err != nil {
		return Connector{}, err
	}
	c, ok := m.Connectors[schema.ConnectorID(q.ID)]
	if !ok {
		return Connector{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no connector " + q.ID, Do: "the list shows those that are declared"}
	}
	return s.counted(ctx, m, c)
}

// counted is a connector with what was counted in it.
func (s *service) counted(ctx context.Context, m *roles.Model, c schema.Connector) (Connector, error) {
	shown := Connector{ID: string(c.ID), Name: cmp.Or(c.Name, string(c.ID)), Connections: []Connection{}, Entities: []Entity{}, Types: []TypeCount{}}
	for _, id := range slices.Sorted(maps.Keys(c.Connections)) {
		shown.Connections = append(shown.Connections, Connection{string(id), c.Connections[id].Package, c.Connections[id].Manual})
	}
	var entities, types []string
	for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
		entities = append(entities, string(name))
	}
	for _, id := range slices.Sorted(maps.Keys(m.ResourceTypes)) {
		if _, ours := c.Entities[m.ResourceTypes[id].Target]; ours {
			types = append(types, string(id))
		}
	}
	counts, err := s.ask.EntityCounts(ctx, entities)
	if err != nil {
		return shown, err
	}
	for _, name := range entities {
		e := Entity{Type: name, Count: counted(counts[name])}
		last, err := s.ask.Readings(ctx, view.ReadingFilter{Entity: name, Limit: 1})
		if err != nil {
			return shown, err
		}
		if len(last) > 0 {
			e.Last = &last[0]
		}
		shown.Entities = append(shown.Entities, e)
	}
	list, err := s.ask.AccountCounts(ctx, types)
	for _, n := range list {
		shown.Types = append(shown.Types, TypeCount{n.Type, n.State, counted(n.Count)})
	}
	return shown, err
}

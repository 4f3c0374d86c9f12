package access

import (
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

func link(name, to string) schema.Property {
	return schema.Property{Name: schema.PropertyName(name), Link: schema.EntityType(to)}
}

// model has people in departments, two applications and a role of each.
func model() *roles.Model {
	person := schema.Entity{Type: "Person", Properties: map[schema.PropertyName]schema.Property{
		"department": link("department", "Department"), "manager": link("manager", "Person"),
	}}
	return &roles.Model{
		Connectors: map[schema.ConnectorID]schema.Connector{"hr": {Entities: map[schema.EntityType]schema.Entity{
			"Person": person, "Department": {Type: "Department", Properties: map[schema.PropertyName]schema.Property{"parent": link("parent", "Department")}},
		}}},
		Dimensions: map[roles.DimensionID]roles.Dimension{"department": {ID: "department", Entity: "Department", Hierarchy: "parent"}},
		Contexts:   map[schema.EntityType]roles.Context{"Person": {Entity: "Person", Dimensions: map[roles.DimensionID]schema.Expression{"department": {Text: "department"}}}},
		Categories: map[roles.CategoryID]roles.Category{"finance": {ID: "finance"}, "ledger": {ID: "ledger", Parent: "finance"}},
		Roles:      map[roles.RoleID]roles.Role{"book": {ID: "book", Category: "ledger", Entity: "Person"}, "sell": {ID: "sell", Entity: "Person"}},
		ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{
			"Ledger": {ID: "Ledger", Source: "Person", Category: "finance"}, "Crm": {ID: "Crm", Source: "Person"},
		},
	}
}

func who(key string) resources.Ref { return resources.Ref{Type: "Person", Key: resources.Key(key)} }

// facts of E1, who works for M1 in LEDGERS and has an account in the ledger.
var facts = Facts{
	Types: []roles.ResourceTypeID{"Ledger"}, Roles: []roles.RoleID{"book"},
	Reached: map[string][]resources.Key{"Person.department": {"LEDGERS"}, "Person.manager": {"M1"}},
}

func account(t roles.ResourceTypeID) Subject {
	return Subject{Kind: Account, Owner: who("E1"), Type: t, Facts: facts}
}

func TestAScopeLetsThroughWhatItNamesAndNothingElse(t *testing.T) {
	person := Subject{Kind: Person, Owner: who("E1"), Facts: facts}
	book := Subject{Kind: OfRole, Owner: who("E1"), Role: "book", Facts: facts}
	sell := Subject{Kind: OfRole, Owner: who("E1"), Role: "sell", Facts: facts}
	machine := Subject{Kind: Account, Owner: resources.Ref{Type: "Robot", Key: "R1"}, Type: "Ledger"}
	for name, c := range map[string]struct {
		scope   Scope
		in, out []Subject
	}{
		"none":          {Scope{}, []Subject{person, book, sell, machine, account("Crm")}, nil},
		"resource type": {Scope{ResourceTypes: []roles.ResourceTypeID{"Ledger"}}, []Subject{person, account("Ledger"), machine}, []Subject{account("Crm"), book, sell}},
		"another type":  {Scope{ResourceTypes: []roles.ResourceTypeID{"Crm"}}, []Subject{account("Crm")}, []Subject{person, account("Ledger"), book}},
		"role":          {Scope{Roles: []roles.RoleID{"book"}}, []Subject{person, book}, []Subject{sell, account("Ledger")}},
		"category":      {Scope{Categories: []roles.CategoryID{"finance"}}, []Subject{person, book, account("Ledger")}, []Subject{sell, account("Crm")}},
		"unknown":       {Scope{Categories: []roles.CategoryID{"none"}}, nil, []Subject{person, book, account("Ledger"), account("Crm")}},
		"entity type":   {Scope{EntityTypes: []schema.EntityType{"Robot"}}, []Subject{machine}, []Subject{person, book, account("Ledger")}},
		"department":    {Scope{Places: map[roles.DimensionID][]resources.Key{"department": {"FINANCE"}}}, []Subject{person, book, account("Crm")}, []Subject{machine}},
		"elsewhere":     {Scope{Places: map[roles.DimensionID][]resources.Key{"department": {"SALES"}}}, nil, []Subject{person, book, account("Crm"), machine}},
		"no dimension":  {Scope{Places: map[roles.DimensionID][]resources.Key{"colour": {"RED"}}}, nil, []Subject{person, machine}},
		"team":          {Scope{Team: true}, []Subject{person, account("Crm")}, []Subject{machine, {Owner: who("M1")}, {Owner: who("E2")}}},
		"self":          {Scope{Self: true}, []Subject{{Owner: who("M1")}}, []Subject{person, machine}},
		"team and self": {Scope{Self: true, Team: true}, []Subject{person, {Owner: who("M1")}}, []Subject{machine}},
		"what and whom": {Scope{Team: true, ResourceTypes: []roles.ResourceTypeID{"Ledger"}}, []Subject{account("Ledger"), person}, []Subject{account("Crm"), machine}},
	} {
		w := World{Model: model(), Person: who("M1"), Below: func(_ roles.DimensionID, k resources.Key) []resources.Key {
			if k == "FINANCE" {
				return []resources.Key{"FINANCE", "LEDGERS"}
			}
			return []resources.Key{k}
		}}
		f := Filter{Clauses: []Clause{w.part(c.scope)}}
		for _, s := range c.in {
			if !f.Holds(s) {
				t.Errorf("%s: %+v is kept out", name, s)
			}
		}
		for _, s := range c.out {
			if f.Holds(s) {
				t.Errorf("%s: %+v is let in", name, s)
			}
		}
	}
}

func TestWhatCannotBeWorkedOutLetsNobodyThrough(t *testing.T) {
	records := model()
	c := records.Contexts["Person"]
	c.Records = "positions"
	records.Contexts["Person"] = c
	department := Scope{Places: map[roles.DimensionID][]resources.Key{"department": {"LEDGERS"}}}
	for name, f := range map[string]Filter{
		"the zero filter":       {},
		"nothing deployed":      {Clauses: []Clause{World{Person: who("M1")}.part(Scope{Team: true})}},
		"somebody nobody knows": {Clauses: []Clause{World{Model: model()}.part(Scope{Team: true, Self: true})}},
		"a context of records":  {Clauses: []Clause{World{Model: records, Person: who("M1")}.part(department)}},
	} {
		if f.Holds(account("Ledger")) || f.All() {
			t.Errorf("%s lets a row through", name)
		}
	}
	if (Principal{}).May(OrdersView, account("Ledger")) || (Principal{}).Has(HomeView) {
		t.Error("the zero principal may something")
	}
	if Everybody().Has("orders.delete") {
		t.Error("a permission that does not exist is had")
	}
}

func TestAPermissionOfTheWholeIsNotHadWithAScope(t *testing.T) {
	list := []Given{{Profile: "administrator", Scopes: []Scope{{ResourceTypes: []roles.ResourceTypeID{"Ledger"}}}, World: World{Model: model()}}}
	p := Resolve("anna", who("E9"), BuiltIn(), list)
	for _, d := range Permissions() {
		agent := d.Permission == AgentOrders || d.Permission == AgentReadings
		if got, want := p.Has(d.Permission), d.Reach != Whole && !agent; got != want {
			t.Errorf("%s is had: %v", d.Permission, got)
		}
	}
	if !p.May(OrdersReview, account("Ledger")) || p.May(OrdersReview, account("Crm")) {
		t.Error("the scope does not choose among rows")
	}
	list[0].Scopes = nil
	for _, x := range forPeople() {
		if !Resolve("anna", resources.Ref{}, BuiltIn(), list).Filter(x).All() {
			t.Errorf("an administrator without a scope is narrowed in %s", x)
		}
	}
}

func TestAllScopesOfAnAssignmentNarrowIt(t *testing.T) {
	ledger := Scope{ResourceTypes: []roles.ResourceTypeID{"Ledger"}}
	delegated := Given{Profile: "manager", Scopes: []Scope{ledger}, World: World{Model: model(), Person: who("M1")}}
	p := Resolve("deputy", who("E7"), BuiltIn(), []Given{delegated})
	if !p.May(AccessView, account("Ledger")) || p.May(AccessView, account("Crm")) {
		t.Error("a manager's team and the scope of the delegation do not both hold")
	}
	if p.May(AccessView, Subject{Owner: who("E7"), Kind: Account, Type: "Ledger"}) {
		t.Error("a delegation reaches the deputy instead of the manager's team")
	}
	both := Resolve("x", who("M1"), BuiltIn(), []Given{{Profile: "manager", World: World{Model: model(), Person: who("M1")}}, {Profile: "user", World: World{Model: model(), Person: who("M1")}}})
	if !both.May(AccessView, account("Crm")) || !both.May(AccessView, Subject{Kind: Person, Owner: who("M1")}) {
		t.Error("two profiles do not add up")
	}
	if p := Resolve("x", who("M1"), BuiltIn(), []Given{{Profile: "none"}}); len(p.Rights) != 0 {
		t.Error("a profile that does not exist gives something")
	}
}

func TestAnAssignmentHoldsFromItsFirstInstantUntilItsEnd(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		a    ProfileAssignment
		want bool
	}{
		"for good":  {ProfileAssignment{}, true},
		"from now":  {ProfileAssignment{From: day}, true},
		"not yet":   {ProfileAssignment{From: day.Add(1)}, false},
		"over":      {ProfileAssignment{To: day}, false},
		"last day":  {ProfileAssignment{To: day.Add(1)}, true},
		"taken off": {ProfileAssignment{Revoked: day.Add(-1)}, false},
	} {
		if got := c.a.Active(day); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFiltersAreJoinedAsSets(t *testing.T) {
	w := World{Model: model(), Person: who("M1")}
	ledger := Filter{Clauses: []Clause{w.part(Scope{ResourceTypes: []roles.ResourceTypeID{"Ledger"}})}}
	crm := Filter{Clauses: []Clause{w.part(Scope{ResourceTypes: []roles.ResourceTypeID{"Crm"}})}}
	if !ledger.Or(crm).Holds(account("Crm")) || ledger.And(crm).Holds(account("Crm")) || ledger.And(Filter{}).Holds(account("Ledger")) {
		t.Error("a union or an intersection is wrong")
	}
	if ledger.And(Everything()).Key() != ledger.Key() || ledger.Key() == crm.Key() {
		t.Error("equal filters have different keys, or others the same")
	}
}

func TestBuiltInProfilesHoldKnownPermissionsAndEachPermissionStandsInOne(t *testing.T) {
	held := map[Permission]bool{}
	for _, p := range BuiltIn() {
		for _, x := range p.Permissions {
			if _, ok := Describe(x); !ok {
				t.Errorf("%s holds %s, which is no permission", p.ID, x)
			}
			held[x] = true
		}
	}
	for _, d := range Permissions() {
		if !held[d.Permission] || d.About == "" || !slices.Contains([]Reach{Rows, Whole, Open}, d.Reach) {
			t.Errorf("%s is in no profile, or badly described", d.Permission)
		}
	}
}

func TestARuleGivesItsProfileToWhoStandsThere(t *testing.T) {
	r := ProfileRule{Entity: "Person", Match: map[roles.DimensionID]resources.Key{"department": "FIN"}, Inherit: []roles.DimensionID{"department"}}
	stands := func(dimension string, below bool, place resources.Key) bool {
		return dimension == "department" && below && place == "FIN"
	}
	if !RuleHolds(r, who("E1"), stands) {
		t.Error("who stands there does not get it")
	}
	nowhere := func(string, bool, resources.Key) bool { return false }
	if RuleHolds(r, who("E1"), nowhere) || RuleHolds(r, resources.Ref{Type: "Robot", Key: "R1"}, stands) || RuleHolds(r, resources.Ref{}, stands) {
		t.Error("somebody gets it who does not stand there")
	}
}

// The dimension that is written first is taken, where a list can be asked of it.
func TestPeersStandAtTheFirstDimensionThatLinksLeadTo(t *testing.T) {
	at := func(text string, line int) schema.Expression {
		return schema.Expression{Text: text, Position: schema.Position{File: "a.yaml", Line: line}}
	}
	m := &roles.Model{Connectors: map[schema.ConnectorID]schema.Connector{"hr": {Entities: map[schema.EntityType]schema.Entity{
		"Person": {Type: "Person", Properties: map[schema.PropertyName]schema.Property{"site": link("site", "Site"), "department": link("department", "Department")}},
		"Site":   {Type: "Site", Properties: map[schema.PropertyName]schema.Property{"country": link("country", "Country")}},
	}}}}
	for name, c := range map[string]struct {
		context roles.Context
		want    roles.DimensionID
		hops    int
	}{
		"written first":     {roles.Context{Dimensions: map[roles.DimensionID]schema.Expression{"a": at("department", 9), "z": at("site.country", 3)}}, "z", 2},
		"not a path":        {roles.Context{Dimensions: map[roles.DimensionID]schema.Expression{"a": at("lookup(site)", 1), "z": at("site", 3)}}, "z", 1},
		"read from records": {roles.Context{Records: "positions", Dimensions: map[roles.DimensionID]schema.Expression{"a": at("site", 1)}}, "", 0},
		"no dimension":      {roles.Context{}, "", 0},
	} {
		m.Contexts = map[schema.EntityType]roles.Context{"Person": c.context}
		if d, hops := Standing(m, "Person"); d != c.want || len(hops) != c.hops {
			t.Errorf("%s: %s over %v", name, d, hops)
		}
	}
}

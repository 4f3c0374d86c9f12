package access

import (
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// A ProfileID names a profile.
type ProfileID string

// A Profile is a set of permissions, with the scope that all who have it share.
type Profile struct {
	ID          ProfileID     `json:"profile"`
	Name        string        `json:"name"`
	About       string        `json:"about,omitempty"`
	Permissions []Permission  `json:"permissions"`
	Scope       Scope         `json:"scope,omitzero"`
	Rules       []ProfileRule `json:"rules,omitempty"`
	BuiltIn     bool          `json:"builtIn,omitempty"`
}

// A ProfileRule gives a profile to the people of an entity type who stand in all
// of the places that it names, and below those where it says so.
type ProfileRule struct {
	Entity  schema.EntityType                   `json:"entity"`
	Match   map[roles.DimensionID]resources.Key `json:"match,omitempty"`
	Inherit []roles.DimensionID                 `json:"inherit,omitempty"`
	Scope   Scope                               `json:"scope,omitzero"`
}

// A Scope says how far a permission reaches. What it is about: resource types,
// roles and categories, any of them. Whom it is about: entity types and, of
// their resources, those in a department, of one's own team, or oneself, any of
// them. A row must fit both; what is not named does not matter.
type Scope struct {
	EntityTypes   []schema.EntityType                   `json:"entityTypes,omitempty"`
	ResourceTypes []roles.ResourceTypeID                `json:"resourceTypes,omitempty"`
	Categories    []roles.CategoryID                    `json:"categories,omitempty"`
	Roles         []roles.RoleID                        `json:"roles,omitempty"`
	Places        map[roles.DimensionID][]resources.Key `json:"places,omitempty"` // departments and other dimensions, those below included
	Team          bool                                  `json:"team,omitempty"`
	Self          bool                                  `json:"self,omitempty"`
}

// IsZero reports whether the scope narrows nothing.
func (s Scope) IsZero() bool { return !s.what() && !s.whom() && len(s.EntityTypes) == 0 }

func (s Scope) what() bool { return len(s.ResourceTypes)+len(s.Categories)+len(s.Roles) > 0 }
func (s Scope) whom() bool { return s.Team || s.Self || len(s.Places) > 0 }

// String reads "resource types CrmAccount; department FIN, own team".
func (s Scope) String() string {
	if s.IsZero() {
		return "everything"
	}
	var parts []string
	say := func(name string, list []string) {
		if len(list) > 0 {
			parts = append(parts, name+" "+strings.Join(list, ", "))
		}
	}
	say("entity types", texts(s.EntityTypes))
	say("resource types", texts(s.ResourceTypes))
	say("categories", texts(s.Categories))
	say("roles", texts(s.Roles))
	for _, d := range slices.Sorted(maps.Keys(s.Places)) {
		say(string(d), texts(s.Places[d]))
	}
	if s.Team {
		parts = append(parts, "own team")
	}
	if s.Self {
		parts = append(parts, "oneself")
	}
	return strings.Join(parts, "; ")
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// look is what everybody gets who is let in for more than one's own data.
var look = []Permission{HomeView, StatesView, CatalogView, OwnTokens, OwnMessages}

// builtIn are the profiles that every installation has.
var builtIn = []Profile{
	{ID: "administrator", Name: "Administrator", About: "everything that people may do", Permissions: forPeople()},
	{ID: "integrator", Name: "Integrator", About: "writes the configuration, plans it, runs it", Permissions: with(look,
		DirectoryView, AccessView, OrdersView, OrdersRelease, RequestsView, FoundView, RulesView, ConnectorsView, ConnectorsOperate,
		PlanView, ConfigurationApply, JobsView, JobsRun, MetricsView, MessagesView)},
	{ID: "application-owner", Name: "Application owner", About: "reviews the orders of an application and what was found in it", Permissions: with(look,
		Delegate, DirectoryView, AccessView, OrdersView, OrdersReview, FoundView, FoundDecide)},
	{ID: "technician", Name: "Technician", About: "carries manual orders out", Permissions: with(look,
		DirectoryView, OrdersView, OrdersProvision)},
	{ID: "manager", Name: "Manager", About: "asks and approves for the own team", Scope: Scope{Team: true}, Permissions: with(look,
		Delegate, DirectoryView, AccessView, AccessRequest, IdentityChange, RequestsView, RequestsDecide)},
	{ID: "role-officer", Name: "Role officer", About: "answers for roles: decides requests, reconciles what was found", Permissions: with(look,
		Delegate, DirectoryView, AccessView, RequestsView, RequestsDecide, FoundView, RolesReconcile)},
	{ID: "auditor", Name: "Auditor", About: "reads everything and changes nothing", Permissions: with(look,
		DirectoryView, AccessView, RequestsView, OrdersView, FoundView, RulesView, ConnectorsView, PlanView, JobsView, JournalView, MetricsView, MessagesView, ProfilesView)},
	{ID: "user", Name: "User", About: "sees what oneself has, and asks for more", Scope: Scope{Self: true}, Permissions: with(look,
		DirectoryView, AccessView, AccessRequest, RequestsView)},
	{ID: "agent", Name: "Agent", About: "the process that runs connections", Permissions: []Permission{AgentOrders, AgentReadings}},
}

// Administrator is the profile of the first account.
const Administrator ProfileID = "administrator"

// BuiltIn lists the profiles that every installation has.
func BuiltIn() []Profile {
	list := make([]Profile, len(builtIn))
	for i, p := range builtIn {
		p.BuiltIn, p.Permissions = true, slices.Clone(p.Permissions)
		list[i] = p
	}
	return list
}

// forPeople are all but those of agents.
func forPeople() []Permission {
	var all []Permission
	for _, d := range permissions {
		if d.Permission != AgentOrders && d.Permission != AgentReadings {
			all = append(all, d.Permission)
		}
	}
	return all
}

func with(list []Permission, more ...Permission) []Permission {
	return append(slices.Clone(list), more...)
}

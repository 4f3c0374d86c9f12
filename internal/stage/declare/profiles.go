package declare

import (
	"fmt"
	"net/url"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/secret"
)

type profileDoc struct {
	place
	Name        text             `yaml:"name" about:"The name that people read; the identifier when absent."`
	About       text             `yaml:"about" about:"What it is for."`
	Permissions []text           `yaml:"permissions" about:"What it permits, as listed by provisor profile permissions."`
	Scope       scopeDoc         `yaml:"scope" about:"How far it reaches for everybody who has it."`
	Assign      []profileRuleDoc `yaml:"assign" about:"Who has it by rule."`
}

type scopeDoc struct {
	place
	EntityTypes   []text            `yaml:"entityTypes" about:"Whom it is about: people of these entity types."`
	ResourceTypes []text            `yaml:"resourceTypes" about:"What it is about: accounts of these resource types."`
	Categories    []text            `yaml:"categories" about:"What it is about: roles and resource types of these categories, and those below."`
	Roles         []text            `yaml:"roles" about:"What it is about: these roles."`
	Places        map[string][]text `yaml:"places" about:"By dimension: whom it is about, those who stand there or below."`
	Team          flag              `yaml:"team" default:"false" about:"Whom it is about: those who lead to whoever asks by their property manager."`
	Self          flag              `yaml:"self" default:"false" about:"Whom it is about: whoever asks."`
}

type profileRuleDoc struct {
	place
	Entity  text            `yaml:"entity" must:"yes" about:"The entity type of the people."`
	Match   map[string]text `yaml:"match" about:"By dimension: where they must stand."`
	Inherit []text          `yaml:"inherit" about:"The dimensions whose descendants count too."`
	Scope   scopeDoc        `yaml:"scope" about:"How far the profile reaches for them."`
}

type providerDoc struct {
	place
	Name         text `yaml:"name" about:"What the button says; the identifier when absent."`
	Issuer       text `yaml:"issuer" must:"yes" about:"The provider's address, as its discovery document names it."`
	ClientID     text `yaml:"clientID" must:"yes" about:"As what Provisor is registered there."`
	ClientSecret text `yaml:"clientSecret" about:"A reference to the secret; none for a public client."`
	Claim        text `yaml:"claim" default:"email" about:"The claim that names a person by key or identifier, or an account."`
}

// A Provider is where people sign in elsewhere, by OpenID Connect.
type Provider struct {
	Name, Issuer, ClientID, Claim string
	ClientSecret                  secret.Reference
}

// profiles builds what people may do, beside what is built in.
func (b *builder) profiles() {
	b.access = access.BuiltIn()
	for id, doc := range sorted(b.doc.Profiles) {
		object := join("profiles", id)
		b.named(identifier, id, doc.Position, object)
		p := access.Profile{ID: access.ProfileID(id), Name: orElse(doc.Name.Value, id), About: doc.About.Value, Scope: b.scope(doc.Scope, join(object, "scope"))}
		for i, t := range doc.Permissions {
			if _, known := access.Describe(access.Permission(t.Value)); !known {
				b.unknown(t, fmt.Sprintf("%s.permissions[%d]", object, i), "permission", permissionNames())
			}
			p.Permissions = append(p.Permissions, access.Permission(t.Value))
		}
		for i, rule := range doc.Assign {
			p.Rules = append(p.Rules, b.profileRule(rule, fmt.Sprintf("%s.assign[%d]", object, i)))
		}
		i := slices.IndexFunc(b.access, func(x access.Profile) bool { return x.ID == p.ID })
		switch {
		case i < 0 && len(p.Permissions) == 0:
			b.find(doc.Position, object, "the profile permits nothing", "list its permissions")
		case i < 0:
			b.access = append(b.access, p)
		case len(doc.Permissions) > 0 || !p.Scope.IsZero() || doc.Name.given || doc.About.given:
			b.find(doc.Position, object, id+" is built in: it can be given by rules, and not changed", "leave all but assign out, or give a profile of your own another name")
		default:
			b.access[i].Rules = p.Rules
		}
	}
}

func permissionNames() []string {
	var names []string
	for _, d := range access.Permissions() {
		names = append(names, string(d.Permission))
	}
	return names
}

// profileRule builds who has a profile by rule.
func (b *builder) profileRule(doc profileRuleDoc, object string) access.ProfileRule {
	r := access.ProfileRule{Entity: schema.EntityType(doc.Entity.Value), Scope: b.scope(doc.Scope, join(object, "scope"))}
	e, ok := b.entity(doc.Entity, join(object, "entity"))
	for name, t := range sorted(doc.Match) {
		inside := join(object, "match."+name)
		d, declared := b.dimension(name, inside)
		if ok && declared && b.model.Contexts[e.Type].Records != "" {
			b.find(b.keys[inside], inside, fmt.Sprintf("where a %s stands is read from records, by which no profile is given", e.Type), "give it by hand, or to all with a scope")
		} else if _, stands := b.model.Contexts[e.Type].Dimensions[d.ID]; ok && declared && !stands {
			b.find(b.keys[inside], inside, fmt.Sprintf("the context of %s says nothing about %s, so the rule never holds", e.Type, name), fmt.Sprintf("add %s to contexts.%s", name, e.Type))
		}
		if r.Match == nil {
			r.Match = map[roles.DimensionID]resources.Key{}
		}
		r.Match[d.ID] = resources.Key(t.Value)
	}
	for i, t := range doc.Inherit {
		inside := fmt.Sprintf("%s.inherit[%d]", object, i)
		d, declared := b.model.Dimensions[roles.DimensionID(t.Value)]
		if _, matched := doc.Match[t.Value]; !declared || !matched || d.Hierarchy == "" {
			b.find(t.Position, inside, "the rule does not match "+t.Value+", or it has no hierarchy", "name a dimension of match that has one")
		}
		r.Inherit = append(r.Inherit, d.ID)
	}
	return r
}

func (b *builder) dimension(name, inside string) (roles.Dimension, bool) {
	d, ok := b.model.Dimensions[roles.DimensionID(name)]
	if !ok {
		b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "dimension", namesOf(b.model.Dimensions))
	}
	return d, ok
}

// scope builds how far a profile reaches: what it names must be there, since a
// scope that names nothing real reaches nothing.
func (b *builder) scope(doc scopeDoc, object string) access.Scope {
	s := access.Scope{Team: doc.Team.Value, Self: doc.Self.Value}
	each := func(list []text, name, kind string, declared []string) {
		for i, t := range list {
			if !slices.Contains(declared, t.Value) {
				b.unknown(t, fmt.Sprintf("%s.%s[%d]", object, name, i), kind, declared)
			}
		}
	}
	each(doc.EntityTypes, "entityTypes", "entity type", namesOf(b.entities))
	each(doc.ResourceTypes, "resourceTypes", "resource type", namesOf(b.model.ResourceTypes))
	each(doc.Categories, "categories", "category", namesOf(b.model.Categories))
	each(doc.Roles, "roles", "role", namesOf(b.model.Roles))
	s.EntityTypes, s.ResourceTypes = typed[schema.EntityType](doc.EntityTypes), typed[roles.ResourceTypeID](doc.ResourceTypes)
	s.Categories, s.Roles = typed[roles.CategoryID](doc.Categories), typed[roles.RoleID](doc.Roles)
	for name, list := range sorted(doc.Places) {
		d, _ := b.dimension(name, join(object, "places."+name))
		if s.Places == nil {
			s.Places = map[roles.DimensionID][]resources.Key{}
		}
		s.Places[d.ID] = typed[resources.Key](list)
	}
	return s
}

func typed[T ~string](list []text) []T {
	var out []T
	for _, t := range list {
		out = append(out, T(t.Value))
	}
	return out
}

// signIn builds the provider by which people sign in; there is one at most.
func (b *builder) signIn() {
	for id, doc := range sorted(b.doc.SignIn) {
		object := join("signIn", id)
		b.named(identifier, id, doc.Position, object)
		if b.provider != nil {
			b.find(doc.Position, object, "there is a provider already", "keep one; it can be told to trust others")
		}
		address, err := url.Parse(doc.Issuer.Value)
		if err != nil || address.Host == "" || address.Scheme != "https" && !loopback(address.Hostname()) {
			b.find(doc.Issuer.Position, join(object, "issuer"), fmt.Sprintf("%q is no address that can be trusted", doc.Issuer.Value), "write it as https://sign-in.example.org")
		}
		if doc.ClientSecret.given && !secret.IsReference(doc.ClientSecret.Value) {
			b.find(doc.ClientSecret.Position, join(object, "clientSecret"), "a secret stands in the configuration", "write a reference, such as secret:env/NAME or secret:store/NAME")
		}
		b.provider = &Provider{
			Name: orElse(doc.Name.Value, id), Issuer: doc.Issuer.Value, ClientID: doc.ClientID.Value, Claim: doc.Claim.Value,
			ClientSecret: secret.Reference(doc.ClientSecret.Value),
		}
	}
}

// loopback are hosts to which nothing needs to be encrypted.
func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

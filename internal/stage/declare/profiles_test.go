package declare

import (
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
)

func profileOf(c *Configuration, id access.ProfileID) access.Profile {
	for _, p := range c.Profiles {
		if p.ID == id {
			return p
		}
	}
	return access.Profile{}
}

func TestProfilesAndTheProviderLoadBesideWhatIsBuiltIn(t *testing.T) {
	c, err := Load(Files{"a.yaml": []byte(base), "b.yaml": []byte(`profiles:
  desk:
    name: Desk
    permissions: [home.view, orders.view]
    scope: {resourceTypes: [T], categories: [c], places: {unit: [FIN]}, team: true}
    assign:
      - {entity: Person, match: {unit: FIN}, inherit: [unit], scope: {self: true}}
  user: {assign: [{entity: Person}]}
signIn:
  company: {issuer: "https://id.example.org", clientID: provisor, clientSecret: "secret:store/oidc"}
`)}, packages())
	if err != nil {
		t.Fatal(err)
	}
	desk := profileOf(c, "desk")
	if desk.Name != "Desk" || len(desk.Permissions) != 2 || desk.Scope.String() != "resource types T; categories c; unit FIN; own team" ||
		len(desk.Rules) != 1 || desk.Rules[0].Match["unit"] != "FIN" || !desk.Rules[0].Scope.Self || desk.BuiltIn {
		t.Errorf("%+v", desk)
	}
	if user := profileOf(c, "user"); !user.BuiltIn || len(user.Rules) != 1 || !user.Scope.Self {
		t.Errorf("%+v", user)
	}
	if p := c.Provider; p == nil || p.Name != "company" || p.Claim != "email" || p.ClientID != "provisor" {
		t.Errorf("%+v", p)
	}
	if uses := c.StoredSecrets(); len(uses) != 1 || uses[0].Setting != "signIn.company.clientSecret" {
		t.Errorf("%+v", uses)
	}
}

func TestAProfileThatMeansNothingIsAFinding(t *testing.T) {
	for doc, want := range map[string]string{
		"profiles: {x: {permissions: [orders.vew]}}":                                                            "there is no permission orders.vew",
		"profiles: {x: {name: X}}":                                                                              "permits nothing",
		"profiles: {auditor: {permissions: [home.view]}}":                                                       "built in",
		"profiles: {auditor: {scope: {self: true}}}":                                                            "built in",
		"profiles: {x: {permissions: [home.view], scope: {roles: [none]}}}":                                     "there is no role none",
		"profiles: {x: {permissions: [home.view], scope: {resourceTypes: [none]}}}":                             "there is no resource type none",
		"profiles: {x: {permissions: [home.view], scope: {places: {colour: [RED]}}}}":                           "there is no dimension colour",
		"profiles: {user: {assign: [{entity: Robot}]}}":                                                         "Robot",
		"profiles: {user: {assign: [{entity: Person, match: {flat: FIN}}]}}":                                    "says nothing about flat",
		"profiles: {user: {assign: [{entity: Person, match: {unit: FIN}, inherit: [flat]}]}}":                   "does not match flat",
		"signIn: {a: {issuer: 'http://id.example.org', clientID: x}}":                                           "no address that can be trusted",
		"signIn: {a: {issuer: 'https://x.org', clientID: x}, b: {issuer: 'https://y.org', clientID: x}}":        "a provider already",
		"signIn: {a: {issuer: 'https://id.example.org', clientID: x, clientSecret: hunter2}}":                   "a secret stands in the configuration",
		"signIn: {a: {issuer: 'https://id.example.org', clientID: x, clientSecret: 'secret:env/X', clam: sub}}": "clam",
	} {
		findings := loadFaults(t, Files{"a.yaml": []byte(base), "b.yaml": []byte(doc + "\n")})
		if !said(findings, "b.yaml", want) {
			t.Errorf("%s: %s", doc, findings)
		}
		if strings.Contains(findings.Error(), "hunter2") {
			t.Errorf("%s: a finding shows the secret", doc)
		}
	}
}

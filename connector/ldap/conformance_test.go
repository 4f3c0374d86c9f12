package ldap_test

import (
	"fmt"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

func TestThePackageKeepsThePromisesOfEveryPackage(t *testing.T) {
	d := start(t)
	targets := make([]connector.Reference, 2)
	for i := range targets {
		dn := d.addGroup(fmt.Sprintf("group%d", i), d.BindDN)
		targets[i] = connector.Reference{Entity: "DirectoryGroup", Values: map[string]value.Value{"dn": nameOf(dn)}}
	}
	sample := func(n int) connectortest.Sample {
		uid := fmt.Sprintf("sample%d", n)
		return connectortest.Sample{Values: map[string]value.Value{
			"dn": nameOf(d.user(uid)), "uid": value.OfString(uid), "cn": value.OfString("Sample, " + uid), "sn": value.OfString(uid),
			"mail": value.OfString(uid + "@example.org"), "number": value.OfInt(int64(n)), "gidNumber": value.OfInt(100), "home": value.OfString("/home/" + uid),
		}}
	}
	connectortest.Run(t, connectortest.Subject{
		Package: ldap.Package(),
		Open: func(t testing.TB) connector.System {
			system, err := ldap.Package().Open(t.Context(), d.settings())
			if err != nil {
				t.Fatal(err)
			}
			return system
		},
		Shape:     users,
		AbsentKey: "00000000-0000-0000-0000-000000000000",
		Sample:    sample,
		Scalar:    "mail",
		Links:     []connectortest.Link{{Property: "groups", Targets: targets, Far: groups}},
		Secrets:   []secret.Text{secret.New(d.Password), secret.New("wrong-canary")},
		Broken: func(t testing.TB) connector.System {
			settings := d.settings()
			settings.Secrets = map[string]secret.Text{"password": secret.New("wrong-canary")}
			system, err := ldap.Package().Open(t.Context(), settings)
			if err != nil {
				t.Fatal(err)
			}
			return system
		},
	})
}

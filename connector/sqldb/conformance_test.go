package sqldb

import (
	"fmt"
	"path/filepath"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

func TestThePackagePassesTheSuite(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		p.demo().ann(relate(connector.OpAdd, "teams", "green"))
		broken := p.settings
		broken.Values = map[string]string{"driver": "sqlite", "file": filepath.Join(t.TempDir(), "absent.db")}
		if p.driver == "postgres" {
			broken.Values = map[string]string{"driver": "postgres", "dsn": "postgres://x@127.0.0.1:1/x?sslmode=disable"}
		}
		pkg := Package()
		// With a primary key, as here, the database refuses the duplicate itself.
		pkg.Class = connector.RefusesDuplicates
		connectortest.Run(t, connectortest.Subject{
			Package: pkg,
			Open:    func(t testing.TB) connector.System { return p.open(p.settings) },
			Shape:   account,
			Holds: []connector.Object{{Key: "ann", Values: map[string]value.Value{"email": value.OfString("ann@example.org")},
				Links: map[string][]string{"teams": {"green"}}}},
			AbsentKey: "nobody",
			Sample: func(n int) connectortest.Sample {
				login := fmt.Sprintf("sample%d", n)
				return connectortest.Sample{Key: login, Values: map[string]value.Value{
					"login": value.OfString(login), "email": value.OfString(login + "@example.org"),
					"name": value.OfString("O'Neill \"" + login + "\""), "department": value.OfString(login), "active": value.OfBool(n%2 == 0)}}
			},
			Scalar:  "department",
			Links:   []connectortest.Link{{Property: "teams", Targets: []connector.Reference{{Entity: "Team", Key: "red"}, {Entity: "Team", Key: "blue"}}}},
			Broken:  func(t testing.TB) connector.System { return p.open(broken) },
			Secrets: []secret.Text{secret.New("canary-password")},
		})
	})
}

package directory

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector/connectortest/openldap"
)

// groups is how many groups the people are spread over.
const groups = 4

// company is one folder with its own directory server.
type company struct {
	binary, dir string
	server      *openldap.Server
	people      int
}

func lay(t testing.TB, binary string, people int, options openldap.Options) *company {
	t.Helper()
	server := openldap.ForTest(t, options)
	c := &company{binary: binary, dir: t.TempDir(), server: server, people: people}
	c.layFiles(t)
	for g := range groups {
		add := ldapv3.NewAddRequest(fmt.Sprintf("cn=T%d,%s", g, server.Groups), nil)
		add.Attribute("objectClass", []string{"groupOfNames"})
		add.Attribute("cn", []string{fmt.Sprintf("T%d", g)})
		add.Attribute("member", []string{server.BindDN})
		c.admin(t, func(conn *ldapv3.Conn) error { return conn.Add(add) })
	}
	c.write(t, "config/all.yaml", c.configuration())
	return c
}

// layFiles writes the source files: people, spread over the teams.
func (c *company) layFiles(t testing.TB) {
	t.Helper()
	for _, folder := range []string{"config", "hr"} {
		if err := os.Mkdir(filepath.Join(c.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var rows strings.Builder
	rows.WriteString("id,name,team\n")
	for i := range c.people {
		fmt.Fprintf(&rows, "P%06d,Person %06d,T%d\n", i, i, i%groups)
	}
	c.write(t, "hr/people.csv", rows.String())
	teams := "code\n"
	for g := range groups {
		teams += fmt.Sprintf("T%d\n", g)
	}
	c.write(t, "hr/teams.csv", teams)
}

func (c *company) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *company) admin(t testing.TB, do func(*ldapv3.Conn) error) {
	t.Helper()
	conn, err := c.server.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
}

// sourceConfiguration declares the source files and what roles are assigned by.
const sourceConfiguration = `
dimensions: {team: {entity: Team}}
contexts: {Person: {team: team}}
connectors:
  hr:
    connections: {files: {package: csv, settings: {folder: hr}}}
    entities:
      Team: {from: {connection: files, table: teams.csv}, key: code, properties: {code: {type: string}}}
      Person:
        from: {connection: files, table: people.csv}
        key: id
        properties: {id: {type: string}, name: {type: string}, team: {link: Team}}`

// grants makes each team a role that grants its group, which the property names.
func grants(property string) (text string) {
	for g := range groups {
		text += fmt.Sprintf("  team-%d: {entity: Person, grants: [{resourceType: Account, property: groups, to: {%s: T%d}}], assign: [{match: {team: T%d}}]}\n", g, property, g, g)
	}
	return text
}

func (c *company) configuration() string {
	text := sourceConfiguration + fmt.Sprintf(`
  directory:
    connections:
      ldap:
        package: ldap
        settings: {url: "%s", bindDN: "%s", password: "secret:env/LDAP_PASSWORD", baseDN: "%s"}
        limits: {concurrency: 4}
    entities:
      User:
        from: {connection: ldap, objects: inetOrgPerson}
        create: {objectClass: [inetOrgPerson]}
        key: entryUUID
        identifiers: [dn, uid]
        properties:
          entryUUID: {type: string, assignedBy: system}
          dn: {type: dn}
          uid: {type: string}
          cn: {type: string}
          sn: {type: string}
          groups: {links: Group, inverse: members}
      Group:
        from: {connection: ldap, objects: groupOfNames}
        key: entryUUID
        identifiers: [dn, cn]
        properties:
          entryUUID: {type: string, assignedBy: system}
          dn: {type: dn}
          cn: {type: string}
          members: {links: User, column: member}
resourceTypes:
  Account:
    source: Person
    target: User
    provisioning: {connection: ldap, enabled: true, review: false}
    correlate: [{source: "source.id", target: "target.uid", confidence: 100}]
    who: [{}]
    values:
      dn: {expression: "'uid=' + rdn(source.id) + ',%s'", once: true}
      uid: {expression: "source.id", once: true}
      cn: {expression: "source.name"}
      sn: {expression: "source.name"}
roles:
`, c.server.URL, c.server.BindDN, c.server.Suffix, c.server.People)
	return text + grants("cn")
}

func (c *company) command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.binary, append(args, "--dir", c.dir)...)
	cmd.Env = append(os.Environ(), "LDAP_PASSWORD="+c.server.Password)
	return cmd
}

func (c *company) run(t testing.TB, args ...string) {
	t.Helper()
	if out, err := c.command(args...).CombinedOutput(); err != nil {
		t.Fatalf("provisor %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// holds reads the directory: the entries by uid, and each group's members.
func (c *company) holds(t testing.TB) (entries map[string]string, members map[string][]string) {
	t.Helper()
	entries, members = map[string]string{}, map[string][]string{}
	c.admin(t, func(conn *ldapv3.Conn) error {
		found, err := conn.Search(ldapv3.NewSearchRequest(c.server.Suffix, ldapv3.ScopeWholeSubtree, ldapv3.NeverDerefAliases,
			0, 0, false, "(|(objectClass=inetOrgPerson)(objectClass=groupOfNames))", []string{"uid", "cn", "member"}, nil))
		if err != nil {
			return err
		}
		for _, e := range found.Entries {
			if uid := e.GetAttributeValue("uid"); uid != "" {
				entries[uid] = e.DN
				continue
			}
			for _, m := range e.GetAttributeValues("member") {
				if m != c.server.BindDN {
					members[e.GetAttributeValue("cn")] = append(members[e.GetAttributeValue("cn")], m)
				}
			}
		}
		return nil
	})
	return entries, members
}

// written counts entries and memberships.
func (c *company) written(t testing.TB) (n int) {
	t.Helper()
	entries, members := c.holds(t)
	for _, list := range members {
		n += len(list)
	}
	return n + len(entries)
}

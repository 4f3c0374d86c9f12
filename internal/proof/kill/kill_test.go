package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector/connectortest/openldap"
)

const (
	kills  = 20 // as many as one test run is to survive
	people = 40 // some hundred writes: long enough to be hit in the middle
	groups = 4
)

// TestARunKilledAtAnyInstantEndsTheSameWithNothingTwice kills `provisor run`
// with SIGKILL while it writes, runs it again, and compares the directory with
// what the source file says and the access log with one effect for each entry
// and each membership. What it does not cover: the power failing under both.
func TestARunKilledAtAnyInstantEndsTheSameWithNothingTwice(t *testing.T) {
	binary := build(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	window := time.Duration(0)
	for n := range kills {
		c := lay(t, binary)
		c.run(t, "apply", "--yes")
		c.run(t, "sync")
		c.run(t, "evaluate")
		c.run(t, "generate")
		if window == 0 {
			window = c.undisturbed(t)
			c = lay(t, binary)
			c.run(t, "apply", "--yes")
		}
		written := c.killWhileItWrites(t, time.Duration(chance.Int64N(int64(window))))
		c.finish(t)
		c.expectEverythingOnce(t)
		if t.Failed() {
			list, _ := c.command("order", "list").CombinedOutput()
			t.Logf("%s", list)
		}
		t.Logf("kill %d after %d of %d writes", n+1, written, 2*people)
		if t.Failed() {
			return
		}
	}
}

// build compiles the program once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "provisor")
	cmd := exec.Command("go", "build", "-o", binary, "../../../cmd/provisor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// company is one folder with its own directory server.
type company struct {
	binary, dir string
	server      *openldap.Server
}

func lay(t *testing.T, binary string) *company {
	t.Helper()
	server := openldap.ForTest(t, openldap.Options{NoSync: true, AccessLog: true})
	c := &company{binary: binary, dir: t.TempDir(), server: server}
	for _, folder := range []string{"config", "hr"} {
		if err := os.Mkdir(filepath.Join(c.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var rows strings.Builder
	rows.WriteString("id,name,team\n")
	for i := range people {
		fmt.Fprintf(&rows, "P%03d,Person %03d,T%d\n", i, i, i%groups)
	}
	c.write(t, "hr/people.csv", rows.String())
	teams := "code\n"
	for g := range groups {
		teams += fmt.Sprintf("T%d\n", g)
		add := ldapv3.NewAddRequest(fmt.Sprintf("cn=T%d,%s", g, server.Groups), nil)
		add.Attribute("objectClass", []string{"groupOfNames"})
		add.Attribute("cn", []string{fmt.Sprintf("T%d", g)})
		add.Attribute("member", []string{server.BindDN})
		c.admin(t, func(conn *ldapv3.Conn) error { return conn.Add(add) })
	}
	c.write(t, "hr/teams.csv", teams)
	c.write(t, "config/all.yaml", c.configuration())
	return c
}

func (c *company) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *company) admin(t *testing.T, do func(*ldapv3.Conn) error) {
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

func (c *company) configuration() string {
	text := fmt.Sprintf(`
connectors:
  hr:
    connections: {files: {package: csv, settings: {folder: hr}}}
    entities:
      Team: {from: {connection: files, table: teams.csv}, key: code, properties: {code: {type: string}}}
      Person:
        from: {connection: files, table: people.csv}
        key: id
        properties: {id: {type: string}, name: {type: string}, team: {link: Team}}
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
dimensions: {team: {entity: Team}}
contexts: {Person: {team: team}}
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
	for g := range groups {
		text += fmt.Sprintf("  team-%d: {entity: Person, grants: [{resourceType: Account, property: groups, to: {cn: T%d}}], assign: [{match: {team: T%d}}]}\n", g, g, g)
	}
	return text
}

func (c *company) command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.binary, append(args, "--dir", c.dir)...)
	cmd.Env = append(os.Environ(), "LDAP_PASSWORD="+c.server.Password)
	return cmd
}

func (c *company) run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := c.command(args...).CombinedOutput(); err != nil {
		t.Fatalf("provisor %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// undisturbed measures how long the writing takes when nobody disturbs it.
func (c *company) undisturbed(t *testing.T) time.Duration {
	t.Helper()
	cmd := c.command("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	began := c.firstWrite(t)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	c.expectEverythingOnce(t)
	return time.Since(began)
}

// firstWrite waits until the directory holds the first entry of ours.
func (c *company) firstWrite(t *testing.T) time.Time {
	t.Helper()
	for range 20_000 {
		if c.written(t) > 0 {
			return time.Now()
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing was written")
	return time.Time{}
}

// written counts entries and memberships.
func (c *company) written(t *testing.T) (n int) {
	t.Helper()
	entries, members := c.holds(t)
	for _, list := range members {
		n += len(list)
	}
	return n + len(entries)
}

// killWhileItWrites starts a run, waits for its first write and the delay, and
// kills it. It returns how many writes had happened.
func (c *company) killWhileItWrites(t *testing.T, delay time.Duration) int {
	t.Helper()
	cmd := c.command("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.firstWrite(t)
	time.Sleep(delay)
	_ = cmd.Process.Kill() // it may have ended by itself: then nothing is killed, and all must hold, too
	_ = cmd.Wait()
	return c.written(t)
}

// finish runs the program again, once, and then once more: the second time
// nothing is left to do.
func (c *company) finish(t *testing.T) {
	t.Helper()
	c.run(t, "run")
	before := c.written(t)
	c.run(t, "run")
	if after := c.written(t); after != before {
		t.Errorf("a further round wrote %d more", after-before)
	}
}

// holds reads the directory: the entries by uid, and each group's members.
func (c *company) holds(t *testing.T) (entries map[string]string, members map[string][]string) {
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

// expectEverythingOnce compares the directory with the source file and the
// access log with one addition for each entry and membership, and no removal.
func (c *company) expectEverythingOnce(t *testing.T) {
	t.Helper()
	entries, members := c.holds(t)
	for i := range people {
		id, team := fmt.Sprintf("P%03d", i), fmt.Sprintf("T%d", i%groups)
		dn, ok := entries[id]
		if !ok {
			t.Errorf("%s has no entry", id)
		}
		if !contains(members[team], dn) {
			t.Errorf("%s is no member of %s", id, team)
		}
	}
	if n := c.written(t); n != 2*people {
		t.Errorf("the directory holds %d entries and memberships, not %d", n, 2*people)
	}
	log, err := c.server.AccessLog(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]int{}
	for _, access := range log {
		switch access.Type {
		case "add":
			effects["add "+strings.ToLower(access.DN)]++
		case "delete", "modrdn":
			t.Errorf("the log shows a %s of %s", access.Type, access.DN)
		case "modify":
			for _, mod := range access.Mods {
				effects[strings.ToLower(access.DN+" "+fmt.Sprint(mod))]++
			}
		}
	}
	for effect, n := range effects {
		if n > 1 && !strings.Contains(effect, "entrycsn") && !strings.Contains(effect, "modif") {
			t.Errorf("%d times in the log: %s", n, effect)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

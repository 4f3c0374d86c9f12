package ldap_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// warm makes the system sign in and learn what the server can do, so that the
// next reply is that of the request under test.
func (d *directory) warm(dn string) connector.Object {
	d.t.Helper()
	object := d.lookup(users, dn)
	expect(d.t, d.apply(change(users, connector.Update, object).set("cn", "warm")), "done")
	return object
}

func TestALostReplyIsUnknownAndNothingMoreIsSent(t *testing.T) {
	d := start(t)
	p := through(t, d.URL)
	staff := d.addGroup("staff", d.BindDN)
	d.addUser("boss")
	d.system = d.open(with("url", p.url))
	d.warm(d.user("boss"))
	p.swallow.Store(1)
	out := d.apply(d.newUser("ann").link(connector.OpAdd, "groups", staff))
	expect(t, out, "unknown unknown unknown unknown unknown unknown unknown unknown none")
	if !d.exists(d.user("ann")) {
		t.Fatal("the proxy swallowed the request, not the reply")
	}
	ann := d.lookup(users, d.user("ann"))
	p.swallow.Store(1)
	expect(t, d.apply(change(users, connector.Update, ann).set("cn", "seen").link(connector.OpAdd, "groups", staff)), "unknown none")
	d.lookup(users, d.user("ann")) // signs in anew
	p.swallow.Store(1)
	expect(t, d.apply(change(users, connector.Update, ann).link(connector.OpAdd, "groups", staff)), "unknown")
	d.lookup(users, d.user("ann"))
	p.swallow.Store(1)
	expect(t, d.apply(change(users, connector.Delete, ann).theObject()), "unknown")
	log, err := d.AccessLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, access := range log {
		if access.DN == d.user("ann") {
			count++
		}
	}
	if count != 3 { // add, modify, delete
		t.Errorf("the server carried out %d changes of ann, want 3", count)
	}
}

func TestAKeyThatCannotBeReadBackDoesNotUndoTheCreation(t *testing.T) {
	d := start(t)
	p := through(t, d.URL)
	d.addUser("boss")
	d.system = d.open(with("url", p.url))
	d.warm(d.user("boss"))
	p.swallow.Store(2)
	out := d.apply(d.newUser("ann"))
	expect(t, out, "done done done done done done done done")
	if out.Key != "" {
		t.Errorf("the key is %q, which nobody read", out.Key)
	}
}

func TestAServerThatDiesInBetweenIsUnknownAndOneThatIsGoneIsDown(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	ann := d.warm(d.user("ann"))
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	out := d.apply(change(users, connector.Update, ann).set("cn", "x"))
	if got := out.Items[1]; got.Effect == connector.Done || got.Permanent {
		t.Errorf("the dying connection said %+v", got)
	}
	out = d.apply(change(users, connector.Update, ann).set("cn", "x"))
	expect(t, out, "none")
	if !out.Down {
		t.Error("nobody says that the connection is down")
	}
	if _, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Key: ann.Key}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, d.apply(change(users, connector.Update, ann).set("cn", "again")), "done")
}

func TestAWaitThatIsGivenUpIsUnknownAtOnce(t *testing.T) {
	d := start(t)
	p := through(t, d.URL)
	d.addUser("ann")
	d.system = d.open(with("url", p.url), with("connections", "1"))
	ann := d.warm(d.user("ann"))
	rename := change(users, connector.Update, ann).set("cn", "x").Change
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	expect(t, d.system.Apply(gone, rename), "none")

	p.deaf.Store(true)
	waiting, cancel := context.WithCancel(t.Context())
	outcomes := make(chan connector.Outcome)
	go func() { outcomes <- d.system.Apply(waiting, rename) }()
	for d.attribute(d.user("ann"), "cn")[0] != "x" {
		time.Sleep(time.Millisecond)
	}
	queued, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	expect(t, d.system.Apply(queued, rename), "none") // the one connection is taken
	cancel()
	select {
	case out := <-outcomes:
		expect(t, out, "unknown")
	case <-time.After(10 * time.Second): // half of the connection's own timeout
		t.Error("it goes on waiting")
	}
}

func TestAServerThatSaysNothingIsDownAfterTheTimeout(t *testing.T) {
	d := start(t)
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	system := d.open(with("url", "ldap://"+silent.Addr().String()), with("timeout", "1s"))
	out := system.Apply(t.Context(), d.newUser("ann").Change)
	if !out.Down || out.Items[1].Effect != connector.None || !strings.Contains(out.Items[1].Err, "longer than 1s") {
		t.Errorf("%+v", out)
	}
}

func TestTLSIsVerifiedAndAWrongAuthorityIsRefused(t *testing.T) {
	d := start(t)
	other := openldap.ForTest(t, openldap.Options{TLS: true, NoSync: true})
	d.addUser("ann")
	tlsURL, start, ca := with("url", d.TLSURL), with("startTLS", "true"), with("caFile", d.CAFile)
	wrong := with("caFile", other.CAFile)
	plain := with("url", strings.Replace(d.URL, "127.0.0.1", "localhost", 1))
	for name, test := range map[string]struct {
		change []func(map[string]string)
		works  bool
	}{
		"ldaps":                         {[]func(map[string]string){tlsURL, ca}, true},
		"ldaps, other authority":        {[]func(map[string]string){tlsURL, wrong}, false},
		"ldaps, system's authority":     {[]func(map[string]string){tlsURL}, false},
		"ldaps, unverified":             {[]func(map[string]string){tlsURL, with("insecureSkipVerify", "true")}, true},
		"StartTLS":                      {[]func(map[string]string){plain, start, ca}, true},
		"StartTLS, other authority":     {[]func(map[string]string){plain, start, wrong}, false},
		"a name not in the certificate": {[]func(map[string]string){with("url", strings.Replace(d.TLSURL, "localhost", "127.0.0.2", 1)), ca}, false},
		"socket":                        {[]func(map[string]string){with("url", d.LDAPI)}, true},
	} {
		if name == "socket" && d.LDAPI == "" {
			continue // the test's folder has too long a name for a socket
		}
		system := d.open(test.change...)
		_, err := system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Unique: map[string]value.Value{"uid": value.OfString("ann")}})
		if (err == nil) != test.works {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), d.Password)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongPasswordIsNeverShown(t *testing.T) {
	d := start(t)
	settings := d.settings(with("bindDN", "cn=nobody,"+d.Suffix))
	system, err := ldap.Package().Open(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = system.Close() }()
	out := system.Apply(t.Context(), d.newUser("ann").Change)
	if !out.Down || out.Items[1].Effect != connector.None {
		t.Errorf("%+v", out)
	}
	_, err = system.Describe(t.Context())
	for _, text := range []string{out.Items[1].Err, fmt.Sprint(err), fmt.Sprintf("%+v", settings)} {
		if strings.Contains(text, d.Password) {
			t.Errorf("the password shows: %s", text)
		}
	}
	if !strings.Contains(out.Items[1].Err, "signing in as cn=nobody") {
		t.Errorf("got %s", out.Items[1].Err)
	}
}

func TestTheServerSaysWhatItOffers(t *testing.T) {
	d := start(t)
	description, err := d.system.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if description.Product != "OpenLDAP" || !description.Can.Write || !description.Can.FreshLookup {
		t.Errorf("%q, %+v", description.Product, description.Can)
	}
	for _, object := range description.Objects {
		if object.Name == "inetOrgPerson" {
			for _, name := range []string{"dn", "entryUUID", "mail", "sn", "telephoneNumber", "objectClass"} {
				if !slices.Contains(object.Columns, name) {
					t.Errorf("inetOrgPerson lacks %s", name)
				}
			}
			return
		}
	}
	t.Error("no inetOrgPerson")
}

func TestEverythingWrongWithSettingsIsSaidAtOnce(t *testing.T) {
	settings := connector.Settings{Dir: t.TempDir(), Values: map[string]string{
		"url": "http://x", "baseDN": "nowhere", "startTLS": "maybe", "pageSize": "0", "connections": "many", "timeout": "5 minutes",
		"caFile": "missing.pem", "emptyGroupMember": "nobody",
	}}
	var named []string
	for _, finding := range ldap.Package().Check(settings) {
		named = append(named, strings.TrimPrefix(finding.Object, "settings."))
	}
	slices.Sort(named)
	want := []string{"baseDN", "caFile", "connections", "emptyGroupMember", "pageSize", "startTLS", "timeout", "url"}
	if !slices.Equal(named, want) {
		t.Errorf("findings for %v, want %v", named, want)
	}
	if _, err := ldap.Package().Open(t.Context(), settings); fault.KindOf(err) != fault.Invalid {
		t.Errorf("opened: %v", err)
	}
	clear := connector.Settings{Values: map[string]string{"url": "ldap://ldap.example.org", "baseDN": "dc=example", "bindDN": "cn=p"}}
	if findings := ldap.Package().Check(clear); len(findings) != 1 || !strings.Contains(findings[0].What, "in the clear") {
		t.Errorf("a password in the clear: %v", findings)
	}
	clear.Values["startTLS"] = "false"
	if findings := ldap.Package().Check(clear); len(findings) != 0 {
		t.Errorf("what was said aloud is questioned: %v", findings)
	}
	if err := os.WriteFile(filepath.Join(settings.Dir, "empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := connector.Settings{Dir: settings.Dir, Values: map[string]string{"url": "ldaps://h", "baseDN": "dc=x", "caFile": "empty.pem"}}
	if findings := ldap.Package().Check(empty); len(findings) != 1 {
		t.Errorf("an empty caFile: %v", findings)
	}
}

package ldap_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

// users and groups are the entity types of the documentation's example.
var users = connector.Shape{
	Entity:   "DirectoryUser",
	From:     map[string]string{"objects": "inetOrgPerson"},
	Create:   map[string][]string{"objectClass": {"inetOrgPerson", "posixAccount"}},
	Key:      "entryUUID",
	Identify: []string{"dn", "uid"},
	Properties: []connector.Property{
		{Name: "entryUUID", Column: "entryUUID", Type: value.String, System: true},
		{Name: "dn", Column: "dn", Type: value.DN},
		{Name: "uid", Column: "uid", Type: value.String},
		{Name: "cn", Column: "cn", Type: value.String},
		{Name: "sn", Column: "sn", Type: value.String},
		{Name: "mail", Column: "mail", Type: value.String},
		{Name: "number", Column: "uidNumber", Type: value.Int},
		{Name: "gidNumber", Column: "gidNumber", Type: value.Int},
		{Name: "home", Column: "homeDirectory", Type: value.String},
		{Name: "manager", Column: "manager", Link: "DirectoryUser"},
		{Name: "groups", Link: "DirectoryGroup", Many: true, Inverse: "members", Far: "member"},
	},
}

var groups = connector.Shape{
	Entity:   "DirectoryGroup",
	From:     map[string]string{"objects": "groupOfNames"},
	Key:      "entryUUID",
	Identify: []string{"dn", "cn"},
	Properties: []connector.Property{
		{Name: "entryUUID", Column: "entryUUID", Type: value.String, System: true},
		{Name: "dn", Column: "dn", Type: value.DN},
		{Name: "cn", Column: "cn", Type: value.String},
		{Name: "description", Column: "description", Type: value.String},
		{Name: "members", Column: "member", Link: "DirectoryUser", Many: true},
	},
}

// directory is a real server, a client of its administrator's, and a system under test.
type directory struct {
	*openldap.Server
	t      testing.TB
	client *goldap.Conn
	system connector.System
}

func start(t testing.TB, change ...func(map[string]string)) *directory {
	t.Helper()
	return startOn(t, openldap.Options{NoSync: true, TLS: true, AccessLog: true}, change...)
}

func startOn(t testing.TB, options openldap.Options, change ...func(map[string]string)) *directory {
	t.Helper()
	server := openldap.ForTest(t, options)
	client, err := server.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	d := &directory{Server: server, t: t, client: client}
	d.system = d.open(change...)
	return d
}

func (d *directory) settings(change ...func(map[string]string)) connector.Settings {
	values := map[string]string{"url": d.URL, "bindDN": d.BindDN, "baseDN": d.Suffix, "timeout": "20s"}
	for _, f := range change {
		f(values)
	}
	return connector.Settings{Values: values, Secrets: map[string]secret.Text{"password": secret.New(d.Password)}}
}

func (d *directory) open(change ...func(map[string]string)) connector.System {
	d.t.Helper()
	system, err := ldap.Package().Open(d.t.Context(), d.settings(change...))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = system.Close() })
	return system
}

func with(name, text string) func(map[string]string) {
	return func(values map[string]string) { values[name] = text }
}

func (d *directory) user(uid string) string   { return "uid=" + value.EscapeRDN(uid) + "," + d.People }
func (d *directory) group(name string) string { return "cn=" + value.EscapeRDN(name) + "," + d.Groups }

// add writes an entry beside the system under test.
func (d *directory) add(dn string, attributes map[string][]string) {
	d.t.Helper()
	request := goldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		request.Attribute(name, values)
	}
	if err := d.client.Add(request); err != nil {
		d.t.Fatalf("%s: %v", dn, err)
	}
}

func (d *directory) addUser(uid string) string {
	d.t.Helper()
	d.add(d.user(uid), map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {uid}, "sn": {uid}})
	return d.user(uid)
}

func (d *directory) addGroup(name string, members ...string) string {
	d.t.Helper()
	d.add(d.group(name), map[string][]string{"objectClass": {"groupOfNames"}, "member": members})
	return d.group(name)
}

// addReader adds an entry that may sign in and is not the administrator.
func (d *directory) addReader() {
	d.t.Helper()
	d.add("cn=reader,"+d.Suffix, map[string][]string{"objectClass": {"applicationProcess", "simpleSecurityObject"}, "userPassword": {d.Password}})
}

// configure changes how the server treats everybody but the administrator.
func (d *directory) configure(setting string, values ...string) {
	d.t.Helper()
	config, err := goldap.DialURL(d.URL)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = config.Close() }()
	if err := config.Bind("cn=admin,cn=config", d.Password); err != nil {
		d.t.Fatal(err)
	}
	request := goldap.NewModifyRequest("olcDatabase={2}mdb,cn=config", nil)
	request.Replace(setting, values)
	if err := config.Modify(request); err != nil {
		d.t.Fatal(err)
	}
}

// attribute reads beside the system under test.
func (d *directory) attribute(dn, name string) []string {
	d.t.Helper()
	result, err := d.client.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{name}, nil))
	if err != nil {
		d.t.Fatalf("%s: %v", dn, err)
	}
	return result.Entries[0].GetAttributeValues(name)
}

func (d *directory) exists(dn string) bool {
	d.t.Helper()
	_, err := d.client.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject) {
		d.t.Fatal(err)
	}
	return err == nil
}

func (d *directory) lookup(shape connector.Shape, dn string) connector.Object {
	d.t.Helper()
	object, err := d.system.Lookup(d.t.Context(), connector.LookupRequest{Shape: shape, Unique: map[string]value.Value{"dn": nameOf(dn)}})
	if err != nil {
		d.t.Fatalf("%s: %v", dn, err)
	}
	return object
}

func nameOf(dn string) value.Value {
	v, err := value.Normalize(value.DN, "", dn)
	if err != nil {
		return value.OfString(dn)
	}
	return v
}

// changes builds a change; the first item is number 1.
type changes struct{ connector.Change }

func change(shape connector.Shape, kind connector.Kind, current connector.Object) *changes {
	return &changes{connector.Change{Shape: shape, Kind: kind, Key: current.Key, Current: current}}
}

func (c *changes) item(op connector.Op, property string, v value.Value, target connector.Reference) *changes {
	p, ok := c.Shape.Property(property)
	if !ok && op != connector.OpObject {
		panic("no property " + property)
	}
	c.Items = append(c.Items, connector.Item{ID: len(c.Items) + 1, Op: op, Property: p, Value: v, Target: target})
	return c
}

func (c *changes) theObject() *changes {
	return c.item(connector.OpObject, "", value.Null, connector.Reference{})
}

func (c *changes) set(property, text string) *changes {
	v := value.OfString(text)
	if p, _ := c.Shape.Property(property); p.Type != value.String {
		v, _ = value.Normalize(p.Type, p.Format, text)
	}
	return c.item(connector.OpSet, property, v, connector.Reference{})
}

func (c *changes) clear(property string) *changes {
	return c.item(connector.OpClear, property, value.Null, connector.Reference{})
}

func (c *changes) link(op connector.Op, property, dn string) *changes {
	return c.item(op, property, value.Null, connector.Reference{Values: map[string]value.Value{"dn": nameOf(dn)}})
}

// newUser is the creation of a user with all that the schema demands.
func (d *directory) newUser(uid string) *changes {
	return change(users, connector.Create, connector.Object{}).theObject().
		set("dn", d.user(uid)).set("uid", uid).set("cn", "Name of "+uid).set("sn", uid).
		set("number", "1000").set("gidNumber", "100").set("home", "/home/x")
}

func (d *directory) apply(c *changes) connector.Outcome {
	return d.system.Apply(d.t.Context(), c.Change)
}

// expect compares the effects of items 1, 2, ... with words such as "done none unknown".
func expect(t testing.TB, out connector.Outcome, words string) {
	t.Helper()
	for i, word := range strings.Fields(words) {
		got, ok := out.Items[i+1]
		effect, permanent := strings.CutSuffix(word, "!")
		if !ok || got.Effect.String() != effect || got.Permanent != permanent {
			t.Errorf("item %d: got %s (permanent %v, named %v, %q), want %s", i+1, got.Effect, got.Permanent, ok, got.Err, word)
		}
		if got.Effect != connector.Done && got.Err == "" {
			t.Errorf("item %d is %s and nobody says why", i+1, got.Effect)
		}
	}
	if len(out.Items) != len(strings.Fields(words)) {
		t.Errorf("%d items have an outcome, want %d", len(out.Items), len(strings.Fields(words)))
	}
}

// proxy passes bytes between a client and a server, until it is told to swallow
// the next reply and hang up.
type proxy struct {
	url     string
	swallow atomic.Int32 // the reply to swallow, counted down by replies; 0 for none
	deaf    atomic.Bool  // replies go nowhere and nobody hangs up
}

func through(t testing.TB, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{url: "ldap://" + listener.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp4", strings.TrimPrefix(server, "ldap://"))
			if err != nil {
				_ = client.Close()
				continue
			}
			hangUp := func() { _, _ = client.Close(), far.Close() }
			context.AfterFunc(ctx, hangUp)
			go func() { _, _ = io.Copy(far, client); hangUp() }()
			go func() { p.replies(client, far); hangUp() }()
		}
	}()
	return p
}

func (p *proxy) replies(client io.Writer, far io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := far.Read(buffer)
		if err != nil || p.swallow.Load() > 0 && p.swallow.Add(-1) == 0 {
			return
		}
		if p.deaf.Load() {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func numbered(prefix string, n int) string { return prefix + fmt.Sprintf("%04s", strconv.Itoa(n)) }

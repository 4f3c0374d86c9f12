package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

func TestACreatedEntryIsReadBackAsOrderedUnderItsKey(t *testing.T) {
	d := start(t)
	staff := d.addGroup("staff", d.addUser("boss"))
	out := d.apply(d.newUser("ann").set("mail", "ann@example.org").
		link(connector.OpSet, "manager", d.user("boss")).link(connector.OpAdd, "groups", staff))
	expect(t, out, "done done done done done done done done done done done")
	ann, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Key: out.Key})
	if err != nil || ann.Key != out.Key || ann.Key == "" {
		t.Fatalf("by key %q: %+v, %v", out.Key, ann, err)
	}
	want := map[string]value.Value{
		"entryUUID": value.OfString(out.Key), "dn": nameOf(d.user("ann")), "uid": value.OfString("ann"), "cn": value.OfString("Name of ann"),
		"sn": value.OfString("ann"), "mail": value.OfString("ann@example.org"), "number": value.OfInt(1000), "gidNumber": value.OfInt(100), "home": value.OfString("/home/x"),
	}
	for name, v := range want {
		if ann.Values[name] != v {
			t.Errorf("%s is %v, want %v", name, ann.Values[name], v)
		}
	}
	if got := ann.Links["manager"]; !slices.Equal(got, []string{d.user("boss")}) {
		t.Errorf("manager is %v", got)
	}
	if got := d.lookup(groups, staff).Links["members"]; !slices.Contains(got, d.user("ann")) {
		t.Errorf("staff has %v", got)
	}
	expect(t, d.apply(d.newUser("ann")), "none! none! none! none! none! none! none! none!")
}

func TestOneRefusedAttributeRefusesThemAllAndNothingHappens(t *testing.T) {
	d := start(t)
	staff := d.addGroup("staff", d.addUser("boss"))
	d.addUser("ann")
	ann := d.lookup(users, d.user("ann"))
	out := d.apply(change(users, connector.Update, ann).set("cn", "New").clear("sn").link(connector.OpAdd, "groups", staff))
	expect(t, out, "none! none! done")
	if got := d.lookup(users, d.user("ann")); got.Values["cn"].Text() != "ann" || got.Values["sn"].Text() != "ann" {
		t.Errorf("half of a refused change happened: %v", got.Values)
	}
	out = d.apply(d.newUser("bob").link(connector.OpAdd, "groups", d.group("none")))
	expect(t, out, "done done done done done done done done none!")
	expect(t, d.apply(change(users, connector.Update, ann).set("entryUUID", "x")), "none!")
	out = d.apply(change(users, connector.Create, connector.Object{}).theObject().set("uid", "x"))
	expect(t, out, "none! none!")
}

func TestNothingIsWrittenOutsideTheBase(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	shape := users
	shape.From = map[string]string{"objects": "inetOrgPerson", "base": d.People}
	outside := "uid=x," + d.Groups
	c := d.newUser("x").set("dn", outside)
	c.Shape = shape
	expect(t, d.apply(c), "none! none! none! none! none! none! none! none! none!")
	expect(t, d.apply(change(shape, connector.Update, d.lookup(users, d.user("ann"))).set("dn", outside)), "none!")
	if d.exists(outside) || !d.exists(d.user("ann")) {
		t.Error("an entry went where none of its type is read")
	}
}

func TestAnUpdateTouchesWhatItNames(t *testing.T) {
	d := start(t)
	d.add(d.user("ann"), map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {"ann"}, "sn": {"a"}, "mail": {"a@example.org"}, "title": {"Dr"}})
	ann := d.lookup(users, d.user("ann"))
	expect(t, d.apply(change(users, connector.Update, ann).set("sn", "b").clear("mail")), "done done")
	for name, want := range map[string][]string{"sn": {"b"}, "mail": nil, "title": {"Dr"}, "cn": {"ann"}} {
		if got := d.attribute(d.user("ann"), name); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	expect(t, d.apply(change(users, connector.Update, ann).clear("mail")), "done")
}

func TestMembershipIsWrittenByValueAndTheOthersStay(t *testing.T) {
	const members = 2000
	d := start(t)
	names := make([]string, members)
	for i := range names {
		names[i] = d.user(numbered("m", i)) // a group may name entries that are not there
	}
	big := d.addGroup("big", names...)
	d.addUser("ann")
	ann := d.lookup(users, d.user("ann"))
	before := d.lookup(groups, big)
	if len(before.Links["members"]) != members {
		t.Fatalf("%d members before", len(before.Links["members"]))
	}
	join := change(users, connector.Update, ann).link(connector.OpAdd, "groups", big)
	expect(t, d.apply(join), "done")
	expect(t, d.apply(join), "done") // already so
	after := d.attribute(big, "member")
	if len(after) != members+1 || !slices.Contains(after, d.user("ann")) {
		t.Fatalf("%d members after joining", len(after))
	}
	leave := change(users, connector.Update, ann).link(connector.OpRemove, "groups", big)
	expect(t, d.apply(leave), "done")
	expect(t, d.apply(leave), "done")
	// From the group's side, with one link that is already as it should be.
	both := change(groups, connector.Update, before).set("description", "large").
		link(connector.OpAdd, "members", d.user("ann")).link(connector.OpRemove, "members", names[0]).link(connector.OpAdd, "members", names[1])
	expect(t, d.apply(both), "done done done done")
	want := append(slices.Clone(names[1:]), d.user("ann"))
	got := d.attribute(big, "member")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || d.attribute(big, "description")[0] != "large" {
		t.Errorf("%d members in the end, want %d", len(got), len(want))
	}
	log, err := d.AccessLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, access := range log {
		for _, mod := range access.Mods {
			if access.Type == "modify" && strings.HasPrefix(mod, "member:=") {
				t.Fatalf("the members were replaced as a whole: %s", mod)
			}
		}
	}
}

func TestTheLastMemberGivesWayToThePlaceholder(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	small := d.addGroup("small", d.user("ann"))
	ann := d.lookup(users, d.user("ann"))
	leave := change(users, connector.Update, ann).link(connector.OpRemove, "groups", small)
	out := d.apply(leave)
	expect(t, out, "none!")
	if !strings.Contains(out.Items[1].Err, "emptyGroupMember") {
		t.Errorf("the refusal does not say what to do: %s", out.Items[1].Err)
	}
	d.system = d.open(with("emptyGroupMember", d.BindDN))
	expect(t, d.apply(leave), "done")
	if got := d.attribute(small, "member"); !slices.Equal(got, []string{d.BindDN}) {
		t.Errorf("small has %v", got)
	}
	if got := d.lookup(groups, small).Links["members"]; len(got) != 0 {
		t.Errorf("the placeholder is read as a member: %v", got)
	}
	out = d.apply(change(groups, connector.Create, connector.Object{}).theObject().set("dn", d.group("new")).set("cn", "new"))
	expect(t, out, "done done done")
}

func TestARenameKeepsTheKeyAndTheRestFollows(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	staff := d.addGroup("staff", d.user("ann"))
	club := d.addGroup("club", d.BindDN)
	d.add("ou=left,"+d.Suffix, map[string][]string{"objectClass": {"organizationalUnit"}})
	ann := d.lookup(users, d.user("ann"))
	moved := "uid=anna,ou=left," + d.Suffix
	out := d.apply(change(users, connector.Update, ann).set("dn", moved).set("uid", "anna").set("cn", "Anna").link(connector.OpAdd, "groups", club))
	expect(t, out, "done done done done")
	now, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Key: ann.Key})
	if err != nil || now.Values["dn"].Text() != moved || now.Values["uid"].Text() != "anna" || now.Values["cn"].Text() != "Anna" {
		t.Fatalf("%+v, %v", now, err)
	}
	for _, group := range []string{staff, club} {
		if got := d.attribute(group, "member"); !slices.Contains(got, moved) || slices.Contains(got, d.user("ann")) {
			t.Errorf("%s has %v", group, got)
		}
	}
	// The name seen before leads nowhere now, or to somebody else.
	expect(t, d.apply(change(users, connector.Update, ann).set("cn", "stale")), "none")
	d.addUser("ann")
	expect(t, d.apply(change(users, connector.Update, ann).set("cn", "stale")), "none")
	expect(t, d.apply(change(users, connector.Delete, ann).theObject()), "none")
	if got := d.attribute(d.user("ann"), "cn"); got[0] != "ann" {
		t.Errorf("another entry that took the name was changed: %v", got)
	}
	now.Values = nil // without a name the key is looked up
	expect(t, d.apply(change(users, connector.Update, now).set("cn", "Found")), "done")
	expect(t, d.apply(change(users, connector.Update, now).set("dn", "uid=ann,dc=elsewhere").set("cn", "Lost")), "none! none")
}

func TestADeletedEntryIsGoneAndStaysDone(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	staff := d.addGroup("staff", d.BindDN, d.user("ann"))
	ann := d.lookup(users, d.user("ann"))
	leave := change(users, connector.Delete, ann).theObject().link(connector.OpRemove, "groups", staff)
	expect(t, d.apply(leave), "done done")
	if d.exists(d.user("ann")) || slices.Contains(d.attribute(staff, "member"), d.user("ann")) {
		t.Error("ann is still there")
	}
	expect(t, d.apply(leave), "done done")
	if _, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Key: ann.Key}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v", err)
	}
	expect(t, d.apply(change(users, connector.Update, ann).set("cn", "x")), "none!")
}

func TestADeletedEntryLeavesNoNameThatLeadsNowhere(t *testing.T) {
	d := startOn(t, openldap.Options{NoSync: true, TLS: true, AccessLog: true, Dangling: true})
	for _, uid := range []string{"ann", "ben"} {
		d.addUser(uid)
	}
	staff := d.addGroup("staff", d.BindDN, d.user("ann"), d.user("ben"))
	only := d.addGroup("only", d.user("ann"))
	renamed := d.lookup(groups, d.addGroup("old", d.BindDN, d.user("ann")))
	if err := d.client.ModifyDN(goldap.NewModifyDNRequest(renamed.Values["dn"].Text(), "cn=new", true, "")); err != nil {
		t.Fatal(err)
	}
	expect(t, d.apply(change(users, connector.Delete, d.lookup(users, d.user("ben"))).theObject()), "done")
	if !slices.Contains(d.attribute(staff, "member"), d.user("ben")) {
		t.Fatal("this directory looks after names that lead nowhere, so that the test shows nothing")
	}

	ann := d.lookup(users, d.user("ann"))
	leave := change(users, connector.Delete, ann).theObject()
	p, _ := users.Property("groups")
	for _, far := range []connector.Object{d.lookup(groups, staff), renamed, d.lookup(groups, only)} {
		leave.Unlink = append(leave.Unlink, connector.Item{
			Op: connector.OpRemove, Property: p, Target: connector.Reference{Entity: "DirectoryGroup", Key: far.Key, Values: far.Values},
		})
	}
	out := d.apply(leave)
	expect(t, out, "none!")
	if !d.exists(d.user("ann")) || !strings.Contains(out.Items[1].Err, "emptyGroupMember") {
		t.Errorf("deleted although a group keeps the name, or nobody is told why: %s", out.Items[1].Err)
	}
	d.system = d.open(with("emptyGroupMember", d.BindDN))
	expect(t, d.apply(leave), "done")
	for _, group := range []string{staff, only, d.group("new")} {
		if d.exists(d.user("ann")) || slices.Contains(d.attribute(group, "member"), d.user("ann")) {
			t.Errorf("ann is still there, or in %s", group)
		}
	}
	if err := d.client.Del(goldap.NewDelRequest(only, nil)); err != nil {
		t.Fatal(err)
	}
	expect(t, d.apply(leave), "done")
}

func TestAnEntityMayBeKeyedByItsName(t *testing.T) {
	d := start(t)
	shape := users
	shape.Key = "dn"
	c := d.newUser("ann")
	c.Shape = shape
	out := d.apply(c)
	if out.Key != d.user("ann") {
		t.Fatalf("the key is %q", out.Key)
	}
	object, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: shape, Key: strings.ToUpper(out.Key)})
	if err != nil || object.Key != out.Key {
		t.Fatalf("%+v, %v", object, err)
	}
	out = d.apply(change(shape, connector.Update, object).set("dn", d.user("anna")).set("cn", "Anna"))
	expect(t, out, "done done")
	if out.Key != d.user("anna") || d.attribute(out.Key, "cn")[0] != "Anna" {
		t.Errorf("the key is %q", out.Key)
	}
}

func TestHostileValuesStayValues(t *testing.T) {
	d := start(t)
	hostile := []string{
		`a,ou=groups`, `b+uid=admin`, `c"q"`, `d\e`, `#f`, ` g`, `h*)(uid=*`, `i<>;=`, "j\nk", "Zoë Łódź 王", `l)(|(objectClass=*`, `m/n`, "o=p",
	}
	for _, name := range hostile {
		out := d.apply(d.newUser(name))
		expect(t, out, "done done done done done done done done")
		object, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: users, Unique: map[string]value.Value{"uid": value.OfString(name)}})
		if err != nil || object.Key != out.Key {
			t.Errorf("%q: by uid %+v, %v", name, object, err)
			continue
		}
		if object.Values["uid"].Text() != name || object.Values["dn"] != nameOf(d.user(name)) {
			t.Errorf("%q came back as uid %q, dn %q, want dn %q", name, object.Values["uid"], object.Values["dn"], d.user(name))
		}
		group := d.addGroup("of "+name, d.BindDN)
		expect(t, d.apply(change(users, connector.Update, object).link(connector.OpAdd, "groups", group)), "done")
		if links := d.lookup(groups, group).Links["members"]; !slices.Contains(links, object.Values["dn"].Text()) {
			t.Errorf("%q: the group has %q, and the user's name is %q", name, links, object.Values["dn"])
		}
	}
	if result, err := d.client.Search(goldap.NewSearchRequest(d.People, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil)); err != nil || len(result.Entries) != len(hostile) {
		t.Errorf("%d entries, %v", len(result.Entries), err)
	}
}

func TestEightAtATimeEachHappensOnce(t *testing.T) {
	const workers, each = 8, 25
	d := start(t)
	staff := d.addGroup("staff", d.BindDN)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := range each {
				out := d.apply(d.newUser(fmt.Sprintf("w%d-%d", worker, i)).link(connector.OpAdd, "groups", staff))
				expect(t, out, "done done done done done done done done done")
			}
		})
	}
	wait.Wait()
	if got := len(d.attribute(staff, "member")); got != workers*each+1 {
		t.Errorf("staff has %d members", got)
	}
	log, err := d.AccessLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	adds := make(map[string]int)
	for _, access := range log {
		if access.Type == "add" && strings.HasSuffix(access.DN, d.People) {
			adds[access.DN]++
		}
	}
	for dn, n := range adds {
		if n != 1 {
			t.Errorf("%s was added %d times", dn, n)
		}
	}
	if len(adds) != workers*each {
		t.Errorf("%d entries were added", len(adds))
	}
}

func TestAPhotoIsWrittenAndReadAsItsBytes(t *testing.T) {
	d := start(t)
	shape := users
	shape.Properties = append(slices.Clone(users.Properties), connector.Property{Name: "photo", Column: "jpegPhoto", Type: value.Binary, Format: value.Hex})
	d.addUser("ann")
	photo := "ffd8ffe000104a46494600" // not text, with a zero byte
	expect(t, d.apply(change(shape, connector.Update, d.lookup(users, d.user("ann"))).set("photo", photo)), "done")
	if got := d.attribute(d.user("ann"), "jpegPhoto"); len(got) != 1 || fmt.Sprintf("%x", got[0]) != photo {
		t.Errorf("the directory holds %x", got)
	}
	if got := value.Spell(value.Hex, d.lookup(shape, d.user("ann")).Values["photo"]); got != photo {
		t.Errorf("it reads back as %s", got)
	}
	expect(t, d.apply(change(shape, connector.Update, d.lookup(shape, d.user("ann"))).clear("photo")), "done")
	if got := d.lookup(shape, d.user("ann")).Values["photo"]; !got.IsNull() {
		t.Errorf("a cleared photo reads as %s", got)
	}
}

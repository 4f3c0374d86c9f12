package ldap_test

import (
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

func TestEveryEntryIsReadOnceAndOnlyTheLastPageIsComplete(t *testing.T) {
	const entries, pageEntries = 2500, 500
	d := start(t)
	for i := range entries {
		d.addUser(numbered("u", i))
	}
	d.addGroup("not-a-user", d.user("u0000"))
	seen := make(map[string]bool)
	cursor, pages := "", 0
	for {
		page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if pages++; len(page.Objects) > pageEntries {
			t.Errorf("page %d holds %d entries", pages, len(page.Objects))
		}
		for _, o := range page.Objects {
			if o.Key == "" || seen[o.Key] || o.Values["uid"].Text() == "" || o.Values["dn"].Type() != value.DN {
				t.Fatalf("bad or repeated object: %+v", o)
			}
			seen[o.Key] = true
		}
		if page.Complete != (page.Cursor == "") {
			t.Fatalf("complete %v with cursor %q", page.Complete, page.Cursor)
		}
		if cursor = page.Cursor; page.Complete {
			break
		}
	}
	if len(seen) != entries || pages != entries/pageEntries {
		t.Errorf("%d entries in %d pages", len(seen), pages)
	}
}

func TestACursorIsGoodOnceAndForItsOwnReading(t *testing.T) {
	d := start(t)
	for i := range 5 {
		d.addUser(numbered("u", i))
	}
	first, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Limit: 2})
	if err != nil || first.Complete {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: groups, Cursor: first.Cursor, Limit: 2}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another entity type continued the reading: %v", err)
	}
	if _, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Cursor: first.Cursor, Limit: 2}); err != nil {
		t.Error(err)
	}
	for _, cursor := range []string{first.Cursor, "never-given-out"} {
		page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Cursor: cursor, Limit: 2})
		if fault.KindOf(err) != fault.Unavailable || page.Complete {
			t.Errorf("cursor %q: %+v, %v", cursor, page, err)
		}
	}
}

func TestAReadingThatBreaksOffIsAnErrorNeverTheEnd(t *testing.T) {
	d := start(t)
	for i := range 5 {
		d.addUser(numbered("u", i))
	}
	first, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users, Cursor: first.Cursor, Limit: 2})
	if err == nil || page.Complete || len(page.Objects) > 0 {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: users}); err != nil || !page.Complete || len(page.Objects) != 5 {
		t.Errorf("a new reading: %d objects, complete %v, %v", len(page.Objects), page.Complete, err)
	}
}

func TestASizeLimitIsAnErrorNotAShortList(t *testing.T) {
	d := start(t)
	for i := range 5 {
		d.addUser(numbered("u", i))
	}
	d.addReader()
	d.configure("olcLimits", "* size.soft=3 size.hard=3 size.prtotal=3")
	system := d.open(with("bindDN", "cn=reader,"+d.Suffix))
	for cursor, pages := "", 0; ; pages++ {
		page, err := system.Read(t.Context(), connector.ReadRequest{Shape: users, Cursor: cursor, Limit: 2})
		if err != nil {
			if fault.KindOf(err) == fault.NotFound || !strings.Contains(err.Error(), "Limit") {
				t.Errorf("got %v", err)
			}
			return
		}
		if cursor = page.Cursor; page.Complete || pages > 5 {
			t.Fatal("a limited reading called itself complete")
		}
	}
}

func TestWhatAnAttributeCannotSayIsNamed(t *testing.T) {
	d := start(t)
	d.add(d.user("ann"), map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {"Zoe", "Ann"}, "sn": {"A"}, "employeeNumber": {"x7"}})
	shape := users
	shape.Properties = append(slices.Clone(users.Properties), connector.Property{Name: "employee", Column: "employeeNumber", Type: value.Int})
	page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: shape})
	if err != nil || len(page.Objects) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	ann := page.Objects[0]
	if ann.Values["cn"].Text() != "Ann" || !slices.Equal(ann.Partial, []string{"cn", "employee"}) {
		t.Errorf("cn %q, partial %v", ann.Values["cn"], ann.Partial)
	}
	if len(page.Findings) != 2 || !strings.Contains(page.Findings[0].String(), "2 values") || !strings.Contains(page.Findings[1].String(), "whole number") {
		t.Errorf("findings %v", page.Findings)
	}
}

func TestAnExtentIsHeldByBaseFilterAndScope(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	d.addUser("bob")
	d.add("ou=deep,"+d.People, map[string][]string{"objectClass": {"organizationalUnit"}})
	d.add("uid=eve,ou=deep,"+d.People, map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {"eve"}, "sn": {"eve"}})
	for name, test := range map[string]struct {
		from map[string]string
		want string
	}{
		"all":    {map[string]string{}, "ann bob eve"},
		"filter": {map[string]string{"filter": "!(uid=bob)"}, "ann eve"},
		"base":   {map[string]string{"base": "ou=deep," + d.People}, "eve"},
		"scope":  {map[string]string{"base": d.People, "scope": "one"}, "ann bob"},
	} {
		test.from["objects"] = "inetOrgPerson"
		shape := users
		shape.From = test.from
		page, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: shape})
		var got []string
		for _, o := range page.Objects {
			got = append(got, o.Values["uid"].Text())
		}
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, test.want)
		}
	}
	for _, from := range []map[string]string{
		{"objects": "inetOrgPerson", "filter": "(uid=a)(uid=b)"}, {"objects": "inetOrgPerson", "scope": "base"},
		{"objects": "inetOrgPerson", "base": "nowhere"}, {"filter": "(uid=a)"},
	} {
		shape := users
		shape.From = from
		if _, err := d.system.Read(t.Context(), connector.ReadRequest{Shape: shape}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: got %v", from, err)
		}
	}
}

func TestAbsenceIsSaidOnlyWhenTheDirectoryShowsIt(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	ann := d.lookup(users, d.user("ann"))
	lookup := func(shape connector.Shape, key string, unique map[string]value.Value) error {
		_, err := d.system.Lookup(t.Context(), connector.LookupRequest{Shape: shape, Key: key, Unique: unique})
		return err
	}
	if err := lookup(users, ann.Key, nil); err != nil {
		t.Error(err)
	}
	if err := lookup(users, "", map[string]value.Value{"uid": value.OfString("ann"), "mail": value.Null}); err != nil {
		t.Error(err)
	}
	absent := map[string]error{
		"key":      lookup(users, "00000000-0000-0000-0000-000000000000", nil),
		"dn":       lookup(users, "", map[string]value.Value{"dn": nameOf(d.user("bob"))}),
		"uid":      lookup(users, "", map[string]value.Value{"uid": value.OfString("bob")}),
		"all":      lookup(users, "", map[string]value.Value{"uid": value.OfString("*")}),
		"injected": lookup(users, "", map[string]value.Value{"uid": value.OfString("x)(objectClass=*")}),
	}
	for name, err := range absent {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: got %v, want not found", name, err)
		}
	}
	elsewhere := users
	elsewhere.From = map[string]string{"objects": "inetOrgPerson", "base": "ou=nowhere," + d.Suffix}
	for _, twin := range []string{"cat", "cora"} {
		d.add(d.user(twin), map[string][]string{"objectClass": {"inetOrgPerson"}, "cn": {twin}, "sn": {twin}, "mail": {"c@example.org"}})
	}
	unknown := map[string]error{
		"no base":         lookup(elsewhere, ann.Key, nil),
		"no base, by dn":  lookup(elsewhere, "", map[string]value.Value{"dn": nameOf(d.user("bob"))}),
		"nothing to find": lookup(users, "", nil),
		"two answer":      lookup(users, "", map[string]value.Value{"mail": value.OfString("c@example.org")}),
	}
	for name, err := range unknown {
		if err == nil || fault.KindOf(err) == fault.NotFound {
			t.Errorf("%s: got %v, want an error that says that nothing is known", name, err)
		}
	}
}

func TestWhoMayNotSeeTheBaseCannotSayWhatIsAbsent(t *testing.T) {
	d := start(t)
	d.addUser("ann")
	d.addReader()
	ann := d.lookup(users, d.user("ann"))
	reader := d.open(with("bindDN", "cn=reader,"+d.Suffix))
	request := connector.LookupRequest{Shape: users, Key: ann.Key}
	if _, err := reader.Lookup(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	for _, right := range []string{"search", "none"} {
		d.configure("olcAccess", "to attrs=userPassword by anonymous auth by * none", "to * by * "+right)
		if _, err := reader.Lookup(t.Context(), request); err == nil || fault.KindOf(err) == fault.NotFound {
			t.Errorf("%s: got %v, and ann is there", right, err)
		}
		if page, err := reader.Read(t.Context(), connector.ReadRequest{Shape: users}); err == nil || page.Complete {
			t.Errorf("%s: an empty list of what may not be seen is complete: %+v, %v", right, page, err)
		}
	}
}

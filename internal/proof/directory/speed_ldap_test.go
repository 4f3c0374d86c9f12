package directory

import (
	"fmt"
	"testing"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/ldap"
)

// BenchmarkS6 provisions people with one membership each into OpenLDAP with its
// default durability, from Pending to Verified, against clients that do the same
// seven operations: look for the entry, make sure that its absence can be
// believed, add it, read its key, add the member, look the entry up, compare the
// membership. Each measurement has a server of its own.
func BenchmarkS6(b *testing.B) {
	for range b.N {
		contest(b, provisorIntoLDAP,
			func(b *testing.B, n int) float64 { return bareIntoLDAP(b, n, true) },
			func(b *testing.B, n int) float64 { return bareIntoLDAP(b, n, false) })
	}
}

func provisorIntoLDAP(b *testing.B, n int) float64 {
	c := lay(b, "", n, openldap.Options{})
	defer c.stop(b)
	b.Setenv("LDAP_PASSWORD", c.server.Password)
	rate := fulfilled(b, c.dir, n, csvfile.Package(), ldap.Package())
	if wrote := c.written(b); wrote != 2*n {
		b.Fatalf("the directory holds %d entries and memberships, not %d", wrote, 2*n)
	}
	return rate
}

// bareIntoLDAP writes the same entries and memberships with a client and nothing
// else; with reads it looks before and after each write, as Provisor does.
func bareIntoLDAP(b *testing.B, n int, reads bool) float64 {
	c := lay(b, "", 1, openldap.Options{})
	defer c.stop(b)
	return together(b, n, func() (func(int) error, func(), error) {
		conn, err := c.server.Dial()
		return func(i int) error { return writeBare(conn, c.server, i, reads) }, func() { _ = conn.Close() }, err
	})
}

func (c *company) stop(b *testing.B) {
	if err := c.server.Stop(); err != nil {
		b.Error(err)
	}
}

func writeBare(conn *ldapv3.Conn, server *openldap.Server, i int, reads bool) error {
	id := fmt.Sprintf("P%06d", i)
	dn, group := "uid="+id+","+server.People, fmt.Sprintf("cn=T%d,%s", i%groups, server.Groups)
	search := func(base string, scope int, filter string, attributes ...string) (*ldapv3.SearchResult, error) {
		return conn.Search(ldapv3.NewSearchRequest(base, scope, ldapv3.NeverDerefAliases, 0, 0, false, filter, attributes, nil))
	}
	attributes := []string{"entryUUID", "uid", "cn", "sn"}
	if reads {
		_, err := search(dn, ldapv3.ScopeBaseObject, "(objectClass=inetOrgPerson)", attributes...)
		if !ldapv3.IsErrorWithCode(err, ldapv3.LDAPResultNoSuchObject) {
			return fmt.Errorf("%s is there already, or cannot be looked for: %w", dn, err)
		}
		if _, err := search(server.Suffix, ldapv3.ScopeBaseObject, "(objectClass=*)", "1.1"); err != nil {
			return err
		}
	}
	add := ldapv3.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("uid", []string{id})
	add.Attribute("cn", []string{"Person " + id})
	add.Attribute("sn", []string{"Person " + id})
	if err := conn.Add(add); err != nil {
		return err
	}
	key := ""
	if reads {
		found, err := search(dn, ldapv3.ScopeBaseObject, "(objectClass=*)", "entryUUID")
		if err != nil {
			return err
		}
		key = found.Entries[0].GetAttributeValue("entryUUID")
	}
	member := ldapv3.NewModifyRequest(group, nil)
	member.Add("member", []string{dn})
	if err := conn.Modify(member); err != nil || !reads {
		return err
	}
	filter := "(&(objectClass=inetOrgPerson)(entryUUID=" + key + "))"
	if _, err := search(server.Suffix, ldapv3.ScopeWholeSubtree, filter, attributes...); err != nil {
		return err
	}
	_, err := conn.Compare(group, "member", dn)
	return err
}

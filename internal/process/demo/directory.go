package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector/connectortest/openldap"
)

// directoryURL finds the address in the laid configuration.
var directoryURL = regexp.MustCompile(`ldap://127\.0\.0\.1:[0-9]+`)

// The directory is one more system of the company: a real OpenLDAP of its own,
// which lives as long as the demonstration runs.
const (
	directoryFolder = SystemsFolder + "/directory"
	directoryFile   = ConfigFolder + "/directory.yaml"
	directorySuffix = "dc=larkfield,dc=example"
	everybodyGroup  = "everybody"
	directoryAdmin  = "cn=admin," + directorySuffix
)

// startDirectory starts the company's directory and, the first time, lays down
// its groups and its part of the configuration.
func startDirectory(ctx context.Context, dir string) (*openldap.Server, error) {
	port, err := directoryPort(dir)
	if err != nil {
		return nil, err
	}
	server, err := openldap.Start(ctx, openldap.Options{Dir: filepath.Join(dir, directoryFolder), Port: port, Suffix: directorySuffix})
	if err != nil {
		return nil, fmt.Errorf("the company's directory: %w", err)
	}
	if port != 0 {
		return server, nil
	}
	err = layGroup(server)
	if err == nil {
		err = replaceFile(filepath.Join(dir, directoryFile), []byte(directoryConfiguration(server)))
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// directoryPort reads the port from the configuration, 0 before there is one:
// the address that is deployed goes on being the directory's.
func directoryPort(dir string) (int, error) {
	content, err := os.ReadFile(filepath.Join(dir, directoryFile)) // #nosec G304 -- a file of the demonstration
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	address := directoryURL.FindString(string(content))
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return 0, fmt.Errorf("%s names no address ldap://127.0.0.1:PORT", directoryFile)
	}
	return strconv.Atoi(u.Port())
}

// layGroup adds the one group; groupOfNames has to have a member, so the
// administrator is one.
func layGroup(server *openldap.Server) error {
	conn, err := server.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // every request was answered
	add := ldapv3.NewAddRequest("cn="+everybodyGroup+","+server.Groups, nil)
	add.Attribute("objectClass", []string{"groupOfNames"})
	add.Attribute("cn", []string{everybodyGroup})
	add.Attribute("member", []string{directoryAdmin})
	return conn.Add(add)
}

func directoryConfiguration(server *openldap.Server) string {
	return fmt.Sprintf(directoryTemplate, server.URL, directoryAdmin, directoryFolder, directorySuffix, server.People, everybodyGroup)
}

const directoryTemplate = `# directory.yaml: the corporate directory, a real OpenLDAP that the demonstration
# starts. Whoever is present has an entry and is a member of one group.
connectors:
  directory:
    name: Corporate directory
    connections:
      ldap:
        package: ldap
        settings: {url: "%s", bindDN: "%s", password: "secret:file/%s/password", baseDN: "%s"}
        limits: {concurrency: 8}
    entities:
      DirectoryUser:
        from: {connection: ldap, objects: inetOrgPerson}
        create: {objectClass: [inetOrgPerson]}
        key: entryUUID
        identifiers: [dn, uid]
        display: "cn"
        properties:
          entryUUID:      {type: string, assignedBy: system}
          dn:             {type: dn}
          uid:            {type: string}
          cn:             {type: string}
          sn:             {type: string}
          mail:           {type: string}
          employeeNumber: {type: string}
          groups:         {links: DirectoryGroup, inverse: members}
      DirectoryGroup:
        from: {connection: ldap, objects: groupOfNames}
        key: entryUUID
        identifiers: [dn, cn]
        display: "cn"
        properties:
          entryUUID: {type: string, assignedBy: system}
          dn:        {type: dn}
          cn:        {type: string}
          members:   {links: DirectoryUser, column: member}

resourceTypes:
  DirectoryAccount:
    name: Directory entry
    source: Person
    target: DirectoryUser
    provisioning:
      connection: ldap
      enabled: true
      review: false
    correlate:
      - {source: "source.employeeId", target: "target.employeeNumber", confidence: 100}
    who:
      - {}
    values:
      dn:             {expression: "'uid=' + rdn(source.login) + ',%s'", once: true}
      uid:            {expression: "source.login", once: true}
      cn:             {expression: "source.firstName + ' ' + source.lastName"}
      sn:             {expression: "source.lastName"}
      mail:           {expression: "source.email"}
      employeeNumber: {expression: "source.employeeId"}
    links:
      - {property: groups, to: {cn: %s}}
`

// CheckDirectory compares the directory with the personnel files, by a search of
// its own: an entry and the membership for whoever is present, nothing else.
func CheckDirectory(dir string, server *openldap.Server) ([]Difference, error) {
	staff, err := readStaff(dir)
	if err != nil {
		return nil, err
	}
	conn, err := server.Dial()
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // it was only read
	entries, err := conn.Search(ldapv3.NewSearchRequest(server.People, ldapv3.ScopeSingleLevel, ldapv3.NeverDerefAliases,
		0, 0, false, "(objectClass=inetOrgPerson)", []string{"employeeNumber", "cn", "mail"}, nil))
	if err != nil {
		return nil, err
	}
	group, err := conn.Search(ldapv3.NewSearchRequest("cn="+everybodyGroup+","+server.Groups, ldapv3.ScopeBaseObject,
		ldapv3.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"member"}, nil))
	if err != nil {
		return nil, err
	}
	members := map[string]bool{}
	for _, m := range group.Entries[0].GetAttributeValues("member") {
		members[m] = true
	}
	found := map[string]*ldapv3.Entry{}
	for _, e := range entries.Entries {
		found[e.GetAttributeValue("employeeNumber")] = e
	}
	return staff.directoryDifferences(found, members), nil
}

func (s *staffFile) directoryDifferences(found map[string]*ldapv3.Entry, members map[string]bool) []Difference {
	var list []Difference
	for _, e := range s.people {
		entry, there := found[e.id]
		delete(found, e.id)
		switch {
		case there != (e.standing == present):
			list = append(list, Difference{e.id, "entry", whether(e.standing == present), whether(there)})
		case !there:
		case entry.GetAttributeValue("cn") != e.name():
			list = append(list, Difference{e.id, "cn", e.name(), entry.GetAttributeValue("cn")})
		case entry.GetAttributeValue("mail") != e.email:
			list = append(list, Difference{e.id, "mail", e.email, entry.GetAttributeValue("mail")})
		case !members[entry.DN]:
			list = append(list, Difference{e.id, "group " + everybodyGroup, whether(true), whether(false)})
		}
	}
	for id := range found {
		list = append(list, Difference{id, "entry", whether(false), whether(true)})
	}
	return list
}

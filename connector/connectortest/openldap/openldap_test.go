package openldap_test

import (
	"os"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector/connectortest/openldap"
)

func addPerson(t *testing.T, server *openldap.Server, uid string) {
	t.Helper()
	conn, err := server.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	add := ldap.NewAddRequest("uid="+uid+","+server.People, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("cn", []string{uid})
	add.Attribute("sn", []string{uid})
	if err := conn.Add(add); err != nil {
		t.Fatal(err)
	}
}

func TestTheChangeLogWitnessesEveryWriteAndSurvivesAKill(t *testing.T) {
	server := openldap.ForTest(t, openldap.Options{AccessLog: true})
	addPerson(t, server, "ann")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if conn, err := server.Dial(); err == nil {
		_ = conn.Close()
		t.Fatal("the server still answers after Kill")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	addPerson(t, server, "bob")
	log, err := server.AccessLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, access := range log {
		seen = append(seen, access.Type+" "+access.DN)
		if len(access.Mods) == 0 || access.Time.IsZero() {
			t.Errorf("%+v says neither what nor when", access)
		}
	}
	want := "add uid=ann," + server.People + "\nadd uid=bob," + server.People
	if got := strings.Join(seen, "\n"); got != want {
		t.Errorf("the log holds\n%s\nwant\n%s", got, want)
	}
}

func TestAFolderIsOpenedAgainWithWhatItHeld(t *testing.T) {
	dir := t.TempDir()
	first := openldap.ForTest(t, openldap.Options{Dir: dir, NoSync: true, Suffix: "dc=corp,dc=test"})
	addPerson(t, first, "ann")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := openldap.ForTest(t, openldap.Options{Dir: dir, NoSync: true, Suffix: "dc=corp,dc=test"})
	conn, err := second.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	result, err := conn.Search(ldap.NewSearchRequest("uid=ann,"+second.People, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil))
	if err != nil || len(result.Entries) != 1 {
		t.Fatalf("ann is not there: %v", err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	first := openldap.ForTest(t, openldap.Options{})
	port := 0
	for _, digit := range first.URL[strings.LastIndex(first.URL, ":")+1:] {
		port = port*10 + int(digit-'0')
	}
	_, err := openldap.Start(t.Context(), openldap.Options{Dir: t.TempDir(), Port: port})
	if err == nil || !strings.Contains(err.Error(), "slapd ended at once") {
		t.Fatalf("got %v, want an error that says that slapd ended", err)
	}
}

func TestAServerWithoutAFolderIsRefused(t *testing.T) {
	if _, err := openldap.Start(t.Context(), openldap.Options{}); err == nil {
		t.Fatal("it started in the current folder")
	}
	if _, err := os.Stat("config"); err == nil {
		t.Fatal("it left a configuration in the current folder")
	}
}

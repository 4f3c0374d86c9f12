package openldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// An Access is one change that the server carried out, as it wrote it down.
type Access struct {
	Type string    // add, modify, modrdn, delete
	DN   string    // of the entry changed
	Mods []string  // "member:+ uid=ann,ou=people,dc=example,dc=test", as slapd writes them
	Time time.Time // when the server began with it, to the microsecond
}

const generalizedTime = "20060102150405.000000Z"

// AccessLog returns every successful change since the folder was made, in the
// server's order. Changes that overlays make on their own are not all among them.
func (s *Server) AccessLog(ctx context.Context) ([]Access, error) {
	if !s.options.AccessLog {
		return nil, errors.New("openldap: the server keeps no change log: set Options.AccessLog")
	}
	conn, err := s.Dial()
	if err != nil {
		return nil, fmt.Errorf("openldap: change log: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
	}()
	const pageEntries = 1000
	result, err := conn.SearchWithPaging(ldap.NewSearchRequest("cn=accesslog", ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=auditWriteObject)", []string{"reqType", "reqDN", "reqMod", "reqStart"}, nil), pageEntries)
	if err != nil {
		return nil, fmt.Errorf("openldap: change log: %w", err)
	}
	accesses := make([]Access, 0, len(result.Entries))
	for _, entry := range result.Entries {
		at, err := time.Parse(generalizedTime, entry.GetAttributeValue("reqStart"))
		if err != nil {
			return nil, fmt.Errorf("openldap: change log: %w", err)
		}
		accesses = append(accesses, Access{
			Type: entry.GetAttributeValue("reqType"),
			DN:   entry.GetAttributeValue("reqDN"),
			Mods: entry.GetAttributeValues("reqMod"),
			Time: at,
		})
	}
	slices.SortStableFunc(accesses, func(a, b Access) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return accesses, nil
}

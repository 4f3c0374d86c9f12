package directory

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/synchronize"
)

// workers is the concurrency of both sides, as the configuration says it.
const workers = 4

// size is how many people are provisioned; `make bench` asks for 10,000.
func size(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("PROVISOR_BENCH_PEOPLE"))
	if err != nil {
		return 1000
	}
	b.Logf("%d people", n)
	return n
}

// BenchmarkS6 provisions people with one membership each into a fresh OpenLDAP
// with its default durability, from Pending to Verified, and compares the rate
// with a bare client that does the same operations with the same concurrency
// (look up, add, read the key, add the member, look up, compare), and with one
// that only writes. All three are measured in one run, each on a server of its own.
func BenchmarkS6(b *testing.B) {
	n := size(b)
	for range b.N {
		product := provisorRate(b, n)
		same := bareRate(b, n, true)
		writes := bareRate(b, n, false)
		b.ReportMetric(product, "orders/s")
		b.ReportMetric(same, "bare/s")
		b.ReportMetric(product/same, "ratio")
		b.ReportMetric(product/writes, "ratio-to-writes-only")
	}
}

func provisorRate(b *testing.B, n int) float64 {
	c := lay(b, "", n, openldap.Options{})
	b.Setenv("LDAP_PASSWORD", c.server.Password)
	ctx := context.Background()
	e, err := loop.Open(ctx, loop.Options{Dir: c.dir, Packages: []connector.Package{csvfile.Package(), ldap.Package()}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	configuration, err := e.Files()
	if err == nil {
		err = e.Deploy(ctx, configuration, "")
	}
	if err == nil {
		_, err = e.Synchronize(ctx, synchronize.Options{})
	}
	if err == nil {
		_, err = e.Evaluate(ctx)
	}
	if err == nil {
		_, err = e.Generate(ctx, false)
	}
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	s, err := e.Fulfil(ctx, nil)
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	if done := s.Connections[0].Collected; done != n || c.written(b) != 2*n {
		b.Fatalf("%d of %d orders were carried out: %+v", done, n, s)
	}
	return float64(n) / took.Seconds()
}

// bareRate writes the same entries and memberships with a client and nothing
// else; with reads it looks before and after each write, as Provisor does.
func bareRate(b *testing.B, n int, reads bool) float64 {
	c := lay(b, "", 1, openldap.Options{})
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, workers)
	began := time.Now()
	for w := range workers {
		wait.Go(func() {
			conn, err := c.server.Dial()
			if err != nil {
				errs[w] = err
				return
			}
			defer func() { _ = conn.Close() }()
			for {
				i := int(next.Add(1)) - 1
				if i >= n || errs[w] != nil {
					return
				}
				errs[w] = writeBare(conn, c.server, i, reads)
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / took.Seconds()
}

func writeBare(conn *ldapv3.Conn, server *openldap.Server, i int, reads bool) error {
	id := fmt.Sprintf("P%06d", i)
	dn, group := "uid="+id+","+server.People, fmt.Sprintf("cn=T%d,%s", i%groups, server.Groups)
	look := func(filter string) (*ldapv3.SearchResult, error) {
		return conn.Search(ldapv3.NewSearchRequest(server.Suffix, ldapv3.ScopeWholeSubtree, ldapv3.NeverDerefAliases,
			0, 0, false, "(&(objectClass=inetOrgPerson)"+filter+")", []string{"entryUUID", "uid", "cn", "sn"}, nil))
	}
	if reads {
		if _, err := look("(uid=" + id + ")"); err != nil {
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
		found, err := conn.Search(ldapv3.NewSearchRequest(dn, ldapv3.ScopeBaseObject, ldapv3.NeverDerefAliases,
			0, 0, false, "(objectClass=*)", []string{"entryUUID"}, nil))
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
	if _, err := look("(entryUUID=" + key + ")"); err != nil {
		return err
	}
	_, err := conn.Compare(group, "member", dn)
	return err
}

package directory

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

func TestANameHasOneSpelling(t *testing.T) {
	for raw, want := range map[string]string{
		`UID=Ann, OU=People,dc=Example`: `uid=Ann,ou=People,dc=Example`,
		`cn=a\2Cb,dc=x`:                 `cn=a\,b,dc=x`,
		`cn=Zo\C3\AB,dc=x`:              `cn=Zoë,dc=x`,
		`cn=a\20,dc=x`:                  `cn=a\20,dc=x`,
		`cn=a\ ,dc=x`:                   `cn=a\20,dc=x`,
		`cn=#0401ff,dc=x`:               `cn=\ff,dc=x`,
		"cn=a\t,dc=x\n":                 `cn=a\09,dc=x`,
		"cn=a,\n dc=x":                  `cn=a,dc=x`,
		`cn=a\09,dc=x`:                  `cn=a\09,dc=x`,
		`cn=a+UID=b,dc=x`:               `cn=a+uid=b,dc=x`,
	} {
		got, err := DN(raw)
		if err != nil || got.Text() != want || got.Type() != value.DN {
			t.Errorf("%s: got %q, %v, want %q", raw, got, err, want)
		}
		if again, err := DN(got.Text()); again != got || err != nil {
			t.Errorf("%s: spelling it again gives %q, %v", raw, again, err)
		}
	}
	for _, raw := range []string{"", "nobody", `cn=a\`, "cn=a,,dc=x", "=x"} {
		if got, err := DN(raw); err == nil {
			t.Errorf("%q is taken for the name %q", raw, got)
		}
	}
	if Below("dc=x", "dc=x") || Below("ou=a,dc=xx", "dc=x") || !Below("OU=a,DC=x", "dc=x") {
		t.Error("what lies below is misjudged")
	}
}

func TestAFilterIsOneFilter(t *testing.T) {
	if got, err := Filter("uid=a"); err != nil || got != "(uid=a)" {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"(uid=a)(uid=b)", "(uid=a))(|(uid=*", "(&(uid=a)", "uid"} {
		if got, err := Filter(text); err == nil {
			t.Errorf("%q passes as %q", text, got)
		}
	}
	if got := Equals("uid", "*)(cn=\x00"); got != `(uid=\2a\29\28cn=\00)` {
		t.Errorf("got %s", got)
	}
}

// answering is a server that says yes to everything, without any control.
func answering(t *testing.T, accepted *atomic.Int32) Config {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			go answer(conn)
		}
	}()
	config, findings := Parse(connector.Settings{
		Values:  map[string]string{"url": "ldap://" + listener.Addr().String(), "baseDN": "dc=x", "bindDN": "cn=p", "connections": "2", "timeout": "5s"},
		Secrets: map[string]secret.Text{"password": secret.New("canary")},
	})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return config
}

func answer(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		request, err := ber.ReadPacket(reader)
		if err != nil || request.Children[1].Tag == ldap.ApplicationUnbindRequest {
			return
		}
		reply := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		reply.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, request.Children[0].Value, ""))
		tag := request.Children[1].Tag + 1 // of a bind's answer
		if request.Children[1].Tag == ldap.ApplicationSearchRequest {
			tag = ldap.ApplicationSearchResultDone
		}
		result := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
		result.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 0, ""))
		result.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
		result.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
		reply.AppendChild(result)
		if _, err := conn.Write(reply.Bytes()); err != nil {
			return
		}
	}
}

func search() *ldap.SearchRequest {
	return ldap.NewSearchRequest("dc=x", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil)
}

func TestAServerThatDoesNotPageNeverEndsAReading(t *testing.T) {
	var accepted atomic.Int32
	readings := NewReadings(NewPool(answering(t, &accepted)))
	defer readings.Close()
	page, err := readings.Next(t.Context(), "", 10, search())
	if page.Complete || fault.KindOf(err) != fault.Refused {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestThePoolOpensNoMoreThanItMayAndUsesThemAgain(t *testing.T) {
	var accepted atomic.Int32
	pool := NewPool(answering(t, &accepted))
	for range 3 {
		first, err := pool.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second, err := pool.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err = pool.Take(ctx)
		cancel()
		var lost *Lost
		if !errors.As(err, &lost) || lost.Sent {
			t.Fatalf("a third connection: %v", err)
		}
		first.Give()
		second.Give()
	}
	if accepted.Load() != 2 {
		t.Errorf("%d connections were opened", accepted.Load())
	}
	broken, err := pool.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken.cut()
	if _, err := broken.Search(t.Context(), search()); err == nil {
		t.Error("a cut connection answers")
	}
	broken.Give()
	for range 2 {
		conn, err := pool.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Search(t.Context(), search()); err != nil {
			t.Errorf("a broken connection was handed out: %v", err)
		}
		conn.Give()
	}
	pool.Close()
	if _, err := pool.Take(t.Context()); err == nil {
		t.Error("a closed pool hands out connections")
	}
}

func TestEveryResultIsJudged(t *testing.T) {
	config := Config{Password: secret.New("canary")}
	result := func(code uint16) error { return ldap.NewError(code, errors.New("said canary")) }
	for name, test := range map[string]struct {
		err  error
		want connector.ItemOutcome
		down bool
	}{
		"success":     {nil, connector.ItemOutcome{Effect: connector.Done}, false},
		"busy":        {result(ldap.LDAPResultBusy), connector.ItemOutcome{Effect: connector.None}, false},
		"no access":   {result(ldap.LDAPResultInsufficientAccessRights), connector.ItemOutcome{Effect: connector.None, Permanent: true}, false},
		"schema":      {result(ldap.LDAPResultObjectClassViolation), connector.ItemOutcome{Effect: connector.None, Permanent: true}, false},
		"lost":        {&Lost{Sent: true, Err: result(ldap.ErrorNetwork)}, connector.ItemOutcome{Effect: connector.Unknown}, false},
		"not sent":    {&Lost{Err: errClosed}, connector.ItemOutcome{Effect: connector.None}, false},
		"unreachable": {&Unreachable{errClosed}, connector.ItemOutcome{Effect: connector.None}, true},
		"nonsense":    {errors.New("canary"), connector.ItemOutcome{Effect: connector.Unknown}, false},
	} {
		got, down := Judge(config, test.err)
		if strings.Contains(got.Err, "canary") || (got.Err == "") != (test.err == nil) {
			t.Errorf("%s: the text is %q", name, got.Err)
		}
		if got.Err = ""; got != test.want || down != test.down {
			t.Errorf("%s: got %+v, down %v", name, got, down)
		}
		if err := Fault(config, "read", test.err); fault.KindOf(err) == fault.NotFound || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: as a fault %v", name, err)
		}
	}
}

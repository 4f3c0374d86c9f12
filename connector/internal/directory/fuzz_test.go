package directory

import (
	"bufio"
	"net"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/value"
)

// FuzzDN reads any text as a name: what is one has one spelling, and can be cut.
func FuzzDN(f *testing.F) {
	for _, text := range []string{"", ",", "=", "cn=", "cn=Ann,dc=x", `cn=a\,b+uid=1, dc=x`, `cn=\20 a\20,dc=x`, `cn=#0401ff,dc=x`, `cn=\`, `cn="a,b",dc=x`, "cn=a;dc=x", "1.2.3=x", "cn=\x00", "cn=\xff", `cn=\e4\b8`, "cn=a+,dc=x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dn, err := DN(text)
		if err != nil {
			return
		}
		if again, err := DN(dn.Text()); err != nil || again != dn || dn.Type() != value.DN {
			t.Fatalf("%q is %v, which reads %v, %v", text, dn, again, err)
		}
		rdn, asserts, parent := Split(dn.Text())
		if rdn == "" || len(asserts) == 0 {
			t.Fatalf("%v begins with %q, which asserts %v, below %q", dn, rdn, asserts, parent)
		}
	})
}

// FuzzFilter reads any text as a filter, and makes any text inert in one.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{"", "()", "(", "cn=a", "(&(a=b)(!(c=*)))", "(a=b))", "*)(cn=\x00", "(a:dn:2.5.13.5:=x)", "(a=\\zz)", "\xff", "(|)", "(a>=1)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if filter, err := Filter(text); err == nil && filter != "" {
			if _, err := ldap.CompileFilter(filter); err != nil {
				t.Fatalf("%q passes and is none: %v", text, err)
			}
		}
		packet, err := ldap.CompileFilter(Equals("uid", text))
		if err != nil {
			t.Fatalf("%q makes no filter: %v", text, err)
		}
		if packet.Tag != ldap.FilterEqualityMatch || len(packet.Children) != 2 || packet.Children[1].Data.String() != text {
			t.Fatalf("%q asks for %q (%s)", text, packet.Children[1].Data.String(), Equals("uid", text))
		}
	})
}

// spoken is what a directory answers, whatever it is asked.
type spoken struct {
	lock  sync.Mutex
	words []byte
}

func (s *spoken) say(words []byte) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.words = words
}

// serve answers the first request of each connection, and hangs up.
func (s *spoken) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			if _, err := ber.ReadPacket(bufio.NewReader(conn)); err != nil {
				return
			}
			s.lock.Lock()
			defer s.lock.Unlock()
			_, _ = conn.Write(s.words) // whoever asked may be gone
		}()
	}
}

// reply is a message as a directory sends it.
func reply(parts ...*ber.Packet) []byte {
	var all []byte
	for _, part := range parts {
		message := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""))
		message.AppendChild(part)
		all = append(all, message.Bytes()...)
	}
	return all
}

// constructed is a part of a reply.
func constructed(class ber.Class, tag ber.Tag, parts ...any) *ber.Packet {
	p := ber.Encode(class, ber.TypeConstructed, tag, nil, "")
	for _, part := range parts {
		switch x := part.(type) {
		case string:
			p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, x, ""))
		case int:
			p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, x, ""))
		case *ber.Packet:
			p.AppendChild(x)
		}
	}
	return p
}

// FuzzAnswers lets a directory answer a search with anything: it is an answer or an
// error, and never the end of the process.
func FuzzAnswers(f *testing.F) {
	values := constructed(ber.ClassUniversal, ber.TagSet, "Ann")
	attribute := constructed(ber.ClassUniversal, ber.TagSequence, "cn", values)
	entry := constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry, "cn=Ann,dc=x", constructed(ber.ClassUniversal, ber.TagSequence, attribute))
	done := constructed(ber.ClassApplication, ldap.ApplicationSearchResultDone, 0, "", "")
	for _, words := range [][]byte{
		nil, {0}, {0x30}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x80}, reply(entry, done), reply(done), reply(entry)[:20],
		reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry)),                                                            // without a name
		reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry, 1, constructed(ber.ClassUniversal, ber.TagSequence)), done), // whose name is a number
		reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultEntry, "cn=x", "cn")),
		reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultReference)),
		reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultDone)), reply(constructed(ber.ClassApplication, ldap.ApplicationSearchResultDone, "x", 1, 2)),
		reply(constructed(ber.ClassApplication, 25, "", "")), reply(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "x", "")),
	} {
		f.Add(words)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	s := &spoken{}
	go s.serve(listener)
	config, findings := Parse(connector.Settings{Values: map[string]string{"url": "ldap://" + listener.Addr().String(), "baseDN": "dc=x", "connections": "1", "timeout": "5s"}})
	if len(findings) > 0 {
		f.Fatal(findings)
	}
	f.Fuzz(func(t *testing.T, words []byte) {
		s.say(words)
		pool := NewPool(config)
		defer pool.Close()
		began := time.Now()
		conn, err := pool.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Give()
		result, err := conn.Search(t.Context(), search())
		if took := time.Since(began); took > 20*time.Second { // it hung up at once
			t.Errorf("it took %v", took)
		}
		if err == nil && result == nil {
			t.Error("neither an answer nor an error")
		}
	})
}

package ldap

import (
	"fmt"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
	"provisor.dev/provisor/value"
)

// odd is a shape with a property of every type, and links.
func odd() connector.Shape {
	shape := connector.Shape{Entity: "User", Key: "uid", Properties: []connector.Property{
		{Name: "uid", Type: value.String}, {Name: "manager", Link: "User"}, {Name: "groups", Link: "Group", Many: true}, {Name: "dn", Type: value.DN},
	}}
	for _, t := range value.Types() {
		shape.Properties = append(shape.Properties, connector.Property{Name: string(t), Column: "a" + string(t), Type: t})
	}
	return shape
}

// FuzzEntry reads entries whose attributes hold anything: a value, or a finding that
// says what was not read; and what was read is spelt so that it reads the same.
func FuzzEntry(f *testing.F) {
	for _, raw := range []string{"", "x", "1", "TRUE", "20260301120000Z", "cn=x,dc=y", "cn=", "\x00\xff", "-0", "9e999", "2026-02-30", `cn=a\ ,dc=x`} {
		f.Add("cn=Ann,dc=x", []byte(raw), []byte("u1"), []byte("cn=b,dc=x"))
		f.Add(raw, []byte(raw), []byte(raw), []byte(raw))
	}
	shape := odd()
	f.Fuzz(func(t *testing.T, dn string, raw, key, far []byte) {
		attributes := []*ldap.EntryAttribute{
			{Name: "UID", ByteValues: [][]byte{key}}, {Name: "manager", ByteValues: [][]byte{far, far}}, {Name: "groups", ByteValues: [][]byte{far, raw}},
		}
		for _, p := range shape.Properties[4:] {
			attributes = append(attributes, &ldap.EntryAttribute{Name: p.Column, ByteValues: [][]byte{raw}})
		}
		d := decoder{s: &system{}, shape: shape}
		object, err := d.object(&ldap.Entry{DN: dn, Attributes: attributes})
		if err != nil {
			if len(d.findings()) == 0 {
				t.Fatal("it is refused and nobody is told: ", err)
			}
			return
		}
		for _, p := range shape.Properties[4:] {
			v, read := object.Values[p.Name]
			told := false
			for _, x := range d.findings() {
				told = told || x.Object == "User."+p.Name
			}
			if !read && !told {
				t.Fatalf("%q is no %s and nobody is told", raw, p.Type)
			}
			if v.IsNull() {
				continue
			}
			if text, err := spell(p, v); err != nil {
				t.Fatalf("%v cannot be written: %v", v, err)
			} else if again, err := readBack(p, text); err != nil || again != v {
				t.Fatalf("%v is written %q, which reads %v, %v", v, text, again, err)
			}
		}
		for _, link := range append(object.Links["groups"], object.Links["manager"]...) {
			if again, err := directory.DN(link); err != nil || again.Text() != link {
				t.Fatalf("a link is %q, which reads %v, %v", link, again, err)
			}
		}
	})
}

func readBack(p connector.Property, text string) (value.Value, error) { return read(p, []byte(text)) }

// FuzzObjectClasses reads anything as the definition of an object class.
func FuzzObjectClasses(f *testing.F) {
	for _, text := range []string{
		"", "(", "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) )", "( 1 NAME ( 'a' 'b' ) SUP a MAY", "NAME", "NAME (", "NAME 'a' SUP 'a' MUST", "SUP SUP SUP", "\xff$$$",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, object := range classes([]string{a, b, a}) {
			if object.Name == "" || len(object.Columns) < 2 {
				t.Fatalf("%q and %q make %s", a, b, fmt.Sprintf("%+v", object))
			}
		}
	})
}

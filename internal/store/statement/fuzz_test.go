package statement

import (
	"reflect"
	"testing"
	"unicode/utf8"

	"provisor.dev/provisor/internal/domain/orders"
)

// FuzzDocument reads anything as the document of an account, as a damaged store or a
// later release may hold it: what is one is written so that it reads the same.
func FuzzDocument(f *testing.F) {
	whole, err := new(pen).encode(resting())
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{whole, whole[:len(whole)/2], whole[:1], whole + "x", "", "{}", "null", `{"Items":[{}]}`, "\xff", whole[:1] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add(text)
	}
	for i := 0; i < len(whole); i += 7 {
		f.Add(whole[:i] + "\x7f" + whole[i+1:])
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := &orders.AssignedResource{Type: "DirectoryUser"}
		if new(reader).decode(a, text) != nil || !utf8.ValidString(text) { // no store holds another
			return
		}
		written, err := new(pen).encode(a)
		if err != nil {
			return // it holds what no release writes
		}
		b := &orders.AssignedResource{Type: "DirectoryUser"}
		if err := new(reader).decode(b, written); err != nil || !reflect.DeepEqual(a.Items, b.Items) && len(a.Items) > 0 {
			t.Fatalf("%q is written as %q, which reads %d items for %d, %v", text, written, len(b.Items), len(a.Items), err)
		}
	})
}

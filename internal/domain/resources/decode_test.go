package resources

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// library reads a document as it was always read.
func library(document string) (Resource, error) {
	var doc Document
	err := json.Unmarshal([]byte(document), &doc)
	return Resource{Values: doc.Values, Links: doc.Links, Dangling: doc.Dangling, Edited: doc.Edited}, err
}

func TestWhatIsReadPlainlyIsWhatTheLibraryReads(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "é", `quo"te`, `back\slash`, "<&>", "\x00", " ", `"}`}), rapid.String())
	scalar := rapid.Custom(func(t *rapid.T) value.Value {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return value.OfInt(rapid.Int64().Draw(t, "int"))
		case 1:
			return value.OfBool(rapid.Bool().Draw(t, "bool"))
		case 2:
			return value.Canonical(rapid.SampledFrom(value.Types()[4:]).Draw(t, "type"), text.Draw(t, "text"))
		}
		return value.OfString(text.Draw(t, "text"))
	})
	name := rapid.Custom(func(t *rapid.T) schema.PropertyName { return schema.PropertyName(text.Draw(t, "name")) })
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		r := Resource{Values: rapid.MapOfN(name, scalar, 0, 4).Draw(t, "values")}
		r.Links = rapid.MapOfN(name, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Key { return Key(text.Draw(t, "key")) }), 0, 3), 0, 2).Draw(t, "links")
		if rapid.Bool().Draw(t, "dangling") {
			r.Dangling = map[schema.PropertyName][]string{"boss": {"nobody"}}
		}
		document, _ := r.Encode()
		agree(t, string(document), &plain)
	})
	if plain == 0 {
		t.Error("nothing was read plainly")
	}
}

// agree holds the two ways of reading together: plainly may leave a document to
// the library, and must not read another one out of it.
func agree(t rapid.TB, document string, plain *int) {
	var got Resource
	if !got.plainly(document) {
		return
	}
	*plain++
	want, err := library(document)
	if err != nil {
		t.Fatalf("%s is no document, and was read: %v", document, err)
	}
	// Both know an empty map and none.
	if len(got.Values)+len(want.Values) > 0 && !reflect.DeepEqual(got.Values, want.Values) ||
		len(got.Links)+len(want.Links) > 0 && !reflect.DeepEqual(got.Links, want.Links) || want.Dangling != nil || want.Edited != nil {
		t.Fatalf("%s:\n got %+v\nwant %+v", document, got, want)
	}
}

func TestADocumentThatIsNotPlainIsLeftToTheLibrary(t *testing.T) {
	for _, document := range []string{
		``, `{`, `{}x`, `{"v":{}}`, `{"v":{"a":01}}`, `{"v":{"a":1.5}}`, `{"v":{"a":null}}`, `{"v":{"a":-}}`, `{"v":{"a":"b}}`, `{"v":{"a":"b\n"}}`,
		`{"v":{"a":"b"},}`, `{"v":{"a":"b"},"d":{"x":["y"]}}`, `{"v":{"a":"b"},"l":{"x":[]}}`, `{"l":{"x":["y"]},"o":{}}`, `{ "v":{"a":"b"}}`,
		`{"v":{"a":9223372036854775807}}`, `{"v":{"a":{"date":"x","int":"y"}}}`, `{"v":{"a":-0}}`,
	} {
		var r Resource
		if r.plainly(document) {
			t.Errorf("%s was read: %+v", document, r)
		}
	}
	for _, document := range []string{`{}`, `{"v":{"a":"b"}}`, `{"l":{"x":["y","z"]}}`, `{"v":{"a":-12,"b":true,"c":{"date":"2030-01-01"}},"l":{"x":["y"]}}`} {
		n := 0
		if agree(t, document, &n); n == 0 {
			t.Errorf("%s was left to the library", document)
		}
	}
}

// BenchmarkDecode compares with the library.
func BenchmarkDecode(b *testing.B) {
	r := Resource{Values: map[schema.PropertyName]value.Value{}, Links: map[schema.PropertyName][]Key{"department": {"FIN-1"}, "site": {"LIS"}}}
	for _, name := range []schema.PropertyName{"employeeId", "firstName", "lastName", "title", "email", "login", "employment", "phone", "costCenter", "room"} {
		r.Values[name] = value.OfString("some " + string(name))
	}
	r.Values["grade"] = value.OfInt(7)
	document, _ := r.Encode()
	b.Run("Plain", func(b *testing.B) {
		for b.Loop() {
			if err := new(Resource).Decode(document); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Library", func(b *testing.B) {
		for b.Loop() {
			if _, err := library(string(document)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

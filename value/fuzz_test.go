package value_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"provisor.dev/provisor/value"
)

// FuzzNormalize reads any text as any type: a value has one spelling, which reads
// back as itself, and what is none is said.
func FuzzNormalize(f *testing.F) {
	for i := range value.Types() {
		for _, raw := range []string{
			"", " ", "true", "Y", "1", "-1", "9223372036854775808", "1e400", "NaN", "Infinity", "-0", "0x1p-2", "2026-02-30", "9999-12-31", "10000-01-01",
			"2026-03-01T24:00:00Z", "20260301120000Z", "2026-03-01 12:00:00+23:59", "cn=Ann, ou=x", `cn=a\,b\ ,dc=x`, `cn=\`, "=", "cn=,", ",", "cn=#04", "AAE=", "zz", "\x00", "\xff",
		} {
			f.Add(uint8(i), "", raw)
		}
	}
	f.Add(uint8(3), "Y/N", "n")
	f.Add(uint8(4), "dd.MM.yyyy", "31.12.0000")
	f.Add(uint8(7), "hex", "00FF")
	f.Fuzz(func(t *testing.T, n uint8, format, raw string) {
		typ, spelt := value.Types()[int(n)%len(value.Types())], value.Format(format)
		if spelt.Check(typ) != nil {
			spelt = ""
		}
		v, err := value.Normalize(typ, spelt, raw)
		if err != nil {
			if err.Error() == "" || !v.IsNull() {
				t.Fatalf("%q is refused with %q and is %v", raw, err, v)
			}
			return
		}
		if v.IsNull() {
			return
		}
		if again, err := value.Normalize(typ, "", v.Text()); err != nil || again != v || v.Type() != typ {
			t.Fatalf("%q is %v, which reads %v, %v", raw, v, again, err)
		}
		if back := value.Spell(spelt, v); typ != value.Date && typ != value.Time { // a pattern may leave out what does not matter
			if again, err := value.Normalize(typ, spelt, back); err != nil || again != v {
				t.Fatalf("%v is spelt %q, which reads %v, %v", v, back, again, err)
			}
		}
		if !utf8.ValidString(v.Text()) {
			return // no document holds it
		}
		content, err := json.Marshal(v)
		var kept value.Value
		if err != nil || json.Unmarshal(content, &kept) != nil || kept != v {
			t.Fatalf("%v is kept as %s, which reads %v, %v", v, content, kept, err)
		}
	})
}

package csvfile_test

import (
	"slices"
	"testing"

	"provisor.dev/provisor/fault"
)

// FuzzReading feeds any bytes under any settings: no panic, no hang, and what
// is read does not depend on the size of the pages.
func FuzzReading(f *testing.F) {
	for _, seed := range []string{"", header, header + ann + bob + carl, header + "E1,\"x\n\n\"\"\n", "\xff\xfee\x00", header + "E1,\"\n,,,,,,\n,,,,,,\n\",,,,,\n",
		header + ann + ann, header + "\r", "\n\n" + header + "\r\n\"", header + ",,,soon,,,\n" + carl} {
		for n := range 4 {
			f.Add([]byte(seed), uint8(n))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, n uint8) {
		encodings := []string{"utf-8", "windows-1252", "iso-8859-1", "utf-16"}
		newlines := []string{"required", "optional"}
		system := opened(t, folder(t, string(content), "encoding", encodings[n%4], "finalNewline", newlines[n/4%2]))
		whole, err := readBy(t, system, person, 1000)
		if err != nil {
			if kind := fault.KindOf(err); kind == fault.Internal || kind == fault.NotFound {
				t.Fatalf("an error of kind %q: %v", kind, err)
			}
			return
		}
		rows, err := readBy(t, system, person, 1)
		if err != nil || !slices.Equal(whole.keys, rows.keys) || !slices.Equal(whole.aside, rows.aside) ||
			whole.complete != rows.complete || whole.findings.Error() != rows.findings.Error() {
			t.Fatalf("in one page %+v, row by row %+v, %v", whole, rows, err)
		}
		if !whole.complete && len(whole.findings) == 0 {
			t.Fatal("it is not complete and nobody says why")
		}
		seen := map[string]bool{}
		for _, key := range append(whole.keys, whole.aside...) {
			if key == "" || (seen[key] && whole.complete) {
				t.Fatalf("the key %q comes twice or is empty", key)
			}
			seen[key] = true
		}
	})
}

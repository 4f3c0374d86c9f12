package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// code is a file of a program with explanations, as line numbers in the tests name them.
const code = `package x

func a(n int64) {
	_ = int32(n) // #nosec G115 -- small
	// #nosec G304, G404 -- named by whoever runs it
	open()
}

// #nosec G115 -- everything in it
func b(n int64) {
	_ = int32(n)
	text := "// #nosec G101 -- in a text"
}
`

// judged holds findings, as the checker writes them, to the explanations in a folder.
func judged(t *testing.T, folder, text, found string) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.FromSlash(folder))
	file := filepath.Join(dir, "x.go")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	said, wanted, err := explanations([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal([]byte(strings.ReplaceAll(found, "FILE", file)), &r); err != nil {
		t.Fatal(err)
	}
	var faults []string
	for _, f := range append(judge(r, said, wanted), r.errors()...) {
		faults = append(faults, strings.TrimPrefix(f, file+":"))
	}
	return faults
}

func TestFindingsAndExplanationsAreHeldToEachOther(t *testing.T) {
	const explained = `"suppressions":[{"kind":"inSource","justification":"x"}]`
	all := `{"rule_id":"G115","file":"FILE","line":"4",` + explained + `},{"rule_id":"G304","file":"FILE","line":"6",` + explained + `},{"rule_id":"G404","file":"FILE","line":"5-6",` + explained + `}`
	near := `,{"rule_id":"G115","file":"FILE","line":"10",` + explained + `}`
	for name, c := range map[string]struct {
		found string
		want  []string
	}{
		"all is explained": {`{"Issues":[` + all + near + `]}`, nil},
		"one is not": {`{"Issues":[` + all + near + `,{"rule_id":"G306","file":"FILE","line":"6","details":"Expect less"}]}`, []string{
			"6: G306: Expect less. Mend it, or say in this line why it stands: // #nosec G306 -- ...",
		}},
		"one is explained at the head of the function": {`{"Issues":[` + all + near + `,{"rule_id":"G115","file":"FILE","line":"11",` + explained + `}]}`, []string{
			"11: G115 is explained from a distance. Put the explanation into this line.",
		}},
		"an explanation has no finding": {`{"Issues":[` + all + `]}`, []string{"9: G115 is explained and not found here. Take the explanation out."}},
		"one of two rules has none":     {`{"Issues":[` + strings.Replace(all, "G404", "G401", 1) + near + `]}`, []string{"5-6: G401 is explained from a distance. Put the explanation into this line.", "5: G404 is explained and not found here. Take the explanation out."}},
		"the checker could not read":    {`{"Issues":[` + all + near + `],"Golang errors":{"FILE":[{"line":3,"error":"no justification"}]}}`, []string{"3: no justification"}},
	} {
		if got := judged(t, "x", code, c.found); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatIsPlantedMustBeFoundAndNowhereElseIsPlanted(t *testing.T) {
	const text = "package x\n\nvar _ = f() // want G404\n"
	const found = `{"Issues":[{"rule_id":"G404","file":"FILE","line":"3","details":"Weak"}]}`
	if got := judged(t, planted, text, found); got != nil {
		t.Errorf("it was found: %q", got)
	}
	if got := judged(t, planted, text, `{"Issues":[]}`); len(got) != 1 || !strings.Contains(got[0], "planted here and not found") {
		t.Errorf("it was not found: %q", got)
	}
	if got := judged(t, "x", text, found); len(got) != 1 || !strings.Contains(got[0], "Mend it") {
		t.Errorf("elsewhere: %q", got)
	}
}

package tidy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheHouseIsAsItIsDrawn(t *testing.T) {
	found, err := faults("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// plant writes a small tree with one fault in it.
func plant(t *testing.T, files map[string]string) []string {
	t.Helper()
	root := t.TempDir()
	files["GLOSSARY.md"] = "# Glossary\n\n| word | means | not |\n|---|---|---|\n| order | a change | job |\n"
	for name, content := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := faults(root)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEachPlantedFaultIsFound(t *testing.T) {
	const doc = "// Package x is x.\n"
	long := strings.Repeat("\n", fileLines+1)
	for name, c := range map[string]struct{ file, content, want string }{
		"stage imports stage":         {"internal/stage/a/a.go", doc + `package a; import _ "provisor.dev/provisor/internal/stage/b"`, "they meet in the store"},
		"stage imports the store":     {"internal/stage/a/a.go", doc + `package a; import _ "provisor.dev/provisor/internal/store/sqlite"`, "may not import"},
		"package imports the engine":  {"connector/x/x.go", doc + `package x; import _ "provisor.dev/provisor/internal/domain/orders"`, "may not import"},
		"package imports package":     {"connector/x/x.go", doc + `package x; import _ "provisor.dev/provisor/connector/y"`, "neighbour"},
		"domain imports a library":    {"internal/domain/x/x.go", doc + `package x; import _ "github.com/x/y"`, "standard library alone"},
		"domain imports connector":    {"internal/domain/x/x.go", doc + `package x; import _ "provisor.dev/provisor/connector"`, "may not import"},
		"somebody else takes River":   {"internal/process/x/x.go", doc + `package x; import _ "github.com/riverqueue/river"`, "only internal/process/jobs imports River"},
		"somebody imports proof":      {"internal/process/x/x.go", doc + `package x; import _ "provisor.dev/provisor/internal/proof/sim"`, "nothing may import proof"},
		"surface imports the process": {"internal/surface/x/x.go", doc + `package x; import _ "provisor.dev/provisor/internal/process/loop"`, "may not import"},
		"a package on no floor":       {"internal/attic/x.go", doc + "package attic", "no floor"},
		"no package comment":          {"internal/process/x/x.go", "package x", "no comment"},
		"a junk drawer":               {"internal/process/util/x.go", doc + "package util", "promises nothing"},
		"a standard library's name":   {"internal/process/sync/x.go", doc + "package sync", "standard library's"},
		"a long file":                 {"internal/process/x/x.go", doc + "package x" + long, "fits a sitting"},
		"a long function":             {"internal/process/x/x.go", doc + "package x\nfunc f() {" + strings.Repeat("\n", functionLines) + "}", "fits a screen"},
		"a long template":             {"internal/surface/x/x.templ", strings.Repeat("\n", templateLines+1), "a template fits a sitting"},
		"a clock in a stage":          {"internal/stage/a/a.go", doc + "package a\nimport \"time\"\nvar now = time.Now()", "not handed in"},
		"chance in the domain":        {"internal/domain/x/x.go", doc + "package x\nimport \"math/rand/v2\"\nvar n = rand.IntN(3)", "not handed in"},
		"work left":                   {"internal/process/x/x.go", doc + "package x\n// TODO: later", "left to be done"},
		"a machine's path":            {"internal/process/x/x.go", doc + "package x\nconst p = \"/root/x\"", "somebody's machine"},
		"a word without an entry":     {"internal/domain/x/x.go", doc + "package x\ntype Gizmo struct{}", "not in GLOSSARY"},
		"a word we do not use":        {"internal/domain/x/x.go", doc + "package x\ntype Job struct{}", "has another for"},
	} {
		t.Run(name, func(t *testing.T) {
			found := plant(t, map[string]string{c.file: c.content})
			if !strings.Contains(strings.Join(found, "\n"), c.want) {
				t.Errorf("not found: %q in %q", c.want, found)
			}
		})
	}
	if found := plant(t, map[string]string{"internal/domain/x/x.go": doc + "package x\ntype Order struct{}"}); len(found) != 0 {
		t.Errorf("a tree without a fault has some: %q", found)
	}
}

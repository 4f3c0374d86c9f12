package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const examples = "../../examples"

// TestEveryExampleIsPlayed holds each folder of examples/ to a README, to policy
// tests, and to a story of its own that plays it and runs them.
func TestEveryExampleIsPlayed(t *testing.T) {
	folders, err := os.ReadDir(examples)
	if err != nil || len(folders) == 0 {
		t.Fatalf("no example: %v", err)
	}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(examples, f.Name(), "README.md")); err != nil {
			t.Error(err)
		}
		story, err := os.ReadFile(filepath.Join("testdata/script", "example_"+f.Name()+".txtar"))
		if err != nil {
			t.Errorf("examples/%s has no story: %v", f.Name(), err)
		}
		for _, line := range []string{"example " + f.Name(), "provisor validate", "provisor test"} {
			if !strings.Contains(string(story), line+"\n") {
				t.Errorf("the story of examples/%s does not say %q", f.Name(), line)
			}
		}
		if tests, err := filepath.Glob(filepath.Join(examples, f.Name(), "tests/*.yaml")); err != nil || len(tests) == 0 {
			t.Errorf("examples/%s has no policy tests: %v", f.Name(), err)
		}
	}
}

// layExample copies an example and makes the databases of its systems.
func layExample(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: example NAME")
	}
	folder, err := filepath.Abs(filepath.Join(examples, args[0]))
	ts.Check(err)
	ts.Check(os.CopyFS(ts.MkAbs("."), os.DirFS(folder)))
	scripts, err := filepath.Glob(ts.MkAbs("systems/*.sql"))
	ts.Check(err)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		ts.Check(err)
		_, err = statements(strings.TrimSuffix(script, ".sql")+".sqlite", string(text))
		ts.Check(err)
	}
}

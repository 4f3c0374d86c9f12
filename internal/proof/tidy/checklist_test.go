package tidy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryTestThatTheChecklistNamesIsThere(t *testing.T) {
	found, err := checklist("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func TestAWrongNameInTheChecklistIsFound(t *testing.T) {
	root := t.TempDir()
	page := "# The checklist\n\n| feature | shown by |\n|---|---|\n"
	write := func(name, content string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/a_test.go", "package a\n\nfunc TestThere(t *testing.T) {}\n")
	write(stories+"/there.txtar", "")
	for n := range behavioursToShow {
		if n != 6 {
			write(behaviours+"/b"+string(rune('0'+(n+1)/10))+string(rune('0'+(n+1)%10))+"-there.txt", "")
		}
		if n != 7 {
			page += "| b | is | `b" + string(rune('0'+(n+1)/10)) + string(rune('0'+(n+1)%10)) + "-there.txt` |\n"
		}
	}
	page += "| fine | is | `a: TestThere`, `there.txtar` |\n| fine | not built | |\n" +
		"| wrong | is | `a: TestGone` |\n| wrong | is | `gone.txtar` |\n| wrong | is | `gone.txt` |\n| wrong | is | `TestThere` |\n| wrong | is | |\n"
	write(checklistPage, page)
	found, err := checklist(root)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{
		"has no test TestGone", stories + " has no gone.txtar", behaviours + " has no gone.txt", "TestThere is neither", "names no test",
		"behaviour b07- has no file", "has no b07-there.txt", "does not name b08-there.txt",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not said", want)
		}
	}
	if len(found) != 8 {
		t.Errorf("there are %d faults:\n%s", len(found), all)
	}
}

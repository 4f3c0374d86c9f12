package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// commandNamed is a command within a line of prose.
	commandNamed = regexp.MustCompile("`(provisor [a-z][^`]*)`")
	// inScript is a command in an example, behind a prompt of another user.
	inScript = regexp.MustCompile(`^(?:sudo -u provisor )?(?:ExecStart=/usr/local/bin/)?(provisor [a-z].*)$`)
)

// commandsIn lists the command lines of a document or a unit, with their lines.
func commandsIn(text string) map[string]int {
	found := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		if m := inScript.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			found[m[1]] = i + 1
		}
		for _, m := range commandNamed.FindAllStringSubmatch(line, -1) {
			found[m[1]] = i + 1
		}
	}
	return found
}

// understood says what the program does not understand of a command line: its
// command and its flags, not what they are given.
func understood(t *testing.T, line string) string {
	t.Helper()
	words := []string{}
	for _, word := range wordsOf(line) {
		if strings.HasPrefix(word, "#") || strings.ContainsAny(word, "|>") {
			break // a comment, or another program
		}
		words = append(words, strings.TrimRight(word, ",;"))
	}
	var out output
	r := &reader{t: t, ctx: t.Context()}
	if code := r.program(&out, append(words, "--help")); code != 0 {
		return out.String()
	}
	command := []string{"provisor"}
	for _, word := range words[1:] {
		if word == strings.ToLower(word) && !strings.HasPrefix(word, "-") && len(command) < 3 {
			command = append(command, word)
		}
	}
	// A command that is none shows the help of the one above.
	if len(command) > 1 && !strings.Contains(out.String(), strings.Join(command[:2], " ")) {
		return "there is no command " + strings.Join(command, " ")
	}
	return ""
}

func TestEveryCommandThatADocumentNamesIsUnderstood(t *testing.T) {
	root, commands := "../..", 0
	for _, place := range []string{"README.md", "docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, place), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".md" && filepath.Ext(name) != ".service" || strings.Contains(filepath.ToSlash(name), "docs/decisions/") {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for line, at := range commandsIn(string(text)) {
				commands++
				if why := understood(t, line); why != "" {
					t.Errorf("%s:%d: %s: %s", name, at, line, why)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if commands < 150 {
		t.Errorf("%d commands were found", commands)
	}
}

func TestACommandThatIsNoneIsFound(t *testing.T) {
	for _, line := range []string{"provisor ordr list", "provisor order list --colour", "provisor serve --port 80"} {
		if understood(t, line) == "" {
			t.Errorf("%s is understood", line)
		}
	}
	if why := understood(t, "provisor order approve 7 --as E00005 --why \"works in Finance\" --dir larkfield"); why != "" {
		t.Error(why)
	}
	if found := commandsIn("x `provisor run` y\nsudo -u provisor provisor apply --dir x\nExecStart=/usr/local/bin/provisor serve\n"); len(found) != 3 {
		t.Errorf("found are %v", found)
	}
}

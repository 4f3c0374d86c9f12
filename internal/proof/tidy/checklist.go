package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Where the checklist stands, and where the tests that it names.
const (
	checklistPage = "docs/model/checklist.md"
	behaviours    = "internal/proof/behaviour/testdata"
	stories       = "cmd/provisor/testdata/script"
)

// behavioursToShow is how many numbered behaviours there are: each has a file.
const behavioursToShow = 15

var quotedName = regexp.MustCompile("`([^`]+)`")

// checklist reads the page that says which test shows what, and returns what is
// wrong with it: a test that is not there, a line that neither names one nor says
// why there is none, a numbered behaviour without a file or not on the page.
func checklist(root string) ([]string, error) {
	page, err := os.ReadFile(filepath.Join(root, checklistPage))
	if err != nil {
		return nil, err
	}
	var found []string
	for i, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 3 || strings.HasPrefix(line, "|---") || strings.HasSuffix(line, "| shown by |") {
			continue
		}
		names := quotedName.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(names) == 0 && !strings.Contains(line, "not built") && !strings.Contains(line, "not part of it") {
			found = append(found, fmt.Sprintf("%s:%d: the line names no test", checklistPage, i+1))
		}
		for _, name := range names {
			if why := missingTest(root, name[1]); why != "" {
				found = append(found, fmt.Sprintf("%s:%d: %s", checklistPage, i+1, why))
			}
		}
	}
	return append(found, unnumbered(root, string(page))...), nil
}

// missingTest says why a name leads to no test.
func missingTest(root, name string) string {
	folder, test, isGo := strings.Cut(name, ": ")
	switch {
	case isGo:
		files, _ := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "func "+test+"(") {
				return ""
			}
		}
		return folder + " has no test " + test
	case strings.HasSuffix(name, ".txtar"):
		folder = stories
	case strings.HasSuffix(name, ".txt"):
		folder = behaviours
	default:
		return name + " is neither a behaviour, a story nor FOLDER: TEST"
	}
	if _, err := os.Stat(filepath.Join(root, folder, name)); err != nil {
		return folder + " has no " + name
	}
	return ""
}

// unnumbered finds numbered behaviours without a file, and files that the page
// does not name.
func unnumbered(root, page string) (found []string) {
	for n := range behavioursToShow {
		number := fmt.Sprintf("b%02d-", n+1)
		files, _ := filepath.Glob(filepath.Join(root, behaviours, number+"*.txt"))
		if len(files) == 0 {
			found = append(found, "behaviour "+number+" has no file")
		}
		for _, file := range files {
			if name := filepath.Base(file); !strings.Contains(page, "`"+name+"`") {
				found = append(found, checklistPage+" does not name "+name)
			}
		}
	}
	return found
}

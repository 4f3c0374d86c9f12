package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/stage/declare"
)

const connectPages = "../../docs/connect"

// settingLine is a setting in a table of docs/connect.
var settingLine = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|([^|]*)\\|")

// lacks says what a page does not tell of a package, or tells that it has not.
func lacks(page string, p connector.Package) (faults []string) {
	if !strings.Contains(page, "Class "+string(p.Class)+":") {
		faults = append(faults, "its class is "+string(p.Class))
	}
	_, table, _ := strings.Cut(page, "## Settings")
	table, _, _ = strings.Cut(table, "\n## ")
	told := map[string]string{}
	for _, m := range settingLine.FindAllStringSubmatch(table, -1) {
		told[m[1]] = strings.TrimSpace(m[2])
	}
	for _, s := range p.Settings {
		first, there := told[s.Name]
		switch {
		case !there:
			faults = append(faults, "the setting "+s.Name+" is missing")
		case s.Required != (first == "required"):
			faults = append(faults, s.Name+" is said to be "+first)
		case s.Default != "" && !strings.Contains(first, s.Default):
			faults = append(faults, s.Name+" has the default "+s.Default+", not "+first)
		}
		delete(told, s.Name)
	}
	for name := range told {
		faults = append(faults, "there is no setting "+name)
	}
	for _, s := range p.From {
		if !strings.Contains(table, "`"+s.Name+"`") {
			faults = append(faults, "the key "+s.Name+" of from is missing")
		}
	}
	return faults
}

func TestEachConnectorPackageHasAPageThatTellsItAll(t *testing.T) {
	overview, err := os.ReadFile(filepath.Join(connectPages, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages() {
		page, err := os.ReadFile(filepath.Join(connectPages, p.Name+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, fault := range lacks(string(page), p) {
			t.Errorf("docs/connect/%s.md: %s", p.Name, fault)
		}
		line := regexp.MustCompile(`(?m)^\| \[` + p.Name + `\]\(` + p.Name + `\.md\) .*\| ` + string(p.Class) + ` \|$`)
		if !line.Match(overview) {
			t.Errorf("docs/connect/README.md does not list %s with its class %s", p.Name, p.Class)
		}
	}
}

func TestAPageThatTellsTooLittleOrTooMuchIsFound(t *testing.T) {
	page := "Class A: it.\n## Settings\n| setting | default | meaning |\n|---|---|---|\n| `url` | required | x |\n| `gone` | | x |\n| `size` | `5` | x |\n## Example\n`late`\n"
	p := connector.Package{Class: connector.ReadsBack, Settings: []connector.Setting{
		{Name: "url"}, {Name: "size", Default: "500"}, {Name: "late"},
	}, From: []connector.Setting{{Name: "objects"}}}
	found := strings.Join(lacks(page, p), "\n")
	for _, want := range []string{"its class is C", "url is said to be required", "size has the default 500", "the setting late is missing", "there is no setting gone", "the key objects of from"} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not found in\n%s", want, found)
		}
	}
}

func TestEveryExampleOfAConnectorLoads(t *testing.T) {
	for _, p := range packages() {
		page, err := os.ReadFile(filepath.Join(connectPages, p.Name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		examples := 0
		for _, b := range blocks(string(page)) {
			if b.language != "yaml" {
				continue
			}
			examples++
			if _, err := declare.Load(declare.Files{p.Name + ".yaml": []byte(b.text)}, packages()); err != nil {
				t.Errorf("docs/connect/%s.md:%d: %v", p.Name, b.line, err)
			}
		}
		if examples == 0 {
			t.Errorf("docs/connect/%s.md has no example", p.Name)
		}
	}
}

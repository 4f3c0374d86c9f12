package tidy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryLinkBetweenDocumentsLeadsSomewhere(t *testing.T) {
	found, err := deadLinks("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func TestEveryDocumentHasOneTitle(t *testing.T) {
	all, err := documents("../../..")
	if err != nil || len(all) < 40 {
		t.Fatalf("%d documents: %v", len(all), err)
	}
	for name, text := range all {
		titles := 0
		for _, line := range outsideCode(text) {
			if strings.HasPrefix(line.text, "# ") {
				titles++
			}
		}
		if titles != 1 {
			t.Errorf("%s has %d titles", name, titles)
		}
	}
}

func TestADeadLinkIsFound(t *testing.T) {
	root := t.TempDir()
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
	write("a.md", "# One, two\n[b](d/b.md) [there](d/b.md#a-place) [here](#one-two) [other](https://example.org/x)\n```\n[example](gone.md)\n# no-heading\n```\n"+
		"[gone](d/gone.md) [lost](d/b.md#nowhere) [code](#no-heading)\n![picture](d/gone.png)\n")
	write("d/b.md", "## A place\n[up](../a.md)\n")
	found, err := deadLinks(root)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{"a.md:7: d/gone.md is not there", "d/b.md has no heading #nowhere", "a.md has no heading #no-heading", "a.md:8: d/gone.png is not there"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not said", want)
		}
	}
	if len(found) != 4 {
		t.Errorf("found are\n%s", all)
	}
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryFuzzTestIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/b/x_test.go":        "package b\nfunc FuzzOne(f *testing.F) {}\nfunc TestTwo(t *testing.T) {}\n",
		"x_test.go":            "package x\nfunc FuzzThree(f *testing.F) {}\nfunc (x y) FuzzNone(f *testing.F) {}\n",
		"a/x.go":               "package a\nfunc FuzzNone(f *testing.F) {}\n",
		"a/testdata/x_test.go": "package a\nfunc FuzzNone(f *testing.F) {}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := find(dir)
	if want := []target{{".", "FuzzThree"}, {"a/b", "FuzzOne"}}; err != nil || !slices.Equal(list, want) {
		t.Errorf("%v, %v", list, err)
	}
	ours, err := find(filepath.Join("..", "..", ".."))
	if err != nil || !slices.Contains(ours, target{"internal/stage/declare", "FuzzLoad"}) || !slices.Contains(ours, target{"connector/csvfile", "FuzzReading"}) {
		t.Errorf("%v, %v", ours, err)
	}
}

func TestEveryFuzzTestIsNamedInTheDocuments(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	document, err := os.ReadFile(filepath.Join(root, "docs", "operate", "findings.md"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := find(root)
	if err != nil {
		t.Fatal(err)
	}
	if list := unnamed(append(ours, target{"value", "FuzzPlanted"}), string(document)); !slices.Equal(list, []target{{"value", "FuzzPlanted"}}) {
		t.Errorf("docs/operate/findings.md does not name %v", list)
	}
}

// unnamed lists those that no line of a text names with their folder.
func unnamed(targets []target, text string) (list []target) {
	for _, x := range targets {
		if !slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool {
			return strings.Contains(line, "`"+x.name+"`") && strings.Contains(line, "`"+x.folder+"`")
		}) {
			list = append(list, x)
		}
	}
	return list
}

func TestOneThatFailsKeepsNoOtherFromItsTurn(t *testing.T) {
	tried := 0
	err := all([]target{{"a", "FuzzOne"}, {"b", "FuzzTwo"}, {"c", "FuzzThree"}}, func(x target) error {
		tried++
		if x.folder == "b" {
			return errors.New("it crashed")
		}
		return nil
	})
	if tried != 3 || err == nil || !strings.Contains(err.Error(), "FuzzTwo in b: it crashed") || strings.Contains(err.Error(), "FuzzOne") {
		t.Errorf("%d were tried: %v", tried, err)
	}
}

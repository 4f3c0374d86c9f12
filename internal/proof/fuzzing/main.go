// Command fuzzing gives every fuzz test of the tree what it does not expect, for a
// while each and one after the other. It reads the files to find them, so that none
// is forgotten, goes on after one that failed, and exits 1 when any did. What it
// finds lies in the testdata of the package, where every test run plays it again.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// eachMinutes is how long one is tried where nothing else is said.
const eachMinutes = 1

func main() {
	each := eachMinutes * time.Minute
	if len(os.Args) > 1 {
		var err error
		if each, err = time.ParseDuration(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "usage: fuzzing [TIME-FOR-EACH], such as 10m")
			os.Exit(2)
		}
	}
	targets, err := find(".")
	if err == nil {
		err = all(targets, func(x target) error { return x.run(each) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzing:", err)
		os.Exit(1)
	}
}

// A target is one fuzz test.
type target struct {
	folder, name string // the folder with slashes, from the root
}

// find lists all fuzz tests below a folder.
func find(root string) (list []target, err error) {
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				list = append(list, target{filepath.ToSlash(folder), f.Name.Name})
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b target) int { return cmp.Or(cmp.Compare(a.folder, b.folder), cmp.Compare(a.name, b.name)) })
	return list, err
}

// all tries each and tells of those that failed.
func all(targets []target, try func(target) error) error {
	var failed []error
	for i, x := range targets {
		fmt.Printf("%d of %d: %s in %s\n", i+1, len(targets), x.name, x.folder)
		if err := try(x); err != nil {
			failed = append(failed, fmt.Errorf("%s in %s: %w", x.name, x.folder, err))
		}
	}
	return errors.Join(failed...)
}

func (x target) run(long time.Duration) error {
	cmd := exec.Command("go", "test", "./"+x.folder, "-run", "^$", "-fuzz", "^"+x.name+"$", "-fuzztime", long.String(),
		"-fuzzminimizetime", "1s", // making what is merely new shorter takes the time of what is unknown
		"-timeout", "0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

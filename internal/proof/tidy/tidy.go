// Package tidy keeps the house as ARCHITECTURE.md draws it: which package may
// import which, what packages are called, how long files and functions are,
// where clock and chance may stand, and that each word of the domain is in the
// glossary. It reads the files itself, because the answer of `go list` is cached
// with a test that did not open them. Only its own test calls it.
package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is the path under which the tree is imported.
const module = "provisor.dev/provisor"

// The lengths that a person reads in one go.
const (
	fileLines     = 600
	functionLines = 80
	templateLines = 300
)

// floors say where a package stands: the longest prefix of its folder decides.
// "/*" stands for the packages below and not the folder itself.
var floors = []struct{ folder, floor string }{
	{"value", "ground"}, {"secret", "ground"}, {"fault", "ground"}, {"client", "client"},
	{"connector", "connector"}, {"connector/internal", "groundwork"}, {"connector/connectortest", "suite"}, {"connector/*", "package"},
	{"internal/domain", "domain"}, {"internal/expression", "expression"},
	{"internal/stage", "words"}, {"internal/stage/*", "stage"},
	{"internal/view", "view"}, {"internal/plan", "plan"}, {"internal/explain", "plan"},
	{"internal/store", "store"}, {"internal/surface", "surface"}, {"internal/process", "process"},
	{"internal/proof", "proof"}, {"cmd", "cmd"}, {"docs", "docs"},
}

// may says which floors a floor may import, itself included where it is named.
var may = map[string]string{
	"ground":     "ground",
	"client":     "ground",
	"connector":  "ground",
	"groundwork": "ground connector groundwork",
	"suite":      "ground connector suite",
	"package":    "ground connector groundwork",
	"domain":     "ground domain",
	"expression": "ground domain expression",
	"words":      "ground connector domain expression",
	"stage":      "ground connector domain expression words",
	"view":       "ground domain view",
	"plan":       "ground connector domain expression words stage view plan",
	"store":      "ground connector domain words stage view plan store",
	"docs":       "docs",
	"surface":    "ground client connector domain words stage view plan surface docs",
	"process":    "ground connector package groundwork suite domain expression words stage view plan store surface process",
	"cmd":        "ground connector package domain process surface",
}

// besides are imports that stand outside the floors, each with its reason.
var besides = map[string]string{
	// The wiring hands values of these through to the command line.
	"cmd/provisor": "internal/view internal/plan internal/stage/declare internal/stage/synchronize internal/stage/evaluate internal/stage/generate internal/stage/fulfil internal/stage/verify internal/stage/review internal/stage internal/store/statement",
}

// drawers are names that promise nothing.
var drawers = regexp.MustCompile(`(^|/)(utils?|common|helpers?|manager|types|models|base|misc|shared|core)$`)

// A source is one Go file of the tree.
type source struct {
	name   string // from the root, with slashes
	folder string
	text   string
	file   *ast.File
	fset   *token.FileSet
}

func (s source) test() bool      { return strings.HasSuffix(s.name, "_test.go") }
func (s source) generated() bool { return ast.IsGenerated(s.file) }

// read parses every Go file below the root but for test data.
func read(root string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "demo" && filepath.Dir(name) == root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s := source{name: filepath.ToSlash(rel), text: string(content), fset: token.NewFileSet()}
		s.folder = path.Dir(s.name)
		if s.file, err = parser.ParseFile(s.fset, s.name, content, parser.ParseComments); err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	return all, err
}

// floorOf is where a package stands, "" for nowhere.
func floorOf(folder string) string {
	best, floor := -1, ""
	for _, f := range floors {
		prefix, below := strings.CutSuffix(f.folder, "/*")
		if folder == prefix && !below || strings.HasPrefix(folder, prefix+"/") {
			rank := 2 * len(prefix)
			if below {
				rank++
			}
			if rank > best {
				best, floor = rank, f.floor
			}
		}
	}
	return floor
}

// faults lists everything that is wrong with the tree.
func faults(root string) ([]string, error) {
	sources, err := read(root)
	if err != nil {
		return nil, err
	}
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	documented, packages := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		packages[s.folder] = packages[s.folder] || !s.test()
		documented[s.folder] = documented[s.folder] || s.file.Doc != nil && !s.test()
		imports(s, say)
		lengths(s, say)
		purity(s, say)
	}
	for folder, code := range packages {
		switch {
		case code && !documented[folder]:
			say("%s: the package has no comment that says what it is", folder)
		case floorOf(folder) == "":
			say("%s: the package stands on no floor of ARCHITECTURE.md", folder)
		}
		if drawers.MatchString(folder) {
			say("%s: the name promises nothing", folder)
		}
		if std[path.Base(folder)] {
			say("%s: the name is one of the standard library's", folder)
		}
	}
	glossary(root, sources, say)
	if err := templates(root, say); err != nil {
		return nil, err
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// std are names of the standard library that a reader would take for it.
var std = map[string]bool{
	"sync": true, "context": true, "errors": true, "time": true, "plugin": true, "http": true, "sql": true, "csv": true, "json": true,
	"testing": true, "log": true, "path": true, "sort": true, "os": true, "io": true, "net": true, "text": true, "expvar": true,
}

func imports(s source, say func(string, ...any)) {
	from := floorOf(s.folder)
	if s.test() || from == "proof" {
		return // tests wire what they like
	}
	for _, spec := range s.file.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		folder, ours := strings.CutPrefix(target, module+"/")
		at := s.fset.Position(spec.Pos())
		switch {
		case !ours && strings.Contains(target, ".") && (from == "domain" || from == "ground"):
			say("%s: the ground floor imports %s; it may use the standard library alone", at, target)
		case strings.HasPrefix(target, "github.com/riverqueue/") && s.folder != "internal/process/jobs":
			say("%s: only internal/process/jobs imports River; others ask it to do something due", at)
		case !ours, slices.Contains(strings.Fields(besides[s.folder]), folder):
		case floorOf(folder) == "proof":
			say("%s: nothing may import proof", at)
		case floorOf(folder) == from && !slices.Contains(strings.Fields(may[from]), from):
			if folder != s.folder {
				say("%s: %s imports its neighbour %s; they meet in the store", at, s.folder, folder)
			}
		case !slices.Contains(strings.Fields(may[from]), floorOf(folder)):
			say("%s: %s (%s) may not import %s (%s)", at, s.folder, from, folder, floorOf(folder))
		}
	}
}

func lengths(s source, say func(string, ...any)) {
	if s.generated() {
		return
	}
	if n := strings.Count(s.text, "\n"); n > fileLines {
		say("%s: %d lines; a file fits a sitting, %d", s.name, n, fileLines)
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > functionLines {
			say("%s: %s has %d lines; a function fits a screen, %d", s.fset.Position(f.Pos()), f.Name.Name, n, functionLines)
		}
	}
}

// templates holds the pages' templates to their length; the code made from them is exempt.
func templates(root string, say func(string, ...any)) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".templ" {
			return err
		}
		content, err := os.ReadFile(name)
		if n := strings.Count(string(content), "\n"); n > templateLines {
			say("%s: %d lines; a template fits a sitting, %d", name, n, templateLines)
		}
		return err
	})
}

var (
	clock   = regexp.MustCompile(`\btime\.Now\(\)|\brand\.(Int|N|Float|New|Perm|Shuffle)`)
	left    = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	machine = regexp.MustCompile(`"/(root|work)/`)
)

// purity finds clock and chance where they do not belong, and what was left behind.
func purity(s source, say func(string, ...any)) {
	floor := floorOf(s.folder)
	for i, line := range strings.Split(s.text, "\n") {
		code, _, _ := strings.Cut(line, "//")
		at := fmt.Sprintf("%s:%d", s.name, i+1)
		if !s.test() && clock.MatchString(code) && !slices.Contains([]string{"process", "cmd", "proof", "suite", "groundwork"}, floor) {
			say("%s: clock or chance is not handed in", at)
		}
		if s.folder == "internal/proof/tidy" {
			continue // it names what it looks for
		}
		if left.MatchString(line) {
			say("%s: something was left to be done", at)
		}
		if machine.MatchString(code) {
			say("%s: a path of somebody's machine", at)
		}
	}
}

// glossary holds every exported type of the domain to the glossary.
func glossary(root string, sources []source, say func(string, ...any)) {
	content, err := os.ReadFile(filepath.Join(root, "GLOSSARY.md"))
	if err != nil {
		say("GLOSSARY.md: %v", err)
		return
	}
	words, not := map[string]bool{}, map[string]bool{}
	for _, line := range strings.Split(string(content), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for _, w := range regexp.MustCompile(`\w+`).FindAllString(cells[0], -1) {
			words[strings.ToLower(w)] = true
		}
		if len(cells) > 2 {
			for _, w := range strings.Split(cells[2], ",") {
				not[strings.ToLower(strings.TrimSpace(w))] = true
			}
		}
	}
	for _, s := range sources {
		if s.test() || floorOf(s.folder) != "domain" {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				name := spec.(*ast.TypeSpec).Name.Name
				word := strings.ToLower(name)
				known := words[word] || words[strings.ToLower(strings.TrimSuffix(name, "ID"))] || words[strings.ToLower(strings.TrimSuffix(name, "Name"))]
				switch {
				case !ast.IsExported(name):
				case not[word]:
					say("%s: %s is a word that GLOSSARY.md has another for", s.fset.Position(spec.Pos()), name)
				case !known:
					say("%s: %s is not in GLOSSARY.md", s.fset.Position(spec.Pos()), name)
				}
			}
		}
	}
}

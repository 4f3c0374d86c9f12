package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A report is what the checker says.
type report struct {
	// Errors are by file: what could not be read, and explanations that are none.
	Errors map[string][]struct {
		Line  int    `json:"line"`
		Error string `json:"error"`
	} `json:"Golang errors"`
	Issues []issue
}

// An issue is one finding.
type issue struct {
	Rule         string `json:"rule_id"`
	What         string `json:"details"`
	File         string `json:"file"`
	Line         string `json:"line"` // "12" or "12-14"
	Suppressions []struct {
		Kind string `json:"kind"`
	} `json:"suppressions"`
}

// errors is what the checker could not do.
func (r report) errors() (list []string) {
	for _, file := range slices.Sorted(maps.Keys(r.Errors)) {
		for _, e := range r.Errors[file] {
			list = append(list, fmt.Sprintf("%s:%d: %s", file, e.Line, e.Error))
		}
	}
	return list
}

// lines are the first and the last line of a finding.
func (i issue) lines() (first, last int) {
	a, b, _ := strings.Cut(i.Line, "-")
	first, _ = strconv.Atoi(a) // the checker's own numbers
	last, _ = strconv.Atoi(cmp.Or(b, a))
	return first, last
}

// An explanation says why findings of a rule stand where it stands.
type explanation struct {
	file string
	line int
	rule string
}

// beside reports whether it stands at a finding: in its lines, or in the one above.
// One at the head of a function would also explain what is written there tomorrow.
func (x explanation) beside(i issue) bool {
	first, last := i.lines()
	return x.rule == i.Rule && x.file == i.File && first-1 <= x.line && x.line <= last
}

var (
	explains = regexp.MustCompile(`(?m)^(?://|/\*)?\s*(?:#nosec|gosec:disable)\b([^\n]*)`)
	rules    = regexp.MustCompile(`G[0-9]{3}`)
	wants    = regexp.MustCompile(`want (G[0-9]{3})`)
)

// explanations reads those of the Go files of folders, and what is planted there:
// lines that say that a rule must find something in them.
func explanations(folders []string) (said, wanted []explanation, err error) {
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue // no part of the binary
			}
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
			if err != nil {
				return nil, nil, err
			}
			for _, group := range tree.Comments {
				for _, c := range group.List {
					at := explanation{file: file, line: fset.Position(c.Pos()).Line}
					said = append(said, at.of(explains, c)...)
					if strings.HasSuffix(filepath.ToSlash(folder), planted) {
						wanted = append(wanted, at.of(wants, c)...)
					}
				}
			}
		}
	}
	return said, wanted, nil
}

// of is one explanation for each rule that a comment names.
func (x explanation) of(pattern *regexp.Regexp, c *ast.Comment) (list []explanation) {
	m := pattern.FindStringSubmatch(c.Text)
	if m == nil {
		return nil
	}
	named, _, _ := strings.Cut(m[1], "--") // behind it stands the reason
	for _, rule := range rules.FindAllString(named, -1) {
		list = append(list, explanation{x.file, x.line, rule})
	}
	return list
}

// judge holds findings and explanations to each other, in both directions.
func judge(found report, said, wanted []explanation) (faults []string) {
	at := func(list []explanation, i issue) bool {
		return slices.ContainsFunc(list, func(x explanation) bool { return x.beside(i) })
	}
	for _, i := range found.Issues {
		switch explained := len(i.Suppressions) > 0; {
		case !explained && !at(wanted, i):
			faults = append(faults, fmt.Sprintf("%s:%s: %s: %s. Mend it, or say in this line why it stands: // #nosec %s -- ...", i.File, i.Line, i.Rule, i.What, i.Rule))
		case explained && !at(said, i):
			faults = append(faults, fmt.Sprintf("%s:%s: %s is explained from a distance. Put the explanation into this line.", i.File, i.Line, i.Rule))
		}
	}
	meets := func(x explanation) bool { return slices.ContainsFunc(found.Issues, x.beside) }
	for _, x := range said {
		if !meets(x) {
			faults = append(faults, fmt.Sprintf("%s:%d: %s is explained and not found here. Take the explanation out.", x.file, x.line, x.rule))
		}
	}
	for _, x := range wanted {
		if !meets(x) {
			faults = append(faults, fmt.Sprintf("%s:%d: %s is planted here and not found: the checker does not work.", x.file, x.line, x.rule))
		}
	}
	return faults
}

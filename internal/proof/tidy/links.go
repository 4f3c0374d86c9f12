package tidy

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.*?) *#*$`)
	fence   = regexp.MustCompile("^ *```")
)

// documents reads every Markdown file below the root.
func documents(root string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "demo" && filepath.Dir(name) == root) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all[filepath.ToSlash(rel)] = string(content)
		return err
	})
	return all, err
}

// deadLinks lists the links of documents that lead to no file, or to no heading
// of one.
func deadLinks(root string) ([]string, error) {
	all, err := documents(root)
	if err != nil {
		return nil, err
	}
	var found []string
	for name, text := range all {
		for _, line := range outsideCode(text) {
			for _, m := range link.FindAllStringSubmatch(line.text, -1) {
				if why := dead(root, all, name, m[1]); why != "" {
					found = append(found, fmt.Sprintf("%s:%d: %s", name, line.number, why))
				}
			}
		}
	}
	return found, nil
}

// dead says why a link leads nowhere; "": it does lead somewhere.
func dead(root string, all map[string]string, from, to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to + " is no address"
	}
	if u.IsAbs() {
		return "" // another site's
	}
	target := from
	if u.Path != "" {
		target = path.Join(path.Dir(from), u.Path)
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil || info.IsDir() && u.Fragment != "" {
			return to + " is not there"
		}
	}
	text, document := all[target]
	if u.Fragment != "" && (!document || !anchors(text)[u.Fragment]) {
		return target + " has no heading #" + u.Fragment
	}
	return ""
}

type documentLine struct {
	number int
	text   string
}

// outsideCode are the lines of a document that are no example.
func outsideCode(text string) (lines []documentLine) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case fence.MatchString(line):
			inside = !inside
		case !inside:
			lines = append(lines, documentLine{i + 1, line})
		}
	}
	return lines
}

// anchors are what the headings of a document are called in addresses.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, line := range outsideCode(text) {
		m := heading.FindStringSubmatch(line.text)
		if m == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		for n, base := 1, name; all[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		all[name] = true
	}
	return all
}

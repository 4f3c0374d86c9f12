// Command advisories looks for known vulnerabilities in what the binary is built
// of. It lays the public database of the Go project down beside it, which comes as a
// module like everything else, and asks govulncheck, which follows the calls: only
// what can be reached counts. It needs no other network than that of the modules,
// and leaves nothing behind.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The checker is pinned; the database is the newest that is to be had.
const (
	checker  = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
	database = "golang.org/x/vulndb@latest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "advisories:", err)
		os.Exit(1)
	}
}

func run(packages []string) error {
	from, err := fetch()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "advisories")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	n, err := lay(dir, filepath.Join(from.Dir, "data", "osv"), time.Now())
	if err != nil {
		return err
	}
	fmt.Printf("%d advisories, of %s\n", n, from.Version)
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	cmd := exec.Command("go", append([]string{"run", checker, "-db", "file://" + filepath.ToSlash(dir)}, packages...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// module is what the go command says of one that it fetched.
type module struct{ Version, Dir, Error string }

func fetch() (m module, err error) {
	cmd := exec.Command("go", "mod", "download", "-json", database)
	cmd.Dir = os.TempDir() // outside of any module, so that none changes
	cmd.Stderr = os.Stderr
	out, failed := cmd.Output()
	if err := json.Unmarshal(out, &m); err != nil && failed == nil {
		return m, err
	}
	if m.Dir == "" {
		return m, fmt.Errorf("%s cannot be had: %s", database, m.Error)
	}
	return m, nil
}

// advisory is what the index needs of one.
type advisory struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"affected"`
}

// A listed module is a line of the database's index.
type listed struct {
	Path  string  `json:"path"`
	Vulns []entry `json:"vulns"`
}

type entry struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
}

// lay writes the advisories of a folder as the database that govulncheck reads, and
// says how many there are.
func lay(dir, from string, now time.Time) (int, error) {
	files, err := filepath.Glob(filepath.Join(from, "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no advisory", from)
	}
	if err != nil {
		return 0, err
	}
	for _, sub := range []string{"ID", "index"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return 0, err
		}
	}
	of := map[string][]entry{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		var a advisory
		if err := json.Unmarshal(text, &a); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "ID", a.ID+".json"), text, 0o644); err != nil {
			return 0, err
		}
		for _, x := range a.Affected {
			e := entry{a.ID, a.Modified}
			if list := of[x.Package.Name]; !slices.Contains(list, e) {
				of[x.Package.Name] = append(list, e)
			}
		}
	}
	index := make([]listed, 0, len(of))
	for path, vulns := range of {
		index = append(index, listed{path, vulns})
	}
	slices.SortFunc(index, func(a, b listed) int { return strings.Compare(a.Path, b.Path) })
	if err := write(filepath.Join(dir, "index", "modules.json"), index); err != nil {
		return 0, err
	}
	return len(files), write(filepath.Join(dir, "index", "db.json"), map[string]time.Time{"modified": now.UTC()})
}

func write(name string, x any) error {
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// Command testrun is `make test`: it installs the servers that the tests need,
// runs every part against them, goes on after a part that failed, and prints
// what each part took. It exits 1 when anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A part is a stretch of the run with a budget in minutes on two cores, of
// which the table at the end tells.
type part struct {
	name     string
	minutes  int
	packages []string // patterns; those of other parts are left out
	timeout  string
}

// parts are run in this order. A package that no part names belongs to "unit".
var parts = []part{
	{"simulation", 5, []string{"internal/proof/sim", "internal/proof/incremental"}, "10m"},
	{"real servers", 5, []string{"connector/ldap", "connector/sqldb", "connector/internal", "connector/connectortest", "internal/store/postgres", "internal/proof/directory", "internal/proof/messages", "internal/process"}, "15m"},
	{"browser", 5, []string{"internal/proof/browser"}, "15m"},
	{"stories", 4, []string{"cmd/"}, "10m"},
}

// needed are the programs that the tests start, and the Debian packages that
// bring them.
var needed = []struct{ program, pkg string }{
	{"/usr/sbin/slapd", "slapd"},
	{"/usr/bin/ldapsearch", "ldap-utils"},
	{"/usr/lib/postgresql/*/bin/postgres", "postgresql"},
	{"/usr/bin/chromium", "chromium"},
	{"/usr/bin/aiosmtpd", "python3-aiosmtpd"},
	{"/usr/bin/systemd-analyze", "systemd"},
}

func main() {
	t := &table{}
	failed := t.run("install", 4, install)
	if failed {
		t.print()
		os.Exit(1)
	}
	t.run("compile", 6, func() error { return show("go", "vet", "./...") })
	byPart, err := sort()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t.run("unit and property", 3, func() error { return t.test(byPart["unit"], "10m") })
	for _, p := range parts {
		t.run(p.name, p.minutes, func() error { return t.test(byPart[p.name], p.timeout) })
	}
	t.print()
	if t.failed > 0 || t.broken {
		os.Exit(1)
	}
}

// install brings what is missing, on Debian as root; otherwise it says in one
// line what is missing and how to get it.
func install() error {
	var missing []string
	for _, n := range needed {
		if !there(n.program) {
			missing = append(missing, n.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	command := "apt-get install --no-install-recommends " + strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New("the tests need servers that are not installed; as root: " + command)
	}
	// A package that starts its own daemon would only be in the way.
	const policy = "/usr/sbin/policy-rc.d"
	if _, err := os.Stat(policy); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
			return err
		}
		defer func() { _ = os.Remove(policy) }()
	}
	if err := os.Setenv("DEBIAN_FRONTEND", "noninteractive"); err != nil {
		return err
	}
	if err := show("apt-get", "-q", "update"); err != nil {
		return err
	}
	args := append([]string{"-q", "-y", "-o", "DPkg::Lock::Timeout=600", "--no-install-recommends", "install"}, missing...)
	if err := show("apt-get", args...); err != nil {
		return fmt.Errorf("%w; install by hand: %s", err, command)
	}
	return nil
}

func there(pattern string) bool {
	found, err := exec.Command("sh", "-c", "ls "+pattern).Output()
	return err == nil && len(found) > 0
}

// show runs a command and prints what it says when it fails.
func show(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// sort assigns each package to its part.
func sort() (map[string][]string, error) {
	out, err := exec.Command("go", "list", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	byPart := map[string][]string{}
	for _, pkg := range strings.Fields(string(out)) {
		name := "unit"
		for _, p := range parts {
			for _, prefix := range p.packages {
				if strings.Contains(pkg+"/", "/"+strings.TrimSuffix(prefix, "/")+"/") {
					name = p.name
				}
			}
		}
		byPart[name] = append(byPart[name], pkg)
	}
	return byPart, nil
}

// table is what the run prints at its end.
type table struct {
	rows                    []string
	total                   time.Duration
	passed, failed, skipped int
	broken                  bool
}

func (t *table) run(name string, minutes int, do func() error) (failed bool) {
	fmt.Printf("== %s\n", name)
	began := time.Now()
	err := do()
	took := time.Since(began)
	t.total += took
	verdict := "ok"
	if err != nil {
		verdict, t.broken = "FAILED", true
		fmt.Println(err)
	}
	t.rows = append(t.rows, fmt.Sprintf("%-18s %-7s %8s  of %2d min", name, verdict, took.Round(time.Second), minutes))
	return err != nil
}

// event is what `go test -json` prints.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// test runs packages and prints a line for each; of a failing test, everything.
func (t *table) test(packages []string, timeout string) error {
	if len(packages) == 0 {
		return nil
	}
	// -count=1: a cached answer would keep the simulation from looking at new worlds.
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-timeout", timeout}, packages...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said := map[string]*strings.Builder{}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // the compiler speaks plainly
			continue
		}
		t.take(e, said)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return lines.Err()
}

func (t *table) take(e event, said map[string]*strings.Builder) {
	name := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if said[name] == nil {
			said[name] = &strings.Builder{}
		}
		said[name].WriteString(e.Output)
		if note, ok := strings.CutPrefix(e.Output, "note: "); ok {
			fmt.Print(note) // what a test says although it passes, such as its seeds
		}
	case "fail":
		if e.Test != "" {
			t.failed++
		}
		if b := said[name]; b != nil {
			fmt.Print(b.String())
		}
	case "pass":
		if e.Test != "" {
			t.passed++
		} else {
			fmt.Printf("ok  %s  %.1fs\n", e.Package, e.Elapsed)
		}
		delete(said, name)
	case "skip":
		if e.Test != "" {
			t.skipped++
			fmt.Printf("skipped %s: %s", name, said[name])
		}
	}
}

func (t *table) print() {
	fmt.Println()
	for _, row := range t.rows {
		fmt.Println(row)
	}
	fmt.Printf("%-18s %-7s %8s  of 26 min\n\n", "all", "", t.total.Round(time.Second))
	if t.broken && t.failed == 0 {
		t.failed = 1 // something failed that is no test: it counts
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}

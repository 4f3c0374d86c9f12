// Command bench is `make bench`: it runs the benchmarks that have a goal, prints
// one table and writes the same to bench/latest.json, which is not committed.
// docs/performance.md keeps figures together with the machine that they were
// taken on. A goal that is missed is shown and is no failure: a machine that is
// busy with something else misses them all. It exits 1 when a benchmark fails,
// and leaves the file of the run before.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A goal is what a benchmark is to reach: at least, or at most, so much of one of
// its measures.
type goal struct {
	id, work  string
	benchmark string // without the word Benchmark
	folder    string
	measure   string
	goal      float64
	most      bool // the goal is not to be passed
}

// The folders in which benchmarks are.
const (
	sets      = "./internal/expression/lower"
	here      = "./internal/proof/bench"
	directory = "./internal/proof/directory"
	output    = "bench/latest.json"
)

// goals are those of the design. What it sets for a million people is held as a
// rate, so that fewer people can be measured too.
var goals = []goal{
	{"S0", "who gets what: 1,000 rules over 1,000,000 people, seconds", "WhoGetsWhat", sets, "s/all-rules", 2, true},
	{"S0", "the same ÷ row by row", "WhoGetsWhat", sets, "ratio", 0.02, true},
	{"S1", "people evaluated a second and core: 5 accounts of 50 values", "EvaluateFiveSystems", here, "people/s/core", 10_000, false},
	{"S1", "the same ÷ through the interpreter", "EvaluateFiveSystems", here, "ratio", 3, false},
	{"S2", "people evaluated and stored a second, first time", "S2", here, "people/s", 1_000_000.0 / 180, false},
	{"S2", "memory for each person, KiB", "S2", here, "KiB/person", 4 * 1024 * 1024 / 1_000_000.0, true},
	{"S3", "people a second, nothing changed", "S3", here, "people/s", 1_000_000.0 / 20, false},
	{"S3", "the same, of everybody all the same", "S3", here, "people/s-all", 1_000_000.0 / 20, false},
	{"S4", "one changed row, until its orders are committed, ms (p99)", "S4", here, "ms-p99", 50, true},
	{"S5", "people a second, plan of one changed rule", "S5", here, "people/s", 1_000_000.0 / 5, false},
	{"S6", "additions and link changes into OpenLDAP ÷ a bare client's", "S6", directory, "ratio", 0.8, false},
	{"S7", "additions and link changes into PostgreSQL ÷ a bare client's", "S7", directory, "ratio", 0.7, false},
	{"S9", "any list, list page and search, ms (p99)", "S9", here, "ms-p99", 100, true},
	{"S9", "approving an order while 100,000 rows are read, ms (p99)", "S9", here, "ms-p99-approval", 250, true},
	{"S9", "any list, list page and search in PostgreSQL, ms (p99)", "S9PostgreSQL", here, "ms-p99", 100, true},
	{"S11", "time for ten times as many people (S2, S3, S5)", "S11", here, "growth-of-ten", 11, true},
}

// A figure is what came of one benchmark.
type figure struct {
	ID       string             `json:"id"`
	Work     string             `json:"work"`
	Measure  string             `json:"measure"`
	Value    float64            `json:"value"`
	Goal     float64            `json:"goal"`
	AtMost   bool               `json:"atMost,omitempty"`
	Met      bool               `json:"met"`
	Measures map[string]float64 `json:"measures"` // all that it measured, by unit
}

// A record is one run of them all.
type record struct {
	At        time.Time `json:"at"`
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	Go        string    `json:"go"`
	People    string    `json:"people"`
	Rounds    string    `json:"rounds"`
	Figures   []figure  `json:"figures"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	r := record{
		At: time.Now().UTC(), Cores: runtime.NumCPU(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		People: setting("PEOPLE", "10000"), Rounds: setting("ROUNDS", "3"),
	}
	measured := map[string]map[string]float64{}
	for _, folder := range []string{sets, here, directory} {
		if err := r.measure(folder, measured); err != nil {
			return err
		}
	}
	r.Figures = judge(measured)
	r.print(os.Stdout)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	return os.WriteFile(output, append(text, '\n'), 0o644)
}

// measure runs the benchmarks of a folder that have a goal.
func (r *record) measure(folder string, measured map[string]map[string]float64) error {
	var names []string
	for _, g := range goals {
		if g.folder == folder && !slices.Contains(names, g.benchmark) {
			names = append(names, g.benchmark)
		}
	}
	cmd := exec.Command("go", "test", folder, "-run", "^$", "-bench", "^Benchmark("+strings.Join(names, "|")+")$", "-benchtime", "3x", "-timeout", "2h")
	cmd.Env = append(os.Environ(), "PROVISOR_BENCH_PEOPLE="+r.People, "PROVISOR_BENCH_ROUNDS="+r.Rounds)
	if folder == directory {
		cmd.Args[slices.Index(cmd.Args, "3x")] = "1x" // it goes round as often as it is told
	}
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := r.take(io.TeeReader(pipe, os.Stdout), measured); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test %s: %w", folder, err)
	}
	return nil
}

func setting(name, otherwise string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	return otherwise
}

// take reads what `go test -bench` prints: each benchmark's measures by unit.
func (r *record) take(out io.Reader, measured map[string]map[string]float64) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) > 1 && words[0] == "cpu:" {
			r.Processor = strings.Join(words[1:], " ")
		}
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(words[0], "Benchmark"), "-")
		measures := map[string]float64{}
		for pairs := words[2:]; len(pairs) > 1; pairs = pairs[2:] {
			number, err := strconv.ParseFloat(pairs[0], 64)
			if err != nil {
				return fmt.Errorf("not understood: %s", lines.Text())
			}
			measures[pairs[1]] = number
		}
		measured[id] = measures
	}
	return lines.Err()
}

// judge compares what was measured with the goals; what was not measured is not met.
func judge(measured map[string]map[string]float64) []figure {
	figures := make([]figure, len(goals))
	for i, g := range goals {
		value, ok := measured[g.benchmark][g.measure]
		figures[i] = figure{
			ID: g.id, Work: g.work, Measure: g.measure, Value: value, Goal: g.goal, AtMost: g.most,
			Met: ok && (g.most && value <= g.goal || !g.most && value >= g.goal), Measures: measured[g.benchmark],
		}
	}
	return figures
}

func (r *record) print(to io.Writer) {
	fmt.Fprintf(to, "\n%s people, %s rounds, %d cores (%s), %s\n\n", r.People, r.Rounds, r.Cores, r.Processor, r.Go)
	fmt.Fprintf(to, "%-4s %-62s %10s   %10s\n", "", "", "is", "goal")
	for _, f := range r.Figures {
		verdict, bound := "missed", "≥"
		if f.Met {
			verdict = "met"
		}
		if f.AtMost {
			bound = "≤"
		}
		fmt.Fprintf(to, "%-4s %-62s %10.4g %s %10.4g  %s\n", f.ID, f.Work, f.Value, bound, f.Goal, verdict)
	}
}

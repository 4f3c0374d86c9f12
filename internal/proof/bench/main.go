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
	"strconv"
	"strings"
	"time"
)

// A goal is what a benchmark is to reach: at least so much of one of its measures.
type goal struct {
	id, work string
	measure  string
	least    float64
}

var goals = []goal{
	{"S6", "additions and link changes into OpenLDAP ÷ a bare client's", "ratio", 0.8},
	{"S7", "additions and link changes into PostgreSQL ÷ a bare client's", "ratio", 0.7},
}

// folder is where the benchmarks are, output where their figures go.
const (
	folder = "./internal/proof/directory"
	output = "bench/latest.json"
)

// A figure is what came of one benchmark.
type figure struct {
	ID       string             `json:"id"`
	Work     string             `json:"work"`
	Measure  string             `json:"measure"`
	Value    float64            `json:"value"`
	Goal     float64            `json:"goal"`
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
	cmd := exec.Command("go", "test", folder, "-run", "^$", "-bench", "BenchmarkS[0-9]+$", "-benchtime", "1x", "-timeout", "2h")
	cmd.Env = append(os.Environ(), "PROVISOR_BENCH_PEOPLE="+r.People, "PROVISOR_BENCH_ROUNDS="+r.Rounds)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	measured, err := r.take(io.TeeReader(pipe, os.Stdout))
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test %s: %w", folder, err)
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

func setting(name, otherwise string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	return otherwise
}

// take reads what `go test -bench` prints: each benchmark's measures by unit.
func (r *record) take(out io.Reader) (map[string]map[string]float64, error) {
	measured := map[string]map[string]float64{}
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
				return nil, fmt.Errorf("not understood: %s", lines.Text())
			}
			measures[pairs[1]] = number
		}
		measured[id] = measures
	}
	return measured, lines.Err()
}

// judge compares what was measured with the goals; what was not measured is not met.
func judge(measured map[string]map[string]float64) []figure {
	figures := make([]figure, len(goals))
	for i, g := range goals {
		value, ok := measured[g.id][g.measure]
		figures[i] = figure{
			ID: g.id, Work: g.work, Measure: g.measure, Value: value, Goal: g.least,
			Met: ok && value >= g.least, Measures: measured[g.id],
		}
	}
	return figures
}

func (r *record) print(to io.Writer) {
	fmt.Fprintf(to, "\n%s people, medians of %s rounds, %d cores (%s), %s\n\n", r.People, r.Rounds, r.Cores, r.Processor, r.Go)
	fmt.Fprintf(to, "%-3s %-62s %7s %7s  %s\n", "", "", "is", "goal", "orders/s, bare, writes alone")
	for _, f := range r.Figures {
		verdict := "missed"
		if f.Met {
			verdict = "met"
		}
		fmt.Fprintf(to, "%-3s %-62s %7.2f %7.2f  %.0f, %.0f, %.0f: %s\n", f.ID, f.Work, f.Value, f.Goal,
			f.Measures["orders/s"], f.Measures["bare/s"], f.Measures["writes/s"], verdict)
	}
}

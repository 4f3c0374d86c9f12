package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// used is what one command cost.
type used struct {
	wall, processor time.Duration
	peak            float64 // MiB resident
}

// organisation is a company laid down with its systems provisioned, its
// configuration deployed and its systems read: what evaluation begins with.
type organisation struct {
	people      int
	binary, dir string
	first       used            // evaluate and store everybody for the first time
	again       used            // nothing changed, another process
	all         used            // the same of everybody, whatever changed
	rows        []time.Duration // each from one changed row to its orders, in order
	warmUp      time.Duration   // for the first of them
	plan        used            // one role rule changed
}

// The figures of one organisation serve several benchmarks.
var (
	organisations = map[int]*organisation{}
	laying        sync.Mutex
)

// peopleAsked is how many people the benchmarks are to take.
func peopleAsked() int {
	if n, err := strconv.Atoi(os.Getenv("PROVISOR_BENCH_PEOPLE")); err == nil && n > 0 {
		return n
	}
	return 2_000
}

func measured(b *testing.B, people int) *organisation {
	b.Helper()
	laying.Lock()
	defer laying.Unlock()
	if o, ok := organisations[people]; ok {
		return o
	}
	home, err := os.MkdirTemp("", "provisor-bench-") // outlives the benchmark that lays it down
	if err != nil {
		b.Fatal(err)
	}
	o := &organisation{people: people, binary: filepath.Join(home, "provisor"), dir: filepath.Join(home, "organisation")}
	build := exec.Command("go", "build", "-o", o.binary, "../../../cmd/provisor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	o.run(b, "demo", "company", "--people", strconv.Itoa(people), "--provisioned")
	o.run(b, "apply", "--yes")
	o.run(b, "sync")
	o.first = o.run(b, "evaluate")
	o.again = o.run(b, "evaluate")
	o.all = o.run(b, "evaluate", "--all")
	o.run(b, "generate")
	o.run(b, "generate") // what moved is judged once more
	o.changeOneRule(b)
	o.plan = o.run(b, "plan", "--json")
	o.changeOneRow(b)
	if err := os.RemoveAll(home); err != nil {
		b.Error(err)
	}
	organisations[people] = o
	return o
}

// run runs a command on the organisation.
func (o *organisation) run(b *testing.B, args ...string) used {
	b.Helper()
	cmd := exec.Command(o.binary, append(args, "--dir", o.dir)...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("provisor %v: %v\n%s", args, err, out[:min(len(out), 2_000)])
	}
	u := used{wall: time.Since(began), processor: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = float64(r.Maxrss) / 1024
	}
	b.Logf("%d people: %v: %.1f s, of which %.1f s of processors; %.0f MiB", o.people, args, u.wall.Seconds(), u.processor.Seconds(), u.peak)
	return u
}

var grade = regexp.MustCompile(`grade >= (\d+)`)

// changeOneRule takes one role rule away from every hundredth of those it fits.
func (o *organisation) changeOneRule(b *testing.B) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "config", "roles", "*.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		if at := grade.FindSubmatchIndex(text); at != nil {
			changed := append(append(append([]byte{}, text[:at[3]]...), " && !source.employeeId.endsWith('77')"...), text[at[3]:]...)
			if err := os.WriteFile(name, changed, 0o600); err != nil {
				b.Fatal(err)
			}
			return
		}
	}
	b.Fatal("no rule asks for a grade")
}

// report says what one command cost for so many people.
func (o *organisation) report(b *testing.B, u used) {
	b.ReportMetric(0, "ns/op") // it says nothing
	b.ReportMetric(float64(o.people)/u.wall.Seconds(), "people/s")
	b.ReportMetric(u.wall.Seconds(), "s")
	b.ReportMetric(u.processor.Seconds(), "processor-s")
	b.ReportMetric(u.peak, "peak-MiB")
	b.ReportMetric(u.peak*1024/float64(o.people), "KiB/person")
}

// BenchmarkS2 evaluates and stores an organisation for the first time: five
// accounts of ten values for each person, all of them there already.
func BenchmarkS2(b *testing.B) {
	o := measured(b, peopleAsked())
	for b.Loop() {
	}
	o.report(b, o.first)
}

// BenchmarkS3 does it again in another process: nothing has changed. Beside it,
// everybody is evaluated all the same.
func BenchmarkS3(b *testing.B) {
	o := measured(b, peopleAsked())
	for b.Loop() {
	}
	o.report(b, o.again)
	b.ReportMetric(float64(o.people)/o.all.wall.Seconds(), "people/s-all")
	b.ReportMetric(o.all.peak, "peak-MiB-all")
}

// BenchmarkS5 plans one changed role rule.
func BenchmarkS5(b *testing.B) {
	o := measured(b, peopleAsked())
	for b.Loop() {
	}
	o.report(b, o.plan)
}

// BenchmarkS11 compares ten times as many people with a tenth: how time grows.
func BenchmarkS11(b *testing.B) {
	large := measured(b, peopleAsked())
	small := measured(b, max(1_000, peopleAsked()/10))
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	growth := 0.0
	for _, pair := range [][2]used{{large.first, small.first}, {large.again, small.again}, {large.plan, small.plan}} {
		growth = max(growth, pair[0].processor.Seconds()/pair[1].processor.Seconds())
	}
	b.ReportMetric(growth/(float64(large.people)/float64(small.people))*10, "growth-of-ten")
}

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// block is what stands between two fences of a document.
type block struct {
	language string
	text     string
	file     string // the last path that was named before it
	line     int
}

var pathNamed = regexp.MustCompile("`(larkfield/[^`]+)`")

// blocks reads the examples of a document.
func blocks(text string) (list []block) {
	var file string
	inside := false
	for i, line := range strings.Split(text, "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !inside:
			list, inside = append(list, block{language: language, file: file, line: i + 1}), true
		case fence:
			inside = false
		case inside:
			list[len(list)-1].text += line + "\n"
		default:
			if named := pathNamed.FindAllStringSubmatch(line, -1); named != nil {
				file = named[len(named)-1][1]
			}
		}
	}
	return list
}

// typed are the words of a command line, as a shell takes them apart.
var typed = regexp.MustCompile(`"([^"]*)"|(\S+)`)

func wordsOf(line string) (words []string) {
	for _, m := range typed.FindAllStringSubmatch(line, -1) {
		words = append(words, m[1]+m[2])
	}
	return words
}

// output is written by a server while a test reads it.
type output struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.String()
}

// A reader does what a document says.
type reader struct {
	t      *testing.T
	ctx    context.Context
	served sync.WaitGroup
}

// run types a command and returns what it says.
func (r *reader) run(words []string) string {
	r.t.Helper()
	var out output
	if code := r.program(&out, words); code != 0 {
		r.t.Fatalf("%s ends with %d:\n%s", strings.Join(words, " "), code, &out)
	}
	return out.String()
}

func (r *reader) program(out *output, words []string) int {
	p := program(strings.NewReader(""), out, out, func(string) string { return "" })
	return p.Run(r.ctx, words[1:])
}

// serve types a command that goes on, and waits until it serves.
func (r *reader) serve(words []string) {
	r.t.Helper()
	var out output
	ended := make(chan int, 1)
	r.served.Go(func() { ended <- r.program(&out, append(words, "--addr", "127.0.0.1:0")) })
	for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), "is served at"); time.Sleep(20 * time.Millisecond) {
		select {
		case code := <-ended:
			r.t.Fatalf("%s ended with %d:\n%s", strings.Join(words, " "), code, &out)
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s does not serve:\n%s", strings.Join(words, " "), &out)
		}
	}
}

// does does one line.
func (r *reader) does(line string) {
	r.t.Helper()
	words := wordsOf(line)
	switch {
	case len(words) == 0:
	case words[0] != "provisor":
		if out, err := exec.CommandContext(r.ctx, "sh", "-c", line).CombinedOutput(); err != nil {
			r.t.Fatalf("%s: %v\n%s", line, err, out)
		}
	case words[1] == "demo" && words[2] != "company":
		r.serve(words)
	default:
		r.run(words)
	}
}

// until repeats a command until it says something: the server does its part in
// the meantime.
func (r *reader) until(line string, says ...string) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out := r.run(wordsOf(line))
		missing := ""
		for _, text := range says {
			if !strings.Contains(out, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s does not say %q:\n%s", line, missing, out)
		}
	}
}

// afterwards is what the tutorial promises of what it lets one type.
var afterwards = map[string][]string{
	"provisor order approve 7":                        {"provisor order show 7 --dir larkfield", "4 Verified", "works in Finance"},
	"provisor order confirm 4":                        {"provisor order show 4 --dir larkfield", "8 Executed"},
	"provisor order show 4":                           {"provisor order show 4 --dir larkfield", "4 Verified"},
	"provisor order fail 14":                          {"provisor order show 14 --dir larkfield", "3 Errored", "the printer is broken"},
	"provisor request list":                           {"provisor request list --dir larkfield", "9 Pending approval 1 of 2", "E00005"},
	"provisor explain E00017 --role crm-events-guest": {"provisor person show E00017 --dir larkfield", "16 Approved", "teams → Events"},
	`provisor person show "eva lake"`:                 {`provisor person show "eva lake" --dir larkfield`, "Eva Lake (5001)", "ContractorBadge", "2 Transmitted"},
}

func TestEveryCommandOfTheTutorialDoesWhatItSays(t *testing.T) {
	text, err := os.ReadFile("../../docs/tutorial/README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	r := &reader{t: t, ctx: ctx}
	defer r.served.Wait()
	defer stop()
	commands, promised := 0, 0
	for _, b := range blocks(string(text)) {
		if b.language == "yaml" {
			if err := os.WriteFile(filepath.FromSlash(b.file), []byte(b.text), 0o600); err != nil {
				t.Fatalf("line %d: %v", b.line, err)
			}
			continue
		}
		for line := range strings.Lines(b.text) {
			r.does(strings.TrimSpace(line))
			commands++
			for command, promise := range afterwards {
				if strings.HasPrefix(line, command+" ") {
					promised++
					r.until(promise[0], promise[1:]...)
				}
			}
		}
	}
	if commands < 40 || promised != len(afterwards) {
		t.Errorf("the tutorial has %d commands, and %d that promise something", commands, promised)
	}
}

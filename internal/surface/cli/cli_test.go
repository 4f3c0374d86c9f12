package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// outcome is what one command line left.
type outcome struct {
	code             int
	stdout, messages string
}

func runWith(p *Program, args ...string) outcome {
	var out, messages bytes.Buffer
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader(""), &out, &messages
	if p.Getenv == nil {
		p.Getenv = func(string) string { return "" }
	}
	code := p.Run(context.Background(), args)
	return outcome{code, out.String(), messages.String()}
}

func TestThePageOnExitCodesNamesEveryCodeAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operate/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllSubmatch(page, -1) {
		named = append(named, string(row[1]))
	}
	if got, want := strings.Join(named, " "), "0 1 2 3 4 5 6 7"; got != want || CheckCode != 7 {
		t.Errorf("the page names %s, the program ends with %s", got, want)
	}
	for code := range CheckCode + 1 {
		if !strings.Contains(codesInHelp, fmt.Sprint(code)) {
			t.Errorf("the help does not name %d", code)
		}
	}
}

func TestEveryKindOfErrorHasACode(t *testing.T) {
	for _, kind := range []fault.Kind{fault.NotFound, fault.Conflict, fault.Invalid, fault.Refused, fault.Denied, fault.Unavailable} {
		if code := codeOf(fault.New(kind, "x", "y")); code <= InternalCode {
			t.Errorf("%s ends with %d", kind, code)
		}
	}
	if code := codeOf(context.Canceled); code != InternalCode {
		t.Errorf("an error of no kind ends with %d", code)
	}
	if code := codeOf(fmt.Errorf("around: %w", fault.Findings{{What: "x"}})); code != FindingsCode {
		t.Errorf("findings end with %d", code)
	}
}

func TestAnErrorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	p := &Program{Open: func(context.Context, Options) (Engine, error) {
		return nil, fmt.Errorf("open: %w", &fault.Error{Kind: fault.Unavailable, Msg: "the store does not answer", Do: "start it"})
	}}
	got := runWith(p, "order", "list", "--json")
	if got.code != SystemsCode || got.stdout != "" || !strings.Contains(got.messages, "the store does not answer\n  start it") {
		t.Errorf("%+v", got)
	}
}

func TestWrongUsageIsToldFromAFailure(t *testing.T) {
	for _, args := range [][]string{{"nothing"}, {"run", "--nothing"}, {"order", "show"}, {"--at", "soon", "version"}, {"order", "nothing"}} {
		if got := runWith(&Program{}, args...); got.code != UsageCode || got.messages == "" || got.stdout != "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestTheStoreMayBeNamedInTheEnvironment(t *testing.T) {
	var opened Options
	p := &Program{
		Getenv: func(name string) string { return map[string]string{"PROVISOR_STORE": "postgres://x"}[name] },
		Open: func(_ context.Context, o Options) (Engine, error) {
			opened = o
			return nil, fault.New(fault.NotFound, "", "stop here")
		},
	}
	runWith(p, "state", "--as", "E1", "--at", "2026-03-01", "--dir", "x")
	if opened.Store != "postgres://x" || opened.As != "E1" || opened.Day.Day() != 1 || opened.Dir != "x" || !opened.MustExist {
		t.Errorf("opened %+v", opened)
	}
	runWith(p, "state", "--store", "postgres://y")
	if opened.Store != "postgres://y" {
		t.Errorf("the flag does not win: %+v", opened)
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	root := (&invocation{Program: &Program{}}).root()
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		if c.Long == "" || c.Short == "" {
			t.Errorf("%s: no help", c.CommandPath())
		}
		if c.Runnable() && !c.HasSubCommands() && !strings.Contains(c.Example, "provisor ") {
			t.Errorf("%s: no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long, "\n") {
			if len([]rune(line)) > 96 {
				t.Errorf("%s: a line of help is longer than a terminal: %s", c.CommandPath(), line)
			}
		}
	}
	visit(root)
}

func TestStatesAreReadByNumberAndByName(t *testing.T) {
	for _, s := range orders.States() {
		for _, text := range []string{fmt.Sprint(int(s)), s.String(), strings.ToLower(strings.ReplaceAll(s.String(), " ", "-"))} {
			if got, err := stateOf(text); err != nil || got != s {
				t.Errorf("%q is read as %s, %v", text, got, err)
			}
		}
	}
	if _, err := stateOf("9"); codeOf(err) != UsageCode {
		t.Errorf("state 9: %v", err)
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	errored := view.State{Number: 3, Name: "Errored"}
	for name, c := range map[string]struct {
		v       invocation
		colored bool
	}{
		"a terminal":      {invocation{Program: &Program{OutTerminal: true}}, true},
		"a pipe":          {invocation{Program: &Program{}}, false},
		"--no-color":      {invocation{Program: &Program{OutTerminal: true}, noColor: true}, false},
		"NO_COLOR is set": {invocation{Program: &Program{OutTerminal: true, Getenv: func(n string) string { return map[string]string{"NO_COLOR": "1"}[n] }}}, false},
	} {
		if c.v.Getenv == nil {
			c.v.Getenv = func(string) string { return "" }
		}
		if got := strings.Contains(c.v.chip(errored), "\x1b["); got != c.colored {
			t.Errorf("%s: coloured %v", name, got)
		}
	}
	if len(chips) != len(orders.States()) {
		t.Errorf("%d of %d states have a colour", len(chips), len(orders.States()))
	}
}

func TestJSONGoesToStdoutAlone(t *testing.T) {
	got := runWith(&Program{Version: "1.2.3"}, "version", "--json")
	var value map[string]string
	if err := json.Unmarshal([]byte(got.stdout), &value); err != nil || value["version"] != "1.2.3" || got.messages != "" || got.code != Done {
		t.Errorf("%+v, %v", got, err)
	}
}

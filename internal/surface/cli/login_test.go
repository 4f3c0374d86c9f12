package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
)

// leaves are the commands that do something, by their names, each with as many
// arguments as it needs.
func leaves() map[string][]string {
	list := map[string][]string{}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		if c.HasSubCommands() || !c.HasParent() {
			return
		}
		path := strings.Fields(c.CommandPath())[1:]
		args := []string{}
		for len(args) < 4 && c.Args != nil && c.Args(c, args) != nil {
			args = append(args, "1")
		}
		list[commandKey(c)] = append(path, args...)
	}
	visit((&invocation{Program: &Program{}}).root())
	return list
}

func TestEachCommandWorksOnAServerOrSaysWhereItDoes(t *testing.T) {
	all := leaves()
	for _, key := range slices.Concat(served, free) {
		if _, there := all[key]; !there && !strings.HasPrefix(key, "completion") && key != "help" {
			t.Errorf("%s is listed, and no command", key)
		}
	}
	opened := false
	p := &Program{
		UserFolder: func() (string, error) { return t.TempDir(), nil },
		Open: func(context.Context, Options) (Engine, error) {
			opened = true
			return nil, fault.New(fault.NotFound, "", "stop here")
		},
	}
	for key, args := range all {
		if slices.Contains(free, key) {
			continue
		}
		if key == "reconcile-assign" {
			args = append(args, "--owner", "E1")
		}
		got := runWith(p, append(args, "--server", "https://provisor.example.org")...)
		want, code := "you are not signed in to https://provisor.example.org", RefusedCode
		if !slices.Contains(served, key) {
			want, code = "works on a folder, not on the server https://provisor.example.org", UsageCode
		}
		if got.code != code || !strings.Contains(got.messages, want) || strings.Count(got.messages, "\n") != 2 {
			t.Errorf("%v ends with %d: %s", args, got.code, got.messages)
		}
	}
	if opened {
		t.Error("a folder was opened")
	}
}

func TestTheServerOfTheEnvironmentGivesWayToAFolderThatIsNamed(t *testing.T) {
	var opened []string
	p := &Program{
		Getenv: func(name string) string {
			return map[string]string{"PROVISOR_SERVER": "https://provisor.example.org"}[name]
		},
		UserFolder: func() (string, error) { return t.TempDir(), nil },
		Open: func(_ context.Context, o Options) (Engine, error) {
			opened = append(opened, o.Dir)
			return nil, fault.New(fault.NotFound, "", "stop here")
		},
	}
	if got := runWith(p, "state"); !strings.Contains(got.messages, "you are not signed in") {
		t.Errorf("the environment does not name the server: %+v", got)
	}
	if got := runWith(p, "run"); got.code != UsageCode || !strings.Contains(got.messages, "works on a folder") {
		t.Errorf("a round on a server: %+v", got)
	}
	runWith(p, "state", "--dir", "x")
	if !slices.Equal(opened, []string{"x"}) {
		t.Errorf("opened were %q", opened)
	}
}

func TestATokenOfTheEnvironmentIsUsedAndKeptNowhere(t *testing.T) {
	var shown []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization")+" "+r.URL.Path)
		_, _ = io.WriteString(w, `{"items":[],"holds":true,"entries":7}`)
	}))
	defer s.Close()
	folder := t.TempDir()
	p := &Program{
		Getenv: func(name string) string {
			return map[string]string{"PROVISOR_TOKEN": "provisor_T", "PROVISOR_SERVER": s.URL}[name]
		},
		UserFolder: func() (string, error) { return folder, nil },
	}
	if got := runWith(p, "journal", "verify"); got.code != Done || got.stdout != "The journal holds: 7 entries.\n" || strings.Contains(got.messages, "provisor_T") {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(shown, []string{"Bearer provisor_T /api/v1/journal/verification"}) {
		t.Errorf("the server was shown %q", shown)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("kept was %v, %v", left, err)
	}
}

func TestAServerThatDoesNotAnswerIsSaidInOneLine(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	p := &Program{UserFolder: func() (string, error) { return t.TempDir(), nil }}
	got := runWith(p, "state", "--server", s.URL)
	if got.code != SystemsCode || !strings.Contains(got.messages, "the server does not answer") || strings.Count(got.messages, "\n") != 2 {
		t.Errorf("%+v", got)
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver with which stories look into the systems
)

// TestStories plays whole stories typed at a terminal, in this process. Beside
// testscript's own commands they use:
//
//	company [MORE]           a small company in the present folder (testdata/company),
//	                         with the files of testdata/MORE in place of its own
//	example NAME             a folder of examples/, copied to the present one
//	provisor ARG...          the program; "! provisor" expects it to fail
//	code N ARG...            the program, which must end with exit code N
//	sqlite FILE SQL          asks or changes a system behind Provisor's back
//	edit FILE OLD NEW        replaces a text that must be there
//	serving SECONDS ARG...   the program for so many seconds, then ended as by Ctrl-C
//	server ARG...            serves the folder in a process of its own until the story
//	                         ends: $SERVER is where, $PRINT what its certificate bears
//	same ARG...              the program on the folder and on $SERVER: both read alike
//	owned FILE               a file that nobody but its owner reads
//	killed FILE SQL ARG...   the program, ended by kill -9 once the system in FILE
//	                         holds what SQL finds and before that is recorded; with
//	                         an empty SQL before anything reached the system
//	receiver FILE            another system that takes what is posted to $RECEIVER
//	day 2026-03-02           the day on which what follows happens
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			company, err := filepath.Abs("testdata/company")
			e.Setenv("COMPANY", company)
			e.Setenv("DAY", "2026-03-01")
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"company": layCompany, "provisor": provisor, "code": provisorCode, "sqlite": askSQLite, "edit": edit,
			"serving": serving, "server": remoteServer, "same": same, "owned": owned, "killed": killed, "example": layExample, "receiver": receiver,
			"day": func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv("DAY", args[0]) },
		},
	})
}

// start runs the program in the present folder and returns its exit code.
func start(ctx context.Context, ts *testscript.TestScript, args []string) int {
	return startInto(ctx, ts, args, ts.Stdout())
}

func startInto(ctx context.Context, ts *testscript.TestScript, args []string, out io.Writer) int {
	if !slices.Contains(args, "--server") { // a server has a folder and a day of its own
		if !slices.Contains(args, "--at") && ts.Getenv("DAY") != "" {
			args = append([]string{"--at", ts.Getenv("DAY")}, args...)
		}
		dir := "."
		if i := slices.Index(args, "--dir"); i >= 0 && i+1 < len(args) {
			dir, args = args[i+1], slices.Delete(slices.Clone(args), i, i+2)
		}
		args = append([]string{"--dir", ts.MkAbs(dir)}, args...)
	}
	p := program(strings.NewReader(""), out, ts.Stderr(), func(string) string { return "" })
	p.UserFolder = func() (string, error) { return ts.MkAbs("home"), nil }
	return p.Run(ctx, args)
}

func provisor(ts *testscript.TestScript, neg bool, args []string) {
	if code := start(context.Background(), ts, args); (code != 0) != neg {
		ts.Fatalf("provisor %s: exit code %d", strings.Join(args, " "), code)
	}
}

func provisorCode(ts *testscript.TestScript, _ bool, args []string) {
	if code := start(context.Background(), ts, args[1:]); strconv.Itoa(code) != args[0] {
		ts.Fatalf("provisor %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func serving(ts *testscript.TestScript, neg bool, args []string) {
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer stop()
	if code := start(ctx, ts, args[1:]); (code != 0) != neg {
		ts.Fatalf("provisor %s: exit code %d", strings.Join(args[1:], " "), code)
	}
}

// layCompany copies the company and makes the databases of its systems.
func layCompany(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range append([]string{"."}, args...) {
		from := filepath.Join(ts.Getenv("COMPANY"), "..", name)
		if name == "." {
			from = ts.Getenv("COMPANY")
		}
		ts.Check(filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(from, file) // both begin with from
			if err != nil || d.IsDir() {
				return errors.Join(err, os.MkdirAll(ts.MkAbs(rel), 0o755))
			}
			content, err := os.ReadFile(file)
			return errors.Join(err, os.WriteFile(ts.MkAbs(rel), content, 0o644))
		}))
	}
	for _, system := range []string{"crm", "ledger"} {
		text, err := os.ReadFile(ts.MkAbs("systems/" + system + ".sql"))
		ts.Check(err)
		_, err = statements(ts.MkAbs("systems/"+system+".sqlite"), string(text))
		ts.Check(err)
	}
}

func askSQLite(ts *testscript.TestScript, _ bool, args []string) {
	answer, err := statements(ts.MkAbs(args[0]), args[1])
	ts.Check(err)
	_, err = ts.Stdout().Write(answer)
	ts.Check(err)
}

// statements runs SQL and writes rows with | between the columns.
func statements(file, text string) (answer []byte, err error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), "SELECT") {
		_, err = db.Exec(text)
		return nil, err
	}
	rows, err := db.Query(text)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for rows.Next() {
		cells, at := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			at[i] = &cells[i]
		}
		if err := rows.Scan(at...); err != nil {
			return nil, err
		}
		for i, c := range cells {
			if i > 0 {
				out.WriteByte('|')
			}
			out.WriteString(c.String)
		}
		out.WriteByte('\n')
	}
	return out.Bytes(), rows.Err()
}

func edit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	old, replacement := unquoted(args[1]), unquoted(args[2])
	if !strings.Contains(text, old) {
		ts.Fatalf("edit: %s does not hold %q", args[0], old)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, old, replacement, 1)), 0o644))
}

// unquoted lets stories write \n for a line's end.
func unquoted(s string) string { return strings.NewReplacer(`\n`, "\n", `\x20`, " ").Replace(s) }

func TestTheHelpShowsThePath(t *testing.T) {
	var out, messages bytes.Buffer
	p := program(strings.NewReader(""), &out, &messages, func(string) string { return "" })
	if code := p.Run(context.Background(), []string{"help"}); code != 0 {
		t.Fatalf("help ends with %d: %s", code, &messages)
	}
	if !strings.Contains(out.String(), "The path, stage by stage:") {
		t.Errorf("help does not show the path:\n%s", &out)
	}
}

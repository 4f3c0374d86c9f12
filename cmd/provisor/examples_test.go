package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const examples = "../../examples"

// TestEveryExampleIsPlayed holds each folder of examples/ to a story of its own
// and to a README.
func TestEveryExampleIsPlayed(t *testing.T) {
	folders, err := os.ReadDir(examples)
	if err != nil || len(folders) == 0 {
		t.Fatalf("no example: %v", err)
	}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(examples, f.Name(), "README.md")); err != nil {
			t.Error(err)
		}
		story, err := os.ReadFile(filepath.Join("testdata/script", "example_"+f.Name()+".txtar"))
		if err != nil {
			t.Errorf("examples/%s has no story: %v", f.Name(), err)
		}
		if !strings.Contains(string(story), "example "+f.Name()+"\n") {
			t.Errorf("the story of examples/%s does not play it", f.Name())
		}
	}
}

// layExample copies an example and makes the databases of its systems.
func layExample(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: example NAME")
	}
	folder, err := filepath.Abs(filepath.Join(examples, args[0]))
	ts.Check(err)
	ts.Check(os.CopyFS(ts.MkAbs("."), os.DirFS(folder)))
	scripts, err := filepath.Glob(ts.MkAbs("systems/*.sql"))
	ts.Check(err)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		ts.Check(err)
		_, err = statements(strings.TrimSuffix(script, ".sql")+".sqlite", string(text))
		ts.Check(err)
	}
}

// students appends an intake to the register of examples/university: so many
// people from a number on, who begin and end on the given days.
func students(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: students FIRST COUNT FROM TO")
	}
	first, err := strconv.Atoi(args[0])
	ts.Check(err)
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs("register/students.csv"), os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	out := bufio.NewWriter(f)
	names := strings.Fields("Ana Jürgen Chloé Łukasz Öykü Tiago Siân Þóra Mehmet Zoë Nuno Ingrid")
	surnames := strings.Fields("Silva Weiß Noël Nowak Şahin O'Neill Hughes Ólafsdóttir Kaya Müller Brandão Berg Costa")
	programmes := strings.Fields("BIO-BSC BIO-MSC HIS-BA LAW-LLB MAT-BSC MED-MD")
	for n := first; n < first+count; n++ {
		_, err := fmt.Fprintf(out, "S%06d,%s,%s,%s,%s,%s\n", n, names[n%len(names)], surnames[n/3%len(surnames)],
			programmes[n%len(programmes)], args[2], args[3])
		ts.Check(err)
	}
	ts.Check(cmp.Or(out.Flush(), f.Close()))
}

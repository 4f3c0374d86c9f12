// Command gosec runs the checker gosec over all code that the binary is built of,
// and holds what it finds to the explanations that stand in the code. It fails on a
// finding without an explanation beside it, and on an explanation without a finding,
// so that none outlives its reason. It proves itself at each run: what is planted in
// testdata has to be found. The checker comes as a module like everything else, of a
// pinned version, and none of its modules becomes one of ours.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checker is pinned: another version has other findings.
const checker = "github.com/securego/gosec/v2/cmd/gosec@v2.30.0"

// planted is a folder with faults that must be found.
const planted = "internal/proof/gosec/testdata/planted"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gosec PROGRAM, such as ./cmd/provisor")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gosec:", err)
		os.Exit(1)
	}
}

func run(program string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	folders, err := builtOf(program)
	if err != nil {
		return err
	}
	folders = append(folders, filepath.Join(root, filepath.FromSlash(planted)))
	found, err := check(folders)
	if err != nil {
		return err
	}
	said, wanted, err := explanations(folders)
	if err != nil {
		return err
	}
	faults := append(judge(found, said, wanted), found.errors()...)
	for _, f := range faults {
		fmt.Println(strings.ReplaceAll(f, root+string(filepath.Separator), ""))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d of %d findings and explanations do not hold", len(faults), len(found.Issues)+len(said))
	}
	fmt.Printf("%d packages, %d findings, each explained where it stands\n", len(folders)-1, len(said)-explainedOf(said, planted))
	return nil
}

// explainedOf counts the explanations below a folder.
func explainedOf(said []explanation, folder string) (n int) {
	for _, x := range said {
		if strings.Contains(filepath.ToSlash(x.file), folder) {
			n++
		}
	}
	return n
}

// builtOf lists the folders of this module's packages that a program is built of.
func builtOf(program string) ([]string, error) {
	out, err := output(exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", program))
	folders := strings.Fields(string(out))
	if err == nil && len(folders) == 0 {
		err = fmt.Errorf("%s is built of nothing of ours", program)
	}
	return folders, err
}

// check asks the checker.
func check(folders []string) (found report, err error) {
	dir, err := os.MkdirTemp("", "gosec")
	if err != nil {
		return found, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "found.json")
	args := []string{
		"run", checker, "-quiet", "-no-fail", "-fmt", "json", "-out", file,
		// A finding that is explained is reported as well; one that names no rule or no reason explains nothing.
		"-track-suppressions", "-nosec-require-rules", "-nosec-require-justification",
	}
	if _, err := output(exec.Command("go", append(args, folders...)...)); err != nil {
		return found, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return found, err
	}
	return found, json.Unmarshal(text, &found)
}

// output runs a command; what it complained about is its error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var complained bytes.Buffer
	cmd.Stderr = &complained
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(fmt.Errorf("%s %s: %w", cmd.Args[0], cmd.Args[1], err), errors.New(complained.String()))
	}
	return out, err
}

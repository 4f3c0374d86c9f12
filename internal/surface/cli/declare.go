package cli

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
)

const configFolder = "config"

//go:embed starter.yaml
var starter []byte

func (v *invocation) initialize() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Begin a folder with a commented configuration", Args: cobra.NoArgs,
		Long: `Makes --dir with config/provisor.yaml, a commented configuration that is valid as it
stands, an example of the HR file that it reads, and an empty provisor.db. Where config/ is
there already, out of version control, only provisor.db is made. A folder that holds
anything else is left alone.

Use it once, for a company of your own; "provisor demo" lays down a whole one.`,
		Example: "  provisor init --dir acme && provisor --dir acme validate",
		RunE: func(c *cobra.Command, _ []string) error {
			written, err := v.beginFolder()
			if err != nil {
				return err
			}
			if err := v.open(c.Context(), true, func(context.Context, Engine) error { return nil }); err != nil {
				return err
			}
			made := struct {
				Dir   string   `json:"dir"`
				Files []string `json:"files"`
			}{v.dir, written}
			return v.show(made, func() {
				v.say("%s is ready.", v.dir)
				if len(written) == 0 {
					v.say("Next: `provisor --dir %s validate`, `plan` and `apply`.", v.dir)
					return
				}
				v.say("Next: edit config/provisor.yaml, then `provisor --dir %s validate`, `plan` and `apply`.", v.dir)
			})
		},
	}
}

// employees is the HR file that the starter reads.
const employees = "employee_id,first_name,last_name,email,hired_on,left_on\n" +
	"E001,Ada,Example,ada.example@example.org,2020-01-01,\n"

// beginFolder writes the starter into a folder that is empty or not there, and
// returns the files it wrote: none where a configuration stands already and only
// the store is missing.
func (v *invocation) beginFolder() ([]string, error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	switch {
	case has("provisor.db"):
		return nil, &fault.Error{Kind: fault.Conflict, Op: "init", Msg: v.dir + " was begun already: it holds provisor.db", Do: "name a new folder with --dir"}
	case has(configFolder):
		return []string{}, nil
	case len(entries) > 0:
		return nil, &fault.Error{
			Kind: fault.Conflict, Op: "init", Msg: v.dir + " is not empty and holds no " + configFolder + "/",
			Do: "name a new folder with --dir, or put the configuration into " + configFolder + "/ first",
		}
	}
	files := []struct {
		name    string
		content []byte
	}{{configFolder + "/provisor.yaml", starter}, {"hr/employees.csv", []byte(employees)}}
	var written []string
	for _, f := range files {
		path := filepath.Join(v.dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // #nosec G301 -- configuration, which holds no secret and which others check in
			return nil, err
		}
		if err := os.WriteFile(path, f.content, 0o644); err != nil { // #nosec G306 -- configuration, which holds no secret and which others check in
			return nil, err
		}
		written = append(written, f.name)
	}
	return written, nil
}

// checked is the answer of validate.
type checked struct {
	Folder   string          `json:"folder"`
	Files    int             `json:"files"`
	Hash     string          `json:"hash,omitempty"`
	Findings []fault.Finding `json:"findings"`
	Warnings []fault.Finding `json:"warnings,omitempty"`
}

func (v *invocation) validate() *cobra.Command {
	return &cobra.Command{
		Use: "validate [FOLDER]", Short: "Check the configuration without connecting to anything", Args: cobra.MaximumNArgs(1),
		Long: `Reads every *.yaml file of config/ (or of FOLDER), checks keys, types, references,
expressions and rules, and prints every finding at once: file, line, column, what is
wrong and what to do. Nothing is stored and no system is asked. Where there is a store,
secrets that are referred to and not set in it are warned of.

Use it after every edit and in the tests of your configuration's repository; it ends
with 3 when there is anything to mend.`,
		Example: "  provisor validate\n  provisor validate ./config --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := filepath.Join(v.dir, configFolder)
			if len(args) == 1 {
				folder = args[0]
			}
			answer := checked{Folder: folder, Findings: []fault.Finding{}}
			c, err := v.Check(folder)
			var findings fault.Findings
			if errors.As(err, &findings) {
				answer.Findings = findings
				if err := v.show(answer, func() { v.findings(findings); v.note("%s in %s", count(len(findings), "finding"), folder) }); err != nil {
					return err
				}
				return ended(FindingsCode)
			}
			if err != nil {
				return err
			}
			answer.Files, answer.Hash = len(c.Files), c.Hash
			if answer.Warnings, err = v.warnWhereStored(cmd.Context(), c); err != nil {
				return err
			}
			return v.show(answer, func() {
				v.say("%s is valid: %s, %s, %s, %s.", folder, count(len(c.Files), "file"), count(len(c.Model.Connectors), "connector"),
					count(len(c.Model.ResourceTypes), "resource type"), count(len(c.Model.Roles), "role"))
			})
		},
	}
}

func (v *invocation) schema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration", Args: cobra.NoArgs,
		Long: `Prints the JSON Schema of the configuration files on stdout. Editors that know YAML
complete and check with it; what holds between keys is the business of validate.`,
		Example: "  provisor schema > provisor.schema.json",
		RunE: func(*cobra.Command, []string) error {
			text, err := v.Schema()
			if err != nil {
				return err
			}
			_, err = v.Stdout.Write(text)
			return err
		},
	}
}

func (v *invocation) export() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Print the deployed configuration in canonical form", Args: cobra.NoArgs,
		Long: `Prints the configuration that the stages use: one YAML document, keys sorted, defaults
left out. It loads to an equal model, so it is what to keep when the files are lost.
With --json the files as they were deployed are printed, by name.`,
		Example: "  provisor export > deployed.yaml",
		RunE: v.asked(func(ctx context.Context, e Service, _ []string) error {
			x, err := e.Configuration(ctx)
			if err != nil {
				return err
			}
			return v.show(x, func() { _, err = io.WriteString(v.Stdout, x.Text) })
		}),
	}
}

package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
)

// testsFolder holds the policy tests beside the configuration.
const testsFolder = "tests"

// untouchedShown is how many rules that no test touches are listed; --verbose lists all.
const untouchedShown = 10

func (v *invocation) policyTests() *cobra.Command {
	return &cobra.Command{
		Use: "test [FOLDER]", Short: "Run the policy tests that stand beside the configuration", Args: cobra.MaximumNArgs(1),
		Long: `Runs every test of tests/*.yaml (or of FOLDER) against the files in config/: people, the
day, what may then change, and what they should have and which orders should follow. Each
test has a world of its own; nothing is stored, no system is asked, and the evaluation is
the one that a run uses. Rule lines that no test touches are listed in the end.

Use it after every edit of the rules and in your configuration's repository; it ends with
7 when a test does not hold, with 3 when a test is not written as it should be.`,
		Example: "  provisor test\n  provisor test ./tests --verbose",
		RunE: func(_ *cobra.Command, args []string) error {
			folder := filepath.Join(v.dir, testsFolder)
			if len(args) == 1 {
				folder = args[0]
			}
			report, err := v.runTests(folder)
			var findings fault.Findings
			if errors.As(err, &findings) {
				v.findings(findings)
				v.note("%s: nothing was tested", count(len(findings), "finding"))
				return ended(FindingsCode)
			}
			if err != nil {
				return err
			}
			if err := v.show(report, func() { v.testsText(report) }); err != nil {
				return err
			}
			if report.Failed() > 0 {
				return ended(CheckCode)
			}
			return nil
		},
	}
}

func (v *invocation) runTests(folder string) (plan.TestReport, error) {
	c, err := v.Check(filepath.Join(v.dir, configFolder))
	if err != nil {
		return plan.TestReport{}, err
	}
	files, err := declare.ReadDir(folder)
	if err != nil {
		return plan.TestReport{}, err
	}
	tests, err := declare.LoadTests(c, files)
	if err != nil {
		return plan.TestReport{}, err
	}
	return plan.Test(c, tests)
}

func (v *invocation) testsText(r plan.TestReport) {
	for _, t := range r.Tests {
		if len(t.Missed) == 0 {
			if v.verbose {
				v.say("holds  %s", t.Claim)
			}
			continue
		}
		v.say("%s %s (%s:%d)", v.strong("MISSED"), t.Claim, t.At.File, t.At.Line)
		for _, m := range t.Missed {
			v.say("       line %d: %s", m.At.Line, m.What)
		}
	}
	v.say("%s: %d hold, %d do not. %d of %s touched.", count(len(r.Tests), "test"), len(r.Tests)-r.Failed(), r.Failed(),
		r.Rules-len(r.Untouched), count(r.Rules, "rule line"))
	for i, u := range r.Untouched {
		if i == untouchedShown && !v.verbose {
			v.say("  and %d more; --verbose lists all", len(r.Untouched)-i)
			break
		}
		v.say("  no test touches %s (%s)", u.Rule, fmt.Sprintf("%s:%d", u.At.File, u.At.Line))
	}
}

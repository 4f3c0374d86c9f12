package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
)

// written is what --csv prints of a sheet.
func written(t *testing.T, s *export.Sheet, limit string) string {
	t.Helper()
	var out bytes.Buffer
	v := &invocation{Program: &Program{Stdout: &out}}
	c := &cobra.Command{}
	c.Flags().Int("limit", 100, "")
	if limit != "" {
		if err := c.Flags().Set("limit", limit); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.asList(s, c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAListIsPrintedWholeUnlessALimitIsGiven(t *testing.T) {
	list := make([]access.ProfileAssignment, 250)
	for i := range list {
		list[i] = access.ProfileAssignment{Profile: "user", By: "root", Why: "=1+1"}
	}
	whole := written(t, sheets.Assignments("profiles", list), "")
	if n := strings.Count(whole, "\r\n"); n != 251 || !strings.HasPrefix(whole, "Profile,Who,Reaching,How,") {
		t.Errorf("%d lines: %.200s", n, whole)
	}
	if strings.Contains(whole, ",=1+1") || !strings.Contains(whole, ",'=1+1") {
		t.Errorf("a cell is a formula: %.200s", whole)
	}
	if n := strings.Count(written(t, sheets.Assignments("profiles", list), "2"), "\r\n"); n != 3 {
		t.Errorf("with a limit of two there are %d lines", n)
	}
}

// unlisted are the lists that have no file, and why.
var unlisted = map[string]string{
	"package-list": "it is what was compiled in", "workflow-list": "it is two lists, of forms and of what was started", "secret-list": "no page shows them", "redundant-list": "no page shows them",
}

func TestEveryListCommandPrintsCSVOrSaysThatItDoesNot(t *testing.T) {
	all := leaves()
	for key, args := range all {
		if !strings.HasSuffix(key, "-list") || slices.Contains(listing, key) {
			continue
		}
		if unlisted[key] == "" {
			t.Errorf("%s lists and has no --csv", key)
		}
		if got := runWith(&Program{}, append(args, "--csv")...); got.code != UsageCode || !strings.Contains(got.messages, "prints no list") {
			t.Errorf("%s --csv ends with %d: %s", key, got.code, got.messages)
		}
	}
	for _, key := range listing {
		if _, there := all[key]; !there && key != "messages" {
			t.Errorf("%s is said to list, and is no command", key)
		}
	}
}

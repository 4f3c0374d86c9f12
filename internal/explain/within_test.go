package explain

import (
	"slices"
	"testing"

	"provisor.dev/provisor/internal/view"
)

func TestATimelineIsCutToWhatItsReaderSees(t *testing.T) {
	line := Timeline{Cut: true, Days: []Turn{
		{"2026-04-01", []Change{
			{What: "role a", Role: "a"}, {What: "role b", Role: "b"}, {What: "account Crm", Type: "Crm"}, {What: "rights of account Ledger", Type: "Ledger"},
		}},
		{"2026-05-01", []Change{{What: "role b", Role: "b"}}},
	}}
	seen := line.Within(view.Sight{Roles: []string{"a"}, Types: []string{"Crm"}})
	var told []string
	for _, day := range seen.Days {
		for _, x := range day.Changes {
			told = append(told, day.Day+" "+x.What)
		}
	}
	if want := []string{"2026-04-01 role a", "2026-04-01 account Crm"}; !slices.Equal(told, want) || len(seen.Days) != 1 || !seen.Cut {
		t.Errorf("told are %q on %d days", told, len(seen.Days))
	}
}

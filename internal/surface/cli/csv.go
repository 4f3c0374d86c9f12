package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// listing are the commands that print a list, which --csv writes whole.
var listing = strings.Fields(`
	person-list order-list order-stuck reconcile-list reconcile-roles request-list journal-list
	jobs-list messages account-list token-list profile-list`)

// settleCSV refuses --csv where there is no list, or two forms are asked for.
func (v *invocation) settleCSV(c *cobra.Command) error {
	switch {
	case !v.csv:
		return nil
	case v.json:
		return wrongUsage("leave one of them out", "--json and --csv are two forms of the same")
	case !slices.Contains(listing, commandKey(c)):
		return wrongUsage("leave --csv out; lists have it, such as `provisor order list --csv`", "%s prints no list", c.CommandPath())
	}
	return nil
}

// asList prints a list as CSV, with the columns of the file that its page gives: as
// many rows as --limit says where it is given, else all.
func (v *invocation) asList(s *export.Sheet, c *cobra.Command) error {
	if limit := c.Flags().Lookup("limit"); limit != nil && limit.Changed {
		most, err := c.Flags().GetInt("limit")
		if err != nil {
			return err
		}
		s = firstOf(s, most)
	}
	f, _ := export.FormatOf("csv")
	return f.Write(v.Stdout, *s)
}

// firstOf is a list as far as somebody asked for it.
func firstOf(s *export.Sheet, most int) *export.Sheet {
	first := *s
	first.Rows = func(yield func([]string, error) bool) {
		n := 0
		for row, err := range s.Rows {
			if n == most && err == nil || !yield(row, err) {
				return
			}
			n++
		}
	}
	return &first
}

// once hands a list over that is there already.
func once[T any](list []T) func() ([]T, bool, error) {
	return func() ([]T, bool, error) { return list, false, nil }
}

// peopleOfAll is the people of several entity types, one after the other.
func peopleOfAll(ctx context.Context, q view.Asked, filters []view.PeopleFilter) *export.Sheet {
	return &export.Sheet{Name: "people", Columns: sheets.OwnerColumns, Rows: func(yield func([]string, error) bool) {
		for _, f := range filters {
			for row, err := range sheets.People(ctx, q, f).Rows {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}}
}

// accountsSheet is the sign-in accounts; no page lists them.
func accountsSheet(list []stage.Account) *export.Sheet {
	columns := []string{"Account", "Entity type", "Key", "Signs in", "Disabled", "Made", "By"}
	return sheets.All("accounts", columns, list, func(a stage.Account) []string {
		return []string{a.Name, string(a.Person.Type), string(a.Person.Key), howIn(a), sheets.Stamped(a.Disabled), sheets.Stamped(a.At), a.By}
	})
}

// tokensSheet is tokens; no page lists them.
func tokensSheet(list []stage.Token) *export.Sheet {
	columns := []string{"Token", "Account", "Name", "Made", "By", "Until", "Used", "Revoked"}
	return sheets.All("tokens", columns, list, func(x stage.Token) []string {
		return []string{
			sheets.Whole(x.ID), x.Account, x.Name, sheets.Stamped(x.At), x.By, sheets.Stamped(x.Expires), sheets.Stamped(x.Used), sheets.Stamped(x.Revoked),
		}
	})
}

// profilesSheet is the profiles that there are; the page shows them as cards.
func profilesSheet(list []access.Profile) *export.Sheet {
	return sheets.All("profiles", []string{"Profile", "Name", "Permissions", "Reaching", "Description"}, list, func(p access.Profile) []string {
		permissions := make([]string, len(p.Permissions))
		for i, x := range p.Permissions {
			permissions[i] = string(x)
		}
		return []string{string(p.ID), p.Name, strings.Join(permissions, ", "), p.Scope.String(), p.About}
	})
}

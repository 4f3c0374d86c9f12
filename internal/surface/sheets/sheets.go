// Package sheets says of each list which columns it has as a file: one place for the
// pages and the command line, so that a list is the same file wherever it is had.
//
// It promises that a list is read page by page from its beginning, by the filter that
// it is given, and that what it asks is asked of whoever answers for its reader. The
// pages and the command line hand the sheets to package export. Nothing is kept, so a
// crash leaves nothing.
package sheets

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/view"
)

// Asked answers what the lists hold.
type Asked interface {
	Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error)
	People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error)
	Requests(ctx context.Context, f view.RequestFilter) (view.RequestPage, error)
	Reconciliation(ctx context.Context, f view.ReconciliationFilter) (view.ReconciliationPage, error)
	FoundRoles(ctx context.Context, f view.FoundRoleFilter) (view.FoundRolePage, error)
	Journal(ctx context.Context, f view.JournalFilter) (view.JournalPage, error)
	Runs(ctx context.Context, f view.RunFilter) (view.RunPage, error)
	Messages(ctx context.Context, f view.MessageFilter) (view.MessagePage, error)
}

// Of is a list page by page: next returns one page, and whether there is another.
func Of[T any](name string, columns []string, next func() ([]T, bool, error), row func(T) []string) *export.Sheet {
	return &export.Sheet{Name: name, Columns: columns, Rows: export.Of(next, row)}
}

// All is a list that is there already.
func All[T any](name string, columns []string, list []T, row func(T) []string) *export.Sheet {
	return &export.Sheet{Name: name, Columns: columns, Rows: export.All(list, row)}
}

// Stamped is an instant in a file; "" for none.
func Stamped(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Dated is a day in a file; "" for none.
func Dated(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Plain is a value in a file: a dash stands for none on pages alone.
func Plain(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

// Whole is a number in a file.
func Whole(n int64) string { return strconv.FormatInt(n, 10) }

// OwnerColumns and OwnerCells are who a row belongs to.
var OwnerColumns = []string{"Entity type", "Key", "Name"}

// OwnerCells are the cells below OwnerColumns.
func OwnerCells(o view.Owner) []string { return []string{o.Type, o.Key, o.Display} }

// People is the people of a question.
func People(ctx context.Context, q Asked, asked view.PeopleFilter) *export.Sheet {
	asked.After, asked.Limit = view.PeopleCursor{}, view.MaxLimit
	return Of("directory-"+asked.Entity, OwnerColumns, func() ([]view.Owner, bool, error) {
		page, err := q.People(ctx, asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.People, page.After != nil, err
	}, OwnerCells)
}

var orderColumns = append([]string{"Order", "Kind", "Resource type"}, append(slices.Clone(OwnerColumns),
	"Account", "Connector", "Connection", "State", "Since", "Waits for", "Taken by", "Created", "Closed", "Outcome", "Confidence", "Changes")...)

func orderCells(o view.Order) []string {
	changes := make([]string, len(o.Items))
	for i, it := range o.Items {
		link := it.LinkName
		if link == "" {
			link = it.Link
		}
		changes[i] = strings.TrimSpace(it.Op + " " + it.Property + " " + link)
		if it.Link == "" && it.Property != "" {
			changes[i] += " = " + Plain(it.Proposed)
		}
	}
	cells := append([]string{o.ID.String(), o.Kind, o.Type}, OwnerCells(o.Owner)...)
	return append(cells, o.Target, o.Connector, o.Connection, o.State.String(), Stamped(o.Since), o.WaitsFor(), o.TakenBy,
		Stamped(o.Created), Stamped(o.Closed), o.Outcome, strconv.Itoa(o.Confidence), strings.Join(changes, "; "))
}

// OrdersIn reads the orders of a question, page by page.
func OrdersIn(ctx context.Context, q Asked, asked view.OrderFilter) func() ([]view.Order, bool, error) {
	asked.After, asked.Limit = 0, view.MaxLimit
	return func() ([]view.Order, bool, error) {
		page, err := q.Orders(ctx, asked)
		asked.After = page.After
		return page.Orders, page.After != 0, err
	}
}

// Orders is the orders of a question.
func Orders(ctx context.Context, q Asked, name string, asked view.OrderFilter) *export.Sheet {
	return Of(name, orderColumns, OrdersIn(ctx, q, asked), orderCells)
}

// questionLine is one value in question, or an account without any.
type questionLine struct {
	view.Question
	item view.Item
}

// QuestionsIn reads the questions of reconciliation, page by page.
func QuestionsIn(ctx context.Context, q Asked, asked view.ReconciliationFilter) func() ([]view.Question, bool, error) {
	asked.After, asked.Limit = 0, view.MaxLimit
	return func() ([]view.Question, bool, error) {
		page, err := q.Reconciliation(ctx, asked)
		asked.After = page.After
		return page.Questions, page.After != 0, err
	}
}

// Questions is the questions of reconciliation, a row for each value, or for each
// value of one property.
func Questions(next func() ([]view.Question, bool, error), property string) *export.Sheet {
	columns := append([]string{"Number", "Resource type", "Account"}, append(slices.Clone(OwnerColumns), "Connector", "Connection", "Question", "Property", "Expected", "Found", "State")...)
	return Of("reconciliation", columns, func() (lines []questionLine, more bool, err error) {
		list, more, err := next()
		for _, q := range list {
			if len(q.Account.Items) == 0 {
				lines = append(lines, questionLine{q, view.Item{State: q.Account.State}})
			}
			for _, it := range q.Account.Items {
				if property == "" || it.Property == property {
					lines = append(lines, questionLine{q, it})
				}
			}
		}
		return lines, more, err
	}, func(x questionLine) []string {
		question := "It holds something else than expected."
		if x.Unauthorized {
			question = "No rule gives this account."
		}
		cells := append([]string{Whole(int64(x.Account.ID)), x.Account.Type, x.Account.Target}, OwnerCells(x.Owner)...)
		return append(cells, x.Account.Connector, x.Account.Connection, question, x.item.Name, Plain(x.item.Proposed), Plain(x.item.Current), x.item.State.String())
	})
}

// Requests is the requests of a question.
func Requests(ctx context.Context, q Asked, asked view.RequestFilter) *export.Sheet {
	asked.After, asked.Limit = 0, view.MaxLimit
	columns := append([]string{"Request"}, append(slices.Clone(OwnerColumns), "Action", "Role", "Parameters", "Start", "End", "Reason", "Asked by", "Asked at", "State", "Since", "Waits for")...)
	return Of("requests", columns, func() ([]view.Request, bool, error) {
		page, err := q.Requests(ctx, asked)
		asked.After = page.After
		return page.Requests, page.After != 0, err
	}, func(x view.Request) []string {
		cells := append([]string{Whole(int64(x.ID))}, OwnerCells(x.Owner)...)
		return append(cells, x.Action, x.Role, x.Parameters, Dated(x.Start), Dated(x.End), x.Why, x.By, Stamped(x.At), x.Workflow.Name, Stamped(x.Since), WaitsFor(x))
	})
}

// FoundIn reads the roles that were found, page by page.
func FoundIn(ctx context.Context, q Asked, asked view.FoundRoleFilter) func() ([]view.FoundRole, bool, error) {
	asked.After, asked.Limit = view.FoundRoleCursor{}, view.MaxLimit
	return func() ([]view.FoundRole, bool, error) {
		page, err := q.FoundRoles(ctx, asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.Roles, page.After != nil, err
	}
}

// Found is the roles that were found.
func Found(next func() ([]view.FoundRole, bool, error)) *export.Sheet {
	return Of("found-roles", append(slices.Clone(OwnerColumns), "Role", "Parameters", "Found", "Since", "Because"), next, func(f view.FoundRole) []string {
		return append(OwnerCells(f.Owner), f.Role, f.Parameters, f.Workflow.Name, Dated(f.Since), f.Because)
	})
}

// Journal is the journal, the newest first.
func Journal(ctx context.Context, q Asked, asked view.JournalFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	return Of("journal", []string{"Entry", "At", "Process", "On behalf of", "Act", "Subject", "Reason", "Detail", "Hash"}, func() ([]journal.Entry, bool, error) {
		page, err := q.Journal(ctx, asked)
		asked.Before = page.Before
		return page.Entries, page.Before != 0, err
	}, func(e journal.Entry) []string {
		return []string{Whole(e.Seq), Stamped(e.At), e.Actor.Process, e.Actor.As, e.Name, e.Subject, e.Why, string(e.Detail), e.Hash}
	})
}

// Runs is the runs of jobs, the newest first.
func Runs(ctx context.Context, q Asked, asked view.RunFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	columns := []string{"Run", "Job", "Connector", "State", "Attempt", "Asked for", "Began", "Ended", "By", "Schedule", "Server", "What is wrong"}
	return Of("jobs", columns, func() ([]runs.Run, bool, error) {
		page, err := q.Runs(ctx, asked)
		asked.Before = page.Before
		return page.Runs, page.Before != 0, err
	}, func(x runs.Run) []string {
		return []string{
			Whole(int64(x.ID)), string(x.Job), string(x.Connector), string(x.State), strconv.Itoa(x.Attempt),
			Stamped(x.At), Stamped(x.Began), Stamped(x.Ended), x.By, x.Schedule, x.Server, x.Wrong,
		}
	})
}

// Messages is what was told, the newest first.
func Messages(ctx context.Context, q Asked, asked view.MessageFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	columns := []string{"Message", "Way", "Recipient", "Address", "Subject", "State", "At", "Sent", "Attempts", "Next attempt", "What is wrong"}
	return Of("messages", columns, func() ([]view.Message, bool, error) {
		page, err := q.Messages(ctx, asked)
		asked.Before = page.Before
		return page.Messages, page.Before != 0, err
	}, func(x view.Message) []string {
		return []string{
			Whole(x.ID), x.Way, x.Recipient, x.Address, x.Subject, x.State,
			Stamped(x.At), Stamped(x.Sent), strconv.Itoa(x.Attempts), Stamped(x.Next), x.Why,
		}
	})
}

// Assignments is who has which profile.
func Assignments(name string, list []access.ProfileAssignment) *export.Sheet {
	columns := []string{"Profile", "Who", "Reaching", "How", "From", "Until", "Given by", "Given at", "Ended", "Reason"}
	return All(name, columns, list, func(a access.ProfileAssignment) []string {
		return []string{
			string(a.Profile), a.Holder.String(), a.Scope.String(), AssignedHow(a), Stamped(a.From), Stamped(a.To),
			a.By, Stamped(a.At), Stamped(a.Revoked), a.Why,
		}
	})
}

// AssignedHow says how somebody got a profile.
func AssignedHow(a access.ProfileAssignment) string {
	switch a.How {
	case access.Delegation:
		return "delegated by " + a.Delegator.String()
	case access.ByRule:
		return "by rule"
	}
	return "by hand, of " + a.By
}

// WaitsFor names who may decide now.
func WaitsFor(q view.Request) string {
	if q.Stuck != "" {
		return "nobody: " + q.Stuck
	}
	names := make([]string, len(q.Waits))
	for i, w := range q.Waits {
		names[i] = w.Person + " (" + w.As + ")"
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, ", ")
	case q.Workflow.Number == int(assignments.RequestedMissingParameters):
		return "a parameter"
	case q.Open:
		return "the next run, which takes it to its first step"
	}
	return ""
}

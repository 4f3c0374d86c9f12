package web

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/view"
)

// exportsAtOnce bounds the lists that are written out at the same time: each reads
// all of a list, and a large spreadsheet stands on the disk meanwhile.
const exportsAtOnce = 4

// download answers with the list of a page as a file: what the page shows, by the
// same permission, filter and order, from the beginning to the end.
func (s *site) download(w http.ResponseWriter, r *http.Request, p page, as string) {
	format, known := export.FormatOf(as)
	if !known || p.Sheet == nil {
		s.fail(w, r, unreadable("the form of the list", as, "It is csv or xlsx, where the page has a list."))
		return
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		s.fail(w, r, &fault.Error{Kind: fault.Unavailable, Op: "export", Msg: "other lists are being exported now", Do: "Try again in a moment."})
		return
	}
	// The first row comes before the heading of the answer: what cannot be asked is said.
	next, stop := iter.Pull2(p.Sheet.Rows)
	defer stop()
	row, err, any := next()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	sheet := *p.Sheet
	sheet.Rows = func(yield func([]string, error) bool) {
		for ; any; row, err, any = next() {
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	h := w.Header()
	h.Set("Content-Type", format.Kind)
	h.Set("Content-Disposition", `attachment; filename="`+format.File(sheet, s.Clock())+`"`)
	if r.Method == http.MethodHead {
		return
	}
	if err := format.Write(w, sheet); err != nil {
		if r.Context().Err() == nil {
			s.Log.Error("a list could not be exported", "path", r.URL.Path, "err", err)
		}
		panic(http.ErrAbortHandler) // so that half a file does not look whole
	}
}

// sheetOf is a list in a file, page by page.
func sheetOf[T any](name string, columns []string, next func() ([]T, bool, error), row func(T) []string) *export.Sheet {
	return &export.Sheet{Name: name, Columns: columns, Rows: export.Of(next, row)}
}

// sheetAll is a list that is there already.
func sheetAll[T any](name string, columns []string, list []T, row func(T) []string) *export.Sheet {
	return &export.Sheet{Name: name, Columns: columns, Rows: export.All(list, row)}
}

// stamped is an instant in a file; "" for none.
func stamped(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// dated is a day in a file; "" for none.
func dated(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// plain is a value in a file: a dash stands for none on pages alone.
func plain(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

var ownerColumns = []string{"Entity type", "Key", "Name"}

func ownerCells(o view.Owner) []string { return []string{o.Type, o.Key, o.Display} }

// peopleSheet is the people of a question.
func (s *site) peopleSheet(r *http.Request, asked view.PeopleFilter) *export.Sheet {
	asked.After, asked.Limit = view.PeopleCursor{}, view.MaxLimit
	return sheetOf("directory-"+asked.Entity, ownerColumns, func() ([]view.Owner, bool, error) {
		page, err := s.Questions.People(r.Context(), asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.People, page.After != nil, err
	}, ownerCells)
}

var orderColumns = append([]string{"Order", "Kind", "Resource type"}, append(ownerColumns,
	"Account", "Connector", "Connection", "State", "Since", "Waits for", "Taken by", "Created", "Closed", "Outcome", "Confidence", "Changes")...)

func orderCells(o view.Order) []string {
	changes := make([]string, len(o.Items))
	for i, it := range o.Items {
		changes[i] = strings.TrimSpace(it.Op + " " + it.Property + " " + nameOr(it.LinkName, it.Link))
		if it.Link == "" && it.Property != "" {
			changes[i] += " = " + plain(it.Proposed)
		}
	}
	cells := append([]string{o.ID.String(), o.Kind, o.Type}, ownerCells(o.Owner)...)
	return append(cells, o.Target, o.Connector, o.Connection, o.State.String(), stamped(o.Since), o.WaitsFor(), o.TakenBy,
		stamped(o.Created), stamped(o.Closed), o.Outcome, strconv.Itoa(o.Confidence), strings.Join(changes, "; "))
}

// ordersIn reads the orders of a question, page by page.
func (s *site) ordersIn(r *http.Request, asked view.OrderFilter) func() ([]view.Order, bool, error) {
	asked.After, asked.Limit = 0, view.MaxLimit
	return func() ([]view.Order, bool, error) {
		page, err := s.Questions.Orders(r.Context(), asked)
		asked.After = page.After
		return page.Orders, page.After != 0, err
	}
}

func (s *site) ordersSheet(r *http.Request, name string, asked view.OrderFilter) *export.Sheet {
	return sheetOf(name, orderColumns, s.ordersIn(r, asked), orderCells)
}

// linesSheet is the lines of orders that touch one property.
func (s *site) linesSheet(r *http.Request, asked view.OrderFilter) *export.Sheet {
	next := s.ordersIn(r, asked)
	columns := append([]string{"Order", "Kind", "Resource type"}, append(ownerColumns, "Property", "Link", "Proposed", "Current", "State", "Since")...)
	return sheetOf("review-"+asked.Property, columns, func() (lines []propertyLine, more bool, err error) {
		list, more, err := next()
		return linesOn(list, asked.Property), more, err
	}, func(x propertyLine) []string {
		cells := append([]string{x.Order.ID.String(), x.Order.Kind, x.Order.Type}, ownerCells(x.Order.Owner)...)
		return append(cells, x.Item.Property, nameOr(x.Item.LinkName, x.Item.Link), plain(x.Item.Proposed), plain(x.Item.Current), x.Item.State.String(), stamped(x.Item.Since))
	})
}

// questionsSheet is the questions of reconciliation, a row for each value.
func (s *site) questionsSheet(r *http.Request, asked view.ReconciliationFilter) *export.Sheet {
	asked.After, asked.Limit = 0, view.MaxLimit
	type line struct {
		view.Question
		item view.Item
	}
	columns := append([]string{"Number", "Resource type", "Account"}, append(ownerColumns, "Connector", "Connection", "Question", "Property", "Expected", "Found", "State")...)
	return sheetOf("reconciliation", columns, func() (lines []line, more bool, err error) {
		page, err := s.Questions.Reconciliation(r.Context(), asked)
		asked.After = page.After
		for _, q := range page.Questions {
			if len(q.Account.Items) == 0 {
				lines = append(lines, line{q, view.Item{State: q.Account.State}})
			}
			for _, it := range q.Account.Items {
				if asked.Property == "" || it.Property == asked.Property {
					lines = append(lines, line{q, it})
				}
			}
		}
		return lines, page.After != 0, err
	}, func(x line) []string {
		question := "It holds something else than expected."
		if x.Unauthorized {
			question = "No rule gives this account."
		}
		cells := append([]string{whole(int64(x.Account.ID)), x.Account.Type, x.Account.Target}, ownerCells(x.Owner)...)
		return append(cells, x.Account.Connector, x.Account.Connection, question, x.item.Name, plain(x.item.Proposed), plain(x.item.Current), x.item.State.String())
	})
}

// requestsSheet is the requests of a question.
func (s *site) requestsSheet(r *http.Request, asked view.RequestFilter) *export.Sheet {
	asked.After, asked.Limit = 0, view.MaxLimit
	columns := append([]string{"Request"}, append(ownerColumns, "Action", "Role", "Parameters", "Start", "End", "Reason", "Asked by", "Asked at", "State", "Since", "Waits for")...)
	return sheetOf("requests", columns, func() ([]view.Request, bool, error) {
		page, err := s.Questions.Requests(r.Context(), asked)
		asked.After = page.After
		return page.Requests, page.After != 0, err
	}, func(q view.Request) []string {
		cells := append([]string{whole(int64(q.ID))}, ownerCells(q.Owner)...)
		return append(cells, q.Action, q.Role, q.Parameters, dated(q.Start), dated(q.End), q.Why, q.By, stamped(q.At), q.Workflow.Name, stamped(q.Since), waitsFor(q))
	})
}

// foundSheet is the roles that were found.
func (s *site) foundSheet(r *http.Request, asked view.FoundRoleFilter) *export.Sheet {
	asked.After, asked.Limit = view.FoundRoleCursor{}, view.MaxLimit
	return sheetOf("found-roles", append(slices.Clone(ownerColumns), "Role", "Parameters", "Found", "Since", "Because"), func() ([]view.FoundRole, bool, error) {
		page, err := s.Questions.FoundRoles(r.Context(), asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.Roles, page.After != nil, err
	}, func(f view.FoundRole) []string {
		return append(ownerCells(f.Owner), f.Role, f.Parameters, f.Workflow.Name, dated(f.Since), f.Because)
	})
}

// holdersSheet is who has a role.
func (s *site) holdersSheet(r *http.Request, asked view.HolderFilter) *export.Sheet {
	asked.After, asked.Limit = view.HolderCursor{}, view.MaxLimit
	return sheetOf("role-"+asked.Role, append(slices.Clone(ownerColumns), "Parameters", "Workflow state", "Start", "End"), func() ([]view.Holder, bool, error) {
		page, err := s.Questions.Holders(r.Context(), asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.Holders, page.After != nil, err
	}, func(h view.Holder) []string {
		return append(ownerCells(h.Owner), h.Parameters, h.Workflow.Name, dated(h.Start), dated(h.End))
	})
}

// journalSheet is the journal, the newest first.
func (s *site) journalSheet(r *http.Request, asked view.JournalFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	return sheetOf("journal", []string{"Entry", "At", "Process", "On behalf of", "Act", "Subject", "Reason", "Detail", "Hash"}, func() ([]journal.Entry, bool, error) {
		page, err := s.Questions.Journal(r.Context(), asked)
		asked.Before = page.Before
		return page.Entries, page.Before != 0, err
	}, func(e journal.Entry) []string {
		return []string{whole(e.Seq), stamped(e.At), e.Actor.Process, e.Actor.As, e.Name, e.Subject, e.Why, string(e.Detail), e.Hash}
	})
}

// rolesSheet is the catalog.
func rolesSheet(m *roles.Model, list []roles.Role) *export.Sheet {
	return sheetAll("roles", []string{"Role", "Name", "Category", "Kind", "Entity type", "Approval", "Description"}, list, func(x roles.Role) []string {
		kind := "single"
		if x.Composite {
			kind = "composite"
		}
		return []string{string(x.ID), x.Name, categoryName(m, x.Category), kind, string(x.Entity), string(x.Approval), x.About}
	})
}

// rulesSheet is rule lines.
func rulesSheet(name string, list []ruleShown) *export.Sheet {
	return sheetAll(name, []string{"Rule", "Says", "Gives", "Place"}, list, func(x ruleShown) []string {
		return []string{x.Object, x.Says, x.Gives, x.Place}
	})
}

// exportAddress is where a list is had as a file, by the address of its first page.
func exportAddress(address, as string) templ.SafeURL {
	between := "?"
	if strings.Contains(address, "?") {
		between = "&"
	}
	return templ.SafeURL(address + between + "export=" + as)
}

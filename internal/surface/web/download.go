package web

import (
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
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

// peopleSheet is the people of a question.
func (s *site) peopleSheet(r *http.Request, asked view.PeopleFilter) *export.Sheet {
	return sheets.People(r.Context(), s.Questions, asked)
}

func (s *site) ordersSheet(r *http.Request, name string, asked view.OrderFilter) *export.Sheet {
	return sheets.Orders(r.Context(), s.Questions, name, asked)
}

// linesSheet is the lines of orders that touch one property.
func (s *site) linesSheet(r *http.Request, asked view.OrderFilter) *export.Sheet {
	next := sheets.OrdersIn(r.Context(), s.Questions, asked)
	columns := append([]string{"Order", "Kind", "Resource type"}, append(slices.Clone(sheets.OwnerColumns), "Property", "Link", "Proposed", "Current", "State", "Since")...)
	return sheets.Of("review-"+asked.Property, columns, func() (lines []propertyLine, more bool, err error) {
		list, more, err := next()
		return linesOn(list, asked.Property), more, err
	}, func(x propertyLine) []string {
		cells := append([]string{x.Order.ID.String(), x.Order.Kind, x.Order.Type}, sheets.OwnerCells(x.Order.Owner)...)
		return append(cells, x.Item.Property, nameOr(x.Item.LinkName, x.Item.Link), sheets.Plain(x.Item.Proposed), sheets.Plain(x.Item.Current), x.Item.State.String(), sheets.Stamped(x.Item.Since))
	})
}

// questionsSheet is the questions of reconciliation, a row for each value.
func (s *site) questionsSheet(r *http.Request, asked view.ReconciliationFilter) *export.Sheet {
	return sheets.Questions(sheets.QuestionsIn(r.Context(), s.Questions, asked), asked.Property)
}

// requestsSheet is the requests of a question.
func (s *site) requestsSheet(r *http.Request, asked view.RequestFilter) *export.Sheet {
	return sheets.Requests(r.Context(), s.Questions, asked)
}

// foundSheet is the roles that were found.
func (s *site) foundSheet(r *http.Request, asked view.FoundRoleFilter) *export.Sheet {
	return sheets.Found(sheets.FoundIn(r.Context(), s.Questions, asked))
}

// holdersSheet is who has a role.
func (s *site) holdersSheet(r *http.Request, asked view.HolderFilter) *export.Sheet {
	asked.After, asked.Limit = view.HolderCursor{}, view.MaxLimit
	return sheets.Of("role-"+asked.Role, append(slices.Clone(sheets.OwnerColumns), "Parameters", "Workflow state", "Start", "End"), func() ([]view.Holder, bool, error) {
		page, err := s.Questions.Holders(r.Context(), asked)
		if page.After != nil {
			asked.After = *page.After
		}
		return page.Holders, page.After != nil, err
	}, func(h view.Holder) []string {
		return append(sheets.OwnerCells(h.Owner), h.Parameters, h.Workflow.Name, sheets.Dated(h.Start), sheets.Dated(h.End))
	})
}

// journalSheet is the journal, the newest first.
func (s *site) journalSheet(r *http.Request, asked view.JournalFilter) *export.Sheet {
	return sheets.Journal(r.Context(), s.Questions, asked)
}

// rolesSheet is the catalog.
func rolesSheet(m *roles.Model, list []roles.Role) *export.Sheet {
	return sheets.All("roles", []string{"Role", "Name", "Category", "Kind", "Entity type", "Approval", "Description"}, list, func(x roles.Role) []string {
		kind := "single"
		if x.Composite {
			kind = "composite"
		}
		return []string{string(x.ID), x.Name, categoryName(m, x.Category), kind, string(x.Entity), string(x.Approval), x.About}
	})
}

// rulesSheet is rule lines.
func rulesSheet(name string, list []ruleShown) *export.Sheet {
	return sheets.All(name, []string{"Rule", "Says", "Gives", "Place"}, list, func(x ruleShown) []string {
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

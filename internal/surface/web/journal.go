package web

import (
	"net/http"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/view"
)

// journalWithin bounds a search: so many entries are looked through in a moment,
// and the next page looks further back.
const journalWithin = 20_000

// journalList is who did what, the newest first.
type journalList struct {
	Filter  filter
	Actor   string
	Since   string
	Page    view.JournalPage
	Paged   bool
	Next    string
	Bounded bool // the search ended at its bound, not at its end
	Now     time.Time
}

// journal lists entries.
func (s *site) journal(r *http.Request) (page, error) {
	q := r.URL.Query()
	before, err := numbered("the place in the journal", q.Get("before"))
	if err != nil {
		return page{}, err
	}
	l := journalList{Actor: q.Get("actor"), Since: q.Get("since"), Paged: before != 0, Now: s.Clock()}
	l.Filter = filter{Address: "/journal", Label: "Journal", Searches: "What", Hint: "Act, subject or reason", Sort: sortedBy(view.Newest, view.NumberedColumns)}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	asked := view.JournalFilter{Text: l.Filter.Text, Actor: l.Actor, Oldest: !l.Filter.Sort.Now.Down, Before: before, Limit: rowsOnPage}
	if asked.Since, err = dayIn("the day", l.Since); err != nil {
		return page{}, err
	}
	if l.filtered() {
		asked.Within = journalWithin
	}
	if l.Page, err = s.Questions.Journal(r.Context(), asked); err != nil {
		return page{}, err
	}
	if next := l.Page.Before; next != 0 {
		l.Next = l.Filter.next("actor", l.Actor, "since", l.Since, "before", strconv.FormatInt(next, 10))
		l.Bounded = len(l.Page.Entries) < rowsOnPage
	}
	return page{Title: "Journal", Section: "journal", Body: journalPage(l), Sheet: s.journalSheet(r, asked)}, nil
}

// first is the address of the first page.
func (l journalList) first() string { return l.Filter.next("actor", l.Actor, "since", l.Since) }

func (l journalList) filtered() bool { return l.Filter.Text != "" || l.Actor != "" || l.Since != "" }

// verified is what checking the journal found.
type verified struct {
	Entries int64
	Wrong   string
	Do      string
}

// verifyJournal recomputes the whole chain and says whether it holds.
func (s *site) verifyJournal(r *http.Request) (page, error) {
	n, err := s.VerifyJournal(r.Context())
	v := verified{Entries: n}
	if err != nil {
		if fault.KindOf(err) != fault.Conflict {
			return page{}, err
		}
		v.Wrong = sentence(err.Error())
		v.Do = "Keep the store as it is, compare it with a back-up, and find out who could write to the database."
	}
	return page{Title: "Journal checked", Section: "journal", Body: verifiedPage(v)}, nil
}

func entriesText(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return thousands(n) + " entries"
}

package api

import (
	"context"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/view"
)

// journalWithin bounds a search: so many entries are looked through in a moment,
// and the next page looks further back.
const journalWithin = 20_000

func (s *service) journal() {
	shows(s, operation{access.JournalView, "/journal", "listJournal", "Who did what, when and why, as a rule the newest first"}, s.listJournal)
	shows(s, operation{access.JournalView, "/journal/verification", "verifyJournal", "Whether the chain of the journal holds"}, s.verifyJournal)
}

func (s *service) listJournal(ctx context.Context, q *struct {
	Window
	Text  string `query:"q" maxLength:"200" doc:"In the act, its subject or its reason. Pages may be short, or empty, while next leads on."`
	Actor string `query:"actor"`
	Since string `query:"since" format:"date" doc:"From this day on."`

	Sort sorted[numberedColumns] `query:"sort"`
},
) (Page[journal.Entry], error) {
	f := view.JournalFilter{Text: q.Text, Actor: q.Actor, Oldest: q.Sort == "number", Limit: view.Rows(q.Limit)}
	var err error
	if f.Since, err = dayIn(q.Since); err != nil {
		return Page[journal.Entry]{}, err
	}
	if f.Before, _, err = rowIn[int64](q.After, string(q.Sort)); err != nil {
		return Page[journal.Entry]{}, err
	}
	if f.Text != "" || f.Actor != "" || !f.Since.IsZero() {
		f.Within = journalWithin
	}
	page, err := s.ask.Journal(ctx, f)
	return pageOf(page.Entries, rowOf(page.Before, "", string(q.Sort))), err
}

// Verification says whether the chain holds.
type Verification struct {
	Holds   bool   `json:"holds"`
	Entries int64  `json:"entries" doc:"How many hold, from the first one on."`
	Wrong   string `json:"wrong,omitempty"`
	Do      string `json:"do,omitempty"`
}

func (s *service) verifyJournal(ctx context.Context, _ *struct{}) (Verification, error) {
	n, err := s.VerifyJournal(ctx)
	switch {
	case err == nil:
		return Verification{Holds: true, Entries: n}, nil
	case fault.KindOf(err) == fault.Conflict:
		return Verification{
			Entries: n, Wrong: sentence(err.Error()),
			Do: "Keep the store as it is, compare it with a back-up, and find out who could write to the database.",
		}, nil
	}
	return Verification{}, err
}

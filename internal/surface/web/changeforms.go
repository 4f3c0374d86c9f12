package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// changeList is the changes of people's data that wait for somebody.
type changeList struct {
	Started []view.Started
	More    int // that are not shown
	Here    string
	Kept    kept
	Now     time.Time
	Nobody  bool
}

// changesOnPage bounds the list: those who decide see their own, the rest follows.
const changesOnPage = 100

// changeForms lists the started workflows that the person who asks may decide.
func (s *site) changeForms(r *http.Request) (page, error) {
	who := s.actor(r)
	only, err := numbered("a change", r.URL.Query().Get("only")) // as a message leads here
	if err != nil {
		return page{}, err
	}
	l := changeList{Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(), Nobody: who.As == ""}
	desk, err := s.Desks.WorkflowDesk(r.Context(), who)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return page{}, err
	}
	if err == nil {
		list, err := desk.Tasks(r.Context())
		if l.Nobody {
			list, err = desk.List(r.Context(), stage.WorkflowFilter{Open: true})
		}
		if err != nil {
			return page{}, err
		}
		if only != 0 {
			list = slices.DeleteFunc(list, func(x review.Waiting) bool { return int64(x.ID) != only })
		}
		for _, x := range list[:min(len(list), changesOnPage)] {
			l.Started = append(l.Started, view.StartedOf(&x.Started, x.Seats))
		}
		l.More = len(list) - len(l.Started)
		for i := range l.Started { // nothing names those that are not there yet
			about := &l.Started[i].About
			if p, err := s.Questions.Person(r.Context(), refOf(*about)); err == nil {
				about.Display = p.Display
			}
		}
	}
	return page{Title: "Changes of data", Section: "requests", Body: changesPage(l)}, nil
}

// decideChanges approves or declines the started workflows that were chosen.
func (s *site) decideChanges(r *http.Request) (outcome, error) {
	approve, err := requestVerb(r)
	if err != nil {
		return outcome{}, err
	}
	x := act.OnWorkflows{Approve: approve, Why: r.PostForm.Get("why")}
	var lines []string
	for _, row := range chosen(r) {
		id, version, err := pairIn("a change", row)
		if err != nil {
			return outcome{}, err
		}
		x.Started = append(x.Started, act.SeenWorkflow{ID: workflows.StartedID(id), Version: version})
		lines = append(lines, "Change "+strconv.FormatInt(id, 10))
	}
	if len(x.Started) == 0 {
		return outcome{}, nothingChosen()
	}
	if what := "Decline " + count(len(lines), "change"); !approve && !sure(r) {
		return asking(what+" of data, for good?", what, lines), nil
	}
	desk, err := s.Desks.WorkflowDesk(r.Context(), s.actor(r))
	if err != nil {
		return outcome{}, err
	}
	answer, err := x.Do(r.Context(), desk)
	past := "declined"
	if approve {
		past = "approved"
	}
	out := outcome{Said: happened(len(answer.Decided), "change", past)}
	for _, refused := range answer.Refused {
		out.Refused = append(out.Refused, fmt.Sprintf("Change %d: %s", refused.Started, lowered(refused.Why)))
	}
	return out, err
}

// startedWaits names who may decide a started workflow now.
func startedWaits(x view.Started) string {
	return sheets.WaitsFor(view.Request{Waits: x.Waits, Open: true})
}

// moreText is not empty where a list goes on.
func moreText(more int) string {
	if more > 0 {
		return "more"
	}
	return ""
}

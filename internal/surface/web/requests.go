package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// requestList is the requests that wait for somebody.
type requestList struct {
	Filter filter
	Page   view.RequestPage
	Paged  bool
	Next   string
	Here   string
	Kept   kept
	Now    time.Time
	Model  *roles.Model
	Who    string // the person who acts
	Nobody bool   // no person acts, so that nothing can wait for one
}

// waitsForPerson reports whether a request waits for whoever looks.
func waitsForPerson(q view.Request, who string) bool {
	return q.Open && who != "" && slices.ContainsFunc(q.Waits, func(w view.Reviewer) bool { return w.Person == who })
}

// decidable counts the requests of the page that wait for whoever looks: nothing
// else is theirs to choose.
func (l requestList) decidable() (n int) {
	for _, q := range l.Page.Requests {
		n += boolOf(waitsForPerson(q, l.Who))
	}
	return n
}

// What requests are listed.
const (
	showAll     = "open"
	showStuck   = "stuck"
	showSettled = "settled"
)

// requests lists what waits for the person who asks or, where it is asked for, more.
func (s *site) requests(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	who := s.actor(r).As
	f := filter{Address: "/requests", Label: "Requests", Picks: []pick{{
		Name: "show", Label: "Show", Else: "what waits for me", Options: []option{{showAll, "every open request"}, {showStuck, "what nobody can decide"}, {showSettled, "settled ones too"}},
	}}}
	f.Sort = sortedBy(view.Sort{Down: r.URL.Query().Get("show") == showSettled}, view.RequestColumns)
	if err := f.read(r); err != nil {
		return page{}, err
	}
	list := requestList{Filter: f, Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(), Model: m, Who: who, Nobody: who == ""}
	asked := view.RequestFilter{Limit: rowsOnPage}
	switch f.chosen("show") {
	case "":
		asked.WaitsFor = who
	case showStuck:
		asked.Stuck = true
	case showSettled:
		asked.Closed = true
	}
	o := &list.Filter.Sort
	list.Page, err = inOrder(o, func() (page view.RequestPage, err error) {
		after, by, err := o.after(r)
		if err != nil {
			return page, err
		}
		asked.Sort, asked.After, asked.AfterBy = o.Now, requests.RequestID(after), by
		return s.Questions.Requests(r.Context(), asked)
	})
	if err != nil {
		return page{}, err
	}
	list.Paged = asked.After != 0
	if next := list.Page.After; next != 0 {
		list.Next = list.Filter.next("after", strconv.FormatInt(int64(next), 10), "by", list.Page.AfterBy)
	}
	return page{Title: "My tasks", Section: "requests", Body: requestsPage(list), Sheet: s.requestsSheet(r, asked)}, nil
}

// stepOf reads "step 1 of 2"; "" where none waits.
func stepOf(q view.Request) string {
	step, of := assignments.Workflow(q.Workflow.Number).Step()
	if step == 0 {
		return ""
	}
	return fmt.Sprintf("step %d of %d", step, of)
}

// asksFor says what a request asks for.
func asksFor(m *roles.Model, q view.Request) string {
	text := sentenceCase(q.Action) + " " + roleName(m, q.Role)
	if q.Parameters != "" {
		text += " (" + q.Parameters + ")"
	}
	return text
}

// requestVerb reads whether a form approves or declines.
func requestVerb(r *http.Request) (approve bool, err error) {
	switch do := r.PostForm.Get("do"); do {
	case string(requests.Approve):
		return true, nil
	case string(requests.Decline):
		return false, nil
	default:
		return false, unreadable("what to do", do, "Use a button of the page.")
	}
}

// decideRequests approves or declines the requests that were chosen.
func (s *site) decideRequests(r *http.Request) (outcome, error) {
	approve, err := requestVerb(r)
	if err != nil {
		return outcome{}, err
	}
	x := act.OnRequests{Approve: approve, Why: r.PostForm.Get("why")}
	var lines []string
	for _, row := range chosen(r) {
		id, err := numbered("a request", row)
		if err != nil {
			return outcome{}, err
		}
		x.Requests = append(x.Requests, requests.RequestID(id))
		lines = append(lines, "Request "+row)
	}
	if len(x.Requests) == 0 {
		return outcome{}, nothingChosen()
	}
	if what := "Decline " + count(len(lines), "request"); !approve && !sure(r) {
		return asking(what+", for good?", what, lines), nil
	}
	return s.ruled(r, x)
}

func (s *site) ruled(r *http.Request, x act.OnRequests) (outcome, error) {
	desk, err := s.requestDesk(r)
	if err != nil {
		return outcome{}, err
	}
	answer, err := x.Do(r.Context(), desk)
	past := "declined"
	if x.Approve {
		past = "approved"
	}
	out := outcome{Said: happened(len(answer.Decided), "request", past)}
	for _, refused := range answer.Refused {
		out.Refused = append(out.Refused, fmt.Sprintf("Request %d: %s", refused.Request, lowered(refused.Why)))
	}
	return out, err
}

// lowered is an error's own words with what to do, after a colon.
func lowered(err error) string {
	var known *fault.Error
	if errors.As(err, &known) && known.Msg != "" {
		text := strings.TrimSuffix(known.Msg, ".") + "."
		if known.Do != "" {
			text += " " + sentence(known.Do)
		}
		return text
	}
	return strings.TrimSuffix(err.Error(), ".") + "."
}

// requestShown is one request on its page.
type requestShown struct {
	view.Request
	Here  string
	Kept  kept
	Now   time.Time
	Model *roles.Model
	Mine  bool // whoever looks asked for it, and may take it back
	Sits  bool // it waits for whoever looks
}

func (q requestShown) may(what requests.Event) bool {
	if what == requests.Withdraw && !q.Mine || (what == requests.Approve || what == requests.Decline) && !q.Sits {
		return false
	}
	for _, on := range q.May {
		if on == string(what) && q.Open {
			return true
		}
	}
	return false
}

// request shows one request with what was said of it.
func (s *site) request(r *http.Request) (page, error) {
	id, err := requestIn(r)
	if err != nil {
		return page{}, err
	}
	q, err := s.Questions.Request(r.Context(), id)
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	shown := requestShown{Request: q, Here: string(requestAddress(id)), Mine: q.By == s.actor(r).String(), Sits: waitsForPerson(q, s.actor(r).As), Kept: keptOf(r), Now: s.Clock(), Model: m}
	p := page{Title: "Request " + r.PathValue("id"), Section: "requests", Body: requestPage(shown)}
	if seen := shown.Kept.text("version"); seen != "" && seen != strconv.Itoa(q.Version) {
		p.Late = "Somebody decided already"
	}
	return p, nil
}

func requestIn(r *http.Request) (requests.RequestID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, &fault.Error{Kind: fault.NotFound, Msg: "there is no request " + r.PathValue("id"), Do: "Requests have numbers; find yours in the list."}
	}
	return requests.RequestID(id), nil
}

// requestSeen is the request that a form is about, unless it changed since.
func (s *site) requestSeen(r *http.Request) (requests.RequestID, error) {
	id, err := requestIn(r)
	if err != nil {
		return 0, err
	}
	q, err := s.Questions.Request(r.Context(), id)
	if err != nil {
		return 0, err
	}
	if seen := r.PostForm.Get("version"); seen != strconv.Itoa(q.Version) {
		return 0, &fault.Error{Kind: fault.Conflict, Msg: fmt.Sprintf("request %d changed since you looked", id), Do: "Look at it again below."}
	}
	return id, nil
}

// withdrawRequest takes back what whoever sends the form asked for.
func (s *site) withdrawRequest(r *http.Request) (outcome, error) {
	id, err := s.requestSeen(r)
	if err != nil {
		return outcome{}, err
	}
	desk, err := s.requestDesk(r)
	if err != nil {
		return outcome{}, err
	}
	_, err = desk.Withdraw(r.Context(), id, r.PostForm.Get("why"))
	return outcome{Said: fmt.Sprintf("Request %d is taken back.", id), To: string(requestAddress(id))}, err
}

// supplyRequest gives the parameters that a request lacks.
func (s *site) supplyRequest(r *http.Request) (outcome, error) {
	id, err := s.requestSeen(r)
	if err != nil {
		return outcome{}, err
	}
	desk, err := s.requestDesk(r)
	if err != nil {
		return outcome{}, err
	}
	given := map[roles.DimensionID]string{}
	for name, values := range r.PostForm {
		if dimension, ok := strings.CutPrefix(name, "with-"); ok && values[0] != "" {
			given[roles.DimensionID(dimension)] = values[0]
		}
	}
	_, err = desk.Supply(r.Context(), id, given)
	return outcome{Said: fmt.Sprintf("Request %d has what it lacked.", id), To: string(requestAddress(id))}, err
}

// decideRequest approves or declines one request, as it was seen.
func (s *site) decideRequest(r *http.Request) (outcome, error) {
	id, err := s.requestSeen(r)
	if err != nil {
		return outcome{}, err
	}
	approve, err := requestVerb(r)
	if err != nil {
		return outcome{}, err
	}
	out, err := s.ruled(r, act.OnRequests{Requests: []requests.RequestID{id}, Approve: approve, Why: r.PostForm.Get("why")})
	out.To = "/requests"
	return out, err
}

// nothingWaits says that a list is empty: whose it is depends on whether anybody acts.
func nothingWaits(l requestList) string {
	if l.Nobody {
		return "No request is open."
	}
	return "No request waits for you."
}

package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/view"
)

// started shows what somebody started through a form, and where it stands.
func (s *site) started(r *http.Request) (page, error) {
	id, err := startedIn(r)
	if err != nil {
		return page{}, err
	}
	desk, err := s.workflowDesk(r)
	if err != nil {
		return page{}, err
	}
	x, err := desk.Show(r.Context(), id)
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	who := s.actor(r).String()
	shown := startedShown{
		Started: view.StartedOf(&x.Started, x.Seats), Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(),
		Name: nameOr(m.Workflows[roles.WorkflowID(x.Workflow)].Name, string(x.Workflow)), Mine: x.By == who,
		Sits: slices.ContainsFunc(x.Seats, func(seat workflows.Seat) bool { return seat.Person == who }),
	}
	if p, err := s.Questions.Person(r.Context(), refOf(shown.About)); err == nil { // nothing names those that are not there yet
		shown.About.Display = p.Display
	}
	p := page{Title: fmt.Sprintf("Change %d", id), Section: "requests", Body: startedPage(shown)}
	if seen := shown.Kept.text("version"); seen != "" && seen != strconv.Itoa(shown.Version) {
		p.Late = "Somebody decided already"
	}
	return p, nil
}

func startedIn(r *http.Request) (workflows.StartedID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, &fault.Error{Kind: fault.NotFound, Msg: "there is no change " + r.PathValue("id"), Do: "Changes have numbers; find yours in the list."}
	}
	return workflows.StartedID(id), nil
}

// startedPasts are the verbs of a page for what people do to a started workflow.
var startedPasts = map[workflows.Event]string{workflows.Approve: "approved", workflows.Decline: "declined", workflows.Withdraw: "taken back"}

// decideStarted approves, declines or takes back, as the page was seen.
func (s *site) decideStarted(r *http.Request) (outcome, error) {
	id, err := startedIn(r)
	if err != nil {
		return outcome{}, err
	}
	desk, err := s.workflowDesk(r)
	if err != nil {
		return outcome{}, err
	}
	on := workflows.Event(r.PostForm.Get("do"))
	past, known := startedPasts[on]
	version, err := strconv.Atoi(r.PostForm.Get("version"))
	if !known || err != nil {
		if _, err := desk.Show(r.Context(), id); err != nil {
			return outcome{}, err
		}
		return outcome{}, unreadable("what to do", r.PostForm.Get("do"), "Use a button of the page.")
	}
	x, err := desk.Decide(r.Context(), id, on, version, r.PostForm.Get("why"))
	if err != nil {
		return outcome{}, err
	}
	said := fmt.Sprintf("Change %d is %s.", id, past)
	if on == workflows.Approve && !x.Open() {
		said = fmt.Sprintf("Change %d is approved and written. The next run works out what follows.", id)
	}
	return outcome{Said: said, To: startedAddress(id)}, nil
}

// may tells whether whoever looks is offered something.
func (x startedShown) may(on workflows.Event) bool {
	his := x.Sits
	if on == workflows.Withdraw {
		his = x.Mine
	}
	return his && slices.Contains(x.May, string(on))
}

// writtenText is what a change writes, or takes away.
func writtenText(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func startedAddress(id workflows.StartedID) string {
	return "/workflows/started/" + strconv.FormatInt(int64(id), 10)
}

// startedShown is a started workflow on its page.
type startedShown struct {
	view.Started
	Here string
	Kept kept
	Now  time.Time
	Name string // of its form
	Mine bool   // whoever looks started it
	Sits bool   // whoever looks may decide its present step
}

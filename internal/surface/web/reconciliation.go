package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// questionList is what synchronization found and no rule explains.
type questionList struct {
	Filter filter
	Page   view.ReconciliationPage
	Paged  bool
	Next   string
	Here   string
	Kept   kept
}

// The kinds of questions.
const (
	askDrift        = "drifted"
	askUnauthorized = "unauthorized"
)

// reconciliation lists what synchronization found and nobody ordered.
func (s *site) reconciliation(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	f := filter{Address: "/reconciliation", Label: "Questions", Picks: []pick{typePick(m), {
		Name: "about", Label: "About", Options: []option{{askDrift, "values that differ"}, {askUnauthorized, "accounts that no rule gives"}},
	}}, Sort: sortedBy(view.Sort{}, view.QuestionColumns)}
	if err := f.read(r); err != nil {
		return page{}, err
	}
	asked := view.ReconciliationFilter{
		Limit: rowsOnPage, Drifted: f.chosen("about") == askDrift, Unauthorized: f.chosen("about") == askUnauthorized,
	}
	if t := f.chosen("type"); t != "" {
		asked.Types = []string{t}
	}
	list := questionList{Filter: f, Here: r.URL.RequestURI(), Kept: keptOf(r)}
	o := &list.Filter.Sort
	list.Page, err = inOrder(o, func() (page view.ReconciliationPage, err error) {
		after, by, err := o.after(r)
		if err != nil {
			return page, err
		}
		asked.Sort, asked.After, asked.AfterBy = o.Now, orders.AssignedID(after), by
		return s.Questions.Reconciliation(r.Context(), asked)
	})
	if err != nil {
		return page{}, err
	}
	list.Paged = asked.After != 0
	if next := list.Page.After; next != 0 {
		list.Next = list.Filter.next("after", strconv.FormatInt(int64(next), 10), "by", list.Page.AfterBy)
	}
	return page{Title: "Resource reconciliation", Section: "reconciliation", Body: reconciliationPage(list), Sheet: s.questionsSheet(r, asked)}, nil
}

// settledPasts are what was done to questions.
var settledPasts = map[orders.Event]string{
	orders.Correct: "corrected", orders.Keep: "kept", orders.Decline: "declined", orders.Postpone: "postponed",
}

// settles reads how a form answers questions.
func settles(r *http.Request) (orders.Event, error) {
	on := orders.Event(r.PostForm.Get("do"))
	if on != orders.Correct && on != orders.Keep && on != orders.Decline {
		return "", unreadable("what to do", string(on), "Use a button of the page.")
	}
	return on, nil
}

// settleMany answers the questions that were chosen in one way.
func (s *site) settleMany(r *http.Request) (outcome, error) {
	on, err := settles(r)
	if err != nil {
		return outcome{}, err
	}
	rows := chosen(r)
	if len(rows) == 0 {
		return outcome{}, nothingChosen()
	}
	x := act.OnQuestions{On: on, Why: r.PostForm.Get("why"), ForReview: r.PostForm.Get("review") == "1"}
	var gone []string
	for _, row := range rows {
		id, err := numbered("a question", row)
		if err != nil {
			return outcome{}, err
		}
		q, there, err := s.oneQuestion(r, orders.AssignedID(id))
		if err != nil {
			return outcome{}, err
		}
		if !there {
			gone = append(gone, fmt.Sprintf("Account %d: somebody decided already.", id))
			continue
		}
		x.Questions = append(x.Questions, q)
	}
	if on == orders.Decline && !sure(r) && len(x.Questions) > 0 {
		what := "Remove " + count(len(x.Questions), "thing") + " that no rule gives"
		return asking(what+"?", what, questionLines(x.Questions)), nil
	}
	answer, err := x.Do(r.Context(), s.desk(r))
	return outcome{Said: happened(len(answer.Decided), "question", settledPasts[on]), Refused: append(gone, refusals(answer.Refused)...)}, err
}

func questionLines(list []view.Question) []string {
	texts := make([]string, len(list))
	for i, q := range list {
		texts[i] = fmt.Sprintf("%s %s of %s, in %s", q.Account.Type, q.Account.Target, nobodyOr(q.Owner),
			systemOf(q.Account.Connector, q.Account.Connection, q.Account.Manual))
	}
	return texts
}

// oneQuestion is the open question about an account, if there is one.
func (s *site) oneQuestion(r *http.Request, id orders.AssignedID) (view.Question, bool, error) {
	if id < 1 {
		return view.Question{}, false, nil
	}
	found, err := s.Questions.Reconciliation(r.Context(), view.ReconciliationFilter{After: id - 1, Limit: 1})
	if err != nil || len(found.Questions) == 0 || found.Questions[0].Account.ID != id {
		return view.Question{}, false, err
	}
	return found.Questions[0], true, nil
}

// questioned is one question on its page.
type questioned struct {
	view.Question
	Here  string
	Kept  kept
	Moves []move
	Now   time.Time
	Gone  bool // somebody settled it
	ID    int64
}

// question shows one account with what is in question.
func (s *site) question(r *http.Request) (page, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no question " + r.PathValue("id"), Do: "The list of questions leads to each."}
	}
	q, there, err := s.oneQuestion(r, orders.AssignedID(id))
	if err != nil {
		return page{}, err
	}
	shown := questioned{Question: q, Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(), Gone: !there, ID: id}
	path, err := s.Questions.Path(r.Context(), orders.AssignedID(id))
	if err != nil {
		return page{}, err
	}
	shown.Moves = together(path)
	p := page{Title: "Question " + r.PathValue("id"), Section: "reconciliation", Body: questionPage(shown)}
	if !there && r.Method == http.MethodPost {
		p.Late = "Somebody decided already"
	}
	return p, nil
}

// answers are what one value in question offers.
func answers(it view.Item) []orders.Event {
	var list []orders.Event
	for _, on := range []orders.Event{orders.Correct, orders.Keep, orders.Decline, orders.Postpone} {
		if on == orders.Decline && it.Proposed != "-" {
			continue // a rule gives it
		}
		if slices.Contains(it.May, string(on)) {
			list = append(list, on)
		}
	}
	return list
}

// settleQuestion answers for each value, for the account as a whole, or says
// whose it is.
func (s *site) settleQuestion(r *http.Request) (outcome, error) {
	id, err := numbered("a question", r.PathValue("id"))
	if err != nil {
		return outcome{}, err
	}
	q, there, err := s.oneQuestion(r, orders.AssignedID(id))
	if err != nil {
		return outcome{}, err
	}
	if !there {
		return outcome{}, &fault.Error{Kind: fault.Conflict, Msg: "nothing of this account is in question any more", Do: "The list shows what is left."}
	}
	why, forReview := r.PostForm.Get("why"), r.PostForm.Get("review") == "1"
	var answer act.Questions
	said := ""
	switch r.PostForm.Get("do") {
	case "assign":
		owner, err := s.onePerson(r, q.Owner.Type, r.PostForm.Get("owner"))
		if err != nil {
			return outcome{}, err
		}
		answer, err = act.ToOwner{Account: q.Account.ID, Owner: owner, Why: why}.Do(r.Context(), s.desk(r))
		if err != nil {
			return outcome{}, err
		}
		said = fmt.Sprintf("%s %s belongs to %s from the next run on.", q.Account.Type, q.Account.Target, named(owner))
	case "confirm":
		x := act.OnQuestion{Account: q.Account.ID, Say: map[int]orders.Event{}, Why: why, ForReview: forReview}
		for _, it := range q.Account.Items {
			on := orders.Event(r.PostForm.Get("item" + strconv.Itoa(it.ID)))
			if on != "" && !slices.Contains(answers(it), on) {
				return outcome{}, unreadable("a decision", string(on), "Use the choices of the page.")
			}
			if on != "" {
				x.Say[it.ID] = on
			}
			if on == orders.Postpone {
				if x.Until, err = s.until(r, act.Postpone); err != nil {
					return outcome{}, err
				}
			}
		}
		answer, err = x.Do(r.Context(), s.desk(r))
		said = count(len(x.Say), "line") + " of " + q.Account.Type + " " + q.Account.Target + " decided."
	default:
		on, wrong := settles(r)
		if wrong != nil {
			return outcome{}, wrong
		}
		if on == orders.Decline && !sure(r) {
			return asking("Remove what no rule gives?", "Remove it", questionLines([]view.Question{q})), nil
		}
		answer, err = act.OnQuestions{On: on, Questions: []view.Question{q}, Why: why, ForReview: forReview}.Do(r.Context(), s.desk(r))
		said = q.Account.Type + " " + q.Account.Target + " " + settledPasts[on] + "."
	}
	out := outcome{Refused: refusals(answer.Refused), To: "/reconciliation"}
	if len(answer.Decided) > 0 {
		out.Said = said
	}
	return out, err
}

// onePerson finds who is meant by a key, an identifier, or a name that one bears.
func (s *site) onePerson(r *http.Request, entity, text string) (view.Owner, error) {
	if text == "" {
		return view.Owner{}, &fault.Error{Kind: fault.Invalid, Msg: "nobody is named", Do: "Fill in a key or a name; the directory finds people."}
	}
	found, err := s.Questions.People(r.Context(), view.PeopleFilter{Entity: entity, Text: text, Limit: 2})
	if err != nil {
		return view.Owner{}, err
	}
	for _, o := range found.People {
		if o.Key == text || len(found.People) == 1 {
			return o, nil
		}
	}
	if len(found.People) == 0 {
		p, err := s.Questions.Person(r.Context(), resources.Ref{Type: schema.EntityType(entity), Key: resources.Key(text)})
		if err == nil {
			return p.Owner, nil
		}
		return view.Owner{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("nobody is called %q", text), Do: "The directory finds people; use a key."}
	}
	return view.Owner{}, &fault.Error{Kind: fault.Conflict, Msg: fmt.Sprintf("more than one is called %q", text), Do: "Use the key."}
}

package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// foundByProperty is the values of one property that drifted.
type foundByProperty struct {
	questionList
	Lines []foundLine
	Types []reviewedType // to choose from, while nothing is chosen
}

// foundLine is one value in question.
type foundLine struct {
	view.Question
	Item view.Item
}

// value is the line as a form names it.
func (x foundLine) value() string {
	return strconv.FormatInt(int64(x.Account.ID), 10) + "." + strconv.Itoa(x.Item.ID)
}

// foundProperties lists what drifted by resource type and property.
func (s *site) foundProperties(r *http.Request) (page, error) {
	after, err := numbered("the place in a list", r.URL.Query().Get("after"))
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	f := filter{Address: "/reconciliation/properties", Label: "Properties that drifted"}
	if move := f.byProperty(m, r.URL.Query()); move != "" {
		return page{Move: move}, nil
	}
	if err := f.read(r); err != nil {
		return page{}, err
	}
	p := foundByProperty{questionList: questionList{Filter: f, Paged: after != 0, Here: r.URL.RequestURI(), Kept: keptOf(r)}}
	shown := page{Title: "Reconciliation by property", Section: "reconciliation"}
	if f.chosen("property") == "" {
		p.Types = typesToReview(m, f.chosen("type"))
		shown.Body = foundPropertiesPage(p)
		return shown, nil
	}
	asked := view.ReconciliationFilter{Types: []string{f.chosen("type")}, Property: f.chosen("property"), After: orders.AssignedID(after), Limit: rowsOnPage}
	if p.Page, err = s.Questions.Reconciliation(r.Context(), asked); err != nil {
		return page{}, err
	}
	for _, q := range p.Page.Questions {
		for _, it := range q.Account.Items {
			p.Lines = append(p.Lines, foundLine{q, it})
		}
	}
	if next := p.Page.After; next != 0 {
		p.Next = f.next("after", strconv.FormatInt(int64(next), 10))
	}
	shown.Body, shown.Sheet = foundPropertiesPage(p), s.questionsSheet(r, asked)
	return shown, nil
}

// settleProperties answers for the lines that were chosen, those of one account together.
func (s *site) settleProperties(r *http.Request) (outcome, error) {
	on := orders.Event(r.PostForm.Get("do"))
	if on != orders.Postpone {
		var err error
		if on, err = settles(r); err != nil {
			return outcome{}, err
		}
	}
	rows := chosen(r)
	if len(rows) == 0 {
		return outcome{}, nothingChosen()
	}
	var until time.Time
	if on == orders.Postpone {
		var err error
		if until, err = s.until(r, act.Postpone); err != nil {
			return outcome{}, err
		}
	}
	if on == orders.Decline && !sure(r) {
		what := "Remove " + count(len(rows), "value") + " of " + r.URL.Query().Get("property")
		return asking(what+"?", what, nil), nil
	}
	byAccount, err := linesByAccount(rows)
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	decided := 0
	for _, x := range byAccount {
		refused, err := s.sayOn(r, x, on)
		if err != nil {
			return outcome{}, err
		}
		out.Refused = append(out.Refused, refused...)
		if len(x.Say) == 0 {
			continue
		}
		x.Until, x.Why, x.ForReview = until, r.PostForm.Get("why"), r.PostForm.Get("review") == "1"
		answer, err := x.Do(r.Context(), s.desk(r))
		switch {
		case err != nil && (review.Refusable(err) || fault.KindOf(err) == fault.NotFound):
			out.Refused = append(out.Refused, fmt.Sprintf("Account %d: %s", x.Account, lowered(err)))
		case err != nil:
			return outcome{}, err
		default:
			if len(answer.Decided) > 0 {
				decided += len(x.Say)
			}
			out.Refused = append(out.Refused, refusals(answer.Refused)...)
		}
	}
	out.Said = happened(decided, "line", settledPasts[on])
	return out, nil
}

// accountLines are lines of one account.
type accountLines struct {
	act.OnQuestion
	items []int
}

// sayOn says the same of each line that is still in question and can be answered so.
func (s *site) sayOn(r *http.Request, x *accountLines, on orders.Event) (refused []string, err error) {
	q, there, err := s.oneQuestion(r, x.Account)
	if err != nil {
		return nil, err
	}
	x.Say = map[int]orders.Event{}
	for _, item := range x.items {
		at := slices.IndexFunc(q.Account.Items, func(it view.Item) bool { return it.ID == item })
		switch {
		case !there || at < 0:
			refused = append(refused, fmt.Sprintf("Account %d: somebody decided already.", x.Account))
		case !slices.Contains(answers(q.Account.Items[at]), on):
			refused = append(refused, fmt.Sprintf("Account %d: %s cannot be answered with “%s”.", x.Account, q.Account.Items[at].Name, on))
		default:
			x.Say[item] = on
		}
	}
	return refused, nil
}

// linesByAccount joins "account.item" by account.
func linesByAccount(rows []string) ([]*accountLines, error) {
	var list []*accountLines
	for _, row := range rows {
		id, item, err := pairIn("a value", row)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(list, func(x *accountLines) bool { return x.Account == orders.AssignedID(id) })
		if i < 0 {
			list = append(list, &accountLines{OnQuestion: act.OnQuestion{Account: orders.AssignedID(id)}})
			i = len(list) - 1
		}
		list[i].items = append(list[i].items, item)
	}
	return list, nil
}

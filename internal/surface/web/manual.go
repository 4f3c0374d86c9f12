package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

func manualFilter() filter {
	return filter{
		Address: "/manual", Label: "Orders for people", Searches: "Owner", Hint: "Name, identifier or key",
		Picks: []pick{{Name: "type"}, kindPick(), agePick()},
	}
}

// manual lists what people are to carry out.
func (s *site) manual(r *http.Request) (page, error) {
	list, err := s.work(r, manualFilter(), view.ManualQueue())
	if err != nil {
		return page{}, err
	}
	return page{Title: "Manual provisioning", Section: "manual", Body: manualPage(list), Sheet: list.Sheet}, nil
}

// handed is one order on the page that says what to do.
type handed struct {
	openedOrder
	Here  string
	Kept  kept
	Tasks []task
	Name  string // of the resource type
	Over  bool   // nothing of it is with people any more
}

// task is one thing to do in the system, in words.
type task struct {
	Do    string // "Set"
	What  string // the property
	Value string // to copy; "" where there is none
	Was   string // what stands there now
}

// manualOrder says what one order asks a person to do.
func (s *site) manualOrder(r *http.Request) (page, error) {
	o, err := s.opened(r)
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	h := handed{openedOrder: o, Here: r.URL.RequestURI(), Kept: keptOf(r), Tasks: tasks(o), Name: typeName(m, o.Type)}
	h.Over = !o.Closed.IsZero() || len(h.Tasks) == 0
	p := page{Title: "Carry out order " + o.ID.String(), Section: "manual", Body: manualOrderPage(h)}
	if r.Method == http.MethodPost && h.Over {
		p.Late = "Somebody reported it already"
	}
	return p, nil
}

// tasks are what is to be done about the items that are with people.
func tasks(o openedOrder) []task {
	var list []task
	for _, it := range o.Items {
		if it.State.Number != int(orders.Transmitted) {
			continue
		}
		t := task{What: it.Property, Value: it.Proposed, Was: it.Current}
		gone := it.Proposed == "-"
		switch {
		case it.Property == "" && gone:
			t = task{Do: "Delete", What: "the account", Value: o.Target}
		case it.Property == "" && o.Kind == string(orders.Addition):
			t = task{Do: "Create", What: "the account"}
		case it.Property == "":
			t = task{Do: "Open", What: "the account", Value: o.Target}
		case it.Link != "" && gone:
			t = task{Do: "Take out of", What: it.Property, Value: cmp.Or(it.LinkName, it.Link)}
		case it.Link != "":
			t = task{Do: "Add to", What: it.Property, Value: cmp.Or(it.LinkName, it.Link)}
		case gone:
			t.Do, t.Value = "Clear", ""
		case it.Current == "-" || it.Current == "":
			t.Do, t.Was = "Set", ""
		default:
			t.Do = "Change"
		}
		if t.Was == "-" {
			t.Was = ""
		}
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b task) int { return boolOf(a.What != "the account") - boolOf(b.What != "the account") })
	return list
}

// headline says the whole order in a sentence.
func (h handed) headline() string {
	verb := map[string]string{
		string(orders.Addition): "Create", string(orders.Update): "Change", string(orders.Deletion): "Delete", string(orders.Association): "Change",
	}[h.Kind]
	text := verb + " “" + h.Name + "” for " + nobodyOr(h.Owner)
	if h.Target != "" {
		text += " (" + h.Target + ")"
	}
	return text
}

// reportMany takes, confirms or reports errors of the orders that were chosen.
func (s *site) reportMany(r *http.Request) (outcome, error) {
	verb, err := verbOf(r, act.Take, act.Confirm, act.Fail)
	if err != nil {
		return outcome{}, err
	}
	list, err := s.chosenOrders(r)
	if err != nil {
		return outcome{}, err
	}
	return s.report(r, verb, list)
}

// reportOrder takes, confirms or reports an error of one order.
func (s *site) reportOrder(r *http.Request) (outcome, error) {
	verb, err := verbOf(r, act.Take, act.Confirm, act.Fail)
	if err != nil {
		return outcome{}, err
	}
	id, err := orderIn(r)
	if err != nil {
		return outcome{}, err
	}
	detail, err := s.Questions.Order(r.Context(), id)
	if err != nil {
		return outcome{}, err
	}
	out, err := s.report(r, verb, []view.Order{detail.Order})
	if out.Said != "" {
		out.Said = fmt.Sprintf("Order %s %s.", id, pasts[verb])
	}
	if verb != act.Take {
		out.To = "/manual"
	}
	return out, err
}

func (s *site) report(r *http.Request, verb act.Verb, list []view.Order) (outcome, error) {
	answer, err := act.OnOrders{Verb: verb, Orders: list, Why: r.PostForm.Get("why")}.Do(r.Context(), s.desk(r))
	return outcome{Said: happened(len(answer.Decided), "order", pasts[verb]), Refused: refusals(answer.Refused)}, err
}

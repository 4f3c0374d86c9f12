package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// plans lists the plans that were kept beside the store.
func (s *site) plans(*http.Request) (page, error) {
	list, err := plan.InFolder(s.Folder)
	if err != nil {
		return page{}, err
	}
	return page{Title: "Plans", Section: "plans", Body: plansPage(list)}, nil
}

// planShown is one plan that was kept.
type planShown struct {
	plan.Filed
	Filter filter
	Kinds  []tallied
	Types  []tallied
	Orders []plan.Order
	Paged  bool
	Next   string
	Kept   kept
}

// tallied is how many orders of a plan fall under a name.
type tallied struct {
	Name  string
	Count int
}

// plan shows a plan as it was kept: its orders by kind, type and person.
func (s *site) planKept(r *http.Request) (page, error) {
	filed, err := plan.FromFolder(s.Folder, r.PathValue("file"))
	if err != nil {
		return page{}, err
	}
	from, err := numbered("the place in a list", r.URL.Query().Get("after"))
	if err != nil {
		return page{}, err
	}
	p := planShown{Filed: filed, Paged: from > 0, Kept: keptOf(r)}
	types := pick{Name: "type", Label: "Resource type"}
	for _, o := range filed.Plan.Orders {
		p.Kinds, p.Types = oneMore(p.Kinds, string(o.Kind)), oneMore(p.Types, string(o.Type))
	}
	for _, t := range p.Types {
		types.Options = append(types.Options, option{t.Name, t.Name})
	}
	p.Filter = filter{
		Address: string(planAddress(filed.File)), Label: "Orders of the plan", Searches: "Person", Hint: "Name or key", Picks: []pick{types, kindPick()},
	}
	if err := p.Filter.read(r); err != nil {
		return page{}, err
	}
	all := slices.DeleteFunc(slices.Clone(filed.Plan.Orders), func(o plan.Order) bool {
		t, k := p.Filter.chosen("type"), p.Filter.chosen("kind")
		return t != "" && t != string(o.Type) || k != "" && orders.Kind(k) != o.Kind || !holdsAll(o.Name+" "+string(o.Owner.Key), p.Filter.Text)
	})
	start := min(int(from), len(all))
	p.Orders = all[start:min(len(all), start+rowsOnPage)]
	if len(all) > start+rowsOnPage {
		p.Next = p.Filter.next("after", strconv.Itoa(start+rowsOnPage))
	}
	return page{Title: "Plan " + filed.File, Section: "plans", Body: planPage(p), Sheet: plannedSheet(filed.File, all)}, nil
}

// plannedSheet is the orders of a plan, a row for each value.
func plannedSheet(file string, list []plan.Order) *export.Sheet {
	type line struct {
		plan.Order
		item plan.Item
	}
	var lines []line
	for _, o := range list {
		for _, it := range o.Items {
			lines = append(lines, line{o, it})
		}
	}
	columns := append([]string{"Kind", "Resource type"}, append(slices.Clone(sheets.OwnerColumns), "Property", "Link", "Before", "After", "State", "Because")...)
	return sheets.All(file, columns, lines, func(x line) []string {
		cells := append([]string{string(x.Kind), string(x.Type)}, sheets.OwnerCells(planOwner(x.Order))...)
		return append(cells, x.item.Property, nameOr(x.item.LinkName, x.item.Link), sheets.Plain(x.item.Before), sheets.Plain(x.item.After), x.item.State, x.item.Why)
	})
}

// applicable reports whether a page can apply the plan: a roll-back is a decision on
// orders, and what merely supposes something nobody applies.
func (p planShown) applicable() bool {
	return p.Unreadable == "" && !plan.IsSupposition(p.Plan.Name) && !plan.IsRollBack(p.Plan.Name)
}

// applyPlan deploys the files of the server's folder, where they would still cause
// what the plan says.
func (s *site) applyPlan(r *http.Request) (outcome, error) {
	filed, err := plan.FromFolder(s.Folder, r.PathValue("file"))
	if err != nil {
		return outcome{}, err
	}
	if !(planShown{Filed: filed}).applicable() {
		return outcome{Refused: []string{"This plan is no configuration to deploy."}}, nil
	}
	if !sure(r) {
		what := []string{count(len(filed.Plan.Orders), "order") + " as the plan lists them", count(len(filed.Differences), "difference") + " of the configuration"}
		if n := len(filed.Plan.Released); n > 0 {
			what = append(what, count(n, "account")+" that nothing declares any more: Provisor lets go of them, and removes nothing")
		}
		return asking("Deploy plan "+filed.Plan.Name+"?", "Deploy it", what), nil
	}
	select {
	case s.planning <- struct{}{}:
		defer func() { <-s.planning }()
	default:
		return outcome{Refused: []string{"Somebody else's plan is being made: try again in a moment."}}, nil
	}
	desk := s.Desks.PlanDesk(s.actor(r))
	// What is released stands in the plan, and in the question that was answered.
	x := act.ToApply{ToPlan: act.ToPlan{Sources: filed.Sources}, Name: filed.Plan.Name, Release: len(filed.Plan.Released) > 0, Why: r.PostForm.Get("why")}
	p, err := x.Do(r.Context(), desk)
	if err == nil && !p.Already {
		err = x.Check(p)
	}
	switch kind := fault.KindOf(err); {
	case kind == fault.Invalid || kind == fault.Conflict || kind == fault.Refused || kind == fault.NotFound:
		return outcome{Refused: []string{advised(err)}}, nil
	case err != nil:
		return outcome{}, err
	case p.Already:
		return outcome{Said: "The configuration is deployed already."}, nil
	}
	if err := desk.Deploy(r.Context(), p.Checked, x.Why); err != nil {
		return outcome{}, err
	}
	return outcome{Said: "Plan " + p.Name + " is deployed. The next round makes its orders."}, nil
}

// oneMore counts one more under a name; the names stay in order.
func oneMore(list []tallied, name string) []tallied {
	at, there := slices.BinarySearchFunc(list, name, func(x tallied, name string) int { return strings.Compare(x.Name, name) })
	if !there {
		list = slices.Insert(list, at, tallied{Name: name})
	}
	list[at].Count++
	return list
}

func planAddress(file string) templ.SafeURL { return templ.SafeURL("/plans/" + url.PathEscape(file)) }

// planKind says what can become of a plan.
func planKind(name string) string {
	switch {
	case plan.IsSupposition(name):
		return "a supposition: nobody can apply it"
	case plan.IsRollBack(name):
		return "a roll-back"
	}
	return "a configuration to deploy"
}

// planOwner is whose an order of a plan is.
func planOwner(o plan.Order) view.Owner {
	return view.Owner{Type: string(o.Owner.Type), Key: string(o.Owner.Key), Display: o.Name}
}

// planItem names an item of a plan.
func planItem(it plan.Item) string {
	switch {
	case it.Property == "":
		return "account"
	case it.Link != "":
		return it.Property + " → " + nameOr(it.LinkName, it.Link)
	}
	return it.Property
}

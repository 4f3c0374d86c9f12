package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
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
	p := planShown{Filed: filed, Paged: from > 0}
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
	return page{Title: "Plan " + filed.File, Section: "plans", Body: planPage(p)}, nil
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

package web

import (
	"errors"
	"io/fs"
	"mime"
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
	return page{Title: "Plans", Section: "plans", Body: plansPage(list), Sheet: plansSheet(list)}, nil
}

// makePlan plans what the files of the configuration would cause, and keeps it.
func (s *site) makePlan(r *http.Request) (outcome, error) {
	free, ok := s.planningAlone()
	if !ok {
		return outcome{Refused: []string{busyPlanning}}, nil
	}
	defer free()
	p, err := act.ToPlan{}.Do(r.Context(), s.Desks.PlanDesk(s.actor(r)))
	var list fault.Findings
	switch {
	case errors.As(err, &list): // the files cannot be read: all that is wrong is said
		out := outcome{}
		for _, x := range list {
			out.Refused = append(out.Refused, x.String())
		}
		return out, nil
	case err != nil:
		return outcome{}, err
	case p.Already:
		return outcome{Refused: []string{"The files in config/ are what is deployed. Change them first: a plan shows what the change would cause."}}, nil
	}
	file, err := s.KeepPlan(p.Planned)
	return outcome{Said: "Planned. Nothing is deployed yet.", To: string(planAddress(file))}, err
}

const busyPlanning = "Somebody else's plan is being made: try again in a moment."

// planningAlone takes the place of the plan that is being made: one looks at everybody.
func (s *site) planningAlone() (free func(), ok bool) {
	select {
	case s.planning <- struct{}{}:
		return func() { <-s.planning }, true
	default:
		return nil, false
	}
}

// applyPlan does what a kept plan says, once whoever applies it has seen what that
// touches: it is planned again, and refused where it would cause something else by now.
func (s *site) applyPlan(r *http.Request) (outcome, error) {
	filed, err := plan.FromFolder(s.Folder, r.PathValue("file"))
	if err != nil {
		return outcome{}, err
	}
	if r.PostForm.Get("do") != "apply" {
		return outcome{}, unreadable("what to do", r.PostForm.Get("do"), "Use a button of the page.")
	}
	if !applicable(filed) {
		return outcome{Refused: []string{"This plan is no configuration to deploy."}}, nil
	}
	if !sure(r) {
		p := planShown{Filed: filed}
		p.count()
		return asking("Apply plan "+filed.Plan.Name+"?", applyText(filed), p.touches()), nil
	}
	free, ok := s.planningAlone()
	if !ok {
		return outcome{Refused: []string{busyPlanning}}, nil
	}
	defer free()
	desk := s.Desks.PlanDesk(s.actor(r))
	x := act.ToApply{ToPlan: act.ToPlan{Sources: filed.Sources}, Name: filed.Plan.Name, Release: r.PostForm.Get("release") == "1", Why: r.PostForm.Get("why")}
	p, err := x.Do(r.Context(), desk)
	if err == nil && !p.Already {
		err = x.Check(p)
	}
	switch {
	case advisable(err):
		return outcome{Refused: []string{advised(err)}}, nil
	case err != nil:
		return outcome{}, err
	case p.Already:
		return outcome{Refused: []string{"The configuration is deployed already. There is nothing left to apply."}}, nil
	}
	return outcome{Said: "Deployed " + p.Name + ". The next run works out what follows."}, desk.Deploy(r.Context(), p.Checked, x.Why)
}

// advisable reports whether an error says what whoever asked can do about it.
func advisable(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Invalid || kind == fault.Conflict || kind == fault.Refused || kind == fault.NotFound
}

// applicable tells whether a page can apply the plan: what merely supposes something
// nobody applies, and a roll-back is a decision on orders, by another permission.
func applicable(f plan.Filed) bool {
	return f.Unreadable == "" && !plan.IsSupposition(f.Plan.Name) && !plan.IsRollBack(f.Plan.Name)
}

// applyText says on the button what applying does, and how much it touches.
func applyText(f plan.Filed) string {
	return "Deploy the configuration: " + count(len(f.Plan.Orders), "order")
}

// touches says in lines what applying causes.
func (p planShown) touches() []string {
	var lines []string
	for _, x := range p.Kinds {
		lines = append(lines, count(x.Count, x.Name))
	}
	if p.Plan.Reach != nil {
		lines = append(lines, strconv.Itoa(p.Plan.Reach.People)+" of "+peopleText(p.Plan.Reach.Of)+" are touched")
	}
	for _, x := range p.Plan.Parks {
		lines = append(lines, string(x.Kind)+"s of "+string(x.Type)+" would be parked: "+x.Why)
	}
	if n := len(p.Plan.Released); n > 0 {
		lines = append(lines, count(n, "account")+" would be let go of: nothing declares them any more")
	}
	return append(lines, "It is planned again first, and refused where it would cause something else by now.")
}

func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return thousands(n) + " people"
}

// planFile is how an address asks for the file of a plan.
const planFile = "plan"

// filed is a file in the folder, to be had as it is.
type filed struct {
	name   string
	folder fs.FS
}

func (f *filed) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	h.Set("Cache-Control", "no-store")
	http.ServeFileFS(w, r, f.folder, f.name)
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
	p.count()
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
	shown := page{Title: "Plan " + filed.File, Section: "plans", Body: planPage(p), Sheet: plannedSheet("plan-"+filed.Plan.Name, all)}
	shown.File = fileOf(s.Folder, filed.File)
	return shown, nil
}

func fileOf(folder fs.FS, name string) *filed { return &filed{name, folder} }

// count counts the orders of the plan by kind and by resource type.
func (p *planShown) count() {
	for _, o := range p.Plan.Orders {
		p.Kinds, p.Types = oneMore(p.Kinds, string(o.Kind)), oneMore(p.Types, string(o.Type))
	}
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

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// propertyReview is the orders that touch one property of one resource type.
type propertyReview struct {
	workList
	Lines []propertyLine
	Types []reviewedType // to choose from, while nothing is chosen
}

// propertyLine is one item of one order.
type propertyLine struct {
	Order view.Order
	Item  view.OrderItem
}

// reviewedType is a resource type with its properties.
type reviewedType struct {
	ID, Name   string
	Properties []string
}

// reviewProperties lists what waits for a reviewer by resource type and property.
func (s *site) reviewProperties(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	f := filter{Address: "/review/properties", Label: "Properties to review", Searches: "Owner", Hint: "Name, identifier or key"}
	q := r.URL.Query()
	if move := f.byProperty(m, q); move != "" {
		return page{Move: move}, nil
	}
	if len(f.Picks) > 1 {
		f.Picks = append(f.Picks, kindPick())
	}
	asked := view.ReviewQueue()
	asked.Property = q.Get("property")
	list, err := s.work(r, f, asked)
	if err != nil {
		return page{}, err
	}
	p := propertyReview{workList: *list}
	if p.Filter.chosen("property") == "" {
		p.Types, p.Page, p.Next = typesToReview(m, p.Filter.chosen("type")), view.OrderPage{}, ""
	}
	p.Lines = linesOn(p.Page.Orders, asked.Property)
	shown := page{Title: "Review by property", Section: "review", Body: reviewPropertiesPage(p)}
	if asked.Property != "" {
		shown.Sheet = s.linesSheet(r, p.Asked)
	}
	return shown, nil
}

// byProperty offers resource types and, of the chosen one, its properties. It
// returns where to go on when another type was chosen since the property was.
func (f *filter) byProperty(m *roles.Model, q url.Values) (move string) {
	of := propertiesOf(m, q.Get("type"))
	if p := q.Get("property"); p != "" && !slices.Contains(of, option{p, p}) {
		return string(with(f.Address, "type", q.Get("type")))
	}
	if f.Picks = []pick{typePick(m)}; q.Get("type") != "" {
		f.Picks = append(f.Picks, pick{Name: "property", Label: "Property", Options: of})
	}
	return ""
}

// linesOn are the lines of orders that touch a property.
func linesOn(list []view.Order, property string) (lines []propertyLine) {
	for _, o := range list {
		for _, it := range o.Items {
			if it.Property == property {
				lines = append(lines, propertyLine{o, it})
			}
		}
	}
	return lines
}

// propertiesOf offers the properties that a resource type computes.
func propertiesOf(m *roles.Model, id string) []option {
	t := m.ResourceTypes[roles.ResourceTypeID(id)]
	var names []string
	for _, v := range t.Values {
		names = append(names, string(v.Property))
	}
	for _, l := range t.Links {
		names = append(names, string(l.Property))
	}
	for _, q := range t.Find {
		names = append(names, string(q.Property))
	}
	slices.Sort(names)
	var list []option
	for _, name := range slices.Compact(names) {
		list = append(list, option{name, name})
	}
	return list
}

// typesToReview are the resource types to choose from, or the chosen one.
func typesToReview(m *roles.Model, only string) []reviewedType {
	var list []reviewedType
	for _, o := range typePick(m).Options {
		if only != "" && o.Value != only {
			continue
		}
		t := reviewedType{ID: o.Value, Name: o.Name}
		for _, p := range propertiesOf(m, o.Value) {
			t.Properties = append(t.Properties, p.Name)
		}
		list = append(list, t)
	}
	return list
}

// decideProperties decides on the lines that were chosen, those of one order together.
func (s *site) decideProperties(r *http.Request) (outcome, error) {
	verb, err := verbOf(r, act.Approve, act.Decline, act.Postpone, act.Retry)
	if err != nil {
		return outcome{}, err
	}
	rows := chosen(r)
	if len(rows) == 0 {
		return outcome{}, nothingChosen()
	}
	if verb == act.Decline && !sure(r) {
		what := "Decline " + count(len(rows), "line")
		return asking(what+" of "+r.URL.Query().Get("property")+"?", what, nil), nil
	}
	until, err := s.until(r, verb)
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	decided := 0
	for _, x := range linesByOrder(rows) {
		detail, err := s.Questions.Order(r.Context(), x.order)
		if err != nil {
			return outcome{}, err
		}
		detail.Version = x.version
		one := act.OnOrders{Verb: verb, Orders: []view.Order{detail.Order}, Items: x.items, Until: until, Why: r.PostForm.Get("why")}
		answer, err := one.Do(r.Context(), s.desk(r))
		if err != nil {
			return outcome{}, err
		}
		if len(answer.Decided) > 0 {
			decided += len(x.items)
		}
		out.Refused = append(out.Refused, refusals(answer.Refused)...)
	}
	out.Said = happened(decided, "line", pasts[verb])
	return out, nil
}

// orderLines are lines of one order, at the version that was shown.
type orderLines struct {
	order   orders.OrderID
	version int
	items   []int
}

// linesByOrder joins "order.version.item" by order; what makes no sense is left out.
func linesByOrder(rows []string) []orderLines {
	var list []orderLines
	for _, row := range rows {
		at := strings.LastIndexByte(row, '.')
		if at < 0 {
			continue
		}
		item, err := strconv.Atoi(row[at+1:])
		if err != nil {
			continue
		}
		id, version, err := pairIn("an order", row[:at])
		if err != nil {
			continue
		}
		i := slices.IndexFunc(list, func(x orderLines) bool { return x.order == orders.OrderID(id) })
		if i < 0 {
			list = append(list, orderLines{order: orders.OrderID(id), version: version})
			i = len(list) - 1
		}
		list[i].items = append(list[i].items, item)
	}
	return list
}

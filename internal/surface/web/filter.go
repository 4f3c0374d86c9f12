package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

// filter is what a list can be cut down by.
type filter struct {
	Address  string // of the list without a query
	Label    string
	Searches string // what the text looks for; "": there is no text
	Hint     string
	Text     string
	Picks    []pick
	Sort     ordering // without columns: the list has one order
}

// pick is a choice of one among some.
type pick struct {
	Name, Label, Chosen string
	Else                string // what is shown when nothing is chosen; "": all
	Options             []option
}

type option struct{ Value, Name string }

func (f filter) filtered() bool {
	return f.Text != "" || slices.ContainsFunc(f.Picks, func(p pick) bool { return p.Chosen != "" })
}

// query is what the list was asked for, without its cursor, as pairs for with.
func (f filter) query() []string {
	pairs := []string{"q", f.Text, "sort", f.Sort.value()}
	for _, p := range f.Picks {
		pairs = append(pairs, p.Name, p.Chosen)
	}
	return pairs
}

// first is the address of the first page.
func (f filter) first() string { return string(with(f.Address, f.query()...)) }

// next is the address of the page after a cursor.
func (f filter) next(cursor ...string) string {
	return string(with(f.Address, append(f.query(), cursor...)...))
}

// read takes the text and the choices out of an address. A choice that is none
// of the options is refused.
func (f *filter) read(r *http.Request) error {
	q := r.URL.Query()
	f.Text = q.Get("q")
	if len(f.Sort.Columns) > 0 {
		if err := f.Sort.read(r); err != nil {
			return err
		}
	}
	for i := range f.Picks {
		p := &f.Picks[i]
		p.Chosen = q.Get(p.Name)
		if p.Chosen != "" && !slices.ContainsFunc(p.Options, func(o option) bool { return o.Value == p.Chosen }) {
			return unreadable("the choice of "+p.Label, p.Chosen, "Choose one that the page offers.")
		}
	}
	return nil
}

// chosen is what was chosen of one pick.
func (f *filter) chosen(name string) string {
	for _, p := range f.Picks {
		if p.Name == name {
			return p.Chosen
		}
	}
	return ""
}

// model is the deployed role model; an empty one while nothing is deployed.
func (s *site) model(ctx context.Context) (*roles.Model, error) {
	m, err := s.Model(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return &roles.Model{}, nil
	}
	return m, err
}

// typePick offers the resource types that are declared.
func typePick(m *roles.Model) pick {
	p := pick{Name: "type", Label: "Resource type"}
	for id, t := range m.ResourceTypes {
		p.Options = append(p.Options, option{string(id), nameOr(t.Name, string(id))})
	}
	slices.SortFunc(p.Options, func(a, b option) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// kindPick offers the kinds of orders.
func kindPick() pick {
	p := pick{Name: "kind", Label: "Kind"}
	for _, k := range orders.Kinds() {
		p.Options = append(p.Options, option{string(k), string(k)})
	}
	return p
}

// statePick offers some states.
func statePick(states ...orders.State) pick {
	p := pick{Name: "state", Label: "State"}
	for _, s := range states {
		p.Options = append(p.Options, option{number(float64(s)), s.String()})
	}
	return p
}

// agePick offers how long something may stand already.
func agePick() pick {
	return pick{Name: "age", Label: "Waiting", Options: []option{
		{"24h", "a day or longer"}, {"72h", "3 days or longer"}, {"168h", "a week or longer"}, {"720h", "a month or longer"},
	}}
}

// nameOr is a name or, without one, the identifier.
func nameOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// typeName is what a resource type is called.
func typeName(m *roles.Model, id string) string {
	return nameOr(m.ResourceTypes[roles.ResourceTypeID(id)].Name, id)
}

// narrowed reads the picks of orders into a question.
func (s *site) narrowed(f *filter, asked view.OrderFilter) view.OrderFilter {
	asked.Text, asked.Limit = f.Text, rowsOnPage
	if t := f.chosen("type"); t != "" {
		asked.Types = []string{t}
	}
	if k := f.chosen("kind"); k != "" {
		asked.Kinds = []orders.Kind{orders.Kind(k)}
	}
	for _, state := range orders.States() {
		if f.chosen("state") == number(float64(state)) {
			asked.States = []orders.State{state}
		}
	}
	if d, err := parseAge(f.chosen("age")); err == nil && d > 0 {
		asked.SinceBefore = s.Clock().Add(-d)
	}
	return asked
}

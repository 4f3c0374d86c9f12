package web

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

const (
	// briefRows is what the overview shows of each list.
	briefRows = 5
	// countedMax is how far the overview counts: more is "100+".
	countedMax = view.DefaultLimit
	// textMax is more than anybody types into a search.
	textMax = 200
	// cursorMax is longer than any cursor of ours.
	cursorMax = 1000
)

// home is what the overview shows.
type home struct {
	folder    string
	standing  []view.Standing
	review    waits
	handed    waits
	questions []view.Question
	parks     []view.Park
	readings  []view.Reading
	questionN int
}

// waits is a list of orders that wait for somebody, by its beginning.
type waits struct {
	first []view.Order
	n     int
}

func (w waits) count() string { return counted(w.n) }

func counted(n int) string {
	if n >= countedMax {
		return strconv.Itoa(countedMax) + "+"
	}
	return strconv.Itoa(n)
}

func (h home) questionCount() string { return counted(h.questionN) }

func (h home) quiet() bool {
	return h.review.n+h.handed.n+h.questionN+len(h.parks) == 0
}

func (p *pages) home(r *http.Request) (shown, error) {
	ctx, q := r.Context(), p.Questions
	h := home{folder: p.Folder}
	var err error
	if h.standing, err = view.StandingNow(ctx, q); err != nil {
		return shown{}, err
	}
	if h.review, err = p.waits(ctx, view.ReviewQueue()); err != nil {
		return shown{}, err
	}
	if h.handed, err = p.waits(ctx, view.ManualQueue()); err != nil {
		return shown{}, err
	}
	found, err := q.Reconciliation(ctx, view.ReconciliationFilter{Limit: countedMax})
	if err != nil {
		return shown{}, err
	}
	h.questionN, h.questions = len(found.Questions), found.Questions[:min(briefRows, len(found.Questions))]
	if h.parks, err = q.Parks(ctx); err != nil {
		return shown{}, err
	}
	readings, err := q.Readings(ctx, view.ReadingFilter{})
	if err != nil {
		return shown{}, err
	}
	h.readings = lastOfEach(readings)
	return shown{"Overview", "home", homePage(h)}, nil
}

// lastOfEach keeps the newest reading of each entity type.
func lastOfEach(newestFirst []view.Reading) []view.Reading {
	seen := map[string]bool{}
	return slices.DeleteFunc(newestFirst, func(r view.Reading) bool {
		before := seen[r.Connector+"/"+r.Entity]
		seen[r.Connector+"/"+r.Entity] = true
		return before
	})
}

func (p *pages) waits(ctx context.Context, f view.OrderFilter) (waits, error) {
	f.Limit = countedMax
	page, err := p.Questions.Orders(ctx, f)
	return waits{page.Orders[:min(briefRows, len(page.Orders))], len(page.Orders)}, err
}

// statePageData is the list of a state's orders.
type statePageData struct {
	number        int
	name, meaning string
	path, address string
	text, next    string
	orders        []view.Order
}

func (p *pages) state(r *http.Request) (shown, error) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || !slices.Contains(orders.States(), orders.State(number)) || number < 0 {
		return shown{}, fault.New(fault.NotFound, "page", "there is no such state")
	}
	state := orders.State(number)
	d := statePageData{
		number: number, name: state.String(), meaning: meanings[state],
		path: r.URL.Path, address: r.URL.RequestURI(), text: text(r),
	}
	f := view.OrderFilter{States: []orders.State{state}, Text: d.text, Closed: !state.Open(), Newest: !state.Open()}
	if f.After, err = orderCursor(r); err != nil {
		return shown{}, err
	}
	page, err := p.Questions.Orders(r.Context(), f)
	if err != nil {
		return shown{}, err
	}
	d.orders = page.Orders
	if page.After != 0 {
		d.next = link(r, "after", fmt.Sprint(page.After))
	}
	return shown{state.String(), "home", statePage(d)}, nil
}

func (d statePageData) emptiness() string {
	if d.text != "" {
		return "Nobody of that name has an order here."
	}
	return emptiness[orders.State(d.number)]
}

func (p *pages) order(r *http.Request) (shown, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return shown{}, fault.New(fault.NotFound, "page", "there is no such order")
	}
	o, err := p.Questions.Order(r.Context(), orders.OrderID(id))
	if err != nil {
		return shown{}, err
	}
	return shown{fmt.Sprintf("Order %d", id), "home", orderPage(o, r.URL.RequestURI(), p.Folder)}, nil
}

// directory lists the kinds of people; a search goes to them at once.
func (p *pages) directory(r *http.Request) (shown, error) {
	types, err := p.owners(r.Context())
	if err != nil {
		return shown{}, err
	}
	if q := text(r); q != "" || len(types) == 1 {
		return p.found(r, types, q)
	}
	return shown{"Directory", "directory", directoryPage(types)}, nil
}

func (p *pages) owners(ctx context.Context) ([]string, error) {
	types, err := p.Owners(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil // nothing is deployed yet
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names, err
}

// people is a list of people.
type people struct {
	entity, text, next string
	list               []view.Owner
}

func (d people) emptiness() string {
	if d.text != "" {
		return "Nobody's name or identifiers begin like that. Type beginnings of words, or a whole key."
	}
	return "Nobody has been read yet; `provisor run` reads the systems."
}

func (p *pages) people(r *http.Request) (shown, error) {
	entity := r.PathValue("type")
	types, err := p.owners(r.Context())
	if err != nil {
		return shown{}, err
	}
	if !slices.Contains(types, entity) {
		return shown{}, fault.New(fault.NotFound, "page", "nobody is called that")
	}
	return p.found(r, []string{entity}, text(r))
}

// found shows who bears a text: as key or identifier, else by name.
func (p *pages) found(r *http.Request, types []string, text string) (shown, error) {
	d := people{entity: types[0], text: text}
	after, err := peopleCursor(r)
	if err != nil {
		return shown{}, err
	}
	for _, t := range types {
		if text != "" && after == (view.PeopleCursor{}) {
			exact, err := p.Questions.Resolve(r.Context(), t, text)
			if err != nil {
				return shown{}, err
			}
			d.list = append(d.list, exact...)
		}
	}
	if len(d.list) > 0 {
		return shown{d.entity, "directory", peoplePage(d)}, nil
	}
	for _, t := range types {
		page, err := p.Questions.People(r.Context(), view.PeopleFilter{Entity: t, Text: text, After: after})
		if err != nil {
			return shown{}, err
		}
		d.list = append(d.list, page.People...)
		if page.After != nil && len(types) == 1 {
			d.next = string(directoryURL(t)) + "?" + url.Values{"q": {text}, "after": {encodeCursor(*page.After)}}.Encode()
		}
	}
	return shown{d.entity, "directory", peoplePage(d)}, nil
}

// personData is somebody with what is chosen on his page.
type personData struct {
	view.Person
	folder, address string
	chosen          *view.Item
	chosenIn        orders.AssignedID
	chosenName      string
	steps           []view.Step
}

func (p *pages) person(r *http.Request) (shown, error) {
	types, err := p.owners(r.Context())
	if err != nil {
		return shown{}, err
	}
	if !slices.Contains(types, r.PathValue("type")) {
		return shown{}, fault.New(fault.NotFound, "page", "nobody is called that")
	}
	ref := resources.Ref{Type: schema.EntityType(r.PathValue("type")), Key: resources.Key(r.PathValue("key"))}
	person, err := p.Questions.Person(r.Context(), ref)
	if err != nil {
		return shown{}, err
	}
	d := personData{Person: person, folder: p.Folder, address: r.URL.RequestURI()}
	// What stands open comes first, what is history last.
	slices.SortStableFunc(d.Accounts, func(a, b view.Account) int { return cmp.Compare(rank(a), rank(b)) })
	if err := p.choose(r, &d); err != nil {
		return shown{}, err
	}
	return shown{ownerName(person.Owner, ""), "directory", personPage(d)}, nil
}

func rank(a view.Account) int {
	switch {
	case a.Closed:
		return 2
	case a.Order == 0:
		return 1
	}
	return 0
}

// choose finds the item whose path is asked for, by ?item=ACCOUNT.ITEM, or the
// first open order's account.
func (p *pages) choose(r *http.Request, d *personData) error {
	var account orders.AssignedID
	var item int
	if asked := r.URL.Query().Get("item"); asked != "" {
		if _, err := fmt.Sscanf(asked, "%d.%d", &account, &item); err != nil {
			return fault.New(fault.Invalid, "page", "item=%q should read like item=12.0", asked)
		}
	} else if len(d.Accounts) > 0 && d.Accounts[0].Order != 0 && len(d.Accounts[0].Items) > 0 {
		account, item = d.Accounts[0].ID, d.Accounts[0].Items[0].ID
	}
	for _, a := range d.Accounts {
		for i := range a.Items {
			if a.ID != account || a.Items[i].ID != item {
				continue
			}
			d.chosen, d.chosenIn, d.chosenName = &a.Items[i], a.ID, a.Type+" "+a.Items[i].Name
			path, err := p.Questions.Path(r.Context(), a.ID)
			if err != nil {
				return err
			}
			d.steps = slices.DeleteFunc(path, func(s view.Step) bool { return s.Item != item })
		}
	}
	return nil
}

func (d personData) isChosen(account orders.AssignedID, item int) bool {
	return d.chosen != nil && d.chosenIn == account && d.chosen.ID == item
}

type named struct{ name, value string }

// profile is what the source says of him.
func (d personData) profile() []named {
	var list []named
	for _, name := range slices.Sorted(maps.Keys(d.Values)) {
		list = append(list, named{name, d.Values[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Links)) {
		for _, key := range d.Links[name] {
			list = append(list, named{name, key})
		}
	}
	return list
}

// text is what is searched for, cut to what a person types.
func text(r *http.Request) string {
	q := r.URL.Query().Get("q")
	return q[:min(len(q), textMax)]
}

func orderCursor(r *http.Request) (orders.OrderID, error) {
	after := r.URL.Query().Get("after")
	if after == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "page", "after=%q is not a place in this list", after)
	}
	return orders.OrderID(id), nil
}

func encodeCursor(c view.PeopleCursor) string {
	data, _ := json.Marshal(c) // two texts
	return base64.RawURLEncoding.EncodeToString(data)
}

func peopleCursor(r *http.Request) (view.PeopleCursor, error) {
	var c view.PeopleCursor
	after := r.URL.Query().Get("after")
	if after == "" {
		return c, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(after[:min(len(after), cursorMax)])
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, fault.New(fault.Invalid, "page", "after=%q is not a place in this list", after)
	}
	return c, nil
}

// link is the present address with one parameter changed.
func link(r *http.Request, name, value string) string {
	q := r.URL.Query()
	q.Set(name, value)
	return r.URL.Path + "?" + q.Encode()
}

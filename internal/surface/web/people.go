package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// peopleList is a page of the people of one entity type.
type peopleList struct {
	Entity string
	Others []string // the other entity types
	Text   string
	Paged  bool
	Page   view.PeoplePage
	Next   string
	Sort   ordering
	Forms  []formOffer // that create one
}

// first is the address of the first page.
func (l peopleList) first() string {
	return string(with(entityAddress(l.Entity), "q", l.Text, "sort", l.Sort.value()))
}

// foundPeople are the first of each entity type that a text finds.
type foundPeople struct {
	Text  string
	Lists []peopleList
}

// entities lists the entity types of people; none, while nothing is deployed.
func (s *site) entities(ctx context.Context) ([]string, error) {
	types, err := s.Entities(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return types, err
}

// directory leads to the people of the only entity type, or shows those of each.
func (s *site) directory(r *http.Request) (page, error) {
	types, err := s.entities(r.Context())
	if err != nil {
		return page{}, err
	}
	text := r.URL.Query().Get("q")
	if len(types) == 1 {
		return page{Move: string(with(entityAddress(types[0]), "q", text))}, nil
	}
	found := foundPeople{Text: text}
	for _, t := range types {
		people, err := s.Questions.People(r.Context(), view.PeopleFilter{Entity: t, Text: text, Limit: rowsOnPage / len(types)})
		if err != nil {
			return page{}, err
		}
		list := peopleList{Entity: t, Text: text, Page: people}
		if people.After != nil {
			list.Next = string(with(entityAddress(t), "q", text))
		}
		found.Lists = append(found.Lists, list)
	}
	return page{Title: "Directory", Section: "directory", Finds: true, Body: directoryPage(found)}, nil
}

// people lists the people of one entity type.
func (s *site) people(r *http.Request) (page, error) {
	types, err := s.entities(r.Context())
	if err != nil {
		return page{}, err
	}
	q, entity := r.URL.Query(), r.PathValue("entity")
	if !slices.Contains(types, entity) && s.formedBy(r.Context(), entity) {
		return page{Move: "/workflows"}, nil
	}
	if !slices.Contains(types, entity) {
		return page{}, &fault.Error{
			Kind: fault.NotFound, Msg: fmt.Sprintf("%q is no entity type of people", entity), Do: "The directory lists those that the deployed configuration takes as a source.",
		}
	}
	list := peopleList{Entity: entity, Text: q.Get("q"), Paged: q.Has("after")}
	list.Others = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == entity })
	if list.Forms, err = s.offers(r, resources.Ref{Type: schema.EntityType(entity)}); err != nil {
		return page{}, err
	}
	list.Sort = sortedBy(view.Sort{}, view.PeopleColumns)
	if err := list.Sort.read(r); err != nil {
		return page{}, err
	}
	filter := view.PeopleFilter{
		Sort: list.Sort.Now, Entity: entity, Text: list.Text, Limit: rowsOnPage, After: view.PeopleCursor{Display: q.Get("name"), Word: q.Get("word"), Key: q.Get("after")},
	}
	if list.Page, err = s.Questions.People(r.Context(), filter); err != nil {
		return page{}, err
	}
	if after := list.Page.After; after != nil {
		list.Next = string(with(entityAddress(entity), "q", list.Text, "name", after.Display, "word", after.Word, "after", after.Key, "sort", list.Sort.value()))
	}
	return page{Title: entity, Section: "directory", Finds: true, Body: peoplePage(list), Sheet: s.peopleSheet(r, filter)}, nil
}

// personShown is somebody on a page.
type personShown struct {
	view.Person
	Roles  []roleShown
	Chosen *chosenItem // nil without accounts
	Model  *roles.Model
	Filter filter
	All    int // accounts, whether the filter leaves them or not
	Now    time.Time
}

// roleShown is a role with the items that it gives.
type roleShown struct {
	view.Role
	Items []giftShown
}

// giftShown is an item that a role gives, as its account has it.
type giftShown struct {
	Account view.Account
	view.Item
}

// chosenItem is the item whose place and path are shown.
type chosenItem struct {
	Account view.Account
	Item    view.Item
	Moves   []move
	Tall    diagram
}

// person shows somebody with everything that they have.
func (s *site) person(r *http.Request) (page, error) {
	ref := resources.Ref{Type: schema.EntityType(r.PathValue("entity")), Key: resources.Key(r.PathValue("key"))}
	p, err := s.Questions.Person(r.Context(), ref)
	if err != nil {
		return page{}, err
	}
	shown := personShown{Person: p, Now: s.Clock()}
	if shown.Model, err = s.model(r.Context()); err != nil {
		return page{}, err
	}
	for _, role := range p.Roles {
		shown.Roles = append(shown.Roles, roleShown{Role: role, Items: gifts(role, p.Accounts)})
	}
	if shown.Chosen, err = s.chosen(r.Context(), p, r.URL.Query().Get("item")); err != nil {
		return page{}, err
	}
	shown.All = len(p.Accounts)
	shown.Filter = filter{
		Address: string(personAddress(p.Owner)), Label: "Permissions", Searches: "Permission", Hint: "Role, account or value", Picks: []pick{statePick(orders.States()...)},
	}
	if err := shown.Filter.read(r); err != nil {
		return page{}, err
	}
	shown.narrow(s.calling(r.Context()))
	return page{Title: named(p.Owner), Section: "directory", Body: personPage(shown), Sheet: permissionsSheet(shown)}, nil
}

// narrow leaves what the filter asks for: roles and accounts by what they are called,
// or with those of their items that are called so and stand in the state.
func (p *personShown) narrow(ctx context.Context) {
	text, state := p.Filter.Text, p.Filter.chosen("state")
	if text == "" && state == "" {
		return
	}
	fits := func(it view.Item, of string) bool {
		return (state == "" || state == number(float64(it.State.Number))) && holdsAll(of+" "+it.Name+" "+it.Proposed+" "+it.Current, text)
	}
	var had []roleShown
	for _, r := range p.Roles {
		name := roleCalled(ctx, r.Role.Role)
		r.Items = slices.DeleteFunc(slices.Clone(r.Items), func(g giftShown) bool { return !fits(g.Item, name+" "+typeCalled(ctx, g.Account.Type)) })
		if len(r.Items) > 0 || state == "" && holdsAll(name, text) {
			had = append(had, r)
		}
	}
	var accounts []view.Account
	for _, a := range p.Accounts {
		of := typeCalled(ctx, a.Type) + " " + a.Target
		a.Items = slices.DeleteFunc(slices.Clone(a.Items), func(it view.Item) bool { return !fits(it, of) })
		if len(a.Items) > 0 {
			accounts = append(accounts, a)
		}
	}
	p.Roles, p.Accounts = had, accounts
}

func gifts(role view.Role, accounts []view.Account) []giftShown {
	var items []giftShown
	for _, gift := range role.Gives {
		for _, a := range accounts {
			for _, it := range a.Items {
				if a.ID == gift.Assigned && it.ID == gift.Item {
					items = append(items, giftShown{a, it})
				}
			}
		}
	}
	return items
}

// pressing orders states by how soon somebody wants to see them.
var pressing = []orders.State{orders.Error, orders.Errored, orders.AwaitingApproval, orders.Pending, orders.Transmitted}

// calm is how little a state presses: the more, the later it is looked at.
func calm(s view.State) int {
	if at := slices.Index(pressing, orders.Numbered(s.Number)); at >= 0 {
		return at
	}
	return len(pressing)
}

// chosen is the item that the address names as account.item or, without a name,
// the first of those that press most.
func (s *site) chosen(ctx context.Context, p view.Person, name string) (*chosenItem, error) {
	var account view.Account
	var item view.Item
	found := false
	for _, a := range p.Accounts {
		for _, it := range a.Items {
			if name == itemName(a.ID, it.ID) || name == "" && (!found || calm(it.State) < calm(item.State)) {
				account, item, found = a, it, true
			}
		}
	}
	switch {
	case !found && name == "":
		return nil, nil
	case !found:
		return nil, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("%s has no item %s", named(p.Owner), name), Do: "Open the person again and choose one that is listed."}
	}
	path, err := s.Questions.Path(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	path = slices.DeleteFunc(path, func(step view.Step) bool { return step.Item != item.ID })
	return &chosenItem{Account: account, Item: item, Moves: together(path), Tall: draw(true, nil, &item.State, path)}, nil
}

func itemName(a orders.AssignedID, item int) string {
	return strconv.FormatInt(int64(a), 10) + "." + strconv.Itoa(item)
}

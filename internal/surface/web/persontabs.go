package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

// profileShown is what is known of somebody.
type profileShown struct {
	view.Person
	Values []property
	Forms  []formOffer // that whoever looks may start about them
}

// property is a value, or the links, of a resource.
type property struct {
	Name, Value string
	Source      string // what the source gives, where people edited it
	Edited      bool
}

// edited tells whether people edited any of it.
func (p profileShown) edited() bool {
	return slices.ContainsFunc(p.Values, func(v property) bool { return v.Edited })
}

// profile shows somebody's values.
func (s *site) profile(r *http.Request) (page, error) {
	p, _, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	shown := profileShown{Person: p}
	for name, value := range p.Values {
		source, edited := p.Edited[name]
		shown.Values = append(shown.Values, property{name, value, source, edited})
	}
	for name, keys := range p.Links {
		source, edited := p.Edited[name]
		called := make([]string, len(keys))
		for i, key := range keys {
			if called[i] = key; p.Called[name+" "+key] != "" {
				called[i] = p.Called[name+" "+key] + " (" + key + ")"
			}
		}
		shown.Values = append(shown.Values, property{name, strings.Join(called, ", "), source, edited})
	}
	if shown.Forms, err = s.offers(r, refOf(p.Owner)); err != nil {
		return page{}, err
	}
	slices.SortFunc(shown.Values, func(a, b property) int { return strings.Compare(a.Name, b.Name) })
	return page{Title: "Profile of " + named(p.Owner), Section: "directory", Body: profilePage(shown), Sheet: profileSheet(shown)}, nil
}

// accounts shows somebody's accounts with their values.
func (s *site) accounts(r *http.Request) (page, error) {
	p, _, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	return page{Title: "Accounts of " + named(p.Owner), Section: "directory", Body: accountsPage(p), Sheet: accountsSheet(p)}, nil
}

// historyShown is what happened to somebody's access, the newest first.
type historyShown struct {
	view.Person
	Events []happening
	Cut    bool
	Now    time.Time
}

// happening is one thing that happened: a request, what was said of it, or a
// step of an account's items.
type happening struct {
	At      time.Time
	Request *view.Request
	Ruling  *view.Ruling
	Account view.Account
	Move    *move
}

// class is the colour of what happened: the state that it led to.
func (h happening) class() string {
	if h.Move == nil {
		return stateClass(0)
	}
	return stateClass(h.Move.To.Number)
}

// happeningsShown is how far back a page goes.
const happeningsShown = 200

// history shows what happened to somebody's access.
func (s *site) history(r *http.Request) (page, error) {
	p, _, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	shown := historyShown{Person: p, Now: s.Clock()}
	for _, a := range p.Accounts {
		path, err := s.Questions.Path(r.Context(), a.ID)
		if err != nil {
			return page{}, err
		}
		for _, m := range together(path) {
			shown.Events = append(shown.Events, happening{At: m.At, Account: a, Move: &m})
		}
	}
	ref := refOf(p.Owner)
	asked, err := s.Questions.Requests(r.Context(), view.RequestFilter{Owner: &ref, Closed: true, Sort: view.Newest, Limit: happeningsShown})
	if err != nil {
		return page{}, err
	}
	for i := range asked.Requests {
		q := &asked.Requests[i]
		shown.Events = append(shown.Events, happening{At: q.At, Request: q})
		for j := range q.Rulings {
			shown.Events = append(shown.Events, happening{At: q.Rulings[j].At, Request: q, Ruling: &q.Rulings[j]})
		}
	}
	slices.SortStableFunc(shown.Events, func(a, b happening) int { return b.At.Compare(a.At) })
	sheet := historySheet(p, shown.Events)
	if len(shown.Events) > happeningsShown {
		shown.Events, shown.Cut = shown.Events[:happeningsShown], true
	}
	return page{Title: "History of " + named(p.Owner), Section: "directory", Body: historyPage(shown), Sheet: sheet}, nil
}

// whyShown is the proof of what somebody has, and has not.
type whyShown struct {
	view.Person
	Filter filter
	Proof  explain.Proof
	Others []string // roles that the person has not, to ask about
}

// why shows the proof of what somebody has, and why not what not.
func (s *site) why(r *http.Request) (page, error) {
	p, m, err := s.personIn(r)
	if err != nil {
		return page{}, err
	}
	seen, err := reach.SightOf(r.Context(), s.Questions, m, p)
	if err != nil {
		return page{}, err
	}
	shown := whyShown{Person: p, Filter: filter{
		Address: string(personAddress(p.Owner)) + "/why", Label: "What to explain", Picks: []pick{typePick(m), {Name: "role", Label: "Role"}},
	}}
	types := &shown.Filter.Picks[0]
	types.Label, types.Options = "Account", slices.DeleteFunc(types.Options, func(o option) bool { return !slices.Contains(seen.Types, o.Value) })
	for id, role := range m.Roles {
		if string(role.Entity) == p.Type && slices.Contains(seen.Roles, string(id)) {
			shown.Filter.Picks[1].Options = append(shown.Filter.Picks[1].Options, option{string(id), nameOr(role.Name, string(id))})
		}
	}
	slices.SortFunc(shown.Filter.Picks[1].Options, func(a, b option) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	if err := shown.Filter.read(r); err != nil {
		return page{}, err
	}
	ask := explain.Query{Account: shown.Filter.chosen("type"), Role: shown.Filter.chosen("role")}
	if shown.Proof, err = reach.Explain(r.Context(), s.Questions, m, s.Explain, p, ask); err != nil {
		return page{}, err
	}
	if !shown.Filter.filtered() { // all that somebody has not would hide what they have
		shown.Proof.Absent = slices.DeleteFunc(shown.Proof.Absent, func(a explain.Absence) bool { return a.Role != "" })
	}
	return page{Title: "Why " + named(p.Owner) + " has what", Section: "directory", Body: whyPage(shown)}, nil
}

package access

import (
	"encoding/json"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
)

// A Holder is who has a profile: an account, or a person, signed in or not yet.
type Holder struct {
	Account string        `json:"account,omitempty"`
	Person  resources.Ref `json:"person,omitzero"`
}

// String reads "account anna" or "Person:E1".
func (h Holder) String() string {
	if h.Account != "" {
		return "account " + h.Account
	}
	return h.Person.String()
}

// How says how somebody came to a profile.
type How string

const (
	ByHand     How = "by hand"
	ByRule     How = "by rule"
	Delegation How = "delegation"
)

// An AssignmentID numbers profile assignments; those by rule have none.
type AssignmentID int64

// A ProfileAssignment is a profile that somebody has, how far and for how long.
type ProfileAssignment struct {
	ID      AssignmentID `json:"id,omitempty"`
	Holder  Holder       `json:"holder"`
	Profile ProfileID    `json:"profile"`
	Scope   Scope        `json:"scope,omitzero"`
	How     How          `json:"how"`
	From    time.Time    `json:"from,omitzero"` // the first instant; zero: always
	To      time.Time    `json:"to,omitzero"`   // the first instant after it; zero: for good
	// Delegator is who handed a delegation on: it reaches as far as the profile does
	// for him, and ends when he has it no more.
	Delegator Holder    `json:"delegator,omitzero"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Why       string    `json:"why,omitempty"`
	Revoked   time.Time `json:"revoked,omitzero"`
}

// Active reports whether the assignment holds at an instant.
func (a ProfileAssignment) Active(now time.Time) bool {
	return a.Revoked.IsZero() && !now.Before(a.From) && (a.To.IsZero() || now.Before(a.To))
}

// Over reports whether the assignment holds no more, and never will again.
func (a ProfileAssignment) Over(now time.Time) bool {
	return !a.Revoked.IsZero() || !a.To.IsZero() && !now.Before(a.To)
}

// Of reports whether it is a delegation of somebody, by account or by person.
func (a ProfileAssignment) Of(h Holder, person resources.Ref) bool {
	return a.How == Delegation && (a.Delegator == h || person.Key != "" && a.Delegator == Holder{Person: person})
}

// A Right is what one assignment gives: permissions, and the clause of rows that
// they reach.
type Right struct {
	Profile     ProfileID
	Permissions []Permission
	Clause      Clause
}

// A Principal is who asks, with everything that he may do. The zero Principal may
// nothing.
type Principal struct {
	Account string        // by which he signed in; "": nobody signs in here
	Person  resources.Ref // whom the directory knows him as; zero: nobody in it
	Rights  []Right
}

// Everybody is who asks where nobody signs in: a server that only this machine
// reaches, and no account exists yet.
func Everybody() Principal {
	return Principal{Rights: []Right{{Permissions: forPeople(), Clause: Clause{}}}}
}

// Name is how the journal calls him: the person's key or, where the directory
// does not know him, the account.
func (p Principal) Name() string {
	if p.Person.Key != "" {
		return string(p.Person.Key)
	}
	return p.Account
}

// Has reports whether he has a permission for anything at all: what decides on
// menus, buttons and pages that are lists.
func (p Principal) Has(x Permission) bool { return !p.Filter(x).Nothing() }

// Filter says which rows the permission reaches.
func (p Principal) Filter(x Permission) Filter {
	d, known := Describe(x)
	if !known {
		return Filter{}
	}
	var f Filter
	for _, r := range p.Rights {
		switch {
		case !slices.Contains(r.Permissions, x):
		case d.Reach == Open:
			return Everything()
		case d.Reach == Whole && !r.Clause.all():
		default:
			f.Clauses = append(f.Clauses, r.Clause)
		}
	}
	return f
}

// Sees tells principals apart by what they may: those with equal texts see the same.
func (p Principal) Sees() string {
	text, _ := json.Marshal(p.Rights) // texts and flags cannot fail
	return string(text)
}

// May reports whether he may do something to one subject.
func (p Principal) May(x Permission, s Subject) bool { return p.Filter(x).Holds(s) }

// Resolve works out what somebody may do now: the profiles assigned to him, by
// hand, by delegation and by rule. Of a delegation the world is the delegator's.
func Resolve(account string, person resources.Ref, profiles []Profile, list []Given) Principal {
	p := Principal{Account: account, Person: person}
	known := map[ProfileID]Profile{}
	for _, x := range profiles {
		known[x.ID] = x
	}
	for _, g := range list {
		profile, ok := known[g.Profile]
		if !ok {
			continue
		}
		clause := Clause{}
		for _, s := range append([]Scope{profile.Scope}, g.Scopes...) {
			clause = append(clause, g.World.part(s)...)
		}
		p.Rights = append(p.Rights, Right{Profile: profile.ID, Permissions: profile.Permissions, Clause: clause})
	}
	return p
}

// A Given is a profile as somebody has it now: all of the scopes narrow it, seen
// from the world of whoever it was given to first.
type Given struct {
	Profile ProfileID
	Scopes  []Scope
	World   World
}

// RuleHolds reports whether a rule gives its profile to somebody who stands in
// places; within answers whether a place lies in or below another.
func RuleHolds(r ProfileRule, person resources.Ref, within func(dimension string, below bool, place resources.Key) bool) bool {
	if person.Key == "" || r.Entity != person.Type {
		return false
	}
	for dimension, place := range r.Match {
		if !within(string(dimension), slices.Contains(r.Inherit, dimension), place) {
			return false
		}
	}
	return true
}

package requests

import (
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// A Seat is a reviewer of a step, and as what.
type Seat struct {
	Person string // a key
	As     string // "manager", "owner of finance", "officer"
}

// The words of the configuration for reviewers.
const (
	Officer = "officer"
	Manager = "manager"
	owners  = "owner:"
	person  = "person:"
)

// stepNames are the configuration's words for steps.
var stepNames = []string{"one", "two", "three"}

// Seats lists who may decide a step of a role for an owner, each person once. A
// step for which the role names nobody is the category owners', and where there
// are none the manager's.
func Seats(m *roles.Model, role roles.Role, step int, owner *resources.Resource) []Seat {
	var words []string
	if step >= 1 && step <= len(stepNames) {
		words = role.Reviewers[stepNames[step-1]]
	}
	if len(words) > 0 {
		var all []Seat
		for _, word := range words {
			all = append(all, seats(m, role, word, owner)...)
		}
		return once(all)
	}
	if found := seats(m, role, owners+string(role.Category), owner); len(found) > 0 {
		return found
	}
	return seats(m, role, Manager, owner)
}

func seats(m *roles.Model, role roles.Role, word string, owner *resources.Resource) (list []Seat) {
	switch {
	case word == Officer:
		for _, key := range role.Officers {
			list = append(list, Seat{key, "officer of " + string(role.ID)})
		}
	case word == Manager:
		for _, key := range owner.Links[schema.PropertyName(Manager)] {
			list = append(list, Seat{string(key), "manager of " + string(owner.Key)})
		}
	case strings.HasPrefix(word, owners):
		c := m.OwnersOf(roles.CategoryID(strings.TrimPrefix(word, owners)))
		for _, key := range c.Owners {
			list = append(list, Seat{key, "owner of " + string(c.ID)})
		}
	case strings.HasPrefix(word, person):
		list = append(list, Seat{strings.TrimPrefix(word, person), "reviewer of " + string(role.ID)})
	}
	return once(list)
}

func once(list []Seat) []Seat {
	var all []Seat
	for _, s := range list {
		if !slices.ContainsFunc(all, func(x Seat) bool { return x.Person == s.Person }) {
			all = append(all, s)
		}
	}
	return all
}

// Apart reports whether a person may decide on the request at all: four eyes see
// more than two, so neither who asked nor whom it is for, unless the role says so.
func Apart(r *Request, role roles.Role, person string) bool {
	return role.OwnApproval || person != r.By && person != string(r.Owner.Key)
}

// Eligible are the seats whose people may decide the request now.
func Eligible(r *Request, role roles.Role, list []Seat) []Seat {
	var may []Seat
	for _, s := range list {
		if Apart(r, role, s.Person) && !r.Decided(s.Person) {
			may = append(may, s)
		}
	}
	return may
}

// Names writes seats for people: "E5 (manager of E1), E7 (owner of finance)".
func Names(list []Seat) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = s.Person + " (" + s.As + ")"
	}
	return strings.Join(words, ", ")
}

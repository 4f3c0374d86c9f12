package workflows

import (
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// A Seat is somebody who may start or decide, and as what: as those of requests are.
type Seat = requests.Seat

// The words of the configuration for people.
const (
	Anybody  = "anybody"
	Self     = "self"
	Manager  = "manager"
	Reviewer = "reviewer"
	Owner    = "owner"
	Person   = "person"
)

// StepNames are the configuration's words for approval steps.
var StepNames = []string{"one", "two", "three"}

// Steps is how many approvals a workflow passes.
func Steps(w roles.Workflow) int {
	return slices.Index([]roles.Approval{roles.ApprovalNone, roles.ApprovalOne, roles.ApprovalTwo, roles.ApprovalThree}, w.Approval)
}

// Seats lists who may decide a step, each person once. about is the resource:
// as it would be where it is to be created, else as it is.
func Seats(m *roles.Model, w roles.Workflow, step int, about *resources.Resource) []Seat {
	if step < 1 || step > len(StepNames) {
		return nil
	}
	var list []Seat
	for _, word := range w.Reviewers[StepNames[step-1]] {
		list = add(list, seats(m, w, word, about)...)
	}
	return list
}

func seats(m *roles.Model, w roles.Workflow, word string, about *resources.Resource) (list []Seat) {
	kind, who, _ := strings.Cut(word, ":")
	switch kind {
	case Self:
		list = add(list, Seat{Person: string(about.Key), As: "self"})
	case Manager:
		for _, key := range about.Links[schema.PropertyName(Manager)] {
			list = add(list, Seat{Person: string(key), As: "manager of " + string(about.Key)})
		}
	case Reviewer:
		list = Seats(m, w, 1, about)
	case Owner:
		c := m.OwnersOf(roles.CategoryID(who))
		for _, key := range c.Owners {
			list = add(list, Seat{Person: key, As: "owner of " + string(c.ID)})
		}
	case Person:
		list = add(list, Seat{Person: who, As: "named by " + string(w.ID)})
	}
	return list
}

func add(list []Seat, more ...Seat) []Seat {
	for _, s := range more {
		if s.Person != "" && !slices.ContainsFunc(list, func(x Seat) bool { return x.Person == s.Person }) {
			list = append(list, s)
		}
	}
	return list
}

// MayStart reports whether the form lets a person start the workflow about a
// resource.
func MayStart(m *roles.Model, w roles.Workflow, about *resources.Resource, person string) bool {
	return slices.ContainsFunc(w.Who, func(word string) bool {
		return word == Anybody || slices.ContainsFunc(seats(m, w, word, about), func(s Seat) bool { return s.Person == person })
	})
}

// MightStart reports whether a person may start a workflow about what is not known
// yet: one that creates, or one whose subject is still to be chosen. What is
// created may be told by what is written, as the manager of a new contractor is.
func MightStart(m *roles.Model, w roles.Workflow, person string) bool {
	told := func(word string) bool { return word == Manager || word == Self }
	byForm := slices.ContainsFunc(w.Who, func(word string) bool {
		return told(word) || word == Reviewer && slices.ContainsFunc(w.Reviewers[StepNames[0]], told)
	})
	return byForm || MayStart(m, w, &resources.Resource{Ref: resources.Ref{Type: w.Entity}}, person)
}

// Apart reports whether a person may decide at all: four eyes see more than two,
// so neither who started it nor whom it is about.
func Apart(s *Started, person string) bool {
	return person != s.By && person != string(s.Subject.Key)
}

// Eligible are the seats whose people may decide now.
func Eligible(s *Started, list []Seat) []Seat {
	var may []Seat
	for _, seat := range list {
		if Apart(s, seat.Person) && !s.Decided(seat.Person) {
			may = append(may, seat)
		}
	}
	return may
}

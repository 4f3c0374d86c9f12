package explain

import (
	"slices"

	"provisor.dev/provisor/internal/view"
)

// Within leaves of a proof what somebody may see: accounts of some resource types,
// and some roles. Why an account is there names the role that gives it, as every
// list of accounts does; why somebody has that role is told only to whom it is shown.
func (p Proof) Within(seen view.Sight) Proof {
	p.Roles = slices.DeleteFunc(p.Roles, func(r Role) bool { return !slices.Contains(seen.Roles, r.Role) })
	p.Accounts = slices.DeleteFunc(p.Accounts, func(a Account) bool { return !slices.Contains(seen.Types, a.Type) })
	for i := range p.Roles {
		p.Roles[i].Because = groundsWithin(p.Roles[i].Because, seen)
	}
	for _, a := range p.Accounts {
		for i := range a.Items {
			a.Items[i].Because = groundsWithin(a.Items[i].Because, seen)
		}
	}
	p.Absent = absencesWithin(p.Absent, seen)
	return p
}

// Within leaves of a timeline what somebody may see.
func (t Timeline) Within(seen view.Sight) Timeline {
	days := []Turn{}
	for _, turn := range t.Days {
		turn.Changes = slices.DeleteFunc(turn.Changes, func(c Change) bool {
			return c.Role != "" && !slices.Contains(seen.Roles, c.Role) || c.Type != "" && !slices.Contains(seen.Types, c.Type)
		})
		if len(turn.Changes) > 0 {
			days = append(days, turn)
		}
	}
	t.Days = days
	return t
}

func groundsWithin(list []Ground, seen view.Sight) []Ground {
	for i := range list {
		if list[i].Role != "" && !slices.Contains(seen.Roles, list[i].Role) {
			list[i].By = nil
		}
		list[i].By = groundsWithin(list[i].By, seen)
	}
	return list
}

func absencesWithin(list []Absence, seen view.Sight) []Absence {
	list = slices.DeleteFunc(list, func(a Absence) bool {
		return a.Role != "" && !slices.Contains(seen.Roles, a.Role) || a.Account != "" && !slices.Contains(seen.Types, a.Account)
	})
	for i := range list {
		list[i].Needs = absencesWithin(list[i].Needs, seen)
	}
	return list
}

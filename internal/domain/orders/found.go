package orders

import (
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
)

// Had chooses ways of having a role.
type Had func(role roles.RoleID, with assignments.Parameters) bool

// onlyBy reports whether roles that are chosen, and nothing else, give the item.
func (i *Item) onlyBy(had Had) bool {
	return i.Policy.Wanted && len(i.Policy.Reasons) > 0 && !slices.ContainsFunc(i.Policy.Reasons, func(r assignments.Reason) bool {
		return r.Role == "" || !had(r.Role, r.With)
	})
}

// byFoundRole reports whether the item was met in the system, and a role that
// was found too is all that explains it.
func (i *Item) byFoundRole() bool {
	return i.Property != "" && i.Place == atVerified && i.Workflow.Found() && i.onlyBy(anyRole)
}

func anyRole(roles.RoleID, assignments.Parameters) bool { return true }

// FoundBy lists the items that were met in the system and that nothing but the
// chosen roles explains.
func (a *AssignedResource) FoundBy(had Had) (ids []int) {
	for i := range a.Items {
		if it := &a.Items[i]; it.byFoundRole() && it.onlyBy(had) {
			ids = append(ids, it.ID)
		}
	}
	return ids
}

// FoundRole is the one role, itself found, that explains an item which was met
// in the system; false where there is none, or more than one.
func (a *AssignedResource) FoundRole(id int) (roles.RoleID, assignments.Parameters, bool) {
	it := a.Item(id)
	if it == nil || !it.byFoundRole() {
		return "", "", false
	}
	first := it.Policy.Reasons[0]
	return first.Role, first.With, it.onlyBy(func(r roles.RoleID, with assignments.Parameters) bool { return r == first.Role && with == first.With })
}

// AcceptRole lets what found roles give be given like anything else, because a
// person let them stay: what of it is missing needs no review of its own any more.
func (a *AssignedResource) AcceptRole(o Occasion, had Had) error {
	return a.whole(func() error {
		for i := range a.Items {
			it := &a.Items[i]
			if !it.onlyBy(had) || !it.ungiven() && !it.Policy.Review {
				continue
			}
			it.Policy.Workflow, it.Policy.Review, a.touched = assignments.Calculated, false, true
			if it.byFoundRole() {
				it.Workflow = assignments.Calculated
			}
		}
		return a.Judge(o)
	})
}

// RefuseRole removes what nothing but the chosen roles, which were found,
// explains. mayReview: the person may review the resource type.
func (a *AssignedResource) RefuseRole(o Occasion, had Had, mayReview bool) error {
	ids := a.FoundBy(had)
	if len(ids) == 0 {
		return nil
	}
	return a.whole(func() error {
		by := map[int]assignments.Reason{}
		for _, id := range ids {
			by[id] = a.Item(id).Policy.Reasons[0]
		}
		if err := a.Decide(o, Choice{On: Decline, Items: ids, MayReview: mayReview}); err != nil {
			return err
		}
		for id, r := range by {
			if it := a.Item(id); it != nil && it.Decision.Refused {
				it.Decision.Role, it.Decision.With = r.Role, r.With
			}
		}
		return nil
	})
}

// ReopenRole makes what the chosen roles explain, or what was refused with them,
// what it was before a person decided: found. A removal that nobody has begun is
// withdrawn at once.
func (a *AssignedResource) ReopenRole(o Occasion, had Had, as assignments.Workflow) error {
	return a.whole(func() error {
		for i := range a.Items {
			it := &a.Items[i]
			switch {
			case it.Property == "" || !it.Is.There:
			case it.Decision.Refused && it.Decision.Role != "" && had(it.Decision.Role, it.Decision.With):
				reason := assignments.Reason{Role: it.Decision.Role, With: it.Decision.With}
				it.Decision, it.Workflow, it.Policy.Workflow = Decision{}, as, as
				it.Policy.Wanted, it.Policy.Holding, it.Policy.Reasons = true, it.Is, []assignments.Reason{reason}
			case it.onlyBy(had) && (it.Workflow == assignments.Approved || !it.Policy.Workflow.Found()):
				it.Policy.Workflow, it.Workflow = as, as
				it.Decision.Exception = nil
			}
			a.touched = true
		}
		return a.Judge(o)
	})
}

// Reopenable reports whether ReopenRole would change anything.
func (a *AssignedResource) Reopenable(had Had) bool {
	return slices.ContainsFunc(a.Items, func(it Item) bool {
		return it.Decision.Role != "" && had(it.Decision.Role, it.Decision.With) || it.Property != "" && it.onlyBy(had)
	})
}

// MakePreExisting marks what was found as there before go-live, and counts it.
func (a *AssignedResource) MakePreExisting() (n int) {
	for i := range a.Items {
		it := &a.Items[i]
		if it.Policy.Workflow == assignments.NonConforming {
			it.Policy.Workflow = assignments.PreExisting
		}
		if it.Workflow == assignments.NonConforming {
			it.Workflow, a.touched = assignments.PreExisting, true
			n++
		}
	}
	return n
}

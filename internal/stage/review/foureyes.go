package review

import (
	"context"
	"fmt"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// approving are the decisions that let something out: four eyes look at them. Who
// releases what a threshold parked looks at the mass, and replaces no approval.
// Declining, postponing and keeping give nobody anything.
var approving = []orders.Event{orders.Approve, orders.Correct}

// apart refuses a person who would approve an order of their own, or one that comes
// of what they asked for; not where the role lets its requesters approve.
func (d *Desk) apart(ctx context.Context, on orders.Event, a *orders.AssignedResource, m *roles.Model) error {
	who := d.Actor.As
	if who == "" || !slices.Contains(approving, on) {
		return nil
	}
	given := rolesBehind(a)
	own := func(id roles.RoleID) bool { return m.Roles[id].OwnApproval }
	if string(a.Owner.Key) == who && (len(given) == 0 || !slices.ContainsFunc(given, own)) {
		return fourEyes("it is for %s", who)
	}
	if len(given) == 0 {
		return nil
	}
	settled, err := d.Store.RoleDecisions(ctx, &a.Owner)
	if err != nil {
		return err
	}
	var ids []requests.RequestID
	for _, s := range settled {
		if s.Request != 0 && slices.Contains(given, s.Role) && !own(s.Role) {
			ids = append(ids, requests.RequestID(s.Request))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	asked, err := d.Store.Requests(ctx, stage.RequestFilter{IDs: ids})
	if err != nil {
		return err
	}
	for _, r := range asked {
		if r.By == who {
			return fourEyes("%s asked for the role %s that it comes of (request %d)", who, r.Role, r.ID)
		}
	}
	return nil
}

func fourEyes(format string, args ...any) error {
	return &fault.Error{
		Kind: fault.Denied, Op: "approve", Msg: fmt.Sprintf(format, args...) + ": four eyes see more than two",
		Do: "let somebody else decide",
	}
}

// rolesBehind are the roles that give what the order carries.
func rolesBehind(a *orders.AssignedResource) []roles.RoleID {
	var list []roles.RoleID
	for _, it := range a.Carried() {
		for _, r := range it.Policy.Reasons {
			if r.Role != "" && !slices.Contains(list, r.Role) {
				list = append(list, r.Role)
			}
		}
	}
	return list
}

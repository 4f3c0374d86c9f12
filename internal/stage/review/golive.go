package review

import (
	"context"
	"fmt"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// Live is what going live marked, or when it was done before.
type Live struct {
	Types    []roles.ResourceTypeID `json:"types"`    // that went live now
	Before   []WentLive             `json:"before"`   // that went live before: nothing of them is marked
	Roles    int                    `json:"roles"`    // marked as pre-existing
	Accounts int                    `json:"accounts"` // likewise
	Values   int                    `json:"values"`   // likewise
}

// WentLive says when a resource type went live, and by whose word.
type WentLive struct {
	Type roles.ResourceTypeID `json:"type"`
	At   time.Time            `json:"at"`
	By   string               `json:"by"`
}

// markedAtOnce is how many accounts one transaction marks: people's acts wait
// behind it for a fraction of a second.
const markedAtOnce = 500

// GoLive marks everything of some resource types that is found now as
// pre-existing, once: what appears later was not there before. A resource type
// that went live already is left as it is. A crash leaves some accounts marked
// and the resource types not yet live: going live again marks the rest.
func (d *Desk) GoLive(ctx context.Context, types []roles.ResourceTypeID, why string) (Live, error) {
	l := Live{Types: []roles.ResourceTypeID{}, Before: []WentLive{}}
	done, err := d.Store.Decisions(ctx, stage.WentLive)
	if err != nil {
		return l, err
	}
	before := map[roles.ResourceTypeID]stage.Decision{}
	for _, x := range done {
		before[x.Type] = x
	}
	var also stage.Extra
	for _, t := range types {
		if x, ok := before[t]; ok {
			l.Before = append(l.Before, WentLive{t, x.At, x.By})
			continue
		}
		l.Types = append(l.Types, t)
		also.Decide = append(also.Decide, stage.Decision{Kind: stage.WentLive, Type: t, Why: why})
	}
	if len(l.Types) == 0 {
		return l, nil
	}
	ids, err := d.toMark(ctx, &l, &also)
	if err != nil {
		return l, err
	}
	act := journal.Act{Actor: d.Actor, Name: "go live", Subject: strings.TrimSpace(fmt.Sprintln(l.Types)), Why: why, At: d.Clock()}
	mark := func(a *orders.AssignedResource) error { a.MakePreExisting(); return nil }
	for ; len(ids) > markedAtOnce; ids = ids[markedAtOnce:] {
		if err := d.Store.Update(ctx, act, ids[:markedAtOnce], mark); err != nil {
			return l, err
		}
	}
	act.Detail = l
	return l, d.Store.Update(ctx, act, ids, mark, also)
}

// toMark counts what is to be marked, and notes the roles.
func (d *Desk) toMark(ctx context.Context, l *Live, also *stage.Extra) (ids []orders.AssignedID, err error) {
	type had struct {
		owner resources.Ref
		role  roleAt
	}
	explained := map[had]bool{} // roles that something of the resource types speaks for
	list, err := d.Store.Assigned(ctx, stage.AssignedFilter{Types: l.Types})
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		unauthorized := a.Unauthorized() && a.Workflow() == assignments.NonConforming
		for i := range a.Items {
			for _, r := range a.Items[i].Policy.Reasons {
				explained[had{a.Owner, roleAt{r.Role, r.With}}] = true
			}
		}
		n := a.MakePreExisting()
		if n == 0 {
			continue
		}
		ids = append(ids, a.ID)
		if unauthorized {
			l.Accounts++
			n--
		}
		l.Values += n
	}
	rows, err := d.Store.AssignedRoles(ctx, nil)
	if err != nil {
		return nil, err
	}
	composite := map[had]bool{}
	for _, row := range rows {
		for _, r := range row.Reasons {
			if r.Role != "" && row.Workflow.Found() {
				composite[had{row.Owner, roleAt{r.Role, r.With}}] = true
			}
		}
	}
	for _, row := range rows {
		at := had{row.Owner, roleAt{row.Role, row.Parameters}}
		if row.Workflow != assignments.NonConforming || !explained[at] && !composite[at] {
			continue
		}
		move := stage.RoleMove{From: row.Workflow, To: row}
		move.To.Workflow = assignments.PreExisting
		also.MoveRoles = append(also.MoveRoles, move)
		l.Roles++
	}
	return ids, nil
}

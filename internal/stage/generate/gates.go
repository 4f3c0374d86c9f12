package generate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// gates notes on open orders what they wait for. Whether a gate is open follows from
// what the owner has, and from what is the same for all: the configuration, the day,
// what is parked, which systems were read. While that is as it was, only the orders
// are looked at of whose owners something is judged, those whose time has come, and
// those that wait for a property of their owner.
type gates struct {
	*Runner
	numbers *stage.Numbering
	act     journal.Act
	asked   Options
	basis   string
	all     bool // the gates of all orders have to be looked at
}

func (r *Runner) gates(ctx context.Context, numbers *stage.Numbering, asked Options, now time.Time) (*gates, error) {
	g := &gates{Runner: r, numbers: numbers, act: journal.Act{Actor: r.Actor, Name: "gate", At: now}, asked: asked, all: true}
	if r.Configuration == "" || asked.Owner != nil {
		return g, nil
	}
	before, err := r.Store.GateBasis(ctx)
	if err != nil {
		return nil, err
	}
	g.basis, err = r.gateBasis(ctx, asked.Day)
	g.all = g.basis != before
	return g, err
}

// gateBasis is what decides on the gates of every order alike.
func (r *Runner) gateBasis(ctx context.Context, day time.Time) (string, error) {
	parks, err := r.Store.Parks(ctx)
	if err != nil {
		return "", err
	}
	readings, err := r.Store.LastReadings(ctx)
	if err != nil {
		return "", err
	}
	parts := []string{r.Configuration, day.Format(time.RFC3339)}
	for _, p := range parks {
		parts = append(parts, fmt.Sprintf("parked %s %s %q", p.Type, p.Kind, p.Why))
	}
	for _, l := range readings {
		parts = append(parts, fmt.Sprintf("read %s %t", l.Entity, l.Complete.ID != 0))
	}
	slices.Sort(parts[2:])
	return strings.Join(parts, "\n"), nil
}

// of looks at the orders of those who have something of a list.
func (g *gates) of(ctx context.Context, list []*orders.AssignedResource) error {
	if g.all && g.asked.Owner == nil {
		return nil // they come with the rest
	}
	owners := make([]resources.Ref, 0, len(list))
	seen := map[resources.Ref]bool{}
	for _, a := range list {
		if !seen[a.Owner] {
			seen[a.Owner] = true
			owners = append(owners, a.Owner)
		}
	}
	return g.look(ctx, stage.AssignedFilter{OpenOnly: true, Owners: owners})
}

// rest looks at the orders whose gates may be other than before although nothing of
// their owners was judged.
func (g *gates) rest(ctx context.Context) error {
	if g.asked.Owner != nil {
		return g.look(ctx, g.asked.of(stage.AssignedFilter{OpenOnly: true}))
	}
	if err := g.ended(ctx); err != nil {
		return err
	}
	if g.all {
		if err := g.look(ctx, stage.AssignedFilter{OpenOnly: true}); err != nil || g.Configuration == "" {
			return err
		}
		return g.Store.NoteGateBasis(ctx, g.basis)
	}
	var filled []roles.ResourceTypeID
	for id, t := range g.Model.ResourceTypes {
		if t.Provisioning.OwnerProperty != "" {
			filled = append(filled, id)
		}
	}
	if len(filled) > 0 {
		slices.Sort(filled)
		if err := g.look(ctx, stage.AssignedFilter{OpenOnly: true, Types: filled}); err != nil {
			return err
		}
	}
	return g.look(ctx, stage.AssignedFilter{OpenOnly: true, DueBy: orders.At(g.act.At)})
}

// ended looks at the owners of what is over: something else of theirs may have
// waited for its end.
func (g *gates) ended(ctx context.Context) error {
	return g.pages(ctx, stage.AssignedFilter{Ended: true}, func(list []*orders.AssignedResource) error {
		if err := g.of(ctx, list); err != nil {
			return err
		}
		return g.Store.Judged(ctx, list)
	})
}

// look notes on the open orders of a filter what they wait for, where that changed.
func (g *gates) look(ctx context.Context, f stage.AssignedFilter) error {
	return g.pages(ctx, f, func(open []*orders.AssignedResource) error {
		now, err := stage.OpenGates(ctx, g.Store, g.Model, open, g.asked.Day, g.act.At)
		if err != nil {
			return err
		}
		waits := map[orders.AssignedID]string{}
		var changed []*orders.AssignedResource
		for _, a := range open {
			if w := now.Waits(a); w != a.Order.Waits {
				waits[a.ID], a.Order.Waits = w, w
				changed = append(changed, a)
			}
		}
		if len(changed) == 0 {
			return nil
		}
		_, err = stage.SaveMoved(ctx, g.Store, g.numbers, g.act, changed, func(a *orders.AssignedResource) error {
			if a.Order != nil {
				a.Order.Waits = waits[a.ID]
			}
			return nil
		})
		return err
	})
}

// counts counts the open orders that stand before a gate.
func (g *gates) counts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	if g.asked.Owner != nil {
		list, err := g.Store.Assigned(ctx, g.asked.of(stage.AssignedFilter{OpenOnly: true}))
		for _, a := range list {
			if a.Order.Waits != "" {
				counts[a.Order.Waits]++
			}
		}
		return counts, err
	}
	list, err := g.Store.OpenOrders(ctx)
	for _, x := range list {
		if x.Waits != "" {
			counts[x.Waits] += x.Count
		}
	}
	return counts, err
}

// Package generate is the fourth stage: it turns the differences between what
// is expected and what is there into provisioning orders.
//
// Judge and Brake are pure: a plan calls them on the same values. The runner
// stores what they decide, each resource in one transaction with its steps, so
// that a crash leaves some resources judged and the rest as they were; running
// again judges the rest.
package generate

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// Store is what generating needs from the store.
type Store interface {
	stage.Counters
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	stage.Saver
	Held(ctx context.Context) (map[roles.ResourceTypeID]int, error)
	Parks(ctx context.Context) ([]stage.Park, error)
	Park(ctx context.Context, act journal.Act, list []stage.Park) error
	Unpark(ctx context.Context, act journal.Act, list []stage.ParkKey) error
	Summaries(ctx context.Context, owners []resources.Ref) (map[resources.Ref][]stage.Summary, error)
	Resources(ctx context.Context, t schema.EntityType) ([]resources.Resource, error)
}

// A Judgement is what judging would change.
type Judgement struct {
	// Moved are the resources of which an item or the order moved, as they are afterwards.
	Moved []*orders.AssignedResource
	// Raised counts the orders that were opened or changed, by resource type and kind.
	Raised map[stage.ParkKey]int
}

// Judge brings the resources to what evaluation computed. It changes the values
// it is given and nothing else.
func Judge(list []*orders.AssignedResource, o orders.Occasion) (Judgement, error) {
	j := Judgement{Raised: map[stage.ParkKey]int{}}
	for _, a := range list {
		if len(a.Items) == 0 {
			continue
		}
		version, waiting := versionOf(a), a.Waiting
		if err := a.Judge(o); err != nil {
			return j, fmt.Errorf("%s of %s: %w", a.Type, a.Owner, err)
		}
		if a.Touched() || a.Waiting != waiting || versionOf(a) != version {
			j.Moved = append(j.Moved, a)
		}
		if a.Order != nil && versionOf(a) != version && a.Order.Closed.IsZero() {
			j.Raised[stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}]++
		}
	}
	return j, nil
}

// versionOf tells one form of the open order from another.
func versionOf(a *orders.AssignedResource) string {
	if a.Order == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d/%t", a.Order.ID, a.Order.Version, a.Order.Closed.IsZero())
}

// percentFloor is the size below which percentages say little: what a resource
// type held before the run counts as at least this much.
const percentFloor = 20

// Brake says which kinds of which resource types a threshold parks. pending are
// the orders of the kind that would be ready to go out, held is what the
// resource type held before the run. Everything that is switched on counts; the
// strictest wins.
func Brake(m *roles.Model, pending map[stage.ParkKey]int, held map[roles.ResourceTypeID]int) []stage.Park {
	var parks []stage.Park
	for at, n := range pending {
		t, ok := m.ResourceTypes[at.Type]
		if !ok || n == 0 {
			continue
		}
		limit, percent := limits(t.Provisioning.Thresholds, at.Kind)
		base := max(held[at.Type], percentFloor)
		var why []string
		if limit > 0 && n > limit {
			why = append(why, fmt.Sprintf("%d %ss, at most %d are let through", n, at.Kind, limit))
		}
		if percent > 0 && n*100 > percent*base {
			why = append(why, fmt.Sprintf("%d %ss of %d %s, at most %d %% are let through", n, at.Kind, base, at.Type, percent))
		}
		if len(why) > 0 {
			parks = append(parks, stage.Park{Type: at.Type, Kind: at.Kind, Count: n, Limit: limit, Why: strings.Join(why, "; ")})
		}
	}
	sort.Slice(parks, func(i, j int) bool {
		if parks[i].Type != parks[j].Type {
			return parks[i].Type < parks[j].Type
		}
		return parks[i].Kind < parks[j].Kind
	})
	return parks
}

// Ready counts, by kind, the open orders of which something would be ready to go
// out for the first time: what Brake is asked about.
func Ready(list []*orders.AssignedResource) map[stage.ParkKey]int {
	pending := map[stage.ParkKey]int{}
	for _, a := range list {
		if a.Order == nil || !a.Order.Closed.IsZero() {
			continue
		}
		if slices.ContainsFunc(a.Carried(), func(it *orders.Item) bool {
			return it.Place.State == orders.Pending && it.Place.Mark != orders.Released && it.Attempts == 0
		}) {
			pending[stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}]++
		}
	}
	return pending
}

func limits(t roles.Thresholds, k orders.Kind) (absolute, percent int) {
	switch k {
	case orders.Addition:
		return t.Add, t.AddPercent
	case orders.Deletion:
		return t.Delete, t.DeletePercent
	}
	return t.Update, t.UpdatePercent
}

// A Runner generates and stores orders.
type Runner struct {
	Store Store
	Model *roles.Model
	Clock func() time.Time
	Actor journal.Actor
}

// Options steer a run.
type Options struct {
	Day   time.Time // that the rules are judged on
	Block bool      // everything is reviewed
}

// A Summary says what a run did.
type Summary struct {
	Judged int                 `json:"judged"`
	Orders int                 `json:"orders"` // opened, amended or superseded
	Kinds  map[orders.Kind]int `json:"kinds,omitempty"`
	Parked []stage.Park        `json:"parked,omitempty"` // thresholds that tripped in this run
	Waits  map[string]int      `json:"waits,omitempty"`  // open orders by the gate they stand before
}

// judgedAtOnce is how many resources one transaction judges: people's acts wait
// behind it for a fraction of a second.
const judgedAtOnce = 500

// Run judges everything that evaluation left to be judged.
func (r *Runner) Run(ctx context.Context, o Options) (Summary, error) {
	held, err := r.Store.Held(ctx)
	if err != nil {
		return Summary{}, err
	}
	list, err := r.Store.Assigned(ctx, stage.AssignedFilter{})
	if err != nil {
		return Summary{}, err
	}
	now := r.Clock()
	numbers := stage.Numbers(ctx, r.Store, stage.OrderCounter)
	occasion := orders.Occasion{
		Now: now, Actor: r.Actor.String(), Block: o.Block,
		NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) },
	}
	j, err := Judge(list, occasion)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Judged: len(list), Kinds: map[orders.Kind]int{}}
	for at, n := range j.Raised {
		s.Kinds[at.Kind] += n
		s.Orders += n
	}
	if s.Parked, err = r.brake(ctx, list, held, now); err != nil {
		return s, err
	}
	outdated, err := r.store(ctx, j.Moved, occasion, numbers, o.Day)
	if err != nil {
		return s, err
	}
	if outdated {
		if list, err = r.Store.Assigned(ctx, stage.AssignedFilter{OpenOnly: true}); err != nil {
			return s, err
		}
	}
	s.Waits, err = r.gates(ctx, list, numbers, o.Day, now)
	return s, err
}

// brake parks the kinds that trip before any of their orders can be collected,
// and forgets parks of which nothing is left.
func (r *Runner) brake(ctx context.Context, list []*orders.AssignedResource, held map[roles.ResourceTypeID]int, now time.Time) ([]stage.Park, error) {
	open := map[stage.ParkKey]int{}
	for _, a := range list {
		if a.Order != nil && a.Order.Closed.IsZero() {
			open[stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}]++
		}
	}
	parked, err := r.Store.Parks(ctx)
	if err != nil {
		return nil, err
	}
	already := map[stage.ParkKey]bool{}
	var over []stage.ParkKey
	for _, p := range parked {
		at := stage.ParkKey{Type: p.Type, Kind: p.Kind}
		already[at] = true
		if open[at] == 0 {
			over = append(over, at)
		}
	}
	act := journal.Act{Actor: r.Actor, Name: "park", At: now}
	if len(over) > 0 {
		act.Name, act.Why = "unpark", "nothing that the threshold parked is left"
		if err := r.Store.Unpark(ctx, act, over); err != nil {
			return nil, err
		}
	}
	var fresh []stage.Park
	for _, p := range Brake(r.Model, Ready(list), held) {
		if !already[stage.ParkKey{Type: p.Type, Kind: p.Kind}] {
			p.Since = now
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	act = journal.Act{Actor: r.Actor, Name: "park", At: now, Detail: fresh, Why: "a threshold tripped"}
	return fresh, r.Store.Park(ctx, act, fresh)
}

// store saves what moved; what somebody wrote meanwhile is judged again, and
// the values in memory are then out of date.
func (r *Runner) store(ctx context.Context, moved []*orders.AssignedResource, o orders.Occasion, numbers *stage.Numbering, day time.Time) (outdated bool, err error) {
	act := journal.Act{Actor: r.Actor, Name: "generate", Subject: day.Format(time.DateOnly), At: o.Now}
	for piece := range slices.Chunk(moved, judgedAtOnce) {
		again, err := stage.SaveMoved(ctx, r.Store, numbers, act, piece, func(a *orders.AssignedResource) error { return a.Judge(o) })
		outdated = outdated || again
		if err != nil {
			return outdated, err
		}
	}
	return outdated, nil
}

// gates notes on each open order what it waits for, where that changed.
func (r *Runner) gates(ctx context.Context, list []*orders.AssignedResource, numbers *stage.Numbering, day, now time.Time) (map[string]int, error) {
	open := slices.DeleteFunc(slices.Clone(list), func(a *orders.AssignedResource) bool { return a.Order == nil || a.Closed })
	g, err := stage.OpenGates(ctx, r.Store, r.Model, open, day, now)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	waits := map[orders.AssignedID]string{}
	var changed []*orders.AssignedResource
	for _, a := range open {
		w := g.Waits(a)
		if w != "" {
			counts[w]++
		}
		if w != a.Order.Waits {
			waits[a.ID], a.Order.Waits = w, w
			changed = append(changed, a)
		}
	}
	act := journal.Act{Actor: r.Actor, Name: "gate", At: now}
	for piece := range slices.Chunk(changed, judgedAtOnce) {
		_, err := stage.SaveMoved(ctx, r.Store, numbers, act, piece, func(a *orders.AssignedResource) error {
			if a.Order != nil {
				a.Order.Waits = waits[a.ID]
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

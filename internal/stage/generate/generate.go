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
	"provisor.dev/provisor/internal/stage"
)

// Store is what generating needs from the store.
type Store interface {
	stage.Counters
	Assigned(ctx context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error)
	stage.Saver
	Judged(ctx context.Context, list []*orders.AssignedResource) error
	Held(ctx context.Context) (map[roles.ResourceTypeID]int, error)
	Holds(ctx context.Context, t roles.ResourceTypeID, atLeast int) (bool, error)
	stage.GateStore
	OpenOrders(ctx context.Context) ([]stage.OpenOrders, error)
	GateBasis(ctx context.Context) (string, error)
	NoteGateBasis(ctx context.Context, basis string) error
	Park(ctx context.Context, act journal.Act, list []stage.Park) error
	Unpark(ctx context.Context, act journal.Act, list []stage.ParkKey) error
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

// Pending counts the open orders by resource type and kind, and those among them
// that would go out now if no threshold held them: what Brake measures.
func Pending(list []*orders.AssignedResource) (pending, open map[stage.ParkKey]int) {
	pending, open = map[stage.ParkKey]int{}, map[stage.ParkKey]int{}
	for _, a := range list {
		if a.Order == nil || !a.Order.Closed.IsZero() {
			continue
		}
		at := stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}
		open[at]++
		if a.Unsent() {
			pending[at]++
		}
	}
	return pending, open
}

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
		base := max(held[at.Type], stage.ThresholdFloor)
		var why []string
		if limit > 0 && n > limit {
			why = append(why, fmt.Sprintf("%d %ss; more than %d wait until they are released", n, at.Kind, limit))
		}
		if percent > 0 && n*100 > percent*base {
			why = append(why, fmt.Sprintf("%d %ss of %d %s; more than %d %% wait until they are released", n, at.Kind, base, at.Type, percent))
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
	// Configuration names the deployed one: while it is the same, only the gates of
	// orders are looked at of which something moved. "": those of all always are.
	Configuration string
	// Progress is told how many accounts were judged of how many; may be nil.
	Progress func(judged, of int)
}

// Options steer a run.
type Options struct {
	Day   time.Time // that the rules are judged on
	Block bool      // everything is reviewed
	// Owner: only what is this owner's is judged. Thresholds count all the same.
	Owner *resources.Ref
}

// of narrows a filter to the owner that is asked for.
func (o Options) of(f stage.AssignedFilter) stage.AssignedFilter {
	if o.Owner != nil {
		f.Owners = []resources.Ref{*o.Owner}
	}
	return f
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

// Run judges everything that was written since it was last judged. It goes through
// it twice: no order may go out before all are counted that a threshold could hold.
func (r *Runner) Run(ctx context.Context, o Options) (Summary, error) {
	numbers := stage.Numbers(ctx, r.Store, stage.OrderCounter)
	occasion := orders.Occasion{
		Now: r.Clock(), Actor: r.Actor.String(), Block: o.Block,
		NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) },
	}
	s := Summary{Kinds: map[orders.Kind]int{}}
	pending, open, of, err := r.count(ctx, occasion)
	if err != nil {
		return s, err
	}
	if s.Parked, err = r.brake(ctx, pending, open, occasion.Now); err != nil {
		return s, err
	}
	g, err := r.gates(ctx, numbers, o, occasion.Now)
	if err != nil {
		return s, err
	}
	if r.Progress != nil && o.Owner == nil {
		r.Progress(0, of)
	}
	if err := r.judge(ctx, occasion, numbers, o, g, of, &s); err != nil {
		return s, err
	}
	if err := g.rest(ctx); err != nil {
		return s, err
	}
	s.Waits, err = g.counts(ctx)
	return s, err
}

// unjudged chooses what is to be judged: where everything is to be reviewed, all.
func unjudged(o orders.Occasion) stage.AssignedFilter {
	return stage.AssignedFilter{Unjudged: !o.Block}
}

// pages calls do for what a filter chooses, some at a time.
func (r *Runner) pages(ctx context.Context, f stage.AssignedFilter, do func([]*orders.AssignedResource) error) error {
	for f.Limit = judgedAtOnce; ; {
		list, err := r.Store.Assigned(ctx, f)
		if err != nil || len(list) == 0 {
			return err
		}
		f.After = list[len(list)-1].ID
		if err := do(list); err != nil || len(list) < f.Limit {
			return err
		}
	}
}

// count counts all open orders as they will be: what is to be judged is judged for
// it and thrown away. of is how many that is.
func (r *Runner) count(ctx context.Context, o orders.Occasion) (pending, open map[stage.ParkKey]int, of int, err error) {
	pending, open = map[stage.ParkKey]int{}, map[stage.ParkKey]int{}
	add := func(list []*orders.AssignedResource, times int) {
		p, n := Pending(list)
		for at := range n {
			pending[at] += times * p[at]
			open[at] += times * n[at]
		}
	}
	counted, err := r.Store.OpenOrders(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	uncounted := false
	for _, x := range counted {
		open[x.ParkKey] += x.Count
		pending[x.ParkKey] += x.Unsent
		uncounted = uncounted || x.Uncounted > 0
	}
	if uncounted { // they were written by a version that did not note it
		err := r.pages(ctx, stage.AssignedFilter{OpenOnly: true, Uncounted: true}, func(list []*orders.AssignedResource) error {
			p, _ := Pending(list)
			for at, n := range p {
				pending[at] += n
			}
			return nil
		})
		if err != nil {
			return nil, nil, 0, err
		}
	}
	o.NewOrder = func() orders.OrderID { return -1 }
	err = r.pages(ctx, unjudged(o), func(list []*orders.AssignedResource) error {
		of += len(list)
		add(list, -1)
		_, err := Judge(list, o)
		add(list, 1)
		return err
	})
	return pending, open, of, err
}

// judge judges what is to be judged and stores what moved, each piece in one
// transaction; what somebody wrote meanwhile is judged again in it. What moved is
// judged once more by the next run: only what stays as it is has come to rest.
func (r *Runner) judge(ctx context.Context, o orders.Occasion, numbers *stage.Numbering, asked Options, g *gates, of int, s *Summary) error {
	act := journal.Act{Actor: r.Actor, Name: "generate", Subject: asked.Day.Format(time.DateOnly), At: o.Now}
	if asked.Owner != nil {
		act.Subject += " " + asked.Owner.String()
	}
	return r.pages(ctx, asked.of(unjudged(o)), func(list []*orders.AssignedResource) error {
		j, err := Judge(list, o)
		if err != nil {
			return err
		}
		if s.Judged += len(list); r.Progress != nil && asked.Owner == nil {
			r.Progress(s.Judged, of)
		}
		for at, n := range j.Raised {
			s.Kinds[at.Kind] += n
			s.Orders += n
		}
		if len(j.Moved) > 0 {
			_, err := stage.SaveMoved(ctx, r.Store, numbers, act, j.Moved, func(a *orders.AssignedResource) error { return a.Judge(o) })
			if err != nil {
				return err
			}
		}
		if err := g.of(ctx, list); err != nil {
			return err
		}
		if o.Block { // what is judged with a review of everything is judged otherwise without
			return nil
		}
		still := slices.DeleteFunc(slices.Clone(list), func(a *orders.AssignedResource) bool { return slices.Contains(j.Moved, a) })
		return r.Store.Judged(ctx, still)
	})
}

// brake parks the kinds that trip before any of their orders can be collected,
// and forgets parks of which nothing is left.
func (r *Runner) brake(ctx context.Context, pending, open map[stage.ParkKey]int, now time.Time) ([]stage.Park, error) {
	held, err := r.held(ctx, pending)
	if err != nil {
		return nil, err
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
	for _, p := range Brake(r.Model, pending, held) {
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

// held counts what resource types hold against which a percentage is measured:
// exactly where so few are held that it could trip, else as many as are enough.
func (r *Runner) held(ctx context.Context, pending map[stage.ParkKey]int) (map[roles.ResourceTypeID]int, error) {
	held := map[roles.ResourceTypeID]int{}
	for at, n := range pending {
		_, percent := limits(r.Model.ResourceTypes[at.Type].Provisioning.Thresholds, at.Kind)
		if n == 0 || percent <= 0 {
			continue
		}
		enough := (n*100 + percent - 1) / percent
		many, err := r.Store.Holds(ctx, at.Type, enough)
		if err != nil {
			return nil, err
		}
		if !many {
			return r.Store.Held(ctx)
		}
		held[at.Type] = max(held[at.Type], enough)
	}
	return held, nil
}

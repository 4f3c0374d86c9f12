package loop

import (
	"context"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// PlanBack shows which orders would bring back what some orders changed.
func (e *Engine) PlanBack(ctx context.Context, ids []orders.OrderID) (*plan.Plan, error) {
	p := plan.BackProposal{Day: e.Day(), Now: e.Clock(), Orders: make([]view.OrderDetail, 0, len(ids))}
	var err error
	if p.Deployed, err = e.Deployed(ctx); err != nil {
		return nil, err
	}
	for _, id := range ids {
		o, err := e.Views().Order(ctx, id)
		if err != nil {
			return nil, err
		}
		p.Orders = append(p.Orders, o)
	}
	return plan.Back(ctx, e.DB, p)
}

// RollBack decides what a roll-back plan says: the former values become
// exceptions, account by account. Thresholds that it trips are parked before.
func (e *Engine) RollBack(ctx context.Context, p *plan.Plan, why string) (review.Outcome, error) {
	if err := e.parkFirst(ctx, p.Parks, why); err != nil {
		return review.Outcome{}, err
	}
	var all review.Outcome
	for _, x := range p.RollBack.Restore {
		out, err := e.Desk().Decide(ctx, review.Decision{
			On: orders.RollBack, Assigned: []orders.AssignedID{x.Assigned}, Items: x.Items, Former: x.Former, Why: why,
		})
		if err != nil {
			return all, err
		}
		all.Decided, all.Refused = append(all.Decided, out.Decided...), append(all.Refused, out.Refused...)
	}
	return all, nil
}

// parkFirst parks the kinds that a threshold holds, so that nothing of them can be
// collected between the decision and the next time orders are generated.
func (e *Engine) parkFirst(ctx context.Context, parks []stage.Park, why string) error {
	stored, err := e.Parks(ctx)
	if err != nil {
		return err
	}
	already := map[stage.ParkKey]bool{}
	for _, p := range stored {
		already[stage.ParkKey{Type: p.Type, Kind: p.Kind}] = true
	}
	var fresh []stage.Park
	for _, p := range parks {
		if !already[stage.ParkKey{Type: p.Type, Kind: p.Kind}] {
			p.Since = e.Clock()
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	act := journal.Act{Actor: e.Actor, Name: "park", At: e.Clock(), Detail: fresh, Why: why}
	return e.Park(ctx, act, fresh)
}

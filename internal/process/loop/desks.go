package loop

import (
	"context"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// Desks hands out where people act, to whoever acts.
func (e *Engine) Desks() act.Desks { return desks{e} }

type desks struct{ engine *Engine }

func (d desks) Desk(who journal.Actor) act.Desk { return d.as(who).Desk() }

func (d desks) RequestDesk(ctx context.Context, who journal.Actor) (act.RequestDesk, error) {
	return d.as(who).RequestDesk(ctx)
}

func (d desks) WorkflowDesk(ctx context.Context, who journal.Actor) (act.WorkflowDesk, error) {
	return d.as(who).WorkflowDesk(ctx)
}

func (d desks) AccessDesk(who journal.Actor) act.AccessDesk { return d.as(who).AccessDesk() }

func (d desks) PlanDesk(who journal.Actor) act.PlanDesk { return planDesk{d.as(who)} }

// planDesk is where somebody plans and deploys.
type planDesk struct{ *Engine }

func (d planDesk) Questions() view.Questions { return view.Named(d.Views(), d.Model) }

// as is the engine with another one acting.
func (d desks) as(who journal.Actor) *Engine {
	other := *d.engine
	other.Actor = who
	return &other
}

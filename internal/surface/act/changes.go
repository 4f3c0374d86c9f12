package act

import (
	"context"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// Changes is where people change identity data through forms, as it is shown.
type Changes interface {
	Forms(context.Context) ([]view.Form, error)
	Start(context.Context, review.Filled) (view.Started, error)
	Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (view.Started, error)
	Show(context.Context, workflows.StartedID) (view.Started, error)
	// List lists what is under way or, with closed, the newest of all.
	List(ctx context.Context, closed bool) ([]view.Started, error)
	// Tasks lists what waits for whoever asks.
	Tasks(context.Context) ([]view.Started, error)
}

// ChangesAt shows what happens at a desk of workflows.
func ChangesAt(desk WorkflowDesk, m *roles.Model) Changes { return changes{desk, m} }

type changes struct {
	desk  WorkflowDesk
	model *roles.Model
}

func (c changes) Forms(context.Context) ([]view.Form, error) { return view.FormsOf(c.model), nil }

func (c changes) Start(ctx context.Context, x review.Filled) (view.Started, error) {
	s, err := c.desk.Start(ctx, x)
	if err != nil {
		return view.Started{}, err
	}
	return c.Show(ctx, s.ID)
}

func (c changes) Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (view.Started, error) {
	if _, err := c.desk.Decide(ctx, id, on, version, why); err != nil {
		return view.Started{}, err
	}
	return c.Show(ctx, id)
}

func (c changes) Show(ctx context.Context, id workflows.StartedID) (view.Started, error) {
	x, err := c.desk.Show(ctx, id)
	if err != nil {
		return view.Started{}, err
	}
	return view.StartedOf(&x.Started, x.Seats), nil
}

func (c changes) List(ctx context.Context, closed bool) ([]view.Started, error) {
	f := stage.WorkflowFilter{Open: !closed}
	if closed {
		f.Limit = view.DefaultLimit
	}
	return shown(c.desk.List(ctx, f))
}

func (c changes) Tasks(ctx context.Context) ([]view.Started, error) { return shown(c.desk.Tasks(ctx)) }

func shown(list []review.Waiting, err error) ([]view.Started, error) {
	out := make([]view.Started, len(list))
	for i := range list {
		out[i] = view.StartedOf(&list[i].Started, list[i].Seats)
	}
	return out, err
}

package reach

import (
	"context"
	"fmt"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/routes"
)

// WorkflowDesk starts workflows about those whom ask shows, and shows what is about
// them, what whoever acts started, and what he may decide.
func WorkflowDesk(desk act.WorkflowDesk, ask Questions, who journal.Actor, model func(context.Context) (*roles.Model, error)) act.WorkflowDesk {
	return reachedWorkflows{desk, ask, who.String(), model}
}

type reachedWorkflows struct {
	act.WorkflowDesk
	ask   Questions
	who   string
	model func(context.Context) (*roles.Model, error)
}

// Start starts a workflow about somebody who is reached. Who may create somebody
// is for the form to say: nobody is there yet.
func (d reachedWorkflows) Start(ctx context.Context, x review.Filled) (workflows.Started, error) {
	if err := d.about(ctx, x.Workflow, x.Subject); err != nil {
		return workflows.Started{}, err
	}
	return d.WorkflowDesk.Start(ctx, x)
}

// Blank shows a form about somebody who is reached, with what he has.
func (d reachedWorkflows) Blank(ctx context.Context, id roles.WorkflowID, subject resources.Key) (review.Blank, error) {
	if err := d.about(ctx, id, subject); err != nil {
		return review.Blank{}, err
	}
	return d.WorkflowDesk.Blank(ctx, id, subject)
}

// Offered lists forms about somebody who is reached; there are none about others.
func (d reachedWorkflows) Offered(ctx context.Context, ref resources.Ref) ([]roles.Workflow, error) {
	if ref.Key != "" { // whatever page asks, it is about changing him
		_, err := d.ask.Person(routes.As(ctx, routes.Who(ctx), access.IdentityChange), ref)
		if fault.KindOf(err) == fault.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return d.WorkflowDesk.Offered(ctx, ref)
}

// about refuses a form about somebody who is not reached.
func (d reachedWorkflows) about(ctx context.Context, id roles.WorkflowID, subject resources.Key) error {
	if subject == "" {
		return nil
	}
	m, err := d.model(ctx)
	if err != nil {
		return err
	}
	w, declared := m.Workflows[id]
	if !declared {
		return nil // the desk says so
	}
	_, err = d.ask.Person(ctx, resources.Ref{Type: w.Entity, Key: subject})
	return err
}

func (d reachedWorkflows) Show(ctx context.Context, id workflows.StartedID) (review.Waiting, error) {
	x, err := d.WorkflowDesk.Show(ctx, id)
	if err != nil {
		return review.Waiting{}, err
	}
	seen, err := d.seen(ctx, &x)
	if err == nil && !seen {
		err = fault.New(fault.NotFound, "show workflow", "there is no started workflow %d", id)
	}
	if err != nil {
		return review.Waiting{}, err
	}
	return x, nil
}

func (d reachedWorkflows) List(ctx context.Context, f stage.WorkflowFilter) ([]review.Waiting, error) {
	list, err := d.WorkflowDesk.List(ctx, f)
	if err != nil {
		return nil, err
	}
	var shown []review.Waiting
	for i := range list {
		seen, err := d.seen(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		if seen {
			shown = append(shown, list[i])
		}
	}
	return shown, nil
}

func (d reachedWorkflows) Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (workflows.Started, error) {
	if _, err := d.Show(ctx, id); err != nil {
		return workflows.Started{}, err
	}
	return d.WorkflowDesk.Decide(ctx, id, on, version, why)
}

// seen reports whether a started workflow is for whoever acts to see.
func (d reachedWorkflows) seen(ctx context.Context, x *review.Waiting) (bool, error) {
	mine := x.By == d.who || slices.ContainsFunc(x.Seats, func(s workflows.Seat) bool { return s.Person == d.who }) || slices.ContainsFunc(x.Rulings, func(r workflows.Ruling) bool { return r.By == d.who })
	if mine || routes.Rows(ctx, access.IdentityChange).All() {
		return true, nil
	}
	_, err := d.ask.Person(ctx, x.Subject)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", x.Subject, err)
	}
	return true, nil
}

package loop

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

// Explain proves what a person has and has not, by the deployed configuration.
func (e *Engine) Explain(ctx context.Context, p view.Person, ask explain.Query) (explain.Proof, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return explain.Proof{}, err
	}
	// All that somebody has, also where p shows less: what is left out of a proof must
	// not be told as missing.
	q := view.Named(e.Views(), e.Model)
	if p, err = q.Person(ctx, resources.Ref{Type: schema.EntityType(p.Type), Key: resources.Key(p.Key)}); err != nil {
		return explain.Proof{}, err
	}
	return explain.Explain(ctx, e, q, c, p, e.Day(), ask)
}

// Timeline works out what changes for a person after today and up to a day.
func (e *Engine) Timeline(ctx context.Context, owner view.Owner, until time.Time) (explain.Timeline, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return explain.Timeline{}, err
	}
	return explain.Until(ctx, e, c, owner, e.Day(), until)
}

package loop

import (
	"context"

	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

// Explain proves what a person has and has not, by the deployed configuration.
func (e *Engine) Explain(ctx context.Context, p view.Person, ask explain.Query) (explain.Proof, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return explain.Proof{}, err
	}
	return explain.Explain(ctx, e, view.Named(e.Views(), e.Model), c, p, e.Day(), ask)
}

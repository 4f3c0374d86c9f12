package loop

import (
	"context"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/schema"
)

// Describe opens a connection anew, with its settings and secrets as they are now,
// and asks the system what it is and holds.
func (e *Engine) Describe(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) (connector.Description, error) {
	model, err := e.Model(ctx)
	if err != nil {
		return connector.Description{}, err
	}
	s := e.systems(model)
	defer s.Close()
	system, err := s.System(ctx, c, id)
	if err != nil {
		return connector.Description{}, err
	}
	return system.Describe(ctx)
}

package loop

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
)

// GoLive marks what is found now in some connectors, or in all, as pre-existing.
func (e *Engine) GoLive(ctx context.Context, connectors []schema.ConnectorID, why string) (review.Live, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (review.Live, error) {
		var types []roles.ResourceTypeID
		for _, id := range slices.Sorted(maps.Keys(d.Model.ResourceTypes)) {
			entity, _ := d.Model.Entity(d.Model.ResourceTypes[id].Target)
			if len(connectors) == 0 || slices.Contains(connectors, entity.Connector) {
				types = append(types, id)
			}
		}
		for _, id := range connectors {
			if _, ok := d.Model.Connectors[id]; !ok {
				return review.Live{}, &fault.Error{
					Kind: fault.NotFound, Op: "go live", Msg: fmt.Sprintf("there is no connector %q", id), Do: "the configuration names them",
				}
			}
		}
		return e.Desk().GoLive(ctx, types, why)
	})
}

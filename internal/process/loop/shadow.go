package loop

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
)

// deploymentsMax bounds how far back the beginning of a shadow is looked for: each
// configuration on the way is read and checked.
const deploymentsMax = 200

// Shadow says how far the resource types in shadow mode agree with their systems.
func (e *Engine) Shadow(ctx context.Context, types []roles.ResourceTypeID) ([]plan.Agreement, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	since, err := e.shadowedSince(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	return plan.Shadow(ctx, e.DB, e.Views(), c.Model, types, since)
}

// shadowedSince finds, for each resource type in shadow mode, the deployment since
// which it has been so without a break.
func (e *Engine) shadowedSince(ctx context.Context, m *roles.Model) (map[roles.ResourceTypeID]time.Time, error) {
	unbroken, since := map[roles.ResourceTypeID]bool{}, map[roles.ResourceTypeID]time.Time{}
	for id, t := range m.ResourceTypes {
		if t.Provisioning.Shadow {
			unbroken[id] = true
		}
	}
	if len(unbroken) == 0 {
		return since, nil
	}
	list, err := e.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range list[:min(len(list), deploymentsMax)] {
		files, err := e.DeploymentFiles(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		c, err := declare.Load(files, e.Packages)
		if err != nil {
			break // written for another release: what it meant is not known
		}
		for id := range unbroken {
			if c.Model.ResourceTypes[id].Provisioning.Shadow {
				since[id] = d.At
				continue
			}
			delete(unbroken, id)
		}
		if len(unbroken) == 0 {
			break
		}
	}
	return since, nil
}

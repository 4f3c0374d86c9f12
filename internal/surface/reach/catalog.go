package reach

import (
	"context"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// StepSeats is who may decide one step of a request.
type StepSeats struct {
	Step int
	Who  []requests.Seat
}

// Approvers are who would decide a request for a role of somebody, step by step.
func Approvers(m *roles.Model, role roles.Role, p view.Person) []StepSeats {
	owner := resources.Resource{Ref: resources.Ref{Type: schema.EntityType(p.Type), Key: resources.Key(p.Key)}, Links: map[schema.PropertyName][]resources.Key{}}
	for name, keys := range p.Links {
		for _, key := range keys {
			owner.Links[schema.PropertyName(name)] = append(owner.Links[schema.PropertyName(name)], resources.Key(key))
		}
	}
	steps := map[roles.Approval]int{roles.ApprovalOne: 1, roles.ApprovalTwo: 2, roles.ApprovalThree: 3}[role.Approval]
	var list []StepSeats
	for step := 1; step <= steps; step++ {
		list = append(list, StepSeats{step, requests.Seats(m, role, step, &owner)})
	}
	return list
}

// Requestable tells whether people may ask for a role for one of an entity type.
func Requestable(role roles.Role, entity string) bool {
	return role.Approval != "" && role.Approval != roles.NotRequestable && string(role.Entity) == entity
}

// PeersOf counts which of some roles those have who stand where somebody does: at his
// value of a dimension, "" where nobody does.
func PeersOf(ctx context.Context, ask Questions, m *roles.Model, p view.Person, ids []string, on time.Time) (at roles.DimensionID, peers view.Peers, err error) {
	dimension, hops := access.Standing(m, schema.EntityType(p.Type))
	if dimension == "" || len(ids) == 0 {
		return "", peers, nil
	}
	owner := resources.Ref{Type: schema.EntityType(p.Type), Key: resources.Key(p.Key)}
	if peers, err = ask.Peers(ctx, view.PeersFilter{Owner: owner, Hops: hops, On: on, Roles: ids}); peers.Count > 0 {
		at = dimension
	}
	return at, peers, err
}

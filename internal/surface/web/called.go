package web

import (
	"context"

	"provisor.dev/provisor/internal/domain/roles"
)

// modelKey is where a context has the model by which things are called.
type modelKey struct{}

// calling returns the context with the deployed model, so that a page can call
// resource types and roles by their names. Without one it calls them by their
// identifiers.
func (s *site) calling(ctx context.Context) context.Context {
	if s.Model == nil {
		return ctx
	}
	m, err := s.model(ctx)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, modelKey{}, m)
}

func modelOf(ctx context.Context) *roles.Model {
	if m, ok := ctx.Value(modelKey{}).(*roles.Model); ok {
		return m
	}
	return &roles.Model{}
}

// typeCalled is what a resource type is called.
func typeCalled(ctx context.Context, id string) string { return typeName(modelOf(ctx), id) }

// roleCalled is what a role is called.
func roleCalled(ctx context.Context, id string) string { return roleName(modelOf(ctx), id) }

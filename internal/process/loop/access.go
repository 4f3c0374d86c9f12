package loop

import (
	"context"

	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// AccessDesk is where accounts and profiles are kept in order.
func (e *Engine) AccessDesk() *signin.Desk {
	return &signin.Desk{
		Store: e.DB, Clock: e.Clock, Day: e.Day, Actor: e.Actor, Deployed: e.Deployed,
		Standing: func(ctx context.Context, person resources.Ref) (requests.Standing, error) {
			c, err := e.Deployed(ctx)
			if err != nil {
				return requests.Standing{}, err
			}
			return e.requestDesk(c).Standing(ctx, person)
		},
		Resolve: func(ctx context.Context, entity, text string) ([]view.Owner, error) {
			return e.Views().Resolve(ctx, entity, text)
		},
	}
}

// Secret resolves what a reference of the configuration names, on this machine.
func (e *Engine) Secret(ctx context.Context, ref secret.Reference) (secret.Text, error) {
	s := e.systems(nil)
	return ref.Resolve(secret.Places{Dir: e.Dir, Store: func(name string) (secret.Text, error) { return s.stored(ctx, name) }})
}

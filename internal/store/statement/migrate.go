package statement

import (
	"context"

	"github.com/pressly/goose/v3"

	"provisor.dev/provisor/fault"
)

// Migrate brings a store to the present schema. One that a newer release wrote is
// refused: nobody knows what this release would leave out of it.
func Migrate(ctx context.Context, p *goose.Provider) error {
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err == nil && current > target {
		return &fault.Error{
			Kind: fault.Refused, Op: "open the store", Msg: "a newer release of Provisor wrote it",
			Do: "use that release, or restore the back-up from before the upgrade",
		}
	}
	return err
}

package loop

import (
	"context"

	"provisor.dev/provisor/internal/domain/journal"
)

// Backup writes a consistent copy of the store to a new file while others go on
// working. The journal says so first, in the copy, too.
func (e *Engine) Backup(ctx context.Context, path, why string) error {
	if err := e.DB.BackupPossible(); err != nil {
		return err
	}
	act := journal.Act{Actor: e.Actor, Name: "back up", Subject: "store", Why: why, At: e.Clock()}
	if err := e.AppendAct(ctx, act); err != nil {
		return err
	}
	return e.DB.Backup(ctx, path)
}

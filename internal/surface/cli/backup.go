package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// backedUp is what `backup` says.
type backedUp struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func (v *invocation) backup() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "backup FILE", Short: "Copy the store into a file, while everything goes on", Args: cobra.ExactArgs(1),
		Long: `Writes a consistent copy of the embedded store into FILE, which must not exist, and which
its owner alone can read: it holds people's data. A server and other commands go on.
The copy holds no key: keep provisor.key apart from it, and config/ in git.

To restore, put the copy as provisor.db into a new folder, with config/ and provisor.key
beside it, and end with "provisor journal verify". A store on PostgreSQL is copied by
pg_dump. See docs/operate.`,
		Example: "  provisor backup /backup/provisor-2026-03-01.db --dir acme",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.opened(func(ctx context.Context, e Engine, args []string) error {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if err := e.Backup(ctx, path, why); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return v.show(backedUp{path, info.Size()}, func() {
			v.say("The store stands in %s (%d bytes). Keep provisor.key apart from it.", path, info.Size())
		})
	})
	return c
}

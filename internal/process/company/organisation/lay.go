package organisation

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"provisor.dev/provisor/fault"
)

//go:embed laid/README.md
var readmeText string

var readme = template.Must(template.New("README.md").Parse(readmeText))

// progressEvery is after how many rows somebody who waits is told, and asked whether to go on.
const progressEvery = 10_000

// databasesAtOnce are written side by side: each keeps a cache of some tens of megabytes.
const databasesAtOnce = 4

// Laid is what a folder holds.
type Laid struct {
	Dir         string `json:"dir"`
	Day         string `json:"day"`
	Seed        int64  `json:"seed"`
	People      int    `json:"people"`
	Departments int    `json:"departments"`
	Sites       int    `json:"sites"`
	Roles       int    `json:"roles"`
	Composites  int    `json:"compositeRoles"`
	Systems     int    `json:"systems"`
	Provisioned bool   `json:"provisioned"`
	Without     int    `json:"without,omitempty"`
}

// Lay writes the organisation into a folder that is empty or does not exist, and
// tells progress how many rows of a file are written. A folder that holds
// anything is refused and left as it is.
func (g *Organisation) Lay(ctx context.Context, dir string, progress func(what string, rows int)) (Laid, error) {
	if err := vacant(dir); err != nil {
		return Laid{}, err
	}
	if progress == nil {
		progress = func(string, int) {}
	}
	if err := g.lay(ctx, dir, progress); err != nil {
		return Laid{}, fmt.Errorf("lay the organisation down in %s: %w", dir, err)
	}
	return g.laid(dir), nil
}

func (g *Organisation) laid(dir string) Laid {
	o := g.options
	return Laid{
		Dir: dir, Day: spell(o.At), Seed: o.Seed, People: o.People, Departments: len(g.tree), Sites: len(g.sites),
		Roles: len(g.catalog.roles), Composites: len(g.catalog.composites), Systems: len(g.systems), Provisioned: o.Provisioned, Without: o.Without,
	}
}

func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o755) // #nosec G301 -- made-up people, for whoever looks
	case err != nil:
		return err
	case len(entries) > 0:
		return &fault.Error{
			Kind: fault.Conflict, Op: "lay an organisation down", Msg: dir + " is not empty (it holds " + entries[0].Name() + ")",
			Do: "name an empty folder or a new one with --dir",
		}
	}
	return nil
}

// lay writes demo.json last: a folder that has it is complete.
func (g *Organisation) lay(ctx context.Context, dir string, progress func(string, int)) error {
	path := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	if err := os.MkdirAll(path("systems"), 0o755); err != nil { // #nosec G301 -- made-up people, for whoever looks
		return err
	}
	for _, f := range g.configuration() {
		if err := writeFile(path("config/"+f.name), f.write); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(databasesAtOnce)
	group.Go(func() error {
		return writeFile(path("hr/people.csv"), func(w io.Writer) error {
			return g.writePeople(ctx, w, func(n int) { progress("people", n) })
		})
	})
	for i := range g.systems {
		group.Go(func() error {
			return g.layDatabase(ctx, dir, i, func(n int) { progress(g.systems[i].ID, n) })
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"hr/departments.csv": g.writeDepartments, "hr/sites.csv": g.writeSites,
		"README.md": func(w io.Writer) error { return readme.Execute(w, g.told()) },
	} {
		if err := writeFile(path(name), write); err != nil {
			return err
		}
	}
	return writeFile(path("demo.json"), g.writeSettings)
}

// told is what README.md tells.
func (g *Organisation) told() map[string]any {
	accounts := "their groups and no accounts"
	if g.options.Provisioned {
		accounts = "the accounts that the rules give on this day"
	}
	without := ""
	if g.options.Without > 0 {
		without = numbered(g.options.Without)
	}
	return map[string]any{
		"Day": spell(g.options.At), "People": numbered(g.options.People), "Departments": numbered(len(g.tree)), "Sites": len(g.sites),
		"Roles": numbered(len(g.catalog.roles)), "Composites": len(g.catalog.composites), "Accounts": accounts,
		"Provisioned": g.options.Provisioned, "Without": without,
	}
}

// settings is demo.json, from which the commands take the day.
type settings struct {
	Date         string `json:"date"`
	People       int    `json:"people"`
	Seed         int64  `json:"seed"`
	Organisation bool   `json:"organisation"` // not the small company of the demo
}

func (g *Organisation) writeSettings(w io.Writer) error {
	o := g.options
	return json.NewEncoder(w).Encode(settings{Date: o.At.Format(time.DateOnly), People: o.People, Seed: o.Seed, Organisation: true})
}

package loop

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// NameRoles makes roles of the entitlements that the naming rules in the folder
// are about, and adds them to a file of the folder unless it is dry. Nothing is
// deployed. It reads the files, not what is deployed: else a second call before
// the first was deployed would name everything again.
func (e *Engine) NameRoles(ctx context.Context, dry bool) (evaluate.Named, error) {
	c, err := e.Files()
	if err != nil {
		return evaluate.Named{}, err
	}
	all := map[schema.EntityType][]resources.Resource{}
	for _, connector := range c.Model.Connectors {
		for t := range connector.Entities {
			if all[t], err = e.Resources(ctx, t); err != nil {
				return evaluate.Named{}, err
			}
		}
	}
	named := evaluate.NameRoles(c.Model, c.Programs, evaluate.NewWorld(c.Model, all, nil), declare.NamedRolesFile)
	if len(named.Roles) == 0 {
		return named, nil
	}
	content, err := declare.AppendNamed(c.Files[declare.NamedRolesFile], named.Categories, named.Roles)
	if err != nil {
		return named, err
	}
	files := maps.Clone(c.Files)
	files[declare.NamedRolesFile] = content
	if _, err := declare.Load(files, e.Packages); err != nil || dry {
		return named, err
	}
	return named, replaceFile(filepath.Join(e.Dir, ConfigFolder, declare.NamedRolesFile), content)
}

// replaceFile writes a file so that a crash leaves the old one or the new one.
func replaceFile(name string, content []byte) error {
	fresh := name + ".new"
	if err := os.WriteFile(fresh, content, 0o644); err != nil { // #nosec G306 -- configuration, which holds no secret and which others check in
		return fault.Wrap(fault.Unavailable, "write named roles", err)
	}
	if err := os.Rename(fresh, name); err != nil {
		if gone := os.Remove(fresh); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return fault.Wrap(fault.Unavailable, "write named roles", err)
	}
	return nil
}

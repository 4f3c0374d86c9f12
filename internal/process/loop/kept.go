package loop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
)

// KeepPlan keeps a plan in the folder, by its name: the same plan takes the same place.
func (e *Engine) KeepPlan(p act.Planned) (file string, err error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "", err
	}
	file = plan.FileName(p.Name)
	if err := os.WriteFile(filepath.Join(e.Dir, file), append(text, '\n'), 0o644); err != nil { // #nosec G306 -- a plan is shown to others, as one is that a terminal keeps
		return "", fmt.Errorf("keep the plan: %w", err)
	}
	return file, nil
}

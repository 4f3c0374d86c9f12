package postgresql

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"provisor.dev/provisor/fault"
)

// debianFolders is where Debian keeps the programs of each version, outside PATH.
const debianFolders = "/usr/lib/postgresql/*/bin"

// programs returns the folder that holds initdb and postgres: the newest of
// Debian's, otherwise the one on PATH.
func programs() (string, error) {
	best, newest := "", -1.0
	folders, err := filepath.Glob(debianFolders)
	if err != nil {
		return "", err
	}
	for _, folder := range folders {
		version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(folder)), 64)
		if err == nil && version > newest && hasPrograms(folder) {
			best, newest = folder, version
		}
	}
	if best != "" {
		return best, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && hasPrograms(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	e := fault.New(fault.NotFound, "start postgres", "PostgreSQL is not installed: initdb and postgres are neither under %s nor on PATH", debianFolders)
	e.Do = "apt-get install postgresql"
	return "", e
}

func hasPrograms(folder string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

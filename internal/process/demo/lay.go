// Package demo lays down a company that can be tried out, and checks what became
// of it. Lay writes the folder: personnel files, configuration, three systems
// and the rules in prose. Expect and the checks work the outcome out from those
// files and that prose alone, without the evaluation that they check. WriteBadge
// and RemoveBadge do what the badge office does by hand.
//
// Lay promises never to overwrite what it did not write: a folder that holds
// anything else is refused, and one that holds a demo is kept as it is. A crash
// while laying leaves a folder with a file named .laying; the next Lay clears
// what was begun and starts afresh. The command demo calls all of it.
package demo

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/process/company"
)

//go:embed laid
var laid embed.FS

// Defaults of a company that nobody described.
const (
	DefaultPeople = 200
	DefaultSeed   = 7
)

// What stands where in the folder.
const (
	ConfigFolder  = "config"
	SourceFolder  = "hr"
	SystemsFolder = "systems"
	settingsFile  = "demo.json"
	readmeFile    = "README.md"
	layingFile    = ".laying"
	crmFile       = SystemsFolder + "/crm.sqlite"
	ledgerFile    = SystemsFolder + "/ledger.sqlite"
	badgesFile    = SystemsFolder + "/badges.txt"
)

// Laid is a demo folder.
type Laid struct {
	Dir     string
	Company company.Options // as demo.json keeps them
	Kept    bool            // the demo was there already and was left as it was
}

// Lay lays the company down in a folder that is empty or does not exist. A zero
// option stands for the default or, where a demo is kept, for what it holds; the
// default day is today. Options that contradict the demo in the folder are refused.
func Lay(dir string, o company.Options) (Laid, error) {
	kept, organisation, err := read(dir)
	switch {
	case organisation:
		return Laid{}, &fault.Error{
			Kind: fault.Conflict, Op: "demo", Msg: dir + " holds an organisation that `provisor demo company` laid down",
			Do: "go on with `provisor apply` and `provisor run`, or name another folder",
		}
	case err == nil:
		return keep(dir, o, kept)
	case !errors.Is(err, fs.ErrNotExist):
		return Laid{}, err
	}
	if o.People == 0 {
		o.People = DefaultPeople
	}
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	c, err := company.New(o)
	if err != nil {
		return Laid{}, err
	}
	if err := claim(dir); err != nil {
		return Laid{}, err
	}
	if err := lay(dir, c); err != nil {
		return Laid{}, fmt.Errorf("lay the demo down in %s: %w", dir, err)
	}
	return Laid{Dir: dir, Company: c.Options()}, nil
}

func keep(dir string, o, kept company.Options) (Laid, error) {
	if o.People != 0 && o.People != kept.People || o.Seed != 0 && o.Seed != kept.Seed ||
		!o.At.IsZero() && !company.Day(o.At).Equal(kept.At) {
		return Laid{}, fmt.Errorf("%s holds the demo of %d people from seed %d on %s already: leave --people, --seed and --at away to go on with it, or name another folder",
			dir, kept.People, kept.Seed, kept.At.Format(time.DateOnly))
	}
	return Laid{Dir: dir, Company: kept, Kept: true}, nil
}

// claim makes the folder ours, or says why it is not.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- made-up people, for whoever looks
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(dir, layingFile)); err == nil {
		for _, begun := range []string{ConfigFolder, SourceFolder, SystemsFolder, readmeFile} {
			if err := os.RemoveAll(filepath.Join(dir, begun)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds something else (%s): name an empty folder or a new one with --dir", dir, entries[0].Name())
	}
	return os.WriteFile(filepath.Join(dir, layingFile), nil, 0o644) // #nosec G306 -- an empty file of the demonstration
}

// lay writes demo.json last but for the mark: a folder that has it is complete.
func lay(dir string, c *company.Company) error {
	for _, folder := range []string{ConfigFolder, SourceFolder, SystemsFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil { // #nosec G301 -- made-up people, for whoever looks
			return err
		}
	}
	texts, err := fs.Sub(laid, "laid")
	if err != nil {
		return err
	}
	if err := copyTexts(dir, texts); err != nil {
		return err
	}
	if err := c.WriteFiles(filepath.Join(dir, SourceFolder)); err != nil {
		return err
	}
	if err := laySystems(dir, c); err != nil {
		return err
	}
	o := c.Options()
	settings, err := json.Marshal(settings{Date: o.At.Format(time.DateOnly), People: o.People, Seed: o.Seed})
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, settingsFile), append(settings, '\n')); err != nil {
		return err
	}
	return os.Remove(filepath.Join(dir, layingFile))
}

func copyTexts(dir string, texts fs.FS) error {
	return fs.WalkDir(texts, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(texts, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(path)), data, 0o644) // #nosec G306 -- made-up people, for whoever looks
	})
}

// settings is demo.json.
type settings struct {
	Date   string `json:"date"`
	People int    `json:"people"`
	Seed   int64  `json:"seed"`
	// Organisation: package organisation laid the folder down, not this one.
	Organisation bool `json:"organisation,omitempty"`
}

// Settings reads demo.json; an error that is fs.ErrNotExist says that the folder
// holds no demo.
func Settings(dir string) (company.Options, error) {
	o, _, err := read(dir)
	return o, err
}

func read(dir string) (o company.Options, organisation bool, err error) {
	path := filepath.Join(dir, settingsFile)
	data, err := os.ReadFile(path) // #nosec G304 -- a file of the demonstration
	if err != nil {
		return o, false, err
	}
	var s settings
	if err := json.Unmarshal(data, &s); err != nil {
		return o, false, fmt.Errorf("%s: %w: write it as {\"date\":\"2026-03-01\",\"people\":200,\"seed\":7}", path, err)
	}
	at, err := time.Parse(time.DateOnly, s.Date)
	if err != nil {
		return o, false, fmt.Errorf("%s: %q is not a day: write it as 2026-03-01", path, s.Date)
	}
	return company.Options{People: s.People, Seed: s.Seed, At: at}, s.Organisation, nil
}

// replaceFile puts new content in the place of a file at once: whoever reads it
// sees the old or the new.
func replaceFile(path string, data []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(data)
	if closed := draft.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(draft.Name(), 0o644) // #nosec G302 -- made-up people, for whoever looks
	}
	if err != nil {
		return err
	}
	return os.Rename(draft.Name(), path)
}

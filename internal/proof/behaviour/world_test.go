package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/store/sqlite"
)

// systemsFile declares the systems of the usual company, for scripts that bring
// no file of this name.
const systemsFile = "systems.yaml"

// begins is when every script begins.
var begins = time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)

// world is the company of one script: its systems and the engine that serves it.
type world struct {
	clock   sync.Mutex // draining runs in goroutines
	now     time.Time
	archive declare.Files // all files of the script; those in folders are for later
	files   declare.Files // what is deployed
	model   *roles.Model
	types   map[string]roles.ResourceType // that are or were deployed
	roles   map[string]roles.Role
	fakes   map[string]*fakesystem.System // by connector
	shapes  map[string]map[string]connector.Shape
	trouble map[string][]*trouble // by connector
	counted map[string]int        // effects of which an expectation spoke
	named   map[string]bool       // keys that somebody put into a system
	engine  *loop.Engine
	said    []string // the findings of the last stage that ran
	told    string   // what the last stage reported, for failures

	expectations int
}

// playFile plays a script: an archive whose comment is the script.
func playFile(t testing.TB, content []byte) []failure {
	t.Helper()
	archive := txtar.Parse(content)
	w, err := newWorld(t, archive)
	if err != nil {
		return []failure{{1, "", fmt.Errorf("the world cannot begin: %w", err)}}
	}
	return w.play(string(archive.Comment))
}

// newWorld deploys the files of the archive that stand in no folder.
func newWorld(t testing.TB, archive *txtar.Archive) (*world, error) {
	w := &world{
		now: begins, archive: declare.Files{}, types: map[string]roles.ResourceType{}, roles: map[string]roles.Role{},
		fakes: map[string]*fakesystem.System{}, shapes: map[string]map[string]connector.Shape{},
		trouble: map[string][]*trouble{}, counted: map[string]int{}, named: map[string]bool{},
	}
	for _, f := range archive.Files {
		w.archive[f.Name] = f.Data
	}
	if w.archive[systemsFile] == nil {
		usual, err := os.ReadFile(filepath.Join("testdata", systemsFile))
		if err != nil {
			return nil, err
		}
		w.archive[systemsFile] = usual
	}
	files := w.folder("")
	packages, err := packagesOf(files)
	if err != nil {
		return nil, err
	}
	bare := []connector.Package{manual.Package()}
	for name := range packages {
		bare = append(bare, fakesystem.New(fakesystem.Config{Name: name}).Package())
	}
	c, err := declare.Load(files, bare)
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "provisor.db"), sqlite.Options{Careless: true})
	if err != nil {
		return nil, err
	}
	w.engine = loop.Over(db, t.TempDir(), w.systems(c.Model, packages))
	w.engine.Actor = journal.Actor{Process: "script"}
	w.engine.Clock = func() time.Time { return w.pass(time.Microsecond) } // no two acts at once
	w.engine.Sleep = func(_ context.Context, d time.Duration) { w.pass(d) }
	w.engine.Jitter = func() float64 { return 0.5 }
	t.Cleanup(func() {
		if err := w.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, w.deploy(files, c)
}

// pass lets time pass.
func (w *world) pass(d time.Duration) time.Time {
	w.clock.Lock()
	defer w.clock.Unlock()
	w.now = w.now.Add(d)
	return w.now
}

// folder returns the configuration with what stands in a folder laid over it.
func (w *world) folder(name string) declare.Files {
	files := declare.Files{}
	for _, folder := range []string{"", name} {
		for path, content := range w.archive {
			if dir, file := filepath.Split(path); strings.TrimSuffix(dir, "/") == folder {
				files[file] = content
			}
		}
	}
	return files
}

// packagesOf maps each package that stands for a fake to the connector that names it.
func packagesOf(files declare.Files) (map[string]string, error) {
	packages := map[string]string{}
	for name, content := range files {
		var document struct {
			Connectors map[string]struct {
				Connections map[string]struct{ Package string }
			}
		}
		if err := yaml.Unmarshal(content, &document); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for id, c := range document.Connectors {
			for _, connection := range c.Connections {
				p := connection.Package
				if p == manual.Package().Name {
					continue
				}
				if other, taken := packages[p]; taken && other != id {
					return nil, fmt.Errorf("%s and %s name the package %s: each fake system has a name of its own", other, id, p)
				}
				packages[p] = id
			}
		}
	}
	return packages, nil
}

// systems makes the fake systems, and returns the packages through which they are reached.
func (w *world) systems(m *roles.Model, packages map[string]string) []connector.Package {
	list := []connector.Package{manual.Package()}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		id := packages[name]
		if w.fakes[id] == nil {
			w.fakes[id] = w.system(m, id)
		}
		p := w.fakes[id].Package()
		p.Name = name
		list = append(list, p)
	}
	return list
}

func (w *world) system(m *roles.Model, id string) *fakesystem.System {
	config := fakesystem.Config{
		Name: id, Plan: func(op string, _ int) fakesystem.Fault { return w.misbehave(id, op) },
		Clock: func() time.Time { return w.pass(0) },
		Sleep: func(_ context.Context, d time.Duration) error { w.pass(d); return nil },
	}
	w.shapes[id] = map[string]connector.Shape{}
	entities := m.Connectors[schema.ConnectorID(id)].Entities
	for _, t := range slices.Sorted(maps.Keys(entities)) {
		shape := stage.ShapeOf(m, entities[t])
		w.shapes[id][shape.Entity] = shape
		config.Shapes = append(config.Shapes, shape)
	}
	return fakesystem.New(config)
}

// deploy makes a configuration the deployed one. c may be nil: it is loaded then.
func (w *world) deploy(files declare.Files, c *declare.Configuration) error {
	if c == nil {
		var err error
		if c, err = declare.Load(files, w.engine.Packages); err != nil {
			return err
		}
	}
	if err := w.engine.Deploy(context.Background(), c, "the script says so"); err != nil {
		return err
	}
	w.files, w.model = files, c.Model
	for id, t := range c.Model.ResourceTypes {
		w.types[string(id)] = t
	}
	for id, r := range c.Model.Roles {
		w.roles[string(id)] = r
	}
	return nil
}

// change replaces a text that stands once in the deployed files.
func (w *world) change(old, with string) error {
	in := ""
	for name, content := range w.files {
		switch n := strings.Count(string(content), old); {
		case n > 1 || n == 1 && in != "":
			return fmt.Errorf("%q stands more than once in the deployed files: take more of its line", old)
		case n == 1:
			in = name
		}
	}
	if in == "" {
		return fmt.Errorf("%q does not stand in the deployed files", old)
	}
	files := maps.Clone(w.files)
	files[in] = []byte(strings.Replace(string(files[in]), old, with, 1))
	return w.deploy(files, nil)
}

// A trouble is what goes wrong with a system's next calls.
type trouble struct {
	op    string // "": every operation
	calls int    // left; below zero: all
	fault fakesystem.Fault
}

// misbehave says what goes wrong with this call.
func (w *world) misbehave(id, op string) fakesystem.Fault {
	w.clock.Lock()
	defer w.clock.Unlock()
	for _, x := range w.trouble[id] {
		if x.calls != 0 && (x.op == "" || x.op == op) {
			if x.calls > 0 {
				x.calls--
			}
			return x.fault
		}
	}
	return fakesystem.Fault{}
}

var errNobody = errors.New("nobody is called so")

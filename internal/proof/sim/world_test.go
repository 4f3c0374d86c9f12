package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/value"
)

// configuration is the little company: alpha is written automatically and read
// back at once, beta is reviewed and verified by synchronization, gamma is for
// people. %s is how names are written: it changes while the world runs.
const configuration = `
connectors:
  hr:
    connections: {feed: {package: hr}}
    thresholds: {deletePercent: 60, updatePercent: 0, linkPercent: 0}
    entities:
      Department: {from: {connection: feed}, key: code, properties: {code: {type: string}}}
      Person:
        from: {connection: feed}
        key: id
        properties: {id: {type: string}, name: {type: string}, last: {type: date}, department: {link: Department}}
  alpha:
    connections: {api: {package: alpha, limits: {concurrency: 1}}}
    thresholds: {deletePercent: 0, updatePercent: 0, linkPercent: 0}
    entities:
      AUser:
        from: {connection: api}
        key: guid
        identifiers: [login]
        properties: {guid: {type: string, assignedBy: system}, login: {type: string}, name: {type: string}, groups: {links: AGroup, inverse: members}}
      AGroup: {from: {connection: api}, key: code, properties: {code: {type: string}, members: {links: AUser}}}
  beta:
    connections: {api: {package: beta, limits: {concurrency: 1}}}
    thresholds: {deletePercent: 0, updatePercent: 0, linkPercent: 0}
    entities:
      BUser: {from: {connection: api}, key: login, properties: {login: {type: string}, name: {type: string}, level: {type: string}}}
  gamma:
    connections: {register: {package: gamma}, desk: {package: manual}}
    thresholds: {deletePercent: 0, updatePercent: 0, linkPercent: 0}
    entities:
      Badge: {from: {connection: register}, key: id, properties: {id: {type: string}, name: {type: string}}}
dimensions: {department: {entity: Department}}
contexts: {Person: {department: department, to: last}}
resourceTypes:
  A:
    source: Person
    target: AUser
    provisioning: {connection: api, enabled: true, review: false, thresholds: {updatePercent: 0, deletePercent: 40}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.login", confidence: 100}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "%s"}
  B:
    source: Person
    target: BUser
    provisioning: {connection: api, enabled: true, review: true, verify: synchronization, dependsOn: [A], thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.login", confidence: 100}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "source.name"}
      level: {expression: "source.department.code"}
  C:
    source: Person
    target: Badge
    provisioning: {connection: desk, enabled: true, review: false, thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.id", confidence: 100}]
    who: [{}]
    values:
      id: {expression: "source.id", once: true}
      name: {expression: "source.name"}
roles:
  team-x: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: X}}], assign: [{match: {department: X}}]}
  team-y: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: Y}}], assign: [{match: {department: Y}}]}
`

var departments = []string{"X", "Y", "Z"}

// fakes are the systems of the world by the name of their package.
var fakes = []string{"hr", "alpha", "beta", "gamma"}

// world is one company, its systems and the engine that serves it.
type world struct {
	t       testing.TB
	seed    uint64
	chance  *rand.Rand
	dir     string
	now     time.Time
	day     time.Time
	systems map[string]*fakesystem.System
	engine  *loop.Engine
	shout   bool // names are written in capitals: which configuration is deployed
	trace   []string
	edited  map[string]bool // keys that somebody else touched
	seen    map[string]int  // effects that were checked, by system
	crash   int             // die at this system call; 0: live
	steps   int
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		t: t, seed: seed, chance: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), edited: map[string]bool{},
		now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), systems: map[string]*fakesystem.System{}, seen: map[string]int{},
	}
	w.day = w.now.Truncate(schema.Day)
	bare := make([]connector.Package, 0, len(fakes))
	for _, name := range fakes {
		bare = append(bare, fakesystem.New(fakesystem.Config{Name: name}).Package())
	}
	c, err := declare.Load(w.files(), append(bare, manual.Package()))
	if err != nil {
		t.Fatal(err)
	}
	for id, declared := range c.Model.Connectors {
		var shapes []connector.Shape
		for _, e := range declared.Entities {
			shapes = append(shapes, stage.ShapeOf(c.Model, e))
		}
		w.systems[string(id)] = fakesystem.New(fakesystem.Config{Name: string(id), Shapes: shapes})
	}
	for _, d := range departments {
		w.systems["hr"].Set("Department", connector.Object{Key: d, Values: map[string]value.Value{"code": value.OfString(d)}})
		w.systems["alpha"].Set("AGroup", connector.Object{Key: d, Values: map[string]value.Value{"code": value.OfString(d)}})
	}
	for i := range 6 {
		w.hire(fmt.Sprintf("P%02d", i))
	}
	w.start()
	w.deploy()
	return w
}

func (w *world) files() declare.Files {
	name := "source.name"
	if w.shout {
		name = "upper(source.name)"
	}
	return declare.Files{"all.yaml": []byte(strings.Replace(configuration, "%s", name, 1))}
}

func (w *world) packages() []connector.Package {
	list := []connector.Package{manual.Package()}
	for _, name := range fakes {
		list = append(list, w.systems[name].Package())
	}
	return list
}

// start opens the store anew, as a process that begins.
func (w *world) start() {
	db, err := sqlite.Open(context.Background(), filepath.Join(w.dir, "provisor.db"), sqlite.Options{Careless: true})
	if err != nil {
		w.fail("open the store: %v", err)
	}
	w.engine = loop.Over(db, w.dir, w.packages())
	w.engine.Actor = journal.Actor{Process: "sim"}
	w.engine.Clock = func() time.Time { w.now = w.now.Add(time.Microsecond); return w.now }
	w.engine.Sleep = func(_ context.Context, d time.Duration) { w.now = w.now.Add(d) }
	w.engine.Jitter = func() float64 { return 0.5 }
	w.engine.SetDay(w.day)
}

func (w *world) deploy() {
	c, err := declare.Load(w.files(), w.packages())
	if err == nil {
		err = w.engine.Deploy(context.Background(), c, "sim")
	}
	if err != nil {
		w.fail("deploy: %v", err)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%4d  ", w.steps)+fmt.Sprintf(format, args...))
}

// fail reports with the seed and the last steps, so that it can be seen again.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	last := w.trace[max(0, len(w.trace)-40):]
	w.t.Fatalf("SIM_SEED=%d: %s\n%s", w.seed, fmt.Sprintf(format, args...), strings.Join(last, "\n"))
}

// hire puts a person into the personnel system.
func (w *world) hire(id string) {
	w.systems["hr"].Set("Person", connector.Object{
		Key:    id,
		Values: map[string]value.Value{"id": value.OfString(id), "name": value.OfString("Name " + id)},
		Links:  map[string][]string{"department": {w.any(departments)}},
	})
}

func (w *world) any(list []string) string { return list[w.chance.IntN(len(list))] }

func (w *world) oneIn(n int) bool { return w.chance.IntN(n) == 0 }

// run runs a part of the path. Where the seed says so the process is killed at
// one of its system calls: the store closes under it, and a new process starts.
func (w *world) run(name string, do func(context.Context) error) {
	err := do(context.Background())
	if w.crash < 0 {
		w.crash = 0
		w.note("%s: killed", name)
		_ = w.engine.DB.Close()
		w.start()
		return
	}
	w.crash = 0
	if err != nil {
		w.fail("%s: %v", name, err)
	}
	w.note("%s", name)
}

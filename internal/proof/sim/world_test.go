package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
// people and is read, delta is for people and nothing reads it. What stands
// between percent signs changes while the world runs: see variants.
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
  delta:
    connections: {desk: {package: manual, unsynchronized: true}}
    entities:
      Pass: {from: {connection: desk}, key: id, properties: {id: {type: string}, name: {type: string}}}
dimensions: {department: {entity: Department}}
contexts: {Person: {department: department, to: last}}
resourceTypes:
  A:
    source: Person
    target: AUser
    provisioning: {connection: api, enabled: true, review: %reviewA%, remove: %removeA%, thresholds: {updatePercent: 0, deletePercent: 40}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.login", confidence: 100}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "%nameA%"}
%B%  C:
    source: Person
    target: Badge
    provisioning: {connection: desk, enabled: %onC%, review: false, thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.id", confidence: 100}]
    who: [{}]
    values:
      id: {expression: "source.id", once: true}
      name: {expression: "source.name"}
  D:
    source: Person
    target: Pass
    provisioning: {connection: desk, enabled: true, review: false, thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true}
    who: [{}]
    values:
      id: {expression: "source.id", once: true}
      name: {expression: "source.name"}
roles:
  team-x: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: X}}], assign: [{match: {department: X}}]}
  team-y: {entity: Person, grants: [{resourceType: A, property: groups, to: {code: Y}}], assign: [{match: {department: Y}}]}
`

// typeB is cut out where a variant undeclares it.
const typeB = `  B:
    source: Person
    target: BUser
    provisioning: {connection: api, enabled: true, review: %reviewB%, verify: synchronization, dependsOn: [A], thresholds: {updatePercent: 0, deletePercent: 0}, removeOrphans: true}
    correlate: [{source: "source.id", target: "target.login", confidence: %sureB%}]
    who: [{}]
    values:
      login: {expression: "source.id", once: true}
      name: {expression: "%nameB%"}
      level: {expression: "source.department.code"}
`

// A variant is one way in which the deployed configuration may differ.
type variant struct {
	about, mark  string
	usual, other string
}

var variants = []variant{
	{"names in alpha are in capitals", "%nameA%", "source.name", "upper(source.name)"},
	{"beta is not declared", "%B%", typeB, ""},
	{"alpha is reviewed", "%reviewA%", "false", "true"},
	{"beta is not reviewed", "%reviewB%", "true", "false"},
	{"removals from alpha are left to people", "%removeA%", "true", "false"},
	{"names in beta come from a rule that throws for some", "%nameB%", "source.name", "source.name + string(int(right(source.name, 2)))"},
	{"gamma is switched off", "%onC%", "true", "false"},
	{"matches in beta need a person", "%sureB%", "100", "80"},
}

// The variants that worlds may end with: what the rules say then is worked out
// in endsAsTheRulesSay. All others are taken back before the end.
const (
	shouting     = 0
	withoutBeta  = 1
	variantsKept = 2
)

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
	began   time.Time // of the step that runs
	day     time.Time
	systems map[string]*fakesystem.System
	engine  *loop.Engine
	other   []bool // the variants that are deployed
	trace   []string
	steps   int
	foreign map[string]bool // logins of accounts that somebody else created
	book    *book
	refused refusals
	reports []lateReport
	crash   int  // the process dies at this system call or act; 0: it lives
	dead    bool // nothing it does from here on has any effect
	judged  bool // everything was judged since evaluation last ran
	within  bool // something else happens while a system is slow
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		t: t, seed: seed, chance: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), foreign: map[string]bool{},
		now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), systems: map[string]*fakesystem.System{},
		other: make([]bool, len(variants)), book: newBook(), refused: refusals{},
	}
	w.began, w.day = w.now, w.now.Truncate(schema.Day)
	for name, shapes := range shapes() {
		w.systems[name] = fakesystem.New(fakesystem.Config{
			Name: name, Shapes: shapes, Clock: func() time.Time { return w.now }, Sleep: w.sleep,
		})
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

// shapes are the entity types of each fake system, as the configuration
// describes them: no variant changes them.
var shapes = sync.OnceValue(func() map[string][]connector.Shape {
	bare := []connector.Package{manual.Package()}
	for _, name := range fakes {
		bare = append(bare, fakesystem.New(fakesystem.Config{Name: name}).Package())
	}
	c, err := declare.Load(files(make([]bool, len(variants))), bare)
	if err != nil {
		panic(err) // the worlds would all fail with it, and less clearly
	}
	byName := map[string][]connector.Shape{}
	for _, name := range fakes {
		for _, e := range c.Model.Connectors[schema.ConnectorID(name)].Entities {
			byName[name] = append(byName[name], stage.ShapeOf(c.Model, e))
		}
		slices.SortFunc(byName[name], func(a, b connector.Shape) int { return strings.Compare(a.Entity, b.Entity) })
	}
	return byName
})

// files are the configuration with the chosen variants.
func files(other []bool) declare.Files {
	text := configuration
	for _, late := range []bool{false, true} { // a variant's text has marks of its own
		for i, v := range variants {
			if (v.mark == "%B%") == late {
				continue
			}
			with := v.usual
			if other[i] {
				with = v.other
			}
			text = strings.ReplaceAll(text, v.mark, with)
		}
	}
	return declare.Files{"all.yaml": []byte(text)}
}

func (w *world) packages() []connector.Package {
	list := []connector.Package{manual.Package()}
	for _, name := range fakes {
		list = append(list, w.systems[name].Package())
	}
	return list
}

var errDead = errors.New("the process is dead")

// start opens the store anew, as a process that begins.
func (w *world) start() {
	w.dead, w.crash = false, 0
	db, err := sqlite.Open(context.Background(), filepath.Join(w.dir, "provisor.db"), sqlite.Options{Careless: true, BeforeAct: w.beforeAct})
	if err != nil {
		w.fail("open the store: %v", err)
	}
	w.engine = loop.Over(db, w.dir, w.packages())
	w.engine.Actor = journal.Actor{Process: "sim"}
	w.engine.Clock = func() time.Time { w.now = w.now.Add(time.Microsecond); return w.now }
	w.engine.Sleep = func(_ context.Context, d time.Duration) { w.now = w.now.Add(d) }
	w.engine.Jitter = func() float64 { return 0.5 }
	w.engine.SetDay(w.day)
	if w.seed%2 == 1 {
		w.engine.Held = 2 // everything is read with the owners that it concerns
	}
}

// load checks the configuration with the chosen variants.
func (w *world) load(other []bool) *declare.Configuration {
	c, err := declare.Load(files(other), w.packages())
	if err != nil {
		w.fail("load the configuration: %v", err)
	}
	return c
}

func (w *world) deploy() {
	if err := w.engine.Deploy(context.Background(), w.load(w.other), "sim"); err != nil {
		w.fail("deploy: %v", err)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%4d  ", w.steps)+fmt.Sprintf(format, args...))
}

// traceShown is how many of the last events a failure shows.
const traceShown = 60

// fail reports with the seed and the last steps, so that it can be seen again.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	last := w.trace[max(0, len(w.trace)-traceShown):]
	w.t.Fatalf("SIM_SEED=%d: step %d: %s\n%s", w.seed, w.steps, fmt.Sprintf(format, args...), strings.Join(last, "\n"))
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

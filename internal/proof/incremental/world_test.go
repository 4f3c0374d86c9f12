package incremental

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/store/sqlite"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

// A world is a few people under one configuration, and what the engine knows of them.
type world struct {
	server    bool // what a run read of everybody is kept for the next one
	warm      evaluate.Warm
	t         testing.TB
	ctx       context.Context
	seed      uint64
	chance    *rand.Rand
	aside     *rand.Rand // of what is looked at beside the history, which stays the same
	db        *statement.DB
	now       time.Time
	day       time.Time
	chosen    configuration
	deployed  *declare.Configuration
	there     map[resources.Ref]resources.Resource
	gone      map[resources.Ref]resources.Resource // as they were last
	accounts  int                                  // of which the directory assigned the key
	trace     []string
	tally     tally
	overlooks func(evaluate.Dependency) bool // planted
	// overlooksAlone is planted where one owner is evaluated alone.
	overlooksAlone func(evaluate.Dependency) bool
}

// A tally counts what the runs did.
type tally struct {
	steps       int
	incremental int // of them not of everybody
	idle        int // of these without anything to do
	owners      int // who were there in incremental steps
	left        int // of them left alone
	changed     int // assigned resources that incremental runs changed
	alone       int // owners who were evaluated alone too
}

func (t *tally) add(o tally) {
	t.steps += o.steps
	t.incremental += o.incremental
	t.idle += o.idle
	t.owners += o.owners
	t.left += o.left
	t.changed += o.changed
	t.alone += o.alone
}

func newWorld(t testing.TB, seed uint64) *world {
	w := emptyWorld(t, seed)
	w.deploy(newConfiguration(w.chance))
	var all []resources.Resource
	for i := range populations {
		p := &populations[i]
		for _, key := range p.keys() {
			if !w.oneIn(5) {
				all = append(all, w.fresh(p, key))
			}
		}
	}
	w.write(all, nil)
	return w
}

// emptyWorld is one without a configuration and without anybody.
func emptyWorld(t testing.TB, seed uint64) *world {
	w := &world{
		t: t, ctx: context.Background(), seed: seed, chance: rand.New(rand.NewPCG(seed, 11)), aside: rand.New(rand.NewPCG(seed, 12)),
		now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), there: map[resources.Ref]resources.Resource{}, gone: map[resources.Ref]resources.Resource{},
	}
	w.day = w.now.Truncate(schema.Day)
	w.server = seed%2 == 0
	db, err := sqlite.Open(w.ctx, sqlite.Memory, sqlite.Options{Careless: true})
	w.must("open the store", err)
	w.db = db
	return w
}

func (w *world) close() { w.must("close the store", w.db.Close()) }

func (w *world) deploy(c configuration) {
	deployed, err := load(c.text())
	w.must("load the configuration", err)
	w.chosen, w.deployed = c, deployed
}

func (w *world) act(name string) journal.Act {
	return journal.Act{Actor: journal.Actor{Process: "proof"}, Name: name, At: w.now}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%4d  ", w.tally.steps)+fmt.Sprintf(format, args...))
}

// traceShown is how many of the last events a failure shows.
const traceShown = 20

// fail reports with the seed, the last steps and the rules, so that it can be seen again.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	_, rules, _ := strings.Cut(w.chosen.text(), "\ndimensions:")
	w.t.Fatalf("INCREMENTAL_SEED=%d: step %d: %s\n%s\ndimensions:%s", w.seed, w.tally.steps, fmt.Sprintf(format, args...),
		strings.Join(w.trace[max(0, len(w.trace)-traceShown):], "\n"), rules)
}

func (w *world) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.fail("%s: %v", what, err)
	}
}

func (w *world) oneIn(n int) bool { return w.chance.IntN(n) == 0 }

func pick[T any](w *world, list []T) T { return list[w.chance.IntN(len(list))] }

// A population is the resources of one entity type: their keys and what they hold.
type population struct {
	entity    schema.EntityType
	connector schema.ConnectorID
	often     int    // is it changed
	format    string // of its keys
	count     int
	key       schema.PropertyName
	scalars   []scalar
	links     []link
}

type scalar struct {
	property schema.PropertyName
	text     []string // the values, few enough for many to have the same; none: as kind says
	kind     value.Type
}

type link struct {
	property schema.PropertyName
	far      schema.EntityType
	many     bool
}

var (
	names  = []string{"Ann", "Bob", "Cleo", "Dan", "ann"}
	cities = []string{"Bern", "Rome", "Oslo", "bern"}
	mails  = []string{"e0", "e1", "e2", "E3", "e4"}
	ids    = []string{"P00", "P01", "P02", "P03", "P04", "P05", "p06", "P07", "P08"}
	units  = []string{"Sales", "Finance", "Legal", "Yard"}
)

var populations = []population{
	{"Site", "hr", 2, "S%d", 3, "code", []scalar{{"city", cities, ""}}, []link{{"head", "Person", false}}},
	{"Department", "hr", 6, "D%d", 5, "code", []scalar{{"name", units, ""}}, []link{{"parent", "Department", false}, {"manager", "Person", false}}},
	{"Person", "hr", 12, "P%02d", 9, "id", []scalar{
		{"first", names, ""}, {"last", names, ""}, {"email", mails, ""}, {"contact", mails, ""}, {"city", cities, ""}, {"grade", nil, value.Int},
		{"external", nil, value.Bool}, {"hired", nil, value.Date}, {"left", nil, value.Date},
	}, []link{{"department", "Department", false}, {"site", "Site", false}, {"manager", "Person", false}, {"posts", "Contract", true}}},
	{"Contract", "hr", 6, "C%d", 9, "id", []scalar{
		{"begins", nil, value.Date}, {"ends", nil, value.Date}, {"signed", nil, value.Date}, {"expires", nil, value.Date}, {"kind", []string{"fixed", "temporary"}, ""},
	}, []link{{"person", "Person", false}, {"department", "Department", false}, {"site", "Site", false}}},
	{"Account", "directory", 7, "A%02d", 8, "guid", []scalar{
		{"login", append([]string{"ann", "bob", "sales"}, ids...), ""}, {"number", ids, ""}, {"name", names, ""}, {"title", append([]string{"chief"}, units...), ""},
		{"mail", mails, ""}, {"note", []string{"a", "works"}, ""}, {"state", []string{"active", "gone"}, ""}, {"serial", nil, value.Int},
	}, []link{{"boss", "Account", false}, {"deputy", "Account", false}}},
	{"Group", "directory", 4, "G%d", 6, "code", []scalar{{"name", []string{"Everyone", "Staff", "Late", "Sales"}, ""}}, []link{{"owner", "Account", false}, {"members", "Account", true}}},
	{"Badge", "desk", 3, "P%02d", 4, "id", []scalar{{"holder", ids, ""}, {"label", append([]string{"chief"}, names...), ""}}, []link{{"zone", "Zone", false}, {"zones", "Zone", true}}},
	{"Zone", "desk", 2, "Z%d", 3, "code", []scalar{{"name", append([]string{"Yard"}, cities...), ""}}, []link{{"site", "Site", false}}},
}

func populationOf(t schema.EntityType) *population {
	i := slices.IndexFunc(populations, func(p population) bool { return p.entity == t })
	return &populations[i]
}

// keys are those of the resources that may be there from the beginning.
func (p *population) keys() (list []resources.Key) {
	for i := range p.count {
		list = append(list, resources.Key(fmt.Sprintf(p.format, i)))
	}
	return list
}

// Package connectortest is the suite that every connector package passes.
//
// A package's test fills in a Subject and calls Run. The suite holds the system
// to what the engine relies on: a reading is complete only when it is, absence
// is said only when it is known, each item of a change has a named outcome, a
// link is added and removed by itself, and nothing is created twice.
//
// fakesystem is the in-memory system that passes it.
package connectortest

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

const (
	// callers at once: what a connection is usually given.
	callers = 8
	// samplesForReading are created before reading when the system can be written: enough for several pages.
	samplesForReading = 5
	// pagesMax ends a reading that never ends.
	pagesMax = 10_000
	// A system without FreshLookup gets this long to show a write.
	freshTries = 100
	freshWait  = 50 * time.Millisecond
)

// Subject is a connector package with everything the suite needs to try it.
type Subject struct {
	Package connector.Package
	// Open opens a system, more than once, on a store that keeps its content
	// from one claim to the next and is nobody else's. The suite closes it.
	Open func(testing.TB) connector.System
	// Shape is the entity type that is read and written.
	Shape connector.Shape
	// Holds are objects that are in the store already: all of them when nothing
	// can be written, so that the reading is compared as a whole. Key or
	// identifying values must name each; values that are not given are not compared.
	Holds []connector.Object
	// AbsentKey is a well-formed key that no object has.
	AbsentKey string

	// For packages that write:

	// Sample returns the nth object that can be created. Keys and identifying
	// values differ from sample to sample, and so does Scalar.
	Sample func(n int) Sample
	// Scalar is a property of the samples that can be set and cleared.
	Scalar string
	// Links are the links that can be added and removed, if any.
	Links []Link
	// Arguments go with every change, for packages that need them.
	Arguments map[string]string

	// Broken opens a system whose other side does not answer or refuses the
	// password: nothing can be known through it. nil leaves that claim out.
	Broken func(testing.TB) connector.System
	// Secrets are those of the connection: no error may contain them.
	Secrets []secret.Text
}

// Sample is an object to create.
type Sample struct {
	Key    string // "" when the system assigns it
	Values map[string]value.Value
	Links  map[string][]connector.Reference // those the system demands at creation
}

// Link is a link to many and objects in the store to which it can lead.
type Link struct {
	Property string
	Targets  []connector.Reference // two or more
	// Far is, for an inverse link, the entity type that stores it.
	Far connector.Shape
}

// claim is one thing that the suite says about a system.
type claim struct {
	name string
	test func(testing.TB, *trial)
}

// Run holds the subject to every claim that applies to it.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	for _, c := range subject.claims(t) {
		t.Run(c.name, func(t *testing.T) { subject.try(t, c) })
	}
}

// sampled counts samples across all runs of a process, so that stores may be kept.
var sampled atomic.Int64

func (s Subject) claims(t testing.TB) []claim {
	system := s.Open(t)
	defer system.Close()
	d, err := system.Describe(t.Context())
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	claims := []claim{
		{"ThePackageSaysWhatItIs", saysWhatItIs},
		{"EveryPageSizeReadsTheSame", everyPageSize},
		{"WhatIsHeldIsRead", holdsIsRead},
		{"TwoReadingsAtOnceDoNotDisturbEachOther", twoReadings},
		{"ALookupShowsWhatAReadingShows", lookupShows},
		{"WhatIsNotThereIsNotFound", notFound},
		{"NothingIsDoneAfterCancelling", cancelled},
		{"EightCallersAtOnceGetTheSame", manyReaders},
		{"ASystemMayBeClosedTwice", closedTwice},
	}
	if s.Broken != nil {
		claims = append(claims, claim{"ABrokenConnectionProvesNothing", brokenProvesNothing})
	}
	if !d.Can.Write {
		return append(claims, claim{"NothingIsWrittenWhereNothingCanBe", nothingWritten})
	}
	if s.Sample == nil {
		t.Fatalf("the system can be written: the subject needs Sample")
	}
	claims = append(claims,
		claim{"ACreationIsReadBack", creation},
		claim{"ARepeatedCreationMakesNoDuplicate", repeatedCreation},
		claim{"AValueIsSetAndClearedAlone", setAndClear},
		claim{"AStaleCallerOverwritesNothingElse", staleValues},
		claim{"ADeletionIsReadBack", deletion},
		claim{"WhatIsNotThereIsNeitherChangedNorMade", absentChange},
		claim{"AnItemThatCannotBeDoneIsNamed", impossibleItem},
		claim{"EightWritersAtOnceLoseNothing", manyWriters},
	)
	if s.Package.Class == connector.RefusesDuplicates {
		claims = append(claims, claim{"OfEightCreationsOfOneObjectOneIsDone", racingCreations})
	}
	if len(s.Links) > 0 {
		claims = append(claims,
			claim{"ALinkIsAddedAndRemovedAlone", linkAlone},
			claim{"EightLinksAtOnceAreAllThere", manyLinks})
	}
	return claims
}

// trial is one claim being tried.
type trial struct {
	Subject
	connector.System // watched
	can              connector.Abilities
}

func (s Subject) try(t testing.TB, c claim) {
	t.Helper()
	system := &watched{t: t, System: s.Open(t), secrets: s.Secrets}
	defer system.Close()
	d, err := system.Describe(t.Context())
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	c.test(t, &trial{s, system, d.Can})
}

func (x *trial) sample() Sample { return x.Sample(int(sampled.Add(1))) }

// fill creates some objects where that is possible, so that there is something to read.
func (x *trial) fill(t testing.TB) {
	t.Helper()
	if !x.can.Write {
		return
	}
	for range samplesForReading {
		x.make(t, x.sample())
	}
}

// make creates a sample and returns it as it is read back.
func (x *trial) make(t testing.TB, s Sample) connector.Object {
	t.Helper()
	out := x.Apply(t.Context(), x.creation(s))
	allDone(t, "creating", out)
	return x.find(t, s, out.Key)
}

// creation is the change that creates a sample.
func (x *trial) creation(s Sample) connector.Change {
	change := x.change(connector.Create, s.Key)
	change.Items = []connector.Item{{ID: 1, Op: connector.OpObject}}
	add := func(op connector.Op, p connector.Property, v value.Value, ref connector.Reference) {
		change.Items = append(change.Items, connector.Item{ID: len(change.Items) + 1, Op: op, Property: p, Value: v, Target: ref})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		p, _ := x.Shape.Property(name)
		add(connector.OpSet, p, s.Values[name], connector.Reference{})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Links)) {
		p, _ := x.Shape.Property(name)
		op := connector.OpSet
		if p.Many {
			op = connector.OpAdd
		}
		for _, ref := range s.Links[name] {
			add(op, p, value.Null, ref)
		}
	}
	return change
}

func (x *trial) change(kind connector.Kind, key string, items ...connector.Item) connector.Change {
	for i := range items {
		items[i].ID = i + 1
	}
	return connector.Change{Order: "connectortest", Shape: x.Shape, Kind: kind, Key: key, Items: items, Arguments: x.Arguments}
}

// update changes an object and expects it to be done.
func (x *trial) update(t testing.TB, o connector.Object, items ...connector.Item) {
	t.Helper()
	change := x.change(connector.Update, o.Key, items...)
	change.Current = o
	allDone(t, "updating", x.Apply(t.Context(), change))
}

// find looks a sample up, by its key where that is known.
func (x *trial) find(t testing.TB, s Sample, key string) connector.Object {
	t.Helper()
	if key == "" {
		key = s.Key
	}
	o, err := x.lookup(t, connector.LookupRequest{Shape: x.Shape, Key: key, Unique: unique(x.Shape, s.Values)},
		func(_ connector.Object, err error) bool { return err == nil })
	if err != nil {
		t.Fatalf("looking up what was created: %v", err)
	}
	return o
}

// lookup repeats itself until good, where a look-up may be older than a write.
func (x *trial) lookup(t testing.TB, req connector.LookupRequest, good func(connector.Object, error) bool) (connector.Object, error) {
	t.Helper()
	for try := 1; ; try++ {
		o, err := x.Lookup(t.Context(), req)
		if x.can.FreshLookup || try == freshTries || good(o, err) {
			return o, err
		}
		time.Sleep(freshWait)
	}
}

// again reads an object back until it is as expected; the caller compares.
func (x *trial) again(t testing.TB, shape connector.Shape, key string, good func(connector.Object) bool) connector.Object {
	t.Helper()
	o, err := x.lookup(t, connector.LookupRequest{Shape: shape, Key: key},
		func(o connector.Object, err error) bool { return err == nil && good(o) })
	if err != nil {
		t.Fatalf("reading back: %v", err)
	}
	return o
}

// unique picks the values that name an object.
func unique(shape connector.Shape, values map[string]value.Value) map[string]value.Value {
	named := map[string]value.Value{}
	for _, name := range append([]string{shape.Key}, shape.Identify...) {
		if v, ok := values[name]; ok && !v.IsNull() {
			named[name] = v
		}
	}
	return named
}

func allDone(t testing.TB, doing string, out connector.Outcome) {
	t.Helper()
	for id, item := range out.Items {
		if item.Effect != connector.Done {
			t.Fatalf("%s: item %d is %s: %s", doing, id, item.Effect, item.Err)
		}
	}
}

// differs says how an object differs from what it should be; "" when it does not.
func differs(want, have connector.Object) string {
	for name, v := range want.Values {
		if !value.Equal(value.Exact, v, have.Values[name]) {
			return fmt.Sprintf("%s is %s and should be %s", name, have.Values[name], v)
		}
	}
	for name, links := range want.Links {
		if !slices.Equal(slices.Sorted(slices.Values(links)), slices.Sorted(slices.Values(have.Links[name]))) {
			return fmt.Sprintf("%s is %v and should be %v", name, have.Links[name], links)
		}
	}
	return ""
}

// same says how two answers about one object differ.
func same(a, b connector.Object) string {
	if a.Key != b.Key {
		return fmt.Sprintf("the key is %q and %q", a.Key, b.Key)
	}
	if d := differs(a, b); d != "" {
		return d
	}
	return differs(b, a)
}

// leadsTo reports whether a link as the system spells it leads to the reference.
func leadsTo(link string, ref connector.Reference) bool {
	if link == ref.Key && link != "" {
		return true
	}
	for _, v := range ref.Values {
		spelt, err := value.Normalize(v.Type(), "", link)
		if err == nil && !spelt.IsNull() && value.Equal(value.Exact, spelt, v) {
			return true
		}
	}
	return false
}

// isNotFound reports that the system said that something is not there.
func isNotFound(err error) bool { return fault.KindOf(err) == fault.NotFound }

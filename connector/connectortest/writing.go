package connectortest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/value"
)

func creation(t testing.TB, x *trial) {
	s := x.sample()
	o := x.make(t, s)
	if d := differs(connector.Object{Values: s.Values}, o); d != "" {
		t.Errorf("what was created reads back differently: %s", d)
	}
	if s.Key != "" && o.Key != s.Key {
		t.Errorf("the key is %q, %q was asked for", o.Key, s.Key)
	}
	if d := same(o, x.readAll(t, 1_000)[o.Key]); d != "" {
		t.Errorf("the reading and the look-up differ: %s", d)
	}
}

// copies counts the objects in a reading that bear one of a sample's names.
func (x *trial) copies(t testing.TB, s Sample) int {
	t.Helper()
	n := 0
	for _, o := range x.readAll(t, 1_000) {
		if isIt(x.Shape, connector.Object{Key: s.Key, Values: s.Values}, o) {
			n++
		}
	}
	return n
}

func repeatedCreation(t testing.TB, x *trial) {
	s := x.sample()
	o := x.make(t, s)
	out := x.Apply(t.Context(), x.creation(s))
	switch first := out.Items[1]; {
	case first.Effect == connector.None && first.Permanent:
	case first.Effect == connector.Done && out.Key == o.Key: // read back: it is there
	default:
		t.Errorf("the second creation is %s, permanently: %v, with key %q", first.Effect, first.Permanent, out.Key)
	}
	if n := x.copies(t, s); n != 1 {
		t.Errorf("after creating it twice it is there %d times", n)
	}
	if d := same(o, x.again(t, x.Shape, o.Key, func(have connector.Object) bool { return same(o, have) == "" })); d != "" {
		t.Errorf("the second creation changed it: %s", d)
	}
}

// scalar is the property that the subject lets the suite set and clear.
func (x *trial) scalar(t testing.TB) connector.Property {
	t.Helper()
	p, ok := x.Shape.Property(x.Scalar)
	if !ok || p.Link != "" {
		t.Fatalf("the subject's Scalar %q is no scalar of %s", x.Scalar, x.Shape.Entity)
	}
	return p
}

// with is an object with one value exchanged.
func with(o connector.Object, property string, v value.Value) connector.Object {
	values := map[string]value.Value{}
	for name, old := range o.Values {
		values[name] = old
	}
	values[property] = v
	o.Values = values
	return o
}

// expect reads an object back and compares it with what it should be.
func (x *trial) expect(t testing.TB, doing string, want connector.Object) connector.Object {
	t.Helper()
	have := x.again(t, x.Shape, want.Key, func(have connector.Object) bool { return same(want, have) == "" })
	if d := same(want, have); d != "" {
		t.Errorf("after %s: %s", doing, d)
	}
	return have
}

func setAndClear(t testing.TB, x *trial) {
	p := x.scalar(t)
	o := x.make(t, x.sample())
	other := x.sample().Values[p.Name]
	x.update(t, o, connector.Item{Op: connector.OpSet, Property: p, Value: other})
	o = x.expect(t, "setting "+p.Name, with(o, p.Name, other))
	x.update(t, o, connector.Item{Op: connector.OpSet, Property: p, Value: other})
	o = x.expect(t, "setting it again", o)
	x.update(t, o, connector.Item{Op: connector.OpClear, Property: p})
	o = x.expect(t, "clearing "+p.Name, with(o, p.Name, value.Null))
	x.update(t, o, connector.Item{Op: connector.OpClear, Property: p})
	x.expect(t, "clearing it again", o)
}

func staleValues(t testing.TB, x *trial) {
	p := x.scalar(t)
	old := x.make(t, x.sample())
	other := x.sample().Values[p.Name]
	x.update(t, old, connector.Item{Op: connector.OpSet, Property: p, Value: other})
	now := x.expect(t, "setting "+p.Name, with(old, p.Name, other))
	for _, link := range x.Links {
		l, _ := x.Shape.Property(link.Property)
		// old knows nothing of the value set meanwhile.
		x.update(t, old, connector.Item{Op: connector.OpAdd, Property: l, Target: link.Targets[0]})
		have := x.again(t, x.Shape, old.Key, func(connector.Object) bool { return true })
		if d := differs(connector.Object{Values: now.Values}, have); d != "" {
			t.Errorf("adding a link undid what was set meanwhile: %s", d)
		}
		// and nothing of the link added meanwhile.
		x.update(t, old, connector.Item{Op: connector.OpAdd, Property: l, Target: link.Targets[1]})
		x.expectLinks(t, link, old.Key, true, true)
	}
	x.update(t, old, connector.Item{Op: connector.OpSet, Property: p, Value: other})
	for _, link := range x.Links {
		x.expectLinks(t, link, old.Key, true, true)
	}
}

func deletion(t testing.TB, x *trial) {
	s := x.sample()
	o, neighbour := x.make(t, s), x.make(t, x.sample())
	change := x.change(connector.Delete, o.Key, connector.Item{Op: connector.OpObject})
	change.Current = o
	for _, link := range x.Links {
		if p, _ := x.Shape.Property(link.Property); !p.Stored() {
			x.update(t, o, connector.Item{Op: connector.OpAdd, Property: p, Target: link.Targets[0]})
			change.Unlink = append(change.Unlink, connector.Item{Op: connector.OpRemove, Property: p, Target: link.Targets[0]})
		}
	}
	allDone(t, "deleting", x.Apply(t.Context(), change))
	x.unlinked(t, o)
	gone := func(_ connector.Object, err error) bool { return isNotFound(err) }
	if _, err := x.lookup(t, connector.LookupRequest{Shape: x.Shape, Key: o.Key}, gone); !isNotFound(err) {
		t.Errorf("after deleting, looking up answers %v", err)
	}
	if n := x.copies(t, s); n != 0 {
		t.Errorf("after deleting it is there %d times", n)
	}
	x.expect(t, "deleting another one", neighbour)
	again := x.Apply(t.Context(), change).Items[1]
	if again.Effect == connector.Unknown || (again.Effect == connector.None && !again.Permanent) {
		t.Errorf("deleting what is not there is %s, permanently: %v", again.Effect, again.Permanent)
	}
}

// unlinked holds that nothing on the other side leads to an object any more.
func (x *trial) unlinked(t testing.TB, o connector.Object) {
	t.Helper()
	me := connector.Reference{Key: o.Key, Values: unique(x.Shape, o.Values)}
	for _, link := range x.Links {
		p, _ := x.Shape.Property(link.Property)
		if p.Stored() {
			continue
		}
		target := link.Targets[0]
		far, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: link.Far, Key: target.Key, Unique: target.Values})
		if err != nil || slices.ContainsFunc(far.Links[p.Inverse], func(l string) bool { return leadsTo(l, me) }) {
			t.Errorf("after deleting %s, the %s of %s still lead to it (%v)", o.Key, p.Inverse, target.Key, err)
		}
	}
}

func absentChange(t testing.TB, x *trial) {
	p := x.scalar(t)
	before := x.readAll(t, 1_000)
	out := x.Apply(t.Context(), x.change(connector.Update, x.AbsentKey,
		connector.Item{Op: connector.OpSet, Property: p, Value: x.sample().Values[p.Name]}))
	if o := out.Items[1]; o.Effect != connector.None || !o.Permanent {
		t.Errorf("updating what is not there is %s, permanently: %v", o.Effect, o.Permanent)
	}
	sameSet(t, "after updating what is not there", before, x.readAll(t, 1_000))
	out = x.Apply(t.Context(), x.change(connector.Delete, x.AbsentKey, connector.Item{Op: connector.OpObject}))
	if o := out.Items[1]; o.Effect == connector.Unknown || (o.Effect == connector.None && !o.Permanent) {
		t.Errorf("deleting what is not there is %s, permanently: %v", o.Effect, o.Permanent)
	}
	sameSet(t, "after deleting what is not there", before, x.readAll(t, 1_000))
}

func impossibleItem(t testing.TB, x *trial) {
	o := x.make(t, x.sample())
	strange := connector.Property{Name: "connectortestStrange", Column: "connectortestStrange", Type: value.String}
	for _, item := range []connector.Item{
		{Op: "connectortest", Property: x.scalar(t)},
		{Op: connector.OpSet, Property: strange, Value: value.OfString("x")},
		{Op: connector.OpAdd, Property: x.scalar(t)},
	} {
		change := x.change(connector.Update, o.Key, item)
		change.Current = o
		got, named := x.Apply(t.Context(), change).Items[1]
		if !named || got.Effect != connector.None || !got.Permanent {
			t.Errorf("%s of %s is %s, permanently: %v, named: %v", item.Op, item.Property.Name, got.Effect, got.Permanent, named)
		}
	}
	x.expect(t, "refusing", o)
}

func manyWriters(t testing.TB, x *trial) {
	samples := make([]Sample, callers)
	var wait sync.WaitGroup
	for n := range samples {
		samples[n] = x.sample()
		wait.Go(func() {
			for id, item := range x.Apply(t.Context(), x.creation(samples[n])).Items {
				if item.Effect != connector.Done {
					t.Errorf("writer %d: item %d is %s: %s", n, id, item.Effect, item.Err)
				}
			}
		})
	}
	wait.Wait()
	for n, s := range samples {
		if d := differs(connector.Object{Values: s.Values}, x.find(t, s, "")); d != "" {
			t.Errorf("writer %d: %s", n, d)
		}
		if c := x.copies(t, s); c != 1 {
			t.Errorf("writer %d: its object is there %d times", n, c)
		}
	}
}

func racingCreations(t testing.TB, x *trial) {
	s := x.sample()
	effects := make([]connector.Effect, callers)
	var wait sync.WaitGroup
	for n := range effects {
		wait.Go(func() { effects[n] = x.Apply(t.Context(), x.creation(s)).Items[1].Effect })
	}
	wait.Wait()
	done := 0
	for _, e := range effects {
		if e == connector.Done {
			done++
		}
	}
	if c := x.copies(t, s); done != 1 || c != 1 {
		t.Errorf("of %d creations of one object %d are done and it is there %d times: %v", callers, done, c, effects)
	}
}

// linked reads back whether a link is there, wherever the system stores it.
func (x *trial) linked(t testing.TB, link Link, key string, target connector.Reference) bool {
	t.Helper()
	o, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Key: key})
	if err != nil {
		t.Fatalf("reading back: %v", err)
	}
	p, _ := x.Shape.Property(link.Property)
	if p.Stored() {
		return slices.ContainsFunc(o.Links[link.Property], func(l string) bool { return leadsTo(l, target) })
	}
	far, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: link.Far, Key: target.Key, Unique: target.Values})
	if err != nil {
		t.Fatalf("reading the far end back: %v", err)
	}
	me := connector.Reference{Key: o.Key, Values: unique(x.Shape, o.Values)}
	there := slices.ContainsFunc(far.Links[p.Inverse], func(l string) bool { return leadsTo(l, me) })
	x.askedLink(t, p, key, target, there)
	return there
}

// askedLink asks for a link that the other side stores, as the engine does when
// it reads back: the answer is what the other side shows.
func (x *trial) askedLink(t testing.TB, p connector.Property, key string, target connector.Reference, there bool) {
	t.Helper()
	o, err := x.Lookup(t.Context(), connector.LookupRequest{
		Shape: x.Shape, Key: key, Links: []connector.LinkQuery{{Property: p, Target: target}},
	})
	if err != nil {
		t.Fatalf("asking for a link: %v", err)
	}
	if got := slices.Contains(o.Links[p.Name], target.Key); got != there {
		t.Errorf("asked whether %s leads to %s, the answer is %t; the other side shows %t", p.Name, target.Key, got, there)
	}
}

// expectLinks compares which of the first targets a link leads to.
func (x *trial) expectLinks(t testing.TB, link Link, key string, want ...bool) {
	t.Helper()
	for n, there := range want {
		have := x.linked(t, link, key, link.Targets[n])
		for try := 1; have != there && !x.can.FreshLookup && try < freshTries; try++ {
			time.Sleep(freshWait)
			have = x.linked(t, link, key, link.Targets[n])
		}
		if have != there {
			t.Errorf("link %s of %s to %v is there: %v; it should be: %v", link.Property, key, link.Targets[n], have, there)
		}
	}
}

func linkAlone(t testing.TB, x *trial) {
	for _, link := range x.Links {
		p, _ := x.Shape.Property(link.Property)
		o, neighbour := x.make(t, x.sample()), x.make(t, x.sample())
		do := func(on connector.Object, op connector.Op, n int) {
			t.Helper()
			x.update(t, on, connector.Item{Op: op, Property: p, Target: link.Targets[n]})
		}
		do(neighbour, connector.OpAdd, 0)
		do(o, connector.OpAdd, 0)
		x.expectLinks(t, link, o.Key, true, false)
		do(o, connector.OpAdd, 1)
		x.expectLinks(t, link, o.Key, true, true)
		do(o, connector.OpAdd, 1) // it is there: that is what was wanted
		x.expectLinks(t, link, o.Key, true, true)
		do(o, connector.OpRemove, 0)
		x.expectLinks(t, link, o.Key, false, true)
		do(o, connector.OpRemove, 0) // it is not there: that is what was wanted
		x.expectLinks(t, link, o.Key, false, true)
		x.expectLinks(t, link, neighbour.Key, true, false)
	}
}

func manyLinks(t testing.TB, x *trial) {
	for _, link := range x.Links {
		p, _ := x.Shape.Property(link.Property)
		objects := make([]connector.Object, callers)
		for n := range objects {
			objects[n] = x.make(t, x.sample())
		}
		var wait sync.WaitGroup
		for n, o := range objects {
			wait.Go(func() {
				change := x.change(connector.Update, o.Key, connector.Item{Op: connector.OpAdd, Property: p, Target: link.Targets[0]})
				change.Current = o
				if got := x.Apply(t.Context(), change).Items[1]; got.Effect != connector.Done {
					t.Errorf("writer %d: %s: %s", n, got.Effect, got.Err)
				}
			})
		}
		wait.Wait()
		for _, o := range objects {
			x.expectLinks(t, link, o.Key, true, false)
		}
	}
}

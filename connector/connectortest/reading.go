package connectortest

import (
	"context"
	"sync"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/value"
)

func saysWhatItIs(t testing.TB, x *trial) {
	p := x.Package
	if p.Name == "" || p.About == "" || p.Class == "" || p.Check == nil || p.Open == nil {
		t.Errorf("the package says too little about itself: %+v", p)
	}
	for _, s := range append(p.Settings, p.From...) {
		if s.Name == "" || s.About == "" {
			t.Errorf("a setting is not described: %+v", s)
		}
	}
	p.Check(connector.Settings{}) // says what is missing, and survives it
	d, err := x.Describe(t.Context())
	if err != nil || d.Product == "" {
		t.Errorf("the system does not say what it is: %+v, %v", d, err)
	}
	if !d.Can.Read || !d.Can.Lookup {
		t.Errorf("the suite is for systems that can be read and looked into: %+v", d.Can)
	}
	if d.Can.Write != (p.Class != connector.ReadOnly) {
		t.Errorf("the package's class is %q and the system can write: %v", p.Class, d.Can.Write)
	}
}

// readAll reads page by page and expects the reading to end complete.
func (x *trial) readAll(t testing.TB, limit int) map[string]connector.Object {
	t.Helper()
	all := map[string]connector.Object{}
	req := connector.ReadRequest{Shape: x.Shape, Limit: limit}
	for range pagesMax {
		page, err := x.Read(t.Context(), req)
		if err != nil {
			t.Fatalf("reading by pages of %d: %v", limit, err)
		}
		for _, o := range page.Objects {
			if _, twice := all[o.Key]; twice {
				t.Errorf("reading by pages of %d: %s comes twice", limit, o.Key)
			}
			all[o.Key] = o
		}
		if page.Cursor == "" {
			if !page.Complete {
				t.Errorf("reading by pages of %d: it ends and is not complete", limit)
			}
			return all
		}
		req.Cursor = page.Cursor
	}
	t.Fatalf("reading by pages of %d does not end", limit)
	return nil
}

func sameSet(t testing.TB, what string, want, have map[string]connector.Object) {
	t.Helper()
	for key, o := range want {
		other, ok := have[key]
		if !ok {
			t.Errorf("%s: %s is missing", what, key)
		} else if d := same(o, other); d != "" {
			t.Errorf("%s: %s: %s", what, key, d)
		}
	}
	for key := range have {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: %s should not be there", what, key)
		}
	}
}

func everyPageSize(t testing.TB, x *trial) {
	x.fill(t)
	whole := x.readAll(t, 1_000)
	if len(whole) == 0 {
		t.Fatal("there is nothing to read: the subject needs Holds or Sample")
	}
	for _, limit := range []int{0, 1, 2, 3, 7, len(whole), len(whole) + 1} {
		sameSet(t, "another page size", whole, x.readAll(t, limit))
	}
}

func holdsIsRead(t testing.TB, x *trial) {
	whole := x.readAll(t, 3)
	for _, want := range x.Holds {
		found := false
		for _, have := range whole {
			if !isIt(x.Shape, want, have) {
				continue
			}
			found = true
			if d := differs(want, have); d != "" {
				t.Errorf("%s: %s", have.Key, d)
			}
		}
		if !found {
			t.Errorf("%v is not read", want)
		}
	}
	if !x.can.Write && len(whole) != len(x.Holds) {
		t.Errorf("%d objects are read, the store holds %d", len(whole), len(x.Holds))
	}
}

// isIt reports whether an object is the one that a key or values name.
func isIt(shape connector.Shape, want, have connector.Object) bool {
	if want.Key != "" {
		return want.Key == have.Key
	}
	for name, v := range unique(shape, want.Values) {
		if value.Equal(value.Exact, v, have.Values[name]) {
			return true
		}
	}
	return false
}

func twoReadings(t testing.TB, x *trial) {
	x.fill(t)
	whole := x.readAll(t, 1_000)
	type half struct {
		req connector.ReadRequest
		all map[string]connector.Object
		end bool
	}
	pair := []*half{{all: map[string]connector.Object{}}, {all: map[string]connector.Object{}}}
	for i, h := range pair {
		h.req = connector.ReadRequest{Shape: x.Shape, Limit: i + 1}
	}
	for range pagesMax {
		for _, h := range pair {
			if h.end {
				continue
			}
			page, err := x.Read(t.Context(), h.req)
			if err != nil {
				t.Fatalf("two readings at once: %v", err)
			}
			for _, o := range page.Objects {
				h.all[o.Key] = o
			}
			h.req.Cursor, h.end = page.Cursor, page.Cursor == ""
		}
		if pair[0].end && pair[1].end {
			break
		}
	}
	sameSet(t, "the first of two readings", whole, pair[0].all)
	sameSet(t, "the second of two readings", whole, pair[1].all)
}

func lookupShows(t testing.TB, x *trial) {
	x.fill(t)
	for key, want := range x.readAll(t, 1_000) {
		have, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Key: key})
		if err != nil {
			t.Errorf("by key %s: %v", key, err)
		} else if d := same(want, have); d != "" {
			t.Errorf("by key %s: %s", key, d)
		}
		for name, v := range unique(x.Shape, want.Values) {
			req := connector.LookupRequest{Shape: x.Shape, Unique: map[string]value.Value{name: v}}
			have, err := x.Lookup(t.Context(), req)
			if err != nil {
				t.Errorf("by %s %s: %v", name, v, err)
			} else if d := same(want, have); d != "" {
				t.Errorf("by %s %s: %s", name, v, d)
			}
		}
	}
}

func notFound(t testing.TB, x *trial) {
	if _, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Key: x.AbsentKey}); !isNotFound(err) {
		t.Errorf("by key: %v; it should be not found", err)
	}
	absent := map[string]value.Value{}
	if x.Sample != nil {
		absent = unique(x.Shape, x.sample().Values) // never created
	} else if len(x.Holds) > 0 {
		for name, v := range unique(x.Shape, x.Holds[0].Values) {
			if v.Type() == value.String {
				absent[name] = value.OfString(v.Text() + "-absent")
			}
		}
	}
	if len(absent) == 0 {
		return
	}
	if _, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Unique: absent}); !isNotFound(err) {
		t.Errorf("by %v: %v; it should be not found", absent, err)
	}
	if _, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape}); err == nil || isNotFound(err) {
		t.Errorf("a look-up for nothing in particular answers %v; nothing can be known about it", err)
	}
}

func cancelled(t testing.TB, x *trial) {
	x.fill(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if page, err := x.Read(ctx, connector.ReadRequest{Shape: x.Shape, Limit: 10}); err == nil || page.Complete {
		t.Errorf("a cancelled reading answers %v, complete: %v", err, page.Complete)
	}
	if _, err := x.Lookup(ctx, connector.LookupRequest{Shape: x.Shape, Key: x.AbsentKey}); err == nil || isNotFound(err) {
		t.Errorf("a cancelled look-up answers %v; nothing can be known", err)
	}
	if x.Sample == nil {
		return
	}
	s := x.sample()
	for id, item := range x.Apply(ctx, x.creation(s)).Items {
		if item.Effect == connector.Done || item.Permanent {
			t.Errorf("item %d of a cancelled change is %s, permanently: %v", id, item.Effect, item.Permanent)
		}
		if item.Effect != connector.None {
			continue
		}
		req := connector.LookupRequest{Shape: x.Shape, Key: s.Key, Unique: unique(x.Shape, s.Values)}
		if _, err := x.Lookup(t.Context(), req); !isNotFound(err) {
			t.Errorf("a cancelled creation is said not to have happened and yet: %v", err)
		}
	}
}

func manyReaders(t testing.TB, x *trial) {
	x.fill(t)
	whole := x.readAll(t, 1_000)
	var keys []string
	for key := range whole {
		keys = append(keys, key)
	}
	var wait sync.WaitGroup
	for n := range callers {
		wait.Go(func() {
			page, err := x.Read(t.Context(), connector.ReadRequest{Shape: x.Shape, Limit: n + 1})
			if err != nil {
				t.Errorf("caller %d reads: %v", n, err)
			}
			for _, o := range page.Objects {
				if d := same(whole[o.Key], o); d != "" {
					t.Errorf("caller %d reads %s: %s", n, o.Key, d)
				}
			}
			key := keys[n%len(keys)]
			o, err := x.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Key: key})
			if err != nil {
				t.Errorf("caller %d looks up %s: %v", n, key, err)
			} else if d := same(whole[key], o); d != "" {
				t.Errorf("caller %d looks up %s: %s", n, key, d)
			}
		})
	}
	wait.Wait()
}

func closedTwice(t testing.TB, x *trial) {
	if _, err := x.Read(t.Context(), connector.ReadRequest{Shape: x.Shape, Limit: 1}); err != nil {
		t.Errorf("reading: %v", err)
	}
	for range 2 {
		if err := x.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
}

func brokenProvesNothing(t testing.TB, x *trial) {
	broken := &watched{t: t, System: x.Broken(t), secrets: x.Secrets}
	defer broken.Close()
	if page, err := broken.Read(t.Context(), connector.ReadRequest{Shape: x.Shape}); err == nil || isNotFound(err) || page.Complete {
		t.Errorf("reading answers %v, complete: %v", err, page.Complete)
	}
	if _, err := broken.Lookup(t.Context(), connector.LookupRequest{Shape: x.Shape, Key: x.AbsentKey}); err == nil || isNotFound(err) {
		t.Errorf("a look-up answers %v; nothing can be known", err)
	}
	if x.Sample == nil {
		return
	}
	out := broken.Apply(t.Context(), x.creation(x.sample()))
	for id, item := range out.Items {
		if item.Effect == connector.Done || item.Permanent {
			t.Errorf("item %d is %s, permanently: %v", id, item.Effect, item.Permanent)
		}
	}
	if !out.Down {
		t.Error("the outcome blames the order: Down is not set")
	}
}

func nothingWritten(t testing.TB, x *trial) {
	before := x.readAll(t, 1_000)
	change := x.change(connector.Create, x.AbsentKey, connector.Item{Op: connector.OpObject})
	for _, p := range x.Shape.Properties {
		change.Items = append(change.Items, connector.Item{ID: len(change.Items) + 1, Op: connector.OpClear, Property: p})
	}
	for _, kind := range []connector.Kind{connector.Create, connector.Update, connector.Delete} {
		change.Kind = kind
		for id, item := range x.Apply(t.Context(), change).Items {
			if item.Effect != connector.None || !item.Permanent {
				t.Errorf("%s: item %d is %s, permanently: %v", kind, id, item.Effect, item.Permanent)
			}
		}
	}
	sameSet(t, "after refusing", before, x.readAll(t, 1_000))
}

package connectortest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

var person = connector.Shape{
	Entity: "Person", Key: "id", Identify: []string{"uid"},
	Properties: []connector.Property{
		{Name: "id", Type: value.String, System: true},
		{Name: "uid", Type: value.String},
		{Name: "mail", Type: value.String},
		{Name: "roles", Link: "Role", Many: true},
	},
}

// defective is a system with a planted fault: each function replaces one of its methods.
type defective struct {
	connector.System
	read   func(context.Context, connector.ReadRequest) (connector.ReadPage, error)
	lookup func(context.Context, connector.LookupRequest) (connector.Object, error)
	apply  func(context.Context, connector.Change) connector.Outcome
}

func (d defective) Read(ctx context.Context, r connector.ReadRequest) (connector.ReadPage, error) {
	if d.read == nil {
		return d.System.Read(ctx, r)
	}
	return d.read(ctx, r)
}

func (d defective) Lookup(ctx context.Context, r connector.LookupRequest) (connector.Object, error) {
	if d.lookup == nil {
		return d.System.Lookup(ctx, r)
	}
	return d.lookup(ctx, r)
}

func (d defective) Apply(ctx context.Context, c connector.Change) connector.Outcome {
	if d.apply == nil {
		return d.System.Apply(ctx, c)
	}
	return d.apply(ctx, c)
}

// noting is a test that notes its failure instead of failing.
type noting struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (n *noting) Helper() {}
func (n *noting) note(words string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed = append(n.failed, words)
}
func (n *noting) Error(args ...any)            { n.note(fmt.Sprint(args...)) }
func (n *noting) Errorf(f string, args ...any) { n.note(fmt.Sprintf(f, args...)) }
func (n *noting) Fatal(args ...any)            { n.Error(args...); runtime.Goexit() }
func (n *noting) Fatalf(f string, args ...any) { n.Errorf(f, args...); runtime.Goexit() }

func subject(fake *fakesystem.System, plant func(connector.System) connector.System) Subject {
	return Subject{
		Package: fake.Package(), Shape: person, AbsentKey: "nobody", Scalar: "mail",
		Open:    func(testing.TB) connector.System { return plant(fake) },
		Links:   []Link{{Property: "roles", Targets: []connector.Reference{{Key: "r1"}, {Key: "r2"}}}},
		Secrets: []secret.Text{secret.New("canary")},
		Broken: func(testing.TB) connector.System {
			return plant(fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{person},
				Plan: func(string, int) fakesystem.Fault { return fakesystem.Fault{What: fakesystem.Down} }}))
		},
		Sample: func(n int) Sample {
			uid := fmt.Sprintf("u%d", n)
			return Sample{Values: map[string]value.Value{"uid": value.OfString(uid), "mail": value.OfString(uid + "@example.org")}}
		},
	}
}

// try tells which claims a system with a planted fault fails.
func try(t *testing.T, plant func(connector.System) connector.System) map[string][]string {
	t.Helper()
	s := subject(fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{person}}), plant)
	failed := map[string][]string{}
	for _, c := range s.claims(t) {
		n := &noting{TB: t}
		done := make(chan struct{})
		go func() { // a goroutine of its own, because a fatal failure ends it
			defer close(done)
			s.try(n, c)
		}()
		<-done
		if len(n.failed) > 0 {
			failed[c.name] = n.failed
		}
	}
	return failed
}

func TestASoundSystemFailsNothing(t *testing.T) {
	if failed := try(t, func(s connector.System) connector.System { return s }); len(failed) > 0 {
		t.Errorf("%v", failed)
	}
}

// planted are systems with one fault each.
var planted = []struct {
	fault string
	claim string // that must fail
	plant func(connector.System) connector.System
}{
	{"says complete too early", "EveryPageSizeReadsTheSame", readWith(func(_ connector.ReadRequest, p connector.ReadPage, err error) (connector.ReadPage, error) {
		p.Cursor, p.Complete = "", err == nil
		return p, err
	})},
	{"never says complete", "WhatIsHeldIsRead", readWith(func(_ connector.ReadRequest, p connector.ReadPage, err error) (connector.ReadPage, error) {
		p.Complete = false
		return p, err
	})},
	{"forgets the last of a page", "EveryPageSizeReadsTheSame", readWith(func(r connector.ReadRequest, p connector.ReadPage, err error) (connector.ReadPage, error) {
		if len(p.Objects) == 2 && r.Limit == 2 {
			p.Objects = p.Objects[:1]
		}
		return p, err
	})},
	{"answers an empty list when it is down", "ABrokenConnectionProvesNothing", readWith(func(_ connector.ReadRequest, p connector.ReadPage, err error) (connector.ReadPage, error) {
		if err != nil {
			return connector.ReadPage{Complete: true}, nil
		}
		return p, nil
	})},
	{"takes every error for absence", "ABrokenConnectionProvesNothing", lookupWith(func(o connector.Object, err error) (connector.Object, error) {
		if err != nil {
			err = fault.New(fault.NotFound, "", "gone")
		}
		return o, err
	})},
	{"invents an object", "WhatIsNotThereIsNotFound", lookupWith(func(o connector.Object, err error) (connector.Object, error) {
		if fault.KindOf(err) == fault.NotFound {
			return connector.Object{Key: "invented"}, nil
		}
		return o, err
	})},
	{"tells a secret", "WhatIsNotThereIsNotFound", lookupWith(func(o connector.Object, err error) (connector.Object, error) {
		if err != nil {
			err = fault.New(fault.KindOf(err), "", "bind with canary failed")
		}
		return o, err
	})},
	{"forgets an outcome", "ACreationIsReadBack", applyWith(func(_ connector.System, _ context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		delete(out.Items, len(c.Items))
		return out
	})},
	{"says done when cancelled", "NothingIsDoneAfterCancelling", applyWith(func(_ connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if ctx.Err() != nil {
			return connector.All(c, connector.ItemOutcome{Effect: connector.Done})
		}
		return out
	})},
	{"creates a second one", "ARepeatedCreationMakesNoDuplicate", applyWith(func(s connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if c.Kind == connector.Create && out.Items[1].Permanent {
			s.(*fakesystem.System).Set("Person", connector.Object{Values: map[string]value.Value{"uid": c.Items[len(c.Items)-1].Value}})
			return connector.All(c, connector.ItemOutcome{Effect: connector.Done})
		}
		return out
	})},
	{"creates what it should update", "WhatIsNotThereIsNeitherChangedNorMade", applyWith(func(s connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if c.Kind == connector.Update && out.Items[1].Permanent && c.Key == "nobody" {
			s.(*fakesystem.System).Set("Person", connector.Object{Key: c.Key})
		}
		return out
	})},
	{"replaces all links", "ALinkIsAddedAndRemovedAlone", applyWith(func(s connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if c.Kind == connector.Update && c.Items[0].Op == connector.OpAdd && out.Items[1].Effect == connector.Done {
			o, _ := s.Lookup(ctx, connector.LookupRequest{Shape: person, Key: c.Key})
			o.Links = map[string][]string{"roles": {c.Items[0].Target.Key}}
			s.(*fakesystem.System).Set("Person", o)
		}
		return out
	})},
	{"writes back what it had read", "AStaleCallerOverwritesNothingElse", applyWith(func(s connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if c.Kind == connector.Update && c.Items[0].Op == connector.OpAdd && out.Items[1].Effect == connector.Done {
			s.(*fakesystem.System).SetValue("Person", c.Key, "mail", c.Current.Values["mail"])
		}
		return out
	})},
	{"does not clear", "AValueIsSetAndClearedAlone", applyWith(func(s connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if c.Kind == connector.Update && c.Items[0].Op == connector.OpClear {
			s.(*fakesystem.System).SetValue("Person", c.Key, "mail", value.OfString("left@example.org"))
		}
		return out
	})},
	{"swallows what it cannot do", "AnItemThatCannotBeDoneIsNamed", applyWith(func(_ connector.System, ctx context.Context, c connector.Change, out connector.Outcome) connector.Outcome {
		if out.Items[1].Permanent {
			return connector.All(c, connector.ItemOutcome{Effect: connector.Done})
		}
		return out
	})},
}

func TestEachPlantedFaultIsFound(t *testing.T) {
	for _, tt := range planted {
		failed := try(t, tt.plant)
		if len(failed[tt.claim]) == 0 {
			t.Errorf("a system that %s passes %s; it fails %v", tt.fault, tt.claim, failed)
		}
		for _, words := range failed[tt.claim] {
			if strings.Contains(words, "canary") {
				t.Errorf("the suite itself tells the secret: %s", words)
			}
		}
	}
}

func readWith(change func(connector.ReadRequest, connector.ReadPage, error) (connector.ReadPage, error)) func(connector.System) connector.System {
	return func(s connector.System) connector.System {
		return defective{System: s, read: func(ctx context.Context, r connector.ReadRequest) (connector.ReadPage, error) {
			p, err := s.Read(ctx, r)
			return change(r, p, err)
		}}
	}
}

func lookupWith(change func(connector.Object, error) (connector.Object, error)) func(connector.System) connector.System {
	return func(s connector.System) connector.System {
		return defective{System: s, lookup: func(ctx context.Context, r connector.LookupRequest) (connector.Object, error) {
			return change(s.Lookup(ctx, r))
		}}
	}
}

func applyWith(change func(connector.System, context.Context, connector.Change, connector.Outcome) connector.Outcome) func(connector.System) connector.System {
	return func(s connector.System) connector.System {
		return defective{System: s, apply: func(ctx context.Context, c connector.Change) connector.Outcome {
			return change(s, ctx, c, s.Apply(ctx, c))
		}}
	}
}

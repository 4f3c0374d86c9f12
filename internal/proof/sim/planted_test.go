package sim

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/value"
)

// catcher keeps what a check says instead of ending the test.
type catcher struct {
	testing.TB
	said string
}

func (c *catcher) Fatalf(format string, args ...any) {
	c.said = fmt.Sprintf(format, args...)
	panic(c)
}

func (c *catcher) Helper() {}

// caught runs a check and returns what it said, "" when it held.
func caught(w *world, check func()) (said string) {
	c := &catcher{TB: w.t}
	w.t = c
	defer func() {
		if p := recover(); p != nil && p != any(c) {
			panic(p)
		}
		said = c.said
	}()
	check()
	return ""
}

// quietWorld is a world without faults in which everything was settled.
func quietWorld(t *testing.T) *world {
	w := newWorld(t, 5)
	w.settleEverything()
	w.check()
	return w
}

// someone returns an assigned resource of a type that a person approved.
func someone(w *world, kind string) *orders.AssignedResource {
	for _, a := range w.all() {
		if string(a.Type) == kind && a.Target != "" {
			return a
		}
	}
	w.fail("nobody has an account of %s", kind)
	return nil
}

// again sends one more effect under the name of an order that is over.
func again(w *world, system, entity, order string, a *orders.AssignedResource, item int, text string) {
	shape := connector.Shape{Entity: entity, Key: "login", Properties: []connector.Property{{Name: "name", Column: "name", Type: value.String}}}
	w.systems[system].Apply(context.Background(), connector.Change{
		Order: order, Shape: shape, Kind: connector.Update, Key: string(a.Target),
		Items: []connector.Item{{ID: item, Op: connector.OpSet, Property: shape.Properties[0], Value: value.OfString(text)}},
	})
}

func TestPlantedASecondEffectOfOneAttemptIsCaught(t *testing.T) {
	w := quietWorld(t)
	a := someone(w, "A")
	order := ""
	for _, f := range w.systems["alpha"].Effects() {
		if f.Key == string(a.Target) && f.Item.Property.Name == "name" {
			order = f.Order
		}
	}
	again(w, "alpha", "AUser", order, a, a.Find("name", "").ID, "resent")
	if said := caught(w, w.effectsWereAllowed); !strings.Contains(said, "was done 2 times") {
		t.Errorf("a second effect was not caught: %q", said)
	}
}

func TestPlantedAWriteThatNobodyApprovedIsCaught(t *testing.T) {
	w := newWorld(t, 5)
	for range 3 {
		if _, err := w.round(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var b *orders.AssignedResource
	for _, a := range w.all() {
		if a.Type == "B" && a.Order != nil && a.Items[0].Place.State == orders.AwaitingApproval {
			b = a
		}
	}
	if b == nil {
		t.Fatal("nothing waits for a review")
	}
	key := string(b.Owner.Key)
	w.systems["beta"].Set("BUser", connector.Object{Key: key, Values: map[string]value.Value{"login": value.OfString(key)}})
	forged := *b
	forged.Target = b.Owner.Key
	again(w, "beta", "BUser", b.Order.ID.String(), &forged, 0, "unasked")
	if said := caught(w, w.effectsWereAllowed); !strings.Contains(said, "never collected") && !strings.Contains(said, "nobody approved") {
		t.Errorf("a write without an approval was not caught: %q", said)
	}
}

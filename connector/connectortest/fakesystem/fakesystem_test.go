package fakesystem_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

func TestTheFakePassesTheSuiteWithAssignedKeysAndInverseLinks(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}})
	var targets []connector.Reference
	for _, cn := range []string{"readers", "writers"} {
		key := fake.Set("Group", connector.Object{Values: map[string]value.Value{"cn": value.OfString(cn)}})
		targets = append(targets, connector.Reference{Entity: "Group", Key: key})
	}
	connectortest.Run(t, connectortest.Subject{
		Package: fake.Package(), Shape: user, AbsentKey: "nobody", Scalar: "mail", Sample: userSample,
		Open:  func(testing.TB) connector.System { return fake },
		Links: []connectortest.Link{{Property: "groups", Targets: targets, Far: group}},
		Broken: func(testing.TB) connector.System {
			return fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user}, Plan: always(fakesystem.Down)})
		},
	})
}

func TestTheFakePassesTheSuiteWithKeysOfItsOwn(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{account}})
	connectortest.Run(t, connectortest.Subject{
		Package: fake.Package(), Shape: account, AbsentKey: "nobody", Scalar: "note",
		Open:  func(testing.TB) connector.System { return fake },
		Links: []connectortest.Link{{Property: "roles", Targets: []connector.Reference{{Key: "r1"}, {Key: "r2"}}}},
		Sample: func(n int) connectortest.Sample {
			login := fmt.Sprintf("login%d", n)
			return connectortest.Sample{Key: login, Values: map[string]value.Value{
				"login": value.OfString(login), "note": value.OfString("note of " + login)}}
		},
	})
}

func always(what fakesystem.Misbehaviour) fakesystem.Plan {
	return func(string, int) fakesystem.Fault { return fakesystem.Fault{What: what, Items: 2} }
}

func TestEachMisbehaviourOfApplySaysWhatTheCallerMayKnow(t *testing.T) {
	for _, tt := range []struct {
		what      fakesystem.Misbehaviour
		items     int // of Fault
		first     connector.Effect
		last      connector.Effect
		permanent bool
		effects   int
	}{
		{fakesystem.Well, 0, connector.Done, connector.Done, false, 4},
		{fakesystem.LostAfter, 0, connector.Unknown, connector.Unknown, false, 4},
		{fakesystem.LostAfter, 2, connector.Unknown, connector.Unknown, false, 2},
		{fakesystem.LostBefore, 0, connector.Unknown, connector.Unknown, false, 0},
		{fakesystem.Transient, 0, connector.None, connector.None, false, 0},
		{fakesystem.Permanent, 0, connector.None, connector.None, true, 0},
		{fakesystem.Partial, 2, connector.Done, connector.None, false, 2},
		{fakesystem.Partial, 0, connector.None, connector.None, false, 0},
		{fakesystem.Down, 0, connector.None, connector.None, false, 0},
	} {
		fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group},
			Plan: fakesystem.Script(map[string][]fakesystem.Fault{fakesystem.OpApply: {{What: tt.what, Items: tt.items}}})})
		out := fake.Apply(t.Context(), createUser("o1", 1))
		if out.Items[1].Effect != tt.first || out.Items[4].Effect != tt.last || out.Items[4].Permanent != tt.permanent {
			t.Errorf("%s: %+v", tt.what, out)
		}
		if n := len(fake.Effects()); n != tt.effects {
			t.Errorf("%s: %d effects, want %d", tt.what, n, tt.effects)
		}
		if there := len(fake.Objects("User")) == 1; there != (tt.effects > 0) {
			t.Errorf("%s: the object is there: %v", tt.what, there)
		}
		if out.Down != (tt.what == fakesystem.Down) {
			t.Errorf("%s: down is %v", tt.what, out.Down)
		}
		if (out.Key != "") != (tt.first == connector.Done) {
			t.Errorf("%s: the key is told: %q", tt.what, out.Key)
		}
	}
}

func TestEffectsNameOrderAndItem(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}})
	out := fake.Apply(t.Context(), createUser("o1", 1))
	mail, _ := user.Property("mail")
	set := connector.Change{Order: "o2", Shape: user, Kind: connector.Update, Key: out.Key,
		Items: []connector.Item{{ID: 7, Op: connector.OpSet, Property: mail, Value: value.OfString("user1@example.org")}}}
	fake.Apply(t.Context(), set)
	effects := fake.Effects()
	if len(effects) != 5 || fake.Calls(fakesystem.OpApply) != 2 {
		t.Fatalf("effects %v after %d calls", effects, fake.Calls(fakesystem.OpApply))
	}
	if last := effects[4]; last.Order != "o2" || last.Item.ID != 7 || last.Key != out.Key || last.Changed {
		t.Errorf("the last effect is %+v", last)
	}
}

func TestAStaleAnswerShowsTheStateBeforeTheLastWrites(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}, Lags: true})
	key := fake.Apply(t.Context(), createUser("o1", 1)).Key
	fake.SetValue("User", key, "mail", value.OfString("new@example.org"))
	fake.Delete("User", key)
	for behind, want := range map[int]string{1: "new@example.org", 2: "user1@example.org"} {
		fake.SetPlan(func(string, int) fakesystem.Fault { return fakesystem.Fault{What: fakesystem.Stale, Behind: behind} })
		o, err := fake.Lookup(t.Context(), connector.LookupRequest{Shape: user, Key: key})
		if err != nil || o.Values["mail"].Text() != want {
			t.Errorf("%d behind: %v, %v", behind, o, err)
		}
		if page, err := fake.Read(t.Context(), connector.ReadRequest{Shape: user}); err != nil || len(page.Objects) != 1 {
			t.Errorf("%d behind: %v, %v", behind, page, err)
		}
	}
	for _, behind := range []int{0, 3} {
		fake.SetPlan(func(string, int) fakesystem.Fault { return fakesystem.Fault{What: fakesystem.Stale, Behind: behind} })
		if _, err := fake.Lookup(t.Context(), connector.LookupRequest{Shape: user, Key: key}); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%d behind: %v", behind, err)
		}
	}
	if d, err := fake.Describe(t.Context()); err != nil || d.Can.FreshLookup {
		t.Errorf("a system that lags says that it does not: %+v, %v", d, err)
	}
}

func TestAReadingThatBreaksProvesNothing(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}})
	for n := range 4 {
		fake.Apply(t.Context(), createUser("o", n))
	}
	fake.SetPlan(fakesystem.Script(map[string][]fakesystem.Fault{fakesystem.OpRead: {{What: fakesystem.HalfPage}, {What: fakesystem.CutShort}}}))
	req := connector.ReadRequest{Shape: user, Limit: 4}
	if page, err := fake.Read(t.Context(), req); fault.KindOf(err) != fault.Unavailable || page.Complete {
		t.Errorf("half a page: %v, %v", page, err)
	}
	if page, err := fake.Read(t.Context(), req); err != nil || page.Complete || page.Cursor != "" || len(page.Objects) != 2 {
		t.Errorf("cut short: %v, %v", page, err)
	}
	if page, err := fake.Read(t.Context(), req); err != nil || !page.Complete || len(page.Objects) != 4 {
		t.Errorf("afterwards: %v, %v", page, err)
	}
}

func TestASlowSystemWaitsInTheHandedInTime(t *testing.T) {
	var waited time.Duration
	interrupt := errors.New("interrupted")
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user},
		Sleep: func(_ context.Context, d time.Duration) error {
			waited += d
			if waited > time.Minute {
				return interrupt
			}
			return nil
		},
		Plan: func(string, int) fakesystem.Fault { return fakesystem.Fault{Wait: time.Minute} }})
	if out := fake.Apply(t.Context(), createUser("o1", 1)); out.Items[1].Effect != connector.Done || waited != time.Minute {
		t.Errorf("after %s: %+v", waited, out)
	}
	if out := fake.Apply(t.Context(), createUser("o2", 2)); out.Items[1].Effect != connector.Unknown || len(fake.Objects("User")) != 1 {
		t.Errorf("interrupted: %+v", out)
	}
	if _, err := fake.Lookup(t.Context(), connector.LookupRequest{Shape: user, Key: "x"}); !errors.Is(err, interrupt) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestADeletedObjectTakesTheLinksToItAlong(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}})
	key := fake.Apply(t.Context(), createUser("o1", 1)).Key
	g := fake.Set("Group", connector.Object{Values: map[string]value.Value{"cn": value.OfString("all")}, Links: map[string][]string{"members": {key}}})
	if !fake.Delete("User", key) || fake.Delete("User", key) {
		t.Error("deleting is not reported truly")
	}
	if o := fake.Objects("Group")[0]; o.Key != g || len(o.Links["members"]) != 0 {
		t.Errorf("the group is %v", o)
	}
	members, _ := group.Property("members")
	link := connector.Change{Shape: group, Kind: connector.Update, Key: g,
		Items: []connector.Item{{ID: 1, Op: connector.OpAdd, Property: members, Target: connector.Reference{Key: key}}}}
	if out := fake.Apply(t.Context(), link); out.Items[1].Effect != connector.None || !out.Items[1].Permanent {
		t.Errorf("a link to what is not there: %+v", out)
	}
}

func TestAUniqueValueIsRefusedTwice(t *testing.T) {
	fake := fakesystem.New(fakesystem.Config{Shapes: []connector.Shape{user, group}})
	fake.Apply(t.Context(), createUser("o1", 1))
	second := fake.Apply(t.Context(), createUser("o2", 2)).Key
	uid, _ := user.Property("uid")
	take := connector.Change{Shape: user, Kind: connector.Update, Key: second,
		Items: []connector.Item{{ID: 1, Op: connector.OpSet, Property: uid, Value: value.OfString("user1")}}}
	if out := fake.Apply(t.Context(), take); out.Items[1].Effect != connector.None || !out.Items[1].Permanent {
		t.Errorf("taking another's name: %+v", out)
	}
}

func TestTheHistoryTellsWhatWasTrueBetweenTwoInstants(t *testing.T) {
	now := time.Date(2030, 3, 4, 8, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return now.Add(time.Duration(minute) * time.Minute) }
	clock := now
	s := fakesystem.New(fakesystem.Config{Clock: func() time.Time { return clock }, Shapes: []connector.Shape{{
		Entity: "User", Key: "id", Properties: []connector.Property{{Name: "id", Type: value.String}, {Name: "mail", Type: value.String}},
	}}})
	clock = at(10)
	s.Set("User", connector.Object{Key: "k", Values: map[string]value.Value{"mail": value.OfString("a")}})
	clock = at(20)
	s.SetValue("User", "k", "mail", value.OfString("b"))
	clock = at(30)
	s.Delete("User", "k")
	for _, x := range []struct {
		from, to int
		want     string
	}{{0, 5, "-"}, {0, 15, "a -"}, {12, 15, "a"}, {12, 25, "b a"}, {22, 40, "- b"}, {35, 40, "-"}, {0, 40, "- b a -"}} {
		var got []string
		for _, o := range s.Between("User", "k", at(x.from), at(x.to)) {
			if o == nil {
				got = append(got, "-")
				continue
			}
			got = append(got, o.Values["mail"].Text())
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("from minute %d to %d it was %q, want %q", x.from, x.to, got, x.want)
		}
	}
}

package fulfil

import (
	"context"
	"slices"
	"testing"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// crowd is a store of which so many owners were let through a threshold.
type crowd struct {
	shelf
	owners, asked int
	waiting       []*orders.AssignedResource
	parked        []stage.Park
}

func (s *crowd) ReleasedOwners(context.Context, stage.ParkKey) (int, error) {
	s.asked++
	return s.owners, nil
}

func (s *crowd) Assigned(context.Context, stage.AssignedFilter) ([]*orders.AssignedResource, error) {
	return s.waiting, nil
}

func (s *crowd) Save(_ context.Context, _ journal.Act, _ []*orders.AssignedResource, also ...stage.Extra) error {
	for _, x := range also {
		s.parked = append(s.parked, x.Park...)
	}
	return nil
}

// surging is a drain of an automatic connection that is read back at once.
func surging(s *crowd) *drain {
	d := draining(&s.shelf)
	d.Store, d.numbers = s, stage.Numbers(context.Background(), s, stage.OrderCounter)
	t := roles.ResourceType{ID: "Account", Provisioning: roles.Provisioning{VerifyImmediately: true}}
	d.Model = &roles.Model{ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{"Account": t}}
	d.about.Can.FreshLookup, d.about.Can.Lookup = true, true
	d.waves = newWaves(d)
	return d
}

var letThrough = orders.Place{State: orders.Pending, Mark: orders.Released}

func order(id int, at orders.Place) *orders.AssignedResource {
	return &orders.AssignedResource{
		ID: orders.AssignedID(id), Type: "Account", Order: &orders.Order{ID: orders.OrderID(id), Kind: orders.Addition},
		Items: []orders.Item{{Order: orders.OrderID(id), Place: at, Decision: orders.Decision{Released: at == letThrough}}},
	}
}

// wave lets out what may go of the orders from a number on.
func (d *drain) wave(t *testing.T, from, most int) (out []*orders.AssignedResource) {
	t.Helper()
	for id := from; id < from+most; id++ {
		a := order(id, letThrough)
		w, err := d.waves.wait(t.Context(), a, []*orders.Item{&a.Items[0]})
		if err != nil {
			t.Fatal(err)
		}
		if w == "" {
			out = append(out, a)
		}
	}
	return out
}

func (d *drain) ended(t *testing.T, list []*orders.AssignedResource, surprise string) {
	t.Helper()
	for _, a := range list {
		if err := d.waves.end(t.Context(), carried{assigned: a}, surprise); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReleasedMassChangesGoOutInWideningWaves(t *testing.T) {
	s := &crowd{owners: 500}
	d := surging(s)
	var sizes []int
	for from := 1; len(sizes) < 4; {
		out := d.wave(t, from, 500)
		if held := d.wave(t, 1000, 1); len(held) > 0 && len(sizes) < 3 {
			t.Errorf("one more goes out beside a wave of %d", len(out))
		}
		d.ended(t, out, "")
		sizes, from = append(sizes, len(out)), from+len(out)
	}
	if !slices.Equal(sizes, []int{1, 10, 100, 500}) || s.asked != 1 {
		t.Errorf("waves of %v, asked %d times", sizes, s.asked)
	}
}

func TestTheNextWaveWaitsForAllOfTheOneBefore(t *testing.T) {
	d := surging(&crowd{owners: 500})
	d.ended(t, d.wave(t, 1, 500), "")
	second := d.wave(t, 2, 500)
	d.ended(t, second[1:], "")
	if early := d.wave(t, 12, 500); len(early) > 0 {
		t.Errorf("%d go out although one of the wave before is under way", len(early))
	}
	d.ended(t, second[:1], "")
	if next := d.wave(t, 12, 500); len(next) != 100 {
		t.Errorf("the third wave is %d", len(next))
	}
}

func TestASurpriseStopsTheWavesAndParksTheRest(t *testing.T) {
	s := &crowd{owners: 500, waiting: []*orders.AssignedResource{order(7, letThrough), order(8, orders.Place{State: orders.Pending})}}
	d := surging(s)
	d.ended(t, d.wave(t, 1, 500), "")
	second := d.wave(t, 2, 500)
	d.ended(t, second[:1], "account is Errored, no licence")
	d.ended(t, second[1:], "")
	if more := d.wave(t, 12, 500); len(more) > 0 {
		t.Errorf("%d go out after a surprise", len(more))
	}
	if len(s.parked) != 1 || s.parked[0].Kind != orders.Addition || s.parked[0].Count != 1 {
		t.Fatalf("parked %+v", s.parked)
	}
	if s.waiting[0].Items[0].Place.Mark != orders.Unmarked || s.waiting[0].LetThrough() {
		t.Error("the rest is still released")
	}
}

func TestAConnectionThatIsDownIsNoSurprise(t *testing.T) {
	s := &crowd{owners: 500}
	d := surging(s)
	for _, a := range d.wave(t, 1, 500) {
		c := carried{assigned: a}
		c.report.Down = true
		if err := d.waves.end(t.Context(), c, "account is Pending (released)"); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.parked) > 0 || len(d.wave(t, 1, 500)) != 1 {
		t.Error("what never reached the system counts")
	}
}

func TestWavesAreForMassChangesThatAreReadBackAtOnce(t *testing.T) {
	for name, change := range map[string]func(*drain, *crowd){
		"a threshold's floor or fewer owners, such as one who leaves": func(_ *drain, s *crowd) { s.owners = stage.ThresholdFloor },
		"people carry it out":           func(d *drain, _ *crowd) { d.connection.Manual = true },
		"the system shows writes later": func(d *drain, _ *crowd) { d.about.Can.FreshLookup = false },
		"the next synchronization reads it back": func(d *drain, _ *crowd) {
			d.Model.ResourceTypes["Account"] = roles.ResourceType{ID: "Account"}
		},
	} {
		s := &crowd{owners: 500}
		d := surging(s)
		change(d, s)
		if n := len(d.wave(t, 1, 500)); n != 500 {
			t.Errorf("%s: only %d of 500 go out", name, n)
		}
	}
	d := surging(&crowd{owners: 500})
	a := order(1, orders.Place{State: orders.Pending})
	for range 3 {
		if w, err := d.waves.wait(t.Context(), a, []*orders.Item{&a.Items[0]}); w != "" || err != nil {
			t.Errorf("what no threshold parked waits for %q, %v", w, err)
		}
	}
}

func TestWhatDidNotComeAsOrderedIsASurprise(t *testing.T) {
	sent := orders.Report{Items: map[int]orders.ItemReport{0: {}}}
	for place, surprise := range map[orders.Place]bool{
		{State: orders.Verified}: false, {State: orders.Verified, Mark: orders.Frozen}: false, {State: orders.Inactive, Mark: orders.Declined}: false,
		{State: orders.Executed}: true, {State: orders.Errored}: true, {State: orders.Pending}: true, {State: orders.Transmitted, Mark: orders.ReadBack}: true,
		{State: orders.AwaitingApproval, Mark: orders.Found}: true,
	} {
		if why := surprising(order(1, place), sent); (why != "") != surprise {
			t.Errorf("%s: %q", place, why)
		}
	}
	once := order(1, orders.Place{State: orders.Executed})
	once.Items[0].Policy.Once = true
	if why := surprising(once, sent); why != "" {
		t.Errorf("a write-once value surprises: %s", why)
	}
}

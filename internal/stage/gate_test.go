package stage_test

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// Found by simulation: a link that waited for its group named no gate, because
// the login beside it rests at Executed for good.
func TestAValueWrittenOnceHidesNoGate(t *testing.T) {
	const kind = roles.ResourceTypeID("Account")
	g := &stage.Gates{
		Model: &roles.Model{ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{
			kind: {ID: kind, Provisioning: roles.Provisioning{Enabled: true}},
		}},
		Now: time.Date(2030, 3, 4, 8, 0, 0, 0, time.UTC),
	}
	a := &orders.AssignedResource{
		Type: kind, Target: "k1", Order: &orders.Order{ID: 7, Kind: orders.Update},
		Items: []orders.Item{
			{ID: 0, Place: orders.Place{State: orders.Verified}, Is: orders.Present, Want: orders.Present},
			{ID: 1, Property: "login", Order: 7, Place: orders.Place{State: orders.Executed}, Policy: orders.Policy{Once: true}},
			{ID: 2, Property: "groups", Link: "g", Order: 7, Place: orders.Place{State: orders.Pending}, Policy: orders.Policy{Parked: "the group is not there yet"}},
		},
	}
	if waits := g.Waits(a); waits != "the group is not there yet" {
		t.Errorf("the order waits for %q", waits)
	}
}

// Found by simulation: an account whose deletion was confirmed and never seen is
// wanted again. Its login was written with it and goes out no more; the account
// is there, so nobody has to find it by a name.
func TestAnAccountThatIsThereNeedsNoNameToGoWithIt(t *testing.T) {
	const kind = roles.ResourceTypeID("Account")
	user := schema.Entity{Type: "User", Key: "login"}
	g := &stage.Gates{
		Model: &roles.Model{
			Connectors:    map[schema.ConnectorID]schema.Connector{"ad": {Entities: map[schema.EntityType]schema.Entity{"User": user}}},
			ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{kind: {ID: kind, Target: "User", Provisioning: roles.Provisioning{Enabled: true, Add: true}}},
		},
		Now:  time.Date(2030, 3, 4, 8, 0, 0, 0, time.UTC),
		Read: map[schema.EntityType]bool{"User": true},
	}
	a := &orders.AssignedResource{
		Type: kind, Target: "k1", Order: &orders.Order{ID: 7, Kind: orders.Addition},
		Items: []orders.Item{
			{ID: 0, Order: 7, Place: orders.Place{State: orders.Pending}, Is: orders.Present, Want: orders.Present, Policy: orders.Policy{Wanted: true}},
			{ID: 1, Property: "login", Place: orders.Place{State: orders.Executed}, Policy: orders.Policy{Once: true}},
		},
	}
	if waits := g.Waits(a); waits != "" {
		t.Errorf("the order waits for %q", waits)
	}
	a.Items[0].ReadAt, a.Items[0].Ours = 5, []orders.Sent{{At: 4, Done: 6}}
	if waits := g.Waits(a); waits != "a reading that shows that the former account is gone" {
		t.Errorf("an account that was deleted since it was read waits for %q", waits)
	}
	a.Target, a.Items[0].Is = "", orders.Nothing
	if waits := g.Waits(a); waits != "the values that name the account" {
		t.Errorf("the creation of an account without its name waits for %q", waits)
	}
}

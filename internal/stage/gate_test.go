package stage_test

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
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

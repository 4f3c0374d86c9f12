package roles

import (
	"testing"

	"provisor.dev/provisor/internal/domain/schema"
)

func TestAResourceTypeIsProvisionedThroughItsTargetsConnector(t *testing.T) {
	m := &Model{Connectors: map[schema.ConnectorID]schema.Connector{
		"hr": {ID: "hr", Entities: map[schema.EntityType]schema.Entity{"Person": {Connector: "hr"}}},
		"ad": {
			ID:          "ad",
			Entities:    map[schema.EntityType]schema.Entity{"User": {Type: "User", Connector: "ad", Connection: "read"}},
			Connections: map[schema.ConnectionID]schema.Connection{"read": {ID: "read"}, "write": {ID: "write"}},
		},
	}}
	c, connection := m.Connection(ResourceType{Target: "User", Provisioning: Provisioning{Connection: "write"}})
	if c.ID != "ad" || connection.ID != "write" {
		t.Errorf("got %s, %s", c.ID, connection.ID)
	}
	if _, ok := m.Entity("Group"); ok {
		t.Error("an entity type that nobody declares was found")
	}
}

func TestALineWithoutCriteriaIsOpen(t *testing.T) {
	for _, l := range []Line{
		{Match: map[DimensionID]string{"site": "x"}}, {When: schema.Expression{Text: "true"}}, {Role: "R"},
	} {
		if l.IsOpen() {
			t.Errorf("%+v has a criterion", l)
		}
	}
	if !(Line{Deny: true, Kind: Required}).IsOpen() {
		t.Error("a line without criteria holds for everybody")
	}
}

func TestTheZeroProvisioningWritesNothing(t *testing.T) {
	var p Provisioning
	if p.Enabled || p.Add || p.Remove || p.DiscardManual {
		t.Error("a zero value is not the safe one")
	}
}

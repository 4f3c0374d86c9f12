package verify

import (
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Ten thousand refused creations in a directory of ten thousand accounts must not
// be a hundred million comparisons: names are looked up, in the comparison that
// the rule says.
func TestAnAccountOfOursIsFoundByItsName(t *testing.T) {
	const entity, many = schema.EntityType("Account"), 10_000
	held := map[resources.Key]*resources.Resource{}
	for i := range many {
		key := resources.Key(rune('a' + i))
		held[key] = &resources.Resource{
			Ref: resources.Ref{Type: entity, Key: key}, Values: map[schema.PropertyName]value.Value{"uid": value.OfString("user" + string(key))},
		}
	}
	held["b"].Values["uid"] = value.OfString("TWIN")
	held["c"].Values["uid"] = value.OfString("twin")
	w := world{
		model: &roles.Model{Connectors: map[schema.ConnectorID]schema.Connector{"d": {Entities: map[schema.EntityType]schema.Entity{
			entity: {Type: entity, Key: "id", Identify: []schema.PropertyName{"uid"}},
		}}}},
		named: map[naming]map[string]*resources.Resource{},
	}
	find := func(uid string, sent orders.Instant) resources.Key {
		a := &orders.AssignedResource{Order: &orders.Order{}, Items: []orders.Item{
			{Want: orders.Present, SentAt: sent},
			{Property: "uid", Want: orders.HoldingOf(value.OfString(uid)), Policy: orders.Policy{Compare: value.IgnoreCase}},
		}}
		if r := w.created(a, entity, held); r != nil {
			return r.Key
		}
		return ""
	}
	for range many {
		if got := find("nobody", 1); got != "" {
			t.Fatalf("found %s", got)
		}
	}
	if got := find("USERz", 1); got != "z" {
		t.Errorf("found %q", got)
	}
	if got := find("Twin", 1); got != "b" {
		t.Errorf("of two with one name %q was taken, want the first by key", got)
	}
	if got := find("userz", 0); got != "" {
		t.Errorf("an order that was not sent created %s", got)
	}
}

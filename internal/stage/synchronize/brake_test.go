package synchronize

import (
	"context"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// assigned is a store that knows assigned resources alone.
type assigned struct {
	Store
	list []*orders.AssignedResource
}

func (s assigned) Assigned(_ context.Context, f stage.AssignedFilter) (list []*orders.AssignedResource, err error) {
	for _, a := range s.list {
		if a.Handling.Target == f.Entity {
			list = append(list, a)
		}
	}
	return list, nil
}

var (
	user = schema.Entity{Type: "User", Connector: "directory", Key: "id", Identify: []schema.PropertyName{"uid"}, Properties: map[schema.PropertyName]schema.Property{
		"id": {Name: "id"}, "uid": {Name: "uid"}, "groups": {Name: "groups", Link: "Group", Many: true, Inverse: "members"},
	}}
	group = schema.Entity{Type: "Group", Connector: "directory", Key: "id", Properties: map[schema.PropertyName]schema.Property{
		"id": {Name: "id"}, "members": {Name: "members", Link: "User", Many: true, Column: "member"},
	}}
)

// member is an account that Provisor wants in a group. The process that created
// it died before it could record under which key the directory filed it.
func member(uid string, in resources.Key) *orders.AssignedResource {
	present := orders.Present
	return &orders.AssignedResource{Type: "Account", Handling: orders.Handling{Target: "User"}, Items: []orders.Item{
		{ID: 1, Want: present},
		{ID: 2, Property: "uid", Want: orders.HoldingOf(value.OfString(uid))},
		{ID: 3, Property: "groups", Link: in, Want: present},
	}}
}

// changedGroups is the difference of a reading in which each group has the given
// members and had none before.
func changedGroups(members map[resources.Key][]resources.Key) difference {
	d := difference{before: map[resources.Key]*resources.Resource{}, counts: resources.Counts{Held: len(members), Changed: len(members)}}
	for key, list := range members {
		ref := resources.Ref{Type: "Group", Key: key}
		d.before[key] = &resources.Resource{Ref: ref}
		d.put = append(d.put, resources.Resource{Ref: ref, Links: map[schema.PropertyName][]resources.Key{"members": list}})
	}
	return d
}

func TestWhatADeadProcessWroteDoesNotParkAReading(t *testing.T) {
	r := Runner{
		Model: &roles.Model{Connectors: map[schema.ConnectorID]schema.Connector{"directory": {
			Entities:   map[schema.EntityType]schema.Entity{"User": user, "Group": group},
			Thresholds: schema.ReadingThresholds{UpdatePercent: 30},
		}}},
		Store: assigned{list: []*orders.AssignedResource{member("ada", "g1"), member("ben", "g2"), member("cleo", "g3")}},
	}
	names := stage.NameIndex{}
	for key, uid := range map[resources.Key]string{"u1": "ada", "u2": "ben", "u3": "cleo", "u9": "mallory"} {
		names.Add(user, key, func(schema.PropertyName) value.Value { return value.OfString(uid) })
	}
	ours := changedGroups(map[resources.Key][]resources.Key{"g1": {"u1"}, "g2": {"u2"}, "g3": {"u3"}})
	if tripped, err := r.brake(context.Background(), group, ours, names); err != nil || tripped != "" {
		t.Errorf("memberships of ours parked the reading: %q, %v", tripped, err)
	}
	foreign := changedGroups(map[resources.Key][]resources.Key{"g1": {"u9"}, "g2": {"u9"}, "g3": {"u9"}})
	if tripped, _ := r.brake(context.Background(), group, foreign, names); !strings.Contains(tripped, "all 3 would change") {
		t.Errorf("memberships of somebody else let the reading through: %q", tripped)
	}
}

package synchronize

import (
	"context"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
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

var (
	site = schema.Entity{Type: "Site", Connector: "hr", Key: "code", Properties: map[schema.PropertyName]schema.Property{
		"code": {Name: "code"},
	}}
	person = schema.Entity{Type: "Person", Connector: "hr", Key: "id", Properties: map[schema.PropertyName]schema.Property{
		"id": {Name: "id"}, "left": {Name: "left"}, "site": {Name: "site", Link: "Site"},
	}}
)

// known is a store that holds resources, and a runner that people's accounts are read by.
type known struct {
	assigned
	held map[schema.EntityType][]resources.Resource
}

func (s known) Resources(_ context.Context, t schema.EntityType) ([]resources.Resource, error) {
	return s.held[t], nil
}

func personnel(held map[schema.EntityType][]resources.Resource) *Runner {
	return &Runner{
		Store: known{held: held},
		Model: &roles.Model{
			Connectors: map[schema.ConnectorID]schema.Connector{"hr": {
				Entities:   map[schema.EntityType]schema.Entity{"Site": site, "Person": person},
				Thresholds: schema.ReadingThresholds{UpdatePercent: 30, DeletePercent: 30},
			}},
			ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{"Account": {Source: "Person", Target: "User"}},
		},
	}
}

// somebody is a person who is known, at a site and with a last day where they are given.
func somebody(key resources.Key, at resources.Key, left string) resources.Resource {
	p := resources.Resource{Ref: resources.Ref{Type: "Person", Key: key}, Display: string(key),
		Values: map[schema.PropertyName]value.Value{"id": value.OfString(string(key))}}
	if at != "" {
		p.Links = map[schema.PropertyName][]resources.Key{"site": {at}}
	}
	if left != "" {
		p.Values["left"] = value.OfString(left)
	}
	return p
}

// row is how a file shows such a person.
func row(key, at, left string) connector.Object {
	o := connector.Object{Key: key, Values: map[string]value.Value{"id": value.OfString(key)}, Links: map[string][]string{"site": {at}}}
	if left != "" {
		o.Values["left"] = value.OfString(left)
	}
	return o
}

func place(code resources.Key) resources.Resource {
	return resources.Resource{Ref: resources.Ref{Type: "Site", Key: code}, Display: string(code),
		Values: map[schema.PropertyName]value.Value{"code": value.OfString(string(code))}}
}

// shown reads the given objects of people and sites and returns what would change for people, and why it is braked.
func shown(t *testing.T, r *Runner, complete bool, people []connector.Object, sites []string, aside ...resources.Key) (d difference, why string, of *fetched) {
	t.Helper()
	of = &fetched{entity: site, reading: resources.Reading{Complete: true}, setAside: aside}
	for _, code := range sites {
		of.objects = append(of.objects, connector.Object{Key: code, Values: map[string]value.Value{"code": value.OfString(code)}})
	}
	f := &fetched{entity: person, reading: resources.Reading{Complete: complete}, objects: people}
	names, err := r.names(t.Context(), []*fetched{f, of}, false)
	if err != nil {
		t.Fatal(err)
	}
	held, _ := r.Store.Resources(t.Context(), "Person")
	d = r.compare(f, held, names)
	if why, err = r.brake(t.Context(), person, d, names); err != nil {
		t.Fatal(err)
	}
	return d, why, of
}

func TestPeopleStayWhereTheyAreWhenTheirSiteCannotBeRead(t *testing.T) {
	held := map[schema.EntityType][]resources.Resource{
		"Person": {somebody("E1", "BER", ""), somebody("E2", "PAR", ""), somebody("E3", "PAR", "")},
		"Site":   {place("BER"), place("PAR"), place("OSL")},
	}
	same := []connector.Object{row("E1", "BER", ""), row("E2", "PAR", ""), row("E3", "PAR", "")}
	for _, tt := range []struct {
		name   string
		people []connector.Object
		sites  []string
		aside  []resources.Key
		kept   int
	}{
		{"its row is set aside", same, []string{"PAR", "OSL"}, []resources.Key{"BER"}, 0},
		{"it is missing", same, []string{"PAR", "OSL"}, nil, 1},
		{"most are missing", same, []string{"OSL"}, nil, 2},
		{"it is unknown", []connector.Object{row("E1", "ATH", ""), same[1], same[2]}, []string{"BER", "PAR", "OSL"}, nil, 0},
	} {
		d, why, of := shown(t, personnel(held), true, tt.people, tt.sites, tt.aside...)
		if why != "" || d.counts.Links > 0 || len(of.kept) != tt.kept {
			t.Errorf("%s: %q, %+v, kept %v", tt.name, why, d.counts, of.kept)
		}
		for _, now := range d.put {
			if len(now.Links["site"]) == 0 {
				t.Errorf("%s: %s is nowhere", tt.name, now.Key)
			}
		}
	}
	d, _, of := shown(t, personnel(held), true, []connector.Object{row("E1", "PAR", ""), same[1], same[2]}, []string{"PAR", "OSL"})
	if len(of.kept) > 0 || len(d.put) != 1 {
		t.Errorf("a site that nobody names is kept: %v, %+v", of.kept, d.put)
	}
}

func TestAReadingThatHoldsNobodyKnownOrLosesAColumnIsParked(t *testing.T) {
	held := map[schema.EntityType][]resources.Resource{"Site": {place("BER")}}
	var emptied, others []connector.Object
	for _, key := range []string{"E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11"} {
		left := ""
		if len(held["Person"]) < allFloor {
			left = "2020-01-31"
		}
		held["Person"] = append(held["Person"], somebody(resources.Key(key), "BER", left))
		emptied, others = append(emptied, row(key, "BER", "")), append(others, row("x"+key, "BER", left))
	}
	r := personnel(held)
	if _, why, _ := shown(t, r, true, emptied, []string{"BER"}); why != "all 3 values of Person.left would be lost: is it another column?" {
		t.Errorf("an emptied column: %q", why)
	}
	if _, why, _ := shown(t, r, false, others[:4], []string{"BER"}); why != "none of the 11 that are known is in it, and 4 others are: is the key in another column?" {
		t.Errorf("other keys in an incomplete file: %q", why)
	}
	if _, why, _ := shown(t, r, false, emptied[3:5], []string{"BER"}); why != "" {
		t.Errorf("half of a file: %q", why)
	}
}

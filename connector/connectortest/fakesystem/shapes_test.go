package fakesystem_test

import (
	"fmt"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest"
	"provisor.dev/provisor/value"
)

// The entity types of the tests: a directory, whose keys the system assigns and
// whose memberships are stored at the group, and a ledger with keys of its own.
var (
	user = connector.Shape{
		Entity: "User", Key: "id", Identify: []string{"dn", "uid"},
		Properties: []connector.Property{
			{Name: "id", Type: value.String, System: true},
			{Name: "dn", Type: value.DN},
			{Name: "uid", Type: value.String},
			{Name: "mail", Type: value.String},
			{Name: "number", Type: value.Int},
			{Name: "groups", Link: "Group", Many: true, Inverse: "members"},
			{Name: "manager", Link: "User"},
		},
	}
	group = connector.Shape{
		Entity: "Group", Key: "id", Identify: []string{"cn"},
		Properties: []connector.Property{
			{Name: "id", Type: value.String, System: true},
			{Name: "cn", Type: value.String},
			{Name: "members", Link: "User", Many: true},
		},
	}
	account = connector.Shape{
		Entity: "Account", Key: "login",
		Properties: []connector.Property{
			{Name: "login", Type: value.String},
			{Name: "note", Type: value.String},
			{Name: "roles", Link: "Role", Many: true},
		},
	}
)

func userSample(n int) connectortest.Sample {
	uid := fmt.Sprintf("user%d", n)
	return connectortest.Sample{Values: map[string]value.Value{
		"dn":     must(value.Normalize(value.DN, "", "uid="+uid+",dc=example,dc=org")),
		"uid":    value.OfString(uid),
		"mail":   value.OfString(uid + "@example.org"),
		"number": value.OfInt(int64(n)),
	}}
}

func must(v value.Value, err error) value.Value {
	if err != nil {
		return value.Null
	}
	return v
}

// createUser is the order that creates the nth user.
func createUser(order string, n int) connector.Change {
	s := userSample(n)
	change := connector.Change{Order: order, Shape: user, Kind: connector.Create, Items: []connector.Item{{ID: 1, Op: connector.OpObject}}}
	for i, name := range []string{"dn", "uid", "mail"} {
		p, _ := user.Property(name)
		change.Items = append(change.Items, connector.Item{ID: i + 2, Op: connector.OpSet, Property: p, Value: s.Values[name]})
	}
	return change
}

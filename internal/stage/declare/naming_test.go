package declare

import (
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/value"
)

func named(id string) roles.NamedRole {
	return roles.NamedRole{
		ID: roles.RoleID(id), Name: "Role " + id, Category: "c", Entity: "Person", Approval: roles.NotRequestable,
		ResourceType: "T", Property: "friends", By: "mail", Value: value.OfString(id + "@x"),
	}
}

// appended adds and sees that the result still loads.
func appended(t *testing.T, content string, list ...roles.NamedRole) string {
	t.Helper()
	out, err := AppendNamed([]byte(content), nil, list)
	if err != nil {
		t.Fatal(err)
	}
	load(t, Files{"base.yaml": []byte(base), NamedRolesFile: out})
	return string(out)
}

func TestNamedRolesAreAddedInOrderAndWhatStandsThereStays(t *testing.T) {
	first := appended(t, "", named("b"), named("d"))
	if !strings.HasPrefix(first, "# Roles that `provisor name-roles` made") || !strings.Contains(first, "to: {mail: b@x}") {
		t.Fatalf("it is\n%s", first)
	}
	mine := strings.Replace(first, "name: Role b", "name: Mine # by hand", 1)
	second := appended(t, mine, named("c"))
	if !strings.HasPrefix(second, "# Roles that") || !strings.Contains(second, "name: Mine # by hand") {
		t.Errorf("what stood there is not as it was:\n%s", second)
	}
	if b, c, d := strings.Index(second, "  b:"), strings.Index(second, "  c:"), strings.Index(second, "  d:"); !(0 < b && b < c && c < d) {
		t.Errorf("the roles are not in order:\n%s", second)
	}
	if third, err := AppendNamed([]byte(second), nil, nil); err != nil || string(third) != second {
		t.Errorf("without anything new it changes (%v):\n%s", err, third)
	}
}

func TestWhatARoleGivesIsAddedHoweverTheFileIsWritten(t *testing.T) {
	for _, content := range []string{
		"# only a comment\n",
		"roles: {}\n",
		"roles:\n",
		"roles: {z: {name: Z}}\n",
		"roles:\n  b: {name: B, category: c}\n",
		"roles:\n  b:\n    grants: {resourceType: T, property: friends, to: {mail: other}}\n",
		"roles:\n  b:\n    grants:\n    - {resourceType: T}\n",
	} {
		if out := appended(t, content, named("b")); strings.Count(out, "b@x") != 1 || strings.Contains(content, "name: B") && !strings.Contains(out, "name: B") {
			t.Errorf("%q became\n%s", content, out)
		}
	}
}

func TestANameWithNothingInItBecomesTheRole(t *testing.T) {
	for _, there := range []string{"roles: {b: }\n", "roles:\n  b:\n", "roles: {b: {name: Mine, category: c, entity: Person, grants: }}\n"} {
		if text := appended(t, there, named("b")); !strings.Contains(text, "to: {mail: b@x}") {
			t.Errorf("%q has become %q", there, text)
		}
	}
}

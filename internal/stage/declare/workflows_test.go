package declare

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/roles"
)

// kept is a small configuration of people who live in Provisor alone.
const kept = `
connectors:
  own:
    connections: {here: {package: repository}}
    entities:
      Guest:
        from: {connection: here}
        key: number
        properties:
          number:  {type: string, allocate: {sequence: guests}}
          name:    {type: string}
          manager: {link: Guest}
          team:    {links: Guest}
          led:     {links: Guest, inverse: manager}
          last:    {type: date}
contexts:
  Guest: {to: last}
categories: {people: {name: People}}
workflows:
  new: {entity: Guest, action: create, who: [manager, reviewer], approval: two, reviewers: {one: [manager], two: ["owner:people"]}, fields: [{property: name, required: true, label: Name, check: "name != 'x'", message: "not x"}, {property: manager, default: "manager.manager"}]}
  end: {entity: Guest, action: end, who: self, approval: none}
`

func TestAFormIsBuiltWithWhatItsEntityTypeSays(t *testing.T) {
	c := load(t, Files{"kept.yaml": []byte(kept)})
	w := c.Model.Workflows["new"]
	if w.Name != "new" || w.Action != roles.CreateResource || w.Ends != "last" || len(w.Fields) != 2 || fmt.Sprint(w.Who, w.Reviewers) != "[manager reviewer] map[one:[manager] two:[owner:people]]" {
		t.Errorf("got %+v", w)
	}
	if f := w.Fields[0]; !f.Required || f.Label != "Name" || f.Message != "not x" || c.Programs[f.Check] == nil || c.Programs[w.Fields[1].Default] == nil {
		t.Errorf("got %+v", f)
	}
	if !c.Model.Kept("Guest") || c.Model.Kept("Nobody") {
		t.Error("who lives here is not known")
	}
	text, err := Export(c)
	if err != nil {
		t.Fatal(err)
	}
	again := load(t, Files{"all.yaml": text})
	if !reflect.DeepEqual(forgetPlaces(reflect.ValueOf(c.Model.Workflows)).Interface(), forgetPlaces(reflect.ValueOf(again.Model.Workflows)).Interface()) {
		t.Errorf("the export says something else:\n%s", text)
	}
}

func TestWhatAFormCannotDoIsSaidAtLoad(t *testing.T) {
	for _, c := range []struct{ old, now, says string }{
		{"action: end, who: self", "action: end, who: nobody", `workflows.end.who[0]: "nobody" does not say who may start it`},
		{"who: [manager, reviewer]", "who: self", "workflows.new.who[0]: nobody is there yet who could create themselves"},
		{"who: self", "who: reviewer", "workflows.end.who[0]: there is no reviewer where nobody has to approve"},
		{"who: self", "who: \"owner:nowhere\"", "workflows.end.who[0]: there is no category nowhere"},
		{"approval: none", "approval: one", "workflows.end.reviewers.one: nobody is named"},
		{"approval: two", "approval: one", "workflows.new.reviewers.two: approval one has no step two"},
		{"Guest: {to: last}", "Guest: {to: \"null\"}", "workflows.end.action: no property of Guest holds its last day"},
		{"allocate: {sequence: guests}", "format: x", "workflows.new.fields: nothing gives the new Guest its key number"},
		{"{property: name,", "{property: led}, {property: name,", "workflows.new.fields[0].property: the link led is stored by Guest.manager"},
		{"{property: name,", "{property: number}, {property: name,", "workflows.new.fields[0].property: number is allocated by Provisor"},
		{"{property: name,", "{property: name}, {property: name,", "workflows.new.fields[1].property: the form asks for name twice"},
		{"{property: name,", "{property: team, default: manager}, {property: name,", "workflows.new.fields[0].default: a link to many has no default"},
		{"check: \"name != 'x'\", ", "", "workflows.new.fields[0].message: there is no check"},
		{"check: \"name != 'x'\"", "check: \"nam != 'x'\"", "workflows.new.fields[0].check:"},
		{"who: self, approval: none", "who: self", "workflows.end: approval is missing"},
		{"{type: string}", "{type: string, editable: true}", "connectors.own.entities.Guest.properties.name.editable: everything of a repository can be edited"},
		{"{type: string}", "{type: string, column: x}", "connectors.own.entities.Guest.properties.name.column: the property lives in Provisor"},
	} {
		text := strings.Replace(kept, c.old, c.now, 1)
		if text == kept {
			t.Fatalf("%q is not there", c.old)
		}
		if _, err := Load(Files{"kept.yaml": []byte(text)}, packages()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v\nwant %s", c.now, err, c.says)
		}
	}
}

func TestWhatRulesWriteCannotBeEditedAndNothingIsWrittenIntoARepository(t *testing.T) {
	const text = `
connectors:
  hr:
    connections: {files: {package: csv, settings: {folder: hr}}, here: {package: repository}}
    entities:
      Person:
        from: {connection: files, table: p.csv}
        key: id
        identifiers: [mail]
        properties: {id: {type: string, editable: true}, mail: {type: string, editable: true}, name: {type: string, editable: true}, phone: {type: string, editable: true}}
      Guest: {from: {connection: here}, key: id, properties: {id: {type: string}}}
contexts: {Person: {}}
resourceTypes:
  Copy: {source: Person, target: Person, provisioning: {connection: here}, values: {name: {value: x}}}
  Made: {source: Person, target: Guest, provisioning: {connection: here}}
`
	_, err := Load(Files{"a.yaml": []byte(text)}, packages())
	for _, says := range []string{
		"properties.id.editable: id names the resource", "properties.mail.editable: mail names the resource",
		"properties.name: the resource type Copy computes the property", "resourceTypes.Copy.provisioning.connection: nothing is written through a repository",
		"resourceTypes.Made.target: the resources of Guest live in Provisor alone",
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v\nwant %s", err, says)
		}
	}
}

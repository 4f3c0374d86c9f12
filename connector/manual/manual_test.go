package manual_test

import (
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/fault"
)

func TestNothingIsEverDoneOrReadByAMachine(t *testing.T) {
	p := manual.Package()
	if !p.Manual || p.Class != connector.APerson || p.Name != "manual" {
		t.Errorf("the package is %+v", p)
	}
	s, err := p.Open(t.Context(), connector.Settings{Values: map[string]string{"instructions": "Call the desk.", "unsynchronized": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Describe(t.Context())
	if err != nil || d.Can != (connector.Abilities{}) {
		t.Errorf("Describe: %+v, %v", d, err)
	}
	if page, err := s.Read(t.Context(), connector.ReadRequest{}); fault.KindOf(err) != fault.Refused || page.Complete {
		t.Errorf("Read: %+v, %v", page, err)
	}
	if _, err := s.Lookup(t.Context(), connector.LookupRequest{Key: "x"}); fault.KindOf(err) != fault.Refused {
		t.Errorf("Lookup: %v", err)
	}
	out := s.Apply(t.Context(), connector.Change{Items: []connector.Item{{ID: 1}, {ID: 2}}})
	for id := 1; id <= 2; id++ {
		if o := out.Items[id]; o.Effect != connector.None || !o.Permanent || o.Err == "" {
			t.Errorf("item %d: %+v", id, o)
		}
	}
	if s.Close() != nil || s.Close() != nil {
		t.Error("Close fails")
	}
}

func TestWrongSettingsAreAllReported(t *testing.T) {
	wrong := connector.Settings{Values: map[string]string{"unsynchronized": "maybe", "instructions": strings.Repeat("x", 5000)}}
	if findings := manual.Package().Check(wrong); len(findings) != 2 {
		t.Errorf("findings: %v", findings)
	}
	if _, err := manual.Package().Open(t.Context(), wrong); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Open: %v", err)
	}
	if findings := manual.Package().Check(connector.Settings{}); len(findings) != 0 {
		t.Errorf("findings: %v", findings)
	}
}

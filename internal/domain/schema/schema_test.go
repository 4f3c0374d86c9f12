package schema

import (
	"slices"
	"testing"
)

func TestNamesAreInAlphabeticalOrder(t *testing.T) {
	e := Entity{Properties: map[PropertyName]Property{"b": {}, "a": {}, "C": {}}}
	if got := e.Names(); !slices.Equal(got, []PropertyName{"C", "a", "b"}) {
		t.Errorf("got %v", got)
	}
}

func TestAPropertyIsALinkWhenItLeadsSomewhere(t *testing.T) {
	if (Property{}).IsLink() || !(Property{Link: "Group"}).IsLink() {
		t.Error("a link is what names an entity type")
	}
	if !(Expression{}).IsZero() || (Expression{Text: "1"}).IsZero() {
		t.Error("an expression is there when it has a text")
	}
}

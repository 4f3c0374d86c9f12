package resources

import (
	"testing"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

func TestAnEditGoesBeforeTheSourceAndIsTakenBackWithoutATrace(t *testing.T) {
	text := func(s string) Given { return Given{Value: value.OfString(s)} }
	r := Resource{Ref: Ref{Type: "Person", Key: "E1"}, Values: map[schema.PropertyName]value.Value{"phone": value.OfString("1")},
		Dangling: map[schema.PropertyName][]string{"site": {"nowhere"}}}
	_, plain := r.Encode()
	edits := Edits{"E1": {"phone": text("2"), "site": {Links: []Key{"BER"}}}}
	edits.Apply(&r)
	edits.Apply(&r) // a second time changes nothing
	if r.Value("phone").Text() != "2" || !r.HasLink("site", "BER") || len(r.Dangling) > 0 {
		t.Errorf("edited: %+v", r)
	}
	document, hash := r.Encode()
	var again Resource
	if err := again.Decode(document); err != nil {
		t.Fatal(err)
	}
	again.Ref = r.Ref
	if _, same := again.Encode(); same != hash || hash == plain {
		t.Errorf("an edit is lost on its way: %s", document)
	}
	if source := again.Source(); source.Value("phone").Text() != "1" || again.Value("phone").Text() != "2" {
		t.Errorf("the source says %+v of %+v", source, again)
	}
	edits["E1"] = map[schema.PropertyName]Given{"phone": {}}
	edits.Apply(&again)
	if !again.Value("phone").IsNull() || again.Dangling["site"][0] != "nowhere" {
		t.Errorf("an edit that empties: %+v", again)
	}
	Edits{}.Apply(&again)
	if _, back := again.Encode(); back != plain {
		t.Errorf("taken back, it is not as before: %+v", again)
	}
}

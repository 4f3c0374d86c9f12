package resources

import (
	"reflect"
	"testing"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

func ann() Resource {
	return Resource{
		Ref: Ref{"User", "k1"}, Display: "Ann",
		Values:   map[schema.PropertyName]value.Value{"mail": value.OfString("a@x"), "age": value.OfInt(7), "gone": value.Null},
		Links:    map[schema.PropertyName][]Key{"memberOf": {"g1", "g3"}},
		Dangling: map[schema.PropertyName][]string{"memberOf": {"cn=who"}},
	}
}

func TestAResourceReadsBackFromItsDocument(t *testing.T) {
	document, _ := ann().Encode()
	var back Resource
	if err := back.Decode(document); err != nil {
		t.Fatal(err)
	}
	want := ann()
	delete(want.Values, "gone") // null is no value
	if !reflect.DeepEqual(back.Values, want.Values) || !reflect.DeepEqual(back.Links, want.Links) || !reflect.DeepEqual(back.Dangling, want.Dangling) {
		t.Errorf("got %+v", back)
	}
	if back.Decode([]byte("{")) == nil {
		t.Error("half a document was read")
	}
}

func TestTheHashIsThatOfTheContent(t *testing.T) {
	_, hash := ann().Encode()
	if same := ann(); true {
		delete(same.Values, "gone")
		if _, again := same.Encode(); again != hash {
			t.Error("a null value counts as content")
		}
	}
	for what, change := range map[string]func(*Resource){
		"value":    func(r *Resource) { r.Values["mail"] = value.OfString("b@x") },
		"type":     func(r *Resource) { r.Values["age"] = value.OfString("7") },
		"link":     func(r *Resource) { r.Links["memberOf"] = []Key{"g1"} },
		"dangling": func(r *Resource) { r.Dangling = nil },
		"display":  func(r *Resource) { r.Display = "Anna" },
	} {
		r := ann()
		change(&r)
		if _, changed := r.Encode(); changed == hash {
			t.Errorf("another %s has the same hash", what)
		}
	}
}

func TestALinkIsThereOrNot(t *testing.T) {
	r := ann()
	for key, want := range map[Key]bool{"g1": true, "g2": false, "g3": true, "g4": false, "": false} {
		if r.HasLink("memberOf", key) != want {
			t.Errorf("link to %q: %v", key, !want)
		}
	}
	if r.HasLink("manager", "g1") || r.Ref.String() != "User:k1" || !r.Value("none").IsNull() {
		t.Error("what is not there was found")
	}
}

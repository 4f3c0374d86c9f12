package plan

import (
	"testing"
	"testing/fstest"
)

// FuzzFiled reads anything as a plan that somebody kept: a plan, or why it is none.
func FuzzFiled(f *testing.F) {
	for _, text := range []string{
		"", "null", "[]", `{"name":"x"}`, `{"name":""}`, `{"name":"x","orders":[{"items":[{}]}],"configuration":[{}]}`, `{"name":1}`, "\xff", `{"name":"x","day":"never"}`,
		`{"name":"3f0c","day":"2026-03-01","orders":[{"kind":"addition","type":"T","owner":{"type":"Person","key":"E1"},"state":"Pending","items":[{"property":"a"}]}],"kinds":{"addition":1},"reach":{"people":-1},"parks":[{"why":"x"}]}`,
	} {
		f.Add("a.plan", []byte(text))
	}
	f.Add("../a.plan", []byte("{}"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		folder := fstest.MapFS{"a.plan": {Data: text}}
		list, err := InFolder(folder)
		if err != nil || len(list) != 1 || (list[0].Unreadable == "") != (list[0].Plan.Name != "") {
			t.Fatalf("%+v, %v", list, err)
		}
		if _, err := FromFolder(folder, name); (err == nil) != (name == "a.plan") {
			t.Fatalf("%q: %v", name, err)
		}
	})
}

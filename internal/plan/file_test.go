package plan

import (
	"testing"
	"testing/fstest"
	"time"

	"provisor.dev/provisor/fault"
)

func TestPlansThatWereKeptAreReadAsTheyWereMade(t *testing.T) {
	old, young := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	folder := fstest.MapFS{
		"a.plan":     {ModTime: old, Data: []byte(`{"name":"3f0c","day":"2026-03-01","orders":[{"kind":"addition","type":"T","owner":{"type":"Person","key":"E1"},"state":"Pending","items":[]}],"kinds":{"addition":1},"configuration":[{"object":"roles.x","change":"added","after":"y"}]}`)},
		"b.plan":     {ModTime: young, Data: []byte(`no plan`)},
		"notes.txt":  {Data: []byte(`{"name":"no"}`)},
		"sub/c.plan": {Data: []byte(`{"name":"no"}`)},
	}
	list, err := InFolder(folder)
	if err != nil || len(list) != 2 || list[0].File != "b.plan" || list[0].Unreadable == "" {
		t.Fatalf("got %+v %v", list, err)
	}
	a := list[1]
	if a.Plan.Name != "3f0c" || len(a.Plan.Orders) != 1 || a.Plan.Orders[0].Owner.Key != "E1" || len(a.Differences) != 1 || a.Differences[0].After != "y" {
		t.Errorf("got %+v", a)
	}
	for _, name := range []string{"sub/c.plan", "../a.plan", "notes.txt", "none.plan", "/a.plan", ""} {
		if _, err := FromFolder(folder, name); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
	if one, err := FromFolder(folder, "a.plan"); err != nil || one.Plan.Name != "3f0c" {
		t.Errorf("got %+v %v", one, err)
	}
}

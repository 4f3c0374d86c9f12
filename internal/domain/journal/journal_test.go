package journal

import (
	"encoding/json"
	"testing"
	"time"
)

func chain(t *testing.T, n int) []Entry {
	t.Helper()
	var entries []Entry
	prev := Entry{}
	for i := range n {
		e, err := Next(prev, Act{
			Actor: Actor{Process: "operator@host", As: "ann"}, Name: "approve order", Subject: "order 1",
			At: time.Date(2030, 1, 1+i, 1, 0, 0, 5, time.FixedZone("", 3600)), Detail: map[string]int{"n": i},
		})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
		prev = e
	}
	return entries
}

// broken reports whether checking finds anything wrong.
func broken(entries []Entry) bool {
	prev := Entry{}
	for _, e := range entries {
		if e.Check(prev) != nil {
			return true
		}
		prev = e
	}
	return false
}

func TestAChainIsWholeAndStaysSoWhenStored(t *testing.T) {
	entries := chain(t, 4)
	if broken(entries) {
		t.Fatal("a fresh chain is broken")
	}
	data, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	var stored []Entry
	if err := json.Unmarshal(data, &stored); err != nil || broken(stored) {
		t.Errorf("a stored chain is broken (%v)", err)
	}
}

func TestAnyEditDeletionOrReorderingBreaksTheChain(t *testing.T) {
	for what, harm := range map[string]func([]Entry) []Entry{
		"time":      func(e []Entry) []Entry { e[1].At = e[1].At.Add(1); return e },
		"actor":     func(e []Entry) []Entry { e[1].Actor.As = "bob"; return e },
		"process":   func(e []Entry) []Entry { e[1].Actor.Process = "x"; return e },
		"name":      func(e []Entry) []Entry { e[1].Name = "decline order"; return e },
		"subject":   func(e []Entry) []Entry { e[1].Subject = "order 2"; return e },
		"why":       func(e []Entry) []Entry { e[1].Why = "so"; return e },
		"detail":    func(e []Entry) []Entry { e[1].Detail = json.RawMessage(`{"n":9}`); return e },
		"hash":      func(e []Entry) []Entry { e[1].Hash = e[2].Hash; return e },
		"rehashed":  func(e []Entry) []Entry { e[1].Why = "so"; e[1].Hash = e[1].sum(); return e },
		"deletion":  func(e []Entry) []Entry { return append(e[:1], e[2:]...) },
		"beginning": func(e []Entry) []Entry { return e[1:] },
		"order":     func(e []Entry) []Entry { e[1], e[2] = e[2], e[1]; return e },
	} {
		if !broken(harm(chain(t, 4))) {
			t.Errorf("changing the %s is not found", what)
		}
	}
}

func TestWhatCannotBeWrittenDownIsRefused(t *testing.T) {
	if _, err := Next(Entry{}, Act{Name: "x", Detail: make(chan int)}); err == nil {
		t.Error("a detail that is not data was taken")
	}
}

func TestTheActorIsThePersonWhereThereIsOne(t *testing.T) {
	if (Actor{Process: "agent"}).String() != "agent" || (Actor{Process: "server", As: "ann"}).String() != "ann" {
		t.Error("the wrong name is shown")
	}
}

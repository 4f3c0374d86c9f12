package web_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// A peer who has the role is counted for whoever may see that he has it.
func TestTheCatalogSaysHowManyPeersHaveARole(t *testing.T) {
	e, person, manager := requestable(t)
	everybody, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	self := resources.Ref{Type: "Person", Key: resources.Key(person)}
	department := link(t, e, self, "department")
	peers, team := 0, 0
	var had []assignments.AssignedRole
	for _, o := range everybody.People {
		if link(t, e, ref(o), "department") != department || o.Key == person {
			continue
		}
		peers++
		if mine := link(t, e, ref(o), "manager") == resources.Key(manager); mine || len(had) == 0 {
			had = append(had, assignments.AssignedRole{Owner: ref(o), Role: "auditor", Workflow: assignments.Approved})
			if mine {
				team++
			}
		}
	}
	if peers == len(had) || len(had) == 0 {
		t.Fatalf("of %d peers %d are to have the role", peers, len(had))
	}
	if err := e.DB.SaveAssignedRoles(t.Context(), journal.Act{Actor: journal.Actor{Process: "test"}, Name: "assign", At: at}, had, nil); err != nil {
		t.Fatal(err)
	}
	page := "/directory/Person/" + person + "/request"
	shows(t, web.New(options(e)), page, "Peers who have it", fmt.Sprintf("%d of %d", len(had), peers), "the same department")
	model, err := e.Model(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	boss := resources.Ref{Type: "Person", Key: resources.Key(manager)}
	who := access.Resolve("x", boss, access.BuiltIn(), []access.Given{{Profile: "manager", World: access.World{Model: model, Person: boss}}})
	if team == 0 {
		t.Fatal("the manager leads none of the peers")
	}
	shows(t, askedBy(e, &who), page, fmt.Sprintf("%d of ", team))
	// Programs are told the same, and who would decide.
	all := access.Everybody()
	for _, c := range []struct {
		who  *access.Principal
		have int
		of   int // 0: as far as he sees
	}{{&who, team, 0}, {&all, len(had), peers}} {
		_, answer := get(t, askedBy(e, c.who), "/api/v1/people/Person/"+person+"/catalog?q=auditor")
		var catalog struct {
			Items []struct {
				PeersHave int
				Peers     struct{ Count int }
				Steps     []struct{ Who []struct{ Person, As string } }
			}
		}
		if err := json.Unmarshal([]byte(answer), &catalog); err != nil || len(catalog.Items) != 1 {
			t.Fatalf("programs are told %s: %v", answer, err)
		}
		x := catalog.Items[0]
		if x.PeersHave != c.have || c.of != 0 && x.Peers.Count != c.of || len(x.Steps) == 0 || len(x.Steps[0].Who) == 0 {
			t.Errorf("programs are told %s, and %d of %d have it", answer, c.have, c.of)
		}
	}
}

package messages_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// someone is a person of the company with his address and his manager.
func (h *house) someone(t *testing.T, key string) (address, manager string) {
	t.Helper()
	p, err := h.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(key)})
	if err != nil {
		t.Fatal(err)
	}
	return p.Values["email"], append(p.Links["manager"], "")[0]
}

// anybodyWithManager is somebody who works for somebody.
func (h *house) anybodyWithManager(t *testing.T) (key, manager string) {
	t.Helper()
	page, err := h.Views().People(t.Context(), view.PeopleFilter{Entity: "Person"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.People {
		if _, manager := h.someone(t, o.Key); manager != "" {
			return o.Key, manager
		}
	}
	t.Fatal("nobody works for anybody")
	return "", ""
}

func TestPeopleAreToldAtTheAddressOfTheDirectoryAndNobodyWhoIsOut(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	by := func(key string) access.Holder {
		return access.Holder{Person: resources.Ref{Type: "Person", Key: resources.Key(key)}}
	}
	give := func(a access.ProfileAssignment) {
		t.Helper()
		if _, err := h.desk.Assign(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	give(access.ProfileAssignment{Holder: by("E00005"), Profile: "application-owner", Scope: ledgers})
	give(access.ProfileAssignment{Holder: by("E00007"), Profile: "application-owner", Scope: ledgers, To: h.now.Add(time.Minute)})
	give(access.ProfileAssignment{Holder: by("E99999"), Profile: "application-owner", Scope: ledgers}) // nobody of the directory
	h.account(t, "out@example.org", "application-owner", ledgers)
	if err := h.desk.Disable(t.Context(), "out@example.org", ""); err != nil {
		t.Fatal(err)
	}
	h.account(t, "nowhere", "application-owner", ledgers)
	h.member(t, "second", resources.Ref{Type: "Person", Key: "E00005"}, "user", access.Scope{}) // the same person again
	sum := h.tell(t, 2*time.Minute)

	address, _ := h.someone(t, "E00005")
	if got, want := len(s.to(t, address)), len(h.waiting(t, "LedgerAccount")); got != want || len(s.mails(t)) != want {
		t.Errorf("%d mails came to %s, %d in all, %d orders wait", got, address, len(s.mails(t)), want)
	}
	if !slices.Equal(sum.Unheard, []string{"account nowhere"}) {
		t.Errorf("without an address: %v", sum.Unheard)
	}
}

func TestAReviewerIsToldOfTheRequestThatWaitsForHimAndNobodyElse(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(atOnce)+`roles:
  team-lunch: {name: Team lunch, category: front-office-teams, entity: Person, approval: one, reviewers: {one: [manager]}}
profiles:
  manager: {assign: [{entity: Person}]}
`, nil)
	h.account(t, "admin@example.org", "administrator", access.Scope{}) // sees the request, and is not its reviewer
	key, manager := h.anybodyWithManager(t)
	desk, err := h.As(key).RequestDesk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := desk.Ask(t.Context(), review.Asked{Owner: resources.Ref{Type: "Person", Key: resources.Key(key)}, Role: "team-lunch", Action: requests.Add, Why: "hungry"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Run(t.Context(), false); err != nil { // a round takes it to its first step
		t.Fatal(err)
	}
	h.tell(t, time.Minute)
	address, _ := h.someone(t, manager)
	link := fmt.Sprintf("https://provisor.example.org/requests/%d\r\n", asked.ID)
	got := s.to(t, address)
	if len(got) != 1 || !strings.Contains(got[0].body(t), link) || !strings.Contains(got[0].body(t), "hungry") {
		t.Errorf("%s, the manager of %s, got %+v", address, key, got)
	}
	for _, m := range s.mails(t) {
		if m.To[0] != address && strings.Contains(m.body(t), "team-lunch") {
			t.Errorf("%v is told of it, too", m.To)
		}
	}
}

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

func TestMessagesAreListedWithWhyTheyWereNotSentAndSentAgain(t *testing.T) {
	e := played(t)
	h := by(e, "E00005")
	shows(t, h, "/messages", "Nobody was told of anything yet")
	told := stage.Telling{Recipient: "Person:E00007", At: at, Told: []string{"a"}, Messages: []stage.Message{
		{Way: stage.ByMail, Address: "ada@example.org", Subject: hostile, Content: []byte("{}")}, {Way: stage.ByMail, Address: "ada@example.org", Subject: "second", Content: []byte("{}")},
	}}
	if err := e.Tell(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	list, err := e.ClaimMessages(t.Context(), stage.ByMail, at, at, 1)
	if err != nil {
		t.Fatal(err)
	}
	list[0].State, list[0].Why = stage.MessageFailed, "there is no such user"
	if err := e.NoteMessage(t.Context(), list[0]); err != nil {
		t.Fatal(err)
	}
	if body := shows(t, h, "/messages", "Person:E00007", "given up", "there is no such user", "not tried yet"); strings.Contains(body, "<script>alert") {
		t.Error("a subject became markup")
	}
	if body := shows(t, h, "/messages?state=failed", "there is no such user"); strings.Contains(body, "second") {
		t.Error("the choice of a state chooses nothing")
	}
	shows(t, h, "/messages?to=Person%3AE00008", "No message like this")
	o := options(e)
	o.Within = func(access.Filter) web.Questions { return e.Views() }
	code, body := get(t, withAPI(e, o), "/api/v1/messages?state=failed")
	if code != http.StatusOK || !strings.Contains(body, `"why":"there is no such user"`) || strings.Contains(body, "second") {
		t.Errorf("a program is answered %d %s", code, body)
	}
	if code, _ := get(t, h, "/messages?state=lost"); code != http.StatusBadRequest {
		t.Errorf("a state that is none answers %d", code)
	}
	if read := follows(t, h, "/messages", "why", "mended"); !strings.Contains(read, "2 messages due now") {
		t.Errorf("sending again reads %s", read)
	}
	page, err := e.Views().Messages(t.Context(), view.MessageFilter{State: "waiting"})
	if err != nil || len(page.Messages) != 2 {
		t.Errorf("%+v %v", page, err)
	}
}

func TestEachChoosesHowHeIsToldAndNobodyForOthers(t *testing.T) {
	e := played(t)
	h := by(e, "E00005")
	holds := func(h http.Handler, texts ...string) {
		t.Helper()
		_, body := get(t, h, "/messages/mine")
		for _, text := range texts {
			if !strings.Contains(body, text) {
				t.Errorf("the form does not hold %s: %s", text, plain(body))
			}
		}
	}
	holds(h, "You (Person:E00005) are told", `value="08:00"`, `value="UTC"`)
	if read := follows(t, h, "/messages/mine", "how", "digest", "hour", "07:15", "zone", "Europe/Berlin"); !strings.Contains(read, "It is kept") {
		t.Errorf("choosing reads %s", read)
	}
	holds(h, `value="07:15"`, `value="Europe/Berlin"`, `value="digest" checked`)
	if w := post(t, h, "/messages/mine", "how", "digest", "hour", "25:00", "zone", "UTC"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "no hour of a day") || !strings.Contains(w.Body.String(), `value="25:00"`) {
		t.Errorf("an hour that is none answers %d: %s", w.Code, plain(w.Body.String()))
	}
	chosen, _, err := e.Delivery(t.Context(), "Person:E00005")
	if err != nil || chosen != (messages.Delivery{How: messages.Digest, At: "07:15", Zone: "Europe/Berlin"}) {
		t.Errorf("%+v %v", chosen, err)
	}
	// Signed in as somebody else, the form chooses for him, whatever it says.
	who := access.Resolve("anna", resources.Ref{Type: "Person", Key: "E00009"}, access.BuiltIn(), []access.Given{{Profile: "user"}})
	holds(askedBy(e, &who), "You (Person:E00009) are told", `value="08:00"`)
}

func TestTheLinkOfAMessageShowsTheOneRoleThatWasFound(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	all := rows(shows(t, h, "/reconciliation/roles"))
	one := rows(shows(t, h, "/reconciliation/roles?only="+url.QueryEscape(all[1])))
	if len(all) < 2 || len(one) != 1 || one[0] != all[1] {
		t.Errorf("%v of %d", one, len(all))
	}
	shows(t, h, "/requests/changes?only=4711", "No change of data waits for you")
	for _, address := range []string{"/reconciliation/roles?only=x", "/requests/changes?only=x"} {
		if code, _ := get(t, h, address); code != http.StatusBadRequest {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

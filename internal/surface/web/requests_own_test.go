package web_test

import (
	"net/http"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/web"
)

// havingProfile are the pages as somebody has them who has one built-in profile.
func havingProfile(t *testing.T, e *loop.Engine, person string, profile access.ProfileID) http.Handler {
	t.Helper()
	c, err := e.Deployed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref := resources.Ref{Type: "Person", Key: resources.Key(person)}
	who := access.Resolve("x", ref, access.BuiltIn(), []access.Given{{Profile: profile, World: access.World{Model: c.Model, Person: ref}}})
	o := options(e)
	o.SignIn, o.Within = asker{who: &who}, func(f access.Filter) web.Questions { return e.Views().Within(f) }
	return web.New(o)
}

func TestWhoAskedTakesItBackAlthoughHeDecidesNothing(t *testing.T) {
	e, person, manager := requestable(t)
	asker := havingProfile(t, e, person, "user")
	follows(t, asker, "/directory/Person/"+person+"/request/auditor", "action", "add")
	body := shows(t, asker, "/requests/1", "Take it back")
	version := versionIn(t, body)
	if strings.Contains(body, `value="decline"`) {
		t.Error("a user is offered a decision")
	}
	boss := havingProfile(t, e, manager, "manager")
	if body := shows(t, boss, "/requests/1"); strings.Contains(body, "Take it back") {
		t.Error("somebody who did not ask is offered to take it back")
	}
	if w := post(t, boss, "/requests/1/withdrawal", "version", version); w.Code != http.StatusConflict {
		t.Errorf("somebody who did not ask takes it back: %d", w.Code)
	}
	if w := post(t, havingProfile(t, e, manager, "user"), "/requests/1/withdrawal", "version", version); w.Code != http.StatusNotFound {
		t.Errorf("somebody who does not see it takes it back: %d", w.Code)
	}
	if w := post(t, asker, "/requests/1", "do", "decline", "version", version); w.Code != http.StatusForbidden {
		t.Errorf("a user declines: %d", w.Code)
	}
	if read := follows(t, asker, "/requests/1/withdrawal", "version", version, "why", "not needed"); !strings.Contains(read, "Request 1 is taken back.") || !strings.Contains(read, "20 Cancellation") {
		t.Errorf("taking back reads %s", read)
	}
}

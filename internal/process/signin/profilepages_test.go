package signin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
)

// seated is somebody signed in with a profile.
func (h *house) seated(t *testing.T, b *browser, name string, profile access.ProfileID, person resources.Ref) *browser {
	t.Helper()
	h.add(t, name, profile, person)
	if _, at := b.signIn(name, canary); at != "/" {
		t.Fatalf("%s is not signed in: %s", name, at)
	}
	return b
}

// lastGiven is the number of the newest assignment.
func (h *house) lastGiven(t *testing.T) access.ProfileAssignment {
	t.Helper()
	list, err := h.AccessDesk().Given(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return list[len(list)-1]
}

func TestAProfileIsGivenAndEndedOnItsPage(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	root := h.seated(t, browse(t, s), "root", "administrator", resources.Ref{})
	olga := h.seated(t, browse(t, s), "olga", "", resources.Ref{})
	if code, _, _ := olga.do(http.MethodGet, "/journal", nil); code != http.StatusForbidden {
		t.Fatalf("without a profile she reads the journal: %d", code)
	}
	code, at, text := root.do(http.MethodPost, "/profiles/auditor", url.Values{"do": {"assign"}, "who": {"olga"}, "until": {"2099-12-31"}, "why": {"yearly"}})
	if code != http.StatusOK || at != "/profiles/auditor" || !strings.Contains(text, "Account olga has the profile auditor") || !strings.Contains(text, "2099-12-31") {
		t.Fatalf("given: %d %s", code, at)
	}
	if code, _, _ := olga.do(http.MethodGet, "/journal", nil); code != http.StatusOK {
		t.Errorf("with the profile: %d", code)
	}
	given := h.lastGiven(t)
	if given.By != "root" || given.Why != "yearly" {
		t.Errorf("it was given by %s: %s", given.By, given.Why)
	}
	end := url.Values{"do": {"end"}, "row": {fmt.Sprint(given.ID)}}
	if _, _, text := root.do(http.MethodPost, "/profiles/auditor", end); !strings.Contains(text, "End 1 profile from now on?") || !strings.Contains(text, "auditor of account olga") {
		t.Error("it does not ask before it takes a profile away")
	}
	if code, _, _ := olga.do(http.MethodGet, "/journal", nil); code != http.StatusOK {
		t.Errorf("only asked: %d", code)
	}
	end.Set("sure", "1")
	if code, _, text := root.do(http.MethodPost, "/profiles/auditor", end); code != http.StatusOK || !strings.Contains(text, "1 profile ended.") {
		t.Errorf("ended: %d", code)
	}
	if code, _, _ := olga.do(http.MethodGet, "/journal", nil); code != http.StatusForbidden {
		t.Errorf("when it was ended: %d", code)
	}
	if _, _, text := root.do(http.MethodGet, "/profiles?show=all&q=olga", nil); !strings.Contains(text, "ended "+h.now.Format(time.DateOnly)) {
		t.Error("what is over is not listed with those that are over")
	}
}

func TestTheProfilePageRefusesWhatTheDeskRefuses(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	who, _ := h.somebody(t, func(_, m string) bool { return m != "" })
	root := h.seated(t, browse(t, s), "root", "administrator", who)
	h.add(t, "anna", "", resources.Ref{})
	before := h.lastGiven(t).ID
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"to himself":           {url.Values{"who": {"root"}}, "four eyes see more than two"},
		"to himself as person": {url.Values{"who": {string(who.Key)}}, "four eyes see more than two"},
		"to nobody":            {url.Values{"who": {""}}, "It is not said who gets the profile."},
		"to somebody unknown":  {url.Values{"who": {"never"}}, "No account and nobody is known as"},
		"reaching nothing":     {url.Values{"who": {"anna"}, "types": {"Nowhere"}}, "There is no resource type Nowhere."},
		"over already":         {url.Values{"who": {"anna"}, "until": {"2001-01-01"}}, "It would end before it begins, or is over already."},
		"on no day":            {url.Values{"who": {"anna"}, "until": {"soon"}}, "The last day cannot be"},
	} {
		c.form.Set("do", "assign")
		_, _, text := root.do(http.MethodPost, "/profiles/auditor", c.form)
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: %s is not said", name, c.want)
		}
	}
	if after := h.lastGiven(t).ID; after != before {
		t.Errorf("assignment %d was made", after)
	}
}

func TestAProfileIsDelegatedAndTakenBackByItsHolderAlone(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{Required: true})
	report, boss := h.somebody(t, func(_, m string) bool { return m != "" })
	deputy, _ := h.somebody(t, func(_, m string) bool { return m != "" && m != string(boss.Key) })
	lead := h.seated(t, browse(t, s), "lead", "manager", boss)
	other := h.seated(t, browse(t, s), "other", "manager", deputy)
	temp := h.seated(t, browse(t, s), "temp", "", resources.Ref{})
	page := "/directory/Person/" + string(report.Key)
	if code, _, _ := temp.do(http.MethodGet, page, nil); code != http.StatusForbidden {
		t.Fatalf("before: %d", code)
	}
	until := h.now.AddDate(0, 0, 7).Format(time.DateOnly)
	if _, _, text := lead.do(http.MethodPost, "/delegations", url.Values{"do": {"delegate"}, "profile": {"manager"}, "who": {"temp"}}); !strings.Contains(text, "A delegation ends on a day.") {
		t.Error("a delegation for good is made, or not explained")
	}
	if _, _, text := lead.do(http.MethodPost, "/delegations", url.Values{"do": {"delegate"}, "profile": {"auditor"}, "who": {"temp"}, "until": {until}}); !strings.Contains(text, "does not have the profile auditor of their own") {
		t.Error("somebody delegates what he does not have")
	}
	code, _, text := lead.do(http.MethodPost, "/delegations", url.Values{"do": {"delegate"}, "profile": {"manager"}, "who": {"temp"}, "until": {until}, "why": {"holidays"}})
	if code != http.StatusOK || !strings.Contains(text, "Account temp has your profile manager until "+until) {
		t.Fatalf("delegated: %d", code)
	}
	if code, _, _ := temp.do(http.MethodGet, page, nil); code != http.StatusOK {
		t.Errorf("with the delegation: %d", code)
	}
	back := url.Values{"do": {"end"}, "sure": {"1"}, "row": {fmt.Sprint(h.lastGiven(t).ID)}}
	if code, _, _ := other.do(http.MethodPost, "/delegations", back); code != http.StatusConflict {
		t.Errorf("another manager takes it back: %d", code)
	}
	if code, _, _ := temp.do(http.MethodGet, page, nil); code != http.StatusOK {
		t.Errorf("another took it back: %d", code)
	}
	if code, _, _ := lead.do(http.MethodPost, "/delegations", back); code != http.StatusOK {
		t.Errorf("taken back: %d", code)
	}
	if code, _, _ := temp.do(http.MethodGet, page, nil); code != http.StatusForbidden {
		t.Errorf("after it was taken back: %d", code)
	}
}

func TestAPageShowsWhatRulesGiveToWhomItNames(t *testing.T) {
	h := build(t, ruled)
	s := h.serve(t, signin.Options{Required: true})
	who, _ := h.somebody(t, func(d, m string) bool { return strings.HasPrefix(d, "MKT-") && m != "" })
	root := h.seated(t, browse(t, s), "root", "administrator", resources.Ref{})
	_, _, text := root.do(http.MethodGet, "/profiles?q="+string(who.Key), nil)
	if strings.Count(text, `data-label="How">by rule<`) != 3 || !strings.Contains(text, "department MKT") {
		t.Errorf("shown: %d by rule", strings.Count(text, `data-label="How">by rule<`))
	}
	if _, _, text := root.do(http.MethodGet, "/profiles/desk", nil); !strings.Contains(text, "Every Person in department MKT or below, reaching department MKT") {
		t.Error("the rule is not told in words")
	}
	alone := h.seated(t, browse(t, s), "alone", "", who)
	if _, _, text := alone.do(http.MethodGet, "/delegations", nil); !strings.Contains(text, `<option value="manager"`) {
		t.Error("what a rule gives cannot be delegated")
	}
	if _, _, text := alone.do(http.MethodGet, "/", nil); !strings.Contains(text, `href="/delegations"`) || strings.Contains(text, `href="/profiles"`) {
		t.Error("the menu offers the wrong page of profiles")
	}
}

package web_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/web"
)

func TestOnlyWhomARequestWaitsForIsOfferedToDecideIt(t *testing.T) {
	e, person, manager := requestable(t)
	follows(t, by(e, "E00002"), "/directory/Person/"+person+"/request/auditor", "action", "add", "why", "the audit comes")
	everybody := []string{"E00002", person, manager, "E00005", "E00001", ""}
	offered := func(step string) string {
		var who []string
		for _, one := range everybody {
			h := by(e, one)
			page, list := shows(t, h, "/requests/1"), shows(t, h, "/requests?show=settled", "Audit the ledger")
			decides := strings.Contains(page, `value="approve"`) || strings.Contains(page, `value="decline"`)
			if chooses := len(rows(list)) > 0 || strings.Contains(list, `value="decline"`); chooses != decides {
				t.Errorf("%s: %q decides on the page: %v, in the list: %v", step, one, decides, chooses)
			}
			if decides {
				who = append(who, one)
			}
		}
		return fmt.Sprint(who)
	}
	if got := offered("asked"); got != "[]" {
		t.Errorf("before a round took it up, %s may decide", got)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := offered("step 1"); got != "["+manager+"]" {
		t.Errorf("the first step is offered to %s, not to %s", got, manager)
	}
	follows(t, by(e, manager), "/requests", "do", "approve", "row", "1")
	if got := offered("step 2"); got != "[E00005]" {
		t.Errorf("the second step is offered to %s", got)
	}
	follows(t, by(e, "E00005"), "/requests", "do", "approve", "row", "1")
	if got := offered("settled"); got != "[]" {
		t.Errorf("what is settled is offered to %s", got)
	}
}

func TestAPlanIsMadeSeenHadAsAFileAndAppliedByWhoMay(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	if w := post(t, h, "/plans"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "are what is deployed") {
		t.Errorf("where nothing changed a plan answers %d", w.Code)
	}
	file := filepath.Join(e.Dir, "config", "roles.yaml")
	change := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("%s holds no %q: %v", file, from, err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), from, to)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const was, half, other = "- {match: {department: SAL-EUR}}", "- {match: {department: SAL-EUR, site: BER}}", "- {match: {department: SAL-EUR, site: PAR}}"
	change(was, "- {mach: {department: SAL-EUR}}")
	if w := post(t, h, "/plans"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "roles.yaml:") {
		t.Errorf("files that cannot be read answer %d, and do not say where: %s", w.Code, plain(w.Body.String()))
	}
	change("- {mach: {department: SAL-EUR}}", half)
	w := post(t, h, "/plans")
	address := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(address, "/plans/") {
		t.Fatalf("a plan answers %d: %s", w.Code, plain(w.Body.String()))
	}
	shows(t, h, "/plans", strings.TrimPrefix(address, "/plans/"))
	page := shows(t, h, address, "What changes in the configuration", "Deploy the configuration:", "Orders", "Download the plan")
	auditor := havingProfile(t, e, "E00002", "auditor")
	if read := shows(t, auditor, address); strings.Contains(read, "Deploy the configuration") || strings.Contains(shows(t, auditor, "/plans"), "Plan what config/") {
		t.Error("an auditor is offered to plan or apply")
	}
	if w := post(t, auditor, address, "do", "apply", "sure", "1"); w.Code != http.StatusForbidden {
		t.Errorf("an auditor applies: %d", w.Code)
	}
	// As a file: what a terminal would apply.
	code, text := get(t, h, address+"?export=plan")
	if kept, err := os.ReadFile(filepath.Join(e.Dir, strings.TrimPrefix(address, "/plans/"))); code != http.StatusOK || err != nil || text != string(kept) {
		t.Errorf("its file answers %d, and is %d of %d bytes", code, len(text), len(kept))
	}
	if rows, _ := sheet(t, h, address, "csv"); len(rows) < 2 || rows[0][0] != "Kind" {
		t.Errorf("its orders are not exported: %v", rows)
	}
	if ask := post(t, h, address, "do", "apply"); ask.Code != http.StatusOK || !strings.Contains(plain(ask.Body.String()), "Apply plan") || !strings.Contains(page, "Deploy the configuration") {
		t.Errorf("applying does not ask: %d", ask.Code)
	}
	// Something changed since: the plan that was seen is not applied.
	change(half, other)
	if w := post(t, h, address, "do", "apply", "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "something changed since it was made") {
		t.Errorf("a plan that is something else by now answers %d", w.Code)
	}
	change(other, half)
	if read := follows(t, h, address, "do", "apply", "sure", "1", "why", "CHG-7"); !strings.Contains(read, "Deployed") {
		t.Errorf("applying reads %s", read)
	}
	if e.Differs(t.Context()) != "" {
		t.Error("what was applied is not deployed")
	}
	shows(t, h, "/journal", "deploy", "CHG-7")
	if w := post(t, h, address, "do", "apply", "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "deployed already") {
		t.Errorf("applying again answers %d", w.Code)
	}
}

func TestARuleSaysHowManyPeopleItTouches(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	rows, _ := sheet(t, h, "/roles/crm-sales", "csv")
	found := 0
	for _, row := range rows[1:] {
		for _, cell := range row {
			found += len(strings.Split(cell, "Calculated")) - 1
		}
	}
	shows(t, h, "/rules?q=roles.crm-sales.assign", fmt.Sprintf("department SAL or below %d roles.yaml", found))
	shows(t, h, "/rules?q=CrmUser.who[0]", "People", "department SAL or below")
}

func TestWhatSomebodyHasIsCutDownByWhatItIsCalledAndItsState(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	person := personIn(t, shows(t, h, "/states/4?q=sales")+shows(t, h, "/states/4"))
	whole := shows(t, h, person, "View permissions", "Roles", "Accounts")
	if !strings.Contains(whole, "CRM account") {
		t.Skip("the company has changed: somebody without an account in the CRM is first")
	}
	some := shows(t, h, person+"?q=crm+login", "login")
	if strings.Contains(some, "displayName") {
		t.Error("a filter leaves what it does not find")
	}
	shows(t, h, person+"?state=3", "Nothing like this is had.")
	if code, _ := get(t, h, person+"?state=12"); code != http.StatusBadRequest {
		t.Errorf("a state that is none answers %d", code)
	}
	for _, link := range links(whole) {
		if strings.Contains(link, "/why?") {
			if code, _ := get(t, h, strings.ReplaceAll(link, "&amp;", "&")); code != http.StatusOK {
				t.Errorf("%s answers %d", link, code)
			}
		}
	}
	if !strings.Contains(whole, "/why?type=CrmUser") {
		t.Error("one cannot ask why from what is had")
	}
}

func TestEveryFileThatAPageOffersIsThere(t *testing.T) {
	e := played(t)
	if err := os.WriteFile(filepath.Join(e.Dir, "some.plan"), []byte(`{"name":"3f0c","day":"2026-03-01","orders":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := web.New(options(e))
	person := personIn(t, shows(t, h, "/orders"))
	for _, address := range []string{
		"/directory/Person", person, person + "/profile", person + "/accounts", person + "/history", person + "/why", person + "/request", "/requests",
		"/review", "/review/properties", "/review/properties?type=LedgerAccount&property=email", "/manual", "/reconciliation", "/reconciliation/roles",
		"/reconciliation/properties", "/orders", "/states/1", "/connectors", "/connectors/crm", "/jobs", "/roles", "/roles/crm-sales", "/rules",
		"/plans", "/plans/some.plan", "/journal", "/messages", "/profiles", "/profiles/manager",
	} {
		_, body := get(t, h, address)
		for _, link := range links(body) {
			if link = strings.ReplaceAll(link, "&amp;", "&"); strings.Contains(link, "export=") {
				if code, text := get(t, h, link); code != http.StatusOK {
					t.Errorf("%s offers %s, which answers %d: %s", address, link, code, plain(text))
				}
			}
		}
	}
}

func TestPagesCallThingsByTheirNamesAndTimesByTheirZone(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	for address, id := range map[string]string{"/orders": "LedgerAccount", "/review": "LedgerAccount", "/manual": "SiteBadge", "/reconciliation": "CrmUser"} {
		if read := plain(shows(t, h, address)); strings.Contains(read, id+" ") {
			t.Errorf("%s speaks of %s, which has a name", address, id)
		}
	}
	for _, address := range []string{"/journal", "/jobs"} {
		if _, body := get(t, h, address); strings.Contains(body, "<time") && !strings.Contains(body, " UTC</time>") {
			t.Errorf("%s names no zone", address)
		}
	}
}

func TestNobodyIsTakenForAManOnPages(t *testing.T) {
	e := laid(t)
	h := web.New(options(e))
	person := personIn(t, shows(t, h, "/states/4"))
	for _, address := range []string{
		"/", person, person + "/why", person + "/request", "/requests", "/workflows", "/review", "/manual", "/reconciliation", "/reconciliation/roles", "/connectors/crm",
		"/jobs", "/roles", "/rules", "/plans", "/journal", "/profiles", "/profiles/manager", "/profiles/administrator", "/delegations", "/messages", "/messages/mine", "/states",
	} {
		for _, word := range strings.Fields(plain(shows(t, h, address))) {
			switch strings.ToLower(strings.Trim(word, ".,;:()")) {
			case "he", "him", "his", "himself", "she", "her":
				t.Errorf("%s says %q", address, word)
			}
		}
	}
	for _, x := range access.Permissions() {
		if strings.Contains(" "+x.About+" ", " his ") || strings.Contains(" "+x.About+" ", " he ") {
			t.Errorf("%s: %s", x.Permission, x.About)
		}
	}
}

package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// formsFile declares forms of every action and a field of every kind.
const formsFile = `
connectors:
  contractors:
    connections: {own: {package: repository}}
    entities:
      Contractor:
        from: {connection: own}
        key: number
        display: "first + ' ' + last"
        properties:
          number:     {type: string, allocate: {sequence: contractors, start: 5001}}
          first:      {type: string}
          last:       {type: string}
          manager:    {link: Person}
          department: {link: Department}
          sites:      {links: Site}
          badge:      {type: bool}
          days:       {type: int}
          start:      {type: date}
          end:        {type: date}
contexts:
  Contractor: {department: department, from: start, to: end}
workflows:
  title: {name: New title, entity: Person, action: change, who: anybody, approval: none, fields: [{property: title, label: Title, check: "title != 'King'", message: "nobody is a king"}]}
  promotion: {name: Promotion, entity: Person, action: change, who: manager, approval: one, reviewers: {one: ["person:E00001", "person:E00002"]}, fields: [{property: title, required: true}]}
  contractor:
    name: New contractor
    entity: Contractor
    action: create
    who: manager
    approval: none
    fields:
      - {property: first, label: First name, required: true}
      - {property: last, label: Last name, required: true}
      - {property: manager, required: true}
      - {property: department, default: "manager.department"}
      - {property: sites}
      - {property: badge}
      - {property: days, default: "20", check: "days < 300", message: "no year has so many working days"}
      - {property: start}
  contractor-end: {name: End of the contract, entity: Contractor, action: end, who: manager, approval: none}
`

// declareForms writes the forms into a configuration, and lets titles be edited.
func declareForms(dir string) error {
	file := filepath.Join(dir, "config", "people.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edited := regexp.MustCompile(`title: +\{type: string\}`).ReplaceAll(content, []byte("title: {type: string, editable: true}"))
	if err := os.WriteFile(file, edited, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config", "forms.yaml"), []byte(formsFile), 0o600)
}

// withForms is a company with forms.
func withForms(t *testing.T) *loop.Engine {
	t.Helper()
	e := played(t)
	if err := declareForms(e.Dir); err != nil {
		t.Fatal(err)
	}
	c, err := e.Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(t.Context(), c, "forms"); err != nil {
		t.Fatal(err)
	}
	return e
}

// led is somebody with a manager, neither of whom is a reviewer of the forms.
func led(t *testing.T, e *loop.Engine) (person view.Person, manager string) {
	t.Helper()
	page, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.People {
		p, err := e.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(o.Key)})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Links["manager"]) == 1 && o.Key > "E00003" && p.Links["manager"][0] > "E00003" {
			return p, p.Links["manager"][0]
		}
	}
	t.Fatal("nobody has a manager")
	return
}

// asPerson are the pages as a person, with the directory of contractors.
func asPerson(e *loop.Engine, person string) http.Handler {
	o := options(e)
	o.Local = journal.Actor{Process: "test", As: person}
	o.Entities = func(context.Context) ([]string, error) { return []string{"Contractor", "Person"}, nil }
	return web.New(o)
}

func TestNobodyIsShownAFormThatHeMayNotStart(t *testing.T) {
	e := withForms(t)
	p, manager := led(t, e)
	profile, form := "/directory/Person/"+p.Key+"/profile", "/workflows/promotion?about="+p.Key
	if body := shows(t, asPerson(e, manager), profile, "New title", "Promotion"); !strings.Contains(body, `href="`+form+`"`) {
		t.Errorf("the profile does not lead to %s", form)
	}
	shows(t, asPerson(e, manager), form, "Step 1 is approved by", "E00001 (named by promotion)")
	other := asPerson(e, "E00003")
	if body := shows(t, other, profile, "New title"); strings.Contains(body, "Promotion") {
		t.Error("somebody who is not the manager is shown the form")
	}
	if code, body := get(t, other, form); code != http.StatusForbidden || !strings.Contains(body, "may not start promotion") {
		t.Errorf("the form of somebody else answers %d", code)
	}
	if w := post(t, other, form, "set-title", "Boss"); w.Code == http.StatusSeeOther {
		t.Error("somebody who is not the manager started it")
	}
	shows(t, other, "/directory/Contractor", "New contractor") // whose manager he may be
	shows(t, other, "/workflows", "New contractor")
}

// A profile that shows people and lets nobody change them shows no form.
func TestAFormIsShownWithinTheReachOfChangingPeopleAlone(t *testing.T) {
	e := withForms(t)
	p, manager := led(t, e)
	for name, c := range map[string]struct {
		profile access.ProfileID
		person  string
		shown   bool
	}{"the auditor": {"auditor", "E00003", false}, "the manager": {"manager", manager, true}} {
		model, err := e.Model(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ref := resources.Ref{Type: "Person", Key: resources.Key(c.person)}
		who := access.Resolve("x", ref, access.BuiltIn(), []access.Given{{Profile: c.profile, World: access.World{Model: model, Person: ref}}})
		body := shows(t, askedBy(e, &who), "/directory/Person/"+p.Key+"/profile")
		if shown := strings.Contains(body, "New title"); shown != c.shown {
			t.Errorf("%s is shown the form: %v", name, shown)
		}
	}
}

func TestAFormThatIsWrongComesBackWithEverythingTypedAndWhatIsWrongBesideIt(t *testing.T) {
	e := withForms(t)
	p, manager := led(t, e)
	h := asPerson(e, manager)
	w := post(t, h, "/workflows/contractor", "set-first", "Eva & Co", "set-manager", "nobodyatall", "set-days", "400", "set-badge", "true", "set-start", "2026-04-01", "why", "a project")
	body := w.Body.String()
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("it answers %d", w.Code)
	}
	for _, text := range []string{
		`value="Eva &amp; Co"`, `value="nobodyatall"`, `value="400"`, `<option value="true" selected`, `type="date" value="2026-04-01"`, ">a project</textarea>",
		`id="set-last-wrong"`, `id="set-days-wrong"`, `aria-invalid="true"`, `href="#set-last"`,
	} {
		if !strings.Contains(body, text) {
			t.Errorf("the form that came back has no %s", text)
		}
	}
	for _, text := range []string{"Last name is missing", "no year has so many working days", "No Person is known as", "Nothing was sent yet"} {
		if !strings.Contains(strings.ToLower(plain(body)), strings.ToLower(text)) {
			t.Errorf("it does not say %q: %s", text, plain(body))
		}
	}
	if strings.Contains(plain(body), "--set") {
		t.Error("it gives advice for a terminal")
	}
	if body := shows(t, h, "/workflows/title?about="+p.Key, "New title"); !strings.Contains(body, `value="`+p.Values["title"]+`"`) {
		t.Errorf("the form does not begin with %q", p.Values["title"])
	}
	if w := post(t, h, "/workflows/title?about="+p.Key, "was-title", p.Values["title"], "set-title", "King"); !strings.Contains(w.Body.String(), "Nobody is a king.") {
		t.Errorf("the check does not speak: %s", plain(w.Body.String()))
	}
}

func TestALinkIsFoundByNameAndTakenWithoutLosingWhatWasTyped(t *testing.T) {
	e := withForms(t)
	p, manager := led(t, e)
	h := asPerson(e, manager)
	w := post(t, h, "/workflows/contractor", "set-first", "Eva", "set-manager", p.Display, "look", "manager")
	pick := regexp.MustCompile(`name="pick" value="(manager=` + p.Key + `)"`).FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || pick == nil {
		t.Fatalf("%q is not found: %d %s", p.Display, w.Code, plain(w.Body.String()))
	}
	w = post(t, h, "/workflows/contractor", "set-first", "Eva", "set-manager", p.Display, "pick", pick[1])
	for _, text := range []string{`name="set-manager" type="text" value="` + p.Key + `"`, `value="Eva"`} {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the form has no %s", text)
		}
	}
	several := post(t, h, "/workflows/contractor", "set-sites", "HQ, x", "pick", "sites=BER")
	if !strings.Contains(several.Body.String(), `value="HQ, BER"`) {
		t.Errorf("what was picked is not the last of several: %s", several.Body.String())
	}
}

func TestAContractorIsCreatedChangedAndEndedOnPages(t *testing.T) {
	e := withForms(t)
	_, manager := led(t, e)
	h := asPerson(e, manager)
	told := follows(t, h, "/workflows/contractor", "set-first", "Eva", "set-last", "Lake", "set-manager", manager, "set-badge", "true", "set-start", "2026-02-01", "why", "a project")
	for _, text := range []string{"Change 1 is written.", "16 Approved", "Eva", "a project", "5001"} {
		if !strings.Contains(told, text) {
			t.Errorf("the page after it does not say %q: %s", text, told)
		}
	}
	made, err := e.DB.Resources(t.Context(), "Contractor")
	if err != nil || len(made) != 1 {
		t.Fatalf("%d contractors, %v", len(made), err)
	}
	c := made[0]
	if c.Value("badge").Text() != "true" || c.Value("days").Text() != "20" || len(c.Links["department"]) != 1 || c.Value("start").Text() != "2026-02-01" {
		t.Errorf("the contractor is %+v", c)
	}
	ended := "/workflows/contractor-end?about=" + string(c.Key)
	shows(t, h, "/directory/Contractor/"+string(c.Key)+"/profile", "End of the contract")
	shows(t, h, ended, "Last day", "Left empty: today.")
	follows(t, h, ended, "until", "2026-06-30")
	if c, _, err := e.DB.Resource(t.Context(), c.Ref); err != nil || c.Value("end").Text() != "2026-06-30" {
		t.Errorf("the last day is %s, %v", c.Value("end"), err)
	}
	follows(t, h, ended)
	if c, _, err := e.DB.Resource(t.Context(), c.Ref); err != nil || c.Value("end").Text() != at.Format("2006-01-02") {
		t.Errorf("without a day the last is %s, %v", c.Value("end"), err)
	}
}

func TestWhatIsSentForApprovalSaysWhoIsAwaitedAndGoesOnFromItsPage(t *testing.T) {
	e := withForms(t)
	p, manager := led(t, e)
	form := "/workflows/promotion?about=" + p.Key
	mine := asPerson(e, manager)
	told := follows(t, mine, form, "was-title", p.Values["title"], "set-title", "Captain", "why", "well done")
	for _, text := range []string{"Change 1 waits for", "E00001 (named by promotion)", "well done", "Captain", "Take it back"} {
		if !strings.Contains(told, text) {
			t.Errorf("the page after it does not say %q: %s", text, told)
		}
	}
	if strings.Contains(told, "Decline the change") {
		t.Error("who started it is offered to decide it")
	}
	reviewer := asPerson(e, "E00001")
	body := shows(t, reviewer, "/workflows/started/1", "Decline the change")
	if strings.Contains(plain(body), "Take it back") {
		t.Error("a reviewer is offered to take it back")
	}
	version := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(body)[1]
	if w := post(t, reviewer, "/workflows/started/1", "do", "approve", "version", "7"); w.Code != http.StatusConflict {
		t.Errorf("what changed meanwhile is decided: %d", w.Code)
	}
	if told := follows(t, reviewer, "/workflows/started/1", "do", "approve", "version", version); !strings.Contains(told, "approved and written") {
		t.Errorf("it says %s", told)
	}
	after, err := e.Views().Person(t.Context(), ref(p.Owner))
	if err != nil || after.Values["title"] != "Captain" {
		t.Errorf("the title is %q, %v", after.Values["title"], err)
	}
	shows(t, mine, form, "take the edit back: the source says "+p.Values["title"])
	follows(t, mine, form, "was-title", "Captain", "set-title", "Captain", "restore", "title")
	if told := follows(t, mine, "/workflows/started/2", "do", "withdraw", "version", "1"); !strings.Contains(told, "Change 2 is taken back.") {
		t.Errorf("it says %s", told)
	}
}

// Somebody has the form open while somebody else changes the title.
func TestAFormWritesOnlyWhatItsSenderChanged(t *testing.T) {
	e := withForms(t)
	p, _ := led(t, e)
	h := asPerson(e, "E00003")
	form := "/workflows/title?about=" + p.Key
	before := p.Values["title"]
	follows(t, h, form, "was-title", before, "set-title", "Moved")
	if w := post(t, h, form, "was-title", before, "set-title", before); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a form in which nothing was changed answers %d", w.Code)
	}
	after, err := e.Views().Person(t.Context(), ref(p.Owner))
	if err != nil || after.Values["title"] != "Moved" {
		t.Errorf("the title is %q, %v", after.Values["title"], err)
	}
}

func TestAFormThatIsNotDeclaredIsNotFound(t *testing.T) {
	e := withForms(t)
	for _, address := range []string{"/workflows/nothing", "/workflows/title?about=nobody", "/workflows/started/9", "/workflows/started/x"} {
		if code, _ := get(t, asPerson(e, "E00003"), address); code != http.StatusNotFound {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

func formAbout(x target) string {
	return fmt.Sprintf("/workflows/%s?about=%s", roles.WorkflowID("title"), url.QueryEscape(string(x.person.Key)))
}

func TestAFormAboutWhatNoDirectoryListsIsReachedByThePageOfForms(t *testing.T) {
	e := withForms(t)
	_, manager := led(t, e)
	h := by(e, manager)
	follows(t, h, "/workflows/contractor", "set-first", "Ada", "set-last", "Pay", "set-manager", manager, "why", "a project")
	list := shows(t, h, "/workflows", "Forms that change or end", "End of the contract", "New title")
	if !strings.Contains(list, `href="/workflows/contractor-end"`) {
		t.Fatal("the page of forms does not lead to a form that ends")
	}
	subjects := shows(t, h, "/workflows/contractor-end", "End of the contract", "Choose what it is about", "Ada Pay", "5001")
	if !strings.Contains(subjects, `href="/workflows/contractor-end?about=5001"`) {
		t.Fatal("whom it is about leads to no form")
	}
	shows(t, h, "/workflows/contractor-end?q=nobody", "No Contractor like this")
	shows(t, h, "/workflows/contractor-end?q=ada", "Ada Pay")
	body := shows(t, h, "/workflows/contractor-end?about=5001", "End of the contract", "Ada Pay", "Last day")
	if strings.Contains(body, `href="/directory/Contractor`) {
		t.Error("the form leads into a directory that lists no contractors")
	}
	// To whom the form is not offered about anybody, nobody is offered.
	shows(t, by(e, "E00003"), "/workflows/contractor-end", "There is no Contractor that the form may be about for you")
	if code, _ := get(t, h, "/directory/Contractor"); code != http.StatusFound {
		t.Errorf("the list of contractors answers %d, and does not lead to the forms", code)
	}
}

package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// picturesFolder is the environment's name of a folder that gets a picture of
// each step; without it none is kept.
const picturesFolder = "PROVISOR_PICTURES"

const password = "correct horse battery"

// cast are the people of the scenario: by their account, who they are and what
// they may do. Amélie, a tax specialist in Paris, has neither an account in the
// CRM nor a badge; Nadia, an accountant, may read in the ledger and not post.
var cast = map[string]struct {
	person  resources.Key
	family  string
	profile access.ProfileID
}{
	"amelie": {"E00052", "Domingues", "user"},
	"nadia":  {"E00067", "Bachmann", "user"},
	"sarka":  {"E00049", "Horváth", "manager"},         // of both
	"events": {"E00013", "Yilmaz", "role-officer"},     // the head of Events
	"hedda":  {"E00005", "Soares", "role-officer"},     // the head of Finance
	"sofia":  {"E00016", "Vidal", "application-owner"}, // of the ledger
	"tim":    {profile: "technician"},                  // of the badge office
}

// office is a company in which people sign in.
type office struct {
	*loop.Engine
	base string
	step int
	t    *testing.T
}

// staffed opens the company with an account for each of the cast.
func staffed(t *testing.T) *office {
	t.Helper()
	e := laid(t)
	desk := e.AccessDesk()
	for account, c := range cast {
		x := signin.Entrant{Name: account, Password: secret.New(password)}
		if c.person != "" {
			x.Person = resources.Ref{Type: "Person", Key: c.person}
		}
		if _, err := desk.Add(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if _, err := desk.Assign(t.Context(), access.ProfileAssignment{Profile: c.profile, Holder: access.Holder{Account: account}}); err != nil {
			t.Fatal(err)
		}
	}
	stopping, log := make(chan struct{}), slog.New(slog.DiscardHandler)
	s := httptest.NewServer(web.New(web.Options{
		Questions: view.Named(e.Views(), e.Model), Within: func(f access.Filter) web.Questions { return view.Named(e.Views().Within(f), e.Model) },
		SignIn:   signin.NewBrowser(signin.Options{Desk: *desk, Required: true, Secret: e.Secret, Log: log}),
		Entities: e.Owners, Changes: e.ChangeCounter, Company: "Larkfield", Version: "test", Clock: time.Now, Log: log, Stopping: stopping,
		Desks: e.Desks(), Local: journal.Actor{Process: "test"}, Model: e.Model, Explain: e.Explain, VerifyJournal: e.VerifyJournal, Folder: os.DirFS(e.Dir),
	}))
	t.Cleanup(func() { close(stopping); s.CloseClientConnections(); s.Close() })
	return &office{Engine: e, base: s.URL, t: t}
}

// A hand is somebody at a keyboard, and at nothing else.
type hand struct {
	*office
	context.Context
	who  string
	said *complaints
}

// The window in which the scenario is played.
const wide, high = 1280, 860

// signedIn opens a window and signs somebody in.
func (o *office) signedIn(who string) *hand {
	o.t.Helper()
	ctx, said := window(o.t, wide, high, false)
	h := &hand{o, ctx, who, said}
	h.opens("/")
	h.types("#name", who)
	h.types("#password", password)
	h.step("signs in")
	h.presses(".entrance form button", ".bar .who")
	return h
}

// opens goes to an address.
func (h *hand) opens(address string) {
	h.t.Helper()
	do(h.t, h.Context, "open "+address, chromedp.Navigate(h.base+address))
}

// reaches goes to an element with the tabulator.
func (h *hand) reaches(element string) {
	h.t.Helper()
	for range 400 {
		if is[bool](h.t, h.Context, fmt.Sprintf(`!!document.activeElement?.matches(%q)`, element)) {
			return
		}
		do(h.t, h.Context, "go on", chromedp.KeyEvent(kb.Tab))
	}
	h.t.Fatalf("%s does not reach %s", h.who, element)
}

// types goes to a field and fills it.
func (h *hand) types(field, text string) {
	h.t.Helper()
	h.reaches(field)
	do(h.t, h.Context, "type", chromedp.KeyEvent(text))
}

// presses goes to a button or a link, presses it, and waits for what comes.
func (h *hand) presses(element, then string) {
	h.t.Helper()
	h.reaches(element)
	do(h.t, h.Context, "press "+element, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.dataset.before = "1"; true`))
		return err
	}), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(`html:not([data-before]) `+then)))
}

// chooses goes to a radio button or box and chooses it.
func (h *hand) chooses(group, value string) {
	h.t.Helper()
	h.reaches(fmt.Sprintf(`input[name=%q]`, group))
	do(h.t, h.Context, "begin to choose", chromedp.KeyEvent(" "))
	for range 5 {
		if is[bool](h.t, h.Context, fmt.Sprintf(`document.querySelector('input[name=%q][value=%q]').checked`, group, value)) {
			return
		}
		do(h.t, h.Context, "choose", chromedp.KeyEvent(kb.ArrowRight))
	}
	h.t.Fatalf("%s cannot choose %s", h.who, value)
}

// line is the name of the choice on the line of a property.
func (h *hand) line(property string) string {
	h.t.Helper()
	return is[string](h.t, h.Context, fmt.Sprintf(`[...document.querySelectorAll(".decide [data-row]")].find((r) => r.innerText.startsWith(%q)).querySelector("input").name`, property))
}

// step looks at what stands there: the page holds the rules of accessibility,
// and a picture is kept of it where somebody wants one.
func (h *hand) step(what string, says ...string) {
	h.t.Helper()
	h.office.step++
	if len(says) > 0 {
		reads(h.t, h.Context, says...)
	}
	if folder := os.Getenv(picturesFolder); folder != "" {
		picture, err := chromedp.Run(h.Context, chromedp.CaptureScreenshot())
		if err == nil {
			name := fmt.Sprintf("%02d-%s-%s.png", h.office.step, h.who, strings.ReplaceAll(what, " ", "-"))
			err = os.WriteFile(filepath.Join(folder, name), picture, 0o600)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	held(h.t, h.Context, h.who+" "+what, wide, high)
	for _, text := range h.said.all() {
		h.t.Errorf("%s %s: the console says %s", h.who, what, text)
	}
}

// page is where one sees what one has.
func (h *hand) page() string { return "/directory/Person/" + string(cast[h.who].person) }

// sees opens View permissions, which must say what is expected.
func (h *hand) sees(what string, expected ...string) {
	h.t.Helper()
	h.opens(h.page())
	h.step("sees "+what, expected...)
}

// judges, carriesOut and goesRound are what a server does by itself, one at a
// time, so that people see every state between.
func (o *office) judges() {
	o.t.Helper()
	if _, err := o.Evaluate(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.Generate(o.t.Context(), false); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) carriesOut() {
	o.t.Helper()
	if _, err := o.Fulfil(o.t.Context(), nil); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) goesRound() {
	o.t.Helper()
	if _, err := o.Run(o.t.Context(), false); err != nil {
		o.t.Fatal(err)
	}
}

// asks finds oneself in the directory and asks for a role.
func (h *hand) asks(role, why string) {
	h.t.Helper()
	h.opens("/")
	h.types(`.find input`, cast[h.who].family)
	found := fmt.Sprintf(`main a[href=%q]`, h.page())
	h.presses(`.find input`, found)
	h.step("finds a person", cast[h.who].family)
	h.presses(found, `nav[aria-label="About this person"]`)
	h.presses(fmt.Sprintf(`a[href=%q]`, h.page()+"/request"), `#list`)
	h.step("reads the catalog")
	h.presses(fmt.Sprintf(`#list a[href$="/request/%s"]`, role), ".ask")
	h.types("#why", why)
	h.step("asks for "+role, "What is asked for")
	h.presses(".ask button", ".told")
	h.step("has asked for "+role, "Requested")
}

// approves decides the request that waits for whoever is there.
func (h *hand) approves(request, step string) {
	h.t.Helper()
	h.opens("/requests")
	h.presses(`#list a[href="/requests/`+request+`"]`, `button[value="approve"]`)
	if is[bool](h.t, h.Context, `!!document.querySelector('button[value="withdraw"]')`) {
		h.t.Errorf("%s may take back what somebody else asked for", h.who)
	}
	h.types("#why", "as agreed")
	h.step("looks at request "+request, step)
	h.presses(`button[value="approve"]`, ".told")
	h.step("approves request "+request, "1 request approved.")
}

func TestARoleIsAskedForApprovedWrittenAndVerifiedByKeyboardAlone(t *testing.T) {
	o := staffed(t)
	amelie := o.signedIn("amelie")
	amelie.asks("crm-events-guest", "helps at the fair")
	o.goesRound()
	amelie.sees("that step 1 is pending", "Pending approval 1 of 2")
	o.signedIn("sarka").approves("2", "step 1 of 2")
	amelie.sees("that step 2 is pending", "Pending approval 2 of 2")
	o.signedIn("events").approves("2", "step 2 of 2")
	o.judges()
	amelie.sees("that it is approved and will be written", "Guest of the events team 1 Pending 16 Approved", "teams → EventsCRM account 1 Pending")
	o.carriesOut()
	amelie.sees("that it was written and read back", "Guest of the events team 4 Verified 16 Approved", "teams → EventsCRM account 4 Verified")
	if text := is[string](t, amelie.Context, `document.querySelector("#path").innerText`); !strings.Contains(text, "Verified") {
		t.Errorf("the path does not end at Verified: %s", text)
	}
}

func TestAReviewedOrderIsDecidedByPropertyAndVerifiedByKeyboardAlone(t *testing.T) {
	o := staffed(t)
	nadia := o.signedIn("nadia")
	nadia.asks("ledger-poster", "closes the quarter")
	o.goesRound()
	o.signedIn("sarka").approves("2", "step 1 of 2")
	o.signedIn("hedda").approves("2", "step 2 of 2")
	o.judges()
	nadia.sees("that the order awaits a review", "Post in the ledger 5 Awaiting Approval 16 Approved", "rights → PostLedger account 5 Awaiting Approval")
	sofia := o.signedIn("sofia")
	sofia.opens("/review/properties")
	sofia.presses(`#list a[href*="LedgerAccount"][href*="property=rights"]`, `#list form`)
	sofia.step("reviews by property", "Nadia Bachmann", "5 Awaiting Approval")
	order := is[string](t, sofia.Context, `[...document.querySelectorAll("#list [data-row]")].find((r) => r.innerText.includes("Nadia Bachmann")).querySelector("[data-open]").getAttribute("href")`)
	sofia.presses(fmt.Sprintf(`#list a[href=%q]`, order), ".decide")
	sofia.chooses(sofia.line("fullName"), "decline") // the ledger writes her name in its own way
	sofia.chooses(sofia.line("rights"), "approve")
	sofia.types("#why", "for the quarter")
	sofia.step("decides on a property", "5 Awaiting Approval")
	sofia.presses(`.bulk button:not([name])`, ".told")
	sofia.step("has decided", "approved", "declined")
	nadia.sees("that it is approved", "fullName 4 Verified frozen", "Post in the ledger 1 Pending", "rights → PostLedger account 1 Pending")
	o.carriesOut()
	nadia.sees("that it is verified", "Post in the ledger 4 Verified 16 Approved", "rights → PostLedger account 4 Verified")
}

func TestAManualOrderIsAskedForHandedOutConfirmedAndVerifiedByKeyboardAlone(t *testing.T) {
	o := staffed(t)
	amelie := o.signedIn("amelie")
	amelie.asks("account:SiteBadge", "moves to the main site")
	o.goesRound()
	o.signedIn("sarka").approves("2", "step 1 of 1")
	o.judges()
	amelie.sees("that a badge is pending", "Badge for the main site 1 Pending")
	o.carriesOut()
	amelie.sees("that people have the order", "Badge for the main site 2 Transmitted")
	tim := o.signedIn("tim")
	tim.opens("/manual?q=E00052")
	tim.presses(`#list a[href^="/manual/"]`, ".todo")
	tim.step("reads what to do", "What to do")
	tim.presses(`button[value="take"]`, ".told")
	tim.step("has taken it", "taken.")
	if err := demo.WriteBadge(o.Dir, "E00052", "Amélie Domingues", "PAR", demo.BadgeActive); err != nil {
		t.Fatal(err)
	}
	tim.presses(`button[value="confirm"]`, ".told")
	tim.step("has confirmed it", "confirmed.")
	amelie.sees("that it is executed", "Badge for the main site 8 Executed")
	o.goesRound()
	amelie.sees("that a reading has verified it", "Badge for the main site E00052 4 Verified")
}

func TestWhatIsForbiddenOrWrongIsSaidByAPageThatEverybodyCanUse(t *testing.T) {
	o := staffed(t)
	for _, width := range []int{wide, 360} {
		ctx, _ := window(t, width, high, false)
		do(t, ctx, "nobody is known", chromedp.Navigate(o.base+"/review"), chromedp.WaitVisible(chromedp.CSS("#password")))
		held(t, ctx, "sign-in", width, high)
		do(t, ctx, "a wrong password", chromedp.SendKeys(chromedp.CSS("#name"), "amelie"), chromedp.SendKeys(chromedp.CSS("#password"), "wrong"+kb.Enter),
			chromedp.WaitVisible(chromedp.CSS(".wrong")))
		held(t, ctx, "a wrong password", width, high)
		do(t, ctx, "the right one", chromedp.SendKeys(chromedp.CSS("#password"), password+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".who")))
		held(t, ctx, "home with a menu of few", width, high)
		for page, says := range map[string]string{"/review": "You may not do this", "/journal": "You may not do this", "/directory/Person/E00001": "Not found"} {
			do(t, ctx, "open "+page, chromedp.Navigate(o.base+page))
			reads(t, ctx, says)
			held(t, ctx, page, width, high)
		}
		do(t, ctx, "a one-time link", chromedp.Navigate(o.base+"/first?link=none"))
		held(t, ctx, "the first account", width, high)
	}
}

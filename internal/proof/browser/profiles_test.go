package browser

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// signedIn serves a company to those who sign in, with an administrator who is
// somebody of the directory, and opens it as him.
func signedIn(t *testing.T, ctx context.Context, e *loop.Engine) (base string) {
	t.Helper()
	e.Clock = func() time.Time { return time.Now().UTC() }
	desk := e.AccessDesk()
	person := resources.Ref{Type: "Person", Key: somebody}
	const password = "correct horse battery"
	for name, of := range map[string]resources.Ref{"root": person, "anna": {}} {
		if _, err := desk.Add(t.Context(), signin.Entrant{Name: name, Person: of, Password: secret.New(password)}); err != nil {
			t.Fatal(err)
		}
	}
	for profile, holder := range map[access.ProfileID]access.Holder{"administrator": {Account: "root"}, "manager": {Person: person}} {
		if _, err := desk.Assign(t.Context(), access.ProfileAssignment{Profile: profile, Holder: holder, Why: "the first day"}); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	s := httptest.NewServer(web.New(web.Options{
		Questions: view.Named(e.Views(), e.Model), Within: func(f access.Filter) web.Questions { return view.Named(e.Views().Within(f), e.Model) },
		SignIn:   signin.NewBrowser(signin.Options{Desk: *desk, Required: true, Secret: e.Secret, Log: log}),
		Entities: e.Owners, Changes: e.ChangeCounter, Company: "Larkfield", Version: "test", Clock: e.Clock, Log: log,
		Desks: e.Desks(), Local: e.Actor, Model: e.Model, Explain: e.Explain, VerifyJournal: e.VerifyJournal,
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	do(t, ctx, "look at the page of the first account", chromedp.Navigate(s.URL+"/first?link=none"))
	do(t, ctx, "sign in", chromedp.Navigate(s.URL+"/sign-in?to=/profiles"), chromedp.SendKeys(chromedp.CSS("#name"), "root"),
		chromedp.SendKeys(chromedp.CSS("#password"), password+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#held")))
	return s.URL
}

func TestAProfileIsGivenAndTakenWithTheKeyboardAlone(t *testing.T) {
	for name, w := range map[string]struct {
		width int
		dark  bool
	}{"wide and light": {1920, false}, "narrow and dark": {360, true}} {
		t.Run(name, func(t *testing.T) {
			ctx, _ := window(t, w.width, 900, w.dark)
			base := signedIn(t, ctx, laid(t))
			do(t, ctx, "give a profile", chromedp.Navigate(base+"/profiles/application-owner"), chromedp.SendKeys(chromedp.CSS("#who"), "anna"),
				chromedp.Focus(chromedp.CSS(".ask summary")), chromedp.KeyEvent(kb.Enter), chromedp.SendKeys(chromedp.CSS("#scope-types"), "CrmUser"),
				chromedp.SendKeys(chromedp.CSS("#given-why"), "answers for it"), chromedp.Focus(chromedp.CSS(`button[value="assign"]`)), chromedp.KeyEvent(kb.Enter),
				chromedp.WaitVisible(chromedp.CSS(".told")))
			reads(t, ctx, "Account anna has the profile application-owner, reaching resource types CrmUser.", "by hand, of "+somebody, "answers for it")
			looked(t, ctx, base, []string{"/profiles", "/profiles?show=all&q=anna", "/profiles/application-owner", "/delegations"}, w.width)
			do(t, ctx, "a wrong form is shown again", chromedp.Navigate(base+"/profiles/auditor"), chromedp.SendKeys(chromedp.CSS("#who"), "root"),
				chromedp.Submit(chromedp.CSS(".ask")), chromedp.WaitVisible(chromedp.CSS(".told.refused")))
			reads(t, ctx, "four eyes see more than two")
			do(t, ctx, "end it", chromedp.Navigate(base+"/profiles/application-owner"), chromedp.Focus(chromedp.CSS("[data-pick]")), chromedp.KeyEvent(" "),
				chromedp.Focus(chromedp.CSS(`button[value="end"]`)), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".asking")),
				chromedp.Focus(chromedp.CSS(".asking button")), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".told")))
			reads(t, ctx, "1 profile ended.", "Nobody has it by hand or by delegation.")
		})
	}
}

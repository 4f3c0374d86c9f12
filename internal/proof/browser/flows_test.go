package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reads fails unless the page's text, its white space aside, holds each of the texts.
func reads(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	page := strings.Join(strings.Fields(is[string](t, ctx, `document.querySelector("main").innerText`)), " ")
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Fatalf("the page does not say %q: %s", text, page)
		}
	}
}

func TestAListIsWorkedThroughWithTheKeyboardAlone(t *testing.T) {
	ctx, _ := window(t, 1280, 900, false)
	base := served(t, laid(t), "E00001")
	do(t, ctx, "open the queue", chromedp.Navigate(base+"/review"))
	do(t, ctx, "ask for the keys", chromedp.KeyEvent("?"), chromedp.WaitVisible(chromedp.CSS("#keys dl")))
	do(t, ctx, "go to the second row and choose it", chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	if got := is[[]bool](t, ctx, `[...document.querySelectorAll("[data-pick]")].map((b) => b.checked)`); got[0] || !got[1] {
		t.Fatalf("chosen are %v", got)
	}
	if got := is[string](t, ctx, `document.querySelector("[data-chosen]").textContent`); got != "1 chosen" {
		t.Errorf("the count says %q", got)
	}
	second := is[string](t, ctx, `document.querySelectorAll("[data-open]")[1].getAttribute("href")`)
	do(t, ctx, "go down, up and open", chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".decide")))
	if got := is[string](t, ctx, `location.pathname`); got != second {
		t.Fatalf("Enter opened %s, not %s", got, second)
	}
	do(t, ctx, "back, and search", chromedp.Navigate(base+"/review"), chromedp.WaitVisible(chromedp.CSS("#q")), chromedp.KeyEvent("/"))
	if got := is[string](t, ctx, `document.activeElement.id`); got != "q" {
		t.Fatalf("/ leads to %q", got)
	}
	do(t, ctx, "type a name that nobody bears", chromedp.KeyEvent("nobodyatall"), chromedp.WaitVisible(chromedp.CSS("#list .empty")))
	reads(t, ctx, "No order like this waits for a review.")
}

func TestAnOrderIsDecidedLineByLineAndALateDecisionLosesNothing(t *testing.T) {
	e := laid(t)
	base, other := served(t, e, "E00001"), served(t, e, "E00002")
	page := address(t, base, "/review?kind=addition", "/review/")
	ctx, _ := window(t, 1280, 900, false)
	late, _ := window(t, 1280, 900, true)
	do(t, late, "somebody else looks", chromedp.Navigate(other+page), chromedp.Click(chromedp.CSS(`input[name="item1"][value="decline"]`)),
		chromedp.SendKeys(chromedp.CSS("#why"), "I have my reasons"))
	do(t, ctx, "decide", chromedp.Navigate(base+page), chromedp.SendKeys(chromedp.CSS("#why"), "seen"),
		chromedp.Click(chromedp.CSS(`button[name="every"][value="approve"]`)), chromedp.WaitVisible(chromedp.CSS(".told")))
	reads(t, ctx, "lines approved.")
	do(t, late, "decide too late", chromedp.Click(chromedp.CSS(".bulk button:not([name])")), chromedp.WaitVisible(chromedp.CSS(".told.refused")))
	reads(t, late, "Somebody decided already")
}

func TestAManualOrderIsTakenAndConfirmed(t *testing.T) {
	base := served(t, laid(t), "E00001")
	ctx, _ := window(t, 360, 800, false)
	do(t, ctx, "take", chromedp.Navigate(base+address(t, base, "/manual", "/manual/")), chromedp.Click(chromedp.CSS(`button[value="take"]`)), chromedp.WaitVisible(chromedp.CSS(".told")))
	reads(t, ctx, "taken.", "E00001", "What to do")
	do(t, ctx, "confirm", chromedp.Click(chromedp.CSS(`button[value="confirm"]`)), chromedp.WaitVisible(chromedp.CSS(".filter")))
	reads(t, ctx, "confirmed.")
}

func TestARequestIsMadeAndApproved(t *testing.T) {
	e := laid(t)
	base := served(t, e, "E00003")
	ctx, _ := window(t, 1280, 900, true)
	do(t, ctx, "ask", chromedp.Navigate(base+"/directory/Person/E00052/request"), chromedp.Click(chromedp.CSS("#list [data-open]")), chromedp.WaitVisible(chromedp.CSS(".ask")),
		chromedp.SendKeys(chromedp.CSS("#why"), "for the audit"), chromedp.Click(chromedp.CSS(".ask button")), chromedp.WaitVisible(chromedp.CSS(".told")))
	reads(t, ctx, "Request 2 is made", "for the audit")
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	boss := served(t, e, waitsFor(t, e, 2))
	do(t, ctx, "approve", chromedp.Navigate(boss+"/requests/2"), chromedp.Click(chromedp.CSS(`button[value="approve"]`)), chromedp.WaitVisible(chromedp.CSS(".told")))
	reads(t, ctx, "1 request approved.")
}

func TestDecisionsInBulkWorkWithoutAScript(t *testing.T) {
	base := served(t, laid(t), "E00001")
	ctx, _ := window(t, 1280, 900, false)
	do(t, ctx, "switch scripts off", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	do(t, ctx, "decline all", chromedp.Navigate(base+"/review"), chromedp.Click(chromedp.CSS("[data-all]")), chromedp.SendKeys(chromedp.CSS("#why"), "not now"),
		chromedp.Click(chromedp.CSS(`button[value="decline"]`)), chromedp.WaitVisible(chromedp.CSS(".asking")))
	reads(t, ctx, "Decline", "orders?", "not now")
	do(t, ctx, "yes", chromedp.Click(chromedp.CSS(".asking button")), chromedp.WaitVisible(chromedp.CSS(".told")))
	reads(t, ctx, "orders declined.", "Nothing waits for a reviewer")
}

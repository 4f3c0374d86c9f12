package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// A form is filled in by keyboard alone: Enter in a field sends it, and does not
// press the button that searches. What is wrong comes back beside its field.
func TestAFormIsFilledInByKeyboard(t *testing.T) {
	chromium(t)
	base := served(t, laid(t), "E00005")
	for _, width := range []int{1920, 360} {
		ctx, _ := window(t, width, 900, false)
		do(t, ctx, "fill in", chromedp.Navigate(base+"/workflows/contractor"),
			chromedp.SendKeys("#set-first", "Eva"), chromedp.SendKeys("#set-last", "Lake"), chromedp.SendKeys("#set-days", "400"),
			chromedp.SendKeys("#set-manager", "E000\r"), chromedp.WaitVisible("#set-days-wrong"))
		if text := is[string](t, ctx, `document.querySelector("#set-manager-wrong").innerText + document.querySelector("#set-first").value`); text != "No Person is known as \"E000\". Write its key, or another value that names it alone.Eva" {
			t.Errorf("the form came back with %q", text)
		}
		held(t, ctx, "a form with faults", width, 900)
		// The form that came back shows choices already: the next one is another page.
		do(t, ctx, "search", chromedp.SetAttributeValue("body", "data-before", "1"), chromedp.SetValue("#set-manager", "E00007"),
			chromedp.Click(`button[name="look"][value="manager"]`), chromedp.WaitNotPresent("body[data-before]"), chromedp.WaitVisible(`button[name="pick"]`))
		held(t, ctx, "a form with what was found", width, 900)
		do(t, ctx, "send", chromedp.Click(`button[name="pick"]`), chromedp.WaitNotPresent(`button[name="pick"]`), chromedp.WaitVisible("#set-days"), chromedp.SetValue("#set-days", "100"),
			chromedp.SendKeys("#set-days", "\r"), chromedp.WaitVisible("#writes"))
		held(t, ctx, "what was started", width, 900)
	}
}

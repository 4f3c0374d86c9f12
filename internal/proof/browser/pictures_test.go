package browser

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
)

var update = flag.Bool("update", false, "take the pictures of docs/tutorial anew")

const (
	pictures     = "../../../docs/tutorial"
	pictureBytes = 150 << 10 // each; all of them are in the binary
	quality      = 55
)

// taken takes a picture of the page that is open, where pictures are taken anew.
func taken(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	file := filepath.Join(pictures, name+".webp")
	if *update {
		content, err := chromedp.Run(ctx, func(ctx context.Context, _ *chromedp.Target) ([]byte, error) {
			q := int64(quality)
			r, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &q})
			if err != nil {
				return nil, err
			}
			return r.Data, nil
		})
		if err == nil {
			err = os.WriteFile(file, content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() > pictureBytes {
		t.Errorf("the picture %s is missing or too large: %v %v", name, info, err)
	}
}

// TestThePicturesOfTheTutorialShowWhatItSays goes to each page of which the tutorial
// has a picture. `make pictures` takes them anew.
func TestThePicturesOfTheTutorialShowWhatItSays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "larkfield")
	if _, err := demo.Lay(dir, company.Options{At: day}); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	c, err := e.Files()
	if err == nil {
		err = e.Deploy(t.Context(), c, "demo")
	}
	if err == nil {
		_, err = e.Run(t.Context(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	base := served(t, e, "E00005")
	ctx, _ := window(t, 1280, 860, false)
	shows := func(name, address string, says ...string) {
		t.Helper()
		do(t, ctx, "open "+address, chromedp.Navigate(base+address))
		reads(t, ctx, says...)
		taken(t, ctx, name)
	}
	shows("home", "/", "7 Awaiting approval", "7 Handed to technicians")
	shows("order", "/review/7", "Célia Lang", "5 Awaiting Approval", "celia.lang@larkfield.example", "approve", "decline", "postpone")
	approves(t, ctx, e)
	shows("permissions", "/directory/Person/E00017", "Célia Lang", "Read the ledger 4 Verified")
	shows("manual", "/manual/4", "What to do", "Benoît Prévost", "Confirm: done")
}

// approves decides on order 7, and lets it be carried out.
func approves(t *testing.T, ctx context.Context, e *loop.Engine) {
	t.Helper()
	do(t, ctx, "approve", chromedp.SendKeys(chromedp.CSS("#why"), "works in Finance"),
		chromedp.Click(chromedp.CSS(`button[name="every"][value="approve"]`)), chromedp.WaitVisible(chromedp.CSS(".told")))
	if _, err := e.Fulfil(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

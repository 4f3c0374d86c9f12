package browser

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

// tripped is a company in which a threshold parked updates of the CRM: two of one
// rule, one of another, two of both.
func tripped(t *testing.T) *loop.Engine {
	t.Helper()
	e := laid(t)
	if err := replaced(filepath.Join(e.Dir, "config", "crm.yaml"), "updatePercent: 80", "update: 3, updatePercent: 80"); err != nil {
		t.Fatal(err)
	}
	c, err := e.Files()
	if err == nil {
		err = e.Deploy(t.Context(), c, "a threshold")
	}
	if err == nil {
		err = renamed(t, e)
	}
	if err == nil {
		_, err = e.Run(t.Context(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	parks, err := e.Views().Parks(t.Context())
	if err != nil || len(parks) != 1 || parks[0].Kind != string(orders.Update) {
		t.Fatalf("parked is %+v, %v", parks, err)
	}
	return e
}

// renamed changes mail addresses and first names of people who have an account in
// the CRM of which nothing is open.
func renamed(t *testing.T, e *loop.Engine) error {
	t.Helper()
	page, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: view.MaxLimit})
	if err != nil {
		return err
	}
	changes := [][]string{{"first_name"}, {"first_name"}, {"email"}, {"email", "first_name"}, {"email", "first_name"}}
	of := map[string][]string{}
	for _, o := range page.People {
		p, err := e.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(o.Key)})
		if err != nil {
			return err
		}
		for _, a := range p.Accounts {
			if a.Type == "CrmUser" && a.Order == 0 && a.State.Number == int(orders.Verified) && len(of) < len(changes) {
				of[o.Key] = changes[len(of)]
			}
		}
	}
	if len(of) < len(changes) {
		return fmt.Errorf("only %d have an account in the CRM", len(of))
	}
	file := filepath.Join(e.Dir, "hr", "employees.csv")
	content, err := os.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	names := strings.Split(lines[0], ";")
	for i := 1; i < len(lines); i++ {
		cells := strings.Split(lines[i], ";")
		for _, name := range of[cells[slices.Index(names, "employee_id")]] {
			cells[slices.Index(names, name)] = "new-" + cells[slices.Index(names, name)]
		}
		lines[i] = strings.Join(cells, ";")
	}
	return errors.Join(err, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

const parkedAt = "/connectors/crm/parked/CrmUser/update"

func TestWhatAThresholdParksCanBeUsedByEverybodyAndIsReleasedByKeyboardAlone(t *testing.T) {
	chromium(t)
	e := tripped(t)
	base := served(t, e, "E00005")
	pages := []string{parkedAt, parkedAt + "?q=nobodyatall", "/connectors/crm", "/connectors", "/", "/orders?waits=gate"}
	for _, width := range []int{1920, 360} {
		ctx, _ := window(t, width, 900, false)
		looked(t, ctx, base, pages, width)
	}
	ctx, said := window(t, wide, high, false)
	h := &hand{&office{Engine: e, base: base, t: t}, ctx, "hedda", said}
	h.opens("/connectors/crm")
	h.presses(`a[href="`+parkedAt+`"]`, `#causes`)
	unreached, unseen := walked(t, ctx)
	if unreached != "" || unseen != "" {
		t.Errorf("the tabulator does not reach\n%s\nor one does not see that one is at\n%s", unreached, unseen)
	}
	h.opens(parkedAt)
	h.step("looks at what is parked", "5 orders", "By rule", "resourceTypes.CrmUser.values.displayName[0] 2 Release 2 orders …", "Release all 5")
	h.types("#why", "looked at one")
	h.opens(parkedAt)
	h.reaches("[data-pick]")
	do(t, ctx, "choose the first", chromedp.KeyEvent(" "))
	h.presses(`button[value="release"]`, ".told")
	h.step("has released one", "1 order released.", "4 orders")
	h.presses(`button[name="rules"]`, ".asking")
	h.step("is asked about a rule", "Only what came of", "The rest stays parked.")
	h.presses(".asking button.danger", ".told")
	h.step("has released a rule", "released.")
	left := is[int](t, ctx, `document.querySelectorAll("[data-pick]").length`)
	if left == 0 || left > 3 {
		t.Fatalf("%d stay parked", left)
	}
	h.presses(`button[value="all"]`, ".asking")
	h.step("is asked about all", fmt.Sprintf("Release all %d update", left))
	h.presses(".asking button.danger", ".told")
	h.step("has released all", "released.")
	if at := is[string](t, ctx, "location.pathname"); at != "/connectors/crm" {
		t.Errorf("releasing all leads to %s", at)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if parks, err := e.Views().Parks(t.Context()); err != nil || len(parks) != 0 {
		t.Errorf("parked is still %+v, %v", parks, err)
	}
}

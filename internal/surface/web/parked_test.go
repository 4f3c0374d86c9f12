package web_test

import (
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// moved writes something into columns of people in the file of human resources.
func moved(t *testing.T, e *loop.Engine, columns map[string][]string) {
	t.Helper()
	file := filepath.Join(e.Dir, "hr", "employees.csv")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	names := strings.Split(lines[0], ";")
	for i := range lines[1:] {
		cells := strings.Split(lines[i+1], ";")
		for _, name := range columns[cells[slices.Index(names, "employee_id")]] {
			at := slices.Index(names, name)
			cells[at] = "moved-" + cells[at]
		}
		lines[i+1] = strings.Join(cells, ";")
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// crmPeople are some who have an account in the CRM that nothing is open for.
func crmPeople(t *testing.T, e *loop.Engine, n int) (keys []string) {
	t.Helper()
	page, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: view.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.People {
		p, err := e.Views().Person(t.Context(), ref(o))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Accounts {
			if a.Type == "CrmUser" && a.Order == 0 && a.State.Number == int(orders.Verified) && len(keys) < n {
				keys = append(keys, o.Key)
			}
		}
	}
	if len(keys) < n {
		t.Fatalf("only %d have an account in the CRM", len(keys))
	}
	return keys
}

func TestOfWhatAThresholdParkedTheOrdersOfOneRuleAreReleasedAlone(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	people := crmPeople(t, e, 4)
	moved(t, e, map[string][]string{people[0]: {"email"}, people[1]: {"first_name"}, people[2]: {"first_name"}, people[3]: {"email", "first_name"}})
	act := journal.Act{Actor: e.Actor, Name: "park", At: time.Now()}
	if err := e.Park(t.Context(), act, []stage.Park{{Type: "CrmUser", Kind: orders.Update, Count: 4, Limit: 1, Why: "4 updates, at most 1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	const address, rule = "/connectors/crm/parked/CrmUser/update", "resourceTypes.CrmUser.values.displayName[0]"
	body := shows(t, h, address, "By rule", rule+" 2", "resourceTypes.CrmUser.values.email[0] 1", "resourceTypes.CrmUser.values.displayName[0], resourceTypes.CrmUser.values.email[0] 1")
	for _, m := range regexp.MustCompile(`name="rules" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if strings.Contains(html.UnescapeString(m[1]), "login") {
			t.Errorf("%s raised nothing", m[1])
		}
	}
	if w := post(t, h, address, "rules", rule); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Release 2 updates of CRM account?") {
		t.Errorf("it does not ask: %d %s", w.Code, plain(w.Body.String()))
	}
	if read := follows(t, h, address, "rules", rule, "sure", "1", "why", "the names are right"); !strings.Contains(read, "2 orders released.") {
		t.Errorf("releasing reads %s", read)
	}
	if _, err := e.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for i, out := range []bool{false, true, true, false} {
		list, err := e.Views().Orders(t.Context(), view.OrderFilter{Types: []string{"CrmUser"}, Kinds: []orders.Kind{orders.Update}, Text: people[i]})
		if err != nil || (len(list.Orders) == 0) != out {
			t.Errorf("%s went out: want %v, open are %d, %v", people[i], out, len(list.Orders), err)
		}
	}
	shows(t, h, address, "resourceTypes.CrmUser.values.email[0] 1")
	for _, pairs := range [][]string{{"rules", rule}, {"rules", rule, "sure", "1"}} {
		if w := post(t, h, address, pairs...); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "othing is parked that is of") {
			t.Errorf("what is released already answers %d", w.Code)
		}
	}
}

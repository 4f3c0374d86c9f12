package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// headings are the headings of a page by which it can be sorted: which way it is,
// and where each leads.
func headings(body string) (ways, links []string) {
	for _, m := range regexp.MustCompile(`class="[^"]*sorts[^"]*" aria-sort="([a-z]+)"><a href="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		ways, links = append(ways, m[1]), append(links, strings.ReplaceAll(m[2], "&amp;", "&"))
	}
	return ways, links
}

// firsts are the texts of the first cells of a list's rows, over all its pages.
func firsts(t *testing.T, h http.Handler, address string) (list []string) {
	t.Helper()
	cell := regexp.MustCompile(`(?s)<th scope="row"[^>]*>(.*?)</th>`)
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for range 50 {
		code, body := get(t, h, address)
		if code != http.StatusOK {
			t.Fatalf("%s answers %d: %s", address, code, body)
		}
		if at := regexp.MustCompile(`id="(list|holders)"`).FindStringIndex(body); at != nil { // other tables stand before it
			body = body[at[0]:]
		}
		for _, m := range cell.FindAllStringSubmatch(body, -1) {
			list = append(list, strings.Join(strings.Fields(plain(m[1])), " "))
		}
		more := next.FindStringSubmatch(body)
		if more == nil {
			return list
		}
		address = strings.ReplaceAll(more[1], "&amp;", "&")
	}
	t.Fatalf("%s has no end", address)
	return nil
}

// filled is a company in which every list has rows, more than a page of some.
func filled(t *testing.T) (*loop.Engine, string) {
	t.Helper()
	e, ctx := meddled(t), t.Context()
	page, err := e.Views().People(ctx, view.PeopleFilter{Entity: "Person", Limit: view.MaxLimit})
	m, modelErr := e.Model(ctx)
	failed := []error{err, modelErr}
	role := slices.Min(slices.Collect(maps.Keys(m.Roles)))
	act := journal.Act{Actor: journal.Actor{Process: "test"}, Name: "fill", At: at}
	var had []assignments.AssignedRole
	for i, p := range page.People {
		who, when := resources.Ref{Type: "Person", Key: resources.Key(p.Key)}, at.Add(time.Duration(i*7%5)*time.Hour)
		failed = append(failed, e.SaveRequest(ctx, act, stage.RequestChange{Request: requests.Request{
			ID: requests.RequestID(i + 1), Owner: who, Role: role, Action: requests.Add, By: "bob", At: when, State: assignments.Requested, Since: when,
		}}))
		found := assignments.Calculated
		if i%2 == 0 {
			found = assignments.NonConforming
		}
		had = append(had, assignments.AssignedRole{Owner: who, Role: role, Workflow: found})
		_, err := e.AddProfile(ctx, act, access.ProfileAssignment{
			Holder: access.Holder{Person: who}, Profile: access.ProfileID([]string{"auditor", "manager"}[i%2]), How: access.ByHand, From: at.AddDate(0, 0, -i%4), By: "test", At: at,
		})
		failed = append(failed, err)
	}
	failed = append(failed, e.SaveAssignedRoles(ctx, act, had, nil))
	for i := range 60 {
		failed = append(failed, e.Tell(ctx, stage.Telling{Recipient: fmt.Sprint("Person:", i), At: at, Messages: []stage.Message{{Way: "mail", Recipient: "x", Subject: "waits", Content: []byte("x"), At: at}}}))
		run, _, err := e.StartRun(ctx, &act, runs.Run{Job: runs.Round, At: at})
		failed = append(failed, err)
		_, err = e.ChangeRun(ctx, nil, run.ID, at, func(x *runs.Run) error { x.State = runs.Done; return nil })
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	return e, string(role)
}

// fileRows are the rows of a list's file, without its heading.
func fileRows(t *testing.T, h http.Handler, address string) (all [][]string) {
	t.Helper()
	list, _ := sheet(t, h, address, "csv")
	if len(list) == 0 {
		t.Fatalf("%s has no file", address)
	}
	return list[1:]
}

// TestAFileAndAPageAndTheInterfaceHaveTheSameOrder holds that there is one description of orders.
func TestAFileAndAPageAndTheInterfaceHaveTheSameOrder(t *testing.T) {
	e, role := filled(t)
	o := options(e)
	o.Within = func(f access.Filter) reach.Questions { return e.Views().Within(f) }
	h := withAPI(e, o)
	for address, list := range map[string]struct {
		programs string // the same list for programs, and what names a row there
		column   int    // and in the file
		columns  view.Columns
		name     func(row map[string]any) string
	}{
		"/orders":                 {"/orders", 0, view.OrderColumns, func(x map[string]any) string { return fmt.Sprint(x["id"]) }},
		"/review?postponed=shown": {"/orders?queue=review", 0, view.OrderColumns, func(x map[string]any) string { return fmt.Sprint(x["id"]) }},
		"/requests?show=open":     {"/requests", 0, view.RequestColumns, func(x map[string]any) string { return fmt.Sprint(x["id"]) }},
		"/reconciliation":         {"/reconciliation", 0, view.QuestionColumns, func(x map[string]any) string { return fmt.Sprint(x["account"].(map[string]any)["id"]) }},
		"/reconciliation/roles":   {"/found-roles", 1, view.FoundRoleColumns, func(x map[string]any) string { return fmt.Sprint(x["owner"].(map[string]any)["key"]) }},
		"/roles/" + role:          {"/roles/" + role + "/holders", 1, view.HolderColumns, func(x map[string]any) string { return fmt.Sprint(x["owner"].(map[string]any)["key"]) }},
		"/directory/Person":       {"/people/Person", 1, view.PeopleColumns, func(x map[string]any) string { return fmt.Sprint(x["key"]) }},
		"/journal":                {"/journal", 0, view.NumberedColumns, func(x map[string]any) string { return fmt.Sprint(x["seq"]) }},
		"/jobs":                   {"/jobs", 0, view.NumberedColumns, func(x map[string]any) string { return fmt.Sprint(x["id"]) }},
		"/messages":               {"/messages", 0, view.NumberedColumns, func(x map[string]any) string { return fmt.Sprint(x["id"]) }},
	} {
		for _, sort := range list.columns.Texts() {
			var file, asked []string
			for _, row := range fileRows(t, h, joined(address, "sort="+sort)) {
				if name := row[list.column]; len(file) == 0 || file[len(file)-1] != name { // some rows are values of one
					file = append(file, name)
				}
			}
			for after := ""; ; {
				var page struct {
					Items []map[string]any
					Next  string
				}
				asksJSON(t, h, joined("/api/v1"+list.programs, "limit=7&sort="+sort+after), &page)
				for _, x := range page.Items {
					asked = append(asked, list.name(x))
				}
				if page.Next == "" {
					break
				}
				after = "&after=" + page.Next
			}
			asked = slices.Compact(asked)
			if len(file) < 2 || strings.Join(file, " ") != strings.Join(asked, " ") {
				t.Errorf("%s by %s:\nas a file %v\nfor programs %v", address, sort, file, asked)
			}
			if n := firsts(t, h, joined(address, "sort="+sort)); len(n) < len(asked) {
				t.Errorf("%s by %s: the page has %d rows, not %d", address, sort, len(n), len(asked))
			}
		}
	}
	var problem struct{ Detail string }
	var page struct{ Next string }
	asksJSON(t, h, "/api/v1/orders?limit=2&sort=since", &page)
	if code := asksJSON(t, h, "/api/v1/orders?sort=owner&after="+page.Next, &problem); code != http.StatusBadRequest {
		t.Errorf("the cursor of another order is answered %d %s", code, problem.Detail)
	}
	if code := asksJSON(t, h, "/api/v1/orders?sort=price", &problem); code < 400 {
		t.Errorf("an unknown column is answered %d", code)
	}
}

func joined(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// asksJSON asks the interface for programs.
func asksJSON(t *testing.T, h http.Handler, address string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	d := json.NewDecoder(w.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s answers %d: %v", address, w.Code, err)
	}
	return w.Code
}

// bothWays follows each heading of a list, and says how many rows it has.
func bothWays(t *testing.T, h http.Handler, address string, columns int) (rows int) {
	t.Helper()
	_, body := get(t, h, address)
	ways, links := headings(body)
	if len(ways) != columns {
		t.Errorf("%s has the headings %v", address, links)
		return 0
	}
	for i, link := range links {
		if _, query, ok := strings.Cut(address, "?"); ok && !strings.Contains(link, query) {
			t.Errorf("%s: the heading %s forgets what is looked for", address, link)
		}
		_, body := get(t, h, link)
		now, back := headings(body)
		if len(now) != len(ways) || now[i] == "none" || now[i] == ways[i] {
			t.Errorf("%s: %s is sorted %v, as before %v", address, link, now, ways)
			continue
		}
		one, other := firsts(t, h, link), firsts(t, h, back[i])
		slices.Reverse(other)
		if fmt.Sprint(one) != fmt.Sprint(other) {
			t.Errorf("%s: from the end it is not the same list:\n%v\n%v", link, one, other)
		}
		if rows = len(one); rows == 0 || len(slices.Compact(slices.Sorted(slices.Values(one)))) < min(rows, 2) {
			t.Errorf("%s shows too little to tell: %v", link, one)
		}
	}
	return rows
}

func TestAHeadingSortsTheWholeListBothWays(t *testing.T) {
	e, role := filled(t)
	h := web.New(options(e))
	for address, columns := range map[string]int{
		"/directory/Person": 2, "/directory/Person?q=a": 2, "/orders": 5, "/orders?kind=update": 5, "/orders?waits=review": 5, "/orders?waits=technician": 5,
		"/states/2": 4, "/states/4": 4, "/review": 5, "/manual": 4, "/roles": 2, "/roles/" + role: 2, "/reconciliation": 4, "/reconciliation/roles": 3,
		"/requests?show=settled": 3, "/requests?show=open": 3, "/journal": 1, "/jobs": 1, "/messages": 1, "/profiles": 3,
	} {
		bothWays(t, h, address, columns)
	}
	long := web.New(options(laid(t)))
	for address, columns := range map[string]int{"/orders": 5, "/states/1": 4, "/directory/Person": 2} {
		if n := bothWays(t, long, address, columns); n <= 50 {
			t.Errorf("%s has %d rows, which is no more than a page", address, n)
		}
	}
	if code, _ := get(t, h, "/orders?sort=price"); code != http.StatusBadRequest {
		t.Errorf("an unknown column answers %d", code)
	}
	if body := shows(t, h, "/orders?sort=-number"); !strings.Contains(body, `<option value="-number" selected>`) || !strings.Contains(body, "sort=-number&amp;export=csv") {
		t.Error("the form or the file forgets the order")
	}
}

// endless are orders of which there are too many to sort them by owner.
type endless struct{ web.Questions }

func (q endless) Orders(ctx context.Context, f view.OrderFilter) (view.OrderPage, error) {
	if f.Sort.By == view.ByOwner {
		return view.OrderPage{}, view.TooLong(view.ByOwner)
	}
	return q.Questions.Orders(ctx, f)
}

func TestAListThatIsTooLongForAnOrderSaysSo(t *testing.T) {
	o := options(laid(t))
	o.Questions = endless{o.Questions}
	h := web.New(o)
	for _, address := range []string{"/orders?sort=owner", "/orders?sort=-owner&after=9&by=Ann", "/review?sort=owner"} {
		body := shows(t, h, address)
		if strings.Contains(address, "/orders") && !strings.Contains(plain(body), "More than 5,000 rows fit, which is too many to sort them by name") {
			t.Errorf("%s does not say why it is in another order", address)
		}
		if ways, _ := headings(body); len(ways) > 0 && ways[0] != "ascending" {
			t.Errorf("%s is sorted %v", address, ways)
		}
	}
	if body := shows(t, h, "/orders?sort=since"); strings.Contains(body, "More than 5,000") {
		t.Error("an order that a list has is refused")
	}
	if list, _ := sheet(t, h, "/orders?sort=owner", "csv"); len(list) < 2 {
		t.Error("such a list has no file")
	}
}

package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/surface/web"
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
			t.Fatalf("%s answers %d", address, code)
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

func TestAHeadingSortsTheWholeListBothWays(t *testing.T) {
	h := web.New(options(laid(t)))
	sorted := 0
	for address, columns := range map[string]int{
		"/directory/Person": 2, "/directory/Person?q=a": 2, "/orders": 5, "/orders?kind=update": 5, "/orders?waits=review": 5, "/orders?waits=technician": 5,
		"/states/1": 4, "/states/4": 4, "/review": 5, "/manual": 4, "/roles": 2, "/roles/" + askedRole: 2, "/reconciliation": 4, "/reconciliation/roles": 3,
		"/requests?show=settled": 3, "/requests?show=open": 3, "/journal": 1, "/jobs": 1, "/messages": 1, "/profiles": 3,
	} {
		_, body := get(t, h, address)
		ways, links := headings(body)
		if len(ways) == 0 {
			t.Logf("%s is empty", address)
			continue
		}
		if len(ways) != columns {
			t.Errorf("%s has the headings %v", address, links)
			continue
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
			if sorted++; len(one) == 0 {
				t.Errorf("%s is empty", link)
			}
		}
	}
	if sorted < 50 {
		t.Errorf("only %d headings were followed", sorted)
	}
	if code, _ := get(t, h, "/orders?sort=price"); code != http.StatusBadRequest {
		t.Errorf("an unknown column answers %d", code)
	}
	if body := shows(t, h, "/orders?sort=-number"); !strings.Contains(body, `<option value="-number" selected>`) || !strings.Contains(body, "sort=-number&amp;export=csv") {
		t.Error("the form or the file forgets the order")
	}
}

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
	for address, columns := range map[string]int{
		"/directory/Person": 2, "/directory/Person?q=a": 2, "/orders": 1, "/orders?kind=update": 1, "/states/1": 1, "/states/4": 1, "/review": 1, "/roles": 2,
	} {
		_, body := get(t, h, address)
		ways, links := headings(body)
		if len(ways) != columns && strings.Contains(body, "data-row") {
			t.Errorf("%s has the headings %v", address, links)
			continue
		}
		for i, link := range links {
			if _, query, ok := strings.Cut(address, "?"); ok && !strings.Contains(link, query) {
				t.Errorf("%s: the heading %s forgets what is looked for", address, link)
			}
			_, sorted := get(t, h, link)
			now, back := headings(sorted)
			if len(now) != len(ways) || now[i] == "none" || now[i] == ways[i] {
				t.Errorf("%s: %s is sorted %v, as before %v", address, link, now, ways)
				continue
			}
			one, other := firsts(t, h, link), firsts(t, h, back[i])
			slices.Reverse(other)
			if len(one) == 0 || fmt.Sprint(one) != fmt.Sprint(other) {
				t.Errorf("%s: from the end it is not the same list:\n%v\n%v", link, one, other)
			}
		}
	}
	if code, _ := get(t, h, "/orders?sort=price"); code != http.StatusBadRequest {
		t.Errorf("an unknown column answers %d", code)
	}
	if body := shows(t, h, "/orders?sort=-order"); !strings.Contains(body, `name="sort" value="-order"`) || !strings.Contains(body, "sort=-order&amp;export=csv") {
		t.Error("the form or the file forgets the order")
	}
}

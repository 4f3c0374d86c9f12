package web_test

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/web"
)

// arrowsDrawn is how many moves the picture has a way for. A move that the table
// loses would silently leave the picture, too.
const arrowsDrawn = 17

func TestTheDiagramHasEveryStateAndItsArrowsComeFromTheTable(t *testing.T) {
	body := shows(t, web.New(options(laid(t))), "/")
	legal := map[string][]string{}
	for _, triple := range orders.Triples() {
		pair := fmt.Sprintf("%s → %s", triple.From.State, triple.To.State)
		if !slices.Contains(legal[pair], string(triple.Event)) {
			legal[pair] = append(legal[pair], string(triple.Event))
		}
	}
	drawn := regexp.MustCompile(`<title>([^<]*)</title>`).FindAllStringSubmatch(body[strings.Index(body, "<main"):], -1)
	if len(drawn) != 2*arrowsDrawn {
		t.Errorf("%d arrows are drawn in the wide picture and the tall one, not %d in each", len(drawn), arrowsDrawn)
	}
	for _, m := range drawn {
		pair, events, _ := strings.Cut(html.UnescapeString(m[1]), ": ")
		if want := strings.Join(legal[pair], ", "); events != want || want == "" {
			t.Errorf("the picture moves %s by %q, the table by %q", pair, events, want)
		}
	}
	for _, s := range orders.States() {
		if n := strings.Count(body, fmt.Sprintf(`class="node s%d`, s)); n != 2 {
			t.Errorf("state %d %s stands %d times in the two pictures", s, s, n)
		}
		if !strings.Contains(body, fmt.Sprintf(`href="/states/%d"`, s)) {
			t.Errorf("state %d %s does not lead to its list", s, s)
		}
	}
}

func TestThePageOfTheStatesHasEveryRowOfTheTable(t *testing.T) {
	h := web.New(options(laid(t)))
	body := shows(t, h, "/states")
	for _, row := range orders.Table() {
		if !strings.Contains(html.UnescapeString(body), row.Name) {
			t.Errorf("the row %q is missing", row.Name)
		}
	}
	for _, s := range orders.States() {
		shows(t, h, fmt.Sprintf("/states/%d", s), s.String())
	}
}

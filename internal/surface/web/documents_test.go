package web_test

import (
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/docs"
)

var (
	linked  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	named   = regexp.MustCompile(` id="([^"]*)"`)
	inStyle = regexp.MustCompile(`<[^>]* style=|<style|<script(?:>| [^>]*>[^<])`)
)

// documented are the pages and the interface for programs, of which documents tell.
func documented(t *testing.T) http.Handler {
	t.Helper()
	e := empty(t)
	return withAPI(e, options(e))
}

func TestEveryDocumentIsAPageWhoseLinksAllLeadSomewhere(t *testing.T) {
	h := documented(t)
	documents := 0
	followed := map[string]bool{}
	err := fs.WalkDir(docs.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		address := "/docs/" + name
		code, page := get(t, h, address)
		if code != http.StatusOK {
			t.Errorf("%s answers %d", address, code)
		}
		if path.Ext(name) != ".md" {
			return nil
		}
		documents++
		if found := inStyle.FindString(page); found != "" {
			t.Errorf("%s holds what the policy refuses: %s", address, found)
		}
		for _, m := range linked.FindAllStringSubmatch(page, -1) {
			from, _ := url.Parse(address)
			to, err := from.Parse(html.UnescapeString(m[1]))
			if err != nil || to.Host != "" || followed[to.String()] {
				continue
			}
			followed[to.String()] = true
			leads(t, h, name, to)
		}
		return nil
	})
	if err != nil || documents < 30 {
		t.Fatalf("%d documents: %v", documents, err)
	}
}

// leads goes to where a link leads, and looks for the place in the page that it
// names.
func leads(t *testing.T, h http.Handler, from string, to *url.URL) {
	t.Helper()
	code, page := get(t, h, to.RequestURI())
	for hops := 0; code == http.StatusFound && hops < 3; hops++ {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, to.RequestURI(), nil))
		to, _ = to.Parse(w.Header().Get("Location"))
		code, page = get(t, h, to.RequestURI())
	}
	if code != http.StatusOK {
		t.Errorf("%s leads to %s, which answers %d", from, to, code)
		return
	}
	if to.Fragment == "" {
		return
	}
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		if m[1] == to.Fragment {
			return
		}
	}
	t.Errorf("%s leads to %s, where nothing is called %s", from, to.Path, to.Fragment)
}

func TestADocumentThatIsNotThereIsSaidToBeMissing(t *testing.T) {
	h := documented(t)
	for _, address := range []string{"/docs/nowhere.md", "/docs/operate/none.json", "/docs/docs.go", "/docs/../go.mod", "/docs/tutorial/none.webp"} {
		if code, page := get(t, h, address); code == http.StatusOK || strings.Contains(page, "module provisor") {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

func TestWhatLeavesTheDocumentsIsNoLink(t *testing.T) {
	_, page := get(t, documented(t), "/docs/model/README.md")
	if strings.Contains(page, "examples/small/README.md\"") || !strings.Contains(page, "small company") {
		t.Error("a link leads out of the documents")
	}
}

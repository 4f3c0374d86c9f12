package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/proof/policy"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
)

// breaches lists what of an answer a browser would refuse under the policy, and in
// which headers it differs from what every answer carries.
func breaches(address string, w *httptest.ResponseRecorder) []string {
	var kept []string
	isPage := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html")
	if w.Code == http.StatusOK && !isPage && (strings.HasPrefix(address, "/static/") || strings.HasPrefix(address, "/docs/")) {
		kept = []string{"Cache-Control"} // files that are the same for everybody
	}
	list := policy.Lacks(w.Header(), kept...)
	if isPage {
		list = append(list, policy.Blocked(w.Body.String())...)
	}
	return list
}

// holds fails on what breaches finds.
func holds(t *testing.T, address string, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, b := range breaches(address, w) {
		t.Errorf("%s: %s", address, b)
	}
}

// everyAnswer asks each route, also as a file, and returns the answers by address.
func everyAnswer(g *routes.Registry, x target) map[string]*httptest.ResponseRecorder {
	answers := map[string]*httptest.ResponseRecorder{}
	for _, r := range g.Routes() {
		address, method := public[r.String()], r.Method
		if r.Public == "" {
			p := probes[r.String()]
			address = p.address(x)
			if p.method != "" {
				method = p.method
			}
		}
		for _, more := range []string{"", "?export=csv", "?export=nothing"} {
			if more != "" && (method != http.MethodGet || strings.Contains(address, "?")) {
				continue
			}
			w := httptest.NewRecorder()
			asked := httptest.NewRequest(method, address+more, nil)
			asked.Header.Set("Accept", "text/html")
			g.ServeHTTP(w, asked)
			answers[method+" "+address+more] = w
		}
	}
	return answers
}

func TestNoAnswerHoldsWhatABrowserWouldRefuse(t *testing.T) {
	e := laid(t)
	inside := seats(t, e)[0].inside
	everybody := access.Everybody()
	pages, statuses := 0, map[int]int{}
	for _, who := range []*access.Principal{&everybody, nil} {
		for address, w := range everyAnswer(askedBy(e, who), inside) {
			_, at, _ := strings.Cut(address, " ")
			holds(t, at, w)
			statuses[w.Code]++
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				pages++
			}
		}
	}
	for _, status := range []int{200, 303, 400, 401, 404, 409} {
		if statuses[status] == 0 {
			t.Errorf("no answer has the status %d: %v", status, statuses)
		}
	}
	if pages < 100 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

// The check is seen failing: on a page with what the policy refuses, on one without
// its headers, and on a page of the site's own that runs a name.
func TestTheCheckOfAnswersFindsWhatIsPlanted(t *testing.T) {
	everybody := access.Everybody()
	e := laid(t)
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"a style":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<p style="color:red">`)) }, "<p>: an inline style: color:red"},
		"a name that runs": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<p>" + hostile)) }, "<script>: an inline script"},
		"a policy of its own": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src *")
		}, `Content-Security-Policy is ["default-src *"]`},
		"a page that is kept": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
		}, `Cache-Control is ["private"]`},
	} {
		g := askedBy(e, &everybody)
		g.Show("/new", access.OrdersView, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			c.h(w, r)
		})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/new", nil))
		if got := breaches("/new", w); len(got) == 0 || got[0] != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestABrowserThatCameByTLSIsToldToComeByNothingElse(t *testing.T) {
	for _, c := range []struct {
		secure     bool
		host, want string
	}{
		{true, "provisor.example.org", "max-age=31536000"},
		{true, "provisor.example.org:8443", "max-age=31536000"},
		{true, "localhost:8443", ""}, // every other program of this machine is called so, too
		{false, "provisor.example.org", ""},
	} {
		o := options(empty(t))
		o.Secure = c.secure
		for _, address := range []string{"/", "/nowhere", "/static/none.css"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, address, nil)
			r.Host = c.host
			web.New(o).ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security"); got != c.want {
				t.Errorf("%s at %s (secure %v) says %q", address, c.host, c.secure, got)
			}
		}
	}
}

// elsewhere is what a style or a script of ours must not do under the policy: load
// from elsewhere or from data, evaluate text, write styles into elements.
var elsewhere = regexp.MustCompile(`\burl\(|@import|@font-face|\beval\(|new Function|setTimeout\(["'` + "`" + `]|document\.write|cssText|setAttribute\(["']style|https?://[^\s"']*`)

func TestTheFilesOfPagesLoadAndEvaluateNothing(t *testing.T) {
	for _, file := range []string{"style.css", "app.js", "icon.svg"} {
		content, err := os.ReadFile("assets/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range elsewhere.FindAllString(string(content), -1) {
			if found != "http://www.w3.org/2000/svg" { // the name of the format
				t.Errorf("%s holds %s", file, found)
			}
		}
	}
	for _, planted := range []string{"background: url(data:image/png;base64,A)", `eval("x")`, "@import 'x'", "setTimeout('x()')", "fetch('https://x.example/y')"} {
		if !elsewhere.MatchString(planted) {
			t.Errorf("%s is not found", planted)
		}
	}
}

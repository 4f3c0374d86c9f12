package signin_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/proof/policy"
	"provisor.dev/provisor/internal/surface/routes"
)

// place fills the placeholders of an address, whatever with.
func place(path, id string) string {
	return placeholder.ReplaceAllString(strings.ReplaceAll(path, "{$}", ""), strings.ReplaceAll(url.PathEscape(id), "$", "$$"))
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// request is one that a server reads off the wire: what no client could send is none.
func request(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(address)
	if err != nil || u.Host != "" {
		t.Skip("no address can be made of this")
	}
	if method == http.MethodGet && strings.HasSuffix(u.Path, "/events") {
		method = http.MethodHead // a live page ends with its browser alone
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
	r.URL, r.RequestURI = u, address
	return r
}

// asked sends a request to pages and fails on whatever is no answer: a crash, a hang,
// something wrong inside, what a browser would refuse, or a way to another server.
func (x *attacked) asked(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w, began := httptest.NewRecorder(), time.Now()
	x.pages.ServeHTTP(w, r)
	at := r.Method + " " + r.RequestURI
	if took := time.Since(began); took > answerWithin {
		t.Errorf("%.300q takes %v", at, took)
	}
	if w.Code >= http.StatusInternalServerError {
		t.Errorf("%.300q answers %d: %s\n%s", at, w.Code, w.Body, x.log)
	}
	for _, fault := range policy.Lacks(w.Header(), "Cache-Control") {
		t.Errorf("%.300q: %s", at, fault)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		for _, fault := range policy.Blocked(w.Body.String()) {
			t.Errorf("%.300q: %s", at, fault)
		}
	}
	if to := w.Header().Get("Location"); to != "" && !policy.Own(to) {
		t.Errorf("%.300q leads to %q", at, to)
	}
	return w
}

// of lists the routes of a method.
func (h *house) of(method string) (list []routes.Route) {
	for _, r := range h.routes {
		if r.Method == method {
			list = append(list, r)
		}
	}
	return list
}

// queries are what addresses ask for: filters, cursors, orders, exports, searches.
var queries = []string{
	"", "q=E00005&type=CrmUser&kind=addition&state=4&waits=review&sort=-name&export=csv", "after=MQ&limit=1", "after=x&limit=0&sort=x&export=x&item=1.1",
	"after=eyJuYW1lIjoiIn0", "q=%00&after=%ff", "q=%25&q=%5f&to=//elsewhere.example&to=%5c%5cx", "since=-1&show=all&about=E00005&entity=Person&id=1&target=%2f&property=a&value=b&account=CrmUser&role=team-lunch",
	"days=99999999999999999999&day=2026-02-30&from=9999-12-31&until=0000-00-00", "a=1;b=2&%zz", strings.Repeat("q=x&", 200),
}

// names are what stands in addresses, beside numbers.
var names = []string{"E00005", "Person", "crm", "team-lunch", "administrator", "../../etc/passwd", "README.md", "<script>alert(1)</script>"}

// looked asks for a page or a list as a browser does.
func (x *attacked) looked(t *testing.T, r routes.Route, id, query string) {
	t.Helper()
	asked := request(t, http.MethodGet, place(r.Path, id)+"?"+query, "")
	asked.Header.Set("Accept", "text/html")
	x.asked(t, asked)
}

func TestNoNonsenseInAnAddressBreaksAPage(t *testing.T) {
	inBothStores(t, "addresses", func(t *testing.T, x *attacked) {
		for _, r := range x.of(http.MethodGet) {
			for _, query := range queries {
				t.Run(r.Path, func(t *testing.T) { x.looked(t, r, x.order, query) })
			}
			for _, id := range append(x.ids(), names...) {
				if strings.Contains(r.Path, "{") {
					t.Run(r.Path, func(t *testing.T) { x.looked(t, r, id, "") })
				}
			}
			for _, place := range places(x, r) {
				t.Run(r.Path, func(t *testing.T) { x.from(t, r, place) })
			}
		}
	})
}

// places are what may stand in a cursor of a list: where it goes on, and what that
// becomes when somebody changes it. Nil for what is no list of programs.
func places(x *attacked, r routes.Route) (list [][]byte) {
	w := httptest.NewRecorder()
	if !strings.HasPrefix(r.Path, "/api/") {
		return nil
	}
	x.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, place(r.Path, "Person")+"?limit=1", nil))
	var page struct{ Next string }
	if json.Unmarshal(w.Body.Bytes(), &page) != nil || page.Next == "" {
		return nil
	}
	next, err := base64.RawURLEncoding.DecodeString(page.Next)
	if err != nil {
		return nil
	}
	for _, with := range []string{"$0", "-1", "0", "9223372036854775807", "9223372036854775808", "null", "1.5"} {
		list = append(list, number.ReplaceAll(next, []byte(with)))
	}
	for _, with := range []string{`:""`, `:"\u0000"`, `:"\ud800"`, `:"%"`, `:"';--"`, `:{}`} {
		list = append(list, quoted.ReplaceAll(next, []byte(with)))
	}
	return list
}

var (
	number = regexp.MustCompile(`\b[0-9]+\b`)
	quoted = regexp.MustCompile(`:"[^"]*"`)
)

// from asks for a list from a place.
func (x *attacked) from(t *testing.T, r routes.Route, from []byte) {
	t.Helper()
	asked := request(t, http.MethodGet, place(r.Path, "Person")+"?limit=2&after="+base64.RawURLEncoding.EncodeToString(from), "")
	if w := x.asked(t, asked); w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
		t.Errorf("%s from %q answers %d: %s", r.Path, from, w.Code, w.Body)
	}
}

// FuzzCursors asks the lists of programs to go on anywhere.
func FuzzCursors(f *testing.F) {
	x := attack(f, "")
	var lists []routes.Route
	for _, r := range x.of(http.MethodGet) {
		if found := places(x, r); found != nil {
			for _, from := range found {
				f.Add(uint8(len(lists)), from)
			}
			lists = append(lists, r)
		}
	}
	if len(lists) < 5 {
		f.Fatalf("only %d lists have a cursor: %v", len(lists), lists)
	}
	f.Fuzz(func(t *testing.T, n uint8, from []byte) { x.from(t, lists[int(n)%len(lists)], from) })
}

// FuzzAddresses asks for every page and every list of programs, with anything as
// names, numbers, filters, cursors and searches.
func FuzzAddresses(f *testing.F) {
	x := attack(f, "")
	shown, ids := x.of(http.MethodGet), append(x.ids(), names...)
	for i := range shown { // a few for each: all of them are the test above
		f.Add(uint8(i), x.order, queries[1])
		f.Add(uint8(i), ids[i%len(ids)], queries[i%len(queries)])
	}
	f.Fuzz(func(t *testing.T, n uint8, id, query string) { x.looked(t, shown[int(n)%len(shown)], id, query) })
}

// filledIn is what a browser sends of each form of a page, with each of its buttons.
func filledIn(page string) (list []string) {
	var fields url.Values
	z := html.NewTokenizer(strings.NewReader(page))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		token := z.Token()
		value := map[string]string{}
		for _, a := range token.Attr {
			value[a.Key] = a.Val
		}
		switch {
		case kind == html.StartTagToken && token.Data == "form":
			fields = url.Values{"why": {"because"}}
		case kind == html.EndTagToken && token.Data == "form":
			list = append(list, fields.Encode())
		case fields == nil || value["name"] == "":
		case token.Data == "button":
			pressed := fields.Encode() + "&" + url.Values{value["name"]: {value["value"]}}.Encode()
			list = append(list, pressed, pressed+"&sure=1")
		case token.Data == "input" || token.Data == "select" || token.Data == "textarea":
			fields.Add(value["name"], value["value"])
		}
	}
	return list
}

// FuzzForms sends every form of the pages anything, as somebody who may do everything.
// The seeds are the forms as the pages show them, with each of their buttons.
func FuzzForms(f *testing.F) {
	x := attack(f, "")
	var acts []routes.Route
	for _, r := range x.of(http.MethodPost) {
		if !strings.HasPrefix(r.Path, "/api/") {
			acts = append(acts, r)
		}
	}
	forms := map[string]bool{}
	for i, r := range acts {
		for _, id := range []string{x.order, "Person", "E00005", "crm", "team-lunch", "administrator", "1", "\x00", "9223372036854775808"} {
			w := httptest.NewRecorder()
			shown := httptest.NewRequest(http.MethodGet, place(r.Path, id), nil)
			shown.Header.Set("Accept", "text/html")
			x.pages.ServeHTTP(w, shown)
			for _, form := range filledIn(w.Body.String()) {
				if key := r.Path + form; !forms[key] {
					forms[key] = true
					f.Add(uint8(i), id, form)
				}
			}
			if !strings.Contains(r.Path, "{") {
				break
			}
		}
		for _, body := range []string{"", "%zz", "do=approve&row=1.1&row=x&row=%00&why=x", "row=9223372036854775808.1", "a=1;b=2", "do=x&sure=1&item1=decline&version=-1", "why=" + strings.Repeat("x", 300<<10)} {
			f.Add(uint8(i), x.order, body)
		}
	}
	if len(forms) < 100 {
		f.Fatalf("the pages show %d forms", len(forms))
	}
	f.Fuzz(func(t *testing.T, n uint8, id, body string) {
		r := request(t, http.MethodPost, place(acts[int(n)%len(acts)].Path, id), body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		x.asked(t, r)
	})
}

// FuzzHeaders shows a server at which everybody signs in anything as tokens, cookies
// and keys: nobody gets in, and what is sent twice under a key is done once.
func FuzzHeaders(f *testing.F) {
	h := build(f, "{}\n")
	h.add(f, "anna", access.Administrator, resources.Ref{})
	s := h.serve(f, signin.Options{Required: true})
	made, err := h.AccessDesk().CreateToken(f.Context(), "anna", "fuzz", 30, "")
	if err != nil {
		f.Fatal(err)
	}
	token := made.Text.Reveal()
	x := &attacked{house: h, pages: s.Config.Handler}
	for _, text := range []string{
		"", "Bearer ", "Bearer x", "Bearer " + token + "x", "Bearer " + token[:len(token)-1], "bearer " + token, "Basic YTpi", "Bearer \x00", "Bearer " + strings.Repeat("x", 8000), "\xff", "Digest username=\"a\"",
	} {
		f.Add(text, "provisor="+text, text, "application/json", "text/html")
		f.Add(text, "provisor-told="+text+"; provisor=x; provisor=y", text, "multipart/form-data; boundary=", "*/*;q=x")
	}
	f.Add("", "provisor-told=eyJzIjoiPHNjcmlwdD4ifQ", "k", "text/plain; charset=utf-7", "text/html")
	f.Fuzz(func(t *testing.T, auth, cookie, key, kind, accept string) {
		set := func(r *http.Request, authorization string) *http.Request {
			for name, value := range map[string]string{"Authorization": authorization, "Cookie": cookie, "Idempotency-Key": key, "Content-Type": kind, "Accept": accept} {
				if strings.ContainsAny(value, "\r\n\x00") {
					t.Skip("the server itself refuses such a header")
				}
				r.Header.Set(name, value)
			}
			return r
		}
		for _, address := range []string{"/", "/api/v1/me", "/sign-in", "/review"} {
			w := x.asked(t, set(request(t, http.MethodGet, address, ""), auth))
			if w.Code == http.StatusOK && address != "/sign-in" && auth != "Bearer "+token {
				t.Errorf("%q and %q let somebody in at %s", auth, cookie, address)
			}
		}
		if w := x.asked(t, set(request(t, http.MethodGet, "/", ""), "Bearer "+token)); w.Code != http.StatusOK {
			t.Errorf("%q keeps somebody out who has a token: %d", cookie, w.Code)
		}
		const act = "/api/v1/delegations"
		x.asked(t, set(request(t, http.MethodPost, act, "{}"), auth))
		// Somebody who is known gets one answer to one key.
		first := x.asked(t, set(request(t, http.MethodPost, act, "{}"), "Bearer "+token))
		again := x.asked(t, set(request(t, http.MethodPost, act, "{}"), "Bearer "+token))
		if first.Code != again.Code || first.Body.String() != again.Body.String() {
			t.Errorf("under the key %q: %d %s, then %d %s", key, first.Code, first.Body, again.Code, again.Body)
		}
		if other := x.asked(t, set(request(t, http.MethodPost, act, `{"why":"other"}`), "Bearer "+token)); key != "" && len(key) <= 200 && other.Code != http.StatusConflict {
			t.Errorf("the key %q does for another request: %d %s", key, other.Code, other.Body)
		}
		var problem struct{ Detail string }
		if json.Unmarshal(first.Body.Bytes(), &problem) != nil || problem.Detail == "" {
			t.Errorf("nobody is told what is wrong with an empty delegation: %s", first.Body)
		}
	})
}

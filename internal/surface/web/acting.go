package web

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/routes"
)

// formBytesMax is more than the largest page chosen whole, with a long reason.
const formBytesMax = 256 << 10

// outcome is what became of what a form asked for.
type outcome struct {
	Said    string   // what was done; "" for nothing
	Refused []string // what was not, and why
	To      string   // where to go on; "": where the form was
	Ask     *ask     // nothing yet: it asks first
	Page    *page    // what came of it takes a page of its own
	Status  int      // of that page; 0: 200
}

// ask is a question before something that takes away.
type ask struct {
	Heading string
	What    []string // it touches these
	More    int      // and so many
	Button  string
}

// afterword is an outcome on the page that follows it.
type afterword struct {
	Said    string   `json:"s,omitempty"`
	Heading string   `json:"-"`
	Refused []string `json:"r,omitempty"`
	More    int      `json:"m,omitempty"` // refusals that are not listed
}

// do carries out what a form asks for. It is the one door through which pages
// change anything; who may pass, and that no other site sends forms here, is the
// registry's. What was done leads on with a
// redirect, so that a reload repeats nothing; where nothing could be done, shown
// builds the page again with everything that was chosen and typed.
func (s *site) do(acts func(*http.Request) (outcome, error), shown func(*http.Request) (page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, formBytesMax)
		if err := r.ParseForm(); err != nil {
			s.fail(w, r, &fault.Error{Kind: fault.Invalid, Msg: "the form cannot be read", Do: "Open the page again and choose anew."})
			return
		}
		for _, values := range r.PostForm {
			if !routes.Readable(r) || slices.ContainsFunc(values, func(v string) bool { return !routes.Text(v) }) {
				s.fail(w, r, noText("the form"))
				return
			}
		}
		out, err := acts(r)
		if err != nil && review.Refusable(err) {
			out, err = outcome{Refused: []string{advised(err)}}, nil
		}
		switch {
		case err != nil:
			s.fail(w, r, err)
		case out.Ask != nil:
			s.write(w, r, http.StatusOK, page{Title: out.Ask.Heading, Body: askPage(*out.Ask, r.URL.RequestURI(), r.PostForm)})
		case out.Page != nil:
			s.write(w, r, cmp.Or(out.Status, http.StatusOK), *out.Page)
		case out.Said == "" && len(out.Refused) > 0:
			s.again(w, r, shown, out)
		default:
			s.keepTold(w, r, toldOf(out))
			http.Redirect(w, r, inside(cmp.Or(out.To, r.URL.RequestURI())), http.StatusSeeOther) // #nosec G710 -- an address of these pages alone
		}
	}
}

// again shows the page on which nothing could be done, as it was filled in.
func (s *site) again(w http.ResponseWriter, r *http.Request, shown func(*http.Request) (page, error), out outcome) {
	p, err := shown(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := toldOf(out)
	if t.Heading = p.Late; t.Heading == "" {
		t.Heading = "Nothing was changed"
	}
	p.Told = &t
	s.write(w, r, http.StatusConflict, p)
}

// refusalsShown is how many refusals a person reads; the rest is counted.
const refusalsShown = 8

func toldOf(out outcome) afterword {
	t := afterword{Said: out.Said, Refused: out.Refused}
	if len(t.Refused) > refusalsShown {
		t.More, t.Refused = len(t.Refused)-refusalsShown, t.Refused[:refusalsShown]
	}
	return t
}

// toldCookie brings an outcome to the page that follows, once.
const toldCookie = "provisor-told"

// toldTextMax keeps eight refusals within what a browser takes for a cookie.
const toldTextMax = 300

func (s *site) keepTold(w http.ResponseWriter, r *http.Request, t afterword) {
	t.Refused = slices.Clone(t.Refused)
	for i, text := range t.Refused {
		if len(text) > toldTextMax {
			t.Refused[i] = strings.ToValidUTF8(text[:toldTextMax], "") + "…"
		}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return // strings and a number
	}
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure wherever browsers come by TLS
		Name: toldCookie, Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: 60,
		HttpOnly: true, Secure: s.Secure || r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

// takeTold takes the outcome that an earlier answer left for this one.
func (s *site) takeTold(w http.ResponseWriter, r *http.Request) *afterword {
	cookie, err := r.Cookie(toldCookie)
	if err != nil || r.Method != http.MethodGet {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: toldCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.Secure || r.TLS != nil, SameSite: http.SameSiteStrictMode}) // #nosec G124 -- Secure wherever browsers come by TLS
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var t afterword
	if err != nil || json.Unmarshal(text, &t) != nil || t.Said == "" && len(t.Refused) == 0 {
		return nil
	}
	return &t
}

// advised is an error with what to do about it.
func advised(err error) string {
	var known *fault.Error
	if errors.As(err, &known) && known.Msg != "" {
		text := sentence(known.Msg)
		if known.Do != "" {
			text += " " + sentence(known.Do)
		}
		return text
	}
	return sentence(err.Error())
}

// sure reports whether the person has seen what the act touches.
func sure(r *http.Request) bool { return r.PostForm.Get("sure") == "1" }

// asking asks first about what takes something away from many.
func asking(heading, button string, what []string) outcome {
	a := ask{Heading: heading, Button: button, What: what}
	if len(what) > rowsOnPage/2 {
		a.More, a.What = len(what)-rowsOnPage/2, what[:rowsOnPage/2]
	}
	return outcome{Ask: &a}
}

// chosen are the values of the rows that a form chose: some, or all it showed.
func chosen(r *http.Request) []string {
	if r.PostForm.Get("all") == "1" {
		return r.PostForm["shown"]
	}
	return r.PostForm["row"]
}

// nothingChosen says so.
func nothingChosen() error {
	return &fault.Error{Kind: fault.Invalid, Msg: "no row is chosen", Do: "Choose rows with their boxes (x on the keyboard), or tick “all shown”."}
}

// kept is what a form was filled in with, for the page that shows it again.
type kept struct{ form url.Values }

func keptOf(r *http.Request) kept { return kept{r.PostForm} }

func (k kept) text(name string) string { return k.form.Get(name) }

func (k kept) has(name, value string) bool { return slices.Contains(k.form[name], value) }

// dayIn reads a day of a form; an empty one is no day.
func dayIn(what, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, unreadable(what, text, "Write it as 2026-03-31.")
	}
	return day, nil
}

// pairIn reads "12.3": a number and a version.
func pairIn(what, text string) (id int64, version int, err error) {
	first, second, ok := strings.Cut(text, ".")
	if id, err = strconv.ParseInt(first, 10, 64); err == nil && ok {
		version, err = strconv.Atoi(second)
	}
	if err != nil || id < 1 {
		return 0, 0, unreadable(what, text, "Open the page again and choose anew.")
	}
	return id, version, nil
}

// happened says how many of a thing something was done to; "" for none.
func happened(n int, one, past string) string {
	if n == 0 {
		return ""
	}
	return count(n, one) + " " + past + "."
}

// refusals words what was refused on orders.
func refusals(list []act.Refused) []string {
	texts := make([]string, len(list))
	for i, r := range list {
		switch {
		case r.Order != 0:
			texts[i] = fmt.Sprintf("Order %d: %s.", r.Order, strings.TrimSuffix(r.Why, "."))
		default:
			texts[i] = fmt.Sprintf("Account %d: %s.", r.Assigned, strings.TrimSuffix(r.Why, "."))
		}
	}
	return texts
}

package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/routes"
)

// A page is what stands between the heading and the foot.
type page struct {
	Title   string
	Section string // the entry of the menu that is lit
	Body    templ.Component
	Finds   bool          // it has a search for people of its own
	Move    string        // elsewhere: where the page is
	Told    *afterword    // what became of the act before it
	Late    string        // why an act on it came too late, where it did
	Sheet   *export.Sheet // its list, to be had as a file; nil: it has none
	File    *filed        // it is a file, to be had as it is; nil: it is none
}

// A document is a page with what surrounds it.
type document struct {
	page
	Company, Version string
}

// trouble is an error as people see it.
type trouble struct {
	Heading string
	What    string
	Do      string
	Number  string // by which the log knows it
}

// show answers with the page that build makes, or with what is wrong.
func (s *site) show(build func(*http.Request) (page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !routes.Readable(r) {
			s.fail(w, r, noText("the address"))
			return
		}
		p, err := build(r)
		as := r.URL.Query().Get("export")
		switch {
		case err != nil:
			s.fail(w, r, err)
		case as == planFile && p.File != nil:
			p.File.send(w, r)
		case as != "":
			s.download(w, r, p, as)
		case p.Move != "":
			http.Redirect(w, r, p.Move, http.StatusFound)
		default:
			p.Told = s.takeTold(w, r)
			s.write(w, r, http.StatusOK, p)
		}
	}
}

// write renders the page whole before it sends any of it.
func (s *site) write(w http.ResponseWriter, r *http.Request, status int, p page) {
	var b bytes.Buffer
	if err := layout(document{page: p, Company: s.Company, Version: s.Version}).Render(s.calling(r.Context()), &b); err != nil {
		if r.Context().Err() == nil {
			s.Log.Error("a page could not be rendered", "path", r.URL.Path, "err", err)
		}
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // a browser that left needs no page
	}
}

// fail shows what is wrong. What is the asker's is said in the store's words;
// what is ours gets a number, and the log the rest.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	status, t := http.StatusInternalServerError, trouble{
		Heading: "Something went wrong here",
		What:    "The page could not be made. Nothing was changed by trying.",
		Do:      "Try again. If it stays, give the number below to whoever runs Provisor: the log says more under it.",
	}
	var known *fault.Error
	switch kind := fault.KindOf(err); {
	case kind == fault.NotFound && errors.As(err, &known):
		status, t = http.StatusNotFound, trouble{Heading: "Not found", What: sentence(known.Msg), Do: known.Do}
	case kind == fault.Invalid && errors.As(err, &known):
		status, t = http.StatusBadRequest, trouble{Heading: "That cannot be asked", What: sentence(known.Msg), Do: known.Do}
	case kind == fault.Denied && errors.As(err, &known):
		status, t = http.StatusForbidden, trouble{Heading: "Not permitted", What: sentence(known.Msg), Do: known.Do}
	case kind == fault.Unavailable:
		status, t.Heading = http.StatusServiceUnavailable, "The store does not answer now"
		w.Header().Set("Retry-After", "5")
	}
	if status >= http.StatusInternalServerError {
		t.Number = s.began + "-" + strconv.FormatInt(s.errors.Add(1), 10)
		s.Log.Error("a page could not be made", "number", t.Number, "path", r.URL.Path, "err", err)
	}
	s.write(w, r, status, page{Title: t.Heading, Body: failure(t)})
}

// nowhere answers for every address that no page has.
func (s *site) nowhere(r *http.Request) (page, error) {
	return page{}, &fault.Error{
		Kind: fault.NotFound, Msg: "there is no page at " + r.URL.Path, Do: "Begin at the first page, or look somebody up in the directory.",
	}
}

// noText says that something holds what no store keeps.
func noText(what string) error {
	return &fault.Error{Kind: fault.Invalid, Msg: what + " holds what is no text", Do: "Follow a link of the page, or type it anew."}
}

// unreadable says that a part of an address makes no sense.
func unreadable(what, text, do string) error {
	return &fault.Error{Kind: fault.Invalid, Msg: what + " cannot be " + strconv.Quote(text), Do: do}
}

// numbered reads a number in an address; an empty one is 0.
func numbered(what, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, unreadable(what, text, "It is a whole number. Go back and follow a link of the page.")
	}
	return n, nil
}

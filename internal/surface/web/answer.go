package web

import (
	"bytes"
	"net/http"
	"time"

	"provisor.dev/provisor/fault"
)

// questionSeconds is what a page's questions may take before it gives up.
const questionSeconds = 30

// shown writes a page, or what went wrong, always as a whole: a page that fails
// while it is written would look like a short one.
func (p *pages) shown(ask page) http.Handler {
	return http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusOK
		s, err := ask(r)
		if err != nil {
			code, s = p.failed(r, err)
		}
		var b bytes.Buffer
		if err := layout(p.frame(r, s), s.body).Render(r.Context(), &b); err != nil {
			p.Log.Error("write a page", "path", r.URL.Path, "error", err)
			http.Error(w, "The page could not be written; the server's log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store") // access is nobody else's business
		w.WriteHeader(code)
		_, _ = w.Write(b.Bytes()) // whoever asked may be gone
	}), questionSeconds*time.Second, "The store did not answer in time. Try again, or narrow the question.")
}

// failed turns an error into a page for whoever asked. What stands behind it is
// for the log.
func (p *pages) failed(r *http.Request, err error) (int, shown) {
	kind := fault.KindOf(err)
	if kind == fault.NotFound {
		return http.StatusNotFound, shown{title: "Not here", body: apology("There is nothing here", "The address may be old or mistyped. Search the directory, or begin at the start.")}
	}
	if kind == fault.Invalid {
		return http.StatusBadRequest, shown{title: "Not understood", body: apology("This address is not understood", err.Error())}
	}
	p.Log.Error("answer a page", "path", r.URL.Path, "error", err)
	return http.StatusInternalServerError, shown{title: "Not possible now", body: apology("Provisor could not answer", "Nothing was changed. The server's log says why; try again in a moment.")}
}

func (p *pages) nowhere(*http.Request) (shown, error) {
	return shown{}, fault.New(fault.NotFound, "page", "there is no such page")
}

// frame is what stands around every page.
type frame struct {
	title, part, folder, version, address string
}

func (p *pages) frame(r *http.Request, s shown) frame {
	return frame{s.title, s.part, p.Folder, p.Version, r.URL.RequestURI()}
}

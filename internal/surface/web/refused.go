package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/routes"
)

// admission is who lets people in.
func (s *site) admission() routes.Admission {
	if s.SignIn == nil {
		return routes.Open{}
	}
	return s.SignIn
}

// refuse answers whoever was not let through.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *fault.Error
	if !errors.As(err, &known) || fault.KindOf(err) != fault.Denied && fault.KindOf(err) != fault.Invalid {
		s.fail(w, r, err)
		return
	}
	switch {
	case known == routes.Unknown && browsing(r):
		http.Redirect(w, r, signInAddress(r), http.StatusSeeOther)
	case known == routes.Unknown && r.Header.Get("HX-Request") != "":
		w.Header().Set("HX-Redirect", signInAddress(r))
		w.WriteHeader(http.StatusUnauthorized)
	case known == routes.Unknown:
		w.Header().Set("WWW-Authenticate", `Bearer realm="Provisor"`)
		http.Error(w, "Sign in, or show a token.", http.StatusUnauthorized)
	case known.Kind == fault.Invalid:
		s.write(w, r, http.StatusMethodNotAllowed, page{Title: "Not done", Body: failure(trouble{
			Heading: "This only shows", What: sentence(known.Msg), Do: "Decide at a terminal: `provisor order --help` lists what people can do.",
		})})
	default:
		s.write(w, r, http.StatusForbidden, page{Title: "Not permitted", Body: failure(trouble{
			Heading: "You may not do this", What: sentence(known.Msg), Do: known.Do,
		})})
	}
}

// browsing reports whether a person with a browser asks for a page.
func browsing(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html") &&
		r.Header.Get("HX-Request") == "" && r.Header.Get("Authorization") == ""
}

// signInAddress leads to the sign-in page and from there back.
func signInAddress(r *http.Request) string {
	to := r.URL.RequestURI()
	if to == "/" {
		return "/sign-in"
	}
	return "/sign-in?" + url.Values{"to": {to}}.Encode()
}

// may reports whether whoever reads a page has a permission for anything at all:
// then its menus and buttons are for him.
func may(ctx context.Context, x access.Permission) bool { return routes.Who(ctx).Has(x) }

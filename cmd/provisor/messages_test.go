package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver FILE starts another system that appends what is posted to it to a file,
// with its signature, and answers under $RECEIVER. A file named down beside it makes
// it answer 503.
func receiver(ts *testscript.TestScript, _ bool, args []string) {
	name, down := ts.MkAbs(args[0]), ts.MkAbs("down")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(down); err == nil {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(f, "%s %s %s\n", r.Header.Get("Provisor-Message"), r.Header.Get("Provisor-Signature"), body)
		_ = f.Close()
	}))
	ts.Defer(s.Close)
	ts.Setenv("RECEIVER", s.URL)
}

package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// The files that pages load. htmx.min.js is htmx 4.0.1 as published, under the
// licence beside it; the others are ours.
var (
	//go:embed assets/style.css
	styleFile []byte
	//go:embed assets/app.js
	appFile []byte
	//go:embed assets/htmx.min.js
	htmxFile []byte
	//go:embed assets/icon.svg
	iconFile []byte
)

// A served file has its content in its name: a browser may keep it for ever,
// and a new release is a new name.
type served struct {
	path, kind string
	content    []byte
}

var (
	styleSheet = hashed("style.css", "text/css; charset=utf-8", styleFile)
	appScript  = hashed("app.js", "text/javascript; charset=utf-8", appFile)
	htmxScript = hashed("htmx.js", "text/javascript; charset=utf-8", htmxFile)
	pageIcon   = hashed("icon.svg", "image/svg+xml", iconFile)
)

func hashed(name, kind string, content []byte) served {
	sum := sha256.Sum256(content)
	stem, ending, _ := strings.Cut(name, ".")
	return served{path: "/static/" + stem + "-" + hex.EncodeToString(sum[:6]) + "." + ending, kind: kind, content: content}
}

// static serves the files by their present names.
func (s *site) static(w http.ResponseWriter, r *http.Request) {
	for _, f := range []served{styleSheet, appScript, htmxScript, pageIcon} {
		if f.path == r.URL.Path {
			h := w.Header()
			h.Set("Content-Type", f.kind)
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
			return
		}
	}
	s.show(s.nowhere)(w, r)
}

package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// files are the style sheet, our script, and htmx as its authors ship it (Zero-
// Clause BSD).
//
//go:embed static
var files embed.FS

// assets are the files by the name under which they are served. The name holds
// the hash of the content, so that browsers keep them for ever and never an old one.
var assets, names = func() (map[string][]byte, map[string]string) {
	content, named := map[string][]byte{}, map[string]string{}
	_ = fs.WalkDir(files, "static", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(file)
		sum := sha256.Sum256(data)
		ext := path.Ext(file)
		served := "/" + strings.TrimSuffix(file, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		content[served], named[path.Base(file)] = data, served
		return err
	})
	return content, named
}()

// asset is where a file is served.
func asset(name string) string { return names[name] }

func static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(r.URL.Path)))
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(data)
	})
}

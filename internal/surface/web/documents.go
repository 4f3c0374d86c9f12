package web

import (
	"bytes"
	"cmp"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"provisor.dev/provisor/docs"
	"provisor.dev/provisor/fault"
)

// Where the documents are, and by which the reader begins.
const (
	documentsAt   = "/docs/"
	firstDocument = "README.md"
)

// documentKinds are the files that are handed out as they are.
var documentKinds = map[string]string{
	".webp": "image/webp", ".png": "image/png", ".json": "application/json", ".service": "text/plain; charset=utf-8",
}

// documentFolders names the folders in the order in which people need them;
// others follow by name.
var documentFolders = []struct{ folder, name string }{
	{".", "Overview"}, {"tutorial", "Tutorial"}, {"operate", "Operating"}, {"model", "Modelling"}, {"connect", "Connecting"},
	{"generated", "Reference"}, {"decisions", "Decisions"},
}

// A readable is one document in the list of contents.
type readable struct {
	Path, Title string
}

// A shelf is the documents of one folder.
type shelf struct {
	Folder, Name string
	Documents    []readable
}

// documentShown is one document on its page.
type documentShown struct {
	Here, HTML string
	Shelves    []shelf
}

// open reports whether the folder of the present document is this one.
func (d documentShown) open(x shelf) bool { return path.Dir(d.Here) == x.Folder }

// markdown reads documents. Raw HTML in one is left out, and no style stands in
// what comes of it.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Linkify),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
)

// contents lists all documents, once: they are part of the binary.
var contents = sync.OnceValues(func() ([]shelf, error) {
	byFolder := map[string][]readable{}
	err := fs.WalkDir(docs.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		source, err := fs.ReadFile(docs.Files, name)
		if err == nil {
			byFolder[path.Dir(name)] = append(byFolder[path.Dir(name)], readable{name, titleOf(string(source), name)})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []shelf
	for _, f := range documentFolders {
		documents := byFolder[f.folder]
		slices.SortFunc(documents, func(a, b readable) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Path, b.Path))
		})
		if len(documents) > 0 {
			list = append(list, shelf{f.folder, f.name, documents})
		}
	}
	return list, nil
})

// rank puts a folder's own page before the others.
func rank(r readable) int {
	if path.Base(r.Path) == firstDocument {
		return 0
	}
	return 1
}

// titleOf is a document's heading.
func titleOf(source, name string) string {
	for line := range strings.Lines(source) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			return strings.ReplaceAll(strings.TrimSpace(title), "`", "")
		}
	}
	return name
}

// documents leads to the first document.
func (s *site) documents(*http.Request) (page, error) {
	return page{Move: documentsAt + firstDocument}, nil
}

// document answers with a document as a page, or with a file of one.
func (s *site) document(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	if kind := documentKinds[path.Ext(name)]; kind != "" {
		if content, err := fs.ReadFile(docs.Files, name); err == nil {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "private, max-age=3600")
			_, _ = w.Write(content) // a browser that left needs no picture
			return
		}
	}
	s.show(func(*http.Request) (page, error) { return readDocument(name) })(w, r)
}

func readDocument(name string) (page, error) {
	if info, err := fs.Stat(docs.Files, cmp.Or(strings.TrimSuffix(name, "/"), ".")); err == nil && info.IsDir() {
		return page{Move: documentsAt + path.Join(name, firstDocument)}, nil
	}
	source, err := fs.ReadFile(docs.Files, name)
	if err != nil || path.Ext(name) != ".md" {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no document " + name, Do: "Begin at " + documentsAt + firstDocument + "."}
	}
	shelves, err := contents()
	if err != nil {
		return page{}, err
	}
	html, err := rendered(name, source)
	if err != nil {
		return page{}, err
	}
	return page{Title: titleOf(string(source), name), Section: "docs", Body: documentPage(documentShown{name, html, shelves})}, nil
}

// rendered is a document as HTML.
func rendered(name string, source []byte) (string, error) {
	tree := markdown.Parser().Parse(text.NewReader(source))
	var outward []*ast.Link
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			if to := leadsTo(name, string(link.Destination)); to != "" {
				link.Destination = []byte(to)
			} else {
				outward = append(outward, link)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	for _, link := range outward {
		unlink(link)
	}
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, source, tree); err != nil {
		return "", err
	}
	return accessible(b.String()), nil
}

// leadsTo is where a link leads under /docs; "": to a file of the repository that
// is no document.
func leadsTo(from, link string) string {
	u, err := url.Parse(link)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path == "" {
		return link
	}
	to := path.Join(path.Dir(from), u.Path)
	if to == "generated/openapi.json" {
		return "/openapi.json" // the server has it
	}
	if _, err := fs.Stat(docs.Files, to); err != nil {
		return ""
	}
	u.Path = documentsAt + to
	return u.String()
}

// unlink leaves a link's text where it was.
func unlink(link *ast.Link) {
	for child := link.FirstChild(); child != nil; child = link.FirstChild() {
		link.Parent().InsertBefore(link.Parent(), link, child)
	}
	link.Parent().RemoveChild(link.Parent(), link)
}

// accessible lets a keyboard scroll what is wider than a narrow page, and leaves no
// column with an empty heading. What a document quotes is escaped by now and is not
// touched.
func accessible(html string) string {
	html = strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<th></th>", "<td></td>", "</table>", "</table></div>").Replace(html)
	parts := strings.Split(html, "<table>")
	for i := 1; i < len(parts); i++ {
		parts[i] = `<div class="box" tabindex="0" role="region" aria-label="Table ` + strconv.Itoa(i) + `"><table class="plain">` + parts[i]
	}
	return strings.Join(parts, "")
}

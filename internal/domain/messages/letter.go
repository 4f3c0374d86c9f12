package messages

import (
	"bytes"
	_ "embed" // the templates
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

// Templates are how a mail reads, as a configuration replaces it; "": as built in.
type Templates struct {
	Subject, Text, HTML string
}

//go:embed letter.txt
var textTemplate string

//go:embed letter.html
var htmlTemplate string

const subjectTemplate = `[Provisor] {{if .One}}{{.One.Title}}{{else}}{{.Count}} matters{{end}}`

func (t Templates) orBuiltIn() Templates {
	if t.Subject == "" {
		t.Subject = subjectTemplate
	}
	if t.Text == "" {
		t.Text = textTemplate
	}
	if t.HTML == "" {
		t.HTML = htmlTemplate
	}
	return t
}

// A Letter is what a template can say.
type Letter struct {
	To       string    // what the reader is called
	URL      string    // of the first page
	At       time.Time // in the reader's time zone
	Digest   bool      // it comes once a day
	Headings []Heading
	Test     bool // somebody tries whether mail arrives
}

// A Heading is the matters of one topic.
type Heading struct {
	Topic   Topic
	Name    string // orders to review
	Matters []Matter
	More    int    // matters that the letter does not list
	List    string // the address of the list of all
}

// One is the matter of a letter that tells of one alone, else nil.
func (l Letter) One() *Matter {
	if len(l.Headings) == 1 && len(l.Headings[0].Matters) == 1 && l.Headings[0].More == 0 {
		return &l.Headings[0].Matters[0]
	}
	return nil
}

// Count is how many matters the letter tells of.
func (l Letter) Count() (n int) {
	for _, g := range l.Headings {
		n += len(g.Matters) + g.More
	}
	return n
}

// A Written letter is a mail as it is sent.
type Written struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// writtenBytes bounds what a template may write: mail systems take more.
const writtenBytes = 1 << 20

// bounded refuses to grow beyond writtenBytes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > writtenBytes {
		return 0, errors.New("it writes more than a mail may hold, 1 MiB")
	}
	return b.Buffer.Write(p)
}

// A TemplateError says which of the templates cannot be used.
type TemplateError struct {
	Part string // subject, text, html
	Err  error
}

// Error reads "the template text: ...".
func (e *TemplateError) Error() string { return "the template " + e.Part + ": " + e.Err.Error() }

// Unwrap leads to what the template says.
func (e *TemplateError) Unwrap() error { return e.Err }

// Write fills the templates in.
func (l Letter) Write(t Templates) (w Written, err error) {
	t = t.orBuiltIn()
	var subject, text, html bounded
	if err = plain(&subject, "subject", t.Subject, l); err != nil {
		return w, err
	}
	if err = plain(&text, "text", t.Text, l); err != nil {
		return w, err
	}
	parsed, err := htmltemplate.New("html").Funcs(functions).Option("missingkey=error").Parse(t.HTML)
	if err == nil {
		err = parsed.Execute(&html, l)
	}
	if err != nil {
		return w, &TemplateError{"html", err}
	}
	return Written{Subject: Line(subject.String()), Text: text.String(), HTML: html.String()}, nil
}

func plain(into *bounded, part, source string, l Letter) error {
	parsed, err := texttemplate.New(part).Funcs(functions).Option("missingkey=error").Parse(source)
	if err == nil {
		err = parsed.Execute(into, l)
	}
	if err != nil {
		return &TemplateError{part, err}
	}
	return nil
}

// functions are what a template may call beside those of the language.
var functions = map[string]any{
	"day":   func(t time.Time) string { return t.Format("2006-01-02 15:04") },
	"upper": strings.ToUpper,
	"capital": func(text string) string {
		r, n := utf8.DecodeRuneInString(text)
		if n == 0 {
			return ""
		}
		return string(unicode.ToUpper(r)) + text[n:]
	},
}

// Check tries templates on letters of every shape, and returns what is wrong.
func (t Templates) Check() (wrong []*TemplateError) {
	m := Matter{Topic: ReviewTopic, Key: "review/1", Title: "Addition of CrmUser for Ada Lovelace", About: "Ada Lovelace", Why: "review", Since: time.Unix(1, 0).UTC(), Link: "https://provisor.example.org/review/1"}
	headings := []Heading{{Topic: ReviewTopic, Name: "orders to review", Matters: []Matter{m, m}, More: 1, List: "https://provisor.example.org/review"}}
	l := Letter{To: "Ada", URL: "https://provisor.example.org/", At: m.Since}
	one, digest, test := l, l, l
	one.Headings = []Heading{{Topic: ReviewTopic, Name: "orders to review", Matters: []Matter{m}, List: headings[0].List}}
	digest.Digest, digest.Headings, test.Test = true, headings, true
	for part, alone := range map[string]Templates{"subject": {Subject: t.Subject}, "text": {Text: t.Text}, "html": {HTML: t.HTML}} {
		for _, x := range []Letter{one, digest, test} {
			_, err := x.Write(alone)
			var e *TemplateError
			if errors.As(err, &e) && e.Part == part {
				wrong = append(wrong, e)
				break
			} else if err != nil {
				panic(fmt.Sprintf("messages: a built-in template: %v", err)) // held by a test
			}
		}
	}
	return wrong
}

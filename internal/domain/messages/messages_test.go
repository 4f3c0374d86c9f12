package messages

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, zone, text string) time.Time {
	t.Helper()
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	x, err := time.ParseInLocation("2006-01-02 15:04", text, place)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestADigestIsDueOnceADayAtTheHourOfItsReadersClock(t *testing.T) {
	const zone = "America/New_York"
	d := Delivery{How: Digest, At: "08:00", Zone: zone}
	for name, c := range map[string]struct {
		last, now string
		want      bool
	}{
		"before the hour":               {"2027-03-01 09:00", "2027-03-02 07:59", false},
		"at the hour":                   {"2027-03-01 09:00", "2027-03-02 08:00", true},
		"later, where nobody was up":    {"2027-03-01 09:00", "2027-03-02 13:00", true},
		"after that day's":              {"2027-03-02 08:00", "2027-03-02 23:00", false},
		"days later":                    {"2027-02-20 08:00", "2027-03-02 07:00", true},
		"first known before the hour":   {"2027-03-02 07:00", "2027-03-02 08:00", true},
		"on the day of a shorter night": {"2027-03-13 08:00", "2027-03-14 08:00", true},
		"an hour before on that day":    {"2027-03-13 08:00", "2027-03-14 07:30", false},
	} {
		if got := d.Due(at(t, zone, c.last).UTC(), at(t, zone, c.now).UTC()); got != c.want {
			t.Errorf("%s: due is %v", name, got)
		}
	}
	elsewhere := Delivery{How: Digest, At: "08:00", Zone: "Asia/Tokyo"}
	now := at(t, "UTC", "2027-03-01 23:30") // 08:30 of the next day in Tokyo
	if !elsewhere.Due(at(t, "UTC", "2027-03-01 08:00"), now) || d.Due(at(t, zone, "2027-03-01 08:00"), now) {
		t.Error("one hour is not the other's")
	}
}

func TestNoNameBecomesALineOfTheHeadOrMarkup(t *testing.T) {
	evil := "Ada\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>\u2028\u202E\x00\x1b"
	m := Matter{Topic: ReviewTopic, Title: Line("Addition for " + evil), Why: Line(evil), Link: "https://p.example.org/review/1"}
	l := Letter{To: evil, URL: "https://p.example.org/", Headings: []Heading{{Name: "orders", Matters: []Matter{m}}}}
	w, err := l.Write(Templates{Subject: "{{.To}} {{with .One}}{{.Title}}{{end}}"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(w.Subject, "\r\n\u2028\u202E\x00\x1b") {
		t.Errorf("%q", w.Subject)
	}
	for line := range strings.Lines(w.Text) {
		if strings.HasPrefix(line, "Bcc") {
			t.Errorf("a line of its own: %q", w.Text)
		}
	}
	if strings.Contains(w.HTML, "<script") || !strings.Contains(w.HTML, "&lt;script&gt;") {
		t.Errorf("%s", w.HTML)
	}
	if long := Line(strings.Repeat("é", 10_000)); len([]rune(long)) != lineMost {
		t.Errorf("a line of %d", len([]rune(long)))
	}
}

func TestABuiltInTemplateTellsOfEachMatterWithItsLink(t *testing.T) {
	if wrong := (Templates{}).Check(); wrong != nil {
		t.Fatal(wrong)
	}
	group := Heading{Name: "orders to review", More: 3, List: "https://p/review", Matters: []Matter{{Title: "One", Link: "https://p/1"}, {Title: "Two", Why: "because", Link: "https://p/2"}}}
	w, err := Letter{Digest: true, URL: "https://p/", Headings: []Heading{group}}.Write(Templates{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"One", "https://p/1", "Two", "because", "https://p/2", "3 more", "https://p/review"} {
		if !strings.Contains(w.Text, want) || !strings.Contains(w.HTML, want) {
			t.Errorf("%q is missing in\n%s\n%s", want, w.Text, w.HTML)
		}
	}
	if w.Subject != "[Provisor] 5 matters" {
		t.Error(w.Subject)
	}
}

func TestATemplateThatCannotBeUsedIsNamed(t *testing.T) {
	for part, x := range map[string]Templates{
		"subject": {Subject: "{{.Nobody}}"}, "text": {Text: "{{range .Headings}}{{.Oops}}{{end}}"}, "html": {HTML: "<a href={{.URL"},
	} {
		wrong := x.Check()
		if len(wrong) != 1 || wrong[0].Part != part {
			t.Errorf("%s: %v", part, wrong)
		}
	}
	endless := Templates{Text: `{{define "x"}}` + strings.Repeat("y", 5000) + `{{template "x"}}{{end}}{{template "x"}}`}
	if wrong := endless.Check(); len(wrong) != 1 {
		t.Errorf("a template without an end: %v", wrong)
	}
}

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

const (
	// cellColumns keeps a row readable on a terminal; --json shows values whole.
	cellColumns = 48
	// fewLines is what a summary shows of a long list; -v shows all.
	fewLines = 10
)

// show prints one value: as JSON, or as the text that people read.
func (v *invocation) show(value any, text func()) error {
	if !v.json {
		text()
		return nil
	}
	encoder := json.NewEncoder(v.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// say prints a line of people's text.
func (v *invocation) say(format string, args ...any) { fmt.Fprintf(v.Stdout, format+"\n", args...) }

// note prints a message that is not part of the value.
func (v *invocation) note(format string, args ...any) {
	fmt.Fprintf(v.Stderr, "note: "+format+"\n", args...)
}

// findings prints everything that is wrong, each with its place and a way out.
func (v *invocation) findings(list []fault.Finding) {
	for i, f := range list {
		if i == findingsShown && !v.verbose {
			fmt.Fprintf(v.Stderr, "... and %d more: -v shows all\n", len(list)-i)
			break
		}
		do := f.Do
		f.Do = ""
		fmt.Fprintln(v.Stderr, f.String())
		if do != "" {
			fmt.Fprintln(v.Stderr, "    "+do)
		}
	}
}

// findingsShown is what a person mends before he runs the check again.
const findingsShown = 100

func (v *invocation) colored() bool {
	return v.OutTerminal && !v.noColor && v.Getenv("NO_COLOR") == "" && v.Getenv("TERM") != "dumb"
}

// chips are the colours of the nine states, the same as on the pages.
var chips = map[orders.State]text.Colors{
	orders.None:             {text.FgHiBlack},
	orders.Pending:          {text.FgBlue},
	orders.Transmitted:      {text.FgBlue, text.Bold},
	orders.Errored:          {text.FgRed},
	orders.Verified:         {text.FgGreen},
	orders.AwaitingApproval: {text.FgYellow},
	orders.Inactive:         {text.FgHiBlack},
	orders.Error:            {text.FgRed},
	orders.Executed:         {text.FgHiGreen},
}

// chip writes a state with its number, coloured on a terminal.
func (v *invocation) chip(s view.State) string {
	words := s.String()
	if s.Number >= 0 {
		words = fmt.Sprintf("%d %s", s.Number, s)
	}
	if colors, ok := chips[orders.Numbered(s.Number)]; ok && v.colored() {
		return colors.Sprint(words)
	}
	return words
}

// strong makes a heading stand out on a terminal.
func (v *invocation) strong(words string) string {
	if v.colored() {
		return text.Bold.Sprint(words)
	}
	return words
}

// columns begins a table; without rows nothing is printed of it.
func (v *invocation) columns(names ...string) *grid {
	g := &grid{writer: table.NewWriter(), v: v}
	g.writer.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingRight: "  "},
		Options: table.OptionsNoBordersAndSeparators,
	})
	g.writer.SuppressTrailingSpaces()
	header := make(table.Row, len(names))
	for i, name := range names {
		header[i] = v.strong(name)
	}
	g.writer.AppendHeader(header)
	return g
}

// A grid is a table under way.
type grid struct {
	writer table.Writer
	v      *invocation
	indent string
}

func (g *grid) row(cells ...any) {
	for i, c := range cells {
		if s, ok := c.(string); ok && !strings.Contains(s, "\x1b") {
			cells[i] = brief(s)
		}
	}
	g.writer.AppendRow(cells)
}

// brief cuts a value to what is read in a row.
func brief(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if text.StringWidthWithoutEscSequences(s) > cellColumns {
		return text.Trim(s, cellColumns-1) + "…"
	}
	return s
}

func (g *grid) print() {
	if g.writer.Length() == 0 {
		return
	}
	for _, line := range strings.Split(g.writer.Render(), "\n") {
		g.v.say("%s%s", g.indent, line)
	}
}

// count writes "1 order" and "3 orders".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// when writes an instant as people read it; "" when there is none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// span writes a period of days.
func span(from, to time.Time) string {
	if from.IsZero() && to.IsZero() {
		return ""
	}
	return dayText(from) + " – " + dayText(to)
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// named writes who something belongs to.
func named(o view.Owner) string {
	if o.Display == "" {
		return o.Key
	}
	return o.Display + " (" + o.Key + ")"
}

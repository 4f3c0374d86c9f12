package behaviour

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A word is one word of a line. A quoted one is text, never a word of the language.
type word struct {
	text   string
	quoted bool
}

// A phrase is a line, read word by word.
type phrase struct {
	words []word
	at    int
}

// phraseOf splits a line at spaces that stand outside quotes ("..." or `...`),
// up to a comment.
func phraseOf(line string) (*phrase, error) {
	p := &phrase{}
	var w *word
	quote := rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			w.text += string(r)
		case unicode.IsSpace(r):
			w = nil
		case w == nil && r == '#':
			return p, nil
		default:
			begins := w == nil
			if begins {
				p.words = append(p.words, word{})
				w = &p.words[len(p.words)-1]
			}
			if r != '"' && r != '`' {
				w.text += string(r)
				continue
			}
			quote = r
			w.quoted = w.quoted || begins
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation does not end: %s", line)
	}
	return p, nil
}

func (p *phrase) done() bool { return p.at >= len(p.words) }

// take moves past the word if it is the next one.
func (p *phrase) take(text string) bool {
	if p.done() || p.words[p.at].quoted || p.words[p.at].text != text {
		return false
	}
	p.at++
	return true
}

// next returns the next word, which is to be what.
func (p *phrase) next(what string) (word, error) {
	if p.done() {
		return word{}, fmt.Errorf("%s is missing", what)
	}
	p.at++
	return p.words[p.at-1], nil
}

// text is next where quotes make no difference.
func (p *phrase) text(what string) (string, error) {
	w, err := p.next(what)
	return w.text, err
}

// end refuses what is left over.
func (p *phrase) end() error {
	if p.done() {
		return nil
	}
	return fmt.Errorf("%q is one word too many here", p.words[p.at].text)
}

// choose finds what a word stands for, and names the known ones where it stands for nothing.
func choose[T any](what, text string, known map[string]T) (T, error) {
	v, ok := known[text]
	if !ok {
		return v, fmt.Errorf("%q is no %s: there are %s", text, what, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return v, nil
}

// A missed expectation lets the script go on: its other expectations are of use.
type missed struct{ what string }

func (m *missed) Error() string { return m.what }

func miss(format string, args ...any) error { return &missed{fmt.Sprintf(format, args...)} }

// A failure is what a line of a script came to.
type failure struct {
	line int
	text string
	err  error
}

// play runs a script's lines and returns its failures: every expectation that was
// missed, up to the first line that could not be done.
func (w *world) play(script string) []failure {
	var failures []failure
	for i, text := range strings.Split(script, "\n") {
		text = strings.TrimSpace(text)
		err := w.line(text)
		if err == nil {
			continue
		}
		failures = append(failures, failure{i + 1, text, err})
		if m := (*missed)(nil); !errors.As(err, &m) {
			return failures
		}
	}
	if w.expectations == 0 {
		failures = append(failures, failure{1, "", errors.New("the script expects nothing: add an expectation")})
	}
	return failures
}

// line does what one line says.
func (w *world) line(text string) error {
	p, err := phraseOf(text)
	if err != nil || p.done() {
		return err
	}
	return w.do(p)
}

// do does what a phrase says.
func (w *world) do(p *phrase) error {
	name, err := p.text("a word")
	if err != nil {
		return err
	}
	act, err := choose("word", name, words())
	if err != nil {
		return err
	}
	return act(w, p)
}

// report says each failure with its file and line.
func report(t testing.TB, file string, failures []failure) {
	t.Helper()
	for _, f := range failures {
		t.Errorf("%s:%d: %s\n%v", file, f.line, f.text, f.err)
	}
}

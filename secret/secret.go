// Package secret holds text that cannot print itself, and the references by
// which a configuration names a secret without containing it.
package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"provisor.dev/provisor/fault"
)

const mask = "•••"

// Text is a secret. Every way of printing it prints three dots; Reveal is the
// only way to its content.
type Text struct{ content string }

// New wraps a secret.
func New(content string) Text { return Text{content} }

// Reveal returns the content, for the call that needs it and nothing else.
func (t Text) Reveal() string { return t.content }

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.content == "" }

// String returns three dots.
func (t Text) String() string { return mask }

// Format prints three dots under every verb.
func (t Text) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, mask) }

// MarshalJSON writes three dots.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// MarshalText writes three dots.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue logs three dots.
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }

// Mask replaces every occurrence of the secrets in a text, so that a system's
// own words can be shown.
func Mask(text string, secrets ...Text) string {
	for _, s := range secrets {
		if len(s.content) > 2 {
			text = strings.ReplaceAll(text, s.content, mask)
		}
	}
	return text
}

// A Reference names a secret: secret:env/NAME or secret:file/PATH.
type Reference string

const prefix = "secret:"

// IsReference reports whether a setting names a secret.
func IsReference(s string) bool { return strings.HasPrefix(s, prefix) }

// Check says what is wrong with the form of a reference, without resolving it.
func (r Reference) Check() error {
	where, name, ok := strings.Cut(strings.TrimPrefix(string(r), prefix), "/")
	if !IsReference(string(r)) || !ok || name == "" || (where != "env" && where != "file") {
		return fault.New(fault.Invalid, "", "%q does not name a secret: write secret:env/NAME or secret:file/PATH", string(r))
	}
	return nil
}

// Resolve reads the secret from the environment or a file, on the machine that
// runs the connection; a relative path begins in dir. A trailing line end of a
// file does not belong to it.
func (r Reference) Resolve(dir string) (Text, error) {
	if err := r.Check(); err != nil {
		return Text{}, err
	}
	where, name, _ := strings.Cut(strings.TrimPrefix(string(r), prefix), "/")
	if where == "env" {
		content, ok := os.LookupEnv(name)
		if !ok {
			return Text{}, fault.New(fault.NotFound, "", "the environment variable %s is not set", name)
		}
		return New(content), nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return Text{}, fault.New(fault.NotFound, "", "the secret file cannot be read: %v", err)
	}
	return New(strings.TrimRight(string(content), "\r\n")), nil
}

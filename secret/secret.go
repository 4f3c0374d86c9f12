// Package secret holds text that cannot print itself, and the references by
// which a configuration names a secret without containing it.
package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
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

// A Reference names a secret: secret:env/NAME, secret:file/PATH or secret:store/NAME.
type Reference string

const prefix = "secret:"

// nameMaxBytes bounds the name of a stored secret: a name is read in lists.
const nameMaxBytes = 100

var storedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Places is where references lead, on the machine that runs the connection.
type Places struct {
	Dir string // where the relative paths of files begin
	// Store returns a secret that Provisor keeps; nil where there is no store.
	Store func(name string) (Text, error)
}

// IsReference reports whether a setting names a secret.
func IsReference(s string) bool { return strings.HasPrefix(s, prefix) }

// CheckName says what is wrong with the name of a stored secret.
func CheckName(name string) error {
	if len(name) > nameMaxBytes || !storedName.MatchString(name) {
		e := fault.New(fault.Invalid, "", "%q does not name a stored secret", name)
		e.Do = fmt.Sprintf("write letters, digits, '.', '_' and '-', %d at most, beginning with a letter or digit", nameMaxBytes)
		return e
	}
	return nil
}

func (r Reference) parts() (where, name string, ok bool) {
	where, name, ok = strings.Cut(strings.TrimPrefix(string(r), prefix), "/")
	return where, name, ok && IsReference(string(r)) && name != ""
}

// Stored returns the name of the secret in the store; ok is false when the
// reference leads elsewhere.
func (r Reference) Stored() (name string, ok bool) {
	where, name, ok := r.parts()
	return name, ok && where == "store"
}

// Check says what is wrong with the form of a reference, without resolving it.
func (r Reference) Check() error {
	where, name, ok := r.parts()
	switch {
	case ok && where == "store":
		return CheckName(name)
	case !ok || where != "env" && where != "file":
		return fault.New(fault.Invalid, "", "%q does not name a secret: write secret:env/NAME, secret:file/PATH or secret:store/NAME", string(r))
	}
	return nil
}

// Resolve reads the secret from where the reference leads. A line end at the end
// of a file does not belong to it.
func (r Reference) Resolve(from Places) (Text, error) {
	if err := r.Check(); err != nil {
		return Text{}, err
	}
	switch where, name, _ := r.parts(); where {
	case "store":
		if from.Store == nil {
			return Text{}, fault.New(fault.NotFound, "", "there is no store here that keeps the secret %s", name)
		}
		return from.Store(name)
	case "env":
		content, ok := os.LookupEnv(name)
		if !ok {
			return Text{}, fault.New(fault.NotFound, "", "the environment variable %s is not set", name)
		}
		return New(content), nil
	default:
		if !filepath.IsAbs(name) {
			name = filepath.Join(from.Dir, name)
		}
		content, err := os.ReadFile(name) // #nosec G304 -- the administrator names the file in the configuration
		if err != nil {
			return Text{}, fault.New(fault.NotFound, "", "the secret file cannot be read: %v", err)
		}
		return New(strings.TrimRight(string(content), "\r\n")), nil
	}
}

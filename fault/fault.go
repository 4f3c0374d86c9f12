// Package fault holds the two forms in which Provisor says that something is
// wrong: an Error with a kind, for programs that branch and operators that read
// logs, and a Finding, for administrators: where, what is wrong, what to do.
package fault

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Kind is what a program may branch on.
type Kind string

// The kinds of error. The zero Kind is an error inside Provisor.
const (
	Internal    Kind = ""
	NotFound    Kind = "not found"   // it is certainly not there
	Conflict    Kind = "conflict"    // it changed since it was looked at, or exists already
	Invalid     Kind = "invalid"     // what was given is wrong; findings say how
	Refused     Kind = "refused"     // the state machine or a rule does not allow it
	Denied      Kind = "denied"      // the person may not
	Unavailable Kind = "unavailable" // the system cannot be reached or is too busy now
)

// Error is an operation that failed.
type Error struct {
	Kind Kind
	Op   string // what was attempted: "open ldap", "approve order"
	Msg  string // what is wrong, a sentence without its full stop
	Do   string // what to do about it; may be empty
	Err  error  // the cause; may be nil
}

// Error reads op: message: cause.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Msg != "" {
		parts = append(parts, e.Msg)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) == 0 {
		return string(e.Kind)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a kind with a message.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: fmt.Sprintf(format, args...)}
}

// Wrap returns an error of a kind with a cause; nil stays nil.
func Wrap(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// KindOf returns the kind of the first Error in the chain, Internal otherwise.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var f Findings
	if errors.As(err, &f) {
		return Invalid
	}
	return Internal
}

// A Finding is something wrong in what a person wrote or a system sent.
type Finding struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Object string `json:"object,omitempty"` // resourceTypes.PersonalAccount.values.mail
	What   string `json:"what"`
	Do     string `json:"do,omitempty"`
}

// String reads file:line:column: object: what (what to do).
func (f Finding) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
			if f.Column > 0 {
				fmt.Fprintf(&b, ":%d", f.Column)
			}
		}
		b.WriteString(": ")
	}
	if f.Object != "" {
		b.WriteString(f.Object + ": ")
	}
	b.WriteString(f.What)
	if f.Do != "" {
		b.WriteString("; " + f.Do)
	}
	return b.String()
}

// Findings is an error made of everything that is wrong, at once.
type Findings []Finding

// Error lists every finding, one a line.
func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns the findings as an error, nil when there are none.
func (f Findings) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Sort orders findings by file, line and column.
func (f Findings) Sort() {
	sort.SliceStable(f, func(i, j int) bool {
		a, b := f[i], f[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

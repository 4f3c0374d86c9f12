package directory

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// answered reports whether an error is a result that the server sent. The
// library uses codes from 200 on for what happens on this side.
func answered(err error) bool {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.ResultCode < ldap.ErrorNetwork || e.ResultCode == ldap.LDAPResultSyncRefreshRequired
}

// transient are the results after which the same request may succeed later.
var transient = []uint16{
	ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultBusy,
	ldap.LDAPResultUnavailable, ldap.LDAPResultLoopDetect, ldap.LDAPResultOther,
	ldap.LDAPResultAssertionFailed, // the entry moved: who looks again knows where it is
}

// Judge says what is known after a change was asked for, and whether the
// connection as a whole is to blame.
func Judge(c Config, err error) (what connector.ItemOutcome, down bool) {
	var lost *Lost
	var unreachable *Unreachable
	switch {
	case err == nil:
		return connector.ItemOutcome{Effect: connector.Done}, false
	case errors.As(err, &unreachable):
		return connector.ItemOutcome{Effect: connector.None, Err: c.Mask(err.Error())}, true
	case errors.As(err, &lost):
		effect := connector.None
		if lost.Sent {
			effect = connector.Unknown
		}
		return connector.ItemOutcome{Effect: effect, Err: c.Mask(err.Error())}, false
	case answered(err):
		return connector.ItemOutcome{
			Effect:    connector.None,
			Err:       c.Mask(Words(err)),
			Permanent: !ldap.IsErrorAnyOf(err, transient...),
		}, false
	}
	return connector.ItemOutcome{Err: c.Mask(err.Error())}, false
}

// Words returns the server's result in few words: its name, its number and what
// the server added.
func Words(err error) string {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	name := ldap.LDAPResultCodeMap[e.ResultCode]
	if name == "" {
		name = "Result"
	}
	text := fmt.Sprintf("%s (%d)", name, e.ResultCode)
	if e.Err != nil && e.Err.Error() != "" {
		text += ": " + e.Err.Error()
	}
	return text
}

// Fault turns the error of a search into one that callers may branch on. It is
// never of kind NotFound: that an entry is absent takes more than one answer.
func Fault(c Config, op string, err error) error {
	kind := fault.Refused
	var lost *Lost
	var unreachable *Unreachable
	var said *fault.Error
	var findings fault.Findings
	switch {
	case err == nil:
		return nil
	case errors.As(err, &findings):
		return findings
	case errors.As(err, &said):
		return fault.Wrap(said.Kind, op, err)
	case errors.As(err, &lost), errors.As(err, &unreachable), ldap.IsErrorAnyOf(err, transient...):
		kind = fault.Unavailable
	}
	wrapped := &fault.Error{Kind: kind, Op: op, Msg: c.Mask(Words(err))}
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		wrapped.Do = "check that the base exists and that the bind user may read it"
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded):
		wrapped.Do = "raise the directory's limits for the bind user: a part of the entries proves nothing"
	}
	return wrapped
}

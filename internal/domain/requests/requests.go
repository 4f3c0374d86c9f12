// Package requests holds what people ask for about roles, and the steps that it
// passes until it is settled: add, remove, deny, extend.
//
// A request is a row of its own with a workflow state of its own; what its owner
// has stays as it is until it is approved. One table drives the function Next,
// what a person may do and the exhaustive test. All of it is functions from
// values to values; the stage that reviews stores what they return.
package requests

import (
	"fmt"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// RequestID names a request for ever.
type RequestID int64

// Action is what a request asks for.
type Action string

// The actions.
const (
	Add    Action = "add"
	Remove Action = "remove" // a role that a person approved goes; one that a rule gives is denied; a deny is taken back
	Deny   Action = "deny"   // no rule gives it, until that is taken back
	Extend Action = "extend" // move the end
)

// A Request is what somebody asked for about an owner and a role.
type Request struct {
	ID         RequestID
	Owner      resources.Ref
	Role       roles.RoleID
	Action     Action
	Parameters assignments.Parameters
	Period     assignments.Period
	Why        string
	By         string // who asked
	At         time.Time
	State      assignments.Workflow
	Since      time.Time // in this state
	Rulings    []Ruling  // of the steps passed so far
	Remarks    []string  // what was made of what was asked, and what came of it
	Stuck      string    // why nobody can decide the present step
	Version    int
}

// A Ruling is what was said in one approval step.
type Ruling struct {
	Step    int // 1, 2, 3
	By      string
	At      time.Time
	Approve bool
	Why     string
	How     How
}

// How says on what authority a step was passed.
type How string

// On what authority steps are passed.
const (
	ByReviewer   How = "reviewer"
	ByAsking     How = "implicit"   // the requester may approve the step
	ByAutomation How = "automation" // nobody decided in time
)

// Open reports whether something is still to be decided.
func (r *Request) Open() bool { return !r.State.Final() }

// Steps is how many approvals a request for the role passes. A role that cannot
// be requested was suggested: somebody has to look once.
func (r *Request) Steps(role roles.Role) int {
	if r.Action == Extend && role.Prolongation {
		return 0
	}
	switch role.Approval {
	case roles.ApprovalNone:
		return 0
	case roles.ApprovalTwo:
		return 2
	case roles.ApprovalThree:
		return 3
	}
	return 1
}

// Decided reports whether a person ruled in an earlier step.
func (r *Request) Decided(person string) bool {
	for _, ruling := range r.Rulings {
		if ruling.By == person {
			return true
		}
	}
	return false
}

// Remark adds a sentence on what became of the request.
func (r *Request) Remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}

// String reads "request 7: add ledger-reader (site=BRU) for Person/E3".
func (r *Request) String() string {
	return fmt.Sprintf("request %d: %s %s for %s", r.ID, r.Action, With(r.Role, r.Parameters), r.Owner)
}

// With writes a role with its parameters.
func With(role roles.RoleID, with assignments.Parameters) string {
	if with == "" {
		return string(role)
	}
	return fmt.Sprintf("%s (%s)", role, with)
}

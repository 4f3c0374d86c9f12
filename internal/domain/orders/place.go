package orders

import (
	"encoding/json"
	"fmt"
)

// State is a provisioning state. Numbers and meanings are fixed: they appear in
// the interface, the database and the screens.
type State uint8

// The nine states. Beside each stands who moves an item out of it.
const (
	None             State = iota // evaluation, within the run
	Pending                       // whoever opens the gate that the order names; then the agent
	Transmitted                   // the agent or the technician; the clock, when neither answers
	Errored                       // the application owner: retry or decline
	Verified                      // nobody: this is where it should rest
	AwaitingApproval              // the reviewer; the administrator, when he does not
	Inactive                      // nobody, until it is wanted again or revoked
	Error                         // the integrator, who mends the rule
	Executed                      // synchronization; the clock, when it never shows the value
)

var stateNames = [...]string{"None", "Pending", "Transmitted", "Errored", "Verified", "Awaiting Approval", "Inactive", "Error", "Executed"}

// States lists all nine in the order of their numbers.
func States() []State {
	return []State{None, Pending, Transmitted, Errored, Verified, AwaitingApproval, Inactive, Error, Executed}
}

// Numbered is the state of a number; None for one that no state has.
func Numbered(n int) State {
	if all := States(); 0 <= n && n < len(all) {
		return all[n]
	}
	return None
}

// String names the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Open reports whether an order stands open while an item is in this state.
// Executed counts until it is verified, unless it rests there for good.
func (s State) Open() bool {
	switch s {
	case Pending, Transmitted, Errored, AwaitingApproval, Error, Executed:
		return true
	}
	return false
}

// worst orders the states for the consolidated one: the first wins.
var worst = []State{Error, Errored, AwaitingApproval, Pending, Transmitted, Executed, Verified, Inactive, None}

// Mark tells apart what one state number holds together.
type Mark string

// The marks.
const (
	Unmarked Mark = ""
	ReadBack Mark = "to be read back" // Transmitted: the outcome is unknown and is being looked up
	Unknown  Mark = "unknown"         // Errored: the outcome is unknown, or the time is over
	Found    Mark = "found"           // Awaiting Approval: a question of reconciliation, no order
	Declined Mark = "declined"        // Inactive: a person said no
	Frozen   Mark = "frozen"          // Verified: a person's exception, not the policy's value
	Released Mark = "released"        // Pending: let through a threshold; Inactive: undeclared
)

// A Place is where an item stands: its state and mark. The databases guard
// places, so that a step into or out of a mark is as strict as one between states.
type Place struct {
	State State
	Mark  Mark
}

// String reads "Transmitted (to be read back)".
func (p Place) String() string {
	if p.Mark == Unmarked {
		return p.State.String()
	}
	return p.State.String() + " (" + string(p.Mark) + ")"
}

// ParsePlace reads what String wrote.
func ParsePlace(s string) (Place, error) {
	p, ok := byText[s]
	if !ok {
		return Place{}, fmt.Errorf("orders: %q is not a place", s)
	}
	return p, nil
}

// MarshalJSON writes the place as its text.
func (p Place) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Place) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	parsed, err := ParsePlace(s)
	*p = parsed
	return err
}

// The places, named as the table reads them.
var (
	atNone        = Place{State: None}
	atPending     = Place{State: Pending}
	atReleased    = Place{Pending, Released}
	atTransmitted = Place{State: Transmitted}
	atReadBack    = Place{Transmitted, ReadBack}
	atErrored     = Place{State: Errored}
	atUnknown     = Place{Errored, Unknown}
	atVerified    = Place{State: Verified}
	atFrozen      = Place{Verified, Frozen}
	atAwaiting    = Place{State: AwaitingApproval}
	atFound       = Place{AwaitingApproval, Found}
	atInactive    = Place{State: Inactive}
	atDeclined    = Place{Inactive, Declined}
	atUndeclared  = Place{Inactive, Released}
	atError       = Place{State: Error}
	atExecuted    = Place{State: Executed}
)

// Places lists every place in the order of the states' numbers.
func Places() []Place {
	return []Place{
		atNone, atPending, atReleased, atTransmitted, atReadBack, atErrored, atUnknown, atVerified, atFrozen,
		atAwaiting, atFound, atInactive, atDeclined, atUndeclared, atError, atExecuted,
	}
}

var byText = func() map[string]Place {
	m := map[string]Place{}
	for _, p := range Places() {
		m[p.String()] = p
	}
	return m
}()

// AtRest reports whether an item may begin its recorded life here: what a first
// evaluation finds in order is not worth a step.
func (p Place) AtRest() bool {
	switch p.State {
	case None, Verified, Executed, Inactive:
		return true
	}
	return false
}

// Owner says who moves an item on that stands in this state; "" where it rests.
func (s State) Owner() string {
	switch s {
	case None:
		return "evaluation"
	case Pending:
		return "whoever opens the gate that the order names"
	case Transmitted:
		return "the agent or the technician"
	case Errored:
		return "the application owner"
	case AwaitingApproval:
		return "the reviewer"
	case Error:
		return "the integrator"
	case Executed:
		return "synchronization"
	}
	return ""
}

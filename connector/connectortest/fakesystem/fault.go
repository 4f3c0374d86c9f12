package fakesystem

import "time"

// The operations a plan speaks of.
const (
	OpDescribe = "describe"
	OpRead     = "read"
	OpLookup   = "lookup"
	OpApply    = "apply"
)

// Misbehaviour is one way of going wrong. The zero value is none.
type Misbehaviour uint8

// The ways of going wrong.
const (
	Well       Misbehaviour = iota
	LostAfter               // apply: carried out, then the reply is lost; others fail
	LostBefore              // apply: not carried out, the reply is lost; others fail
	Transient               // refused now; asking again may help
	Permanent               // refused for good
	Partial                 // apply: only the first Items items are carried out, the rest is refused for now
	Down                    // the connection does not work
	HalfPage                // read: the connection breaks in the middle of a page
	CutShort                // read: ends after half a page without having said that it is complete
	Stale                   // read, lookup: the state before the last Behind writes
)

// String names the misbehaviour as a system would complain about it.
func (m Misbehaviour) String() string {
	names := [...]string{"well", "the reply was lost", "the connection broke", "the system is busy", "the system refuses",
		"only a part was carried out", "the system is down", "the connection broke in the middle of a page", "the page was cut short", "the answer is old"}
	if int(m) < len(names) {
		return names[m]
	}
	return "unknown misbehaviour"
}

// fails reports whether a call that only asks gets no answer.
func (m Misbehaviour) fails() bool {
	switch m {
	case LostAfter, LostBefore, Transient, Permanent, Down:
		return true
	}
	return false
}

// A Fault is what goes wrong with one call. The zero Fault is nothing.
type Fault struct {
	What Misbehaviour
	// Wait is how long the call takes before anything happens. It goes with every misbehaviour and with none.
	Wait time.Duration
	// Items limits Partial and LostAfter to the first items of the change; 0 with LostAfter is all of them.
	Items int
	// Behind is the number of writes that a stale answer does not show.
	Behind int
	// RetryAfter goes with Transient and Down.
	RetryAfter time.Duration
}

// A Plan says what goes wrong with the nth call (from 1) of an operation. It is
// called under a lock, one call at a time, and must not call the system.
type Plan func(op string, n int) Fault

func (p Plan) at(op string, n int) Fault {
	if p == nil {
		return Fault{}
	}
	return p(op, n)
}

// Script is a plan written down: for each operation what happens to its first,
// second, ... call. Further calls go well.
func Script(faults map[string][]Fault) Plan {
	return func(op string, n int) Fault {
		if list := faults[op]; n <= len(list) {
			return list[n-1]
		}
		return Fault{}
	}
}

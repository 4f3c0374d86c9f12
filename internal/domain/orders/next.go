package orders

import (
	"fmt"

	"provisor.dev/provisor/fault"
)

// Facts are what the guards of the table ask. Every zero value is the safe one:
// nothing is equal, nobody approved, no gate is open.
type Facts struct {
	// what evaluation knows
	Wanted         bool // the expected value is something, not its absence
	Held           bool // the system holds something of it; a value of ours that nobody read counts
	Equal          bool // the expected value is the one last read
	Unseen         bool // a value of ours may be there unread
	Changed        bool // the expected value is another than the one proposed or verified
	DeclinedBefore bool // a person declined this very value and nobody took it back
	Adds           bool // it puts something where nothing is
	Removal        bool // what is under way is itself the removal
	Once           bool // write-once
	Exists         bool // the account is there
	Met            bool // it is there and no order of ours created it
	NoAdd          bool // additions are left to people
	NoRemove       bool // removals are left to people
	Review         bool // a person has to look first
	BothMoved      bool // evaluation and system moved at the same time
	Protected      bool // a manual value that the rules may not overwrite
	Discarded      bool // it was questioned as a manual value, and those are discarded now
	Undeclared     bool // its resource type or connector is no longer declared
	Association    bool // the account was matched and nobody confirmed it
	RestDeclined   bool // what is expected is the absence of a declined value
	RestFrozen     bool // what is expected is a frozen exception
	// what people know
	OutcomeKnown bool // the last attempt certainly did not happen
	Readable     bool // the system can be read
	Stated       bool // the person states that it did not happen
	MayReview    bool // the person may review the resource type
	Unexplained  bool // found or pre-existing: no rule gives it
	Excepted     bool // it stands on a person's exception
	Parked       bool // a threshold parked it
	LetThrough   bool // a person let this very change through its threshold
	Blocked      bool // review was switched on, or the run blocks
	OtherTrouble bool // another item of the resource is errored or awaits approval for a reason of its own
	ApprovedNow  bool // a reviewer approved it at this version
	RetriedNow   bool // a person retried it at this version
	Named        bool // a person with a name confirms
	// what agent and clock know
	GatesOpen    bool
	Surprise     bool // something that was released with it did not go as ordered
	Manual       bool
	Taken        bool
	LeaseOver    bool
	NewestFence  bool
	Transient    bool
	AttemptsLeft bool
	Settled      bool // the connection's settle time is over
	NoUse        bool // looking it up fails, and waiting longer makes no sense
	ValidityOver bool
	// what a reading knows
	Fresh   bool // it began after the last thing that we did
	Shows   bool // it shows the expected value
	Moved   bool // it did not show it before
	Foreign bool // it shows neither the expected value, nor the one before, nor one of ours
}

// A Triple is one legal move, as the databases guard it: guards are the
// function's, triples are the databases'.
type Triple struct {
	From  Place
	Event Event
	To    Place
}

// A Refusal says that the table has no row for what was tried.
type Refusal struct {
	From  Place
	Event Event
	Rows  []string // rows for this place and event whose guards did not hold
}

// Error says what was refused.
func (r *Refusal) Error() string {
	if len(r.Rows) == 0 {
		return fmt.Sprintf("%q cannot happen to an item that is %s", r.Event, r.From)
	}
	return fmt.Sprintf("%q is refused for an item that is %s: it would need %q", r.Event, r.From, r.Rows)
}

// Unwrap makes the refusal a fault of kind Refused.
func (r *Refusal) Unwrap() error {
	return &fault.Error{Kind: fault.Refused, Op: string(r.Event)}
}

// Next is the machine: where an item goes from a place on an event, given the
// facts. prior is where it stood before Error, and counts only there.
func Next(from Place, on Event, prior *Place, f Facts) (Place, *Row, error) {
	refusal := &Refusal{From: from, Event: on}
	for _, i := range index[key{from, on}] {
		row := &table[i]
		if row.When != nil && !row.When(&f) {
			refusal.Rows = append(refusal.Rows, row.Name)
			continue
		}
		switch {
		case row.Stay:
			return from, row, nil
		case row.Prior:
			if prior == nil {
				return atNone, row, nil
			}
			return *prior, row, nil
		case row.Fresh:
			again := Expect
			if !f.Wanted && !f.Held && !f.DeclinedBefore {
				again = Lapse
			}
			to, _, err := Next(atNone, again, nil, f)
			if err != nil {
				return from, nil, err
			}
			return to, row, nil
		case row.Which != nil:
			return row.To[row.Which(&f)], row, nil
		}
		return row.To[0], row, nil
	}
	return from, nil, refusal
}

type key struct {
	from Place
	on   Event
}

// index finds the rows of a place and an event, in the table's order.
var index = func() map[key][]int {
	m := map[key][]int{}
	for i, row := range table {
		for _, from := range row.From {
			m[key{from, row.On}] = append(m[key{from, row.On}], i)
		}
	}
	return m
}()

// Targets lists where a row can lead from a place.
func (r *Row) Targets(from Place) []Place {
	switch {
	case r.Stay:
		return one(from)
	case r.Prior:
		return priors
	case r.Fresh:
		return freshTargets(r.On)
	}
	return r.To
}

// priors are the places from which an item can have become an Error.
var priors = places(one(atNone), pending, awaiting, erroreds, verified, idle, one(atDeclined), one(atExecuted))

// freshTargets are the places to which the rows from None lead: on expect what
// is wanted or held; revoking may also find that nothing is wanted any more.
func freshTargets(on Event) []Place {
	var all []Place
	seen := map[Place]bool{}
	for i := range table {
		row := &table[i]
		if row.On != Expect && (row.On != Lapse || on != Revoke) || row.Stay || row.Prior || row.Fresh {
			continue
		}
		for _, from := range row.From {
			if from != atNone {
				continue
			}
			for _, to := range row.To {
				if !seen[to] {
					seen[to] = true
					all = append(all, to)
				}
			}
		}
	}
	return all
}

// Triples lists every legal move once: what the databases are seeded with.
func Triples() []Triple {
	var all []Triple
	seen := map[Triple]bool{}
	for i := range table {
		row := &table[i]
		for _, from := range row.From {
			for _, to := range row.Targets(from) {
				t := Triple{from, row.On, to}
				if !seen[t] {
					seen[t] = true
					all = append(all, t)
				}
			}
		}
	}
	return all
}

// Allowed lists what a person may do to an item that stands here: the buttons.
func Allowed(from Place) []Event {
	var events []Event
	seen := map[Event]bool{}
	for i := range table {
		row := &table[i]
		if row.By != ByPerson || seen[row.On] {
			continue
		}
		for _, p := range row.From {
			if p == from && !seen[row.On] {
				seen[row.On] = true
				events = append(events, row.On)
			}
		}
	}
	return events
}

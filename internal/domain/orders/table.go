package orders

// Event is something that may move an item.
type Event string

// The events, by who raises them.
const (
	Expect Event = "expect" // evaluation computed a value
	Lapse  Event = "lapse"  // no longer wanted, and nothing of it is in the system
	Fail   Event = "fail"   // the role model threw an exception

	Approve  Event = "approve"
	Decline  Event = "decline"
	Postpone Event = "postpone"
	Revoke   Event = "revoke"
	Correct  Event = "correct"
	Keep     Event = "keep"
	Retry    Event = "retry"
	Release  Event = "release"
	RollBack Event = "roll back" // what was executed is to be as it was before

	Hold       Event = "hold"
	Collect    Event = "collect"
	Done       Event = "done"
	Refuse     Event = "refuse"
	Lose       Event = "lose"
	Expire     Event = "expire"
	Confirm    Event = "confirm"
	Contradict Event = "contradict"
	Verify     Event = "verify"
	Drift      Event = "drift"
	Recall     Event = "recall"
)

// Events lists every event.
func Events() []Event {
	return []Event{
		Expect, Lapse, Fail, Approve, Decline, Postpone, Revoke, Correct, Keep, Retry, Release, RollBack, Hold,
		Collect, Done, Refuse, Lose, Expire, Confirm, Contradict, Verify, Drift, Recall,
	}
}

// Raiser says who raises the event of a row.
type Raiser string

// Who raises events.
const (
	ByEvaluation Raiser = "evaluation"
	ByPerson     Raiser = "person"
	ByAgent      Raiser = "agent"
	ByClock      Raiser = "clock"
	ByReading    Raiser = "synchronization"
)

// A Row is one line of the machine. Where several rows match a place and an
// event, the first whose guard holds decides, so their order is part of the table.
type Row struct {
	Name  string // a claim that documentation, refusals and tests use
	From  []Place
	On    Event
	By    Raiser
	When  func(*Facts) bool
	To    []Place
	Which func(*Facts) int // the index in To; nil: the first
	Stay  bool             // To is where it came from
	Prior bool             // To is where it stood before Error
	Fresh bool             // To is where it would go from None
}

// groups of places that rows share
var (
	pending  = []Place{atPending, atReleased}
	erroreds = []Place{atErrored, atUnknown}
	verified = []Place{atVerified, atFrozen}
	awaiting = []Place{atAwaiting, atFound}
	sent     = []Place{atTransmitted, atReadBack}
	idle     = []Place{atInactive, atUndeclared}
)

func places(groups ...[]Place) []Place {
	var all []Place
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func one(p Place) []Place { return []Place{p} }

// again is where an item waits to be sent once more: what was let through a
// threshold stays let through. againOf picks.
var again = []Place{atPending, atReleased}

func againOf(f *Facts) int { return pick(f.LetThrough, 1, 0) }

// rest is where an item comes to rest: what stands on a person's decision keeps
// the mark of it. restOf picks.
var rest = []Place{atVerified, atFrozen, atDeclined}

func restOf(f *Facts) int {
	switch {
	case f.RestDeclined:
		return 2
	case f.RestFrozen:
		return 1
	}
	return 0
}

// standsOf picks of verified, where something is expected: the absence of a
// declined value is not.
func standsOf(f *Facts) int { return pick(f.RestFrozen, 1, 0) }

// Table is the machine: every legal move. It drives the function Next, the
// databases' guard, the generated diagrams, the buttons that a page offers, and
// the exhaustive test.
func Table() []Row { return table }

var table = makeTable()

func makeTable() []Row {
	var rows []Row
	rows = append(rows, evaluationRows()...)
	rows = append(rows, writeOnceRows()...)
	rows = append(rows, expectedRows()...)
	rows = append(rows, changedRows()...)
	rows = append(rows, peopleRows()...)
	rows = append(rows, agentRows()...)
	rows = append(rows, unansweredRows()...)
	return append(rows, readingRows()...)
}

// evaluationRows move an item on what evaluation computed. The rows stand in the
// order of precedence: declined, no longer wanted, write-once, add and remove
// switched off, equal, both moved, protected, changed, review no longer needed.
func evaluationRows() []Row {
	return []Row{
		{Name: "while it is transmitted, what evaluation computes is kept beside it", From: sent, On: Expect, By: ByEvaluation, Stay: true},
		{Name: "while it is transmitted, a lapse is kept beside it", From: sent, On: Lapse, By: ByEvaluation, Stay: true},
		{Name: "while its outcome is unknown, what evaluation computes is kept beside it", From: one(atUnknown), On: Expect, By: ByEvaluation, Stay: true},

		{
			Name: "a failing rule makes the item an Error and keeps its former state",
			From: places(one(atNone), pending, awaiting, erroreds, verified, idle, one(atDeclined), one(atExecuted)),
			On:   Fail, By: ByEvaluation, To: one(atError),
		},
		{Name: "a mended rule gives the former state back", From: one(atError), On: Expect, By: ByEvaluation, Prior: true},

		{
			Name: "what rests keeps resting when the value becomes a declined one",
			From: []Place{atExecuted, atVerified}, On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.DeclinedBefore }, Stay: true,
		},
		{
			Name: "a declined value is not proposed again",
			From: places(one(atNone), pending, one(atAwaiting), one(atErrored)), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.DeclinedBefore }, To: []Place{atDeclined, atFrozen},
			Which: func(f *Facts) int { return pick(f.Adds, 0, 1) },
		},

		{
			Name: "what was undeclared is released, whatever the system holds",
			From: places(one(atNone), pending, awaiting, erroreds, verified, one(atInactive), one(atDeclined), one(atError), one(atExecuted)),
			On:   Lapse, By: ByEvaluation, When: func(f *Facts) bool { return f.Undeclared }, To: one(atUndeclared),
		},
		{
			Name: "what is no longer wanted and not in the system lapses",
			From: places(one(atNone), pending, awaiting, one(atErrored)), On: Lapse, By: ByEvaluation,
			When: func(f *Facts) bool { return !f.Wanted && !f.Held }, To: one(atInactive),
		},
		{Name: "while its outcome is unknown, a lapse is kept beside it", From: one(atUnknown), On: Lapse, By: ByEvaluation, Stay: true},
		{
			Name: "a removal supersedes what was under way",
			From: places(pending, one(atAwaiting), one(atErrored)), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return !f.Wanted && f.Held && !f.Removal && !f.NoRemove }, To: []Place{atPending, atAwaiting},
			Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
		{
			Name: "a removal that is left to people becomes a question",
			From: places(one(atNone), pending, one(atAwaiting), one(atErrored), one(atVerified), one(atExecuted)),
			On:   Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return !f.Wanted && f.Held && f.NoRemove && !f.Removal }, To: one(atFound),
		},
	}
}

// differs: a value of ours that nobody has read yet forbids "already there".
func differs(f *Facts) bool { return !f.Equal || f.Unseen }

// writeOnceRows go on in the order of precedence with values that only the
// creation of an account writes.
func writeOnceRows() []Row {
	return []Row{
		{
			Name: "a write-once value of an account that exists is neither written nor compared",
			From: one(atNone), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Once && f.Exists }, To: one(atExecuted),
		},
		{
			Name: "a write-once value of an account that was there all along is not written",
			From: places(pending, one(atAwaiting), one(atErrored)), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Once && f.Met }, To: one(atExecuted),
		},
	}
}

// expectedRows go on in the order of precedence with what is wanted.
func expectedRows() []Row {
	return []Row{
		{
			Name: "an addition that is left to people rests until it appears",
			From: one(atNone), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Wanted && f.NoAdd && f.Adds && !f.Equal }, To: one(atInactive),
		},

		{
			// A frozen value rests unread: the next reading asks where it does not stand.
			Name: "what is already there is Verified", From: one(atNone), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Equal && !f.Unseen || f.RestFrozen && f.Exists }, To: rest, Which: restOf,
		},
		{
			Name: "an order for what is already there is withdrawn",
			From: places(pending, one(atAwaiting), one(atErrored)), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Equal && !f.Unseen && !f.Association }, To: rest, Which: restOf,
		},
		{
			Name: "a question is answered when the expected value is the one read",
			From: one(atFound), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Equal && !f.Unseen && f.Wanted }, To: verified, Which: standsOf,
		},

		{
			Name: "both sides moved: a question that proposes the new value",
			From: []Place{atExecuted, atVerified}, On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.BothMoved && !f.Once }, To: one(atFound),
		},
		{
			Name: "a protected manual value is questioned, not overwritten",
			From: []Place{atExecuted, atVerified}, On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Changed && f.Protected }, To: one(atFound),
		},

		{
			Name: "a questioned value follows the rules once manual values are discarded",
			From: one(atFound), On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return f.Discarded },
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
	}
}

// changedRows are the last of evaluation's: what is wanted is not what is there.
func changedRows() []Row {
	return []Row{
		{
			Name: "a first difference becomes an order, or waits for a review",
			From: one(atNone), On: Expect, By: ByEvaluation, When: differs,
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
		{
			Name: "our side moved: a new order",
			From: []Place{atExecuted, atVerified}, On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Changed && !f.Once }, To: []Place{atPending, atAwaiting},
			Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
		{
			Name: "a pending order is amended; a changed value loses its approval",
			From: pending, On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return f.Changed },
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
		{
			Name: "what waits for a review is amended and goes on waiting",
			From: awaiting, On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return f.Changed }, Stay: true,
		},
		{
			Name: "a known error is left by a new value",
			From: one(atErrored), On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return f.Changed },
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review, 1, 0) },
		},
		{
			Name: "a review that is no longer needed ends",
			From: one(atAwaiting), On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return !f.Review }, To: again, Which: againOf,
		},
		{
			Name: "what a person froze rests again when its account is back",
			From: one(atInactive), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return !f.Wanted && f.RestFrozen && f.Exists }, To: one(atFrozen),
		},
		{
			Name: "what was inactive and is wanted again starts anew",
			From: idle, On: Expect, By: ByEvaluation, When: func(f *Facts) bool { return f.Wanted || f.Held || f.DeclinedBefore }, Fresh: true,
		},
		{
			Name: "another value than the declined one is reviewed, whatever the resource type says",
			From: one(atDeclined), On: Expect, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Changed && !f.DeclinedBefore && !f.Equal }, To: one(atAwaiting),
		},
	}
}

// errored items may be declined when nothing can have happened, as far as the
// system or a person can say.
func settled(f *Facts) bool { return f.OutcomeKnown || (!f.Readable && f.Stated) }

func peopleRows() []Row {
	return []Row{
		{
			Name: "approving an association with nothing to write verifies it",
			From: one(atAwaiting), On: Approve, By: ByPerson,
			When: func(f *Facts) bool { return f.Association && f.Equal }, To: one(atVerified),
		},
		{Name: "an approved item may go out", From: one(atAwaiting), On: Approve, By: ByPerson, To: again, Which: againOf},
		{
			Name: "a declined association is denied for good",
			From: one(atAwaiting), On: Decline, By: ByPerson, When: func(f *Facts) bool { return f.Association }, To: one(atInactive),
		},
		{
			Name: "a declined addition rests", From: one(atAwaiting), On: Decline, By: ByPerson, When: func(f *Facts) bool { return f.Adds }, To: one(atDeclined),
		},
		{
			Name: "a declined update or deletion makes the value read an exception",
			From: one(atAwaiting), On: Decline, By: ByPerson, When: func(f *Facts) bool { return !f.Adds }, To: one(atFrozen),
		},
		{
			Name: "an errored addition may be declined when it did not happen",
			From: erroreds, On: Decline, By: ByPerson, When: func(f *Facts) bool { return f.Adds && settled(f) }, To: one(atDeclined),
		},
		{
			Name: "an errored update or deletion may be declined when it did not happen",
			From: erroreds, On: Decline, By: ByPerson, When: func(f *Facts) bool { return !f.Adds && settled(f) }, To: one(atFrozen),
		},
		{
			Name: "refusing what was found removes it, under review where the person may not review",
			From: []Place{atVerified, atFound}, On: Decline, By: ByPerson, When: func(f *Facts) bool { return f.Unexplained },
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review && !f.MayReview, 1, 0) },
		},
		{Name: "a postponed item waits until the date", From: awaiting, On: Postpone, By: ByPerson, Stay: true},
		{
			Name: "a revoked decision lets the rules speak again",
			From: []Place{atDeclined, atFrozen}, On: Revoke, By: ByPerson, Fresh: true,
		},
		{
			Name: "a revoked exception lets the rules speak again",
			From: one(atVerified), On: Revoke, By: ByPerson, When: func(f *Facts) bool { return f.Excepted }, Fresh: true,
		},
		{
			Name: "correcting a found value writes the expected one, under review where the person may not review",
			From: one(atFound), On: Correct, By: ByPerson,
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review && !f.MayReview, 1, 0) },
		},
		{
			Name: "what was executed is rolled back to an exception, under review where the person may not review",
			From: []Place{atExecuted, atVerified, atFrozen}, On: RollBack, By: ByPerson, When: func(f *Facts) bool { return !f.Once },
			To: []Place{atPending, atAwaiting}, Which: func(f *Facts) int { return pick(f.Review && !f.MayReview, 1, 0) },
		},
		{Name: "a found value may be kept", From: one(atFound), On: Keep, By: ByPerson, To: one(atVerified)},
		{
			Name: "an unauthorized or pre-existing account may be kept",
			From: one(atVerified), On: Keep, By: ByPerson, When: func(f *Facts) bool { return f.Unexplained }, Stay: true,
		},
		{
			Name: "an error that certainly did not happen may be tried again",
			From: erroreds, On: Retry, By: ByPerson, When: settled, To: again, Which: againOf,
		},
		{
			Name: "an unknown outcome is looked up before anything is sent again",
			From: one(atUnknown), On: Retry, By: ByPerson, When: func(f *Facts) bool { return f.Readable }, To: one(atReadBack),
		},
		{
			Name: "what a threshold parked is released by a person",
			From: one(atPending), On: Release, By: ByPerson, When: func(f *Facts) bool { return f.Parked }, To: one(atReleased),
		},
		{
			Name: "a block that is switched on holds what no reviewer approved",
			From: pending, On: Hold, By: ByEvaluation,
			When: func(f *Facts) bool { return f.Blocked && !f.ApprovedNow }, To: one(atAwaiting),
		},
		{
			Name: "trouble with another item of the resource holds this one",
			From: pending, On: Hold, By: ByEvaluation,
			When: func(f *Facts) bool { return f.OtherTrouble && !f.ApprovedNow && !f.RetriedNow && !f.Removal }, To: one(atAwaiting),
		},
	}
}

func agentRows() []Row {
	retried := places(again, one(atErrored))
	return []Row{
		{
			Name: "a surprise takes back the release of what has not gone out",
			From: one(atReleased), On: Hold, By: ByAgent, When: func(f *Facts) bool { return f.Surprise }, To: one(atPending),
		},
		{Name: "an order is collected when every gate is open", From: pending, On: Collect, By: ByAgent, When: func(f *Facts) bool { return f.GatesOpen }, To: one(atTransmitted)},
		{
			Name: "where nothing can be read, a technician's confirmation verifies",
			From: sent, On: Done, By: ByPerson,
			When: func(f *Facts) bool { return f.Manual && !f.Readable && f.Named }, To: rest, Which: restOf,
		},
		{
			Name: "where nothing can be read, a named person's confirmation settles an unknown outcome",
			From: one(atUnknown), On: Done, By: ByPerson,
			When: func(f *Facts) bool { return !f.Readable && f.Named }, To: rest, Which: restOf,
		},
		{
			Name: "what a technician confirms is Executed",
			From: sent, On: Done, By: ByPerson,
			When: func(f *Facts) bool { return f.Manual && f.Readable && f.Named }, To: one(atExecuted),
		},
		{
			Name: "what a technician could not do is an error",
			From: sent, On: Refuse, By: ByPerson, When: func(f *Facts) bool { return f.Manual && f.Named }, To: one(atErrored),
		},
		{
			Name: "a person's confirmation settles an unknown outcome",
			From: one(atUnknown), On: Done, By: ByPerson, When: func(f *Facts) bool { return f.Readable && f.Named }, To: one(atExecuted),
		},
		{
			Name: "what is reported done is Executed",
			From: places(sent, one(atUnknown)), On: Done, By: ByAgent,
			When: func(f *Facts) bool { return f.Readable && f.NewestFence }, To: one(atExecuted),
		},
		{
			Name: "a second report of the same attempt changes nothing",
			From: []Place{atExecuted, atVerified}, On: Done, By: ByAgent, When: func(f *Facts) bool { return f.NewestFence }, Stay: true,
		},
		{
			Name: "what was certainly refused is tried again while attempts are left",
			From: sent, On: Refuse, By: ByAgent, When: func(f *Facts) bool { return f.NewestFence },
			To: retried, Which: func(f *Facts) int { return pick(f.Transient && f.AttemptsLeft, againOf(f), 2) },
		},
	}
}

// unansweredRows are about what nobody reported.
func unansweredRows() []Row {
	retried := places(again, one(atErrored))
	return []Row{
		{
			Name: "a lost report is looked up, never resent",
			From: one(atTransmitted), On: Lose, By: ByAgent, When: func(f *Facts) bool { return !f.Manual }, To: one(atReadBack),
		},
		{
			Name: "an expired lease is looked up, never resent",
			From: one(atTransmitted), On: Expire, By: ByClock, When: func(f *Facts) bool { return !f.Manual && f.LeaseOver }, To: one(atReadBack),
		},
		{
			Name: "looked up: it happened", From: one(atReadBack), On: Confirm, By: ByAgent,
			When: func(f *Facts) bool { return f.Shows }, To: one(atExecuted),
		},
		{
			Name: "looked up: it did not happen",
			From: one(atReadBack), On: Contradict, By: ByAgent, When: func(f *Facts) bool { return f.Settled && !f.Shows },
			To: retried, Which: func(f *Facts) int { return pick(f.AttemptsLeft, againOf(f), 2) },
		},
		{
			Name: "what cannot be looked up has an unknown outcome", From: one(atReadBack), On: Expire, By: ByClock,
			When: func(f *Facts) bool { return f.NoUse }, To: one(atUnknown),
		},
		{
			Name: "what no technician confirmed in time has an unknown outcome",
			From: one(atTransmitted), On: Expire, By: ByClock,
			When: func(f *Facts) bool { return f.Manual && f.ValidityOver }, To: one(atUnknown),
		},
		{
			Name: "what no reading showed in time has an unknown outcome",
			From: one(atExecuted), On: Expire, By: ByClock,
			When: func(f *Facts) bool { return f.ValidityOver && !f.Once }, To: one(atUnknown),
		},
		{
			Name: "a withdrawn instruction that nobody took is recalled",
			From: one(atTransmitted), On: Recall, By: ByEvaluation, When: func(f *Facts) bool { return f.Manual && !f.Taken },
			To:    places(again, one(atAwaiting), one(atInactive)),
			Which: func(f *Facts) int { return pick(!f.Wanted && !f.Held, 3, pick(f.Review, 2, againOf(f))) },
		},
		{
			Name: "a withdrawn instruction that somebody took is marked no longer wanted",
			From: one(atTransmitted), On: Recall, By: ByEvaluation, When: func(f *Facts) bool { return f.Manual && f.Taken }, Stay: true,
		},
	}
}

func readingRows() []Row {
	return []Row{
		{
			Name: "a reading begun after the execution shows the value",
			From: one(atExecuted), On: Verify, By: ByReading, When: func(f *Facts) bool { return f.Shows && f.Fresh && !f.Once }, To: rest, Which: restOf,
		},
		{
			Name: "a reading begun after the collection shows a value that was not there before",
			From: sent, On: Verify, By: ByReading, When: func(f *Facts) bool { return f.Shows && f.Fresh && f.Moved }, To: rest, Which: restOf,
		},
		{
			Name: "a reading shows that it is already there",
			From: places(pending, one(atAwaiting), erroreds, one(atInactive)), On: Verify, By: ByReading,
			When: func(f *Facts) bool { return f.Shows && f.Fresh && !f.Unseen && !f.Association }, To: rest, Which: restOf,
		},
		{
			Name: "a found value that was put right by hand is no question any more",
			From: one(atFound), On: Verify, By: ByReading,
			When: func(f *Facts) bool { return f.Shows && f.Fresh && f.Wanted && !f.Association }, To: verified, Which: standsOf,
		},
		{
			Name: "a declined or unwanted value that is gone again is no question any more",
			From: one(atFound), On: Verify, By: ByReading,
			When: func(f *Facts) bool { return f.Shows && f.Fresh && !f.Wanted }, To: []Place{atInactive, atDeclined},
			Which: func(f *Facts) int { return pick(f.DeclinedBefore, 1, 0) },
		},
		{
			Name: "they moved: a question",
			From: verified, On: Drift, By: ByReading, When: func(f *Facts) bool { return !f.Shows && f.Fresh && !f.Once }, To: one(atFound),
		},
		{
			Name: "a foreign value appeared after the execution: a question",
			From: one(atExecuted), On: Drift, By: ByReading, When: func(f *Facts) bool { return !f.Shows && f.Fresh && f.Foreign && !f.Once }, To: one(atFound),
		},
		{
			Name: "a declined or unwanted value appeared: a question",
			From: []Place{atInactive, atDeclined}, On: Drift, By: ByReading, When: func(f *Facts) bool { return !f.Shows && f.Fresh }, To: one(atFound),
		},
	}
}

func pick(cond bool, yes, no int) int {
	if cond {
		return yes
	}
	return no
}

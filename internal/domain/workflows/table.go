package workflows

import (
	"fmt"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
)

// Event is something that may move a started workflow.
type Event string

// The events.
const (
	Start    Event = "start"
	Process  Event = "process"  // to its first step, or past all
	Approve  Event = "approve"  // one step
	Decline  Event = "decline"  // for good
	Withdraw Event = "withdraw" // by whoever started it
)

// Events lists every event.
func Events() []Event { return []Event{Start, Process, Approve, Decline, Withdraw} }

// Facts are what the guards of the table ask. Every zero value is the safe one:
// nobody may decide, and nothing passes without a step.
type Facts struct {
	MayStart  bool // the form lets the person start it
	Free      bool // the form says that nobody has to approve
	Steps     int  // how many approvals, where it is not free
	MayReview bool // the person is a reviewer of the step
	Apart     bool // the person neither started it nor is whom it is about
	New       bool // the person ruled in no other step
	Starter   bool // the person started it
}

// A Row is one line of the machine. Of the rows for a state and an event the
// first whose guard holds decides.
type Row struct {
	Name string // a claim that refusals and tests use
	From []assignments.Workflow
	On   Event
	When func(*Facts) bool
	To   assignments.Workflow
}

func by(f *Facts) bool { return f.MayReview && f.Apart && f.New }

var pending = []assignments.Workflow{
	assignments.PendingApproval1of1, assignments.PendingApproval1of2, assignments.PendingApproval2of2,
	assignments.PendingApproval1of3, assignments.PendingApproval2of3, assignments.PendingApproval3of3,
}

func from(list ...assignments.Workflow) []assignments.Workflow { return list }

var table = []Row{
	{"whom the form lets may start it", from(assignments.NoWorkflow), Start, func(f *Facts) bool { return f.MayStart }, assignments.Requested},
	{"without a step it is approved", from(assignments.Requested), Process, func(f *Facts) bool { return f.Free }, assignments.Approved},
	{"one step", from(assignments.Requested), Process, func(f *Facts) bool { return f.Steps == 1 }, assignments.PendingApproval1of1},
	{"two steps", from(assignments.Requested), Process, func(f *Facts) bool { return f.Steps == 2 }, assignments.PendingApproval1of2},
	{"three steps", from(assignments.Requested), Process, func(f *Facts) bool { return f.Steps == 3 }, assignments.PendingApproval1of3},
	{"the first of two steps leads to the second", from(assignments.PendingApproval1of2), Approve, by, assignments.PendingApproval2of2},
	{"the first of three steps leads to the second", from(assignments.PendingApproval1of3), Approve, by, assignments.PendingApproval2of3},
	{"the second of three steps leads to the third", from(assignments.PendingApproval2of3), Approve, by, assignments.PendingApproval3of3},
	{"the last step approves", from(assignments.PendingApproval1of1, assignments.PendingApproval2of2, assignments.PendingApproval3of3), Approve, by, assignments.Approved},
	{"any step declines", pending, Decline, by, assignments.WorkflowDeclined},
	{"whoever started it may withdraw", append(from(assignments.Requested), pending...), Withdraw, func(f *Facts) bool { return f.Starter }, assignments.Cancellation},
}

// Table returns the machine.
func Table() []Row { return table }

// A Refusal says that the table has no row for what was tried.
type Refusal struct {
	From assignments.Workflow
	On   Event
	Rows []string // rows for this state and event whose guards did not hold
}

// Error says what was refused.
func (r *Refusal) Error() string {
	if len(r.Rows) == 0 {
		return fmt.Sprintf("%q cannot happen to a workflow that is %s", r.On, r.From)
	}
	return fmt.Sprintf("%q is refused for a workflow that is %s: it would need %q", r.On, r.From, r.Rows)
}

// Unwrap makes the refusal a fault of kind Refused.
func (r *Refusal) Unwrap() error { return &fault.Error{Kind: fault.Refused, Op: string(r.On)} }

// Next is the machine: where a workflow goes from a state on an event.
func Next(at assignments.Workflow, on Event, f Facts) (assignments.Workflow, error) {
	refusal := &Refusal{From: at, On: on}
	for i := range table {
		row := &table[i]
		if row.On != on || !slices.Contains(row.From, at) {
			continue
		}
		if row.When(&f) {
			return row.To, nil
		}
		refusal.Rows = append(refusal.Rows, row.Name)
	}
	return at, refusal
}

// Allowed lists what may happen to a workflow in this state: the buttons.
func Allowed(at assignments.Workflow) []Event {
	var events []Event
	for _, on := range Events() {
		if slices.ContainsFunc(table, func(r Row) bool { return r.On == on && slices.Contains(r.From, at) }) {
			events = append(events, on)
		}
	}
	return events
}

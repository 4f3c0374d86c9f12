package requests

import (
	"fmt"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// Standing is what a request has to fit into: the owner's own days.
type Standing struct {
	Period   assignments.Period
	Excluded bool // the context leaves the owner out
	// Places are where the owner stands: what to suggest for a missing parameter.
	Places map[roles.DimensionID][]resources.Key
}

// Fit cuts what was asked for to what can be had: from today, for no longer than
// the role allows, within the owner's days. It says what it changed. ok is false
// when nothing is left.
func Fit(asked assignments.Period, today time.Time, most time.Duration, owner assignments.Period) (p assignments.Period, remarks []string, ok bool) {
	p = asked
	if p.From.Before(today) {
		if !p.From.IsZero() {
			remarks = append(remarks, "it begins today: nothing is given for days that are past")
		}
		p.From = today
	}
	begins := p.From
	if owner.From.After(begins) {
		begins = owner.From
	}
	if last := begins.Add(most - 1).Truncate(schema.Day); most > 0 && (p.To.IsZero() || p.To.After(last)) {
		p.To = last
		remarks = append(remarks, fmt.Sprintf("it ends on %s: the role is given for %s at most", last.Format(time.DateOnly), days(most)))
	}
	if !owner.To.IsZero() && p.To.After(owner.To) {
		p.To = owner.To
		remarks = append(remarks, fmt.Sprintf("it ends on %s with the owner's own time", p.To.Format(time.DateOnly)))
	}
	last := p.To
	if last.IsZero() {
		last = owner.To
	}
	return p, remarks, last.IsZero() || !last.Before(begins)
}

// days writes a duration as people say it.
func days(d time.Duration) string {
	if d%schema.Day == 0 {
		if d == schema.Day {
			return "1 day"
		}
		return fmt.Sprintf("%d days", d/schema.Day)
	}
	return d.String()
}

// An Effect is what an approved request changes: the decision on the owner and
// the role that is put in the place of the present one, or taken back.
type Effect struct {
	Put    *assignments.RoleDecision
	Revoke bool
	Remark string
}

// Settle works out what an approved request changes, given how the owner has the
// role now and what was decided about it before; nil for neither.
func Settle(r *Request, had *assignments.AssignedRole, before *assignments.RoleDecision, today time.Time) Effect {
	put := func(w assignments.Workflow, p assignments.Period, remark string) Effect {
		return Effect{Remark: remark, Put: &assignments.RoleDecision{
			Owner: r.Owner, Role: r.Role, Parameters: r.Parameters, Workflow: w, Period: p, By: r.lastBy(), Why: r.lastWhy(), Request: int64(r.ID),
		}}
	}
	switch r.Action {
	case Add:
		return put(assignments.Approved, r.Period, "it is given")
	case Deny:
		return put(assignments.WorkflowDeclined, r.Period, "no rule gives it until the deny is taken back")
	case Extend:
		if before == nil || before.Workflow != assignments.Approved {
			return Effect{Remark: "nothing was left to extend"}
		}
		p := before.Period
		p.To = r.Period.To
		return put(assignments.Approved, p, "its end is moved")
	}
	switch {
	case before != nil && before.Workflow == assignments.WorkflowDeclined:
		return Effect{Revoke: true, Remark: "the deny is taken back: the rules say who has it"}
	case had != nil && (had.Workflow == assignments.Prolonged || had.Workflow.Found()):
		return put(assignments.Cancellation, assignments.Period{}, "it does not stay")
	case had != nil && Ruled(had):
		return put(assignments.WorkflowDeclined, r.Period, "a rule gives it, so it is denied")
	case before == nil || before.Workflow != assignments.Approved:
		return Effect{Remark: "nothing was left to remove"}
	case r.Period.From.After(today):
		p := before.Period
		p.To = r.Period.From.Add(-schema.Day)
		return put(assignments.Approved, p, "its last day is "+p.To.Format(time.DateOnly))
	}
	return Effect{Revoke: true, Remark: "it is taken away"}
}

// Ruled reports whether a rule is among the reasons of what somebody has.
func Ruled(had *assignments.AssignedRole) bool {
	for _, reason := range had.Reasons {
		if reason.Rule != "" && had.Workflow != assignments.Prolonged {
			return true
		}
	}
	return false
}

// lastBy is who settled the request: the last who approved, else who asked.
func (r *Request) lastBy() string {
	if n := len(r.Rulings); n > 0 {
		return r.Rulings[n-1].By
	}
	return r.By
}

func (r *Request) lastWhy() string {
	words := []string{fmt.Sprintf("request %d", r.ID)}
	if r.Why != "" {
		words = append(words, r.Why)
	}
	return strings.Join(words, ", ")
}

// Package assignments holds who should have what, why, and from when to when:
// what evaluation expects, the roles people have, and the workflow states.
package assignments

import (
	"maps"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Workflow says where an assignment comes from and how far its approval is.
// The numbers are fixed: they appear in the interface, the database and the screens.
type Workflow int

// The workflow states.
const (
	NoWorkflow                 Workflow = 0
	NonConforming              Workflow = 1 // found, and no rule explains it
	RequestedMissingParameters Workflow = 2
	PreExisting                Workflow = 3
	Requested                  Workflow = 4
	CalculatedMissing          Workflow = 5
	PendingApproval1of1        Workflow = 8
	PendingApproval1of2        Workflow = 9
	PendingApproval2of2        Workflow = 10
	PendingApproval1of3        Workflow = 11
	PendingApproval2of3        Workflow = 12
	PendingApproval3of3        Workflow = 13
	Approved                   Workflow = 16
	WorkflowDeclined           Workflow = 17
	Calculated                 Workflow = 18
	WorkflowInactive           Workflow = 19
	Cancellation               Workflow = 20
	SuggestedRole              Workflow = 21
	SuggestedExisting          Workflow = 22
	AutomaticWithValidation    Workflow = 23
	Questioned                 Workflow = 24
	PendingApprovalRisk        Workflow = 25
	BlockedByRisk              Workflow = 26
	Prolonged                  Workflow = 27
	ApprovedDespiteRisk        Workflow = 116
	GivenByRole                Workflow = 118
)

var workflowNames = map[Workflow]string{
	NoWorkflow: "None", NonConforming: "Non-conforming", RequestedMissingParameters: "Requested, missing parameters",
	PreExisting: "Pre-existing", Requested: "Requested", CalculatedMissing: "Calculated, missing parameters",
	PendingApproval1of1: "Pending approval 1 of 1", PendingApproval1of2: "Pending approval 1 of 2",
	PendingApproval2of2: "Pending approval 2 of 2", PendingApproval1of3: "Pending approval 1 of 3",
	PendingApproval2of3: "Pending approval 2 of 3", PendingApproval3of3: "Pending approval 3 of 3",
	Approved: "Approved", WorkflowDeclined: "Declined", Calculated: "Calculated", WorkflowInactive: "Inactive",
	Cancellation: "Cancellation", SuggestedRole: "Suggested", SuggestedExisting: "Suggested",
	AutomaticWithValidation: "Automatic but with validation", Questioned: "Approved, questioned",
	PendingApprovalRisk: "Pending approval for a risk", BlockedByRisk: "Blocked by a risk", Prolonged: "Prolonged",
	ApprovedDespiteRisk: "Approved despite a risk", GivenByRole: "Given by a role",
}

// Workflows lists the workflow states by their numbers.
func Workflows() []Workflow { return slices.Sorted(maps.Keys(workflowNames)) }

// String names the state as the screens do.
func (w Workflow) String() string { return workflowNames[w] }

// Expected reports whether an assignment in this state is part of what a person
// should have. Found and pre-existing ones count until a person refuses them:
// treating them as absent would delete half a company on the first day.
func (w Workflow) Expected() bool {
	switch w {
	case NonConforming, PreExisting, Approved, Calculated, Questioned, Prolonged, ApprovedDespiteRisk, GivenByRole:
		return true
	}
	return false
}

// Found reports whether synchronization found what no rule gives.
func (w Workflow) Found() bool { return w == NonConforming || w == PreExisting }

// Final reports whether nothing more happens to a request, or to a started
// workflow, in this state.
func (w Workflow) Final() bool {
	switch w {
	case Approved, WorkflowDeclined, Cancellation, WorkflowInactive:
		return true
	}
	return false
}

// Step is the approval step for which a request, or a started workflow, waits in
// this state, and of how many; 0 when it waits for none.
func (w Workflow) Step() (step, of int) {
	switch w {
	case PendingApproval1of1:
		return 1, 1
	case PendingApproval1of2:
		return 1, 2
	case PendingApproval2of2:
		return 2, 2
	case PendingApproval1of3:
		return 1, 3
	case PendingApproval2of3:
		return 2, 3
	case PendingApproval3of3:
		return 3, 3
	}
	return 0, 0
}

// A Period is a span of days; a zero bound is open. To is the last day.
type Period struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Covers reports whether the day of t lies in the period.
func (p Period) Covers(t time.Time) bool { return !p.Begins(t) && !p.Over(t) }

// Begins reports whether the period still lies ahead at t.
func (p Period) Begins(t time.Time) bool { return !p.From.IsZero() && compareDay(t, p.From) < 0 }

// Over reports whether the period is past at t.
func (p Period) Over(t time.Time) bool { return !p.To.IsZero() && compareDay(t, p.To) > 0 }

// compareDay compares the beginning of the day of t with a bound. It is asked of
// every value, and seldom do the two lie so near that the day has to be found.
func compareDay(t, bound time.Time) int {
	switch since := t.Sub(bound); {
	case since < 0:
		return -1
	case since >= schema.Day:
		return 1
	}
	return t.Truncate(schema.Day).Compare(bound)
}

// Meet returns the days that lie in both periods, false when there are none.
func (p Period) Meet(q Period) (Period, bool) {
	if p.From.Before(q.From) {
		p.From = q.From
	}
	if p.To.IsZero() || !q.To.IsZero() && q.To.Before(p.To) {
		p.To = q.To
	}
	return p, p.To.IsZero() || !p.To.Before(p.From)
}

// Without returns what is left before and after another period.
func (p Period) Without(q Period) (left []Period) {
	both, some := p.Meet(q)
	if !some {
		return []Period{p}
	}
	if p.From.Before(both.From) {
		left = append(left, Period{From: p.From, To: both.From.Add(-schema.Day)})
	}
	if !both.To.IsZero() && (p.To.IsZero() || both.To.Before(p.To)) {
		left = append(left, Period{From: both.To.Add(schema.Day), To: p.To})
	}
	return left
}

// A Reason says why something is expected: the rule and the role it came by.
// References are compact; explain expands them and reads the values anew that
// the rule reads.
type Reason struct {
	Rule string       `json:"rule,omitempty"` // how the configuration names the rule line
	Role roles.RoleID `json:"role,omitempty"`
	// With are the parameters with which the owner has that role.
	With Parameters `json:"with,omitempty"`
	// Mark is the fingerprint of the rule line as it was when it gave: when what
	// it gave is lost, it tells a changed rule from a changed person.
	Mark string `json:"mark,omitempty"`
	Note string `json:"note,omitempty"` // "department FIN (inherited from FIN-ACC)"
}

// An Input is one value that a rule reads.
type Input struct {
	Path  string      `json:"path"` // source.department.code
	Value value.Value `json:"value"`
}

// An AssignedRole is somebody having a role, or being offered it, or having
// asked for it: the workflow state says which.
type AssignedRole struct {
	Owner      resources.Ref
	Role       roles.RoleID
	Parameters Parameters // with which it is had: the same role may be had with others too
	Workflow   Workflow
	Period     Period
	Reasons    []Reason
	Since      time.Time // in this workflow state
}

// A RoleDecision is what people settled about an owner and a role: approved
// after a request, denied, kept or refused when it was found. It is an input of
// every evaluation until it is taken back or its period is over.
type RoleDecision struct {
	Owner      resources.Ref
	Role       roles.RoleID
	Parameters Parameters
	Workflow   Workflow // Approved; WorkflowDeclined: a deny; Cancellation: refused
	Period     Period
	// Yields is a part of the period in which the rules' word stands instead: what
	// they give there as well was redundant.
	Yields  Period
	Found   Workflow // what the role was found as, non-conforming or pre-existing; 0: it was not found
	At      time.Time
	By      string
	Why     string
	Request int64 // the request that led to it; 0: none
}

// Spans are the parts of the period in which the decision itself speaks.
func (d RoleDecision) Spans() []Period {
	if d.Yields == (Period{}) {
		return []Period{d.Period}
	}
	return d.Period.Without(d.Yields)
}

// Parameters are the values of dimensions with which a role is had, as one text
// that can be compared and stored: "site=BRU, team=T7", in alphabetical order.
type Parameters string

// ParametersOf writes parameters.
func ParametersOf(values map[roles.DimensionID]string) Parameters {
	parts := make([]string, 0, len(values))
	for d, v := range values {
		if v != "" {
			parts = append(parts, string(d)+"="+v)
		}
	}
	slices.Sort(parts)
	return Parameters(strings.Join(parts, ", "))
}

// Value returns the value of one parameter, "" where it is not set.
func (p Parameters) Value(d roles.DimensionID) string {
	for _, part := range strings.Split(string(p), ", ") {
		if name, v, ok := strings.Cut(part, "="); ok && name == string(d) {
			return v
		}
	}
	return ""
}

// An ExpectedResource is a resource that an owner should have or, with Wanted
// unset, one that is there and should not be.
type ExpectedResource struct {
	Type       roles.ResourceTypeID
	Owner      resources.Ref
	Target     resources.Key // the resource that is there; "" when it is to be created
	Confidence int           // of the match with Target; 100 when there is nothing to doubt
	Wanted     bool
	Found      bool   // nothing gives it: it was found in the system
	Failed     string // the owner's context threw: nothing is known, nothing moves
	Workflow   Workflow
	Period     Period
	Reasons    []Reason
	Review     bool // it is to be created for a role that was only found
	Items      []ExpectedItem
	// Arguments are computed for the connection that carries the change out.
	Arguments map[string]string
}

// An ExpectedItem is one property value, one link of many, or their absence.
// There are more of them than of anything else: what one of them shares with the
// same item of other owners stands in its Origin, once for all of them.
type ExpectedItem struct {
	*Origin             // never nil
	Wanted  bool        // false: it should not be there
	Review  bool        // only a role that was found gives it: a person says whether it is written
	Value   value.Value // of a scalar; of a single link, the far key as a string
	Period  *Period     // nil: for ever; shared like the origin
}

// An Origin is what an item is of and where it comes from: the rule line that
// gives it and why. It is shared, so nobody changes it.
type Origin struct {
	Property schema.PropertyName
	Link     resources.Key // the far end, for a link of many
	Workflow Workflow
	Reasons  []Reason
	Once     bool
	Compare  value.Comparison
	Failed   string // the rule threw: the message with its position
	Parked   string // what it waits for, such as a link target that is not there
	Doubt    int    // confidence of the match that found it, when below 100; else 0
}

// Lasting is the item's period.
func (x ExpectedItem) Lasting() Period {
	if x.Period == nil {
		return Period{}
	}
	return *x.Period
}

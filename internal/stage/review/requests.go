package review

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// RequestStore is what requests need from the store.
type RequestStore interface {
	stage.Counters
	Resource(ctx context.Context, ref resources.Ref) (resources.Resource, bool, error)
	AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error)
	RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error)
	DecideRoles(ctx context.Context, act journal.Act, list []assignments.RoleDecision, revoke []stage.AssignedRoleKey) error
	Requests(ctx context.Context, f stage.RequestFilter) ([]requests.Request, error)
	RequestSeats(ctx context.Context, list []requests.Request) (map[requests.RequestID][]requests.Seat, error)
	SaveRequest(ctx context.Context, act journal.Act, x stage.RequestChange) error
	AddDue(ctx context.Context, list []stage.Due) error
	RuleClocks(ctx context.Context, marks []string, now time.Time) (map[string]time.Time, error)
}

// A RequestDesk is where people ask for roles and decide what others asked for.
// Each act is one transaction with its journal entry.
type RequestDesk struct {
	Store RequestStore
	Model *roles.Model
	// Standing reads an owner's context; Named finds what bears a text as key or identifier.
	Standing func(ctx context.Context, owner resources.Ref) (requests.Standing, error)
	Named    func(ctx context.Context, t schema.EntityType, text string) ([]resources.Key, error)
	// Found decides on a role that was found, as somebody at the desk.
	Found func(ctx context.Context, as journal.Actor, c RoleChoice) error
	Clock func() time.Time
	// Moment is what the time in a state is measured by: the clock, or the day on
	// which rules are judged where one was named.
	Moment func() time.Time
	Actor  journal.Actor
}

// Asked is what somebody asks for.
type Asked struct {
	Owner      resources.Ref
	Role       roles.RoleID
	Action     requests.Action
	Parameters map[roles.DimensionID]string
	Period     assignments.Period
	Why        string
}

// situation is what an act has to know about an owner and a role.
type situation struct {
	role     roles.Role
	owner    resources.Resource
	standing requests.Standing
	had      []assignments.AssignedRole // of this role
	decided  []assignments.RoleDecision // about this role, whose days are not over
}

func (d *RequestDesk) day() time.Time { return d.Moment().UTC().Truncate(schema.Day) }

// look loads the situation. What is no longer there is fault.NotFound.
func (d *RequestDesk) look(ctx context.Context, owner resources.Ref, id roles.RoleID) (s situation, err error) {
	role, ok := d.Model.Roles[id]
	if !ok {
		return s, &fault.Error{Kind: fault.NotFound, Op: "request", Msg: fmt.Sprintf("no role %s is declared", id), Do: "the configuration names the roles; `provisor export` shows it"}
	}
	s.role = role
	if role.Entity != owner.Type {
		return s, fault.New(fault.Refused, "request", "%s is a role of a %s, %s is not", id, role.Entity, owner)
	}
	found, there, err := d.Store.Resource(ctx, owner)
	if err != nil {
		return s, err
	}
	if !there {
		return s, fault.New(fault.NotFound, "request", "nobody is known as %s", owner)
	}
	s.owner = found
	if s.standing, err = d.Standing(ctx, owner); err != nil {
		return s, err
	}
	had, err := d.Store.AssignedRoles(ctx, &owner)
	if err != nil {
		return s, err
	}
	decided, err := d.Store.RoleDecisions(ctx, &owner)
	for _, a := range had {
		if a.Role == id {
			s.had = append(s.had, a)
		}
	}
	for _, x := range decided {
		if x.Role == id && !x.Period.Over(d.day()) {
			s.decided = append(s.decided, x)
		}
	}
	return s, err
}

// at is how the owner has the role with these parameters, and what was decided.
func (s *situation) at(with assignments.Parameters) (had *assignments.AssignedRole, decided *assignments.RoleDecision) {
	for i := range s.had {
		if s.had[i].Parameters == with {
			had = &s.had[i]
		}
	}
	for i := range s.decided {
		if s.decided[i].Parameters == with {
			decided = &s.decided[i]
		}
	}
	return had, decided
}

// gone says why the owner can have nothing now; "" when it can.
func gone(s requests.Standing, day time.Time) string {
	switch {
	case s.Excluded:
		return "the context leaves the owner out"
	case s.Period.Over(day):
		return "the owner's time ended on " + s.Period.To.Format(time.DateOnly)
	}
	return ""
}

// Ask notes a request. The next round processes it.
func (d *RequestDesk) Ask(ctx context.Context, x Asked) (requests.Request, error) {
	s, err := d.look(ctx, x.Owner, x.Role)
	if err != nil {
		return requests.Request{}, err
	}
	if why := gone(s.standing, d.day()); why != "" {
		return requests.Request{}, fault.New(fault.Refused, "request", "nothing can be asked for %s: %s", x.Owner, why)
	}
	with, err := d.parameters(ctx, s.role, x.Parameters)
	if err != nil {
		return requests.Request{}, err
	}
	r := requests.Request{
		Owner: x.Owner, Role: x.Role, Action: x.Action, Parameters: assignments.ParametersOf(with), Period: x.Period, Why: x.Why,
		By: d.Actor.String(), At: d.Moment(), Since: d.Moment(),
	}
	if err := d.fits(&r, &s); err != nil {
		return requests.Request{}, err
	}
	missing := missingParameters(s.role, r.Parameters)
	if r.Action != requests.Add {
		missing = nil // it is about what is had, parameters and all
	}
	for _, id := range missing {
		r.Remark("it waits for its parameter %s%s", id, stands(s.standing.Places[id]))
	}
	if r.State, err = requests.Next(r.State, requests.Ask, requests.Facts{Complete: len(missing) == 0}); err != nil {
		return r, err
	}
	open, err := d.Store.Requests(ctx, stage.RequestFilter{Owner: &r.Owner, Open: true})
	if err != nil {
		return r, err
	}
	for i := range open {
		if open[i].Role == r.Role && open[i].Parameters == r.Parameters {
			return r, stage.AlreadyAsked("request", open[i].ID, &r)
		}
	}
	id, err := d.Store.Reserve(ctx, stage.RequestCounter, 1)
	if err != nil {
		return r, err
	}
	r.ID = requests.RequestID(id)
	err = d.Store.SaveRequest(ctx, d.act("request "+string(r.Action), &r, r.Why), stage.RequestChange{Request: r, Due: d.due()})
	r.Version++
	return r, err
}

// stands suggests values for a parameter: where the owner stands.
func stands(places []resources.Key) string {
	if len(places) == 0 {
		return ""
	}
	names := make([]string, len(places))
	for i, key := range places {
		names[i] = string(key)
	}
	return "; its owner stands in " + strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), ", ")
}

// fits checks the request against what the owner has, and cuts its days.
func (d *RequestDesk) fits(r *requests.Request, s *situation) error {
	if r.Parameters == "" && r.Action != requests.Add {
		if err := s.onlyWay(r); err != nil {
			return err
		}
	}
	had, decided := s.at(r.Parameters)
	if err := requestable(r, s.role, had, decided); err != nil {
		return err
	}
	what := requests.With(r.Role, r.Parameters)
	refuse := func(do, format string, args ...any) error {
		return &fault.Error{Kind: fault.Refused, Op: "request", Msg: fmt.Sprintf(format, args...), Do: do}
	}
	has := had != nil && had.Workflow.Expected()
	denied := decided != nil && decided.Workflow == assignments.WorkflowDeclined
	approved := decided != nil && decided.Workflow == assignments.Approved
	switch r.Action {
	case requests.Add:
		if (has || approved) && !denied && (had == nil || had.Workflow != assignments.Prolonged && !had.Workflow.Found()) {
			return refuse("`provisor request extend` moves its end; `provisor person show` shows what is had", "%s has %s already", r.Owner, what)
		}
	case requests.Deny:
		if denied {
			return refuse("`provisor request remove` takes the deny back", "%s is denied %s already", r.Owner, what)
		}
		if r.Period.From.Before(d.day()) {
			r.Period.From = d.day()
		}
		return backwards(r)
	case requests.Remove:
		if !has && !approved && !denied {
			return refuse("`provisor person show` shows what is had", "%s has not %s", r.Owner, what)
		}
		return nil
	case requests.Extend:
		if !approved {
			return refuse("its end is that of the rule, or of whoever has it", "%s was not approved for %s, so there is no end to move", what, r.Owner)
		}
		if decided.Period.To.IsZero() {
			return refuse("", "%s has %s for as long as %s is here", r.Owner, what, r.Owner)
		}
	}
	return d.cut(r, s, decided)
}

// cut brings the days of what is to be had within what is allowed.
func (d *RequestDesk) cut(r *requests.Request, s *situation, decided *assignments.RoleDecision) error {
	if err := backwards(r); err != nil {
		return err
	}
	p, remarks, ok := requests.Fit(r.Period, d.day(), s.role.MaxDuration, s.standing.Period)
	if !ok {
		return fault.New(fault.Refused, "request", "nothing is left of the days asked for: %s", strings.Join(remarks, "; "))
	}
	r.Period, r.Remarks = p, append(r.Remarks, remarks...)
	if r.Action == requests.Extend && !p.To.IsZero() && !p.To.After(decided.Period.To) {
		return fault.New(fault.Refused, "request", "it ends on %s already, and may end on %s at most", decided.Period.To.Format(time.DateOnly), p.To.Format(time.DateOnly))
	}
	return nil
}

// backwards refuses days of which the last comes before the first.
func backwards(r *requests.Request) error {
	if !r.Period.To.IsZero() && r.Period.To.Before(r.Period.From) {
		return fault.New(fault.Invalid, "request", "it would end on %s, before it begins", r.Period.To.Format(time.DateOnly))
	}
	return nil
}

// onlyWay takes the parameters of the one way in which the role is had.
func (s *situation) onlyWay(r *requests.Request) error {
	ways := map[assignments.Parameters]bool{}
	for _, a := range s.had {
		if a.Workflow.Expected() || a.Workflow == assignments.WorkflowDeclined {
			ways[a.Parameters] = true
		}
	}
	for _, x := range s.decided {
		if x.Workflow != assignments.Cancellation {
			ways[x.Parameters] = true
		}
	}
	if ways[""] || len(ways) == 0 || r.Action == requests.Deny {
		return nil
	}
	list := slices.Sorted(maps.Keys(ways))
	if len(list) > 1 {
		return &fault.Error{Kind: fault.Invalid, Op: "request", Msg: fmt.Sprintf("%s has %s in %d ways: %q", r.Owner, r.Role, len(list), list), Do: "name the one that is meant with --parameter"}
	}
	r.Parameters = list[0]
	return nil
}

// requestable refuses what nobody may ask for. What a rule offers to the owner
// may be asked for although the role cannot be requested otherwise, and what was
// decided about it may be changed.
func requestable(r *requests.Request, role roles.Role, had *assignments.AssignedRole, decided *assignments.RoleDecision) error {
	if role.Approval != "" && role.Approval != roles.NotRequestable {
		return nil
	}
	if r.Action == requests.Add && had != nil && offered(had.Workflow) || decided != nil && (r.Action == requests.Remove || r.Action == requests.Extend) {
		return nil
	}
	return &fault.Error{
		Kind: fault.Refused, Op: "request", Msg: fmt.Sprintf("the role %s cannot be requested", role.ID),
		Do: "its approval in the configuration says how many steps a request passes: none, one, two or three",
	}
}

func offered(w assignments.Workflow) bool {
	return w == assignments.SuggestedRole || w == assignments.SuggestedExisting || w == assignments.AutomaticWithValidation
}

// parameters finds what the values of parameters name.
func (d *RequestDesk) parameters(ctx context.Context, role roles.Role, given map[roles.DimensionID]string) (map[roles.DimensionID]string, error) {
	with := map[roles.DimensionID]string{}
	for _, id := range slices.Sorted(maps.Keys(given)) {
		if _, ok := role.Parameters[id]; !ok {
			return nil, &fault.Error{
				Kind: fault.Invalid, Op: "request", Msg: fmt.Sprintf("the role %s has no parameter %s", role.ID, id),
				Do: fmt.Sprintf("its parameters are %q", slices.Sorted(maps.Keys(role.Parameters))),
			}
		}
		entity := d.Model.Dimensions[id].Entity
		found, err := d.Named(ctx, entity, given[id])
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, fault.New(fault.NotFound, "request", "%d resources of type %s, not one, bear the name %q", len(found), entity, given[id])
		}
		with[id] = string(found[0])
	}
	return with, nil
}

// missingParameters are the required ones that have no value.
func missingParameters(role roles.Role, with assignments.Parameters) (missing []roles.DimensionID) {
	for _, id := range slices.Sorted(maps.Keys(role.Parameters)) {
		if role.Parameters[id] && with.Value(id) == "" {
			missing = append(missing, id)
		}
	}
	return missing
}

func (d *RequestDesk) due() []stage.Due {
	return []stage.Due{{What: stage.RoundJob, NotBefore: d.Clock()}}
}

func (d *RequestDesk) act(name string, r *requests.Request, why string) journal.Act {
	return journal.Act{Actor: d.Actor, Name: name, Subject: r.String(), Why: why, At: d.Clock()}
}

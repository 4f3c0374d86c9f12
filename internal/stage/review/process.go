package review

import (
	"context"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// Processed says what a round did with requests and with what rules offer.
type Processed struct {
	Open      int `json:"open,omitempty"`      // requests that wait for somebody now
	Moved     int `json:"moved,omitempty"`     // requests that went on, or lapsed
	Automated int `json:"automated,omitempty"` // decided because nobody did in time
	Stuck     int `json:"stuck,omitempty"`     // requests that nobody can decide
}

// Process takes requests on before an evaluation, so that what is settled here
// has its effect in the same round: new ones enter their first step, those that
// can no longer be had lapse, and automation rules decide what waited too long.
// What a person changes meanwhile is left to the next round.
func (d *RequestDesk) Process(ctx context.Context) (Processed, error) {
	var out Processed
	rules, known, err := d.automation(ctx)
	if err != nil {
		return out, err
	}
	open, err := d.Store.Requests(ctx, stage.RequestFilter{Open: true})
	if err != nil {
		return out, err
	}
	seats, err := d.Store.RequestSeats(ctx, open)
	if err != nil {
		return out, err
	}
	p := d.panels()
	asked := map[stage.AssignedRoleKey]bool{}
	for _, r := range open {
		asked[stage.AssignedRoleKey{Owner: r.Owner, Role: r.Role, Parameters: r.Parameters}] = true
		before := r
		automated, err := d.process(ctx, p, &r, seats[r.ID], rules, known)
		if fault.KindOf(err) == fault.Conflict {
			continue
		}
		if err != nil {
			return out, err
		}
		if automated {
			out.Automated++
		} else if r.State != before.State {
			out.Moved++
		}
		if r.Open() {
			out.Open++
		}
		if r.Stuck != "" {
			out.Stuck++
		}
	}
	n, err := d.offers(ctx, rules, known, asked)
	out.Automated += n
	return out, err
}

// automation prepares the rules: the values that they match as keys, and since
// when each is deployed.
func (d *RequestDesk) automation(ctx context.Context) (*roles.Model, map[string]time.Time, error) {
	m := *d.Model
	m.Automation = slices.Clone(m.Automation)
	marks := make([]string, len(m.Automation))
	for i := range m.Automation {
		rule := &m.Automation[i]
		marks[i] = rule.Mark
		match := make(map[roles.DimensionID]string, len(rule.Match))
		for id, text := range rule.Match {
			match[id] = text
			found, err := d.Named(ctx, m.Dimensions[id].Entity, text)
			if err != nil {
				return nil, nil, err
			}
			if len(found) == 1 {
				match[id] = string(found[0])
			}
		}
		rule.Match = match
	}
	known, err := d.Store.RuleClocks(ctx, marks, d.Moment())
	return &m, known, err
}

// process takes one request on and stores it where something changed.
func (d *RequestDesk) process(ctx context.Context, p *panels, r *requests.Request, seats []requests.Seat, rules *roles.Model, known map[string]time.Time) (automated bool, err error) {
	before := *r
	s, err := d.look(ctx, r.Owner, r.Role)
	why := ""
	switch kind := fault.KindOf(err); {
	case err == nil:
		if why = gone(s.standing, d.day()); why == "" && r.Period.Over(d.day()) {
			why = "the days asked for are over"
		}
	case kind == fault.NotFound || kind == fault.Refused:
		why = err.Error()
	case kind == fault.Unavailable:
		return false, nil // nothing is known of the owner now, so nothing moves
	default:
		return false, err
	}
	if why != "" {
		if err := d.move(r, requests.Lapse, requests.Facts{}); err != nil {
			return false, err
		}
		r.Stuck = ""
		r.Remark("%s", why)
		return false, d.Store.SaveRequest(ctx, d.act("lapse request", r, why), stage.RequestChange{Request: *r})
	}
	x := stage.RequestChange{}
	act := d.act("process request", r, "")
	if r.State == assignments.Requested {
		n := r.Steps(s.role)
		if err := d.move(r, requests.Process, requests.Facts{Free: n == 0, Steps: n}); err != nil {
			return false, err
		}
	}
	if r.State == assignments.RequestedMissingParameters {
		return false, nil
	}
	if err := d.settle(ctx, p, r, &s, &x); err != nil {
		return false, err
	}
	step, _ := r.State.Step()
	waiting := requests.Waiting{Role: s.role, Parameters: r.Parameters, State: r.State, Since: r.Since}
	if rule := requests.Automated(rules, waiting, known, d.Moment()); step > 0 && rule != nil {
		automated = true
		y := requests.Ruling{Approve: rule.Approve, By: automation, Why: rule.Object, How: requests.ByAutomation}
		if err := d.rule(ctx, p, r, &s, y, requests.Facts{Engine: true}, &x); err != nil {
			return false, err
		}
		act = d.act(verdict(rule.Approve)+" request", r, rule.Object)
		act.Actor.As = automation
	}
	if r.State == before.State && r.Stuck == before.Stuck && slices.Equal(x.Reviewers, seats) {
		return automated, nil
	}
	x.Request = *r
	return automated, d.Store.SaveRequest(ctx, act, x)
}

// automation is who decides where nobody did in time.
const automation = "automation"

func verdict(approve bool) string {
	if approve {
		return string(requests.Approve)
	}
	return string(requests.Decline)
}

// offers lets automation rules decide what rules offer and what stays for a time
// of grace or was found, and nobody decided. What is being asked for is left to
// its request.
func (d *RequestDesk) offers(ctx context.Context, rules *roles.Model, known map[string]time.Time, asked map[stage.AssignedRoleKey]bool) (n int, err error) {
	if !slices.ContainsFunc(rules.Automation, func(r roles.AutomationRule) bool { return slices.ContainsFunc(r.States, settles) }) {
		return 0, nil
	}
	list, err := d.Store.AssignedRoles(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, a := range list {
		role, declared := rules.Roles[a.Role]
		if !declared || !settles(int(a.Workflow)) || asked[stage.RoleKeyOf(a)] {
			continue
		}
		waiting := requests.Waiting{Role: role, Parameters: a.Parameters, State: a.Workflow, Since: a.Since}
		rule := requests.Automated(rules, waiting, known, d.Moment())
		if rule == nil {
			continue
		}
		s, err := d.look(ctx, a.Owner, a.Role)
		if kind := fault.KindOf(err); err != nil && (kind == fault.NotFound || kind == fault.Unavailable) {
			continue // the evaluation settles what is gone
		}
		if err != nil {
			return n, err
		}
		if had, decided := s.at(a.Parameters); had == nil || decided != nil && !decided.At.Before(a.Since) {
			continue // decided already, and not evaluated since
		}
		act := journal.Act{Actor: d.Actor, Why: rule.Object, At: d.Clock()}
		act.Actor.As = automation
		if a.Workflow.Found() {
			switch err := d.found(ctx, act.Actor, a, rule); {
			case fault.KindOf(err) == fault.Refused:
				continue // it came by a composite role that was decided just now
			case err != nil:
				return n, err
			}
			n++
			continue
		}
		if err := d.conclude(ctx, act, &s, a, rule.Approve); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// found decides on a role that was found as a person would at the desk, with all
// that follows for its links. A rule is no reviewer of orders: what it takes away
// is reviewed where the resource type asks for it.
func (d *RequestDesk) found(ctx context.Context, as journal.Actor, a assignments.AssignedRole, rule *roles.AutomationRule) error {
	c := RoleChoice{On: orders.Keep, Owner: a.Owner, Role: a.Role, With: a.Parameters, Why: rule.Object}
	if !rule.Approve {
		c.On = orders.Decline
	}
	return d.Found(ctx, as, c)
}

// settles reports whether a person may decide on a role in this state without a request.
func settles(w int) bool {
	switch assignments.Workflow(w) {
	case assignments.SuggestedExisting, assignments.AutomaticWithValidation, assignments.Prolonged, assignments.NonConforming, assignments.PreExisting:
		return true
	}
	return false
}

// Validate settles a role that a rule gives with validation, or that stays for a
// time of grace: validated it is approved, declined it does not come or stay.
func (d *RequestDesk) Validate(ctx context.Context, owner resources.Ref, id roles.RoleID, given map[roles.DimensionID]string, approve bool, why string) (assignments.AssignedRole, error) {
	var none assignments.AssignedRole
	s, err := d.look(ctx, owner, id)
	if err != nil {
		return none, err
	}
	if err := reasoned(verdictOf(approve), s.role.Comments, why); err != nil {
		return none, err
	}
	with, err := d.parameters(ctx, s.role, given)
	if err != nil {
		return none, err
	}
	var found []assignments.AssignedRole
	for _, a := range s.had {
		if at := assignments.ParametersOf(with); validates(a.Workflow) && (at == "" || at == a.Parameters) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return none, &fault.Error{
			Kind: fault.NotFound, Op: "validate", Msg: "nothing, or more than one thing, about this role waits for a validation",
			Do: "`provisor person show` shows what does, and --parameter says which is meant; what a rule merely suggests is asked for with `provisor request add`",
		}
	}
	a := found[0]
	r := requests.Request{Owner: owner, Role: id}
	seats, err := d.panels().seats(ctx, s.role, 1, &s.owner)
	if err != nil {
		return none, err
	}
	r.State = assignments.PendingApproval1of1 // a validation is one step
	if _, err := d.may(&r, s.role, seats); err != nil {
		return none, err
	}
	if err := d.conclude(ctx, journal.Act{Actor: d.Actor, Why: why, At: d.Clock()}, &s, a, approve); err != nil {
		return a, err
	}
	return a, d.Store.AddDue(ctx, d.due())
}

func validates(w assignments.Workflow) bool {
	return w == assignments.SuggestedExisting || w == assignments.AutomaticWithValidation || w == assignments.Prolonged
}

// conclude writes the decision on what somebody is offered or keeps.
func (d *RequestDesk) conclude(ctx context.Context, act journal.Act, s *situation, a assignments.AssignedRole, approve bool) error {
	x := assignments.RoleDecision{
		Owner: a.Owner, Role: a.Role, Parameters: a.Parameters, By: act.Actor.String(), Why: act.Why, At: d.Moment(),
	}
	switch {
	case approve:
		x.Workflow, x.Period = assignments.Approved, d.kept(s, a)
	case offered(a.Workflow):
		x.Workflow = assignments.WorkflowDeclined
	default:
		x.Workflow = assignments.Cancellation
	}
	act.Name = map[bool]string{true: "validate", false: "decline"}[approve] + " role"
	act.Subject = requests.With(a.Role, a.Parameters) + " of " + a.Owner.String() + ", " + a.Workflow.String()
	return d.Store.DecideRoles(ctx, act, []assignments.RoleDecision{x}, nil)
}

// kept is the time of what is validated: that of the offer, within what the role
// allows; what stayed for a time of grace, or ends with its owner, ends with him.
func (d *RequestDesk) kept(s *situation, a assignments.AssignedRole) assignments.Period {
	p := a.Period
	if a.Workflow == assignments.Prolonged || p.To.Equal(s.standing.Period.To) {
		p.To = time.Time{}
	}
	if p.From.Before(d.day()) {
		p.From = d.day()
	}
	p, _, _ = requests.Fit(p, d.day(), s.role.MaxDuration, s.standing.Period)
	return p
}

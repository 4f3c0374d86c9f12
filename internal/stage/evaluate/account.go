package evaluate

import (
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// accounts works out whether the owner should have resources of the type, which
// ones they are, and what they should hold.
func (e *evaluation) accounts(c *standing, t *typeRules) {
	c, day := e.early(c, t)
	grants, implied, err := e.entitled(c, t)
	if err != nil {
		for _, a := range e.owned[pairKey{t.ID, c.owner.Ref}] {
			e.result.Resources = append(e.result.Resources, assignments.ExpectedResource{
				Type: t.ID, Owner: c.owner.Ref, Target: a.Target, Confidence: a.Confidence, Workflow: assignments.Calculated,
				Failed: message("resourceTypes."+string(t.ID)+".who", err),
			})
		}
		for _, a := range c.accounts[t.ID] {
			if !a.known { // it is kept nowhere, and yet nobody else gets it
				e.result.again = append(e.result.again, c.owner.Ref)
				e.result.held = append(e.result.held, resources.Ref{Type: schema.EntityType(t.ID), Key: a.Target})
			}
		}
		return
	}
	firm := grants
	if slices.ContainsFunc(grants, func(g granted) bool { return g.workflow.Found() }) {
		firm = slices.DeleteFunc(slices.Clone(grants), func(g granted) bool { return g.workflow.Found() })
	}
	list := c.accounts[t.ID]
	if len(list) == 0 && len(grants) > 0 {
		list = []match{{}} // to be created
	}
	for _, a := range list {
		x := assignments.ExpectedResource{
			Type: t.ID, Owner: c.owner.Ref, Target: a.Target, Confidence: a.Confidence, Workflow: assignments.Calculated,
		}
		given := a.known && !a.Found
		if len(grants) == 0 || len(firm) == 0 && !given && a.Target != "" {
			e.unentitled(c, t, x, given)
			continue
		}
		if implied {
			x.Workflow = assignments.GivenByRole
		}
		if len(firm) == 0 {
			x.Review = a.Target == ""
			e.account(c, t, x, day, a.known, grants)
			continue
		}
		e.account(c, t, x, day, a.known, firm)
	}
}

// account works out what one resource that the owner is entitled to should hold.
func (e *evaluation) account(c *standing, t *typeRules, x assignments.ExpectedResource, day time.Time, known bool, grants []granted) {
	base := union(grants)
	var target *resources.Resource
	if x.Target != "" {
		target, _ = e.World.Record(t.Target, x.Target)
	}
	bindings := c.bindings
	bindings.Target = target
	w := writer{evaluation: e, standing: c, t: t, base: &base, covered: base.Covers(day), day: day, bindings: bindings, target: target}
	x.Items = w.items()
	x.Period = w.span
	x.Reasons = reasonsOf(grants)
	x.Wanted = w.span.Covers(day)
	if x.Wanted && x.Target == "" && base.Over(day) {
		// Values that last beyond the end keep an account; they create none.
		x.Wanted = false
	}
	if !x.Wanted {
		x.Items = nil
		if !known && x.Target == "" {
			return
		}
	}
	x.Arguments = w.arguments()
	e.result.Resources = append(e.result.Resources, x)
}

// early returns the day on which an account is judged, and where the owner stands
// on it: as a rule today. An account that the lead time creates early is created
// with all that its first day gives it, and stays so until that day has come. The
// first day is the account's own: one that stands before its owner's time, by a
// line with such a period, follows the present day from then on.
func (e *evaluation) early(c *standing, t *typeRules) (*standing, time.Time) {
	ahead := t.Provisioning.LeadTime
	if ahead <= 0 || c.excluded {
		return c, e.Day
	}
	// What throws is for the present day to say.
	now, _, err := e.entitled(c, t)
	if err != nil || len(now) > 0 && !e.spanOf(c, t, union(now)).Begins(e.Day) {
		return c, e.Day
	}
	then := e.standingOn(c, e.Day.Add(ahead))
	grants, _, err := e.entitled(then, t)
	if err != nil || len(grants) == 0 {
		return c, e.Day
	}
	first := e.spanOf(then, t, union(grants))
	if !first.Begins(e.Day) || first.Begins(e.Day.Add(ahead)) {
		return c, e.Day
	}
	return e.standingOn(c, first.From), first.From
}

// spanOf is the time of an account, stretched by its lines that move the owner's.
func (e *evaluation) spanOf(c *standing, t *typeRules, base assignments.Period) assignments.Period {
	span := base
	add := func(r *rule) {
		if r.Role != "" || r.Deny || r.Period.Mode == roles.Default {
			return
		}
		if _, ok, err := e.ask(c, r); err == nil && ok {
			span = stretch(span, shift(base, r.Period))
		}
	}
	for _, property := range t.scalars {
		for _, r := range property.rules {
			add(r.rule)
		}
	}
	for _, r := range t.links {
		add(r.rule)
	}
	return span
}

// standingOn is where the owner will stand on a day, as far as is known.
func (e *evaluation) standingOn(c *standing, day time.Time) *standing {
	then := *e
	then.Day, then.result = day, &Result{}
	then.room = room{} // what is known of the owner today is still needed
	ahead := then.standingOf(c.owner)
	then.assignRoles(ahead)
	ahead.accounts = c.accounts
	return ahead
}

// entitled collects what gives the owner the resource: type rules, and role
// rules that need it to be there (implied).
func (e *evaluation) entitled(c *standing, t *typeRules) (grants []granted, implied bool, err error) {
	if c.excluded || e.deniedAccount(c, t) {
		return nil, false, nil
	}
	grants, err = e.decide(c, t.who)
	if err != nil || len(grants) > 0 || e.denies(c, t.who) {
		return grants, false, err
	}
	for _, r := range t.impliers {
		g, ok, err := e.ask(c, r)
		if err != nil {
			return nil, false, err
		}
		if ok {
			grants = append(grants, g)
		}
	}
	return grants, true, nil
}

// deniedAccount reports whether a person denied the owner the resource itself.
func (e *evaluation) deniedAccount(c *standing, t *typeRules) bool {
	return slices.ContainsFunc(e.Decided[c.owner.Ref], func(d assignments.RoleDecision) bool {
		return d.Role == roles.AccountRole(t.ID) && d.Workflow == assignments.WorkflowDeclined && d.Period.Covers(e.Day)
	})
}

// denies reports whether a denying type rule holds: then no role implies the account.
func (e *evaluation) denies(c *standing, who []*rule) bool {
	for _, r := range who {
		if !r.Deny {
			continue
		}
		if _, ok, err := e.ask(c, r); err == nil && ok {
			return true
		}
	}
	return false
}

// unentitled says of an account that no rule gives: that it is to go, if a rule
// gave it before, or that it was found; then with the links that found roles
// explain, because the decision on those roles is a decision on the links.
func (e *evaluation) unentitled(c *standing, t *typeRules, x assignments.ExpectedResource, given bool) {
	switch {
	case given:
		x.Reasons = []assignments.Reason{{Note: "no rule gives it any more"}}
	case x.Target != "":
		x.Found, x.Workflow = true, e.foundAs(x.Type)
		x.Reasons = []assignments.Reason{{Note: "found in the system; no rule gives it"}}
		if target, there := e.World.Record(t.Target, x.Target); there && len(c.roles) > 0 {
			w := writer{evaluation: e, standing: c, t: t, base: &c.period, covered: c.period.Covers(e.Day), day: e.Day, target: target}
			x.Items = slices.DeleteFunc(w.links(nil), func(it assignments.ExpectedItem) bool { return !it.Wanted || !it.Workflow.Found() })
		}
	default:
		return
	}
	e.result.Resources = append(e.result.Resources, x)
}

// writer computes the items of one account.
type writer struct {
	*evaluation
	standing *standing
	t        *typeRules
	base     *assignments.Period // what the rules that give the account say
	span     assignments.Period  // base, stretched to hold its values
	covered  bool                // base covers the day
	day      time.Time
	bindings expression.Bindings
	target   *resources.Resource
}

// items computes every value and link of the account, and the span that holds them.
func (w *writer) items() []assignments.ExpectedItem {
	w.span = *w.base
	items := make([]assignments.ExpectedItem, 0, len(w.t.scalars)+len(w.t.links))
	for i := range w.t.scalars {
		items = w.scalar(items, &w.t.scalars[i])
	}
	return w.links(items)
}

// lasting keeps the period of an item: nearly always the account's own.
func (w *writer) lasting(p assignments.Period) *assignments.Period {
	if p == *w.base {
		return w.base
	}
	own := p // only this one lives on
	return &own
}

// today reports whether a period covers the day.
func (w *writer) today(p *assignments.Period) bool {
	if p == w.base {
		return w.covered
	}
	return p.Covers(w.day)
}

// origin is where an item comes from: as all that the line gives, where it gives
// it for the same reasons.
func origin(shared *assignments.Origin, reasons []assignments.Reason) *assignments.Origin {
	if &shared.Reasons[0] == &reasons[0] {
		return shared
	}
	own := *shared
	own.Reasons = reasons
	return &own
}

// arguments computes what the connection is given beside the values.
func (w *writer) arguments() map[string]string {
	if len(w.t.Provisioning.Arguments) == 0 {
		return nil
	}
	args := make(map[string]string, len(w.t.Provisioning.Arguments))
	for name, x := range w.t.Provisioning.Arguments {
		if v, err := w.eval(x, w.bindings); err == nil {
			args[name] = v.Text()
		}
	}
	if len(args) == 0 {
		return nil
	}
	return args
}

// periodOf is the period of a rule line of this account: measured from the
// account's own, unless a role gives it.
func (w *writer) periodOf(g granted) assignments.Period {
	if g.rule.Role != "" && g.rule.Period.Mode == roles.Default {
		return g.period
	}
	return shift(*w.base, g.rule.Period)
}

package evaluate

import (
	"cmp"
	"slices"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// holder settles, role by role, what one owner has: what rules give, what people
// decided, what was found, and what stays for a time of grace.
type holder struct {
	*evaluation
	standing *standing
	decided  []assignments.RoleDecision
	prior    map[roleKey]assignments.AssignedRole
	// rows are in the order of roles and parameters. They stand where they are
	// handed over, in the room behind those of the owners before.
	rows []assignments.AssignedRole
}

// roleKey names one way of having a role.
type roleKey struct {
	role roles.RoleID
	with assignments.Parameters
}

func (e *evaluation) holder(c *standing) *holder {
	h := &holder{evaluation: e, standing: c, decided: e.Decided[c.owner.Ref], rows: e.result.Roles[len(e.result.Roles):]}
	if prior := e.Prior[c.owner.Ref]; len(prior) > 0 {
		h.prior = make(map[roleKey]assignments.AssignedRole, len(prior))
		for _, a := range prior {
			h.prior[roleKey{a.Role, a.Parameters}] = a
		}
	}
	return h
}

// place finds the row of one way of having a role, or where it would stand.
func (h *holder) place(at roleKey) (int, bool) {
	n := len(h.rows)
	if n > 0 && h.rows[n-1].Role < at.role {
		return n, false // roles are settled in their order, nearly all
	}
	return slices.BinarySearchFunc(h.rows, at, func(a assignments.AssignedRole, at roleKey) int {
		return cmp.Or(compareText(a.Role, at.role), compareText(a.Parameters, at.with))
	})
}

// row returns how the owner has a role in one way, as far as is settled.
func (h *holder) row(at roleKey) (a assignments.AssignedRole, settled bool) {
	i, settled := h.place(at)
	if settled {
		a = h.rows[i]
	}
	return a, settled
}

// put notes how the owner has a role in one way.
func (h *holder) put(a assignments.AssignedRole) {
	i, settled := h.place(roleKey{a.Role, a.Parameters})
	if settled {
		h.rows[i] = a
		return
	}
	h.rows = slices.Insert(h.rows, i, a)
}

// settle works out how the owner has the role and reports whether it has it today.
func (h *holder) settle(role *roles.Role) bool {
	c := h.standing
	if role.Entity != "" && role.Entity != c.owner.Type {
		return false
	}
	grants, err := h.granting(c, role)
	if err != nil {
		h.unknownRole(c, role, err)
		h.keepAsItWas(role)
		return false
	}
	complete := grants[:0]
	for _, g := range grants {
		if incomplete(role, g.parameters) {
			h.has(role.ID, assignments.CalculatedMissing, []granted{g})
			continue
		}
		if !g.workflow.Found() {
			g.workflow = assignments.Calculated
		} else if h.refused(roleKey{role.ID, g.parameters}) {
			continue // the composite was found, and a person refused this part of it
		}
		complete = append(complete, g)
	}
	grants = append(complete, h.approved(role)...)
	grants = h.withoutDenied(role, grants)
	grants = append(grants, h.graced(role, grants)...)
	today := grants
	if slices.ContainsFunc(grants, func(g granted) bool { return !g.period.Covers(h.Day) }) {
		today = slices.DeleteFunc(slices.Clone(grants), func(g granted) bool { return !g.period.Covers(h.Day) })
	}
	if len(grants) == 1 && len(today) == 1 {
		h.has(role.ID, grants[0].workflow, grants)
	} else {
		h.rowsOf(role, grants)
	}
	if len(grants) == 0 {
		h.suggest(role)
	}
	if len(today) == 0 {
		return false
	}
	c.roles[role.ID] = today
	return true
}

// keepAsItWas keeps what is stored of a role of which nothing is known now.
func (h *holder) keepAsItWas(role *roles.Role) {
	for at, a := range h.prior {
		if at.role == role.ID {
			h.put(a)
		}
	}
}

// approved is what people approved, within the owner's own period: what was
// asked for beyond its end is cut off, not refused.
func (h *holder) approved(role *roles.Role) (list []granted) {
	for _, d := range h.decided {
		if d.Role != role.ID || d.Workflow != assignments.Approved || incomplete(role, d.Parameters) {
			continue
		}
		if h.standing.period.Over(h.Day) {
			h.result.Ended = append(h.result.Ended, d)
		}
		said := "approved by " + d.By
		if d.Found != 0 {
			said = "found, and kept by " + d.By
		}
		for _, span := range d.Spans() {
			list = append(list, granted{
				parameters: d.Parameters, workflow: assignments.Approved, period: within(span, h.standing.period),
				reasons: because(assignments.Reason{Note: said + why(d)}),
			})
		}
	}
	return list
}

// because makes a list of one reason. It has no room for another: whoever adds
// one to it gets a list of their own.
func because(r assignments.Reason) []assignments.Reason { return []assignments.Reason{r} }

// why is what the person who decided said to explain it.
func why(d assignments.RoleDecision) string {
	if d.Why == "" {
		return ""
	}
	return ": " + d.Why
}

// within cuts a period off where another begins and ends.
func within(p, bounds assignments.Period) assignments.Period {
	if p.From.IsZero() || !bounds.From.IsZero() && p.From.Before(bounds.From) {
		p.From = bounds.From
	}
	if p.To.IsZero() || !bounds.To.IsZero() && p.To.After(bounds.To) {
		p.To = bounds.To
	}
	return p
}

// withoutDenied takes away what a person denied: a deny outranks every rule
// until it is revoked or over.
func (h *holder) withoutDenied(role *roles.Role, grants []granted) []granted {
	for _, d := range h.decided {
		if d.Role != role.ID || d.Workflow != assignments.WorkflowDeclined || !d.Period.Covers(h.Day) {
			continue
		}
		h.put(assignments.AssignedRole{
			Owner: d.Owner, Role: d.Role, Parameters: d.Parameters, Workflow: assignments.WorkflowDeclined, Period: d.Period,
			Reasons: because(assignments.Reason{Note: "denied by " + d.By + why(d)}),
		})
		grants = slices.DeleteFunc(grants, func(g granted) bool { return d.Parameters == "" || d.Parameters == g.parameters })
	}
	return grants
}

// graced is what a rule gave until the rule itself changed or went: it stays for
// the role's time of grace. What is lost because the owner changed goes at once.
func (h *holder) graced(role *roles.Role, grants []granted) (list []granted) {
	if role.GracePeriod == 0 {
		return nil
	}
	for at, a := range h.prior {
		if at.role != role.ID || h.declined(at) || h.refused(at) ||
			slices.ContainsFunc(grants, func(g granted) bool { return g.parameters == at.with && g.period.Covers(h.Day) }) {
			continue
		}
		period := a.Period
		switch {
		case a.Workflow == assignments.Calculated && !h.stillRuled(role, a):
			period.To = h.Day.Truncate(schema.Day).Add(role.GracePeriod)
		case a.Workflow != assignments.Prolonged:
			continue
		}
		list = append(list, granted{parameters: at.with, workflow: assignments.Prolonged, period: period, reasons: because(graceReason(a))})
	}
	slices.SortFunc(list, func(a, b granted) int { return compareText(a.parameters, b.parameters) })
	return list
}

func graceReason(a assignments.AssignedRole) assignments.Reason {
	r := assignments.Reason{Note: "the rule that gave it changed or went; it stays for the time of grace"}
	if len(a.Reasons) > 0 {
		r.Rule, r.Mark, r.Role = a.Reasons[0].Rule, a.Reasons[0].Mark, a.Reasons[0].Role
	}
	return r
}

// stillRuled reports whether a rule that gave the role is what it was: then the
// owner lost the role by its own change.
func (h *holder) stillRuled(role *roles.Role, a assignments.AssignedRole) bool {
	for _, reason := range a.Reasons {
		for i := range role.Assign {
			if reason.Mark != "" && role.Assign[i].Mark == reason.Mark {
				return true
			}
		}
	}
	return false
}

// declined reports whether a person denied one way of having a role.
func (h *holder) declined(at roleKey) bool {
	a, _ := h.row(at)
	return a.Workflow == assignments.WorkflowDeclined
}

// refused reports whether a person refused to let the role stay.
func (h *holder) refused(at roleKey) bool {
	return slices.ContainsFunc(h.decided, func(d assignments.RoleDecision) bool {
		return d.Role == at.role && d.Parameters == at.with && d.Workflow == assignments.Cancellation
	})
}

// suggest notes what rules offer to an owner who does not have it.
func (h *holder) suggest(role *roles.Role) {
	for i := range role.Assign {
		l := role.Assign[i].Line
		if !proposes(l) || l.Deny {
			continue
		}
		g, ok, err := h.holds(h.standing, l)
		if err != nil || !ok || g.period.Over(h.Day) {
			continue // what is offered may be left out; a throwing rule offers nothing
		}
		workflow := assignments.SuggestedRole
		if l.Kind == roles.WithValidation {
			workflow = h.offered(role)
		}
		for _, g := range h.parametrize(h.standing, role, g) {
			if _, told := h.row(roleKey{role.ID, g.parameters}); !told && !h.refused(roleKey{role.ID, g.parameters}) {
				h.has(role.ID, workflow, []granted{g})
			}
		}
	}
}

// offered tells a new person, in whose basket the role lies until somebody
// validates it, from one who merely sees a suggestion.
func (h *holder) offered(role *roles.Role) assignments.Workflow {
	for at, a := range h.prior {
		if at.role == role.ID && a.Workflow == assignments.AutomaticWithValidation {
			return assignments.AutomaticWithValidation
		}
	}
	if h.standing.period.Begins(h.Day) || len(h.prior) == 0 && !h.owners[h.standing.owner.Ref] {
		return assignments.AutomaticWithValidation
	}
	return assignments.SuggestedExisting
}

// rowsOf notes how the owner has the role, each way by itself. What a person
// approved is shown as that, although a rule gives it too.
func (h *holder) rowsOf(role *roles.Role, grants []granted) {
	by := map[assignments.Parameters][]granted{}
	for _, g := range grants {
		if g.period.Covers(h.Day) || g.workflow == assignments.Approved && !g.period.Over(h.Day) {
			by[g.parameters] = append(by[g.parameters], g)
		}
	}
	for _, list := range by {
		strongest := slices.MaxFunc(list, func(a, b granted) int { return cmp.Compare(h.weight(a), h.weight(b)) })
		h.has(role.ID, strongest.workflow, list)
	}
}

// weight orders what speaks for a role by whose word it is shown as: what holds
// today goes before what is to come, a person's word before a rule's, and
// anything before what was merely found.
func (h *holder) weight(g granted) (w int) {
	if g.period.Covers(h.Day) {
		w += 4
	}
	switch {
	case g.workflow == assignments.Approved:
		w += 2
	case !g.workflow.Found():
		w++
	}
	return w
}

// has notes how the owner has a role in the way that all the grants say.
func (h *holder) has(role roles.RoleID, workflow assignments.Workflow, grants []granted) {
	h.put(assignments.AssignedRole{
		Owner: h.standing.owner.Ref, Role: role, Parameters: grants[0].parameters, Workflow: workflow,
		Period: union(grants), Reasons: reasonsOf(grants),
	})
}

// assigned lists the owner's roles, and once more what has just ended: shown
// until the next run, then it is history.
func (h *holder) assigned() []assignments.AssignedRole {
	for at, a := range h.prior {
		if _, still := h.row(at); still || !a.Workflow.Expected() {
			continue
		}
		switch {
		case h.cancelled(at, a):
			a.Workflow = assignments.Cancellation
		case a.Period.Over(h.Day):
			a.Workflow = assignments.WorkflowInactive
		default:
			continue
		}
		h.put(a)
	}
	return h.rows
}

// cancelled reports whether a role ended because a person refused it or the
// composite role that it came by, or because its time of grace is over.
func (h *holder) cancelled(at roleKey, a assignments.AssignedRole) bool {
	if h.refused(at) || a.Workflow == assignments.Prolonged {
		return true
	}
	return slices.ContainsFunc(a.Reasons, func(reason assignments.Reason) bool { return reason.Role != "" && h.cancelledAbove(reason.Role) })
}

// cancelledAbove reports whether a composite role is denied, or ended by a
// person's word or with its time of grace. What came by it ends in the same way.
func (h *holder) cancelledAbove(id roles.RoleID) bool {
	if h.declined(roleKey{role: id}) {
		return true
	}
	for at, a := range h.prior {
		if now, still := h.row(at); at.role == id && (!still || now.Workflow == assignments.Cancellation) && a.Workflow.Expected() && h.cancelled(at, a) {
			return true
		}
	}
	return false
}

func compareText[T ~string](a, b T) int { return cmp.Compare(a, b) }
